"""The band's own sound in the microphone: what of it is not sung. Pure."""

from __future__ import annotations

import math

from jam.voice.pitch import Hop

_RINGS_S = 0.35
"""So long a note of the band may ring on, in its sound and in the room."""
_STEP_DB = 0.3
"""The median of the loudness is followed by so much a hop."""
_OVER_DB, _OVER_SAME_DB = 6.0, 10.0
"""Who sings is so much louder than the band, or than its notes of the same pitch."""
_NEAR = 0.45
"""Semitones within which two pitches are the same."""


class BandInTheRoom:
    """Which hops are the band's: it sounds just then, and they are no louder than it is.

    How loud the band is in the microphone is the median loudness while it sounds and nobody
    sings. With headphones that is the room's own noise, and nothing is taken away.
    """

    def __init__(self, gate_db: float) -> None:
        self.gate_db = gate_db
        self.level_db = gate_db - 12.0
        self._sounding: dict[int, int] = {}
        self._ended: dict[int, float] = {}

    def sounds(self, pitch: int, velocity: int, at_s: float) -> None:
        """A note of the band begins or (velocity 0) ends."""
        if velocity:
            self._sounding[pitch] = self._sounding.get(pitch, 0) + 1
        elif pitch in self._sounding:
            self._sounding[pitch] -= 1
            if not self._sounding[pitch]:
                del self._sounding[pitch]
            self._ended[pitch] = at_s

    @property
    def is_heard(self) -> bool:
        """The band would be taken for notes if it were not known."""
        return self.level_db > self.gate_db

    def without(self, hop: Hop, in_note: bool) -> Hop:
        """The hop, without its pitch where it is the band's. in_note: somebody sings already."""
        for pitch in [p for p, s in self._ended.items() if s < hop.at_s - _RINGS_S]:
            del self._ended[pitch]
        if not self._sounding and not self._ended:
            return hop
        is_same = any(self._is_near(hop.pitch, p) for p in (*self._sounding, *self._ended))
        if not in_note or is_same:
            louder = hop.level_db > self.level_db
            self.level_db += _STEP_DB if louder else -_STEP_DB
            self.level_db = max(self.level_db, self.gate_db - 24.0)
        over_db = _OVER_SAME_DB if is_same and not in_note else _OVER_DB
        if self.is_heard and hop.level_db < self.level_db + over_db:
            return hop._replace(pitch=math.nan, clarity=0.0)
        return hop

    @staticmethod
    def _is_near(pitch: float, other: int) -> bool:
        """The same pitch, or an octave of it: together notes sound like one below."""
        return not math.isnan(pitch) and abs((pitch - other + 6) % 12 - 6) < _NEAR
