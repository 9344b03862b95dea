"""Scores with chord symbols as songs: MusicXML and ABC, read as charts, not played out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from xml.etree.ElementTree import Element

from jam.charts.draft import Chart
from jam.charts.musicxml import FREE_WORD
from jam.errors import BadInput
from jam.files import decoded
from jam.limits import MEASURES, SONG_BARS
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import FRAMES_PER_QUARTER, MAX_BPM, MIN_BPM, Meter, counted_meter
from jam.music.key import Key
from jam.music.repeats import MARKS, MAX_TURNS
from jam.music.song import Bar, ChordAt, Chords, Song, as_label, as_section
from models.corpora.abc import Tune, parse_tune, split_tunes
from models.corpora.musicxml import parse_xml, read_harmony, unzipped

_FIFTHS_TONIC = {fifths: 7 * fifths % 12 for fifths in range(-7, 8)}


@dataclass(slots=True)
class _Written:
    """A measure as it is written: places in sixteenths."""

    meter: Meter
    length: Fraction = Fraction(0)
    chords: list[tuple[Fraction, Symbol]] = field(default_factory=list)
    is_free: bool = False
    signs: Bar = field(default_factory=Bar)


def read_charts(data: bytes, suffix: str) -> list[Chart]:
    """The songs of a .musicxml, .xml, .mxl or .abc file. Raises BadInput."""
    if suffix == ".abc":
        return _abc_charts(decoded(data))
    return [_musicxml_chart(data)]


SUFFIXES = (".musicxml", ".xml", ".mxl", ".abc")


# -- MusicXML --------------------------------------------------------------------------------


def _musicxml_chart(data: bytes) -> Chart:
    root = parse_xml(unzipped(data) if data[:2] == b"PK" else data)
    if root.tag != "score-partwise":
        raise BadInput(f"not a MusicXML score by parts (its root is <{root.tag[:40]}>)")
    parts = root.findall("part")
    if not parts or not any(root.iter("harmony")):
        raise BadInput("no chord symbols in it")
    part = max(parts, key=lambda part: sum(1 for _ in part.iter("harmony")))
    reader = _PartReader()
    try:
        for element in part.findall("measure"):
            reader.measure(element)
    except (ValueError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise BadInput(f"bar {len(reader.written) + 1}: a damaged element ({error})") from None
    title = root.findtext("work/work-title") or root.findtext("movement-title") or ""
    composer = root.findtext("identification/creator[@type='composer']") or ""
    song = _song(reader.written, title, composer, reader.quarter_bpm, reader.key, reader.remarks)
    return Chart(replace(song, style=reader.style), tuple(reader.remarks))


class _PartReader:
    """The measures of a part as they are written, with the chords above them."""

    def __init__(self) -> None:
        self.written: list[_Written] = []
        self.remarks: list[str] = []
        self.divisions = 1
        self.meter = Meter()
        self.key: Key | None = None
        self.quarter_bpm: float | None = None
        self.style = ""
        self.endings: frozenset[int] = frozenset()

    def duration(self, item: Element, path: str = "duration") -> Fraction:
        text = (item.findtext(path) or "0").strip()
        if not re.fullmatch(r"-?[0-9]{1,9}(\.[0-9]{1,6})?", text):
            raise ValueError(f"no such <{path}>: {text[:12]!r}")
        return Fraction(text) * FRAMES_PER_QUARTER / self.divisions

    def measure(self, element: Element) -> None:
        if len(self.written) >= min(MEASURES, SONG_BARS):
            raise BadInput(f"more than {SONG_BARS:,} bars")
        written = _Written(self.meter)
        at = end = Fraction(0)
        stops = False
        for item in element:
            match item.tag:
                case "note" if item.find("grace") is None and item.find("cue") is None:
                    at += 0 if item.find("chord") is not None else self.duration(item)
                case "backup":
                    at = max(Fraction(0), at - self.duration(item))
                case "forward":
                    at += self.duration(item)
                case "harmony":
                    symbol = self.symbol(item)
                    place = max(Fraction(0), at + self.duration(item, "offset"))
                    written.chords.append((place, symbol))
                case "attributes":
                    self.attributes(item)
                    written.meter = self.meter
                case "barline":
                    stops |= self.bar_line(item, written)
                case "direction":
                    self.direction(item, written)
                case "sound":
                    self.sound(item, written)
            end = max(end, at)
        written.length = end or Fraction(written.meter.frames_per_bar)
        written.signs = replace(written.signs, endings=self.endings)
        self.written.append(written)
        if stops:
            self.endings = frozenset()

    def symbol(self, item: Element) -> Symbol:
        """What is written, where it says what the element says; else what the element says."""
        number = len(self.written) + 1
        kind = item.find("kind")
        text = "" if kind is None else kind.get("text") or ""
        try:
            found = read_harmony(item)
            if isinstance(found, str):  # a symbol that another program could only print
                return Symbol("".join(found.split()))
            chord = found[0]
            if chord is None:
                return Symbol("".join(text.split()) if _is_no_chord(text) else "N.C.")
        except ValueError as error:
            raise BadInput(f"bar {number}: {error}") from None
        bass = _name(item, "bass")
        for candidate in (
            _name(item, "root") + "".join(text.split()) + _degrees(item),
            _name(item, "root") + "".join(text.split()),
            "".join(text.split()),
        ):
            if (symbol := _symbol_of(candidate, chord, bass)) is not None:
                return symbol
        return Symbol(chord.symbol + (f"/{bass}" if bass else ""))

    def attributes(self, item: Element) -> None:
        if item.find("divisions") is not None:
            self.divisions = round(float(item.findtext("divisions") or "0"))
            if not 1 <= self.divisions <= 100_000:
                raise ValueError("divisions must be positive")
        if (time := item.find("time")) is not None and time.find("beats") is not None:
            above = sum(int(n) for n in (time.findtext("beats") or "")[:40].split("+"))
            self.meter = counted_meter(above, int((time.findtext("beat-type") or "")[:4]))
        fifths = item.findtext("key/fifths")
        if self.key is None and fifths and re.fullmatch(r"\s*-?[0-7]\s*", fifths):
            minor = (item.findtext("key/mode") or "").strip() == "minor"
            tonic = _FIFTHS_TONIC[int(fifths)]
            self.key = ((tonic + 9) % 12, True) if minor else (tonic, False)

    def bar_line(self, item: Element, written: _Written) -> bool:
        """Take over repeats and endings; True where an ending stops with this measure."""
        stops = False
        if (ending := item.find("ending")) is not None:
            if ending.get("type") == "start":
                numbers = (ending.get("number") or "1").replace(" ", ",").split(",")
                turns = (int(n) for n in numbers if re.fullmatch("[0-9]{1,2}", n.strip()))
                good = frozenset(n for n in turns if 1 <= n <= MAX_TURNS)
                self.endings = good or frozenset({1})
            else:
                stops = True
        if (repeat := item.find("repeat")) is not None:
            if repeat.get("direction") == "forward":
                written.signs = replace(written.signs, repeat_starts=True)
            else:
                times = repeat.get("times") or "2"
                turns_ = int(times) if re.fullmatch("[0-9]{1,2}", times) else 2
                written.signs = replace(written.signs, repeats=min(max(2, turns_), MAX_TURNS))
        return stops

    def direction(self, item: Element, written: _Written) -> None:
        for sound in item.findall("sound"):
            self.sound(sound, written)
        if name := as_section(item.findtext("direction-type/rehearsal") or ""):
            written.signs = replace(written.signs, section=name)
        words = as_label(item.findtext("direction-type/words") or "")
        if words == FREE_WORD:
            written.is_free = True
        elif words and not self.written and not item.findall("sound"):
            self.style = self.style or words

    def sound(self, item: Element, written: _Written) -> None:
        tempo = item.get("tempo") or ""
        if self.quarter_bpm is None and re.fullmatch(r"\d{1,4}(\.\d*)?", tempo):
            self.quarter_bpm = float(tempo) or None
        for mark in MARKS:
            if item.get(mark) and item.get(mark) != "no":
                written.signs = replace(written.signs, marks=written.signs.marks | {mark})


def _is_no_chord(text: str) -> bool:
    try:
        return Symbol("".join(text.split())).chord is None
    except ValueError:
        return False


def _symbol_of(candidate: str, chord: Chord, bass: str) -> Symbol | None:
    """The candidate as a symbol, if it says the same as the element."""
    if bass and not candidate.endswith(f"/{bass}"):
        candidate += f"/{bass}"
    try:
        symbol = Symbol(candidate)
    except ValueError:
        return None
    return symbol if symbol.chord == chord else None


def _name(item: Element, what: str) -> str:
    step = (item.findtext(f"{what}/{what}-step") or "").strip()[:1]
    text = (item.findtext(f"{what}/{what}-alter") or "0").strip()
    alter = int(float(text)) if re.fullmatch(r"-?[0-3](\.0*)?", text) else 0
    return step + ("#" * alter if alter > 0 else "b" * -alter)


def _degrees(item: Element) -> str:
    """The degrees of a symbol as they are printed behind its kind."""
    text = ""
    for degree in item.findall("degree"):
        if degree.get("print-object") == "no":
            continue
        value = (degree.findtext("degree-value") or "").strip()[:2]
        alter = (degree.findtext("degree-alter") or "0").strip()
        sign = {"1": "#", "-1": "b"}.get(alter, "")
        kind = (degree.findtext("degree-type") or "add").strip()
        text += {"subtract": "no"}.get(kind, "" if sign else "add") + sign + value
    return text


# -- ABC -------------------------------------------------------------------------------------


def _abc_charts(text: str) -> list[Chart]:
    charts, fault = list[Chart](), BadInput("no tune in it (they begin with X:)")
    for number, lines in split_tunes(text):
        try:
            charts.append(_abc_chart(parse_tune(number, lines), lines))
        except BadInput as error:
            fault = BadInput(f"tune {as_label(number) or '?'}: {error}")
    if not charts:
        raise fault
    return charts


def _abc_chart(tune: Tune, lines: list[str]) -> Chart:
    measures = tune.measures
    if not any(measure.chords for measure in measures):
        raise BadInput("no chord symbols in it")
    if len(measures) > SONG_BARS:
        raise BadInput(f"more than {SONG_BARS:,} bars")
    names = {start: letter for letter, start in tune.part_starts.items()}
    remarks: list[str] = [f"{symbol}: can't be read" for symbol in tune.losses.unread]
    written = []
    for i, measure in enumerate(measures):
        later = measures[
            i : next(
                (k for k in range(i + 1, len(measures)) if measures[k].starts_section),
                len(measures),
            )
        ]
        signs = Bar(
            section=names.get(i, ""),
            repeat_starts=i > 0 and measure.starts_section and any(m.repeats > 1 for m in later),
            repeats=measure.repeats,
            endings=measure.endings,
            marks=measure.marks,
        )
        chords = [(place, _abc_symbol(chord, label)) for place, chord, label in measure.chords]
        written.append(_Written(measure.meter, measure.length, chords, signs=signs))
    if tune.parts:
        remarks.append(f"its parts are played {as_label(tune.parts)}, which the song leaves out")
    composer = next((line[2:] for line in lines if line.startswith("C:")), "")
    song = _song(written, tune.title, composer, tune.quarter_bpm, None, remarks)
    return Chart(song, tuple(remarks))


def _abc_symbol(chord: Chord | None, label: str) -> Symbol:
    try:
        symbol = Symbol("".join(label.split()))
        if symbol.chord == chord:
            return symbol
    except ValueError:
        pass
    return Symbol(chord.symbol if chord else "N.C.")


# -- both ------------------------------------------------------------------------------------


def _song(
    written: list[_Written],
    title: str,
    composer: str,
    quarter_bpm: float | None,
    key: Key | None,
    remarks: list[str],
) -> Song:
    bars = _bars(written, remarks)
    if not any(bar.chords for bar, _ in bars):
        raise BadInput("no chord symbols in it")
    meter = bars[0][1]
    bpm = quarter_bpm and round(quarter_bpm * FRAMES_PER_QUARTER / meter.frames_per_beat, 3)
    if bpm and not MIN_BPM <= bpm <= MAX_BPM:
        remarks.append(f"tempo {bpm:g}: not between {MIN_BPM:g} and {MAX_BPM:g}")
        bpm = None
    return Song(
        tuple(replace(bar, meter=None if own == meter else own) for bar, own in bars),
        as_label(title),
        as_label(composer),
        meter,
        bpm or None,
        key,
    )


def _bars(written: list[_Written], remarks: list[str]) -> list[tuple[Bar, Meter]]:
    """Measures as whole bars; what comes before the first chord is free."""
    bars: list[tuple[Bar, Meter]] = []
    moved = 0
    for measures in _groups(written):
        meter = measures[0].meter
        at = Fraction(0)
        chords: dict[int, Symbol] = {}
        for measure in measures:
            for place, symbol in measure.chords:
                frame = min(round(at + place), meter.frames_per_bar - 1)
                moved += frame != at + place
                chords[frame] = symbol
            at += measure.length
        found: Chords = tuple(ChordAt(frame, chords[frame]) for frame in sorted(chords))
        free = measures[0].is_free or not (found or any(bar.chords for bar, _ in bars))
        bars.append((_signs_of(measures, None if free and not found else found), meter))
    if moved:
        remarks.append(f"{moved} chords were moved to the nearest sixteenth of their bar")
    return bars


def _signs_of(measures: list[_Written], chords: Chords) -> Bar:
    """The signs of the measures that a bar consists of."""
    first, last = measures[0].signs, measures[-1].signs
    return replace(
        first,
        chords=chords,
        section=next((m.signs.section for m in measures if m.signs.section), ""),
        repeats=max(m.signs.repeats for m in measures),
        marks=first.marks.union(*(m.signs.marks for m in measures)),
        endings=last.endings or first.endings,
    )


def _groups(written: list[_Written]) -> Iterator[list[_Written]]:
    """Measures that share a bar: parts of one that is cut by a repeat. A pickup is left out."""
    full: Callable[[_Written], int] = lambda m: m.meter.frames_per_bar  # noqa: E731
    i = 0
    if len(written) > 1 and written[0].length < full(written[0]) and not written[0].chords:
        i = 1
    while i < len(written):
        group, length = [written[i]], written[i].length
        while (
            i + 1 < len(written)
            and length < full(group[0])
            and written[i + 1].meter == group[0].meter
            and length + written[i + 1].length <= full(group[0])
        ):
            i += 1
            group.append(written[i])
            length += written[i].length
        yield group
        i += 1
