"""The `harmony` element of MusicXML: a chord, and the symbol that is printed for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from jam.limits import LABEL_CHARACTERS
from jam.music.chord import COMMON_NAMES, LETTERS, QUALITIES, Chord, pitch_class
from jam.music.chord_kinds import quality_of_musicxml_kind, sounding
from jam.music.chord_notation import NO_CHORD_SYMBOL, read_symbol
from jam.music.key import key_of_signature, spell_in
from jam.music.numerals import degree_of, parse_numeral, root_of_degree

_FUNCTION = re.compile(r"([#b♯♭-]*)([iIvV]{1,3})")
_LETTERS = "CDEFGAB"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a harmony stands: the key signature there, and how the part is transposed."""

    sharps: int = 0
    minor: bool = False
    transpose: int = 0
    """Semitones from what is written to what sounds."""


def number(element: Element, path: str, default: int | None = None) -> int:
    """Raises ValueError for what is none, or is missing without a default."""
    text = element.findtext(path)
    if text is None or not text.strip():
        if default is None:
            raise ValueError(f"no <{path}> in <{element.tag}>")
        return default
    value = round(float(text))
    if abs(value) > 100_000:
        raise ValueError(f"<{path}> out of range")
    return value


def harmony_text(item: Element) -> str:
    """What is printed of a harmony, as far as it can be told."""
    kind = item.find("kind")
    root = (item.findtext("root/root-step") or "").strip()
    return (root + (kind.get("text") or kind.text or "" if kind is not None else ""))[:40]


def read_harmony(item: Element, place: Place) -> tuple[Chord | None, str] | str:
    """The sounding chord of a harmony and its symbol; a text where only what is printed says it.

    Raises ValueError.
    """
    element = item.find("kind")
    kind = (item.findtext("kind") or "").strip()
    text = "".join(((element.get("text") if element is not None else None) or "").split())
    root = _root(item, place)
    if kind == "none" and text:
        return text
    if kind == "none" or (kind == "" and not root):
        return None, NO_CHORD_SYMBOL
    if not root:
        raise ValueError("a chord without a root")
    root = _moved(root, place)
    bass = _bass(item)
    bass = _moved(bass, place) if bass else ""
    written = tuple(
        (
            number(degree, "degree-value"),
            _accidental(degree, "degree-alter"),
            (degree.findtext("degree-type") or "add").strip(),
        )
        for degree in item.findall("degree")
    )
    if kind == "other" and text:
        # The standard has no word for it; what is printed says it.
        return read_symbol(root + text).chord, _label(root + text, bass)
    chord = Chord(pitch_class(root), quality_of_musicxml_kind(kind or "major", written))
    if not bass and (turn := number(item, "inversion", 0)) and 0 < turn < len(chord.pitch_classes):
        bass = _above(root, 2 * turn, chord.pitch_classes[turn])
    exact = sounding(kind or "major", written)
    degrees = _degrees(item)
    number_ = {"11th": "11", "13th": "13"}.get(kind[-4:], "")
    plain = number_ and {"major": "maj", "minor": "m"}.get(kind.split("-")[0], "") + number_
    plain = root + (plain or QUALITIES[quality_of_musicxml_kind(kind or "major")][1])
    # What is printed, if that says the same chord; else what would be printed for the kind.
    whole = text if text[:1] in tuple("ABCDEFGH([") else ""  # root and all, in one text
    for printed in ((whole, root + text, root + text + degrees), (plain, plain + degrees)):
        same = [s for s in printed if s and _chord_of(s) == chord]
        if same:
            best = next((s for s in same if _says(s) == exact), same[0])
            return chord, _label(best, bass)
    return chord, _label(root + QUALITIES[chord.quality][1], bass)


def _says(text: str) -> frozenset[int] | None:
    """Semitones above the root of all that a symbol names; None where it doesn't say."""
    symbol = read_symbol(text)
    if symbol.kind in ("other", "none"):
        return None
    return sounding(
        symbol.kind, tuple((value, alter, type_) for type_, value, alter in symbol.degrees)
    )


def _chord_of(text: str) -> Chord | None:
    try:
        return read_symbol(text).chord
    except ValueError:
        return None


def _label(text: str, bass: str) -> str:
    return (text if not bass or text.endswith(f"/{bass}") else f"{text}/{bass}")[:LABEL_CHARACTERS]


def _degrees(item: Element) -> str:
    """The degrees of a symbol as they are printed behind its kind."""
    text = ""
    for degree in item.findall("degree"):
        value = (degree.findtext("degree-value") or "").strip()[:2]
        sign = {1: "#", -1: "b"}.get(_accidental(degree, "degree-alter"), "")
        type_ = (degree.findtext("degree-type") or "add").strip()
        if type_ == "subtract":
            sign, value = "", f"no{value}"
        text += ("" if sign or type_ == "subtract" else "add") + sign + value
    return text


def _accidental(element: Element, path: str) -> int:
    """An alteration in semitones, 0 without one."""
    alter = number(element, path, 0)
    if abs(alter) > 3:
        raise ValueError(f"<{path}> out of range")
    return alter


def _named(element: Element, what: str) -> str:
    """The note that a root or bass names. Raises ValueError."""
    letter = (element.findtext(f"{what}-step") or "").strip()
    if letter not in LETTERS:
        raise ValueError(f"no such {what}")
    alter = _accidental(element, f"{what}-alter")
    return letter + ("#" * alter if alter > 0 else "b" * -alter)


def _root(item: Element, place: Place) -> str:
    """The name of the root as it is written; of numerals, by the key. "" where there is none."""
    if (root := item.find("root")) is not None:
        return _named(root, "root")
    sharps, minor = place.sharps, place.minor
    if (numeral := item.find("numeral")) is not None:
        if (own := numeral.find("numeral-key")) is not None:
            sharps = max(-7, min(number(own, "numeral-fifths"), 7))
            minor = "minor" in (own.findtext("numeral-mode") or "")
        degree, alter = number(numeral, "numeral-root"), _accidental(numeral, "numeral-alter")
        key = key_of_signature(sharps, minor)
        return spell_in(root_of_degree(degree, alter, key), sharps, minor)
    function = (item.findtext("function") or "").strip()
    if not function:
        return ""
    key = key_of_signature(sharps, minor)
    if "/" in function or not (found := _FUNCTION.match(function)):
        return spell_in(parse_numeral(function, key).root, sharps, minor)
    alter = found[1].count("#") + found[1].count("♯") - len(found[1].strip("#♯"))
    return spell_in(root_of_degree(degree_of(found[2]), alter, key), sharps, minor)


def _bass(item: Element) -> str:
    bass = item.find("bass")
    return "" if bass is None else _named(bass, "bass")


def _moved(name: str, place: Place) -> str:
    """A note of a transposed part as it sounds."""
    if not place.transpose % 12:
        return name
    return COMMON_NAMES[(pitch_class(name) + place.transpose) % 12]


def _above(root: str, steps: int, sounds: int) -> str:
    """The note so many letters above a root, that sounds as a pitch class."""
    letter = _LETTERS[(_LETTERS.index(root[0]) + steps) % 7]
    alter = (sounds - LETTERS[letter] + 6) % 12 - 6
    return letter + ("#" * alter if alter > 0 else "b" * -alter)
