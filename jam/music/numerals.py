"""Roman numerals as chords: degrees of a key, as in Humdrum's `**harm` and MusicXML. Pure."""

from __future__ import annotations

import re

from jam.music.chord import Chord, quality_of_intervals
from jam.music.key import Key

_MAJOR, _MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
_DEGREES = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5, "VI": 6, "VII": 7}
_AUGMENTED_SIXTHS = re.compile(r"(?:Lt|It|Gn|Ger|Fr)(?:[a-g]|\d{1,2})?")
_NUMERAL = re.compile(
    r"(?P<sign>#{1,2}|-{1,2}|b{1,2}|♯|♭)?(?P<degree>VII|VI|IV|V|III|II|I|vii|vi|iv|v|iii|ii|i|N)"
    r"(?P<triad>o|°|ø|\+)?(?P<numbers>[mMDA]?(?:7|9|65|43|42|2|6|64)?)(?P<size>[mMDA])?[a-g]?"
)
_MAX_APPLIED = 4


def degree_of(numeral: str) -> int:
    """ "vii" is 7. Raises ValueError."""
    if numeral.upper() not in _DEGREES:
        raise ValueError(f"no such degree: {numeral[:12]!r}")
    return _DEGREES[numeral.upper()]


def root_of_degree(degree: int, alter: int, key: Key) -> int:
    """Pitch class of a degree (1 to 7) of a key, altered by semitones. Raises ValueError."""
    if not 1 <= degree <= 7:
        raise ValueError(f"no such degree: {degree}")
    return (key[0] + (_MINOR if key[1] else _MAJOR)[degree - 1] + alter) % 12


def parse_numeral(text: str, key: Key) -> Chord:
    """ "V7", "viio7", "-VI", "V7/V", "N": the chord of a key. Raises ValueError.

    After Huron's `**harm` (Humdrum user guide, chapter 15): small numerals are minor, "o" is
    diminished, "+" augmented; a seventh is the key's own unless "m", "M" or "D" says which; "a" to
    "d" at the end are inversions. A diminished triad on the leading note of a minor key is on the
    raised one.
    """
    parts = text.split("/")
    if len(parts) > _MAX_APPLIED:
        raise ValueError(f"no such numeral: {text[:12]!r}")
    for tonic in reversed(parts[1:]):
        over = _chord_of(tonic, key)
        key = over.root, over.quality in ("min", "min7", "dim", "hdim7", "dim7")
    return _chord_of(parts[0], key)


def _chord_of(text: str, key: Key) -> Chord:
    tonic, minor = key
    if _AUGMENTED_SIXTHS.fullmatch(text):
        return Chord((tonic + 8) % 12, "7")
    found = _NUMERAL.fullmatch(text)
    if found is None:
        raise ValueError(f"no such numeral: {text[:12]!r}")
    numeral, triad, numbers = found["degree"], found["triad"] or "", found["numbers"] or ""
    if numeral == "N":
        return Chord((tonic + 1) % 12)
    signs = (found["sign"] or "").replace("♯", "#").replace("♭", "b").replace("-", "b")
    degree = degree_of(numeral)
    root = root_of_degree(degree, signs.count("#") - signs.count("b"), key)
    if minor and degree == 7 and numeral.islower() and not signs:
        root = (root + 1) % 12
    intervals = {0, 3 if numeral.islower() else 4, {"o": 6, "°": 6, "ø": 6, "+": 8}.get(triad, 7)}
    if numbers[-2:] in ("7", "9", "65", "43", "42", "2") or numbers[1:]:
        above = root_of_degree((degree + 5) % 7 + 1, 0, key)
        size = found["size"] or numbers[:1]
        sized = {"m": 10, "M": 11, "D": 9}.get(size, (above - root) % 12)
        intervals.add(10 if triad == "ø" else sized)
    if "9" in numbers:
        intervals.add(2)
    return Chord(root, quality_of_intervals(frozenset(intervals)) or "maj")
