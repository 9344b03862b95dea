"""Every system call of the writer made to fail once: nothing is lost that was said to be saved.

As SQLite's own tests do it (https://sqlite.org/testing.html#i_o_error_testing): the same jams are
recorded over and over, and the first call fails, then the second, and so on to the last.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest

from jam.clock import FakeClock
from jam.sessions.check import check
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.sessions.session import Session
from tests.support.failing_calls import OF_PYTHON, OF_SQLITE, failing
from tests.support.recorded import plain_jam

SECONDS = (1.0, 2.0)
"""The jams, by their length."""
PARTS = 6
"""Each takes as many of the failures, so that none takes long."""


class TickingClock(FakeClock):
    """Every look at it takes a while, so that a jam is written in several parts."""

    def now_s(self) -> float:
        self.advance(0.1)
        return super().now_s()


def is_whole(session: Session) -> bool:
    seconds = session.info.length_s
    return (
        session.info.state == "complete"
        and seconds in SECONDS
        and len(session.rows) == len(session.plans) == round(8 * seconds)
        and len(session.notes) == round(2 * seconds)
    )


def record(path: Path) -> SessionWriter:
    """Two jams, one after the other, as fast as they can be written."""
    writer = SessionWriter(path, clock=TickingClock(1000.0))
    for number, seconds in enumerate(SECONDS, 1):
        for log in plain_jam(seconds, 1000.0, session=number, ended=True):
            writer.take_log(log)
    writer.close()
    return writer


def kept(folder: Path) -> list[float]:
    """The lengths of the jams that are kept, in the library or in what was rescued."""
    lengths = []
    for file in folder.glob("*.sqlite3"):
        if "-damaged-" in file.name:  # what could not be read once was set aside
            continue
        assert not check(file).findings
        with Library(file) as library:
            library.recover()
            sessions = [library.session(info.id) for info in library.sessions()]
        lengths += [session.info.length_s for session in sessions if is_whole(session)]
    return sorted(lengths)


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("name", [*OF_SQLITE, *OF_PYTHON])
def test_a_call_that_fails_once(
    name: str, part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with failing(name) as counted:
        assert record(tmp_path / "sessions.sqlite3").trouble == ""
    assert kept(tmp_path) == list(SECONDS)
    for number in range(part, counted.calls, PARTS):
        folder = tmp_path / str(number)
        folder.mkdir()
        monkeypatch.setattr(tempfile, "tempdir", str(folder))
        with failing(name, number):
            writer = record(folder / "sessions.sqlite3")
        found = kept(folder)
        assert found == list(SECONDS), (name, number, found, writer.trouble, writer.news)
