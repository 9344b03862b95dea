"""The bar over a session: what is being worked on, with its progress, or news with a button."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QShowEvent
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QWidget,
)


class NewsBar(QFrame):
    """Hidden while there is nothing to say. It lies over the foot of the roll, or of what is shown
    in its place, and moves nothing.

    above: the roll. parent: what the bar is as wide as.
    """

    def __init__(self, above: QWidget | None = None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._above = above
        self.setObjectName("news")
        self.label = QLabel()
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.label.setAccessibleName("News")
        self.bar = QProgressBar()
        self.bar.setFixedWidth(220)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.button, self.close_button = QPushButton(), QPushButton("✕")
        self.close_button.setAccessibleName("Dismiss")
        self.close_button.setToolTip("Dismiss this message.")
        for button in (self.button, self.close_button):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(lambda _: self._on_button())
        self.close_button.clicked.connect(self.hide)
        self._do: Callable[[], object] | None = None
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 4, 10, 4)
        row.addWidget(self.label, 1)
        row.addWidget(self.bar)
        row.addWidget(self.button)
        row.addWidget(self.close_button)
        self.tell("")

    def tell(
        self,
        words: str,
        button: str = "",
        do: Callable[[], object] | None = None,
        alert: bool = False,
    ) -> None:
        """Say something, with a button for what can be done about it; "" says no more."""
        self.label.setText(words)
        self.label.setToolTip(words)
        self._do = do
        self.button.setText(button)
        self.button.setAccessibleName(button or "Action")
        self.button.setToolTip(f"{button}: {words}")
        self.button.setVisible(bool(button))
        self.bar.hide()
        self.close_button.show()
        self.setProperty("alert", alert)
        if (style := self.style()) is not None:
            style.unpolish(self)
            style.polish(self)
            style.unpolish(self.label)
            style.polish(self.label)
        self.setVisible(bool(words))

    def work(self, words: str, cancel: Callable[[], object]) -> None:
        """Something long has begun."""
        self.tell(words, "Cancel", cancel)
        self.bar.setRange(0, 0)
        self.bar.show()
        self.close_button.hide()

    def progress(self, done: int, total: int) -> None:
        if total:
            self.bar.setRange(0, total)
            self.bar.setValue(min(done, total))

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        self.fit()

    def fit(self) -> None:
        """Where it belongs, after something was resized."""
        parent, above = self.parentWidget(), self._above
        if parent is None:
            return
        foot = parent.height()
        if above is not None and above.isVisible():
            foot = above.mapTo(parent, QPoint(0, above.height())).y()
        height = self.sizeHint().height()
        self.setGeometry(0, foot - height, parent.width(), height)
        self.raise_()

    def hide_news(self) -> None:
        """Say no more, unless work is going on."""
        if not self.bar.isVisible():
            self.hide()

    def _on_button(self) -> None:
        do, self._do = self._do, None
        self.hide()
        if do is not None:
            do()
