"""Humdrum: the `**kern` melody with `**harte` chords beside it, as CoCoPops writes them.

Time runs down the file. It comes from the durations of `**kern` and `**harm` (recip: 4 is a
quarter, 8. a dotted eighth, 12 a triplet eighth, 8%5 five eighths), or from a time base
(`*tb16`: every line lasts a sixteenth), where notes have no durations of their own.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field, replace
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import HUMDRUM_LINES, HUMDRUM_SPINES
from jam.music.chord_notation import parse_harte
from jam.music.grid import Meter
from models.corpora.musicxml import countable_meter
from models.corpora.score import Measure, Note, exact

_PITCHES = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_RECIP = re.compile(r"(\d+)(?:%(\d+))?(\.*)")
_KERN_NOTE = re.compile(r"([a-g]+|[A-G]+)(#+|-+|n)?")

LONGEST_UNTIMED_NOTE = Fraction(8)
"""Sixteenths that a note without a duration lasts at most: half a bar of 4/4."""


@dataclass(slots=True)
class HumdrumSong:
    measures: list[Measure]
    seconds: list[tuple[Fraction, float]]
    """(position in sixteenths from the first line, time in seconds) of the time stamps."""
    dropped: Counter[str] = field(default_factory=Counter)

    def bpm(self, meter: Meter) -> float | None:
        """Beats a minute on the average between the first and the last time stamp."""
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
    """One pass down the file."""

    def __init__(self) -> None:
        self.spines: list[_Spine] = []
        self.song = HumdrumSong([], [])
        self.meter = Meter()
        self.time_base: Fraction | None = None
        self.now = Fraction(0)
        self.measure = Measure(Meter())
        self.measure_start = Fraction(0)
        self.melody: int | None = None
        self.harte: int | None = None
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
            if line.startswith("**"):
                self.begin(tokens)
                continue
            if len(tokens) != len(self.spines):
                raise BadInput(f"line {number}: {len(tokens)} spines, not {len(self.spines)}")
            if line.startswith("*"):
                if self.interpretation(tokens):
                    break
            elif line.startswith("="):
                self.end_measure()
            else:
                self.data(tokens)
        self.end_measure()
        self.end_untimed_note()
        return self.song

    def begin(self, tokens: list[str]) -> None:
        if self.spines or len(tokens) > HUMDRUM_SPINES:
            raise BadInput("no single line of ** spines")
        self.spines = [_Spine(kind[2:], i) for i, kind in enumerate(tokens)]
        kinds = [spine.kind for spine in self.spines]
        if "kern" not in kinds:
            raise BadInput("no **kern melody")
        if "harte" not in kinds:
            raise BadInput("no **harte chords")
        self.melody, self.harte = kinds.index("kern"), kinds.index("harte")

    def interpretation(self, tokens: list[str]) -> bool:
        """Metre, time base, and the ways of spines; True where the last one ends."""
        for spine, token in zip(self.spines, tokens, strict=True):
            if found := re.fullmatch(r"\*M(\d+)/(\d+)", token):
                self.meter = countable_meter(int(found[1]), int(found[2]))
                if self.now == self.measure_start:
                    self.measure.meter = self.meter
            elif token.startswith("*tb") and (base := recip(token[3:])) is not None:
                self.time_base = base
            elif token == "*VRlead" and not any(s.lead for s in self.spines):
                spine.lead = True
                self.melody = spine.number
        if any(token in ("*^", "*v", "*-", "*+", "*x") for token in tokens):
            self.spines = self.moved_spines(tokens)
        return not self.spines

    def moved_spines(self, tokens: list[str]) -> list[_Spine]:
        """Split (*^), joined (*v) and ended (*-) spines; a split one keeps its number twice."""
        spines: list[_Spine] = []
        joining: int | None = None
        for spine, token in zip(self.spines, tokens, strict=True):
            if token == "*v" and joining == spine.number:
                spines[-1].ends = max(spines[-1].ends, spine.ends)
                continue
            joining = spine.number if token == "*v" else None
            if token in ("*+", "*x"):
                raise BadInput("added or exchanged spines are not read")
            if token != "*-":
                spines.append(spine)
            if token == "*^":
                spines.append(replace(spine))
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
            if spine.kind == "kern" and spine.number == self.melody:
                pitches.extend(self.kern(token))
            elif spine.kind == "harte" and spine.number == self.harte:
                self.chord(token)
            elif spine.kind == "timestamp" and re.fullmatch(r"\d+(\.\d*)?", token):
                self.song.seconds.append((self.now, float(token)))
        if pitches:
            self.add(max(pitches, key=lambda p: p[0]))
        if timed:
            self.advance()

    def kern(self, token: str) -> list[tuple[int, Fraction | None, bool]]:
        """(pitch, length, tied to the next) of every note of a token."""
        notes = []
        for part in token.split(" "):
            if "q" in part.lower():
                continue  # a grace note
            if "r" in part:
                self.end_untimed_note()
                continue
            pitch = kern_pitch(part)
            if pitch is None or not 0 <= pitch <= 127:
                self.song.dropped["notes not read"] += 1
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

    def chord(self, token: str) -> None:
        try:
            chord, _ = parse_harte(token)
        except ValueError:
            self.song.dropped["chords not read"] += 1
            return
        self.measure.chords.append((self.now - self.measure_start, chord, token))

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


def read_humdrum(text: str) -> HumdrumSong:
    """A song from the text of a .hum or .krn file. Raises BadInput."""
    try:
        return _Reader().read(text)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise BadInput(f"damaged: {error}") from None
