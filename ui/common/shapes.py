"""Rectangles for Qt: the pixels they touch, and bars with blunt corners, painted fast."""

from __future__ import annotations

from PyQt6.QtCore import QRect, QRectF
from PyQt6.QtGui import QColor, QPainter

from ui.common.geometry import Rect


def q_rect(rect: Rect) -> QRectF:
    return QRectF(rect.x, rect.y, rect.width, rect.height)


def outer(rect: Rect) -> QRect:
    """The whole pixels that a rectangle touches."""
    return q_rect(rect).toAlignedRect()


def fill_bar(painter: QPainter, rect: QRectF, fill: QColor) -> None:
    """Fill a rectangle with blunt corners.

    Without antialiasing, so its edges are whole pixels: ten times as fast, and what moves by
    three pixels a picture looks the same.
    """
    x, y, width, height = rect.x(), rect.y(), rect.width(), rect.height()
    if height < 5:
        painter.fillRect(rect, fill)
        return
    painter.fillRect(QRectF(x, y + 1, width, height - 2), fill)
    painter.fillRect(QRectF(x + 1, y, width - 2, 1), fill)
    painter.fillRect(QRectF(x + 1, y + height - 1, width - 2, 1), fill)


def fill_outlined_bar(painter: QPainter, rect: QRectF, fill: QColor, line: QColor) -> None:
    """The same with an outline of one pixel, the corners left open."""
    x, y, width, height = rect.x(), rect.y(), rect.width(), rect.height()
    painter.fillRect(rect.adjusted(1, 1, -1, -1), fill)
    painter.fillRect(QRectF(x + 1, y, width - 2, 1), line)
    painter.fillRect(QRectF(x + 1, y + height - 1, width - 2, 1), line)
    painter.fillRect(QRectF(x, y + 1, 1, height - 2), line)
    painter.fillRect(QRectF(x + width - 1, y + 1, 1, height - 2), line)
