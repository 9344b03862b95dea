"""The line of chords as spans: from each chord's onset to where it has to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from jam.accompaniment.voicing import Voicing, voice
from jam.music.chord import QUALITIES, Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import TempoMap
from jam.music.rows import ChordState


@dataclass(frozen=True, slots=True)
class Span:
    """A chord from its onset to its end, with the pitches that are its own.

    `next_bass` is the bass note that follows without a gap; None where the chord is followed by
    a rest, or by what is not planned yet.
    """

    start_frame: int
    end_frame: int
    chord: Chord
    voicing: Voicing
    symbol: Symbol | None = None
    """What is written for it, where that says more than the chord."""
    confidence: float = 1.0
    next_bass: int | None = None
    next_confidence: float = 1.0

    @property
    def tones(self) -> frozenset[int]:
        """What a bass may rest on, in semitones above the root: the chord's, without what is
        written otherwise (the fifth of a chord with another one)."""
        own = frozenset(QUALITIES[self.chord.quality][0])
        return own if self.symbol is None else own & self.symbol.intervals | self._fifths

    @property
    def _fifths(self) -> frozenset[int]:
        written = frozenset() if self.symbol is None else self.symbol.intervals
        return frozenset() if 7 in written else written & {6, 8}

    @property
    def avoided(self) -> frozenset[int]:
        """What the chord has, but what is written has altered."""
        return frozenset(QUALITIES[self.chord.quality][0]) - self.tones


def begins(line: Sequence[ChordState], frame: int) -> bool:
    """True where a chord or a rest begins at `frame`."""
    if frame == 0:
        return True
    state, before = line[frame], line[frame - 1]
    return state.chord != before.chord or (state.onset and state.chord is not None)


def onset_of(line: Sequence[ChordState], frame: int) -> int:
    """The frame at which what holds at `frame` began."""
    while not begins(line, frame):
        frame -= 1
    return frame


def voiced_spans(
    line: Sequence[ChordState],
    from_frame: int,
    tempo_map: TempoMap,
    voicings: Mapping[int, Voicing],
    room: int,
    confidence: Mapping[int, float],
    symbols: Mapping[int, Symbol],
) -> list[Span]:
    """The spans from the one in which `from_frame` lies to the end of the line.

    `voicings` holds, by the frame of the onset, those that are committed: they are kept, and
    the newest of them is where the voices come from. What still holds at the end of the line
    lasts to the bar line after it: where no plan has come by then, it rests there. `symbols` has
    what is written for chords, by the frame of their onset.
    """
    if not line:
        return []
    first = onset_of(line, min(from_frame, len(line) - 1))
    starts = [f for f in range(first, len(line)) if begins(line, f)]
    ends = [*starts[1:], tempo_map.next_bar_frame(len(line))]
    earlier = [frame for frame in voicings if frame < first]
    last = voicings[max(earlier)] if earlier else None
    found: list[Span] = []
    sure = 1.0
    for start, end in zip(starts, ends, strict=True):
        if (chord := line[start].chord) is None:
            continue
        symbol = symbols.get(start)
        if symbol is not None and symbol.chord == chord:
            drawn = voice(chord, last, room, symbol.bass, symbol.voices)
        else:
            symbol, drawn = None, voice(chord, last, room)
        last = voicings.get(start) or drawn
        sure = confidence.get(start, sure)
        found.append(Span(start, end, chord, last, symbol, sure))
    for i, (span, after) in enumerate(pairwise(found)):
        if after.start_frame == span.end_frame:
            found[i] = replace(span, next_bass=after.voicing[0], next_confidence=after.confidence)
    return found
