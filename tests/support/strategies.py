"""Hypothesis strategies for music."""

from __future__ import annotations

from hypothesis import strategies as st

from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS
from jam.music.chord import QUALITIES, QUALITY_NAMES, Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import MAX_BPM, MAX_FRAMES_PER_BAR, METERS, MIN_BPM, Meter, TempoMap
from jam.music.repeats import MARKS
from jam.music.rows import (
    HIGHEST_PITCH,
    LOWEST_PITCH,
    N_CHORD_CLASSES,
    N_MELODY_CLASSES,
    NO_CHORD,
    REST,
    ChordState,
    MelodyState,
    chord_state,
    melody_state,
)
from jam.music.song import Bar, ChordAt, Chords, Song, as_label, as_section

bpms = st.floats(MIN_BPM, MAX_BPM)
usual_meters = st.sampled_from([Meter.parse(text) for text in METERS])
all_meters = st.sampled_from(
    [
        Meter(numerator, denominator)
        for denominator in (2, 4, 8)
        for numerator in range(1, MAX_FRAMES_PER_BAR * denominator // 16 + 1)
    ]
)
chords = st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITY_NAMES))


@st.composite
def tempo_maps(draw: st.DrawFn, max_changes: int = 5) -> TempoMap:
    """Maps with changes of tempo and metre anywhere, bar lines or not."""
    tempo_map = TempoMap.constant(draw(bpms), draw(all_meters), draw(st.floats(-100, 1e5)))
    frame = 0
    for _ in range(draw(st.integers(0, max_changes))):
        frame += draw(st.integers(0, 200))
        if draw(st.booleans()):
            tempo_map = tempo_map.with_tempo(frame, draw(bpms))
        else:
            tempo_map = tempo_map.with_meter(frame, draw(all_meters))
    return tempo_map


def _holding(n_classes: int) -> st.SearchStrategy[int]:
    """A class, most often "hold" (0), as in music."""
    return st.one_of(st.just(0), st.just(0), st.integers(0, n_classes - 1))


@st.composite
def melodies(draw: st.DrawFn, min_frames: int = 0, max_frames: int = 64) -> list[MelodyState]:
    """One state a frame, as a sequence that can be played."""
    classes = draw(st.lists(_holding(N_MELODY_CLASSES), min_size=min_frames, max_size=max_frames))
    states, before = [], REST
    for class_ in classes:
        before = melody_state(class_, before)
        states.append(before)
    return states


@st.composite
def harmonies(draw: st.DrawFn, min_frames: int = 0, max_frames: int = 64) -> list[ChordState]:
    """One chord state a frame, as a sequence that can be played."""
    classes = draw(st.lists(_holding(N_CHORD_CLASSES), min_size=min_frames, max_size=max_frames))
    states, before = [], NO_CHORD
    for class_ in classes:
        before = chord_state(class_, before)
        states.append(before)
    return states


played_frames = st.one_of(
    *([st.none()] * 8),
    st.just(REST),
    st.builds(MelodyState, st.integers(LOWEST_PITCH, HIGHEST_PITCH), st.just(True)),
)
"""What a player does in a frame: mostly what is expected (None), now and then a surprise."""
players = st.lists(played_frames, max_size=48)


_ROOTS = [letter + sign for letter in "CDEFGAB" for sign in ("", "b", "#")]
_SUFFIXES = [
    *(suffix for _, suffix in QUALITIES.values()),
    *("7b9", "7alt", "6/9", "7#11", "-7", "^7", "h7", "o7", "13", "7(b9,b13)", "M7", "+", "add9"),
]
symbols = st.one_of(
    st.just("N.C."),
    st.builds(
        lambda root, suffix, bass: root + suffix + bass,
        st.sampled_from(_ROOTS),
        st.sampled_from(_SUFFIXES),
        st.one_of(st.just(""), st.sampled_from(_ROOTS).map("/".__add__)),
    ),
).map(Symbol)
labels = st.text(max_size=LABEL_CHARACTERS).map(as_label)
keys = st.tuples(st.integers(0, 11), st.booleans())


@st.composite
def bars_chords(draw: st.DrawFn, meter: Meter, step: int = 1) -> Chords:
    """Free, or chords on any of the bar's frames (of every `step`-th)."""
    if draw(st.booleans()):
        frames = draw(st.sets(st.integers(0, (meter.frames_per_bar - 1) // step), max_size=4))
        return tuple(ChordAt(frame * step, draw(symbols)) for frame in sorted(frames))
    return draw(st.one_of(st.none(), symbols.map(lambda symbol: (ChordAt(0, symbol),))))


@st.composite
def songs(
    draw: st.DrawFn,
    meters: st.SearchStrategy[Meter] = all_meters,
    step: int = 1,
    one_meter: bool = False,
    marks: bool = True,
) -> Song:
    """Songs of any form that has an end."""
    meter = draw(meters)
    bars = []
    for _ in range(draw(st.integers(1, 9))):
        other = None if one_meter else draw(st.one_of(*[st.none()] * 5, meters))
        other = None if other == meter else other
        bars.append(
            Bar(
                draw(bars_chords(other or meter, step)),
                draw(st.one_of(*[st.just("")] * 3, st.text(max_size=8).map(as_section))),
                draw(st.sampled_from((False, False, True))),
                draw(st.sampled_from((1, 1, 1, 2, 3))),
                draw(st.sampled_from([frozenset[int]()] * 4 + [frozenset({1}), frozenset({2, 3})])),
                draw(st.frozensets(st.sampled_from(MARKS), max_size=2)) if marks else frozenset(),
                other,
            )
        )
    try:
        return Song(
            tuple(bars),
            draw(labels),
            draw(labels),
            meter,
            draw(st.one_of(st.none(), st.integers(30, 300).map(float))),
            draw(st.one_of(st.none(), keys)),
            draw(labels),
        )
    except BadInput:  # no end to it
        return Song((Bar(),), meter=meter)
