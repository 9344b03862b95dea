"""The soak's pure parts: what it plays and presses, and what it makes of what it saw."""

from __future__ import annotations

import io
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from jam.cli.log_file import LogWriter
from jam.messages.snapshot import SessionLog
from jam.midi.ports import parse_message
from tests.support.waiting import until
from tools.soak import processes
from tools.soak_machine import watched
from tools.soak_player import LET_GO_S, performance
from tools.soak_report import (
    JUDGED_S,
    WARM_UP_S,
    Findings,
    Sample,
    Tally,
    by_tens,
    jack_troubles,
    slope,
    sounding_after,
    table,
    unanswered,
)
from tools.soak_user import deeds, sessions_begun
from tools.support.jack import jack_server


@pytest.mark.parametrize("seed", range(3))
def test_the_player_is_a_function_of_the_seed_and_lets_go_at_the_end(seed: int) -> None:
    events = list(performance("people", seed, 900, 100))
    assert events == list(performance("people", seed, 900, 100))
    assert events != list(performance("people", seed + 1, 900, 100))
    times_s = [at_s for at_s, _ in events]
    assert min(times_s) >= 0 and times_s == sorted(times_s)
    assert unanswered([e for e in events if e[1][0] < 0xF0]) == []
    last = [data for at_s, data in events if at_s > 900 + LET_GO_S / 2]
    assert [data[0] for data in last] == [0x90, 0x80]
    seconds = [int(at_s) for at_s in times_s]
    assert max(seconds.count(s) for s in set(seconds)) >= 500  # there is a storm
    gaps = [b - a for a, b in itertools.pairwise(times_s)]
    assert max(gaps) > 4  # and there are pauses
    assert any(parse_message(data) is None for _, data in events)
    assert {data[0] & 0xF for _, data in events if data[0] < 0xF0} == set(range(16))


def test_the_tune_is_steady() -> None:
    events = list(performance("tune", 1, 60, 180))
    assert max(b[0] - a[0] for a, b in itertools.pairwise(events[:-2])) < 3


@pytest.mark.parametrize("seed", range(20))
def test_the_user_starts_and_stops_in_turn(seed: int) -> None:
    for seconds, single in ((120, False), (3600, False), (3600, True)):
        done = list(deeds(seed, seconds, single))
        assert [d.at_s for d in done] == sorted(d.at_s for d in done)
        assert done[0].keys == done[-1].keys == ("space",) and done[-1].at_s == seconds
        begun = sessions_begun(done)
        assert begun == 1 if single else begun >= 1 + 3 * (seconds == 3600)
        assert begun < 20


def plan(start: int, chords: list[str]) -> dict[str, Any]:
    return {
        "kind": "plan",
        "start_frame": start,
        "committed_until_frame": start + 1,
        "chords": chords,
        "compute_s": 0.002,
    }


def sounded(note_id: int, velocity: int, due_s: float) -> dict[str, Any]:
    return {
        "kind": "sounded",
        "note_id": note_id,
        "pitch": 60,
        "velocity": velocity,
        "part": "chords",
        "due_s": due_s,
        "sent_s": due_s + 0.001,
        "lead_s": 0.0,
    }


def counters(at_s: float, **values: int) -> dict[str, Any]:
    zero = {"late_plans": 0, "dropouts": 0, "agent_restarts": 0, "dropped_messages": 0, "voices": 0}
    return {"kind": "counters", "at_s": at_s, **zero, **values}


def findings(events: list[dict[str, Any]]) -> Findings:
    tally = Tally()
    for event in events:
        tally.take(event)
    found = Findings({}, minutes=1.0)
    found.take_tally(tally, 0.0)
    return found


def session(n: int, at_s: float) -> dict[str, Any]:
    return {"kind": "session", "number": n, "at_s": at_s}


def test_a_log_is_counted_by_session() -> None:
    played = {"kind": "played", "note_id": 1, "pitch": 60, "velocity": 80, "at_s": 0.5}
    one = [
        played,
        sounded(1, 60, 2),
        sounded(1, 0, 3),
        plan(0, ["C", "-", "-"]),
        {"kind": "row", "frame": 0, "melody": 60, "chord": "C"},
        plan(1, ["-", "F", "-"]),
        counters(3.0, late_plans=2, dropouts=1),
    ]
    two = [sounded(1, 60, 2), sounded(1, 0, 3), plan(0, ["C"]), counters(9.0, late_plans=1)]
    found = findings([session(1, 1), *one, session(0, 4), played, session(2, 5), *two])
    assert [(s["notes"], s["accompaniment"], s["late"]) for s in found.sessions] == [
        (1, 1, 2),
        (0, 1, 1),
    ]
    assert (found.heard, found.plans, found.late, found.faults) == (2, 3, 3, [])
    assert found.scheduler_ms["worst"] == pytest.approx(1.0)
    assert found.plan_frames_changed_percent == 50  # frame 1 stays C, frame 2 becomes F
    assert "no fault" in table(found)


def test_the_log_tells_where_a_session_ends() -> None:
    out = io.StringIO()
    writer = LogWriter(out)
    for number, ended in ((0, False), (1, False), (1, True), (0, False), (2, False), (2, True)):
        writer.take_log(SessionLog(session=number, ended=ended))
    told = [json.loads(line) for line in out.getvalue().splitlines()]
    assert [e["number"] for e in told if e["kind"] == "session"] == [1, 0, 2, 0]


def test_a_note_without_its_end_is_told() -> None:
    plays = [session(1, 1), plan(0, ["C"]), sounded(1, 60, 2), counters(3.0), session(0, 4)]
    (fault,) = findings(plays).faults
    assert "1 notes never ended" in fault and "pitch 60" in fault
    (fault,) = findings([session(1, 1)]).faults
    assert "no jam" in fault


def test_what_sounds_at_the_output() -> None:
    messages = [
        (0.0, [0x91, 60, 80]),
        (1.0, [0x91, 62, 80]),
        (2.0, [0x81, 60, 0]),
        (3.0, [0xB1, 123, 0]),
        (4.0, [0x92, 40, 9]),
        (9.0, [0x92, 40, 0]),
    ]
    assert unanswered(messages[:3]) == [(1, 62, 1.0)]
    assert unanswered(messages) == []
    assert sounding_after(messages, [0.5, 4.5]) == [(1, 62, 1.0), (2, 40, 4.0)]


def test_growth_is_seen_through_steps_and_noise() -> None:
    flat = [(60.0 * i, 100 + (i > 30) * 40 + i % 2) for i in range(60)]
    assert abs(slope(flat)) < 60
    leak = [(60.0 * i, 100 + 2.0 * i + 5 * (i % 7 == 0)) for i in range(60)]
    assert slope(leak) == pytest.approx(120, rel=0.1)
    assert slope([]) == slope([(0, 1)]) == 0
    assert by_tens([(1, 1), (601, 4), (1900, 5)], 0.0) == [1, 3, 0, 1]
    assert by_tens([(1, 4), (2, 1), (3, 3)], 0.0) == [7]


def sample(at_s: float, rss: float, files: int = 10) -> Sample:
    def each(value: Any) -> dict[str, Any]:
        return dict.fromkeys(("window", "stage", "agent"), value)

    return Sample(at_s, each(rss), each(rss), each(5), each(files), at_s)


def test_a_leak_is_a_fault_where_there_was_time_enough() -> None:
    minutes = range(int(WARM_UP_S + JUDGED_S) // 60 + 2)
    for grows_mb, files, faults in ((0.2, 0, 0), (2.0, 0, 3), (0.0, 2, 3)):
        found = Findings(
            {}, samples=[sample(60.0 * m, 100 + grows_mb * m, 10 + files * m) for m in minutes]
        )
        found.judge_memory()
        assert len(found.faults) == faults
    short = Findings({}, samples=[sample(60.0 * m, 100 + 9.0 * m) for m in range(20)])
    short.judge_memory()
    assert not short.faults and "too short" in table(short)


def test_what_jack_lost_is_told_apart_from_what_the_program_lost() -> None:
    said = [
        "JackTimedDriver::Process XRun = 9 usec",
        "JackAudioDriver: Process error",
        "JackEngine::XRun: client = PortAudio was not finished, state = Running",
        "JackEngine::XRun: client = jam probe-12 was not finished, state = Running",
        "JackEngine::XRun: client = jam was not finished, state = Triggered",
    ]
    assert jack_troubles(said) == {"timer": 1, "PortAudio": 1, "jam probe": 1}
    for dropouts, faults in ((0, 2), (3, 0)):
        found = Findings({}, sent={"notes": 100}, heard=90, dropouts=dropouts, out_stuck=1)
        found.judge_transport()
        assert len(found.faults) == faults


def test_what_the_machine_did_is_told_apart() -> None:
    """Whoever watches a core is stopped for a while, as a core that is taken away does it."""
    with watched() as stalls:
        watchers = _watchers()
        assert len(watchers) == len(os.sched_getaffinity(0))
        stopped_s = time.perf_counter()
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in watchers:
                os.kill(pid, number)
            time.sleep(0.05)
    assert stalls.cover(stopped_s, stopped_s + 0.03) and stalls.worst_ms > 30
    assert not stalls.cover(stopped_s - 100, stopped_s - 50)
    tally = Tally()
    late = dict(sounded(1, 60, stopped_s + 0.01), sent_s=stopped_s + 0.04)
    for event in (session(1, 0.0), sounded(2, 62, 3.0), late, dict(late, due_s=1.0, sent_s=1.5)):
        tally.take(event)
    found = Findings({})
    found.take_stalls(stalls, tally)
    assert (found.late_notes, found.late_notes_in_stalls) == (2, 1)
    assert "2 / 1" in table(found)


def _watchers() -> list[int]:
    """The processes that watch a core each."""
    return [
        int(path.parent.name)
        for path in Path("/proc").glob("[0-9]*/cmdline")
        if b"tools.soak_machine" in path.read_bytes() and _parent(path) == os.getpid()
    ]


def _parent(path: Path) -> int:
    status = (path.parent / "stat").read_text()
    return int(status.rpartition(")")[2].split()[1])


def test_stage_and_agent_are_told_apart(tmp_path: Path) -> None:
    with jack_server() as environment:
        program = subprocess.Popen(
            [sys.executable, "-m", "jam", "play", "--midi-api", "jack", "--agent", "rules"],
            env={**environment, "XDG_DATA_HOME": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
        )
        try:
            until(lambda: set(processes(program.pid)) == {"window", "stage", "agent"})
            assert len(set(processes(program.pid).values())) == 3
        finally:
            program.terminate()
            program.wait(20)
