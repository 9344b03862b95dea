"""The terminal: what C libraries print is kept off it, and what its end means."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_HANG_UP = getattr(signal, "SIGHUP", None)
_lock = threading.RLock()
_depth = 0
_saved = -1


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Nothing that is written to file descriptor 2 inside reaches the terminal.

    For short calls only: it holds for the whole process. Threads wait for one another.
    """
    global _depth, _saved
    with _lock:
        if _depth == 0:
            _saved = os.dup(2)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, 2)
            os.close(null)
        _depth += 1
        try:
            yield
        finally:
            _depth -= 1
            if _depth == 0:
                os.dup2(_saved, 2)
                os.close(_saved)


def end_signals() -> tuple[int, ...]:
    """Signals at which the program ends in order: Ctrl-C, SIGTERM, and the end of the terminal."""
    return tuple(n for n in (signal.SIGINT, signal.SIGTERM, _HANG_UP) if n is not None)


def leave_the_terminal(number: int) -> None:
    """When a signal says that the terminal is gone: what is still printed must raise no error."""
    if number != _HANG_UP:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    os.close(null)
