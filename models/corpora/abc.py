"""ABC notation, version 2.1 as far as melodies with chords need it.

Read: fields X T C M L K Q P R V s m (file header, header and body, also inline), notes with
accidentals that last through the bar and over ties, lengths, broken rhythm, tuplets, ties, rests,
chords in brackets (their top note), chord symbols, bar lines with repeats and numbered endings,
jumps in words, a part order in the header (P:AABB), static macros. The tune is the first voice with
notes, or the one whose name says so; the others are what chords can be found in. Passed over:
grace notes, decorations, slurs, lyrics, annotations, voice overlays (&).

A reader of its own: bounded, and it tells what it left out; music21 takes ninety times as long
(docs/figures.md, Readers).
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import ABC_TUNE_CHARACTERS, LABEL_CHARACTERS, MEASURES
from jam.music.chord import LETTERS
from jam.music.chord_notation import SymbolReader, chords_of_texts, naming_of
from jam.music.grid import Meter, counted_meter
from jam.music.melody_track import melody_word
from jam.music.note_names import Naming
from jam.music.repeats import MAX_TURNS, jump_marks
from models.corpora.score import Losses, Measure, Note, exact, lay_under

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
_MAX_CHORD = 32
_MAX_BROKEN = 3
"""Of > or < in a row."""

_TOKEN = re.compile(
    r'(?P<symbol>"[^"]{0,200}")'
    r"|(?P<overlay>\(?&\)?)"
    r"|(?P<inline>\[[A-Za-z]:[^\]\n]{0,200}\])"
    r"|(?P<grace>\{[^}]{0,200}\})"
    # Not "!c2d2!": in old files a ! ends a line of the staff.
    r"|(?P<decoration>!(?:f{1,4}|(?!(?:[A-Ga-gz][,'\d/]*)+!)[A-Za-z0-9()<>.+\-]{1,40})!"
    r"|\+[A-Za-z]{1,40}\+)"
    r"|(?P<bar>:*\|*\[\||:*\|[|\]:]*|::+)(?P<ending>\[?\d[\d,\-.]*)?"
    r"|(?P<number>\[\d[\d,\-.]*)"
    r"|(?P<tuplet>\(\d(?::\d?(?::\d?)?)?)"
    r"|(?P<note>(?P<sign>\^\^?|__?|=)?(?P<letter>[A-Ga-g])(?P<octave>[,']*)"
    r"(?P<length>\d*/*\d*)(?P<tie>-?))"
    r"|(?P<rest>[zxZX])(?P<rest_length>\d*/*\d*)"
    r"|(?P<open>\[)|(?P<close>\](?P<close_length>\d*/*\d*)(?P<close_tie>-?))"
    r"|(?P<broken>>+|<+)"
)


_VOICE = re.compile(r"\[V:[ \t]*([^\]\s]*)([^\]]*)\]")
_MAX_VOICES = 64
_MAX_ANNOTATIONS = 1000
_FILE_FIELDS = "MLQRC"
"""What the header of a file says for all of its tunes."""
_CLEF_OCTAVE = re.compile(
    r"\b(?:treble|bass|alto|tenor|baritone|soprano|mezzo|[GFC])[1-5]?([+-]8)(?!\d)"
)
_SYMBOL_LINE = re.compile(r"(?P<bar>\|)|(?P<symbol>\"[^\"]{0,200}\")|\*|![^!\s]{1,40}!|[^\s|\"*]+")
_MACRO = re.compile(r"\s*(\S[^=]{0,19}?)\s*=\s*(\S.{0,199}?)\s*")
_MAX_MACROS = 50
_SETTINGS = re.compile(r"(?:[a-z]{2,}|[mt])=")
"""What a K: field says beside the key: "clef=bass", "octave=-1"."""
_CLEFS = re.compile(
    r"(?:clef=)?(?:treble|bass|alto|tenor|baritone|soprano|mezzo|perc|none|auto|[GFC][1-5])"
    r"[1-5]?(?:[+-](?:8|15))?"
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
    losses: Losses = field(default_factory=Losses)
    composer: str = ""


def split_tunes(text: str) -> list[tuple[str, list[str]]]:
    """The tunes of a file as (reference number, lines): each begins with X:.

    What stands before the first tune is of each of them. A number that was there before is told
    apart: "5", then "5.2". A file without any X: may be one tune, copied without it.
    """
    tunes: list[tuple[str, list[str]]] = []
    times: Counter[str] = Counter()
    header: list[str] = []
    for line in text.splitlines():
        if found := re.match(r"X:\s*(\S*)", line):
            number = found[1]
            times[number] += 1
            again = f".{times[number]}" if times[number] > 1 else ""
            tunes.append((number + again, list(header)))
        if tunes:
            tunes[-1][1].append(line)
        elif len(header) < 100 and re.match(rf"[{_FILE_FIELDS}]:", line):
            header.append(line)
    if not tunes and re.search(r"^K:", text, re.MULTILINE):
        return [("1", text.splitlines())]
    return tunes


def key_accidentals(text: str) -> dict[str, int]:
    """Letter to accidental (in semitones) of a K: field: key, mode, and signs of its own.

    "Am", "am", "D phr ^f", "Gmix", "D =c", "C exp ^f _b"; a clef alone is no signature. Raises
    ValueError.
    """
    words = [w for w in text.split() if not _SETTINGS.match(w) and not _CLEFS.fullmatch(w)]
    if not words or words[0] in ("none", "HP") or words[0][0] in "^_=":
        signs: dict[str, int] = {}
        words = [w for w in words if w[0] in "^_="]
    elif words[0] == "Hp":
        signs, words = key_signs(2), words[1:]
    else:
        found = re.match(r"([A-Ga-g])([#b♯♭]?)([A-Za-z]*)", words[0])
        if not found:
            raise ValueError(f"no such key: {text[:40]!r}")
        words = [words[0][found.end() :], *words[1:]] if words[0][found.end() :] else words[1:]
        mode = found[3].lower()
        if not mode and words and re.fullmatch(r"[A-Za-z]{1,10}", words[0]):
            mode, words = words[0].lower(), words[1:]
        if mode == "exp" or "exp" in words:
            signs = {}
        else:
            signs = key_signs(_fifths(found[1].upper(), found[2], mode))
    for word in words:
        for sign, letter in re.findall(r"(\^\^?|__?|=)([A-Ga-g])", word):
            signs[letter.upper()] = _SIGNS[sign]
    return signs


_SIGNS = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}


def _fifths(letter: str, sign: str, mode: str) -> int:
    """Sharps (or minus flats) of a key. Raises ValueError for a mode that there isn't."""
    if mode and mode != "m" and mode[:3] not in _MODES:
        raise ValueError(f"no such mode: {mode[:12]!r}")
    shift = _MODES[mode if mode == "m" else mode[:3]] if mode else 0
    return _FIFTHS[letter] + {"#": 7, "♯": 7, "b": -7, "♭": -7, "": 0}[sign] + shift


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
    found = re.match(r"\(?(\d{1,3}(?:\+\d{1,3}){0,9})\)?/(\d{1,3})", text)
    if not found:
        raise ValueError(f"no such metre: {text[:12]!r}")
    return counted_meter(sum(map(int, found[1].split("+"))), int(found[2]))


def _unit(text: str) -> Fraction:
    """An L: field in sixteenths. Raises ValueError."""
    found = re.fullmatch(r"([0-9]{1,4})(?:/([0-9]{1,4}))?", text)
    if not found or not int(found[1]):
        raise ValueError(f"no such unit length: {text[:12]!r}")
    return Fraction(int(found[1]) * 16, int(found[2] or 1))


class _Reader:
    """State of one voice of a tune while it is read, left to right."""

    def __init__(self, number: str, naming: Naming = "english") -> None:
        self.tune = Tune(number, "", "", [], {}, "", None)
        self.symbols = SymbolReader(naming)
        self.meter: Meter | None = None
        self.unit: Fraction | None = None
        """Unit note length in sixteenths."""
        self.signs: dict[str, int] = {}
        self.in_body = False
        self.octave = 0
        self.clef_octave = 0
        """Of a clef with an 8 above or below it."""
        self.transpose = 0
        """Semitones from what is written to what sounds."""
        self.annotated = False
        """Chord symbols stand as annotations ("^Am")."""
        self.line: list[tuple[Measure, Fraction]] = []
        """Measure and place of every note of the line before: a line of symbols hangs on them."""
        self.overlaid = False
        """Behind a "&": until the bar line what is written sounds together with what was."""
        self.coda_seen = False
        self.measure = Measure(Meter())
        self.accidentals: dict[tuple[str, int], int] = {}
        self.tied: dict[tuple[str, int], int] = {}
        """Accidentals of notes whose tie crosses the bar line."""
        self.at = Fraction(0)
        self.tuplet: tuple[Fraction, int] | None = None
        self.broken: Fraction | None = None
        """What the next note is multiplied with after > or <."""
        self.chord_notes: list[tuple[int, Fraction, bool]] | None = None
        self.endings: frozenset[int] = frozenset()
        self.pending_start = True
        self.repeat_open = False
        self.last: tuple[Fraction, Fraction] | None = None
        """Start and length of the note or rest before: what > and < change."""

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
            self.voice_settings(value)
            if not self.in_body or re.match(r"[A-Ga-g](?!\w*=)|none|H[Pp]|[\^_=]", value):
                self.signs = key_accidentals(value)
            if not self.in_body:
                self.begin_body()
        elif letter == "P":
            self.part(value)
        elif letter == "V":
            self.voice_settings(value)
        elif letter == "s" and self.in_body:
            self.symbol_line(value)
        elif letter == "T" and not self.tune.title:
            self.tune.title = value[:LABEL_CHARACTERS]
        elif letter == "C" and not self.in_body and not self.tune.composer:
            self.tune.composer = value[:LABEL_CHARACTERS]
        elif letter == "R":
            self.tune.rhythm = value
        elif letter == "Q":
            self.tempo(value)

    def voice_settings(self, value: str) -> None:
        """What a K: or V: field says of octave, clef and transposition."""
        if found := re.search(r"octave=\s*([+-]?\d)", value):
            self.octave = int(found[1])
        if found := _CLEF_OCTAVE.search(value):
            self.clef_octave = 1 if found[1] == "+8" else -1
        if found := re.search(r"transpose=\s*([+-]?\d{1,2})(?!\d)", value):
            self.transpose = int(found[1])

    def symbol_line(self, value: str) -> None:
        """An s: field: one symbol for each note of the line of music before it."""
        at = 0
        for found in _SYMBOL_LINE.finditer(value):
            if at >= len(self.line):
                return
            measure, place = self.line[at]
            if found["bar"]:
                bar = self.line[at - 1][0] if at else None
                while at < len(self.line) and self.line[at][0] is bar:
                    at += 1
                continue
            if (text := found["symbol"]) and text[1:2] not in tuple("^_<>@"):
                chord = self.symbols.read(text[1:-1], len(self.tune.measures), self.transpose)
                if chord is not None:
                    measure.chords.append((place, *chord))
            at += 1

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
        found = re.fullmatch(
            r"(?:((?:\d{1,4}/\d{1,4}\s*)+)=\s*|(C)(\d?)\s*=\s*)?(\d{1,6}(?:\.\d{1,6})?)", value
        )
        if found:
            beats, unit, units, number = found.groups()
            beat = Fraction(1, 4)
            if beats:
                beat = sum((Fraction(b) for b in beats.split()), Fraction(0))
            elif unit:  # of version 1: in unit lengths
                beat = (self.unit or Fraction(2)) / 16 * int(units or 1)
            self.tune.quarter_bpm = float(number) * float(beat) * 4 or None

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
        self.overlaid = False
        self.last = None
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
            change = self.accidentals[name, height] = _SIGNS[sign]
        elif (name, height) in self.accidentals:
            change = self.accidentals[name, height]
        else:
            change = self.tied.get((name, height), self.signs.get(name, 0))
        self.sounded = name, height, change
        octave_ = height + self.octave + self.clef_octave
        return 12 * octave_ + LETTERS[name] + change + self.transpose

    def carry(self, tied: bool) -> None:
        """A tie takes its note's accidental over the bar line, and no further."""
        name, height, change = self.sounded
        if self.chord_notes is None:
            self.tied = {}  # a tie leads to the very next note
        self.tied.pop((name, height), None)
        if tied:
            self.tied[name, height] = change

    def add(self, pitch: int, length: Fraction, tied: bool) -> None:
        self.line.append((self.measure, self.at))
        if 0 <= pitch <= 127:
            self.measure.notes.append(Note(self.at, length, pitch, tied))
        else:
            self.tune.losses.counts["notes out of range"] += 1
        self.advance(length)

    def advance(self, length: Fraction) -> None:
        self.last = self.at, length
        self.at = exact(self.at + length)

    def break_rhythm(self, marks: str) -> None:
        """ "a>b": the note before is lengthened, the next one shortened; "<" the other way."""
        if self.last is None or self.overlaid:
            return
        part = Fraction(1, 2 ** min(len(marks), _MAX_BROKEN))
        first, second = (2 - part, part) if marks[0] == ">" else (part, 2 - part)
        start, length = self.last
        self.at = exact(start + length * first)
        if self.measure.notes and self.measure.notes[-1].start == start:
            self.measure.notes[-1] = replace(self.measure.notes[-1], length=length * first)
        self.broken = second

    def symbol(self, text: str) -> None:
        text = text.strip()
        if not text:
            return
        if text[0] in "^_<>@":
            if not self.annotated:
                self.words(text[1:])
                return
            text = text[1:].strip()
        text = re.split(r"[;\n]", text)[0]
        if self.symbols.naming != "solfege":
            text = spelled_out(text)
        found = self.symbols.read(text, len(self.tune.measures) + 1, self.transpose)
        if found is not None:
            self.measure.chords.append((self.at, *found))
        else:
            self.words(text)

    def words(self, text: str) -> None:
        """What words or a decoration say of the way through the tune."""
        marks = jump_marks(text)
        if "coda" in marks:  # the first sign leads on to the second
            marks = frozenset({"coda" if self.coda_seen else "tocoda"})
        self.coda_seen |= bool(marks & {"coda", "tocoda"})
        self.measure.marks |= marks

    def body(self, line: str) -> None:
        self.line = []
        for found in _TOKEN.finditer(line):
            kind = found.lastgroup
            if self.overlaid and not (found["bar"] or found["inline"]):
                continue
            if found["overlay"]:
                self.overlaid = True
                self.tune.losses.counts["bars with an overlaid voice"] += 1
            elif found["decoration"]:
                self.words(found["decoration"].strip("!+"))
            elif found["symbol"]:
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
        self.carry(tied)
        if self.chord_notes is not None:
            if len(self.chord_notes) < _MAX_CHORD:
                self.chord_notes.append((pitch, length, tied))
        else:
            self.add(pitch, self.scaled(length), tied)

    def close_chord(self, length_text: str, tied: bool) -> None:
        notes, self.chord_notes = self.chord_notes, None
        if notes:
            pitch, _, note_tied = max(notes)
            # The first note's length is the chord's; what is below the top can tell the harmony.
            length = self.scaled(notes[0][1] * _length(length_text))
            under = [Note(self.at, length, p) for p, _, _ in notes if p != pitch and 0 <= p <= 127]
            self.measure.under.extend(under)
            self.add(pitch, length, tied or note_tied)

    def rest(self, kind: str, length: str) -> None:
        if kind in "ZX":  # whole measures
            bars = min(int(_length(length)), 64)
            for bar in range(bars):
                self.at = Fraction(self.measure.meter.frames_per_bar)
                if bar < bars - 1:
                    self.end_measure()
        else:
            self.advance(self.scaled(_length(length)))


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


_Segment = tuple[str, str]
"""(letter of a field, or "" for music; its text)"""


def _voices(lines: list[str]) -> tuple[list[_Segment], dict[str, list[_Segment]], dict[str, str]]:
    """The fields of the header, every voice in the order in which they begin, and their names.

    What stands in the body before the first voice, and a change of part, is of every voice. After
    an empty line only what looks like music goes on.
    """
    header: list[_Segment] = []
    common: list[_Segment] = []
    voices: dict[str, list[_Segment]] = {}
    names: dict[str, str] = {}
    settings: dict[str, str] = {}
    """What the header says of a voice's octave, clef and transposition."""
    macros: dict[str, str] = {}
    voice: str | None = None
    in_body = ended = False

    def enter(name: str, about: str) -> None:
        nonlocal voice
        voice = name
        if found := re.search(r"(?:name|nm|n)\s*=\s*(?:\"([^\"]*)\"|(\S+))", about):
            names[name] = found[1] or found[2] or ""
        if in_body and name not in voices:
            if len(voices) >= _MAX_VOICES:
                raise BadInput(f"more than {_MAX_VOICES} voices")
            voices[name] = list(common)
            if name in settings:
                voices[name].append(("V", settings[name]))
        if in_body and _says_of_pitch(about):
            voices[name].append(("V", about))

    for raw in lines:
        line = raw.split("%", 1)[0].rstrip()
        if not line:
            ended |= in_body and not raw.strip()
            continue
        if line.startswith("+:") or (ended and not _goes_on(line)):
            continue  # a field that goes on, a text below the tune
        found = re.match(r"([A-Za-z]):(?![|:])(.*)", line)
        if found and found[1] == "V":
            name, _, about = found[2].strip().partition(" ")
            enter(name, about)
            if not in_body and _says_of_pitch(about):
                settings[name] = about
        elif found and found[1] == "m":
            macro = _MACRO.fullmatch(found[2])
            if macro and "n" not in macro[1] and len(macros) < _MAX_MACROS:
                macros[macro[1]] = macro[2]
        elif found and not in_body:
            header.append((found[1], found[2]))
            in_body = found[1] == "K"
        elif found and found[1] == "P":
            for segments in [*voices.values()] or [common]:
                segments.append(("P", found[2]))
        elif found:
            voices.get(voice or "", common).append((found[1], found[2]))
        elif in_body:
            line = _expanded(line, macros)
            at = 0
            for switch in _VOICE.finditer(line):
                if line[at : switch.start()].strip():
                    if voice not in voices:
                        enter(voice or "", "")
                    voices[voice or ""].append(("", line[at : switch.start()]))
                enter(switch[1], switch[2])
                at = switch.end()
            if line[at:].strip():
                if voice not in voices:
                    enter(voice or "", "")
                voices[voice or ""].append(("", line[at:].removesuffix("\\")))
    if not in_body:
        raise BadInput("no K: field")
    return header, voices or {"": common}, names


def _says_of_pitch(about: str) -> bool:
    return "octave=" in about or "transpose=" in about or bool(_CLEF_OCTAVE.search(about))


def _goes_on(line: str) -> bool:
    """Whether a line below an empty one is a field or music, and no text."""
    if not re.match(r"[A-Za-z]:|.*\|", line):
        return False
    bare = re.sub(r'"[^"]*"|![^!\s]*!|^[A-Za-z]:', "", line)
    return bool(re.match(r"[A-Za-z]:\S", line)) or not re.search(r"[h-yH-Y][A-Za-z]{2,}", bare)


def _expanded(line: str, macros: dict[str, str]) -> str:
    """A line with its static macros (m: fields) written out. Raises BadInput."""
    for name, music in macros.items():
        line = line.replace(name, music)
        if len(line) > ABC_TUNE_CHARACTERS:
            raise BadInput(f"a tune of more than {ABC_TUNE_CHARACTERS} characters")
    return line


def parse_tune(number: str, lines: list[str]) -> Tune:
    """One tune. Raises BadInput that says what is wrong."""
    if sum(map(len, lines)) > ABC_TUNE_CHARACTERS:
        raise BadInput(f"a tune of more than {ABC_TUNE_CHARACTERS} characters")
    try:
        header, voices, names = _voices(lines)
        quoted = re.findall(r'"([^"\n]{0,64})"', "\n".join(lines))
        symbols = [text for text in quoted if text and text[0] not in "^_<>@"]
        notes_above = [text[1:] for text in quoted if text[:1] in tuple("^_")]
        annotated = not symbols and bool(
            chords_of_texts(enumerate(notes_above[:_MAX_ANNOTATIONS]), lambda at: at)[0]
        )
        naming = naming_of(spelled_out(text) for text in (notes_above if annotated else symbols))
        readers = {}
        for name, segments in voices.items():
            reader = readers[name] = _Reader(number, naming)
            reader.annotated = annotated
            for letter, text in [*header, *segments]:
                if letter:
                    reader.information(letter, text)
                else:
                    reader.body(text)
            reader.end_measure()
            reader.tune.losses.add_symbols(reader.symbols)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadInput(str(error)) from None
    sounding = [n for n, r in readers.items() if any(m.notes for m in r.tune.measures)]
    tune = next((n for n in sounding if melody_word(names.get(n, ""))), None)
    tune = tune if tune is not None else sounding[0] if sounding else next(iter(readers))
    melody = readers[tune].tune
    for name, reader in readers.items():
        if name == tune:
            continue
        if name in sounding:
            melody.losses.counts["further voices"] += 1
        lay_under(melody.measures, reader.tune.measures)
    return melody
