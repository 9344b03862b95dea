"""The files of a corpus, from a folder or from a .tar archive, read but never unpacked to disk."""

from __future__ import annotations

import tarfile
from pathlib import Path

from jam.errors import BadInput
from jam.files import read_limited
from jam.limits import ARCHIVE_BYTES, ARCHIVE_MEMBERS, SONG_BYTES

ARCHIVE_SUFFIXES = (".tar", ".tar.xz", ".tar.gz", ".tgz", ".tar.bz2")


class Files:
    """Relative paths with "/" to bytes. Raises BadInput where something can't be read."""

    def __init__(self, where: str, entries: dict[str, Path | bytes]) -> None:
        self.where = where
        self._entries = entries

    def paths(self, *suffixes: str) -> list[str]:
        """All paths in order, or those that end in one of the suffixes (lower case)."""
        return sorted(p for p in self._entries if not suffixes or p.lower().endswith(suffixes))

    def read(self, path: str) -> bytes:
        entry = self._entries.get(path)
        if entry is None:
            raise BadInput(f"{self.where}: no file {path}")
        if isinstance(entry, bytes):
            return entry
        return read_limited(entry, SONG_BYTES)


def open_files(where: Path) -> Files:
    """A folder with everything below it, or a .tar archive. Raises BadInput."""
    try:
        if where.is_dir():
            # Links are not followed: a folder of songs has no business outside itself.
            found = (p for p in where.rglob("*") if p.is_file() and not p.is_symlink())
            return Files(str(where), {p.relative_to(where).as_posix(): p for p in found})
    except RecursionError:
        raise BadInput(f"{where}: folders nested too deeply") from None
    if not where.is_file():
        raise BadInput(f"{where}: no such folder or file")
    if where.name.endswith(ARCHIVE_SUFFIXES):
        return Files(str(where), _archive_entries(where))
    return Files(str(where), {where.name: where})


class _Header(tarfile.TarInfo):
    """Of a member; one that states a length of its own headers that can't be is refused.

    tarfile itself goes on without end for a negative length (CVE-2025-8194), and reads any other.
    """

    def _block(self, count: int) -> int:
        if not 0 <= count <= SONG_BYTES:
            raise BadInput(f"{self.name}: too large, or a damaged length")
        return int(super()._block(count))  # type: ignore[misc]

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        special = self.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
        if special and self.size > _HEADER_BYTES:
            raise BadInput(f"{self.name}: too large a header")
        return super()._proc_member(archive)  # type: ignore[misc]


def _archive_entries(where: Path) -> dict[str, Path | bytes]:
    entries: dict[str, Path | bytes] = {}
    total = 0
    try:
        # As a stream: members in their order, so that an .xz is unpacked only once.
        with tarfile.open(where, "r|*", tarinfo=_Header) as archive:
            for number, member in enumerate(archive):
                total += member.size
                if member.size > SONG_BYTES or total > ARCHIVE_BYTES or number > ARCHIVE_MEMBERS:
                    raise BadInput(f"{member.name}: too large, or too many before it")
                if not member.isfile():
                    continue
                content = archive.extractfile(member)
                if content is not None:
                    entries[member.name.removeprefix("./")] = content.read()
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    except Exception as error:  # lzma.LZMAError, zlib.error and others: by what is damaged
        raise BadInput(f"{where}: not a readable archive ({error})") from None
    # Most archives hold one folder of their own name; paths are counted from there.
    tops = {path.split("/", 1)[0] for path in entries}
    if len(tops) == 1 and all("/" in path for path in entries):
        return {path.split("/", 1)[1]: entry for path, entry in entries.items()}
    return entries


_HEADER_BYTES = 65_536
