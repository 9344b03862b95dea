"""Recording or private: the button, and what is said of marks in the jam."""

from __future__ import annotations

from typing import Protocol

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QMessageBox, QPushButton

from jam.sessions.session import MomentKind
from ui.common.text import length_text

MOMENT_WORDS: dict[MomentKind, str] = {
    "good": "Marked as good",
    "bad": "Marked as bad",
    "marker": "Marked",
}

PRIVATE, AUTO_RECORD, RECORDING, UNSAVED = "Private", "Auto-record: on", "● Recording", "● Unsaved"
DELETE_RECORDING, KEEP_RECORDING = "Delete recording", "Keep"

LISTEN, JAM_AGAIN = "Listen", "Jam again"
NOTHING_PLAYED = "You played nothing, so nothing was saved."
NOT_RECORDED = "Private: this jam wasn't saved."


class Recorder(Protocol):
    """What keeps the jams, as the window sees it. No method may block."""

    recording: bool
    """Whether jams are kept; turned off in mid-jam, what was kept of it is erased."""
    trouble: str
    """Why the jam isn't saved at the moment; "" when all is well."""
    session_id: int | None
    """Of the jam that was saved last; None before the first."""

    def mark(self, kind: MomentKind, at_s: float, text: str = "") -> bool:
        """Rate or mark a moment of the jam; False when none is kept."""
        ...


def saved_words(length_s: float) -> str:
    """What is said of a jam that was saved."""
    return f"Saved, {length_text(length_s)}."


def after_jam(recorder: Recorder | None, anything_played: bool, length_s: float) -> str:
    """What became of a jam that has just ended."""
    if recorder is None or not recorder.recording:
        return NOT_RECORDED
    if not anything_played:
        return NOTHING_PLAYED
    return recorder.trouble or saved_words(length_s)


class RecordButton(QPushButton):
    """Shows whether jams are recorded; clicked, it turns that off or on."""

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
            state, text = "private", PRIVATE
            tip = "Nothing you play is recorded. Click to record again (Ctrl+P)."
        elif recorder.trouble:
            state, text, tip = "trouble", UNSAVED, recorder.trouble
        else:
            state, text = ("recording", RECORDING) if running else ("ready", AUTO_RECORD)
            tip = "Every jam is recorded for Review. Click to stop recording (Ctrl+P)."
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
        box.setInformativeText("The recording so far will be deleted; the music goes on.")
        erase = box.addButton(DELETE_RECORDING, QMessageBox.ButtonRole.DestructiveRole)
        # Return and Esc, pressed without looking, delete nothing.
        keep = box.addButton(KEEP_RECORDING, QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(keep)
        box.setEscapeButton(keep)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        if erase is not None:
            erase.clicked.connect(lambda _: self._set(False))
        box.open()

    def _set(self, on: bool) -> None:
        self._recorder.recording = on
        self.show_state(self._running)
        self.turned.emit(on)
