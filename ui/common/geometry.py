"""Sizes, rectangles, keys of a piano and beats, as numbers. No Qt."""

from __future__ import annotations

import math
from dataclasses import dataclass

from jam.music.grid import TempoMap
from jam.music.rows import HIGHEST_PITCH, LOWEST_PITCH

KEY_RANGES: dict[str, tuple[int, int]] = {
    "88 keys": (LOWEST_PITCH, HIGHEST_PITCH),
    "76 keys": (28, 103),
    "61 keys": (36, 96),
    "49 keys": (36, 84),
}
"""Key ranges offered to the user: lowest and highest MIDI pitch, both white keys."""

AUTO_KEYS = ""
"""The choice of a key range that lets the window find one that fits."""

_BLACK = frozenset((1, 3, 6, 8, 10))


@dataclass(frozen=True, slots=True)
class Size:
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Rect:
    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    def contains(self, x: float, y: float) -> bool:
        return self.x <= x < self.right and self.y <= y < self.bottom


def is_black(pitch: int) -> bool:
    return pitch % 12 in _BLACK


def beat_frames(tempo_map: TempoMap, first: float, last: float) -> list[tuple[int, int, int]]:
    """Beats from position `first` to `last`: (frame, strength as in Meter.strength, bar)."""
    beats = []
    changes = [s.start_frame for s in tempo_map.segments if first < s.start_frame <= last]
    frame = math.ceil(first)
    while frame <= last:
        place = tempo_map.place(frame)
        into_beat = place.frame_in_bar % place.meter.frames_per_beat
        if into_beat == 0:
            beats.append((frame, place.strength, place.bar))
        step = place.meter.frames_per_beat - into_beat
        # A new metre begins a new bar, in mid-beat of the old one if need be.
        frame = min([frame + step, *(c for c in changes if c > frame)])
    return beats
