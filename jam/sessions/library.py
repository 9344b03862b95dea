"""The library: every session of a user in one SQLite file.

A `Library` may be used from any thread; a call that only reads may run beside a jam that is
being recorded by another process. Every method raises JamError (one line, with the file's name)
when the file can't be read or written, BadInput for a session that doesn't exist.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.files import library_path
from jam.limits import SEARCH_WORDS
from jam.music.key import key_of_counted
from jam.performance.take import Take
from jam.sessions import schema, voices
from jam.sessions.excerpt import Excerpt, Outline, read_bars, read_excerpt
from jam.sessions.lock import is_held
from jam.sessions.reading import INFO, Losses, counted_rows, info_of, load_session
from jam.sessions.rows import (
    STATEMENTS,
    Entry,
    bars_of,
    moment_entry,
    session_entries,
    take_entries,
    tempo_to_json,
)
from jam.sessions.session import (
    LIVE_TAKE,
    MAX_RATING,
    Made,
    Moment,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
    TakeKind,
    key_name,
)
from jam.sessions.songs import Songs
from jam.sessions.tape import Opening
from jam.sessions.values import clean_text, one_line, shown_text
from jam.settings import JamSettings

PATIENT_S = 60.0
"""So long who adds to a library waits for others who do: they take their turns."""
KEEP_DELETED_DAYS = 30
"""So long a deleted session can be brought back."""


class Library:
    """Opens the user's library, or that of `path`; made where there is none.

    Where it can't be written to, it is opened for reading (`writable` is False). Raises Damaged,
    BadInput (not a library) or JamError.
    """

    def __init__(
        self, path: Path | None = None, *, read_only: bool = False, wait_s: float = 2.0
    ) -> None:
        try:
            self.path = path or library_path()
        except OSError as error:
            raise JamError(f"sessions folder {error.filename}: {schema.reason(error)}") from None
        self._lock = threading.RLock()
        self.writable = not read_only
        if not read_only:
            try:
                self._db = schema.connect(self.path, wait_s)
                return
            except (schema.Damaged, BadInput):
                raise
            except JamError:
                if not self.path.is_file():
                    raise
                self.writable = False
        self._db = schema.connect_to_read(self.path, wait_s)

    def __enter__(self) -> Library:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # -- looking ------------------------------------------------------------------------------

    def sessions(self, search: str = "", *, deleted: bool = False) -> tuple[SessionInfo, ...]:
        """The sessions, newest first; of those deleted, the ones that can be brought back.

        search: words that must all occur in title, tags, key, style, metre, tempo or date.
        """
        where, values = f"deleted_at IS {'NOT ' if deleted else ''}NULL", []
        for word in one_line(search).casefold().split()[:SEARCH_WORDS]:
            where += " AND instr(words, ?)"
            values.append(word)
        with self._reading():
            found = self._db.execute(
                f"{INFO} WHERE {where} ORDER BY started_at DESC, id DESC", values
            ).fetchall()
            return tuple(info_of(row) for row in found)

    def info(self, session_id: int) -> SessionInfo:
        with self._reading():
            found = self._db.execute(f"{INFO} WHERE id = ?", (session_id,)).fetchone()
            if found is None:
                raise BadInput(f"no session {session_id}")
            return info_of(found)

    def tags(self) -> tuple[str, ...]:
        """Every tag in use, in order."""
        with self._reading():
            return tuple(
                tag
                for (tag,) in self._db.execute(
                    "SELECT DISTINCT tag FROM tags JOIN sessions ON id = session_id"
                    " WHERE deleted_at IS NULL ORDER BY tag"
                )
            )

    def session(self, session_id: int) -> Session:
        """Everything of one session, as it is now. A row that can't be read is named."""
        info = self.info(session_id)
        with self._reading(), self._said_of(session_id):
            return load_session(self._db, info)

    def excerpt(
        self, session_id: int, take_id: int, at_s: float, outline: Outline | None = None
    ) -> Excerpt:
        """What of a session lies around a place, the whole of one that isn't long; see
        `jam.sessions.excerpt`. Of another take than there is, the first."""
        info = self.info(session_id)
        with self._reading(), self._said_of(session_id):
            return read_excerpt(self._db, info, take_id, at_s, outline)

    def bars(self, session_id: int, take_id: int, first_bar: int, last_bar: int) -> Session:
        """What of a session lies around some bars, with the notes of one take; see `excerpt`."""
        info = self.info(session_id)
        with self._reading(), self._said_of(session_id):
            return read_bars(self._db, info, take_id, first_bar, last_bar)

    def take(self, session_id: int, take_id: int) -> SessionTake:
        """One take of a session, and nothing of the rest. Raises BadInput where there is none."""
        with self.stored(session_id) as session:
            for taken in session.takes:
                if taken.info.id == take_id:
                    parts = {part: tuple(notes) for part, notes in taken.take.parts.items()}
                    return replace(taken, take=replace(taken.take, parts=parts))
        raise BadInput(f"session {session_id}: no take {take_id}")

    @contextmanager
    def stored(self, session_id: int) -> Iterator[Session]:
        """A session whose notes and plans are read inside whenever they are gone through, so that
        its length takes no memory. Raises as `session`, wherever it is used."""
        info = self.info(session_id)

        def said(error: Exception) -> JamError:
            if isinstance(error, sqlite3.Error):
                kind = schema.Damaged if schema.is_damage(error) else JamError
                return kind(f"{self.path}: {schema.reason(error)}")
            return self._damaged(session_id, error)

        with self._lock:
            yield load_session(self._db, info, Losses(said=said), stored=True)

    @contextmanager
    def _said_of(self, session_id: int) -> Iterator[None]:
        try:
            yield
        except (ValueError, TypeError, KeyError, AttributeError, BadInput) as error:
            raise self._damaged(session_id, error) from None

    def _damaged(self, session_id: int, error: Exception) -> JamError:
        return JamError(
            f"{self.path}: session {session_id} is damaged ({error});"
            " jam sessions check --repair repairs it"
        )

    @contextmanager
    def salvaged(self, info: SessionInfo) -> Iterator[Session]:
        """As `stored`, a session as far as it can be read."""
        with self._lock:
            yield load_session(self._db, info, Losses(strict=False), stored=True)

    def look_through(self, info: SessionInfo) -> tuple[int, int, tuple[str, ...]]:
        """Read a session through, and keep nothing of it: how many notes and bars it has, and what
        of it can't be read."""
        losses = Losses(strict=False)
        with self._reading():
            session = load_session(self._db, info, losses, stored=True)
            n_notes = sum(1 for _ in session.notes)
            parts = (notes for taken in session.takes for notes in taken.take.parts.values())
            for items in (session.plans, *parts):
                deque(items, maxlen=0)
        bars = bars_of(session.tempo_map, len(session.rows))
        return n_notes, bars, losses.told

    def n_rows(self, session_id: int) -> dict[str, int]:
        """How many rows of a session can be read in each table; of `sessions` it has one."""
        columns = {"sessions": "id", **dict.fromkeys(schema.TABLES, "session_id")}
        with self._reading():
            return {
                table: self._db.execute(
                    f"SELECT count(*) FROM {table} WHERE {column} = ?", (session_id,)
                ).fetchone()[0]
                for table, column in columns.items()
            }

    def checkpoint(self) -> None:
        """What was written goes from the journal to the file itself, as far as nobody reads it and
        the disk has room. Raises sqlite3.Error for a file that is damaged."""
        try:
            with self._lock:
                self._db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:  # it stays in the journal, which is as good
            if schema.is_damage(error):
                raise

    def read_texts(self) -> None:
        """Read the longest texts there are, which lie on pages of their own: a file that was partly
        overwritten by another library may pass SQLite's own check. Raises Damaged."""
        with self._reading():
            for _ in self._db.execute("SELECT data FROM settings"):
                pass

    def orphans(self) -> int:
        """How many rows belong to no session."""
        with self._reading():
            return len(self._db.execute("PRAGMA foreign_key_check").fetchall())

    def remove_orphans(self) -> None:
        with self._writing():
            for table in schema.TABLES:
                self._db.execute(
                    f"DELETE FROM {table} WHERE session_id NOT IN (SELECT id FROM sessions)"
                )
            self._db.execute(
                "DELETE FROM take_notes WHERE (session_id, take_id) NOT IN"
                " (SELECT session_id, take_id FROM takes)"
            )

    def try_to_write(self) -> None:
        """Write what is there already, to know that it can be done. Raises JamError."""
        with self._writing():
            self._db.execute(f"PRAGMA user_version = {schema.VERSION}")

    # -- changing -----------------------------------------------------------------------------

    def rename(self, session_id: int, title: str) -> SessionInfo:
        return self._change(session_id, "title = ?", clean_text(title, "title"))

    def rate(self, session_id: int, rating: int) -> SessionInfo:
        """0 takes the rating away."""
        if not 0 <= rating <= MAX_RATING:
            raise BadInput(f"rating {rating}: must be between 0 and {MAX_RATING}")
        return self._change(session_id, "rating = ?", rating)

    def set_tags(self, session_id: int, tags: Iterable[str]) -> SessionInfo:
        """These and no others."""
        wanted = sorted({tag for t in tags if (tag := clean_text(t, "tag"))})
        with self._writing(session_id):
            self._db.execute("DELETE FROM tags WHERE session_id = ?", (session_id,))
            self._db.executemany(
                "INSERT INTO tags VALUES (?, ?)", [(session_id, tag) for tag in wanted]
            )
            self._index(session_id)
        return self.info(session_id)

    def set_moments(self, session_id: int, moments: Iterable[Moment]) -> None:
        """These and no others."""
        with self._writing(session_id):
            self._db.execute("DELETE FROM moments WHERE session_id = ?", (session_id,))
            self.write(session_id, [moment_entry(moment) for moment in moments])

    def delete(self, session_id: int) -> SessionInfo:
        """Out of the list; `undelete` brings it back for KEEP_DELETED_DAYS days."""
        return self._change(session_id, "deleted_at = ?", date_now().isoformat())

    def undelete(self, session_id: int) -> SessionInfo:
        return self._change(session_id, "deleted_at = ?", None)

    def purge(self, older_than_days: float = KEEP_DELETED_DAYS) -> int:
        """Remove for good what was deleted so long ago; returns how many sessions."""
        before = (date_now() - timedelta(days=older_than_days)).isoformat()
        with self._writing():
            self._db.execute("DELETE FROM takes WHERE deleted_at <= ?", (before,))
            Songs(self._db).purge(before)
            gone = self._db.execute(
                "DELETE FROM sessions WHERE deleted_at <= ? RETURNING started_at", (before,)
            ).fetchall()
        voices.forget(*(voices.file_of(self.path, datetime.fromisoformat(at)) for (at,) in gone))
        return len(gone)

    def add_take(
        self,
        session_id: int,
        name: str,
        kind: TakeKind,
        settings: JamSettings,
        seed: int,
        take: Take,
        made: Iterable[Made] = (),
    ) -> TakeInfo:
        """Keep a take beside the others. Its melody is the session's, unless it is rewritten."""
        with self._unchecked(), self._writing(session_id):
            (take_id,) = self._db.execute(
                "SELECT max(take_id) + 1 FROM takes WHERE session_id = ?", (session_id,)
            ).fetchone()
            info = TakeInfo(take_id, clean_text(name, "name"), kind, settings, seed, tuple(made))
            self.write(session_id, take_entries(info, take))
        return info

    def change_take(self, session_id: int, info: TakeInfo, take: Take) -> None:
        """Write a take anew under its own id. Raises BadInput for the first one, which stays what
        was recorded."""
        if info.id == LIVE_TAKE:
            raise BadInput("the first take of a session can't be changed")
        with self._unchecked(), self._writing(session_id):
            for table in ("take_notes", "takes"):
                self._db.execute(
                    f"DELETE FROM {table} WHERE session_id = ? AND take_id = ?",
                    (session_id, info.id),
                )
            self.write(session_id, take_entries(info, take))

    def rename_take(self, session_id: int, take_id: int, name: str) -> None:
        with self._writing(session_id):
            self._db.execute(
                "UPDATE takes SET name = ? WHERE session_id = ? AND take_id = ?",
                (clean_text(name, "name"), session_id, take_id),
            )

    def delete_take(self, session_id: int, take_id: int) -> None:
        """Out of the session; `undelete_take` brings it back. The first one always stays."""
        if take_id == LIVE_TAKE:
            raise BadInput("the first take of a session can't be deleted")
        self._mark_take(session_id, take_id, date_now().isoformat())

    def undelete_take(self, session_id: int, take_id: int) -> None:
        self._mark_take(session_id, take_id, None)

    def _mark_take(self, session_id: int, take_id: int, deleted_at: str | None) -> None:
        with self._writing(session_id):
            self._db.execute(
                "UPDATE takes SET deleted_at = ? WHERE session_id = ? AND take_id = ?",
                (deleted_at, session_id, take_id),
            )

    def add(self, session: Session) -> SessionInfo:
        """Keep a whole session (imported, or from another library) under a new id."""
        with self._writing():
            session_id = self._add(session, None)
        return self.info(session_id)

    def replace(self, session_id: int, session: Session) -> None:
        """Write a session anew under its own id, or under one that isn't there any more."""
        with self._writing():
            self.forget(session_id)
            self._add(session, session_id)

    def _add(self, session: Session, session_id: int | None) -> int:
        info = session.info
        opening = Opening(session.settings[0][1], session.seed, session.tempo_map)
        session_id = self.begin(opening, info.started_at, info.title, "", session_id)
        self.write(session_id, session_entries(session))
        deleted_at = date_now().isoformat() if info.state == "deleted" else None
        self._db.execute(
            "UPDATE sessions SET rating = ?, deleted_at = ? WHERE id = ?",
            (info.rating, deleted_at, session_id),
        )
        self._db.executemany(
            "INSERT INTO tags VALUES (?, ?)", [(session_id, tag) for tag in info.tags]
        )
        state: State = "recovered" if info.state == "recovered" else "complete"
        self.finish(session_id, state, keep_silent=True)
        return session_id

    # -- songs --------------------------------------------------------------------------------

    @contextmanager
    def songs_read(self) -> Iterator[Songs]:
        """The songs, to be looked at inside."""
        with self._reading():
            yield Songs(self._db)

    @contextmanager
    def songs_written(self) -> Iterator[Songs]:
        """The songs, to be changed inside: all of it is written, or nothing."""
        with self._writing():
            yield Songs(self._db)

    # -- statistics ---------------------------------------------------------------------------

    @contextmanager
    def lines_read(self) -> Iterator[sqlite3.Connection]:
        """The lines of `jam.sessions.practised`, to be looked at inside."""
        with self._reading():
            yield self._db

    @contextmanager
    def lines_written(self) -> Iterator[sqlite3.Connection]:
        """The same, to be changed inside: all of it is written, or nothing."""
        with self._writing():
            yield self._db

    # -- recording: within `transaction` ------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is written whole or not at all. Raises sqlite3.Error."""
        with self._lock, schema.transaction(self._db):
            yield

    def begin(
        self,
        opening: Opening,
        started_at: datetime,
        title: str,
        writer: str,
        session_id: int | None = None,
    ) -> int:
        """A new session, in state "recording"; returns its id."""
        first = opening.tempo_map
        cursor = self._db.execute(
            "INSERT INTO sessions (id, state, writer, started_at, title, tempo, bpm, meter, style,"
            " seed) VALUES (?, 'recording', ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                session_id,
                writer,
                started_at.isoformat(),
                shown_text(title),
                tempo_to_json(first),
                first.bpm_at(0),
                str(first.meter_at(0)),
                opening.settings.accompaniment,
                str(opening.seed),
            ),
        )
        assert cursor.lastrowid is not None
        self._index(cursor.lastrowid)
        return cursor.lastrowid

    def write(self, session_id: int, entries: Iterable[Entry]) -> None:
        """Rows of a tape, in order."""
        for name, values in entries:
            self._db.execute(STATEMENTS[name], (session_id, *values))

    def finish(self, session_id: int, state: State, keep_silent: bool = False) -> bool:
        """The session is over: find its key. False: nothing was played, it is forgotten."""
        (n_notes,) = self._db.execute(
            "SELECT count(*) FROM notes WHERE session_id = ?", (session_id,)
        ).fetchone()
        if not n_notes and not keep_silent:
            self.forget(session_id)
            return False
        key = key_of_counted(counted_rows(self._db, session_id))
        self._db.execute(
            "UPDATE sessions SET state = ?, writer = '', tonic = ?, minor = ? WHERE id = ?",
            (state, key and key[0], key and key[1], session_id),
        )
        self._index(session_id)
        return True

    def recover(self) -> tuple[SessionInfo, ...]:
        """Close the sessions of programs that died while recording; those that were saved."""
        with self._reading():
            open_ = self._db.execute(
                "SELECT id, writer FROM sessions WHERE state = 'recording' ORDER BY id"
            ).fetchall()
        for left in self.path.parent.glob(f"{self.path.name}-*.recording"):
            is_held(self.path, left.name[len(self.path.name) + 1 : -len(".recording")])
        saved = []
        for session_id, writer in open_:
            if is_held(self.path, writer):
                continue
            with self._writing(session_id):
                if self.finish(session_id, "recovered"):
                    saved.append(session_id)
        return tuple(self.info(session_id) for session_id in saved)

    def erase(self, session_id: int) -> None:
        """Remove a session for good, at once, without a trace in the file."""
        with self._writing(session_id):
            self.forget(session_id)
        with self._reading():
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def forget(self, session_id: int) -> None:
        """Remove a session, within `transaction`."""
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    # -- within ---------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, schema.said_of(self.path):
            try:
                yield
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise schema.Damaged(
                    f"{self.path}: it is damaged ({error}); jam sessions check --repair repairs it"
                ) from None

    @contextmanager
    def _unchecked(self) -> Iterator[None]:
        """Notes are written without SQLite's looking, for each, whether there is their take: it
        would read the chords of others every time, which are long in long sessions."""
        with self._lock:
            self._db.execute("PRAGMA foreign_keys = OFF")
            try:
                yield
            finally:
                self._db.execute("PRAGMA foreign_keys = ON")

    @contextmanager
    def _writing(self, session_id: int | None = None) -> Iterator[None]:
        with self._lock, schema.said_of(self.path), schema.transaction(self._db):
            if (
                session_id is not None
                and not self._db.execute(
                    "SELECT count(*) FROM sessions WHERE id = ?", (session_id,)
                ).fetchone()[0]
            ):
                raise BadInput(f"no session {session_id}")
            yield

    def _change(self, session_id: int, what: str, value: Any) -> SessionInfo:
        with self._writing(session_id):
            self._db.execute(f"UPDATE sessions SET {what} WHERE id = ?", (value, session_id))
            self._index(session_id)
        return self.info(session_id)

    def _index(self, session_id: int) -> None:
        """Write down the words by which a session is found."""
        info = info_of(self._db.execute(f"{INFO} WHERE id = ?", (session_id,)).fetchone())
        local = info.started_at.astimezone()
        words = (
            info.title,
            *info.tags,
            key_name(info.key),
            info.style,
            str(info.meter),
            f"{info.bpm:g}",
            f"{local:%Y-%m-%d %H:%M %d %B %Y %A}",
            info.state,
        )
        self._db.execute(
            "UPDATE sessions SET words = ? WHERE id = ?", (" ".join(words).casefold(), session_id)
        )
