"""Reading files of any origin: regular ones, and no more of them than a limit."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from jam.errors import BadInput
from jam.limits import KIB, MIB


def read_limited(path: str | os.PathLike[str], most_bytes: int) -> bytes:
    """The bytes of a file. Raises BadInput, one line that begins with its name.

    Not read: what isn't there, folders, devices and pipes (which might never end, or begin),
    and files of more than `most_bytes`.
    """
    file = Path(path)
    try:
        if not stat.S_ISREG(os.stat(file).st_mode):
            raise BadInput(f"{file}: not a file")
        with file.open("rb") as opened:
            if os.fstat(opened.fileno()).st_size > most_bytes:
                raise BadInput(f"{file}: larger than {_size(most_bytes)}")
            data = opened.read(most_bytes + 1)
    except FileNotFoundError:
        raise BadInput(f"{file}: no such file") from None
    except (OSError, ValueError) as error:  # ValueError: a name that can't be one
        reason = getattr(error, "strerror", None) or error
        raise BadInput(f"{file}: can't be read: {reason}") from None
    if len(data) > most_bytes:  # it has grown meanwhile, or doesn't tell its size
        raise BadInput(f"{file}: larger than {_size(most_bytes)}")
    return data


def _size(n_bytes: int) -> str:
    return f"{n_bytes // MIB} MiB" if n_bytes >= MIB else f"{n_bytes // KIB} KiB"
