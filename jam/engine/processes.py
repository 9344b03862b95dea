"""Stage and agent as their parent sees them: started, watched, and when to start them again."""

from __future__ import annotations

import os
import secrets
import sys
import tempfile
from collections.abc import Callable
from ctypes import c_uint64
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext, SpawnProcess
from multiprocessing.sharedctypes import RawValue
from pathlib import Path

from jam.agent.predictor import LoadPredictor, Predictor
from jam.agent.process import agent_main
from jam.agent.rules import RULES_PLAY, RuleBasedPredictor
from jam.messages.commands import DeviceChoice
from jam.settings import JamSettings
from jam.stage.process import stage_main

SPELL_S = 30.0
"""Deaths that are no further apart belong together."""
CRASHES = 3
"""So many deaths in one spell are enough: of the agent, to have the rules in its place; of the
stage, to give up."""
CRASHED = f"The agent has crashed {CRASHES} times: {RULES_PLAY.lower()} until the next start."
GIVEN_UP = "The agent can't be kept running, not even with the rules: the band rests."
"""Said once, where the stand-in dies as often; it is still tried now and then."""
_MIN_WAIT_S, _MAX_WAIT_S = 1.0, 20.0
"""Between two starts of an agent."""


def load_stand_in() -> tuple[Predictor, str]:
    """What is loaded in place of a predictor whose process dies again and again."""
    return RuleBasedPredictor(), CRASHED


class Pulse:
    """A number that a child counts on, to be looked at by its parent.

    What is counted is looks and no seconds: when the whole program was stopped (Ctrl-Z, the lid),
    nobody is to blame.
    """

    def __init__(self) -> None:
        self.value = RawValue(c_uint64, 0)
        self._counted = self._still_looks = 0

    def stands_still(self, looks: int, excused: Callable[[], bool] = lambda: False) -> bool:
        """Look: True when one that has begun to count has stood still for so many looks.

        excused: asked while it stands still; a look at which it has an excuse isn't counted.
        """
        counted = self.value.value
        if counted != self._counted:
            self._counted, self._still_looks = counted, 0
        elif not excused():
            self._still_looks += 1
        return counted > 0 and self._still_looks >= looks


def is_starved(pid: int | None) -> bool:
    """True when a process waits for a processor that others have: it is not frozen, and to start
    another would take more of what there is too little of. Linux; elsewhere nothing is known.
    """
    try:
        stats = [path.read_text() for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    except OSError:
        return False
    return any(stat.rpartition(")")[2].split()[0] == "R" for stat in stats)


def _agent_address() -> str:
    """Where stage and agent meet. Linux has names without a file: nothing is left behind, however
    the program ends, and no folder's name is too long."""
    name = f"jam-{os.getpid()}-{secrets.token_hex(8)}"
    if sys.platform == "win32":
        return rf"\\.\pipe\{name}"
    if sys.platform == "linux":
        return f"\0{name}"
    return str(Path(tempfile.gettempdir()) / name)


class StageProcess:
    """The stage, the line to it, and the address at which it waits for the agent."""

    def __init__(
        self,
        context: SpawnContext,
        settings: JamSettings,
        devices: DeviceChoice,
        sessions_before: int = 0,
    ) -> None:
        self.address = _agent_address()
        self.authkey = secrets.token_bytes(32)
        self.pulse = Pulse()
        pipe: tuple[Connection, Connection] = context.Pipe()
        self.connection, theirs = pipe
        self.process: SpawnProcess = context.Process(
            target=stage_main,
            args=(
                theirs,
                self.address,
                self.authkey,
                settings,
                devices,
                sessions_before,
                self.pulse.value,
            ),
            name="jam-stage",
        )
        self.process.start()
        theirs.close()

    def end(self, timeout_s: float) -> None:
        """Wait for its end, and make an end of it where it doesn't come."""
        self.process.join(timeout=timeout_s)
        if self.process.is_alive():  # it hangs, or was stopped: it wouldn't hear a milder word
            self.process.kill()
            self.process.join(timeout=2.0)


class AgentProcess:
    """The agent of a stage."""

    def __init__(
        self, context: SpawnContext, stage: StageProcess, load: LoadPredictor, now_s: float
    ) -> None:
        self.pulse = Pulse()
        self.started_s = now_s
        self.process: SpawnProcess = context.Process(
            target=agent_main,
            args=(stage.address, stage.authkey, load, self.pulse.value),
            name="jam-agent",
            daemon=True,
        )
        self.process.start()

    def hangs(self, looks: int) -> bool:
        """Look: True when it doesn't count on, and not for want of a processor."""
        return self.pulse.stands_still(looks, lambda: is_starved(self.process.pid))

    def end(self, timeout_s: float = 0.0) -> None:
        """Wait for its end, then make an end of it."""
        self.process.join(timeout=timeout_s)
        if self.process.is_alive():
            self.process.kill()
            self.process.join(timeout=2.0)


class Spell:
    """Deaths of one process, as far as they follow close upon each other. Pure."""

    def __init__(self) -> None:
        self.deaths = 0
        self._last_s = float("-inf")

    def add(self, now_s: float) -> int:
        """Another death; returns how many there were in this spell."""
        self.deaths = self.deaths + 1 if now_s - self._last_s < SPELL_S else 1
        self._last_s = now_s
        return self.deaths

    def wait_s(self) -> float:
        """How long after the last start the next one may be: longer with every death."""
        return min(_MIN_WAIT_S * 2.0 ** max(0, self.deaths - CRASHES), _MAX_WAIT_S)
