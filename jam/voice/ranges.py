"""Ranges of voices and instruments: which pitches are believed, and how long a look each takes."""

from __future__ import annotations

from dataclasses import dataclass

from jam.settings import VOICES


@dataclass(frozen=True, slots=True)
class Range:
    """A voice or an instrument. low, high: MIDI numbers of its usual notes. window: samples at
    48,000 Hz in which the pitch is looked for; half of it must hold a period of the lowest note.
    """

    low: int
    high: int
    window: int


RANGES = {
    "any": Range(40, 84, 2048),
    "soprano": Range(59, 84, 1024),
    "alto": Range(53, 77, 1024),
    "tenor": Range(47, 72, 1024),
    "baritone": Range(43, 67, 2048),
    "bass": Range(38, 64, 2048),
    "whistle": Range(72, 105, 1024),
    "trumpet": Range(52, 84, 1024),
    "violin": Range(55, 100, 1024),
    "guitar": Range(40, 84, 2048),
}
assert tuple(RANGES) == tuple(VOICES)
MARGIN = 2
"""So many semitones beyond its range a note is believed still."""
