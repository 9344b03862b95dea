"""System calls that fail when they are told to: SQLite's own, and those of Python's modules."""

from __future__ import annotations

import _sqlite3
import ctypes
import errno
import fcntl
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_int, _size, _offset, _text, _address = (
    ctypes.c_int,
    ctypes.c_size_t,
    ctypes.c_longlong,
    ctypes.c_char_p,
    ctypes.c_void_p,
)
OF_SQLITE: dict[str, tuple[Any, tuple[Any, ...]]] = {
    "open": (_int, (_text, _int, _int)),
    "stat": (_int, (_text, _address)),
    "fstat": (_int, (_int, _address)),
    "ftruncate": (_int, (_int, _offset)),
    "fcntl": (_int, (_int, _int, _address)),
    "read": (ctypes.c_ssize_t, (_int, _address, _size)),
    "pread": (ctypes.c_ssize_t, (_int, _address, _size, _offset)),
    "pread64": (ctypes.c_ssize_t, (_int, _address, _size, _offset)),
    "write": (ctypes.c_ssize_t, (_int, _address, _size)),
    "pwrite": (ctypes.c_ssize_t, (_int, _address, _size, _offset)),
    "pwrite64": (ctypes.c_ssize_t, (_int, _address, _size, _offset)),
    "unlink": (_int, (_text,)),
    "mmap": (_address, (_address, _size, _int, _int, _int, _offset)),
}
"""What each returns and takes. Those by which SQLite flushes to the disk can't be replaced."""
OF_PYTHON: dict[str, tuple[Any, str]] = {
    "os.open": (os, "open"),
    "os.stat": (os, "stat"),
    "os.mkdir": (os, "mkdir"),
    "os.unlink": (os, "unlink"),
    "os.write": (os, "write"),
    "os.lseek": (os, "lseek"),
    "flock": (fcntl, "flock"),
    "TemporaryFile": (tempfile, "TemporaryFile"),
}
_FULL = {"write", "pwrite", "pwrite64", "ftruncate", "os.write"}


class Failing:
    """Counts the calls, and says whether this is the one that fails. number: None for none."""

    def __init__(self, name: str, number: int | None = None) -> None:
        self.calls, self._number = 0, number
        self.errno = errno.ENOSPC if name in _FULL else errno.EIO

    def now(self) -> bool:
        self.calls += 1
        return self.calls - 1 == self._number


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3 (https://sqlite.org/c3ref/vfs.html)."""

    _fields_ = [
        *((name, _int) for name in ("iVersion", "szOsFile", "mxPathname")),
        *((name, _address) for name in ("pNext", "zName", "pAppData")),
        *((f"x{i}", _address) for i in range(13)),  # xOpen to xCurrentTimeInt64
        ("xSetSystemCall", ctypes.CFUNCTYPE(_int, _address, _text, _address)),
        ("xGetSystemCall", ctypes.CFUNCTYPE(_address, _address, _text)),
    ]


def _vfs() -> Any:
    """That of the SQLite which Python uses; None where it is linked in another way."""
    linked = subprocess.run(["ldd", _sqlite3.__file__], capture_output=True, text=True).stdout
    name = next((line.split()[2] for line in linked.splitlines() if "libsqlite3" in line), None)
    if name is None:
        return None
    library = ctypes.CDLL(name)
    library.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    return library.sqlite3_vfs_find(None)


@contextmanager
def failing(name: str, number: int | None = None) -> Iterator[Failing]:
    """The call of that number fails inside, with no room or a broken disk."""
    fails = Failing(name, number)
    replaced = _python_call if name in OF_PYTHON else _sqlite_call
    with replaced(name, fails):
        yield fails


@contextmanager
def _python_call(name: str, fails: Failing) -> Iterator[None]:
    module, attribute = OF_PYTHON[name]
    real: Callable[..., Any] = getattr(module, attribute)

    def call(*args: Any, **kwargs: Any) -> Any:
        if fails.now():
            raise OSError(fails.errno, os.strerror(fails.errno))
        return real(*args, **kwargs)

    setattr(module, attribute, call)
    try:
        yield
    finally:
        setattr(module, attribute, real)


def _lets_go(_file: int, command: int, address: int) -> bool:
    """Whether a lock is let go, which no system refuses: it would be held for ever."""
    return command == fcntl.F_SETLK and ctypes.c_short.from_address(address).value == fcntl.F_UNLCK


@contextmanager
def _sqlite_call(name: str, fails: Failing) -> Iterator[None]:
    """Nothing else may use SQLite meanwhile."""
    vfs, (returns, takes) = _vfs(), OF_SQLITE[name]
    prototype = ctypes.CFUNCTYPE(returns, *takes, use_errno=True)
    get = vfs.contents.xGetSystemCall
    address = get(ctypes.cast(vfs, _address), name.encode())
    if not address:  # it has no such call on this system
        yield
        return
    real = prototype(address)

    def call(*args: Any) -> Any:
        if not (name == "fcntl" and _lets_go(*args)) and fails.now():
            ctypes.set_errno(fails.errno)
            return -1 if returns is not _address else ctypes.c_void_p(-1).value
        return real(*args)

    ours = prototype(call)
    change = vfs.contents.xSetSystemCall
    assert change(ctypes.cast(vfs, _address), name.encode(), ctypes.cast(ours, _address)) == 0
    try:
        yield
    finally:
        change(ctypes.cast(vfs, _address), name.encode(), None)
