"""The files of a corpus, from a folder or from a .tar archive, read but never unpacked to disk."""

from __future__ import annotations

import tarfile
from pathlib import Path

from jam.errors import BadInput

MAX_FILE_BYTES = 64 * 2**20
MAX_ARCHIVE_BYTES = 2 * 2**30
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
        try:
            if entry.stat().st_size > MAX_FILE_BYTES:
                raise BadInput(f"{entry}: larger than {MAX_FILE_BYTES >> 20} MB")
            return entry.read_bytes()
        except OSError as error:
            raise BadInput(f"{entry}: {error.strerror}") from None


def open_files(where: Path) -> Files:
    """A folder with everything below it, or a .tar archive. Raises BadInput."""
    if where.is_dir():
        # Links are not followed: a folder of songs has no business outside itself.
        found = (p for p in where.rglob("*") if p.is_file() and not p.is_symlink())
        return Files(str(where), {p.relative_to(where).as_posix(): p for p in found})
    if not where.is_file():
        raise BadInput(f"{where}: no such folder or file")
    if where.name.endswith(ARCHIVE_SUFFIXES):
        return Files(str(where), _archive_entries(where))
    return Files(str(where), {where.name: where})


def _archive_entries(where: Path) -> dict[str, Path | bytes]:
    entries: dict[str, Path | bytes] = {}
    total = 0
    try:
        # As a stream: members in their order, so that an .xz is unpacked only once.
        with tarfile.open(where, "r|*") as archive:
            for member in archive:
                if not member.isfile():
                    continue
                total += member.size
                if member.size > MAX_FILE_BYTES or total > MAX_ARCHIVE_BYTES:
                    raise BadInput(f"{where}: {member.name}: too large")
                content = archive.extractfile(member)
                if content is not None:
                    entries[member.name.removeprefix("./")] = content.read()
    except (tarfile.TarError, OSError, EOFError, ValueError) as error:
        raise BadInput(f"{where}: not a readable archive ({error})") from None
    # Most archives hold one folder of their own name; paths are counted from there.
    tops = {path.split("/", 1)[0] for path in entries}
    if len(tops) == 1 and all("/" in path for path in entries):
        return {path.split("/", 1)[1]: entry for path, entry in entries.items()}
    return entries


def decoded(data: bytes) -> str:
    """Text of any origin: UTF-8 (or UTF-16 with its mark), else Latin-1."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")
