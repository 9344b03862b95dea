"""A melody with chords as written bars: notes that can be drawn, symbols, repeats. Pure."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate, pairwise
from operator import itemgetter

from jam.music.grid import FRAMES_PER_QUARTER, Meter, TempoMap, quarter_bpm
from jam.music.rows import ChordState
from jam.notation.rhythm import WrittenMelody

_LONGEST_QUARTERS = Fraction(8)
_FEWEST_REPEATED_BARS = 4
_PHRASE_BARS = 4
"""Where a first and a second ending stand, all begins and ends with phrases of so many bars, and
the endings are a quarter of it at most."""
_MOST_TURNS = 16
_SHORTEST_TEMPO_BARS, _SMALLEST_TEMPO_CHANGE = 1, 0.03
"""A tempo that lasts for less, or changes less, is played but not printed."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A note or rest of one type, drawn at one place; in quarters from the start of its bar."""

    start: Fraction
    length: Fraction
    pitch: int | None
    from_before: bool = False
    """Tied to the piece before it."""
    goes_on: bool = False
    """Tied to the piece behind it."""
    tuplet: str = ""
    """Of a triplet: "start", "inside" or "stop"."""


@dataclass(frozen=True, slots=True)
class Tempo:
    """A tempo from a place in its bar on, in quarters."""

    start: Fraction
    bpm: float
    """Beats a minute."""
    quarter_bpm: float
    is_printed: bool


@dataclass(frozen=True, slots=True)
class Bar:
    """One written bar. Places in quarters from its start."""

    meter: Meter
    length: Fraction
    pieces: tuple[Piece, ...]
    symbols: tuple[tuple[Fraction, ChordState, str], ...] = ()
    """(place, chord, symbol as it was written, "" where the program chose it)"""
    tempos: tuple[Tempo, ...] = ()
    is_pickup: bool = False
    starts_repeat: bool = False
    turns: int = 1
    """How often the bars from the last start of a repeat to this one are played."""
    ending: int = 0
    """The time through which it is played, in a first or second ending; 0: every time."""
    frame: int = 0
    """The bar line at its start; of a pickup, bar 1's."""
    held: ChordState = field(default_factory=ChordState, compare=False)
    """The chord that sounds when it begins."""


def written_bars(
    melody: WrittenMelody,
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    symbols: Mapping[int, str] | None = None,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> list[Bar]:
    """The bars of a lead sheet, a pickup first, to the end of the last bar with a note or chord.

    symbols: by frame, what was written where the program has but a reduction. progress: called with
    (bars done, bars in all).
    """
    last = max([len(chords), *(math.ceil(n.end_quarter * 4) for n in melody.notes)])
    end = tempo_map.next_bar_frame(max(last, 1))
    lines = [0]
    while lines[-1] < end:
        lines.append(tempo_map.next_bar_frame(lines[-1] + 1))
    events = [(n.start_quarter, n.end_quarter, n.pitch) for n in melody.notes]
    spans = [(_quarters(a), _quarters(b)) for a, b in pairwise(lines)]
    meters = [tempo_map.meter_at(frame) for frame in lines[:-1]]
    bars: list[Bar] = []
    first = min((start for start, _, _ in events), default=Fraction(0))
    if first < 0:
        lead = min(-first, _quarters(meters[0].frames_per_bar))
        pieces = tuple(_pieces(events, -lead, Fraction(0), meters[0], -lead))
        bars.append(Bar(meters[0], lead, pieces, is_pickup=True))
    held = ChordState()
    events.sort(key=itemgetter(0))
    starts = [start for start, _, _ in events]
    ends = list(accumulate((end for _, end, _ in events), max))
    for (start, stop), meter, frame in zip(spans, meters, lines, strict=False):
        progress(len(bars), len(spans))
        sounding = events[bisect_right(ends, start) : bisect_left(starts, stop)]
        to = round(stop * FRAMES_PER_QUARTER)
        found = tuple(_symbols(chords, frame, to, held, symbols or {}))
        bars.append(
            Bar(
                meter,
                stop - start,
                tuple(_pieces(sounding, start, stop, meter, Fraction(0))),
                found,
                tuple(_tempos(tempo_map, frame, to)),
                frame=frame,
                held=held,
            )
        )
        if to <= len(chords):
            held = replace(chords[to - 1], onset=False)
        else:
            held = ChordState()
    return _with_pickup(bars)


def _with_pickup(bars: list[Bar]) -> list[Bar]:
    """A first bar that is mostly a rest before its notes is a pickup; the tempo stands over it."""
    first = bars[0]
    if not first.is_pickup:
        silent = Fraction(0)
        for piece in first.pieces:
            if piece.pitch is not None:
                break
            silent += piece.length
        if not len(bars) > 1 or not first.length / 2 <= silent < first.length:
            return bars
        moved = tuple(replace(p, start=p.start - silent) for p in first.pieces if p.start >= silent)
        symbols = {
            max(Fraction(0), at - silent): (state, text) for at, state, text in first.symbols
        }
        tempos = tuple(replace(t, start=max(Fraction(0), t.start - silent)) for t in first.tempos)
        lead = first.length - silent
        named = tuple((at, *symbol) for at, symbol in sorted(symbols.items()))
        return [
            replace(first, length=lead, pieces=moved, symbols=named, tempos=tempos, is_pickup=True),
            *bars[1:],
        ]
    opening, rest = bars[1].tempos[:1], bars[1].tempos[1:]
    if opening and not opening[0].start:
        return [replace(first, tempos=opening), replace(bars[1], tempos=rest), *bars[2:]]
    return bars


def _quarters(frames: int) -> Fraction:
    return Fraction(frames, FRAMES_PER_QUARTER)


def _symbols(
    chords: Sequence[ChordState],
    start: int,
    stop: int,
    before: ChordState,
    written: Mapping[int, str],
) -> Iterator[tuple[Fraction, ChordState, str]]:
    """Where a chord begins, or no chord does."""
    for frame in range(start, min(stop, len(chords))):
        state = chords[frame]
        ends = state.chord is None and before.chord is not None
        if state.onset or ends or (state.chord is None and frame in written):
            yield _quarters(frame - start), state, written.get(frame, "")
        before = state


def _tempos(tempo_map: TempoMap, start: int, stop: int) -> Iterator[Tempo]:
    segments = tempo_map.segments
    for i, segment in enumerate(segments):
        begins = max(segment.start_frame, 0) if i == 0 else segment.start_frame
        if not start <= begins < stop:
            continue
        printed = True
        if i:
            lasts = segments[i + 1].start_frame - begins if i + 1 < len(segments) else math.inf
            old = quarter_bpm(segments[i - 1].bpm, segments[i - 1].meter)
            change = abs(quarter_bpm(segment.bpm, segment.meter) / old - 1)
            if change < 1e-6:
                continue
            per_bar = segment.meter.frames_per_bar * _SHORTEST_TEMPO_BARS
            printed = lasts >= per_bar and change >= _SMALLEST_TEMPO_CHANGE
        yield Tempo(
            _quarters(begins - start), segment.bpm, quarter_bpm(segment.bpm, segment.meter), printed
        )


# -- notes and rests that can be drawn ---------------------------------------------------------

_Event = tuple[Fraction, Fraction, int]
"""(start, end, pitch) in quarters from frame 0."""


def _pieces(
    events: Sequence[_Event], start: Fraction, stop: Fraction, meter: Meter, zero: Fraction
) -> Iterator[Piece]:
    """Notes and rests of one bar. zero: where in the metre its bar line lies (a pickup's is late).

    Every bar is filled from its start to its stop.
    """
    spans: list[tuple[Fraction, Fraction, int | None, bool, bool]] = []
    at = start
    for begin, end, key in events:
        if end <= start or begin >= stop:
            continue
        if begin > at:
            spans.append((at, begin, None, False, False))
        spans.append((max(begin, start), min(end, stop), key, begin < start, end > stop))
        at = min(end, stop)
    if at < stop:
        spans.append((at, stop, None, False, False))
    if len(spans) == 1 and spans[0][2] is None:
        yield Piece(Fraction(0), stop - start, None)  # a whole bar's rest
        return
    phase = _phase(zero, meter)
    pieces: list[Piece] = []
    for begin, end, pitch, before, after in spans:
        cuts = list(_cuts(begin - start + phase, end - start + phase, meter))
        for i, (a, b) in enumerate(pairwise(cuts)):
            tied = pitch is not None
            pieces.append(
                Piece(
                    a - phase,
                    b - a,
                    pitch,
                    tied and (before or i > 0),
                    tied and (after or i < len(cuts) - 2),
                )
            )
    yield from _with_tuplets(pieces, phase, meter)


def _phase(zero: Fraction, meter: Meter) -> Fraction:
    """How far into a bar of the metre a pickup begins."""
    return _quarters(meter.frames_per_bar) + zero if zero else Fraction(0)


def _beat_lines(meter: Meter) -> list[Fraction]:
    """Where the beats of a bar begin; groups of them in metres of unequal ones."""
    beat = _quarters(meter.frames_per_beat)
    sizes = meter.groups if beat < 1 else (1,) * meter.beats_per_bar
    lines = [Fraction(0)]
    for size in sizes:
        lines.append(lines[-1] + size * beat)
    return lines


_TYPES = tuple(
    sorted(
        {
            *(Fraction(n, 8) for n in (1, 2, 4, 8, 16, 32, 64)),
            *(Fraction(3 * n, 16) for n in (2, 4, 8, 16, 32)),
        },
        reverse=True,
    )
)
"""Lengths of notes with and without a dot, in quarters, the longest first."""


def _cuts(start: Fraction, end: Fraction, meter: Meter) -> Iterator[Fraction]:
    """Where a note within a bar is cut, its start and end among them.

    A triplet is cut at its beat. Else no note hides a beat, but for those that readers know: from
    a beat over whole beats, dotted from a beat, and a beat's length from the middle of one.
    """
    lines = _beat_lines(meter)
    yield start
    at = start
    while at < end:
        index = max(i for i, line in enumerate(lines) if line <= at)
        beat_start = lines[index]
        beat_end = lines[index + 1] if index + 1 < len(lines) else end
        if _is_binary(at) and not _is_binary(end) and end > beat_end:
            last = max(line for line in lines if line < end)
            at = _longest(at, last, lines, meter) if at < last else end
        elif not _is_binary(at):
            at = min(end, beat_end)
        elif not _is_binary(end):
            at = end  # within one beat
        elif beat_start == at or end > beat_end:
            at = _longest(at, end, lines, meter)
        else:
            at = at + max(t for t in _TYPES if t <= end - at)
        yield at


def _is_binary(place: Fraction) -> bool:
    return place.denominator & (place.denominator - 1) == 0


def _longest(at: Fraction, end: Fraction, lines: Sequence[Fraction], meter: Meter) -> Fraction:
    """The furthest place before `end` to which one note may go from `at`."""
    beat = _quarters(meter.frames_per_beat)
    next_line = min((line for line in lines if line > at), default=end)
    on_beat = at in lines
    for length in _TYPES:
        to = at + length
        if to > end:
            continue
        if to <= next_line:
            return to
        if on_beat and to in lines:
            # Over the middle of a bar in four only from its start, or as a half from two to four.
            return to
        if on_beat and not meter.compound and beat >= 1 and length == beat * Fraction(3, 2):
            return to
        middle_of_beat = not meter.compound and beat >= 1 and (at - beat / 2) in lines
        in_half = int(at / (2 * beat)) == int((to - Fraction(1, 64)) / (2 * beat))
        if middle_of_beat and length == beat and in_half and to == end:
            return to
    return min(end, next_line)


def _with_tuplets(pieces: Sequence[Piece], phase: Fraction, meter: Meter) -> Iterator[Piece]:
    """Mark the pieces of every beat that is divided in three."""
    lines = _beat_lines(meter)
    beats: dict[Fraction, list[int]] = {}
    for i, piece in enumerate(pieces):
        place = piece.start + phase
        if not (_is_binary(place) and _is_binary(place + piece.length)):
            beats.setdefault(max(line for line in lines if line <= place), []).append(i)
    marks: dict[int, str] = {}
    for indices in beats.values():
        for i in indices:
            marks[i] = "start" if i == indices[0] else "stop" if i == indices[-1] else "inside"
    for i, piece in enumerate(pieces):
        yield replace(piece, tuplet=marks.get(i, ""))


# -- repeats -------------------------------------------------------------------------------------


def folded(bars: Sequence[Bar], sections: Mapping[int, str] | None = None) -> list[Bar]:
    """The same bars with what is played again at once written once: exactly so with a repeat, and
    all but the last bars with a first and a second ending.

    sections: {frame: name} of the bars where one begins; no name is lost.
    """
    out: list[Bar] = []
    i = 0
    while i < len(bars):
        found = _repeated(bars, i, sections or {})
        out.extend(found.written(bars, i))
        i += found.played
    return out


@dataclass(frozen=True, slots=True)
class _Repeat:
    """Bars that are played so often, the last `ending` of them another way the second time."""

    length: int = 1
    turns: int = 1
    ending: int = 0

    @property
    def played(self) -> int:
        return self.length * self.turns

    @property
    def saved(self) -> int:
        return (self.length - self.ending) * (self.turns - 1)

    def written(self, bars: Sequence[Bar], start: int) -> list[Bar]:
        section = list(bars[start : start + self.length])
        if self.turns == 1:
            return section
        section[0] = replace(section[0], starts_repeat=True)
        section[-1] = replace(section[-1], turns=self.turns)
        if not self.ending:
            return section
        second = bars[start + 2 * self.length - self.ending : start + 2 * self.length]
        first = [replace(bar, ending=1) for bar in section[-self.ending :]]
        return [*section[: -self.ending], *first, *(replace(bar, ending=2) for bar in second)]


def _repeated(bars: Sequence[Bar], start: int, sections: Mapping[int, str]) -> _Repeat:
    """The repeat that begins at a bar and saves the most bars; an exact one where several do."""
    best = _Repeat()
    if bars[start].is_pickup or _is_tied_into(bars[start]):
        return best
    for length in range(_FEWEST_REPEATED_BARS, (len(bars) - start) // 2 + 1):
        turns, same = 1, 0
        while turns < _MOST_TURNS:
            same = _n_same(bars, start, start + turns * length, length, sections)
            if same < length:
                break
            turns += 1
        ending = length - same if turns == 1 else 0
        if ending and (
            4 * ending > length
            or length % _PHRASE_BARS
            or (start - bars[0].is_pickup) % _PHRASE_BARS
            or len(bars) < start + 2 * length
            or any(bars[start + k].frame in sections for k in range(same, length))
            or any(bars[start + length + k].frame in sections for k in range(same, length))
        ):
            continue
        found = _Repeat(length, max(turns, 2), ending)
        if found.saved > best.saved:
            best = found
    return best


def _n_same(
    bars: Sequence[Bar], first: int, second: int, length: int, sections: Mapping[int, str]
) -> int:
    """How many bars from two places on are the same and can be written once."""
    for k in range(min(length, len(bars) - second)):
        one, two = bars[first + k], bars[second + k]
        # A chord that is held into a repeat is the one that is written where it begins.
        if two.tempos or _content(one, k == 0) != _content(two, k == 0):
            return k
        name, again = sections.get(one.frame), sections.get(two.frame)
        if again != name and (again or k):
            return k
    return max(0, min(length, len(bars) - second))


def _content(bar: Bar, with_held: bool = False) -> tuple[object, ...]:
    symbols = [(at, state.chord, text) for at, state, text in bar.symbols]
    if with_held:
        held = symbols.pop(0)[1] if symbols and not symbols[0][0] else bar.held.chord
        symbols.insert(0, (Fraction(0), held, ""))
    return bar.meter, bar.length, bar.pieces, symbols


def _is_tied_into(bar: Bar) -> bool:
    return bool(bar.pieces) and bar.pieces[0].from_before
