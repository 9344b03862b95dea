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
from collections.abc import Callable, Iterator
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
from jam.sessions.spool import Spool
from tests.support.recorded import plain_jam
from tests.support.waiting import until
from tools.support.session_parts import made_session

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


def emptied(path: Path) -> None:
    os.truncate(path, 0)


def cut_off(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(os.urandom(path.stat().st_size + 8192))


def overwritten_by_a_text(path: Path) -> None:
    path.write_text("all my notes\n" * 5_000)


def overwritten_by_another(path: Path) -> None:
    """As `cp` does it: the file stays the same, what is in it doesn't."""
    other = path.with_name("other.sqlite3")
    with Library(other) as library:
        library.add(made_session(title="another"))
    path.write_bytes(other.read_bytes())
    other.unlink()


@pytest.mark.parametrize("checkpointed", [False, True], ids=["in the journal", "in the file"])
@pytest.mark.parametrize(
    "spoil_it", [emptied, cut_off, overwritten, overwritten_by_a_text, overwritten_by_another]
)
def test_a_library_that_is_spoiled_in_place_in_mid_jam(
    path: Path, spoil_it: Callable[[Path], None], checkpointed: bool
) -> None:
    """Whatever comes of the file, what is being played is whole in the library that is there."""
    writer = SessionWriter(path)
    feed(writer, plain_jam(20.0, session=1, ended=True))
    logs = plain_jam(session=2, ended=True)
    feed(writer, logs[:20])
    until(lambda: writer.session_id == 2)
    if checkpointed:
        with Library(path) as library:
            library.checkpoint()
    spoil_it(path)
    feed(writer, logs[20:])
    until(lambda: writer.session_id is not None and not writer.trouble)
    writer.close()
    assert not writer.trouble
    with Library(path) as library:
        found = [library.session(info.id) for info in library.sessions()]
    assert sum(whole(session) for session in found) == 1
    (check_again,) = [check(path)]
    assert not check_again.findings, check_again.findings


def test_what_was_played_comes_back_in_order_from_memory_and_disk(tmp_path: Path) -> None:
    spool, entries = (
        Spool(tmp_path),
        [("frame", (i, 0.5, None, b"\x00\xff", "x")) for i in range(9000)],
    )
    for at in range(0, 9000, 1000):
        spool.extend(entries[at : at + 500])
        spool.settle(at % 3000 == 0)
        spool.extend(entries[at + 500 : at + 1000])
        assert len(spool) == at + 1000
    for first in (0, 1, 499, 500, 7000, 8700, 9000):
        assert list(spool.since(first)) == entries[first:]
    assert not list(tmp_path.iterdir())  # nobody can find it
    spool.close()
