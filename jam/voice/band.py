"""The band's own sound in the microphone: what of it is not sung. Pure."""

from __future__ import annotations

import math

from jam.voice.pitch import Hop

_RINGS_S = 0.35
"""So long a note of the band may ring on, in its sound and in the room."""
_LEARN_DB, _UP_DB, _DOWN_DB = 0.3, 0.015, 0.285
"""The loudness is followed by so much a hop: to what one hop in twenty is softer than, so that a
voice that pauses between notes now and then doesn't count."""
_LEARNING_HOPS = 190
"""In its first second nobody knows how loud the band is: its own pitches begin no note."""
_OVER_DB, _OVER_SAME_DB = 10.0, 13.0
"""Who sings is so much louder than that, or than the band's notes of the same pitch."""
_BELOW_VOICE_DB, _FORGET_DB = 20.0, 0.0005
"""The band is so much softer than what was surely sung: a pitch that it doesn't have. Of that so
much is forgotten a hop."""
_CLEAR = 0.8
"""A tone, and no noise."""
_NEAR = 0.45
"""Semitones within which two pitches are the same."""


class BandInTheRoom:
    """Which hops are the band's: it sounds just then, and they are no louder than it is.

    How loud the band is in the microphone is told by the softest moments while it sounds, those
    between two sung notes. With headphones that is the room's own noise, and nothing is taken away.
    """

    def __init__(self, gate_db: float) -> None:
        self.gate_db = gate_db
        self.level_db = gate_db - 12.0
        self._sounding: dict[int, int] = {}
        self._ended: dict[int, float] = {}
        self._hops = 0
        self._voice_db = -math.inf

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
        self._hops += 1
        learns = self._hops < _LEARNING_HOPS and not in_note
        if hop.level_db > self.level_db:
            self.level_db += _LEARN_DB if learns else _UP_DB
        else:
            self.level_db -= _DOWN_DB
        self._voice_db -= _FORGET_DB
        if in_note and not is_same and hop.clarity > _CLEAR:
            self._voice_db = max(self._voice_db, hop.level_db)
            self.level_db = min(self.level_db, self._voice_db - _BELOW_VOICE_DB)
        self.level_db = max(self.level_db, self.gate_db - 24.0)
        if is_same and not in_note and self._hops < _LEARNING_HOPS:
            return hop._replace(pitch=math.nan, clarity=0.0)
        over_db = _OVER_SAME_DB if is_same and not in_note else _OVER_DB
        if self.is_heard and hop.level_db < self.level_db + over_db:
            return hop._replace(pitch=math.nan, clarity=0.0)
        return hop

    @staticmethod
    def _is_near(pitch: float, other: int) -> bool:
        """The same pitch, or an octave of it: together notes sound like one below."""
        return not math.isnan(pitch) and abs((pitch - other + 6) % 12 - 6) < _NEAR
