"""Chords as people write them (lead sheets, Harte, MusicXML), reduced to the table of qualities."""

from __future__ import annotations

import re
import reprlib

from jam.limits import CHORD_CHARACTERS
from jam.music.chord import QUALITIES, Chord, pitch_class, quality_of_intervals

_SYMBOL = re.compile(r"([A-Ga-g])([#b]*)(.*?)(?:/([A-Ga-g][#b]*))?")

# What may follow the root of a lead-sheet symbol, in the order in which it is tried.
_SYMBOL_PARTS = re.compile(
    r"(?P<half>ø|hdim|h(?=7|$))"
    r"|(?P<dim>dim|°|o(?!m)|d(?=7|$))"
    r"|(?P<alt>alt)"
    r"|(?P<add>add(?:[#b]?\d+)?)"
    r"|(?P<no>(?:no|omit)(?P<left_out>[357]))"
    r"|(?P<sus>sus(?P<sus_degree>[24](?!\d))?)"
    r"|(?P<dom>dom)"
    r"|(?P<minor>MIN|MI|[Mm]in(?!or)|mi(?!n)|m(?!aj|a(?:\d|$)))"
    r"|(?P<major>MAJ|MA|[Mm]aj|ma|M|Δ|\^|j)"
    r"|(?P<signed>[#b+-](?P<altered>5|9|11|13|4|6))"
    r"|(?P<aug>aug|\+)"
    r"|(?P<minus>-)"
    r"|(?P<degree>13|11|9|7|69|6|5|4|2)(?P<after>(?<!7)[#b](?=$|\D|\d+[#b]))?"
)


def parse_symbol(text: str) -> tuple[Chord | None, int | None]:
    """Read a lead-sheet symbol ("Bbm7b5/Ab"): the chord and the pitch class of a slash bass.

    "N.C.", "NC", "N" and "" are no chord. Accidentals of a tension stand before it (7b9) or, as
    in some jazz notations, after it (79b). Raises ValueError for what can't be read to its end.
    """
    if len(text) > CHORD_CHARACTERS:
        raise ValueError(f"not a chord symbol: {reprlib.repr(text)}")
    symbol = re.sub(r"\s", "", text).replace("♯", "#").replace("♭", "b")
    if symbol.startswith("(") and symbol.endswith(")"):
        symbol = symbol[1:-1]
    if symbol.upper().rstrip(".") in ("", "N.C", "NC", "N"):
        return None, None
    symbol = symbol.replace("6/9", "69").replace("/maj", "maj").replace("/9", "")
    found = _SYMBOL.fullmatch(symbol)
    if not found:
        raise ValueError(f"not a chord symbol: {reprlib.repr(text)}")
    letter, signs, rest, bass = found.groups()
    try:
        intervals = _symbol_intervals(re.sub(r"[(),\[\]]", "", rest))
    except ValueError:
        raise ValueError(f"not a chord symbol: {reprlib.repr(text)}") from None
    quality = quality_of_intervals(frozenset(intervals)) or "maj"
    root = pitch_class(letter.upper() + signs)
    return Chord(root, quality), pitch_class(bass[0].upper() + bass[1:]) if bass else None


def _symbol_intervals(rest: str) -> set[int]:
    """Intervals of what stands behind the root in a symbol. Raises ValueError."""
    third: int | None = 4
    fifth: int | None = 7
    seventh: int | None = None
    sixth = ninth = major = False
    dim = False
    at = 0
    first_degree = True
    while at < len(rest):
        part = _SYMBOL_PARTS.match(rest, at)
        if part is None:
            raise ValueError(rest)
        begins, at = at == 0, part.end()
        if part["half"]:
            third, fifth, seventh = 3, 6, 10
        elif part["dim"]:
            third, fifth, dim = 3, 6, True
        elif part["alt"]:
            seventh = seventh or 10
        elif part["no"]:
            third = None if part["left_out"] == "3" else third
            fifth = None if part["left_out"] == "5" else fifth
        elif part["sus"]:
            third = 2 if part["sus_degree"] == "2" else 5
        elif part["minor"] or (part["minus"] and begins):
            third = 3
        elif part["major"]:
            major = True
            # A minor or dominant chord that says "major", or a bare triangle: the seventh.
            bare = part["major"] in "Δ^j" and not re.match(r"\d", rest[at:])
            if third == 3 or seventh is not None or bare:
                seventh = 11
        elif part["signed"] and not (begins and part["signed"][0] in "+-"):
            if part["altered"] == "5":
                fifth = 6 if part["signed"][0] in "b-" else 8
        elif part["signed"]:  # "+9", "-9": the sign is the chord's, the number is read next
            third, fifth = (3, fifth) if part["signed"][0] == "-" else (third, 8)
            at = part.start() + 1
        elif part["aug"]:
            fifth = 8
        elif part["minus"]:
            raise ValueError(rest)
        elif part["degree"]:
            number = part["degree"]
            if number in ("6", "69"):
                sixth = True
            elif number == "5":
                third = None if first_degree and begins else third
            elif number in ("2", "4") and first_degree:
                third = int(number) if number == "2" else 5
            elif number in ("7", "9", "11", "13"):
                if first_degree or number == "7":
                    seventh = seventh or (11 if major else 9 if dim and number == "7" else 10)
                plain = not part["after"]
                ninth |= plain and (number == "9" or (first_degree and number != "7"))
            first_degree = False
    sounding = {0, *(i for i in (third, fifth, seventh) if i is not None)}
    if sixth:
        sounding.add(9)
    if ninth and seventh is not None:
        sounding.add(2)
    return sounding


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

_DEGREES = {1: 0, 2: 2, 3: 4, 4: 5, 5: 7, 6: 9, 7: 11, 9: 2, 10: 4, 11: 5, 13: 9}


def _degree(text: str) -> int:
    signs, number = re.fullmatch(r"([#b]*)(\d+)", text).groups()  # type: ignore[union-attr]
    return (_DEGREES[int(number)] + signs.count("#") - signs.count("b")) % 12


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


# MusicXML 4.0, type kind-value.
_MUSICXML_KINDS = {
    "major": "maj",
    "minor": "min",
    "augmented": "aug",
    "diminished": "dim",
    "dominant": "7",
    "major-seventh": "maj7",
    "minor-seventh": "min7",
    "diminished-seventh": "dim7",
    "augmented-seventh": "aug7",
    "half-diminished": "hdim7",
    "major-minor": "minmaj7",
    "major-sixth": "maj6",
    "minor-sixth": "min6",
    "dominant-ninth": "9",
    "major-ninth": "maj9",
    "minor-ninth": "min9",
    "dominant-11th": "9",
    "major-11th": "maj9",
    "minor-11th": "min9",
    "dominant-13th": "9",
    "major-13th": "maj9",
    "minor-13th": "min9",
    "suspended-second": "sus2",
    "suspended-fourth": "sus4",
    "power": "5",
    "pedal": "5",
    "Neapolitan": "maj",
    "Italian": "7",
    "French": "7",
    "German": "7",
    "Tristan": "hdim7",
}


def quality_of_musicxml_kind(kind: str, degrees: tuple[tuple[int, int, str], ...] = ()) -> str:
    """Reduce a MusicXML `kind` with its `degree` elements (value, alter, type) to the table.

    Raises ValueError for an unknown kind; "none" must be handled by the caller (no chord).
    """
    if kind not in _MUSICXML_KINDS:
        raise ValueError(f"not a MusicXML kind: {kind!r}")
    quality = _MUSICXML_KINDS[kind]
    if not degrees:
        return quality
    intervals = set(QUALITIES[quality][0])
    for value, alter, type_ in degrees:
        if value not in _DEGREES:
            continue
        natural = _DEGREES[value] - (1 if value == 7 else 0)  # MusicXML counts from a minor 7th
        interval = (natural + alter) % 12
        if type_ == "subtract":
            intervals.discard(interval)
        elif type_ == "alter":
            intervals.discard(natural % 12)
            intervals.add(interval)
        else:
            intervals.add(interval)
    return quality_of_intervals(frozenset(intervals)) or quality
