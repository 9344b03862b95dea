"""What can be done by key: one table, from which keys are obeyed and the list under F1 is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from PyQt6.QtCore import QKeyCombination, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence

from ui.common.pages import REVIEW
from ui.shortcuts.piano_keys import OCTAVE_DOWN, OCTAVE_UP, PIANO_ROW

EVERYWHERE = ""
_COMMAND = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
_SHIFT = Qt.KeyboardModifier.ShiftModifier


@dataclass(frozen=True, slots=True)
class Action:
    """Something the user can do.

    keys: in Qt's portable text ("Ctrl+Z"); the first one is the one that tool tips name; none for
    what only a MIDI control does. page: the title of the page on which its keys count, EVERYWHERE
    on all. repeats: a key that is held does it again and again. called: what it is called where
    it stands alone, if that isn't its title. lit: whether the light of its button is on.
    """

    title: str
    group: str
    keys: tuple[str, ...]
    run: Callable[[], object]
    page: str = EVERYWHERE
    repeats: bool = False
    called: str = ""
    lit: Callable[[], bool] | None = None

    @property
    def label(self) -> str:
        return self.called or self.title

    @property
    def name(self) -> str:
        """By which files know it: "tempo-up-by-1", "review-zoom-in"."""
        words = re.sub(r"[^a-z0-9]+", "-", self.label.lower()).strip("-")
        return f"review-{words}" if self.page == REVIEW else words

    @property
    def from_control_on(self) -> str:
        """The page on which a MIDI control does it: what belongs to the jam is done anywhere."""
        return REVIEW if self.page == REVIEW else EVERYWHERE


class Actions:
    """All of them, in the order in which they were added."""

    def __init__(self) -> None:
        self._all: list[Action] = []
        self._by_key: dict[tuple[str, str], Action] = {}
        self._by_name: dict[str, Action] = {}

    def __iter__(self) -> Iterator[Action]:
        return iter(self._all)

    def add(self, action: Action) -> Action:
        """Raises ValueError for a key that is unknown, taken on its page, or the piano's, and for
        a name that is taken.
        """
        if action.name in self._by_name:
            raise ValueError(f"{action.title}: there is an action called {action.name}")
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
        self._by_name[action.name] = action
        return action

    def named(self, name: str) -> Action | None:
        return self._by_name.get(name)

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
