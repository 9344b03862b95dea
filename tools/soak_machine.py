"""Does the machine itself stand still? One process for each core, in real time where it may be.

Each sleeps for STEP_S again and again and writes when it was woken late: on a shared machine a
core is taken away for a while, and whatever was to sound then is late without a fault of its own.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from jam.system import raise_priority

STEP_S = 0.003
LATE_S = 0.005
"""Woken so much too late, the core was away. A block of 256 frames is 5.3 ms."""
_PRIORITY = 80
"""Above JACK's."""
_AROUND_S = 0.010


@dataclass
class Stalls:
    """When a core stood still: (second it should have woken, second it did), on jam's clock."""

    spells: list[tuple[float, float]] = field(default_factory=list)

    def cover(self, at_s: float, until_s: float) -> bool:
        """Whether a core was away at some time in between."""
        return any(a - _AROUND_S <= until_s and b + _AROUND_S >= at_s for a, b in self.spells)

    @property
    def worst_ms(self) -> float:
        return max((1000 * (b - a) for a, b in self.spells), default=0.0)


@contextmanager
def watched() -> Iterator[Stalls]:
    """Watch every core meanwhile; what is found is there afterwards."""
    stalls = Stalls()
    with ExitStack() as stack:
        watchers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "tools.soak_machine", str(core)],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    text=True,
                    cwd=Path(__file__).parent.parent,
                )
            )
            for core in sorted(os.sched_getaffinity(0))
        ]
        for watcher in watchers:
            assert watcher.stdout is not None
            watcher.stdout.readline()
        try:
            yield stalls
        finally:
            for watcher in watchers:
                said, _ = watcher.communicate()
                for line in said.splitlines():
                    due_s, woken_s = map(float, line.split())
                    stalls.spells.append((due_s, woken_s))
            stalls.spells.sort()


def _watch(core: int) -> None:
    """Until the standard input ends; then a line for each time that it was woken late."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who waits for what was found ends it
    os.sched_setaffinity(0, {core})
    raise_priority(_PRIORITY)
    spells = []
    print("watching", flush=True)
    due_s = time.perf_counter() + STEP_S
    while not select.select([0], [], [], STEP_S)[0]:
        woken_s = time.perf_counter()
        if woken_s - due_s > LATE_S:
            spells.append((due_s, woken_s))
        due_s = time.perf_counter() + STEP_S
    for due_s, woken_s in spells:
        print(due_s, woken_s)


if __name__ == "__main__":
    _watch(int(sys.argv[1]))
