"""Latency measured by taps: slips don't move it, and what says nothing is refused."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.performance.calibration import CLICKS, INTERVAL_S, WIDEST_S, measure

CLICKS_S = [10.0 + n * INTERVAL_S for n in range(CLICKS)]


def taps(lag_s: float, sigma_s: float, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [at_s + dice.gauss(lag_s, sigma_s) for at_s in CLICKS_S]


@given(lag_s=st.floats(-0.1, 0.45), sigma_s=st.floats(0, 0.025), seed=st.integers(0, 1000))
def test_the_lag_is_found(lag_s: float, sigma_s: float, seed: int) -> None:
    found = measure(CLICKS_S, taps(lag_s, sigma_s, seed))
    # The median of 36 has a standard error of 1.25 sigma / 6: five of them are one in a million.
    assert abs(found.delay_s - lag_s) <= 1.1 * sigma_s + 1e-9
    assert found.used + found.dropped <= CLICKS and found.spread_s <= WIDEST_S


@given(
    slips=st.lists(st.tuples(st.integers(4, CLICKS - 1), st.floats(-0.3, 0.4)), max_size=9),
    left_out=st.sets(st.integers(0, CLICKS - 1), max_size=6),
)
def test_slips_and_gaps_do_not_move_it(slips: list[tuple[int, float]], left_out: set[int]) -> None:
    played = [at_s for n, at_s in enumerate(taps(0.12, 0.008)) if n not in left_out]
    played += [CLICKS_S[n] + by_s for n, by_s in slips]
    assert measure(CLICKS_S, played).delay_s == pytest.approx(0.12, abs=0.012)


def test_too_few_and_too_uneven_is_refused() -> None:
    with pytest.raises(BadInput, match="only 0 notes"):
        measure(CLICKS_S, [])
    with pytest.raises(BadInput, match="only 5 notes"):
        measure(CLICKS_S, taps(0.1, 0.0)[4:9])
    dice = random.Random(3)
    anything = [at_s + dice.uniform(-0.2, 0.5) for at_s in CLICKS_S]
    with pytest.raises(BadInput, match="too uneven"):
        measure(CLICKS_S, anything)


def test_the_offset_stays_within_the_setting() -> None:
    assert measure(CLICKS_S, taps(0.1234, 0.0)).offset_ms == 123
    assert measure(CLICKS_S, taps(0.53, 0.0)).offset_ms == 500
