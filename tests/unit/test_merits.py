"""What a new chord is weighed by."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jam.agent.anticipation import Anticipator
from jam.agent.merits import merits, places_from, with_kinds_of
from jam.music.chord import Chord
from jam.music.grid import Meter, Place, TempoMap
from jam.music.rows import CHORD_FIRST, N_CHORD_CLASSES, MelodyState, chord_of_class, onset_class
from jam.settings import JamSettings
from models.predictor import load_predictor
from tests.support.jamming import Jam, WaryPredictor
from tests.support.strategies import chords, melodies, usual_meters

C, F = Chord(0, "maj"), Chord(5, "maj")
PREDICTOR = load_predictor()


@given(st.integers(0, 500), st.integers(0, 40), usual_meters)
def test_places_go_on_in_their_metre(frame: int, n: int, meter: object) -> None:
    tempo_map = TempoMap.constant(100, meter)  # type: ignore[arg-type]
    found = places_from(tempo_map.place(frame), n)
    assert found == [tempo_map.place(frame + i) for i in range(n)]


def sounding(*pitches: int) -> NDArray[np.float64]:
    return np.bincount(np.array(pitches, np.int64) % 12, minlength=12).astype(float)


def best_fitting(
    some: list[Chord], heard: NDArray[np.float64], before: Chord | None = None, bar: int = 0
) -> int:
    """Number of the chord that is worth most on the line of that bar."""
    worth = merits(heard, before, Place(bar, 0, Meter(4, 4)))
    return int(np.argmax([worth[onset_class(chord)] for chord in some]))


def test_the_chord_that_has_the_notes_fits_best() -> None:
    assert best_fitting([F, C], sounding(60, 64, 67, 67, 60, 76)) == 1
    assert best_fitting([F, C], sounding(60, 65, 69)) == 0


def test_notes_that_nobody_plays_are_no_merit() -> None:
    ninth = Chord(0, "maj9")
    assert best_fitting([ninth, C], sounding(60, 64, 67)) == 1
    assert best_fitting([C, ninth], sounding(60, 64, 67, 71, 74)) == 1


def test_a_dominant_leads_on() -> None:
    """Of chords that fit nearly alike the one is taken to which the chord before leads."""
    both = sounding(*8 * [60], 64, 69)
    a_minor = Chord(9, "min")
    assert best_fitting([a_minor, C], both) == 0
    assert best_fitting([a_minor, C], both, Chord(7, "7")) == 1
    assert best_fitting([a_minor, C], both, Chord(4, "7")) == 0
    assert best_fitting([F, C], sounding(65, 69, 72, 69), Chord(7, "7")) == 0  # it doesn't fit


def test_a_held_note_doesnt_clash() -> None:
    """A fourth above a major chord's root clashes with its third; a minor ninth is a dominant's."""
    fourth = sounding(*5 * [65], 67, 71)
    assert best_fitting([Chord(0, "maj"), Chord(7, "sus4")], fourth) == 1
    flat_nine = sounding(*5 * [61], 64, 67, 70)
    assert best_fitting([Chord(0, "min7"), Chord(0, "7")], flat_nine) == 1


def test_phrases_close() -> None:
    """From V to I on the line of a phrase's last bar, though another chord fits a little better."""
    heard = sounding(*6 * [60], *5 * [64], 69)
    a_minor, five = Chord(9, "min"), Chord(7, "maj")
    assert best_fitting([a_minor, C], heard, five, bar=2) == 0
    assert best_fitting([a_minor, C], heard, five, bar=3) == 1


@given(st.lists(chords, min_size=1, max_size=8))
def test_without_a_melody_the_first_is_taken(some: list[Chord]) -> None:
    assert best_fitting(some, np.zeros(12)) == 0


@given(st.lists(chords, min_size=1, max_size=6), st.integers(0, 11), st.integers(0, 99))
def test_what_fits_is_the_same_in_every_key(some: list[Chord], up: int, seed: int) -> None:
    heard = np.random.default_rng(seed).random(12)
    heard /= heard.sum()
    moved = [Chord((chord.root + up) % 12, chord.quality) for chord in some]

    worth, turned = (merits(h, None, Place(0, 0, Meter(4, 4))) for h in (heard, np.roll(heard, up)))
    for chord, other in zip(some, moved, strict=True):
        assert worth[onset_class(chord)] == pytest.approx(turned[onset_class(other)])


@given(melodies(min_frames=4, max_frames=20), st.integers(0, 1000), st.sampled_from([2, 4, 8]))
def test_when_the_chord_changes_is_left_to_the_dice(
    melody: list[MelodyState], seed: int, foresight: int
) -> None:
    """Up to and including the first new chord of a plan, chords are struck in the same frames."""
    one, several = (
        Jam(Anticipator(WaryPredictor(), seed), settings=JamSettings(foresight_beats=n)).ask()
        for n in (0, foresight)
    )
    for a, b in zip(one.chords, several.chords, strict=True):
        assert a.onset == b.onset
        if a != b:
            break


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 8))
def test_kinds_stay_as_likely_and_the_rest_is_as_it_was_weighed(seed: int, spread: float) -> None:
    before, now = spread * np.random.default_rng(seed).normal(size=(2, N_CHORD_CLASSES))
    found = with_kinds_of(now, before)
    shares, was, weighed = (np.exp(x) / np.exp(x).sum() for x in (found, before, now))
    size = [len(chord_of_class(c).pitch_classes) for c in range(CHORD_FIRST, N_CHORD_CLASSES)]
    kinds = np.array([0, 1, *(3 if n > 3 else 2 for n in size)])
    for kind in range(4):
        of_kind = kinds == kind
        assert shares[of_kind].sum() == pytest.approx(was[of_kind].sum(), abs=1e-9)
        among = shares[of_kind] / max(1e-300, shares[of_kind].sum())
        assert among == pytest.approx(weighed[of_kind] / weighed[of_kind].sum(), abs=1e-6)
