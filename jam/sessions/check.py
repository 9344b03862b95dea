"""Is a library whole? And when it isn't: save of it what can be read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from jam.errors import BadInput, JamError
from jam.music.song import Song
from jam.sessions import schema
from jam.sessions.library import Library
from jam.sessions.reading import Losses, load_session, readable_infos
from jam.sessions.session import Session, SessionInfo
from jam.sessions.songs import songs_in

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, a sentence each, and what was done about it. No finding: all is whole."""

    n_sessions: int
    findings: tuple[str, ...]
    repairs: tuple[str, ...] = ()


def check(path: Path, repair: bool = False, progress: Progress | None = None) -> Report:
    """Look at every page, reference and session of a library; with `repair` mend what is wrong.

    Repairing keeps a damaged file beside the new one. progress: called with (sessions done,
    sessions in all). Raises BadInput where there is no library, JamError where it can't be read
    or written for a reason other than damage.
    """
    if not path.is_file():
        raise BadInput(f"{path}: no such file")
    progress = progress or (lambda _done, _all: None)
    try:
        with Library(path) as library:
            findings = list(faults_of_file(path))
            if not findings:
                return _check_sessions(library, repair, progress)
    except schema.Damaged as error:
        findings = [str(error)]
    if not repair:
        return Report(0, tuple(findings))
    return _rebuild(path, findings, progress)


def is_damaged(path: Path) -> bool:
    """Whether a library's file can't be read as one, and not only at the moment."""
    try:
        return bool(tuple(faults_of_file(path)))
    except (BadInput, schema.Damaged):
        return True
    except JamError:
        return False


def faults_of_file(path: Path) -> Iterator[str]:
    """What SQLite itself finds wrong with the file's pages."""
    db = schema.connect_to_save(path)
    try:
        with schema.said_of(path):
            faults = [text for (text,) in db.execute("PRAGMA integrity_check(5)")]
            for _ in db.execute("SELECT data FROM settings") if faults == ["ok"] else ():
                pass  # see `Library.read_texts`
        if faults != ["ok"]:
            yield f"{path}: the file is damaged: {'; '.join(faults).splitlines()[-1]}"
    finally:
        db.close()


def _check_sessions(library: Library, repair: bool, progress: Progress) -> Report:
    findings: list[str] = []
    repairs: list[str] = []
    writable = repair and library.writable
    if repair and not library.writable:
        findings.append(f"{library.path}: it can't be written to, so nothing is repaired")
    if orphans := library.orphans():
        findings.append(f"{orphans} rows belong to no session")
        if writable:
            library.remove_orphans()
            repairs.append("removed them")
    if writable:
        repairs += [f"{s.name}: recovered" for s in library.recover()]
    infos = (*library.sessions(), *library.sessions(deleted=True))
    for done, info in enumerate(infos):
        progress(done, len(infos))
        n_notes, n_bars, losses = library.look_through(info)
        if losses:
            findings.append(f"session {info.id} ({info.name}): {'; '.join(losses)}")
        elif info.state != "recording" and (wrong := _miscounted(info, n_notes, n_bars)):
            findings.append(f"session {info.id} ({info.name}): {wrong}")
        else:
            continue
        if writable and info.state != "recording":  # which a jam is still writing
            _rewrite(library, info)
            repairs.append(f"session {info.id}: rewritten from what can be read")
    return Report(len(infos), tuple(findings), tuple(repairs))


def _rewrite(library: Library, info: SessionInfo) -> None:
    """Write a session anew, by way of a library beside it: however long it is, that takes no
    memory."""
    with (
        tempfile.TemporaryDirectory(dir=library.path.parent) as folder,
        Library(Path(folder) / library.path.name) as beside,
    ):
        with library.salvaged(info) as session:
            beside.replace(info.id, session)
        with beside.stored(info.id) as session:
            library.replace(info.id, session)


def _miscounted(info: SessionInfo, n_notes: int, n_bars: int) -> str:
    if (info.n_notes, info.n_bars) == (n_notes, n_bars):
        return ""
    return (
        f"it is listed with {info.n_notes} notes and {info.n_bars} bars, and has"
        f" {n_notes} and {n_bars}"
    )


def _rebuild(path: Path, findings: list[str], progress: Progress) -> Report:
    """Set the damaged file aside, and write a new one with every session that can be read."""
    aside = schema.set_aside(path)
    repairs = [f"the damaged file is kept as {aside}"]
    n_saved = 0
    with Library(path) as library:
        for session, losses in _readable(aside, progress):
            library.replace(session.info.id, session)
            n_saved += 1
            if losses.found:
                repairs.append(
                    f"session {session.info.id} ({session.info.name}) was saved in part:"
                    f" {'; '.join(losses.told)}"
                )
        n_songs = 0
        for song in saved_songs(aside):
            with library.songs_written() as songs:
                songs.add(song)
            n_songs += 1
    repairs.append(f"{n_saved} sessions were saved from it")
    if n_songs:
        repairs.append(f"{n_songs} songs were saved from it")
    return Report(n_saved, tuple(findings), tuple(repairs))


def _readable(path: Path, progress: Progress | None) -> Iterator[tuple[Session, Losses]]:
    """`sessions_in`, and none where nothing can be read at all."""
    with suppress(schema.Damaged):
        yield from sessions_in(path, progress)


def saved_songs(path: Path) -> Iterator[Song]:
    """The songs of a library that may be damaged."""
    with suppress(schema.Damaged):
        db = schema.connect_to_save(path)
        try:
            with schema.said_of(path):
                yield from songs_in(db, schema.foreign_tables(db))
        finally:
            db.close()


def sessions_in(path: Path, progress: Progress | None = None) -> Iterator[tuple[Session, Losses]]:
    """Every session of a library that can be read, damaged or not, and what of it can't be.

    Notes and plans are read as they are gone through, so that is known afterwards.
    """
    db = schema.connect_to_save(path)
    try:
        with schema.said_of(path):
            foreign = schema.foreign_tables(db)
            infos = readable_infos(db, foreign)
        for done, info in enumerate(infos):
            if progress is not None:
                progress(done, len(infos))
            losses = Losses(strict=False, foreign=foreign)
            yield load_session(db, info, losses, stored=True), losses
    finally:
        db.close()
