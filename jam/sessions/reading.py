"""What is read: from the library's tables back to what a session holds.

Rows that were never written so raise ValueError, TypeError, KeyError or BadInput, damage to the
file sqlite3.Error; or they are left out and named, where a session is to be saved from damage.
"""

from __future__ import annotations

import re
import reprlib
import sqlite3
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from itertools import islice
from typing import Any, TypeVar, cast

from jam.checked import checked, checked_json
from jam.clock import date_now
from jam.errors import BadInput, JamError
from jam.limits import LIBRARY_SESSIONS, SESSION_ITEMS
from jam.messages.notes import Note, PlayedNote, by_part
from jam.messages.plans import Plan
from jam.music.grid import Meter, TempoMap, check_bpm
from jam.music.rows import NO_CHORD, ChordState, Row
from jam.performance.take import Take, on_the_grid
from jam.preferences import PlainSettings
from jam.sessions.rows import (
    WHOLE_PLAN_EVERY,
    chord_of_code,
    melody_of_code,
    tempo_of_json,
    unpack_chords,
    unpack_plan,
)
from jam.sessions.session import (
    LIVE_TAKE,
    MAX_RATING,
    OWN_MELODY,
    STATES,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    State,
    TakeInfo,
    TakeKind,
    as_written,
)
from jam.sessions.stored import Stored
from jam.sessions.values import (
    Frame,
    PlainCounters,
    PlainMades,
    PlainNotation,
    PlanColumns,
    Seed,
    TakeId,
    Time,
    clean_text,
    counters_of,
    date_of,
    expression_of_row,
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
from jam.sessions.values import Part as PartName
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
    said: Callable[[Exception], Exception] = lambda error: error
    """The error that is raised for one that was met."""

    @property
    def told(self) -> tuple[str, ...]:
        """What was found, each once: what stays in the library is read more than once."""
        return tuple(dict.fromkeys(self.found))

    def lose(self, what: str, error: Exception) -> None:
        if self.strict:
            raise self.said(error) from error
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


@lru_cache(4096, typed=True)  # a session has few of them, and has them often
def _row_of_codes(melody: int, chord: int) -> Row:
    return Row(melody_of_code(melody), chord_of_code(chord))


def rows_of(
    db: sqlite3.Connection, session_id: int, losses: Losses | None = None, part: Part | None = None
) -> tuple[Row, ...]:
    """Rows from frame 0 on. One that is missing is lost: what was before it is held instead.

    part: what is read of them; those before are blank.
    """
    losses = losses or Losses()
    rows = [Row()] * part.first_frame if part is not None else []
    where, values = ("", ()) if part is None else part.frames("frame", "frame")
    for frame, row in _each(
        db,
        f"SELECT frame, melody, chord FROM frames WHERE session_id = ?{where} ORDER BY frame",
        (session_id, *values),
        lambda f, m, c: (checked(f, Frame, "frame"), _row_of_codes(m, c)),
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
    db: sqlite3.Connection, info: SessionInfo, losses: Losses | None = None, *, stored: bool = False
) -> Session:
    """Everything of one session. `losses`: where to say what can't be read; None raises it.

    stored: notes and plans stay in the library, and are read whenever they are gone through.
    """

    return _load(db, info, losses or Losses(), stored)


@dataclass(frozen=True, slots=True)
class Part:
    """The part of a session that is read: from second to second, and its frames.

    take_id: of the other takes nothing is read but what they are.
    """

    take_id: int
    first_s: float
    last_s: float
    first_frame: int
    last_frame: int

    def seconds(self, start: str, end: str) -> tuple[str, tuple[Any, ...]]:
        """A condition of SQL, and its values, on columns in seconds; no end is yet to come."""
        return f" AND {start} <= ? AND ifnull({end}, ?) >= ?", (
            self.last_s,
            self.last_s,
            self.first_s,
        )

    def frames(self, start: str, end: str) -> tuple[str, tuple[Any, ...]]:
        """The same on columns in frames."""
        last = self.last_frame
        return f" AND {start} <= ? AND ifnull({end}, ?) >= ?", (last, last, self.first_frame)


def load_part(db: sqlite3.Connection, info: SessionInfo, part: Part) -> Session:
    """What lies within a part of a session. Rows and chords before it are blank; settings,
    counters and moments are those of the whole session."""
    return _load(db, info, Losses(), part=part)


def _load(
    db: sqlite3.Connection,
    info: SessionInfo,
    losses: Losses,
    stored: bool = False,
    part: Part | None = None,
) -> Session:
    def each_of(
        table: str,
        columns: str,
        read: Callable[..., _Item],
        order: str = "seq",
        within: tuple[str, tuple[Any, ...]] = ("", ()),
    ) -> Iterator[_Item]:
        where, values = within
        query = f"SELECT {columns} FROM {table} WHERE session_id = ?{where} ORDER BY {order}"
        return _each(db, query, (info.id, *values), read, losses, table)

    def all_of(table: str, columns: str, read: Callable[..., _Item], order: str = "seq") -> Any:
        return tuple(each_of(table, columns, read, order))

    tempo_map, seed = _tempo_and_seed(db, info, losses)
    rows = rows_of(db, info.id, losses, part)
    everything: tuple[str, tuple[Any, ...]] = ("", ())
    sounding = everything if part is None else part.seconds("start_s", "end_s")
    columns = "note_id, pitch, velocity, start_s, end_s"

    def count(table: str, read: Callable[[], Iterator[_Item]]) -> int:
        query = f"SELECT count(*) FROM {table} WHERE session_id = ?"
        if table in losses.foreign:
            return 0
        try:
            return int(db.execute(query, (info.id,)).fetchone()[0])
        except sqlite3.DatabaseError:
            return sum(1 for _ in read())  # those that can be read

    def gathered(read: Callable[[], Iterator[_Item]], table: str) -> Sequence[_Item]:
        return Stored(read, partial(count, table, read)) if stored else tuple(read())

    notes = gathered(
        lambda: each_of("notes", columns, played_note_of_row, within=sounding), "notes"
    )
    pressed = everything if part is None else part.seconds("at_s", "at_s")
    pedals = tuple(each_of("pedals", "down, at_s, channel", pedal_of_row, within=pressed))
    moved = "kind, number, value, at_s, channel"
    expression = tuple(each_of("expression", moved, expression_of_row, within=pressed))
    settings = all_of(
        "settings",
        "at_s, data",
        lambda t, data: (_time(t), settings_of(_json(data, PlainSettings, "settings"))),
    )
    if not settings:
        losses.lose("settings", ValueError("there are none"))
        settings = ((0.0, JamSettings(bpm=info.bpm, meter=info.meter)),)
    player = gathered(lambda: player_notes(notes, tempo_map, info.length_s), "notes")
    pedal_line = tuple((tempo_map.position_at(p.at_s), p.down) for p in pedals)
    expression_line = on_the_grid(expression, tempo_map)
    takes = tuple(
        SessionTake(
            taken,
            Take(
                tempo_map,
                with_melody(
                    taken, player, _parts(db, info, taken.id, tempo_map, losses, stored, part)
                ),
                chords,
                pedal_line,
                expression_line,
                *written,
            ),
        )
        for taken, chords, *written in _takes(db, info, rows, losses, part)
    )
    if not takes or takes[0].info.id != LIVE_TAKE:
        losses.lose("takes", ValueError("the first one is missing"))
        take = Take(tempo_map, {"player": player}, tuple(row.chord for row in rows))
        first = TakeInfo(LIVE_TAKE, "As played", "live", settings[0][1], seed)
        takes = (SessionTake(first, take), *takes)
    session = Session(
        info=info,
        tempo_map=tempo_map,
        seed=seed,
        settings=settings,
        notes=notes,
        pedals=pedals,
        expression=expression,
        rows=rows,
        plans=gathered(lambda: _plans(db, info.id, losses, part), "plans"),
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
    return as_written(session)


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


def tempo_of(db: sqlite3.Connection, info: SessionInfo) -> TempoMap:
    return _tempo_and_seed(db, info, Losses())[0]


def _time(value: Any) -> float:
    return float(checked(value, Time, "at_s"))


def _json(text: str, kind: Any, what: str) -> Any:
    """The value of a JSON column. Raises BadInput, TypeError or RecursionError."""
    if len(text) > _MAX_JSON:
        raise BadInput(f"{what}: too long")
    return checked_json(text, kind, what)


def _plans(
    db: sqlite3.Connection, session_id: int, losses: Losses, part: Part | None
) -> Iterator[PlanRecord]:
    """part: the plans that held in it; each tells only what differs from the one before."""
    before: Plan | None = None
    expected = wanted = 0
    where = ""
    values: tuple[int, ...] = (session_id,)
    if part is not None:
        held = "SELECT max(seq) FROM plans WHERE session_id = ? AND at_s <= ?"
        wanted, last = (
            db.execute(held, (session_id, at_s)).fetchone()[0] or 0
            for at_s in (part.first_s, part.last_s)
        )
        expected = wanted - wanted % WHOLE_PLAN_EVERY
        where, values = " AND seq BETWEEN ? AND ?", (session_id, expected, last)
    query = (
        "SELECT seq, at_s, made_at_frame, start_frame, committed_until_frame, compute_s,"
        f" predictor, kept, data FROM plans WHERE session_id = ?{where} ORDER BY seq"
    )
    for row in _each(db, query, values, lambda *row: row, losses, "plans"):
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
            if seq >= wanted:
                yield PlanRecord(at_s, before)
        except _UNREADABLE as error:
            before = None
            losses.lose("plans", error)


def _takes(
    db: sqlite3.Connection,
    info: SessionInfo,
    rows: Iterable[Row],
    losses: Losses,
    part: Part | None,
) -> list[tuple[TakeInfo, tuple[ChordState, ...], Any, Any]]:
    """Of every take what it is, its chords, and how they are written: symbols, signature."""
    live_chords = tuple(row.chord for row in rows)

    def chords_of(packed: bytes) -> tuple[ChordState, ...]:
        """Two bytes a frame."""
        if part is None:
            return unpack_chords(packed)
        blank = (NO_CHORD,) * min(part.first_frame, len(packed) // 2)
        return blank + unpack_chords(packed[2 * part.first_frame : 2 * (part.last_frame + 1)])

    def read(
        take_id: int,
        name: str,
        kind: Any,
        settings: str,
        seed: str,
        chords: Any,
        notation: str,
        made: str,
    ) -> Any:
        info = take_info_of(
            checked(take_id, TakeId, "take_id"),
            checked(name, str, "name"),
            checked(kind, TakeKind, "kind"),
            _json(settings, PlainSettings, "settings"),
            checked(seed, Seed, "seed"),
            _json(made, PlainMades, "made") if made else (),
        )
        signature, symbols = _json(notation, PlainNotation, "notation") if notation else (None, ())
        return info, live_chords if chords is None else chords_of(chords), symbols, signature

    query = (
        "SELECT take_id, name, kind, settings, seed, chords, notation, made FROM takes"
        " WHERE session_id = ? AND deleted_at IS NULL ORDER BY take_id"
    )
    return list(_each(db, query, (info.id,), read, losses, "takes"))


def _parts(
    db: sqlite3.Connection,
    info: SessionInfo,
    take_id: int,
    tempo_map: TempoMap,
    losses: Losses,
    stored: bool,
    within: Part | None,
) -> dict[str, Sequence[Note]]:
    """The accompaniment's parts; what sounded when the session broke off ends there."""
    if within is not None and within.take_id != take_id:
        return {}
    last = tempo_map.position_at(info.length_s)
    where, values = ("", ()) if within is None else within.frames("start_frame", "end_frame")

    def read(part: str, pitch: int, velocity: int, start: float, end: float | None) -> Note:
        end = max(last, start + 1) if end is None else end
        return note_of_row(part, start, end, pitch, velocity)

    def notes_of(*part: str) -> Iterator[Note]:
        query = (
            "SELECT part, pitch, velocity, start_frame, end_frame FROM take_notes"
            f" WHERE session_id = ? AND take_id = ?{where}{' AND part = ?' if part else ''}"
            " ORDER BY start_frame, seq"
        )
        all_values = (info.id, take_id, *values, *part)
        return _each(db, query, all_values, read, losses, "notes of a take")

    if not stored:
        return dict(by_part(notes_of()))
    names = (
        "SELECT part, count(*) FROM take_notes WHERE session_id = ? AND take_id = ?"
        " GROUP BY part ORDER BY min(start_frame), seq"
    )
    unread = Losses(strict=losses.strict, foreign=losses.foreign, said=losses.said)
    counted = tuple(_each(db, names, (info.id, take_id), _counted, unread, "notes of a take"))
    if unread.found:  # of a damaged table, as many as can be read one after another
        return dict(by_part(notes_of()))
    return {part: Stored(partial(notes_of, part), partial(int, n)) for part, n in counted}


def _counted(part: Any, n: int) -> tuple[str, int]:
    return checked(part, PartName, "part"), n


def with_melody(
    taken: TakeInfo, player: Sequence[Note], parts: dict[str, Sequence[Note]]
) -> dict[str, Sequence[Note]]:
    """The parts of a take with its melody, which is the session's or its own."""
    if taken.kind == OWN_MELODY:
        return {"player": (), **parts}
    return {"player": player, **{part: n for part, n in parts.items() if part != "player"}}


def player_notes(notes: Iterable[PlayedNote], tempo_map: TempoMap, end_s: float) -> Iterator[Note]:
    """The player's notes on the grid; what is held at the end ends there."""
    at = tempo_map.position_at
    for note in notes:
        end = at(max(end_s, note.start_s + 0.05) if note.end_s is None else note.end_s)
        yield Note(at(note.start_s), end, note.pitch, note.velocity, "player")
