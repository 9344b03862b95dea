"""A session's name in the list, with a line of small print below it."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QRectF, QSize, Qt
from PyQt6.QtGui import QFontMetrics, QPainter
from PyQt6.QtWidgets import (
    QApplication,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from jam.accompaniment import playable_style
from jam.sessions.session import SessionInfo
from ui.common.paint_cache import PaintCache
from ui.common.text import key_text, length_text, short_date_text
from ui.common.theme import DARK

INFO_ROLE = int(Qt.ItemDataRole.UserRole)
"""As which a row of the list gives its SessionInfo."""


def row_height(metrics: QFontMetrics) -> int:
    """Pixels of a row: a name and small print."""
    return round(2.1 * metrics.height()) + 9


def style_title(info: SessionInfo) -> str:
    """The name of the style with which a session began."""
    return playable_style(info.style).title


class NameCell(QStyledItemDelegate):
    """A session's name, and in small print what has no column of its own."""

    def __init__(self, view: QTableView) -> None:
        super().__init__(view)
        self.theme = DARK
        self.has_length = self.has_key = self.wide = False
        self._view, self._ink = view, PaintCache()

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        blank = QStyleOptionViewItem(option)
        self.initStyleOption(blank, index)
        name, blank.text = blank.text, ""
        style = self._view.style() or QApplication.style()
        assert painter is not None and style is not None
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, blank, painter, self._view)
        info: SessionInfo = index.data(INFO_ROLE)
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
            self._small(info), Qt.TextElideMode.ElideRight, int(area.width())
        )
        painter.drawText(area, Qt.AlignmentFlag.AlignBottom, small)
        painter.restore()

    def _small(self, info: SessionInfo) -> str:
        """What tells it from others comes first: the end may not be seen."""
        parts = [short_date_text(info.started_at)] if info.title else []
        if not self.has_key and info.key is not None:
            parts.append(key_text(info.key))
        if not self.has_length:
            parts.append(length_text(info.length_s))
        if not self.wide:
            parts += [style_title(info), *(f"#{tag}" for tag in info.tags)]
        elif not info.title:
            parts.append(f"{info.n_notes} notes")
        if info.state in ("recording", "recovered"):
            parts.append({"recording": "being recorded"}.get(info.state, info.state))
        return " · ".join(parts)

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        return QSize(160, row_height(option.fontMetrics))
