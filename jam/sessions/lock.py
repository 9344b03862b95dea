"""Who is still recording: a locked file beside the library, which the system frees at death.

Process numbers are used again, and a time of day may jump; a lock tells for certain, also after
a power cut.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
from pathlib import Path


def _try_lock(handle: int) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _path(library: Path, token: str) -> Path:
    return library.with_name(f"{library.name}-{token}.recording")


class RecordingLock:
    """Held by a program as long as it may record. Raises OSError where no file can be made."""

    def __init__(self, library: Path) -> None:
        self.token = secrets.token_hex(8)
        self._path = _path(library, self.token)
        self._handle = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_EXCL, 0o600)
        _try_lock(self._handle)

    def close(self) -> None:
        os.close(self._handle)
        with contextlib.suppress(OSError):
            self._path.unlink()


def is_held(library: Path, token: str) -> bool:
    """False once whoever took the lock is gone; what it left behind is then removed."""
    path = _path(library, token)
    try:
        handle = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True  # it can't be known: better leave it alone
    free = _try_lock(handle)
    os.close(handle)
    if free:
        with contextlib.suppress(OSError):
            path.unlink()
    return not free
