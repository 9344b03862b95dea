"""Real-time priority, where the system grants it. Linux; elsewhere nothing changes."""

from __future__ import annotations

import contextlib
import os
import sys
import threading

STAGE, AUDIO = 10, 20
"""Of the stage's threads, and of the one that renders, which must wait for none of them."""


def raise_priority(priority: int) -> None:
    """Run the calling thread, and the threads that it starts from now on, in real time.

    All threads of the stage need it: the sound waits for whoever holds the interpreter, and an
    ordinary thread that is put aside for a busy window holds it for as long. A thread that has
    a higher priority already (JACK gives it one) keeps it.
    """
    with contextlib.suppress(OSError, AttributeError):
        if os.sched_getparam(0).sched_priority < priority:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))


def drop_priority() -> None:
    """Run the calling thread as any other: for what is started, and has no part in the music."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def is_granted() -> bool | None:
    """Whether the system grants it to this user; None where it isn't Linux that is asked."""
    if sys.platform != "linux":
        return None
    granted: list[bool] = []

    def ask() -> None:
        raise_priority(STAGE)
        granted.append(os.sched_getscheduler(0) != os.SCHED_OTHER)

    asking = threading.Thread(target=ask)  # the caller's own priority stays as it is
    asking.start()
    asking.join()
    return granted[0]
