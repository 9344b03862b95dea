"""The table of every reader: for the fuzzer and for the tests of what it found."""

from __future__ import annotations

from tools.fuzzing import jams, kept, midi, songs
from tools.fuzzing.reader import Reader

READERS: dict[str, Reader] = {
    reader.name: reader for module in (midi, kept, songs, jams) for reader in module.READERS
}
