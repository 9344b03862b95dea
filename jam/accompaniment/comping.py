"""The chords' part: what the pattern strikes, and what a change off the pattern makes of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from jam.accompaniment.notes import Draft, Touch
from jam.accompaniment.passages import Struck
from jam.accompaniment.patterns import Hit, Lane
from jam.accompaniment.spans import Span
from jam.accompaniment.styles import Style
from jam.accompaniment.textures import Strokes, ladder, lane_of
from jam.accompaniment.voicing import VOICES_RANGE
from jam.music.grid import Meter, frame_duration_s

_ACCENT, _LIGHT, _ALONE = 12, -14, 8
"""What accents, light strokes and voices that sound alone add to a plain stroke's velocity."""
_FAST_FRAME_S, _FASTER_FRAME_S = 0.088, 0.055
"""Where a frame is shorter, sixteenths are left out; where it is shorter still, off-beats."""


@lru_cache(maxsize=4096)
def _is_played(meter: Meter, column: int, sign: str, thin: int, haste: int) -> bool:
    place = meter.strength(column)
    if place == 0 and (haste > 1 or (haste and column % 2)):
        return False
    if sign == "o" or (sign.islower() and sign != "x"):
        return thin < 1
    return thin < 2 or sign == "X" or place >= 2


@dataclass(frozen=True, slots=True)
class BarContext:
    """One bar of one style, with all that its players need to know."""

    start_frame: int
    end_frame: int
    meter: Meter
    bpm: float
    style: Style
    touch: Touch
    spans: Sequence[Span]
    """Those that sound in the bar, in order."""
    finals: frozenset[int]
    """Onsets of chords that end a piece: struck once and held."""

    def span_at(self, frame: int) -> Span | None:
        for span in self.spans:
            if span.start_frame <= frame < span.end_frame:
                return span
        return None

    def is_played(self, hit: Hit) -> bool:
        """False for what is left out at this tempo and in this density."""
        if hit.column >= self.end_frame - self.start_frame:
            return False
        frame_s = frame_duration_s(self.bpm, self.meter)
        haste = (frame_s < _FAST_FRAME_S) + (frame_s < _FASTER_FRAME_S)
        return _is_played(self.meter, hit.column, hit.sign, self.touch.thin, haste)

    def loudness(self, hit: Hit) -> int:
        """Velocity of a stroke."""
        change = _ACCENT if hit.sign == "X" else _LIGHT if hit.sign == "o" else 0
        if hit.sign.isdigit():
            change = _ALONE
        if hit.column == 0 and hit.sign != "X":
            change += 4
        return max(1, min(127, self.touch.velocity + change))


FOR_GOOD = 1 << 20
"""So many frames something lasts that is struck with its chord alone: as long as that goes on,
which is not known yet where the plan ends."""


def comp(
    bar: BarContext, lanes: Sequence[Lane], with_root: bool, strokes_played: Strokes | None = None
) -> Iterator[Draft]:
    """Drafts of the chords' part in a bar; `with_root`: nobody else plays the bass.

    `strokes_played`, by column, are what a pianist played, in the place of the drawn lanes.
    """
    covered: set[int] = set()
    if strokes_played is not None:
        lanes = (lane_of(strokes_played, bar.end_frame - bar.start_frame),)
    for number, lane in enumerate(lanes):
        for hit in strokes(bar, lane, forced=number == 0):
            frame = bar.start_frame + hit.column
            span = bar.span_at(frame)
            assert span is not None
            until = span.end_frame if bar.style.ring else frame + hit.length
            until = until if lane.hits else frame + FOR_GOOD
            there = (strokes_played or {}).get(hit.column)
            if there and span.start_frame not in bar.finals:  # a last chord is struck whole
                yield from _as_played(bar, span, there, frame, hit, with_root, covered)
                continue
            pitches = _pitches(span, hit.sign, bar.touch.room)
            if with_root and span.start_frame not in covered:
                covered.add(span.start_frame)
                pitches = (span.voicing[0], *pitches)
            for pitch in pitches:
                yield Draft("chords", pitch, bar.loudness(hit), frame, until, span.confidence)


def _as_played(
    bar: BarContext,
    span: Span,
    there: Sequence[Struck],
    frame: int,
    hit: Hit,
    with_root: bool,
    covered: set[int],
) -> Iterator[Draft]:
    """A pianist's stroke on the ladder of the chord's voices."""
    velocity = bar.touch.velocity
    pitches: dict[int, Struck] = {}
    for struck in there:
        pitches.setdefault(ladder(span.voicing[1:], struck.height, bar.touch.room), struck)
    if with_root and span.start_frame not in covered:
        covered.add(span.start_frame)
        pitches.setdefault(span.voicing[0], there[0])
    for pitch, struck in pitches.items():
        length = hit.length if hit.length > struck.length else struck.length
        until = span.end_frame if bar.style.ring else frame + length
        loud = max(1, min(127, velocity + struck.louder))
        yield Draft("chords", pitch, loud, frame, until, span.confidence, struck.late_ms)


def _pitches(span: Span, sign: str, room: int) -> tuple[int, ...]:
    upper = span.voicing[1:]
    if sign == "4" and len(upper) > 3:
        return (upper[3],)
    if sign == "4":
        high = upper[0] + 12
        return (high if high <= min(room, VOICES_RANGE[1]) else upper[1],)
    return (upper[int(sign) - 1],) if sign.isdigit() else upper


def strokes(
    bar: BarContext, lane: Lane, forced: bool = True, patient: bool = True
) -> Iterator[Hit]:
    """The hits of a lane in a bar as a player makes them fit the chords.

    A chord that comes where the pattern doesn't strike is struck when it comes (`forced`), but
    for one that the pattern strikes within a beat after a pause (`patient`). Where that is up
    to half a beat before a stroke of the pattern, it anticipates it: the stroke is left out,
    and the chord held through it. A stroke that would sound for a single frame before the next
    chord waits for that chord.
    """
    half_beat = max(1, bar.meter.frames_per_beat // 2)
    planned = [hit for hit in lane.hits if bar.is_played(hit)]
    for span in bar.spans:
        start = span.start_frame - bar.start_frame
        end = span.end_frame - bar.start_frame
        if span.start_frame in bar.finals:
            if start >= 0 and forced:
                yield Hit(start, end - start, "X")
            continue
        inside = [h for h in planned if max(start, 0) <= h.column < end]
        if forced and -half_beat <= start < 0:  # anticipated in the bar before
            inside = [hit for hit in inside if hit.column > start + half_beat]
        elif forced and start >= 0:
            inside = _with_onset(bar, lane, start, end, inside, half_beat, patient)
        for hit in inside:
            waits = hit.column + 1 == end and hit.length > 1 and hit.column > start
            if not waits or span.next_bass is None:
                yield hit


def _with_onset(
    bar: BarContext,
    lane: Lane,
    start: int,
    end: int,
    inside: list[Hit],
    half_beat: int,
    patient: bool,
) -> list[Hit]:
    """The hits of a chord that begins in this bar, with one at its onset where one is needed."""
    per_beat, length = bar.meter.frames_per_beat, bar.end_frame - bar.start_frame
    struck = [hit for hit in inside if hit.column == start]
    later = [hit for hit in inside if hit.column > start]
    holding = lane.holds(start)
    if not struck and patient and not holding and any(h.column <= start + per_beat for h in later):
        return inside
    through = start + half_beat if start % per_beat else start
    """Strokes up to here are anticipated."""
    kept = [hit for hit in later if hit.column > through]
    following = end
    if kept:
        following = kept[0].column
    elif through >= length:
        following = length + min(
            (h.column for h in lane.hits if h.column > through - length), default=length
        )
    if struck:
        if len(kept) < len(later) or through >= length:
            struck = [
                Hit(start, max(hit.length, min(following, end) - start), "x")
                if hit.sign in "Xxo"
                else hit
                for hit in struck
            ]
        return [*struck, *kept]
    pause = lane.columns.find(".", start)
    if pause >= 0:  # as long as the pattern holds, and when it doesn't, a short stroke
        following = min(following, pause if holding else start + 2 * half_beat)
    alone = [hit.sign for hit in lane.hits if hit.sign.isdigit()]
    sign = "1" if alone and len(alone) == len(lane.hits) else "x"
    return [Hit(start, following - start, sign), *kept]
