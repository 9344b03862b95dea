"""The agent with the shipped weights is killed or frozen in mid-jam; the music goes on."""

from __future__ import annotations

import math
import os
import signal
from itertools import pairwise, takewhile

import pytest

from jam.accompaniment import playable_style
from jam.accompaniment.styles import conditioned
from jam.agent.anticipation import Anticipator
from jam.cli.main import load_predictor
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, Start
from jam.messages.plans import Plan, PlanRequest
from jam.messages.snapshot import SessionLog
from jam.music.grid import TempoMap
from jam.music.rows import Row
from jam.settings import JamSettings
from tests.support.jam_player import SEED, Player, check_ends


def from_scratch(
    plan: Plan, rows: list[Row], settings: JamSettings, tempo_map: TempoMap, silent_until: int
) -> Plan:
    """What an agent that is given the whole history at once plans at the same moment."""
    predictor, message = load_predictor()
    assert predictor.name == "neural", message
    # What had been committed before has no probability of its own.
    n_committed = len(list(takewhile(lambda p: p == 1.0, plan.confidence)))
    request = PlanRequest(
        first_frame=0,
        rows=tuple(rows[: plan.start_frame]),
        committed=plan.chords[:n_committed],
        places=tuple(tempo_map.place(frame) for frame in range(plan.end_frame)),
        lookahead_frames=len(plan.chords),
        commit_frames=settings.commit_beats * tempo_map.meter_at(0).frames_per_beat,
        silent_until_frame=silent_until,
        settings=conditioned(settings, playable_style(settings.accompaniment)),
    )
    return Anticipator(predictor, SEED).plan(request)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_agent_is_replaced_by_one_that_knows_the_history(how: signal.Signals) -> None:
    logs: list[SessionLog] = []
    settings = JamSettings(
        bpm=150.0, listen_bars=1, count_in_bars=0, metronome=False, temperature=0.9, feel=0.0
    )
    with Engine(settings, DeviceChoice("none"), load_predictor, logs.append) as engine:
        engine.wait_until_up()
        player = Player(engine, logs)
        player.play_until(lambda: player.snapshot.agent_name == "neural", "the weights")
        engine.send(Start(SEED))
        player.play_until(lambda: len(player.snapshot.planned) > 8, "the first plans")
        player.play_until(
            lambda: sum(1 for log in logs for e in log.sounded if e.velocity) > 24, "some bars"
        )
        pid = engine.agent_pid
        assert pid is not None
        os.kill(pid, how)
        player.play_until(lambda: engine.agent_pid != pid, "another agent")
        player.play_until(
            lambda: player.snapshot.agent_state == "restarted", "the other agent's weights"
        )
        n_plans = player.snapshot.counters.plans
        player.play_until(lambda: player.snapshot.counters.plans > n_plans + 8, "its plans")
        last = player.snapshot
        assert last.running and last.counters.agent_restarts == 1

    plans = [plan for log in logs for plan in log.plans]
    rows = [row for log in logs for _, row in log.rows]
    tempo_map = last.tempo_map
    # The new agent is the one whose first plan comes after a gap: it was told everything anew.
    gaps = [b.start_frame - a.start_frame for a, b in pairwise(plans)]
    first = plans[1 + gaps.index(max(gaps))]
    scratch = from_scratch(first, rows, settings, tempo_map, last.listen_until_frame)
    assert scratch.start_frame == first.start_frame
    assert [c.chord for c in scratch.chords] == [c.chord for c in first.chords]
    # Only where it was joined to what had sounded meanwhile may its chord be struck anew.
    joined = math.floor(tempo_map.position_at(first.taken_s)) + 1 - first.start_frame
    differing = [i for i, c in enumerate(scratch.chords) if c.onset != first.chords[i].onset]
    assert differing in ([], [joined])
    assert scratch.expected_melody == first.expected_melody
    assert scratch.confidence == first.confidence

    # What was committed never changed, sounded, and was not sent before it was due.
    committed: dict[int, object] = {}
    for plan in plans:
        # Frames that had begun when the plan came are no longer its business.
        begun = math.floor(tempo_map.position_at(plan.taken_s)) + 1
        for frame in range(max(begun, plan.start_frame), plan.committed_until_frame):
            chord = plan.chords[frame - plan.start_frame]
            assert committed.setdefault(frame, chord) == chord
            if frame < len(rows) and frame >= last.listen_until_frame:
                assert rows[frame].chord == chord
    sounded = [e for log in logs for e in log.sounded if e.velocity and e.part == "chords"]
    assert all(e.sent_s >= e.due_s for e in sounded)
    heard = {round(tempo_map.position_at(e.due_s)) for e in sounded}
    struck = {
        frame
        for frame in range(last.listen_until_frame, len(rows) - 16)
        if rows[frame].chord.onset and tempo_map.place(frame).frame_in_bar == 0
    }
    assert struck <= heard
    check_ends(logs)
