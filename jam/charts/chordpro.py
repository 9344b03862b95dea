"""ChordPro (chordpro.org, version 6): grids in and out; songs with chords over lyrics in.

A grid has bar lines, and is read as it stands. Chords over lyrics tell no bars: where bar lines
stand among them they are taken, else each chord is taken as one bar, which is remarked. What
ChordPro has no word for (jumps, three times, a free bar) is written in directives of its own,
`{x_jam_…}`, which other programs pass over, and in `?`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from jam.charts.bar_text import FREE, GOES_ON, grid_words, is_symbol_in
from jam.charts.draft import SAME_AGAIN, Chart, Draft
from jam.charts.text import bpm_of, bpm_text, turns_of
from jam.errors import BadInput
from jam.limits import CHART_BYTES
from jam.music.chord_notation import NO_CHORD_SYMBOL, looks_like_chord, naming_of
from jam.music.grid import Meter
from jam.music.key import Key, key_name, parse_key
from jam.music.song import Bar, Song, as_label, as_section, transpose

T = TypeVar("T")
_DIRECTIVE = re.compile(r"\{\s*([A-Za-z_]+)(?:-[^:\s}]*)?(.*)\}")
"""Of a line without space around it that ends in a brace: nothing in it is looked at twice."""
_LABEL = re.compile(r"\blabel\s*=\s*(?:\"([^\"]*)\"|'([^']*)')")
_SHAPE = re.compile(r"(?:shape\s*=\s*)?[\"']?(?:\d+\+)?\d+(?:x\d+)?(?:\+\d+)?[\"']?\s*")
_SECTIONS = {
    "sov": "Verse",
    "start_of_verse": "Verse",
    "soc": "Chorus",
    "start_of_chorus": "Chorus",
    "sob": "Bridge",
    "start_of_bridge": "Bridge",
}
_TWO_AGAIN = "%%"
_WHOLE = (SAME_AGAIN, FREE[0])
"""What has the whole bar, whatever cells follow."""
_GRID_LINE = re.compile(r":\|:|:\|\||\|\||\|:|:\||\|\.|\|(?P<volta>\d+)>?|\|")
_INLINE = re.compile(r"\[(?P<chord>[^\]\n]*)\]|(?P<line>\|)")
_BARS_IN_LINE = 4


@dataclass(slots=True)
class _Values:
    """What the directives before and between the music say."""

    title: str = ""
    composer: str = ""
    artist: str = ""
    meter: Meter | None = None
    bpm: float | None = None
    key: Key | None = None
    style: str = ""
    capo: bool = False
    transpose: int = 0
    """Semitones from what is written to what is meant."""


def read_chordpro(text: str) -> Chart:
    """A song in ChordPro. Raises BadInput that names the bar and the symbol."""
    if len(text) > CHART_BYTES:
        raise BadInput(f"a text of more than {CHART_BYTES:,} letters")
    reader = _Reader()
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    reader.draft.naming = naming_of(_words_of_chords(lines))
    reader.has_grid = any(re.match(r"\s*\{\s*(sog|start_of_grid)\b", line) for line in lines)
    for line in lines:
        reader.line(line)
    return reader.chart()


def _words_of_chords(lines: Sequence[str]) -> Iterator[str]:
    """What stands in brackets, and in the lines of grids."""
    for line in lines:
        if "[" in line:
            yield from (found["chord"] or "" for found in _INLINE.finditer(line))
        elif "|" in line:
            yield from re.split(r"[\s|]+", line)


class _Reader:
    """State while the lines are read."""

    def __init__(self) -> None:
        self.values = _Values()
        self.draft = Draft()
        self.in_grid = False
        self.has_grid = False
        self.words: list[str] = []
        self.in_bar = False
        self.passed_over = self.texts_passed = 0
        self.skips = ""
        self.two_again = False
        """The second bar of two that are played again comes."""

    def line(self, line: str) -> None:
        bare = line.strip()
        if bare.startswith("#"):
            return
        if bare.endswith("}") and (found := _DIRECTIVE.fullmatch(bare)):
            self.directive(found[1].lower(), found[2].strip().removeprefix(":").strip())
        elif self.skips:
            return
        elif self.in_grid:
            self.grid(line)
        elif not self.has_grid:
            self.lyrics(line)
        elif _INLINE.search(line):
            self.passed_over += 1

    def directive(self, name: str, value: str) -> None:
        values = self.values
        if name == "meta":
            name, _, value = value.partition(" ")
            name, value = name.lower(), value.strip()
        if self.skips:
            self.skips = "" if name == self.skips else self.skips
            return
        if name in ("title", "t"):
            values.title = as_label(value)
        elif name == "composer":
            values.composer = as_label(value)
        elif name == "artist":
            values.artist = as_label(value)
        elif name == "x_jam_style":
            values.style = as_label(value)
        elif name == "key":
            values.key = self.or_remark(parse_key, value)
        elif name == "tempo":
            values.bpm = self.or_remark(bpm_of, value)
        elif name == "capo":
            values.capo = value not in ("", "0")
        elif name == "transpose" and not self.draft.bars and re.fullmatch(r"[+-]?\d{1,2}", value):
            values.transpose = int(value)
        elif name == "time":
            self.time(Meter.parse(value))
        elif name in ("start_of_grid", "sog"):
            self.in_grid = True
            self.section(_SHAPE.sub("", value, count=1) if "label" not in value else value)
        elif name in ("end_of_grid", "eog"):
            self.end_line()
            self.in_grid = False
        elif name in _SECTIONS:
            self.section(value or _SECTIONS[name])
        elif name in ("start_of_tab", "sot", "start_of_abc", "start_of_ly", "start_of_svg"):
            self.skips = {"sot": "eot"}.get(name, name.replace("start", "end"))
        elif name == "x_jam_repeat":
            self.draft.starts_repeat()
        elif name == "x_jam_times":
            self.draft.ends_repeat(int(value) if re.fullmatch(r"\d{1,2}", value) else 0)
        elif name == "x_jam_marks":
            for mark in value.split():
                self.draft.mark(mark)
        elif name == "x_jam_end":
            self.draft.endings = frozenset()
        elif name == "x_jam_ending" and re.fullmatch(r"\d{1,2}([,-]\d{1,2})*", value):
            self.draft.ending(turns_of(value))

    def or_remark(self, read: Callable[[str], T], value: str) -> T | None:
        """A value that the song can do without."""
        try:
            return read(value)
        except BadInput as error:
            self.draft.remarks.append(str(error))
            return None

    def time(self, meter: Meter) -> None:
        if not self.draft.bars and self.values.meter is None:
            self.values.meter = self.draft.meter = meter
        self.draft.next = replace(self.draft.next, meter=meter)

    def section(self, value: str) -> None:
        if found := _LABEL.search(value):
            value = found[1] if found[1] is not None else found[2]
        if name := as_section(value):
            self.draft.section(name)

    def grid(self, line: str) -> None:
        """A line of a grid; what stands left of its first and right of its last line is margin."""
        lines = list(_GRID_LINE.finditer(line))
        if not lines:
            return
        if (margin := line[: lines[0].start()].strip()) and not self.words:
            self.section(margin)
        for found, after in zip(lines, [*lines[1:], None], strict=True):
            self.bar_line(found)
            if after is not None:
                self.words = line[found.end() : after.start()].split()
                self.in_bar = True
        self.in_bar = False

    def bar_line(self, found: re.Match[str]) -> None:
        draft, line = self.draft, found[0]
        if self.words or self.in_bar:
            self.bar()
        if line.startswith(":"):
            draft.ends_repeat()
        if line in ("||", ":||"):
            draft.endings = frozenset()
        if line.endswith(":"):
            draft.starts_repeat()
        if volta := found["volta"]:
            draft.ending(frozenset({int(volta)}))

    def bar(self) -> None:
        """A bar of the grid ends: a word for each of its cells."""
        words = [word for word in self.words if not word.startswith("*")]  # annotations
        self.words = []
        meter, bars = self.meter_of_bar(), self.draft.bars
        held = set(words) <= {GOES_ON[1]}
        if words[:1] == [_TWO_AGAIN] or (held and self.two_again):
            if len(bars) < 2:
                raise self.draft.fault(f"{_TWO_AGAIN} without two bars before it")
            self.two_again = words[:1] == [_TWO_AGAIN] and not self.two_again
            self.draft.bar(bars[-2].chords)
            return
        self.two_again = False
        if any("~" in word for word in words):  # two chords in one cell
            words = [part for word in words for part in (*word.split("~", 1), GOES_ON[1])[:2]]
        if held and words:
            words = [GOES_ON[1]]
        elif words and set(words[1:]) <= {words[0], GOES_ON[1]} and words[0] in _WHOLE:
            words = words[:1]
        elif len(words) > 1 and not set(words) & set(GOES_ON):
            # Every cell has a chord, and all cells have the same length.
            twice = [part for word in words for part in (word, GOES_ON[1])]
            words = words if meter.frames_per_bar % len(twice) else twice
        self.draft.bar_of_words(words)

    def meter_of_bar(self) -> Meter:
        """A metre holds until the next one is named."""
        meter = self.draft.next.meter
        if meter is None and self.draft.bars:
            meter = self.draft.bars[-1].meter
            self.draft.next = replace(self.draft.next, meter=meter)
        return meter or self.draft.meter

    def end_line(self) -> None:
        if self.words:
            self.draft.bar_of_words(self.words)
            self.words = []
        self.in_bar = False

    def lyrics(self, line: str) -> None:
        """Chords over lyrics: those between bar lines share the bar."""
        found = list(_INLINE.finditer(line))
        has_lines = any(f["line"] or f["chord"].strip() == "|" for f in found)
        for item in found:
            chord = (item["chord"] or "|").strip()
            if chord and chord != "|" and not chord.startswith("*"):  # an annotation
                self.inline(chord, is_alone=line.strip() == item[0])
            if self.words and (chord == "|" or not has_lines):
                self.draft.bar_of_words(self.words)
                self.words = []
        self.end_line()

    def inline(self, text: str, is_alone: bool) -> None:
        """What stands in brackets: a chord; alone on its line the name of a section; or a text.

        A chord that can't be read ends the one before it.
        """
        draft = self.draft
        if text == SAME_AGAIN or is_symbol_in(text, draft.naming):
            self.words.append(text)
        elif looks_like_chord(text):
            draft.remarks.append(f"bar {draft.number}: {text[:40]}: can't be read")
            self.words.append(NO_CHORD_SYMBOL)
        elif is_alone and as_section(text):
            self.end_line()
            draft.section(text)
        else:
            self.texts_passed += 1

    def chart(self) -> Chart:
        values, draft = self.values, self.draft
        self.end_line()
        if not draft.bars:
            raise BadInput("no chords")
        remarks = list(draft.remarks)
        if not self.has_grid:
            remarks.append("chords over lyrics tell no bars: a chord without bar lines has one bar")
        if self.passed_over:
            remarks.append(f"{self.passed_over} lines of lyrics with chords: the grid was read")
        if self.texts_passed:
            remarks.append(f"{self.texts_passed} texts in brackets were left out")
        if values.capo:
            remarks.append("the chords are as they are fingered, behind a capo")
        song = Song(
            tuple(draft.bars),
            values.title,
            values.composer or values.artist,
            draft.meter,
            values.bpm,
            values.key,
            values.style,
        )
        return Chart(transpose(song, values.transpose), tuple(remarks))


# -- out -------------------------------------------------------------------------------------


def write_chordpro(song: Song) -> str:
    """The song as one grid a section, nothing lost for `read_chordpro`."""
    lines = [
        f"{{{name}: {value}}}"
        for name, value in (
            ("title", song.title),
            ("composer", song.composer),
            ("key", song.key and _key(song.key)),
            ("time", str(song.meter)),
            ("tempo", song.bpm and bpm_text(song.bpm)),
            ("x_jam_style", song.style),
        )
        if value
    ]
    return "\n".join([*lines, *_grids(song)]) + "\n"


def _key(key: Key) -> str:
    name, mode = key_name(key).split()
    return name + ("m" if mode == "minor" else "")


def _grids(song: Song) -> Iterator[str]:
    line, in_line = "", 0
    before: Bar | None = None
    for i, bar in enumerate(song.bars):
        told = list(_told(song, bar, before))
        if line and (told or bar.section or bar.repeat_starts or in_line == _BARS_IN_LINE):
            yield line
            line, in_line = "", 0
        if bar.section or before is None:
            if before is not None:
                yield "{end_of_grid}"
            label = f" label={_quoted(bar.section)}" if bar.section else ""
            yield f"{{start_of_grid{label}}}"
        yield from told
        starts = bar.repeat_starts and "{x_jam_repeat}" not in told
        line += ("" if line else "|: " if starts else "| ") + " ".join(_cells(song, bar))
        line += " :| " if bar.repeats > 1 else " | "
        in_line += 1
        before = bar
        after = song.bars[i + 1] if i + 1 < len(song.bars) else None
        ends = bar.endings and bar.repeats == 1 and after is not None and not after.endings
        if bar.repeats > 2 or ends:
            yield line.rstrip()
            line, in_line = "", 0
            yield f"{{x_jam_times: {bar.repeats}}}" if bar.repeats > 2 else "{x_jam_end}"
    if line:
        yield line.rstrip()
    yield "{end_of_grid}"


def _told(song: Song, bar: Bar, before: Bar | None) -> Iterator[str]:
    """Directives before a bar: its metre, and the signs for which a grid has no word."""
    meter = song.meter_of(bar)
    if meter != (song.meter_of(before) if before else song.meter):
        yield f"{{time: {meter}}}"
    if bar.marks:
        yield f"{{x_jam_marks: {' '.join(sorted(bar.marks))}}}"
    last = before.endings if before and before.repeats == 1 and not bar.repeat_starts else None
    ends = bar.endings and (bar.endings != last or bar.section)
    if bar.repeat_starts and ends:
        yield "{x_jam_repeat}"
    if ends:
        yield f"{{x_jam_ending: {','.join(map(str, sorted(bar.endings)))}}}"


def _quoted(text: str) -> str:
    return f"'{text}'" if '"' in text and "'" not in text else '"' + text.replace('"', "'") + '"'


def _cells(song: Song, bar: Bar) -> list[str]:
    if bar.chords is None:
        return [FREE[0]]
    meter = song.meter_of(bar)
    words = grid_words(bar.chords, meter, meter.beats_per_bar)
    return [GOES_ON[1] if word == GOES_ON[0] else word for word in words]
