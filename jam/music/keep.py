"""Keep that: the last bars that were played as a song. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate

from jam.errors import BadInput
from jam.music.chord import COMMON_NAMES, QUALITIES, Chord
from jam.music.chord_notation import Symbol
from jam.music.form import LONGEST_BARS, Form
from jam.music.grid import Meter, Place
from jam.music.key import Key, spell
from jam.music.rows import ChordState
from jam.music.song import Bar, ChordAt, Song

KEPT_BARS = (4, 8, 12, 16, 32)
"""How many of the last bars are usually kept as a song."""
MOST_KEPT_BARS = LONGEST_BARS
_USUAL_BARS = 8


def bars_to_keep(n_bars: int, form: Form | None) -> int:
    """How many of the last bars are offered to be kept: as many as the form has that was found,
    without one 8, or 4 where fewer were played."""
    if form is not None and form.bars <= max(n_bars, KEPT_BARS[0]):
        return form.bars
    return max(n for n in KEPT_BARS if n <= min(max(n_bars, KEPT_BARS[0]), _USUAL_BARS))


def kept_song(
    chords: Sequence[ChordState],
    places: Sequence[Place],
    n_bars: int,
    key: Key | None = None,
    bpm: float | None = None,
    symbols: Mapping[int, Symbol] | None = None,
    sections: Sequence[tuple[str, int]] = (),
) -> Song:
    """The last whole bars of a line of chords, one state and place a frame, as a song.

    A bar without any chord is free; where a chord ends within a bar, N.C. symbols: what was written
    for a chord, by the number of the state with which it begins. sections: (name, bars), in order.
    Raises BadInput where fewer whole bars were played.
    """
    bars = _whole_bars(_as_written(chords, symbols or {}, key), places)
    if not 1 <= n_bars <= len(bars):
        raise BadInput(f"{n_bars} bars to keep, but {len(bars)} were played")
    kept = bars[-n_bars:]
    meter = kept[0][1]
    lengths = [length for _, length in sections]
    starts = dict(zip(accumulate(lengths, initial=0), (name for name, _ in sections), strict=False))
    return Song(
        tuple(
            Bar(_written(states), starts.get(i, ""), meter=None if own == meter else own)
            for i, (states, own) in enumerate(kept)
        ),
        meter=meter,
        key=key,
        bpm=bpm,
    )


def _as_written(
    chords: Sequence[ChordState], symbols: Mapping[int, Symbol], key: Key | None
) -> list[Symbol]:
    """The symbol of every state; the same one as long as it goes on."""
    written: list[Symbol] = []
    last: Chord | None = None
    is_plain = True
    for i, state in enumerate(chords):
        own = symbols.get(i)
        if own is not None and own.chord != state.chord:
            own = None
        if i and own is None and state.chord == last and (is_plain or not state.onset):
            written.append(written[-1])
            continue
        is_plain, last = own is None, state.chord
        written.append(own or _symbol(last, key))
    return written


def _whole_bars(
    symbols: Sequence[Symbol], places: Sequence[Place]
) -> list[tuple[list[Symbol], Meter]]:
    bars: list[tuple[list[Symbol], Meter]] = []
    for symbol, place in zip(symbols, places, strict=True):
        if place.frame_in_bar == 0:
            bars.append(([], place.meter))
        if bars:
            bars[-1][0].append(symbol)
    return [(inside, meter) for inside, meter in bars if len(inside) == meter.frames_per_bar]


def _written(symbols: Sequence[Symbol]) -> tuple[ChordAt, ...] | None:
    """The chords of a bar; that which goes on into it is written at its beginning."""
    if all(symbol.chord is None for symbol in symbols):
        return None
    return tuple(
        ChordAt(frame, symbol)
        for frame, symbol in enumerate(symbols)
        if not frame or symbol != symbols[frame - 1]
    )


def _symbol(chord: Chord | None, key: Key | None) -> Symbol:
    if chord is None:
        return Symbol("N.C.")
    name = spell(chord.root, key) if key else COMMON_NAMES[chord.root]
    return Symbol(name + QUALITIES[chord.quality][1])
