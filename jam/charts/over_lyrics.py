"""Chords on lines of their own above lyrics, as song sheets on the web have them: in only."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jam.charts.bar_text import is_symbol_in
from jam.music.chord_notation import naming_of
from jam.music.note_names import Naming

_HEADER = re.compile(
    r"\[([^\[\]]{1,60})\]|((?:Intro|Verse|Chorus|Bridge|Outro|Refrain)[^:]{0,20}):?"
)
_BETWEEN = re.compile(r"[\s|:,()x\d-]*")
"""What may stand beside chords: bar lines, "x2"."""


def as_chordpro(text: str) -> str | None:
    """The same in ChordPro, lyrics left out; None where no line is all chords."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    # Of the lines that are all chords in whatever naming: "Es" is a word in lyrics.
    naming = naming_of(
        word
        for line in lines
        if all(_BETWEEN.fullmatch(word) or _is_symbol(word) for word in line.split())
        for word in line.split()
    )
    found = list(_lines(lines, naming))
    return "\n".join(found) if any(line.startswith("[") for line in found) else None


def _is_symbol(word: str) -> bool:
    namings: tuple[Naming, ...] = ("english", "german", "solfege")
    return any(is_symbol_in(word, naming) for naming in namings)


def _lines(lines: list[str], naming: Naming) -> Iterator[str]:
    for line in lines:
        if header := _HEADER.fullmatch(line.strip()):
            yield f"{{start_of_verse: {(header[1] or header[2]).strip()}}}"
            continue
        words = line.split()
        chords = [w for w in words if not _BETWEEN.fullmatch(w) and is_symbol_in(w, naming)]
        rest = "".join(word for word in words if word not in chords)
        # "A" or "Am" alone may be a word: a line of two chords and more, or one with signs.
        if chords and _BETWEEN.fullmatch(rest) and (chords[1:] or not chords[0].isalpha()):
            yield " ".join(f"[{chord}]" for chord in chords)
        elif chords and not rest and len(chords[0]) <= 2:
            yield f"[{chords[0]}]"
