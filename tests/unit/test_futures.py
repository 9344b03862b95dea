"""Several futures: what a new chord is weighed against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from jam.agent.anticipation import Anticipator
from jam.agent.futures import merits, places_from
from jam.agent.predictor import gumbel_noise
from jam.agent.rules import continued
from jam.music.chord import Chord
from jam.music.grid import Meter, Place, TempoMap
from jam.music.rows import N_MELODY_CLASSES, ChordState, MelodyState, onset_class
from jam.settings import JamSettings
from models.network.vocab import N_AGREEMENTS
from models.predictor import REMEMBERED, load_predictor
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


@pytest.mark.parametrize("n_rows", [1, 30, 90])
def test_side_by_side_is_one_after_the_other(n_rows: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The network continues many melodies in step as it continues each alone."""
    # What came at a like place is added to all of them together: none of them copies it.
    alone_it_says = replace(PREDICTOR._rules, trust_in_melody=(0.0,) * N_AGREEMENTS)
    monkeypatch.setattr(PREDICTOR, "_rules", alone_it_says)
    tempo_map = TempoMap.constant(100, JamSettings().meter)
    jam = Jam(Anticipator(PREDICTOR, 3))
    jam.play([MelodyState(60 + i * 5 % 12, i % 2 == 0) for i in range(n_rows)])
    PREDICTOR.rewind(n_rows - 1)
    place = tempo_map.place(n_rows - 1)
    before = PREDICTOR.chord_logits(place)
    some = [ChordState(Chord(root, "min7"), True) for root in (2, 4, 9)]
    noise = np.array(
        [[gumbel_noise(9, i, k, N_MELODY_CLASSES) for i in range(12)] for k in range(len(some))]
    )
    ahead = places_from(place, 12)
    together = PREDICTOR.continuations(some, ahead, noise, 1.0)
    assert PREDICTOR.n_rows == n_rows - 1
    assert np.array_equal(PREDICTOR.chord_logits(place), before)
    last = jam.rows[n_rows - 2].melody if n_rows > 1 else MelodyState()
    alone = continued(PREDICTOR, last, some, ahead, noise, 1.0)
    alone += PREDICTOR.sang_then(ahead, float(alone.sum()))
    # A rounding error may turn a draw once in a great while; this one is pinned.
    np.testing.assert_allclose(together, alone, atol=1e-3)
    assert 0 < together.sum() <= (1 + REMEMBERED) * len(some) * len(ahead) + 1e-9


@given(melodies(min_frames=4, max_frames=20), st.integers(0, 1000), st.sampled_from([2, 4, 8]))
def test_when_the_chord_changes_is_left_to_the_dice(
    melody: list[MelodyState], seed: int, futures: int
) -> None:
    """Up to and including the first new chord of a plan, chords are struck in the same frames."""
    one, several = (
        Jam(Anticipator(WaryPredictor(), seed), settings=JamSettings(futures=n)).ask()
        for n in (1, futures)
    )
    for a, b in zip(one.chords, several.chords, strict=True):
        assert a.onset == b.onset
        if a != b:
            break
