"""A session from the plain values of `as_json`: strict, since such a file may come from anywhere.

Everything here raises BadInput, and says what is wrong and where ("notes[3]: pitch 200: …").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any, TypeVar

from jam.errors import BadInput
from jam.grid import TempoMap
from jam.harmony import QUALITY_NAMES, Chord
from jam.messages import Counters, PedalEvent, Plan, PlayedNote
from jam.midi_file import PartNote
from jam.preferences import settings_from_json
from jam.presence import key_of
from jam.records import Take
from jam.rows import NO_CHORD, REST, ChordState, MelodyState, Row
from jam.sessions.as_json import FORMAT, FORMAT_VERSION
from jam.sessions.codes import tempo_of_values
from jam.sessions.entries import bars_of, clean_text
from jam.sessions.reading import player_part
from jam.sessions.types import (
    LIVE_TAKE,
    MAX_RATING,
    MOMENT_KINDS,
    TAKE_KINDS,
    Moment,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    TakeInfo,
)
from jam.settings import JamSettings

MAX_ITEMS = 500_000
"""Of rows, plans, notes: some ten hours of the fastest music."""
MAX_PLAN_FRAMES = 1_024
MAX_TAKES, MAX_TAGS = 1_000, 100
_MAX_S, _MAX_FRAME = 86_400.0, 2_000_000
"""A day."""
_PARTS = ("chords", "bass", "drums")
_CHORDS = {Chord(r, q).symbol: Chord(r, q) for r in range(12) for q in QUALITY_NAMES}

_Item = TypeVar("_Item")


def session_of_json(data: Any) -> Session:
    """The session that plain values hold; its info has id 0."""
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise BadInput("not a session of jam")
    if data.get("version") != FORMAT_VERSION:
        raise BadInput(f"version {data.get('version')!r:.20}: only {FORMAT_VERSION} can be read")
    about = _object(data.get("session"), "session")
    try:
        tempo_map = tempo_of_values(data.get("tempo"))
    except (BadInput, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadInput(f"tempo: {error}") from None
    settings = _all(data, "settings", _change)
    if not settings:
        raise BadInput("settings: there must be at least one")
    notes, pedals = _all(data, "notes", _note), _all(data, "pedals", _pedal)
    rows = _all(data, "rows", _row)
    info = _info(about, tempo_map, settings[0][1], len(notes), rows)
    return Session(
        info=info,
        tempo_map=tempo_map,
        seed=_seed(about.get("seed", "0")),
        settings=settings,
        notes=notes,
        pedals=pedals,
        rows=rows,
        plans=_all(data, "plans", _plan),
        counters=_all(data, "counters", _counters),
        moments=_all(data, "moments", _moment),
        takes=_takes(data, info, tempo_map, notes, pedals, rows),
    )


def _info(
    about: dict[str, Any], tempo_map: TempoMap, first: JamSettings, n_notes: int,
    rows: Sequence[Row],
) -> SessionInfo:  # fmt: skip
    try:
        started_at = datetime.fromisoformat(_text(about.get("started_at")))
        if started_at.tzinfo is None:
            started_at = started_at.replace(tzinfo=UTC)
        started_at.astimezone()  # a date that every calendar has
        tags = about.get("tags", [])
        if not isinstance(tags, list) or len(tags) > MAX_TAGS:
            raise BadInput(f"tags: no list of at most {MAX_TAGS}")
        return SessionInfo(
            id=0,
            started_at=started_at,
            length_s=_number(about.get("length_s"), 0.0, _MAX_S),
            title=clean_text(_text(about.get("title", "")), "title"),
            bpm=tempo_map.bpm_at(0),
            meter=tempo_map.meter_at(0),
            key=key_of(rows),
            style=first.accompaniment,
            rating=_whole(about.get("rating", 0), 0, MAX_RATING),
            tags=tuple(sorted({t for tag in tags if (t := clean_text(_text(tag), "tag"))})),
            state="recovered" if about.get("recovered") is True else "complete",
            n_notes=n_notes,
            n_bars=bars_of(tempo_map, len(rows)),
        )
    except (BadInput, ValueError, OverflowError) as error:
        raise BadInput(f"session: {error}") from None


def _takes(
    data: dict[str, Any], info: SessionInfo, tempo_map: TempoMap, notes: Sequence[PlayedNote],
    pedals: Sequence[PedalEvent], rows: Sequence[Row],
) -> tuple[SessionTake, ...]:  # fmt: skip
    """Every take with the melody of the session; the first with the rows' chords."""
    if len(data.get("takes") or ()) > MAX_TAKES:
        raise BadInput(f"takes: more than {MAX_TAKES}")
    read = _all(data, "takes", _take)
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
                tempo_map, {"player": player, **parts}, live if taken.id == LIVE_TAKE else chords,
                line,
            ),
        )
        for taken, parts, chords in read
    )  # fmt: skip


# -- single values


def _all(data: dict[str, Any], name: str, read: Callable[[Any], _Item]) -> tuple[_Item, ...]:
    """A list of values, each read by `read`."""
    values = data.get(name, [])
    if not isinstance(values, list):
        raise BadInput(f"{name}: not a list")
    if len(values) > MAX_ITEMS:
        raise BadInput(f"{name}: more than {MAX_ITEMS:,}")
    items = []
    for i, value in enumerate(values):
        try:
            items.append(read(value))
        except BadInput as error:
            raise BadInput(f"{name}[{i}]: {error}") from None
        except (ValueError, TypeError, KeyError, OverflowError, AttributeError) as error:
            raise BadInput(f"{name}[{i}]: can't be read ({error})") from None
    return tuple(items)


def _object(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{what}: not an object of names and values")
    return value


def _list(value: Any, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise BadInput(f"{value!r:.60}: not a list of {length}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f"{value!r:.40}: not a text")
    return value


def _number(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(f"{value!r:.40}: must be a number between {low:g} and {high:g}")
    return float(value)


def _whole(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadInput(f"{value!r:.40}: must be a whole number between {low} and {high}")
    return value


def _yes(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{value!r:.40}: neither true nor false")
    return value


def _seed(value: Any) -> int:
    text = _text(value)
    if len(text) > 40 or not text.lstrip("-").isdecimal():
        raise BadInput(f"seed {text!r:.40}: not a whole number")
    return int(text)


def _time(value: Any) -> float:
    return _number(value, -_MAX_S, _MAX_S)


def _settings(value: Any) -> JamSettings:
    known = {f.name for f in fields(JamSettings)}
    given = _object(value, "settings")
    return settings_from_json({name: v for name, v in given.items() if name in known})


def _change(value: Any) -> tuple[float, JamSettings]:
    at_s, settings = _list(value, 2)
    return _time(at_s), _settings(settings)


def _note(value: Any) -> PlayedNote:
    note_id, pitch, velocity, start_s, end_s = _list(value, 5)
    return PlayedNote(
        _whole(note_id, 0, 1 << 53), _whole(pitch, 0, 127), _whole(velocity, 1, 127),
        _time(start_s), None if end_s is None else _time(end_s),
    )  # fmt: skip


def _pedal(value: Any) -> PedalEvent:
    down, at_s, channel = _list(value, 3)
    return PedalEvent(_yes(down), _time(at_s), _whole(channel, 0, 15))


def _melody(pitch: Any, onset: Any) -> MelodyState:
    return REST if pitch is None else MelodyState(_whole(pitch, 0, 127), _yes(onset))


def _chord(symbol: Any, onset: Any) -> ChordState:
    if symbol is None:
        return NO_CHORD
    if not isinstance(symbol, str) or symbol not in _CHORDS:
        raise BadInput(f"{symbol!r:.40}: not a chord")
    return ChordState(_CHORDS[symbol], _yes(onset))


def _row(value: Any) -> Row:
    pitch, struck, symbol, onset = _list(value, 4)
    return Row(_melody(pitch, struck), _chord(symbol, onset))


def _plan(value: Any) -> PlanRecord:
    plan = _object(value, "plan")
    lists = [plan.get(name) for name in ("chords", "melody", "confidence")]
    length = len(lists[0]) if isinstance(lists[0], list) else -1
    if not all(isinstance(v, list) and len(v) == length for v in lists):
        raise BadInput("chords, melody and confidence must be lists of one length")
    if length > MAX_PLAN_FRAMES:
        raise BadInput(f"a plan of more than {MAX_PLAN_FRAMES} frames")
    chords, melody, confidence = lists
    assert chords is not None and melody is not None and confidence is not None
    return PlanRecord(
        _time(plan.get("at_s")),
        Plan(
            made_at_frame=_frame(plan.get("made_at_frame")),
            start_frame=_frame(plan.get("start_frame")),
            committed_until_frame=_frame(plan.get("committed_until_frame")),
            chords=tuple(_chord(*_list(state, 2)) for state in chords),
            expected_melody=tuple(_melody(*_list(state, 2)) for state in melody),
            confidence=tuple(_number(p, 0.0, 1.0) for p in confidence),
            predictor=clean_text(_text(plan.get("predictor", "")), "predictor"),
            compute_s=_number(plan.get("compute_s", 0.0), 0.0, _MAX_S),
        ),
    )


def _frame(value: Any) -> int:
    return _whole(value, -_MAX_FRAME, _MAX_FRAME)


def _counters(value: Any) -> tuple[float, Counters]:
    at_s, counts = _list(value, 2)
    known = {f.name for f in fields(Counters)}
    given = {n: v for n, v in _object(counts, "counters").items() if n in known}
    read = {
        name: _number(v, -1e12, 1e12) if name.endswith("_ms") else _whole(v, -1 << 40, 1 << 40)
        for name, v in given.items()
    }
    return _time(at_s), Counters(**read)  # type: ignore[arg-type]


def _moment(value: Any) -> Moment:
    at_s, kind, text = _list(value, 3)
    if kind not in MOMENT_KINDS:
        raise BadInput(f"{kind!r:.40}: must be one of {', '.join(MOMENT_KINDS)}")
    return Moment(_time(at_s), kind, clean_text(_text(text), "text"))


def _take(value: Any) -> tuple[TakeInfo, dict[str, tuple[PartNote, ...]], tuple[ChordState, ...]]:
    take = _object(value, "take")
    kind = take.get("kind")
    if kind not in TAKE_KINDS:
        raise BadInput(f"kind {kind!r:.40}: must be one of {', '.join(TAKE_KINDS)}")
    parts = _object(take.get("parts"), "parts")
    if unknown := sorted(set(parts) - set(_PARTS)):
        raise BadInput(f"part {unknown[0]!r:.40}: must be one of {', '.join(_PARTS)}")
    return (
        TakeInfo(
            _whole(take.get("id"), 0, 1 << 30), clean_text(_text(take.get("name")), "name"), kind,
            _settings(take.get("settings")), _seed(take.get("seed", "0")),
        ),
        {part: _all(parts, part, _part_note) for part in _PARTS if part in parts},
        _all(take, "chords", lambda state: _chord(*_list(state, 2))),
    )  # fmt: skip


def _part_note(value: Any) -> PartNote:
    start, end, pitch, velocity = _list(value, 4)
    return PartNote(
        _number(start, -_MAX_FRAME, _MAX_FRAME), _number(end, -_MAX_FRAME, _MAX_FRAME),
        _whole(pitch, 0, 127), _whole(velocity, 1, 127),
    )  # fmt: skip
