"""Reading files of any origin: regular ones, and no more of them than a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jam.errors import BadInput
from jam.limits import KIB, MIB


def check_file(path: str | os.PathLike[str], most_bytes: int) -> Path:
    """The path of a file that may be read. Raises BadInput, one line that begins with its name.

    Not to be read: what isn't there, folders, devices and pipes (which might never end, or
    begin), and files of more than `most_bytes`.
    """
    file = Path(path)
    try:
        about = file.stat()
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name that can't be one
        raise _unreadable(file, error) from None
    if not stat.S_ISREG(about.st_mode):
        raise BadInput(f"{file}: not a file")
    if about.st_size > most_bytes:
        raise _too_large(file, most_bytes)
    return file


def read_limited(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The bytes of a file. Raises BadInput as `check_file` does."""
    file = check_file(path, most_bytes)
    try:
        with file.open("rb") as opened:
            data = opened.read(most_bytes + 1)
    except OSError as error:
        raise _unreadable(file, error) from None
    if len(data) > most_bytes:  # it has grown meanwhile, or doesn't tell its size
        raise _too_large(file, most_bytes)
    return data


def _unreadable(file: Path, error: Exception) -> BadInput:
    return BadInput(f"{file}: can't be read: {getattr(error, 'strerror', None) or error}")


def _too_large(file: Path, most_bytes: int) -> BadInput:
    size = f"{most_bytes // MIB} MiB" if most_bytes >= MIB else f"{most_bytes // KIB} KiB"
    return BadInput(f"{file}: larger than {size}")
