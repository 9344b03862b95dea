"""MusicXML 4.0 as far as lead sheets need it: one part's melody, and the chord symbols.

Read: divisions, time, transpose, notes with ties, chords (their top note), backup and forward,
bar-repeat signs, harmony with kind, degrees, bass and offset, repeats and endings, da capo and dal
segno with fine and coda (the `sound` element, else the words). The tune is the first staff of the
part that is most like a melody (`jam.music.melody_track`); chord symbols may stand in any part, and
the other voices are what chords can be found in. Slashes, cues, grace notes and what isn't printed
are no notes.

A reader of its own: bounded, and it tells what it left out; music21 takes twenty times as long
(docs/figures.md, Readers).
"""

from __future__ import annotations

import codecs
import io
import re
import zipfile
from dataclasses import dataclass
from fractions import Fraction
from urllib.parse import unquote
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS, MEASURES, XML_BYTES, XML_DEPTH, XML_ELEMENTS
from jam.music.chord import LETTERS, Chord
from jam.music.chord_kinds import quality_of_musicxml_kind
from jam.music.chord_notation import NO_CHORD_SYMBOL, SymbolReader, naming_of, parse_symbol
from jam.music.grid import Meter, counted_meter
from jam.music.melody_track import Line, melody_index
from jam.music.note_names import Naming
from jam.music.repeats import MARKS, MAX_TURNS, jump_marks
from models.corpora.score import Losses, Measure, Note, exact, lay_under


@dataclass(slots=True)
class Score:
    title: str
    measures: list[Measure]
    quarter_bpm: float | None
    losses: Losses
    composer: str = ""


def read_score(data: bytes) -> Score:
    """A score from the bytes of a .musicxml, .xml or .mxl file. Raises BadInput."""
    root = parse_xml(unzipped(data) if data[:2] == b"PK" else data)
    parts, names = _parts(root)
    try:
        naming = naming_of(kind.get("text") or "" for kind in root.iter("kind"))
        readers = [_PartReader(measures, naming) for measures in parts]
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise BadInput(f"a damaged element ({error})") from None
    sounding = [i for i, r in enumerate(readers) if any(m.notes for m in r.measures)]
    if not sounding:
        raise BadInput("no notes")
    chosen = melody_index([readers[i].line(names[i]) for i in sounding]) if sounding[1:] else 0
    melody = readers[sounding[chosen]]
    for i in sounding:
        if readers[i] is not melody:
            melody.losses.counts["further parts"] += 1
            lay_under(melody.measures, readers[i].measures)
    for i, reader in enumerate(readers):
        if i not in sounding:  # a part of chord symbols alone
            lay_under(melody.measures, reader.measures)
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    composer = next(
        (c.text or "" for c in root.iterfind("identification/creator[@type='composer']")), ""
    )
    return Score(
        title.strip()[:LABEL_CHARACTERS],
        melody.measures,
        next((r.quarter_bpm for r in (melody, *readers) if r.quarter_bpm), None),
        melody.losses,
        composer.strip()[:LABEL_CHARACTERS],
    )


def part_lines(root: Element) -> list[Line]:
    """The parts of a score as lines of which one is the melody; those without notes left out."""
    parts, names = _parts(root)
    readers = [_PartReader(measures) for measures in parts]
    lines = [reader.line(name) for reader, name in zip(readers, names, strict=True)]
    return [line for line in lines if line.notes]


def _parts(root: Element) -> tuple[list[list[Element]], list[str]]:
    """The measures of every part, of a score by parts or by time, and the parts' names."""
    by_id: dict[str, list[Element]] = {}
    if root.tag == "score-partwise":
        for number, part in enumerate(root.findall("part")):
            by_id[f"{part.get('id', '')} {number}"] = part.findall("measure")
    elif root.tag == "score-timewise":
        for measure in root.findall("measure"):
            for part in measure.findall("part"):
                by_id.setdefault(part.get("id", "") + " ", []).append(part)
    else:
        raise BadInput(f"not a MusicXML score (its root is <{root.tag[:40]}>)")
    names = {
        listed.get("id", ""): " ".join(
            filter(
                None,
                (listed.findtext("part-name"), listed.findtext("score-instrument/instrument-name")),
            )
        )
        for listed in root.iterfind("part-list/score-part")
    }
    return list(by_id.values()), [names.get(id_.split(" ")[0], "") for id_ in by_id]


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

    def __init__(self, elements: list[Element], naming: Naming = "english") -> None:
        self.measures: list[Measure] = []
        self.losses = Losses()
        self.symbols = SymbolReader(naming)
        self.quarter_bpm: float | None = None
        self.divisions = 1
        self.meter = Meter()
        self.transpose = 0
        self.endings: frozenset[int] = frozenset()
        self.starts_section = True
        self.slashes = False
        self.repeated_bars = 0
        """How many bars a bar-repeat sign stands for; 0 where there is none."""
        self.lyrics = 0
        self.coda_seen = False
        if len(elements) > MEASURES:
            raise BadInput(f"more than {MEASURES} bars")
        for element in elements:
            self.measure(element)
        self.losses.add_symbols(self.symbols)
        if not any(m.notes for m in self.measures) and any(m.under for m in self.measures):
            for measure in self.measures:  # nothing but hidden or lower-staff notes: all there is
                measure.notes, measure.under = measure.under, []

    def line(self, name: str) -> Line:
        """The part as a line that could be the melody; in quarters."""
        notes: list[tuple[float, float, int]] = []
        at = 0.0
        for measure in self.measures:
            notes.extend(
                (at + float(n.start) / 4, at + float(n.start + n.length) / 4, n.pitch)
                for n in (*measure.notes, *measure.under)
            )
            at += float(measure.length) / 4
        notes.sort()
        return Line(notes, name, lyrics=min(1.0, self.lyrics / max(1, len(notes))))

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
                self.direction(item, measure)
            end = max(end, at)
        measure.endings = measure.endings or self.endings
        measure.length = end
        if end == 0 and element.get("implicit") != "yes":
            measure.length = Fraction(measure.meter.frames_per_bar)  # nothing written: a rest
        if 0 < self.repeated_bars <= len(self.measures) and not measure.notes:
            before = self.measures[-self.repeated_bars]
            measure.notes, measure.length = list(before.notes), before.length
            measure.under = measure.under or list(before.under)
            measure.chords = measure.chords or list(before.chords)
        self.measures.append(measure)
        if ending_stops:
            self.endings = frozenset()

    def direction(self, item: Element, measure: Measure) -> None:
        """The sound of a direction; where it doesn't say the way, its words and signs do."""
        sounds = item.findall("sound")
        for sound in sounds:
            self.sound(sound, measure)
        if any(sound.get(mark) for sound in sounds for mark in MARKS):
            return
        marks: set[str] = set()
        for kind in item.iterfind("direction-type/*"):
            if kind.tag == "words":
                marks |= jump_marks(kind.text or "")
            elif kind.tag == "segno":
                marks.add("segno")
            elif kind.tag == "coda":
                # A sign alone: the first leads on to the second, unless words did so.
                marks.add("coda" if self.coda_seen else "tocoda")
        if "tocoda" in marks and len(marks) > 1:
            marks -= {"coda"}  # "To Coda" beside the sign
        self.coda_seen |= "tocoda" in marks
        measure.marks |= marks

    def attributes(self, item: Element) -> None:
        if item.find("divisions") is not None:
            self.divisions = _number(item, "divisions")
            if self.divisions < 1:
                raise ValueError("divisions must be positive")
        if (time := item.find("time")) is not None and time.find("beats") is not None:
            above = sum(int(n) for n in (time.findtext("beats") or "")[:40].split("+"))
            self.meter = counted_meter(above, _number(time, "beat-type"))
        for style in item.iterfind("measure-style"):
            if (slash := style.find("slash")) is not None:
                self.slashes = slash.get("type") == "start"
            if (sign := style.find("measure-repeat")) is not None:
                bars = (sign.text or "").strip()
                starts = sign.get("type") == "start"
                self.repeated_bars = int(bars) if starts and re.fullmatch("[1-9]", bars) else starts
        if (transpose := item.find("transpose")) is not None:
            self.transpose = _number(transpose, "chromatic", 0)
            self.transpose += 12 * _number(transpose, "octave-change", 0)

    def note(self, item: Element, measure: Measure, start: Fraction, length: Fraction) -> None:
        pitch = item.find("pitch")
        if pitch is None or length <= 0:
            return
        if self.slashes or (item.findtext("notehead") or "").strip() == "slash":
            self.losses.counts["slashes"] += 1
            return
        step = (pitch.findtext("step") or "").strip()
        if step not in LETTERS:
            raise ValueError(f"no such step: {step[:8]!r}")
        value = 12 * (_number(pitch, "octave") + 1) + LETTERS[step] + self.transpose
        value += _number(pitch, "alter", 0)
        if not 0 <= value <= 127:
            self.losses.counts["notes out of range"] += 1
            return
        self.lyrics += item.find("lyric") is not None
        tied = any(tie.get("type") == "start" for tie in item.findall("tie"))
        hidden = item.get("print-object") == "no"
        if hidden:
            self.losses.counts["notes that aren't printed"] += 1
        of_tune = not hidden and item.findtext("staff", "1").strip() == "1"
        (measure.notes if of_tune else measure.under).append(Note(start, length, value, tied))

    def harmony(self, item: Element, measure: Measure, at: Fraction) -> None:
        position = max(Fraction(0), at + self.sixteenths(item, "offset"))
        bar = len(self.measures) + 1
        try:
            found = read_harmony(item, self.transpose)
        except ValueError:
            found = self.symbols.unreadable(_harmony_text(item), bar)
        if isinstance(found, str):  # MuseScore's: a symbol that it could only print
            read = self.symbols.read(found, bar)
            if read is None:
                return
            chord, label = read
            found = (chord.transposed(self.transpose) if chord else None), label
        measure.chords.append((position, *found))

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


def _harmony_text(item: Element) -> str:
    """What is printed of a harmony, as far as it can be told."""
    kind = item.find("kind")
    root = (item.findtext("root/root-step") or "").strip()
    return (root + (kind.get("text") or kind.text or "" if kind is not None else ""))[:40]


def read_harmony(item: Element, transpose: int = 0) -> tuple[Chord | None, str] | str:
    """The chord of a harmony element and its label; a text where only what is printed says it.

    Raises ValueError.
    """
    kind = (item.findtext("kind") or "").strip()
    element = item.find("kind")
    text = element.get("text") if element is not None else None
    root = item.find("root")
    if kind == "none" and text and text.strip():
        return text
    if kind == "none" or (kind == "" and root is None):
        return None, NO_CHORD_SYMBOL
    if root is None:
        raise ValueError("a chord without a root")
    letter = (root.findtext("root-step") or "").strip()
    if letter not in LETTERS:
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
    if kind == "other" and text:
        # The standard has no word for it; what is printed says it.
        written, _ = parse_symbol(name + text)
        quality = written.quality if written else "maj"
    else:
        quality = quality_of_musicxml_kind(kind or "major", degrees)
    chord = Chord((LETTERS[letter] + alter + transpose) % 12, quality)
    plain = _PLAIN_KINDS.get(kind, f":{kind}")
    label = name + (text if text is not None else plain)
    printed = [degree.get("print-object") != "no" for degree in item.findall("degree")]
    for (value, change, type_), shown in zip(degrees, printed, strict=True):
        if shown:
            label += f" {type_} {'#' * change if change > 0 else 'b' * -change}{value}"
    if (bass := item.findtext("bass/bass-step")) is not None:
        label += f"/{bass.strip()[:1]}{_accidental(item, 'bass/bass-alter')[1]}"
    return chord, label[:LABEL_CHARACTERS]


_PLAIN_KINDS = {"major": "", "minor": "m", "dominant": "7", "": ""}
"""What is printed of a kind that says nothing of it."""


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

    def declaration(self, *_about: object) -> None:
        # Entities multiply text, default attributes do so in every element.
        raise BadInput("XML with declarations of its own (entities, attributes) is not read")


_DECLARED = re.compile(r"<\?xml[^>]{0,200}?\?>")
_ENCODING = re.compile(rb"<\?xml[^>]{0,100}?encoding\s*=\s*[\"']([A-Za-z0-9._-]{1,40})[\"']")


def _text_of_xml(data: bytes) -> str:
    """The characters of an XML file: by what its bytes show, then by what it declares.

    Raises BadInput where they are not text at all.
    """
    data = data.lstrip(b" \t\r\n")
    for mark, name in _BYTE_ORDERS:
        if data.startswith(mark):
            return data.decode(name, "replace").lstrip("\ufeff").lstrip()
    declared = found[1].decode("ascii") if (found := _ENCODING.search(data[:300])) else "utf-8"
    for name in ("utf-8", declared):
        try:
            codec = codecs.lookup(name)
            if codec._is_text_encoding and codec.name not in _NO_ENCODINGS:
                return data.decode(name).lstrip("\ufeff").lstrip()
        except (LookupError, ValueError):
            continue
    return data.decode("latin-1")


_NO_ENCODINGS = ("idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7")
"""Python's own, which no XML file is in, and which can be made to take long."""
_BYTE_ORDERS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"<\x00", "utf-16-le"),
    (b"\x00<", "utf-16-be"),
)


def parse_xml(data: bytes) -> Element:
    """The root element. Raises BadInput for broken XML and for declarations within it."""
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    # What the file declares of its encoding has been seen to: expat is given UTF-8.
    text = _DECLARED.sub("", _text_of_xml(data), count=1).lstrip()
    builder = _Builder()
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.tree.data
    parser.EntityDeclHandler = builder.declaration
    parser.AttlistDeclHandler = builder.declaration
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(text.encode("utf-8", "surrogatepass"), True)
        return builder.tree.close()
    except (expat.ExpatError, LookupError, ValueError) as error:
        raise BadInput(f"not well-formed XML: {error}") from None


_CONTAINER = "META-INF/container.xml"


def unzipped(data: bytes) -> bytes:
    """The score in a compressed MusicXML file (.mxl). Raises BadInput.

    The one that the container names; where that can't be used, the only one that there is.
    """
    if len(data) > XML_BYTES:
        raise BadInput(f"larger than {XML_BYTES >> 20} MiB")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            name = _named_score(archive)
            if name is None:
                scores = [
                    entry
                    for entry in archive.namelist()
                    if entry.lower().endswith((".xml", ".musicxml"))
                    and not entry.startswith(("META-INF/", "__MACOSX/"))
                ]
                if len(scores) != 1:
                    raise BadInput(f"the .mxl archive names no score ({len(scores)} in it)")
                name = scores[0]
            return _member(archive, name, XML_BYTES)
    except BadInput:
        raise
    except Exception as error:  # zlib.error, struct.error and others: by what is damaged
        raise BadInput(f"not a readable .mxl archive: {error}") from None


def _named_score(archive: zipfile.ZipFile) -> str | None:
    """The name of the score by the container; None where that leads nowhere."""
    if _CONTAINER not in archive.namelist():
        return None
    try:
        container = parse_xml(_member(archive, _CONTAINER, _MAX_CONTAINER_BYTES))
    except BadInput as error:
        if "unpacks" in str(error) or "packed" in str(error):
            raise
        return None
    for rootfile in container.iter():
        if rootfile.tag.rpartition("}")[2] != "rootfile":
            continue
        kind = rootfile.get("media-type", "application/vnd.recordare.musicxml+xml")
        path = rootfile.get("full-path", "")
        for name in (path, unquote(path), path.lstrip("./")):
            if ("musicxml" in kind or kind.endswith("xml")) and name in archive.namelist():
                return name
    return None


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
