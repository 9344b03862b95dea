"""The line of chords, one state a frame: how others are written into it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jam.music.rows import NO_CHORD, ChordState


def struck(fixed: ChordState, before: ChordState) -> ChordState:
    """What a song fixes, struck where another chord, or none, sounded before."""
    if fixed.chord is None:
        return NO_CHORD
    return ChordState(fixed.chord, fixed.onset or fixed.chord != before.chord)


def spliced(state: ChordState, before: ChordState) -> ChordState:
    """A state of another line, struck where it goes on with a chord that wasn't before it here."""
    if state.chord is None or state.onset or state.chord == before.chord:
        return state
    return ChordState(state.chord, True)


def write(line: list[ChordState], first: int, states: Sequence[ChordState]) -> None:
    """Write states into a line, in place, from frame `first` on.

    Where the line doesn't reach so far its last chord goes on; what follows is spliced.
    """
    while len(line) < first:
        line.append(ChordState(line[-1].chord if line else None, False))
    end = first + len(states)
    line[first:end] = states
    if states and end < len(line):
        line[end] = spliced(line[end], states[-1])
