"""The table of qualities and the key finder. (Reading chord symbols has tests of its own.)"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.music.chord import (
    COMMON_NAMES,
    FLAT_NAMES,
    QUALITIES,
    QUALITY_INDEX,
    QUALITY_NAMES,
    SHARP_NAMES,
    Chord,
    pitch_class,
    quality_of_intervals,
)
from jam.music.key import best_key
from tests.support.strategies import chords

MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 11)


def test_the_table_is_one() -> None:
    assert [QUALITY_INDEX[name] for name in QUALITY_NAMES] == list(range(len(QUALITIES)))
    notes = {frozenset(intervals) for intervals, _ in QUALITIES.values()}
    symbols = {suffix for _, suffix in QUALITIES.values()}
    assert len(notes) == len(symbols) == len(QUALITIES)
    assert all(0 in intervals for intervals, _ in QUALITIES.values())


@pytest.mark.parametrize("quality", QUALITY_NAMES)
def test_a_quality_is_its_own_reduction(quality: str) -> None:
    assert quality_of_intervals(frozenset(QUALITIES[quality][0])) == quality


@given(st.frozensets(st.integers(0, 11)))
def test_any_set_of_intervals_has_a_reduction_or_none(intervals: frozenset[int]) -> None:
    quality = quality_of_intervals(intervals)
    assert quality is None or quality in QUALITIES
    if intervals & {3, 4}:
        assert quality is not None


@given(chords, st.integers(-24, 24))
def test_transposition(chord: Chord, semitones: int) -> None:
    moved = chord.transposed(semitones)
    assert moved.quality == chord.quality
    assert moved.pitch_classes == tuple((pc + semitones) % 12 for pc in chord.pitch_classes)
    assert moved.transposed(-semitones) == chord


@given(chords)
def test_pitch_classes_begin_with_the_root(chord: Chord) -> None:
    assert chord.pitch_classes[0] == chord.root
    assert len(set(chord.pitch_classes)) == len(chord.pitch_classes)
    assert chord.symbol.startswith(COMMON_NAMES[chord.root])


@pytest.mark.parametrize(("root", "quality"), [(-1, "maj"), (12, "maj"), (0, "major"), (0, "")])
def test_chords_that_do_not_exist(root: int, quality: str) -> None:
    with pytest.raises(ValueError, match="no such chord"):
        Chord(root, quality)


@pytest.mark.parametrize("names", [SHARP_NAMES, FLAT_NAMES, COMMON_NAMES])
def test_names_of_notes(names: tuple[str, ...]) -> None:
    assert [pitch_class(name) for name in names] == list(range(12))


def test_spellings_of_accidentals() -> None:
    assert pitch_class("B♭") == pitch_class("b-") == pitch_class("A#") == 10
    assert pitch_class("Cb") == 11 and pitch_class("B##") == 1


@pytest.mark.parametrize("name", ["", "H", "#", "Cx", "1"])
def test_what_is_no_note(name: str) -> None:
    with pytest.raises(ValueError, match="not a note"):
        pitch_class(name)


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("minor", [False, True])
def test_the_key_of_a_scale(tonic: int, minor: bool) -> None:
    weights = [0.0] * 12
    for step in MINOR if minor else MAJOR:
        weights[(tonic + step) % 12] += 1.0
    weights[tonic] += 1.0
    weights[(tonic + 7) % 12] += 1.0
    assert best_key(weights) == (tonic, minor)


@given(st.lists(st.floats(0, 100), min_size=12, max_size=12), st.integers(0, 11))
def test_the_key_moves_with_the_music(weights: list[float], up: int) -> None:
    """Where one key is clearly the best: ties are settled by order."""
    moved = [weights[(i - up) % 12] for i in range(12)]
    tonic, minor = best_key(weights)
    scores = sorted(_scores(weights), reverse=True)
    if scores[0] - scores[1] > 1e-6:
        assert best_key(moved) == ((tonic + up) % 12, minor)


def _scores(weights: list[float]) -> list[float]:
    """Correlation with every key, by the definition."""
    from jam.music.key import _MAJOR_PROFILE, _MINOR_PROFILE

    mean = sum(weights) / 12
    scores = []
    for profile in (_MAJOR_PROFILE, _MINOR_PROFILE):
        mid = sum(profile) / 12
        norm = sum((p - mid) ** 2 for p in profile) ** 0.5
        for tonic in range(12):
            dot = sum((weights[i] - mean) * (profile[(i - tonic) % 12] - mid) for i in range(12))
            scores.append(dot / norm)
    return scores


def test_no_notes_are_in_c_major() -> None:
    assert best_key([0.0] * 12) == (0, False)
