"""ABC notation, version 2.1 as far as melodies with chords need it.

Read: fields X T M L K Q P R (header and body, also inline), notes with accidentals that last
through the bar, lengths, broken rhythm, tuplets, ties, rests, chords in brackets (their top
note), chord symbols, bar lines with repeats and numbered endings, a part order in the header
(P:AABB). Passed over: grace notes, decorations, slurs, lyrics, annotations, further voices.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import ABC_TUNE_CHARACTERS, LABEL_CHARACTERS, MEASURES
from jam.music.chord_notation import parse_symbol
from jam.music.grid import Meter
from jam.music.repeats import MAX_TURNS
from models.corpora.score import Measure, Note, exact

_LETTERS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
# Fifths to add to those of the major key with the same tonic.
_MODES = {
    "maj": 0,
    "ion": 0,
    "mix": -1,
    "dor": -2,
    "m": -3,
    "min": -3,
    "aeo": -3,
    "phr": -4,
    "loc": -5,
    "lyd": 1,
}
_TUPLET_TIME = {2: 3, 3: 2, 4: 3, 6: 2, 8: 3}
_MAX_LENGTH = 1024
_MAX_LENGTH_CHARACTERS = 8
_MAX_BROKEN = 3
"""Of > or < in a row."""

_TOKEN = re.compile(
    r'(?P<symbol>"[^"]{0,200}")'
    r"|(?P<inline>\[[A-Za-z]:[^\]\n]{0,200}\])"
    r"|(?P<grace>\{[^}]{0,200}\})"
    r"|(?P<decoration>![A-Za-z0-9()<>.+\-]+!|\+[A-Za-z]+\+)"
    r"|(?P<bar>:*\|*\[\||:*\|[|\]:]*|::+)(?P<ending>\[?\d[\d,\-.]*)?"
    r"|(?P<number>\[\d[\d,\-.]*)"
    r"|(?P<tuplet>\(\d(?::\d?(?::\d?)?)?)"
    r"|(?P<note>(?P<sign>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)"
    r"(?P<length>\d*/*\d*)(?P<tie>-?))"
    r"|(?P<rest>[zxZX])(?P<rest_length>\d*/*\d*)"
    r"|(?P<open>\[)|(?P<close>\](?P<close_length>\d*/*\d*)(?P<close_tie>-?))"
    r"|(?P<broken>>+|<+)"
)


@dataclass(slots=True)
class Tune:
    """One tune of a file; `parts` is the order of the header's P: field, "" without one."""

    number: str
    title: str
    rhythm: str
    measures: list[Measure]
    part_starts: dict[str, int]
    parts: str
    quarter_bpm: float | None
    dropped: Counter[str] = field(default_factory=Counter)


def split_tunes(text: str) -> list[tuple[str, list[str]]]:
    """The tunes of a file as (reference number, lines): each begins with X:."""
    tunes: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if found := re.match(r"X:\s*(\S*)", line):
            tunes.append((found[1], []))
        if tunes:
            tunes[-1][1].append(line)
    return tunes


def key_fifths(text: str) -> int:
    """Sharps (or minus flats) of a K: field. Raises ValueError."""
    text = text.strip()
    if text in ("", "none", "HP", "Hp"):
        return {"HP": 0, "Hp": 2}.get(text, 0)
    found = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if not found:
        raise ValueError(f"no such key: {text!r}")
    mode = found[3].lower()
    shift = 0 if not mode else _MODES.get(mode if mode == "m" else mode[:3], 0)
    return _FIFTHS[found[1]] + {"#": 7, "b": -7, "": 0}[found[2]] + shift


def key_signs(fifths: int) -> dict[str, int]:
    """Letter to accidental (in semitones) of a key signature."""
    order = "FCGDAEB" if fifths > 0 else "BEADGCF"
    return dict.fromkeys(order[: min(7, abs(fifths))], 1 if fifths > 0 else -1)


def _length(text: str) -> Fraction:
    """ "3", "/", "//", "3/2" to a factor of the unit length."""
    if not text:
        return Fraction(1)
    if len(text) > _MAX_LENGTH_CHARACTERS:
        raise ValueError(f"no such length: {text[:12]!r}…")
    number, slashes, rest = re.fullmatch(r"(\d*)(/*)(\d*)", text).groups()  # type: ignore[union-attr]
    value = Fraction(int(number or 1))
    if slashes:
        value /= int(rest) if rest else 2 ** len(slashes)
    return value


def _meter(text: str) -> Meter | None:
    text = text.strip().split()[0] if text.strip() else ""
    if text in ("C", "C|"):
        return Meter(4, 4) if text == "C" else Meter(2, 2)
    if text.lower() == "none" or not text:
        return None
    above, _, below = text.partition("/")
    total = sum(int(part) for part in above[:40].strip("()").split("+"))
    return Meter(total, int(below))


def _unit(text: str) -> Fraction:
    """An L: field in sixteenths. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,4})(?:/([0-9]{1,4}))?", text)
    if not found or not int(found[1]):
        raise ValueError(f"no such unit length: {text[:12]!r}")
    return Fraction(int(found[1]) * 16, int(found[2] or 1))


class _Reader:
    """State of one tune while its body is read, left to right."""

    def __init__(self, number: str) -> None:
        self.tune = Tune(number, "", "", [], {}, "", None)
        self.meter: Meter | None = None
        self.unit: Fraction | None = None
        """Unit note length in sixteenths."""
        self.signs: dict[str, int] = {}
        self.in_body = False
        self.voice: str | None = None
        self.first_voice: str | None = None
        self.measure = Measure(Meter())
        self.accidentals: dict[tuple[str, int], int] = {}
        self.at = Fraction(0)
        self.tuplet: tuple[Fraction, int] | None = None
        self.broken: Fraction | None = None
        """What the next note is multiplied with after > or <."""
        self.chord_notes: list[tuple[int, Fraction, bool]] | None = None
        self.endings: frozenset[int] = frozenset()
        self.pending_start = True
        self.repeat_open = False

    # -- fields -----------------------------------------------------------------------------

    def information(self, letter: str, value: str) -> None:
        value = value.strip()
        if letter == "M":
            self.meter = _meter(value)
            if self.at == 0:
                self.measure.meter = self.meter or Meter()
        elif letter == "L":
            self.unit = _unit(value)
        elif letter == "K":
            if not self.in_body or re.match(r"[A-G]|none|H[Pp]", value):
                self.signs = key_signs(key_fifths(value))
            if not self.in_body:
                self.begin_body()
        elif letter == "P":
            self.part(value)
        elif letter == "V":
            self.voice = value.split()[0] if value else ""
            if self.first_voice is None:
                self.first_voice = self.voice
        elif letter == "T" and not self.tune.title:
            self.tune.title = value[:LABEL_CHARACTERS]
        elif letter == "R":
            self.tune.rhythm = value
        elif letter == "Q":
            self.tempo(value)

    def begin_body(self) -> None:
        self.in_body = True
        meter = self.meter or Meter()
        if self.unit is None:
            # The default of the standard: sixteenths where the metre is less than 3/4.
            small = Fraction(meter.numerator, meter.denominator) < Fraction(3, 4)
            self.unit = Fraction(1 if small else 2)
        self.measure = Measure(meter, starts_section=True)

    def tempo(self, value: str) -> None:
        value = re.sub(r'"[^"]*"', "", value).strip()
        if found := re.fullmatch(r"(?:(\d+)/(\d+)\s*=\s*)?(\d+(?:\.\d+)?)", value):
            above, below, number = found.groups()
            beat = Fraction(int(above), int(below)) if above else Fraction(1, 4)
            self.tune.quarter_bpm = float(number[:8]) * float(beat) * 4

    def part(self, value: str) -> None:
        if not self.in_body:
            self.tune.parts = expanded_parts(value)
            return
        self.end_measure()
        self.pending_start = True
        self.measure.starts_section = True
        if len(value) == 1:
            self.tune.part_starts.setdefault(value, len(self.tune.measures))

    # -- bars -------------------------------------------------------------------------------

    def end_measure(self) -> None:
        """Close the measure when there is anything in it."""
        if self.measure.notes or self.at > 0 or self.measure.chords:
            self.measure.length = self.at
            self.tune.measures.append(self.measure)
            if len(self.tune.measures) > MEASURES:
                raise BadInput(f"more than {MEASURES} bars")
            self.pending_start = False
        starts = self.pending_start
        self.measure = Measure(self.meter or Meter(), starts_section=starts)
        self.measure.endings = self.endings
        self.accidentals = {}
        self.at = Fraction(0)
        self.tuplet = self.broken = None

    def bar_line(self, bar: str, ending: str | None) -> None:
        self.end_measure()
        measures = self.tune.measures
        ends = bar.startswith(":")
        starts = bar.endswith(":") and len(bar) > 1
        double = "||" in bar or "]" in bar or "[|" in bar
        if ends and measures:
            # Each colon beyond the first is one more turn; "::" alone is an end and a start.
            colons = len(bar) - len(bar.lstrip(":")) if bar.strip(":") else 1
            measures[-1].repeats = min(colons, 8) + 1
        if measures and (ends or double):
            measures[-1].ends_section = True
        if ends or starts or (double and (self.endings or not self.repeat_open)):
            # A double bar inside an open repeat is no place to go back to.
            self.measure.starts_section = self.pending_start = True
            self.repeat_open = starts
        if ends or starts or double:
            self.endings = frozenset()
        self.measure.endings = self.endings
        if ending:
            self.begin_ending(ending)

    def begin_ending(self, text: str) -> None:
        if self.at > 0:
            self.end_measure()
        turns: set[int] = set()
        for item in re.split(r"[,.]", text.strip("[")):
            low, _, high = item.partition("-")
            if low:
                turns.update(range(max(1, int(low)), min(int(high or low), MAX_TURNS) + 1))
        self.endings = frozenset(turns)
        self.measure.endings = self.endings
        self.measure.starts_section = False
        self.pending_start = False

    # -- notes ------------------------------------------------------------------------------

    def scaled(self, length: Fraction) -> Fraction:
        """A written factor to sixteenths, with tuplet and broken rhythm."""
        value = length * (self.unit or Fraction(2))
        if self.tuplet:
            ratio, left = self.tuplet
            value *= ratio
            self.tuplet = (ratio, left - 1) if left > 1 else None
        if self.broken is not None:
            value *= self.broken
            self.broken = None
        if value > _MAX_LENGTH:
            raise BadInput(f"a note of {float(value):g} sixteenths")
        return exact(value)

    def pitch(self, sign: str | None, letter: str, octave: str) -> int:
        height = 5 + letter.islower() + octave.count("'") - octave.count(",")
        name = letter.upper()
        if sign is not None:
            change = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}[sign]
            self.accidentals[name, height] = change
        else:
            change = self.accidentals.get((name, height), self.signs.get(name, 0))
        return 12 * height + _LETTERS[name] + change

    def add(self, pitch: int, length: Fraction, tied: bool) -> None:
        if 0 <= pitch <= 127:
            self.measure.notes.append(Note(self.at, length, pitch, tied))
        else:
            self.tune.dropped["notes out of range"] += 1
        self.at = exact(self.at + length)

    def break_rhythm(self, marks: str) -> None:
        """ "a>b": the note before is lengthened, the next one shortened; "<" the other way."""
        if not self.measure.notes:
            return
        part = Fraction(1, 2 ** min(len(marks), _MAX_BROKEN))
        first, second = (2 - part, part) if marks[0] == ">" else (part, 2 - part)
        last = self.measure.notes[-1]
        if last.start + last.length == self.at:
            self.at = exact(last.start + last.length * first)
            self.measure.notes[-1] = replace(last, length=last.length * first)
            self.broken = second

    def symbol(self, text: str) -> None:
        text = text.strip()
        if not text or text[0] in "^_<>@":
            return
        try:
            chord, _ = parse_symbol(spelled_out(text))
        except ValueError:
            self.tune.dropped["chords not read"] += 1
            return
        self.measure.chords.append((self.at, chord, text))

    def body(self, line: str) -> None:
        for found in _TOKEN.finditer(line):
            kind = found.lastgroup
            if found["symbol"]:
                self.symbol(found["symbol"][1:-1])
            elif found["inline"]:
                self.information(found["inline"][1], found["inline"][3:-1])
            elif found["bar"]:
                self.bar_line(found["bar"], found["ending"])
            elif found["number"]:
                self.begin_ending(found["number"])
            elif found["tuplet"]:
                self.begin_tuplet(found["tuplet"])
            elif found["note"]:
                self.note(found)
            elif found["rest"]:
                self.rest(found["rest"], found["rest_length"])
            elif found["open"]:
                self.chord_notes = []
            elif kind == "close" or found["close"]:
                self.close_chord(found["close_length"], bool(found["close_tie"]))
            elif found["broken"]:
                self.break_rhythm(found["broken"])

    def begin_tuplet(self, text: str) -> None:
        """ "(3", "(3:2", "(3:2:4": p notes in the time of q for the next r notes."""
        parts = [int(p) if p else 0 for p in text[1:].split(":")]
        p = parts[0]
        if not p:
            return
        compound = bool(self.meter and self.meter.compound)
        q = parts[1] if len(parts) > 1 and parts[1] else _TUPLET_TIME.get(p, 3 if compound else 2)
        r = parts[2] if len(parts) > 2 and parts[2] else p
        self.tuplet = (Fraction(q, p), r)

    def note(self, found: re.Match[str]) -> None:
        pitch = self.pitch(found["sign"], found["letter"], found["octave"])
        length, tied = _length(found["length"]), bool(found["tie"])
        if self.chord_notes is not None:
            self.chord_notes.append((pitch, length, tied))
        else:
            self.add(pitch, self.scaled(length), tied)

    def close_chord(self, length_text: str, tied: bool) -> None:
        notes, self.chord_notes = self.chord_notes, None
        if notes:
            pitch, length, note_tied = max(notes)
            self.add(pitch, self.scaled(length * _length(length_text)), tied or note_tied)

    def rest(self, kind: str, length: str) -> None:
        if kind in "ZX":  # whole measures
            bars = min(int(_length(length)), 64)
            for bar in range(bars):
                self.at = Fraction(self.measure.meter.frames_per_bar)
                if bar < bars - 1:
                    self.end_measure()
        else:
            self.at = exact(self.at + self.scaled(_length(length)))


def expanded_parts(text: str) -> str:
    """The order of the parts: "A3(BC)2" is AAABCBC."""
    text = re.sub(r"[^A-Z0-9()]", "", text)
    for _ in range(8):
        new = re.sub(r"\(([A-Z]*)\)(\d?)", lambda m: m[1] * int(m[2] or 1), text)
        if new == text:
            break
        text = new
    return re.sub(r"([A-Z])(\d)", lambda m: m[1] * int(m[2]), text)[:64]


def spelled_out(symbol: str) -> str:
    """A chord symbol with what some write in ABC made plain: "D/f+" for F#, "Fa7" for augmented."""
    symbol = re.sub(r"\s", "", symbol)
    symbol = re.sub(r"/([A-Ga-g])\+$", r"/\1#", symbol)
    return re.sub(r"^([A-G][#b]?)a(?=7?$)", r"\1aug", symbol)


def parse_tune(number: str, lines: list[str]) -> Tune:
    """One tune. Raises BadInput that says what is wrong."""
    if sum(map(len, lines)) > ABC_TUNE_CHARACTERS:
        raise BadInput(f"a tune of more than {ABC_TUNE_CHARACTERS} characters")
    reader = _Reader(number)
    try:
        for line in lines:
            line = line.split("%", 1)[0].rstrip()
            if found := re.match(r"([A-Za-z]):(?![|:])(.*)", line):
                reader.information(found[1], found[2])
            elif reader.in_body and reader.voice == reader.first_voice:
                reader.body(line.removesuffix("\\"))
            elif reader.in_body and line:
                reader.tune.dropped["lines of further voices"] += 1
        reader.end_measure()
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadInput(str(error)) from None
    if not reader.in_body:
        raise BadInput("no K: field")
    return reader.tune
