"""The list under F1: made from the actions themselves, so it says what the keys do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.common.text import shown_key
from ui.settings.fields import describe
from ui.shortcuts.actions import EVERYWHERE, Actions
from ui.shortcuts.piano_keys import BLACK_KEYS, OCTAVE_DOWN, OCTAVE_UP, WHITE_KEYS

Row = tuple[str, str]
"""(what it does, its keys)"""
PANIC = "All notes off"
NOTHING_FOUND = "No shortcut matches."
_MAX_COLUMNS = 3
_AROUND_PX = 130
"""What lies beside the list: the window, its frame, the scroll bar."""
_SCROLLING = (
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
)


def help_rows(
    actions: Actions, printed: Mapping[str, str], page: str = "", words: str = ""
) -> dict[str, list[Row]]:
    """Group -> rows. Actions of one title that follow each other share a row.

    printed: see `ui.shortcuts.piano_keys.printed_letters`. page: its groups come first. words:
    only rows that have each of them, in what they do, their keys or their group.
    """
    groups: dict[str, list[Row]] = {}
    pages: dict[str, set[str]] = {}
    with_key = (action for action in actions if action.keys)
    for (group, title), some in groupby(with_key, key=lambda a: (a.group, a.title)):
        same = list(some)
        keys = [[shown_key(key) for key in action.keys] for action in same]
        text = f"{keys[0][0]} … {keys[-1][0]}" if len(keys) > 1 else "  or  ".join(keys[0])
        groups.setdefault(group, []).append((title, text))
        pages.setdefault(group, set()).update(action.page for action in same)
    groups.setdefault("Play", []).insert(0, (PANIC, shown_key("Esc")))

    def letters(names: Iterable[str], between: str = " ") -> str:
        return between.join(printed.get(name, name).upper() for name in names)

    white = letters(WHITE_KEYS)
    black = letters(BLACK_KEYS)
    groups["Computer keyboard"] = [
        ("White keys from C", white),
        ("Black keys", black),
        ("Octave down, up", letters((OCTAVE_DOWN, OCTAVE_UP), ", ")),
        ("Jump to a control", "Alt+letter"),
        ("Next control", shown_key("Tab")),
    ]

    def rank(group: str) -> int:
        of = pages.get(group, {EVERYWHERE})
        return 0 if page in of else 1 if EVERYWHERE in of else 2

    wanted = words.lower().split()
    found = {}
    for group in sorted(groups, key=rank):
        rows = [
            row
            for row in groups[group]
            if all(word in " ".join((group, *row)).lower() for word in wanted)
        ]
        if rows:
            found[group] = rows
    return found


class _Filter(QLineEdit):
    """Where one types what is looked for; the keys that move scroll the list."""

    def __init__(self, area: QScrollArea) -> None:
        super().__init__()
        self._area = area
        self.setPlaceholderText("Filter …")
        self.setClearButtonEnabled(True)
        self.setAccessibleName("Filter the shortcuts")
        self.setToolTip("Type what you look for; arrows and PgUp/PgDown scroll.")

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        bar = self._area.verticalScrollBar()
        if a0 is None or bar is None or a0.key() not in _SCROLLING:
            super().keyPressEvent(a0)
            return
        steps = {
            Qt.Key.Key_Up: -3 * bar.singleStep(),
            Qt.Key.Key_Down: 3 * bar.singleStep(),
            Qt.Key.Key_PageUp: -bar.pageStep(),
            Qt.Key.Key_PageDown: bar.pageStep(),
            Qt.Key.Key_Home: -bar.maximum(),
            Qt.Key.Key_End: bar.maximum(),
        }
        bar.setValue(bar.value() + steps[Qt.Key(a0.key())])


class Help(QFrame):
    """Lies over the window, which goes on playing; F1 or Esc closes it.

    page: tells the page in front. closed: called when it is closed.
    """

    def __init__(
        self,
        actions: Callable[[], Actions],
        printed: Mapping[str, str],
        page: Callable[[], str],
        closed: Callable[[], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setAccessibleName("Keyboard shortcuts list")
        self._actions, self._printed, self._page, self._closed = actions, printed, page, closed
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 20)
        head = QHBoxLayout()
        title = QLabel("Keyboard shortcuts")
        title.setObjectName("title")
        close = QPushButton("Close")
        describe(close, "close_help", "Close the list of shortcuts", "Close (F1).")
        close.clicked.connect(self.close_help)
        self._area = QScrollArea()
        self.filter = _Filter(self._area)
        self.filter.textChanged.connect(lambda _: self._fill())
        head.addWidget(title)
        head.addStretch()
        head.addWidget(self.filter)
        head.addWidget(close)
        column.addLayout(head)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setAccessibleName("Shortcuts")
        self._area.setToolTip("What each key does.")
        column.addWidget(self._area)
        self.hide()

    def toggle(self) -> None:
        if self.isVisible():
            self.close_help()
            return
        self.filter.clear()
        self._fill()
        self.fit()
        self.show()
        self.raise_()
        self.filter.setFocus(Qt.FocusReason.PopupFocusReason)

    def close_help(self) -> None:
        self.hide()
        self._closed()

    def fit(self) -> None:
        """In the middle of the window, as large as is needed and possible."""
        parent = self.parentWidget()
        if parent is None:
            return
        inner = self._area.widget()
        wanted = inner.sizeHint() if inner is not None else self.sizeHint()
        width = min(parent.width() - 40, wanted.width() + 90)
        height = min(parent.height() - 40, wanted.height() + 100)
        self.setGeometry(
            (parent.width() - width) // 2, (parent.height() - height) // 2, width, height
        )

    def _fill(self) -> None:
        groups = help_rows(self._actions(), self._printed, self._page(), self.filter.text())
        parent = self.parentWidget()
        room = (parent.width() if parent is not None else self.width()) - _AROUND_PX
        for n_columns in range(_MAX_COLUMNS, 0, -1):
            inner = self._columns(groups, n_columns)
            self._area.setWidget(inner)  # only there has it its own letters
            if inner.sizeHint().width() <= room:
                break

    def _columns(self, groups: Mapping[str, list[Row]], n_columns: int) -> QWidget:
        inner = QWidget()
        line = QHBoxLayout(inner)
        line.setContentsMargins(0, 0, 8, 0)
        line.setSpacing(32)
        columns = [QVBoxLayout() for _ in range(n_columns)]
        for column in columns:
            column.setSpacing(4)
        total = sum(len(rows) + 2 for rows in groups.values())
        used = 0
        for group, rows in groups.items():
            _add_group(columns[min(n_columns - 1, used * n_columns // total)], group, rows)
            used += len(rows) + 2
        if not groups:
            columns[0].addWidget(QLabel(NOTHING_FOUND))
        for column in columns:
            column.addStretch(1)
            line.addLayout(column)
        return inner


def _add_group(column: QVBoxLayout, group: str, rows: Iterable[Row]) -> None:
    heading = QLabel(group)
    heading.setObjectName("heading")
    heading.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
    column.addWidget(heading)
    table = QGridLayout()
    table.setHorizontalSpacing(18)
    table.setVerticalSpacing(2)
    for i, (what, keys) in enumerate(rows):
        table.addWidget(QLabel(what), i, 0)
        label = QLabel(keys)
        label.setObjectName("key")
        label.setTextFormat(Qt.TextFormat.PlainText)
        table.addWidget(label, i, 1)
    table.setColumnStretch(1, 1)
    column.addLayout(table)
    column.addSpacing(10)
