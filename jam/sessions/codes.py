"""States of rows and plans as small numbers, plans as bytes: how the library keeps them.

The numbers stay what they are when the table of qualities grows at its end. Everything that
reads raises ValueError for what was never written.
"""

from __future__ import annotations

import json
import reprlib
import struct
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from jam.grid import Meter, Segment, TempoMap, check_bpm
from jam.harmony import QUALITY_INDEX, QUALITY_NAMES, Chord
from jam.limits import PLAN_FRAMES, SESSION_CHANGES
from jam.messages import Plan
from jam.rows import NO_CHORD, REST, ChordState, MelodyState

_MAX_WHOLE = 20_000_000
"""Of frames and bars: a week of the fastest music."""


def chord_code(state: ChordState) -> int:
    """0 no chord, else 1 + onset + 2 * (12 * quality + root)."""
    if state.chord is None:
        return 0
    return 1 + state.onset + 2 * (12 * QUALITY_INDEX[state.chord.quality] + state.chord.root)


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
    return chords, melody, tuple(byte / 255 for byte in values[2 * changed :])


def tempo_to_values(tempo_map: TempoMap) -> list[list[Any]]:
    """[[start_frame, start_s, bpm, "4/4", bar_frame, bar], …]"""
    return [
        [s.start_frame, s.start_s, s.bpm, str(s.meter), s.bar_frame, s.bar]
        for s in tempo_map.segments
    ]


def tempo_to_json(tempo_map: TempoMap) -> str:
    return json.dumps(tempo_to_values(tempo_map))


def tempo_of_json(text: str) -> TempoMap:
    """The reverse; BadInput for a metre or tempo that can't be."""
    return tempo_of_values(json.loads(text))


def tempo_of_values(values: Any) -> TempoMap:
    """A tempo map of plain lists. Raises ValueError, TypeError or BadInput for anything else."""
    if not isinstance(values, list) or not 0 < len(values) <= SESSION_CHANGES:
        raise ValueError(f"no list of 1 to {SESSION_CHANGES} segments")
    segments = tuple(
        Segment(_whole(frame), float(start_s), check_bpm(bpm), Meter.parse(meter),
                _whole(bar_frame), _whole(bar))
        for frame, start_s, bpm, meter, bar_frame, bar in values
    )  # fmt: skip
    first = segments[0]
    if (first.start_frame, first.bar_frame, first.bar) != (0, 0, 0) or not abs(first.start_s) < 1:
        raise ValueError("it must begin with frame 0 and bar 0, at 0 s")
    if not all(_follows(before, after) for before, after in pairwise(segments)):
        raise ValueError("segments that don't follow one another")
    return TempoMap(segments)


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
