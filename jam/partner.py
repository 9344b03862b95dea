"""The agent as the stage's loop knows it: how it is, and one request at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator

from jam.agent import AgentAnswer, AgentReady, AgentRequest
from jam.agent_link import AgentLink
from jam.clock import Clock
from jam.conductor import Conductor


class Partner:
    """Owned by the stage's loop. What closes while a request is under way goes with the next."""

    def __init__(self, clock: Clock, address: str, authkey: bytes, wake: threading.Event) -> None:
        self._clock = clock
        self._link = AgentLink(address, authkey, wake)
        self.state = "loading"
        """ "loading", "ready", "restarted" or "gone"."""
        self.name, self.message = "", ""
        self.models: tuple[str, ...] = ()
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
                self.name, self.message, self.models = event.name, event.message, event.models
                if self.state in ("ready", "restarted"):
                    continue  # the same agent, with another mind
                self._n_seen += 1
                self.restarts = self._n_seen - 1
                self.state = "restarted" if self.restarts else "ready"
            elif event is None:
                self.state = "gone"
            elif event.session != self._session:
                continue
            self._asked = event is None
            yield event

    def ask(self, conductor: Conductor) -> None:
        """Ask for a plan, when there is something to ask and somebody who isn't busy."""
        if not self.to_ask or self._asked or self.state not in ("ready", "restarted"):
            return
        self.to_ask, self._asked, self._asked_s = False, True, self._clock.now_s()
        self._link.send(AgentRequest(self._session, conductor.seed, conductor.request()))

    def waiting_s(self, now_s: float) -> float:
        """How long the request that is under way has been waiting; 0 where there is none."""
        return now_s - self._asked_s if self._asked and self.state != "gone" else 0.0

    def close(self) -> None:
        """Hang up: the agent ends by itself."""
        self._link.close()
