"""The list under F1: made from the actions themselves, so it says what the keys do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from itertools import groupby

from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from ui.common.text import shown_key
from ui.settings.fields import describe
from ui.shortcuts.actions import Actions
from ui.shortcuts.piano_keys import OCTAVE_DOWN, OCTAVE_UP, PIANO_ROW

Row = tuple[str, str]
"""(what it does, its keys)"""
PANIC = "All notes off"
_COLUMNS = 3


def help_rows(actions: Actions, printed: Mapping[str, str]) -> dict[str, list[Row]]:
    """Group -> rows. Actions of one title that follow each other share a row.

    printed: see `ui.shortcuts.piano_keys.printed_letters`.
    """
    groups: dict[str, list[Row]] = {}
    for (group, title), some in groupby(actions, key=lambda a: (a.group, a.title)):
        keys = [[shown_key(key) for key in action.keys] for action in some]
        text = f"{keys[0][0]} … {keys[-1][0]}" if len(keys) > 1 else "  or  ".join(keys[0])
        groups.setdefault(group, []).append((title, text))
    groups.setdefault("Play", []).insert(0, (PANIC, shown_key("Esc")))

    def letters(names: Iterable[str], between: str = " ") -> str:
        return between.join(printed.get(name, name).upper() for name in names)

    white = letters(key for key in PIANO_ROW if key not in "wetyuop")
    black = letters(key for key in PIANO_ROW if key in "wetyuop")
    groups["Computer keyboard"] = [
        ("White keys from C", white),
        ("Black keys", black),
        ("Octave down, up", letters((OCTAVE_DOWN, OCTAVE_UP), ", ")),
        ("Jump to a control", "Alt+letter"),
        ("Next control", shown_key("Tab")),
    ]
    return groups


class Help(QFrame):
    """Lies over the window, which goes on playing; F1 or Esc closes it."""

    def __init__(
        self, actions: Callable[[], Actions], printed: Mapping[str, str], parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.setObjectName("help")
        self.setAccessibleName("Keyboard shortcuts list")
        self._actions, self._printed = actions, printed
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 16, 24, 20)
        head = QHBoxLayout()
        title = QLabel("Keyboard shortcuts")
        title.setObjectName("title")
        close = QPushButton("Close")
        describe(close, "close_help", "Close the list of shortcuts", "Close (F1).")
        close.clicked.connect(self.hide)
        head.addWidget(title)
        head.addStretch()
        head.addWidget(close)
        column.addLayout(head)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setAccessibleName("Shortcuts")
        self._area.setToolTip("What each key does.")
        column.addWidget(self._area)
        self.hide()

    def toggle(self) -> None:
        if self.isVisible():
            self.hide()
            return
        self._fill()
        self.fit()
        self.show()
        self.raise_()

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
        inner = QWidget()
        grid = QHBoxLayout(inner)
        grid.setContentsMargins(0, 0, 8, 0)
        grid.setSpacing(32)
        groups = help_rows(self._actions(), self._printed)
        total = sum(len(rows) + 2 for rows in groups.values())
        columns = [QVBoxLayout() for _ in range(_COLUMNS)]
        for column in columns:
            column.setSpacing(4)
        used = 0
        for group, rows in groups.items():
            column = columns[min(_COLUMNS - 1, used * _COLUMNS // total)]
            used += len(rows) + 2
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
        for column in columns:
            column.addStretch(1)
            grid.addLayout(column)
        self._area.setWidget(inner)
