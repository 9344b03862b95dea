"""Which line of a piece is its melody: one rule for play, for files and for training. Pure.

A melody is one voice in the range of a singer, moves mostly by step and says more than an ostinato.
Where a name, lyrics or the custom of karaoke say more, they count.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

DRUM_CHANNEL = 9
KARAOKE_CHANNEL = 3
"""Channel 4, counted from 0: where karaoke files have the sung line."""
_BASS_PROGRAMS = range(32, 40)

Span = tuple[float, float, int]
"""(start, end, pitch); in quarter notes."""


@dataclass(frozen=True, slots=True)
class Line:
    """What could be the melody: the notes of one track and channel, or of one part of a score."""

    notes: Sequence[Span]
    """At least one, in order of their start."""
    name: str = ""
    channel: int = 0
    program: int = 0
    lyrics: float = 0.0
    """Share of its notes under which a syllable stands."""


# Without accents and in small letters; what stands at the start of a word, or anywhere in scripts
# that don't part their words.
_SUNG = re.compile(
    r"\b(?:melod|mel\b|vocal|vocais|voc\b|voix|voice|voce\b|voz\b|vox\b|sing|sung\b|gesang|stimme|"
    r"zang|canto\b|cantus|chant\b|cantor|cantant|solist|sang\b|laulu|soprano|sopran\b|superius|"
    r"discant|tune\b|theme|thema|tema\b|lyric|dallam|spiew|zpev)"
    r"|旋律|メロディ|歌|ボーカル|ヴォーカル|唱|멜로디|보컬|노래|мелод|вокал|голос|песн|μελωδ|φων"
)
_LEADING = re.compile(r"\b(?:lead|solo|main)|ソロ|リード|соло")
_BEHIND = re.compile(
    r"\b(?:back|bg|bvox|harmon|choir|chor|coro\b|string|streich|cordes|pad\b|bass|drum|accomp|"
    r"akkord|begleit|acomp|comp\b|rhythm|guit|piano|klav|organ|brass|echo|ooh|aah|second|2nd|alto\b|"
    r"tenor|perc|counter|bridge|changes)|(?:伴奏|コード|ベース|ドラム|аккорд|бас)"
)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFD", name.casefold())
    return re.sub(r"[_\d]+", " ", "".join(c for c in text if not unicodedata.combining(c)))


def melody_word(name: str) -> bool:
    """True where a name says, in whatever language, that this is what is sung."""
    return _name_says(name) > 1


def chord_word(name: str) -> bool:
    """True where a name says that this is the harmony."""
    return bool(re.search(r"\b(?:chord|harmon|accomp|akkord|comp\b|changes)", _plain(name)))


def _name_says(name: str) -> float:
    text = _plain(unicodedata.normalize("NFC", name))
    composed = unicodedata.normalize("NFC", text)
    said = 0.0
    if _SUNG.search(composed):
        said = 3.0
    elif _LEADING.search(composed):
        said = 1.5
    if _LEADING.search(composed) and said == 3.0:
        said = 3.5
    return said - 2.5 * bool(_BEHIND.search(composed))


def melody_index(lines: Sequence[Line], karaoke: bool = False) -> int:
    """Which of the lines is the melody. `karaoke`: the file says that it is one.

    Drums are the melody only where there is nothing else.
    """
    start = min(line.notes[0][0] for line in lines)
    end = max(note[1] for line in lines for note in line.notes)
    most = max(len(line.notes) for line in lines)

    def fit(index: int) -> float:
        line = lines[index]
        score = melody_likeness(line.notes, start, end, most) + _name_says(line.name)
        score += 3.0 * line.lyrics
        score -= 2.0 * (line.program in _BASS_PROGRAMS)
        score += 2.0 * (karaoke and line.channel == KARAOKE_CHANNEL)
        return score - 100.0 * (line.channel == DRUM_CHANNEL)

    # Of two that fit alike the first counts.
    return max(range(len(lines)), key=lambda index: (fit(index), -index))


def melody_likeness(notes: Sequence[Span], start: float, end: float, most: int) -> float:
    """How much a line by itself is like a melody; the larger, the more.

    start, end: of the piece, in quarters. most: the notes of its fullest line.
    """
    length = max(end - start, 1e-6)
    alone = _alone(notes)
    pitches = [pitch for _, _, pitch in notes]
    middle = median(pitches)
    out_of_range = max(0.0, 57 - middle, middle - 79) / 12
    steps = [abs(b - a) for a, b in pairwise(pitches)]
    leaps = sum(step > 7 for step in steps) / len(steps) if steps else 0.0
    sounding = min(1.0, sum(e - s for s, e, _ in notes) / length)
    pace = len(notes) / length
    return (
        3.0 * alone
        - 1.2 * out_of_range
        - 1.5 * leaps
        - 2.0 * max(0.0, 0.35 - sounding)
        - 1.5 * max(0.0, pace - 2.5) / 2.5
        + 1.0 * _variety(notes)
        + 0.8 * min(1.0, len(notes) / (0.5 * most))
    )


def _alone(notes: Sequence[Span]) -> float:
    """Share of the notes beside which no other one of the line begins, or goes on for long."""
    starts = [start for start, _, _ in notes]
    overlapped = 0
    for i, (start, end, _) in enumerate(notes):
        near = bisect_left(starts, start + 0.07) - bisect_left(starts, start - 0.07) > 1
        goes_on = i + 1 < len(notes) and notes[i + 1][0] < start + 0.7 * (end - start)
        overlapped += near or goes_on
    return 1.0 - overlapped / len(notes)


def _variety(notes: Sequence[Span]) -> float:
    """Share of the figures of four notes (intervals and rhythm) that come at most four times."""
    figures: dict[tuple[int, ...], int] = {}
    shapes = []
    for i in range(len(notes) - 3):
        group = notes[i : i + 4]
        shape = tuple(
            value
            for a, b in pairwise(group)
            for value in (b[2] - a[2], round(2 * min(b[0] - a[0], 8.0)))
        )
        figures[shape] = figures.get(shape, 0) + 1
        shapes.append(shape)
    if not shapes:
        return 0.0
    return sum(figures[shape] <= 4 for shape in shapes) / len(shapes)
