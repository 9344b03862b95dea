"""What can be done by key: one table, from which keys are obeyed and the list under F1 is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PyQt6.QtCore import QKeyCombination, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence

from ui.shortcuts.piano_keys import OCTAVE_DOWN, OCTAVE_UP, PIANO_ROW

EVERYWHERE = ""
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    keys: in Qt's portable text ("Ctrl+Z"); the first one is the one that tool tips name.
    page: the title of the page on which its keys count, EVERYWHERE on all. repeats: a key that
    is held does it again and again.
    """

    title: str
    group: str
    keys: tuple[str, ...]
    run: Callable[[], object]
    page: str = EVERYWHERE
    repeats: bool = False


class Actions:
    """All of them, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Action] = []
        self._by_key: dict[tuple[str, str], Action] = {}

    def __iter__(self) -> Iterator[Action]:
        return iter(self._all)

    def add(self, action: Action) -> Action:
        """Raises ValueError for a key that is unknown, taken on its page, or the piano's."""
        for key in action.keys:
            if QKeySequence(key).toString(QKeySequence.SequenceFormat.PortableText) != key:
                raise ValueError(f"{action.title}: no such key: {key!r}")
            if key.lower() in (*PIANO_ROW, OCTAVE_DOWN, OCTAVE_UP, "esc"):
                raise ValueError(f"{action.title}: {key} is the piano's or panic's")
            for page in {page for page, taken in self._by_key if taken == key}:
                if EVERYWHERE in (page, action.page) or page == action.page:
                    raise ValueError(f"{action.title}: {key} is taken on that page")
            self._by_key[action.page, key] = action
        self._all.append(action)
        return action

    def find(self, event: QKeyEvent, page: str) -> Action | None:
        """The action of a key press on a page."""
        for key in _names(event):
            found = self._by_key.get((page, key)) or self._by_key.get((EVERYWHERE, key))
            if found is not None:
                return found
        return None


def is_command(event: QKeyEvent) -> bool:
    """True for keys that can't be meant as text or for moving about: Ctrl, Alt and F keys."""
    return bool(event.modifiers() & _COMMAND) or (
        Qt.Key.Key_F1 <= Qt.Key(event.key()) <= Qt.Key.Key_F35
    )


def _names(event: QKeyEvent) -> Iterator[str]:
    modifiers = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
    code = Qt.Key(event.key())
    form = QKeySequence.SequenceFormat.PortableText
    yield QKeySequence(QKeyCombination(modifiers, code)).toString(form)
    if modifiers & _SHIFT and 32 < code < 127 and not chr(code).isalnum():
        # Some layouts need Shift for the character itself.
        yield QKeySequence(QKeyCombination(modifiers & ~_SHIFT, code)).toString(form)
