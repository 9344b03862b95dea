"""A song while it is played: which chords it fixes where, and in which metre. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from jam.accompaniment.notes import dice
from jam.music.chord_notation import Symbol
from jam.music.grid import Place, TempoMap
from jam.music.rows import NO_CHORD, ChordState
from jam.music.song import Song, in_its_key, meter_at, symbol_at
from jam.performance.chord_line import spliced, struck

Fixed = ChordState | None
"""What a song says of a frame, an onset where its bass or tensions change; None: it is the agent's.
"""
_VERSIONS = 8
"""A song is hardly changed more often while what is committed goes by."""


@dataclass(frozen=True, slots=True)
class SongInPlay:
    """A song whose first bar is bar number `first_bar` of the session."""

    song: Song
    first_bar: int = 0
    step: int = 0
    """Every chorus is so many semitones higher than the one before."""

    def symbol(self, place: Place) -> Symbol | None:
        """What the song has written at a place, in its chorus's key; None: it is the agent's."""
        played = place.bar - self.first_bar
        symbol = symbol_at(self.song, played, place.frame_in_bar)
        if not self.step or symbol is None:
            return symbol
        chorus = played // len(self.song.chorus.bars)
        return _moved(self.song, symbol, self.step * chorus % 12)

    def fixed(self, place: Place) -> Fixed:
        """What the song has at a place. A chord stands in the bar where the song has it."""
        symbol = self.symbol(place)
        if symbol is None:
            return None
        before = self.symbol(replace(place, frame_in_bar=place.frame_in_bar - 1))
        return ChordState(symbol.chord, _says_more(symbol, before))

    def number(self, place: Place) -> tuple[int, int]:
        """(chorus, number in it) of the chord that the song has written last at a place; -1 before
        the first of a chorus."""
        chorus = self.song.chorus
        turn, bar = divmod(place.bar - self.first_bar, len(chorus.bars))
        return turn, bisect_right(chorus.onsets, (bar, place.frame_in_bar)) - 1

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


def _says_more(symbol: Symbol, before: Symbol | None) -> bool:
    """True where a chord is to be struck although its reduction may have sounded before."""
    if before is None:  # the agent's chord, which has neither
        return symbol.bass is not None or bool(symbol.voices)
    return (before.bass, before.voices) != (symbol.bass, symbol.voices)


@lru_cache(maxsize=512)
def _moved(song: Song, symbol: Symbol, semitones: int) -> Symbol:
    return in_its_key(song, symbol, semitones)


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


def symbols_of(
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    songs: Sequence[tuple[float, SongInPlay]],
    first_frame: int = 0,
) -> tuple[tuple[int, str], ...]:
    """(frame, what the song has written) wherever a chord of a song begins in a line of chords.

    songs: (frame from which it was played, song), in order. What was committed before a song was
    changed is of the song before. Where the line has another chord it isn't the song's.
    first_frame: that of the first chord.
    """
    found: list[tuple[int, str]] = []
    at = 0
    for frame, state in enumerate(chords, first_frame):
        while at < len(songs) and songs[at][0] <= frame:
            at += 1
        if not state.onset:
            continue
        place = tempo_map.place(frame)
        for _, song in reversed(songs[max(0, at - _VERSIONS) : at]):
            symbol = song.symbol(place)
            if symbol is not None and symbol.chord == state.chord:
                found.append((frame, symbol.written))
                break
    return tuple(found)


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
