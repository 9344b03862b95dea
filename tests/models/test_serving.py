"""Jams that share a network: each gets the plans that it would have got alone."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest
from greenlet import greenlet
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.clock import SystemClock
from jam.errors import BadInput
from jam.messages.plans import AgentRequest, Plan
from jam.music.rows import MelodyState
from jam.settings import JamSettings
from models.decoding.decoder import Stack
from models.predictor import load_predictor
from models.serving.on_torch import OnTorch
from models.serving.planner import Planner
from models.serving.together import Together, Weights
from tests.support.examples import examples
from tests.support.jamming import Jam
from tests.support.strategies import played_frames

WEIGHTS = Weights()
ON_TORCH = Weights(device="cpu")
"""The same by torch: sums in another order, so that only chances that tie can fall otherwise."""
ALONE = load_predictor()


def side_by_side(
    weights: Weights, players: list[list[MelodyState | None]], settings: list[JamSettings]
) -> list[tuple[int, Jam]]:
    """Jams that are played at the same time, each with its number."""
    together = []

    def play(k: int) -> None:
        jam = Jam(Anticipator(weights.predictor(), k), settings=settings[k])
        together.append((k, jam.play(players[k])))

    for k in range(len(players)):
        weights.together.start(greenlet(lambda k=k: play(k)))
    while weights.together.waiting:
        weights.together.advance()
    assert len(together) == len(players)
    return together


@examples(4)
@given(
    st.lists(st.lists(played_frames, min_size=10, max_size=24), min_size=2, max_size=4),
    st.sampled_from([0, 4]),
)
def test_side_by_side_is_as_alone(players: list[list[MelodyState | None]], foresight: int) -> None:
    settings = [
        JamSettings(foresight_beats=foresight, adventurous=k % 2 / 2) for k in range(len(players))
    ]
    together = side_by_side(WEIGHTS, players, settings)
    for k, jam in together:
        ALONE.rewind(0)
        alone = Jam(Anticipator(ALONE, k), settings=settings[k]).play(players[k])
        for ours, theirs in zip(jam.plans, alone.plans, strict=True):
            assert (ours.chords, ours.expected_melody) == (theirs.chords, theirs.expected_melody)
            np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-4)


def test_a_device_of_torch_agrees_with_numpy() -> None:
    """Position after position and read at once, with a past that is moved and cut."""
    rng = np.random.default_rng(4)
    decoder = ALONE._online
    config, layers = decoder.config, decoder.stack.layers
    ours: list[Stack] = [Stack(config, layers, 1) for _ in range(3)]
    engine = OnTorch(config, "cpu")
    theirs: list[Stack] = [engine.stack(Together(), layers) for _ in range(3)]
    long = rng.normal(size=(680, config.dim)).astype(np.float32)
    for stack in (ours[0], theirs[0]):
        for _ in range(3):  # nearly all that a cache holds: soon its newest part is moved
            stack.read(long)
    for stack in (ours[1], theirs[1]):
        stack.read(long[:30])
        assert stack.rewind(20)
    for _ in range(12):
        x = rng.normal(size=(3, config.dim)).astype(np.float32)
        expected = np.concatenate(
            [s.step(one).copy() for s, one in zip(ours, x[:, None], strict=True)]
        )
        np.testing.assert_allclose(engine.advance(theirs, x), expected, atol=2e-4)


def test_plans_by_torch_are_those_by_numpy() -> None:
    rng = np.random.default_rng(0)
    players: list[list[MelodyState | None]] = [
        [MelodyState(int(p), True) for p in rng.integers(60, 72, 4)] for _ in range(2)
    ]
    settings = [JamSettings(), JamSettings(foresight_beats=0)]
    ours = dict(side_by_side(WEIGHTS, players, settings))
    theirs = dict(side_by_side(ON_TORCH, players, settings))
    for k, jam in ours.items():
        for own, their in zip(jam.plans, theirs[k].plans, strict=True):
            assert own.chords == their.chords
            np.testing.assert_allclose(own.confidence, their.confidence, atol=1e-4)


def test_a_device_that_is_not_there_is_named() -> None:
    for name in ("abacus", "cuda:x", "cpu:1", "cuda:1000"):
        with pytest.raises(BadInput, match=f"--device {name}"):
            Weights(device=name)


def test_a_planner_answers_each_jam_and_whoever_fails_fails_alone() -> None:
    planner = Planner(WEIGHTS, SystemClock().now_s)
    try:
        jams = [planner.open() for _ in range(6)]
        answers: dict[int, Plan | None] = {}
        answered = threading.Semaphore(0)

        def done(k: int) -> Callable[[Plan | None], None]:
            def take(plan: Plan | None) -> None:
                answers[k] = plan
                answered.release()

            return take

        here = Jam(Anticipator(ALONE, 3), settings=JamSettings())
        ALONE.rewind(0)
        request = here.request()
        for k, jam in enumerate(jams):
            # The last of them goes on from what nobody knows.
            asked = request if k < 5 else here.request(first_frame=9)
            planner.submit(jam, AgentRequest(1, 3, asked), done(k))
        for _ in jams:
            assert answered.acquire(timeout=30)
        plan = here.ask()
        assert answers.pop(5) is None
        assert len(answers) == 5
        for found in answers.values():
            assert found is not None
            assert found.chords == plan.chords
        assert max(planner.sizes()) > 1
    finally:
        planner.close()
