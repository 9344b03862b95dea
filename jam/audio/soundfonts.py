"""SoundFonts on this machine: where they lie, and the instruments that one has."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path

import platformdirs

from jam.errors import BadInput
from jam.files import SOUNDFONT_VARIABLE, assets_dir, check_file, soundfont_path
from jam.limits import SOUNDFONT_BYTES

DRUM_BANK = 128
_FOLDERS = ("sounds/sf2", "sounds/sf3", "soundfonts", "sounds")
"""Within every folder of data, the user's and the system's, where SoundFonts usually lie."""
_HEADER_BYTES, _NAME_BYTES = 38, 20
"""Of a preset in the chunk "phdr" of a SoundFont (SoundFont 2.04 specification, 7.2)."""
_MOST_PRESETS, _MOST_CHUNKS, _MOST_CHECKED = 4096, 16, 64
_PARTS = {b"INFO": "its description", b"sdta": "its samples", b"pdta": "its instruments"}
_GRAND = "SplendidGrand.sf3"
"""Three pianos that come along; they take the place of the usual SoundFont's."""


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
            if (
                file.suffix.lower() not in (".sf2", ".sf3")
                or not file.is_file()
                or file.name == _GRAND
            ):
                continue
            if (real := file.resolve()) not in seen:
                seen.add(real)
                found.setdefault(real.name, real)
    return found


def chosen_soundfont(name: str) -> Path:
    """The SoundFont that a name means: "" the usual one, a file's name in the usual folders, or a
    path. Raises BadInput where there is none."""
    if not name:
        return layers()[0]
    path = Path(name).expanduser()
    if path.is_absolute() and path.is_file():
        return path
    known = soundfonts()
    if name in known:
        return known[name]
    raise BadInput(f"SoundFont {name!r}: not found; there are {', '.join(known) or 'no others'}")


def usable_soundfont(name: str) -> tuple[Path, str]:
    """The SoundFont that a name means, or else the usual one and, in a sentence, why."""
    try:
        check_soundfont(path := chosen_soundfont(name))
    except BadInput as error:
        if not name:
            raise
        return chosen_soundfont(""), f"{error}; the default SoundFont plays."
    return path, ""


def layers(chosen: Path | None = None) -> tuple[Path, ...]:
    """The SoundFonts in which an instrument is looked for, one after another.

    Without a chosen one: the grand piano that comes along, then the usual SoundFont. They also have
    what a chosen one lacks. The usual SoundFont alone is had by choosing it, or with JAM_SOUNDFONT.
    """
    try:
        usual = soundfont_path()
    except BadInput:
        if chosen is None:
            raise
        return (chosen,)
    grand = assets_dir() / _GRAND
    own = (grand,) if grand.is_file() and not os.environ.get(SOUNDFONT_VARIABLE) else ()
    if chosen is None or chosen in own:
        return *own, usual
    return (usual,) if chosen.resolve() == usual.resolve() else (chosen, *own, usual)


def instruments(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) -> the name of the instrument that sounds with that SoundFont chosen; bank
    128 are drum kits. Raises BadInput for what is no SoundFont.
    """
    named: dict[tuple[int, int], str] = {}
    for layer in reversed(layers(path)):
        check_soundfont(layer)
        named |= presets(layer)
    return named


def presets(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) -> name of every instrument of one SoundFont, which has been checked."""
    stat = path.stat()
    return _instruments(path, stat.st_mtime_ns, stat.st_size)


def check_soundfont(path: Path) -> None:
    """Raises BadInput, one line that begins with the path, for what is no whole SoundFont."""
    check_file(path, SOUNDFONT_BYTES)
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:] != b"sfbk":
                raise BadInput(f"{path}: not a SoundFont (it doesn't begin with RIFF and sfbk)")
            at, end = 12, 8 + int.from_bytes(head[4:8], "little")
            missing = dict(_PARTS)
            for _ in range(_MOST_CHECKED):
                if at >= end or not missing:
                    break
                file.seek(at)
                name, length, kind = file.read(4), file.read(4), file.read(4)
                at += 8 + int.from_bytes(length, "little")
                if len(kind) < 4 or at > n_bytes:
                    raise BadInput(f"{path}: truncated: {n_bytes:,} bytes, the SoundFont has more")
                if name == b"LIST":
                    missing.pop(kind, None)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror or error}") from None
    if missing:
        raise BadInput(f"{path}: not a SoundFont ({', '.join(missing.values())} missing)")


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
