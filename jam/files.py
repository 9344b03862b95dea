"""Files: where ours lie; others' are read up to a limit, our own written whole or not at all."""

from __future__ import annotations

import itertools
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import platformdirs

from jam.errors import BadInput, JamError
from jam.limits import KIB, MIB

SOUND_SUFFIXES = (".wav", ".flac", ".mp3")
FILE_RATES = (44100, 48000)
"""Sample rates in Hz of sound files: every kind of them has both."""


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
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The name under which a file is to be written that appears complete or not at all.

    At the end of the block it takes the place of `path`, and its permissions; when the block
    fails, nothing is left. Raises OSError when it can't be written.
    """
    file = Path(path)
    number = f"{os.getpid()}-{next(_unfinished)}"
    unfinished = file.with_name(f".{file.stem[:40]}.{number}.part{file.suffix.lower()}")
    try:
        yield unfinished
        with suppress(OSError):  # a new file, or on a disk that knows no permissions
            unfinished.chmod(stat.S_IMODE(file.stat().st_mode))
        unfinished.replace(file)
    finally:
        with suppress(OSError):
            unfinished.unlink()


_unfinished = itertools.count(1)


def write_private(path: Path, data: bytes) -> None:
    """Write a file that its user alone can read. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with replacing(path) as unfinished:
        handle = os.open(unfinished, os.O_WRONLY | os.O_CREAT, 0o600)
        with open(handle, "wb") as file:
            file.write(data)


@contextmanager
def whole(path: str | os.PathLike[str]) -> Iterator[Path]:
    """The same, but raises JamError, one line that begins with the file's name."""
    try:
        with replacing(path) as unfinished:
            yield unfinished
    except OSError as error:
        raise JamError(f"{path}: can't be written: {error.strerror or error}") from None


SOUNDFONT_NAME = "FluidR3Mono_GM.sf3"

SOUNDFONT_VARIABLE = "JAM_SOUNDFONT"

# Where distributions put General MIDI SoundFonts; the best ones first.
_SYSTEM_SOUNDFONTS = (
    "/usr/share/sounds/sf3/FluidR3Mono_GM.sf3",
    "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "/usr/share/soundfonts/FluidR3_GM.sf2",
    "/usr/share/sounds/sf3/default-GM.sf3",
    "/usr/share/sounds/sf2/default-GM.sf2",
    "/usr/share/soundfonts/default.sf2",
)


def assets_dir() -> Path:
    """The folder of the SoundFont and the demo tunes: of the checkout, or of the installation."""
    checkout = Path(__file__).resolve().parent.parent / "assets"
    return checkout if checkout.is_dir() else Path(sys.prefix) / "share" / "jam"


def soundfont_path() -> Path:
    """The SoundFont to play with; where there is none at all, the path at which one should be.

    JAM_SOUNDFONT names one, then comes the one that is shipped, then those of the system.
    Raises BadInput when JAM_SOUNDFONT names no file.
    """
    if chosen := os.environ.get(SOUNDFONT_VARIABLE):
        path = Path(chosen).expanduser()
        if not path.is_file():
            raise BadInput(f"{SOUNDFONT_VARIABLE}={chosen}: no such file")
        return path
    shipped = assets_dir() / SOUNDFONT_NAME
    places = (shipped, *map(Path, _SYSTEM_SOUNDFONTS))
    return next((place for place in places if place.is_file()), shipped)


def demo_tunes() -> list[Path]:
    """The bundled tunes, in order of name; the first is the one that the demo plays."""
    return sorted((assets_dir() / "tunes").glob("*.mid"))


def data_dir() -> Path:
    """The user's folder for sessions and recordings, made where it doesn't exist."""
    return platformdirs.user_data_path("jam", appauthor=False, ensure_exists=True)


def config_dir() -> Path:
    """The user's folder for settings; whoever writes there makes it."""
    return platformdirs.user_config_path("jam", appauthor=False)


def recordings_dir() -> Path:
    """The folder of what the demo records, made where it doesn't exist."""
    folder = data_dir() / "recordings"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def library_path() -> Path:
    """The file of the user's sessions. Its folder is made where it doesn't exist (OSError)."""
    return data_dir() / "sessions.sqlite3"


def decoded(data: bytes) -> str:
    """Text of any origin: UTF-8 (or UTF-16 with its mark), else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
