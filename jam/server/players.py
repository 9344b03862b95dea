"""The players of a server: what each may do, and how requests become answers.

It knows nothing of sockets: a line is whatever bytes come from and go to.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter as Count
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from jam.clock import Clock
from jam.errors import BadInput
from jam.messages.plans import AgentReady, AgentRequest, Plan
from jam.remote import wire
from jam.server.tokens import LOCAL_USER

_RATE, _BURST = 40.0, 120.0
"""Requests a second that a player may make (300 bpm in 6/8 takes 30), and how many at once."""
_ROWS_A_REQUEST = 512
"""A history that is told costs as much as a request for so many rows of it."""
SEND_WITHIN_S = 5.0
"""A player who takes an answer more slowly is cut off."""
ANSWER_WITHIN_S = 20.0
IDLE_S = 900.0
"""A player who asks for nothing for so long is cut off, and comes back with the next jam."""
NORMAL, AGAIN_LATER, POLICY, TOO_BIG, NOT_BINARY = 1000, 1013, 1008, 1009, 1003
"""Codes with which a WebSocket is closed (RFC 6455)."""
_MOST_WAITING = 10_000


class Planner(Protocol):
    """What makes the plans: see `models.serving.planner`."""

    ready: AgentReady
    busy_s: float

    @property
    def alive(self) -> bool: ...
    @property
    def queued(self) -> int: ...
    def sizes(self) -> Count[int]: ...
    def open(self) -> Any: ...
    def submit(
        self, jam: Any, asked: AgentRequest, done: Callable[[Plan | None], None]
    ) -> None: ...
    def close(self) -> None: ...


class Line(Protocol):
    """A connection to a player."""

    async def receive(self) -> bytes | str: ...
    async def send(self, data: bytes) -> None: ...
    async def close(self, code: int, reason: str) -> None: ...


class HungUp(Exception):
    """The other end of a line is gone: what `receive` and `send` raise."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many players at a time: in all, and of one user. Who needs no token is no user."""

    players: int = 500
    per_user: int = 4


class Full(Exception):
    """No more players; its text says why."""


class Measures:
    """What a server tells of itself to Prometheus."""

    def __init__(self, planner: Planner) -> None:
        self.registry = CollectorRegistry()
        self.plans = Counter(
            "jam_plans", "Plans made, by whether they were in time.", ["late"],
            registry=self.registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "jam_plan_seconds", "From request to plan, on the server.", registry=self.registry,
            buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0),
        )  # fmt: skip
        self.cut_off = Counter(
            "jam_cut_off", "Players cut off, by why.", ["why"], registry=self.registry
        )
        self.told_anew = Counter("jam_histories", "Histories told anew.", registry=self.registry)
        self.players = Gauge("jam_players", "Players connected.", registry=self.registry)
        self._gauge("jam_queue", "Requests that wait or are at work.", lambda: planner.queued)
        self._gauge("jam_planner_busy_seconds", "Processor time.", lambda: planner.busy_s)

        def mean() -> float:
            sizes = planner.sizes()
            return sum(n * k for n, k in sizes.items()) / max(1, sizes.total())

        self._gauge("jam_batch_mean", "Positions of the network computed as one.", mean)

    def _gauge(self, name: str, about: str, value: Callable[[], float]) -> None:
        Gauge(name, about, registry=self.registry).set_function(value)


class Players:
    """Everybody who is connected. Of one event loop."""

    def __init__(self, planner: Planner, limits: Limits, clock: Clock) -> None:
        self.planner, self.limits, self._clock = planner, limits, clock
        self.measures = Measures(planner)
        self.by_user: Count[str] = Count()
        self._lines: dict[Line, str] = {}
        self._turned_away_s: deque[float] = deque(maxlen=_MOST_WAITING)

    def admit(self, user: str) -> None:
        """Raises Full where there is no room for another player of this user."""
        if self.by_user.total() >= self.limits.players:
            self._turned_away_s.append(self._clock.now_s())
            why = "the server is full"
        elif user != LOCAL_USER and self.by_user[user] >= self.limits.per_user:
            why = f"{user} has {self.limits.per_user} players here already"
        else:
            return
        self.measures.cut_off.labels("no room").inc()
        raise Full(why)

    @property
    def waiting(self) -> int:
        """Players for whom there was no room, and who try again."""
        since_s = self._clock.now_s() - wire.COMES_AGAIN_S
        while self._turned_away_s and self._turned_away_s[0] < since_s:
            self._turned_away_s.popleft()
        return len(self._turned_away_s)

    @property
    def filled(self) -> float:
        """Those who are here and those who wait, as a share of the room that there is."""
        return (self.by_user.total() + self.waiting) / self.limits.players

    async def serve(self, line: Line, user: str) -> None:
        """Answer a player until the line ends; who breaks the rules is cut off."""
        try:
            self.admit(user)
        except Full as full:
            await self._close(line, AGAIN_LATER, str(full))
            return
        self.by_user[user] += 1
        self._lines[line] = user
        self.measures.players.set(self.by_user.total())
        try:
            await self._answer(line)
        except HungUp:
            pass
        except BadInput as error:
            await self._cut_off(line, POLICY, "no message", str(error))
        finally:
            self._lines.pop(line, None)
            self.by_user[user] -= 1
            self.measures.players.set(self.by_user.total())

    async def cut_off_all_but(self, users: Callable[[str], bool]) -> None:
        """Cut off whoever may no longer be here."""
        for line, user in [*self._lines.items()]:
            if not users(user):
                await self._cut_off(line, POLICY, "revoked", "the token was revoked")

    async def _answer(self, line: Line) -> None:
        ready = self.planner.ready
        jam = None
        await self._send(line, wire.encoded(wire.Welcome(ready.name, ready.models)))
        credit, credited_s = _BURST, self._clock.now_s()
        while True:
            try:
                data = await asyncio.wait_for(line.receive(), IDLE_S)
            except TimeoutError:
                await self._cut_off(line, NORMAL, "idle", "nothing was asked for")
                return
            if isinstance(data, str):
                await self._cut_off(line, NOT_BINARY, "no message", "text")
                return
            now_s = self._clock.now_s()
            ask = wire.read_ask(data)
            credit = min(_BURST, credit + _RATE * (now_s - credited_s)) - (
                1 + len(ask.melody) / _ROWS_A_REQUEST
            )
            credited_s = now_s
            if credit < 0:
                await asyncio.sleep(-credit / _RATE)
            asked = wire.request_of(ask, now_s)
            jam = jam or self.planner.open()  # who asks for nothing costs nothing
            plan = await self._plan(jam, asked)
            took_s = self._clock.now_s() - now_s
            if plan is None:
                self.measures.told_anew.inc()
                await self._send(line, wire.encoded(wire.Unknown(ask.number)))
                continue
            late = now_s + took_s > asked.request.due_s
            self.measures.plans.labels("yes" if late else "no").inc()
            self.measures.seconds.observe(took_s)
            await self._send(line, wire.encoded(wire.planned_of(plan, ask.number, took_s)))

    async def _plan(self, jam: Any, asked: AgentRequest) -> Plan | None:
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Plan | None] = loop.create_future()

        def done(plan: Plan | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop was closed meanwhile
                loop.call_soon_threadsafe(_settle, answer, plan)

        self.planner.submit(jam, asked, done)
        return await answer

    async def _send(self, line: Line, data: bytes) -> None:
        try:
            await asyncio.wait_for(line.send(data), SEND_WITHIN_S)
        except TimeoutError:
            await self._cut_off(line, POLICY, "too slow", "answers were not taken")
            raise HungUp from None

    async def _cut_off(self, line: Line, code: int, kind: str, why: str) -> None:
        """kind: one of a few, for the figures; what is told may quote whoever is cut off."""
        self.measures.cut_off.labels(kind).inc()
        await self._close(line, code, why)

    async def _close(self, line: Line, code: int, why: str) -> None:
        with contextlib.suppress(HungUp, TimeoutError):
            await asyncio.wait_for(line.close(code, why[:120]), SEND_WITHIN_S)


def _settle(answer: asyncio.Future[Plan | None], plan: Plan | None) -> None:
    if not answer.done():
        answer.set_result(plan)
