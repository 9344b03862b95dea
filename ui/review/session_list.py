"""The list of sessions: a table that is sorted by its headers and searched as one types."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from PyQt6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPoint, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QKeyEvent, QMouseEvent, QResizeEvent
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from jam.sessions.session import SessionInfo
from ui.common.search import SearchField
from ui.common.text import key_text, length_text, short_date_text, stars, summary
from ui.common.theme import Theme
from ui.common.two_lines import row_height
from ui.review.name_cell import INFO_ROLE, NameCell, style_title

COLUMNS = ("Session", "Length", "Tempo", "Key", "Rating", "Style", "Tags")
SESSION, LENGTH, TEMPO, KEY, RATING, STYLE, TAGS = range(len(COLUMNS))
_SEARCH_DELAY_MS = 60
_LENGTH_EMS, _KEY_EMS, _WIDE_EMS = 38, 62, 96
_COLUMN_EMS = {
    LENGTH: (7.5, _LENGTH_EMS),
    TEMPO: (5.5, 54),
    KEY: (9.5, _KEY_EMS),
    RATING: (8.5, 46),
    STYLE: (10.0, _WIDE_EMS),
    TAGS: (16.0, _WIDE_EMS),
}
"""Each column's width, and from which width of the list on it is there; before, length, key, style
and tags are small print. In widths of a digit."""

NOTHING_DELETED = "Nothing was deleted in the last 30 days."
NO_SESSIONS = (
    "No sessions yet.\n\nEvery jam is recorded here, unless you turn that off. Go to Jam and press"
    " Space.\n\nDrop MIDI files here to accompany them."
)

_KEYS: tuple[Callable[[SessionInfo], Any], ...] = (
    lambda info: (info.started_at, info.id),
    lambda info: info.length_s,
    lambda info: info.bpm,
    lambda info: (info.key is None, key_text(info.key)),
    lambda info: info.rating,
    lambda info: info.style,
    lambda info: (not info.tags, info.tags),
)
"""What each column is sorted by."""


class SessionTable(QAbstractTableModel):
    """The sessions that were found, in the order of a column."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[SessionInfo] = []
        self._column, self._order = SESSION, Qt.SortOrder.DescendingOrder

    def show(self, sessions: Iterable[SessionInfo]) -> bool:
        """Others, or the same after a change; False where nothing changed."""
        wanted = self._sorted(sessions)
        if wanted == self.sessions:
            return not wanted
        if [info.id for info in wanted] == [info.id for info in self.sessions]:
            self.sessions = wanted
            self.dataChanged.emit(self.index(0, 0), self.index(len(wanted) - 1, TAGS))
            return True
        self.beginResetModel()
        self.sessions = wanted
        self.endResetModel()
        return True

    def row_of(self, session_id: int) -> int | None:
        for row, info in enumerate(self.sessions):
            if info.id == session_id:
                return row
        return None

    def _sorted(self, sessions: Iterable[SessionInfo]) -> list[SessionInfo]:
        newest_first = sorted(sessions, key=_KEYS[SESSION], reverse=True)
        down = self._order == Qt.SortOrder.DescendingOrder
        return sorted(newest_first, key=_KEYS[self._column], reverse=down)

    # Qt's own names

    def rowCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.sessions)

    def columnCount(self, parent: QModelIndex = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return COLUMNS[section]
        return None

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        info = self.sessions[index.row()]
        if role == INFO_ROLE:
            return info
        if role == Qt.ItemDataRole.ToolTipRole:
            tags = "\nTags: " + ", ".join(info.tags) if info.tags else ""
            return f"{info.name}\n{summary(info, style_title(info))}{tags}"
        if role == Qt.ItemDataRole.AccessibleTextRole and index.column() == RATING:
            return f"{info.rating} of 5 stars"
        if role == Qt.ItemDataRole.TextAlignmentRole and index.column() in (LENGTH, TEMPO):
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(info, index.column())
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        self._column, self._order = column, order
        self.layoutAboutToBeChanged.emit()
        kept = [(index, self.sessions[index.row()].id) for index in self.persistentIndexList()]
        self.sessions = self._sorted(self.sessions)
        rows = {info.id: row for row, info in enumerate(self.sessions)}
        for index, session_id in kept:
            self.changePersistentIndex(index, self.index(rows[session_id], index.column()))
        self.layoutChanged.emit()


def _text(info: SessionInfo, column: int) -> str:
    match column:
        case 0:
            return info.title or short_date_text(info.started_at)
        case 1:
            return length_text(info.length_s)
        case 2:
            return f"{info.bpm:g}"
        case 3:
            return key_text(info.key)
        case 4:
            return stars(info.rating)
        case 5:
            return style_title(info)
        case _:
            return ", ".join(info.tags)


class _Table(QTableView):
    """Rows can be dragged out, and Space doesn't select."""

    space = pyqtSignal()

    dragged = pyqtSignal(int)
    """A session's row was dragged out of the table."""

    def __init__(self) -> None:
        super().__init__()
        self._pressed: QPoint | None = None

    def keyPressEvent(self, e: QKeyEvent | None) -> None:
        if e is not None and e.key() == Qt.Key.Key_Space:
            self.space.emit()
        else:
            super().keyPressEvent(e)

    def mousePressEvent(self, e: QMouseEvent | None) -> None:
        super().mousePressEvent(e)
        self._pressed = e.position().toPoint() if e is not None else None

    def mouseMoveEvent(self, e: QMouseEvent | None) -> None:
        if e is None or self._pressed is None or not e.buttons() & Qt.MouseButton.LeftButton:
            return
        moved = (e.position().toPoint() - self._pressed).manhattanLength()
        if moved >= QApplication.startDragDistance():
            row, self._pressed = self.indexAt(self._pressed).row(), None
            if row >= 0:
                self.dragged.emit(row)


class SessionList(QWidget):
    """Search field, table, and a line that says how many there are."""

    searched = pyqtSignal(str)
    """Other words are searched for."""
    chosen = pyqtSignal(object)
    """The SessionInfo of the row that is current now; None without one."""
    dragged_out = pyqtSignal(object)
    """A SessionInfo whose row was dragged out of the list."""

    def __init__(self) -> None:
        super().__init__()
        self.model = SessionTable()
        self._chosen_id: int | None = None
        self._told: SessionInfo | None = None
        self._showing = False
        self._asked: tuple[str, bool] | None = None
        self.search = SearchField(
            "Search sessions",
            "Search: title, tag, key, style, date …",
            "Search by title, tag, key, style, metre or date (Ctrl+F). Esc shows all.",
        )
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(_SEARCH_DELAY_MS)
        self._timer.timeout.connect(lambda: self.searched.emit(self.words))
        self.search.textChanged.connect(lambda _: self._timer.start())
        self.search.returnPressed.connect(self.focus_table)
        self.table = self._made_table()
        self.empty = QLabel()
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setWordWrap(True)
        self.empty.setObjectName("hint")
        self.empty.setMargin(24)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.table)
        self.stack.addWidget(self.empty)
        self.count = QLabel()
        self.count.setObjectName("hint")
        self.top = QHBoxLayout()
        self.top.setSpacing(6)
        self.top.addWidget(self.search, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 6, 6)
        column.setSpacing(6)
        column.addLayout(self.top)
        column.addWidget(self.stack, 1)
        column.addWidget(self.count)

    def _made_table(self) -> _Table:
        table = _Table()
        table.setModel(self.model)
        self.delegate = NameCell(table)
        table.setItemDelegateForColumn(SESSION, self.delegate)
        table.setAccessibleName("Sessions")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setSortingEnabled(True)
        table.sortByColumn(SESSION, Qt.SortOrder.DescendingOrder)
        table.setTabKeyNavigation(False)
        rows, columns = table.verticalHeader(), table.horizontalHeader()
        selection = table.selectionModel()
        assert rows is not None and columns is not None and selection is not None
        rows.hide()
        # One height for all: otherwise every row of thousands is measured.
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setHighlightSections(False)
        columns.setMinimumSectionSize(30)
        columns.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        columns.setSectionResizeMode(SESSION, QHeaderView.ResizeMode.Stretch)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        selection.currentRowChanged.connect(self._on_current)
        table.dragged.connect(lambda row: self.dragged_out.emit(self.model.sessions[row]))
        return table

    @property
    def words(self) -> str:
        return self.search.text().strip()

    @property
    def current(self) -> SessionInfo | None:
        """The session that was chosen last, whether it is in the list or not."""
        return self._told

    def show_theme(self, theme: Theme) -> None:
        self.delegate.theme = theme
        self.table.viewport().update()  # type: ignore[union-attr]

    def show_sessions(self, sessions: Iterable[SessionInfo], deleted: bool = False) -> None:
        """What was found. The session that was chosen stays chosen, also where it isn't found;
        where it is gone, the one in its place is chosen.
        """
        asked = (self.words, deleted)
        searched, self._asked = asked != self._asked, asked
        old_row = self.model.row_of(self._chosen_id) if self._chosen_id is not None else None
        bar = self.table.verticalScrollBar()
        place = bar.value() if bar is not None and not searched else 0
        self._showing = True
        if self.model.show(sessions):
            self._show_count(deleted)
            if bar is not None:
                bar.setValue(place)
        found = len(self.model.sessions)
        row = self.model.row_of(self._chosen_id) if self._chosen_id is not None else None
        if row is None and found and (self._chosen_id is None or not searched):
            row = min(old_row or 0, found - 1)
        if row is not None:
            self.table.selectRow(row)
            self._tell(self.model.sessions[row])
        elif not searched:
            self._tell(None)
        self._showing = False

    def _show_count(self, deleted: bool) -> None:
        found = len(self.model.sessions)
        self.stack.setCurrentWidget(self.table if found else self.empty)
        self.empty.setText(self._empty_text(deleted))
        noun = "session" if found == 1 else "sessions"
        self.count.setText(f"{found:,} {'deleted ' if deleted else ''}{noun}" if found else "")

    def _empty_text(self, deleted: bool) -> str:
        if self.words:
            return f"No sessions match “{self.words}”."
        if deleted:
            return NOTHING_DELETED
        return NO_SESSIONS

    def choose(self, session_id: int) -> None:
        """Make it the current one, now or when it comes with the next list."""
        self._chosen_id = session_id
        row = self.model.row_of(session_id)
        if row is not None:
            self.table.selectRow(row)
            self.table.scrollTo(self.model.index(row, 0))

    def focus_table(self) -> None:
        """Ready to go through the list; what was found first is chosen."""
        if self.model.sessions and self.model.row_of(self._chosen_id or -1) is None:
            self.table.selectRow(0)
        self.table.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_current(self, current: QModelIndex, _before: QModelIndex | None = None) -> None:
        if not self._showing:
            self._tell(self.model.sessions[current.row()] if current.isValid() else None)

    def _tell(self, info: SessionInfo | None) -> None:
        if info is not None:
            self._chosen_id = info.id
        if info != self._told:
            self._told = info
            self.chosen.emit(info)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self._fit()

    def changeEvent(self, a0: QEvent | None) -> None:
        super().changeEvent(a0)
        if a0 is not None and a0.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit()

    def _fit(self) -> None:
        """Show the columns that there is room for."""
        metrics = self.fontMetrics()
        em = metrics.horizontalAdvance("0")
        wide = self.width() / em
        delegate = self.delegate
        delegate.has_length = wide >= _LENGTH_EMS
        delegate.has_key, delegate.wide = wide >= _KEY_EMS, wide >= _WIDE_EMS
        for column, (ems, from_ems) in _COLUMN_EMS.items():
            title = self.model.headerData(column, Qt.Orientation.Horizontal)
            needed = metrics.horizontalAdvance(title) + 16
            self.table.setColumnWidth(column, max(round(em * ems) + 10, needed))
            self.table.setColumnHidden(column, wide < from_ems)
        if (rows := self.table.verticalHeader()) is not None:
            rows.setDefaultSectionSize(row_height(metrics))
