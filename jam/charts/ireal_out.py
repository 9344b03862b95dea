"""Songs as links of iReal Pro: see `jam.charts.ireal`, which reads them."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from urllib.parse import quote

from jam.charts.ireal import FREE_TEXT, HEAD, METERS, NOTHING, ROOT, SECTIONS, is_symbol, obfuscated
from jam.errors import BadInput
from jam.music.chord import COMMON_NAMES, QUALITIES
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter
from jam.music.key import key_name
from jam.music.song import Bar, Song

# What iReal Pro calls the qualities of the vocabulary.
_SUFFIXES = {
    "maj": "",
    "min": "-",
    "7": "7",
    "maj7": "^7",
    "min7": "-7",
    "dim": "o",
    "aug": "+",
    "sus4": "sus",
    "sus2": "2",
    "hdim7": "h7",
    "dim7": "o7",
    "maj6": "6",
    "min6": "-6",
    "9": "9",
    "min9": "-9",
    "maj9": "^9",
    "7sus4": "7sus",
    "minmaj7": "-^7",
    "5": "5",
    "aug7": "7#5",
}
assert _SUFFIXES.keys() == QUALITIES.keys()
# Chords that the program plays as they are named; others are written between asterisks.
_KNOWN = frozenset(
    """5 2 add9 + o h sus ^ - ^7 -7 7 7sus h7 o7 ^9 ^13 6 69 ^7#11 ^9#11 ^7#5 -6 -69 -^7 -^9 -9 -11
    -7b5 h9 -b6 -#5 9 7b9 7#9 7#11 7b5 7#5 9#11 9b5 9#5 7b13 7#9#5 7#9b5 7#9#11 7b9#11 7b9b5 7b9#5
    7b9#9 7b9b13 7alt 13 13#11 13b9 13#9 7b9sus 7susadd3 9sus 13sus 7b13sus 11""".split()  # noqa: SIM905
) | {""}
_TIDY = (
    ("maj", "^"),
    ("Maj", "^"),
    ("M", "^"),
    ("Δ", "^"),
    ("min", "-"),
    ("mi", "-"),
    ("m", "-"),
    ("dim", "o"),
    ("°", "o"),
    ("aug", "+"),
    ("ø", "h"),
    ("sus4", "sus"),
    ("6/9", "69"),
)
_LETTERS = {name: letter for letter, name in SECTIONS.items()}
_SIGNS = (("segno", "S"), ("coda", "Q"), ("tocoda", "Q"))
_TEXTS = (("dacapo", "<D.C.>"), ("dalsegno", "<D.S.>"), ("fine", "<Fine>"))
_MAJOR_KEYS = {"F#": "Gb"}


def write_ireal(song: Song, is_open: bool = False) -> tuple[str, list[str]]:
    """A link, obfuscated or in the open form, and a line for whatever it can't hold.

    Raises BadInput for a metre that iReal Pro doesn't have.
    """
    writer = _Writer(song)
    music = writer.music()
    texts = [
        quote(text.replace("=", "-") or nothing, safe="")
        for text, nothing in zip((song.title, song.composer, song.style), NOTHING, strict=True)
    ]
    lost = writer.lost
    if any("=" in text for text in (song.title, song.composer, song.style)):
        lost.append("= in a title or name is written as -")
    if song.bars[0].meter is not None:
        lost.append("the metre of its first bar is written as the song's")
    if song.key is None:
        lost.append("no key is known: C is written")
    key = _key(song)
    if is_open:
        if song.bpm is not None:
            lost.append("the open form has no tempo")
        fields = [*texts, quote(key, safe=""), "n", quote(music, safe="")]
        return "irealbook://" + "=".join(fields), lost
    bpm = round(song.bpm or 0)
    if song.bpm is not None and bpm != song.bpm:
        lost.append(f"tempo {song.bpm:g} is written as {bpm}")
    title, composer, style = texts
    hidden = quote(HEAD + obfuscated(music), safe="")
    fields = [title, composer, "", style, quote(key, safe=""), "", hidden, "", str(bpm), "0"]
    return "irealb://" + "=".join(fields), lost


def write_html(song: Song) -> tuple[str, list[str]]:
    """A page with the link, as iReal Pro exports it."""
    link, lost = write_ireal(song)
    title = html.escape(song.title or NOTHING[0])
    page = (
        f'<!DOCTYPE html>\n<html>\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
        f'<body><p><a href="{html.escape(link)}">{title}</a></p></body>\n</html>\n'
    )
    return page, lost


def _key(song: Song) -> str:
    if song.key is None:
        return "C"
    name, mode = key_name(song.key).split()
    return name + "-" if mode == "minor" else _MAJOR_KEYS.get(name, name)


def _time(meter: Meter) -> str:
    if str(meter) in METERS.values():
        return "T12"
    digits = f"{meter.numerator}{meter.denominator}"
    if len(digits) != 2:
        raise BadInput(f"iReal Pro has no {meter}")
    return f"T{digits}"


@dataclass(slots=True)
class _Writer:
    song: Song
    lost: list[str] = field(default_factory=list)
    codas: int = 0

    def music(self) -> str:
        song, cells = self.song, list[str]()
        meter: Meter | None = None
        before: Bar | None = None
        for number, bar in enumerate(song.bars, 1):
            after = song.bars[number] if number < len(song.bars) else None
            cells.append(self.signs_before(number, bar, before))
            if (now := song.meter_of(bar)) != meter:
                cells.append(_time(now))
                meter = now
            cells.append(self.inside(number, bar, now))
            if bar.repeats > 2:
                cells.append(f"<{bar.repeats}x>")
            if bar.repeats > 1:
                cells.append("}")
            elif after is None:
                cells.append("Z")
            elif bar.endings and not after.endings:
                cells.append("]")
            elif not (after.section or after.repeat_starts):
                cells.append("|")
            else:
                cells.append("]" if after.section else "|")
            before = bar
        if self.codas == 1:
            self.lost.append("a coda sign that stands alone means nothing")
        return "".join(cells)

    def signs_before(self, number: int, bar: Bar, before: Bar | None) -> str:
        signs = ""
        if name := bar.section:
            letter = _LETTERS.get(name, name if re.fullmatch("[A-Z]", name) else "")
            if not letter or (letter in SECTIONS and name == letter):
                self.lost.append(f"bar {number}: section {name!r} is written as text")
                signs += f"<{name}>"
            else:
                signs += f"*{letter}"
        signs += "{" if bar.repeat_starts else "[" if bar.section else ""
        last = before.endings if before and before.repeats == 1 and not bar.repeat_starts else None
        if bar.endings and (bar.endings != last or bar.section):
            turn = min(bar.endings)
            if len(bar.endings) > 1 or turn > 9:
                self.lost.append(f"bar {number}: its ending is written for one pass")
            signs += f"N{min(turn, 9)}"
        for mark, sign in _SIGNS:
            if mark in bar.marks:
                self.codas += sign == "Q"
                if sign == "Q" and mark != ("tocoda" if self.codas == 1 else "coda"):
                    self.lost.append(f"bar {number}: {mark} can't be told from the other coda sign")
                signs += sign
        return signs + "".join(text for mark, text in _TEXTS if mark in bar.marks)

    def inside(self, number: int, bar: Bar, meter: Meter) -> str:
        """The bar's cells, one for each beat of the metre as it is written."""
        n = meter.numerator
        if bar.chords is None:
            self.lost.append(f"bar {number}: free, which is written as text")
            return f"<{FREE_TEXT}>" + " " * n
        length = meter.frames_per_bar // n
        cells = [" "] * n
        for chord in bar.chords:
            cell = chord.frame // length
            if chord.frame % length or cells[cell] != " ":
                self.lost.append(f"bar {number}: {chord.symbol.written} is moved to a beat")
            cells[cell] = self.chord(chord.symbol)
        if cells[0] == " ":
            cells[0] = "p"
        return "".join(
            cell + ("," if cell != " " and after not in (" ", "") else "")
            for cell, after in zip(cells, [*cells[1:], ""], strict=True)
        )

    def chord(self, symbol: Symbol) -> str:
        if symbol.chord is None:
            return "n"
        found = re.fullmatch(r"\(?([A-Ha-h][#b♯♭]*)(.*?)(?:/[A-Ha-h][#b♯♭]*)?\)?", symbol.written)
        root = COMMON_NAMES[symbol.chord.root]
        rest = found[2] if found else ""
        if found and re.fullmatch(ROOT, found[1]):
            root = found[1]
        bass = "" if symbol.bass is None else "/" + COMMON_NAMES[symbol.bass]
        if (slash := re.search(rf"/({ROOT})\)?$", symbol.written)) and bass:
            bass = "/" + slash[1]
        tidy = re.sub(r"[(),]", "", rest)
        for written, known in _TIDY:
            tidy = tidy.replace(written, known)
        tidy = {"-7b5": "h7"}.get(tidy, tidy)
        plain = _SUFFIXES[symbol.chord.quality]
        for suffix in (rest, tidy, plain if rest == QUALITIES[symbol.chord.quality][1] else rest):
            if suffix in _KNOWN and _reduced(root + suffix) == symbol.chord:
                return root + suffix + bass
        return f"{root}*{rest.replace('*', '')}*{bass}"


def _reduced(written: str) -> object:
    return Symbol(written).chord if is_symbol(written) else None
