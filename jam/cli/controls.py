"""Learnt controls while `jam play` plays: each does what one would type."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from jam.cli.console import TypedJam
from jam.cli.values import typed_for
from jam.errors import BadInput
from jam.messages.controls import ShowOnControls, UseControls
from jam.messages.voice import OFF
from jam.midi.learnt import (
    ACTION,
    DIALS,
    Deed,
    Learnt,
    Press,
    Put,
    Surface,
    Turn,
    in_use,
    shown_positions,
)


class PlayedControls:
    """Has the stage tell of them, and does what they mean. Actions without a word do nothing."""

    def __init__(self, jam: TypedJam, learnt: Sequence[Learnt]) -> None:
        self._jam, self._learnt = jam, learnt
        self._surface = Surface(learnt, self._position_of)
        self._shown = ShowOnControls()
        jam.engine.send(UseControls(in_use(learnt)))

    def look(self) -> None:
        """Do what was asked for since the last look. Called a few times a second."""
        for moved in self._jam.engine.controls_moved():
            if (deed := self._surface.take(moved)) is not None:
                try:
                    self._do(deed, moved.at_s)
                except BadInput as error:
                    print(f"jam: {error}", file=sys.stderr)
                if isinstance(deed, Put):
                    self._surface.was_set(moved)
        shown = ShowOnControls(shown_positions(self._learnt, self._position_of))
        if shown != self._shown:
            self._shown = shown
            self._jam.engine.send(shown)

    def _do(self, deed: Deed, at_s: float) -> None:
        """Raises BadInput."""
        jam = self._jam
        if isinstance(deed, Press):
            snapshot = jam.engine.snapshot()
            running = snapshot is not None and snapshot.running
            microphone = snapshot.devices.wanted_microphone if snapshot is not None else OFF
            action = deed.target.removeprefix(ACTION)
            jam.obey(typed_for(action, jam.settings, running, microphone), at_s)
            return
        if (line := DIALS.get(deed.target)) is None:
            return
        name = line.name
        if isinstance(deed, Put):
            jam.set(**{name: line.at(deed.position)})
        elif isinstance(deed, Turn):
            jam.set(**{name: line.turned(getattr(jam.settings, name), deed.steps)})

    def _position_of(self, target: str) -> float | None:
        if (line := DIALS.get(target)) is None:
            return None
        return line.position(getattr(self._jam.settings, line.name))
