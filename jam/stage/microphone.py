"""The microphone as the stage has it: the ear's process, started, heard, and started again."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import queue
import threading
from collections.abc import Callable
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess

from jam.clock import Clock
from jam.messages.voice import OFF, BandSounds, GateFound, KeepSound, Listen, Sung, VoiceState
from jam.voice.process import ear_main

_log = logging.getLogger(__name__)
_RETRY_S = 3.0
"""So long after a microphone was missing it is looked for again."""
_END_S = 2.0
_STUCK = 1000
"""So many messages may wait for an ear that doesn't read; then the band's notes are left out."""
CRASHED = "The microphone's process has ended by itself; it is started again."


class Microphone:
    """Starts an ear when a microphone is chosen, and again when it has ended.

    on_sung is called on the reading thread for every note, after the notes of an ear that is gone
    have been released by on_gone. `gate_found` is what the ear was asked for, until it is taken.
    """

    def __init__(
        self, clock: Clock, on_sung: Callable[[Sung], None], on_gone: Callable[[], None]
    ) -> None:
        self._clock, self._on_sung, self._on_gone = clock, on_sung, on_gone
        self._context = multiprocessing.get_context("spawn")
        self._name, self._listen = OFF, Listen()
        self._keeps, self._kept_by_one = KeepSound(None), False
        """What is to be kept; and whether an ear has begun with it, which no other goes on with."""
        self._process: SpawnProcess | None = None
        self._outgoing: queue.Queue[object] = queue.Queue()
        self._retry_s = 0.0
        self.state = VoiceState()
        self.gate_found: float | None = None

    # -- any thread -----------------------------------------------------------------------------

    @property
    def is_on(self) -> bool:
        return self._name != OFF

    @property
    def waits_s(self) -> float:
        """So long after its beginning a note is known, as a rule; 0 without a microphone."""
        state = self.state
        return (state.latency_ms + state.waits_ms) / 1000 if self._name != OFF else 0.0

    def listen(self, listen: Listen) -> None:
        """Listen so from now on."""
        if listen != self._listen:
            self._listen = listen
            self.send(listen)

    def keep(self, path: str | None, from_s: float = 0.0) -> None:
        """Write the sound to a file from a second on, or from when there is a microphone; None: no
        more."""
        self._keeps, self._kept_by_one = KeepSound(path, from_s), self._process is not None
        self.send(self._keeps)

    def band(self, pitch: int, velocity: int) -> None:
        """A note of the band begins or ends. Runs on: scheduler."""
        if self._process is not None and self._outgoing.qsize() < _STUCK:
            self._outgoing.put(BandSounds(pitch, velocity, self._clock.now_s()))

    def send(self, command: object) -> None:
        """Hand a command to the ear, if there is one. Never blocks."""
        if self._process is not None:
            self._outgoing.put(command)

    # -- the devices' thread ----------------------------------------------------------------------

    def choose(self, name: str) -> None:
        """Listen to this microphone, "" the default one, and to no other; OFF to none."""
        if name == self._name and self._process is not None:
            return
        self._end()
        self._name = name
        self.state = VoiceState(wanted=name)
        if self.is_on:
            self._start()

    def watch(self) -> None:
        """Start an ear that has ended again, now and then."""
        process = self._process
        if not self.is_on or (process is not None and process.is_alive()):
            return
        if process is not None:
            self._end()
            problem = self.state.problem or CRASHED
            self.state = VoiceState(wanted=self._name, problem=problem)
            self._retry_s = self._clock.now_s() + _RETRY_S
        elif self._clock.now_s() >= self._retry_s:
            self._start()

    def close(self) -> None:
        self._name = OFF
        self._end()

    def _start(self) -> None:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=ear_main, args=(theirs, self._name, self._listen), name="jam-ear", daemon=True
        )
        process.start()
        theirs.close()
        self._outgoing = queue.Queue()
        for target in (self._read, self._write):
            threading.Thread(
                target=target, args=(ours, self._outgoing), name="ear", daemon=True
            ).start()
        self._process = process
        if not self._kept_by_one:
            self._kept_by_one = True
            self.send(self._keeps)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._outgoing.put(None)
        process.join(timeout=_END_S)
        if process.is_alive():
            process.kill()
            process.join(timeout=_END_S)
        self._on_gone()

    def _write(self, connection: Connection, outgoing: queue.Queue[object]) -> None:
        """Runs on: a thread of its own, which a frozen ear may block. None hangs up."""
        with contextlib.suppress(OSError, ValueError):
            while (command := outgoing.get()) is not None:
                connection.send(command)
        connection.close()

    def _read(self, connection: Connection, outgoing: queue.Queue[object]) -> None:
        """Runs on: a thread of its own. Takes what the ear sends until it hangs up."""
        try:
            while True:
                heard = connection.recv()
                if outgoing is not self._outgoing:
                    continue  # of one that was left
                if isinstance(heard, Sung):
                    self._on_sung(heard)
                elif isinstance(heard, GateFound):
                    self.gate_found = heard.gate_db
                elif isinstance(heard, VoiceState):
                    self.state = replace(heard, wanted=self._name)
        except Exception:  # EOF, or half a message of a killed process
            _log.debug("the ear hung up", exc_info=True)
        outgoing.put(None)
