"""Statistics: how much was practised and how it lay, by day and by song; exported, deleted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from jam.errors import JamError
from jam.files import whole
from jam.sessions.library import Library
from jam.sessions.practised import (
    COLUMNS,
    Practised,
    Together,
    bring_up_to_date,
    by_day,
    by_song,
    columns_of,
    csv_text,
    delete_lines,
    restore_lines,
)
from ui.songs.model import AsksLibrary

TITLE = "Practice by day and song"
BY_DAY, BY_SONG = "By day", "By song"
NOTHING_YET = "Nothing yet. Every jam that is recorded is counted here by its day and its song."
_EXPORT, _DELETE, _UNDO = "Export CSV …", "Delete", "Undo"
_DELETE_TIP = "Delete the statistics of the selected rows (Del). The sessions stay."
Lines = tuple[Practised, ...]


class Table(QTableWidget):
    """A row for every day with a song, or for every song."""

    def __init__(self, name: str) -> None:
        super().__init__(0, len(COLUMNS))
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(COLUMNS)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setShowGrid(False)
        header, side = self.horizontalHeader(), self.verticalHeader()
        assert header is not None and side is not None
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        side.hide()
        self._rows: list[Together] = []

    def show_rows(self, rows: Sequence[Together]) -> None:
        """The newest first."""
        self._rows = list(rows)
        self.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for j, text in enumerate(columns_of(row)):
                self.setItem(i, j, QTableWidgetItem(text))
        self.clearSelection()

    @property
    def chosen(self) -> frozenset[int]:
        """The sessions of the selected rows."""
        selection = self.selectionModel()
        rows = {index.row() for index in selection.selectedRows()} if selection else set()
        return frozenset(number for row in rows for number in self._rows[row].sessions)


class Statistics(QDialog):
    """ask: has something done by the library. Runs on: the window's thread."""

    def __init__(self, ask: AsksLibrary, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._ask = ask
        self._lines: Lines = ()
        self._deleted: list[Lines] = []
        self.setWindowTitle(TITLE)
        self.resize(820, 480)
        self.days, self.songs = Table(BY_DAY), Table(BY_SONG)
        self.tabs = QTabWidget()
        self.tabs.addTab(self.days, BY_DAY)
        self.tabs.addTab(self.songs, BY_SONG)
        self.empty = QLabel(NOTHING_YET)
        self.empty.setObjectName("hint")
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._front = QStackedLayout()
        self._front.addWidget(self.empty)
        self._front.addWidget(self.tabs)
        self.words = QLabel()
        self.export = self._button(_EXPORT, "Write the statistics as a table.", self.ask_export)
        self.delete = self._button(_DELETE, _DELETE_TIP, self.delete_chosen)
        self.delete.setShortcut("Del")
        self.undo = self._button(
            _UNDO, "Bring back what was deleted last (Ctrl+Z).", self.take_back
        )
        self.undo.setShortcut("Ctrl+Z")
        close = self._button("Close", "Close (Esc).", self.close)
        foot = QHBoxLayout()
        for widget in (self.export, self.delete, self.undo):
            foot.addWidget(widget)
        foot.addWidget(self.words, 1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.addLayout(self._front, 1)
        column.addLayout(foot)
        for table in (self.days, self.songs):
            table.itemSelectionChanged.connect(self._show_buttons)
        self.tabs.currentChanged.connect(lambda _: self._show_buttons())
        self._show_buttons()
        ask(bring_up_to_date, self._show)

    def _button(self, text: str, tip: str, do: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text.removesuffix(" …"))
        button.setAutoDefault(False)
        button.clicked.connect(lambda _: do())
        return button

    def _show(self, lines: Lines) -> None:
        self._lines = lines
        self.days.show_rows(by_day(lines)[::-1])
        self.songs.show_rows(by_song(lines))
        self._front.setCurrentWidget(self.tabs if lines else self.empty)
        self._show_buttons()

    @property
    def _chosen(self) -> frozenset[int]:
        return (self.days if self.tabs.currentWidget() is self.days else self.songs).chosen

    def _show_buttons(self) -> None:
        self.export.setEnabled(bool(self._lines))
        self.delete.setEnabled(bool(self._chosen))
        self.undo.setEnabled(bool(self._deleted))

    def delete_chosen(self) -> None:
        """Delete the lines of the selected rows."""
        chosen = self._chosen
        gone = tuple(line for line in self._lines if line.session_id in chosen)
        if not gone:
            return

        def work(library: Library) -> Lines:
            delete_lines(library, gone)
            return bring_up_to_date(library)

        self._deleted.append(gone)
        self.words.setText(f"Deleted: {len(gone)} session{'s' if len(gone) > 1 else ''}")
        self._ask(work, self._show)

    def take_back(self) -> None:
        """Bring back what was deleted last."""
        if not self._deleted:
            return
        gone = self._deleted.pop()

        def work(library: Library) -> Lines:
            restore_lines(library, gone)
            return bring_up_to_date(library)

        self.words.setText("Restored")
        self._ask(work, self._show)

    def ask_export(self) -> None:
        """Ask for a file, and write the table by day and song to it."""
        name, _ = QFileDialog.getSaveFileName(
            self, _EXPORT.removesuffix(" …"), str(Path.home() / "practice.csv"), "CSV (*.csv)"
        )
        if name:
            self.write(Path(name))

    def write(self, path: Path) -> None:
        """Write the table; says so, or why not."""
        try:
            with whole(path) as unfinished:
                unfinished.write_text(csv_text(by_day(self._lines)), encoding="utf-8")
        except JamError as error:
            self.words.setText(str(error))
        else:
            self.words.setText(f"Written: {path.name}")
