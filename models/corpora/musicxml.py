"""MusicXML 4.0 as far as lead sheets need it: one part's melody, and the chord symbols.

Read: divisions, time, transpose, notes with ties, chords (their top note), backup and forward,
harmony with kind, degrees, bass and offset, repeats and endings, da capo and dal segno with
fine and coda (the `sound` element). The melody is the first staff of the first part that has
chord symbols, else of the first part with notes; chord symbols may stand in any part.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element

from jam.errors import BadInput
from jam.grid import Meter
from jam.harmony import Chord, parse_symbol, quality_of_musicxml_kind
from jam.limits import LABEL_CHARACTERS, MEASURES
from models.corpora.score import MAX_TURNS, Measure, Note, exact
from models.corpora.xml_tree import parse_xml, unzipped

_STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(slots=True)
class Score:
    title: str
    measures: list[Measure]
    quarter_bpm: float | None
    dropped: Counter[str] = field(default_factory=Counter)


def read_score(data: bytes) -> Score:
    """A score from the bytes of a .musicxml, .xml or .mxl file. Raises BadInput."""
    root = parse_xml(unzipped(data) if data[:2] == b"PK" else data)
    parts = _parts(root)
    try:
        readers = [_PartReader(measures) for measures in parts]
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise BadInput(f"a damaged element ({error})") from None
    sounding = [r for r in readers if any(m.notes for m in r.measures)]
    if not sounding:
        raise BadInput("no notes")
    with_chords = [r for r in readers if any(m.chords for m in r.measures)]
    melody = next((r for r in sounding if r in with_chords), sounding[0])
    if with_chords and melody not in with_chords:
        for measure, other in zip(melody.measures, with_chords[0].measures, strict=False):
            measure.chords = other.chords
    dropped = melody.dropped
    if len(sounding) > 1:
        dropped["further parts"] += len(sounding) - 1
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    return Score(title.strip()[:LABEL_CHARACTERS], melody.measures, melody.quarter_bpm, dropped)


def _parts(root: Element) -> list[list[Element]]:
    """The measures of every part, of a score by parts or by time."""
    if root.tag == "score-partwise":
        return [part.findall("measure") for part in root.findall("part")]
    if root.tag == "score-timewise":
        by_id: dict[str, list[Element]] = {}
        for measure in root.findall("measure"):
            for part in measure.findall("part"):
                by_id.setdefault(part.get("id", ""), []).append(part)
        return list(by_id.values())
    raise BadInput(f"not a MusicXML score (its root is <{root.tag[:40]}>)")


def _number(element: Element, path: str, default: int | None = None) -> int:
    text = element.findtext(path)
    if text is None or not text.strip():
        if default is None:
            raise ValueError(f"no <{path}> in <{element.tag}>")
        return default
    number = round(float(text))
    if abs(number) > 100_000:
        raise ValueError(f"<{path}> out of range")
    return number


def _accidental(element: Element, path: str) -> tuple[int, str]:
    """An alteration in semitones, 0 without one, and how it is written."""
    alter = _number(element, path, 0)
    if abs(alter) > 3:
        raise ValueError(f"<{path}> out of range")
    return alter, "#" * alter if alter > 0 else "b" * -alter


class _PartReader:
    """One part, measure by measure."""

    def __init__(self, elements: list[Element]) -> None:
        self.measures: list[Measure] = []
        self.dropped: Counter[str] = Counter()
        self.quarter_bpm: float | None = None
        self.divisions = 1
        self.meter = Meter()
        self.transpose = 0
        self.endings: frozenset[int] = frozenset()
        self.starts_section = True
        if len(elements) > MEASURES:
            raise BadInput(f"more than {MEASURES} bars")
        for element in elements:
            self.measure(element)

    def sixteenths(self, element: Element, path: str = "duration") -> Fraction:
        text = element.findtext(path)
        if text is None:
            return Fraction(0)
        sign = "-?" if path == "offset" else ""
        if not re.fullmatch(sign + r"[0-9]{1,9}(\.[0-9]{1,6})?", text.strip()):
            raise ValueError(f"no such <{path}>: {text[:12]!r}")
        return exact(Fraction(text.strip()) * 4 / self.divisions)

    def measure(self, element: Element) -> None:
        measure = Measure(self.meter, starts_section=self.starts_section)
        self.starts_section = False
        at = end = last_start = Fraction(0)
        ending_stops = False
        for item in element:
            if item.tag == "note":
                if item.find("grace") is not None or item.find("cue") is not None:
                    continue
                length = self.sixteenths(item)
                start = last_start if item.find("chord") is not None else at
                self.note(item, measure, start, length)
                if item.find("chord") is None:
                    last_start, at = at, exact(at + length)
            elif item.tag == "backup":
                at = exact(max(Fraction(0), at - self.sixteenths(item)))
            elif item.tag == "forward":
                at = exact(at + self.sixteenths(item))
            elif item.tag == "harmony":
                self.harmony(item, measure, at)
            elif item.tag == "attributes":
                self.attributes(item)
                measure.meter = self.meter
            elif item.tag == "barline":
                ending_stops |= self.barline(item, measure)
            elif item.tag == "sound":
                self.sound(item, measure)
            elif item.tag == "direction":
                for sound in item.findall("sound"):
                    self.sound(sound, measure)
            end = max(end, at)
        measure.endings = measure.endings or self.endings
        measure.length = end
        if end == 0 and element.get("implicit") != "yes":
            measure.length = Fraction(measure.meter.frames_per_bar)  # nothing written: a rest
        self.measures.append(measure)
        if ending_stops:
            self.endings = frozenset()

    def attributes(self, item: Element) -> None:
        if item.find("divisions") is not None:
            self.divisions = _number(item, "divisions")
            if self.divisions < 1:
                raise ValueError("divisions must be positive")
        if (time := item.find("time")) is not None and time.find("beats") is not None:
            above = sum(int(n) for n in (time.findtext("beats") or "")[:40].split("+"))
            self.meter = countable_meter(above, _number(time, "beat-type"))
        if (transpose := item.find("transpose")) is not None:
            self.transpose = _number(transpose, "chromatic", 0)
            self.transpose += 12 * _number(transpose, "octave-change", 0)

    def note(self, item: Element, measure: Measure, start: Fraction, length: Fraction) -> None:
        pitch = item.find("pitch")
        if pitch is None or length <= 0 or item.findtext("staff", "1").strip() != "1":
            return
        step = (pitch.findtext("step") or "").strip()
        if step not in _STEPS:
            raise ValueError(f"no such step: {step[:8]!r}")
        value = 12 * (_number(pitch, "octave") + 1) + _STEPS[step] + self.transpose
        value += _number(pitch, "alter", 0)
        if not 0 <= value <= 127:
            self.dropped["notes out of range"] += 1
            return
        tied = any(tie.get("type") == "start" for tie in item.findall("tie"))
        measure.notes.append(Note(start, length, value, tied))

    def harmony(self, item: Element, measure: Measure, at: Fraction) -> None:
        try:
            chord, label = read_harmony(item, self.transpose)
        except ValueError:
            self.dropped["chords not read"] += 1
            return
        position = max(Fraction(0), at + self.sixteenths(item, "offset"))
        measure.chords.append((position, chord, label))

    def barline(self, item: Element, measure: Measure) -> bool:
        """Take over repeats and endings; True where an ending stops with this measure."""
        stops = False
        if (ending := item.find("ending")) is not None:
            if ending.get("type") == "start":
                numbers = (ending.get("number") or "1").replace(" ", ",").split(",")
                turns = (int(n) for n in numbers if re.fullmatch("[0-9]{1,2}", n.strip()))
                self.endings = measure.endings = frozenset(
                    n for n in turns if 1 <= n <= MAX_TURNS
                ) or frozenset({1})
            else:
                stops = True
        if (repeat := item.find("repeat")) is not None:
            if repeat.get("direction") == "forward":
                measure.starts_section = True
            else:
                measure.repeats = min(max(2, int(repeat.get("times") or 2)), MAX_TURNS)
                measure.ends_section = True
        if "light" in (item.findtext("bar-style") or "") and item.get("location") != "left":
            measure.ends_section = True
        return stops

    def sound(self, item: Element, measure: Measure) -> None:
        tempo = item.get("tempo") or ""
        if self.quarter_bpm is None and re.fullmatch(r"\d{1,4}(\.\d*)?", tempo):
            self.quarter_bpm = float(tempo) or None
        for mark in ("segno", "coda", "tocoda", "fine", "dacapo", "dalsegno"):
            if item.get(mark) and item.get(mark) != "no":
                measure.marks = measure.marks | {mark}


def countable_meter(above: int, below: int) -> Meter:
    """A metre that the grid knows; n/1 and n/16 are written in other units where that is exact."""
    if below == 1:
        return Meter(2 * above, 2)
    if below == 16 and above % 2 == 0:
        return Meter(above // 2, 8)
    return Meter(above, below)


def read_harmony(item: Element, transpose: int = 0) -> tuple[Chord | None, str]:
    """The chord of a harmony element and a readable label. Raises ValueError."""
    kind = (item.findtext("kind") or "").strip()
    if kind == "none" or (kind == "" and item.find("root") is None):
        return None, "N.C."
    root = item.find("root")
    if root is None:
        raise ValueError("a chord without a root")
    letter = (root.findtext("root-step") or "").strip()
    if letter not in _STEPS:
        raise ValueError("no such root")
    alter, sign = _accidental(root, "root-alter")
    name = letter + sign
    degrees = tuple(
        (
            _number(degree, "degree-value"),
            _accidental(degree, "degree-alter")[0],
            (degree.findtext("degree-type") or "add").strip(),
        )
        for degree in item.findall("degree")
    )
    element = item.find("kind")
    text = element.get("text") if element is not None else None
    if kind == "other" and text:
        # The standard has no word for it; what is printed says it.
        written, _ = parse_symbol(name + text)
        quality = written.quality if written else "maj"
    else:
        quality = quality_of_musicxml_kind(kind or "major", degrees)
    chord = Chord((_STEPS[letter] + alter + transpose) % 12, quality)
    label = f"{name}{text}" if text else f"{name}:{kind}"
    for value, change, type_ in degrees:
        label += f" {type_} {'#' * change if change > 0 else 'b' * -change}{value}"
    if (bass := item.findtext("bass/bass-step")) is not None:
        label += f"/{bass.strip()[:1]}{_accidental(item, 'bass/bass-alter')[1]}"
    return chord, label[:LABEL_CHARACTERS]


def snapped(measures: list[Measure], unit: int) -> None:
    """Move every chord to the nearest multiple of `unit` sixteenths in its measure."""
    for measure in measures:
        measure.chords = [
            (Fraction(round(position / unit) * unit), chord, label)
            for position, chord, label in measure.chords
        ]
