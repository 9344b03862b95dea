"""What is read: from the library's tables back to what a session holds.

Rows that were never written so raise ValueError, TypeError, KeyError or BadInput, damage to the
file sqlite3.Error; or they are left out and named, where a session is to be saved from damage.
"""

from __future__ import annotations

import re
import reprlib
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar, cast

from jam.checked import checked, checked_json
from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.limits import LIBRARY_SESSIONS, SESSION_ITEMS
from jam.messages.notes import Note, PedalEvent, PlayedNote, by_part
from jam.messages.plans import Plan
from jam.music.grid import Meter, TempoMap, check_bpm
from jam.music.rows import Row
from jam.performance.take import Take
from jam.preferences import PlainSettings
from jam.sessions.rows import (
    chord_of_code,
    melody_of_code,
    tempo_of_json,
    unpack_chords,
    unpack_plan,
)
from jam.sessions.session import (
    LIVE_TAKE,
    MAX_RATING,
    STATES,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
    TakeKind,
)
from jam.sessions.values import (
    Frame,
    PlainCounters,
    PlainNotation,
    PlanColumns,
    Seed,
    TakeId,
    Time,
    clean_text,
    counters_of,
    date_of,
    moment_of_row,
    note_of_row,
    number_of,
    pedal_of_row,
    played_note_of_row,
    settings_of,
    shown_text,
    song_change_of_row,
    source_of_row,
    take_info_of,
    whole_of,
)
from jam.settings import JamSettings

_TABLE = re.compile(r"\bFROM (\w+)")
_MAX_JSON = 100_000
"""Characters of one settings or counters."""
_Item = TypeVar("_Item")

INFO = (
    "SELECT id, started_at, length_s, title, bpm, meter, tonic, minor, style, rating,"
    " (SELECT group_concat(tag, char(31)) FROM (SELECT tag FROM tags WHERE session_id = id"
    " ORDER BY tag)), CASE WHEN deleted_at IS NULL THEN state ELSE 'deleted' END,"
    " n_notes, n_bars FROM sessions"
)


def _session_id(value: Any) -> int:
    return whole_of(value, -(1 << 63), (1 << 63) - 1, "id")


def info_of(row: tuple[Any, ...]) -> SessionInfo:
    """A row of the query INFO."""
    (
        id_,
        started_at,
        length_s,
        title,
        bpm,
        meter,
        tonic,
        minor,
        style,
        rating,
        tags,
        state,
        n_notes,
        n_bars,
    ) = row
    if state not in STATES:
        raise ValueError(f"state {reprlib.repr(state)}")
    try:
        return SessionInfo(
            _session_id(id_),
            date_of(started_at),
            number_of(length_s, 0.0, 1e9, "length_s"),
            shown_text(title),
            check_bpm(bpm),
            Meter.parse(checked(meter, str, "meter")),
            None if tonic is None else (whole_of(tonic, 0, 11, "tonic"), bool(minor)),
            shown_text(style),
            whole_of(rating, 0, MAX_RATING, "rating"),
            tuple(map(shown_text, tags.split("\x1f"))) if tags else (),
            cast(State, state),
            whole_of(n_notes, 0, 1 << 40, "n_notes"),
            whole_of(n_bars, 0, 1 << 40, "n_bars"),
        )
    except BadInput as error:
        raise ValueError(str(error)) from None


_UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    OverflowError,
    RecursionError,
    JamError,
    struct.error,
)


@dataclass
class Losses:
    """What could not be read; with `strict` the first of it is raised instead."""

    strict: bool = True
    found: list[str] = field(default_factory=list)
    foreign: frozenset[str] = frozenset()
    """Tables that aren't the program's own: they are not read."""

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
    for table in _TABLE.findall(query):
        if table in losses.foreign:
            losses.lose(what, ValueError(f"no table {table} of a library"))
            return
    try:
        cursor = db.execute(query, values)
        while (row := cursor.fetchone()) is not None:
            try:
                yield read(*row)
            except _UNREADABLE as error:
                losses.lose(what, error)
    except sqlite3.DatabaseError as error:
        losses.lose(what, error)


def readable_infos(
    db: sqlite3.Connection, foreign: frozenset[str] = frozenset()
) -> tuple[SessionInfo, ...]:
    """Every session of which anything can be read, in a file that may be damaged.

    Raises BadInput where there are more than LIBRARY_SESSIONS.
    """
    losses = Losses(strict=False, foreign=foreign)
    ids: set[int] = set()
    for table, column in (("sessions", "id"), ("notes", "session_id"), ("frames", "session_id")):
        for order in ("", "DESC"):  # from both ends to where the damage is
            query = f"SELECT DISTINCT {column} FROM {table} ORDER BY {column} {order}"
            found = _each(db, query, (), _session_id, losses, table)
            ids.update(islice(found, LIBRARY_SESSIONS + 1))
            if len(ids) > LIBRARY_SESSIONS:
                raise BadInput(f"more than {LIBRARY_SESSIONS:,} sessions")
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
        db,
        "SELECT frame, melody, chord FROM frames WHERE session_id = ? ORDER BY frame",
        (session_id,),
        lambda f, m, c: (checked(f, Frame, "frame"), Row(melody_of_code(m), chord_of_code(c))),
        losses,
        "rows",
    ):
        if not len(rows) <= frame <= len(rows) + SESSION_ITEMS:
            losses.lose("rows", ValueError(f"frame {frame} after frame {len(rows) - 1}"))
            break
        if frame != len(rows):
            losses.lose("rows", ValueError(f"frame {len(rows)} is missing"))
            last = rows[-1] if rows else Row()
            held = Row(replace(last.melody, onset=False), replace(last.chord, onset=False))
            rows.extend([held] * (frame - len(rows)))
        rows.append(row)
    return tuple(rows)


def counted_rows(db: sqlite3.Connection, session_id: int) -> dict[Row, int]:
    """Every row that a session has, and how often."""
    found = db.execute(
        "SELECT melody, chord, count(*) FROM frames WHERE session_id = ? GROUP BY melody, chord",
        (session_id,),
    )
    return {Row(melody_of_code(melody), chord_of_code(chord)): n for melody, chord, n in found}


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
    notes = all_of("notes", "note_id, pitch, velocity, start_s, end_s", played_note_of_row)
    pedals = all_of("pedals", "down, at_s, channel", pedal_of_row)
    settings = all_of(
        "settings",
        "at_s, data",
        lambda t, data: (_time(t), settings_of(_json(data, PlainSettings, "settings"))),
    )
    if not settings:
        losses.lose("settings", ValueError("there are none"))
        settings = ((0.0, JamSettings(bpm=info.bpm, meter=info.meter)),)
    takes = tuple(_takes(db, info, tempo_map, rows, notes, pedals, losses))
    if not takes or takes[0].info.id != LIVE_TAKE:
        losses.lose("takes", ValueError("the first one is missing"))
        take = Take(
            tempo_map,
            {"player": player_part(notes, tempo_map, info.length_s)},
            tuple(row.chord for row in rows),
        )
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
            "counters",
            "at_s, data",
            lambda t, data: (_time(t), counters_of(_json(data, PlainCounters, "counters"))),
        ),
        moments=all_of("moments", "at_s, kind, text", moment_of_row, "at_s, id"),
        takes=takes,
        songs=all_of("played_songs", "at_s, first_bar, text", song_change_of_row),
        sources=all_of("sources", "frame, source", source_of_row, "frame"),
    )


def _tempo_and_seed(
    db: sqlite3.Connection, info: SessionInfo, losses: Losses
) -> tuple[TempoMap, int]:
    found = _each(
        db,
        "SELECT tempo, seed FROM sessions WHERE id = ?",
        (info.id,),
        lambda tempo, seed: (tempo_of_json(tempo), int(checked(seed, Seed, "seed"))),
        losses,
        "tempo",
    )
    return next(found, (TempoMap.constant(info.bpm, info.meter), 0))


def _time(value: Any) -> float:
    return float(checked(value, Time, "at_s"))


def _json(text: str, kind: Any, what: str) -> Any:
    """The value of a JSON column. Raises BadInput, TypeError or RecursionError."""
    if len(text) > _MAX_JSON:
        raise BadInput(f"{what}: too long")
    return checked_json(text, kind, what)


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
            if whole_of(seq, 0, 1 << 40, "seq") != expected:
                losses.lose("plans", ValueError(f"plan {expected} is missing"))
                before, expected = None, seq
            expected += 1
            chords, melody, confidence = unpack_plan(data, kept, start, before)
            if predictor is None:
                predictor = before.predictor if before else ""
            else:
                predictor = clean_text(checked(predictor, str, "predictor"), "predictor")
            at_s, made_at, start, committed, compute_s = checked(
                (at_s, made_at, start, committed, compute_s), PlanColumns, "plan"
            )
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

    def read(
        take_id: int, name: str, kind: Any, settings: str, seed: str, chords: Any, notation: str
    ) -> Any:
        info = take_info_of(
            checked(take_id, TakeId, "take_id"),
            checked(name, str, "name"),
            checked(kind, TakeKind, "kind"),
            _json(settings, PlainSettings, "settings"),
            checked(seed, Seed, "seed"),
        )
        signature, symbols = _json(notation, PlainNotation, "notation") if notation else (None, ())
        return info, live_chords if chords is None else unpack_chords(chords), signature, symbols

    query = (
        "SELECT take_id, name, kind, settings, seed, chords, notation FROM takes"
        " WHERE session_id = ? AND deleted_at IS NULL ORDER BY take_id"
    )
    for taken, chords, signature, symbols in list(
        _each(db, query, (info.id,), read, losses, "takes")
    ):
        parts = {"player": player, **_parts(db, info, taken.id, tempo_map, losses)}
        take = Take(tempo_map, parts, chords, pedal_line, symbols, signature)
        yield SessionTake(taken, take)


def _parts(
    db: sqlite3.Connection, info: SessionInfo, take_id: int, tempo_map: TempoMap, losses: Losses
) -> dict[str, tuple[Note, ...]]:
    """The accompaniment's parts; what sounded when the session broke off ends there."""
    last = tempo_map.position_at(info.length_s)

    def read(part: str, pitch: int, velocity: int, start: float, end: float | None) -> Note:
        end = max(last, start + 1) if end is None else end
        return note_of_row(part, start, end, pitch, velocity)

    query = (
        "SELECT part, pitch, velocity, start_frame, end_frame FROM take_notes"
        " WHERE session_id = ? AND take_id = ? ORDER BY start_frame, seq"
    )
    return by_part(_each(db, query, (info.id, take_id), read, losses, "notes of a take"))


def player_part(notes: Iterable[PlayedNote], tempo_map: TempoMap, end_s: float) -> tuple[Note, ...]:
    """The player's notes on the grid; what is held at the end ends there."""
    at = tempo_map.position_at
    return tuple(
        Note(
            at(note.start_s),
            at(max(end_s, note.start_s + 0.05) if note.end_s is None else note.end_s),
            note.pitch,
            note.velocity,
            "player",
        )
        for note in notes
    )
