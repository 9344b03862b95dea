"""The one clock. No other module reads the time.

Times are seconds of a monotonic clock that every process of this machine shares, so a stamp
made in the stage can be compared with one made in the window.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol


def date_now() -> datetime:
    """The date and time of day, in UTC, for records: it may jump, so nothing is timed by it."""
    return datetime.now(UTC)


class Clock(Protocol):
    """What tells the time, injected wherever time matters."""

    def now_s(self) -> float:
        """The present, in seconds."""
        ...

    def wait_until(self, deadline_s: float, wake: threading.Event | None = None) -> bool:
        """Sleep until `deadline_s`, or until `wake` is set; True when woken early."""
        ...


def _suspended_s() -> float:
    """How long the machine has been suspended since it was started, where its monotonic clock
    stands still meanwhile (Linux); 0 elsewhere.
    """
    if sys.platform != "linux":
        return 0.0
    return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)


class Sleep:
    """Tells a loop that goes round often how long it stood still: stopped, or the lid closed."""

    def __init__(self, now_s: float, suspended_s: Callable[[], float] = _suspended_s) -> None:
        self._turned_s, self._suspended = now_s, suspended_s
        self._suspended_s = suspended_s()

    def standing_s(self, now_s: float) -> float:
        """How long ago the loop last went round. Runs on: any thread."""
        return now_s - self._turned_s + self._suspended() - self._suspended_s

    def turn(self, now_s: float) -> float:
        """The loop goes round; returns how long after the last time."""
        standing_s = self.standing_s(now_s)
        self._turned_s, self._suspended_s = now_s, self._suspended()
        return standing_s


class SystemClock:
    """The computer's monotonic clock.

    A sleep ends a little late by the scheduling of the system (about 0.1 ms on Linux), so
    nothing is added up: every wait is for an absolute deadline.
    """

    def now_s(self) -> float:
        return time.perf_counter()

    def wait_until(self, deadline_s: float, wake: threading.Event | None = None) -> bool:
        while (left_s := deadline_s - time.perf_counter()) > 0:
            if wake is None:
                time.sleep(left_s)
            elif wake.wait(left_s):
                return True
        return wake is not None and wake.is_set()


class FakeClock:
    """A clock that tests (and faster-than-real-time rendering) move by hand."""

    def __init__(self, now_s: float = 0.0) -> None:
        self._now_s = now_s

    def now_s(self) -> float:
        return self._now_s

    def advance(self, by_s: float) -> None:
        self._now_s += by_s

    def wait_until(self, deadline_s: float, wake: threading.Event | None = None) -> bool:
        if wake is not None and wake.is_set():
            return True
        self._now_s = max(self._now_s, deadline_s)
        return False
