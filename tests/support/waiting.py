"""Waiting for what another thread or process does: until it is so, never for a guessed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def until(
    condition: Callable[[], T], what: str = "it never came true", timeout_s: float = 60.0
) -> T:
    """What the condition gives once it is true. `what` says what was waited for in vain."""
    end_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < end_s, what
        time.sleep(0.02)
    return found
