"""The agent's process: a `Predictor` behind a connection, at lower priority than the music."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from ctypes import c_uint64
from dataclasses import dataclass, replace
from multiprocessing.connection import Client, Connection

from jam.anticipation import Anticipator, Predictor
from jam.clock import SystemClock
from jam.messages import Plan, PlanRequest
from jam.rules import RuleBasedPredictor

LoadPredictor = Callable[[], tuple[Predictor, str]]
"""Gives a predictor and, where it isn't the one that was wanted, a sentence for the user."""

_CONNECT_FOR_S = 15.0
BEAT_S = 0.2
"""So often an agent that is not frozen counts on, whatever it is busy with."""


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The predictor is loaded. models: the values of the setting `model` that can be played."""

    name: str
    message: str = ""
    models: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """A request of session number `session`, whose dice are pinned to `seed`."""

    session: int
    seed: int
    request: PlanRequest


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """A plan; None where the request couldn't be answered (the history has to be sent again)."""

    session: int
    plan: Plan | None


def agent_main(address: str, authkey: bytes, load: LoadPredictor, beat: c_uint64) -> None:
    """The process: connect to the stage, load, answer requests until the stage hangs up.

    Runs on: a process of its own, one thread, niced so that it yields to sound and window; and a
    second thread that counts `beat` on.
    """
    # Ctrl-C goes to the whole group; the parent decides who ends when.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    threading.Thread(target=_beat_on, args=(beat,), name="beat", daemon=True).start()
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        connection = _connect(address, authkey)
        loaded, message = load()
        # The rules are always there; what was loaded may be nothing else.
        has_rules = loaded.name == RuleBasedPredictor.name
        minds = {"neural": loaded, "rules": loaded if has_rules else RuleBasedPredictor()}
        models = ("rules",) if has_rules else tuple(minds)
        connection.send(AgentReady(loaded.name, message, models))
        serve(connection, minds)


def _beat_on(beat: c_uint64) -> None:
    """Runs on: a thread of its own. Loading and long plans don't stop it, SIGSTOP does."""
    while True:
        beat.value += 1
        time.sleep(BEAT_S)


def _connect(address: str, authkey: bytes) -> Connection:
    """The stage may still be starting: try until it listens. Raises OSError in the end."""
    clock = SystemClock()
    give_up_s = clock.now_s() + _CONNECT_FOR_S
    while True:
        try:
            return Client(address, authkey=authkey)
        except (FileNotFoundError, ConnectionRefusedError):
            if clock.now_s() > give_up_s:
                raise
            time.sleep(0.02)


def serve(connection: Connection, minds: Mapping[str, Predictor]) -> None:
    """Answer requests until the connection ends (EOFError). minds: by the setting `model`."""
    clock = SystemClock()
    anticipator: Anticipator | None = None
    session = -1
    while True:
        asked: AgentRequest = connection.recv()
        started_s = clock.now_s()
        mind = minds[asked.request.settings.model]
        if asked.session != session or anticipator is None:
            anticipator, session = Anticipator(mind, asked.seed), asked.session
            mind.rewind(0)
        elif anticipator.predictor is not mind:
            anticipator.change_predictor(mind)
        try:
            plan = anticipator.plan(asked.request)
        except Exception:
            # Whatever went wrong, the music goes on: begin again from the history.
            logging.getLogger(__name__).exception("planning")
            anticipator = None
            connection.send(AgentAnswer(session, None))
            continue
        plan = replace(plan, compute_s=clock.now_s() - started_s)
        connection.send(AgentAnswer(session, plan))
