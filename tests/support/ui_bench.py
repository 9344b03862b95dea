"""A window on a link that only pretends, driven by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6 import sip
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import QApplication, QCheckBox, QLineEdit, QWidget

from jam.clock import FakeClock
from jam.messages.commands import ChangeSettings, KeyInput
from jam.music.grid import Meter
from jam.preferences import Preferences
from jam.settings import SETTINGS, JamSettings
from tests.support.ui_fake import FakeLink
from ui.engine_link import EngineLink
from ui.jam_page.bar import Bar
from ui.settings.fields import Choice, CountSpin, NumberSpin, Slider
from ui.settings.style_combo import StyleCombo
from ui.window import MainWindow


class Bench:
    """A window on a fake link, driven by hand: `tick` is one poll."""

    def __init__(
        self, preferences: Preferences | None = None, save: Callable[..., object] | None = None
    ) -> None:
        self.clock = FakeClock(100.0)
        preferences = preferences or Preferences()
        self.link = FakeLink(self.clock, preferences.settings)
        self.kept: dict[str, Any] = {}
        self.saves: list[dict[str, Any]] = []
        link: EngineLink = self.link
        self.window = MainWindow(link, preferences, save or self.save, self.clock)
        self.window._timer.stop()
        if not preferences.view.geometry:
            self.window.resize(1280, 720)

    def close(self) -> None:
        """Close the window for good: one that only waits to be deleted slows all later ones."""
        if not sip.isdeleted(self.window):
            self.window.close()
            self.window.deleteLater()
            QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)

    def save(self, **values: Any) -> None:
        self.saves.append(values)
        self.kept.update(values)

    @property
    def saved(self) -> list[JamSettings]:
        return [values["settings"] for values in self.saves if "settings" in values]

    @property
    def controls(self) -> Bar:
        return self.window.controls

    def control(self, setting: str) -> Any:
        """The control of a setting, on the bar or in the panel."""
        parts = (self.controls, *self.window.page.sections.values())
        for made in (part.fields.made for part in parts):
            if setting in made:
                return made[setting]
        raise AssertionError(f"no control for {setting}")

    def tick(self, by_s: float = 0.0) -> None:
        self.clock.advance(by_s)
        self.window.poll()

    def sent(self, kind: type) -> list[object]:
        sent = [*self.link.sent, *self.link.of_controls]
        return [command for command in sent if isinstance(command, kind)]

    def notes(self) -> list[tuple[int, bool]]:
        return [(c.pitch, c.velocity > 0) for c in self.link.sent if isinstance(c, KeyInput)]

    def changed(self) -> JamSettings:
        command = self.sent(ChangeSettings)[-1]
        assert isinstance(command, ChangeSettings)
        return command.settings


def key(widget: QWidget, code: Qt.Key, repeat: bool = False, down: bool = True) -> None:
    kind = QEvent.Type.KeyPress if down else QEvent.Type.KeyRelease
    event = QKeyEvent(kind, code, Qt.KeyboardModifier.NoModifier, "", repeat)
    QApplication.sendEvent(widget, event)


def other_value(setting: str, now: object) -> Any:
    """A value that the setting doesn't have yet."""
    special: dict[str, Any] = {
        "meter": Meter(6, 8),
        "accompaniment": "waltz",
        "style": "jazz",
        "density": 2.0,
        "key_lock": (7, False),
        "palette": ("maj", "min7"),
        "model": "rules",
        "left_hand": "held",
        "metronome_sound": "cowbell",
        "clicks": "backbeat",
        "beat_from": "midi-clock",
        "voice_range": "tenor",
    }
    if setting in special:
        return special[setting]
    if isinstance(now, bool):
        return not now
    line = SETTINGS[setting]
    if isinstance(now, str) and line.choices:
        return next(choice.value for choice in line.choices if choice.value != now)
    if not isinstance(now, int | float):
        return 8
    if line.choices and line.limits is None:
        return next(choice.value for choice in line.choices if choice.value != now)
    low, high = line.numbers
    quarter = low + (high - low) / 4
    value = int(quarter) if isinstance(now, int) else quarter
    return value if value != now else type(now)(high)


def turn(control: Any, value: Any) -> None:
    """Set a control as a hand would, whatever kind it is."""
    if isinstance(control, QCheckBox):
        control.click()
    elif isinstance(control, Choice):
        index = control.values.index(value)
        control.setCurrentIndex(index)
        control.activated.emit(index)
    elif isinstance(control, StyleCombo):
        index = control._names.index(value)
        control.activated.emit(index)
    elif isinstance(control, Slider):
        control.setValue(round(value / control._step))
    elif isinstance(control, CountSpin | NumberSpin):
        control.setValue(value)
    elif isinstance(control, QLineEdit):
        control.setText(" ".join(value))
        control.editingFinished.emit()
    else:
        raise AssertionError(f"no way to turn {control}")
