"""A song as MusicXML 4.0: a chart of slashes with chord symbols, repeats, endings and sections.

Every symbol is written as its kind (the reduction) with the text that was written, so it prints,
and is read back, as it was. A free bar has the word "free" above it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from jam.music.chord import COMMON_NAMES
from jam.music.chord_kinds import KINDS
from jam.music.chord_notation import Symbol
from jam.music.grid import FRAMES_PER_QUARTER, Meter, quarter_bpm
from jam.music.key import sharps_of
from jam.music.song import Bar, Song

FREE_WORD = "free"
_DOCTYPE = (
    '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE score-partwise PUBLIC '
    '"-//Recordare//DTD MusicXML 4.0 Partwise//EN" "http://www.musicxml.org/dtds/partwise.dtd">\n'
)
_WRITTEN = re.compile(r"([A-G])([#b♯♭]*)(.*?)(?:/([A-G])([#b♯♭]*))?")
_JUMPS = {
    "dacapo": ("D.C.", "dacapo", "yes"),
    "dalsegno": ("D.S.", "dalsegno", "segno"),
    "fine": ("Fine", "fine", "yes"),
    "tocoda": ("To Coda", "tocoda", "coda"),
}
_SIGNS = ("segno", "coda")
_TYPES = {2: ("eighth", 0), 4: ("quarter", 0), 6: ("quarter", 1), 8: ("half", 0)}


def write_musicxml(song: Song) -> str:
    """The chart as a MusicXML document."""
    score = Element("score-partwise", version="4.0")
    if song.title:
        SubElement(SubElement(score, "work"), "work-title").text = song.title
    if song.composer:
        identification = SubElement(score, "identification")
        SubElement(identification, "creator", type="composer").text = song.composer
    listed = SubElement(SubElement(score, "part-list"), "score-part", id="P1")
    SubElement(listed, "part-name").text = "Chords"
    part = SubElement(score, "part", id="P1")
    meter: Meter | None = None
    for number, bar in enumerate(song.bars, 1):
        measure = SubElement(part, "measure", number=str(number))
        now = song.meter_of(bar)
        _attributes(measure, song, now if now != meter else None, number == 1)
        before = song.bars[number - 2] if number > 1 else None
        after = song.bars[number] if number < len(song.bars) else None
        _left(measure, bar, before)
        _above(measure, song, bar, number == 1)
        _inside(measure, bar, now)
        _jumps(measure, bar)
        _right(measure, bar, after)
        meter = now
    return _DOCTYPE + tostring(score, encoding="unicode") + "\n"


def _attributes(measure: Element, song: Song, meter: Meter | None, is_first: bool) -> None:
    if meter is None and not is_first:
        return
    attributes = SubElement(measure, "attributes")
    if is_first:
        SubElement(attributes, "divisions").text = str(FRAMES_PER_QUARTER)
        if song.key is not None:
            key = SubElement(attributes, "key")
            SubElement(key, "fifths").text = str(sharps_of(song.key))
            SubElement(key, "mode").text = "minor" if song.key[1] else "major"
    if meter is not None:
        time = SubElement(attributes, "time")
        SubElement(time, "beats").text = str(meter.numerator)
        SubElement(time, "beat-type").text = str(meter.denominator)
    if is_first:
        clef = SubElement(attributes, "clef")
        SubElement(clef, "sign").text = "G"
        SubElement(clef, "line").text = "2"


def _goes_on(bar: Bar, before: Bar | None) -> bool:
    """The bar is of the ending that the bar before is of."""
    return before is not None and before.repeats == 1 and before.endings == bar.endings


def _left(measure: Element, bar: Bar, before: Bar | None) -> None:
    starts_ending = bar.endings and not _goes_on(bar, before)
    if not (bar.repeat_starts or starts_ending):
        return
    line = SubElement(measure, "barline", location="left")
    if bar.repeat_starts:
        SubElement(line, "bar-style").text = "heavy-light"
    if starts_ending:
        SubElement(line, "ending", number=_numbers(bar), type="start")
    if bar.repeat_starts:
        SubElement(line, "repeat", direction="forward")


def _right(measure: Element, bar: Bar, after: Bar | None) -> None:
    ends_ending = bar.endings and not (after is not None and _goes_on(after, bar))
    if not (bar.repeats > 1 or ends_ending or after is None):
        return
    line = SubElement(measure, "barline", location="right")
    if bar.repeats > 1 or after is None:
        SubElement(line, "bar-style").text = "light-heavy"
    if ends_ending:
        kind = "stop" if bar.repeats > 1 else "discontinue"
        SubElement(line, "ending", number=_numbers(bar), type=kind)
    if bar.repeats > 1:
        repeat = SubElement(line, "repeat", direction="backward")
        if bar.repeats > 2:
            repeat.set("times", str(bar.repeats))


def _numbers(bar: Bar) -> str:
    return ",".join(map(str, sorted(bar.endings)))


def _direction(measure: Element, kind: str, text: str = "") -> Element:
    """Something above the staff; returns the direction."""
    direction = SubElement(measure, "direction", placement="above")
    element = SubElement(SubElement(direction, "direction-type"), kind)
    if text:
        element.text = text
    return direction


def _above(measure: Element, song: Song, bar: Bar, is_first: bool) -> None:
    if bar.section:
        _direction(measure, "rehearsal", bar.section)
    if is_first and song.bpm is not None:
        direction = _direction(measure, "metronome")
        metronome = direction.find("direction-type/metronome")
        assert metronome is not None
        unit, dots = _TYPES[song.meter.frames_per_beat]
        SubElement(metronome, "beat-unit").text = unit
        for _ in range(dots):
            SubElement(metronome, "beat-unit-dot")
        SubElement(metronome, "per-minute").text = f"{song.bpm:g}"
        SubElement(direction, "sound", tempo=f"{quarter_bpm(song.bpm, song.meter):.6g}")
    if is_first and song.style:
        _direction(measure, "words", song.style)
    for sign in _SIGNS:
        if sign in bar.marks:
            SubElement(_direction(measure, sign), "sound", {sign: sign})
    if bar.chords is None:
        _direction(measure, "words", FREE_WORD)


def _jumps(measure: Element, bar: Bar) -> None:
    for mark, (words, attribute, value) in _JUMPS.items():
        if mark in bar.marks:
            SubElement(_direction(measure, "words", words), "sound", {attribute: value})


def _inside(measure: Element, bar: Bar, meter: Meter) -> None:
    """A slash for every beat, with the symbols that begin before the next one."""
    chords = list(bar.chords or ())
    for start, length in _beats(meter):
        while chords and chords[0].frame < start + length:
            chord = chords.pop(0)
            _harmony(measure, chord.symbol, chord.frame - start)
        note = SubElement(measure, "note")
        pitch = SubElement(note, "pitch")
        SubElement(pitch, "step").text = "B"
        SubElement(pitch, "octave").text = "4"
        SubElement(note, "duration").text = str(length)
        SubElement(note, "voice").text = "1"
        kind, dots = _TYPES[length]
        SubElement(note, "type").text = kind
        for _ in range(dots):
            SubElement(note, "dot")
        SubElement(note, "stem").text = "none"
        SubElement(note, "notehead").text = "slash"


def _beats(meter: Meter) -> Iterator[tuple[int, int]]:
    for beat in range(meter.beats_per_bar):
        yield beat * meter.frames_per_beat, meter.frames_per_beat


def _harmony(measure: Element, symbol: Symbol, offset: int) -> None:
    harmony = SubElement(measure, "harmony")
    found = _WRITTEN.fullmatch(symbol.written)
    if symbol.chord is None:
        SubElement(harmony, "function")  # no root: some programs print any that stands here
        SubElement(harmony, "kind", text=symbol.written).text = "none"
    else:
        kind, degrees = KINDS[symbol.chord.quality]
        name = COMMON_NAMES[symbol.chord.root]
        text, bass = symbol.written, "" if symbol.bass is None else COMMON_NAMES[symbol.bass]
        if found:
            step, signs, text, bass_step, bass_signs = found.groups()
            name, bass = step + _plain(signs), bass_step + _plain(bass_signs) if bass_step else ""
        _named(harmony, "root", name)
        SubElement(harmony, "kind", text=text).text = kind
        if bass:
            _named(harmony, "bass", bass)
        for kind_of_degree, value, alteration in degrees:
            degree = SubElement(harmony, "degree", {"print-object": "no"})
            SubElement(degree, "degree-value").text = str(value)
            SubElement(degree, "degree-alter").text = str(alteration)
            SubElement(degree, "degree-type").text = kind_of_degree
    if offset:
        SubElement(harmony, "offset").text = str(offset)


def _plain(signs: str) -> str:
    return signs.replace("♯", "#").replace("♭", "b")


def _named(harmony: Element, what: str, name: str) -> None:
    element = SubElement(harmony, what)
    SubElement(element, f"{what}-step").text = name[0]
    if alteration := name.count("#") - name.count("b"):
        SubElement(element, f"{what}-alter").text = str(alteration)
