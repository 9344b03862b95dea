"""A session from the plain values of `as_json`: strict, since such a file may come from anywhere.

Everything here raises BadInput, and says what is wrong and where ("notes[3]: pitch 200: …").
"""

from __future__ import annotations

import reprlib
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, TypeVar

from jam.errors import BadInput
from jam.limits import (
    PLAN_FRAMES,
    SESSION_CHANGES,
    SESSION_ITEMS,
    SESSION_SECONDS,
    SESSION_TAGS,
    SESSION_TAKES,
)
from jam.messages.notes import Note, PedalEvent, PlayedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters
from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.grid import TempoMap
from jam.music.key import key_of
from jam.music.rows import NO_CHORD, ChordState, MelodyState, Row
from jam.performance.take import Take
from jam.preferences import settings_to_json
from jam.sessions.reading import player_part
from jam.sessions.rows import bars_of, tempo_of_values, tempo_to_values
from jam.sessions.session import (
    LIVE_TAKE,
    MAX_RATING,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    TakeInfo,
)
from jam.sessions.values import (
    PARTS,
    clean_text,
    counters_of,
    date_of,
    frame_of,
    list_of,
    melody_of,
    moment_of,
    note_of,
    number_of,
    object_of,
    part_of,
    pedal_of,
    played_note_of,
    seed_of,
    settings_of,
    take_info_of,
    text_of,
    time_of,
    whole_of,
    yes_of,
)
from jam.settings import JamSettings

_OUTSIDE_S = 3600.0
"""So long before its first row and after its last one a session may have anything in it."""
_CHORDS = {Chord(r, q).symbol: Chord(r, q) for r in range(12) for q in QUALITY_NAMES}

_Item = TypeVar("_Item")


def session_of_json(data: Any) -> Session:
    """The session that plain values hold; its info has id 0."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadInput("not a session of jam")
    if data.get("version") != FORMAT_VERSION:
        raise BadInput(
            f"version {reprlib.repr(data.get('version'))}: only {FORMAT_VERSION} can be read"
        )
    about = object_of(data.get("session"), "session")
    try:
        tempo_map = tempo_of_values(data.get("tempo"))
    except (BadInput, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadInput(f"tempo: {error}") from None
    settings = _all(data, "settings", _change, SESSION_CHANGES)
    if not settings:
        raise BadInput("settings: there must be at least one")
    notes = _all(data, "notes", lambda value: played_note_of(*list_of(value, 5)))
    pedals = _all(data, "pedals", _pedal)
    rows = _all(data, "rows", _row)
    info = _info(about, tempo_map, settings[0][1], len(notes), rows)
    session = Session(
        info=info,
        tempo_map=tempo_map,
        seed=seed_of(about.get("seed", "0")),
        settings=settings,
        notes=notes,
        pedals=pedals,
        rows=rows,
        plans=_all(data, "plans", _plan),
        counters=_all(data, "counters", _counters, SESSION_CHANGES),
        moments=_all(data, "moments", lambda value: moment_of(*list_of(value, 3)), SESSION_CHANGES),
        takes=_takes(data, info, tempo_map, notes, pedals, rows),
    )
    check_extent(session)
    return session


def check_extent(session: Session) -> None:
    """Raises BadInput for what lies far outside the rows: it would make endless files."""
    first_s, last_s = -_OUTSIDE_S, session.tempo_map.seconds_at(len(session.rows)) + _OUTSIDE_S
    times = {
        "length": [session.info.length_s],
        "notes": [t for n in session.notes for t in (n.start_s, n.end_s) if t is not None],
        "pedals": [pedal.at_s for pedal in session.pedals],
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
    about: dict[str, Any],
    tempo_map: TempoMap,
    first: JamSettings,
    n_notes: int,
    rows: Sequence[Row],
) -> SessionInfo:
    try:
        tags = about.get("tags", [])
        if not isinstance(tags, list) or len(tags) > SESSION_TAGS:
            raise BadInput(f"tags: no list of at most {SESSION_TAGS}")
        return SessionInfo(
            id=0,
            started_at=date_of(about.get("started_at")),
            length_s=number_of(about.get("length_s"), 0.0, SESSION_SECONDS),
            title=clean_text(text_of(about.get("title", "")), "title"),
            bpm=tempo_map.bpm_at(0),
            meter=tempo_map.meter_at(0),
            key=key_of(rows),
            style=first.accompaniment,
            rating=whole_of(about.get("rating", 0), 0, MAX_RATING),
            tags=tuple(sorted({t for tag in tags if (t := clean_text(text_of(tag), "tag"))})),
            state="recovered" if about.get("recovered") is True else "complete",
            n_notes=n_notes,
            n_bars=bars_of(tempo_map, len(rows)),
        )
    except BadInput as error:
        raise BadInput(f"session: {error}") from None


def _takes(
    data: dict[str, Any],
    info: SessionInfo,
    tempo_map: TempoMap,
    notes: Sequence[PlayedNote],
    pedals: Sequence[PedalEvent],
    rows: Sequence[Row],
) -> tuple[SessionTake, ...]:
    """Every take with the melody of the session; the first with the rows' chords."""
    read = _all(data, "takes", _take, SESSION_TAKES)
    ids = [taken.id for taken, _, _ in read]
    if not ids or ids[0] != LIVE_TAKE or ids != sorted(set(ids)):
        raise BadInput(f"takes: their ids must begin with {LIVE_TAKE}, and rise")
    player = player_part(notes, tempo_map, info.length_s)
    line = tuple((tempo_map.position_at(p.at_s), p.down) for p in pedals)
    live = tuple(row.chord for row in rows)
    return tuple(
        SessionTake(
            taken,
            Take(
                tempo_map,
                {"player": player, **parts},
                live if taken.id == LIVE_TAKE else chords,
                line,
            ),
        )
        for taken, parts, chords in read
    )


# -- single values


def _all(
    data: dict[str, Any], name: str, read: Callable[[Any], _Item], most: int = SESSION_ITEMS
) -> tuple[_Item, ...]:
    """A list of values, each read by `read`."""
    values = data.get(name, [])
    if not isinstance(values, list):
        raise BadInput(f"{name}: not a list")
    if len(values) > most:
        raise BadInput(f"{name}: more than {most:,}")
    items = []
    for i, value in enumerate(values):
        try:
            items.append(read(value))
        except BadInput as error:
            raise BadInput(f"{name}[{i}]: {error}") from None
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
            raise BadInput(f"{name}[{i}]: can't be read ({error})") from None
    return tuple(items)


def _change(value: Any) -> tuple[float, JamSettings]:
    at_s, settings = list_of(value, 2)
    return time_of(at_s), settings_of(settings)


def _pedal(value: Any) -> PedalEvent:
    down, at_s, channel = list_of(value, 3)
    return pedal_of(yes_of(down), at_s, channel)


def _chord(symbol: Any, onset: Any) -> ChordState:
    if symbol is None:
        return NO_CHORD
    if not isinstance(symbol, str) or symbol not in _CHORDS:
        raise BadInput(f"{reprlib.repr(symbol)}: not a chord")
    return ChordState(_CHORDS[symbol], yes_of(onset))


def _row(value: Any) -> Row:
    pitch, struck, symbol, onset = list_of(value, 4)
    return Row(melody_of(pitch, struck), _chord(symbol, onset))


def _plan(value: Any) -> PlanRecord:
    plan = object_of(value, "plan")
    lists = [plan.get(name) for name in ("chords", "melody", "confidence")]
    length = len(lists[0]) if isinstance(lists[0], list) else -1
    if not all(isinstance(v, list) and len(v) == length for v in lists):
        raise BadInput("chords, melody and confidence must be lists of one length")
    if length > PLAN_FRAMES:
        raise BadInput(f"a plan of more than {PLAN_FRAMES} frames")
    chords, melody, confidence = lists
    assert chords is not None and melody is not None and confidence is not None
    return PlanRecord(
        time_of(plan.get("at_s")),
        Plan(
            made_at_frame=frame_of(plan.get("made_at_frame")),
            start_frame=frame_of(plan.get("start_frame")),
            committed_until_frame=frame_of(plan.get("committed_until_frame")),
            chords=tuple(_chord(*list_of(state, 2)) for state in chords),
            expected_melody=tuple(melody_of(*list_of(state, 2)) for state in melody),
            confidence=tuple(number_of(p, 0.0, 1.0) for p in confidence),
            predictor=clean_text(text_of(plan.get("predictor", "")), "predictor"),
            compute_s=number_of(plan.get("compute_s", 0.0), 0.0, SESSION_SECONDS),
        ),
    )


def _counters(value: Any) -> tuple[float, Counters]:
    at_s, counts = list_of(value, 2)
    return time_of(at_s), counters_of(counts)


def _note(part: str, value: Any) -> Note:
    return note_of(part, *list_of(value, 4))


def _take(value: Any) -> tuple[TakeInfo, dict[str, tuple[Note, ...]], tuple[ChordState, ...]]:
    take = object_of(value, "take")
    parts = {part_of(part): notes for part, notes in object_of(take.get("parts"), "parts").items()}
    info = take_info_of(
        take.get("id"),
        take.get("name"),
        take.get("kind"),
        take.get("settings"),
        take.get("seed", "0"),
    )
    return (
        info,
        {p: _all(parts, p, partial(_note, p)) for p in PARTS if p in parts},
        _all(take, "chords", lambda state: _chord(*list_of(state, 2))),
    )


FORMAT, FORMAT_VERSION = "jam session", 1


def session_to_json(session: Session) -> dict[str, Any]:
    """Plain values from which `from_json.session_of_json` makes the same session."""
    info = session.info
    return {
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
        "notes": [[n.note_id, n.pitch, n.velocity, n.start_s, n.end_s] for n in session.notes],
        "pedals": [[p.down, p.at_s, p.channel] for p in session.pedals],
        "rows": [[*_melody(row.melody), *_chord_out(row.chord)] for row in session.rows],
        "plans": [
            {
                "at_s": record.at_s,
                "made_at_frame": record.plan.made_at_frame,
                "start_frame": record.plan.start_frame,
                "committed_until_frame": record.plan.committed_until_frame,
                "predictor": record.plan.predictor,
                "compute_s": record.plan.compute_s,
                "chords": [_chord_out(state) for state in record.plan.chords],
                "melody": [_melody(state) for state in record.plan.expected_melody],
                "confidence": record.plan.confidence,
            }
            for record in session.plans
        ],
        "counters": [[at_s, asdict(counters)] for at_s, counters in session.counters],
        "moments": [[m.at_s, m.kind, m.text] for m in session.moments],
        "takes": [_take_to_json(taken) for taken in session.takes],
    }


def _melody(state: MelodyState) -> tuple[int | None, bool]:
    return state.pitch, state.onset


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
        "chords": [_chord_out(state) for state in take.chords],
        "parts": {
            part: [[n.start_frame, n.end_frame, n.pitch, n.velocity] for n in notes]
            for part, notes in take.parts.items()
            if part != "player"
        },
    }
