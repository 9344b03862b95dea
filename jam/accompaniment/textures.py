"""Which of the bars that people played are played, and how they fit metre and chord: pure.

Passages of one player follow
each other as they were played, so that a verse flows; another section, or another level, is
another passage. In the line of AccoMontage (Zhao and Xia, ISMIR 2021), which chooses phrases of
POP909's pianists for a lead sheet and re-harmonises them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from jam.accompaniment.notes import dice
from jam.accompaniment.passages import Passage, Struck
from jam.accompaniment.patterns import Hit, Lane, groups_of
from jam.accompaniment.voicing import VOICES_RANGE
from jam.music.grid import Meter

Strokes = Mapping[int, Sequence[Struck]]
"""Column -> what is struck there, in order of columns."""
LEVELS = 3
_QUARTER = {4: (0, 1, 2, 3), 6: (0, None, 1, None, 2, 3)}
"""Columns of a beat -> those of a quarter that it is played as: the second eighth of a quarter is
the second of three, as where eighths swing."""


@lru_cache(maxsize=64)
def _ranked(passages: tuple[Passage, ...], level: int, quarter_bpm: int) -> tuple[Passage, ...]:
    """Those of a level, from the thinnest third to the fullest, that were played about so fast."""
    near = [p for p in passages if p.bpm and 0.75 < quarter_bpm / p.bpm < 1.34]
    ordered = sorted(near if len(near) >= 2 * LEVELS else passages, key=lambda p: p.density)
    size = len(ordered) / LEVELS
    return tuple(ordered[round(level * size) : round((level + 1) * size)]) or tuple(ordered)


def passage_for(
    passages: tuple[Passage, ...], level: int, quarter_bpm: float, part: int, kind: int, seed: int
) -> Passage | None:
    """What is played in a part of a form: a function of its arguments alone. None without any.

    kind: 0 is one passage, every other number one of the others; the next part has others.
    """
    if not passages:
        return None
    choices = _ranked(passages, level, round(quarter_bpm / 10) * 10)
    first = int(dice(seed, 41, part) * len(choices)) % len(choices)
    if kind and len(choices) > 1:
        first += 1 + int(dice(seed, 42, part, kind) * (len(choices) - 1)) % (len(choices) - 1)
    return choices[first % len(choices)]


@lru_cache(maxsize=64)
def _beats(meter: Meter) -> tuple[tuple[int, int], ...]:
    """(first column, columns) of everything in a bar that is played as a quarter."""
    if meter.compound:
        lengths = [6] * meter.beats_per_bar
    elif meter.denominator == 8:  # beats are eighths: two of them are a quarter, three as well
        lengths = [2 * beats for beats in groups_of(meter)]
    else:
        lengths = [4] * (meter.frames_per_bar // 4)
    return tuple((sum(lengths[:i]), length) for i, length in enumerate(lengths))


@lru_cache(maxsize=2048)
def columns_in(meter: Meter, half: int) -> tuple[int | None, ...]:
    """For each column of a bar the one of a bar in 4/4 that it is played as, None for none.

    Longer bars end as the second half of the bar does. Bars of two beats are, in turn, its first
    and its second half: `half` 0 or 1.
    """
    columns: list[int | None] = [None] * meter.frames_per_bar
    beats = _beats(meter)
    for number, (start, length) in enumerate(beats):
        quarter = number + 2 * half if len(beats) == 2 else number
        quarter = quarter if quarter < 4 else 2 + quarter % 2
        for column, within in enumerate(_QUARTER.get(length, range(min(length, 4)))):
            columns[start + column] = None if within is None else 4 * quarter + within
    return tuple(columns)


def bar_of(bars: Sequence[tuple[Struck, ...]], number: int, meter: Meter) -> Strokes:
    """The strokes of bar `number` by their column in the metre."""
    if len(_beats(meter)) == 2:
        return _laid(bars[number // 2 % len(bars)], meter, number % 2)
    return _laid(bars[number % len(bars)], meter, 0)


@lru_cache(maxsize=1024)
def _laid(bar: tuple[Struck, ...], meter: Meter, half: int) -> Strokes:
    found: dict[int, list[Struck]] = {}
    longer = 1.5 if meter.compound else 1.0
    for column, played_as in enumerate(columns_in(meter, half)):
        there = [
            replace(struck, length=round(struck.length * longer))
            for struck in bar
            if struck.column == played_as
        ]
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
