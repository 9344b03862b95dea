"""SoundFonts on this machine: where they lie, and the instruments that one has."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import platformdirs

from jam.audio.synth import check_soundfont
from jam.errors import BadInput
from jam.files import assets_dir, soundfont_path

DRUM_BANK = 128
_FOLDERS = ("sounds/sf2", "sounds/sf3", "soundfonts", "sounds")
"""Within every folder of data, the user's and the system's, where SoundFonts usually lie."""
_HEADER_BYTES, _NAME_BYTES = 38, 20
"""Of a preset in the chunk "phdr" of a SoundFont (SoundFont 2.04 specification, 7.2)."""
_MOST_PRESETS, _MOST_CHUNKS = 4096, 16


def usual_folders() -> tuple[Path, ...]:
    """Where SoundFonts are looked for, the user's own first. Those needn't exist."""
    home = Path.home()
    own = (platformdirs.user_data_path("jam", appauthor=False) / "soundfonts", home / "soundfonts")
    data = os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    shared = [home / ".local/share", *(Path(f) for f in data.split(":") if f)]
    return (*own, *(base / name for base in shared for name in _FOLDERS), assets_dir())


def soundfonts() -> dict[str, Path]:
    """File name -> path of every SoundFont in the usual folders; of one name the first."""
    found: dict[str, Path] = {}
    seen: set[Path] = set()
    for folder in usual_folders():
        try:
            files = sorted(folder.iterdir())
        except OSError:
            continue
        for file in files:
            if file.suffix.lower() not in (".sf2", ".sf3") or not file.is_file():
                continue
            if (real := file.resolve()) not in seen:
                seen.add(real)
                found.setdefault(real.name, real)
    return found


def chosen_soundfont(name: str) -> Path:
    """The SoundFont that a name means: "" the usual one, a file's name in the usual folders, or a
    path. Raises BadInput where there is none."""
    if not name:
        return soundfont_path()
    path = Path(name).expanduser()
    if path.is_absolute() and path.is_file():
        return path
    known = soundfonts()
    if name in known:
        return known[name]
    raise BadInput(f"SoundFont {name!r}: not found; there are {', '.join(known) or 'none'}")


def instruments(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) -> the name that the SoundFont gives its instrument; bank 128 are drum kits.

    Raises BadInput for what is no SoundFont.
    """
    check_soundfont(path)
    stat = path.stat()
    return _instruments(path, stat.st_mtime_ns, stat.st_size)


@lru_cache(maxsize=8)
def _instruments(path: Path, _changed_ns: int, _size: int) -> dict[tuple[int, int], str]:
    with path.open("rb") as file:
        at = 12
        for _ in range(_MOST_CHUNKS):  # the lists of a RIFF file: name, length, kind
            file.seek(at)
            head = file.read(12)
            length = int.from_bytes(head[4:8], "little")
            if head[8:] == b"pdta":
                return _names(file.read(min(length, 16 + _HEADER_BYTES * _MOST_PRESETS)))
            at += 8 + length if head[:4] == b"LIST" else 1  # some fill up odd lengths, some don't
    return {}


def _names(data: bytes) -> dict[tuple[int, int], str]:
    if data[:4] != b"phdr":
        return {}
    headers = data[8 : 8 + int.from_bytes(data[4:8], "little")]
    found: dict[tuple[int, int], str] = {}
    for at in range(0, len(headers) - 2 * _HEADER_BYTES + 1, _HEADER_BYTES):  # the last ends them
        name = headers[at : at + _NAME_BYTES].split(b"\0")[0].decode("latin-1").strip()
        program, bank = (
            int.from_bytes(headers[at + offset : at + offset + 2], "little") for offset in (20, 22)
        )
        if name.isprintable():
            found[bank, program] = name
    return found
