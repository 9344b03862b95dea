"""The table of every reader: for the fuzzer and for the tests of what it found."""

from __future__ import annotations

from tools.fuzzing import charts, jams, kept, midi, songs, soundfont, weights
from tools.fuzzing.reader import Reader

_MODULES = (midi, kept, weights, soundfont, songs, charts, jams)
READERS: dict[str, Reader] = {
    reader.name: reader for module in _MODULES for reader in module.READERS
}
