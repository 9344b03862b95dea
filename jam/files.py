"""Files of any origin are read up to a limit; our own are written whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jam.errors import BadInput, JamError
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


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The name under which a file is to be written that appears complete or not at all.

    At the end of the block it takes the place of `path`; when the block fails, nothing is left.
    Raises JamError, one line that begins with the file's name, when it can't be written.
    """
    file = Path(path)
    unfinished = file.with_name(f".{file.stem[:40]}.{os.getpid()}.part{file.suffix.lower()}")
    try:
        yield unfinished
        unfinished.replace(file)
    except OSError as error:
        raise JamError(f"{file}: can't be written: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()
