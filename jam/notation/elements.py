"""Elements that every MusicXML file of ours has: heading, chord symbols, tempo, bar lines."""

from __future__ import annotations

from xml.etree.ElementTree import Element, SubElement

from jam.music.chord_notation import SymbolParts

DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
BEATS = {2: ("eighth", 0), 4: ("quarter", 0), 6: ("quarter", 1), 8: ("half", 0)}
"""Frames in a beat -> type and dots of the note that is one."""


def score_of_one_part(title: str, composer: str, part_name: str) -> tuple[Element, Element]:
    """(score, its one part); title and composer where there are any."""
    score = Element("score-partwise", version="4.0")
    if title:
        SubElement(SubElement(score, "work"), "work-title").text = title
    if composer:
        identification = SubElement(score, "identification")
        SubElement(identification, "creator", type="composer").text = composer
    listed = SubElement(SubElement(score, "part-list"), "score-part", id="P1")
    SubElement(listed, "part-name").text = part_name
    return score, SubElement(score, "part", id="P1")


def key_signature(attributes: Element, sharps: int, minor: bool) -> None:
    key = SubElement(attributes, "key")
    SubElement(key, "fifths").text = str(sharps)
    SubElement(key, "mode").text = "minor" if minor else "major"


def time_signature(attributes: Element, above: int, below: int) -> None:
    time = SubElement(attributes, "time")
    SubElement(time, "beats").text = str(above)
    SubElement(time, "beat-type").text = str(below)


def clef(attributes: Element, sign: str) -> None:
    """ "G" or "F"."""
    element = SubElement(attributes, "clef")
    SubElement(element, "sign").text = sign
    SubElement(element, "line").text = "2" if sign == "G" else "4"


def above(measure: Element, kind: str, text: str = "") -> Element:
    """Something above the staff; returns its direction."""
    direction = SubElement(measure, "direction", placement="above")
    element = SubElement(SubElement(direction, "direction-type"), kind)
    if text:
        element.text = text
    return direction


def tempo_mark(
    measure: Element, frames_per_beat: int, bpm: str, quarter_bpm: float, offset: str = ""
) -> None:
    """A metronome mark above the staff, and what it is for a player."""
    direction = above(measure, "metronome")
    metronome = direction.find("direction-type/metronome")
    assert metronome is not None
    unit, dots = BEATS[frames_per_beat]
    SubElement(metronome, "beat-unit").text = unit
    for _ in range(dots):
        SubElement(metronome, "beat-unit-dot")
    SubElement(metronome, "per-minute").text = bpm
    if offset:
        SubElement(direction, "offset").text = offset
    SubElement(direction, "sound", tempo=f"{quarter_bpm:.6g}")


def chord_symbol(
    measure: Element, symbol: SymbolParts, offset: str = "", printed: str = ""
) -> None:
    """printed: the whole of what is printed, where that isn't the symbol's text."""
    harmony = SubElement(measure, "harmony", {"print-frame": "no"})
    if symbol.kind == "none":
        SubElement(harmony, "function")  # no root: some programs print any that stands here
    else:
        _name(harmony, "root", symbol.root)
    text = printed if printed and printed != symbol.text else symbol.suffix
    SubElement(harmony, "kind", text=text).text = symbol.kind
    if symbol.bass:
        _name(harmony, "bass", symbol.bass)
    for type_, value, alter in symbol.degrees:
        # The text of the kind has it already.
        degree = SubElement(harmony, "degree", {"print-object": "no"})
        SubElement(degree, "degree-value").text = str(value)
        SubElement(degree, "degree-alter").text = str(alter)
        SubElement(degree, "degree-type").text = type_
    if offset:
        SubElement(harmony, "offset").text = offset


def _name(harmony: Element, what: str, name: str) -> None:
    element = SubElement(harmony, what)
    SubElement(element, f"{what}-step").text = name[0]
    if alter := name.count("#") - name.count("b"):
        SubElement(element, f"{what}-alter").text = str(alter)


def left_bar_line(measure: Element, repeats: bool, ending: str = "", printed: str = "") -> None:
    """Nothing where neither a repeat nor an ending ("1", "1,2") begins. printed: "1."."""
    if not (repeats or ending):
        return
    line = SubElement(measure, "barline", location="left")
    if repeats:
        SubElement(line, "bar-style").text = "heavy-light"
    if ending:
        SubElement(line, "ending", number=ending, type="start").text = printed or None
    if repeats:
        SubElement(line, "repeat", direction="forward")


def right_bar_line(measure: Element, is_last: bool, turns: int, ending: str = "") -> None:
    """Nothing but where the music ends, a repeat (turns: how often it is played) or an ending."""
    if not (is_last or turns > 1 or ending):
        return
    line = SubElement(measure, "barline", location="right")
    if turns > 1 or is_last:
        SubElement(line, "bar-style").text = "light-heavy"
    if ending:
        SubElement(line, "ending", number=ending, type="stop" if turns > 1 else "discontinue")
    if turns > 1:
        repeat = SubElement(line, "repeat", direction="backward")
        if turns > 2:
            repeat.set("times", str(turns))
