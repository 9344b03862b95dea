"""The operating system: priorities, the terminal, a screen, JACK's libraries once it has died."""

from __future__ import annotations

import contextlib
import ctypes
import importlib.metadata
import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from jam.errors import NO_MEMORY, is_memory_short

_HANG_UP = getattr(signal, "SIGHUP", None)
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


def end_signals() -> tuple[int, ...]:
    """Signals at which the program ends in order: Ctrl-C, SIGTERM, and the end of the terminal."""
    return tuple(n for n in (signal.SIGINT, signal.SIGTERM, _HANG_UP) if n is not None)


def leave_the_terminal(number: int) -> None:
    """When a signal says that the terminal is gone: what is still printed must raise no error."""
    if number != _HANG_UP:
        return
    null = os.open(os.devnull, os.O_WRONLY)
    for descriptor in (1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def has_screen() -> bool:
    """False on a Linux machine where no window can be opened (Qt itself would abort there)."""
    if sys.platform != "linux":
        return True
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform and not platform.startswith(("xcb", "wayland")):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    return bool(os.environ.get("DISPLAY")) and _x_server_answers()


def _x_server_answers() -> bool:
    """Asks the X server of DISPLAY, by the library that Qt uses; True when it can't be asked."""
    import ctypes  # a window is seldom in question, and `jam --help` is to answer at once

    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    failed = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not failed


def wheel_library(name: str) -> Path | None:
    """A library that pygame's package has beside it, for where the system has none: nobody needs
    to be root for it. pygame itself is not imported.
    """
    try:
        folder = importlib.metadata.distribution("pygame-ce").locate_file("pygame_ce.libs")
    except importlib.metadata.PackageNotFoundError:
        return None
    return next(iter(sorted(Path(str(folder)).glob(f"lib{name}-*.so*"))), None)


def memory_limit_bytes() -> float:
    """How much memory (addresses) the system lets a process have; infinite where no one says."""
    try:
        import resource
    except ImportError:  # Windows
        return float("inf")
    soft, _ = resource.getrlimit(resource.RLIMIT_AS)
    return float("inf") if soft == resource.RLIM_INFINITY else soft


_ARENA_MAX = -8
"""The parameter M_ARENA_MAX of glibc's mallopt."""


def mind_the_memory() -> None:
    """A thread of this process that ends for want of memory says so in one line; and where the
    system lets a process have little, its threads don't reserve 64 MB each. Called at its start.
    """
    if sys.platform == "linux" and memory_limit_bytes() < float("inf"):
        with contextlib.suppress(AttributeError, OSError):  # another libc
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)

    def said(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and is_memory_short(args.exc_value):
            print(f"jam: {NO_MEMORY}", file=sys.stderr)
        else:
            threading.__excepthook__(args)

    threading.excepthook = said


STAGE, AUDIO = 10, 20
"""Of the stage's threads, and of the one that renders, which must wait for none of them."""


def raise_priority(priority: int) -> None:
    """Run the calling thread, and the threads that it starts from now on, in real time.

    All threads of the stage need it: the sound waits for whoever holds the interpreter, and an
    ordinary thread that is put aside for a busy window holds it for as long. A thread that has
    a higher priority already (JACK gives it one) keeps it.
    """
    with contextlib.suppress(OSError, AttributeError):
        if os.sched_getparam(0).sched_priority < priority:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(priority))


def drop_priority() -> None:
    """Run the calling thread as any other: for what is started, and has no part in the music."""
    with contextlib.suppress(OSError, AttributeError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def is_granted() -> bool | None:
    """Whether the system grants it to this user; None where it isn't Linux that is asked."""
    if sys.platform != "linux":
        return None
    granted: list[bool] = []

    def ask() -> None:
        raise_priority(STAGE)
        granted.append(os.sched_getscheduler(0) != os.SCHED_OTHER)

    asking = threading.Thread(target=ask)  # the caller's own priority stays as it is
    asking.start()
    asking.join()
    return granted[0]


_deaths = 0


def bury(*things: object) -> None:
    """Keep these for as long as the process lives, beyond the interpreter's own end."""
    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def died(*things: object) -> None:
    """The server that these belong to is dead."""
    global _deaths
    _deaths += 1
    bury(*things)


def deaths() -> int:
    """How many servers have died so far."""
    return _deaths


def ignore_the_terminal() -> None:
    """Ctrl-C and the end of the terminal go to the whole group; the parent decides who ends."""
    for name in ("SIGINT", "SIGHUP"):
        if (number := getattr(signal, name, None)) is not None:
            signal.signal(number, signal.SIG_IGN)


def many_files(wanted: int) -> None:
    """Let this process have so many files and connections open, as far as the system allows."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if soft != resource.RLIM_INFINITY and soft < most:
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def wait_for_the_end() -> None:
    """Until one of `end_signals`."""
    end = threading.Event()
    for number in end_signals():
        signal.signal(number, lambda *_: end.set())
    end.wait()
