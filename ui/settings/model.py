"""The settings as the window has them: wanted by the user, followed by the engine.

Every change the user makes goes through here, so every one can be undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtGui import QUndoCommand, QUndoStack

from jam.errors import BadInput
from jam.settings import SETTINGS, JamSettings

ECHO_S = 1.5
"""How long the engine's settings are not taken over while a change of ours is under way."""
MERGE_S = 1.0
"""Changes of the same setting that follow each other so closely are one step to undo."""
_SETTINGS_ID = 1


class SettingsModel(QObject):
    """Holds what is shown; tells what is wanted. `now_s`: the time of jam.clock."""

    wanted = pyqtSignal(object)
    """A whole JamSettings, valid by construction, that the user asks for."""
    shown = pyqtSignal(object)
    """The controls have to show this JamSettings."""
    told = pyqtSignal(str)
    """A few words on what was just undone, redone or refused."""

    def __init__(self, settings: JamSettings, now_s: Callable[[], float]) -> None:
        super().__init__()
        self.settings = settings
        self.now_s = now_s
        self.history = QUndoStack(self)
        self.history.setUndoLimit(200)
        self._sent: JamSettings | None = None
        self._sent_at_s = 0.0

    def change(self, words: str = "", /, **values: Any) -> None:
        """The user wants other values. words: how that is called when it is undone."""
        try:
            settings = self.settings.changed(**values)
        except BadInput as error:  # e.g. a palette without any chord of the locked key
            self.told.emit(str(error))
            self.shown.emit(self.settings)
            return
        new = {
            name: value for name, value in values.items() if getattr(self.settings, name) != value
        }
        if new and settings != self.settings:
            old = {name: getattr(self.settings, name) for name in new}
            self.history.push(_Change(self, old, new, words or _words(new)))

    def apply(self, values: dict[str, Any]) -> None:
        """Set values and tell everyone; what the history calls."""
        self.settings = self.settings.changed(**values)
        self._sent, self._sent_at_s = self.settings, self.now_s()
        self.shown.emit(self.settings)
        self.wanted.emit(self.settings)

    def follow(self, settings: JamSettings) -> None:
        """Take over what the engine says, unless a change of ours is still on its way to it."""
        if self._sent is not None:
            if settings != self._sent and self.now_s() - self._sent_at_s < ECHO_S:
                return
            self._sent = None
        if settings != self.settings:
            self.settings = settings
            self.shown.emit(settings)

    def undo(self) -> None:
        """Undo the last change, and say which."""
        words = self.history.undoText()
        self.history.undo()
        self.told.emit(f"Undid: {words}" if words else "Nothing to undo")

    def redo(self) -> None:
        """Redo what was undone last, and say what."""
        words = self.history.redoText()
        self.history.redo()
        self.told.emit(f"Redid: {words}" if words else "Nothing to redo")


class Step(QUndoCommand):
    """Anything that is done at once and can be taken back, for the history."""

    def __init__(self, words: str, do: Callable[[], object], undo: Callable[[], object]) -> None:
        super().__init__(words)
        self._do, self._undo = do, undo

    def redo(self) -> None:
        self._do()

    def undo(self) -> None:
        self._undo()


class _Change(QUndoCommand):
    def __init__(
        self, model: SettingsModel, old: dict[str, Any], new: dict[str, Any], words: str
    ) -> None:
        super().__init__(words)
        self._model, self._old, self._new = model, old, new
        self._at_s = model.now_s()

    def id(self) -> int:
        return _SETTINGS_ID

    def redo(self) -> None:
        self._model.apply(self._new)

    def undo(self) -> None:
        self._model.apply(self._old)

    def mergeWith(self, other: QUndoCommand | None) -> bool:
        if not isinstance(other, _Change) or set(other._new) != set(self._new):
            return False
        if other._at_s - self._at_s > MERGE_S:
            return False
        self._new, self._at_s = other._new, other._at_s
        self.setText(other.text())
        return True


def _words(values: dict[str, Any]) -> str:
    """What changed: "tempo 132 bpm", "band volume 55 %"."""
    if len(values) > 1:
        return f"{len(values)} settings"
    ((name, value),) = values.items()
    line = SETTINGS[name]
    return f"{line.plain_label.lower()} {line.shown(value)}"
