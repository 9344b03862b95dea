"""Where a key press goes: panic, an action, the piano, or the widget that has the focus."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QEvent, QObject, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTabBar,
    QTextEdit,
    QWidget,
)

from ui.common.pages import JAM
from ui.shortcuts.actions import Action, Actions, is_command
from ui.shortcuts.piano_keys import ComputerPiano, key_name

_NO_PIANO = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_EDITING = frozenset("ACVXYZ")
"""With Ctrl, these belong to a text field that has the focus."""
_MOVING = frozenset(
    (
        Qt.Key.Key_Up,
        Qt.Key.Key_Down,
        Qt.Key.Key_Left,
        Qt.Key.Key_Right,
        Qt.Key.Key_PageUp,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Home,
        Qt.Key.Key_End,
        Qt.Key.Key_Return,
        Qt.Key.Key_Enter,
    )
)
_USE_MOVING = QAbstractSpinBox | QAbstractSlider | QComboBox | QAbstractItemView | QTabBar
_USE_SPACE = QAbstractButton | QComboBox | QAbstractItemView


class KeyFilter(QObject):
    """Sees every key press of the application before the widgets do.

    page: tells the page in front. panic: Esc, wherever the focus is, also while a dialog or a
    list is open. octave_moved: Z or X was pressed.
    """

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        piano: ComputerPiano,
        page: Callable[[], str],
        panic: Callable[[], None],
        octave_moved: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._actions, self._piano = window, actions, piano
        self._page, self._panic, self._octave_moved = page, panic, octave_moved
        if (app := QApplication.instance()) is not None:
            app.installEventFilter(self)

    def close(self) -> None:
        """See no more keys."""
        if (app := QApplication.instance()) is not None:
            app.removeEventFilter(self)

    def eventFilter(self, a0: QObject | None, a1: QEvent | None) -> bool:
        if a1 is None or not isinstance(a0, QWidget):
            return False
        if a1.type() == QEvent.Type.KeyPress and isinstance(a1, QKeyEvent):
            return self._key_press(a0, a1)
        if a1.type() == QEvent.Type.KeyRelease and isinstance(a1, QKeyEvent):
            if a1.isAutoRepeat():
                return False
            # Wherever the focus went meanwhile, a note that began here ends.
            used = self._piano.key_up(_name_of(a1))
            return used and self._plays(a0, a1)
        return False

    def _key_press(self, widget: QWidget, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            if not event.isAutoRepeat():
                self._panic()
            # A list or dialog that is open closes as well.
            return widget.window() is self._window
        name = _name_of(event)
        is_piano = self._is_piano(name, event)
        action = None if is_piano else self._actions.find(event, self._page())
        if action is not None and self._means(widget, event):
            return self._run(action, event)
        if not name or not self._plays(widget, event):
            return False
        if not event.isAutoRepeat():
            octave = self._piano.octave
            self._piano.key_down(name)
            if octave != self._piano.octave:
                self._octave_moved()
        return True

    def _is_piano(self, name: str, event: QKeyEvent) -> bool:
        """True for a letter that is an action's elsewhere: on some national layouts it lies where
        the piano is (M on a French one), and what is drawn on the piano must play.
        """
        return bool(name) and not is_command(event) and self._page() == JAM

    @staticmethod
    def _run(action: Action, event: QKeyEvent) -> bool:
        if action.repeats or not event.isAutoRepeat():
            action.run()
        return True

    def _means(self, widget: QWidget, event: QKeyEvent) -> bool:
        """True when a key that has an action is not meant for the widget with the focus."""
        if QApplication.activeModalWidget() or QApplication.activePopupWidget():
            return False
        if is_command(event):
            control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
            return not (_is_text(widget) and control and _letter(event) in _EDITING)
        if not self._plays(widget, event):
            return False
        if event.key() == Qt.Key.Key_Space:
            return not isinstance(widget, _USE_SPACE)  # reached by Tab, so Space is meant for it
        number = isinstance(widget.parent(), QAbstractSpinBox)
        return not (event.key() in _MOVING and (isinstance(widget, _USE_MOVING) or number)) and (
            not (number and event.text().isdigit())
        )

    def _plays(self, widget: QWidget, event: QKeyEvent) -> bool:
        """True when a key pressed at this widget is the piano's and not text or a shortcut."""
        if widget.window() is not self._window or event.modifiers() & _NO_PIANO:
            return False
        # Letters mean nothing to the number in a spin box, so they go on playing.
        return not _is_text(widget)


def _is_text(widget: QWidget) -> bool:
    if isinstance(widget, QTextEdit | QPlainTextEdit):
        return True
    return isinstance(widget, QLineEdit) and not isinstance(widget.parent(), QAbstractSpinBox)


def _name_of(event: QKeyEvent) -> str:
    """The piano's name of the key; see ui.shortcuts.piano_keys."""
    return key_name(_letter(event), event.nativeScanCode())


def _letter(event: QKeyEvent) -> str:
    return chr(event.key()) if 32 < event.key() < 127 else ""
