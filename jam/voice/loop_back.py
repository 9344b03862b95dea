"""The clicks of a measurement of latency as the microphone hears them: in a job of its own."""

from __future__ import annotations

import queue
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jam.clock import SystemClock
from jam.errors import BadInput
from jam.system import drop_priority

_HOP_S = 0.0005
_APART_S = 0.4
"""Clicks are further apart."""
_FLOOR, _ABOVE = 1e-4, 8.0
"""What is softer than the floor, or than so many times the quiet between the clicks, is no
click."""
_RISE = 0.25
"""A click has begun where it has this share of its loudest."""
_LOUDEST_WITHIN_S = 0.03
NOT_HEARD = "the microphone heard no clicks: turn the sound up, or the microphone nearer to it"


def click_onsets(samples: NDArray[np.float32], rate_hz: int) -> list[float]:
    """When clicks begin, in seconds from the first sample.

    samples: (n,). By the steps from sample to sample, of which hum and rumble have few.
    """
    steps = np.abs(np.diff(samples.astype(np.float64), prepend=0.0))
    hop = max(1, round(_HOP_S * rate_hz))
    loud = steps[: len(steps) // hop * hop].reshape(-1, hop).max(axis=1)
    if not len(loud):
        return []
    least = max(_FLOOR, _ABOVE * float(np.median(loud)), 0.2 * float(np.percentile(loud, 99.5)))
    onsets: list[float] = []
    near, apart = round(_LOUDEST_WITHIN_S / _HOP_S), round(_APART_S / _HOP_S)
    at = 0
    while (beyond := np.flatnonzero(loud[at:] > least)).size:
        first = at + int(beyond[0])
        peak = loud[first : first + near].max()
        begun = first + int(np.argmax(loud[first : first + near] >= _RISE * peak))
        onsets.append(begun * hop / rate_hz)
        at = first + apart
    return onsets


def heard_clicks(
    progress: Callable[[int, int], None], microphone: str, seconds: float
) -> list[float]:
    """When clicks were in the air, on jam's clock, as heard within so many seconds from now.

    The way from the microphone into the program is taken off as the audio system reports it.
    Raises JamError where there is no microphone, or it hears nothing.
    """
    from jam.voice.stream import Microphone, find_input

    clock = SystemClock()
    end_s = clock.now_s() + seconds
    opened = Microphone(find_input(microphone), clock)
    try:
        drop_priority()
        blocks: list[NDArray[np.float32]] = []
        last_s = 0.0
        while (now_s := clock.now_s()) < end_s:
            progress(round(seconds - (end_s - now_s)), round(seconds))
            try:
                block, last_s = opened.blocks.get(timeout=0.2)
            except queue.Empty:
                continue
            blocks.append(block)
        rate_hz, late_s = opened.rate_hz, opened.latency_s
    finally:
        opened.close()
    samples = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    first_s = last_s - len(samples) / rate_hz - late_s
    if not (onsets := click_onsets(samples, rate_hz)):
        raise BadInput(NOT_HEARD)
    return [first_s + onset for onset in onsets]
