"""No bar twice the same: small changes to a bar that is drawn, or that somebody played. Pure.

A change leaves a stroke out, adds a light one where one may stand, or makes one softer, louder or
another note. A bar is played with none to three of them, and a row of bars never gets the same
ones again: which, is a function of the seed, the bar drawn and the bar's number.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations
from typing import Generic, TypeVar

from jam.accompaniment.notes import dice
from jam.accompaniment.passages import Passage, Struck
from jam.accompaniment.patterns import Bar, Hit, Lane, bars_of
from jam.accompaniment.styles import DRUMS, Style
from jam.accompaniment.textures import LEVELS, Strokes, bar_of
from jam.music.grid import Meter

_HABITS = 12
"""So many changes a player knows of one bar: chosen by the seed."""
_ENOUGH, _ENOUGH_OF_EACH = 32, 24
"""So many ways of playing a bar, and thin, even and full ones of them; where one or two changes
don't give as many, there are three."""
_PLENTY = 128
_FOR_ONE = 6
"""Where a bar has so many strokes for each of them, more than one may be added to it."""
SWUNG = 0.5
"""Where eighths swing by more, nothing is added between them."""
_TIME = frozenset(
    ("hat", "open_hat", "pedal_hat", "ride", "shaker", "tambourine", "triangle", "cowbell", "brush")
)
"""Lanes that keep time: strokes between the beats come and go."""
_TIME_KEYS = frozenset(DRUMS[name] for name in _TIME) - {DRUMS["brush"]}
_OTHER_NOTE = {"F": "OT", "O": "F", "T": "F", "f": "r", "r": "f", "t": "f", "o": "r"}
"""What a bass may play in the place of something else."""
_GHOST, _ECHO = -28, -12
"""How much softer than the rest an added stroke of a drum or a hand is."""
_ACCENT = 14


Change = TypeVar("Change")


@dataclass(frozen=True, slots=True)
class Edit(Generic[Change]):
    """One change at a place in the bar. more: strokes that it adds, negative: that it takes."""

    place: tuple[str, int, int]
    """Lane, its row (or a note's height), column."""
    more: int
    change: Change


@dataclass(frozen=True, eq=False, slots=True)
class _Ways(Generic[Change]):
    """What may be changed in a bar, and in which ways: numbers of the edits."""

    edits: tuple[Edit[Change], ...]
    by_level: tuple[tuple[tuple[int, ...], ...], ...]
    """Those that leave out more than they add where it is to be thin, and so on; where there are
    few of a kind, all of them in each."""

    def edited(self, level: int, number: int, seed: int) -> list[Edit[Change]]:
        """The changes of bar `number`: each way comes once before one comes again."""
        ways = self.by_level[level]
        step = 1 + int(dice(seed, 46) * len(ways))
        while math.gcd(step, len(ways)) > 1:
            step += 1
        first = int(dice(seed, 47) * len(ways))
        return [self.edits[i] for i in ways[(first + number * step) % len(ways)]]


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _levelled(edits: Sequence[Edit[Change]], ways: Sequence[tuple[int, ...]]) -> _Ways[Change]:
    thinner, even, fuller = (
        [way for way in ways if _sign(sum(edits[i].more for i in way)) == kind]
        for kind in (-1, 0, 1)
    )
    by_level = [thinner, even, fuller]
    if min(map(len, by_level)) < _ENOUGH_OF_EACH:
        by_level = [thinner + even, list(ways), even + fuller]
    if min(map(len, by_level)) < _ENOUGH_OF_EACH:
        by_level = [list(ways) or [()]] * LEVELS
    return _Ways(tuple(edits), tuple(map(tuple, by_level)))


def _ways_of(
    edits: Sequence[Edit[Change]],
    seed: int,
    keep: Callable[[tuple[int, ...]], bool] = lambda way: True,
) -> list[tuple[int, ...]]:
    """None, one or two changes; three, and such as are no habit, where those are few.

    keep: says no to a way.
    """
    order = sorted(range(len(edits)), key=lambda i: dice(seed, 45, i))
    ways: list[tuple[int, ...]] = []
    for size, n_edits in ((0, 0), (1, _HABITS), (2, _HABITS), (3, _HABITS), (3, 2 * _HABITS)):
        if size == 3 and len(ways) >= _ENOUGH:
            break
        for way in combinations(order[:n_edits], size):
            if len(ways) == _PLENTY:
                return ways
            if (size < 2 or len({edits[i].place for i in way}) == size) and keep(way):
                ways.append(way)
    return ways


@lru_cache(maxsize=512)
def varied(style: Style, meter: Meter, drawn: int, level: int, number: int, seed: int) -> Bar:
    """Bar `drawn` of the style's as it is played in bar `number`: a function of the arguments."""
    bar = bars_of(style, meter)[drawn]
    lanes = dict(bar.lanes)
    played = {part for part, by in (("chords", style.textures), ("drums", style.grooves)) if by}
    for part in style.parts - style.repeats - played:
        ways, _, source = _ways(style, meter, drawn, part, seed)
        lanes.update(_lanes_of(bars_of(style, meter)[source], part))
        way = ways.edited(level, number, seed)
        for name, row in {edit.place[:2] for edit in way}:
            mine = [edit for edit in way if edit.place[:2] == (name, row)]
            rows = list(lanes[name])
            rows[row] = _edited(rows[row], mine)
            lanes[name] = tuple(rows)
    return Bar(lanes)


@lru_cache(maxsize=512)
def _ways(
    style: Style, meter: Meter, drawn: int, part: str, seed: int
) -> tuple[_Ways[str], frozenset[int], int]:
    """Of a bar drawn, and the patterns of it and of those drawn before it. What comes of one bar
    comes of no other; where little does, another bar is played, whose number is the last."""
    bars = bars_of(style, meter)
    base = _pattern(style, meter, drawn, part)
    for earlier in range(drawn):
        if _pattern(style, meter, earlier, part) == base:
            return _ways(style, meter, earlier, part, seed)
    edits: list[Edit[str]] = []
    changes: list[int] = []
    known = set(_ways(style, meter, drawn - 1, part, seed)[1] if drawn else ())
    loud = _columns(bars[drawn].lane("snare")) | _columns(bars[drawn].lane("rim"))
    for name, rows in sorted(_lanes_of(bars[drawn], part).items()):
        for row, lane in enumerate(rows):
            struck = frozenset[int]().union(*(_columns(b.lane(name)[row : row + 1]) for b in bars))
            signs = {hit.column: hit.sign for hit in lane.hits}
            for column, more, sign in _of_lane(name, lane, meter, struck, style.swing > SWUNG):
                if name != "kick" or column not in loud:
                    edits.append(Edit((name, row, column), more, sign))
                    changes.append(
                        _key(name, row, column, signs.get(column, ""))
                        ^ _key(name, row, column, sign)
                    )
    n_strokes = sum(len(row.hits) for rows in _lanes_of(bars[drawn], part).values() for row in rows)
    most = max(1, n_strokes // _FOR_ONE)

    def is_new(way: tuple[int, ...]) -> bool:
        after = base
        for i in way:
            after ^= changes[i]
        if after in known or sum(edits[i].more for i in way) > most:
            return False
        known.add(after)
        return True

    ways = _ways_of(edits, seed + 64 * drawn, is_new)
    if len(ways) < _ENOUGH and drawn:
        others = _ways(style, meter, drawn - 1, part, seed)
        if len(others[0].by_level[0]) >= _ENOUGH_OF_EACH:
            return others[0], frozenset(known), others[2]
    return _levelled(edits, ways), frozenset(known), drawn


@lru_cache(maxsize=4096)
def _key(name: str, row: int, column: int, sign: str) -> int:
    """A number of its own for a stroke, 0 for none (Zobrist, "A new hashing method", 1970)."""
    return int(dice(47, row, column, *name.encode(), ord(sign)) * 2**64) if sign else 0


@lru_cache(maxsize=512)
def _pattern(style: Style, meter: Meter, drawn: int, part: str) -> int:
    """A number of its own for what a part's bar strikes."""
    number = 0
    for name, rows in _lanes_of(bars_of(style, meter)[drawn], part).items():
        for row, lane in enumerate(rows):
            for hit in lane.hits:
                number ^= _key(name, row, hit.column, hit.sign)
    return number


def _columns(lanes: Sequence[Lane]) -> frozenset[int]:
    return frozenset(hit.column for lane in lanes for hit in lane.hits)


def _lanes_of(bar: Bar, part: str) -> dict[str, tuple[Lane, ...]]:
    return {n: rows for n, rows in bar.lanes.items() if ("drums" if n in DRUMS else n) == part}


def _of_lane(
    name: str, lane: Lane, meter: Meter, struck: frozenset[int], swings: bool
) -> Iterator[tuple[int, int, str]]:
    """(column, strokes more, sign or "" for none) of what may be changed in a lane.

    struck: columns in which one of the style's bars strikes in it.
    """
    if not lane.hits:
        return
    if name == "bass":
        yield from _of_bass(lane, struck)
        return
    signs = {hit.column: hit.sign for hit in lane.hits}
    alone = any(sign.isdigit() for sign in signs.values())
    finest = 1 if not swings and any(column % 2 for column in struck) else 2
    for column, sign in signs.items():
        weak = meter.strength(column) == 0
        if column and (sign == "o" or (sign in "x1234" and len(signs) > 2 and _loose(name, weak))):
            yield column, -1, ""
        if alone:
            near = {signs[c] for c in _beside(signs, column)}
            same = {"2": "4", "4": "2"}.get(sign)  # where the melody leaves no room
            other = [d for d in "1234" if column and d not in {sign, same, *near}]
            yield from ((column, 0, digit) for digit in other)
        elif name in _TIME or name == "chords":
            yield from ((column, 0, s) for s in {"x": "o", "o": "x", "X": "x"}[sign] if column)
    for column in range(1, len(lane.columns)):
        if column in signs or name == "crash":
            continue
        beside = {column - finest, column + finest} & signs.keys()
        ghost = name not in _TIME and name not in ("chords", "kick") and not swings and column % 2
        pickup = name in _TIME and not swings and meter.strength(column + 1) > 0
        if (
            column in struck
            or (column % finest == 0 and meter.strength(column) == 0 and beside)
            or ghost
            or (pickup and column + 1 < len(lane.columns))
        ):
            near = {signs[c] for c in _beside(signs, column)}
            yield column, 1, next(d for d in "2314" if d not in near) if alone else "o"


def _loose(name: str, weak: bool) -> bool:
    """Whether a plain stroke may be left out."""
    return name in ("chords", "kick") or (name in _TIME and weak)


def _beside(signs: Mapping[int, str], column: int) -> list[int]:
    """The columns of the strokes before and after one."""
    before = [c for c in signs if c < column]
    after = [c for c in signs if c > column]
    return [*before[-1:], *after[:1]]


def _of_bass(lane: Lane, struck: frozenset[int]) -> Iterator[tuple[int, int, str]]:
    signs = {hit.column: hit.sign for hit in lane.hits}
    if any(sign in "Ww" for sign in signs.values()):
        return  # it walks, and never twice the same way
    for column, sign in signs.items():
        if column and (sign.islower() or (len(signs) > 2 and sign in "FOT")):
            yield column, -1, ""
        if column:
            yield from ((column, 0, other) for other in _OTHER_NOTE.get(sign, ""))
    last = len(lane.columns) - 2
    for column in sorted({*struck, last} - signs.keys() - {0}):
        if not {column - 1, column + 1} & signs.keys():
            before = signs[max(c for c in signs if c < column)] if min(signs) < column else "R"
            yield column, 1, "a" if column == last else "r" if before in "Rr" else "f"
            yield column, 1, "f" if before in "Rr" else "r"


def _edited(lane: Lane, edits: Sequence[Edit[str]]) -> Lane:
    """A lane with its changes; what holds into the next bar still does."""
    columns = list(lane.columns)
    length = len(columns)
    for edit in edits:
        at = edit.place[2]
        if edit.change:
            columns[at] = edit.change
            continue
        held = columns[at - 1] != "."
        columns[at] = "-" if held else "."
        while not held and (at := at + 1) < length and columns[at] == "-":
            columns[at] = "."
    over = max(hit.column + hit.length for hit in lane.hits) - length
    hits: list[Hit] = []
    for at, sign in enumerate(columns):
        if sign in "-.":
            continue
        end = at + 1
        while end < length and columns[end] == "-":
            end += 1
        hits.append(Hit(at, end - at + (max(over, 0) if end == length else 0), sign))
    return Lane(tuple(hits), "".join(columns))


@lru_cache(maxsize=512)
def varied_passage(
    passage: Passage,
    part: str,
    in_passage: int,
    meter: Meter,
    level: int,
    number: int,
    seed: int,
    swings: bool,
) -> Strokes:
    """Bar `in_passage` of a passage as it is played in bar `number`. part: what it is of."""
    bars = passage.low if part == "bass" else passage.bars
    strokes = bar_of(bars, in_passage, meter)
    if not strokes:
        return strokes
    ways = _ways_of_passage(passage, part, in_passage, meter, seed, swings)
    found = {column: list(there) for column, there in strokes.items()}
    for edit in ways.edited(level, number, seed):
        _, height, column = edit.place
        there = [s for s in found.get(column, ()) if s.height != height]
        found[column] = [*there, edit.change] if edit.change else there
    return {column: found[column] for column in sorted(found) if found[column]}


@lru_cache(maxsize=512)
def _ways_of_passage(
    passage: Passage, part: str, in_passage: int, meter: Meter, seed: int, swings: bool
) -> _Ways[Struck | None]:
    bars = passage.low if part == "bass" else passage.bars
    strokes = bar_of(bars, in_passage, meter)
    find = _of_drummer if part == "drums" else _of_pianist
    edits = [
        Edit((part, height, column), more, after)
        for height, column, more, after in find(strokes, meter, swings)
    ]
    return _levelled(edits, _ways_of(edits, seed + 64 * (in_passage % len(bars))))


Found = Iterator[tuple[int, int, int, Struck | None]]
"""(height, column, strokes more, what is there afterwards)."""


def _of_drummer(strokes: Strokes, meter: Meter, swings: bool) -> Found:
    finest = 2 if swings else 1
    rows: dict[int, dict[int, Struck]] = {}
    for column, there in strokes.items():
        for struck in there:
            rows.setdefault(struck.height, {})[column] = struck
    for key, row in rows.items():
        keeps_time, ghosts = key in _TIME_KEYS, key == DRUMS["snare"]
        for column, struck in row.items():
            weak = meter.strength(column) == 0
            if weak and (keeps_time or struck.sign == "o"):
                yield key, column, -1, None
            if column and struck.sign == "x" and keeps_time:
                up = _ACCENT if struck.louder < 0 else -_ACCENT
                yield key, column, 0, _struck(struck, louder=struck.louder + up)
        for column in range(finest, meter.frames_per_bar, finest):
            if column in row or not (ghosts or keeps_time) or meter.strength(column):
                continue
            near = min(row.values(), key=lambda s: abs(s.column - column))
            if keeps_time and meter.strength((column + finest) % meter.frames_per_bar) == 0:
                continue
            yield key, column, 1, Struck(column, 1, key, _GHOST, near.late_ms)


def _of_pianist(strokes: Strokes, meter: Meter, swings: bool) -> Found:
    finest = 1 if not swings and any(column % 2 for column in strokes) else 2
    for column, there in strokes.items():
        for struck in there:
            if len(there) > 1 or (meter.strength(column) == 0 and struck.louder < 0):
                yield struck.height, column, -1, None
            if column and len(there) == 1:
                for other in (struck.height - 1, struck.height + 1):
                    yield struck.height, column, 0, _struck(struck, height=other)
    for column in range(finest, meter.frames_per_bar, finest):
        before = [c for c in strokes if c < column]
        if column in strokes or not before or meter.strength(column) > 1:
            continue
        echo = strokes[before[-1]][-1]
        louder = min(echo.louder, 0) + _ECHO
        yield echo.height, column, 1, Struck(column, finest, echo.height, louder, echo.late_ms)


def _struck(as_is: Struck, height: int | None = None, louder: int | None = None) -> Struck:
    height = as_is.height if height is None else height
    louder = as_is.louder if louder is None else louder
    return Struck(as_is.column, as_is.length, height, louder, as_is.late_ms)
