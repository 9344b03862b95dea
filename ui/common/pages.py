"""The pages of the window, and the header that switches between them."""

from __future__ import annotations

from PyQt6.QtCore import QSize, Qt, pyqtSignal
from PyQt6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QWidget

JAM, REVIEW = "Jam", "Review"
"""Titles of the pages."""


class Stack(QStackedWidget):
    """Pages of which one is in front, as narrow as that one: those behind don't widen the window.

    (A page that was never in front hasn't got its style yet, and takes itself for wider.)
    """

    def minimumSizeHint(self) -> QSize:
        """Of the page in front."""
        page = self.currentWidget()
        return page.minimumSizeHint() if page is not None else super().minimumSizeHint()


class Pages(Stack):
    """The pages; `header` is the line above them, with a button for each.

    What belongs to no page stands beside the tabs (`add_state`) and at the right (`add_tool`).
    """

    page_shown = pyqtSignal(str)
    """The title of the page that has come to the front."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.titles: list[str] = []
        self.header = QFrame()
        self.header.setObjectName("header")
        row = QHBoxLayout(self.header)
        row.setContentsMargins(12, 4, 12, 0)
        row.setSpacing(4)
        self._tabs, self._middle, self._tools = QHBoxLayout(), QHBoxLayout(), QHBoxLayout()
        self._tabs.setSpacing(2)
        self._tools.setSpacing(8)
        row.addLayout(self._tabs)
        row.addSpacing(16)
        row.addLayout(self._middle)
        row.addStretch()
        row.addLayout(self._tools)
        self._buttons = QButtonGroup(self)
        self._buttons.idClicked.connect(self.setCurrentIndex)
        self.currentChanged.connect(self._on_change)

    @property
    def page(self) -> str:
        """The title of the page in front."""
        return self.titles[self.currentIndex()] if self.titles else ""

    def add_page(self, title: str, widget: QWidget, tip: str) -> None:
        """A page more, to the right of the others."""
        button = QPushButton(title)
        button.setObjectName("tab")
        button.setCheckable(True)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tip)
        button.setAccessibleName(f"{title} page")
        self.titles.append(title)
        self._buttons.addButton(button, len(self.titles) - 1)
        self._tabs.addWidget(button)
        self.addWidget(widget)
        self._on_change(self.currentIndex())

    def add_state(self, widget: QWidget) -> None:
        """What is going on, beside the tabs."""
        self._middle.addWidget(widget)

    def add_tool(self, widget: QWidget) -> None:
        self._tools.addWidget(widget)

    def show_page(self, title: str) -> None:
        """Raises ValueError where there is no such page."""
        self.setCurrentIndex(self.titles.index(title))

    def _on_change(self, index: int) -> None:
        self.updateGeometry()
        button = self._buttons.button(index)
        if button is not None and index < len(self.titles):
            button.setChecked(True)
            self.page_shown.emit(self.titles[index])
