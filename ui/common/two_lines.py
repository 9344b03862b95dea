"""A cell of a list: a name, and below it in small print what tells it from others."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from ui.common.paint_cache import PaintCache
from ui.common.theme import DARK

SMALL_ROLE = int(Qt.ItemDataRole.UserRole) + 100
"""As which an item gives its small print."""


def row_height(metrics: QFontMetrics) -> int:
    """Pixels of a row: a name and small print."""
    return round(2.1 * metrics.height()) + 9


class TwoLines(QStyledItemDelegate):
    """Paints both, each cut short where there is too little room."""

    def __init__(self, view: QAbstractItemView) -> None:
        super().__init__(view)
        self.theme = DARK
        self._view, self._ink = view, PaintCache()

    def small(self, index: QModelIndex) -> str:
        """The small print."""
        return str(index.data(SMALL_ROLE) or "")

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        blank = QStyleOptionViewItem(option)
        self.initStyleOption(blank, index)
        name, blank.text = blank.text, ""
        style = self._view.style() or QApplication.style()
        assert painter is not None and style is not None
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, blank, painter, self._view)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        t = self.theme
        bright = t.on_block if chosen else t.text
        dim = bright if chosen else t.text_dim
        area = QRectF(option.rect).adjusted(8, 4, -4, -4)
        metrics = option.fontMetrics
        fitted = metrics.elidedText(name, Qt.TextElideMode.ElideRight, int(area.width()))
        painter.save()
        painter.setPen(self._ink.colour(bright))
        painter.drawText(area, Qt.AlignmentFlag.AlignTop, fitted)
        font = painter.font()
        font.setPixelSize(max(9, round(font.pixelSize() * 0.86)))
        painter.setFont(font)
        painter.setPen(self._ink.colour(dim))
        small = painter.fontMetrics().elidedText(
            self.small(index), Qt.TextElideMode.ElideRight, int(area.width())
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignBottom, small)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, row_height(option.fontMetrics))
