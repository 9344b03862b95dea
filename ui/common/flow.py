"""Lines of widgets that go on below where there is too little room, and labels of fixed room."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QSize, Qt
from PyQt6.QtGui import QResizeEvent
from PyQt6.QtWidgets import QHBoxLayout, QLabel, QLayout, QLayoutItem, QSizePolicy, QWidget

QWIDGETSIZE_MAX = 16777215
"""Qt's own, for no largest width."""


class FlowLayout(QLayout):
    """Items from left to right; a line is as high as its highest item. What is left of a line's
    room goes to those that like to expand, up to their largest width.
    """

    def __init__(self, spacing: int = 6) -> None:
        super().__init__()
        self._items: list[QLayoutItem] = []
        self.setSpacing(spacing)
        self.setContentsMargins(0, 0, 0, 0)

    # Qt's own names

    def addItem(self, a0: QLayoutItem | None) -> None:
        if a0 is not None:
            self._items.append(a0)

    def count(self) -> int:
        return len(self._items)

    def itemAt(self, index: int) -> QLayoutItem | None:
        return self._items[index] if 0 <= index < len(self._items) else None

    def takeAt(self, index: int) -> QLayoutItem | None:
        return self._items.pop(index) if 0 <= index < len(self._items) else None

    def expandingDirections(self) -> Qt.Orientation:
        return Qt.Orientation(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, a0: int) -> int:
        return self._arrange(QRect(0, 0, a0, 0), False)

    def setGeometry(self, a0: QRect) -> None:
        super().setGeometry(a0)
        self._arrange(a0, True)

    def sizeHint(self) -> QSize:
        sizes = [item.sizeHint() for item in self._items]
        width = sum(size.width() + self.spacing() for size in sizes)
        return QSize(width, max((size.height() for size in sizes), default=0))

    def minimumSize(self) -> QSize:
        size = QSize()
        for item in self._items:
            size = size.expandedTo(item.minimumSize())
        return size

    def _arrange(self, area: QRect, moves: bool) -> int:
        """Place the items, or only see how high they are."""
        y = area.y()
        for line in self._lines(area.width()):
            sizes = [self._size(item, area.width()) for item in line]
            height = max(size.height() for size in sizes)
            left = area.width() + self.spacing()
            left -= sum(size.width() + self.spacing() for size in sizes)
            x = area.x()
            for width, item in zip(_widened(line, sizes, left), line, strict=True):
                if moves:
                    item.setGeometry(QRect(x, y, width, height))
                x += width + self.spacing()
            y += height + self.spacing()
        return max(0, y - area.y() - self.spacing())

    def _size(self, item: QLayoutItem, widest: int) -> QSize:
        hint = item.sizeHint().expandedTo(item.minimumSize())
        return QSize(min(hint.width(), max(widest, item.minimumSize().width())), hint.height())

    def _lines(self, width: int) -> list[list[QLayoutItem]]:
        lines: list[list[QLayoutItem]] = []
        used = 0
        for item in self._items:
            needed = self._size(item, width).width()
            if lines and used + self.spacing() + needed <= width:
                lines[-1].append(item)
                used += self.spacing() + needed
            else:
                lines.append([item])
                used = needed
        return lines


def _expands(widget: QWidget | None) -> bool:
    across = QSizePolicy.Policy.Expanding
    return widget is not None and widget.sizePolicy().horizontalPolicy() == across


def _widened(line: list[QLayoutItem], sizes: list[QSize], left: int) -> list[int]:
    """Widths of a line's items when `left` pixels more are shared out."""
    widths = [size.width() for size in sizes]
    growing = [i for i, item in enumerate(line) if _expands(item.widget())]
    for n, i in enumerate(growing):
        share = max(0, left) // (len(growing) - n)
        grown = min(widths[i] + share, max(widths[i], line[i].maximumSize().width()))
        left -= grown - widths[i]
        widths[i] = grown
    return widths


def together(*widgets: QWidget, spacing: int = 6) -> QWidget:
    """Widgets that stay in one line; those of them that like to expand share out what is left."""
    box = QWidget()
    box.setObjectName("row")
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(spacing)
    for widget in widgets:
        row.addWidget(widget, int(_expands(widget)))
    if any(_expands(widget) for widget in widgets):
        expanding(box)
    else:
        row.addStretch()
    return box


def expanding(widget: QWidget, widest: int = QWIDGETSIZE_MAX) -> QWidget:
    """The widget, which gets the room that is left in its line, up to a width in pixels."""
    widget.setSizePolicy(QSizePolicy.Policy.Expanding, widget.sizePolicy().verticalPolicy())
    widget.setMaximumWidth(widest)
    return widget


class SizedLabel(QLabel):
    """A text that changes, with the room of the longest one."""

    def __init__(self, longest: str) -> None:
        super().__init__()
        self._longest = longest

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        least = QSize(metrics.horizontalAdvance(self._longest) + 4, metrics.height())
        return super().sizeHint().expandedTo(least)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()


class ElidedLabel(QLabel):
    """A text that is cut short, with an ellipsis, where there is too little room; the tip has it
    all. ems: the width it asks for, in digits.
    """

    def __init__(self, ems: int) -> None:
        super().__init__()
        self._ems, self._text = ems, ""

    def setText(self, a0: str | None) -> None:
        self._text = a0 or ""
        self.setToolTip(self._text)
        self._elide()

    def text(self) -> str:
        return self._text

    def sizeHint(self) -> QSize:
        width = self._ems * self.fontMetrics().horizontalAdvance("0")
        return QSize(width, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self._elide()

    def _elide(self) -> None:
        right = Qt.TextElideMode.ElideRight
        super().setText(self.fontMetrics().elidedText(self._text, right, self.width()))
