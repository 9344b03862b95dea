"""Metre and tempo: the one place where seconds, frames, beats and bars are converted.

A frame is a sixteenth note in every metre. A beat is what the player counts: a quarter with
4 frames in simple metres, a dotted quarter with 6 in compound ones (6/8, 9/8, 12/8), and an
eighth with 2 in the asymmetric ones (5/8, 7/8), where neither would fit into the bar.
Tempo is in beats a minute.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jam.errors import BadInput

FRAMES_PER_QUARTER = 4
MIN_BPM, MAX_BPM = 30.0, 300.0
MAX_FRAMES_PER_BAR = 64
METERS = ("4/4", "3/4", "2/4", "5/4", "7/8", "6/8", "9/8", "12/8")
"""The metres offered to the user; `Meter` knows every n/2, n/4 and n/8 up to 64 frames a bar."""

# Where the stress falls in metres that are felt in unequal groups of beats.
_GROUPS = {(5, 4): (3, 2), (5, 8): (3, 2), (7, 8): (2, 2, 3), (7, 4): (4, 3)}


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature. Raises BadInput where the program can't count it."""

    numerator: int = 4
    denominator: int = 4

    def __post_init__(self) -> None:
        if self.denominator not in (2, 4, 8) or self.numerator < 1:
            raise BadInput(f"metre {self}: only n/2, n/4 and n/8 can be counted")
        if self.frames_per_bar > MAX_FRAMES_PER_BAR:
            raise BadInput(f"metre {self}: a bar of more than {MAX_FRAMES_PER_BAR} sixteenths")

    @classmethod
    def parse(cls, text: str) -> Meter:
        """Read "3/4". Raises BadInput."""
        try:
            numerator, denominator = (int(part) for part in text.split("/"))
        except ValueError:
            raise BadInput(f"metre {text!r}: use 3/4 or 6/8") from None
        return cls(numerator, denominator)

    def __str__(self) -> str:
        return f"{self.numerator}/{self.denominator}"

    @property
    def compound(self) -> bool:
        """True where the beat divides into three eighths (6/8, 9/8, 12/8)."""
        return self.denominator == 8 and self.numerator % 3 == 0 and self.numerator > 3

    @property
    def frames_per_beat(self) -> int:
        """Sixteenths in a beat: 4, 6 in compound metres, 2 in 5/8 and 7/8, 8 in n/2."""
        return 6 if self.compound else 16 // self.denominator

    @property
    def beats_per_bar(self) -> int:
        return self.numerator // 3 if self.compound else self.numerator

    @property
    def frames_per_bar(self) -> int:
        return self.numerator * 16 // self.denominator

    @property
    def groups(self) -> tuple[int, ...]:
        """How the bar's beats are grouped by stress, in beats: (2, 2) in 4/4, (2, 2, 3) in 7/8."""
        if (known := _GROUPS.get((self.numerator, self.denominator))) is not None:
            return known
        if self.beats_per_bar % 2 == 0:
            return (2,) * (self.beats_per_bar // 2)
        return (self.beats_per_bar,)

    def strength(self, frame_in_bar: int) -> int:
        """How strong a place in the bar is: 3 bar line, 2 start of a group, 1 beat, 0 between."""
        if frame_in_bar == 0:
            return 3
        beat, rest = divmod(frame_in_bar, self.frames_per_beat)
        if rest:
            return 0
        start = 0
        for beats in self.groups:
            if beat == start:
                return 2
            start += beats
        return 1


def counted_meter(numerator: int, denominator: int) -> Meter:
    """The metre in which the program counts bars of n/d: the same bars wherever that is exact.

    n/1 is counted in halves, n/16 in eighths (an odd n: two bars as one), n/32 accordingly; a bar
    of more than MAX_FRAMES_PER_BAR in equal parts; what can't be counted at all as 4/4.
    """
    if not 1 <= numerator <= 255 or not 1 <= denominator <= 128 or denominator & (denominator - 1):
        return Meter()
    if denominator == 1:
        numerator, denominator = 2 * numerator, 2
    while denominator > 8:
        numerator = numerator if numerator % 2 else numerator // 2
        denominator //= 2
    for parts in range(1, numerator + 1):
        size, rest = divmod(numerator, parts)
        if not rest and size * 16 // denominator <= MAX_FRAMES_PER_BAR:
            return Meter(size, denominator)
    raise AssertionError("one unit of a metre is a bar")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a frame lies in the metre. `bar` counts from 0 at the start of the session."""

    bar: int
    frame_in_bar: int
    meter: Meter

    @property
    def beat(self) -> int:
        return self.frame_in_bar // self.meter.frames_per_beat

    @property
    def strength(self) -> int:
        return self.meter.strength(self.frame_in_bar)


def check_bpm(bpm: float) -> float:
    """Return `bpm`. Raises BadInput outside 30 to 300 beats a minute."""
    if not MIN_BPM <= bpm <= MAX_BPM:  # also catches NaN
        raise BadInput(
            f"tempo {bpm:g}: must be between {MIN_BPM:g} and {MAX_BPM:g} beats per minute"
        )
    return float(bpm)


def frame_duration_s(bpm: float, meter: Meter) -> float:
    """Seconds that one frame lasts."""
    return 60.0 / (bpm * meter.frames_per_beat)


def quarter_bpm(bpm: float, meter: Meter) -> float:
    """Quarter notes a minute, the unit of MIDI files, for a tempo in beats a minute."""
    return bpm * meter.frames_per_beat / FRAMES_PER_QUARTER


def nearest_frame(position: float) -> int:
    """The frame that a note at `position` (in frames) was meant for: early or late by half."""
    return math.floor(position + 0.5)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of constant tempo and metre; it runs until the next one begins."""

    start_frame: int
    start_s: float
    bpm: float
    meter: Meter
    bar_frame: int
    """A frame of this metre's bar line at or before start_frame (negative frames are allowed)."""
    bar: int
    """Number of the bar that begins at bar_frame."""

    @property
    def frame_s(self) -> float:
        return frame_duration_s(self.bpm, self.meter)

    def from_frame(self, frame: int, start_s: float, bpm: float) -> Segment:
        """What of it lies from a frame on, at another time and tempo; its bars stay."""
        bars = (frame - self.bar_frame) // self.meter.frames_per_bar
        bar_frame = self.bar_frame + bars * self.meter.frames_per_bar
        return Segment(frame, start_s, bpm, self.meter, bar_frame, self.bar + bars)


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Tempo and metre of a whole session: pure conversions between seconds, frames and bars.

    Frame 0 is the first bar line of the session. Frames before 0 (a count-in) are of the first
    segment's tempo and metre. Positions in frames are floats where they come from seconds.
    """

    segments: tuple[Segment, ...]
    _start_frames: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _start_times_s: tuple[float, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.segments:
            raise ValueError("a tempo map needs at least one segment")
        object.__setattr__(self, "_start_frames", tuple(s.start_frame for s in self.segments))
        object.__setattr__(self, "_start_times_s", tuple(s.start_s for s in self.segments))

    @classmethod
    def constant(cls, bpm: float, meter: Meter, start_s: float = 0.0) -> TempoMap:
        """One tempo and metre throughout; frame 0 falls at `start_s`. Raises BadInput."""
        return cls((Segment(0, start_s, check_bpm(bpm), meter, 0, 0),))

    def _at_frame(self, frame: float) -> Segment:
        return self.segments[max(0, bisect_right(self._start_frames, frame) - 1)]

    def seconds_at(self, frame: float) -> float:
        segment = self._at_frame(frame)
        return segment.start_s + (frame - segment.start_frame) * segment.frame_s

    def position_at(self, at_s: float) -> float:
        """The position in frames, a float, at a time in seconds."""
        segment = self.segments[max(0, bisect_right(self._start_times_s, at_s) - 1)]
        return segment.start_frame + (at_s - segment.start_s) / segment.frame_s

    def nearest_frame(self, at_s: float) -> int:
        """The frame whose beginning is nearest: what a note played at `at_s` was meant for."""
        return nearest_frame(self.position_at(at_s))

    def meter_at(self, frame: float) -> Meter:
        return self._at_frame(frame).meter

    def bpm_at(self, frame: float) -> float:
        return self._at_frame(frame).bpm

    def frame_s_at(self, frame: float) -> float:
        """Seconds that the frame lasts."""
        return self._at_frame(frame).frame_s

    def place(self, frame: int) -> Place:
        segment = self._at_frame(frame)
        bars, frame_in_bar = divmod(frame - segment.bar_frame, segment.meter.frames_per_bar)
        return Place(segment.bar + bars, frame_in_bar, segment.meter)

    def next_bar_frame(self, frame: int) -> int:
        """The first bar line at or after `frame`."""
        place = self.place(frame)
        if place.frame_in_bar == 0:
            return frame
        line = frame - place.frame_in_bar + place.meter.frames_per_bar
        # A change of metre is itself a bar line, and none lies beyond it uncounted.
        starts = self._start_frames
        later = starts[bisect_right(starts, frame) : bisect_right(starts, line)]
        return min([line, *(f for f in later if self.place(f).frame_in_bar == 0)])

    def bar_start(self, bar: int) -> int:
        """The frame at which bar number `bar` begins."""
        chosen = self.segments[0]
        for segment in self.segments[1:]:
            # The last segment whose own first whole bar is not after the bar asked for.
            start_bar = self.place(segment.start_frame).bar
            if start_bar <= bar and segment.bar <= bar:
                chosen = segment
        return chosen.bar_frame + (bar - chosen.bar) * chosen.meter.frames_per_bar

    def since(self, frame: float) -> TempoMap:
        """The same map from a frame on: before it, the tempo and metre in force there."""
        first = max(0, bisect_right(self._start_frames, frame) - 1)
        return TempoMap(self.segments[first:]) if first else self

    def with_tempo(self, frame: int, bpm: float) -> TempoMap:
        """A new map whose tempo is `bpm` from `frame` on. Raises BadInput."""
        return self._changed(frame, check_bpm(bpm), self.meter_at(frame))

    def with_meter(self, frame: int, meter: Meter) -> TempoMap:
        """A new map whose metre changes at `frame`, which begins a new bar, the pulse unchanged.

        Sixteenths keep their speed where both metres share the beat; where the beat changes
        (4/4 to 6/8) the beat keeps its speed, as "beat = beat" in a score.
        """
        return self._changed(frame, self.bpm_at(frame), meter)

    def with_bar_line(self, frame: int) -> TempoMap:
        """A new map in which a bar begins at `frame`: the one before it is cut short there."""
        place = self.place(frame)
        if place.frame_in_bar == 0:
            return self
        here = self._at_frame(frame)
        segment = Segment(frame, self.seconds_at(frame), here.bpm, here.meter, frame, place.bar + 1)
        kept = tuple(s for s in self.segments if s.start_frame < frame)
        return TempoMap((*kept, segment))

    def retimed(self, tempi: Sequence[tuple[int, float]]) -> TempoMap:
        """The same frames and bars at other times: from each frame on, so many seconds a frame.

        Everything before the first of these frames stays as it is; metres and bar lines stay
        everywhere. A tempo beyond those that can be counted becomes the nearest that can.
        """
        first = tempi[0][0]
        lengths_s = dict(tempi)
        kept = [s for s in self.segments if s.start_frame < first]
        before = self._at_frame(first)
        turns = set(lengths_s)
        for segment in self.segments:
            if segment.start_frame > first:
                bars, rest = divmod(
                    segment.bar_frame - before.bar_frame, before.meter.frames_per_bar
                )
                same = segment.meter == before.meter and not rest
                if not same or segment.bar != before.bar + bars:
                    turns.add(segment.start_frame)
                before = segment
        at_s, frame, frame_s = self.seconds_at(first), first, tempi[0][1]
        for turn in sorted(turns):
            at_s += (turn - frame) * frame_s
            old = self._at_frame(turn)
            frame_s = lengths_s.get(turn, frame_s)
            bpm = min(MAX_BPM, max(MIN_BPM, 60.0 / (frame_s * old.meter.frames_per_beat)))
            segment = old.from_frame(turn, at_s, bpm)
            kept.append(segment)
            frame, frame_s = turn, segment.frame_s
        return TempoMap(tuple(kept))

    def held(self, frame: int, at_s: float) -> TempoMap:
        """The same map, but that `frame` falls at `at_s`, later than it would: the frame before it
        takes so long (a tempo below any that can be set), and all that follows moves with it."""
        before = frame - 1
        here = self._at_frame(before)
        start_s = self.seconds_at(before)
        length_s = max(here.frame_s / 16, at_s - start_s)
        by_s = start_s + length_s - self.seconds_at(frame)
        slow = 60.0 / (length_s * here.meter.frames_per_beat)
        kept = [s for s in self.segments if s.start_frame < before]
        kept.append(here.from_frame(before, start_s, slow))
        after = self._at_frame(frame)
        kept.append(after.from_frame(frame, start_s + length_s, after.bpm))
        kept += [
            replace(s, start_s=s.start_s + by_s) for s in self.segments if s.start_frame > frame
        ]
        return TempoMap(tuple(kept))

    def starting(self, start_s: float) -> TempoMap:
        """The same map, every time later or earlier, so that frame 0 falls at `start_s`."""
        by_s = start_s - self.seconds_at(0)
        return TempoMap(tuple(replace(s, start_s=s.start_s + by_s) for s in self.segments))

    def _changed(self, frame: int, bpm: float, meter: Meter) -> TempoMap:
        """Everything planned from `frame` on is replaced by one segment."""
        old = self._at_frame(frame)
        place = self.place(frame)
        if meter == old.meter:
            bar_frame, bar = frame - place.frame_in_bar, place.bar
        else:
            bar_frame, bar = frame, place.bar + (1 if place.frame_in_bar else 0)
        kept = tuple(s for s in self.segments if s.start_frame < frame)
        start_s = self.seconds_at(frame)
        segment = Segment(frame, start_s, bpm, meter, bar_frame, bar)
        if not kept:  # the very first segment is replaced: frame 0 stays where it was
            first = self.segments[0]
            segment = Segment(first.start_frame, first.start_s, bpm, meter, first.start_frame, 0)
        return TempoMap((*kept, segment))
