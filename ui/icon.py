"""The program's icon, painted: notes that fall onto three keys."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QColor, QIcon, QPainter, QPixmap

from ui.theme import DARK


def app_icon() -> QIcon:
    """Needs a QApplication."""
    icon = QIcon()
    for size in (32, 64, 128, 256):
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.scale(size / 16, size / 16)
        painter.setPen(Qt.PenStyle.NoPen)
        shapes = [
            (QRectF(0, 0, 16, 16), DARK.window, 3.0),
            (QRectF(2, 11, 3.6, 3.5), DARK.white_key, 0.6),
            (QRectF(6.2, 11, 3.6, 3.5), DARK.player, 0.6),
            (QRectF(10.4, 11, 3.6, 3.5), DARK.white_key, 0.6),
            (QRectF(2, 5.5, 3.6, 4.5), DARK.agent, 0.8),
            (QRectF(10.4, 2, 3.6, 5), DARK.agent, 0.8),
        ]
        for rect, colour, radius in shapes:
            painter.setBrush(QColor(colour))
            painter.drawRoundedRect(rect, radius, radius)
        painter.end()
        icon.addPixmap(picture)
    return icon
