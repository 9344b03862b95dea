"""The ear's process: opens the microphone, listens, and tells the stage what is sung.

A process of its own, so that neither sound nor notes of the stage wait for it, and so that a
microphone can come and go: PortAudio knows the devices that were there when it was loaded.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import shutil
import sys
import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.clock import SystemClock
from jam.errors import JamError
from jam.messages.voice import BandSounds, KeepSound, Listen, SetGate, VoiceState
from jam.system import STAGE, ignore_the_terminal, mind_the_memory, raise_priority
from jam.voice.ear import Ear
from jam.voice.stream import Microphone, find_input

_log = logging.getLogger(__name__)
_STATE_EVERY_S = 1 / 25
_GONE_S = 2.0
"""A microphone that gives nothing for so long is gone."""
_DEAD_S = 3.0
"""One that gives nothing but zeros for so long is muted, or isn't there."""
GONE = "Microphone {name} is gone; it is opened again when it comes back."
DEAD = (
    "Microphone {name} gives no sound at all: it may be muted, or jam may not be allowed to listen."
)
_GAP_S = 0.05
"""Clocks differ by less."""
_LONGEST_GAP_S = 600
CANT_KEEP = "The microphone's sound is kept no longer: {why}."
DISK_FULL = "the disk is full"
_LITTLE_ROOM = 1 << 16


def ear_main(connection: Connection, name: str, listen: Listen) -> None:
    """The process: until the stage hangs up, or the microphone is gone.

    Sends `Sung`, `GateFound` and `VoiceState`; the last state says in `problem` why it ends.
    """
    ignore_the_terminal()
    mind_the_memory()
    raise_priority(STAGE)
    sys.setswitchinterval(0.0002)
    state = VoiceState(wanted=name)
    with contextlib.suppress(OSError, EOFError):
        try:
            device = find_input(name)
            clock = SystemClock()
            microphone = Microphone(device, clock)
        except JamError as error:
            connection.send(VoiceState(wanted=name, problem=str(error)))
            return
        try:
            state = VoiceState(wanted=name, device=microphone.description)
            _listen(connection, microphone, listen, state, clock)
        except JamError as error:
            connection.send(VoiceState(wanted=name, problem=str(error)))
        finally:
            microphone.close()


def _listen(
    connection: Connection,
    microphone: Microphone,
    listen: Listen,
    state: VoiceState,
    clock: SystemClock,
) -> None:
    commands: deque[Any] = deque()
    threading.Thread(target=_read, args=(connection, commands), daemon=True).start()
    ear = Ear(microphone.rate_hz, listen)
    kept = KeptSound(microphone.rate_hz)
    offset_s = listen.offset_s
    told_s = 0.0
    alive_s, looked_s, dead = clock.now_s(), 0.0, ""
    try:
        while True:
            for command in _drained(commands):
                if command is None:
                    return
                if isinstance(command, KeepSound):
                    kept.keep(command)
                    continue
                if isinstance(command, Listen):
                    offset_s = command.offset_s
                for sung in ear.obey(command):
                    connection.send(sung)
            try:
                samples, end_s = microphone.blocks.get(timeout=_GONE_S)
            except queue.Empty:
                for sung in ear.release():
                    connection.send(sung)
                raise JamError(GONE.format(name=microphone.description)) from None
            late_s = microphone.latency_s + offset_s
            kept.add(samples, end_s - late_s)
            for heard in ear.hear(samples, end_s - late_s):
                connection.send(heard)
            now_s = clock.now_s()
            if samples.any():
                alive_s, dead = now_s, ""
            elif now_s - alive_s > _DEAD_S and now_s - looked_s > _DEAD_S:
                looked_s, dead = now_s, DEAD.format(name=microphone.description)
                if not microphone.is_there():
                    for sung in ear.release():
                        connection.send(sung)
                    raise JamError(GONE.format(name=microphone.description))
            if now_s - told_s > _STATE_EVERY_S:
                told_s = now_s
                facts = replace(
                    state,
                    latency_ms=round(1000 * late_s, 1),
                    lost_blocks=microphone.lost,
                    keeps=kept.path,
                    problem=kept.problem or dead,
                )
                connection.send(ear.state(facts))
    finally:
        kept.keep(KeepSound(None))


def _read(connection: Connection, commands: deque[Any]) -> None:
    """Runs on: a thread of its own."""
    try:
        while True:
            commands.append(connection.recv())
    except (EOFError, OSError):
        commands.append(None)


def _drained(commands: deque[Any]) -> Iterator[Listen | BandSounds | SetGate | KeepSound | None]:
    while commands:
        yield commands.popleft()


class KeptSound:
    """A FLAC file that grows with what is heard, written on a thread of its own."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.path = self.problem = ""
        self._next_s, self._next_s_is_new = 0.0, True
        self._blocks: queue.SimpleQueue[NDArray[np.float32] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def keep(self, command: KeepSound) -> None:
        """Write to another file, or no more."""
        path = command.path
        if self._thread is not None:
            self._blocks.put(None)
            self._thread.join()
            self._thread = None
        self.path = path or ""
        if path:
            self._blocks = queue.SimpleQueue()
            self.problem, self._next_s, self._next_s_is_new = "", command.from_s, True
            self._thread = threading.Thread(target=self._write, args=(path,), daemon=True)
            self._thread.start()

    def add(self, samples: NDArray[np.float32], end_s: float) -> None:
        """Samples whose last sounded at `end_s`; silence takes the place of what was lost."""
        if self._thread is None or self.problem:
            return
        missing = round((end_s - self._next_s) * self._rate_hz) - len(samples)
        if missing < -len(samples):
            return  # before the beginning
        if missing < 0 and self._next_s_is_new:
            samples = samples[-missing:]
        elif missing > _GAP_S * self._rate_hz or (missing > 0 and self._next_s_is_new):
            self._blocks.put(np.zeros(min(missing, _LONGEST_GAP_S * self._rate_hz), np.float32))
            self._next_s += missing / self._rate_hz
        self._next_s_is_new = False
        self._next_s += len(samples) / self._rate_hz
        self._blocks.put(samples)

    def _write(self, path: str) -> None:
        """Runs on: a thread of its own; encoding holds nobody up."""
        import soundfile

        try:
            with soundfile.SoundFile(path, "w", self._rate_hz, 1, "PCM_16", format="FLAC") as file:
                while (samples := self._blocks.get()) is not None:
                    file.write(np.clip(samples, -1.0, 1.0))
        except (OSError, RuntimeError) as error:
            self.problem = CANT_KEEP.format(why=_reason(error, path))
            self.path = ""


def _reason(error: Exception, path: str) -> str:
    """libsndfile doesn't tell why."""
    with contextlib.suppress(OSError):
        if shutil.disk_usage(Path(path).parent).free < _LITTLE_ROOM:
            return DISK_FULL
    return str(getattr(error, "strerror", None) or error).rstrip(".")
