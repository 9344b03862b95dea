"""The whole program in mid-jam: put to sleep, its terminal, its screen or its JACK server gone,
the time of day set, and two of it at once.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from jam.sessions.check import check
from jam.sessions.library import Library
from jam.sessions.session import Session
from tests.live.test_sessions import children, notes, read_until, wait_until_kept
from tests.support.waiting import until
from tools.support.jack import JackServer, Recording, load_recording, play, recorder

Program = subprocess.Popen[str]
SLEEP_S = 10.0


@contextmanager
def program(
    words: str, data: Path, environment: Mapping[str, str] = os.environ
) -> Iterator[Program]:
    """The program in a process group of its own, as a terminal starts it; none of it remains."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jam", *words.split()],
        env={**environment, "XDG_DATA_HOME": str(data), "XDG_CONFIG_HOME": str(data / "config")},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        left = [pid for pid in (process.pid, *children_of(process.pid)) if is_there(pid)]
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        elif left:
            raise AssertionError(f"processes that were left behind: {left}")


def children_of(pid: int) -> list[int]:
    try:
        return children(pid)
    except FileNotFoundError:
        return []


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def until_gone(pids: list[int], timeout_s: float = 20.0) -> None:
    until(lambda: not any(map(is_there, pids)), f"left behind: {pids}", timeout_s)


def library(data: Path) -> Path:
    return data / "jam" / "sessions.sqlite3"


def only_session(data: Path) -> Session:
    assert not check(library(data)).findings
    with Library(library(data)) as kept:
        (info,) = kept.sessions()
        return kept.session(info.id)


def note_times(recording: Recording) -> list[float]:
    """Of the note-ons at the MIDI output, of which none was left without its end."""
    sounding: Counter[tuple[int, int]] = Counter()
    times = []
    for at_s, data in recording.midi:
        if len(data) == 3 and (data[0] & 0xF0, data[1]) == (0xB0, 123):  # a busy JACK may lose one
            sounding = Counter({key: n for key, n in sounding.items() if key[0] != data[0] & 0xF})
        if len(data) != 3 or data[0] & 0xE0 != 0x80:
            continue
        on = data[0] & 0x10 and data[2]
        sounding[data[0] & 0xF, data[1]] = int(bool(on))
        if on:
            times.append(at_s)
    assert not +sounding
    return times


def test_the_program_sleeps_and_the_terminal_is_closed(server: JackServer, tmp_path: Path) -> None:
    words = "play --midi-api jack --agent rules --bpm 180 --count-in 0 --listen 0 --audio none"
    with recorder(server.environment, tmp_path) as out:
        with program(words, tmp_path, server.environment) as jam:
            read_until(jam, "Type while")
            player = play(server.environment, notes(40.0))
            first = wait_until_accompanied(library(tmp_path))
            pids = children(jam.pid)
            for pid in (jam.pid, *pids):
                os.kill(pid, signal.SIGSTOP)
            time.sleep(SLEEP_S)
            for pid in (jam.pid, *pids):
                os.kill(pid, signal.SIGCONT)
            said = read_until(jam, "the beat went on.")
            assert "The program stood still for 1" in said
            wait_until_accompanied(library(tmp_path), first + 8 * SLEEP_S)
            assert children(jam.pid) == pids  # nobody was taken for dead
            os.killpg(jam.pid, signal.SIGHUP)  # to all of them, as the system does
            jam.wait(20)
            until_gone(pids)
        player.kill()
        player.wait(20)
    assert jam.returncode == 0
    note_times(load_recording(out))
    session = only_session(tmp_path)
    assert session.info.state == "complete"
    # No storm when it wakes: what would have sounded or came in meanwhile is no music.
    chords = [note.start_frame for note in session.takes[0].take.parts["chords"]]
    assert max(b - a for a, b in pairwise(chords)) > 8 * SLEEP_S
    starts_s = [note.start_s for note in session.notes]
    assert max(b - a for a, b in pairwise(starts_s)) > SLEEP_S / 2


def test_jack_is_gone_for_good_and_the_program_ends(server: JackServer, tmp_path: Path) -> None:
    words = "play --midi-api jack --agent rules --bpm 180 --count-in 0 --listen 0"
    with program(words, tmp_path, server.environment) as jam:
        read_until(jam, "Type while")
        player = play(server.environment, notes(20.0))
        wait_until_kept(library(tmp_path), 0)
        pids = children(jam.pid)
        server.kill()
        player.kill()
        player.wait(20)
        time.sleep(1.0)
        os.killpg(jam.pid, signal.SIGINT)  # Ctrl-C goes to all of them
        output, _ = jam.communicate(timeout=20)
        until_gone(pids)
    assert jam.returncode == 0 and "Traceback" not in output, output
    assert only_session(tmp_path).info.state == "complete"


def test_the_time_of_day_is_set(tmp_path: Path) -> None:
    """An hour ahead, then a day back: neither the music nor the record notices."""
    found = shutil.which("faketime") and next(Path("/usr/lib").rglob("libfaketimeMT.so.1"), None)
    assert found, "faketime is missing (Debian: faketime); `make test` installs it"
    shift = tmp_path / "shift"
    shift.write_text("+0")
    environment = {
        **os.environ,
        "LD_PRELOAD": str(found),
        "FAKETIME_TIMESTAMP_FILE": str(shift),
        "FAKETIME_NO_CACHE": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "JACK_DEFAULT_SERVER": "there is none",
    }
    words = "demo --no-window --agent rules --audio none --seconds 10"
    began = datetime.now(UTC)
    began_s = time.monotonic()
    with program(words, tmp_path, environment) as jam:
        read_until(jam, "bar   1")
        shift.write_text("+3600")
        said = read_until(jam, "bar   2")
        shift.write_text("-86400")
        said += jam.communicate(timeout=60)[0]
    took_s = time.monotonic() - began_s
    assert jam.returncode == 0 and "stood still" not in said, said
    session = only_session(tmp_path)
    assert session.info.state == "complete"
    assert abs(session.info.started_at - began) < timedelta(seconds=took_s)
    # As many frames as there was time for, whatever the clock on the wall says.
    assert 4.0 < session.info.length_s < took_s
    end = session.tempo_map.position_at(session.info.length_s)
    assert len(session.rows) == pytest.approx(end, abs=4)
    starts_s = [note.start_s for note in session.notes]
    assert starts_s == sorted(starts_s) and starts_s[-1] < session.info.length_s
    assert max(b - a for a, b in pairwise(starts_s)) < 4.0


def test_two_programs_and_the_commands_beside_them(tmp_path: Path) -> None:
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "there is none"}
    words = "demo --no-window --agent rules --audio none --seconds 6"
    with (
        program(words, tmp_path, environment) as one,
        program(words, tmp_path, environment) as other,
    ):
        for jam in (one, other):
            read_until(jam, "bar   1")
        listed = subprocess.run(
            [sys.executable, "-m", "jam", "sessions", "list"],
            capture_output=True,
            text=True,
            env={**environment, "XDG_DATA_HOME": str(tmp_path)},
            check=True,
            timeout=60,
        ).stdout
        assert len(listed.splitlines()) >= 2
        for jam in (one, other):
            output, _ = jam.communicate(timeout=60)
            assert jam.returncode == 0 and "Recorded as session" in output, output
    assert not check(library(tmp_path)).findings
    with Library(library(tmp_path)) as kept:
        infos = kept.sessions()
        assert [info.state for info in infos] == ["complete", "complete"]
        assert all(info.n_notes > 4 for info in infos)


def wait_until_accompanied(path: Path, from_frame: float = 0.0) -> float:
    """Until the partner has played some notes after that frame; gives the last one's."""
    wait_until_kept(path, 0)
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        with Library(path, read_only=True) as kept:
            (info,) = kept.sessions()
            chords = kept.session(info.id).takes[0].take.parts.get("chords", ())
        starts = [note.start_frame for note in chords if note.start_frame > from_frame]
        if len(starts) > 6:
            return starts[-1]
        time.sleep(0.2)
    raise AssertionError("the partner plays nothing")


@contextmanager
def screen() -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """An X server, and its display."""
    ours, theirs = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(theirs), "-screen", "0", "1300x800x24"],
        pass_fds=(theirs,),
        stderr=subprocess.DEVNULL,
    )
    os.close(theirs)
    try:
        with os.fdopen(ours) as pipe:
            yield server, ":" + pipe.readline().strip()
    finally:
        server.kill()
        server.wait()


def test_the_screen_is_lost(server: JackServer, tmp_path: Path) -> None:
    words = "demo --midi-api jack --agent rules --audio none"
    with recorder(server.environment, tmp_path) as out:
        with screen() as (x_server, display):
            environment = {**server.environment, "DISPLAY": display, "QT_QPA_PLATFORM": "xcb"}
            with program(words, tmp_path, environment) as jam:
                wait_until_accompanied(library(tmp_path))
                pids = children(jam.pid)
                x_server.kill()
                said, _ = jam.communicate(timeout=20)
                until_gone(pids)
        time.sleep(0.5)
    assert jam.returncode == 1 and "X11 connection broke" in said
    assert len(note_times(load_recording(out))) > 4
    assert only_session(tmp_path).info.state == "complete"
