"""Intervals by bootstrap over pieces (Efron & Tibshirani 1993), and what differs beyond chance.

The pieces are the sample: they are drawn anew with replacement, all their hits and chances with
them. Two players are compared on the same draws, which takes out what the pieces have in common.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DRAWS, LEVEL = 1000, 0.95

Shares = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A share over all pieces with its interval; NaN where there was no chance."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ± {(self.high - self.low) / 2:.3f}"


def _shares(pieces: Sequence[Mapping[str, tuple[float, float]]], name: str) -> Shares:
    """The share over all pieces, and then of each draw: (1 + DRAWS,)."""
    table = np.array([p.get(name, (0.0, 0.0)) for p in pieces])
    picks = np.random.default_rng(0).integers(0, len(pieces), (DRAWS, len(pieces)))
    sums = np.concatenate([table.sum(0)[None], table[picks].sum(1)])
    hits, chances = sums.T
    return np.divide(hits, chances, out=np.full(len(hits), np.nan), where=chances > 0)


def _estimate(shares: Shares) -> Estimate:
    if np.isnan(shares[0]):
        return Estimate(*[float("nan")] * 3)
    low, high = np.nanquantile(shares[1:], [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Estimate(float(shares[0]), float(low), float(high))


def estimates(pieces: Sequence[Mapping[str, tuple[float, float]]]) -> dict[str, Estimate]:
    """Every measure of a player; `pieces` holds its (hits, chances) piece by piece."""
    names = dict.fromkeys(name for p in pieces for name in p)
    return {name: _estimate(_shares(pieces, name)) for name in names}


def differences(
    one: Sequence[Mapping[str, tuple[float, float]]],
    other: Sequence[Mapping[str, tuple[float, float]]],
) -> dict[str, Estimate]:
    """How much the second player has more than the first, on the same pieces in the same order."""
    names = dict.fromkeys(name for p in (*one, *other) for name in p)
    return {name: _estimate(_shares(other, name) - _shares(one, name)) for name in names}


def beyond_chance(difference: Estimate) -> bool:
    """Whether the interval leaves out 0."""
    return difference.low > 0 or difference.high < 0
