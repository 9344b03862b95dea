"""The writer against everything that can happen to a library while a jam goes on.

Real SQLite on real folders; the jams are made up, no test waits for a musician.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import subprocess
import tempfile
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jam.cli.live import recorded
from jam.messages.snapshot import SessionLog
from jam.preferences import Preferences
from jam.sessions import schema
from jam.sessions.check import check
from jam.sessions.imports import import_file
from jam.sessions.library import Library
from jam.sessions.recorder import VANISHED, SessionWriter
from jam.sessions.session import Moment, Session
from tests.support.recorded import plain_jam
from tests.support.waiting import until

NOBODY = 65534


def whole(session: Session, seconds: float = 8.0) -> bool:
    """Everything of `plain_jam` is there."""
    return (
        len(session.rows) == len(session.plans) == round(8 * seconds)
        and len(session.notes) == round(2 * seconds)
        and session.info.state == "complete"
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "sessions.sqlite3"


def only_session(path: Path) -> Session:
    with Library(path) as library:
        (info,) = library.sessions()
        return library.session(info.id)


def feed(writer: SessionWriter, logs: list[SessionLog]) -> None:
    for log in logs:
        writer.take_log(log)


def test_a_jam_is_kept_with_its_marks(path: Path) -> None:
    writer = SessionWriter(path, title="Blue")
    logs = plain_jam(ended=True)
    assert not writer.mark("good", 101.0)  # nothing to mark yet
    feed(writer, logs[:20])
    until(lambda: writer.session_id)
    assert writer.mark("good", 102.5) and writer.mark("bad", 103.0)
    with Library(path) as library:  # it can be looked at while it goes on
        assert library.session(1).info.state == "recording" and not library.recover()
    feed(writer, logs[20:])
    writer.close()
    assert writer.trouble == "" and writer.news == () and writer.message() == ""
    session = only_session(path)
    assert whole(session) and session.info.title == "Blue" and session.seed == 3
    assert session.moments == (Moment(2.5, "good"), Moment(3.0, "bad"))
    assert session.plans[5].at_s == pytest.approx(5 / 8)
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name]


def test_each_start_is_a_session_and_silence_is_none(path: Path) -> None:
    writer = SessionWriter(path)
    feed(writer, plain_jam(2.0, session=1))
    silent = [
        SessionLog(log.session, log.at_s, rows=log.rows, tempo_map=log.tempo_map)
        for log in plain_jam(2.0, 200.0, session=2, ended=True)
    ]
    feed(writer, silent)
    until(lambda: writer.session_id is None)
    feed(writer, [SessionLog(0)])
    feed(writer, plain_jam(2.0, 300.0, session=3))
    writer.close()
    with Library(path) as library:
        assert [info.n_notes for info in library.sessions()] == [4, 4]
        assert all(whole(library.session(i.id), 2.0) for i in library.sessions())


def test_a_private_session_leaves_nothing(path: Path) -> None:
    writer = SessionWriter(path, title="secret", recording=False)
    feed(writer, plain_jam(ended=True))
    assert not writer.mark("good", 101.0)
    writer.close()
    assert not path.parent.exists()


@pytest.mark.parametrize(("private", "record"), [(True, True), (False, False), (False, True)])
def test_the_switches_are_obeyed(
    private: bool, record: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with recorded(Namespace(private=private), Preferences(record=record)) as writer:
        feed(writer, plain_jam(ended=True))
    assert any(tmp_path.iterdir()) == (record and not private)


def test_recording_that_is_turned_off_is_erased(path: Path) -> None:
    writer = SessionWriter(path, title="kept from everyone")
    logs = plain_jam(ended=True)
    feed(writer, logs[:30])
    writer.mark("marker", 101.0, "nobody must read this")
    until(lambda: writer.session_id)
    writer.recording = False
    feed(writer, logs[30:])
    feed(writer, plain_jam(session=2))
    writer.recording = True
    feed(writer, plain_jam(1.0, session=3))
    writer.close()
    with Library(path) as library:
        assert [info.n_notes for info in library.sessions()] == [2]
    content = b"".join(file.read_bytes() for file in path.parent.iterdir())
    assert b"nobody must read this" not in content


def test_two_programs_may_record_at_once(path: Path) -> None:
    one, other = SessionWriter(path), SessionWriter(path)
    for log in plain_jam(ended=True):
        one.take_log(log)
        other.take_log(log)
    one.close()
    other.close()
    assert one.session_id != other.session_id
    with Library(path) as library:
        assert len(library.sessions()) == 2
        assert all(whole(library.session(i.id)) for i in library.sessions())


def test_a_locked_library_is_written_to_when_it_is_free(path: Path) -> None:
    writer = SessionWriter(path)
    logs = plain_jam(ended=True)
    feed(writer, logs[:10])
    until(lambda: writer.session_id)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    feed(writer, logs[10:])
    until(lambda: writer.trouble)
    assert "kept in memory" in writer.trouble and f"{path}: it is locked" in writer.trouble
    assert writer.message() == writer.trouble and writer.trouble.count(".\n") == 0
    locker.execute("ROLLBACK")
    locker.close()
    until(lambda: not writer.trouble)
    writer.close()
    assert whole(only_session(path))


@contextmanager
def small_disk(folder: Path) -> Iterator[None]:
    """A folder of 300 KiB; skips the test where none may be mounted."""
    folder.mkdir(parents=True, exist_ok=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=300k", "jam-test", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before stays whole; what came after is saved elsewhere, and said so."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with small_disk(path.parent):
        writer = SessionWriter(path)
        feed(writer, plain_jam(2.0, ended=True))
        until(lambda: writer.session_id)
        for session in range(2, 42):
            feed(writer, plain_jam(20.0, session=session, ended=True))
        until(lambda: writer.trouble)
        writer.close()
        assert "kept in memory" in writer.trouble and "It was saved as" in writer.trouble
        assert f"{path}: the disk" in writer.trouble
        assert not check(path).findings
        with Library(path) as library:
            assert whole(library.session(1), 2.0)
            library.recover()
        (rescued,) = tmp_path.glob("jam-rescued-*.sqlite3")
        assert str(rescued) in writer.trouble
        with Library(tmp_path / "all.sqlite3") as library:
            for file in (path, rescued):
                import_file(library, file)
            found = library.sessions()
            assert sum(whole(library.session(i.id), 20.0) for i in found) == 40


def test_a_disk_with_room_again(path: Path) -> None:
    """The jam that waited in memory is saved by itself, from its first note."""
    writer = SessionWriter(path)
    logs = plain_jam(60.0, ended=True)
    feed(writer, logs[:5])
    until(lambda: writer.session_id)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(
        resource.RLIMIT_FSIZE, (path.with_name(path.name + "-wal").stat().st_size, hard)
    )
    try:
        feed(writer, logs[5:])
        until(lambda: writer.trouble)
        assert "kept in memory" in writer.trouble and f"{path}: the disk" in writer.trouble
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    until(lambda: not writer.trouble)
    writer.close()
    assert whole(only_session(path), 60.0)


def test_a_folder_that_can_not_be_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(tempfile.mkdtemp(prefix="jam-read-only-"))
    (folder / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "elsewhere"))
    path = folder / "data" / "sessions.sqlite3"
    writer = SessionWriter(path)
    feed(writer, plain_jam(2.0, ended=True))
    writer.close()
    for open_to_all in (folder, folder / "elsewhere"):
        open_to_all.chmod(0o777)
    path.chmod(0o444)
    path.parent.chmod(0o555)
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(NOBODY)  # root may write everywhere
        writer = SessionWriter(path)
        until(lambda: writer.trouble)
        feed(writer, plain_jam(4.0, ended=True))
        writer.close()
        assert "can't be written to" in writer.trouble and "It was saved as" in writer.trouble
        with Library(path) as library:  # what is there can be read all the same
            assert not library.writable
            assert whole(library.session(library.sessions()[0].id), 2.0)
        (rescued,) = (folder / "elsewhere").iterdir()
        assert whole(only_session(rescued), 4.0)
    finally:
        if root:
            os.seteuid(0)
        path.parent.chmod(0o755)
        shutil.rmtree(folder)


def spoil(path: Path, from_byte: int) -> None:
    data = bytearray(path.read_bytes())
    data[from_byte:] = b"\xa5" * (len(data) - from_byte)
    path.write_bytes(data)


@pytest.mark.parametrize("from_byte", [0, 4096], ids=["its head", "its pages"])
def test_a_damaged_library_is_set_aside(path: Path, from_byte: int) -> None:
    """Whether it is noticed at the start or in mid-jam, the new jam is whole in a new library."""
    writer = SessionWriter(path)
    feed(writer, plain_jam(4.0, ended=True))
    writer.close()
    spoil(path, from_byte)
    writer = SessionWriter(path)
    feed(writer, plain_jam(ended=True))
    writer.close()
    assert not writer.trouble
    (news,) = writer.news
    (aside,) = path.parent.glob("*-damaged-*.sqlite3")
    assert "damaged" in news and str(aside) in news and writer.message() == news
    assert whole(only_session(path))
    assert not check(path).findings and check(aside).findings


def test_a_library_that_vanishes_in_mid_jam(path: Path) -> None:
    writer = SessionWriter(path)
    logs = plain_jam(ended=True)
    feed(writer, logs[:20])
    until(lambda: writer.session_id)
    shutil.rmtree(path.parent)
    feed(writer, logs[20:])
    writer.close()
    assert VANISHED in writer.message()
    assert whole(only_session(path))


def test_a_session_that_was_removed_while_it_went_on_is_written_anew(path: Path) -> None:
    writer = SessionWriter(path)
    logs = plain_jam(ended=True)
    feed(writer, logs[:20])
    until(lambda: writer.session_id)
    with Library(path) as library:
        library.erase(library.sessions()[0].id)
    feed(writer, logs[20:])
    writer.close()
    assert whole(only_session(path))


def test_a_newer_library_is_never_touched(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    path.parent.mkdir()
    with Library(path) as library:
        library._db.execute(f"PRAGMA user_version = {schema.VERSION + 1}")
    before = path.read_bytes()
    writer = SessionWriter(path)
    feed(writer, plain_jam(2.0, ended=True))
    writer.close()
    assert "newer version" in writer.trouble and "It was saved as" in writer.trouble
    assert path.read_bytes() == before
