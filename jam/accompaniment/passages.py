"""Bars as people played them.

A passage is some bars in a row of one performance, without its chords: a pianist's strokes as
ranks on the ladder of a chord's voices, or a drummer's strokes.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Struck:
    """A note of a passage.

    height: of the chords the rank on the ladder of the chord's voices (0 the lowest, 3 the lowest
    an octave higher), of the bass the interval from the root up, of the drums the key.
    louder: than the passage's mean velocity. late_ms: off the grid.
    """

    column: int
    length: int
    height: int
    louder: int
    late_ms: int

    @property
    def sign(self) -> str:
        """What of a drawn lane is most like it."""
        return "X" if self.louder > 14 else "o" if self.louder < -22 else "x"


@dataclass(frozen=True, eq=False, slots=True)
class Passage:
    """Bars in 4/4, in a row. kind: of drums the recording's style, of the piano how it strikes."""

    kind: str
    bpm: float
    bars: tuple[tuple[Struck, ...], ...]
    low: tuple[tuple[Struck, ...], ...] = ()
    """The left hand's bars, of a pianist."""

    @property
    def density(self) -> float:
        """Places a bar with an onset."""
        return sum(len({s.column for s in bar}) for bar in self.bars) / len(self.bars)
