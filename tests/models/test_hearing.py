"""What a musician hears, on tunes whose answers are known by ear; and intervals."""

from __future__ import annotations

import numpy as np
import pytest

from jam.music.chord import Chord
from jam.music.grid import Meter
from jam.music.rows import ChordState, MelodyState
from models.data.leadsheet import LeadSheet, chord_states, melody_states
from models.data.phrases import held_notes, phrase_ends
from models.data.piece import piece_of
from models.evaluation.contestants import truth
from models.evaluation.hearing import heard, local_keys
from models.evaluation.intervals import beyond_chance, differences, estimates
from models.evaluation.metrics import Jam
from models.network import vocab
from models.network.chords import CLASHES

C, F, G7, AM = Chord(0), Chord(5), Chord(7, "7"), Chord(9, "min")


def sheet(notes: list[tuple[int, int, int]], chords: list[tuple[int, Chord]]) -> LeadSheet:
    """Notes as (start, end, pitch); chords as (bars, chord) one after another, in 4/4."""
    frame, spans = 0, []
    for bars, chord in chords:
        spans.append((frame, frame + 16 * bars, chord))
        frame += 16 * bars
    melody: tuple[MelodyState, ...] = melody_states(notes, frame)
    harmony: tuple[ChordState, ...] = chord_states(spans, frame)
    return LeadSheet("tests", "one", ((0, Meter(4, 4)),), melody, harmony)


def song(chords: list[tuple[int, Chord]]) -> Jam:
    """Four bars of quarters and a long last note, twice, with chords."""
    bar = [(0, 4, 60), (4, 8, 64), (8, 12, 67), (12, 16, 64)]
    phrase = [(16 * b + s, 16 * b + e, p) for b in range(3) for s, e, p in bar] + [(48, 64, 60)]
    notes = [(64 * i + s, 64 * i + e, p) for i in range(2) for s, e, p in phrase]
    (jam,) = truth([piece_of(sheet(notes, chords))])
    return jam


def shares(jam: Jam, true: Jam) -> dict[str, float]:
    return {k: hit / of for k, (hit, of) in heard(jam, true).items() if of}


TRUE = song([(2, C), (1, G7), (1, C)] * 2)


def test_a_phrase_ends_where_a_long_note_is_followed_by_nothing() -> None:
    assert phrase_ends(TRUE.onset, TRUE.places) == [48, 112]


def test_a_cadence_is_heard_at_the_end_of_a_phrase() -> None:
    assert shares(TRUE, TRUE)["cadence"] == shares(TRUE, TRUE)["cadence_kept"] == 1
    plagal = shares(song([(2, C), (1, F), (1, C)] * 2), TRUE)
    assert plagal["cadence"] == plagal["cadence_the_same"] == 0
    elsewhere = shares(song([(2, C), (1, C), (1, F)] * 2), TRUE)
    assert elsewhere["cadence_kept"] == 1 and elsewhere["cadence_the_same"] == 0


def test_chords_return_with_their_melody_or_not() -> None:
    assert shares(TRUE, TRUE)["return"] < 1  # the third bar is the first with another chord
    same = song([(3, C), (1, AM)] * 2)
    assert shares(same, TRUE)["return"] == shares(same, TRUE)["form_4"] == 1
    other = song([(3, C), (1, AM), (3, F), (1, C)])
    assert shares(other, TRUE)["form_4"] == 0


def test_a_held_note_a_semitone_above_a_tone_clashes() -> None:
    assert CLASHES[vocab.chord_index(ChordState(C, True)), 5]  # F over C
    assert not CLASHES[vocab.chord_index(ChordState(G7, True)), 8]  # the ninth of a dominant
    assert not CLASHES[:, 0][0]
    assert shares(TRUE, TRUE)["clash"] > 0  # C held over G7's B
    assert shares(song([(8, C)]), TRUE)["clash"] == 0
    held = held_notes(
        np.array([60, 60, 60, 60, 62, 62, 0, 0]), np.eye(8, dtype=int)[0], np.array(4)
    )
    assert held.tolist() == [True] * 4 + [False] * 4


def test_the_key_of_a_plain_song_is_its_tonic() -> None:
    assert set(local_keys(TRUE)) == {0}
    assert shares(TRUE, TRUE)["diatonic"] == 1 and shares(TRUE, TRUE)["dominants_resolve"] == 1


def test_intervals_hold_the_share_and_tell_chance_from_difference() -> None:
    dice = np.random.default_rng(1)
    one = [{"fit": (float(dice.binomial(50, 0.5)), 50.0)} for _ in range(60)]
    two = [{"fit": (hit + 6, of)} for p in one for hit, of in p.values()]
    found = estimates(one)["fit"]
    assert found.low < found.value < found.high and found.value == pytest.approx(0.5, abs=0.05)
    assert not beyond_chance(differences(one, one)["fit"])
    more = differences(one, two)["fit"]
    assert beyond_chance(more) and more.value == pytest.approx(0.12)
