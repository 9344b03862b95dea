"""The list of styles of accompaniment: those of the program and the user's own."""

from __future__ import annotations

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QComboBox

from jam.accompaniment import all_styles
from ui.settings.fields import Combo


class StyleCombo(Combo):
    """Shows titles, tells names. The list is read anew whenever it is opened."""

    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(5)
        self._names: list[str] = []
        self._wanted = ""
        self.activated.connect(lambda index: self.chosen.emit(self._names[index]))
        self._fill()

    def showPopup(self) -> None:
        self._fill()
        super().showPopup()

    def show_style(self, name: str) -> None:
        """Show this style as the chosen one."""
        if name == self._wanted:
            return
        self._wanted = name
        self._select()

    def _fill(self) -> None:
        styles, _ = all_styles()
        with QSignalBlocker(self):
            self.clear()
            self._names = [style.name for style in styles]
            for style in styles:
                self.addItem(style.title)
                about = style.about or style.title
                self.setItemData(self.count() - 1, about, Qt.ItemDataRole.ToolTipRole)
        self._select()

    def _select(self) -> None:
        with QSignalBlocker(self):
            known = self._wanted in self._names
            self.setCurrentIndex(self._names.index(self._wanted) if known else 0)
