"""Widgets with marks of their own: style sheets can't draw an arrow or a tick."""

from __future__ import annotations

from PyQt6.QtCore import QPointF
from PyQt6.QtGui import QPainter, QPaintEvent, QPalette, QPen, QPolygonF
from PyQt6.QtWidgets import QCheckBox, QComboBox, QStyle, QStyleOptionButton


class Combo(QComboBox):
    """A list to choose from. `is_open` while its list is."""

    @property
    def is_open(self) -> bool:
        # Esc hides the list without a call of hidePopup.
        view = self.view()
        return view is not None and view.isVisible()

    def paintEvent(self, e: QPaintEvent | None) -> None:
        super().paintEvent(e)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Text), 1.6))
        x, y = self.width() - 13.0, self.height() / 2
        arrow = [QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)]
        painter.drawPolyline(QPolygonF(arrow))
        painter.end()


class Switch(QCheckBox):
    """On or off."""

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        super().paintEvent(a0)
        style = self.style()
        if not self.isChecked() or style is None:
            return
        option = QStyleOptionButton()
        self.initStyleOption(option)
        box = style.subElementRect(QStyle.SubElement.SE_CheckBoxIndicator, option, self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self.palette().color(QPalette.ColorRole.HighlightedText), 1.8))
        x, y, size = box.x(), box.y(), box.width()
        tick = [(0.24, 0.52), (0.43, 0.72), (0.78, 0.28)]
        painter.drawPolyline(QPolygonF([QPointF(x + a * size, y + b * size) for a, b in tick]))
        painter.end()
