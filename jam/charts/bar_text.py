"""The inside of a bar as it is typed: where in the bar each chord begins.

Chords alone share the bar: `C` has all of it, `Dm7 G7` half each, three in 4/4 have two beats, one
and one. With slashes (or dots) every word has the same length, and a slash lets the chord before
go on: `C / / G7` changes on beat 4, `/ / F /` begins in the middle. `?` is a free bar.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from jam.errors import BadInput
from jam.limits import CHORDS_IN_BAR
from jam.music.chord_notation import Symbol, read_symbol
from jam.music.grid import Meter
from jam.music.note_names import Naming, naming_shown
from jam.music.song import ChordAt, Chords

GOES_ON = ("/", ".")
FREE = ("?", "free")


def read_bar(text: str, meter: Meter) -> Chords:
    """What is typed into one bar. Raises BadInput that names the word which can't be read."""
    return chords_of(text.split(), meter)


def chords_of(words: Sequence[str], meter: Meter, naming: Naming = "english") -> Chords:
    """The words of one bar; none are a free bar. Raises BadInput."""
    if not words or (len(words) == 1 and words[0].lower() in FREE):
        return None
    if len(words) > CHORDS_IN_BAR:
        raise BadInput(f"{len(words)} words; a bar has at most {CHORDS_IN_BAR}")
    if any(word in GOES_ON for word in words):
        starts = _equal(len(words), meter)
    else:
        starts = _shared(len(words), meter)
    return tuple(
        ChordAt(frame, symbol_of(word, naming))
        for frame, word in zip(starts, words, strict=True)
        if word not in GOES_ON
    )


def symbol_of(word: str, naming: Naming = "english") -> Symbol:
    """A symbol, its notes by their English names. Raises BadInput."""
    try:
        foreign = naming != "english" or naming_shown(word) or word.startswith("Bes")
        return Symbol(read_symbol(word, naming).text if foreign else word)
    except ValueError:
        raise BadInput(f"{word[:40]!r} is not a chord symbol") from None


def is_symbol_in(word: str, naming: Naming) -> bool:
    try:
        symbol_of(word, naming)
    except BadInput:
        return False
    return True


def _equal(n: int, meter: Meter) -> list[int]:
    length, rest = divmod(meter.frames_per_bar, n)
    if rest:
        raise BadInput(f"{n} equal parts don't fill a bar of {meter}: write one for every beat")
    return [i * length for i in range(n)]


def _shared(n: int, meter: Meter) -> list[int]:
    """Where n chords begin that share a bar: by halves, by groups of beats, by beats."""
    beats, per_beat = meter.beats_per_bar, meter.frames_per_beat
    group_starts = [sum(meter.groups[:i]) * per_beat for i in range(len(meter.groups))]
    if n == 1:
        return [0]
    if beats % n == 0:
        return _equal(n, meter)
    if n == len(group_starts):
        return group_starts
    if n == 2 and len(group_starts) > 2:  # 2 + 2 + 3 as 4 + 3
        return [0, min(group_starts[1:], key=lambda f: (abs(2 * f - meter.frames_per_bar), -f))]
    if n < beats <= 4:  # 2 + 1 + 1, 2 + 1
        return [0, *((beats - n + i) * per_beat for i in range(1, n))]
    if meter.frames_per_bar % n == 0 and n > beats:
        return _equal(n, meter)
    raise BadInput(
        f"{n} chords in a bar of {meter}: write a word for every beat, / where a chord goes on"
    )


def bar_text(chords: Chords, meter: Meter) -> str:
    """A bar as it would be typed, in the shortest way."""
    if chords is None:
        return FREE[0]
    written = [chord.symbol.written for chord in chords]
    starts = [chord.frame for chord in chords]
    if starts and starts == _shared_or_none(len(starts), meter):
        return " ".join(written)
    words = grid_words(chords, meter)
    return " ".join(words)


def _shared_or_none(n: int, meter: Meter) -> list[int] | None:
    try:
        return _shared(n, meter)
    except BadInput:
        return None


def grid_words(chords: Sequence[ChordAt], meter: Meter, at_least: int = 1) -> list[str]:
    """The bar in equal parts, as few as hold every chord: a symbol, or "/" where one goes on.

    `at_least` so many where the bar can be divided so.
    """
    size = meter.frames_per_bar
    step = math.gcd(size, *(chord.frame for chord in chords))
    n = size // step
    if at_least > 1 and size % at_least == 0:
        n = math.lcm(n, at_least)
    if n == len(chords):  # all of them chords: it would be taken for a bar that is shared
        n = next((k for k in range(2 * n, size + 1, n) if size % k == 0), n)
    by_frame = {chord.frame: chord.symbol.written for chord in chords}
    return [by_frame.get(i * size // n, GOES_ON[0]) for i in range(n)]
