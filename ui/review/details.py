"""What is known of the session in front: name, facts, stars, tags, and which take is heard."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from PyQt6.QtCore import QPoint, QSignalBlocker, QStringListModel, Qt, pyqtSignal
from PyQt6.QtGui import QFocusEvent, QMouseEvent
from PyQt6.QtWidgets import (
    QApplication,
    QCompleter,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from jam.accompaniment import playable_style
from jam.sessions.session import MAX_RATING, SessionInfo, TakeInfo
from ui.common.flow import ElidedLabel, FlowLayout, expanding, together
from ui.common.text import date_text, summary, take_summary
from ui.settings.fields import Combo


class Stars(QWidget):
    """Five buttons; the one of the present rating clears it."""

    rated = pyqtSignal(int)

    def __init__(self) -> None:
        super().__init__()
        self.rating = 0
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        self.buttons: list[QPushButton] = []
        for number in range(1, MAX_RATING + 1):
            button = QPushButton("☆")
            button.setObjectName("star")
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            button.setAccessibleName(f"Rate {number} of {MAX_RATING}")
            button.setToolTip(f"Rate {number} of {MAX_RATING} ({number}; 0 clears it).")
            button.clicked.connect(
                lambda _, n=number: self.rated.emit(0 if n == self.rating else n)
            )
            self.buttons.append(button)
            row.addWidget(button)

    def show_rating(self, rating: int) -> None:
        self.rating = rating
        for number, button in enumerate(self.buttons, 1):
            button.setText("★" if number <= rating else "☆")


class Field(QLineEdit):
    """Text that becomes a field where it is edited; `changed` when it is left with another text."""

    changed = pyqtSignal(str)

    def __init__(self, name: str, tip: str, placeholder: str) -> None:
        super().__init__()
        self._kept = ""
        self.setObjectName(name)
        self.setToolTip(tip)
        self.setPlaceholderText(placeholder)
        self.editingFinished.connect(self._on_finished)

    def show_text(self, text: str) -> None:
        if not self.isModified():
            self._kept = text
            self.setText(text)
            self.setModified(False)
            self.setCursorPosition(0)

    def edit(self) -> None:
        """Ready to type."""
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()

    def revert(self) -> None:
        """Discard what was typed."""
        self.setText(self._kept)
        self.setModified(False)

    def focusOutEvent(self, a0: QFocusEvent | None) -> None:
        super().focusOutEvent(a0)
        self.setCursorPosition(0)

    def _on_finished(self) -> None:
        text = self.text().strip()
        if text != self._kept:
            self._kept = text
            self.setModified(False)
            self.changed.emit(text)


class DragHandle(QLabel):
    """Dragged away, it is the take as a file."""

    dragged = pyqtSignal()

    def __init__(self) -> None:
        super().__init__("⠿ MIDI")
        self.setObjectName("handle")
        self.setCursor(Qt.CursorShape.OpenHandCursor)
        self.setToolTip("Drag to the desktop or a DAW to export this take as MIDI.")
        self.setAccessibleName("Drag to export as MIDI")
        self._pressed: QPoint | None = None

    def mousePressEvent(self, ev: QMouseEvent | None) -> None:
        self._pressed = ev.position().toPoint() if ev is not None else None

    def mouseMoveEvent(self, ev: QMouseEvent | None) -> None:
        if ev is None or self._pressed is None:
            return
        moved = (ev.position().toPoint() - self._pressed).manhattanLength()
        if moved >= QApplication.startDragDistance():
            self._pressed = None
            self.dragged.emit()


class Details(QFrame):
    """Above the roll: name, rating, take, tags, and what can be done with them."""

    renamed = pyqtSignal(str)
    tagged = pyqtSignal(tuple)
    rated = pyqtSignal(int)
    take_chosen = pyqtSignal(int)
    """The id of the take to be heard and seen."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("details")
        self.title = Field("session_title", "Name of the session; click to rename (F2).", "")
        self.title.setAccessibleName("Name of the session")
        self.facts = ElidedLabel(60)
        self.facts.setObjectName("hint")
        self.stars = Stars()
        self.tags = Field("session_tags", "Tags, separated by commas (F3).", "add tags …")
        self.tags.setAccessibleName("Tags")
        self._known_tags = QStringListModel(self)
        completer = QCompleter(self._known_tags, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.tags.setCompleter(completer)
        self.take = Combo()
        self.take.setAccessibleName("Take")
        self.take.setToolTip(
            "The take you hear: the live one, or one made afterwards. Q switches between two, even"
            " during playback."
        )
        self.take.setMinimumWidth(150)
        self.new_take = self._button(
            "New take", "Make another accompaniment for this melody (Ctrl+N)."
        )
        self.rewrite = self._button("Rewrite", "Compose bars again, or edit them by hand (R).")
        self.export = self._button("Export …", "Save as MIDI, lead sheet, audio or JSON (Ctrl+E).")
        self.more = self._button("⋯", "Rename, tag or delete.")
        self.more.setAccessibleName("More actions")
        self.menu = QMenu(self)
        self.more.setMenu(self.menu)
        self.handle = DragHandle()
        self._lay_out()
        self._takes: tuple[TakeInfo, ...] = ()
        self._info: SessionInfo | None = None
        self._shown: TakeInfo | None = None
        self.title.changed.connect(self.renamed)
        self.tags.changed.connect(lambda text: self.tagged.emit(tags_of(text)))
        self.stars.rated.connect(self.rated)
        self.take.activated.connect(lambda index: self.take_chosen.emit(self._takes[index].id))

    def _lay_out(self) -> None:
        upper, lower = FlowLayout(8), QHBoxLayout()
        lower.setSpacing(8)
        upper.addWidget(expanding(self.title))
        upper.addWidget(self.stars)
        upper.addWidget(together(self.take, self.new_take, self.rewrite, spacing=8))
        upper.addWidget(together(self.export, self.handle, self.more, spacing=8))
        lower.addWidget(self.facts, 3)
        lower.addWidget(self.tags, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 12, 6)
        column.setSpacing(2)
        column.addLayout(upper)
        column.addLayout(lower)

    def _button(self, text: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        button.setToolTip(tip)
        button.setAccessibleName(text.rstrip(" …"))
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return button

    def show_info(self, info: SessionInfo) -> None:
        """Name and facts of a session, or of the same one after a change."""
        if self._info is not None and self._info.id != info.id:
            self.title.revert()
            self.tags.revert()
        self._info = info
        self.title.setPlaceholderText(date_text(info.started_at))
        self.title.show_text(info.title)
        self._show_facts()
        self.stars.show_rating(info.rating)
        self.tags.show_text(", ".join(info.tags))

    def show_takes(self, takes: Iterable[TakeInfo], shown: int) -> None:
        """The session's takes; `shown` is the id of the one in front."""
        self._takes = tuple(takes)
        with QSignalBlocker(self.take):
            self.take.clear()
            for number, take in enumerate(self._takes, 1):
                self.take.addItem(f"{number}  {take.name}")
                self.take.setItemData(number - 1, take.name, Qt.ItemDataRole.ToolTipRole)
                if take.id == shown:
                    self.take.setCurrentIndex(number - 1)
                    self._shown = take
        self._show_facts()

    def _show_facts(self) -> None:
        """Of the take in front, where it isn't the live one, and of the session."""
        if self._info is None:
            return
        text = summary(self._info, playable_style(self._info.style).title)
        if self._shown is not None and self._shown.kind not in ("live", "imported"):
            style = playable_style(self._shown.settings.accompaniment).title
            text = f"{take_summary(self._shown, style)}  ·  {text}"
        self.facts.setText(text)

    def show_known_tags(self, tags: Sequence[str]) -> None:
        """What is offered while a tag is typed."""
        self._known_tags.setStringList(list(tags))

    def revert(self) -> None:
        """Discard what was typed and not confirmed."""
        for field in (self.title, self.tags):
            if field.isModified():
                field.revert()


def tags_of(text: str) -> tuple[str, ...]:
    """Tags as they are typed: commas between them, with or without #."""
    tags = (tag.strip().lstrip("#").strip() for tag in text.split(","))
    return tuple(dict.fromkeys(tag for tag in tags if tag))
