"""The list of styles of the band, in groups, each with its one-line description."""

from __future__ import annotations

from PyQt6.QtCore import QModelIndex, QRectF, QSignalBlocker, QSize, Qt, pyqtSignal
from PyQt6.QtGui import QPainter, QPalette, QStandardItemModel
from PyQt6.QtWidgets import QComboBox, QStyledItemDelegate, QStyleOptionViewItem

from jam.accompaniment import Style, all_styles
from ui.settings.fields import Combo

GROUPS = {"any": "Any music", "pop": "Pop", "jazz": "Jazz", "folk": "Folk"}
"""By the style of harmony that goes with them, in this order."""
_ABOUT_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_TITLE_EMS, _MAX_ABOUT_EMS = 13, 62


class _Lines(QStyledItemDelegate):
    """A title, and in a column of their own the words about it."""

    def paint(
        self, painter: QPainter | None, option: QStyleOptionViewItem, index: QModelIndex
    ) -> None:
        super().paint(painter, option, index)
        about = index.data(_ABOUT_ROLE)
        if painter is None or not about:
            return
        indent = _TITLE_EMS * option.fontMetrics.horizontalAdvance("0")
        chosen = option.palette.color(QPalette.ColorRole.HighlightedText)
        dim = option.palette.color(QPalette.ColorRole.PlaceholderText)
        selected = bool(option.state & option.state.State_Selected)
        painter.save()
        painter.setPen(chosen if selected else dim)
        area = QRectF(option.rect).adjusted(indent, 0, -6, 0)
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, about)
        painter.restore()

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), hint.height() + 5)


class StyleCombo(Combo):
    """Shows titles, tells names. The list is read anew whenever it is opened."""

    chosen = pyqtSignal(str)

    def __init__(self) -> None:
        super().__init__()
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(5)
        self.setItemDelegate(_Lines(self))
        self._names: list[str] = []
        """By row; "" for a heading."""
        self._wanted = ""
        self.activated.connect(lambda index: self.chosen.emit(self._names[index]))
        self._fill()

    def showPopup(self) -> None:
        self._fill()
        if (view := self.view()) is not None:
            em = self.fontMetrics().horizontalAdvance("0")
            abouts = [self.itemData(i, _ABOUT_ROLE) or "" for i in range(self.count())]
            widest = max((self.fontMetrics().horizontalAdvance(a) for a in abouts), default=0)
            view.setMinimumWidth(_TITLE_EMS * em + min(widest, _MAX_ABOUT_EMS * em) + 30)
        super().showPopup()

    def show_style(self, name: str) -> None:
        """Show this style as the chosen one."""
        if name == self._wanted:
            return
        self._wanted = name
        self._select()

    def _fill(self) -> None:
        styles, _ = all_styles()
        with QSignalBlocker(self):
            self.clear()
            self._names = []
            for group, title in GROUPS.items():
                members = [style for style in styles if style.model_style == group]
                if members:
                    self._add_heading(title)
                for style in members:
                    self._add(style)
        self._select()

    def _add_heading(self, title: str) -> None:
        self.addItem(title)
        self._names.append("")
        model = self.model()
        if isinstance(model, QStandardItemModel) and (item := model.item(self.count() - 1)):
            item.setEnabled(False)
            font = item.font()
            font.setBold(True)
            item.setFont(font)

    def _add(self, style: Style) -> None:
        self.addItem(style.title)
        self._names.append(style.name)
        row = self.count() - 1
        self.setItemData(row, style.about, _ABOUT_ROLE)
        self.setItemData(row, style.about or style.title, Qt.ItemDataRole.ToolTipRole)

    def _select(self) -> None:
        with QSignalBlocker(self):
            known = self._wanted and self._wanted in self._names
            self.setCurrentIndex(self._names.index(self._wanted) if known else 1)
