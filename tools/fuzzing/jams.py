"""Sessions of any origin: JSON, libraries (SQLite); and the words that users type."""

from __future__ import annotations

import io
import json
import sqlite3
import threading
from contextlib import closing, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from jam.accompaniment import style_named
from jam.cli.console import TypedJam, follow_commands, typed_lines
from jam.errors import BadInput, JamError
from jam.messages.snapshot import Snapshot
from jam.performance.take import chord_chart
from jam.sessions.check import check
from jam.sessions.exports import export, file_name
from jam.sessions.imports import import_file
from jam.sessions.json_file import session_of_json, session_to_json
from jam.sessions.library import Library
from jam.sessions.session import Session, SessionTake
from jam.settings import JamSettings
from tools.fuzzing.mutate import mutate_json
from tools.fuzzing.reader import Reader, as_file

_MAX_EXPORTED_ROWS = 2_000


@cache
def _session() -> Session:
    """Four bars with something of everything."""
    from tools.support.session_parts import made_session, waltz

    session = waltz()
    other = replace(made_session().takes[0].info, id=3, name="Other", kind="re-voiced")
    take = replace(session.takes[0].take, chords=session.takes[0].take.chords[:40])
    return replace(session, takes=(*session.takes, SessionTake(other, take)))


def _use(library: Library, path: Path, indexed: bool = True) -> None:
    """What was imported is listed, found, shown, exported, and read again the same.

    indexed: the words by which sessions are found are the program's own.
    """
    for info in library.sessions():
        session = library.session(info.id)
        words = f"{info.title} {' '.join(info.tags)}".split()
        assert all(word.isprintable() for word in words)
        found = library.sessions(" ".join(words[:3]))
        assert not indexed or info in found, "a session that isn't found"
        chord_chart(session.takes[0].take)
        plain = json.loads(b"".join(session_to_json(session)))
        again = session_of_json(plain)
        assert _content(again) == _content(session), "a session comes back another"
        name = file_name(session, ".mid")
        assert Path(name).name == name and len(name.encode()) < 200
        if len(session.rows) <= _MAX_EXPORTED_ROWS:
            export(session, path.with_name(name))
        library.rename(info.id, info.title)
        library.delete(info.id)


def _content(session: Session) -> tuple[object, ...]:
    return (
        session.tempo_map,
        session.seed,
        session.settings,
        session.notes,
        session.pedals,
        session.expression,
        session.rows,
        session.counters,
        session.moments,
        [(t.info, t.take.chords, sorted(t.take.parts)) for t in session.takes],
    )


def _read_session(data: bytes) -> None:
    with as_file(data, "x.json") as path, Library(path.with_name("library.sqlite3")) as library:
        import_file(library, path)
        _use(library, path)


def _session_seeds() -> list[bytes]:
    session = _session()
    plans = replace(session, plans=session.plans[:6])
    return [b"".join(session_to_json(s)) for s in (plans, replace(plans, notes=()))]


# -- libraries


@cache
def _library_bytes() -> bytes:
    with as_file(b"", "x") as path:
        file = path.with_name("library.sqlite3")
        with Library(file) as library:
            library.add(_session())
            second = library.add(replace(_session(), plans=()))
            library.set_tags(second.id, ["a", "b"])
        with closing(sqlite3.connect(file)) as db:
            db.execute("PRAGMA journal_mode = DELETE")
        return file.read_bytes()


def _read_library(data: bytes) -> None:
    """Imported into the user's own; only what is read strictly comes over."""
    with as_file(data, "theirs.sqlite3") as path, Library(path.with_name("own.sqlite3")) as library:
        told: list[str] = []
        import_file(library, path, tell=told.append)
        assert path.read_bytes() == data, "the file was written to"
        assert all(len(sentence.splitlines()) == 1 for sentence in told)
        _use(library, path)


def _check_library(data: bytes) -> None:
    """As the user's own: looked at, mended, and whole from then on."""
    with as_file(data, "own.sqlite3") as path:
        check(path, repair=True)
        report = check(path)
        assert not report.findings, report.findings
        with Library(path) as library:
            _use(library, path, indexed=False)


_COLUMNS = (
    ("sessions", "title"),
    ("sessions", "tempo"),
    ("sessions", "bpm"),
    ("sessions", "meter"),
    ("sessions", "started_at"),
    ("sessions", "length_s"),
    ("sessions", "tonic"),
    ("sessions", "seed"),
    ("sessions", "rating"),
    ("sessions", "n_bars"),
    ("sessions", "style"),
    ("sessions", "deleted_at"),
    ("tags", "tag"),
    ("notes", "pitch"),
    ("notes", "velocity"),
    ("notes", "start_s"),
    ("notes", "end_s"),
    ("notes", "seq"),
    ("notes", "session_id"),
    ("frames", "frame"),
    ("frames", "melody"),
    ("frames", "chord"),
    ("frames", "session_id"),
    ("plans", "kept"),
    ("plans", "data"),
    ("plans", "start_frame"),
    ("plans", "predictor"),
    ("plans", "compute_s"),
    ("plans", "seq"),
    ("settings", "data"),
    ("settings", "at_s"),
    ("moments", "kind"),
    ("moments", "text"),
    ("moments", "at_s"),
    ("takes", "chords"),
    ("takes", "settings"),
    ("takes", "kind"),
    ("takes", "take_id"),
    ("takes", "name"),
    ("take_notes", "part"),
    ("take_notes", "start_frame"),
    ("take_notes", "end_frame"),
    ("take_notes", "pitch"),
    ("take_notes", "take_id"),
)
_VALUES: tuple[Any, ...] = (
    None,
    "",
    "x",
    b"\0\xff" * 9,
    0,
    -1,
    1,
    127,
    128,
    2**31,
    2**62,
    -(2**63),
    0.5,
    1e308,
    9e999,
    -9e999,
    "nan",
    "\x1b[2J",
    "\u202e",
    "🎹" * 300,
    "[" * 5000,
    "{}",
    "[]",
    '{"bpm": 1e999}',
    "9" * 5000,
    "x" * 70_000,
    "4/0",
    "9999-12-31T23:59:59",
    "0001-01-01T00:00:00",
    b"\x01\0" * 30_000,
)
_ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT"
_STATEMENTS = (
    f"DROP TABLE tags; CREATE VIEW tags AS {_ENDLESS} x AS session_id, 'a' AS tag FROM c",
    f"ALTER TABLE notes RENAME TO n; CREATE VIEW notes AS {_ENDLESS} 1 AS session_id, x AS seq,"
    " x AS note_id, 60 AS pitch, 9 AS velocity, x * 1.0 AS start_s, x + 1.0 AS end_s FROM c",
    "CREATE TRIGGER a AFTER UPDATE ON sessions BEGIN DELETE FROM notes; END",
    f"CREATE TRIGGER a AFTER INSERT ON notes BEGIN INSERT INTO tags {_ENDLESS} x, x FROM c; END",
    "DROP TABLE moments",
    "DROP TABLE frames; CREATE TABLE frames (a, b)",
    "PRAGMA user_version = 99",
    "PRAGMA user_version = -1",
    "PRAGMA user_version = 0",
    "PRAGMA user_version = 1",
    "PRAGMA application_id = 7",
    "DELETE FROM sessions",
    "DELETE FROM settings",
    "DELETE FROM frames WHERE frame = 3",
    "DELETE FROM takes",
    "INSERT INTO frames SELECT session_id, frame + 1000000000, melody, chord FROM frames",
    "INSERT INTO frames SELECT session_id + 1000 * frame, frame, melody, chord FROM frames",
    "CREATE TABLE evil (x); CREATE INDEX i ON notes (pitch)",
    "PRAGMA encoding = 'UTF-16'",
)


def _mutate_library(rng: Random, data: bytes) -> bytes:
    """One value, table or row changed by SQLite itself, so that the file is in order."""
    with as_file(data, "x.sqlite3") as path:
        with closing(sqlite3.connect(path, isolation_level=None)) as db:
            db.execute("PRAGMA foreign_keys = OFF")
            db.execute("PRAGMA ignore_check_constraints = ON")
            if rng.random() < 0.25:
                db.executescript(rng.choice(_STATEMENTS))
            else:
                table, column = rng.choice(_COLUMNS)
                place = f" WHERE {rng.choice(('1', 'abs(random()) % 9 = 0', 'session_id = 1'))}"
                if table == "sessions":
                    place = ""
                value = rng.choice(_VALUES)
                db.execute(f"UPDATE OR IGNORE {table} SET {column} = ?{place}", (value,))
            db.execute("PRAGMA journal_mode = DELETE")
        return path.read_bytes()


# -- words


class _Engine:
    """Takes commands as the real one does, and plays nothing."""

    def __init__(self) -> None:
        self.sent: list[object] = []

    def send(self, command: object) -> None:
        self.sent.append(command)

    def snapshot(self) -> Snapshot | None:
        return None


def _type(data: bytes) -> None:
    """Lines as `jam play` reads them from its input."""
    typed = io.TextIOWrapper(io.BytesIO(data), encoding="utf-8")
    quit_ = threading.Event()
    jam = TypedJam(_Engine(), JamSettings(), 0, quit_)  # type: ignore[arg-type]
    follow_commands(typed_lines(typed), jam, quit_)


_TYPED = (
    b"bpm 120\nmeter 7/8\nstyle bossa\nlookahead 8\ntemperature 0.5\ndensity any\nkey Am\n"
    b"palette maj min7 G7\nsplit C4\nchannel all\nlatency -12\n"
    b"chord-instrument style\nharmony jazz\nbass off\nhelp\n",
    b"in all\nout none\naudio default\nrate 48000\nbuffer 256\npanic\nstop\nstart\ndevices\n",
)
_NUMBERS = (b"nan", b"inf", b"-inf", b"1e999", b"9" * 5000, b"-0", b"0x10", b"1_0", "٣".encode())


def _name(data: bytes) -> None:
    """Any text as a title, a tag, a search, a note beside a moment, and the name of a file."""
    text = data.decode("utf-8", "surrogateescape")
    with as_file(b"", "x") as path, Library(path.with_name("own.sqlite3")) as library:
        library.sessions(text)
        info = library.add(replace(_session(), plans=(), takes=_session().takes[:1]))
        with suppress(BadInput):
            style_named(text)
        library.rename(info.id, text)
        info = library.set_tags(info.id, text.split(","))
        session = library.session(info.id)
        for suffix in (".mid", ".json"):
            name = file_name(session, suffix)
            assert Path(name).name == name and name.isprintable() and not name.startswith(".")
            (written,) = export(session, path.with_name(name))
            assert written.parent == path.parent and written.is_file()
        library.sessions(info.title)
        assert not check(library.path).findings


READERS = (
    Reader(
        "session",
        ".json",
        _session_seeds,
        _read_session,
        mutate=mutate_json,
        seconds=10.0,
        examples=50,
    ),
    Reader(
        "library",
        ".sqlite3",
        lambda: [_library_bytes()],
        _read_library,
        mutate=_mutate_library,
        seconds=15.0,
        examples=10,
    ),
    Reader(
        "own-library",
        ".sqlite3",
        lambda: [_library_bytes()],
        _check_library,
        refusals=(BadInput, JamError),
        mutate=_mutate_library,
        seconds=15.0,
        examples=10,
    ),
    Reader(
        "typed-words",
        ".txt",
        lambda: list(_TYPED),
        _type,
        seconds=10.0,
        examples=60,
        tokens=(
            *_NUMBERS,
            b"key ",
            b"bpm ",
            b"palette ",
            b"meter ",
            b"rate ",
            b"/",
            b"#",
            b"b",
            b"\0",
            "\u202e".encode(),
            b"\xff",
            b"../",
        ),
    ),
    Reader(
        "title",
        ".txt",
        lambda: [b"Blue evening, slow", "Öwl 🎹 <b>".encode(), b"CON"],
        _name,
        examples=12,
        seconds=10.0,
        tokens=(
            b"../",
            b"\0",
            "\u202e".encode(),
            "👨‍👩‍👧".encode(),
            b"%",
            b"*",
            b"NUL",
            b"\\",
            b":",
            b"\xed\xa0\x80",
            "हिन्दी".encode(),
            b". ",
            b"'",
            b'"',
            b";",
            b"/",
        ),
    ),
)
