"""Kinds of chords as MusicXML 4.0 has them (`kind-value`), with their degrees."""

from __future__ import annotations

from jam.music.chord import DEGREES, QUALITIES, quality_of_intervals

Degree = tuple[str, int, int]
"""A `degree` of MusicXML: ("add", "alter" or "subtract", value, alteration in semitones)."""

# quality -> (kind of MusicXML 4.0, degrees that it lacks)
KINDS: dict[str, tuple[str, tuple[Degree, ...]]] = {
    "maj": ("major", ()),
    "min": ("minor", ()),
    "7": ("dominant", ()),
    "maj7": ("major-seventh", ()),
    "min7": ("minor-seventh", ()),
    "dim": ("diminished", ()),
    "aug": ("augmented", ()),
    "sus4": ("suspended-fourth", ()),
    "sus2": ("suspended-second", ()),
    "hdim7": ("half-diminished", ()),
    "dim7": ("diminished-seventh", ()),
    "maj6": ("major-sixth", ()),
    "min6": ("minor-sixth", ()),
    "9": ("dominant-ninth", ()),
    "min9": ("minor-ninth", ()),
    "maj9": ("major-ninth", ()),
    "7sus4": ("suspended-fourth", (("add", 7, 0),)),
    "minmaj7": ("major-minor", ()),
    "5": ("power", ()),
    "aug7": ("augmented-seventh", ()),
}

# Kinds that are read besides, as their nearest quality.
_MUSICXML_KINDS = {kind: quality for quality, (kind, degrees) in KINDS.items() if not degrees} | {
    "dominant-11th": "9",
    "major-11th": "maj9",
    "minor-11th": "min9",
    "dominant-13th": "9",
    "major-13th": "maj9",
    "minor-13th": "min9",
    "pedal": "5",
    "Neapolitan": "maj",
    "Italian": "7",
    "French": "7",
    "German": "7",
    "Tristan": "hdim7",
    # Not of the standard, but written.
    "dominant-seventh": "7",
    "half-diminished-seventh": "hdim7",
    "minor-major-seventh": "minmaj7",
}


def sounding(kind: str, degrees: tuple[tuple[int, int, str], ...] = ()) -> frozenset[int]:
    """Semitones above the root of all that a kind with its degrees (value, alter, type) names.

    Degrees count from a dominant chord, so a seventh from a minor one; some programs
    write a minor one as one that is lowered. Raises ValueError for an unknown kind.
    """
    if kind not in _MUSICXML_KINDS:
        raise ValueError(f"not a MusicXML kind: {kind!r}")
    notes = {*QUALITIES[_MUSICXML_KINDS[kind]][0], *_STACKED.get(kind[-4:], ())}
    for value, alter, type_ in degrees:
        if value not in DEGREES:
            continue
        natural = DEGREES[value] - (value == 7)
        if value == 7 and alter == -1 and 6 not in notes:
            alter = 0
        if type_ in ("subtract", "alter"):
            notes.discard(natural + alter * (type_ == "subtract"))
        if type_ != "subtract":
            notes.add((natural + alter) % 12)
    return frozenset(notes)


_STACKED = {"11th": (2, 5), "13th": (2, 9)}


def quality_of_musicxml_kind(kind: str, degrees: tuple[tuple[int, int, str], ...] = ()) -> str:
    """Reduce a MusicXML `kind` with its `degree` elements (value, alter, type) to the table.

    Raises ValueError for an unknown kind; "none" must be handled by the caller (no chord).
    """
    notes = sounding(kind, degrees)
    if not degrees:
        return _MUSICXML_KINDS[kind]
    if notes & {10, 11} and any(value == 3 and type_ == "subtract" for value, _, type_ in degrees):
        notes |= {4}  # "9(no3)" is no sus chord
    return quality_of_intervals(notes) or _MUSICXML_KINDS[kind]
