"""What the player is doing, as the accompaniment has to know it: how loud, how dense, how low."""

from __future__ import annotations

from collections import deque

from jam.music.grid import Meter
from jam.music.rows import MelodyState

_HALF_LIFE_FRAMES = 20.0
"""How fast notes are forgotten in judging how loud the player is: a bar or so."""
_REGISTER_BARS = 8.0
_DENSE, _VERY_DENSE = 1.75, 3.0
"""Onsets a quarter note over the last bar from which the accompaniment gets thinner."""
_VELOCITY_AT_START = 64.0
_MELODY_AT_START = 65
_SOFT_LOUD = (50.0, 88.0)
_CLEARLY = 4.0
"""Beyond the border by so much the band's level changes."""
_ROOM = 6
"""So far below the melody's lowest note of late the accompaniment's upper voices stay."""
LOWEST_ROOM, HIGHEST_ROOM = 53, 64


class Presence:
    """Listens to one player. Positions are in frames; onsets come in order."""

    def __init__(self) -> None:
        self._onsets: deque[tuple[float, int, int]] = deque(maxlen=512)
        """(position, pitch, velocity)"""
        self._weighed, self._weight = _VELOCITY_AT_START, 1.0
        self.last_heard_frame: int | None = None
        """The newest closed frame in which the melody sounded; None before its first note."""

    def note_on(self, position: float, pitch: int, velocity: int) -> None:
        before = self._onsets[-1][0] if self._onsets else position
        kept = 0.5 ** (max(0.0, position - before) / _HALF_LIFE_FRAMES)
        self._weighed = self._weighed * kept + velocity
        self._weight = self._weight * kept + 1.0
        self._onsets.append((position, pitch, velocity))

    @property
    def loudness(self) -> float:
        """Mean velocity over the last bars, the later notes counting more."""
        return self._weighed / self._weight

    def level(self, before: int) -> int:
        """How full the band plays, 0 to 2; it changes where the loudness clearly does."""
        soft, loud = _SOFT_LOUD
        if self.loudness < soft - (_CLEARLY if before else -_CLEARLY):
            return 0
        if self.loudness > loud + (_CLEARLY if before < 2 else -_CLEARLY):
            return 2
        return 1

    def close(self, frame: int, melody: MelodyState) -> None:
        """A frame is complete."""
        if melody.pitch is not None:
            self.last_heard_frame = frame

    def thin(self, frame: int, meter: Meter) -> int:
        """How much the accompaniment leaves out: 0 nothing, 1 light strokes, 2 nearly all.

        Little where the player plays dense, and where the player has stopped for a bar.
        """
        bar = meter.frames_per_bar
        onsets = 0
        for position, _, _ in reversed(self._onsets):
            if position < frame - bar:
                break
            onsets += 1
        a_quarter = onsets * 4 / bar
        if a_quarter >= _VERY_DENSE:
            return 2
        silent = self.last_heard_frame is not None and frame - self.last_heard_frame > bar
        return 1 if a_quarter >= _DENSE or silent else 0

    def room(self, frame: int, meter: Meter) -> int:
        """The pitch that the upper voices stay below, out of the melody's way."""
        oldest = frame - _REGISTER_BARS * meter.frames_per_bar
        pitches = [pitch for position, pitch, _ in self._onsets if position >= oldest]
        lowest = min(pitches, default=_MELODY_AT_START)
        return max(LOWEST_ROOM, min(HIGHEST_ROOM, lowest - _ROOM))
