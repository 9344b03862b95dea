"""What can be asked of the band while it plays: one button, the fill, and a menu with the rest."""

from __future__ import annotations

from functools import partial

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QMenu, QToolButton, QWidget

from ui.settings.fields import describe

FILL = "fill"
"""What is asked for most often."""
CUE_TIPS = {
    "intro": "Let the parts come in one after another, from the next bar line on (Ctrl+Shift+I).",
    "variation": "Other patterns from the next bar line on (Ctrl+Shift+V).",
    FILL: "A drum fill in the next bar (Ctrl+Shift+F).",
    "break": "One beat, then silence for the rest of the next bar (Ctrl+Shift+K).",
    "ending": "A cadence and an ending (Ctrl+Shift+E).",
    "last": "Last time: the song ends after this chorus (Ctrl+Shift+L).",
}
"""Every one of CUES -> its tip, in the order of the menu."""


class CueButton(QToolButton):
    """Asks for a fill; its menu has all cues, each with its key. It is seen in a jam only."""

    cue = pyqtSignal(str)
    """The band is asked for one of CUES."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        describe(self, "cues", FILL.capitalize(), f"{CUE_TIPS[FILL]} The menu has more cues.")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.MenuButtonPopup)
        self.setText(FILL.capitalize())
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        for cue, tip in CUE_TIPS.items():
            words, _, key = tip.removesuffix(").").rpartition(" (")
            action = menu.addAction(f"{cue.capitalize()}\t{key}", partial(self.cue.emit, cue))
            assert action is not None
            action.setObjectName(f"cue-{cue}")
            action.setToolTip(words)
        self.setMenu(menu)
        self.clicked.connect(lambda _: self.cue.emit(FILL))
