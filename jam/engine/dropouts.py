"""When the sound drops out often: what to tell the musician, and when to keep quiet. Pure."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from jam.messages.snapshot import DeviceState, Snapshot

OFTEN = 5
"""So many moments with dropouts within OFTEN_WITHIN_S are too many; one alone never is."""
OFTEN_WITHIN_S = 60.0
OFTEN_WORDS = "Frequent audio dropouts"
_MOMENT_S = 1.0
"""Dropouts that follow each other so closely are one: something came in between."""
QUIET_FOR_S = 300.0
"""Nothing is said again for so long."""
SAID_FOR_S = 60.0
"""So long it stands when nothing more drops out."""
_SETTLING_S = 3.0
"""A device that was just opened may stumble."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A larger audio buffer is to be taken. block_frames: its frames; 0 where jam can't choose it.

    text: one sentence that says what and what it costs, and ends without a full stop.
    """

    text: str
    block_frames: int = 0


def larger_block(devices: DeviceState) -> int:
    """The next larger buffer that the open device takes, in frames; 0 where there is none."""
    return min((n for n in devices.audio_blocks if n > devices.block_frames), default=0)


def advice_for(snapshot: Snapshot) -> Advice:
    """What helps against dropouts on the devices that are open."""
    devices = snapshot.devices
    often = OFTEN_WORDS
    if devices.jack_leads:
        return Advice(f"{often}. Try a larger buffer in JACK")
    if not (frames := larger_block(devices)):
        return Advice(f"{often}, even with the largest buffer. Close other programs")
    later = ""
    if devices.sample_rate:
        later = f" (adds {1000 * (frames - devices.block_frames) / devices.sample_rate:.0f} ms)"
    return Advice(f"{often}. Try a buffer of {frames} frames{later}", frames)


class DropoutWatch:
    """Looks at snapshots, and knows when there is something to say.

    Where many moments of the last minute had dropouts, it gives advice; which stands while they
    go on, until it was dismissed or another buffer was taken. Then it is quiet for minutes.
    """

    def __init__(self) -> None:
        self._moments_s: deque[float] = deque(maxlen=OFTEN)
        self._counted = 0
        self._device: tuple[object, ...] = ()
        self._settled_s = 0.0
        self._advice: Advice | None = None
        self._quiet_until_s = 0.0

    def look(self, snapshot: Snapshot, now_s: float) -> Advice | None:
        """The advice that stands now, or None."""
        device = (snapshot.devices.audio, snapshot.devices.block_frames)
        if device != self._device:
            self._device, self._settled_s = device, now_s + _SETTLING_S
            self._moments_s.clear()
            self._advice = None
        counted = snapshot.counters.dropouts
        last_s = self._moments_s[-1] if self._moments_s else -math.inf
        if counted > self._counted and now_s >= max(self._settled_s, last_s + _MOMENT_S):
            self._moments_s.append(now_s)
            last_s = now_s
        self._counted = counted
        if now_s - last_s >= SAID_FOR_S:
            self._advice = None
        if self._is_often(now_s) and self._advice is None and now_s >= self._quiet_until_s:
            self._advice = advice_for(snapshot)
            self._quiet_until_s = now_s + QUIET_FOR_S
        return self._advice

    def dismiss(self, now_s: float) -> None:
        """The user has read it."""
        if self._advice is not None:
            self._advice, self._quiet_until_s = None, now_s + QUIET_FOR_S

    def _is_often(self, now_s: float) -> bool:
        full = len(self._moments_s) == OFTEN
        return full and now_s - self._moments_s[0] <= OFTEN_WITHIN_S
