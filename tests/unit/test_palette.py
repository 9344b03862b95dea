"""Palette and key lock: how they are spelled, and that every mind keeps to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.key import in_key, key_name, parse_key
from jam.music.palette import allowed_chords, read_palette
from jam.music.rows import CHORD_FIRST, ChordState, MelodyState
from jam.settings import JamSettings
from models.predictor import NeuralPredictor, load_predictor
from tests.support.examples import examples
from tests.support.jamming import Jam
from tests.support.strategies import melodies

NETWORK = load_predictor()
keys = st.tuples(st.integers(0, 11), st.booleans())
entries = st.one_of(
    st.sampled_from(QUALITY_NAMES),
    st.builds(lambda r, q: Chord(r, q).symbol, st.integers(0, 11), st.sampled_from(QUALITY_NAMES)),
)


def test_keys_are_read_as_they_are_written() -> None:
    assert parse_key("C") == (0, False)
    assert parse_key("F# minor") == (6, True)
    assert parse_key("Bbm") == (10, True)
    assert parse_key("eb major") == (3, False)
    for tonic in range(12):
        for minor in (False, True):
            assert parse_key(key_name((tonic, minor))) == (tonic, minor)
    for text in ("", "Q", "C7", "C/E", "C major seven", "N.C."):
        with pytest.raises(BadInput, match="key"):
            parse_key(text)


def test_a_palette_is_of_qualities_and_chords() -> None:
    assert read_palette("maj, m7  G7 min7 Bbm") == ("maj", "min7", "G7", "Bbm")
    assert read_palette("all") == read_palette("") == ()
    chords = allowed_chords(("min7", "G7"), None)
    assert chords == frozenset(Chord(root, "min7") for root in range(12)) | {Chord(7, "7")}
    assert allowed_chords((), None) is None
    for text in ("Q7", "C/E", "major", "N.C."):
        with pytest.raises(BadInput, match="palette"):
            read_palette(text)


def test_what_leaves_no_chord_is_refused() -> None:
    assert JamSettings(palette=("7",), key_lock=(0, False)).palette == ("7",)
    with pytest.raises(BadInput, match="none of these chords is in C major"):
        JamSettings(palette=("F#7",), key_lock=(0, False))
    with pytest.raises(BadInput):
        JamSettings(palette=("F#7",)).changed(key_lock=(0, False))


def new_jam(neural: bool, seed: int, before: JamSettings) -> Jam:
    """A jam with one of the minds that the program has."""
    predictor = NETWORK if neural else RuleBasedPredictor()
    predictor.rewind(0)
    return Jam(Anticipator(predictor, seed), settings=before)


@pytest.mark.parametrize("neural", [True, False], ids=["network", "rules"])
@examples(15)
@given(
    melody=melodies(min_frames=24, max_frames=48),
    palette=st.lists(entries, max_size=4),
    key=st.none() | keys,
    seed=st.integers(0, 2**32),
)
def test_only_what_is_allowed_is_played(
    neural: bool,
    melody: list[MelodyState],
    palette: list[str],
    key: tuple[int, bool] | None,
    seed: int,
) -> None:
    try:
        chosen = JamSettings(palette=tuple(palette), key_lock=key)
    except BadInput:
        return  # nothing would be left
    allowed = allowed_chords(chosen.palette, key)
    jam = new_jam(neural, seed, chosen).play(melody)
    played = {state.chord for state in jam.line if state.chord is not None}
    assert allowed is None or played <= allowed
    assert key is None or all(in_key(chord, key) for chord in played)


@pytest.mark.parametrize("neural", [True, False], ids=["network", "rules"])
@examples(10)
@given(palette=st.lists(entries, min_size=1, max_size=3), seed=st.integers(0, 2**32))
def test_a_palette_acts_while_playing_and_does_not_silence(
    neural: bool, palette: list[str], seed: int
) -> None:
    """From the commit point on; a chord that is forbidden while it sounds goes within a beat."""
    jam = new_jam(neural, seed, JamSettings())
    melody = [MelodyState(60 + (0, 4, 7, 9)[i // 4 % 4], i % 4 == 0) for i in range(96)]

    def turn(jam: Jam, frame: int) -> bool:
        if frame == 32:
            jam.settings = jam.settings.changed(palette=tuple(palette))
        return True

    jam.play(melody, turn)
    allowed = allowed_chords(tuple(palette), None)
    assert allowed is not None
    commit_frame = 32 + 4 * jam.settings.commit_beats
    after: list[ChordState] = jam.line[commit_frame + 4 : 96]
    assert all(state.chord is None or state.chord in allowed for state in after)
    assert sum(state.chord is not None for state in after) > len(after) / 2


def test_the_network_changes_as_readily_with_a_palette_as_without() -> None:
    network: NeuralPredictor = NETWORK
    network.rewind(0)
    jam = new_jam(True, 1, JamSettings())
    jam.play([MelodyState(60 + i % 5, i % 2 == 0) for i in range(32)])
    place = jam.tempo_map.place(network.n_rows)

    free = network.chord_logits(place)
    forbidden = np.ones(len(free), bool)
    forbidden[CHORD_FIRST : CHORD_FIRST + 40] = False
    forbidden[:CHORD_FIRST] = False
    bound = network.chord_logits(place, forbidden)

    def share_of_chords(logits: np.ndarray) -> float:
        weights = np.exp(logits - logits.max())
        return float(weights[CHORD_FIRST:].sum() / weights.sum())

    assert share_of_chords(bound) == pytest.approx(share_of_chords(free), abs=1e-3)
    assert (bound[forbidden] <= -1e8).all()
