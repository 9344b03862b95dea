"""Whether the jam is kept: the button that says so, and moments marked while it goes on."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QMessageBox, QPushButton

from jam.sessions.session import MomentKind

MOMENT_WORDS: dict[MomentKind, str] = {
    "good": "Good moment",
    "bad": "Bad moment",
    "marker": "Marked",
}


class Recorder(Protocol):
    """What keeps the jams, as the window sees it. No method may block."""

    recording: bool
    """Whether jams are kept; turned off in mid-jam, what was kept of it is erased."""
    trouble: str
    """Why the jam isn't saved at the moment; "" when all is well."""

    def mark(self, kind: MomentKind, at_s: float, text: str = "") -> bool:
        """Rate or mark a moment of the jam; False when none is kept."""
        ...


class RecordButton(QPushButton):
    """Shows whether the jam is kept; pressed, it makes jams private, or not."""

    turned = pyqtSignal(bool)
    """Jams are kept from now on, or they are not."""

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()
        self._recorder = recorder
        self._running = False
        self.setObjectName("record")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.clicked.connect(lambda _: self.turn())
        self.show_state(False)

    def show_state(self, running: bool) -> None:
        """running: a jam is going on."""
        self._running = running
        recorder = self._recorder
        if not recorder.recording:
            state, text = "private", "Private"
            tip = "Nothing is kept of what you play. Press to have jams kept again (Ctrl+P)."
        elif recorder.trouble:
            state, text, tip = "trouble", "● Not saved yet", recorder.trouble
        else:
            state, text = ("recording", "● Recording") if running else ("ready", "Recording on")
            tip = "Every jam is kept for the page Review. Press to play in private (Ctrl+P)."
        if self.text() == text and self.toolTip() == tip:
            return
        self.setText(text)
        self.setToolTip(tip)
        self.setAccessibleName(text.strip("● "))
        self.setAccessibleDescription(tip)
        self.setProperty("state", state)
        if (style := self.style()) is not None:
            style.unpolish(self)
            style.polish(self)

    def turn(self) -> None:
        """Private, or not any more; a jam that is being kept is given up only where it is meant."""
        recorder = self._recorder
        if not (recorder.recording and self._running):
            self._set(not recorder.recording)
            return
        box = QMessageBox(self.window())
        box.setWindowTitle("Private")
        box.setText("Make this jam private?")
        box.setInformativeText("What was recorded of it is erased. The music goes on.")
        erase = box.addButton("Erase it", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton("Keep it", QMessageBox.ButtonRole.RejectRole)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if erase is not None:
            erase.clicked.connect(lambda _: self._set(False))
        box.open()

    def _set(self, on: bool) -> None:
        self._recorder.recording = on
        self.show_state(self._running)
        self.turned.emit(on)
