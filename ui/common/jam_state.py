"""The jam that is running, seen from the other page: Stop, bar and beat, tempo."""

from __future__ import annotations

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QWidget

from jam.messages.snapshot import Snapshot
from ui.common.status import place_text


class JamState(QWidget):
    """Stands in the header while a jam is running and its own page isn't in front."""

    stop = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("row")
        self.button = QPushButton("■ Stop")
        self.button.setObjectName("stop_jam")
        self.button.setAccessibleName("Stop the jam")
        self.button.setToolTip("Stop the jam.")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(lambda _: self.stop.emit())
        self.label = QLabel()
        self.label.setAccessibleDescription("Bar, beat and tempo of the jam")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.button)
        row.addWidget(self.label)
        self.hide()

    def show_jam(self, snapshot: Snapshot, now_s: float, on_its_page: bool) -> None:
        """Cheap enough to be called at every frame."""
        shown = snapshot.running and not on_its_page
        if shown:
            text = f"{place_text(snapshot, now_s)} · {snapshot.settings.bpm:g} bpm"
            if text != self.label.text():
                self.label.setText(text)
        if shown == self.isHidden():
            self.setVisible(shown)
