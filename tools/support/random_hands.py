"""Random hands on the window: what `tools/random_user.py` does, and what it watches for."""

from __future__ import annotations

import random
import sys
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable
from typing import Any

from PyQt6 import QtTest, sip
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt, QTimer
from PyQt6.QtGui import QKeyEvent, QKeySequence, QMouseEvent, QWheelEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLineEdit,
    QTabBar,
    QWidget,
)

from jam.engine.engine import Engine
from jam.messages.commands import ChangeSettings, KeyInput
from jam.messages.controls import ControlMoved
from jam.messages.snapshot import Snapshot
from ui.common.pages import JAM, REVIEW
from ui.jam_page.waterfall import Waterfall
from ui.review.roll import Roll
from ui.window import MainWindow

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods
_NONE = Qt.KeyboardModifier.NoModifier
_USED: tuple[type[QWidget], ...] = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QTabBar,
    Roll,
    Waterfall,
)
_MOVING = (
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
    Qt.Key.Key_Return,
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_Left,
    Qt.Key.Key_Right,
    Qt.Key.Key_Home,
    Qt.Key.Key_End,
    Qt.Key.Key_Backspace,
)
_COMMANDS = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
KEY_UP = "key up"
STEP_MS = 25
CHECK_EVERY_S = 40.0
"""So often everything is let go of and stopped, to see that it falls silent."""
SILENT_WITHIN_S = 30.0
"""Tubular bells ring for 19 s until the synth lets their voices go."""
BUSY_S, STILL_S = 5.0, 60.0
"""The window may not compute for so long between two steps, nor wait for so long: on a machine
that others use, too, only the first says how quick the window is."""
_TOLD = 40
"""Of the last things done, at a failure."""


class Failure(Exception):
    """What must not be."""


class CountingLink:
    """The engine, with what was sent to it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.n_sent: Counter[str] = Counter()
        self.down: Counter[int] = Counter()
        """By pitch: keys that were pressed and not yet let go of."""

    def send(self, command: object) -> None:
        name = type(command).__name__
        if isinstance(command, KeyInput):
            name = "key down" if command.velocity else KEY_UP
            self.down[command.pitch] += 1 if command.velocity else -1
        self.n_sent[name] += 1
        self._engine.send(command)

    def snapshot(self) -> Snapshot | None:
        return self._engine.snapshot()

    def controls_moved(self) -> list[ControlMoved]:
        return self._engine.controls_moved()

    def close(self) -> None:
        self._engine.close()


class RandomUser:
    """Does one thing after the other. Every next step is set before the present one is done, so
    that it also comes while a menu or a dialog has a loop of its own.
    """

    def __init__(
        self, app: QApplication, window: MainWindow, link: CountingLink, seed: int, for_s: float
    ) -> None:
        self.app, self.window, self.link = app, window, link
        self.dice = random.Random(seed)
        self.done: deque[str] = deque(maxlen=_TOLD)
        self.counts: Counter[str] = Counter()
        self.failure = ""
        self.longest_s = 0.0
        self.n_checks = 0
        self._end_s = time.monotonic() + for_s
        self._next_check_s = time.monotonic() + CHECK_EVERY_S
        self._silent_by_s = 0.0
        self._last_s, self._used_s = time.monotonic(), time.process_time()
        sys.excepthook = self._on_exception

    def start(self) -> None:
        self._later()

    def _later(self, after_ms: int = STEP_MS) -> None:
        QTimer.singleShot(after_ms, self._step)

    def _on_exception(self, kind: Any, error: Any, trace: Any) -> None:
        self._fail("".join(traceback.format_exception(kind, error, trace)))

    def _fail(self, words: str) -> None:
        if not self.failure:
            self.failure = words
        self.app.exit(1)

    def _step(self) -> None:
        now_s, busy_s = time.monotonic(), time.process_time() - self._used_s
        self._used_s += busy_s
        self.longest_s = max(self.longest_s, busy_s)
        if busy_s > BUSY_S or now_s - self._last_s > STILL_S:
            self._fail(
                f"the window stood still for {now_s - self._last_s:.1f} s, busy {busy_s:.1f} s"
            )
        self._last_s = now_s
        if self.failure:
            return
        if self._silent_by_s:
            self._look_for_silence(now_s)
            return
        if now_s >= self._end_s or now_s >= self._next_check_s:
            self._let_go()
            return
        self._later()
        try:
            self._do(self._choose())
        except Failure as failure:
            self._fail(str(failure))

    # What is done

    def _choose(self) -> Callable[[], str]:
        ways = (
            (5, self._letter),
            (3, self._command),
            (2, self._moving),
            (1, self._escape),
            (1, self._release),
            (5, self._click),
            (1, self._drag),
            (1, self._wheel),
            (1, self._into_a_field),
            (0.15, self._other_page),
            (0.6, self._jam),
        )
        weights, actions = zip(*ways, strict=True)
        return self.dice.choices(actions, weights)[0]

    def _do(self, action: Callable[[], str]) -> None:
        name = action.__name__.strip("_")
        self.counts[name] += 1
        self.done.append(name)
        self.done[-1] = f"{name}: {action()}"

    def _target(self) -> Any:
        """The widget that gets what is typed."""
        app = self.app
        top = app.activePopupWidget() or app.activeModalWidget()
        if top is not None:
            return top.focusWidget() or top
        return self.window.focusWidget() or self.window

    def _key(self, code: Any, text: str, modifiers: Any, release: bool = True) -> str:
        widget = self._target()
        plain = bool(text) and text.isprintable() and not modifiers & _COMMANDS
        in_text = (
            isinstance(widget, QLineEdit)
            and not isinstance(widget.parent(), QAbstractSpinBox)
            and not widget.isReadOnly()
        )
        before = self._state()
        for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease)[: 2 if release else 1]:
            self.app.sendEvent(widget, QKeyEvent(kind, code, modifiers, text))
        if in_text and plain and self._state() != before:
            raise Failure(f"{text!r} typed into {_name(widget)} was a command")
        return f"{text or code} at {_name(widget)}"

    def _state(self) -> tuple[object, ...]:
        """All that a key may change which is a command, but text in fields."""
        window = self.window
        # A key that went down elsewhere may come up in a field.
        commands = sum(n for name, n in self.link.n_sent.items() if name != KEY_UP)
        return window.model.settings, window.look.settings, window.pages.page, commands

    def _letter(self) -> str:
        text = self.dice.choice("awsedftgyhujkolp;'zxbnmvq[]\\+-=.,0123456789 ")
        return self._key(_code(text), text, _NONE, release=self.dice.random() < 0.8)

    def _command(self) -> str:
        action = self.dice.choice([action for action in self.window.keymap if action.keys])
        key = self.dice.choice(action.keys)
        if key in ("Ctrl+Q", "F11"):
            return "not that one"
        combination = QKeySequence(key)[0]
        text = key.lower() if len(key) == 1 else " " if key == "Space" else ""
        modifiers = combination.keyboardModifiers()
        return f"{key} ({self._key(combination.key(), text, modifiers)})"

    def _moving(self) -> str:
        return self._key(self.dice.choice(_MOVING), "", _NONE)

    def _escape(self) -> str:
        return self._key(Qt.Key.Key_Escape, "", _NONE)

    def _release(self) -> str:
        text = self.dice.choice("awsedftgyhujkolp;'")
        event = QKeyEvent(QEvent.Type.KeyRelease, _code(text), _NONE, text)
        self.app.sendEvent(self._target(), event)
        return text

    def _point(self) -> tuple[Any, Any]:
        """A widget that the mouse may reach, and a point in it."""
        app = self.app
        top = app.activePopupWidget() or app.activeModalWidget() or self.window
        if self.dice.random() < 0.6:  # something to be used, rather than an empty place
            used = [w for kind in _USED for w in top.findChildren(kind) if w.isVisible()]
            if used:
                widget = self.dice.choice(used)
                return widget, _in(self.dice, widget)
        at = _in(self.dice, top)
        widget = top.childAt(at) or top
        return widget, widget.mapFrom(top, at) if widget is not top else at

    def _mouse(self, kind: Any, widget: Any, at: Any, button: Any, buttons: Any) -> None:
        where = QPointF(widget.mapToGlobal(at))
        self.app.sendEvent(widget, QMouseEvent(kind, QPointF(at), where, button, buttons, _NONE))

    def _click(self) -> str:
        widget, at = self._point()
        right = self.dice.random() < 0.1
        button = Qt.MouseButton.RightButton if right else Qt.MouseButton.LeftButton
        name = _name(widget)
        self.done[-1] = f"click at {name}"
        QTest.mouseClick(widget, button, _NONE, at)
        return name

    def _drag(self) -> str:
        widget, at = self._point()
        left, no = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        name = _name(widget)
        self._mouse(QEvent.Type.MouseButtonPress, widget, at, left, left)
        for _ in range(self.dice.randint(1, 6)):
            at = at + QPoint(self.dice.randint(-60, 60), self.dice.randint(-20, 20))
            if not _alive(widget):
                return name
            self._mouse(QEvent.Type.MouseMove, widget, at, no, left)
        if _alive(widget):
            self._mouse(QEvent.Type.MouseButtonRelease, widget, at, left, no)
        return name

    def _wheel(self) -> str:
        widget, at = self._point()
        control = Qt.KeyboardModifier.ControlModifier
        modifiers = control if self.dice.random() < 0.3 else _NONE
        turned = QPoint(0, self.dice.choice((-120, 120)))
        event = QWheelEvent(
            QPointF(at),
            QPointF(widget.mapToGlobal(at)),
            QPoint(),
            turned,
            Qt.MouseButton.NoButton,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        name = _name(widget)
        self.app.sendEvent(widget, event)
        return name

    def _into_a_field(self) -> str:
        """The focus goes to a field, where one then types."""
        kinds = (QLineEdit, QAbstractSpinBox)
        fields = [w for kind in kinds for w in self.window.findChildren(kind) if w.isVisible()]
        if not fields or self.app.activeModalWidget() or self.app.activePopupWidget():
            return "none"
        field = self.dice.choice(fields)
        field.setFocus(Qt.FocusReason.MouseFocusReason)
        return _name(field)

    def _other_page(self) -> str:
        if self.app.activeModalWidget() or self.app.activePopupWidget():
            return "not now"

        page = REVIEW if self.window.pages.page == JAM else JAM
        self.window.pages.show_page(page)
        return page

    def _jam(self) -> str:
        """A jam is going on, most of the time."""
        if not self.window.running:
            self.window.start_stop()
        return "started"

    # Whether it falls silent

    def _let_go(self) -> None:
        """Close what is open, let go of every key, stop the jam, and look for silence."""
        for _ in range(20):
            top = self.app.activePopupWidget() or self.app.activeModalWidget()
            if top is None:
                break
            top.close()
        for text in "awsedftgyhujkolp;'":
            event = QKeyEvent(QEvent.Type.KeyRelease, _code(text), _NONE, text)
            self.app.sendEvent(self.window.waterfall, event)
        self.window.waterfall.release_mouse_key()
        if self.window.review.model.player.playing:
            self.window.review.model.player.play_pause()
        self.window.demo.end()
        self.window.stop()
        self._silent_by_s = time.monotonic() + SILENT_WITHIN_S
        self._later(200)

    def _look_for_silence(self, now_s: float) -> None:
        snapshot = self.link.snapshot()
        if snapshot is None:
            self._fail("the engine has nothing to show")
            return
        held = sorted(pitch for pitch, n in self.link.down.items() if n)
        played = [note.pitch for note in snapshot.played if note.end_s is None]
        silent = not held and not played and not snapshot.counters.voices and not snapshot.running
        if silent:
            self.n_checks += 1
            self._silent_by_s = 0.0
            self._next_check_s = now_s + CHECK_EVERY_S
            if now_s >= self._end_s:
                self.app.exit(0)
                return
            self.window.start_stop()
        elif now_s > self._silent_by_s:
            self._fail(
                f"after all was let go of: keys {held} and notes {played} are held,"
                f" {snapshot.counters.voices} voices sound, running: {snapshot.running},"
                f" playback: {snapshot.playback}, problems: {snapshot.devices.problems}"
            )
            return
        # The counters are only told with other news.
        self.link.send(ChangeSettings(self.window.model.settings))
        self._later(500)

    def report(self) -> int:
        """Print what was done; the exit status."""
        done = ", ".join(f"{name} {n}" for name, n in sorted(self.counts.items()))
        print(f"random user: {sum(self.counts.values())} things done ({done})")
        sent = ", ".join(f"{name} {n}" for name, n in sorted(self.link.n_sent.items()))
        print(f"random user: sent to the engine: {sent}")
        print(
            f"random user: {self.n_checks} times silent after all was let go of; the window was"
            f" never busy for more than {self.longest_s:.2f} s of the processor's time"
        )
        if self.failure:
            print("random user: FAILED\n" + self.failure)
            print("The last things done:\n  " + "\n  ".join(self.done))
            return 1
        print("random user: no exception, no stuck note, no command typed in a field")
        return 0


def _in(dice: random.Random, widget: QWidget) -> QPoint:
    """A point in a widget."""
    return QPoint(dice.randrange(max(1, widget.width())), dice.randrange(max(1, widget.height())))


def _code(text: str) -> Any:
    return Qt.Key(ord(text.upper()))


def _alive(widget: Any) -> bool:
    return not sip.isdeleted(widget)


def _name(widget: Any) -> str:
    return f"{type(widget).__name__} {widget.accessibleName() or widget.objectName()}".strip()
