"""MusicXML 4.0 as far as lead sheets need it: one part's melody, and the chord symbols.

Read: divisions, time, transpose, notes with ties, chords (their top note), backup and forward,
bar-repeat signs, harmony with kind, degrees, bass and offset, repeats and endings, da capo and dal
segno with fine and coda (the `sound` element, else the words), sections, tempo marks. The tune is
the first voice on the first staff of the part that is most like a melody
(`jam.music.melody_track`); chord symbols may stand in any part, and the other voices are what
chords can be found in. Slashes, cues, grace notes and what isn't printed are no notes.

A reader of its own: bounded, and it tells what it left out; music21 takes twenty times as long
(docs/figures.md, Readers).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from jam.charts.musicxml import FREE_WORD
from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS, MEASURES
from jam.music.chord import LETTERS
from jam.music.chord_notation import SymbolReader, chords_of_texts, naming_of
from jam.music.grid import Meter, counted_meter
from jam.music.melody_track import Line, melody_index
from jam.music.note_names import Naming
from jam.music.repeats import MARKS, MAX_TURNS, jump_marks
from models.corpora.musicxml_file import score_of
from models.corpora.musicxml_harmony import Place, harmony_text, number, read_harmony
from models.corpora.score import Losses, Measure, Note, exact, lay_under


@dataclass(slots=True)
class Score:
    title: str
    measures: list[Measure]
    quarter_bpm: float | None
    losses: Losses
    composer: str = ""
    signature: tuple[int, bool] | None = None
    """(sharps or minus flats, minor) at its beginning; None where the file has none."""
    style: str = ""
    """The first words above the staff."""


def read_score(data: bytes) -> Score:
    """The tune of a .musicxml, .xml or .mxl file, with its chords. Raises BadInput."""
    root = score_of(data)
    readers, names = _readers(root)
    sounding = [i for i, r in enumerate(readers) if any(m.notes for m in r.measures)]
    if not sounding:
        raise BadInput("no notes")
    seen = [i for i in sounding if readers[i].is_visible] or sounding
    chosen = melody_index([readers[i].line(names[i]) for i in seen]) if seen[1:] else 0
    melody = readers[seen[chosen]]
    for i in sounding:
        if readers[i] is not melody:
            melody.losses.counts["further parts"] += 1
            lay_under(melody.measures, readers[i].measures)
    for i, reader in enumerate(readers):
        if i not in sounding:  # a part of chord symbols alone
            lay_under(melody.measures, reader.measures)
    return _score(root, melody, readers)


def read_chart(data: bytes) -> Score:
    """The part of a file that has the most chord symbols, notes or not; without any symbols the
    tune, with all other notes under it. Raises BadInput.
    """
    root = score_of(data)
    readers, _ = _readers(root)
    if not any(m.chords for r in readers for m in r.measures):
        return read_score(data)
    part = max(readers, key=lambda r: sum(len(m.chords) for m in r.measures))
    return _score(root, part, readers)


def _readers(root: Element) -> tuple[list[_PartReader], list[str]]:
    """The parts of a score, read, and their names. Raises BadInput."""
    parts, names = _parts(root)
    naming = naming_of(kind.get("text") or "" for kind in root.iter("kind"))
    in_words = False
    if root.find(".//harmony") is None:
        # Scanned scores, and programs without chords: the symbols are words above the staff.
        words = [e.text or "" for e in root.iterfind(".//direction/direction-type/words")]
        in_words = bool(chords_of_texts(enumerate(words), lambda at: at)[0])
        naming = naming_of(words)
    return [_PartReader(measures, naming, in_words) for measures in parts], names


def _score(root: Element, part: _PartReader, readers: list[_PartReader]) -> Score:
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    composer = next(
        (c.text or "" for c in root.iterfind("identification/creator[@type='composer']")), ""
    )
    return Score(
        title.strip()[:LABEL_CHARACTERS],
        part.measures,
        next((r.quarter_bpm for r in (part, *readers) if r.quarter_bpm), None),
        part.losses,
        composer.strip()[:LABEL_CHARACTERS],
        part.first_key,
        part.style,
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


class _PartReader:
    """One part, measure by measure."""

    def __init__(
        self, elements: list[Element], naming: Naming = "english", in_words: bool = False
    ) -> None:
        self.measures: list[Measure] = []
        self.losses = Losses()
        self.symbols = SymbolReader(naming)
        self.quarter_bpm: float | None = None
        self.divisions = 1
        self.meter = Meter()
        self.place = Place()
        self.in_words = in_words
        """Chord symbols stand as words."""
        self.first_key: tuple[int, bool] | None = None
        self.style = ""
        self.voices: dict[str, list[Note]] = {}
        """Of the measure: the notes of each voice on the first staff."""
        self.endings: frozenset[int] = frozenset()
        self.starts_section = True
        self.slashes = False
        self.repeated_bars = 0
        """How many bars a bar-repeat sign stands for; 0 where there is none."""
        self.lyrics = 0
        self.is_visible = True
        """Something of its first staff is printed."""
        self.hidden: set[str] = set()
        """Staves that aren't printed."""
        self.coda_seen = False
        if len(elements) > MEASURES:
            raise BadInput(f"more than {MEASURES} bars")
        for number_, element in enumerate(elements, 1):
            try:
                self.measure(element)
            except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
                raise BadInput(f"bar {number_}: a damaged element ({error})") from None
        self.losses.add_symbols(self.symbols)
        if not any(m.notes for m in self.measures) and any(m.under for m in self.measures):
            self.is_visible = False
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
        self.voices = {}
        at = end = last_start = Fraction(0)
        ending_stops = False
        for item in element:
            if item.tag == "note":
                if item.find("grace") is not None:
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
                self.direction(item, measure, at)
            end = max(end, at)
        self.part_voices(measure)
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

    def part_voices(self, measure: Measure) -> None:
        """The first voice is the tune; another one counts where the first is silent all along."""
        if self.voices:
            first = min(self.voices, key=lambda voice: (not voice.isdecimal(), len(voice), voice))
            measure.notes = self.voices.pop(first)
            for notes in self.voices.values():
                self.losses.counts["notes of further voices"] += len(notes)
                measure.under.extend(notes)

    def direction(self, item: Element, measure: Measure, at: Fraction) -> None:
        """The sound of a direction; where it doesn't say the way, its words and signs do."""
        sounds = item.findall("sound")
        if name := (item.findtext("direction-type/rehearsal") or "").strip():
            measure.section = name[:LABEL_CHARACTERS]
        if (metronome := item.find("direction-type/metronome")) is not None and not sounds:
            self.metronome(metronome)
        words = " ".join((item.findtext("direction-type/words") or "").split())
        if words == FREE_WORD:
            measure.is_free = True
        elif words and not self.measures and not sounds and not self.in_words:
            self.style = self.style or words[:LABEL_CHARACTERS]
        if self.in_words and words:
            place = max(Fraction(0), at + self.sixteenths(item, "offset"))
            self.symbol_in_words(words, measure, place)
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

    def symbol_in_words(self, words: str, measure: Measure, at: Fraction) -> None:
        found = self.symbols.read(words, len(self.measures) + 1, self.place.transpose)
        if found is not None:
            measure.chords.append((at, *found))

    def metronome(self, item: Element) -> None:
        """A tempo that is only printed."""
        unit = _UNITS.get((item.findtext("beat-unit") or "").strip())
        found = re.search(r"\d{1,3}(\.\d{1,3})?", (item.findtext("per-minute") or "")[:40])
        if self.quarter_bpm is None and unit and found:
            dots = len(item.findall("beat-unit-dot"))
            self.quarter_bpm = float(found[0]) * unit * (2 - 0.5 ** min(dots, 2)) or None

    def attributes(self, item: Element) -> None:
        if item.find("divisions") is not None:
            self.divisions = number(item, "divisions")
            if self.divisions < 1:
                raise ValueError("divisions must be positive")
        if (time := item.find("time")) is not None and time.find("beats") is not None:
            self.meter = _meter(time)
        fifths = (item.findtext("key/fifths") or "").strip()
        if re.fullmatch(r"[+-]?[0-7]", fifths):
            minor = (item.findtext("key/mode") or "").strip() == "minor"
            self.place = replace(self.place, sharps=int(fifths), minor=minor)
            self.first_key = self.first_key or (int(fifths), minor)
        for staff in item.iterfind("staff-details"):
            number_ = (staff.get("number") or "1").strip()
            (self.hidden.add if staff.get("print-object") == "no" else self.hidden.discard)(number_)
        for style in item.iterfind("measure-style"):
            if (slash := style.find("slash")) is not None:
                self.slashes = slash.get("type") == "start"
            if (sign := style.find("measure-repeat")) is not None:
                bars = (sign.text or "").strip()
                starts = sign.get("type") == "start"
                self.repeated_bars = int(bars) if starts and re.fullmatch("[1-9]", bars) else starts
        if (transpose := item.find("transpose")) is not None:
            semitones = number(transpose, "chromatic", 0)
            semitones += 12 * number(transpose, "octave-change", 0)
            self.place = replace(self.place, transpose=semitones)

    def note(self, item: Element, measure: Measure, start: Fraction, length: Fraction) -> None:
        pitch = item.find("pitch")
        if pitch is None or length <= 0 or item.find("cue") is not None:
            return
        if self.slashes or (item.findtext("notehead") or "").strip() == "slash":
            self.losses.counts["slashes"] += 1
            return
        step = (pitch.findtext("step") or "").strip()
        if step not in LETTERS:
            raise ValueError(f"no such step: {step[:8]!r}")
        value = 12 * (number(pitch, "octave") + 1) + LETTERS[step] + self.place.transpose
        value += number(pitch, "alter", 0)
        if not 0 <= value <= 127:
            self.losses.counts["notes out of range"] += 1
            return
        self.lyrics += item.find("lyric") is not None
        ties = item.findall("tie") or item.findall("notations/tied")
        tied = any(tie.get("type") == "start" for tie in ties)
        staff = item.findtext("staff", "1").strip()
        hidden = item.get("print-object") == "no" or staff in self.hidden
        if hidden:
            self.losses.counts["notes that aren't printed"] += 1
        of_tune = not hidden and staff == "1"
        voice = self.voices.setdefault((item.findtext("voice") or "1").strip()[:12], [])
        (voice if of_tune else measure.under).append(Note(start, length, value, tied))

    def harmony(self, item: Element, measure: Measure, at: Fraction) -> None:
        position = max(Fraction(0), at + self.sixteenths(item, "offset"))
        bar = len(self.measures) + 1
        try:
            found = read_harmony(item, self.place)
        except ValueError:
            found = self.symbols.unreadable(harmony_text(item), bar)
        if isinstance(found, str):  # MuseScore's: a symbol that it could only print
            read = self.symbols.read(found, bar, self.place.transpose)
            if read is None:
                return
            found = read
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
                measure.starts_section = measure.starts_repeat = True
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
        for mark in MARKS:
            if item.get(mark) and item.get(mark) != "no":
                measure.marks = measure.marks | {mark}


_UNITS = {"whole": 4.0, "half": 2.0, "quarter": 1.0, "eighth": 0.5, "16th": 0.25}
"""Quarters in a beat of a metronome mark."""


def _meter(time: Element) -> Meter:
    """ "4/4", "3+2/8", or several that follow one another in a bar. Raises ValueError."""
    whole = Fraction(0)
    beats, types = time.findall("beats"), time.findall("beat-type")
    for above, below in zip(beats[:8], types, strict=False):
        n = sum(int(part) for part in (above.text or "")[:40].split("+"))
        whole += Fraction(n, int((below.text or "")[:4]))
    below_all = max((int((t.text or "")[:4]) for t in types[:8]), default=4)
    above_all = whole * below_all
    if above_all.denominator != 1:
        raise ValueError("no such metre")
    return counted_meter(int(above_all), below_all)


def snapped(measures: list[Measure], unit: int) -> None:
    """Move every chord to the nearest multiple of `unit` sixteenths in its measure."""
    for measure in measures:
        measure.chords = [
            (Fraction(round(position / unit) * unit), chord, label)
            for position, chord, label in measure.chords
        ]
