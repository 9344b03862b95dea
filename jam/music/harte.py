"""Harte's syntax of chords: "C#:min7(*5,9)/b3"."""

from __future__ import annotations

import re
import reprlib

from jam.limits import CHORD_CHARACTERS
from jam.music.chord import DEGREES, Chord, pitch_class, quality_of_intervals

# Harte et al., "Symbolic representation of musical chords" (ISMIR 2005): shorthands.
_HARTE = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "dim": (0, 3, 6),
    "aug": (0, 4, 8),
    "maj7": (0, 4, 7, 11),
    "min7": (0, 3, 7, 10),
    "7": (0, 4, 7, 10),
    "dim7": (0, 3, 6, 9),
    "hdim7": (0, 3, 6, 10),
    "minmaj7": (0, 3, 7, 11),
    "maj6": (0, 4, 7, 9),
    "min6": (0, 3, 7, 9),
    "9": (0, 4, 7, 10, 2),
    "maj9": (0, 4, 7, 11, 2),
    "min9": (0, 3, 7, 10, 2),
    "sus4": (0, 5, 7),
    "sus2": (0, 2, 7),
    "5": (0, 7),
    "1": (0,),
    "11": (0, 4, 7, 10, 2, 5),
    "min11": (0, 3, 7, 10, 2, 5),
    "13": (0, 4, 7, 10, 2, 9),
    "maj11": (0, 4, 7, 11, 2, 5),
    "maj13": (0, 4, 7, 11, 2, 9),
    "min13": (0, 3, 7, 10, 2, 9),
}

_HARTE_CHORD = re.compile(
    # Some write flats as in Humdrum: "B-:maj".
    r"([A-G][#b-]*)(?::([a-zA-Z0-9]*)(?:\(([^)]*)\))?)?(?:/([#b]*\d+))?"
)


def _degree(text: str) -> int:
    signs, number = re.fullmatch(r"([#b]*)(\d+)", text).groups()  # type: ignore[union-attr]
    return (DEGREES[int(number)] + signs.count("#") - signs.count("b")) % 12


def parse_harte(text: str) -> tuple[Chord | None, int | None]:
    """Read Harte's syntax ("C#:min7(*5,9)/b3"): the chord and the pitch class of the bass.

    "N" and "X" are no chord. Raises ValueError for what can't be read.
    """
    if len(text) > CHORD_CHARACTERS:
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
    text = text.strip()
    if text in ("", "N", "X"):
        return None, None
    found = _HARTE_CHORD.fullmatch(text)
    if not found:
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
    name, shorthand, degrees, bass = found.groups()
    root = pitch_class(name)
    if shorthand:
        if shorthand not in _HARTE:
            raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}")
        base: tuple[int, ...] = _HARTE[shorthand]
    else:
        base = (0,) if degrees else (0, 4, 7)
    intervals = set(base)
    try:
        for degree in filter(None, (degrees or "").split(",")):
            if degree.strip().startswith("*"):
                intervals.discard(_degree(degree.strip()[1:]))
            else:
                intervals.add(_degree(degree.strip()))
        bass_class = None if bass is None else (root + _degree(bass)) % 12
    except (AttributeError, KeyError):
        raise ValueError(f"not a chord in Harte's syntax: {reprlib.repr(text)}") from None
    quality = quality_of_intervals(frozenset(intervals))
    return (Chord(root, quality) if quality else Chord(root, "5")), bass_class
