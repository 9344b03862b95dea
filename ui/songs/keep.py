"""*Keep*: the button that has the last bars go round, with the number of bars that is offered."""

from __future__ import annotations

from PyQt6.QtWidgets import QMenu, QToolButton, QWidget

from jam.music.keep import KEPT_BARS
from ui.settings.fields import describe
from ui.songs.model import SongModel

KEEP, LET_GO = "Keep", "Let go"
KEEP_KEY = "Ctrl+K"
_TIP = f"Have the last bars go round from here on; again to let go ({KEEP_KEY})."


def keep_words(model: SongModel) -> str:
    """What the button would do: with a form that was found, how long it seems to be."""
    if model.kept and model.song is not None:
        return LET_GO
    if model.form is not None and model.running:
        return f"{model.form.bars} bars?"
    return KEEP


class KeepButton(QToolButton):
    """Keeps as many bars as are offered; its menu has the others."""

    def __init__(self, model: SongModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._model = model
        describe(self, "keep", KEEP, _TIP)
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setText(KEEP)
        menu = QMenu(self)
        for bars in KEPT_BARS:
            menu.addAction(f"The last {bars} bars", lambda bars=bars: model.keep(bars))
        self.setMenu(menu)
        self.clicked.connect(lambda _: model.keep_or_let_go())
        model.changed.connect(self._show)
        model.guess_changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        words = keep_words(self._model)
        if words != self.text():
            self.setText(words)
            self.setAccessibleName(words)
