"""A server's agent, asked from the agent's own process: in time, or the local one plans.

The musician never waits for a network. A plan is asked of the server where its answer is expected
before the plan is due, with time left for the local agent; until it is expected so, the server is
asked all the same, and its answers are only timed. That is how a slow server is left without a
gap, and how it is returned to.
"""

from __future__ import annotations

import logging
import math
import queue
import ssl
import threading
from dataclasses import dataclass, field
from http import HTTPStatus

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidStatus,
    InvalidURI,
)
from websockets.frames import CloseCode
from websockets.sync.client import ClientConnection, connect

from jam.clock import Clock
from jam.errors import BadInput
from jam.messages.plans import AgentRequest, Plan
from jam.messages.servers import CONNECTING, ServerState, host_of
from jam.remote import wire
from jam.remote.kept_tokens import token_for
from jam.remote.told import Told

RESERVE_S = 0.12
"""Of the time until a plan is due the local agent keeps so much for its own."""
MOST_WAIT_S = 1.0
_OPEN_S = 5.0
_AGAIN_S, _MOST_AGAIN_S = 0.5, 15.0
"""Between two tries to connect: longer with every one that failed."""
_ALIVE_S = 5.0
"""A server that doesn't answer a ping for so long is gone."""
_GOES_WRONG = (ConnectionClosed, InvalidHandshake, InvalidURI, OSError, EOFError)
_FADES = 0.2
_STEP_S = 0.05
"""In such steps it is told how long the server takes."""
_log = logging.getLogger(__name__)
_line_log = logging.getLogger(f"{__name__}.line")
_line_log.setLevel(logging.CRITICAL)  # a line that is lost is told, and not with a traceback


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """Where a server is, and what it is told of us. Raises BadInput for no such address."""

    url: str
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if not self.host:
            raise BadInput("agent server: no address")

    @property
    def host(self) -> str:
        return host_of(self.url)


def server_address(url: str) -> ServerAddress:
    """The address with the token that is known for it. Raises BadInput."""
    return ServerAddress(url, token_for(host_of(url)))


class RemoteAgent:
    """The line to a server: kept up by threads of its own, `plan` never waits beyond its time."""

    def __init__(self, address: ServerAddress, clock: Clock) -> None:
        self.address, self._clock = address, clock
        self._changed = threading.Condition()
        self._socket: ClientConnection | None = None
        self._outgoing: queue.SimpleQueue[tuple[ClientConnection, bytes] | None] = (
            queue.SimpleQueue()
        )
        self._number = 0
        self._asked: tuple[int, AgentRequest, float] | None = None
        """Number, request and time of what is not answered yet."""
        self._answer: wire.Planned | wire.Unknown | None = None
        self._session, self._known = -1, 0
        """Of that session the server knows so many rows."""
        self._takes_s = 0.0
        """From request to answer, as is to be expected."""
        self.round_trip_s = 0.0
        """Of that, what the way there and back takes."""
        self.why_not = CONNECTING
        """Why the server doesn't plan, "" where it does."""
        self._closed = threading.Event()
        for target in (self._keep_up, self._send):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    @property
    def state(self) -> ServerState:
        """How the line stands, as the musician is told."""
        ms = 5 * math.ceil(200 * self.round_trip_s)
        return ServerState(self.address.host, ms, self.why_not)

    @property
    def delay_s(self) -> float:
        """So long before it is wanted a plan has to be asked for; 0 where the server is away."""
        takes_s = self._takes_s + RESERVE_S
        return 0.0 if self.why_not else math.ceil(takes_s / _STEP_S) * _STEP_S

    def plan(self, asked: AgentRequest, told: Told) -> Plan | None:
        """The server's plan, or None where the local agent has to plan.

        told: all of the session so far, the request taken over.
        """
        begun_s = self._clock.now_s()
        until_s = min(asked.request.due_s - RESERVE_S, begun_s + MOST_WAIT_S)
        for _ in range(2):  # the second time, if need be, with the whole history
            with self._changed:
                if not self._ask(asked, told) or begun_s + self._takes_s > until_s:
                    return None
                while self._asked is not None:
                    left_s = until_s - self._clock.now_s()
                    if left_s <= 0 or not self._changed.wait(left_s):
                        waited_s = self._clock.now_s() - begun_s
                        self._takes_s = max(self._takes_s, 1.5 * waited_s)
                        self._say("too slow")
                        return None
                answer = self._answer
            if isinstance(answer, wire.Planned):
                try:
                    plan = wire.plan_of(answer, self._clock.now_s() - begun_s)
                except BadInput as error:
                    self._say(str(error))
                    return None
                self._say("")
                return plan
            if answer is None:  # the line was lost
                return None
        return None

    def close(self) -> None:
        self._closed.set()
        self._outgoing.put(None)
        if (socket := self._socket) is not None:
            socket.close()

    def _ask(self, asked: AgentRequest, told: Told) -> bool:
        """Send it, unless something is still to be answered or nobody is there."""
        if self._socket is None or self._asked is not None:
            return False
        if asked.session != self._session:
            self._session, self._known = asked.session, 0
        request = told.request(asked, self._known)
        self._number += 1
        now_s = self._clock.now_s()
        self._asked, self._answer = (self._number, request, now_s), None
        data = wire.encoded(wire.ask_of(request, self._number, now_s))
        self._outgoing.put((self._socket, data))
        return True

    def _say(self, why_not: str) -> None:
        self.why_not = why_not

    # -- threads of the line

    def _send(self) -> None:
        """Runs on: a thread of its own, which a network that is stuck may block."""
        while (message := self._outgoing.get()) is not None:
            socket, data = message
            try:
                socket.send(data)
            except (ConnectionClosed, OSError):
                _log.debug("sending to the server", exc_info=True)

    def _keep_up(self) -> None:
        """Runs on: a thread of its own. Connects, reads, connects again."""
        again_s = _AGAIN_S
        while not self._closed.is_set():
            try:
                with self._connected() as socket:
                    self._read(socket)
            except (*_GOES_WRONG, BadInput) as error:
                self._say(_said(error))
                again_s = wire.COMES_AGAIN_S if _is_full(error) else again_s
            finally:
                again_s = again_s if self._socket is None else _AGAIN_S  # it was planning
                self._lost()
            self._closed.wait(again_s)
            again_s = min(2 * again_s, _MOST_AGAIN_S)

    def _connected(self) -> ClientConnection:
        token = self.address.token
        return connect(
            self.address.url,
            ssl=ssl.create_default_context() if self.address.url.startswith("wss") else None,
            subprotocols=[wire.SUBPROTOCOL],
            additional_headers={"Authorization": f"Bearer {token}"} if token else None,
            compression=None,
            open_timeout=_OPEN_S,
            close_timeout=1.0,
            ping_interval=_ALIVE_S,
            ping_timeout=_ALIVE_S,
            max_size=wire.ANSWER_BYTES,
            proxy=None,
            logger=_line_log,
        )

    def _read(self, socket: ClientConnection) -> None:
        if socket.subprotocol is None:
            raise BadInput("no server of agents")
        for data in socket:
            if isinstance(data, str):
                raise BadInput("no server of agents")
            message = wire.read_answer(data)
            if isinstance(message, wire.Welcome):
                asked_s = self._clock.now_s()
                socket.ping().wait(_ALIVE_S)
                self.round_trip_s = self._clock.now_s() - asked_s
                self._say("")
            with self._changed:
                if isinstance(message, wire.Welcome):
                    self._socket, self._known, self._takes_s = socket, 0, self.round_trip_s
                else:
                    self._take(message)
                self._changed.notify_all()

    def _take(self, message: wire.Planned | wire.Unknown) -> None:
        if self._asked is None or message.number != self._asked[0]:
            raise BadInput("an answer that nobody asked for")
        _, asked, asked_s = self._asked
        took_s = self._clock.now_s() - asked_s
        if isinstance(message, wire.Planned):
            self._known = asked.request.next_frame
            share = 1.0 if took_s > self._takes_s else _FADES
            self._takes_s += share * (took_s - self._takes_s)
            way_s = max(0.0, took_s - message.server_s)
            self.round_trip_s += (_FADES if self.round_trip_s else 1.0) * (
                way_s - self.round_trip_s
            )
        else:
            self._known = 0
        self._asked, self._answer = None, message

    def _lost(self) -> None:
        with self._changed:
            self._socket, self._asked, self._answer, self._known = None, None, None, 0
            self.why_not = self.why_not or "gone"
            self._changed.notify_all()


def _is_full(error: Exception) -> bool:
    """Whether there is no room yet: a server says so before it lets in, or right after it."""
    if isinstance(error, ConnectionClosed):
        return error.rcvd is not None and error.rcvd.code == CloseCode.TRY_AGAIN_LATER
    return (
        isinstance(error, InvalidStatus)
        and error.response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    )


def _said(error: Exception) -> str:
    """Why there is no connection, in a few words."""
    if isinstance(error, ConnectionClosed):
        return error.rcvd.reason if error.rcvd and error.rcvd.reason else "gone"
    if isinstance(error, InvalidStatus):
        status = error.response.status_code
        if status in (401, 403):
            return "it wants a token, and doesn't know this one"
        body = (error.response.body or b"").decode("utf-8", "replace").strip()
        return (body.splitlines() or [f"it answers {status}"])[0][:100].rstrip(".")
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not to be trusted ({error.verify_message})"
    if isinstance(error, ssl.SSLError):
        return f"no TLS with it ({error.reason})"
    if isinstance(error, InvalidMessage):
        return "no server of agents, or one that wants wss://"
    if isinstance(error, TimeoutError):
        return "it doesn't answer"
    if isinstance(error, OSError):
        return f"not reached ({error.strerror or error})"
    return " ".join(str(error).split())[:100] or type(error).__name__
