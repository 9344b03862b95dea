"""What the user chose is written down soon, but not at every turn of a wheel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

SAVE_DELAY_MS = 500


class Keeper(QObject):
    """Gathers new values of `jam.preferences.Preferences` and hands them to `save` by name."""

    failed = pyqtSignal(str)
    """A sentence for the user."""

    def __init__(self, save: Callable[..., object] | None, parent: QObject) -> None:
        super().__init__(parent)
        self._save = save
        self.unsaved: dict[str, Any] = {}
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_DELAY_MS)
        self._timer.timeout.connect(self.flush)

    def keep(self, **values: Any) -> None:
        """Save these when the hand has rested for a while."""
        self.unsaved.update(values)
        self._timer.start()

    def flush(self) -> None:
        """Save them now."""
        self._timer.stop()
        unsaved, self.unsaved = self.unsaved, {}
        if self._save is None or not unsaved:
            return
        try:
            self._save(**unsaved)
        except OSError as error:
            self.failed.emit(f"The settings can't be saved: {error.strerror or error}.")
