"""All that was told of a session, for a server that may have heard none or part of it. Pure."""

from __future__ import annotations

from dataclasses import replace

from jam.messages.plans import AgentRequest
from jam.music.grid import Place
from jam.music.rows import Row


class Told:
    """All that the stage has told of a session, for those who have heard only part of it.

    A frame that is closed stays as it is: rows that are told again are the same rows.
    """

    def __init__(self) -> None:
        self._session = -1
        self._rows: list[Row] = []
        self._places: list[Place] = []

    def take(self, asked: AgentRequest) -> bool:
        """Take over what a request tells; False where it doesn't go on from what is known."""
        request = asked.request
        if asked.session != self._session:
            self._session, self._rows, self._places = asked.session, [], []
        if request.first_frame > len(self._rows):
            return False
        del self._rows[request.first_frame :], self._places[request.first_frame :]
        self._rows.extend(request.rows)
        self._places.extend(request.places[: len(request.rows)])
        return True

    def request(self, asked: AgentRequest, n_rows: int) -> AgentRequest:
        """The request for somebody who knows so many rows. It has been taken over."""
        request = asked.request
        first = min(n_rows, request.first_frame)
        if first == request.first_frame:
            return asked
        ahead = request.places[len(request.rows) :]
        places = (*self._places[first:], *ahead)
        rows = tuple(self._rows[first:])
        return replace(asked, request=replace(request, first_frame=first, rows=rows, places=places))
