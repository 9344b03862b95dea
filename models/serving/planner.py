"""Plans for many jams, in one thread: whoever is due soonest goes first, several at a time."""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from greenlet import greenlet

from jam.agent.answering import Answerer
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.messages.plans import AgentReady, AgentRequest, Plan
from models.serving.together import Together, Weights

MOST_AT_ONCE = 32
"""Plans that are made side by side. More would come later all of them, not sooner any."""
_SHARE = 0.5
"""As in the agent's own process: of the time until a plan is due it is made longer for so much."""
_log = logging.getLogger(__name__)
Done = Callable[["Plan | None"], None]
"""Told the plan, or None where the history has to be told again. In the planner's thread."""


class Jam:
    """One player's jam: its history, its cache, its dice."""

    def __init__(self, neural: Predictor | None, ready: AgentReady) -> None:
        minds: dict[str, Predictor] = {"rules": RuleBasedPredictor()}
        if neural is not None:
            minds["neural"] = neural
        self.answerer = Answerer(minds, ready, partial(_log.error, "planning: %r"))


@dataclass(order=True, slots=True)
class _Work:
    due_s: float
    order: int
    jam: Jam = field(compare=False)
    asked: AgentRequest = field(compare=False)
    done: Done = field(compare=False)


class Planner:
    """Makes plans for any number of jams. Its thread begins at once and ends with `close`.

    weights: of the network; None has the rules play. now_s: the clock on which plans are due.
    """

    def __init__(self, weights: Weights | None, now_s: Callable[[], float]) -> None:
        self._weights, self._now_s = weights, now_s
        self._together = weights.together if weights is not None else Together()
        models = ("neural", "rules") if weights is not None else ("rules",)
        name = "neural" if weights is not None else RuleBasedPredictor.name
        self.ready = AgentReady(name, "", models)
        self._inbox: queue.SimpleQueue[_Work | None] = queue.SimpleQueue()
        self._waiting: list[_Work] = []
        self._at_work = 0
        self._count = itertools.count()
        self.busy_s = 0.0
        """Processor time of the thread so far."""
        self._thread = threading.Thread(target=self._run, name="planner", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether plans can still be made."""
        return self._thread.is_alive()

    @property
    def queued(self) -> int:
        """Requests that wait or are at work."""
        return self._inbox.qsize() + len(self._waiting) + self._at_work

    def sizes(self) -> Counter[int]:
        """How often so many positions were computed as one."""
        return Counter(dict(self._together.sizes))

    def open(self) -> Jam:
        """For another player."""
        neural = self._weights.predictor() if self._weights is not None else None
        return Jam(neural, self.ready)

    def submit(self, jam: Jam, asked: AgentRequest, done: Done) -> None:
        """Have a plan made; of each jam one at a time. Never blocks. Of any thread."""
        self._inbox.put(_Work(asked.request.due_s, next(self._count), jam, asked, done))

    def close(self) -> None:
        """End the thread. What is at work is not answered."""
        self._inbox.put(None)
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        """Runs on: a thread of its own."""
        while self._take(wait=not (self._waiting or self._at_work)):
            while self._waiting and self._at_work < MOST_AT_ONCE:
                work = heapq.heappop(self._waiting)
                self._at_work += 1
                self._together.start(greenlet(partial(self._answer, work)))
            if self._at_work:
                self._together.advance()
            self.busy_s = time.thread_time()

    def _take(self, wait: bool) -> bool:
        """Take over what was submitted; False when this is to end."""
        try:
            work = self._inbox.get(block=wait)
            while work is not None:
                heapq.heappush(self._waiting, work)
                work = self._inbox.get_nowait()
        except queue.Empty:
            return True
        return False

    def _answer(self, work: _Work) -> None:
        """Runs on: a greenlet, which waits whenever it needs the network."""
        plan = None
        begun_s = self._now_s()
        until_s = begun_s + _SHARE * (work.due_s - begun_s)
        try:
            plan = work.jam.answerer.answer(work.asked, lambda: self._now_s() > until_s)
        except Exception:
            _log.exception("the rules keep failing")
        finally:
            self._at_work -= 1
            work.done(plan)
