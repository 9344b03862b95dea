"""Who answers the requests of one player's sessions: which mind, and what where one fails. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.agent.rules import RULES_PLAY
from jam.agent.soloist import planned
from jam.messages.plans import AgentReady, AgentRequest, Plan

_FAILURES = 3
"""So many plans that fail in a row are enough: the rules take over until the next session."""


def failing(reason: str) -> str:
    """What is told when the rules take over from a predictor that fails again and again."""
    return f"The agent keeps failing ({reason}): {RULES_PLAY.lower()} until the next start."


class Answerer:
    """Plans for one player, session after session.

    minds: by the setting `model`; "rules" is always among them. failed: told of each error that
    nobody foresaw. `ready` says which mind it is: a mind that fails again and again has the rules
    in its place until the next session.
    """

    def __init__(
        self, minds: Mapping[str, Predictor], ready: AgentReady, failed: Callable[[Exception], None]
    ) -> None:
        self._minds, self._first_ready, self._failed = minds, ready, failed
        self.ready = ready
        self._anticipator: Anticipator | None = None
        self._session = -1
        self._failures = 0

    def n_rows(self, session: int) -> int:
        """How many rows of a session it has been told."""
        if self._anticipator is None or session != self._session:
            return 0
        return self._anticipator.n_rows

    def answer(self, asked: AgentRequest, enough: Callable[[], bool]) -> Plan | None:
        """The plan; None where the history has to be told again.

        enough: as in `Anticipator.plan`. Raises what the rules raise where they fail again and
        again.
        """
        stands_in = self.ready is not self._first_ready
        if stands_in and asked.session != self._session:
            stands_in, self.ready = False, self._first_ready
        wanted = "rules" if stands_in else asked.request.settings.model
        mind = self._minds[wanted if wanted in self._minds else "rules"]
        if asked.session != self._session or self._anticipator is None:
            self._anticipator, self._session = Anticipator(mind, asked.seed), asked.session
            mind.rewind(0)
        elif self._anticipator.predictor is not mind:
            self._anticipator.change_predictor(mind)
        try:
            plan = planned(self._anticipator, asked.request, enough)
        except Exception as error:
            # Whatever went wrong, the music goes on: begin again from the history.
            self._failures += 1
            if self._failures == 1:
                self._failed(error)
            if self._failures >= _FAILURES:
                if mind is self._minds["rules"]:
                    raise
                self._failures = 0
                self.ready = replace(
                    self._first_ready,
                    name=self._minds["rules"].name,
                    message=failing(reason(error)),
                )
            self._anticipator = None
            return None
        self._failures = 0
        return plan


def reason(error: Exception) -> str:
    """What an error that nobody foresaw says, in one line."""
    why = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return " ".join(why.split())[:200]
