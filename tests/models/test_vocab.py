"""The vocabulary: features and classes agree with the rows that live play uses."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.rows import (
    HOLD,
    LOWEST_PITCH,
    MELODY_FIRST,
    N_MELODY_CLASSES,
    NO_CHORD,
    REST,
    ChordState,
    MelodyState,
    Row,
    chord_class,
    melody_class,
)
from models.data.augment import shift_pitches
from models.decoding.decoder import memory_features, no_memory, remember
from models.decoding.memory import NO_MEMORY, features, remembered
from models.network import vocab
from models.network.chords import turn_chords
from tests.support.examples import examples

melodies = st.lists(
    st.one_of(st.just(REST), st.builds(MelodyState, st.integers(36, 96), st.booleans())),
    min_size=1,
    max_size=40,
)
chords = st.lists(
    st.one_of(
        st.just(NO_CHORD),
        st.builds(
            ChordState,
            st.builds(Chord, st.integers(0, 11), st.sampled_from(QUALITY_NAMES)),
            st.booleans(),
        ),
    ),
    min_size=1,
    max_size=40,
)


@given(melodies)
def test_melody_targets_are_the_classes_of_the_rows(melody: list[MelodyState]) -> None:
    expected = [
        melody_class(now, before) for now, before in zip(melody, [REST, *melody], strict=False)
    ]
    assert vocab.melody_targets(*vocab.melody_arrays(melody)).tolist() == expected


@given(chords)
def test_chord_targets_are_the_classes_of_the_rows(harmony: list[ChordState]) -> None:
    expected = [
        chord_class(now, before) for now, before in zip(harmony, [NO_CHORD, *harmony], strict=False)
    ]
    index, onset = vocab.chord_arrays(harmony)
    before = np.concatenate([[0], index[:-1]])
    assert vocab.chord_targets(index, onset, before).tolist() == expected


@examples(25)
@given(
    st.integers(1, 40).flatmap(
        lambda n: st.tuples(
            st.lists(melodies.map(lambda m: m[0]), min_size=n, max_size=n),
            st.lists(chords.map(lambda c: c[0]), min_size=n, max_size=n),
        )
    )
)
def test_features_one_by_one_equal_features_at_once(
    rows: tuple[list[MelodyState], list[ChordState]],
) -> None:
    pitch, onset = vocab.melody_arrays(rows[0])
    chord, chord_onset = vocab.chord_arrays(rows[1])
    at_once = vocab.melody_features(pitch, onset) | vocab.chord_features(chord, chord_onset)
    memory, alone = no_memory(1), NO_MEMORY
    for t in range(len(pitch)):
        one = (a[t : t + 1] for a in (pitch, onset, chord, chord_onset))
        memory = remember(memory, *one)
        for name, value in memory_features(memory).items():
            assert value[0] == at_once[name][t], (name, t)
        # The live path keeps the same in plain numbers.
        alone = remembered(alone, Row(rows[0][t], rows[1][t]))
        assert alone == tuple(memory[0])
        assert features(alone) == tuple(v[0] for v in memory_features(memory).values())


def test_relative_melody_classes_reach_every_pitch_near_the_last() -> None:
    for last in (40, 60, 81):
        row = vocab.MELODY_FROM_RELATIVE[last - LOWEST_PITCH]
        near = row[[MELODY_FIRST + p - LOWEST_PITCH for p in range(last - 18, last + 18)]]
        assert len(set(near.tolist())) == 36
    assert vocab.MELODY_FROM_RELATIVE.shape[1] == N_MELODY_CLASSES
    assert (vocab.MELODY_FROM_RELATIVE[:, HOLD] == 0).all()


@given(st.integers(-30, 30))
def test_transposing_there_and_back(semitones: int) -> None:
    every = np.arange(vocab.N_CHORDS)
    assert (turn_chords(turn_chords(every, semitones), -semitones) == every).all()
    pitch = np.array([0, 60, 64, 0, 67])
    moved = shift_pitches(pitch, semitones % 12)
    assert (moved[[0, 3]] == 0).all()
    assert ((moved[[1, 2, 4]] - pitch[[1, 2, 4]] - semitones) % 12 == 0).all()


def test_densities_are_told_apart_by_ratio() -> None:
    assert [vocab.density_index(x) for x in (None, 0.0, 0.3, 0.9, 1.5, 9.0)] == [0, 0, 1, 2, 3, 4]
