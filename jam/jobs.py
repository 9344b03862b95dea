"""Work that takes long, in a process of its own: with progress, to be cancelled, never in the way.

It yields to sound and window, and ends when whoever asked for it is gone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any, Generic, TypeVar

from jam.errors import JamError

T = TypeVar("T")
Progress = Callable[[int, int], None]
"""Called with (done, in all)."""
_GRACE_S = 3.0
"""So long a cancelled job may tidy up."""
_ENDS_S = 0.5
"""So long one that is done may take to leave."""


@dataclass(frozen=True, slots=True)
class Working:
    """How far it is; `total` is 0 while no one knows."""

    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Done(Generic[T]):
    result: T


@dataclass(frozen=True, slots=True)
class Failed:
    """message: one line for the user."""

    message: str


class Job(Generic[T]):
    """Runs `work(progress, *args)` elsewhere; all of it must be picklable.

    `poll` never blocks. Close it, whether it is done or not.
    """

    def __init__(self, work: Callable[..., T], *args: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, theirs = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_main, args=(theirs, work, args), name="jam-job", daemon=True
        )
        self._process.start()
        theirs.close()
        self._state: Working | Done[T] | Failed = Working()

    def poll(self) -> Working | Done[T] | Failed:
        """How it stands now."""
        while isinstance(self._state, Working):
            try:
                if not self._connection.poll():
                    break
                self._state = self._connection.recv()
            except (EOFError, OSError):
                self._process.join(timeout=_GRACE_S)
                self._state = Failed(f"it ended by itself (status {self._process.exitcode})")
        return self._state

    def close(self) -> None:
        """Cancel it if it is still at work: unfinished files are removed."""
        if not isinstance(self._state, Working):
            self._process.join(timeout=_ENDS_S)  # it is on its way out
        if self._process.is_alive():
            self._process.terminate()
            self._process.join(timeout=_GRACE_S)
            if self._process.is_alive():
                self._process.kill()
                self._process.join()
        self._connection.close()


def _main(out: Connection, work: Callable[..., object], args: tuple[Any, ...]) -> None:
    """Runs on: the job's process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Leaves by the usual way, so that what is unfinished is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if hasattr(os, "nice"):
        with contextlib.suppress(OSError):
            os.nice(10)

    def progress(done: int, total: int) -> None:
        out.send(Working(done, total))

    try:
        result = work(progress, *args)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)  # nothing is unfinished any more
        out.send(Done(result))
    except JamError as error:
        out.send(Failed(str(error)))
