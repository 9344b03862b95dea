"""The stage's end of the line to the agent: never blocks, survives the agent's death."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import sys
import threading
from collections import deque
from collections.abc import Iterator
from multiprocessing import AuthenticationError
from multiprocessing.connection import Connection, Listener, answer_challenge, deliver_challenge

from jam.clock import Clock
from jam.messages.plans import AgentAnswer, AgentReady, AgentRequest
from jam.messages.servers import NO_SERVER, UseServer
from jam.performance.conductor import Conductor

_log = logging.getLogger(__name__)
_STRANGERS = 8
"""So many that have not proved themselves are listened to at a time."""
_PROOF_S = 10.0


class AgentLink:
    """Listens for the agent on a local socket; it may come, go and come again.

    Who connects must prove that it knows the key before anything that it sends is unpickled; one
    that says nothing, or says something else, keeps neither the stage nor the agent waiting.
    One request is under way at a time. `events` holds what came from the agent, newest last:
    AgentReady (a new agent, which knows nothing yet), AgentAnswer, and None when it is gone.
    `wake` is set whenever something was added.
    """

    def __init__(self, address: str, authkey: bytes, wake: threading.Event) -> None:
        # Without the key here: the listener would wait for each stranger's proof in turn.
        self._listener = Listener(address, backlog=2 * _STRANGERS)
        self._authkey = authkey
        self._wake = wake
        self.events: deque[AgentReady | AgentAnswer | None] = deque()
        self._outgoing: queue.SimpleQueue[AgentRequest | UseServer | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._strangers = threading.BoundedSemaphore(_STRANGERS)
        self._one_agent = threading.Lock()
        self._closed = threading.Event()
        for target in (self._accept_forever, self._send_forever):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    def send(self, message: AgentRequest | UseServer) -> None:
        """Hand a message to the writing thread. Never blocks."""
        self._outgoing.put(message)

    def _accept_forever(self) -> None:
        """Runs on: a thread of its own. Gives each that connects a thread."""
        while not self._closed.is_set():
            try:
                connection = self._listener.accept()
            except OSError:
                _log.debug("accepting the agent", exc_info=True)
                self._closed.wait(0.1)  # out of descriptors, it may be: not at full speed
                continue
            if not self._strangers.acquire(timeout=_PROOF_S):
                connection.close()
                continue
            hearing = threading.Thread(
                target=self._hear, args=(connection,), name="agent-read", daemon=True
            )
            try:
                hearing.start()
            except RuntimeError:  # no memory for a thread: the agent tries again
                self._strangers.release()
                connection.close()

    def _hear(self, connection: Connection) -> None:
        """Runs on: a thread of its own for each that connects. Reads until it hangs up."""
        try:
            known = self._proved(connection)
        except (MemoryError, RuntimeError):  # the agent tries again
            known = False
        finally:
            self._strangers.release()
        if known:
            with self._one_agent:  # a new one waits until the old one's line has ended
                self._read(connection)
        connection.close()

    def _proved(self, connection: Connection) -> bool:
        """True when the other end knows the key, and was shown that this one does."""
        in_time = threading.Timer(_PROOF_S, _hang_up, (connection,))
        in_time.daemon = True
        in_time.start()
        try:
            deliver_challenge(connection, self._authkey)
            answer_challenge(connection, self._authkey)
        except (AuthenticationError, EOFError, OSError, AssertionError):
            _log.warning("something else than the agent has connected: hung up")
            return False
        finally:
            in_time.cancel()
        return True

    def _read(self, connection: Connection) -> None:
        self._connection = connection
        try:
            while True:
                self.events.append(connection.recv())
                self._wake.set()
        except Exception:  # EOF, reset, or half a message of a killed process
            _log.debug("the agent hung up", exc_info=True)
        self._connection = None
        self.events.append(None)
        self._wake.set()

    def _send_forever(self) -> None:
        """Runs on: a thread of its own, which a frozen agent may block."""
        while (message := self._outgoing.get()) is not None:
            connection = self._connection
            try:
                if connection is not None:
                    connection.send(message)
            except OSError:
                _log.debug("sending to the agent", exc_info=True)

    def close(self) -> None:
        """Hang up: the agent ends by itself."""
        self._closed.set()
        self._outgoing.put(None)
        if (connection := self._connection) is not None:
            _hang_up(connection)  # who reads it closes it
        self._listener.close()


def _hang_up(connection: Connection) -> None:
    """End a line on which another thread waits: it wakes with EOFError or OSError."""
    with contextlib.suppress(OSError):
        if sys.platform == "win32":
            connection.close()
        else:
            with socket.socket(fileno=os.dup(connection.fileno())) as line:
                line.shutdown(socket.SHUT_RDWR)


class Agent:
    """The agent as the stage's loop sees it. What closes while it is busy goes with the next
    request.

    server: address of the server of agents that it asks first; "" for none.
    """

    def __init__(
        self, clock: Clock, address: str, authkey: bytes, wake: threading.Event, server: str = ""
    ) -> None:
        self._clock = clock
        self._link = AgentLink(address, authkey, wake)
        self._server = server
        self.state = "loading"
        """ "loading", "ready", "restarted" or "gone"."""
        self.name, self.message = "", ""
        self.models: tuple[str, ...] = ()
        self.delay_s = 0.0
        """So long before it is wanted a plan has to be asked for."""
        self.server = NO_SERVER
        self.last_word: AgentReady | None = None
        self.restarts = 0
        self.to_ask = False
        """Something was closed that the agent hasn't been told."""
        self._n_seen = 0
        self._session = 0
        self._asked = False
        self._asked_s = 0.0

    def begin(self, session: int) -> None:
        """Another session: answers to what was asked before are no longer wanted."""
        self._session, self._asked = session, False

    def events(self) -> Iterator[AgentReady | AgentAnswer | None]:
        """What came: a new agent that knows nothing yet, answers of this session, None: it died."""
        while self._link.events:
            event = self._link.events.popleft()
            if isinstance(event, AgentReady):
                self.last_word = event
                self.name, self.message, self.models = event.name, event.message, event.models
                self.delay_s, self.server = event.delay_s, event.server
                if self.state in ("ready", "restarted"):
                    continue  # the same agent, with another mind
                self._n_seen += 1
                self.restarts = self._n_seen - 1
                self.state = "restarted" if self.restarts else "ready"
                if self._server:
                    self._link.send(UseServer(self._server))
            elif event is None:
                self.state, self.delay_s, self.server = "gone", 0.0, NO_SERVER
            elif event.session != self._session:
                continue
            self._asked = event is None
            yield event

    def ask(self, conductor: Conductor) -> None:
        """Ask for a plan, when there is something to ask and somebody who isn't busy."""
        if not self.to_ask or self._asked or self.state not in ("ready", "restarted"):
            return
        self.to_ask, self._asked, self._asked_s = False, True, self._clock.now_s()
        request = conductor.request(self.delay_s)
        self._link.send(AgentRequest(self._session, conductor.seed, request))

    def use_server(self, url: str) -> None:
        """Have the agent ask another server first, or none; the same again: its token may be
        another."""
        self._server = url
        self._link.send(UseServer(url))

    def waiting_s(self, now_s: float) -> float:
        """How long the request that is under way has been waiting; 0 where there is none."""
        return now_s - self._asked_s if self._asked and self.state != "gone" else 0.0

    def close(self) -> None:
        """Hang up: the agent ends by itself."""
        self._link.close()
