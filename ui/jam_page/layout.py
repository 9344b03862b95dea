"""Where things lie in the waterfall: areas and piano keys as rectangles. Numbers only, no Qt.

From top to bottom: the fall, in which the plan comes down; the piano, whose upper edge is the
present; the past, in which what sounded runs off. On the left, the lane of chord names above a
panel with the chord that sounds now. Lengths are in logical pixels, y grows downwards.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ui.common.geometry import KEY_RANGES, Rect, Size, is_black

_SMALLEST_FIRST = ("49 keys", "61 keys", "76 keys", "88 keys")
_USUAL = KEY_RANGES["76 keys"]
"""Holds all that the band plays, so the piano needn't grow when it comes in."""
# How far a black key's middle lies from the crack between its neighbours, in its own widths:
# real keyboards spread the groups of two and three apart.
_BLACK_SHIFT = {1: -0.12, 3: 0.12, 6: -0.16, 8: 0.0, 10: 0.16}
_BLACK_WIDTH, _BLACK_HEIGHT = 0.6, 0.62


MIN_SIZE = Size(320, 160)
"""A smaller widget shows a part of a picture of this size."""


@dataclass(frozen=True, slots=True)
class Key:
    """A piano key: its outline's box, and the rectangles of it that no black key covers."""

    pitch: int
    black: bool
    box: Rect
    parts: tuple[Rect, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """Every area of the picture; `keys` by pitch from low_pitch upwards."""

    lane: Rect
    now_panel: Rect
    fall: Rect
    piano: Rect
    past: Rect
    low_pitch: int
    keys: tuple[Key, ...]

    def key(self, pitch: int) -> Key | None:
        """The key of a MIDI pitch; None outside the range shown."""
        index = pitch - self.low_pitch
        return self.keys[index] if 0 <= index < len(self.keys) else None

    def pitch_at(self, x: float, y: float) -> int | None:
        """The pitch of the key under a point; None beside the piano."""
        for key in self.keys:
            if any(part.contains(x, y) for part in key.parts):
                return key.pitch
        return None


def fitting_range(pitches: Iterable[int], now: tuple[int, int] = _USUAL) -> tuple[int, int]:
    """The smallest key range, from the one shown now upwards, that holds all of these pitches."""
    low, high = now
    for pitch in pitches:
        low, high = min(low, pitch), max(high, pitch)
    if (low, high) == now:
        return now
    ranges = [KEY_RANGES[name] for name in _SMALLEST_FIRST]
    return next((r for r in ranges if r[0] <= low and high <= r[1]), ranges[-1])


def _clamp(value: float, low: float, high: float) -> float:
    return max(low, min(high, value))


@lru_cache(maxsize=8)
def layout(size: Size, low_pitch: int, high_pitch: int, chart: bool = False) -> Layout:
    """The areas for a widget of this size and a key range that begins and ends on white keys.

    chart: bars of chords take the place of the fall and its lane. The piano begins and ends on
    whole pixels, so its cached picture stays sharp.
    """
    if is_black(low_pitch) or is_black(high_pitch) or low_pitch >= high_pitch:
        raise ValueError(f"key range {low_pitch} to {high_pitch}: must end on white keys")
    width, height = max(size.width, MIN_SIZE.width), max(size.height, MIN_SIZE.height)
    lane_width = float(round(min(_clamp(width * 0.165, 128, 400), width / 2)))
    piano_height = float(round(min(_clamp(height * 0.165, 56, 230), height / 2)))
    past_height = float(round(min(_clamp(height * 0.15, 30, 260), height / 4)))
    fall_height = max(1.0, height - piano_height - past_height)
    fall_width = max(1.0, width - lane_width)
    fall = Rect(lane_width, 0.0, fall_width, fall_height)
    piano = Rect(lane_width, fall.bottom, fall_width, piano_height)
    if chart:
        fall = Rect(0.0, 0.0, width, fall_height)
    return Layout(
        lane=Rect(0.0, 0.0, 0.0 if chart else lane_width, fall_height),
        now_panel=Rect(0.0, fall.bottom, lane_width, height - fall_height),
        fall=fall,
        piano=piano,
        past=Rect(lane_width, piano.bottom, fall_width, past_height),
        low_pitch=low_pitch,
        keys=piano_keys(piano, low_pitch, high_pitch),
    )


def piano_keys(piano: Rect, low_pitch: int, high_pitch: int) -> tuple[Key, ...]:
    """The keys of a piano drawn into a rectangle, by pitch."""
    n_white = sum(not is_black(p) for p in range(low_pitch, high_pitch + 1))
    white_width = piano.width / n_white
    black_width, black_height = white_width * _BLACK_WIDTH, piano.height * _BLACK_HEIGHT
    boxes: dict[int, Rect] = {}
    left = piano.x
    for pitch in range(low_pitch, high_pitch + 1):
        if is_black(pitch):
            middle = left + _BLACK_SHIFT[pitch % 12] * black_width
            boxes[pitch] = Rect(middle - black_width / 2, piano.y, black_width, black_height)
        else:
            boxes[pitch] = Rect(left, piano.y, white_width, piano.height)
            left += white_width
    keys = []
    for pitch, box in boxes.items():
        if is_black(pitch):
            keys.append(Key(pitch, True, box, (box,)))
            continue
        below, above = boxes.get(pitch - 1), boxes.get(pitch + 1)
        neck_left = below.right if below and is_black(pitch - 1) else box.x
        neck_right = above.x if above and is_black(pitch + 1) else box.right
        neck = Rect(neck_left, box.y, neck_right - neck_left, black_height)
        front = Rect(box.x, box.y + black_height, box.width, box.height - black_height)
        keys.append(Key(pitch, False, box, (neck, front)))
    return tuple(keys)
