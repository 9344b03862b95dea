"""From pitch to notes, while it is sung: what a transcriber would write. Pure.

A note begins where the pitch has come to rest for some hops: vibrato stays within it, a scoop
belongs to the note that it leads to, a slide passes. It begins anew where the loudness dips and
comes back (a consonant, a tongue, a bow), or where another pitch is held. It ends with the tone.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from jam.voice.pitch import SILENCE_DB, Hop


class VoiceEvent(NamedTuple):
    """A note begins or (velocity 0) ends. at_s: when it did, which is before it was known.

    A note that ends before it begins was none: the tone has slid on to the note that follows.
    """

    pitch: int
    velocity: int
    at_s: float


@dataclass(frozen=True, slots=True)
class Tuning:
    """How notes are made of pitch, in hops of 5.3 ms; tools/voice_ruler.py measures it."""

    on_clarity: float = 0.8
    keep_clarity: float = 0.7
    rest_hops: int = 5
    """So long a pitch must rest for a note to begin, ..."""
    step_hops: int = 7
    """... and so long a step from it must last, where it is less than a tone; in vibrato twice."""
    rest_semitones: float = 0.5
    """Within which it rests, ..."""
    slide_semitones: float = 0.04
    """... and by no more than so much from hop to hop it moves on; else it slides."""
    swing_semitones: float = 0.3
    """What has swung so far to the other side of a note since it began is vibrato."""
    leave_semitones: float = 0.62
    """A note is left where the pitch is so far from it."""
    dip_db: float = 6.0
    """A dip and rise of the loudness by so much begins a note anew."""
    dip_hops: int = 20
    """It lasts no longer, ..."""
    sharp_hops: int = 7
    """... and the rise no longer than this: the loudness of vibrato swings slowly."""
    young_hops: int = 14
    """A note is not struck anew before."""
    murky_hops: int = 2
    """Between two tones that ring into each other there is no clear one for so long, ..."""
    murky_share: float = 1.5
    """... and the second began so much of that before it is heard alone."""
    plunge_semitones: float = 9.0
    """A drop by so much may be two tones that ring at once, a rise by an octave several voices on
    one note, ..."""
    plunge_hops: int = 12
    """... and must last so long."""
    scoop_s: float = 0.075
    """What has slid away so soon was a scoop."""
    rise_db: float = 4.0
    """So much louder a stroke is, while what sounded rings on."""
    silent_hops: int = 8
    """A note ends when there has been no tone for so long."""
    gate_drop_db: float = 6.0
    """A note that sounds goes on so far below the gate."""


ABOVE_ROOM_DB = 6.0
"""The gate lies so far above what is heard while nobody plays."""
_KEPT_HOPS = 64
_NONE_S = 0.001
_ONSET_HOPS = 34
"""A note's beginning is looked for so far back: scoops last no longer."""
_SOFT_DB, _LOUD_DB = 4.0, 40.0
"""Above the gate: the loudness of the softest and the loudest velocity."""
_SOFTEST, _LOUDEST = 30, 118


class Segmenter:
    """Takes hop after hop, and says when notes begin and end.

    gate_db: what is softer is no note. lag_s: how long before a hop's end its pitch was (see
    `PitchTracker.lag_s`). transpose: semitones that are added to every note.
    """

    def __init__(
        self, gate_db: float, lag_s: float, transpose: int = 0, tuning: Tuning = Tuning()
    ) -> None:
        self.gate_db, self.transpose = gate_db, transpose
        self._lag_s, self._tuning = lag_s, tuning
        self._window_hops = 0
        self._hops: deque[Hop] = deque(maxlen=_KEPT_HOPS)
        self._levels: deque[float] = deque(maxlen=_KEPT_HOPS)
        """Loudness of three hops: a low voice's periods are longer than one."""
        self._note: int | None = None
        self._sounds_as = 0
        self._age = 0
        """Hops since the note began, or began anew."""
        self._silent = 0
        self._begun_s = 0.0

    @property
    def note(self) -> int | None:
        """The MIDI number that sounds, transposed; None in silence."""
        return None if self._note is None else self._sounds_as

    def hear(self, hop: Hop) -> list[VoiceEvent]:
        """The next hop; what is known with it, in order."""
        self._hops.append(hop)
        last = [h.level_db for h in list(self._hops)[-3:]]
        self._levels.append(10 * math.log10(sum(10 ** (db / 10) for db in last) / len(last)))
        self._age += 1
        self._window_hops = round(2 * self._lag_s / _hop_s(self._hops)) if self._age > 1 else 0
        if self._note is None:
            return self._begin_if_at_rest()
        return self._go_on(self._note)

    def release(self, at_s: float) -> list[VoiceEvent]:
        """Nobody is heard any more: what sounds ends."""
        return [] if self._note is None else [self._end(at_s)]

    # -- in silence -------------------------------------------------------------------------

    def _begin_if_at_rest(self) -> list[VoiceEvent]:
        pitch = self._at_rest(self._tuning.rest_hops, self._tuning.on_clarity)
        if pitch is None or self._levels[-1] < self.gate_db:
            return []
        return [self._start(pitch, self._onset_s())]

    def _at_rest(self, count: int, clarity: float) -> float | None:
        """The pitch at which the last so many hops rest; None where they don't."""
        if len(self._hops) < count:
            return None
        pitches = []
        for i in range(1, count + 1):
            hop = self._hops[-i]
            if not hop.clarity >= clarity:
                return None
            pitches.append(hop.pitch)
        if max(pitches) - min(pitches) > self._tuning.rest_semitones:
            return None
        middle = (count - 1) / 2
        slope = sum((middle - i) * p for i, p in enumerate(pitches))
        slope /= sum((middle - i) ** 2 for i in range(count))
        return None if abs(slope) > self._tuning.slide_semitones else median(pitches)

    def _onset_s(self) -> float:
        """Where the tone that rests now began: its first hop of pitch, and its rise in loudness."""
        hops, levels = self._hops, self._levels
        count = min(len(hops), _ONSET_HOPS)
        voiced = 0
        while voiced < count and hops[-1 - voiced].clarity >= self._tuning.keep_clarity:
            voiced += 1
        loudest = max(levels[-1 - i] for i in range(min(count, voiced + 4)))
        rise = 0
        limit = min(len(levels), voiced + round(2 * self._lag_s / _hop_s(hops)))
        while rise < limit and levels[-1 - rise] > loudest - 12:
            rise += 1
        by_pitch = hops[-voiced].at_s - self._lag_s
        by_level = hops[-max(1, rise)].at_s - 1.5 * _hop_s(hops)
        return max(by_pitch, by_level) if by_level <= hops[-voiced].at_s else by_pitch

    # -- in a note --------------------------------------------------------------------------

    def _go_on(self, note: int) -> list[VoiceEvent]:
        tuning, hop = self._tuning, self._hops[-1]
        tone = hop.clarity >= tuning.keep_clarity
        self._silent = (
            0
            if tone and self._levels[-1] > self.gate_db - tuning.gate_drop_db
            else (self._silent + 1)
        )
        if self._silent >= tuning.silent_hops:
            return [self._end(self._hops[-self._silent].at_s - self._lag_s)]
        if (moved := self._moved()) is not None:
            pitch, at_s = moved
            if at_s - self._begun_s < tuning.scoop_s and abs(pitch - note) < 3:
                at_s = self._begun_s
                return [self._end(at_s - _NONE_S), self._start(pitch, at_s)]
            return [self._end(at_s), self._start(pitch, at_s)]
        if (stroke_s := self._struck_anew()) is not None:
            rests = self._at_rest(tuning.rest_hops, tuning.keep_clarity)
            if rests is not None:
                return [self._end(stroke_s), self._start(rests, stroke_s)]
        return []

    def _moved(self) -> tuple[float, float] | None:
        """(pitch, second) of another pitch that is held now."""
        tuning, note = self._tuning, self._note
        assert note is not None
        off = self._hops[-1].pitch - note
        if not abs(off) >= tuning.leave_semitones:
            return None
        count = tuning.rest_hops
        if abs(off) <= 1.5:
            swing = max((note - h.pitch) * (1 if off > 0 else -1) for h in self._of_this_note())
            count = tuning.step_hops * (2 if swing > tuning.swing_semitones else 1)
        elif off < -tuning.plunge_semitones or abs(off - 12) < 0.5:
            count = tuning.plunge_hops
        pitch = self._at_rest(count, tuning.keep_clarity)
        if pitch is None or round(pitch) == note:
            return None
        far = [
            abs(self._hops[-i].pitch - note) >= tuning.leave_semitones for i in range(1, count + 1)
        ]
        if not all(far):
            return None
        middle = note + (pitch - note) / 2
        back = 1
        while back < len(self._hops) and (self._hops[-back].pitch - middle) * (pitch - middle) > 0:
            back += 1
        crossed = back
        while back < len(self._hops) and abs(self._hops[-back].pitch - note) > 0.5:
            back += 1  # unclear, or sliding; NaN is neither
        stroke = self._stroke(crossed, crossed + round(2 * self._lag_s / _hop_s(self._hops)) + 8)
        if stroke is None:
            murky = self._murky_since(crossed)
            earlier = self._tuning.murky_share * murky if murky >= self._tuning.murky_hops else 0.0
            stroke = self._hops[-crossed].at_s - self._lag_s - earlier * _hop_s(self._hops)
        return pitch, stroke

    def _murky_since(self, crossed: int) -> int:
        """For so many hops before that neither the note that sounds was clear nor another."""
        back = crossed
        while back < len(self._hops) and self._hops[-back].clarity < self._tuning.keep_clarity:
            back += 1
        return back - crossed

    def _stroke(self, first: int, last: int) -> float | None:
        """The second of a sudden rise in loudness between so many hops ago; None without one."""
        levels = self._levels
        for i in range(min(last, len(levels) - 4), max(first - 4, 1), -1):
            if levels[-i] - levels[-i - 3] > self._tuning.rise_db:
                return self._hops[-i].at_s - 2.5 * _hop_s(self._hops)
        return None

    def _of_this_note(self) -> list[Hop]:
        """The last hops of the note that sounds, those of its beginning left out."""
        count = min(len(self._hops), max(1, self._age))
        return list(self._hops)[-count:]

    def _struck_anew(self) -> float | None:
        """Where the loudness came back from a dip; None where it didn't."""
        levels, tuning = self._levels, self._tuning
        if self._age < tuning.young_hops:
            return None
        count = min(len(levels), tuning.dip_hops, self._age)
        recent = [levels[-1 - i] for i in range(count)]  # newest first
        lowest = min(range(count), key=recent.__getitem__)
        if lowest < self._window_hops or recent[0] < recent[lowest] + tuning.dip_db:
            return None  # none, or the pitch is still that of before
        if recent[0] < self.gate_db:
            return None
        back = next(i for i in range(lowest, -1, -1) if recent[i] >= recent[lowest] + tuning.dip_db)
        if lowest - back > tuning.sharp_hops:
            return None
        rise = next(
            i for i in range(lowest, -1, -1) if recent[i] > recent[lowest] + 0.5 * tuning.dip_db
        )
        return self._hops[-1 - rise].at_s - 1.5 * _hop_s(self._hops)

    # -- notes ------------------------------------------------------------------------------

    def _start(self, pitch: float, at_s: float) -> VoiceEvent:
        self._note, self._age, self._silent, self._begun_s = round(pitch), 0, 0, at_s
        self._sounds_as = min(max(self._note + self.transpose, 0), 127)
        loudest = max(self._levels[-1 - i] for i in range(min(len(self._levels), 8)))
        return VoiceEvent(self._sounds_as, velocity_of(loudest - self.gate_db), at_s)

    def _end(self, at_s: float) -> VoiceEvent:
        """at_s: before its beginning for what was none."""
        self._note = None
        if at_s != self._begun_s - _NONE_S:
            at_s = max(at_s, self._begun_s)
        return VoiceEvent(self._sounds_as, 0, at_s)


def velocity_of(above_gate_db: float) -> int:
    """How strong a note is that is so much louder than the gate: 30 to 118."""
    share = min(max((above_gate_db - _SOFT_DB) / (_LOUD_DB - _SOFT_DB), 0.0), 1.0)
    return round(_SOFTEST + share * (_LOUDEST - _SOFTEST))


def gate_above(levels_db: list[float]) -> float:
    """The gate over what was heard while nobody played: most of it, and a little."""
    if not levels_db:
        return SILENCE_DB
    return sorted(levels_db)[int(0.95 * (len(levels_db) - 1))] + ABOVE_ROOM_DB


def _hop_s(hops: deque[Hop]) -> float:
    return hops[-1].at_s - hops[-2].at_s if len(hops) > 1 else 0.0
