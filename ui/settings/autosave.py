"""What the user chose is written down soon, but not at every turn of a wheel."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

SAVE_DELAY_MS = 500
TRY_AGAIN_MS = 5000
"""While the folder can't be written to."""


class Keeper(QObject):
    """Gathers new values of `jam.preferences.Preferences` and hands them to `save` by name."""

    failed = pyqtSignal(str)
    """A sentence for the user; "" when it is over."""

    def __init__(self, save: Callable[..., object] | None, parent: QObject) -> None:
        super().__init__(parent)
        self._save = save
        self.unsaved: dict[str, Any] = {}
        self._failed = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.flush)

    def keep(self, **values: Any) -> None:
        """Save these when the hand has rested for a while."""
        self.unsaved.update(values)
        self._timer.start(SAVE_DELAY_MS)

    def flush(self) -> None:
        """Save them now."""
        self._timer.stop()
        unsaved, self.unsaved = self.unsaved, {}
        if self._save is None or not unsaved:
            return
        try:
            self._save(**unsaved)
        except OSError as error:
            self.unsaved = unsaved | self.unsaved
            self._failed = True
            self._timer.start(TRY_AGAIN_MS)
            self.failed.emit(f"Settings can't be saved: {error.strerror or error}.")
            return
        if self._failed:
            self._failed = False
            self.failed.emit("")
