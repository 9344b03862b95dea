"""Which of the bars that people played are played, and how they fit metre and chord: pure.

Passages of one player follow
each other as they were played, so that a verse flows; another section, or another level, is
another passage. In the line of AccoMontage (Zhao and Xia, ISMIR 2021), which chooses phrases of
POP909's pianists for a lead sheet and re-harmonises them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from jam.accompaniment.notes import dice
from jam.accompaniment.passages import Passage, Struck
from jam.accompaniment.patterns import Hit, Lane
from jam.accompaniment.voicing import VOICES_RANGE
from jam.music.grid import Meter

Strokes = Mapping[int, Sequence[Struck]]
"""Column -> what is struck there, in order of columns."""
LEVELS = 3
PHRASE_BARS = 8
_FORM = (0, 0, 1, 0)
"""Which passage each phrase of four has: a song's sections, where nobody says what they are."""


def level_in(bar: int, level: int) -> int:
    """The level of a bar where the player's loudness asks for `level`.

    The band comes in thin, and the third phrase of four rises.
    """
    form, phrase = divmod(bar // PHRASE_BARS, len(_FORM))
    change = -1 if form == phrase == 0 else _FORM[phrase]
    return max(0, min(LEVELS - 1, level + change))


@lru_cache(maxsize=64)
def _ranked(passages: tuple[Passage, ...], level: int, quarter_bpm: int) -> tuple[Passage, ...]:
    """Those of a level, from the thinnest third to the fullest, that were played about so fast."""
    near = [p for p in passages if p.bpm and 0.75 < quarter_bpm / p.bpm < 1.34]
    ordered = sorted(near if len(near) >= 2 * LEVELS else passages, key=lambda p: p.density)
    size = len(ordered) / LEVELS
    return tuple(ordered[round(level * size) : round((level + 1) * size)]) or tuple(ordered)


def passage_for(
    passages: tuple[Passage, ...], level: int, quarter_bpm: float, bar: int, seed: int
) -> Passage | None:
    """What is played in bar number `bar`: a function of its arguments alone. None without any.

    A form of four phrases has two passages; the next form has two others.
    """
    if not passages:
        return None
    choices = _ranked(passages, level, round(quarter_bpm / 10) * 10)
    form, phrase = divmod(bar // PHRASE_BARS, len(_FORM))
    first = int(dice(seed, 41, form) * len(choices)) % len(choices)
    if _FORM[phrase] and len(choices) > 1:
        first += 1 + int(dice(seed, 42, form) * (len(choices) - 1)) % (len(choices) - 1)
    return choices[first % len(choices)]


def column_in(meter: Meter, column: int) -> int | None:
    """The column of a bar in 4/4 that a column of another simple metre is played as.

    Longer bars end as the second half of the bar does; None where the metre has other beats.
    """
    if meter.compound or meter.frames_per_beat != 4:
        return None
    return column if column < 16 else 8 + column % 8


def bar_of(bars: Sequence[tuple[Struck, ...]], number: int, meter: Meter) -> Strokes | None:
    """The strokes of bar `number` by their column in the metre; None where it can't be played."""
    if column_in(meter, 0) is None:
        return None
    return _laid(bars[number % len(bars)], meter)


@lru_cache(maxsize=512)
def _laid(bar: tuple[Struck, ...], meter: Meter) -> Strokes:
    found: dict[int, list[Struck]] = {}
    for column in range(meter.frames_per_bar):
        there = [struck for struck in bar if struck.column == column_in(meter, column)]
        if there:
            found[column] = there
    return found


def lane_of(strokes: Strokes, length: int) -> Lane:
    """The same as a drawn lane: what holds until the next stroke is drawn as holding."""
    columns = ["."] * length
    hits = []
    for column, there in strokes.items():
        if column >= length:  # the metre changes within the bar
            break
        longest = max(s.length for s in there)
        sign = "x" if column % 4 == 0 or max(s.louder for s in there) > -12 else "o"
        hits.append(Hit(column, longest, sign))
        columns[column] = sign
        for held in range(column + 1, min(column + longest, length)):
            if columns[held] == ".":
                columns[held] = "-"
    return Lane(tuple(hits), "".join(columns))


def ladder(voices: Sequence[int], rank: int, room: int) -> int:
    """The pitch of a rank on the ladder of a chord's voices, kept within the voices' range."""
    octave, voice = divmod(rank, len(voices))
    pitch = voices[voice] + 12 * octave
    high = max(min(room + 2, VOICES_RANGE[1]), voices[-1])
    while pitch > high:
        pitch -= 12
    while pitch < VOICES_RANGE[0]:
        pitch += 12
    return pitch if pitch <= VOICES_RANGE[1] else voices[voice]
