"""The one clock. No other module reads the time.

Times are seconds of a monotonic clock that every process of this machine shares, so a stamp
made in the stage can be compared with one made in the window.
"""

from __future__ import annotations

import threading
import time
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
