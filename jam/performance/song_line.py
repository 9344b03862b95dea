"""A song while it is played: which chords it fixes where, and in which metre. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from jam.accompaniment.notes import dice
from jam.music.grid import Place, TempoMap
from jam.music.rows import NO_CHORD, ChordState
from jam.music.song import Song, Symbol, meter_at, symbol_at
from jam.performance.chord_line import spliced, struck

Fixed = ChordState | None
"""What a song says of a frame, an onset where its bass changes; None: it is left to the agent."""


@dataclass(frozen=True, slots=True)
class SongInPlay:
    """A song whose first bar is bar number `first_bar` of the session."""

    song: Song
    first_bar: int = 0

    def _symbol(self, place: Place) -> Symbol | None:
        return symbol_at(self.song, place.bar - self.first_bar, place.frame_in_bar)

    def fixed(self, place: Place) -> Fixed:
        """What the song has at a place. A chord stands in the bar where the song has it."""
        symbol = self._symbol(place)
        if symbol is None:
            return None
        before = self._symbol(replace(place, frame_in_bar=place.frame_in_bar - 1))
        return ChordState(symbol.chord, before is not None and before.bass != symbol.bass)

    def number(self, place: Place) -> tuple[int, int]:
        """(chorus, number in it) of the chord that the song has written last at a place; -1 before
        the first of a chorus."""
        chorus = self.song.chorus
        turn, bar = divmod(place.bar - self.first_bar, len(chorus.bars))
        return turn, bisect_right(chorus.onsets, (bar, place.frame_in_bar)) - 1

    def bass(self, place: Place) -> int | None:
        """Pitch class of the bass that the song writes below its chord."""
        symbol = self._symbol(place)
        return None if symbol is None else symbol.bass

    def with_its_metres(self, tempo_map: TempoMap, from_frame: int, end_frame: int) -> TempoMap:
        """The map with the metres of the song's bars that begin within these frames.

        The last of them is the song's until another one is set.
        """
        frame = tempo_map.next_bar_frame(from_frame)
        while frame < end_frame:
            bar = tempo_map.place(frame).bar - self.first_bar
            if bar >= 0 and (meter := meter_at(self.song, bar)) != tempo_map.meter_at(frame):
                tempo_map = tempo_map.with_meter(frame, meter)
            frame = tempo_map.next_bar_frame(frame + 1)
        return tempo_map


def freed(n_chords: int, chorus: int, seed: int, share: float) -> frozenset[int]:
    """Numbers of the chords of a chorus that the agent may replace: a function of its arguments.

    Never the first, and never two that follow each other, so that what is replaced leads on to
    what the song has.
    """
    found: set[int] = set()
    for number in range(1, n_chords):
        if number - 1 not in found and dice(seed, 71, chorus, number) < share:
            found.add(number)
    return frozenset(found)


def laid_over(
    chords: Sequence[ChordState], places: Sequence[Place], song: SongInPlay
) -> list[ChordState]:
    """A line of chords with those of the song where it fixes any."""
    line: list[ChordState] = []
    for state, place in zip(chords, places, strict=True):
        before = line[-1] if line else NO_CHORD
        if (fixed := song.fixed(place)) is not None:
            state = struck(fixed, before)
        else:
            state = spliced(state, before)
        line.append(state)
    return line
