"""A look at a SoundFont before FluidSynth, which is C, gets it.

Follows "SoundFont Technical Specification 2.04", section 4 (RIFF: a chunk is a name, a length and
so many bytes; as FluidSynth reads it, and .sf3 files are, without a byte that makes them even).
FluidSynth checks the tables itself; what it is never given is a file that isn't all there.
"""

from __future__ import annotations

from pathlib import Path

from jam.errors import BadInput
from jam.files import check_file
from jam.limits import SOUNDFONT_BYTES

_PARTS = {b"INFO": "its description", b"sdta": "its samples", b"pdta": "its instruments"}

_MAX_CHUNKS = 64


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
            for _ in range(_MAX_CHUNKS):
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
