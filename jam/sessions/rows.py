"""What is written: rows of the library's tables, made from what a session holds. Pure."""

from __future__ import annotations

import json
import reprlib
import struct
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any

from msgspec import Meta

from jam.charts.text import write_text
from jam.checked import checked_json
from jam.errors import BadInput
from jam.limits import PLAN_FRAMES, SESSION_CHANGES
from jam.messages.notes import ExpressionEvent
from jam.messages.plans import Plan
from jam.messages.snapshot import SongChange
from jam.music.chord import QUALITY_INDEX, QUALITY_NAMES, Chord
from jam.music.grid import Meter, Segment, TempoMap
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState
from jam.performance.take import Take
from jam.preferences import settings_to_json
from jam.sessions.session import LIVE_TAKE, OWN_MELODY, Moment, Session, TakeInfo
from jam.sessions.values import PlainSegment, clean_text
from jam.settings import JamSettings

Entry = tuple[str, tuple[Any, ...]]
"""(name of a statement of the store, its values after the session's id)"""

WHOLE_PLAN_EVERY = 64
"""Of so many plans one is written whole, so that damage to one can't reach far."""

STATEMENTS = {
    "note": "INSERT INTO notes VALUES (?, ?, ?, ?, ?, ?, ?)",
    "note_end": "UPDATE notes SET end_s = ?3 WHERE session_id = ?1 AND seq = ?2",
    "pedal": "INSERT INTO pedals VALUES (?, ?, ?, ?, ?)",
    "expression": "INSERT INTO expression VALUES (?, ?, ?, ?, ?, ?, ?)",
    "frame": "INSERT INTO frames VALUES (?, ?, ?, ?)",
    "plan": "INSERT INTO plans VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "settings": "INSERT INTO settings VALUES (?, ?, ?, ?)",
    "counters": "INSERT INTO counters VALUES (?, ?, ?, ?)",
    "song": "INSERT INTO played_songs VALUES (?, ?, ?, ?, ?)",
    "source": "INSERT INTO sources VALUES (?, ?, ?)",
    "moment": "INSERT INTO moments (session_id, at_s, kind, text) VALUES (?, ?, ?, ?)",
    "take": "INSERT INTO takes (session_id, take_id, name, kind, settings, seed, chords,"
    " notation, made) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
    "take_note": "INSERT INTO take_notes VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
    "take_note_end": "UPDATE take_notes SET end_frame = ?4"
    " WHERE session_id = ?1 AND take_id = ?2 AND seq = ?3",
    "tempo": "UPDATE sessions SET tempo = ?2, bpm = ?3, meter = ?4 WHERE id = ?1",
    "progress": "UPDATE sessions SET length_s = ?2, n_notes = ?3, n_bars = ?4 WHERE id = ?1",
}


def settings_text(settings: JamSettings) -> str:
    return json.dumps(settings_to_json(settings), separators=(",", ":"))


def expression_entry(number: int, event: ExpressionEvent, at_s: float) -> Entry:
    """at_s: in the session's own seconds."""
    moved = event.expression
    return "expression", (number, at_s, moved.kind, moved.number, moved.value, event.channel)


def frame_entry(frame: int, melody: int, chord: int) -> Entry:
    return "frame", (frame, melody, chord)


def plan_entry(number: int, at_s: float, plan: Plan, before: Plan | None) -> Entry:
    """A plan as it is written: what it has in common with the plan before is left out."""
    before = before if number % WHOLE_PLAN_EVERY else None
    kept = kept_frames(plan, before)
    same = before is not None and plan.predictor == before.predictor
    return "plan", (
        number,
        at_s,
        plan.made_at_frame,
        plan.start_frame,
        plan.committed_until_frame,
        plan.compute_s,
        None if same else plan.predictor,
        kept,
        pack_plan(plan, kept),
    )


def song_entry(number: int, at_s: float, change: SongChange) -> Entry:
    """A song that begins to be played, as text."""
    text = None if change.song is None else write_text(change.song)
    return "song", (number, at_s, change.first_bar, text)


def moment_entry(moment: Moment) -> Entry:
    return "moment", (moment.at_s, moment.kind, clean_text(moment.text, "text"))


def live_take_entry(info: TakeInfo) -> Entry:
    """The take of a session that begins; its chords are those of the session's rows."""
    return _take_entry(info, None)


def notation_text(take: Take) -> str:
    """What a file said of how its music is written, as JSON; "" for nothing."""
    if not take.symbols and take.signature is None:
        return ""
    return json.dumps([take.signature, take.symbols], ensure_ascii=False)


def _take_entry(info: TakeInfo, chords: bytes | None, notation: str = "") -> Entry:
    return "take", (
        info.id,
        info.name,
        info.kind,
        settings_text(info.settings),
        str(info.seed),
        chords,
        notation,
        made_text(info),
    )


def made_text(info: TakeInfo) -> str:
    """How the levels of a take were made, as JSON; "" for nothing."""
    if not info.made:
        return ""
    return json.dumps([(m.level, m.words, str(m.seed)) for m in info.made], ensure_ascii=False)


def take_entries(info: TakeInfo, take: Take) -> Iterator[Entry]:
    """A take's rows; its melody is the session's, but where it has its own."""
    live = info.id == LIVE_TAKE
    yield _take_entry(info, None if live else pack_chords(take.chords), notation_text(take))
    number = 0
    for part, notes in take.parts.items():
        if part == "player" and info.kind != OWN_MELODY:
            continue
        for note in notes:
            yield (
                "take_note",
                (
                    info.id,
                    number,
                    part,
                    note.pitch,
                    note.velocity,
                    note.start_frame,
                    note.end_frame,
                ),
            )
            number += 1


def session_entries(session: Session) -> Iterator[Entry]:
    """Everything of a session as rows."""
    for i, (at_s, settings) in enumerate(session.settings):
        yield "settings", (i, at_s, settings_text(settings))
    n_notes = 0
    for i, note in enumerate(session.notes):
        n_notes = i + 1
        yield "note", (i, note.note_id, note.pitch, note.velocity, note.start_s, note.end_s)
    for i, pedal in enumerate(session.pedals):
        yield "pedal", (i, pedal.at_s, pedal.down, pedal.channel)
    for i, event in enumerate(session.expression):
        yield expression_entry(i, event, event.at_s)
    for frame, row in enumerate(session.rows):
        yield frame_entry(frame, melody_code(row.melody), chord_code(row.chord))
    before: Plan | None = None
    for i, record in enumerate(session.plans):
        yield plan_entry(i, record.at_s, record.plan, before)
        before = record.plan
    for i, (at_s, counters) in enumerate(session.counters):
        yield "counters", (i, at_s, json.dumps(asdict(counters)))
    for i, change in enumerate(session.songs):
        yield song_entry(i, change.at_s, change)
    for frame, source in session.sources:
        yield "source", (frame, source)
    for moment in session.moments:
        yield moment_entry(moment)
    for taken in session.takes:
        yield from take_entries(taken.info, taken.take)
    yield progress_entry(session.info.length_s, n_notes, session.tempo_map, len(session.rows))


def progress_entry(length_s: float, n_notes: int, tempo_map: TempoMap, n_frames: int) -> Entry:
    """How long a session is, by now or in the end."""
    return "progress", (length_s, n_notes, bars_of(tempo_map, n_frames))


def bars_of(tempo_map: TempoMap, n_frames: int) -> int:
    """How many bars so many frames touch."""
    return tempo_map.place(n_frames - 1).bar + 1 if n_frames else 0


_MAX_WHOLE = 20_000_000
"""Of frames and bars: a week of the fastest music."""


def chord_code(state: ChordState) -> int:
    """0 no chord, else 1 + onset + 2 * (12 * quality + root)."""
    if state.chord is None:
        return 0
    return 1 + state.onset + 2 * (12 * QUALITY_INDEX[state.chord.quality] + state.chord.root)


@lru_cache(1024, typed=True)  # a session has few of them, and has them often
def chord_of_code(code: int) -> ChordState:
    if _whole(code) == 0:
        return NO_CHORD
    number, onset = divmod(code - 1, 2)
    quality, root = divmod(number, 12)
    if not 0 <= quality < len(QUALITY_NAMES):
        raise ValueError(f"no such chord: {code}")
    return ChordState(Chord(root, QUALITY_NAMES[quality]), bool(onset))


def melody_code(state: MelodyState) -> int:
    """0 rest, else 1 + onset + 2 * pitch."""
    return 0 if state.pitch is None else 1 + state.onset + 2 * state.pitch


@lru_cache(1024, typed=True)
def melody_of_code(code: int) -> MelodyState:
    if _whole(code) == 0:
        return REST
    pitch, onset = divmod(code - 1, 2)
    if not 0 <= pitch < 128:
        raise ValueError(f"no such note: {code}")
    return MelodyState(pitch, bool(onset))


def pack_chords(chords: Sequence[ChordState]) -> bytes:
    """Two bytes a frame."""
    return struct.pack(f"<{len(chords)}H", *map(chord_code, chords))


def unpack_chords(data: bytes) -> tuple[ChordState, ...]:
    if len(data) % 2:
        raise ValueError("half a chord")
    return tuple(chord_of_code(code) for (code,) in struct.iter_unpack("<H", data))


def kept_frames(plan: Plan, before: Plan | None) -> int:
    """How many frames at a plan's start have the chord and melody of the plan before."""
    if before is None or not before.start_frame <= plan.start_frame:
        return 0
    shift = plan.start_frame - before.start_frame
    old = zip(before.chords[shift:], before.expected_melody[shift:], strict=True)
    new = zip(plan.chords, plan.expected_melody, strict=True)
    kept = 0
    for one, other in zip(new, old, strict=False):
        if one != other:
            break
        kept += 1
    return kept


def pack_plan(plan: Plan, kept: int) -> bytes:
    """Chords, melody (two bytes each, from frame number `kept` on), confidence (a byte each)."""
    changed = len(plan.chords) - kept
    return struct.pack(
        f"<{changed}H{changed}H{len(plan.chords)}B",
        *map(chord_code, plan.chords[kept:]),
        *map(melody_code, plan.expected_melody[kept:]),
        *(round(255 * min(max(p, 0.0), 1.0)) for p in plan.confidence),
    )


def unpack_plan(
    data: bytes, kept: int, start_frame: int, before: Plan | None
) -> tuple[tuple[ChordState, ...], tuple[MelodyState, ...], tuple[float, ...]]:
    """Chords, expected melody and confidence of a plan, given the plan before it."""
    changed, rest = divmod(len(data) - _whole(kept), 5)
    shift = start_frame - before.start_frame if before is not None else 0
    if rest or changed < 0 or kept < 0 or kept + changed > PLAN_FRAMES:
        raise ValueError("a plan of the wrong length")
    if kept and (before is None or shift < 0 or len(before.chords) - shift < kept):
        raise ValueError("a plan without the one that it continues")
    values = struct.unpack(f"<{changed}H{changed}H{kept + changed}B", data)
    chords = tuple(map(chord_of_code, values[:changed]))
    melody = tuple(map(melody_of_code, values[changed : 2 * changed]))
    if before is not None and kept:
        chords = before.chords[shift : shift + kept] + chords
        melody = before.expected_melody[shift : shift + kept] + melody
    return chords, melody, tuple(_CONFIDENCE[byte] for byte in values[2 * changed :])


_CONFIDENCE = tuple(byte / 255 for byte in range(256))


def tempo_to_values(tempo_map: TempoMap) -> list[list[Any]]:
    """[[start_frame, start_s, bpm, "4/4", bar_frame, bar], …]"""
    return [
        [s.start_frame, s.start_s, s.bpm, str(s.meter), s.bar_frame, s.bar]
        for s in tempo_map.segments
    ]


def tempo_to_json(tempo_map: TempoMap) -> str:
    return json.dumps(tempo_to_values(tempo_map))


def tempo_of_json(text: str) -> TempoMap:
    """The reverse. Raises BadInput for what can't be; TypeError for what isn't text."""
    kind = Annotated[tuple[PlainSegment, ...], Meta(min_length=1, max_length=SESSION_CHANGES)]
    return tempo_of_segments(checked_json(text, kind, "tempo"))


def tempo_of_segments(plain: Sequence[PlainSegment]) -> TempoMap:
    """A tempo map of its segments. Raises BadInput for those that don't make one."""
    segments = tuple(
        Segment(frame, start_s, bpm, _meter(meter), bar_frame, bar)
        for frame, start_s, bpm, meter, bar_frame, bar in plain
    )
    first = segments[0]
    if (first.start_frame, first.bar_frame, first.bar) != (0, 0, 0) or not abs(first.start_s) < 1:
        raise BadInput("tempo: it must begin with frame 0 and bar 0, at 0 s")
    if not all(_follows(before, after) for before, after in pairwise(segments)):
        raise BadInput("tempo: segments that don't follow one another")
    return TempoMap(segments)


def _meter(text: str) -> Meter:
    try:
        return Meter.parse(text)
    except BadInput as error:
        raise BadInput(f"tempo: {error}") from None


def _follows(before: Segment, after: Segment) -> bool:
    """True where a segment begins where and when the one before it ends."""
    frames = after.start_frame - before.start_frame
    begins_s = before.start_s + frames * before.frame_s
    bar = before.bar + (after.start_frame - before.bar_frame) // before.meter.frames_per_bar
    return (
        frames > 0
        and abs(after.start_s - begins_s) < 0.01
        and 0 <= after.start_frame - after.bar_frame < after.meter.frames_per_bar
        and after.bar in (bar, bar + 1)
    )


def _whole(value: Any) -> int:
    if type(value) is not int or abs(value) > _MAX_WHOLE:
        raise ValueError(f"not a whole number: {reprlib.repr(value)}")
    return value


def moved_tempo_map(tempo_map: TempoMap, by_s: float) -> TempoMap:
    """The same map with every time later by so much."""
    return TempoMap(tuple(replace(s, start_s=s.start_s + by_s) for s in tempo_map.segments))
