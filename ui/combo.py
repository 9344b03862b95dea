"""A list to choose from, in the look of the bar of controls."""

from __future__ import annotations

from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QComboBox

from ui.theme import DARK


class Combo(QComboBox):
    """A list to choose from, with an arrow of its own: style sheets can't draw one."""

    def paintEvent(self, e: QPaintEvent | None) -> None:
        super().paintEvent(e)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(QColor(DARK.text_dim), 1.6))
        x, y = self.width() - 13.0, self.height() / 2
        arrow = [QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)]
        painter.drawPolyline(QPolygonF(arrow))
        painter.end()
