"""MusicXML 4.0 as far as lead sheets need it: one part's melody, and the chord symbols.

Read: divisions, time, transpose, notes with ties, chords (their top note), backup and forward,
harmony with kind, degrees, bass and offset, repeats and endings, da capo and dal segno with
fine and coda (the `sound` element). The melody is the first staff of the first part that has
chord symbols, else of the first part with notes; chord symbols may stand in any part.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter
from dataclasses import dataclass, field
from fractions import Fraction
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS, MEASURES, XML_BYTES, XML_DEPTH, XML_ELEMENTS
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol, quality_of_musicxml_kind
from jam.music.grid import Meter
from jam.music.repeats import MAX_TURNS
from models.corpora.score import Measure, Note, exact

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


_MAX_CONTAINER_BYTES = 65_536

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those that the standard allows in an .mxl file; the others can ask for gigabytes."""


class _Builder:
    """Feeds a tree from expat and stops at the first sign of an attack."""

    def __init__(self) -> None:
        self.tree = TreeBuilder()
        self.depth = 0
        self.count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        self.count += 1
        if self.depth > XML_DEPTH or self.count > XML_ELEMENTS:
            raise BadInput("XML nested too deeply or with too many elements")
        self.tree.start(name, attributes)

    def end(self, name: str) -> None:
        self.depth -= 1
        self.tree.end(name)

    def doctype(self, _name: str, _system: object, _public: object, has_declarations: bool) -> None:
        # Entities multiply text, default attributes do so in every element.
        if has_declarations:
            raise BadInput("XML with declarations of its own (entities, attributes) is not read")


def parse_xml(data: bytes) -> Element:
    """The root element. Raises BadInput for broken XML and for declarations within it."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.StartDoctypeDeclHandler = builder.doctype
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(data, True)
        return builder.tree.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadInput(f"not well-formed XML: {error}") from None


def unzipped(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises BadInput."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            container = parse_xml(_member(archive, "META-INF/container.xml", _MAX_CONTAINER_BYTES))
            for rootfile in container.iter("rootfile"):
                kind = rootfile.get("media-type", "application/vnd.recordare.musicxml+xml")
                if "musicxml" in kind or kind.endswith("xml"):
                    return _member(archive, rootfile.get("full-path", ""), XML_BYTES)
    except BadInput:
        raise
    except Exception as error:  # zlib.error, struct.error and others: by what is damaged
        raise BadInput(f"not a readable .mxl archive: {error}") from None
    raise BadInput("the .mxl archive names no score")


def _member(archive: zipfile.ZipFile, name: str, max_bytes: int) -> bytes:
    """One file of an archive, with a limit on what it may unpack to."""
    try:
        entry = archive.getinfo(name)
    except KeyError:
        raise BadInput(f"the .mxl archive has no {name[:80]}") from None
    if entry.compress_type not in _METHODS:
        raise BadInput(f"{name[:80]} is packed in a way that .mxl files are not")
    with archive.open(entry) as member:
        # The size that the archive states may be a lie: the limit is on what is read.
        data = member.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise BadInput(f"{name[:80]} unpacks to more than {max_bytes:,} bytes")
    return data
