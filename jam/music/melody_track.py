"""Which line of a piece is its melody: one rule for play, for files and for training. Pure.

A melody is one voice in the range of a singer, moves mostly by step, repeats notes and lasts
through the piece. Where a name, lyrics or the custom of karaoke say more, they count.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

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
    is_drums: bool = False


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
    text = "".join(c for c in text if not "\u0300" <= c <= "\u036f")
    return unicodedata.normalize("NFC", re.sub(r"[_\d]+", " ", text))


def melody_word(name: str) -> bool:
    """True where a name says, in whatever language, that this is what is sung."""
    return _name_says(name) > 1


def chord_word(name: str) -> bool:
    """True where a name says that this is the harmony."""
    return bool(re.search(r"\b(?:chord|harmon|accomp|akkord|comp\b|changes)", _plain(name)))


def _name_says(name: str) -> float:
    text = _plain(name)
    said = 0.0
    if _SUNG.search(text):
        said = 3.0
    elif _LEADING.search(text):
        said = 1.5
    if _LEADING.search(text) and said == 3.0:
        said = 3.5
    return said - 2.5 * bool(_BEHIND.search(text))


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
        return score - 100.0 * line.is_drums

    # Whoever named a line the melody knows best; of two that fit alike the first counts.
    named = [i for i, line in enumerate(lines) if melody_word(line.name) and not line.is_drums]
    return max(named or range(len(lines)), key=lambda index: (fit(index), -index))


def melody_likeness(notes: Sequence[Span], start: float, end: float, most: int) -> float:
    """How much a line by itself is like a melody; the larger, the more.

    start, end: of the piece, in quarters. most: the notes of its fullest line. The weights were
    fitted to pop songs and art songs whose melody is known (`tools/melody_rule.py`), but for the
    range: there is neither a bass nor a high line by itself in those.
    """
    length = max(end - start, 1e-6)
    pitches = [pitch for _, _, pitch in notes]
    steps = [abs(b - a) for a, b in pairwise(pitches)] or [0]
    middle = median(pitches)
    out_of_range = max(0.0, 57 - middle, middle - 79)
    sounding = sum(e - s for s, e, _ in notes) / length
    pace = len(notes) / length
    return (
        4.0 * _alone(notes)
        - 0.1 * out_of_range
        - 2.0 * sum(step > 7 for step in steps) / len(steps)
        - 0.25 * sum(steps) / len(steps)
        + 2.5 * steps.count(0) / len(steps)
        - 1.0 * max(0.0, 0.35 - sounding)
        - 0.5 * max(0.0, pace - 2.5)
        - 1.2 * max(0.0, 0.8 - pace)
        + min(1.0, 2.0 * len(notes) / most)
    )


def sung_share(starts: Sequence[float], syllables: Sequence[float]) -> float:
    """Share of the notes, by their starts, with a syllable at most a tenth of a frame away.

    Where few syllables fall on notes at all, they are of something else: 0.
    """
    if not syllables:
        return 0.0
    ordered = sorted(syllables)
    hits = sum(
        bisect_left(ordered, at - 0.1) < bisect_left(ordered, at + 0.1 + 1e-9) for at in starts
    )
    return hits / len(starts) * min(1.0, 2.0 * hits / len(ordered))


def _alone(notes: Sequence[Span]) -> float:
    """Share of the notes beside which no other one of the line begins, or goes on for long."""
    starts = [start for start, _, _ in notes]
    overlapped = 0
    for i, (start, end, _) in enumerate(notes):
        near = bisect_left(starts, start + 0.07) - bisect_left(starts, start - 0.07) > 1
        goes_on = i + 1 < len(notes) and notes[i + 1][0] < start + 0.7 * (end - start)
        overlapped += near or goes_on
    return 1.0 - overlapped / len(notes)
