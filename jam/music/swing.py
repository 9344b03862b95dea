"""Swung eighths: where the second one of a beat falls, and where it is written. Pure."""

from __future__ import annotations

SWUNG = (0.55, 0.72)
"""The second of two eighths in a beat is swung when it falls between these places of it."""


def straightened(position: float, late: float = 2 / 3) -> float:
    """A place in beats to where it is written: `late` in a beat becomes its half."""
    beat, part = divmod(position, 1.0)
    if part <= late:
        return beat + part / late / 2
    return beat + 0.5 + (part - late) / (1 - late) / 2
