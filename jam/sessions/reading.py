"""What is read: from the library's tables back to what a session holds.

Rows that were never written so raise ValueError, TypeError, KeyError or BadInput, damage to the
file sqlite3.Error; or they are left out and named, where a session is to be saved from damage.
"""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from jam.clock import date_now
from jam.errors import BadInput, JamError
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
    LIVE_TAKE,
    MOMENT_KINDS,
    Moment,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
)
from jam.settings import JamSettings

_Item = TypeVar("_Item")

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
    try:
        counted = Meter.parse(meter)
    except BadInput as error:
        raise ValueError(str(error)) from None
    return SessionInfo(
        id_, datetime.fromisoformat(started_at), length_s, title, bpm, counted,
        None if tonic is None else (tonic, bool(minor)), style, rating,
        tuple(tags.split("\x1f")) if tags else (), cast(State, state), n_notes, n_bars,
    )  # fmt: skip


def settings_of(text: str) -> JamSettings:
    """Settings as they were; names that this version doesn't know any more are passed over."""
    known = {f.name for f in fields(JamSettings)}
    return settings_from_json({k: v for k, v in json.loads(text).items() if k in known})


_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    JamError,
    struct.error,
)


@dataclass
class Losses:
    """What could not be read; with `strict` the first of it is raised instead."""

    strict: bool = True
    found: list[str] = field(default_factory=list)

    def lose(self, what: str, error: Exception) -> None:
        if self.strict:
            raise error
        if not self.found or not self.found[-1].startswith(what):
            self.found.append(f"{what}: {error}")


def _each(
    db: sqlite3.Connection,
    query: str,
    values: tuple[Any, ...],
    read: Callable[..., _Item],
    losses: Losses,
    what: str,
) -> Iterator[_Item]:
    """The rows of a query, each as `read` makes it of its columns."""
    try:
        cursor = db.execute(query, values)
        while (row := cursor.fetchone()) is not None:
            try:
                yield read(*row)
            except _UNREADABLE as error:
                losses.lose(what, error)
    except sqlite3.DatabaseError as error:
        losses.lose(what, error)


def readable_infos(db: sqlite3.Connection) -> tuple[SessionInfo, ...]:
    """Every session of which anything can be read, in a file that may be damaged."""
    losses = Losses(strict=False)
    ids: set[int] = set()
    for table, column in (("sessions", "id"), ("notes", "session_id"), ("frames", "session_id")):
        for order in ("", "DESC"):  # from both ends to where the damage is
            query = f"SELECT DISTINCT {column} FROM {table} ORDER BY {column} {order}"
            ids.update(_each(db, query, (), int, losses, table))
    return tuple(_any_info(db, session_id, losses) for session_id in sorted(ids))


def _any_info(db: sqlite3.Connection, session_id: int, losses: Losses) -> SessionInfo:
    found = _each(
        db, f"{INFO} WHERE id = ?", (session_id,), lambda *row: info_of(row), losses, "sessions"
    )
    unknown = SessionInfo(
        session_id, date_now(), 0.0, "", 100.0, Meter(), None, "piano", 0, (), "recovered", 0, 0
    )
    return next(found, unknown)


def rows_of(
    db: sqlite3.Connection, session_id: int, losses: Losses | None = None
) -> tuple[Row, ...]:
    """Rows from frame 0 on. One that is missing is lost: what was before it is held instead."""
    losses = losses or Losses()
    rows: list[Row] = []
    for frame, row in _each(
        db, "SELECT frame, melody, chord FROM frames WHERE session_id = ? ORDER BY frame",
        (session_id,), lambda f, m, c: (f, Row(melody_of_code(m), chord_of_code(c))),
        losses, "rows",
    ):  # fmt: skip
        if frame != len(rows):
            losses.lose("rows", ValueError(f"frame {len(rows)} is missing"))
            last = rows[-1] if rows else Row()
            held = Row(replace(last.melody, onset=False), replace(last.chord, onset=False))
            rows.extend([held] * (frame - len(rows)))
        rows.append(row)
    return tuple(rows)


def load_session(
    db: sqlite3.Connection, info: SessionInfo, losses: Losses | None = None
) -> Session:
    """Everything of one session. `losses`: where to say what can't be read; None raises it."""
    losses = losses or Losses()

    def all_of(table: str, columns: str, read: Callable[..., _Item], order: str = "seq") -> Any:
        query = f"SELECT {columns} FROM {table} WHERE session_id = ? ORDER BY {order}"
        return tuple(_each(db, query, (info.id,), read, losses, table))

    tempo_map, seed = _tempo_and_seed(db, info, losses)
    rows = rows_of(db, info.id, losses)
    notes = all_of("notes", "note_id, pitch, velocity, start_s, end_s", _note)
    pedals = all_of(
        "pedals", "down, at_s, channel", lambda d, t, c: PedalEvent(bool(d), float(t), int(c))
    )
    settings = all_of("settings", "at_s, data", lambda t, data: (float(t), settings_of(data)))
    if not settings:
        losses.lose("settings", ValueError("there are none"))
        settings = ((0.0, JamSettings(bpm=info.bpm, meter=info.meter)),)
    takes = tuple(_takes(db, info, tempo_map, rows, notes, pedals, losses))
    if not takes or takes[0].info.id != LIVE_TAKE:
        losses.lose("takes", ValueError("the first one is missing"))
        take = Take(tempo_map, {"player": player_part(notes, tempo_map, info.length_s)},
                    tuple(row.chord for row in rows))  # fmt: skip
        first = TakeInfo(LIVE_TAKE, "As played", "live", settings[0][1], seed)
        takes = (SessionTake(first, take), *takes)
    return Session(
        info=info,
        tempo_map=tempo_map,
        seed=seed,
        settings=settings,
        notes=notes,
        pedals=pedals,
        rows=rows,
        plans=tuple(_plans(db, info.id, losses)),
        counters=all_of(
            "counters", "at_s, data", lambda t, data: (float(t), Counters(**json.loads(data)))
        ),
        moments=all_of("moments", "at_s, kind, text", _moment, "at_s, id"),
        takes=takes,
    )


def _tempo_and_seed(
    db: sqlite3.Connection, info: SessionInfo, losses: Losses
) -> tuple[TempoMap, int]:
    found = _each(
        db, "SELECT tempo, seed FROM sessions WHERE id = ?", (info.id,),
        lambda tempo, seed: (tempo_of_json(tempo), int(seed)), losses, "tempo",
    )  # fmt: skip
    return next(found, (TempoMap.constant(info.bpm, info.meter), 0))


def _note(note_id: int, pitch: int, velocity: int, start_s: float, end_s: Any) -> PlayedNote:
    if not 0 <= pitch < 128:
        raise ValueError(f"pitch {pitch}")
    return PlayedNote(
        note_id, pitch, velocity, float(start_s), None if end_s is None else float(end_s)
    )


def _moment(at_s: float, kind: Any, text: str) -> Moment:
    if kind not in MOMENT_KINDS:
        raise ValueError(f"no such kind of moment: {kind!r}")
    return Moment(float(at_s), kind, str(text))


def _plans(db: sqlite3.Connection, session_id: int, losses: Losses) -> Iterator[PlanRecord]:
    before: Plan | None = None
    expected = 0
    query = (
        "SELECT seq, at_s, made_at_frame, start_frame, committed_until_frame, compute_s,"
        " predictor, kept, data FROM plans WHERE session_id = ? ORDER BY seq"
    )
    for row in _each(db, query, (session_id,), lambda *row: row, losses, "plans"):
        seq, at_s, made_at, start, committed, compute_s, predictor, kept, data = row
        try:
            if seq != expected:
                losses.lose("plans", ValueError(f"plan {expected} is missing"))
                before, expected = None, seq
            expected += 1
            chords, melody, confidence = unpack_plan(data, kept, start, before)
            if predictor is None:
                predictor = before.predictor if before else ""
            before = Plan(
                made_at, start, committed, chords, melody, confidence, predictor, compute_s
            )
            yield PlanRecord(at_s, before)
        except _UNREADABLE as error:
            before = None
            losses.lose("plans", error)


def _takes(
    db: sqlite3.Connection,
    info: SessionInfo,
    tempo_map: TempoMap,
    rows: Iterable[Row],
    notes: Iterable[PlayedNote],
    pedals: Iterable[PedalEvent],
    losses: Losses,
) -> Iterator[SessionTake]:
    player = player_part(notes, tempo_map, info.length_s)
    pedal_line = tuple((tempo_map.position_at(p.at_s), p.down) for p in pedals)
    live_chords = tuple(row.chord for row in rows)

    def read(take_id: int, name: str, kind: Any, settings: str, seed: str, chords: Any) -> Any:
        info = TakeInfo(take_id, name, kind, settings_of(settings), int(seed))
        return info, live_chords if chords is None else unpack_chords(chords)

    query = (
        "SELECT take_id, name, kind, settings, seed, chords FROM takes WHERE session_id = ?"
        " AND deleted_at IS NULL ORDER BY take_id"
    )
    for taken, chords in list(_each(db, query, (info.id,), read, losses, "takes")):
        parts = _parts(db, info, taken.id, tempo_map, losses)
        yield SessionTake(taken, Take(tempo_map, {"player": player, **parts}, chords, pedal_line))


def _parts(
    db: sqlite3.Connection, info: SessionInfo, take_id: int, tempo_map: TempoMap, losses: Losses
) -> dict[str, tuple[PartNote, ...]]:
    """The accompaniment's parts; what sounded when the session broke off ends there."""
    last = tempo_map.position_at(info.length_s)
    parts: dict[str, list[PartNote]] = {}

    def read(part: str, pitch: int, velocity: int, start: float, end: float | None) -> None:
        if not 0 <= pitch < 128:
            raise ValueError(f"pitch {pitch}")
        end = max(last, start + 1) if end is None else end
        parts.setdefault(part, []).append(PartNote(start, end, pitch, velocity))

    query = (
        "SELECT part, pitch, velocity, start_frame, end_frame FROM take_notes"
        " WHERE session_id = ? AND take_id = ? ORDER BY start_frame, seq"
    )
    for _ in _each(db, query, (info.id, take_id), read, losses, "notes of a take"):
        pass
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
