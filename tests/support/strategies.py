"""Hypothesis strategies for music."""

from __future__ import annotations

from hypothesis import strategies as st

from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.grid import MAX_BPM, MAX_FRAMES_PER_BAR, METERS, MIN_BPM, Meter, TempoMap
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
