"""A walking bass as bassists walk: a pitch class for the place in the chord, then the octave.

Counts of the Weimar Jazz Database's bass lines, with interpolation from the plainest
context to the fullest: the kind of chord and the beat in it; how many beats are left; what was
played before; and, on the last beats, where the next chord's root lies. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from jam.music.chord import QUALITIES

Context = tuple[int, ...]
LONG = 5
"""Beats left where they are more than four, or where nobody knows what comes."""
_SMOOTH = 4.0
"""How much a context leans on the plainer one; the best of 1, 2, 4, 8 on the validation solos."""
_USUAL = 2.0
"""Chances to this power: rather what is usual, for the transcription misheard some notes."""
_RARE = 0.06
"""What is less likely than this is not played."""


@lru_cache(maxsize=64)
def kind_of(quality: str) -> int:
    """0 major, 1 dominant, 2 minor, 3 diminished or half-diminished, 4 anything else."""
    intervals = QUALITIES[quality][0]
    if 4 in intervals:
        return 1 if 10 in intervals else 0
    if 3 in intervals:
        return 3 if 6 in intervals else 2
    return 4


def contexts(kind: int, beat: int, left: int, before: int, ahead: int | None) -> Iterator[Context]:
    """From the plainest to the fullest.

    beat: since the chord began. left: beats to the next chord, this one counted, or LONG.
    before: the pitch class played last, ahead: that of the next root, from this root up.
    """
    beat = beat if beat < 4 else 4 + beat % 4
    left = min(left, LONG)
    yield (0, kind, beat)
    yield (1, kind, beat, left)
    yield (2, kind, beat, left, before)
    if ahead is not None and left <= 2:
        yield (3, left, kind, ahead, before)


@dataclass(frozen=True, eq=False)
class Walk:
    """Counts of what was played: of each pitch class from the root up, by context, and of each
    interval from -12 to 12."""

    tones: Mapping[Context, tuple[int, ...]] = field(default_factory=dict)
    steps: tuple[int, ...] = (1,) * 25

    def classes(self, of: Sequence[Context]) -> list[float]:
        """The distribution of the pitch class, from the root up."""
        chances = [1 / 12] * 12
        for context in of:
            if (counts := self.tones.get(context)) is not None:
                n = sum(counts)
                kinds = sum(c > 0 for c in counts) * _SMOOTH
                chances = [
                    (c + kinds * p) / (n + kinds) for c, p in zip(counts, chances, strict=True)
                ]
        return chances

    def choose(
        self, of: Sequence[Context], root: int, last: int, choices: Sequence[int], chance: float
    ) -> int:
        """One of the pitches that may be played; `chance`, from 0 to 1, decides."""
        classes = self.classes(of)
        weights = []
        for pitch in choices:
            interval = pitch - last
            octave = self.steps[interval + 12] if abs(interval) <= 12 else 0
            likely = classes[(pitch - root) % 12]
            weights.append(likely**_USUAL * (octave + 1) if likely >= _RARE else 0.0)
        # Which octave of a pitch class is told by the interval alone.
        of_class: dict[int, int] = {}
        for pitch in choices:
            if abs(pitch - last) <= 12:
                of_class[pitch % 12] = of_class.get(pitch % 12, 1) + self.steps[pitch - last + 12]
        weights = [
            w / of_class.get(pitch % 12, 1) for w, pitch in zip(weights, choices, strict=True)
        ]
        left = chance * sum(weights)
        for weight, pitch in zip(weights, choices, strict=True):
            left -= weight
            if left < 0:
                return pitch
        return max(zip(weights, choices, strict=True))[1]
