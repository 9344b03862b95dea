"""Rewards: pure functions of what was played."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.data.piece import piece_of
from models.data.situations import disturbed, jumped, late, returning, silenced
from models.network import vocab
from models.network.chords import CHORD_TONES
from models.training import adversary, rewards
from models.training.rewards import Habits, Played, played_of
from tests.support.examples import examples
from tests.support.model_parts import tune

C, C7, G = (1 + root * vocab.N_QUALITIES + quality for root, quality in ((0, 0), (0, 2), (7, 0)))


def played(number: int = 0, n_bars: int = 8) -> Played:
    return played_of([piece_of(tune(number, n_bars))], 16 * n_bars)


def with_chords(p: Played, chord: np.ndarray, onset: np.ndarray | None = None) -> Played:
    onset = np.zeros_like(chord) if onset is None else onset
    return replace(p, chord=chord, chord_onset=vocab.with_changes(chord, onset))


def random_chords(seed: int, p: Played) -> Played:
    dice = np.random.default_rng(seed)
    each = dice.integers(0, vocab.N_CHORDS, p.chord.shape)
    keep = np.maximum.accumulate(
        np.where(dice.random(p.chord.shape) < 0.2, np.arange(each.shape[1]), 0), 1
    )
    return with_chords(p, np.take_along_axis(each, keep, 1))


@examples(25)
@given(st.integers(0, 10**6))
def test_a_big_chord_has_no_better_fit_with_notes_by_chance(seed: int) -> None:
    """Over all twelve notes alike, every chord's fit is 0: size alone earns nothing."""
    dice = np.random.default_rng(seed)
    chord = np.full((1, 12), int(dice.integers(1, vocab.N_CHORDS)))
    p = Played(
        60 + np.arange(12)[None],
        np.ones((1, 12), np.int64),
        chord,
        np.zeros_like(chord),
        np.zeros((1, 12, 6), np.int64),
        np.ones((1, 12), np.float32),
        np.zeros(1, np.int64),
    )
    assert abs(float(rewards.fit(p).sum())) < 1e-5


@examples(15)
@given(st.integers(0, 10**6), st.integers(0, 40))
def test_rewards_are_alike_in_all_keys(seed: int, turn: int) -> None:
    p = random_chords(seed, played(seed % 5))
    root, quality = np.divmod(p.chord - 1, vocab.N_QUALITIES)
    moved_chord = np.where(p.chord > 0, 1 + (root + turn) % 12 * vocab.N_QUALITIES + quality, 0)
    moved = replace(
        p, pitch=np.where(p.pitch > 0, (p.pitch + turn) % 12 + 60, 0), chord=moved_chord
    )
    habits = Habits.none().and_of(p, 1.0), Habits.none().and_of(played(1), 1.0)
    for term in (rewards.fit, rewards.silence, rewards.too_long, rewards.struck_again):
        assert (term(p) == term(moved)).all()
    assert (rewards.on_time(p, *habits) == rewards.on_time(moved, *habits)).all()
    assert (rewards.common_moves(p, *habits) == rewards.common_moves(moved, *habits)).all()


def test_silence_costs_only_beyond_its_budget() -> None:
    p = played()
    assert rewards.silence(with_chords(p, np.full_like(p.chord, C))).sum() == 0
    silent = rewards.silence(with_chords(p, np.zeros_like(p.chord)))
    sung = (p.pitch[:, 8:] > 0).sum()
    assert 0.9 * sung < -silent.sum() < sung and silent[:, :8].sum() == 0


def test_a_chord_held_too_long_costs_from_its_ninth_beat_on() -> None:
    p = played()
    held = rewards.too_long(with_chords(p, np.full_like(p.chord, C)))
    assert held[0, :32].sum() == 0 and (held[0, 32:] == -1).all()


def test_only_strokes_of_the_same_chord_cost() -> None:
    p = played()
    onset = np.zeros_like(p.chord)
    onset[0, ::4] = 1
    again = rewards.struck_again(with_chords(p, np.full_like(p.chord, C), onset))
    assert again[0, :16].sum() == 0 and again.sum() == -(onset.sum() - rewards.MOST_STRIKES)


def test_chords_that_return_with_the_melody_are_rewarded() -> None:
    piece = returning(piece_of(tune(3, 12)), 4, 192)
    p = played_of([piece], 192)
    came_back = rewards.returns(p)
    assert came_back[0, :64].sum() == 0
    bars = p.pitch[0, 64:].reshape(-1, 16).any(1)
    assert (came_back[0, 64:].reshape(-1, 16)[bars] == 1).mean() > 0.9
    elsewhere = np.where(np.arange(192) < 64, C, G)[None]
    assert rewards.returns(with_chords(p, elsewhere)).sum() < came_back.sum() / 2


@examples(15)
@given(st.integers(0, 10**6))
def test_habits_alike_earn_nothing(seed: int) -> None:
    p = random_chords(seed, played(seed % 7))
    habits = Habits.none().and_of(p, 1.0)
    assert np.abs(rewards.on_time(p, habits, habits)).max() == 0
    assert np.abs(rewards.common_moves(p, habits, habits)).max() == 0


def test_who_changes_too_often_pays_for_changes() -> None:
    true, own = played(0), random_chords(0, played(0))
    habits = Habits.none().and_of(own, 1.0), Habits.none().and_of(true, 1.0)
    earned = rewards.on_time(own, *habits)
    off_beat = (own.of("strength") == 0) & own.changes()
    assert off_beat.any() and (earned[off_beat] < 0).all()


def test_what_every_chord_would_earn_agrees_with_what_one_earns() -> None:
    """A chord held to the end earns the discounted sum of what it earns in each frame."""
    p = with_chords(played(2), np.full((1, 128), C))
    habits = Habits.none().and_of(p, 1.0)
    closes = rewards.cadences(played(2))
    worth = dict.fromkeys(rewards.EARNED_BY_ALL, 1.0) | {"returns": 0.5, "in_style": 0.0}
    gains = rewards.gains_of_every_chord(p, habits, habits, closes, 0.9, worth)
    each = rewards.fit(p)[0] + 0.5 * rewards.returns(p)[0] + rewards.clash(p)[0]
    each += rewards.cadence(p, closes)[0]
    for frame in (0, 17, 64, 127):
        expected = float((each[frame:] * 0.9 ** np.arange(128 - frame)).sum())
        assert gains.lasting[0, frame, C] == pytest.approx(expected, abs=1e-3)
    assert (gains.beginning[..., 0] == 0).all() and (gains.beginning[0, 1:, C] == 0).all()
    assert gains.lasting.shape == (1, 128, len(CHORD_TONES))


def test_advantages_of_a_known_example() -> None:
    reward = np.array([[0.0, 0.0, 1.0, 5.0]], np.float32)
    weight = np.array([[1, 1, 1, 0]], np.float32)
    advantage, returned = rewards.advantages(reward, np.zeros_like(reward), weight, 0.5, 1.0)
    assert advantage[0].tolist() == [0.25, 0.5, 1.0, 0.0]
    assert (returned == advantage).all()


def test_the_gate_of_the_adversary() -> None:
    """One step in five while warming up; then only while it is deceived."""
    assert [s for s in range(10) if adversary.learns(s, 200, [])] == [0, 5]
    assert adversary.learns(200, 200, [0.1, 1.1, 1.2, 1.0])
    assert not adversary.learns(200, 200, [9.0, 0.5, 1.2, 1.0])
    assert not adversary.learns(200, 200, [2.0, 2.0])


@examples(30)
@given(st.integers(0, 10**6))
def test_a_disturbed_window_is_still_a_window(seed: int) -> None:
    piece = piece_of(tune(seed % 9, 12))
    after = disturbed(np.random.default_rng(seed), piece)
    assert after.n_frames == piece.n_frames == len(after.chord_onset)
    assert ((after.pitch == 0) | ((after.pitch >= 21) & (after.pitch <= 108))).all()
    assert (after.places == piece.places).all()


def test_situations() -> None:
    piece = piece_of(tune(1, 12))
    moved = jumped(piece, 64, 6, 80)
    sung = piece.pitch[64:] > 0
    assert ((moved.pitch[64:][sung] - piece.pitch[64:][sung]) % 12 == 6).all()
    assert (moved.pitch[:64] == piece.pitch[:64]).all()
    assert (moved.chord[:80] == piece.chord[:80]).all() and (
        moved.chord[80:] != piece.chord[80:]
    ).any()
    assert not silenced(piece, 30, 60).pitch[30:60].any()
    dragged = late(piece, 32, 96, 2)
    assert (dragged.pitch[34:98] == piece.pitch[32:96]).all()
    assert (dragged.pitch[98:] == piece.pitch[98:]).all()
