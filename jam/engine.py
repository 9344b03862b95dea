"""The parent's end: starts stage and agent, keeps the agent alive, hands messages on."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import queue
import secrets
import sys
import tempfile
import threading
from collections.abc import Callable
from ctypes import c_uint64
from dataclasses import replace
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

from jam.agent import LoadPredictor, agent_main
from jam.clock import SystemClock
from jam.errors import BadInput, JamError
from jam.messages import Quit, SessionLog, Snapshot
from jam.stage import StageChoice, StageFailed, stage_main

_log = logging.getLogger(__name__)
_LOOK_S = 0.1
"""So often the parent looks after the agent."""
_FROZEN_LOOKS = 14
"""An agent that hasn't counted on for so many looks is frozen: killed and started again. Looks
and no seconds: when the whole program was stopped (Ctrl-Z, the lid), nobody is to blame."""
_STUCK_S = 15.0
"""The same for one that counts on, but doesn't answer: it may only be slow, so it gets longer."""
_MIN_LIFE_S = 1.0
"""A predictor that dies at once is not started more often than this."""


def _agent_address() -> str:
    """Where stage and agent meet. Linux has names without a file: nothing is left behind, however
    the program ends, and no folder's name is too long."""
    name = f"jam-{os.getpid()}-{secrets.token_hex(8)}"
    if sys.platform == "win32":
        return rf"\\.\pipe\{name}"
    if sys.platform == "linux":
        return f"\0{name}"
    return str(Path(tempfile.gettempdir()) / name)


class Engine:
    """Stage and agent as seen from the window or the command line.

    `snapshot()` is the newest; `on_log` (if given) gets every SessionLog on the reading thread;
    `news` (if given) is what the parent itself has to tell the user, added to the snapshot's
    message.
    Close it, or use it as a context: the processes end, all notes off.
    """

    def __init__(
        self,
        choice: StageChoice,
        load_predictor: LoadPredictor,
        on_log: Callable[[SessionLog], None] | None = None,
        news: Callable[[], str] | None = None,
    ) -> None:
        # A second thread of linear algebra disturbs the sound more than it helps the agent;
        # the library reads this when it is loaded.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
        # spawn: the children must inherit neither Qt nor threads nor torch.
        self._context = multiprocessing.get_context("spawn")
        self._load, self._on_log, self._news = load_predictor, on_log, news
        self._address = _agent_address()
        self._authkey = secrets.token_bytes(32)
        self._connection, theirs = self._context.Pipe()
        self._stage = self._context.Process(
            target=stage_main,
            args=(theirs, self._address, self._authkey, choice),
            name="jam-stage",
        )
        self._stage.start()
        theirs.close()
        self._snapshot: Snapshot | None = None
        self._failure: StageFailed | None = None
        self._first_word = threading.Event()
        self._outgoing: queue.SimpleQueue[object] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._start_agent()
        self._reader = threading.Thread(target=self._read, name="stage-read", daemon=True)
        self._reader.start()
        for target in (self._write, self._supervise):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """False once the stage has ended."""
        return self._stage.is_alive()

    @property
    def agent_pid(self) -> int | None:
        return self._agent.pid

    def wait_until_up(self, timeout_s: float = 20.0) -> Snapshot:
        """Wait for the stage's first snapshot.

        Raises BadInput or JamError with the stage's own words when it could not begin.
        """
        self._first_word.wait(timeout_s)
        if self._failure is not None:
            error = BadInput if self._failure.exit_status == 2 else JamError
            raise error(self._failure.message)
        if self._snapshot is None:
            raise JamError("the sound process did not start")
        return self._snapshot

    def send(self, command: object) -> None:
        """Hand a command to the writing thread; without effect once the stage is gone.

        Never blocks, so a window that sends can't be held up by a stage that doesn't read.
        """
        self._outgoing.put(command)

    def snapshot(self) -> Snapshot | None:
        """The newest snapshot; None before the first. Once the stage is gone it says so."""
        snapshot = self._snapshot
        if snapshot is not None and not self._closing.is_set() and not self.alive:
            reason = self._failure.message if self._failure else "the sound process has ended"
            return replace(snapshot, running=False, phase="stopped", message=f"Stopped: {reason}.")
        if snapshot is not None and self._news is not None and (news := self._news()):
            return replace(snapshot, message=f"{snapshot.message}\n{news}".strip())
        return snapshot

    def close(self) -> None:
        """All notes off; stage and agent end. May be called twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self.send(Quit())
        self._stage.join(timeout=5.0)
        if self._stage.is_alive():
            self._stage.terminate()
            self._stage.join(timeout=2.0)
        self._agent.join(timeout=2.0)
        if self._agent.is_alive():
            self._agent.kill()
        self._reader.join(timeout=1.0)

    def _start_agent(self) -> None:
        self._agent_started_s = SystemClock().now_s()
        self._beat = RawValue(c_uint64, 0)
        self._counted = self._still_looks = 0
        self._agent = self._context.Process(
            target=agent_main,
            args=(self._address, self._authkey, self._load, self._beat),
            name="jam-agent",
            daemon=True,
        )
        self._agent.start()

    def _write(self) -> None:
        """Runs on: a thread of the parent. Sends commands in order, Quit last."""
        with contextlib.suppress(OSError, ValueError):
            while True:
                command = self._outgoing.get()
                self._connection.send(command)
                if isinstance(command, Quit):
                    return

    def _read(self) -> None:
        """Runs on: a thread of the parent. Takes what the stage sends until it hangs up."""
        try:
            while True:
                message = self._connection.recv()
                if isinstance(message, Snapshot):
                    self._snapshot = message
                elif isinstance(message, StageFailed):
                    self._failure = message
                elif isinstance(message, SessionLog) and self._on_log is not None:
                    self._on_log(message)
                    continue
                self._first_word.set()
        except (EOFError, OSError):
            self._first_word.set()

    def _supervise(self) -> None:
        """Runs on: a thread of the parent. Starts the agent again when it dies or hangs."""
        clock = SystemClock()
        while not self._closing.wait(_LOOK_S):
            if not self.alive:
                continue
            if self._frozen() or self._stuck():
                _log.warning("the agent hangs: killed")
                self._agent.kill()
                self._agent.join(timeout=2.0)
            if self._agent.is_alive() or clock.now_s() - self._agent_started_s < _MIN_LIFE_S:
                continue
            _log.warning("the agent ended with status %s: started again", self._agent.exitcode)
            self._start_agent()

    def _frozen(self) -> bool:
        """True when an agent that has begun to count stands still."""
        counted = self._beat.value
        self._still_looks = self._still_looks + 1 if counted == self._counted else 0
        self._counted = counted
        return counted > 0 and self._still_looks >= _FROZEN_LOOKS

    def _stuck(self) -> bool:
        snapshot = self._snapshot
        return (
            snapshot is not None
            and snapshot.agent_waiting_s > _STUCK_S
            and SystemClock().now_s() - self._agent_started_s > _STUCK_S
        )
