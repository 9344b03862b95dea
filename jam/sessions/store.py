"""The library: every session of a user in one SQLite file.

A `Library` may be used from any thread; a call that only reads may run beside a jam that is
being recorded by another process. Every method raises JamError (one line, with the file's name)
when the file can't be read or written, BadInput for a session that doesn't exist.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.grid import Meter, TempoMap
from jam.messages import Counters, PedalEvent, Plan, PlayedNote
from jam.midi_file import PartNote
from jam.paths import library_path
from jam.preferences import settings_from_json
from jam.presence import key_of
from jam.records import Take
from jam.rows import ChordState, Row
from jam.sessions import schema
from jam.sessions.codes import (
    chord_code,
    chord_of_code,
    melody_code,
    melody_of_code,
    pack_chords,
    tempo_of_json,
    tempo_to_json,
    unpack_chords,
    unpack_plan,
)
from jam.sessions.tape import Entry, Opening, frame_entry, plan_entry, settings_text
from jam.sessions.types import (
    LIVE_TAKE,
    MAX_RATING,
    Moment,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
    TakeKind,
    key_name,
)
from jam.settings import JamSettings

KEEP_DELETED_DAYS = 30
"""So long a deleted session can be brought back."""
MAX_TEXT = 200

_STATEMENTS = {
    "note": "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?)",
    "note_end": "UPDATE notes SET end_s = ?3 WHERE session_id = ?1 AND seq = ?2",
    "pedal": "INSERT INTO pedals VALUES (?, ?, ?, ?, ?)",
    "frame": "INSERT INTO frames VALUES (?, ?, ?, ?)",
    "plan": "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "settings": "INSERT INTO settings VALUES (?, ?, ?, ?)",
    "counters": "INSERT INTO counters VALUES (?, ?, ?, ?)",
    "moment": "INSERT INTO moments (session_id, at_s, kind, text) VALUES (?, ?, ?, ?)",
    "take": "INSERT INTO takes (session_id, take_id, name, kind, settings, seed, chords)"
    " VALUES (?, ?, ?, ?, ?, ?, ?)",
    "take_note": "INSERT INTO take_notes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "take_note_end": "UPDATE take_notes SET end_frame = ?4"
    " WHERE session_id = ?1 AND take_id = ?2 AND seq = ?3",
    "tempo": "UPDATE sessions SET tempo = ?2, bpm = ?3, meter = ?4 WHERE id = ?1",
    "progress": "UPDATE sessions SET length_s = ?2, n_notes = ?3, n_bars = ?4 WHERE id = ?1",
}
_INFO = (
    "SELECT id, started_at, length_s, title, bpm, meter, tonic, minor, style, rating,"
    " (SELECT group_concat(tag, char(31)) FROM (SELECT tag FROM tags WHERE session_id = id"
    " ORDER BY tag)), CASE WHEN deleted_at IS NULL THEN state ELSE 'deleted' END,"
    " n_notes, n_bars FROM sessions"
)


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
            raise JamError(f"the folder for sessions: {schema.reason(error)}") from None
        self._lock = threading.RLock()
        self.writable = not read_only
        try:
            self._db = schema.connect(self.path, read_only, wait_s)
        except (schema.Damaged, BadInput):
            raise
        except JamError:
            if read_only or not self.path.is_file():
                raise
            self._db = schema.connect(self.path, True, wait_s)
            self.writable = False

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
        for word in search.casefold().split():
            where += " AND instr(words, ?)"
            values.append(word)
        with self._reading():
            found = self._db.execute(
                f"{_INFO} WHERE {where} ORDER BY started_at DESC, id DESC", values
            ).fetchall()
            return tuple(_info(row) for row in found)

    def info(self, session_id: int) -> SessionInfo:
        with self._reading():
            found = self._db.execute(f"{_INFO} WHERE id = ?", (session_id,)).fetchone()
            if found is None:
                raise BadInput(f"no session {session_id}")
            return _info(found)

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
        with self._reading():
            try:
                return self._load(info)
            except (ValueError, TypeError, KeyError, BadInput) as error:
                raise JamError(f"{self.path}: session {session_id} is damaged: {error}") from None

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
            return self._db.execute(
                "DELETE FROM sessions WHERE deleted_at <= ?", (before,)
            ).rowcount

    def add_take(
        self,
        session_id: int,
        name: str,
        kind: TakeKind,
        settings: JamSettings,
        seed: int,
        take: Take,
    ) -> TakeInfo:
        """Keep a take beside the others. Its melody is the session's."""
        with self._writing(session_id):
            (take_id,) = self._db.execute(
                "SELECT max(take_id) + 1 FROM takes WHERE session_id = ?", (session_id,)
            ).fetchone()
            info = TakeInfo(take_id, clean_text(name, "name"), kind, settings, seed)
            self.write(session_id, take_entries(info, take))
        return info

    def rename_take(self, session_id: int, take_id: int, name: str) -> None:
        with self._writing(session_id):
            self._db.execute(
                "UPDATE takes SET name = ? WHERE session_id = ? AND take_id = ?",
                (clean_text(name, "name"), session_id, take_id),
            )

    def delete_take(self, session_id: int, take_id: int) -> None:
        """Remove a take for good; the one that the session began with stays."""
        if take_id == LIVE_TAKE:
            raise BadInput("the first take of a session can't be deleted")
        with self._writing(session_id):
            self._db.execute(
                "DELETE FROM takes WHERE session_id = ? AND take_id = ?", (session_id, take_id)
            )

    def add(self, session: Session) -> SessionInfo:
        """Keep a whole session (imported, or from another library) under a new id."""
        info = session.info
        with self._writing():
            opening = Opening(session.settings[0][1], session.seed, session.tempo_map, 0.0)
            session_id = self.begin(opening, info.started_at, info.title, "")
            self.write(session_id, session_entries(session))
            self._db.execute("UPDATE sessions SET rating = ? WHERE id = ?",
                             (info.rating, session_id))  # fmt: skip
            self._db.executemany(
                "INSERT INTO tags VALUES (?, ?)", [(session_id, tag) for tag in info.tags]
            )
            state: State = "recovered" if info.state == "recovered" else "complete"
            self.finish(session_id, state, keep_silent=True)
        return self.info(session_id)

    # -- recording: within `transaction` ------------------------------------------------------

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """What is written inside is written whole or not at all. Raises sqlite3.Error."""
        with self._lock, schema.transaction(self._db):
            yield

    def begin(self, opening: Opening, started_at: datetime, title: str, writer: str) -> int:
        """A new session, in state "recording"; returns its id."""
        first = opening.tempo_map
        cursor = self._db.execute(
            "INSERT INTO sessions (state, writer, started_at, title, tempo, bpm, meter, style,"
            " seed) VALUES ('recording', ?, ?, ?, ?, ?, ?, ?, ?)",
            (writer, started_at.isoformat(), title, tempo_to_json(first), first.bpm_at(0),
             str(first.meter_at(0)), opening.settings.accompaniment, str(opening.seed)),
        )  # fmt: skip
        assert cursor.lastrowid is not None
        self._index(cursor.lastrowid)
        return cursor.lastrowid

    def write(self, session_id: int, entries: Iterable[Entry]) -> None:
        """Rows of a tape, in order."""
        for name, values in entries:
            self._db.execute(_STATEMENTS[name], (session_id, *values))

    def finish(self, session_id: int, state: State, keep_silent: bool = False) -> bool:
        """The session is over: find its key. False: nothing was played, it is forgotten."""
        (n_notes,) = self._db.execute(
            "SELECT count(*) FROM notes WHERE session_id = ?", (session_id,)
        ).fetchone()
        if not n_notes and not keep_silent:
            self.forget(session_id)
            return False
        key = key_of(self._rows(session_id))
        self._db.execute(
            "UPDATE sessions SET state = ?, writer = '', tonic = ?, minor = ? WHERE id = ?",
            (state, key and key[0], key and key[1], session_id),
        )
        self._index(session_id)
        return True

    def forget(self, session_id: int) -> None:
        """Remove a session for good, at once."""
        self._db.execute("DELETE FROM sessions WHERE id = ?", (session_id,))

    # -- within ---------------------------------------------------------------------------------

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock, schema.said_of(self.path):
            yield

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
        info = _info(self._db.execute(f"{_INFO} WHERE id = ?", (session_id,)).fetchone())
        local = info.started_at.astimezone()
        words = (
            info.title, *info.tags, key_name(info.key), info.style, str(info.meter),
            f"{info.bpm:g}", f"{local:%Y-%m-%d %H:%M %d %B %Y %A}", info.state,
        )  # fmt: skip
        self._db.execute(
            "UPDATE sessions SET words = ? WHERE id = ?", (" ".join(words).casefold(), session_id)
        )

    def _rows(self, session_id: int) -> tuple[Row, ...]:
        """Rows from frame 0 on. Raises ValueError where one is missing."""
        rows: list[Row] = []
        for frame, melody, chord in self._db.execute(
            "SELECT frame, melody, chord FROM frames WHERE session_id = ? ORDER BY frame",
            (session_id,),
        ):
            if frame != len(rows):
                raise ValueError(f"frame {len(rows)} is missing")
            rows.append(Row(melody_of_code(melody), chord_of_code(chord)))
        return tuple(rows)

    def _of(self, table: str, columns: str, session_id: int) -> Iterator[tuple[Any, ...]]:
        return self._db.execute(
            f"SELECT {columns} FROM {table} WHERE session_id = ? ORDER BY seq", (session_id,)
        )

    def _load(self, info: SessionInfo) -> Session:
        i = info.id
        tempo, seed = self._db.execute(
            "SELECT tempo, seed FROM sessions WHERE id = ?", (i,)
        ).fetchone()
        tempo_map = tempo_of_json(tempo)
        rows = self._rows(i)
        notes = tuple(
            PlayedNote(*values)
            for values in self._of("notes", "note_id, pitch, velocity, start_s, end_s", i)
        )
        pedals = tuple(
            PedalEvent(bool(down), at_s, channel)
            for at_s, down, channel in self._of("pedals", "at_s, down, channel", i)
        )
        return Session(
            info=info,
            tempo_map=tempo_map,
            seed=int(seed),
            settings=tuple(
                (at_s, _settings(data))
                for at_s, data in self._of("settings", "at_s, data", i)
            ),
            notes=notes,
            pedals=pedals,
            rows=rows,
            plans=tuple(self._plans(i)),
            counters=tuple(
                (at_s, Counters(**json.loads(data)))
                for at_s, data in self._of("counters", "at_s, data", i)
            ),
            moments=tuple(
                Moment(*values)
                for values in self._db.execute(
                    "SELECT at_s, kind, text FROM moments WHERE session_id = ?"
                    " ORDER BY at_s, id", (i,),
                )
            ),
            takes=tuple(self._takes(info, tempo_map, rows, notes)),
        )  # fmt: skip

    def _plans(self, session_id: int) -> Iterator[PlanRecord]:
        before: Plan | None = None
        for at_s, made_at, start, committed, compute_s, predictor, kept, data in self._of(
            "plans", "at_s, made_at_frame, start_frame, committed_until_frame, compute_s,"
            " predictor, kept, data", session_id,
        ):  # fmt: skip
            chords, melody, confidence = unpack_plan(data, kept, start, before)
            if predictor is None:
                predictor = before.predictor if before else ""
            before = Plan(
                made_at, start, committed, chords, melody, confidence, predictor, compute_s
            )
            yield PlanRecord(at_s, before)

    def _takes(
        self, info: SessionInfo, tempo_map: TempoMap, rows: Sequence[Row],
        notes: Sequence[PlayedNote],
    ) -> Iterator[SessionTake]:  # fmt: skip
        player = player_part(notes, tempo_map, info.length_s)
        for take_id, name, kind, settings, seed, chords in self._db.execute(
            "SELECT take_id, name, kind, settings, seed, chords FROM takes WHERE session_id = ?"
            " ORDER BY take_id", (info.id,),
        ).fetchall():  # fmt: skip
            parts: dict[str, list[PartNote]] = {}
            for part, pitch, velocity, start, end in self._db.execute(
                "SELECT part, pitch, velocity, start_frame, end_frame FROM take_notes"
                " WHERE session_id = ? AND take_id = ? ORDER BY start_frame, seq",
                (info.id, take_id),
            ):
                if end is None:  # it sounded when the session broke off
                    end = max(tempo_map.position_at(info.length_s), start + 1)
                parts.setdefault(part, []).append(PartNote(start, end, pitch, velocity))
            line: tuple[ChordState, ...] = (
                tuple(row.chord for row in rows) if chords is None else unpack_chords(chords)
            )
            yield SessionTake(
                TakeInfo(take_id, name, kind, _settings(settings), int(seed)),
                Take(
                    tempo_map,
                    {"player": player, **{part: tuple(n) for part, n in parts.items()}},
                    line,
                ),
            )


def player_part(
    notes: Iterable[PlayedNote], tempo_map: TempoMap, end_s: float
) -> tuple[PartNote, ...]:
    """The player's notes on the grid; what is held at the end ends there."""
    at = tempo_map.position_at
    return tuple(
        PartNote(
            at(note.start_s),
            at(max(end_s, note.start_s + 0.05) if note.end_s is None else note.end_s),
            note.pitch, note.velocity,
        )
        for note in notes
    )  # fmt: skip


def moment_entry(moment: Moment) -> Entry:
    return "moment", (moment.at_s, moment.kind, clean_text(moment.text, "text"))


def take_entries(info: TakeInfo, take: Take, chords_in_rows: bool = False) -> Iterator[Entry]:
    """A take's rows; its melody is the session's."""
    yield "take", (
        info.id, info.name, info.kind, settings_text(info.settings), str(info.seed),
        None if chords_in_rows else pack_chords(take.chords),
    )  # fmt: skip
    number = 0
    for part, notes in take.parts.items():
        if part == "player":
            continue
        for note in notes:
            yield "take_note", (
                info.id, number, part, note.pitch, note.velocity, note.start_frame, note.end_frame,
            )  # fmt: skip
            number += 1


def session_entries(session: Session) -> Iterator[Entry]:
    """Everything of a session as rows."""
    for i, (at_s, settings) in enumerate(session.settings):
        yield "settings", (i, at_s, settings_text(settings))
    for i, note in enumerate(session.notes):
        yield "note", (i, note.note_id, note.pitch, note.velocity, note.start_s, note.end_s)
    for i, pedal in enumerate(session.pedals):
        yield "pedal", (i, pedal.at_s, pedal.down, pedal.channel)
    for frame, row in enumerate(session.rows):
        yield frame_entry(frame, melody_code(row.melody), chord_code(row.chord))
    before: Plan | None = None
    for i, record in enumerate(session.plans):
        predictor = before.predictor if before else None
        yield plan_entry(i, record.at_s, record.plan, before if i % 64 else None, predictor)
        before = record.plan
    for i, (at_s, counters) in enumerate(session.counters):
        yield "counters", (i, at_s, json.dumps(asdict(counters)))
    for moment in session.moments:
        yield moment_entry(moment)
    for taken in session.takes:
        yield from take_entries(taken.info, taken.take, taken.info.id == LIVE_TAKE)
    yield "progress", (session.info.length_s, session.info.n_notes, session.info.n_bars)


def clean_text(text: str, what: str) -> str:
    """One line of at most MAX_TEXT characters. Raises BadInput."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(line) > MAX_TEXT:
        raise BadInput(f"{what}: longer than {MAX_TEXT} characters")
    return line


def _settings(text: str) -> JamSettings:
    """Settings as they were; names that this version doesn't know any more are passed over."""
    known = {f.name for f in fields(JamSettings)}
    return settings_from_json({k: v for k, v in json.loads(text).items() if k in known})


def _info(row: tuple[Any, ...]) -> SessionInfo:
    (id_, started_at, length_s, title, bpm, meter, tonic, minor, style, rating, tags, state,
     n_notes, n_bars) = row  # fmt: skip
    return SessionInfo(
        id_, datetime.fromisoformat(started_at), length_s, title, bpm, Meter.parse(meter),
        None if tonic is None else (tonic, bool(minor)), style, rating,
        tuple(tags.split("\x1f")) if tags else (), cast(State, state), n_notes, n_bars,
    )  # fmt: skip
