"""The stage's end of the line to the agent: never blocks, survives the agent's death."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from multiprocessing.connection import Connection, Listener

from jam.agent import AgentAnswer, AgentReady, AgentRequest

_log = logging.getLogger(__name__)


class AgentLink:
    """Listens for the agent on a local socket; it may come, go and come again.

    One request is under way at a time. `events` holds what came from the agent, newest last:
    AgentReady (a new agent, which knows nothing yet), AgentAnswer, and None when it is gone.
    `wake` is set whenever something was added.
    """

    def __init__(self, address: str, authkey: bytes, wake: threading.Event) -> None:
        self._listener = Listener(address, authkey=authkey)
        self._wake = wake
        self.events: deque[AgentReady | AgentAnswer | None] = deque()
        self._outgoing: queue.SimpleQueue[AgentRequest | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self._closed = False
        for target in (self._accept_forever, self._send_forever):
            threading.Thread(target=target, name=target.__name__, daemon=True).start()

    def send(self, request: AgentRequest) -> None:
        """Hand a request to the writing thread. Never blocks."""
        self._outgoing.put(request)

    def _accept_forever(self) -> None:
        """Runs on: a thread of its own. Accepts one agent after another and reads from it."""
        while not self._closed:
            try:
                connection = self._listener.accept()
            except Exception:
                if not self._closed:
                    _log.debug("accepting the agent", exc_info=True)
                continue
            self._connection = connection
            try:
                while True:
                    self.events.append(connection.recv())
                    self._wake.set()
            except Exception:  # EOF, reset, or half a message of a killed process
                _log.debug("the agent hung up", exc_info=True)
            self._connection = None
            connection.close()
            self.events.append(None)
            self._wake.set()

    def _send_forever(self) -> None:
        """Runs on: a thread of its own, which a frozen agent may block."""
        while (request := self._outgoing.get()) is not None:
            connection = self._connection
            try:
                if connection is not None:
                    connection.send(request)
            except OSError:
                _log.debug("sending to the agent", exc_info=True)

    def close(self) -> None:
        """Hang up: the agent ends by itself."""
        self._closed = True
        self._outgoing.put(None)
        if (connection := self._connection) is not None:
            connection.close()
        self._listener.close()
