"""What was recorded of a jam, kept apart from the library until it is known to be readable there.

It lies in a file without a name beside the library, which no other program can find, truncate or
replace, and which is gone when the program is; so the memory that a jam takes doesn't grow with
its length. What the disk doesn't take stays in memory.
"""

from __future__ import annotations

import os
import struct
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import msgspec

from jam.sessions.rows import Entry

_HEAD = struct.Struct("<II")
"""Of a block: how many entries, how many bytes."""
_BLOCK_ENTRIES = 2_000
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[str, tuple[Any, ...]]]).decode


class Spool:
    """Entries in order. folder: where its file is to lie; elsewhere when that can't be."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._rest: list[Entry] = []
        """What is in memory, after what is in the file."""
        self._end = self._mark = (0, 0)
        """(entries, bytes) of the file; and a place in it from which it is read next."""

    def __len__(self) -> int:
        return self._end[0] + len(self._rest)

    def append(self, entry: Entry) -> None:
        self._rest.append(entry)

    def extend(self, entries: Iterable[Entry]) -> None:
        self._rest.extend(entries)

    def since(self, first: int) -> Iterator[Entry]:
        """Entries from number `first` on. Raises OSError where the file can't be read."""
        at, offset = self._mark if self._mark[0] <= first else (0, 0)
        while at < self._end[0]:
            n_entries, n_bytes = _HEAD.unpack(self._read(_HEAD.size, offset))
            if at + n_entries > first:
                block = _decode(self._read(n_bytes, offset + _HEAD.size))
                yield from block[max(0, first - at) :]
            at, offset = at + n_entries, offset + _HEAD.size + n_bytes
        yield from self._rest[max(0, first - at) :]

    def settle(self, all_written: bool) -> None:
        """Move what is in memory to the file. all_written: the library has it all, and it is read
        again from the start or not at all. Never raises for a disk that takes nothing."""
        try:
            while self._rest:
                block = self._rest[:_BLOCK_ENTRIES]
                self._write(block)
                del self._rest[: len(block)]
        except OSError:
            return
        finally:
            if all_written:
                self._mark = self._end

    def close(self) -> None:
        """Nothing is left of it."""
        self._rest.clear()
        self._end = self._mark = (0, 0)
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, block: list[Entry]) -> None:
        data = _encode(block)
        n_entries, offset = self._end
        record = _HEAD.pack(len(block), len(data)) + data
        handle = self._descriptor()
        os.lseek(handle, offset, os.SEEK_SET)
        if os.write(handle, record) < len(record):
            raise OSError("the disk took a part only")
        self._end = n_entries + len(block), offset + len(record)

    def _read(self, n_bytes: int, offset: int) -> bytes:
        handle = self._descriptor()
        os.lseek(handle, offset, os.SEEK_SET)
        data = os.read(handle, n_bytes)
        if len(data) < n_bytes:
            raise OSError("what was recorded can't be read back")
        return data

    def _descriptor(self) -> int:
        if self._file is None:
            try:
                self._file = tempfile.TemporaryFile(buffering=0, dir=self._folder)  # noqa: SIM115
            except OSError:
                self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        return self._file.fileno()
