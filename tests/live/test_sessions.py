"""Real jams under JACK that end as no jam should: killed, or on a disk that is full."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from jam.clock import date_now
from jam.errors import JamError
from jam.sessions.check import check
from jam.sessions.imports import import_file
from jam.sessions.library import Library
from jam.sessions.recorder import IN_MEMORY, RECOVERED, SessionWriter
from jam.sessions.session import Session, SessionInfo
from tests.support.recorded import plain_jam
from tests.support.waiting import until
from tools.support.jack import jack_server, play

N_KILLS = 10
NOTE_S = 0.1
Program = subprocess.Popen[str]


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def start_jam(
    environment: dict[str, str], data: Path, limit: Callable[[], None] | None = None
) -> Program:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "jam",
            "play",
            "--midi-api",
            "jack",
            "--agent",
            "rules",
            "--bpm",
            "200",
            "--count-in",
            "0",
            "--listen",
            "0",
        ],
        env={**environment, "XDG_DATA_HOME": str(data), "TMPDIR": str(data)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=limit,
    )


def read_until(program: Program, words: str) -> str:
    """What it prints, up to a line with these words."""
    assert program.stdout is not None
    said = ""
    while words not in said:
        line = program.stdout.readline()
        assert line, f"it ended, and said: {said}"
        said += line
    return said


def notes(seconds: float) -> list[tuple[float, list[int]]]:
    """A note every NOTE_S."""
    out = []
    for n in range(round(seconds / NOTE_S)):
        out.append((n * NOTE_S, [0x90, 60 + n % 12, 80]))
        out.append(((n + 0.7) * NOTE_S, [0x80, 60 + n % 12, 0]))
    return out


def children(pid: int) -> list[int]:
    found = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return [*found, *(grandchild for child in found for grandchild in children(child))]


def wait_until_gone(pids: Sequence[int]) -> None:
    until(
        lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids),
        "the stage goes on without its parent",
    )


def newest(path: Path) -> Session:
    with Library(path, read_only=True) as library:
        return library.session(max(info.id for info in library.sessions()))


def wait_until_kept(path: Path, after: int) -> None:
    """Until notes and plans of a session after that one are in the library."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        time.sleep(0.05)
        if not path.is_file():
            continue
        with suppress(JamError), Library(path, read_only=True) as library:  # it is just being made
            new = [info.id for info in library.sessions() if info.id > after and info.n_notes]
            if new and library.session(new[0]).plans:
                return
    raise AssertionError("nothing was recorded")


@pytest.mark.timeout(400)
def test_a_jam_that_is_killed_is_there_up_to_the_last_second(
    jack: dict[str, str], tmp_path: Path
) -> None:
    path = tmp_path / "jam" / "sessions.sqlite3"
    dice = random.Random(7)
    lost_s: list[float] = []
    before: SessionInfo | None = None
    jam = start_jam(jack, tmp_path)
    for _ in range(N_KILLS):
        said = read_until(jam, "Recovered" if before else "Type while")
        if before:
            assert f"{RECOVERED}: {before.name}" in said
            assert f"({before.n_bars} bars, " in said
        player = play(jack, notes(60.0))
        wait_until_kept(path, before.id if before else 0)
        time.sleep(dice.uniform(0.0, 1.5))
        pids = children(jam.pid)
        jam.kill()
        killed_at = date_now()
        jam.wait(20)
        player.kill()
        player.wait(20)

        assert not check(path).findings
        session = newest(path)
        jam = start_jam(jack, tmp_path)  # the next start
        assert session.info.state == "recording" and session.plans
        length_s = (killed_at - session.info.started_at).total_seconds()
        lost_s.append(length_s - session.info.length_s)
        # No note is missing before that (JACK itself may drop one, but then it has no number).
        first = session.notes[0].note_id
        numbers = [note.note_id for note in session.notes]
        assert numbers == list(range(first, first + len(numbers)))
        before = session.info
        wait_until_gone(pids)
    read_until(jam, "Recovered")
    jam.send_signal(signal.SIGTERM)
    jam.communicate(timeout=30)
    assert jam.returncode == 0
    # On a machine that is kept busy by others a process may have to wait now and then.
    assert sum(lost < 1.0 for lost in lost_s) >= N_KILLS - 2 and max(lost_s) < 3.0, lost_s
    listed = subprocess.run(
        [sys.executable, "-m", "jam", "sessions", "list"],
        capture_output=True,
        text=True,
        env={**jack, "XDG_DATA_HOME": str(tmp_path)},
        check=True,
    ).stdout
    assert listed.count("(recovered)") == N_KILLS
    with Library(path) as library:
        parts = [library.session(i.id).takes[0].take.parts for i in library.sessions()]
        assert any(part.get("chords") for part in parts)
    assert not check(path).findings
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_jam_goes_on_when_the_disk_is_full(jack: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "jam" / "sessions.sqlite3"
    writer = SessionWriter(path, title="from before")
    for log in plain_jam(250.0, ended=True):
        writer.take_log(log)
    writer.close()
    limit = path.stat().st_size  # no file may grow beyond it

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    jam = start_jam(jack, tmp_path, no_room)
    read_until(jam, "Type while")
    player = play(jack, notes(20.0))
    said = read_until(jam, "kept in memory")
    (line,) = [line for line in said.splitlines() if "kept in memory" in line]
    assert line.startswith(f"{IN_MEMORY}:")
    assert f"{path}: the disk" in line
    more = read_until(jam, "bar ") + read_until(jam, "bar ")  # the music goes on
    assert "|" in more
    jam.send_signal(signal.SIGTERM)
    output, _ = jam.communicate(timeout=30)
    player.kill()
    player.wait(20)
    assert jam.returncode == 0, output
    (rescued,) = tmp_path.glob("jam-rescued-*.sqlite3")
    assert f"It was saved as {rescued} instead" in output
    assert not check(path).findings
    with Library(path) as library:
        old = library.sessions("from before")[0]
        assert len(library.session(old.id).rows) == 2000
        (info,) = import_file(library, rescued)
        session = library.session(info.id)
        assert len(session.rows) > 20 and session.notes
        assert os.path.getsize(path) > limit


def test_a_session_is_played(jack: dict[str, str], tmp_path: Path) -> None:
    path = tmp_path / "jam" / "sessions.sqlite3"
    writer = SessionWriter(path)
    for log in plain_jam(8.0, ended=True):
        writer.take_log(log)
    writer.close()
    said = subprocess.run(
        [
            sys.executable,
            "-m",
            "jam",
            "sessions",
            "play",
            "1",
            "--midi-api",
            "jack",
            "--from",
            "4.5",
            "--speed",
            "150",
        ],
        env={**jack, "XDG_DATA_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "MIDI (jack)" in said
    assert [line for line in said.splitlines() if line.startswith("bar")] == [
        "bar   3 | Am . . .",
        "bar   4 | Am . . .",
    ]
    with Library(path) as library:  # playing is no jam
        assert len(library.sessions()) == 1
