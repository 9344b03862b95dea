"""Tap tempo: the tempo of the last taps. No Qt."""

from __future__ import annotations

from collections import deque
from itertools import pairwise
from statistics import median

from jam.grid import MAX_BPM, MIN_BPM

FORGET_S = 2.0
"""After so long without a tap, the next one begins anew."""
_TAPS = 9


class TapTempo:
    """Takes taps, tells beats a minute. One tap too early, late or missing does no harm: the
    median of the last intervals counts.
    """

    def __init__(self) -> None:
        self._taps_s: deque[float] = deque(maxlen=_TAPS)

    def tap(self, at_s: float) -> float | None:
        """A tap at a time; the tempo in whole beats a minute, None after the first tap."""
        if self._taps_s and not 0 < at_s - self._taps_s[-1] <= FORGET_S:
            self._taps_s.clear()
        self._taps_s.append(at_s)
        if len(self._taps_s) < 2:
            return None
        interval_s = median(later - earlier for earlier, later in pairwise(self._taps_s))
        return min(MAX_BPM, max(MIN_BPM, float(round(60 / interval_s))))
