"""Humdrum: a `**kern` melody with chords beside it in `**harte`, `**mxhm` or `**jazz`.

Time runs down the file. It comes from the durations of `**kern` and `**harm` (recip: 4 is a
quarter, 8. a dotted eighth, 12 a triplet eighth, 8%5 five eighths), or from a time base
(`*tb16`: every line lasts a sixteenth), where notes have no durations of their own. Of several
`**kern` spines the one marked `*VRlead` is the tune, else the one that is most like a melody; the
others are what chords can be found in.

A reader of its own: bounded, and it tells what it left out; music21 takes seventeen times as long
(docs/figures.md, Readers).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import HUMDRUM_LINES, HUMDRUM_SPINES, MEASURES
from jam.music.chord import Chord, pitch_class
from jam.music.chord_kinds import quality_of_musicxml_kind
from jam.music.chord_notation import NO_CHORD_SYMBOL, SymbolReader, parse_symbol
from jam.music.grid import FRAMES_PER_QUARTER, Meter, counted_meter
from jam.music.harte import parse_harte
from jam.music.key import Key
from jam.music.melody_track import Line, melody_index
from jam.music.numerals import parse_numeral
from jam.music.repeats import played_order
from models.corpora.score import Losses, Measure, Note, exact

_PITCHES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_RECIP = re.compile(r"(\d+)(?:%(\d+))?(\.*)")
_CHORD_SPINES = ("harte", "mxhm", "jazz", "chord", "cdata-chord", "harmony")
"""In the order in which they count; `**harm` (Roman numerals) where there is none of them."""
_KEY = re.compile(r"\*([A-Ga-g])([#-]?):.*")
_HUMDRUM_ROOT = re.compile(r"([A-G])(#*|-*|b*)")
_KERN_NOTE = re.compile(r"([a-g]+|[A-G]+)(#+|-+|n)?")

LONGEST_UNTIMED_NOTE = Fraction(8)
"""Sixteenths that a note without a duration lasts at most: half a bar of 4/4."""


@dataclass(slots=True)
class HumdrumSong:
    measures: list[Measure]
    seconds: list[tuple[Fraction, float]]
    """(position in sixteenths from the first line, time in seconds) of the time stamps."""
    losses: Losses = field(default_factory=Losses)
    quarter_bpm: float | None = None
    """By the first `*MM`."""
    expansion: list[str] = field(default_factory=list)
    """The labels of the sections in the order in which they are played; empty: as it stands."""
    labels: list[tuple[str, int]] = field(default_factory=list)
    """(label, index of the measure that begins with it)"""

    def order(self) -> list[int]:
        """The measures in the order in which they are played. Raises BadInput."""
        starts = dict(reversed(self.labels))
        if not self.expansion or any(label not in starts for label in self.expansion):
            return played_order(self.measures)
        edges = sorted({*starts.values(), len(self.measures)})
        order = [*range(edges[0])]
        for label in self.expansion:
            start = starts[label]
            order.extend(range(start, next((e for e in edges if e > start), len(self.measures))))
            if len(order) > MEASURES:
                raise BadInput(f"more than {MEASURES} bars with all repeats")
        return order

    def bpm(self, meter: Meter) -> float | None:
        """Beats a minute: as is written, else on the average between the first and last stamp."""
        if self.quarter_bpm:
            return round(self.quarter_bpm * FRAMES_PER_QUARTER / meter.frames_per_beat, 2)
        if len(self.seconds) < 2:
            return None
        (start, start_s), (end, end_s) = self.seconds[0], self.seconds[-1]
        if end_s <= start_s or end <= start:
            return None
        return round(float(end - start) / meter.frames_per_beat * 60 / (end_s - start_s), 2)


def recip(text: str) -> Fraction | None:
    """Sixteenths of a recip duration at the start of a token; None without one."""
    found = _RECIP.match(text.lstrip("[({_"))
    if not found:
        return None
    if len(found[1]) > 6 or len(found[2] or "") > 6:
        raise ValueError(f"no such duration: {text[:12]!r}")
    number, over, dots = int(found[1]), int(found[2] or 1), len(found[3])
    if over == 0:
        raise ValueError(f"no such duration: {text[:12]!r}")
    if number == 0:
        return Fraction(32 * 2 ** (len(found[1]) - 1))  # 0 is a breve, 00 a long
    length = Fraction(16 * over, number)
    return length * (2 - Fraction(1, 2 ** min(dots, 8)))


def kern_pitch(token: str) -> int | None:
    """MIDI pitch of one kern note: c is middle C, cc an octave higher, C and CC lower."""
    found = _KERN_NOTE.search(token)
    if not found:
        return None
    letters, signs = found[1], found[2] or ""
    octave = 4 + len(letters) if letters[0].islower() else 4 - len(letters)
    octave -= 1 if letters[0].islower() else 0
    change = signs.count("#") - signs.count("-")
    return 12 * (octave + 1) + _PITCHES[letters[0].lower()] + change


@dataclass(slots=True)
class _Spine:
    kind: str
    number: int
    lead: bool = False
    ends: Fraction = Fraction(0)


class _Reader:
    """One pass down the file; `melody`: the spine that is the tune, None where the file says."""

    def __init__(self, melody: int | None = None) -> None:
        self.chosen = melody
        self.lines: dict[int, list[tuple[float, float, int]]] = {}
        """Of every `**kern` spine its notes: (start, end, pitch) in quarters."""
        self.names: dict[int, str] = {}
        self.marked = False
        """A spine says that it is the tune."""
        self.spines: list[_Spine] = []
        self.song = HumdrumSong([], [])
        self.symbols = SymbolReader()
        self.meter = Meter()
        self.key: Key = (0, False)
        self.time_base: Fraction | None = None
        self.now = Fraction(0)
        self.measure = Measure(Meter())
        self.measure_start = Fraction(0)
        self.n_spines = 0
        self.melody: int | None = None
        self.chords: int | None = None
        self.open_note: tuple[Measure, int, Fraction] | None = None
        """An untimed note that sounds until the next one: measure, index, start."""

    def read(self, text: str) -> HumdrumSong:
        lines = text.splitlines()
        if len(lines) > HUMDRUM_LINES:
            raise BadInput(f"more than {HUMDRUM_LINES} lines")
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("!"):
                continue
            tokens = line.split("\t")
            if not self.spines and line.startswith("**"):
                self.begin(tokens)
                continue
            if len(tokens) > len(self.spines):
                while len(tokens) > len(self.spines) and not tokens[-1].strip():
                    tokens.pop()  # tabs at the end of a line
            if len(tokens) != len(self.spines):
                raise BadInput(f"line {number}: {len(tokens)} spines, not {len(self.spines)}")
            if line.startswith("*"):
                if self.interpretation(tokens):
                    break
            elif line.startswith("="):
                self.bar_line(tokens[0])
            else:
                self.data(tokens)
        self.end_measure()
        self.end_untimed_note()
        self.song.losses.add_symbols(self.symbols)
        return self.song

    def begin(self, tokens: list[str]) -> None:
        if self.spines or len(tokens) > HUMDRUM_SPINES:
            raise BadInput("no single line of ** spines")
        self.spines = [_Spine(kind[2:], i) for i, kind in enumerate(tokens)]
        kinds = [spine.kind for spine in self.spines]
        if "kern" not in kinds:
            raise BadInput("no **kern melody")
        self.n_spines = len(kinds)
        self.melody = kinds.index("kern") if self.chosen is None else self.chosen
        self.choose_chords()

    def choose_chords(self) -> None:
        """The spine of chords: symbols, else Roman numerals."""
        for kinds in (_CHORD_SPINES, ("harm",)):
            found = [spine.number for spine in self.spines if spine.kind in kinds]
            if found:
                self.chords = found[0]
                return

    def interpretation(self, tokens: list[str]) -> bool:
        """Metre, time base, and the ways of spines; True where the last one ends."""
        for spine, token in zip(self.spines, tokens, strict=True):
            if token.startswith("**"):  # what an added spine is
                spine.kind = token[2:]
                if self.chords is None:
                    self.choose_chords()
            elif found := re.fullmatch(r"\*MM(\d{1,3}(?:\.\d{1,3})?)(?:-\d.*)?", token):
                self.song.quarter_bpm = self.song.quarter_bpm or float(found[1]) or None
            elif found := _KEY.fullmatch(token):
                self.key = pitch_class(found[1] + found[2].replace("-", "b")), found[1].islower()
            elif found := re.fullmatch(r"\*M(\d+)/(\d+)", token):
                self.meter = counted_meter(int(found[1]), int(found[2]))
                if self.now == self.measure_start:
                    self.measure.meter = self.meter
            elif token.startswith("*tb") and (base := recip(token[3:])) is not None:
                self.time_base = base
            elif token == "*VRlead" and not any(s.lead for s in self.spines):
                spine.lead = self.marked = True
                self.melody = spine.number
            elif token.startswith(('*I"', "*I'")) and spine.number not in self.names:
                self.names[spine.number] = token[3:]
        self.section(tokens[0])
        if any(token in ("*^", "*v", "*-", "*+", "*x") for token in tokens):
            self.spines = self.moved_spines(tokens)
        return not self.spines

    def section(self, token: str) -> None:
        """ "*>A" begins a section, "*>[A,A,B]" says in which order they are played."""
        if (listed := re.fullmatch(r"\*>\[([^\]]{1,2000})\]", token)) and not self.song.expansion:
            self.song.expansion = [label.strip() for label in listed[1].split(",")]
        elif (label := re.fullmatch(r"\*>([^\[\]]{1,100})", token)) and len(
            self.song.labels
        ) < MEASURES:
            if self.now > self.measure_start:
                self.end_measure()
            self.song.labels.append((label[1], len(self.song.measures)))

    def bar_line(self, token: str) -> None:
        """ "=5:|!" ends a repeat, "=5!|:" begins one."""
        self.end_measure()
        measures = self.song.measures
        if ":|" in token and measures:
            measures[-1].repeats, measures[-1].ends_section = 2, True
            self.measure.starts_section = True
        if "|:" in token or "!:" in token:
            self.measure.starts_section = True

    def moved_spines(self, tokens: list[str]) -> list[_Spine]:
        """Split (*^), joined (*v), ended (*-), exchanged (*x *x) and added (*+) spines.

        A split one keeps its number twice.
        """
        crossed = [i for i, token in enumerate(tokens) if token == "*x"]
        if len(crossed) == 2:
            one, other = crossed
            self.spines[one], self.spines[other] = self.spines[other], self.spines[one]
            tokens = ["*" if token == "*x" else token for token in tokens]
        elif crossed:
            raise BadInput("exchanged spines that aren't two")
        spines: list[_Spine] = []
        joining: int | None = None
        for spine, token in zip(self.spines, tokens, strict=True):
            if token == "*v" and joining == spine.number:
                spines[-1].ends = max(spines[-1].ends, spine.ends)
                continue
            joining = spine.number if token == "*v" else None
            if token != "*-":
                spines.append(spine)
            if token == "*^":
                spines.append(replace(spine))
            elif token == "*+":
                spines.append(_Spine("", self.n_spines))
                self.n_spines += 1
        if len(spines) > HUMDRUM_SPINES:
            raise BadInput(f"more than {HUMDRUM_SPINES} spines")
        return spines

    def data(self, tokens: list[str]) -> None:
        untimed = [t for s, t in zip(self.spines, tokens, strict=True) if s.kind == "harm"]
        if untimed and untimed[0].endswith("r;") and self.time_base is None:
            return  # outside the metre: what is heard before the first bar and after the last
        pitches: list[tuple[int, Fraction | None, bool]] = []
        timed = self.time_base is not None  # a line of grace notes only takes no time
        for spine, token in zip(self.spines, tokens, strict=True):
            if token == ".":
                continue
            grace = spine.kind == "kern" and "q" in token.lower()
            if spine.kind in ("kern", "harm") and not grace:
                length = recip(token)
                if length is not None:
                    spine.ends = exact(self.now + length)
                    timed = True
            if spine.kind == "kern":
                notes = self.kern(token, spine.number == self.melody)
                if spine.number == self.melody:
                    pitches.extend(notes)
                self.hear(spine.number, notes)
            elif spine.kind in _CHORD_SPINES and spine.number == self.chords:
                self.chord(token, spine.kind)
            elif spine.kind == "timestamp" and re.fullmatch(r"\d+(\.\d*)?", token):
                self.song.seconds.append((self.now, float(token)))
            if spine.kind == "harm" and spine.number == self.chords:
                self.numeral(token)
        if pitches:
            self.add(max(pitches, key=lambda p: p[0]))
        if timed:
            self.advance()

    def hear(self, spine: int, notes: list[tuple[int, Fraction | None, bool]]) -> None:
        """Keep a spine's notes: it may be the tune, else it lies under the tune."""
        for pitch, length, _ in notes:
            known = length or LONGEST_UNTIMED_NOTE / 4
            at = float(self.now) / 4
            self.lines.setdefault(spine, []).append((at, at + float(known) / 4, pitch))
            if spine != self.melody:
                self.measure.under.append(Note(self.now - self.measure_start, known, pitch))

    def kern(self, token: str, of_tune: bool) -> list[tuple[int, Fraction | None, bool]]:
        """(pitch, length, tied to the next) of every note of a token."""
        notes = []
        for part in token.split(" "):
            if "q" in part.lower():
                continue  # a grace note
            if "r" in part:
                if of_tune:
                    self.end_untimed_note()
                continue
            pitch = kern_pitch(part)
            if pitch is None or not 0 <= pitch <= 127:
                self.song.losses.counts["notes not read"] += 1
                continue
            notes.append((pitch, recip(part), "[" in part or "_" in part))
        return notes

    def add(self, note: tuple[int, Fraction | None, bool]) -> None:
        pitch, length, tied = note
        self.end_untimed_note()
        start = self.now - self.measure_start
        if length is None:
            self.open_note = (self.measure, len(self.measure.notes), self.now)
            length = LONGEST_UNTIMED_NOTE
        self.measure.notes.append(Note(start, length, pitch, tied))

    def end_untimed_note(self) -> None:
        if self.open_note is not None:
            measure, index, start = self.open_note
            length = min(LONGEST_UNTIMED_NOTE, self.now - start)
            measure.notes[index] = replace(measure.notes[index], length=length)
            self.open_note = None

    def chord(self, token: str, kind: str) -> None:
        at = self.now - self.measure_start
        try:
            chord = _CHORD_READERS[kind](token)
        except ValueError:
            self.measure.chords.append((at, *self.symbols.unreadable(token, self.bar)))
            return
        self.measure.chords.append((at, chord, token))

    def numeral(self, token: str) -> None:
        """A Roman numeral, perhaps with a duration before it and alternatives behind it."""
        at = self.now - self.measure_start
        text = re.sub(r"^[\d%.]*|[\[({;].*$", "", token.strip())
        if not text or text in ("r", "."):
            if token.strip().endswith("r"):
                self.measure.chords.append((at, None, NO_CHORD_SYMBOL))
            return
        try:
            chord = parse_numeral(text, self.key)
        except ValueError:
            self.measure.chords.append((at, *self.symbols.unreadable(token, self.bar)))
            return
        self.measure.chords.append((at, chord, chord.symbol))

    @property
    def bar(self) -> int:
        return len(self.song.measures) + 1

    def advance(self) -> None:
        if self.time_base is not None:
            self.now = exact(self.now + self.time_base)
            return
        later = [spine.ends for spine in self.spines if spine.ends > self.now]
        if later:
            self.now = min(later)

    def end_measure(self) -> None:
        if self.time_base is None:
            # What still sounds ends with the bar.
            self.now = max([self.now, *(spine.ends for spine in self.spines)])
        if self.now > self.measure_start or self.measure.notes:
            self.measure.length = self.now - self.measure_start
            self.song.measures.append(self.measure)
        self.measure = Measure(self.meter)
        self.measure_start = self.now


def _english(root: str) -> str:
    return root.replace("-", "b")


def _mxhm(token: str) -> Chord | None:
    """ "C major", "B- dominant/D": root, kind of MusicXML, bass. Raises ValueError."""
    root, _, kind = token.partition("/")[0].strip().partition(" ")
    if kind.strip() == "none" or token.strip() in ("none", "N.C."):
        return None
    if not _HUMDRUM_ROOT.fullmatch(root):
        raise ValueError(token)
    try:
        quality = quality_of_musicxml_kind(kind.strip() or "major")
    except ValueError:
        return parse_symbol(_english(root) + kind)[0]
    return Chord(pitch_class(_english(root)), quality)


def _jazz(token: str) -> Chord | None:
    """ "4*C", "1G:7", "2B-:min7/D-", "1r": duration, root, quality. Raises ValueError."""
    symbol = re.sub(r"^[\d%.]*\**", "", token.strip())
    if symbol.replace(".", "").upper() in ("R", "N", "NC"):
        return None
    symbol = re.sub(r"/([A-G])(-+)", lambda m: f"/{m[1]}{_english(m[2])}", symbol)
    found = _HUMDRUM_ROOT.match(symbol)
    if not found:
        raise ValueError(token)
    rest = symbol[found.end() :].removeprefix(":")
    try:
        return parse_symbol(_english(found[0]) + rest)[0]
    except ValueError:
        return parse_harte(symbol)[0]


_CHORD_READERS: dict[str, Callable[[str], Chord | None]] = {
    "harte": lambda token: parse_harte(token)[0],
    "mxhm": _mxhm,
    "jazz": _jazz,
    "chord": _jazz,
    "cdata-chord": _jazz,
    "harmony": _jazz,
}


def read_humdrum(text: str) -> HumdrumSong:
    """A song from the text of a .hum or .krn file. Raises BadInput."""
    try:
        reader = _Reader()
        song = reader.read(text)
        heard = sorted(reader.lines)
        if len(heard) > 1 and not reader.marked:
            lines = [Line(sorted(reader.lines[i]), reader.names.get(i, "")) for i in heard]
            if (chosen := heard[melody_index(lines)]) != reader.melody:
                song = _Reader(chosen).read(text)
        return song
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadInput(f"damaged: {error}") from None
