"""The library's tables, their migrations, and how its file is opened. SQLite, WAL."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.limits import LIBRARY_VALUE_BYTES

APPLICATION_ID = 0x6A616D73
"""Marks a SQLite file as a library of this program ("jams")."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (  # to version 1
        """CREATE TABLE sessions (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            state TEXT NOT NULL CHECK (state IN ('recording', 'complete', 'recovered')),
            writer TEXT NOT NULL DEFAULT '',
            deleted_at TEXT,
            started_at TEXT NOT NULL,
            length_s REAL NOT NULL DEFAULT 0,
            title TEXT NOT NULL DEFAULT '',
            tempo TEXT NOT NULL,
            bpm REAL NOT NULL,
            meter TEXT NOT NULL,
            tonic INTEGER,
            minor INTEGER,
            style TEXT NOT NULL,
            seed TEXT NOT NULL,
            rating INTEGER NOT NULL DEFAULT 0,
            n_notes INTEGER NOT NULL DEFAULT 0,
            n_bars INTEGER NOT NULL DEFAULT 0,
            words TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX sessions_by_date ON sessions (started_at)",
        """CREATE TABLE tags (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            tag TEXT NOT NULL,
            PRIMARY KEY (session_id, tag)) WITHOUT ROWID""",
        """CREATE TABLE notes (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            note_id INTEGER NOT NULL,
            pitch INTEGER NOT NULL,
            velocity INTEGER NOT NULL,
            start_s REAL NOT NULL,
            end_s REAL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE pedals (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            down INTEGER NOT NULL,
            channel INTEGER NOT NULL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE frames (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            frame INTEGER NOT NULL,
            melody INTEGER NOT NULL,
            chord INTEGER NOT NULL,
            PRIMARY KEY (session_id, frame)) WITHOUT ROWID""",
        """CREATE TABLE plans (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            made_at_frame INTEGER NOT NULL,
            start_frame INTEGER NOT NULL,
            committed_until_frame INTEGER NOT NULL,
            compute_s REAL NOT NULL,
            predictor TEXT,
            kept INTEGER NOT NULL,
            data BLOB NOT NULL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE settings (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE counters (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            data TEXT NOT NULL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE moments (
            id INTEGER PRIMARY KEY,
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            at_s REAL NOT NULL,
            kind TEXT NOT NULL,
            text TEXT NOT NULL DEFAULT '')""",
        "CREATE INDEX moments_of ON moments (session_id, at_s)",
        """CREATE TABLE takes (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            take_id INTEGER NOT NULL,
            name TEXT NOT NULL,
            kind TEXT NOT NULL,
            settings TEXT NOT NULL,
            seed TEXT NOT NULL,
            chords BLOB,
            PRIMARY KEY (session_id, take_id)) WITHOUT ROWID""",
        """CREATE TABLE take_notes (
            session_id INTEGER NOT NULL,
            take_id INTEGER NOT NULL,
            seq INTEGER NOT NULL,
            part TEXT NOT NULL,
            pitch INTEGER NOT NULL,
            velocity INTEGER NOT NULL,
            start_frame REAL NOT NULL,
            end_frame REAL,
            PRIMARY KEY (session_id, take_id, seq),
            FOREIGN KEY (session_id, take_id) REFERENCES takes ON DELETE CASCADE)
            WITHOUT ROWID""",
    ),
    (  # to version 2: a deleted take can be brought back
        "ALTER TABLE takes ADD COLUMN deleted_at TEXT",
    ),
    (  # to version 3: chord symbols and key signature of a file that was imported, as JSON
        "ALTER TABLE takes ADD COLUMN notation TEXT NOT NULL DEFAULT ''",
    ),
    (  # to version 4: songs with their versions; which were played, and who said the chords
        """CREATE TABLE songs (
            id INTEGER PRIMARY KEY AUTOINCREMENT,
            deleted_at TEXT,
            changed_at TEXT NOT NULL,
            version INTEGER NOT NULL DEFAULT 0,
            title TEXT NOT NULL,
            about TEXT NOT NULL,
            words TEXT NOT NULL)""",
        """CREATE TABLE song_versions (
            song_id INTEGER NOT NULL REFERENCES songs ON DELETE CASCADE,
            version INTEGER NOT NULL,
            text TEXT NOT NULL,
            PRIMARY KEY (song_id, version)) WITHOUT ROWID""",
        """CREATE TABLE played_songs (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            first_bar INTEGER NOT NULL,
            text TEXT,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
        """CREATE TABLE sources (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            frame INTEGER NOT NULL,
            source TEXT NOT NULL,
            PRIMARY KEY (session_id, frame)) WITHOUT ROWID""",
    ),
    (  # to version 5: what the player moved besides keys and the sustain pedal
        """CREATE TABLE expression (
            session_id INTEGER NOT NULL REFERENCES sessions ON DELETE CASCADE,
            seq INTEGER NOT NULL,
            at_s REAL NOT NULL,
            kind TEXT NOT NULL,
            number INTEGER NOT NULL,
            value INTEGER NOT NULL,
            channel INTEGER NOT NULL,
            PRIMARY KEY (session_id, seq)) WITHOUT ROWID""",
    ),
    (  # to version 6: what was practised, a line for each session, which it outlives
        """CREATE TABLE practised (
            session_id INTEGER PRIMARY KEY,
            day TEXT NOT NULL,
            song TEXT NOT NULL,
            seconds REAL NOT NULL,
            notes INTEGER NOT NULL,
            late_ms REAL,
            within_ms REAL,
            chord_tones REAL,
            outside REAL,
            deleted INTEGER NOT NULL DEFAULT 0)""",
    ),
    (  # to version 7: how each level of a take was made, as JSON
        "ALTER TABLE takes ADD COLUMN made TEXT NOT NULL DEFAULT ''",
    ),
    (  # to version 8: how the notes of a melody were played that was practised
        "ALTER TABLE practised ADD COLUMN wanted INTEGER",
        "ALTER TABLE practised ADD COLUMN missed INTEGER",
        "ALTER TABLE practised ADD COLUMN wrong INTEGER",
        "ALTER TABLE practised ADD COLUMN added INTEGER",
    ),
)
VERSION = len(MIGRATIONS)
TABLES = (
    "tags",
    "notes",
    "pedals",
    "expression",
    "frames",
    "plans",
    "settings",
    "counters",
    "moments",
    "takes",
    "take_notes",
    "played_songs",
    "sources",
)
"""Those that hold what belongs to a session, by its `session_id`."""
_STEPS_AT_LEAST, _STEPS_A_BYTE, _STEPS_A_LOOK = 5_000_000, 20, 100_000
"""Of SQLite's machine, in reading a whole library once: two or three a byte are usual."""
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


class Damaged(JamError):
    """The file is no library any more; what of it can be read is for `check` to save."""


def is_damage(error: sqlite3.Error) -> bool:
    """True when the file itself is broken, not when it is full, locked or read-only."""
    code = getattr(error, "sqlite_errorcode", None)
    if code is None:  # of Python's own: a text of ours that is no text any more
        return "Could not decode to UTF-8" in str(error)
    return code & 0xFF in _DAMAGED


@contextmanager
def said_of(path: Path) -> Iterator[None]:
    """Errors of SQLite inside become JamError (Damaged), one line with the file's name."""
    try:
        yield
    except sqlite3.Error as error:
        raise (Damaged if is_damage(error) else JamError)(f"{path}: {reason(error)}") from None


def reason(error: BaseException) -> str:
    """An error of SQLite or of the system in plain words."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    words = {
        sqlite3.SQLITE_FULL: "the disk is full",
        sqlite3.SQLITE_READONLY: "it can't be written to (read-only)",
        sqlite3.SQLITE_BUSY: "it is locked by another program",
        sqlite3.SQLITE_LOCKED: "it is locked by another program",
        sqlite3.SQLITE_CANTOPEN: "it can't be opened",
        sqlite3.SQLITE_IOERR: "the disk can't be written to or read",
        sqlite3.SQLITE_CORRUPT: "the file is damaged",
        sqlite3.SQLITE_NOTADB: "not a library of sessions, or damaged",
    }
    return words.get(code) or getattr(error, "strerror", None) or str(error)


def connect(path: Path, wait_s: float = 2.0) -> sqlite3.Connection:
    """Open a library, made where there is none, brought to the present version.

    May be used from any thread, by one at a time. `wait_s`: so long it waits for another
    program's lock. Raises Damaged, BadInput (another program's file), or JamError: read-only,
    locked, or written by a newer version.
    """
    with suppress(OSError):  # a new one is its user's alone; its journals are made like it
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    with said_of(path):
        connection = _open(path, "mode=rwc", wait_s)
        try:
            _prepare(connection, path)
            connection.execute("PRAGMA journal_mode = WAL")
            if _identity(connection)[1] < VERSION:
                migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection


def connect_to_read(path: Path, wait_s: float = 2.0) -> sqlite3.Connection:
    """Open a library only to look at it, also where nothing can be written. Raises as `connect`."""
    with said_of(path):
        for mode in ("mode=ro", "mode=ro&immutable=1"):
            connection = _open(path, mode, wait_s)
            try:
                _prepare(connection, path)
                if _identity(connection)[1] < VERSION:
                    raise JamError(f"{path}: can't be read before it can be written to once")
                return connection
            except sqlite3.OperationalError as error:
                connection.close()
                if is_damage(error) or mode != "mode=ro":
                    raise
            except BaseException:
                connection.close()
                raise
        raise AssertionError


def connect_to_save(path: Path) -> sqlite3.Connection:
    """Open what may be a damaged or hostile library, to read of it what can be read.

    Nothing is written, and what a journal beside it asks for isn't done either: a hostile one may
    name any file to be removed. Only tables that are the program's own are left to be read, so
    that no view, virtual table or computed column runs; `missing_tables` names the others. A
    query that takes longer than the file's size can explain (pages that refer to one another in
    a circle) is broken off. Raises BadInput, Damaged or JamError.
    """
    with said_of(path):
        connection = _open(path, "mode=ro", 2.0)
        try:
            _restrict(connection)
            try:
                _identity(connection)
            except sqlite3.OperationalError:  # a journal waits, or nothing can be written beside
                connection.close()
                connection = _open(path, "mode=ro&immutable=1", 2.0)
                _restrict(connection)
            connection.execute("PRAGMA query_only = ON")
            _check_identity(connection, path)
            steps_left = _STEPS_AT_LEAST + _STEPS_A_BYTE * path.stat().st_size

            def go_on() -> bool:
                nonlocal steps_left
                steps_left -= _STEPS_A_LOOK
                return steps_left < 0

            connection.set_progress_handler(go_on, _STEPS_A_LOOK)
            return connection
        except BaseException:
            connection.close()
            raise


def foreign_tables(connection: sqlite3.Connection) -> frozenset[str]:
    """Of the program's tables, those that this file has in another form, or not at all."""
    ours = _schema_of(min(max(_identity(connection)[1], 1), VERSION))
    theirs = {
        name: _plain(sql)
        for type_, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_schema")
        if type_ == "table" and name in ours
    }
    return frozenset(name for name, sql in ours.items() if theirs.get(name) != sql)


@lru_cache
def _schema_of(version: int) -> dict[str, str]:
    """The text of every table of a version, by name."""
    with closing(sqlite3.connect(":memory:")) as connection:
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                connection.execute(statement)
        found = connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'table'")
        return {name: _plain(sql) for name, sql in found if not name.startswith("sqlite_")}


def _plain(sql: object) -> str:
    """The text of a table without what may be written in more than one way."""
    return "".join(str(sql).split()).replace('"', "").casefold()


def _uri(path: Path) -> str:
    """The URI of a file. One slash begins a path in it; two would begin the name of a machine."""
    name = quote(os.fsencode(path))
    return "file:" + ("/" + name.lstrip("/") if name.startswith("/") else name)


def _open(path: Path, mode: str, wait_s: float) -> sqlite3.Connection:
    return sqlite3.connect(
        f"{_uri(path)}?{mode}",
        uri=True,
        timeout=wait_s,
        isolation_level=None,
        check_same_thread=False,
    )


def _restrict(connection: sqlite3.Connection) -> None:
    """What holds for every file, whoever made it."""
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LIBRARY_VALUE_BYTES)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    _restrict(connection)
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA secure_delete = ON")  # what is deleted for good is gone
    # Every commit reaches the disk, so that a power cut takes no more than a kill.
    connection.execute("PRAGMA synchronous = FULL")
    empty = not connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if empty and _identity(connection) == (0, 0):
        return  # a new one
    _check_identity(connection, path)
    runs = "SELECT count(*) FROM sqlite_schema WHERE type IN ('view', 'trigger')"
    if foreign_tables(connection) or connection.execute(runs).fetchone()[0]:
        raise Damaged(f"{path}: its tables are not those of a library")


def _check_identity(connection: sqlite3.Connection, path: Path) -> None:
    owner, version = _identity(connection)
    if owner != APPLICATION_ID or version < 1:
        raise BadInput(f"{path}: not a library of sessions")
    if version > VERSION:
        raise JamError(
            f"{path}: written by a newer version of jam (its format {version}, this"
            f" one reads up to {VERSION})"
        )


def _identity(connection: sqlite3.Connection) -> tuple[int, int]:
    owner = connection.execute("PRAGMA application_id").fetchone()[0]
    return owner, connection.execute("PRAGMA user_version").fetchone()[0]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables from whatever version to the present one, in one transaction."""
    with transaction(connection):
        _, version = _identity(connection)  # another program may have been quicker
        for statements in MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {VERSION}")


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it is written, or nothing."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            with suppress(sqlite3.Error):  # what is said is why it failed in the first place
                connection.execute("ROLLBACK")
        raise


def set_aside(path: Path) -> Path:
    """Rename a library that can't be read, with what belongs to it. Raises OSError."""
    aside = path.with_name(f"{path.stem}-damaged-{date_now():%Y%m%d-%H%M%S}{path.suffix}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).replace(aside.with_name(aside.name + suffix))
    return aside
