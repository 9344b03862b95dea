"""Which line of a piece is its melody: one rule for play, for files and for training. Pure.

A melody is one voice in the range of a singer, moves mostly by step, repeats notes and lasts
through the piece. Where a name, lyrics or the custom of karaoke say more, they count.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import TypeVar

DRUMS = 9
"""Channel 10, counted from 0."""
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
    r"\b(?:melod|mel\b|vo[ck]al|vocais|voc\b|voix|voice|voce\b|voz\b|vox\b|sing|sung\b|gesang|stimm|"
    r"stem\b|zang|canto\b|cantus|cancao|chant\b|cantor|cantant|solist|sang\b|laulu|sopran|sopr\b|"
    r"superius|discant|diskant|tune\b|theme|thema|tema\b|lyric|dallam|enek|spiew|g[lł]os\b|zpev|spev|"
    r"pjesma|pesma|sark[iı]|giai [dđ]ieu|solostimm|singstimm)"
    r"|旋律|メロディ|歌|ボーカル|ヴォーカル|うた|唱|人声|人聲|主奏|멜로디|보컬|노래|가사"
    r"|мелод|вокал|голос|глас\b|песн|песма|спів|μελωδ|φων|מנגינה|לחן|שירה|لحن|غناء|ท\u0e4d\u0e32นอง|ร้อง"
)
_LEADING = re.compile(
    r"\b(?:lead|solo|main\b(?! (?:gauche|droite))|right\b|rh\b|rechte|main droite|treble)"
    r"|ソロ|リード|соло"
)
_BEHIND = re.compile(
    r"\b(?:back|bg|bvox|harmon|choir|chor|coro\b|string|streich|cordes|pad\b|bass|drum|accomp|"
    r"akkord|begleit|acomp|comp\b|rhythm|guit|piano|klav|organ|brass|echo|ooh|aah|second|2nd|alto\b|"
    r"tenor|perc|counter|bridge|changes|left\b|lh\b|linke|main gauche)"
    r"|(?:伴奏|コード|ベース|ドラム|аккорд|бас)"
)


def _plain(name: str) -> str:
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name).casefold())
    text = "".join(c for c in text if not "\u0300" <= c <= "\u036f")
    text = unicodedata.normalize("NFC", re.sub(r"[_\d]+", " ", text))
    return text.replace(" ", "") if re.fullmatch(r"\w(?: \w){2,}", text) else text  # "M e l"


def melody_word(name: str) -> bool:
    """True where a name says, in whatever language, that this is what is sung."""
    return _name_says(name) > 1


def chord_word(name: str) -> bool:
    """True where a name says that this is the harmony."""
    found = r"\b(?:chord|harmon|accomp|akkord|begleit|comp\b|changes)|伴奏|コード|和弦|аккорд"
    return bool(re.search(found, _plain(name)))


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


_Track = TypeVar("_Track")
_Note = TypeVar("_Note")


def joined_channels(
    groups: Mapping[tuple[_Track, int], list[_Note]],
    program_of: Callable[[_Note], int],
    span_of: Callable[[_Note], Span],
) -> dict[tuple[_Track, int], list[_Note]]:
    """Notes by (track, channel), where the channels of a track that are one line are one group.

    So have those who play with a channel for each note (MPE) or string: one sound, and either one
    voice that goes from channel to channel, or in a track beside others three voices and more. Each
    group under the key of its first channel; notes in order of their start.
    """
    tracks: dict[tuple[_Track, int], list[tuple[_Track, int]]] = {}
    for key, notes in groups.items():
        if not notes:
            continue
        tracks.setdefault((key[0], program_of(notes[0])), []).append(key)
    alone = len({track for track, _ in groups}) == 1
    joined = dict(groups)
    for keys in tracks.values():
        keys = [key for key in keys if key[1] != DRUMS]
        lines = [[span_of(note) for note in groups[key]] for key in keys]
        if len(keys) > 1 and (_is_one_voice(lines) or (not alone and _are_strings(lines))):
            notes = [note for key in keys for note in joined.pop(key)]
            joined[keys[0]] = sorted(notes, key=span_of)
    return joined


def _is_one_voice(lines: Sequence[Sequence[Span]]) -> bool:
    """Whether the lines are one voice, whose notes go to and fro between them."""
    marked = sorted((span, i) for i, line in enumerate(lines) for span in line)
    changes = sum(a != b for (_, a), (_, b) in pairwise(marked))
    return changes >= 0.2 * len(marked) and _alone([span for span, _ in marked]) >= 0.9


def _are_strings(lines: Sequence[Sequence[Span]]) -> bool:
    return len(lines) > 2 and all(_alone(sorted(line)) >= 0.9 for line in lines)


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
