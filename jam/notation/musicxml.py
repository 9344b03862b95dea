"""A lead sheet as MusicXML 4.0: one voice with chord symbols, spelled for its key.

Written here and not by a library: music21 puts a held note under a change of chord into voices full
of rests, prints a time signature for every tempo, and knows no bar 0.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from statistics import median
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from jam.files import whole
from jam.music.chord import QUALITIES, Chord
from jam.music.chord_notation import NO_CHORD_SYMBOL, SymbolParts, read_symbol
from jam.music.grid import FRAMES_PER_QUARTER, Meter, TempoMap
from jam.music.key import Key, key_accidental, sharps_of, spell, spell_in
from jam.music.rows import ChordState
from jam.notation.bars import Bar, Piece, Tempo, folded, written_bars
from jam.notation.beams import beams
from jam.notation.elements import (
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
from jam.notation.heading import Heading
from jam.notation.rhythm import WrittenMelody

_TYPES = {
    Fraction(8): "breve",
    Fraction(4): "whole",
    Fraction(2): "half",
    Fraction(1): "quarter",
    Fraction(1, 2): "eighth",
    Fraction(1, 4): "16th",
    Fraction(1, 8): "32nd",
    Fraction(1, 16): "64th",
}
_ACCIDENTALS = {-2: "flat-flat", -1: "flat", 0: "natural", 1: "sharp", 2: "double-sharp"}
_LOWEST_IN_G_CLEF = 57
"""A tune whose middle lies below is written in the F clef."""
SWING = "Swing"


def symbol_in(chord: Chord, key: Key) -> str:
    """A chord's symbol, its root spelled for the key."""
    return spell(chord.root, key) + QUALITIES[chord.quality][1]


def write_musicxml(
    path: str | os.PathLike[str],
    heading: Heading,
    melody: WrittenMelody,
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    key: Key,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write melody and chord symbols; frame 0 is a bar line. Raises JamError when it can't.

    progress: called with (steps done, steps in all), a step being a bar divided or written.
    """
    text = lead_sheet(heading, melody, chords, tempo_map, key, progress or (lambda _d, _a: None))
    with whole(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8")


def lead_sheet(
    heading: Heading,
    melody: WrittenMelody,
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    key: Key,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> str:
    """The MusicXML document of a lead sheet."""

    def divided(done: int, total: int) -> None:
        progress(done, 2 * total)

    written = written_bars(melody, chords, tempo_map, heading.symbols, divided)
    bars = folded(written, heading.sections)
    places = [
        place
        for bar in bars
        for place in (
            *(place for p in bar.pieces for place in (p.start, p.length)),
            *(place for place, _, _ in bar.symbols),
            *(tempo.start for tempo in bar.tempos),
        )
    ]
    divisions = math.lcm(1, *(place.denominator for place in places))
    score, part = score_of_one_part(heading.title, heading.composer, "Melody")
    signature = heading.signature or (sharps_of(key), key[1])
    pitches = [piece.pitch for bar in bars for piece in bar.pieces if piece.pitch is not None]
    writer = _Writer(part, divisions, signature, key, _is_low(pitches), heading)
    for i, bar in enumerate(bars):
        progress(len(written) + i * len(written) // len(bars), 2 * len(written))
        after = bars[i + 1].ending if i + 1 < len(bars) else None
        writer.bar(bar, melody.swung and i == 0, after)
    indent(score, " ")
    return DOCTYPE + tostring(score, encoding="unicode") + "\n"


def _is_low(pitches: Sequence[int]) -> bool:
    return bool(pitches) and median(pitches) < _LOWEST_IN_G_CLEF


@dataclass(slots=True)
class _Writer:
    """One measure after the other."""

    part: Element
    divisions: int
    signature: tuple[int, bool]
    key: Key
    is_low: bool
    heading: Heading
    meter: Meter | None = None
    number: int = 1
    ending: int = 0
    """The ending in which the bar before stands."""
    in_bar: dict[tuple[str, int], int] = field(default_factory=dict)
    """Accidentals that hold in the bar: (step, octave) -> semitones."""

    def duration(self, quarters: Fraction) -> str:
        return str(int(quarters * self.divisions))

    def bar(self, bar: Bar, is_swung: bool, after: int | None) -> None:
        """after: the ending in which the next bar stands, 0 in none; None: this one is the last."""
        if bar.is_pickup:
            measure = SubElement(self.part, "measure", number="0", implicit="yes")
        else:
            measure = SubElement(self.part, "measure", number=str(self.number))
            self.number += 1
        self.in_bar = {}
        begins = bar.ending and bar.ending != self.ending
        number = str(bar.ending) if begins else ""
        left_bar_line(measure, bar.starts_repeat, number, f"{number}.")
        self.ending = bar.ending
        self.attributes(measure, bar.meter)
        if not bar.is_pickup and (name := self.heading.sections.get(bar.frame)):
            above(measure, "rehearsal", name)
        if is_swung:
            above(measure, "words", SWING)
        waiting: list[tuple[Fraction, Tempo | tuple[ChordState, str]]] = [
            *((tempo.start, tempo) for tempo in bar.tempos),
            *((place, (state, text)) for place, state, text in bar.symbols),
        ]
        waiting.sort(key=lambda item: item[0])
        lacking = Fraction(bar.meter.frames_per_bar, FRAMES_PER_QUARTER) - bar.length
        beamed = beams(bar.pieces, bar.meter, lacking if bar.is_pickup else Fraction(0))
        for piece, states in zip(bar.pieces, beamed, strict=True):
            while waiting and waiting[0][0] < piece.start + piece.length:
                place, item = waiting.pop(0)
                offset = self.duration(place - piece.start) if place != piece.start else ""
                if isinstance(item, Tempo):
                    _tempo(measure, item, bar.meter, offset)
                else:
                    chord_symbol(measure, self.symbol(*item), offset)
            self.note(measure, piece, states, len(bar.pieces) == 1 and not bar.is_pickup)
        if bar.turns > 2:
            above(measure, "words", f"{bar.turns}×")
        ends = bar.ending and bar.ending != after
        right_bar_line(measure, after is None, bar.turns, str(bar.ending) if ends else "")

    def attributes(self, measure: Element, meter: Meter) -> None:
        is_first = self.meter is None
        if meter == self.meter:
            return
        attributes = SubElement(measure, "attributes")
        if is_first:
            SubElement(attributes, "divisions").text = str(self.divisions)
            key_signature(attributes, *self.signature)
        time_signature(attributes, meter.numerator, meter.denominator)
        if is_first:
            clef(attributes, "F" if self.is_low else "G")
        self.meter = meter

    def symbol(self, state: ChordState, written: str) -> SymbolParts:
        """What was written, else the chord spelled for the key."""
        if written:
            try:
                symbol = read_symbol(written)
                if symbol.chord == state.chord:
                    return symbol
            except ValueError:
                pass
        if state.chord is None:
            return read_symbol(NO_CHORD_SYMBOL)
        root = spell_in(state.chord.root, *self.signature)
        return read_symbol(root + QUALITIES[state.chord.quality][1])

    def note(
        self, measure: Element, piece: Piece, beamed: tuple[str, ...], whole_bar: bool
    ) -> None:
        note = SubElement(measure, "note")
        accidental: int | None = None
        if piece.pitch is None:
            SubElement(note, "rest", {"measure": "yes"} if whole_bar else {})
        else:
            accidental = self.pitch(note, piece)
        SubElement(note, "duration").text = self.duration(piece.length)
        for tied, kind in ((piece.from_before, "stop"), (piece.goes_on, "start")):
            if tied:
                SubElement(note, "tie", type=kind)
        SubElement(note, "voice").text = "1"
        if not (piece.pitch is None and whole_bar):
            _type(note, piece)
        if accidental is not None:
            after_dots = [i for i, e in enumerate(note) if e.tag in ("type", "dot")][-1] + 1
            element = Element("accidental")
            element.text = _ACCIDENTALS[accidental]
            note.insert(after_dots, element)
        for number, state in enumerate(beamed, 1):
            SubElement(note, "beam", number=str(number)).text = state
        if piece.from_before or piece.goes_on or piece.tuplet in ("start", "stop"):
            notations = SubElement(note, "notations")
            for tied, kind in ((piece.from_before, "stop"), (piece.goes_on, "start")):
                if tied:
                    SubElement(notations, "tied", type=kind)
            if piece.tuplet in ("start", "stop"):
                SubElement(notations, "tuplet", type=piece.tuplet)

    def pitch(self, note: Element, piece: Piece) -> int | None:
        """Write the pitch; the accidental that has to be printed, None for none."""
        assert piece.pitch is not None
        name = spell_in(piece.pitch % 12, *self.signature)
        alter = name.count("#") - name.count("b")
        octave = (piece.pitch - alter) // 12 - 1
        pitch = SubElement(note, "pitch")
        SubElement(pitch, "step").text = name[0]
        if alter:
            SubElement(pitch, "alter").text = str(alter)
        SubElement(pitch, "octave").text = str(octave)
        place = name[0], octave
        now = self.in_bar.get(place, key_accidental(name[0], self.signature[0]))
        if alter == now or piece.from_before:
            return None
        self.in_bar[place] = alter
        return alter


def _type(note: Element, piece: Piece) -> None:
    """The type with its dot; of a triplet, three in the time of two."""
    length = piece.length * Fraction(3, 2) if piece.tuplet else piece.length
    dots = 0
    if length not in _TYPES:
        length, dots = length * Fraction(2, 3), 1
    SubElement(note, "type").text = _TYPES[length]
    for _ in range(dots):
        SubElement(note, "dot")
    if piece.tuplet:
        change = SubElement(note, "time-modification")
        SubElement(change, "actual-notes").text = "3"
        SubElement(change, "normal-notes").text = "2"


def _tempo(measure: Element, tempo: Tempo, meter: Meter, offset: str) -> None:
    if tempo.is_printed:
        beat = meter.frames_per_beat
        tempo_mark(measure, beat, f"{tempo.bpm:.4g}", tempo.quarter_bpm, offset)
        return
    element = SubElement(measure, "sound", tempo=f"{tempo.quarter_bpm:.6g}")
    if offset:
        SubElement(element, "offset").text = offset
