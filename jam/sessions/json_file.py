"""A session as JSON: what such a file holds, as structures with their limits, since it may come
from anywhere.

Everything here raises BadInput, and says what is wrong and where ("notes[3][1]: expected …").
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, astuple
from functools import lru_cache
from itertools import islice
from typing import Annotated, Any, TypeVar, get_args

import msgspec
from msgspec import Meta

from jam.charts.text import write_text
from jam.checked import checked, checked_json
from jam.errors import BadInput
from jam.limits import PLAN_FRAMES, SESSION_CHANGES, SESSION_ITEMS, SESSION_TAGS, SESSION_TAKES
from jam.messages.notes import ExpressionEvent, Note, PedalEvent, PlayedNote
from jam.messages.plans import Plan
from jam.music.grid import TempoMap
from jam.music.key import key_of
from jam.music.rows import ChordState, MelodyState, Row
from jam.performance.take import Take, on_the_grid
from jam.preferences import PlainSettings, settings_to_json
from jam.sessions.reading import player_notes, with_melody
from jam.sessions.rows import bars_of, tempo_of_segments, tempo_to_values
from jam.sessions.session import (
    LIVE_TAKE,
    MAX_RATING,
    OWN_MELODY,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    TakeKind,
    as_written,
)
from jam.sessions.values import (
    Frame,
    Part,
    Pitch,
    PlainChord,
    PlainCounters,
    PlainExpression,
    PlainMades,
    PlainMelody,
    PlainMoment,
    PlainNote,
    PlainPedal,
    PlainPlayedNote,
    PlainSegment,
    PlainSignature,
    PlainSongChange,
    PlainSource,
    PlainSymbol,
    Probability,
    Seconds,
    Seed,
    Symbol,
    TakeId,
    Time,
    chord_of,
    clean_text,
    counters_of,
    date_of,
    expression_of,
    melody_of,
    moment_of,
    note_of,
    settings_of,
    song_change_of,
    take_info_of,
)
from jam.settings import JamSettings

FORMAT, FORMAT_VERSION = "jam session", 1
_OUTSIDE_S = 3600.0
"""So long before its first row and after its last one a session may have anything in it."""

_PARTS: tuple[Part, ...] = get_args(Part)
_AT_ONCE = 500
"""So many items of a long list are written at a time."""
_encode = msgspec.json.Encoder().encode
Progress = Callable[[int, int], None]
_Item = TypeVar("_Item")
_Many = Meta(max_length=SESSION_ITEMS)
_Changes = Meta(max_length=SESSION_CHANGES)
_InPlan = Meta(max_length=PLAN_FRAMES)


class _Head(msgspec.Struct):
    """By what such a file is known."""

    format: Any = None
    version: Any = None


class _About(msgspec.Struct):
    started_at: str
    length_s: Seconds
    title: str = ""
    rating: Annotated[int, Meta(ge=0, le=MAX_RATING)] = 0
    tags: Annotated[tuple[str, ...], Meta(max_length=SESSION_TAGS)] = ()
    recovered: bool = False
    seed: Seed = "0"


class _Plan(msgspec.Struct):
    at_s: Time
    made_at_frame: Frame
    start_frame: Frame
    committed_until_frame: Frame
    chords: Annotated[tuple[PlainChord, ...], _InPlan]
    melody: Annotated[tuple[PlainMelody, ...], _InPlan]
    confidence: Annotated[tuple[Probability, ...], _InPlan]
    predictor: str = ""
    compute_s: Seconds = 0.0


class _Take(msgspec.Struct):
    id: TakeId
    name: str
    kind: TakeKind
    settings: PlainSettings
    parts: dict[Part, Annotated[tuple[PlainNote, ...], _Many]]
    chords: Annotated[tuple[PlainChord, ...], _Many] = ()
    seed: Seed = "0"
    signature: PlainSignature | None = None
    symbols: Annotated[tuple[PlainSymbol, ...], _Many] = ()
    made: PlainMades = ()


class _File(msgspec.Struct):
    """What `session_to_json` writes."""

    session: _About
    tempo: Annotated[tuple[PlainSegment, ...], Meta(min_length=1, max_length=SESSION_CHANGES)]
    settings: Annotated[
        tuple[tuple[Time, PlainSettings], ...], Meta(min_length=1, max_length=SESSION_CHANGES)
    ]
    takes: Annotated[tuple[_Take, ...], Meta(min_length=1, max_length=SESSION_TAKES)]
    notes: Annotated[tuple[PlainPlayedNote, ...], _Many] = ()
    pedals: Annotated[tuple[PlainPedal, ...], _Many] = ()
    expression: Annotated[tuple[PlainExpression, ...], _Many] = ()
    rows: Annotated[tuple[tuple[Pitch | None, bool, Symbol | None, bool], ...], _Many] = ()
    plans: Annotated[tuple[_Plan, ...], _Many] = ()
    counters: Annotated[tuple[tuple[Time, PlainCounters], ...], _Changes] = ()
    moments: Annotated[tuple[PlainMoment, ...], _Changes] = ()
    songs: Annotated[tuple[PlainSongChange, ...], _Changes] = ()
    sources: Annotated[tuple[PlainSource, ...], _Many] = ()


def session_of_text(data: bytes) -> Session:
    """The session in JSON text; its info has id 0. Raises RecursionError too."""
    data = data.removeprefix(b"\xef\xbb\xbf")
    return _session(lambda kind: checked_json(data, kind))


def session_of_json(data: Any) -> Session:
    """The session that plain values hold; its info has id 0."""
    return _session(lambda kind: checked(data, kind))


def _session(read: Callable[[Any], Any]) -> Session:
    head: _Head = read(_Head)
    if head.format != FORMAT:
        raise BadInput("not a session of jam")
    if head.version != FORMAT_VERSION:
        raise BadInput(f"version {reprlib.repr(head.version)}: only {FORMAT_VERSION} can be read")
    file: _File = read(_File)
    tempo_map = tempo_of_segments(file.tempo)
    settings = _each("settings", file.settings, lambda item: (item[0], settings_of(item[1])))
    notes = tuple(PlayedNote(*note) for note in file.notes)
    pedals = tuple(PedalEvent(*pedal) for pedal in file.pedals)
    expression = _each("expression", file.expression, lambda control: expression_of(*control))
    rows = tuple(Row(melody_of(p, struck), chord_of(c, on)) for p, struck, c, on in file.rows)
    info = _info(file.session, tempo_map, settings[0][1], len(notes), rows)
    session = Session(
        info=info,
        tempo_map=tempo_map,
        seed=int(file.session.seed),
        settings=settings,
        notes=notes,
        pedals=pedals,
        expression=expression,
        rows=rows,
        plans=_each("plans", file.plans, _plan),
        counters=tuple((at_s, counters_of(counters)) for at_s, counters in file.counters),
        moments=_each("moments", file.moments, lambda moment: moment_of(*moment)),
        takes=_takes(file, info, tempo_map, notes, pedals, expression, rows),
        songs=_each("songs", file.songs, lambda change: song_change_of(*change)),
        sources=file.sources,
    )
    check_extent(session)
    return as_written(session)


def check_extent(session: Session) -> None:
    """Raises BadInput for what lies far outside the rows: it would make endless files."""
    first_s, last_s = -_OUTSIDE_S, session.tempo_map.seconds_at(len(session.rows)) + _OUTSIDE_S
    times = {
        "length": [session.info.length_s],
        "notes": [t for n in session.notes for t in (n.start_s, n.end_s) if t is not None],
        "pedals": [pedal.at_s for pedal in session.pedals],
        "expression": [control.at_s for control in session.expression],
        "moments": [moment.at_s for moment in session.moments],
    }
    first, last = map(session.tempo_map.position_at, (first_s, last_s))
    for what, found in times.items():
        if not all(first_s <= at_s <= last_s for at_s in found):
            raise BadInput(f"{what}: outside the session's {len(session.rows)} rows")
    for taken in session.takes:
        for part, notes in taken.take.parts.items():
            if not all(first <= n.start_frame <= n.end_frame <= last for n in notes):
                raise BadInput(f"take {taken.info.id}: {part}: outside the session's rows")


def _info(
    about: _About, tempo_map: TempoMap, first: JamSettings, n_notes: int, rows: Sequence[Row]
) -> SessionInfo:
    try:
        return SessionInfo(
            id=0,
            started_at=date_of(about.started_at),
            length_s=about.length_s,
            title=clean_text(about.title, "title"),
            bpm=tempo_map.bpm_at(0),
            meter=tempo_map.meter_at(0),
            key=key_of(rows),
            style=first.accompaniment,
            rating=about.rating,
            tags=tuple(sorted({t for tag in about.tags if (t := clean_text(tag, "tag"))})),
            state="recovered" if about.recovered else "complete",
            n_notes=n_notes,
            n_bars=bars_of(tempo_map, len(rows)),
        )
    except BadInput as error:
        raise BadInput(f"session: {error}") from None


def _takes(
    file: _File,
    info: SessionInfo,
    tempo_map: TempoMap,
    notes: Sequence[PlayedNote],
    pedals: Sequence[PedalEvent],
    expression: Sequence[ExpressionEvent],
    rows: Sequence[Row],
) -> tuple[SessionTake, ...]:
    """Every take with the melody of the session; the first with the rows' chords."""
    ids = [take.id for take in file.takes]
    if ids[0] != LIVE_TAKE or ids != sorted(set(ids)):
        raise BadInput(f"takes: their ids must begin with {LIVE_TAKE}, and rise")
    player = tuple(player_notes(notes, tempo_map, info.length_s))
    line = tuple((tempo_map.position_at(p.at_s), p.down) for p in pedals)
    moved = on_the_grid(expression, tempo_map)
    live = tuple(row.chord for row in rows)

    def read(take: _Take) -> SessionTake:
        made = take_info_of(take.id, take.name, take.kind, take.settings, take.seed, take.made)
        parts: dict[str, Sequence[Note]] = {
            part: _notes(part, take.parts.get(part)) for part in _PARTS if part in take.parts
        }
        chords = live if made.id == LIVE_TAKE else tuple(chord_of(*c) for c in take.chords)
        parts = with_melody(made, player, parts)
        found = Take(tempo_map, parts, chords, line, moved, take.symbols, take.signature)
        return SessionTake(made, found)

    return _each("takes", file.takes, read)


def _notes(part: str, notes: Iterable[PlainNote] | None) -> tuple[Note, ...]:
    return tuple(note_of(part, *note) for note in notes or ())


def _each(name: str, values: Iterable[Any], read: Callable[[Any], _Item]) -> tuple[_Item, ...]:
    """Every value as `read` makes it, which names what doesn't go together."""
    items = []
    for i, value in enumerate(values):
        try:
            items.append(read(value))
        except BadInput as error:
            raise BadInput(f"{name}[{i}]: {error}") from None
    return tuple(items)


def _plan(plan: _Plan) -> PlanRecord:
    if not len(plan.chords) == len(plan.melody) == len(plan.confidence):
        raise BadInput("chords, melody and confidence must be of one length")
    return PlanRecord(
        plan.at_s,
        Plan(
            made_at_frame=plan.made_at_frame,
            start_frame=plan.start_frame,
            committed_until_frame=plan.committed_until_frame,
            chords=tuple(chord_of(*state) for state in plan.chords),
            expected_melody=tuple(melody_of(*state) for state in plan.melody),
            confidence=plan.confidence,
            predictor=clean_text(plan.predictor, "predictor"),
            compute_s=plan.compute_s,
        ),
    )


def session_to_json(session: Session, progress: Progress | None = None) -> Iterator[bytes]:
    """The text of which `session_of_text` makes the same session, piece by piece: a long one
    takes no memory. progress: called with (rows and plans written, those in all)."""
    info = session.info
    done, total = 0, len(session.rows) + len(session.plans)

    def counted(items: Iterable[_Item]) -> Iterator[_Item]:
        nonlocal done
        for item in items:
            yield item
            done += 1
            if progress is not None and done % _AT_ONCE == 0:
                progress(done, total)

    values = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "session": {
            "title": info.title,
            "started_at": info.started_at.isoformat(),
            "length_s": info.length_s,
            "rating": info.rating,
            "tags": info.tags,
            "recovered": info.state == "recovered",
            "seed": str(session.seed),
        },
        "tempo": tempo_to_values(session.tempo_map),
        "settings": [[at_s, settings_to_json(s)] for at_s, s in session.settings],
        "notes": ([n.note_id, n.pitch, n.velocity, n.start_s, n.end_s] for n in session.notes),
        "pedals": ([p.down, p.at_s, p.channel] for p in session.pedals),
        "expression": ([*astuple(e.expression), e.at_s, e.channel] for e in session.expression),
        "rows": ([*_melody(row.melody), *_chord_out(row.chord)] for row in counted(session.rows)),
        "plans": map(_plan_to_json, counted(session.plans)),
        "counters": [[at_s, asdict(counters)] for at_s, counters in session.counters],
        "moments": [[m.at_s, m.kind, m.text] for m in session.moments],
        "songs": [
            [c.at_s, c.first_bar, None if c.song is None else write_text(c.song)]
            for c in session.songs
        ],
        "sources": session.sources,
        "takes": [_take_to_json(taken) for taken in session.takes],
    }
    return _encoded(values)


def _encoded(value: Any) -> Iterator[bytes]:
    """Plain values as JSON text; what is an iterator is made while it is written."""
    match value:
        case dict():
            for i, (name, inner) in enumerate(value.items()):
                yield (b"," if i else b"{") + _encode(name) + b":"
                yield from _encoded(inner)
            yield b"}" if value else b"{}"
        case list() | tuple() if any(isinstance(inner, dict) for inner in value):
            for i, inner in enumerate(value):
                yield b"," if i else b"["
                yield from _encoded(inner)
            yield b"]"
        case Iterator():
            before = b"["
            while some := list(islice(value, _AT_ONCE)):
                yield before + _encode(some)[1:-1]
                before = b","
            yield b"]" if before == b"," else b"[]"
        case _:
            yield _encode(value)


def _plan_to_json(record: PlanRecord) -> dict[str, Any]:
    plan = record.plan
    return {
        "at_s": record.at_s,
        "made_at_frame": plan.made_at_frame,
        "start_frame": plan.start_frame,
        "committed_until_frame": plan.committed_until_frame,
        "predictor": plan.predictor,
        "compute_s": plan.compute_s,
        "chords": [_chord_out(state) for state in plan.chords],
        "melody": [_melody(state) for state in plan.expected_melody],
        "confidence": plan.confidence,
    }


def _melody(state: MelodyState) -> tuple[int | None, bool]:
    return state.pitch, state.onset


@lru_cache(1024)  # a session has few of them, and has them often
def _chord_out(state: ChordState) -> tuple[str | None, bool]:
    return (state.chord.symbol if state.chord else None), state.onset


def _take_to_json(taken: SessionTake) -> dict[str, Any]:
    info, take = taken.info, taken.take
    return {
        "id": info.id,
        "name": info.name,
        "kind": info.kind,
        "seed": str(info.seed),
        "settings": settings_to_json(info.settings),
        "chords": map(_chord_out, take.chords),
        "signature": take.signature,
        "symbols": take.symbols,
        "made": [(m.level, m.words, str(m.seed)) for m in info.made],
        "parts": {
            part: map(_note_to_json, notes)
            for part, notes in take.parts.items()
            if part != "player" or info.kind == OWN_MELODY
        },
    }


def _note_to_json(note: Note) -> list[Any]:
    return [note.start_frame, note.end_frame, note.pitch, note.velocity]
