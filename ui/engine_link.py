"""What the window knows of the engine: where commands go and where snapshots come from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from jam.messages.controls import ControlMoved
from jam.messages.snapshot import Snapshot


class EngineLink(Protocol):
    """The engine as the window sees it. No method may block: a frame lasts 16 ms."""

    def send(self, command: object) -> None:
        """Hand on a command of jam.messages.commands (Start, Stop, Panic, ChangeSettings, ...)."""
        ...

    def snapshot(self) -> Snapshot | None:
        """The newest snapshot; None before the first has come."""
        ...

    def controls_moved(self) -> Sequence[ControlMoved]:
        """What was moved since this was last asked."""
        ...

    def close(self) -> None:
        """The window is going: end the engine."""
        ...
