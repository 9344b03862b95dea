"""Songs as text, as people type them.

    title: My tune
    key: F
    tempo: 120
    [A]
    |: Dm7 | G7 | Cmaj7 | % |1. A7 :|2. ? |
    [B]
    | F / / E7 | Am | N.C. | 2/4 G7 |

Before the music stand lines of "name: value": title, composer, key, metre, tempo (beats a minute),
style, loop, the bars that go round (5-8), and the melody, a line for each bar that has notes:
"melody: 3 C4@0+4 E4@4+2!96", from frame 0 of bar 3 a C of four frames, then an E, as loud as 96.
Sections are in brackets, bars between |. `|:` and
`:|` repeat (`:| x3`: three times in all), `|1.` and `|2.` are endings, `||` ends one. `%` is the
bar before once more, `?` is left to the agent. `3/4` at the beginning of a bar is its metre. Jumps
are in angle brackets: <segno>, <coda>, <to coda>, <fine>, <D.C.>, <D.S.>. What stands inside a
bar: `jam.charts.bar_text`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from jam.charts.bar_text import bar_text
from jam.charts.draft import SAME_AGAIN, Chart, Draft
from jam.errors import BadInput
from jam.limits import CHART_BYTES
from jam.music.chord import parse_pitch, pitch_name
from jam.music.chord_notation import naming_of
from jam.music.grid import Meter, check_bpm
from jam.music.key import key_name, parse_key
from jam.music.song import Bar, Song, TuneNote, as_label

_HEADER = re.compile(r"\s*([A-Za-z]+)\s*:(?!\|)\s*(.*)")
_NAMES = {
    "title": "title",
    "composer": "composer",
    "key": "key",
    "metre": "meter",
    "meter": "meter",
    "time": "meter",
    "tempo": "bpm",
    "bpm": "bpm",
    "style": "style",
    "loop": "loop",
    "melody": "tune",
}
_MARKS = {
    "segno": "segno",
    "coda": "coda",
    "to coda": "tocoda",
    "fine": "fine",
    "d.c.": "dacapo",
    "d.s.": "dalsegno",
}
_MARK_NAMES = {mark: name for name, mark in _MARKS.items()} | {"dacapo": "D.C.", "dalsegno": "D.S."}
_TOKEN = re.compile(
    r"(?P<space>\s+)"
    r"|(?P<line>:?\|{1,2}:?)"
    r"|\[(?P<section>[^\[\]|\n]*)\]"
    r"|<(?P<mark>[^<>|\n]*)>"
    r"|(?P<meter>\d{1,2}/\d{1,2})(?=[\s|]|$)"
    r"|x(?P<times>\d{1,2})(?=[\s|]|$)"
    r"|(?P<ending>\d{1,2}(?:[,-]\d{1,2})*)\.?(?=[\s|]|$)"
    r"|(?P<word>[^\s|<\[:][^\s|<:]*|.)"
)
_NOTE = re.compile(r"([A-G][#b]{0,2}-?\d)@(\d{1,3})\+(\d{1,4})(?:!(\d{1,3}))?")
"""A note of a melody: pitch, frame of its bar, frames that it lasts, velocity."""
_USUAL_VELOCITY = TuneNote(0, 1, 60).velocity
_BARS_IN_LINE = 4


def read_text(text: str) -> Chart:
    """A song that was typed. Raises BadInput that names the bar and the word."""
    if len(text) > CHART_BYTES:
        raise BadInput(f"a text of more than {CHART_BYTES:,} letters")
    values, body = _header(text)
    tunes = values.pop("tune", {})
    if "|" not in body:
        raise BadInput("no bars: write chords between bar lines, | Dm7 | G7 | C |")
    reader = _Reader(values.pop("meter", Meter()))
    reader.draft.naming = naming_of(re.split(r"[\s|]+", body))
    for found in _TOKEN.finditer(body):
        reader.token(found)
    reader.finish()
    bars = reader.draft.bars
    for number, tune in tunes.items():
        if number > len(bars):
            raise BadInput(f"melody of bar {number}: there are {len(bars)} bars")
        bars[number - 1] = replace(bars[number - 1], tune=tune)
    return Chart(Song(tuple(bars), meter=reader.draft.meter, **values))


def _header(text: str) -> tuple[dict[str, Any], str]:
    """The values before the music, and the music."""
    values: dict[str, Any] = {}
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for i, line in enumerate(lines):
        found = _HEADER.fullmatch(line)
        if found and found[1].lower() in _NAMES and "|" not in line.split(":", 1)[0]:
            name = _NAMES[found[1].lower()]
            if name == "tune":
                number, tune = tune_of(found[2])
                values.setdefault(name, {})[number] = tune
            elif value := as_label(found[2]):
                values[name] = _value(name, value)
        elif line.strip() and not line.lstrip().startswith("#"):
            return values, "\n".join(lines[i:])
    return values, ""


def _value(name: str, text: str) -> Any:
    if name == "meter":
        return Meter.parse(text)
    if name == "key":
        return parse_key(text)
    if name == "bpm":
        return bpm_of(text)
    if name == "loop":
        return loop_of(text)
    return text


def loop_of(text: str) -> tuple[int, int]:
    """The bars that go round, as they are counted: "5-8", or "5". Raises BadInput."""
    found = re.fullmatch(r"(\d{1,4})(?:\s*[-–]\s*(\d{1,4}))?", text)
    if found is None or not 1 <= int(found[1]) <= int(found[2] or found[1]):
        raise BadInput(f"loop {text[:40]!r}: use the first and the last bar, 5-8")
    return int(found[1]) - 1, int(found[2] or found[1])


def tune_of(text: str) -> tuple[int, tuple[TuneNote, ...]]:
    """The melody of a bar: its number from 1, and its notes. Raises BadInput."""
    number, *words = text.split() or [""]
    if not re.fullmatch(r"[1-9]\d{0,3}", number):
        raise BadInput(f"melody {text[:40]!r}: begins with the number of its bar")
    notes = []
    for word in words:
        found = _NOTE.fullmatch(word)
        if found is None:
            raise BadInput(f"melody of bar {number}: {word[:40]!r} is no note like C4@0+4")
        pitch, frame, length, velocity = found.groups()
        loud = int(velocity or _USUAL_VELOCITY)
        notes.append(TuneNote(int(frame), int(length), parse_pitch(pitch), loud))
    return int(number), tuple(sorted(notes, key=lambda n: (n.frame, n.pitch)))


def _tune_text(tune: Iterable[TuneNote]) -> str:
    return " ".join(
        f"{pitch_name(n.pitch)}@{n.frame}+{n.length}"
        + (f"!{n.velocity}" if n.velocity != _USUAL_VELOCITY else "")
        for n in tune
    )


def bpm_of(text: str) -> float:
    """A tempo as it is typed. Raises BadInput."""
    if not re.fullmatch(r"\d{1,3}(\.\d{1,6})?", text):
        raise BadInput(f"tempo {text[:40]!r}: not a number of beats a minute")
    return check_bpm(float(text))


def bpm_text(bpm: float) -> str:
    return f"{bpm:.6f}".rstrip("0").rstrip(".")


class _Reader:
    """State while the bars are read, left to right."""

    def __init__(self, meter: Meter) -> None:
        self.draft = Draft(meter)
        self.words: list[str] = []
        self.in_bar = False
        """A bar line stands on this line of text, and nothing since it but space."""
        self.may_repeat = False
        """A repeat has just ended: x3 may follow."""

    def token(self, found: re.Match[str]) -> None:
        draft = self.draft
        if space := found["space"]:
            if "\n" in space:
                self.in_bar = False
            return
        if line := found["line"]:
            self.bar_line(line)
            return
        if times := found["times"]:
            if not self.may_repeat:
                raise draft.fault(f"x{times} stands only after :|")
            draft.ends_repeat(int(times))
            self.in_bar = False
        elif found["section"] is not None:
            if self.words:
                raise draft.fault(f"section [{as_label(found['section'])}] within a bar")
            draft.section(found["section"])
            self.in_bar = False
        elif found["mark"] is not None:
            draft.mark(self.mark(found["mark"]))
            return
        elif meter := found["meter"]:
            try:
                draft.next = replace(draft.next, meter=Meter.parse(meter))
            except BadInput as error:
                raise draft.fault(error) from None
        elif ending := found["ending"]:
            if self.words:
                raise draft.fault(f"ending {ending} within a bar")
            draft.ending(turns_of(ending))
        else:
            self.words.append(found["word"])
        self.may_repeat = False

    def mark(self, text: str) -> str:
        name = " ".join(text.lower().split())
        for known, mark in _MARKS.items():
            if name == known or (known.startswith("d.") and name.startswith(known)):
                return mark
        raise self.draft.fault(f"<{as_label(text)[:40]}> is no mark: {', '.join(_MARKS)}")

    def bar_line(self, line: str) -> None:
        draft = self.draft
        has_signs = draft.next != Bar()
        if self.words or (self.in_bar and not has_signs):
            draft.bar_of_words(self.words)
            self.words = []
        if line.startswith(":"):
            draft.ends_repeat()
        if "||" in line:
            draft.endings = frozenset()
        if line.endswith(":"):
            draft.starts_repeat()
        self.may_repeat = line.startswith(":")
        self.in_bar = True

    def finish(self) -> None:
        if self.words:
            self.draft.bar_of_words(self.words)
        if self.draft.next.marks:
            raise BadInput("a mark after the last bar: it must stand within its bar")


def turns_of(text: str) -> frozenset[int]:
    """The passes of an ending: "1", "1,3", "1-3"."""
    turns: set[int] = set()
    for part in text.split(","):
        low, _, high = part.partition("-")
        turns.update(range(int(low), int(high or low) + 1))
    return frozenset(turns)


# -- out -------------------------------------------------------------------------------------


def write_text(song: Song) -> str:
    """The song as `read_text` reads it, nothing lost."""
    lines = [
        f"{name}: {value}"
        for name, value in (
            ("title", song.title),
            ("composer", song.composer),
            ("key", song.key and key_name(song.key)),
            ("metre", str(song.meter)),
            ("tempo", song.bpm and bpm_text(song.bpm)),
            ("style", song.style),
            ("loop", song.loop and f"{song.loop[0] + 1}-{song.loop[1]}"),
        )
        if value
    ]
    tunes = enumerate((bar.tune for bar in song.bars), 1)
    lines += [f"melody: {number} {_tune_text(tune)}" for number, tune in tunes if tune]
    return "\n".join([*lines, "", *_written(song)]) + "\n"


def _written(song: Song) -> Iterator[str]:
    line = ""
    in_line = 0
    before: Bar | None = None
    for i, bar in enumerate(song.bars):
        new_line = bar.section or in_line == _BARS_IN_LINE
        if new_line and line:
            yield line
            line = ""
        if bar.section:
            yield f"[{bar.section}]"
        if not line:
            in_line = 0
        line += _opening(line, bar, before) + " "
        line += " ".join(_inside(song, bar, before)) + " "
        line += _closing(bar, song.bars[i + 1] if i + 1 < len(song.bars) else None)
        in_line += 1
        before = bar
    yield line


def _opening(line: str, bar: Bar, before: Bar | None) -> str:
    """What stands at the bar's left, behind what the line holds already."""
    if line.endswith("|"):
        opening = ":" if bar.repeat_starts else ""
    else:
        opening = " |:" if bar.repeat_starts else "|" if not line else ""
    opening = opening if line else opening.strip()
    last = before.endings if before and before.repeats == 1 and not bar.repeat_starts else None
    if bar.endings and (bar.endings != last or bar.section):
        opening += " " if line and not line.endswith("|") and not opening else ""
        opening += f"{','.join(map(str, sorted(bar.endings)))}."
    return opening


def _closing(bar: Bar, after: Bar | None) -> str:
    if bar.repeats > 1:
        return ":|" + (f" x{bar.repeats}" if bar.repeats > 2 else "")
    return "||" if after is not None and bar.endings and not after.endings else "|"


def _inside(song: Song, bar: Bar, before: Bar | None) -> Sequence[str]:
    words = [f"<{_MARK_NAMES[mark]}>" for mark in sorted(bar.marks)]
    meter = song.meter_of(bar)
    if bar.meter is not None:
        words.append(str(meter))
    same = before is not None and before.chords == bar.chords and bar.chords
    if same and before and song.meter_of(before) == meter:
        return [*words, SAME_AGAIN]
    return [*words, bar_text(bar.chords, meter)]
