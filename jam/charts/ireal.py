"""iReal Pro: links (`irealbook://`, and `irealb://`, whose music is obfuscated) in and out.

The open form is described by the program's makers (irealpro.com, "Custom chord chart protocol");
of the other one it is known how its letters are moved: blocks of 50, pairs of them exchanged.
A chart is a grid of cells: bar lines, chords and spaces; a cell is a beat of the metre as it is
written. What a chart can't hold, or only for this program (a chord between two beats, a free bar,
an ending of two passes), `write_ireal` tells in a line each.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import unquote

from jam.charts.bar_text import symbol_of
from jam.charts.draft import Chart, Draft
from jam.errors import BadInput
from jam.limits import CHART_BYTES, CHART_SONGS
from jam.music.chord_notation import Symbol
from jam.music.grid import MAX_BPM, MIN_BPM, Meter
from jam.music.key import parse_key
from jam.music.song import ChordAt, Chords, Song, as_label

_LINK = re.compile(r"irealb(?:ook)?://[^\"<>\s]+")
_BARE_LINK = re.compile(r"irealb(?:ook)?://[^\"\n]+")
HEAD = "1r34LbKcu7"
_BLOCK = 50
_HIDDEN = (("XyQ", "   "), ("LZ", " |"), ("Kcl", "| x"))

ROOT = r"[A-G][b#]?"
_TOKEN = re.compile(
    r"(?P<meter>T\d\d)"
    r"|\*(?P<section>[A-Za-z])"
    r"|N(?P<ending>\d)"
    r"|<(?P<text>[^<>]{0,200})>"
    r"|(?P<alternate>\([^()]{0,60}\))"
    rf"|(?P<chord>(?:{ROOT}|W)(?:\*[^*]{{0,40}}\*|[-+^ohsuadlt0-9b#]|add|sus|alt)*"
    rf"(?:/{ROOT})?)"
    r"|(?P<none>n)"
    r"|(?P<bar>[|\[\]{}Z])"
    r"|(?P<same>[xr])"
    r"|(?P<mark>[SQ])"
    r"|(?P<cell>[ p])"
    r"|(?P<passed>[Yfslu,UE]|.)"
)
METERS = {"12": "12/8"}
SECTIONS = {"i": "Intro", "V": "Verse"}
FREE_TEXT = "free"
_JUMPS = {"d.c.": "dacapo", "d.s.": "dalsegno", "fine": "fine"}

NOTHING = ("Untitled", "Composer Unknown", "Unspecified")
"""Title, composer and style where there is none: no field of a link may be empty."""


def read_ireal(text: str) -> list[Chart]:
    """Every song of a link, of a text with links, or of an HTML export. Raises BadInput.

    A song that can't be read is a remark of the first that can; BadInput where none can.
    """
    if len(text) > CHART_BYTES:
        raise BadInput(f"a text of more than {CHART_BYTES:,} letters")
    text = text.strip()
    bare = _BARE_LINK.fullmatch(text)
    links = [bare[0]] if bare else _LINK.findall(text)
    if not links:
        raise BadInput("no link of iReal Pro (irealb://, irealbook://) in it")
    charts, faults = list[Chart](), list[str]()
    for link in links:
        for fields in _songs(link):
            try:
                charts.append(_chart(fields))
            except BadInput as error:
                faults.append(f"{fields.title or 'a song without a title'}: {error}")
            if len(charts) + len(faults) > CHART_SONGS:
                raise BadInput(f"more than {CHART_SONGS:,} songs")
    if not charts:
        raise BadInput(faults[0] if faults else "no song in its links")
    if faults:
        charts[0] = replace(charts[0], remarks=(*charts[0].remarks, *faults))
    return charts


@dataclass(frozen=True, slots=True)
class _Fields:
    title: str
    composer: str
    style: str
    key: str
    music: str
    tempo: str = ""


def _songs(link: str) -> Iterator[_Fields]:
    """The songs of a link: fields between =, the music still as cells."""
    scheme, _, rest = html.unescape(link).partition("://")
    fields = unquote(rest, errors="replace").split("=")
    if scheme == "irealbook":
        for i in range(0, len(fields) - 5, 6):
            title, composer, style, key, _, music = fields[i : i + 6]
            yield _Fields(title, composer, style, key, music)
        return
    for i, music in enumerate(fields):
        # Empty fields may stand anywhere, so the music is what the others are counted from.
        if music.startswith(HEAD) and i >= 6:
            title, composer, _, style, key = fields[i - 6 : i - 1]
            tempo = fields[i + 2] if i + 2 < len(fields) else ""
            yield _Fields(title, composer, style, key, revealed(music[len(HEAD) :]), tempo)


def _exchanged(text: str) -> str:
    """Letters of every whole block moved; done twice, they are where they were."""
    blocks = []
    while len(text) > _BLOCK:
        block, text = list(text[:_BLOCK]), text[_BLOCK:]
        if len(text) >= 2:
            for i in (*range(5), *range(10, 24)):
                block[i], block[-1 - i] = block[-1 - i], block[i]
        blocks.append("".join(block))
    return "".join((*blocks, text))


def revealed(music: str) -> str:
    """The cells of obfuscated music."""
    music = _exchanged(music)
    for hidden, shown in _HIDDEN:
        music = music.replace(hidden, shown)
    return music


def obfuscated(music: str) -> str:
    """Cells as `revealed` finds them."""
    for hidden, shown in _HIDDEN[:1]:
        music = music.replace(shown, hidden)
    return _exchanged(music)


# -- in --------------------------------------------------------------------------------------


def _chart(fields: _Fields) -> Chart:
    reader = _Reader()
    for found in _TOKEN.finditer(fields.music):
        reader.token(found)
    reader.finish()
    draft = reader.draft
    if not draft.bars:
        raise BadInput("no bars")
    key = None
    if name := fields.key.strip().replace("-", "m"):
        try:
            key = parse_key(name)
        except BadInput as error:
            draft.remarks.append(str(error))
    bpm = float(fields.tempo) if re.fullmatch(r"[0-9]{1,3}", fields.tempo) else 0.0
    if bpm and not MIN_BPM <= bpm <= MAX_BPM:
        draft.remarks.append(f"tempo {bpm:g}: not between {MIN_BPM:g} and {MAX_BPM:g}")
    title, composer, style = (
        "" if text == nothing else text
        for text, nothing in zip(
            map(as_label, (fields.title, fields.composer, fields.style)), NOTHING, strict=True
        )
    )
    bpm_or_none = bpm if MIN_BPM <= bpm <= MAX_BPM else None
    song = Song(tuple(draft.bars), title, composer, draft.meter, bpm_or_none, key, style)
    return Chart(song, tuple(draft.remarks))


@dataclass(slots=True)
class _Reader:
    """State while the cells are read."""

    draft: Draft = field(default_factory=Draft)
    cells: list[str | None] = field(default_factory=list)
    """Of the open bar: a symbol, or None where what was goes on."""
    same: str = ""
    after_end: bool = True
    """Nothing has begun, or a section has ended: space lays the chart out, and is no bar."""
    meter: Meter | None = None
    """In force."""
    times: int = 2
    is_free: bool = False
    """The open bar is left to the agent."""
    texts_passed: int = 0
    codas: int = 0
    root: str = ""
    """Of the chord before, for a slash bass alone."""

    def token(self, found: re.Match[str]) -> None:
        draft = self.draft
        match found.lastgroup:
            case "meter":
                self.time(found["meter"][1:])
            case "section":
                if not any(self.cells):
                    self.close()
                letter = found["section"]
                draft.section(SECTIONS.get(letter, letter.upper()))
            case "ending":
                if (turn := int(found["ending"])) > 0:
                    draft.ending(frozenset({turn}))
            case "text":
                self.text(found["text"])
            case "chord":
                self.chord(found["chord"])
            case "none":
                self.cells.append("N.C.")
            case "bar":
                self.bar_line(found["bar"])
            case "same":
                self.same = found["same"]
            case "mark" if found["mark"] == "S":
                draft.mark("segno")
            case "mark":
                self.codas += 1
                draft.mark("tocoda" if self.codas == 1 else "coda")
            case "cell":
                self.cells.append(None)
                self.after_end &= found["cell"] == " "

    def time(self, digits: str) -> None:
        try:
            meter = Meter.parse(METERS.get(digits, f"{digits[0]}/{digits[1]}"))
        except BadInput as error:
            raise self.draft.fault(error) from None
        self.meter = meter
        if not self.draft.bars:
            self.draft.meter = meter

    def text(self, text: str) -> None:
        """Staff text: jumps, and how often a section is played; the rest is for the eye."""
        words = re.sub(r"^\*\d\d", "", text).strip().lower()
        if found := re.fullmatch(r"(\d{1,2})\s*x", words):
            self.times = int(found[1])
        elif jump := next((mark for w, mark in _JUMPS.items() if words.startswith(w)), None):
            self.draft.mark(jump)
        elif words == FREE_TEXT:
            self.is_free, self.after_end = True, False
        elif words:
            self.texts_passed += 1

    def chord(self, written: str) -> None:
        root, bass = written, ""
        if "/" in written:
            root, _, bass = written.partition("/")
        if root.startswith("W"):  # the chord before, over another bass
            root = self.root
            if not root:
                raise self.draft.fault(f"{written!r} without a chord before it")
        self.root = root
        custom = re.sub(r"\*([^*]*)\*", r"\1", root)
        self.cells.append(custom + ("/" + bass if bass else ""))

    def bar_line(self, line: str) -> None:
        draft = self.draft
        self.close()
        self.after_end = line in "]}Z"
        if line == "{":
            draft.starts_repeat()
        elif line == "}" and draft.bars:
            draft.ends_repeat(self.times)
            self.times = 2
        elif line in "[]Z":
            draft.endings = frozenset()

    def close(self) -> None:
        """A bar ends, if there is anything in it."""
        draft, cells, same, is_free = self.draft, self.cells, self.same, self.is_free
        self.cells, self.same, self.is_free = [], "", False
        if not (same or is_free or cells):
            return
        if not (same or is_free or any(cells)) and self.after_end:
            return
        draft.next = replace(draft.next, meter=self.meter)
        if same:
            self.again(2 if same == "r" else 1)
            return
        draft.bar(None if is_free and not any(cells) else self.chords(cells))

    def again(self, bars: int) -> None:
        draft = self.draft
        if len(draft.bars) < bars:
            raise draft.fault("a bar is repeated where none is before it")
        for _ in range(bars):
            old = draft.bars[-bars]
            if (old.meter or draft.meter) != (self.meter or draft.meter):
                raise draft.fault("a bar of another metre is repeated")
            draft.next = replace(draft.next, meter=self.meter)
            draft.bar(old.chords)

    def chords(self, cells: Sequence[str | None]) -> Chords:
        """Cells of a bar as chords: a cell is a beat, where there are as many as beats."""
        meter = self.meter or self.draft.meter
        places = [(i, cell) for i, cell in enumerate(cells) if cell]
        try:
            found = [(i, symbol_of(cell)) for i, cell in places]
        except BadInput as error:
            raise self.draft.fault(error) from None
        beats, n = meter.frames_per_bar * meter.denominator // 16, len(cells)
        per_cell = meter.frames_per_bar // beats
        if n > beats or any(i >= beats for i, _ in found):
            if meter.frames_per_bar % n:
                # More or fewer cells than the bar has room for: in order, on beats.
                starts = self.squeezed(len(found), meter)
                return tuple(ChordAt(f, s) for f, (_, s) in zip(starts, found, strict=True))
            per_cell = meter.frames_per_bar // n
        elif n < beats and len(found) > 1 and meter.frames_per_bar % n == 0:
            per_cell = meter.frames_per_bar // n
        return tuple(ChordAt(i * per_cell, symbol) for i, symbol in found)

    def squeezed(self, n: int, meter: Meter) -> list[int]:
        if n > meter.frames_per_bar:
            raise self.draft.fault(f"{n} chords in a bar of {meter}")
        self.draft.remarks.append(
            f"bar {self.draft.number}: its cells don't fit into {meter}; the chords share the bar"
        )
        return [i * meter.frames_per_bar // n for i in range(n)]

    def finish(self) -> None:
        self.close()
        if self.texts_passed:
            self.draft.remarks.append(f"{self.texts_passed} texts beside the staff were left out")
        if self.codas == 1:
            bars = self.draft.bars
            self.draft.bars = [replace(bar, marks=bar.marks - {"tocoda"}) for bar in bars]


def is_symbol(text: str) -> bool:
    try:
        Symbol(text)
    except ValueError:
        return False
    return True
