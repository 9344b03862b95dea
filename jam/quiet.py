"""Keeps what C libraries print about missing devices off the user's terminal."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

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
