"""Jams that share a network: each gets the plans that it would have got alone."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
from greenlet import greenlet
from hypothesis import given
from hypothesis import strategies as st

from jam.agent.anticipation import Anticipator
from jam.clock import SystemClock
from jam.messages.plans import AgentRequest, Plan
from jam.music.rows import MelodyState
from jam.settings import JamSettings
from models.predictor import load_predictor
from models.serving.planner import Planner
from models.serving.together import Weights
from tests.support.examples import examples
from tests.support.jamming import Jam
from tests.support.strategies import played_frames

WEIGHTS = Weights()
ALONE = load_predictor()


@examples(4)
@given(
    st.lists(st.lists(played_frames, min_size=10, max_size=24), min_size=2, max_size=4),
    st.sampled_from([1, 4]),
)
def test_side_by_side_is_as_alone(players: list[list[MelodyState | None]], futures: int) -> None:
    settings = [JamSettings(futures=futures, adventurous=k % 2 / 2) for k in range(len(players))]
    together = []

    def play(k: int) -> None:
        jam = Jam(Anticipator(WEIGHTS.predictor(), k), settings=settings[k])
        together.append((k, jam.play(players[k])))

    for k in range(len(players)):
        WEIGHTS.together.start(greenlet(lambda k=k: play(k)))
    while WEIGHTS.together.waiting:
        WEIGHTS.together.advance()
    assert len(together) == len(players)
    for k, jam in together:
        ALONE.rewind(0)
        alone = Jam(Anticipator(ALONE, k), settings=settings[k]).play(players[k])
        for ours, theirs in zip(jam.plans, alone.plans, strict=True):
            assert (ours.chords, ours.expected_melody) == (theirs.chords, theirs.expected_melody)
            np.testing.assert_allclose(ours.confidence, theirs.confidence, atol=1e-4)


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
