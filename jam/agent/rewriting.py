"""What rewrites: any frames of melody and chords are given, the others drawn anew. Pure.

The protocol `Rewriter` is what review and command line know of the infilling network.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Protocol

from jam.music.chord import Chord
from jam.music.grid import Place
from jam.music.key import Key
from jam.music.rows import ChordState, MelodyState

RewrittenPart = Literal["chords", "melody", "both"]
REWRITTEN_PARTS: tuple[RewrittenPart, ...] = ("chords", "melody", "both")
A_LITTLE, WHOLLY = 0.35, 1.0
"""Shares of a selection that are drawn anew."""
MOST_PROPOSALS = 16
AROUND_BARS = 16
"""So many bars before and after a gap are read."""
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""


@dataclass(frozen=True, slots=True)
class Gap:
    """Music with a gap, and how it is to be filled. All sequences have one value a frame, from
    `first_frame` of the take on: a gap needs no more of it than lies around.

    melody_open, chord_open: the frames that may be drawn anew; the others stay as they are. share:
    how many of them are, 0 to 1. allowed: the chords that may be drawn, None for all; scale: the
    key to which the melody keeps, None for any notes. style, density: conditions as in play.
    """

    melody: tuple[MelodyState, ...]
    chords: tuple[ChordState, ...]
    places: tuple[Place, ...]
    melody_open: tuple[bool, ...]
    chord_open: tuple[bool, ...]
    share: float = WHOLLY
    temperature: float = 1.0
    allowed: frozenset[Chord] | None = None
    scale: Key | None = None
    style: str = "any"
    density: float | None = None
    first_frame: int = 0


@dataclass(frozen=True, slots=True)
class Filling:
    """A gap filled: melody and chords of every frame of it.

    likelihood: the mean log-probability, in nats, of a frame that was drawn, given the rest.
    """

    melody: tuple[MelodyState, ...]
    chords: tuple[ChordState, ...]
    likelihood: float


class Rewriter(Protocol):
    """Who fills gaps."""

    def fill(self, gap: Gap, n: int, seed: int, progress: Progress | None = None) -> list[Filling]:
        """So many fillings, the likeliest first. The same seed gives the same ones."""
        ...


LoadRewriter = Callable[[], Rewriter]
"""Gives who fills gaps. Raises BadInput or JamError where it can't be loaded."""
