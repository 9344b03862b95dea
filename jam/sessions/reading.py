"""What is read: from the library's tables back to what a session holds.

Everything here raises ValueError, TypeError, KeyError or BadInput for rows that were never
written so, and sqlite3.Error.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import fields
from datetime import datetime
from typing import Any, cast

from jam.grid import Meter, TempoMap
from jam.messages import Counters, PedalEvent, Plan, PlayedNote
from jam.midi_file import PartNote
from jam.preferences import settings_from_json
from jam.records import Take
from jam.rows import Row
from jam.sessions.codes import (
    chord_of_code,
    melody_of_code,
    tempo_of_json,
    unpack_chords,
    unpack_plan,
)
from jam.sessions.types import (
    Moment,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
)
from jam.settings import JamSettings

INFO = (
    "SELECT id, started_at, length_s, title, bpm, meter, tonic, minor, style, rating,"
    " (SELECT group_concat(tag, char(31)) FROM (SELECT tag FROM tags WHERE session_id = id"
    " ORDER BY tag)), CASE WHEN deleted_at IS NULL THEN state ELSE 'deleted' END,"
    " n_notes, n_bars FROM sessions"
)


def info_of(row: tuple[Any, ...]) -> SessionInfo:
    """A row of the query INFO."""
    (id_, started_at, length_s, title, bpm, meter, tonic, minor, style, rating, tags, state,
     n_notes, n_bars) = row  # fmt: skip
    return SessionInfo(
        id_, datetime.fromisoformat(started_at), length_s, title, bpm, Meter.parse(meter),
        None if tonic is None else (tonic, bool(minor)), style, rating,
        tuple(tags.split("\x1f")) if tags else (), cast(State, state), n_notes, n_bars,
    )  # fmt: skip


def settings_of(text: str) -> JamSettings:
    """Settings as they were; names that this version doesn't know any more are passed over."""
    known = {f.name for f in fields(JamSettings)}
    return settings_from_json({k: v for k, v in json.loads(text).items() if k in known})


def rows_of(db: sqlite3.Connection, session_id: int) -> tuple[Row, ...]:
    """Rows from frame 0 on. Raises ValueError where one is missing."""
    rows: list[Row] = []
    for frame, melody, chord in db.execute(
        "SELECT frame, melody, chord FROM frames WHERE session_id = ? ORDER BY frame",
        (session_id,),
    ):
        if frame != len(rows):
            raise ValueError(f"frame {len(rows)} is missing")
        rows.append(Row(melody_of_code(melody), chord_of_code(chord)))
    return tuple(rows)


def load_session(db: sqlite3.Connection, info: SessionInfo) -> Session:
    """Everything of one session."""
    tempo, seed = db.execute("SELECT tempo, seed FROM sessions WHERE id = ?", (info.id,)).fetchone()
    tempo_map = tempo_of_json(tempo)
    rows = rows_of(db, info.id)
    notes = tuple(
        PlayedNote(*values)
        for values in _of(db, "notes", "note_id, pitch, velocity, start_s, end_s", info.id)
    )
    pedals = tuple(
        PedalEvent(bool(down), at_s, channel)
        for down, at_s, channel in _of(db, "pedals", "down, at_s, channel", info.id)
    )
    moments = db.execute(
        "SELECT at_s, kind, text FROM moments WHERE session_id = ? ORDER BY at_s, id", (info.id,)
    )
    return Session(
        info=info,
        tempo_map=tempo_map,
        seed=int(seed),
        settings=tuple(
            (at_s, settings_of(data)) for at_s, data in _of(db, "settings", "at_s, data", info.id)
        ),
        notes=notes,
        pedals=pedals,
        rows=rows,
        plans=tuple(_plans(db, info.id)),
        counters=tuple(
            (at_s, Counters(**json.loads(data)))
            for at_s, data in _of(db, "counters", "at_s, data", info.id)
        ),
        moments=tuple(Moment(*values) for values in moments),
        takes=tuple(_takes(db, info, tempo_map, rows, notes, pedals)),
    )


def _of(
    db: sqlite3.Connection, table: str, columns: str, session_id: int
) -> Iterator[tuple[Any, ...]]:
    return db.execute(
        f"SELECT {columns} FROM {table} WHERE session_id = ? ORDER BY seq", (session_id,)
    )


def _plans(db: sqlite3.Connection, session_id: int) -> Iterator[PlanRecord]:
    before: Plan | None = None
    for at_s, made_at, start, committed, compute_s, predictor, kept, data in _of(
        db, "plans", "at_s, made_at_frame, start_frame, committed_until_frame, compute_s,"
        " predictor, kept, data", session_id,
    ):  # fmt: skip
        chords, melody, confidence = unpack_plan(data, kept, start, before)
        if predictor is None:
            predictor = before.predictor if before else ""
        before = Plan(made_at, start, committed, chords, melody, confidence, predictor, compute_s)
        yield PlanRecord(at_s, before)


def _takes(
    db: sqlite3.Connection,
    info: SessionInfo,
    tempo_map: TempoMap,
    rows: Iterable[Row],
    notes: Iterable[PlayedNote],
    pedals: Iterable[PedalEvent],
) -> Iterator[SessionTake]:
    player = player_part(notes, tempo_map, info.length_s)
    pedal_line = tuple((tempo_map.position_at(p.at_s), p.down) for p in pedals)
    live_chords = tuple(row.chord for row in rows)
    for take_id, name, kind, settings, seed, chords in db.execute(
        "SELECT take_id, name, kind, settings, seed, chords FROM takes WHERE session_id = ?"
        " ORDER BY take_id", (info.id,),
    ).fetchall():  # fmt: skip
        yield SessionTake(
            TakeInfo(take_id, name, kind, settings_of(settings), int(seed)),
            Take(
                tempo_map,
                {"player": player, **_parts(db, info, take_id, tempo_map)},
                live_chords if chords is None else unpack_chords(chords),
                pedal_line,
            ),
        )


def _parts(
    db: sqlite3.Connection, info: SessionInfo, take_id: int, tempo_map: TempoMap
) -> dict[str, tuple[PartNote, ...]]:
    """The accompaniment's parts; what sounded when the session broke off ends there."""
    last = tempo_map.position_at(info.length_s)
    parts: dict[str, list[PartNote]] = {}
    for part, pitch, velocity, start, end in db.execute(
        "SELECT part, pitch, velocity, start_frame, end_frame FROM take_notes"
        " WHERE session_id = ? AND take_id = ? ORDER BY start_frame, seq",
        (info.id, take_id),
    ):
        end = max(last, start + 1) if end is None else end
        parts.setdefault(part, []).append(PartNote(start, end, pitch, velocity))
    return {part: tuple(notes) for part, notes in parts.items()}


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
