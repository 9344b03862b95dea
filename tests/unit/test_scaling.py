"""How many replicas there are to be: room for all, none too many, none too soon taken away."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.server.scaling import DOWN_TO, FILLED, UP_FROM, replicas_for, wanted

FILLING = st.floats(0, 500)
NOW = st.integers(1, 500)


@given(FILLING, NOW)
def test_there_is_room_for_all_and_for_some_more(filled: float, now: int) -> None:
    n = replicas_for(filled, now)
    assert n >= 1
    assert filled <= UP_FROM * n + 1e-9


@given(FILLING, NOW)
def test_one_goes_only_where_the_others_are_half_empty_after_it(filled: float, now: int) -> None:
    n = replicas_for(filled, now)
    if n < now:
        assert filled <= DOWN_TO * n + 1e-9


@given(FILLING, NOW)
def test_where_nobody_comes_or_goes_their_number_stays(filled: float, now: int) -> None:
    n = replicas_for(filled, now)
    assert replicas_for(filled, n) == n


@pytest.mark.parametrize(("players", "now", "then"), [(1, 1, 1), (2, 1, 2), (4, 1, 3), (2, 2, 2)])
def test_replicas_with_room_for_two(players: int, now: int, then: int) -> None:
    assert replicas_for(players / 2, now) == then


def test_the_policy_sums_what_replicas_report() -> None:
    reports = {FILLED: {"a": 1.5, "b": 0.5}}  # one is full, half as many wait for it
    context = SimpleNamespace(aggregated_metrics=reports, target_num_replicas=2)
    assert wanted(context) == (3, {})
    nothing_yet = SimpleNamespace(aggregated_metrics={}, target_num_replicas=1)
    assert wanted(nothing_yet) == (1, {})
