"""The microphone's sound, kept beside the library: one FLAC file a session, its second 0 the
session's. Which session's it is says its name: when that began.
"""

from __future__ import annotations

import contextlib
import os
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.voice.files import write_samples
from jam.voice.flac import mend

CANT_KEEP = "the sound can't be kept: {why}"
NOT_KEPT = "the microphone's sound was not kept (the setting Keep the microphone's sound)"
_FOLDER = "voices"
_UNFINISHED = "unfinished-"


def folder_of(library: Path) -> Path:
    """Where the sound of a library's sessions lies."""
    return library.parent / _FOLDER


def new_file(library: Path, session: int) -> Path:
    """A file for the sound of a session that begins now, until it is known what it is called."""
    folder = folder_of(library)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"{_UNFINISHED}{os.getpid()}-{session}.flac"


def file_of(library: Path, started_at: datetime) -> Path:
    """The file of a session, there or not."""
    return folder_of(library) / f"{started_at.astimezone(UTC):%Y%m%dT%H%M%S.%f}.flac"


def kept(library: Path, started_at: datetime) -> Path | None:
    """The file of a session; None where nothing was kept."""
    return whole(file_of(library, started_at))


def whole(file: Path) -> Path | None:
    """A file, to be read to its end though its writer was cut off; None where there is none."""
    if not file.is_file():
        return None
    with contextlib.suppress(OSError):
        mend(file)
    return file


def keep_sound(
    samples: NDArray[np.float32], rate_hz: int, library: Path, started_at: datetime
) -> None:
    """Keep the sound (n,) of a session, its first sample the session's second 0.

    Raises OSError, RuntimeError; then nothing is kept.
    """
    file = new_file(library, 0)
    try:
        write_samples(file, samples, rate_hz, ".flac")
        file.replace(file_of(library, started_at))
    except BaseException:
        forget(file)
        raise


def reason(error: Exception) -> str:
    """Why sound can't be written, in a few words."""
    said = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
    return str(said).rstrip(".")


def keep(written: Path, library: Path, started_at: datetime) -> bool:
    """Give a file, which may still grow, the name of its session; False while there is none."""
    try:
        written.replace(file_of(library, started_at))
    except OSError:
        return False
    return True


def forget(*files: Path) -> None:
    """Delete what there is of them."""
    for file in files:
        with contextlib.suppress(FileNotFoundError):
            file.unlink()
