"""The agent slow, crashing, failing and starved in mid-jam: the music goes on, the user is told.

Killed once, and frozen: tests/live/test_agent_lost.py.
"""

from __future__ import annotations

import os
import resource
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from jam.agent.answering import failing
from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.agent.rules import RULES_PLAY, RuleBasedPredictor
from jam.cli.main import load_predictor
from jam.engine.processes import CRASHED, CRASHES, SPELL_S, Spell
from jam.errors import NO_MEMORY
from jam.messages.commands import DeviceChoice, Start
from jam.messages.plans import Plan, PlanRequest
from jam.music.grid import Place
from jam.music.rows import Row
from tests.support.jam_player import SEED, SETTINGS, Player, check_ends, player_in

PLAN_S = 0.5


class Learned(RuleBasedPredictor):
    """Stands for the network, so that it can be told from the rules that stand in for it."""

    name = "neural"


class Failing(Learned):
    """Fails at every plan once somebody plays."""

    def extend(self, rows: Sequence[Row], places: Sequence[Place]) -> None:
        if any(row.melody.pitch is not None for row in rows):
            raise MemoryError
        super().extend(rows, places)


def load_learned() -> tuple[Predictor, str]:
    return Learned(), ""


def load_failing() -> tuple[Predictor, str]:
    return Failing(), ""


def load_slow() -> tuple[Predictor, str]:
    plan = Anticipator.plan

    def plan_slowly(
        self: Anticipator, request: PlanRequest, enough: Callable[[], bool] | None = None
    ) -> Plan:
        time.sleep(PLAN_S)
        return plan(self, request, enough)

    Anticipator.plan = plan_slowly  # type: ignore[method-assign]
    return Learned(), ""


def load_without_memory() -> tuple[Predictor, str]:
    """The network, in a process that may hardly grow any more."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + 2_000_000
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    return load_predictor()


SILENT = DeviceChoice("none")


def gone_on(player: Player) -> None:
    """Until the accompaniment is heard again."""
    player.play_on(4)
    assert player.snapshot.running


def kill_agent(player: Player) -> int:
    pid = player.engine.agent_pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    return pid


def test_every_plan_takes_half_a_second_at_180() -> None:
    """Six frames late each: what is committed reaches further than that, so nothing is missing."""
    with player_in(SILENT, load_slow, settings=SETTINGS.changed(bpm=180.0)) as player:
        player.play_until(lambda: player.snapshot.counters.plans > 12, "a dozen plans")
        snapshot = player.snapshot
        assert snapshot.running and snapshot.counters.plan_ms >= 1000 * PLAN_S
        assert snapshot.phase in ("playing", "behind")
    check_ends(player.logs)
    plans = [plan for log in player.logs for plan in log.plans]
    rows = [row for log in player.logs for _, row in log.rows]
    planned = rows[plans[2].start_frame + 8 : plans[-1].start_frame]
    # Chords all along: it isn't silent while it waits for the next plan.
    with_chord = sum(row.chord.chord is not None for row in planned)
    assert with_chord > 0.6 * len(planned), Counter(row.chord for row in planned)
    notes = player.notes()
    assert all(note.sent_s >= note.due_s for note in notes) and len(notes) > 12


def test_an_agent_that_is_killed_again_and_again_is_replaced_until_the_next_start() -> None:
    with player_in(SILENT, load_learned) as player:
        for number in range(1, CRASHES + 1):
            pid = kill_agent(player)
            player.play_until(
                lambda p=pid: player.engine.agent_pid != p,  # type: ignore[misc]
                "another agent",
            )
            player.play_until(
                lambda n=number: player.snapshot.counters.agent_restarts == n,  # type: ignore[misc]
                "it to be ready",
            )
            assert player.snapshot.agent_name == ("neural" if number < CRASHES else "rules")
        player.play_until_told(CRASHED)
        gone_on(player)
        pid = player.engine.agent_pid or 0
        player.engine.send(Start(SEED))
        player.play_until(lambda: player.snapshot.agent_name == "neural", "the partner")
        assert player.engine.agent_pid != pid and player.snapshot.message == ""
        gone_on(player)
    check_ends(player.logs)


def test_deaths_that_follow_each_other_make_the_next_start_wait() -> None:
    spell = Spell()
    now_s, waits = 100.0, []
    for _ in range(9):
        spell.add(now_s)
        waits.append(spell.wait_s())
        now_s += waits[-1]
    assert waits == [1.0, 1.0, 1.0, 2.0, 4.0, 8.0, 16.0, 20.0, 20.0]
    assert max(waits) < SPELL_S
    assert spell.add(now_s + SPELL_S) == 1 and spell.wait_s() == 1.0


def test_an_agent_that_is_killed_while_it_starts() -> None:
    with player_in(SILENT, load_learned, until_ready=False) as player:
        pid = kill_agent(player)
        player.play_until(lambda: player.engine.agent_pid != pid, "another agent")
        gone_on(player)
        # "restarted" where the first had been up already: a quick machine
        assert player.snapshot.agent_state in ("ready", "restarted")
        assert player.snapshot.agent_name == "neural"
    check_ends(player.logs)


def test_an_agent_that_fails_at_every_plan() -> None:
    with player_in(SILENT, load_failing) as player:
        pid = player.engine.agent_pid
        player.play_until_told(failing("MemoryError"))
        assert player.snapshot.agent_name == "rules"
        gone_on(player)
        assert player.engine.agent_pid == pid and player.snapshot.counters.agent_restarts == 0
        player.engine.send(Start(SEED))  # it gets another try
        player.play_until(lambda: player.snapshot.agent_name == "neural", "another try")
    check_ends(player.logs)


def test_an_agent_without_memory() -> None:
    with player_in(SILENT, load_without_memory) as player:
        player.play_until_told(f"{RULES_PLAY}: {NO_MEMORY}")
        gone_on(player)
    check_ends(player.logs)
