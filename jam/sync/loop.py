"""A phase-locked loop over the ticks of a clock. Pure.

A second-order loop whose gains are those of a straight line fitted to the last n ticks (the
alpha-beta filter of growing memory: Brookner, "Tracking and Kalman Filtering Made Easy", 1998,
section 1.2.10). n grows from what was heard of a tempo to four beats; where the ticks drift away
from the line it falls back to one beat, and where they leave it at once the loop begins anew with
the ticks since then.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

TICKS_PER_BEAT = 24
_STEADY_TICKS = 4 * TICKS_PER_BEAT
_FIRST_TICKS = 4
"""So many ticks, and there is a tempo."""
_RUN = 3
"""So many ticks in succession that are far on the same side: the tempo has changed at once."""
_FAR = 3.0
"""What is far, in mean deviations."""
_NEAR = 2.0
_WINDOW = 8
"""Of the last ticks: did some come late, or were some lost?"""
_BETTER = 0.7
"""How much smaller deviations have to be where no tick was lost, for none to have been."""
_ALL_LOST = 4
"""Nobody loses every second tick so many times: the tempo is half of what it was."""
_LOST_SHARE = 0.62
"""A tick that comes so much of a period too late follows one that was lost."""
_UNSURE = 4.0
"""The same in mean deviations, where that is more: who sends or hears in blocks wavers by one."""
_FLOOR_S = 0.0003
"""No clock's deviation is taken to be smaller."""
_DEVIATION_GAIN = 1 / 32
_DRIFT_GAIN = 1 / 12
_DRIFTS = 0.8
"""A mean of the last deviations beyond so much of a typical one is a drift, and not chance."""
_LONG = 2 * TICKS_PER_BEAT
_MOST_LOST = 5
"""Nobody loses ticks so many times in so long: they come in blocks (JACK's, a driver's), and the
tempo is slower than the blocks made it look."""
_SLOWEST_S, _FASTEST_S = 60 / (20 * TICKS_PER_BEAT), 60 / (400 * TICKS_PER_BEAT)


def is_lockable(period_s: float) -> bool:
    """Whether ticks so far apart are a tempo: 20 to 400 beats a minute."""
    return _FASTEST_S <= period_s <= _SLOWEST_S


def _line(times_s: Sequence[float]) -> tuple[float, float, float]:
    """The straight line through evenly numbered times: (last point, slope, deviation), in s."""
    n = len(times_s)
    middle, mean_s = (n - 1) / 2, sum(times_s) / n
    slope_s = sum((i - middle) * t for i, t in enumerate(times_s)) * 12 / (n * (n * n - 1))
    rest = sum((t - mean_s - (i - middle) * slope_s) ** 2 for i, t in enumerate(times_s))
    return mean_s + middle * slope_s, slope_s, math.sqrt(rest / n)


class PhaseLoop:
    """Where a ticking clock is, from the times of its ticks: late ones, lost ones, other tempi.

    `tick` takes the time of each. Then `at_s` is when tick number `count` was due (the first one
    is number 0, those that were lost are counted) and `period_s` the time from tick to tick; both
    are of use once `locked`.
    """

    def __init__(self) -> None:
        self.at_s = 0.0
        self.count = -1
        self.period_s = 0.0
        self.lost = 0
        """Ticks that were taken to be lost."""
        self.deviation_s = _FLOOR_S
        """How far ticks are from where they are due, in the mean."""
        self._n = 0
        self._drift_s = 0.0
        self._anchor = 0
        """Number of the last tick that was beyond doubt."""
        self._since_s: list[float] = []
        """Times of the anchor and of all ticks since."""
        self._steps: deque[tuple[int, float, float]] = deque(maxlen=_WINDOW)
        """Of the last ticks: by how many it moved, deviation, and that with none lost before it."""
        self._long: deque[tuple[float, int]] = deque(maxlen=_LONG)
        """Of the last ticks: when they came, and by how many each moved."""
        self._owed = 0
        """So many of the last ticks were taken to be lost, and may only be late: what held up the
        one that came (a computer that stood still) lets them all go at once."""

    @property
    def locked(self) -> bool:
        return self._n > 0

    def time_of(self, count: float) -> float:
        """When a tick is due."""
        return self.at_s + (count - self.count) * self.period_s

    def tick(self, at_s: float) -> None:
        """A tick has come."""
        self._since_s.append(at_s)
        if not self.locked:
            self._begin()
            return
        late_s = at_s - self.at_s - self.period_s
        if self._owed and late_s < (_LOST_SHARE - 1) * self.period_s:
            self._owed -= 1  # it was not lost, only late, and says nothing of the time
            self.lost -= 1
            self._long.append((at_s, 0))
            return
        unsure = max(_LOST_SHARE, _UNSURE * self.deviation_s / self.period_s)
        ahead = 1 + max(0, math.ceil(late_s / self.period_s - unsure))
        self._owed = ahead - 1
        self.lost += ahead - 1
        self._steps.append((ahead, late_s - (ahead - 1) * self.period_s, late_s))
        if (ticks := self._ticks_of_another_tempo()) and self._begin_anew(ticks):
            return
        self._step(at_s, ahead)
        self._long.append((at_s, ahead))
        if sum(moved > 1 for _, moved in self._long) >= _MOST_LOST and self._lose_none():
            return
        recent = list(self._steps)[-4:]
        near_s = _NEAR * self.deviation_s
        is_plain = all(moved == 1 and abs(off_s) < near_s for moved, off_s, _ in recent)
        if is_plain or len(self._since_s) > 4 * _WINDOW:
            self._trust()

    def _trust(self) -> None:
        self._anchor, self._since_s = self.count, self._since_s[-1:]

    def _begin(self) -> None:
        """The first ticks: a line through them, as soon as they are even enough."""
        self.count += 1
        times_s = self._since_s = self._since_s[-_FIRST_TICKS:]
        if len(times_s) < _FIRST_TICKS:
            return
        gaps_s = [later - earlier for earlier, later in pairwise(times_s)]
        last_s, period_s, _ = _line(times_s)
        if is_lockable(period_s) and max(gaps_s) < 1.6 * median(gaps_s):
            self._lock(last_s, self.count, period_s, len(times_s))

    def _lock(self, at_s: float, count: int, period_s: float, n: int) -> None:
        self.at_s, self.count, self.period_s, self._n = at_s, count, period_s, n
        self._drift_s = 0.0
        self._steps.clear()
        self._owed = 0
        self._trust()

    def _ticks_of_another_tempo(self) -> int:
        """How many of the last ticks speak for a tempo that has changed at once; 0: none."""
        steps = list(self._steps)
        far_s = max(_FAR * self.deviation_s, 0.02 * self.period_s)
        run = [late_s for _, _, late_s in steps[-_RUN:]]
        if len(run) == _RUN and (min(run) > far_s or max(run) < -far_s):
            return _RUN + 1
        if len(steps) >= _ALL_LOST and all(ahead > 1 for ahead, _, _ in steps[-_ALL_LOST:]):
            return _ALL_LOST + 1
        if sum(ahead - 1 for ahead, _, _ in steps) >= 2 and len(self._since_s) >= _WINDOW:
            here_s = math.sqrt(sum(s * s for _, s, _ in steps) / len(steps))
            if _line(self._since_s[-_WINDOW:])[2] < _BETTER * here_s:
                return _WINDOW
        return 0

    def _begin_anew(self, ticks: int) -> bool:
        """Another tempo, in which none of these ticks was lost; False where it is none."""
        times_s = self._since_s[-ticks:]
        last_s, period_s, _ = _line(times_s)
        if len(times_s) < ticks - 1 or len(times_s) < _FIRST_TICKS - 1 or not is_lockable(period_s):
            return False
        steps = list(self._steps)
        if steps[-1][2] < 0:  # faster: what was lost before was lost
            count = self.count - sum(ahead for ahead, _, _ in steps[-_RUN:-1]) + _RUN
        else:
            count = self._anchor + len(self._since_s) - 1
            self.lost -= max(0, self.count + steps[-1][0] - count)
        self._lock(last_s, count, period_s, len(times_s))
        return True

    def _lose_none(self) -> bool:
        """Begin anew with a long line in which no tick was lost; False where there is none."""
        if len(self._long) < _LONG:
            return False
        last_s, period_s, deviation_s = _line([at_s for at_s, _ in self._long])
        if not is_lockable(period_s) or deviation_s > _LOST_SHARE / 2 * period_s:
            return False
        too_many = sum(moved - 1 for _, moved in self._long)
        self.lost -= too_many
        self._lock(last_s, self.count - too_many, period_s, _LONG)
        self.deviation_s = max(_FLOOR_S, deviation_s)
        self._long.clear()
        return True

    def _step(self, at_s: float, ahead: int) -> None:
        """Move on by so many ticks, and towards the one that has come."""
        due_s = self.at_s + ahead * self.period_s
        late_s = at_s - due_s
        n = self._n = min(self._n + 1, _STEADY_TICKS)
        self.at_s = due_s + late_s * 2 * (2 * n - 1) / (n * (n + 1))
        period_s = self.period_s + late_s * 6 / (n * (n + 1)) / max(1, ahead)
        self.period_s = min(_SLOWEST_S, max(_FASTEST_S, period_s))
        self.count += ahead
        self.deviation_s += _DEVIATION_GAIN * (abs(late_s) - self.deviation_s)
        self.deviation_s = max(_FLOOR_S, self.deviation_s)
        self._drift_s += _DRIFT_GAIN * (late_s - self._drift_s)
        if abs(self._drift_s) > _DRIFTS * self.deviation_s:
            self._n = min(self._n, TICKS_PER_BEAT)
