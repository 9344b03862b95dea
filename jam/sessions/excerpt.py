"""The part of a session that is looked at: read by itself where the whole would take long."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

from jam.messages.notes import TimedNote
from jam.music.grid import TempoMap
from jam.sessions.reading import Part, load_part, load_session, tempo_of
from jam.sessions.session import OWN_MELODY, Session, SessionInfo
from jam.sessions.values import number_of, whole_of

WHOLE_S = 1200.0
"""A session that isn't longer is read whole."""
AROUND_S = 600.0
"""Of a longer one so much is read before and after the place that is looked at."""
NEAR_S = 120.0
"""The next part is read before this one's edge comes nearer."""
_OUTLINE_STEPS = 1_500
"""Of the whole length: finer than its picture."""
_LONGEST_S = 1e9


@dataclass(frozen=True, slots=True)
class Outline:
    """All of a take, as coarse as its overview."""

    start_s: float
    end_s: float
    low_pitch: int
    high_pitch: int
    parts: frozenset[str]
    """Those that have a note."""
    notes: tuple[TimedNote, ...]
    """Where in it which pitches sound; without drums."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """What of a session lies from first_s to last_s; outside nothing is there. outline: None where
    the session is there as a whole, and the times are as far away as can be."""

    session: Session
    take_id: int
    first_s: float = -_LONGEST_S
    last_s: float = _LONGEST_S
    outline: Outline | None = None


def read_excerpt(
    db: sqlite3.Connection,
    info: SessionInfo,
    take_id: int,
    at_s: float,
    outline: Outline | None = None,
) -> Excerpt:
    """Around a place, with the notes of one take. outline: its outline, if it is known."""
    if info.length_s <= WHOLE_S:
        return Excerpt(load_session(db, info), take_id)
    tempo_map = tempo_of(db, info)
    part = _part(tempo_map, take_id, at_s, at_s)
    found = outline or _outline(db, info, take_id, tempo_map)
    return Excerpt(load_part(db, info, part), take_id, part.first_s, part.last_s, found)


def read_bars(
    db: sqlite3.Connection, info: SessionInfo, take_id: int, first_bar: int, last_bar: int
) -> Session:
    """What lies around some bars, or at the end where there are none such; of a session that isn't
    long, all of it."""
    if info.length_s <= WHOLE_S:
        return load_session(db, info)
    tempo_map = tempo_of(db, info)
    from_s, to_s = (
        min(info.length_s, tempo_map.seconds_at(tempo_map.bar_start(bar)))
        for bar in (first_bar, last_bar + 1)
    )
    return load_part(db, info, _part(tempo_map, take_id, from_s, to_s))


def _part(tempo_map: TempoMap, take_id: int, from_s: float, to_s: float) -> Part:
    first_s, last_s = from_s - AROUND_S, to_s + AROUND_S
    first_frame = max(0, int(tempo_map.position_at(first_s)))
    last_frame = max(first_frame, int(tempo_map.position_at(last_s)) + 1)
    return Part(take_id, first_s, last_s, first_frame, last_frame)


def _outline(
    db: sqlite3.Connection, info: SessionInfo, take_id: int, tempo_map: TempoMap
) -> Outline:
    at, step_s = tempo_map.seconds_at, info.length_s / _OUTLINE_STEPS
    step = max(1.0, tempo_map.position_at(info.length_s) / _OUTLINE_STEPS)
    starts_s, ends_s, pitches = [0.0], [info.length_s], [60]
    parts, notes = set(), set()
    (kind,) = db.execute(
        "SELECT kind FROM takes WHERE session_id = ? AND take_id = ?", (info.id, take_id)
    ).fetchone() or ("live",)
    own = kind == OWN_MELODY
    played = (
        []
        if own
        else db.execute(
            "SELECT DISTINCT CAST(start_s / ? AS INTEGER), pitch FROM notes WHERE session_id = ?",
            (step_s, info.id),
        )
    )
    for number, pitch in played:
        place_s = number_of(number, -_LONGEST_S, _LONGEST_S, "start_s") * step_s
        notes.add(TimedNote("player", _pitch(pitch), 80, place_s, place_s + step_s))
    first_s, last_s = db.execute(
        "SELECT min(start_s), max(end_s) FROM notes WHERE session_id = ?", (info.id,)
    ).fetchone()
    if notes or own:
        parts |= {"player"} if notes else set()
        starts_s.append(_second(first_s))
        ends_s.append(_second(info.length_s if last_s is None else last_s))
    accompanied = db.execute(
        "SELECT DISTINCT part, CAST(start_frame / ? AS INTEGER), pitch FROM take_notes"
        " WHERE session_id = ? AND take_id = ?",
        (step, info.id, take_id),
    )
    for part, number, pitch in accompanied:
        parts.add(part)
        if part != "drums":
            place = number_of(number, -_LONGEST_S, _LONGEST_S, "start_frame") * step
            notes.add(TimedNote(part, _pitch(pitch), 80, at(place), at(place + step)))
    (last,) = db.execute(
        "SELECT max(end_frame) FROM take_notes WHERE session_id = ? AND take_id = ?",
        (info.id, take_id),
    ).fetchone()
    (chords,) = db.execute(
        "SELECT length(chords) / 2 FROM takes WHERE session_id = ? AND take_id = ?",
        (info.id, take_id),
    ).fetchone() or (None,)
    (rows,) = db.execute(
        "SELECT max(frame) + 1 FROM frames WHERE session_id = ?", (info.id,)
    ).fetchone()
    for frame in (last, rows if chords is None else chords):
        if frame is not None:
            ends_s.append(at(number_of(frame, -_LONGEST_S, _LONGEST_S, "frame")))
    pitches += [note.pitch for note in notes]
    return Outline(
        min(starts_s),
        max(ends_s),
        min(pitches),
        max(pitches),
        frozenset(parts),
        tuple(sorted(notes, key=lambda note: note.start_s)),
    )


def _second(value: object) -> float:
    return number_of(value, -_LONGEST_S, _LONGEST_S, "seconds")


def _pitch(value: object) -> int:
    return whole_of(value, 0, 127, "pitch")
