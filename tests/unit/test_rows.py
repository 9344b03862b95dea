"""States and classes: what is encoded comes back, and no class leads to nonsense."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.music.chord import Chord
from jam.music.rows import (
    CHORD_NONE,
    HIGHEST_PITCH,
    HOLD,
    LOWEST_PITCH,
    MELODY_REST,
    N_CHORD_CLASSES,
    N_MELODY_CLASSES,
    NO_CHORD,
    REST,
    ChordState,
    MelodyState,
    chord_class,
    chord_of_class,
    chord_state,
    fold_pitch,
    melody_class,
    melody_state,
    onset_class,
)
from tests.support.strategies import chords, harmonies, melodies


@given(harmonies())
def test_harmony_to_classes_and_back(states: list[ChordState]) -> None:
    before = decoded = NO_CHORD
    for state in states:
        decoded = chord_state(chord_class(state, before), decoded)
        assert decoded == state
        before = state


@given(melodies())
def test_melody_to_classes_and_back(states: list[MelodyState]) -> None:
    before = decoded = REST
    for state in states:
        decoded = melody_state(melody_class(state, before), decoded)
        assert decoded == state
        before = state


@given(st.integers(0, N_CHORD_CLASSES - 1), harmonies(min_frames=1))
def test_every_chord_class_is_valid_after_everything(class_: int, states: list[ChordState]) -> None:
    state = chord_state(class_, states[-1])
    again = chord_class(state, states[-1])
    # Only "none" where there was none is another way to say "hold".
    redundant = class_ == CHORD_NONE and states[-1].chord is None
    assert again == (HOLD if redundant else class_)


@given(st.integers(0, N_MELODY_CLASSES - 1), melodies(min_frames=1))
def test_every_melody_class_is_valid_after_everything(
    class_: int, states: list[MelodyState]
) -> None:
    state = melody_state(class_, states[-1])
    redundant = class_ == MELODY_REST and states[-1].pitch is None
    assert melody_class(state, states[-1]) == (HOLD if redundant else class_)


@given(chords)
def test_classes_of_chords(chord: Chord) -> None:
    assert chord_of_class(onset_class(chord)) == chord


def test_every_onset_class_is_a_chord_of_its_own() -> None:
    onsets = {chord_of_class(class_) for class_ in range(CHORD_NONE + 1, N_CHORD_CLASSES)}
    assert len(onsets) == N_CHORD_CLASSES - 2


@pytest.mark.parametrize("class_", [-1, HOLD, CHORD_NONE, N_CHORD_CLASSES])
def test_classes_without_a_chord(class_: int) -> None:
    with pytest.raises(ValueError, match="class"):
        chord_of_class(class_)


@given(st.integers(0, 127))
def test_pitches_are_folded_by_octaves(pitch: int) -> None:
    folded = fold_pitch(pitch)
    assert LOWEST_PITCH <= folded <= HIGHEST_PITCH
    assert (folded - pitch) % 12 == 0
    assert folded == pitch or not LOWEST_PITCH <= pitch <= HIGHEST_PITCH


def test_a_chord_that_appears_from_nowhere_is_struck() -> None:
    """A splice (a sustained chord whose beginning is missing) becomes an onset."""
    c, g = Chord(0), Chord(7)
    assert chord_class(ChordState(g, False), ChordState(c, True)) == onset_class(g)
    assert melody_class(MelodyState(60, False), MelodyState(62, True)) == melody_class(
        MelodyState(60, True)
    )
