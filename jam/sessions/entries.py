"""What is written: rows of the library's tables, made from what a session holds. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from jam.grid import TempoMap
from jam.messages import Plan
from jam.preferences import settings_to_json
from jam.records import Take
from jam.sessions.codes import chord_code, kept_frames, melody_code, pack_chords, pack_plan
from jam.sessions.types import LIVE_TAKE, Moment, Session, TakeInfo
from jam.sessions.values import clean_text
from jam.settings import JamSettings

Entry = tuple[str, tuple[Any, ...]]
"""(name of a statement of the store, its values after the session's id)"""

_WHOLE_PLAN_EVERY = 64
"""Of so many plans one is written whole, so that damage to one can't reach far."""

STATEMENTS = {
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


def settings_text(settings: JamSettings) -> str:
    return json.dumps(settings_to_json(settings), separators=(",", ":"))


def frame_entry(frame: int, melody: int, chord: int) -> Entry:
    return "frame", (frame, melody, chord)


def plan_entry(number: int, at_s: float, plan: Plan, before: Plan | None) -> Entry:
    """A plan as it is written: what it has in common with the plan before is left out."""
    before = before if number % _WHOLE_PLAN_EVERY else None
    kept = kept_frames(plan, before)
    same = before is not None and plan.predictor == before.predictor
    return "plan", (
        number, at_s, plan.made_at_frame, plan.start_frame, plan.committed_until_frame,
        plan.compute_s, None if same else plan.predictor, kept, pack_plan(plan, kept),
    )  # fmt: skip


def moment_entry(moment: Moment) -> Entry:
    return "moment", (moment.at_s, moment.kind, clean_text(moment.text, "text"))


def live_take_entry(info: TakeInfo) -> Entry:
    """The take of a session that begins; its chords are those of the session's rows."""
    return _take_entry(info, None)


def _take_entry(info: TakeInfo, chords: bytes | None) -> Entry:
    return "take", (
        info.id, info.name, info.kind, settings_text(info.settings), str(info.seed), chords,
    )  # fmt: skip


def take_entries(info: TakeInfo, take: Take) -> Iterator[Entry]:
    """A take's rows; its melody is the session's."""
    live = info.id == LIVE_TAKE
    yield live_take_entry(info) if live else _take_entry(info, pack_chords(take.chords))
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
        yield plan_entry(i, record.at_s, record.plan, before)
        before = record.plan
    for i, (at_s, counters) in enumerate(session.counters):
        yield "counters", (i, at_s, json.dumps(asdict(counters)))
    for moment in session.moments:
        yield moment_entry(moment)
    for taken in session.takes:
        yield from take_entries(taken.info, taken.take)
    yield progress_entry(
        session.info.length_s, len(session.notes), session.tempo_map, len(session.rows)
    )


def progress_entry(length_s: float, n_notes: int, tempo_map: TempoMap, n_frames: int) -> Entry:
    """How long a session is, by now or in the end."""
    return "progress", (length_s, n_notes, bars_of(tempo_map, n_frames))


def bars_of(tempo_map: TempoMap, n_frames: int) -> int:
    """How many bars so many frames touch."""
    return tempo_map.place(n_frames - 1).bar + 1 if n_frames else 0
