"""A song as MusicXML 4.0: a chart of slashes with chord symbols, repeats, endings and sections.

Every symbol is written as its kind (the reduction) with the text that was written, so it prints,
and is read back, as it was. A free bar has the word "free" above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, SubElement, tostring

from jam.music.grid import FRAMES_PER_QUARTER, Meter, quarter_bpm
from jam.music.key import sharps_of
from jam.music.song import Bar, Song
from jam.notation.elements import (
    BEATS,
    DOCTYPE,
    above,
    chord_symbol,
    clef,
    key_signature,
    left_bar_line,
    right_bar_line,
    score_of_one_part,
    tempo_mark,
    time_signature,
)

FREE_WORD = "free"
_JUMPS = {
    "dacapo": ("D.C.", "dacapo", "yes"),
    "dalsegno": ("D.S.", "dalsegno", "segno"),
    "fine": ("Fine", "fine", "yes"),
    "tocoda": ("To Coda", "tocoda", "coda"),
}
_SIGNS = ("segno", "coda")


def write_musicxml(song: Song) -> str:
    """The chart as a MusicXML document."""
    score, part = score_of_one_part(song.title, song.composer, "Chords")
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
    return DOCTYPE + tostring(score, encoding="unicode") + "\n"


def _attributes(measure: Element, song: Song, meter: Meter | None, is_first: bool) -> None:
    if meter is None and not is_first:
        return
    attributes = SubElement(measure, "attributes")
    if is_first:
        SubElement(attributes, "divisions").text = str(FRAMES_PER_QUARTER)
        if song.key is not None:
            key_signature(attributes, sharps_of(song.key), song.key[1])
    if meter is not None:
        time_signature(attributes, meter.numerator, meter.denominator)
    if is_first:
        clef(attributes, "G")


def _goes_on(bar: Bar, before: Bar | None) -> bool:
    """The bar is of the ending that the bar before is of."""
    return before is not None and before.repeats == 1 and before.endings == bar.endings


def _left(measure: Element, bar: Bar, before: Bar | None) -> None:
    starts_ending = bar.endings and not _goes_on(bar, before)
    left_bar_line(measure, bar.repeat_starts, _numbers(bar) if starts_ending else "")


def _right(measure: Element, bar: Bar, after: Bar | None) -> None:
    ends_ending = bar.endings and not (after is not None and _goes_on(after, bar))
    right_bar_line(measure, after is None, bar.repeats, _numbers(bar) if ends_ending else "")


def _numbers(bar: Bar) -> str:
    return ",".join(map(str, sorted(bar.endings)))


def _above(measure: Element, song: Song, bar: Bar, is_first: bool) -> None:
    if bar.section:
        above(measure, "rehearsal", bar.section)
    if is_first and song.bpm is not None:
        in_quarters = quarter_bpm(song.bpm, song.meter)
        tempo_mark(measure, song.meter.frames_per_beat, f"{song.bpm:g}", in_quarters)
    if is_first and song.style:
        above(measure, "words", song.style)
    for sign in _SIGNS:
        if sign in bar.marks:
            SubElement(above(measure, sign), "sound", {sign: sign})
    if bar.chords is None:
        above(measure, "words", FREE_WORD)


def _jumps(measure: Element, bar: Bar) -> None:
    for mark, (words, attribute, value) in _JUMPS.items():
        if mark in bar.marks:
            SubElement(above(measure, "words", words), "sound", {attribute: value})


def _inside(measure: Element, bar: Bar, meter: Meter) -> None:
    """A slash for every beat, with the symbols that begin before the next one."""
    chords = list(bar.chords or ())
    for start, length in _beats(meter):
        while chords and chords[0].frame < start + length:
            chord = chords.pop(0)
            written = chord.symbol.written
            offset = str(chord.frame - start) if chord.frame > start else ""
            chord_symbol(measure, chord.symbol.parts, offset, written)
        note = SubElement(measure, "note")
        pitch = SubElement(note, "pitch")
        SubElement(pitch, "step").text = "B"
        SubElement(pitch, "octave").text = "4"
        SubElement(note, "duration").text = str(length)
        SubElement(note, "voice").text = "1"
        kind, dots = BEATS[length]
        SubElement(note, "type").text = kind
        for _ in range(dots):
            SubElement(note, "dot")
        SubElement(note, "stem").text = "none"
        SubElement(note, "notehead").text = "slash"


def _beats(meter: Meter) -> Iterator[tuple[int, int]]:
    for beat in range(meter.beats_per_bar):
        yield beat * meter.frames_per_beat, meter.frames_per_beat
