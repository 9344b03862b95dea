"""Where a key press goes: what is open, an action, the piano, or the widget with the focus."""

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
    QDoubleSpinBox,
    QLineEdit,
    QListWidget,
    QPlainTextEdit,
    QSpinBox,
    QTabBar,
    QTextEdit,
    QWidget,
)

from ui.common.pages import JAM
from ui.shortcuts.actions import Actions, is_command
from ui.shortcuts.piano_keys import ComputerPiano, key_name

_NO_PIANO = (
    Qt.KeyboardModifier.ControlModifier
    | Qt.KeyboardModifier.AltModifier
    | Qt.KeyboardModifier.MetaModifier
)
_EDITING = frozenset("ACVXYZ")
"""With Ctrl, these belong to a field that has the focus."""
_CONFIRM = frozenset((Qt.Key.Key_Return, Qt.Key.Key_Enter))
_MOVING = _CONFIRM | {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
}
_USE_MOVING = QAbstractSpinBox | QAbstractSlider | QComboBox | QAbstractItemView | QTabBar
_PRESSED = QAbstractButton | QComboBox
"""Return presses them: Space, which would elsewhere, is for starting and stopping."""


class KeyFilter(QObject):
    """Sees every key press of the application before the widgets do.

    page: tells the page in front. escape: Esc was pressed where nothing is open and no field is
    left. leave: a field was left by Esc. octave_moved: Z or X was pressed.

    What is typed in a field is the field's, with no exception but keys that can't be text. Lists,
    sliders and numbers keep the keys that move in them, also at their ends.
    """

    def __init__(
        self,
        window: QWidget,
        actions: Actions,
        piano: ComputerPiano,
        page: Callable[[], str],
        escape: Callable[[], None],
        leave: Callable[[], None],
        octave_moved: Callable[[], None],
    ) -> None:
        super().__init__(window)
        self._window, self._actions, self._piano = window, actions, piano
        self._page, self._escape, self._leave = page, escape, leave
        self._octave_moved = octave_moved
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
            return self._key_press(_meant(a0), a1)
        if a1.type() == QEvent.Type.KeyRelease and isinstance(a1, QKeyEvent):
            if a1.isAutoRepeat():
                return False
            # Wherever the focus went meanwhile, a note that began here ends.
            used = self._piano.key_up(_name_of(a1))
            return used and self._plays(_meant(a0), a1)
        return False

    def _key_press(self, widget: QWidget, event: QKeyEvent) -> bool:
        if event.key() == Qt.Key.Key_Escape:
            return self._escape_press(widget, event)
        name = _name_of(event)
        is_piano = self._is_piano(name, event)
        action = None if is_piano else self._actions.find(event, self._page())
        if action is not None and self._is_action(widget, event):
            if action.repeats or not event.isAutoRepeat():
                action.run()
            return True
        if event.key() in _CONFIRM and self._is_here(widget) and isinstance(widget, _PRESSED):
            _press(widget)
            return True
        if not name or not self._plays(widget, event):
            return False
        if not event.isAutoRepeat():
            octave = self._piano.octave
            self._piano.key_down(name)
            if octave != self._piano.octave:
                self._octave_moved()
        return True

    def _escape_press(self, widget: QWidget, event: QKeyEvent) -> bool:
        if _dialog_is_open() or not self._is_here(widget):
            return False  # what is open closes
        if event.isAutoRepeat():
            return True
        if _is_text(widget) or _is_number(widget):
            _revert(widget)
            self._leave()
        else:
            self._escape()
        return True

    def _is_piano(self, name: str, event: QKeyEvent) -> bool:
        """True for a letter that is an action's elsewhere: on some national layouts it lies where
        the piano is (M on a French one), and what is drawn on the piano must play.
        """
        return bool(name) and not is_command(event) and self._page() == JAM

    def _is_action(self, widget: QWidget, event: QKeyEvent) -> bool:
        """True when a key that has an action is not meant for the widget with the focus."""
        if _dialog_is_open() or not self._is_here(widget):
            return False
        text, number = _is_text(widget), _is_number(widget)
        if is_command(event):
            control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
            return not ((text or number) and control and _letter(event) in _EDITING)
        if text:
            return False
        if event.key() == Qt.Key.Key_Space:
            return not isinstance(widget, QListWidget)  # in which Space ticks
        if number:
            return False
        return not (event.key() in _MOVING and isinstance(widget, _USE_MOVING))

    def _plays(self, widget: QWidget, event: QKeyEvent) -> bool:
        """True when a key pressed at this widget is the piano's and not text or a shortcut."""
        if not self._is_here(widget) or event.modifiers() & _NO_PIANO:
            return False
        # Letters mean nothing to a number, so they go on playing.
        return not _is_text(widget)

    def _is_here(self, widget: QWidget) -> bool:
        return widget.window() is self._window


def _meant(widget: QWidget) -> QWidget:
    """The widget with the focus, also where it has handed a key on to the ones around it."""
    focus = widget.window().focusWidget()  # type: ignore[union-attr]
    return focus if focus is not None and widget.isAncestorOf(focus) else widget


def _dialog_is_open() -> bool:
    """Or a menu or list."""
    return QApplication.activeModalWidget() is not None or (
        QApplication.activePopupWidget() is not None
    )


def _press(widget: QAbstractButton | QComboBox) -> None:
    if isinstance(widget, QComboBox):
        widget.showPopup()
    else:
        widget.click()


def _is_text(widget: QWidget) -> bool:
    if isinstance(widget, QTextEdit | QPlainTextEdit):
        return True
    return isinstance(widget, QLineEdit) and not isinstance(widget.parent(), QAbstractSpinBox)


def _is_number(widget: QWidget) -> bool:
    return isinstance(widget, QAbstractSpinBox) or isinstance(widget.parent(), QAbstractSpinBox)


def _revert(widget: QWidget) -> None:
    """Discard what was typed and not confirmed, or what is searched for."""
    match widget if isinstance(widget, QAbstractSpinBox) else widget.parent():
        case QSpinBox() as count:
            count.setValue(count.value())
        case QDoubleSpinBox() as number:
            number.setValue(number.value())
        case _:
            if (revert := getattr(widget, "revert", None)) is not None:
                revert()


def _name_of(event: QKeyEvent) -> str:
    """The piano's name of the key; see ui.shortcuts.piano_keys."""
    return key_name(_letter(event), event.nativeScanCode())


def _letter(event: QKeyEvent) -> str:
    return chr(event.key()) if 32 < event.key() < 127 else ""
