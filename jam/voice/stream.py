"""The microphone as PortAudio gives it: an input stream, and when its samples sounded."""

from __future__ import annotations

import math
import queue
from collections import deque
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jam.audio.output import load_sounddevice
from jam.clock import Clock
from jam.errors import BadInput, JamError
from jam.system import AUDIO, quiet_stderr, raise_priority
from jam.voice.pitch import HOP, RATE

NOT_FOUND = "Microphone {name!r} isn't there; plug it in, or choose another."
NO_MICROPHONE = "No microphone was found."
_NO_LATENCY_S = 1.0
"""What is reported to be more is a slip."""
_REMEMBERS_S = 2.0
_GAP_S = 0.5
"""No callback comes so late: samples are missing."""
_SURE_AFTER = 8
"""Of so many callbacks one is in time."""
_WAITING = 400
"""So many blocks may wait; beyond, they are lost."""


class InputDevice(NamedTuple):
    """An audio input that PortAudio sees."""

    number: int
    api: str
    name: str
    channels: int
    rate_hz: int

    @property
    def description(self) -> str:
        """Names it among all; can be chosen by it."""
        return f"{self.api}: {self.name}"


def input_devices() -> list[InputDevice]:
    """Every audio input as of PortAudio's start. Raises JamError if PortAudio is missing."""
    sd = load_sounddevice()
    apis = [api["name"].removesuffix(" Audio Connection Kit") for api in sd.query_hostapis()]
    return [
        InputDevice(
            index,
            apis[device["hostapi"]],
            device["name"],
            device["max_input_channels"],
            int(device["default_samplerate"]),
        )
        for index, device in enumerate(sd.query_devices())
        if device["max_input_channels"] >= 1
    ]


def find_input(name: str) -> InputDevice:
    """The input that `name` means: exactly, else the first that contains it; "" the default.

    Raises BadInput when there is none of that name, JamError when there is none at all.
    """
    devices = input_devices()
    if not devices:
        raise JamError(NO_MICROPHONE)
    if not name:
        default = load_sounddevice().default.device[0]
        return next((d for d in devices if d.number == default), devices[0])
    for device in devices:
        if name in (device.name, device.description):
            return device
    for device in devices:
        if name.lower() in device.description.lower():
            return device
    raise BadInput(NOT_FOUND.format(name=name))


class SampleTime:
    """When samples sounded, by counting them: a callback comes late at times, a sample never.

    The earliest of the callbacks of the last seconds says when the first sample came: the device's
    clock drifts against the computer's, and stands still while blocks are lost.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._count = 0
        self._earliest: deque[tuple[int, float]] = deque()
        """(count, when the first sample came as of then), ever later: none of them is behind a
        callback that came earlier."""
        self._doubt = 0
        """So many callbacks more what is known since a loss may be of late ones alone."""
        self._began_s = math.inf

    def add(self, n: int, now_s: float, lost: bool = False) -> float:
        """So many samples more were there at `now_s`; returns when the last of them came. lost:
        some before them were lost, so what is known no longer holds."""
        self._count += n
        began_s = now_s - self._count / self._rate_hz
        earliest = self._earliest
        if lost or (earliest and began_s > earliest[0][1] + _GAP_S):
            earliest.clear()
            self._doubt = self._doubt or _SURE_AFTER + 1
        while earliest and earliest[-1][1] >= began_s:
            earliest.pop()
        earliest.append((self._count, began_s))
        while earliest[0][0] < self._count - _REMEMBERS_S * self._rate_hz:
            earliest.popleft()
        self._doubt = max(0, self._doubt - 1)
        if not self._doubt or earliest[0][1] < self._began_s:
            self._began_s = earliest[0][1]
        return self._began_s + self._count / self._rate_hz


class Microphone:
    """An open input. `blocks` holds (samples, when the last of them came); None: the end.

    Raises JamError when it can't be opened.
    """

    def __init__(self, device: InputDevice, clock: Clock) -> None:
        sd = load_sounddevice()
        self._clock = clock
        self.blocks: queue.Queue[tuple[NDArray[np.float32], float]] = queue.Queue(_WAITING)
        self.lost = self._block = 0
        self.description = device.description
        self._name = device.name
        self._on_jack = on_jack = "JACK" in device.api
        self._stream: Any = None
        reason = ""
        for rate_hz in dict.fromkeys((device.rate_hz if on_jack else RATE, device.rate_hz)):
            try:
                with quiet_stderr():
                    self._stream = sd.InputStream(
                        device=device.number,
                        samplerate=rate_hz,
                        blocksize=0 if on_jack else HOP,
                        channels=min(2, device.channels),
                        dtype="float32",
                        latency="low",
                        callback=self._callback,
                    )
                break
            except sd.PortAudioError as error:
                reason = str(error).split(" [")[0].removeprefix("Error opening InputStream: ")
        if self._stream is None:
            raise JamError(
                f"Microphone {device.name} can't be opened ({reason}): it may be in use, or the"
                " system may not let jam listen."
            )
        self.rate_hz = int(self._stream.samplerate)
        self._time = SampleTime(self.rate_hz)
        self._first = True
        try:
            with quiet_stderr():
                self._stream.start()
        except sd.PortAudioError as error:
            raise JamError(f"Microphone {device.name} can't be started: {error}") from None

    def _callback(
        self, indata: NDArray[np.float32], frames: int, time: object, status: Any
    ) -> None:
        """Runs on: PortAudio's thread. Copies and counts, nothing else."""
        lost = bool(status.input_overflow)
        end_s = self._time.add(frames, self._clock.now_s(), lost)
        self._block = frames
        if self._first:
            raise_priority(AUDIO)
            self._first = False
        self.lost += lost
        try:
            self.blocks.put_nowait((indata.sum(axis=1), end_s))
        except queue.Full:
            self.lost += 1

    @property
    def latency_s(self) -> float:
        """From the air to the callback: as it is reported, and at least a block."""
        reported = float(self._stream.latency)
        if not 0 <= reported < _NO_LATENCY_S:  # PortAudio on JACK may count below zero
            reported = 0.0
        return max(reported, self._block / self.rate_hz)

    def is_there(self) -> bool:
        """False once its JACK client is gone: JACK goes on with silence then."""
        if not self._on_jack:
            return True
        try:
            with quiet_stderr():
                import jack

                client = jack.Client("jam looks for a microphone", no_start_server=True)
                try:
                    return any(p.name.startswith(f"{self._name}:") for p in client.get_ports())
                finally:
                    client.close()
        except Exception:  # the server has gone, or its library
            return False

    def close(self) -> None:
        with quiet_stderr():
            self._stream.close()
