"""A take played back with the player's bends, wheels and pedals between its notes. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from jam.messages.notes import BEND, CONTROLLER, Expression, SoundedNote, TimedExpression
from jam.midi.numbers import (
    BEND_REST,
    DATA_ENTRY,
    DATA_ENTRY_LSB,
    EXPRESSION,
    RPN_LSB,
    RPN_MSB,
    VOLUME,
)  # fmt: skip
from jam.stage.transport import Transport, position_at

_PART = "player"
_ROUNDING_S = 1e-6
_KEPT = (DATA_ENTRY, DATA_ENTRY_LSB, RPN_LSB, RPN_MSB)
"""Say how far bends reach, and aren't put back."""
_Key = tuple[str, int]


class Expressed:
    """The notes of a transport, and where each of the player's controls stands at its position.

    Wherever the transport goes, the controls are where they were there: what was moved since is
    sent, what had not been moved yet is put back, and where it doesn't play all are. A
    `jam.stage.scheduler.Timeline`.
    """

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._moves: tuple[TimedExpression, ...] = ()
        self._next = 0
        """The first one that is still to come."""
        self._standing: dict[_Key, Expression] = {}
        """Of the moves before that one, by kind and number."""
        self._sent: dict[_Key, Expression] = {}

    def load(self, moves: Iterable[TimedExpression]) -> None:
        """Other moves, for the notes that are loaded now."""
        self._moves = tuple(sorted(moves, key=lambda move: move.at_s))
        self._rewind()

    def next_due_s(self) -> float | None:
        """When a note or a control is due."""
        due_s, state = self._transport.next_due_s(), self._transport.state
        if due_s is None or not state.playing or self._next == len(self._moves):
            return due_s
        ahead_s = self._moves[self._next].at_s - state.position_s
        return min(due_s, state.at_s + ahead_s / state.speed)

    def due(self, now_s: float) -> list[SoundedNote | Expression]:
        """What is to be sent now; controls before the notes that are struck with them."""
        notes = self._transport.due(now_s)
        return [*self.moved(now_s), *notes]

    def stop(self, now_s: float) -> list[SoundedNote | Expression]:
        """The note-offs of what sounds, and every control put back."""
        notes = self._transport.stop(now_s)
        return [*notes, *self.moved(now_s)]

    def moved(self, now_s: float) -> list[Expression]:
        """What has to be sent so that all controls stand where they did at this place."""
        state = self._transport.state
        wanted: dict[_Key, Expression] = {}
        if state.playing and _PART not in state.muted:
            self._follow(position_at(state, now_s) + _ROUNDING_S)
            wanted = self._standing
        changed = [move for key, move in wanted.items() if self._sent.get(key) != move]
        back = [
            _at_rest(move)
            for key, move in self._sent.items()
            if key not in wanted and not (move.kind == CONTROLLER and move.number in _KEPT)
        ]
        self._sent = dict(wanted)
        return back + changed

    def _follow(self, position_s: float) -> None:
        if self._next and self._moves[self._next - 1].at_s > position_s:
            self._rewind()
        while self._next < len(self._moves) and self._moves[self._next].at_s <= position_s:
            move = self._moves[self._next].expression
            self._standing[move.kind, move.number] = move
            self._next += 1

    def _rewind(self) -> None:
        self._next, self._standing = 0, {}


def _at_rest(moved: Expression) -> Expression:
    """The same control where nobody moves it."""
    full = moved.kind == CONTROLLER and moved.number in (VOLUME, EXPRESSION)
    rest = BEND_REST if moved.kind == BEND else 127 if full else 0
    return Expression(moved.kind, moved.number, rest)
