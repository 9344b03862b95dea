"""Notices: what the user should know, said where it can be acted on. They lie over the lower edge
of the page and move nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from PyQt6.QtCore import QEvent, QPoint, QRect, Qt, QTimer, pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from jam.engine.dropouts import DropoutWatch
from jam.messages.snapshot import Snapshot
from ui.common.text import shown_key

_MARGIN_PX = 10
_WIDTH_EMS = 90
FLASH_MS = 3000


@dataclass(frozen=True)
class Offer:
    """A button of a notice: what it does when it is clicked."""

    text: str
    tip: str
    do: Callable[[], object]


class Notice(QFrame):
    """One line or more, with what can be done about it; dismissed by hand, or when it is over.

    kind: "alert" for what is wrong, "news" for what is well.
    """

    closed = pyqtSignal()
    """By hand."""
    changed = pyqtSignal()
    """It shows something else, or nothing."""

    def __init__(self, name: str = "Notice", kind: str = "alert") -> None:
        super().__init__()
        self.setObjectName("notice")
        self.setProperty("kind", kind)
        self._name = name
        self._offers: tuple[Offer, ...] = ()
        self._lines: tuple[str, ...] = ()
        self._dismissed: frozenset[str] = frozenset()
        row = QHBoxLayout(self)
        row.setContentsMargins(14, 5, 8, 5)
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setAccessibleName(name)
        self.label.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        row.addWidget(self.label, 1)
        self.buttons: list[QPushButton] = []
        self._buttons = QHBoxLayout()
        row.addLayout(self._buttons)
        close = QPushButton("✕")
        close.setAccessibleName(f"Dismiss: {name}")
        close.setToolTip("Dismiss; it comes back when there is news.")
        close.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        close.clicked.connect(lambda _: self.close_notice())
        row.addWidget(close, 0, Qt.AlignmentFlag.AlignTop)
        super().setVisible(False)

    def close_notice(self) -> None:
        """What it says isn't said again, until it was over in between."""
        self._dismissed |= frozenset(self._lines)
        self.setVisible(False)
        self.closed.emit()

    def show_notice(self, text: str, offers: Sequence[Offer] = ()) -> None:
        """text: "" hides it. What says the same as before stays as it is, shown or dismissed."""
        if text == self.label.text() and [o.text for o in offers] == [o.text for o in self._offers]:
            return
        self.label.setText(text)
        self._show_offers(offers)
        self.setVisible(bool(text))

    def setVisible(self, visible: bool) -> None:
        super().setVisible(visible)
        self.changed.emit()

    def show_lines(self, lines: Iterable[str]) -> None:
        """The lines that hold now; those that were dismissed are left out while they hold."""
        self._lines = tuple(lines)
        self._dismissed &= frozenset(self._lines)
        self.show_notice("\n".join(line for line in self._lines if line not in self._dismissed))

    def _show_offers(self, offers: Sequence[Offer]) -> None:
        self._offers = tuple(offers)
        for button in self.buttons:
            button.hide()
            button.deleteLater()
        self.buttons = []
        for offer in offers:
            button = QPushButton(offer.text)
            button.setObjectName("offer")
            button.setToolTip(offer.tip)
            button.setAccessibleName(f"{self._name}: {offer.text}")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.clicked.connect(lambda _, do=offer.do: do())
            self._buttons.addWidget(button)
            self.buttons.append(button)


class Notices(QFrame):
    """All notices of the window, one above the other. over: tells within whose width they lie.
    above: tells at whose upper edge they end.
    """

    def __init__(
        self,
        notices: Iterable[Notice],
        over: Callable[[], QWidget],
        above: Callable[[], QWidget],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("notices")
        self._over, self._above = over, above
        self._flash = Notice("Message", "news")
        self._flash_timer = QTimer(self)
        self._flash_timer.setSingleShot(True)
        self._flash_timer.setInterval(FLASH_MS)
        self._flash_timer.timeout.connect(lambda: self._flash.setVisible(False))
        self._notices = (*notices, self._flash)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for notice in self._notices:
            column.addWidget(notice)
            notice.changed.connect(self.fit)
        self.fit()

    def flash(self, text: str) -> None:
        """Say something for a moment."""
        self._flash.show_notice(text)
        self._flash.setVisible(True)
        self._flash_timer.start()

    @property
    def text(self) -> str:
        """All that is said now, for tests and screen readers."""
        return "\n".join(n.label.text() for n in self._notices if not n.isHidden())

    def event(self, e: QEvent | None) -> bool:
        handled = super().event(e)
        if e is not None and e.type() == QEvent.Type.LayoutRequest:
            self.fit()
        return handled

    def fit(self) -> None:
        """At the lower edge of the page, as wide as it reads well."""
        parent, layout = self.parentWidget(), self.layout()
        shown = [notice for notice in self._notices if not notice.isHidden()]
        if bool(shown) == self.isHidden():
            self.setVisible(bool(shown))
            self.raise_()
        if parent is None or layout is None or not shown:
            return
        widest = self.fontMetrics().horizontalAdvance("0") * _WIDTH_EMS
        over = self._over()
        width = min(over.width() - 2 * _MARGIN_PX, widest)
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else 0
        height = max(height, layout.totalMinimumSize().height())
        foot = self._above().mapTo(parent, QPoint(0, 0)).y() - _MARGIN_PX
        left = over.mapTo(parent, QPoint((over.width() - width) // 2, 0)).x()
        self.setGeometry(QRect(left, foot - height, width, height))


LARGER_BUFFER = "Ctrl+Shift+B"


def use_words(block_frames: int) -> str:
    """On the button that changes the audio buffer."""
    return f"Use {block_frames} frames"


class DropoutNotice(Notice):
    """A notice that comes by itself, stands while the dropouts go on, and doesn't nag.

    larger_buffer: opens the audio device with the next larger buffer.
    """

    def __init__(self, now_s: Callable[[], float], larger_buffer: Callable[[], object]) -> None:
        super().__init__("Dropouts")
        self._larger_buffer = larger_buffer
        self._watch = DropoutWatch()
        self.closed.connect(lambda: self._watch.dismiss(now_s()))

    def look(self, snapshot: Snapshot, now_s: float) -> None:
        """See what the newest snapshot counts; cheap enough for every picture."""
        advice = self._watch.look(snapshot, now_s)
        if advice is None:
            self.show_notice("")
        elif frames := advice.block_frames:
            tip = f"Use the next larger audio buffer ({shown_key(LARGER_BUFFER)})."
            offer = Offer(use_words(frames), tip, self._larger_buffer)
            self.show_notice(f"{advice.text}.", (offer,))
        else:
            self.show_notice(f"{advice.text}.")
