"""Keep that: the last bars that were played as a song. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from jam.errors import BadInput
from jam.music.chord import COMMON_NAMES, QUALITIES, Chord
from jam.music.form import Form
from jam.music.grid import Meter, Place
from jam.music.key import Key, spell
from jam.music.rows import ChordState
from jam.music.song import Bar, ChordAt, Song, Symbol

KEPT_BARS = (4, 8, 12, 16, 32)
"""How many of the last bars can be kept as a song."""
_USUAL_BARS = 8


def bars_to_keep(n_bars: int, form: Form | None) -> int:
    """How many of the last bars are offered to be kept: one of KEPT_BARS.

    The form's length where it is one of them, else the longest that its end allows; without a form
    8 bars. Never more than were played, if that many were.
    """
    wanted = _USUAL_BARS
    if form is not None:
        fitting = [n for n in KEPT_BARS if n == form.bars or (n > form.bars and n % form.bars == 0)]
        wanted = fitting[0] if fitting else max(n for n in KEPT_BARS if n <= max(form.bars, 4))
    allowed = [n for n in KEPT_BARS if n <= max(n_bars, KEPT_BARS[0])]
    return max(n for n in allowed if n <= max(wanted, KEPT_BARS[0]))


def kept_song(
    chords: Sequence[ChordState],
    places: Sequence[Place],
    n_bars: int,
    key: Key | None = None,
    bpm: float | None = None,
) -> Song:
    """The last whole bars of a line of chords, one state and place a frame, as a song.

    A bar without any chord is free; where a chord ends within a bar, N.C. Raises BadInput
    where fewer whole bars were played.
    """
    bars = _whole_bars(chords, places)
    if not 1 <= n_bars <= len(bars):
        raise BadInput(f"{n_bars} bars to keep, but {len(bars)} were played")
    kept = bars[-n_bars:]
    meter = kept[0][1]
    return Song(
        tuple(
            Bar(_written(states, key), meter=None if own == meter else own) for states, own in kept
        ),
        meter=meter,
        key=key,
        bpm=bpm,
    )


def _whole_bars(
    chords: Sequence[ChordState], places: Sequence[Place]
) -> list[tuple[list[ChordState], Meter]]:
    bars: list[tuple[list[ChordState], Meter]] = []
    for state, place in zip(chords, places, strict=True):
        if place.frame_in_bar == 0:
            bars.append(([], place.meter))
        if bars:
            bars[-1][0].append(state)
    return [(states, meter) for states, meter in bars if len(states) == meter.frames_per_bar]


def _written(states: Sequence[ChordState], key: Key | None) -> tuple[ChordAt, ...] | None:
    """The chords of a bar; that which goes on into it is written at its beginning."""
    if all(state.chord is None for state in states):
        return None
    written: list[ChordAt] = []
    last: Chord | None = None
    for frame, state in enumerate(states):
        if frame and state.chord == last:
            continue
        last = state.chord
        written.append(ChordAt(frame, _symbol(last, key)))
    return tuple(written)


def _symbol(chord: Chord | None, key: Key | None) -> Symbol:
    if chord is None:
        return Symbol("N.C.")
    name = spell(chord.root, key) if key else COMMON_NAMES[chord.root]
    return Symbol(name + QUALITIES[chord.quality][1])
