"""A count-in that is tapped: four beats set the tempo, and the next one begins bar 1. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import linear_regression

from jam.music.grid import MAX_BPM, MIN_BPM, Meter

UNEVEN = 0.3
"""A beat that is longer or shorter than those before by more, as a share, begins anew."""
_LONGEST_S = 60 / MIN_BPM
_SHORTEST_S = 60 / MAX_BPM


def beats_of(meter: Meter) -> int:
    """How many beats are counted before a bar: four, or the bar's own where it has 3 or more."""
    return meter.beats_per_bar if meter.beats_per_bar > 2 else 4


@dataclass(frozen=True, slots=True)
class Counted:
    """A count-in that is complete: its tempo in beats a minute, and when bar 1 begins."""

    bpm: float
    start_s: float


class CountIn:
    """Collects taps."""

    def __init__(self) -> None:
        self._taps_s: list[float] = []

    @property
    def count(self) -> int:
        """Beats counted so far."""
        return len(self._taps_s)

    def tap(self, at_s: float, meter: Meter) -> Counted | None:
        """A beat at a time; the tempo once there are enough of them."""
        taps_s = self._taps_s
        if taps_s and at_s - taps_s[-1] < _SHORTEST_S:
            return None  # one finger that trembles
        if taps_s and not self._goes_on(at_s):
            taps_s.clear()
        taps_s.append(at_s)
        n = beats_of(meter)
        if len(taps_s) < n:
            return None
        beat_s, first_s = linear_regression(range(n), taps_s[-n:])
        taps_s.clear()
        bpm = min(MAX_BPM, max(MIN_BPM, round(60 / beat_s, 1)))
        return Counted(bpm, first_s + n * beat_s)

    def _goes_on(self, at_s: float) -> bool:
        """Whether a tap is the next beat of those before."""
        taps_s = self._taps_s
        beat_s = at_s - taps_s[-1]
        if beat_s > _LONGEST_S:
            return False
        if len(taps_s) < 2:
            return True
        before_s = (taps_s[-1] - taps_s[0]) / (len(taps_s) - 1)
        return abs(beat_s / before_s - 1) <= UNEVEN
