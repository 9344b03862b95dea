"""Latency measured by taps: slips don't move it, and what says nothing is refused."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.performance.calibration import CLICKS, INTERVAL_S, WIDEST_S, measure
from jam.voice.loop_back import click_onsets

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


@given(
    late_s=st.floats(0.0, 0.3),
    hum=st.floats(0, 0.02),
    level=st.floats(0.02, 0.9),
    seed=st.integers(0, 99),
)
def test_clicks_are_found_in_what_a_microphone_hears(
    late_s: float, hum: float, level: float, seed: int
) -> None:
    """With hum and noise a good deal softer than they are, to a millisecond."""
    dice, rate_hz, n = np.random.default_rng(seed), 48000, 16
    t = np.arange(round(0.03 * rate_hz)) / rate_hz
    click = level * np.exp(-t / 0.006) * np.sin(2 * np.pi * 1800 * t)
    length = round((n * INTERVAL_S + 1) * rate_hz)
    sound = hum * np.sin(2 * np.pi * 50 * np.arange(length) / rate_hz)
    sound += dice.normal(0, level / 200, length)
    starts_s = [0.5 + k * INTERVAL_S + late_s for k in range(n)]
    for start_s in starts_s:
        first = round(start_s * rate_hz)
        part = sound[first : first + len(click)]
        part += click[: len(part)]
    found = click_onsets(sound.astype(np.float32), rate_hz)
    assert len(found) == n
    assert np.abs(np.array(found) - starts_s).max() < 0.001


def test_in_silence_there_are_no_clicks() -> None:
    assert click_onsets(np.zeros(0, np.float32), 48000) == []
    assert click_onsets(np.zeros(48000, np.float32), 48000) == []
