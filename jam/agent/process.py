"""The agent's process: a `Predictor` behind a connection, at lower priority than the music."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
import time
from collections.abc import Mapping
from ctypes import c_uint64
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Client, Connection
from typing import TYPE_CHECKING

from jam.agent.answering import Answerer, reason
from jam.agent.improviser import Improvises
from jam.agent.predictor import LoadPredictor, Predictor
from jam.agent.rules import RULES_PLAY, RuleBasedPredictor
from jam.clock import Clock, SystemClock
from jam.errors import NO_MEMORY, is_memory_short
from jam.messages.plans import AgentAnswer, AgentReady, AgentRequest, Plan, PlanRequest
from jam.messages.servers import UseServer
from jam.remote.told import Told
from jam.system import ignore_the_terminal, mind_the_memory

if TYPE_CHECKING:
    from jam.remote.client import RemoteAgent

START_WITHIN_S = 120.0
"""A stage that is slow to begin, as at the first start of all on a busy machine, is waited for."""
_SHARE = 0.5
"""Of the time until a plan is due it is made longer for so much: one that came in the last moment
would leave none for the next."""
_log = logging.getLogger(__name__)
_LOOK_S = 0.2
"""So often it is told how the line to a server stands, where nothing else is."""
BEAT_S = 0.2
"""So often an agent that is not frozen counts on, whatever it is busy with."""


def agent_main(address: str, authkey: bytes, load: LoadPredictor, beat: c_uint64) -> None:
    """The process: connect to the stage, load, answer requests until the stage hangs up.

    Runs on: a process of its own, one thread, niced so that it yields to sound and window; and a
    second thread that counts `beat` on.
    """
    ignore_the_terminal()
    mind_the_memory()
    with contextlib.suppress(AttributeError, OSError):
        os.nice(5)
    try:
        threading.Thread(target=_beat_on, args=(beat,), name="beat", daemon=True).start()
        _answer(address, authkey, load)
    except Exception as error:
        if not is_memory_short(error):
            raise
        sys.exit(1)  # it is started again, and has the rules in its place in the end


def _answer(address: str, authkey: bytes, load: LoadPredictor) -> None:
    """Connect, load, and serve until the stage hangs up."""
    with contextlib.suppress(EOFError, OSError, KeyboardInterrupt):
        connection = _connect(address, authkey)
        loaded, message = _loaded(load)
        # The rules are always there; what was loaded may be nothing else.
        has_rules = loaded.name == RuleBasedPredictor.name
        minds = {"neural": loaded, "rules": loaded if has_rules else RuleBasedPredictor()}
        models = ("rules",) if has_rules else tuple(minds)
        ready = AgentReady(loaded.name, message, models)
        connection.send(ready)
        if isinstance(loaded, Improvises):
            loaded.improviser()  # now, while nobody waits for it
        serve(connection, minds, ready)


def cannot_load(reason: str) -> str:
    """What is told when a predictor can't be loaded."""
    return f"{RULES_PLAY}: the neural one can't be loaded ({reason})."


def _loaded(load: LoadPredictor) -> tuple[Predictor, str]:
    try:
        return load()
    except Exception as error:  # no memory, a fault of ours: the music needs somebody all the same
        if is_memory_short(error):
            return RuleBasedPredictor(), cannot_load(NO_MEMORY)
        _log.exception("loading the predictor")
        return RuleBasedPredictor(), cannot_load(reason(error))


def _beat_on(beat: c_uint64) -> None:
    """Runs on: a thread of its own. Loading and long plans don't stop it, SIGSTOP does."""
    while True:
        beat.value += 1
        time.sleep(BEAT_S)


def _connect(address: str, authkey: bytes) -> Connection:
    """The stage may still be starting: try until it listens. Raises OSError in the end."""
    clock = SystemClock()
    give_up_s = clock.now_s() + START_WITHIN_S
    while True:
        try:
            return Client(address, authkey=authkey)
        except (FileNotFoundError, ConnectionRefusedError):
            if clock.now_s() > give_up_s:
                raise
            time.sleep(0.02)


def serve(connection: Connection, minds: Mapping[str, Predictor], ready: AgentReady) -> None:
    """Answer requests until the connection ends (EOFError). minds: by the setting `model`.

    Where the stage names a server of agents, that one plans wherever it can in time. A mind that
    fails again and again has the rules in its place until the next session; where they fail too,
    that error is raised.
    """
    remote: RemoteAgent | None = None
    clock = SystemClock()
    answerer = Answerer(minds, ready, lambda error: _log.error("planning", exc_info=error))
    told, said = Told(), ready
    while True:
        answer = None
        if connection.poll(None if remote is None else _LOOK_S):
            asked: AgentRequest | UseServer = connection.recv()
            if isinstance(asked, UseServer):
                remote = _server(asked.url, remote)
            else:
                answer = AgentAnswer(asked.session, _plan(asked, told, answerer, remote, clock))
        now = answerer.ready if remote is None else by_server(answerer.ready, remote)
        if now != said:
            said = now
            connection.send(now)
        if answer is not None:
            connection.send(answer)


def _plan(
    asked: AgentRequest, told: Told, answerer: Answerer, remote: RemoteAgent | None, clock: Clock
) -> Plan | None:
    """The server's plan where it comes in time, else that of the agent here."""
    started_s = clock.now_s()
    plan = None
    if told.take(asked):
        if remote is not None and asked.request.settings.model != "rules":
            plan = remote.plan(asked, told)
        if plan is None:  # it may have heard nothing of what the server has planned
            asked = told.request(asked, answerer.n_rows(asked.session))
    if plan is None:
        plan = answerer.answer(asked, partial(_is_due, clock, started_s, asked.request))
    return replace(plan, compute_s=clock.now_s() - started_s) if plan is not None else None


def _server(url: str, before: RemoteAgent | None) -> RemoteAgent | None:
    """The line to a server; the one that there is, where it is the same server and token."""
    if not url and before is None:
        return None
    from jam.remote.client import RemoteAgent, server_address  # sockets: only where they are wanted

    address = server_address(url) if url else None
    if before is not None:
        if before.address == address:
            return before
        before.close()
    return RemoteAgent(address, SystemClock()) if address is not None else None


def by_server(ready: AgentReady, remote: RemoteAgent) -> AgentReady:
    """The agent here with a server behind it, as the stage is told."""
    state = remote.state
    return replace(
        ready,
        name=state.name or ready.name,
        message="\n".join(filter(None, (ready.message, state.problem))),
        delay_s=remote.delay_s,
        server=state,
    )


def _is_due(clock: Clock, started_s: float, request: PlanRequest) -> bool:
    """Whether a plan has to be sent now, as long as it has become."""
    return clock.now_s() > started_s + _SHARE * (request.due_s - started_s)
