"""Chords: one table of qualities, and the reduction of every notation to it.

`QUALITIES` is the single source: pitch classes, the symbol that is drawn, and the order of the
network's classes are all derived from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from jam.errors import BadInput

# quality -> (intervals above the root in semitones, suffix of the chord symbol)
QUALITIES: dict[str, tuple[tuple[int, ...], str]] = {
    "maj": ((0, 4, 7), ""),
    "min": ((0, 3, 7), "m"),
    "7": ((0, 4, 7, 10), "7"),
    "maj7": ((0, 4, 7, 11), "maj7"),
    "min7": ((0, 3, 7, 10), "m7"),
    "dim": ((0, 3, 6), "dim"),
    "aug": ((0, 4, 8), "aug"),
    "sus4": ((0, 5, 7), "sus4"),
    "sus2": ((0, 2, 7), "sus2"),
    "hdim7": ((0, 3, 6, 10), "m7b5"),
    "dim7": ((0, 3, 6, 9), "dim7"),
    "maj6": ((0, 4, 7, 9), "6"),
    "min6": ((0, 3, 7, 9), "m6"),
    "9": ((0, 4, 7, 10, 2), "9"),
    "min9": ((0, 3, 7, 10, 2), "m9"),
    "maj9": ((0, 4, 7, 11, 2), "maj9"),
    "7sus4": ((0, 5, 7, 10), "7sus4"),
    "minmaj7": ((0, 3, 7, 11), "mMaj7"),
    "5": ((0, 7), "5"),
    "aug7": ((0, 4, 8, 10), "aug7"),
}
QUALITY_NAMES: tuple[str, ...] = tuple(QUALITIES)
QUALITY_INDEX: dict[str, int] = {name: i for i, name in enumerate(QUALITY_NAMES)}

SHARP_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
FLAT_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
# How players usually spell a root when nothing is known of the key.
COMMON_NAMES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
"""Pitch classes of the notes without accidentals."""
DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 9: 2, 10: 4, 11: 5, 13: 9}
"""Semitones above the root of the degrees of a major scale."""


@dataclass(frozen=True, slots=True)
class Chord:
    """A chord of the program: root 0 to 11 (C = 0) and a quality of the table."""

    root: int
    quality: str = "maj"

    def __post_init__(self) -> None:
        if not 0 <= self.root < 12 or self.quality not in QUALITIES:
            raise ValueError(f"no such chord: root {self.root}, quality {self.quality!r}")

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes from the root upwards, in the order of the table."""
        return tuple((self.root + i) % 12 for i in QUALITIES[self.quality][0])

    @property
    def symbol(self) -> str:
        return COMMON_NAMES[self.root] + QUALITIES[self.quality][1]

    def transposed(self, semitones: int) -> Chord:
        return Chord((self.root + semitones) % 12, self.quality)


def pitch_class(name: str) -> int:
    """Pitch class of a note name: letter, then any of # b ♯ ♭ - (music21's flat). ValueError."""
    if not name or name[0].upper() not in LETTERS:
        raise ValueError(f"not a note name: {name!r}")
    value = LETTERS[name[0].upper()]
    for sign in name[1:]:
        if sign in "#♯":
            value += 1
        elif sign in "b♭-":
            value -= 1
        else:
            raise ValueError(f"not a note name: {name!r}")
    return value % 12


def pitch_name(pitch: int) -> str:
    """A MIDI pitch by name, 60 being "C4"."""
    return f"{SHARP_NAMES[pitch % 12]}{pitch // 12 - 1}"


def parse_pitch(text: str) -> int:
    """A MIDI pitch by its number or its name, C4 being 60. Raises BadInput."""
    if text.isdecimal():
        return int(text)
    if (named := re.fullmatch(r"([A-Ga-g])([#b]*)(-?\d)", text)) is None:
        raise BadInput(f"key {text!r}: use a MIDI pitch (60) or a name (C4)")
    letter, signs, octave = named.groups()
    return 12 * (int(octave) + 1) + LETTERS[letter.upper()] + signs.count("#") - signs.count("b")


def quality_of_intervals(intervals: frozenset[int]) -> str | None:
    """The quality of the table that a set of intervals above the root is reduced to.

    The rule, stated once for every notation: third and fifth decide the triad; a seventh is
    kept; a ninth is kept only over a seventh whose chord the table has with it; other tensions
    (11, 13, alterations of the ninth) are dropped. None where there is nothing but a root.
    """
    has = intervals.__contains__
    if len(intervals - {0}) == 0:
        return None
    ninth = has(2) and (has(3) or has(4))
    if has(4):
        if has(8) and not has(7):
            return "aug7" if has(10) else "aug"
        if has(10):
            return "9" if ninth else "7"
        if has(11):
            return "maj9" if ninth else "maj7"
        return "maj6" if has(9) else "maj"
    if has(3):
        if has(6) and not has(7):
            if has(10):
                return "hdim7"
            return "dim7" if has(9) else "dim"
        if has(11):
            return "minmaj7"
        if has(10):
            return "min9" if ninth else "min7"
        return "min6" if has(9) else "min"
    if has(5):
        return "7sus4" if has(10) else "sus4"
    if has(2):
        return "7sus4" if has(10) else "sus2"
    if has(10):
        return "7"
    if has(11):
        return "maj7"
    return "5" if has(7) else None
