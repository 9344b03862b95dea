"""Notices: what the user should know, said where it can be acted on."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy

from jam.engine.dropouts import DropoutWatch
from jam.messages.snapshot import Snapshot
from ui.common.text import shown_key


class Notice(QFrame):
    """One line or more; dismissed by hand, or when it is over."""

    acted = pyqtSignal()
    """What it suggests is to be done."""
    closed = pyqtSignal()
    """By hand."""

    def __init__(self, name: str = "Notice") -> None:
        super().__init__()
        self.setObjectName("notice")
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 8, 5)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setAccessibleName(name)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(self.label, 1)
        self.action = QPushButton()
        self.action.setObjectName("noticed")
        self.action.setAccessibleName(f"{name}: do it")
        self.action.setToolTip("Do what the notice suggests.")
        self.action.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.action.clicked.connect(lambda _: self.acted.emit())
        self.action.hide()
        row.addWidget(self.action, 0, Qt.AlignmentFlag.AlignTop)
        close = QPushButton("✕")
        close.setAccessibleName(f"Dismiss: {name}")
        close.setToolTip("Dismiss; it comes back when there is news.")
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(self._close)
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def _close(self) -> None:
        self.hide()
        self.closed.emit()

    def show_notice(self, text: str, action: str = "", tip: str = "") -> None:
        """text: "" hides it. action: on the button that does what is suggested; "" has none."""
        if text == self.label.text() and action == self.action.text():
            return
        self.label.setText(text)
        self.action.setText(action)
        self.action.setToolTip(tip or self.action.toolTip())
        self.action.setVisible(bool(action))
        self.setVisible(bool(text))


LARGER_BUFFER = "Ctrl+Shift+B"


def use_words(block_frames: int) -> str:
    """On the button that changes the audio buffer."""
    return f"Use {block_frames} frames"


class DropoutNotice(Notice):
    """A notice that comes by itself, stands while the dropouts go on, and doesn't nag."""

    def __init__(self, now_s: Callable[[], float]) -> None:
        super().__init__("Dropouts")
        self._watch = DropoutWatch()
        self.closed.connect(lambda: self._watch.dismiss(now_s()))

    def look(self, snapshot: Snapshot, now_s: float) -> None:
        """See what the newest snapshot counts; cheap enough for every picture."""
        advice = self._watch.look(snapshot, now_s)
        if advice is None:
            self.show_notice("")
        elif frames := advice.block_frames:
            tip = f"Use the next larger audio buffer ({shown_key(LARGER_BUFFER)})."
            self.show_notice(f"{advice.text}.", use_words(frames), tip)
        else:
            self.show_notice(f"{advice.text}.")
