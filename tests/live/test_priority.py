"""Who is let when the processor is short: the stage's threads, and a patient look at the agent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from jam.engine.processes import Pulse, is_starved
from jam.system import AUDIO, STAGE, drop_priority, is_granted, raise_priority
from tools.soak import processes
from tools.support.jack import jack_server, play

granted = pytest.mark.skipif(not is_granted(), reason="the system grants no real-time priority")


def in_a_thread(*deeds: object) -> tuple[int, int, int]:
    """Policy and priority of a thread after these deeds, and of the test's own after it."""
    found: list[int] = []

    def look() -> None:
        for deed in deeds:
            assert callable(deed)
            deed()
        found.extend((os.sched_getscheduler(0), os.sched_getparam(0).sched_priority))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    return found[0], found[1], os.sched_getscheduler(0)


@granted
def test_a_thread_has_the_higher_priority_until_it_drops_it() -> None:
    ours = os.sched_getscheduler(0)
    round_robin = os.SCHED_RR
    assert in_a_thread(lambda: raise_priority(STAGE)) == (round_robin, STAGE, ours)
    both = (lambda: raise_priority(AUDIO), lambda: raise_priority(STAGE))
    assert in_a_thread(*both) == (round_robin, AUDIO, ours)
    dropped = (lambda: raise_priority(STAGE), drop_priority)
    assert in_a_thread(*dropped) == (os.SCHED_OTHER, 0, ours)


def test_where_it_is_not_granted_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "sched_setscheduler", refuse)
    assert in_a_thread(lambda: raise_priority(STAGE))[0] == os.SCHED_OTHER
    assert is_granted() is False
    monkeypatch.setattr(sys, "platform", "darwin")
    assert is_granted() is None


def priorities(pid: int) -> list[int]:
    """Real-time priority of each thread of a process, 0 where it is an ordinary one."""
    tasks = [int(task.name) for task in Path(f"/proc/{pid}/task").iterdir()]
    return [os.sched_getparam(task).sched_priority for task in tasks]


@granted
def test_every_thread_of_the_stage_has_it_and_no_other_process(tmp_path: Path) -> None:
    with jack_server() as environment:
        program = subprocess.Popen(
            [sys.executable, "-m", "jam", "play", "--midi-api", "jack", "--agent", "rules"],
            env={**environment, "XDG_DATA_HOME": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert program.stdout is not None
            while "Type while it plays" not in program.stdout.readline():
                assert program.poll() is None
            pids = processes(program.pid)
            player = play(environment, [(0.1, [0x90, 60, 80]), (0.5, [0x80, 60, 0])])
            player.wait(20)
            found = {name: priorities(pid) for name, pid in pids.items()}
        finally:
            program.terminate()
            program.wait(20)
    # JACK's own threads are ordinary; of Python's there are those of loop, devices, scheduler,
    # playback, clock, the lines to parent and agent (two each), and one of each port that played.
    assert found["stage"].count(STAGE) >= 9
    # The one that renders has its own, or what a JACK server in real time gave it.
    assert any(priority >= AUDIO for priority in found["stage"])
    assert set(found["window"] + found["agent"]) == {0}


def test_who_waits_for_a_processor_is_not_taken_for_frozen() -> None:
    busy = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\nwhile True: pass"], stdout=subprocess.PIPE
    )
    asleep = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        for process in (busy, asleep):
            assert process.stdout is not None
            process.stdout.readline()
        give_up_s = time.monotonic() + 20
        while is_starved(asleep.pid):  # it is on its way to its sleep
            assert time.monotonic() < give_up_s
        assert is_starved(busy.pid)
        busy.send_signal(signal.SIGSTOP)
        while is_starved(busy.pid):
            assert time.monotonic() < give_up_s
    finally:
        for process in (busy, asleep):
            process.kill()
            process.communicate()
    assert not is_starved(busy.pid)
    pulse = Pulse()
    pulse.value.value = 1
    assert not pulse.stands_still(2)
    assert not any(pulse.stands_still(2, lambda: True) for _ in range(9))
    assert [pulse.stands_still(2) for _ in range(2)] == [False, True]
