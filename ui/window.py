"""The main window: waterfall, controls, notice, status line; keys and mouse that play.

Runs on: the window's thread. It polls the newest snapshot about 60 times a second and sends
commands; nothing in it waits, and no note but those of the computer's keys passes through it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from PyQt6.QtCore import QEvent, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent
from PyQt6.QtWidgets import QApplication, QVBoxLayout, QWidget

from jam.clock import Clock, SystemClock
from jam.grid import TempoMap
from jam.messages import ChangeSettings, Panic, SelectDevices, Snapshot, Start, Stop
from jam.settings import JamSettings
from ui.actions import Action, Actions
from ui.controls import Controls, hardware_inputs
from ui.key_filter import KeyFilter
from ui.keyboard import ComputerPiano, letters_by_pitch
from ui.link import EngineLink
from ui.notice import Notice
from ui.pages import Pages
from ui.status import StatusLine, notice_of
from ui.theme import DARK, Theme, palette, style_sheet
from ui.waterfall import Waterfall

JAM = "Jam"
"""The title of the first page."""
POLL_MS = 16
SAVE_DELAY_MS = 500
ECHO_S = 1.5
"""How long the engine's settings are not taken over while a change of ours is under way."""
FRUGAL_MS, LAVISH_MS = 5.0, 3.0
"""When painting takes longer, every second picture is left out; when it takes less, none is."""


class MainWindow(QWidget):
    """The window. `clock` is the engine's clock; tests give their own."""

    closed = pyqtSignal()

    def __init__(
        self,
        link: EngineLink,
        settings: JamSettings,
        save_settings: Callable[[JamSettings], None] | None = None,
        clock: Clock | None = None,
        theme: Theme = DARK,
    ) -> None:
        super().__init__()
        self.link = link
        self.clock = clock or SystemClock()
        self._save_settings = save_settings
        self._snapshot: Snapshot | None = None
        self._sent: JamSettings | None = None
        self._sent_at_s = 0.0
        self._polls = 0
        self._frugal = False
        self.setWindowTitle("jam")
        if isinstance(app := QApplication.instance(), QApplication):
            app.setPalette(palette(theme))
        self.setStyleSheet(style_sheet(theme))
        self.setMinimumHeight(480)

        self.controls = Controls(settings)
        self.notice = Notice()
        self._news = ""
        self.waterfall = Waterfall(theme)
        self.status = StatusLine()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        self.pages = Pages()
        self.pages.add_page(JAM, self._jam_page(), "Play, and see what the agent plans.")
        self.pages.page_shown.connect(self._on_page)
        column.addWidget(self.pages.header)
        column.addWidget(self.notice)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)

        self.piano = ComputerPiano(link.send, self.clock.now_s)
        self.keymap = Actions()
        self.keymap.add(Action("Start or stop", "Play", ("Space",), self.start_stop, JAM))
        self.keys = KeyFilter(
            self, self.keymap, self.piano, lambda: self.pages.page, self._escape,
            self._show_letters,
        )  # fmt: skip
        self.controls.start_stop.connect(self.start_stop)
        self.controls.panic.connect(self.panic)
        self.controls.settings_changed.connect(self._on_settings)
        self.controls.midi_inputs_chosen.connect(
            lambda names: link.send(SelectDevices(midi_inputs=names))
        )
        self.controls.key_range_chosen.connect(
            lambda low, high: self.waterfall.set_view(
                replace(self.waterfall.view, low_pitch=low, high_pitch=high)
            )
        )
        self.controls.done.connect(self.waterfall.setFocus)
        self.waterfall.key_pressed.connect(lambda pitch: self.piano.note_down("mouse", pitch))
        self.waterfall.key_released.connect(lambda _: self.piano.note_up("mouse"))

        self._save_timer = QTimer(self)
        self._save_timer.setSingleShot(True)
        self._save_timer.setInterval(SAVE_DELAY_MS)
        self._save_timer.timeout.connect(self._save)
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()
        self.waterfall.setFocus()
        self.status.show_status(None, 0.0)

    def _jam_page(self) -> QWidget:
        page = QWidget()
        column = QVBoxLayout(page)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.controls)
        column.addWidget(self.waterfall, 1)
        return page

    def _on_page(self, title: str) -> None:
        if title == JAM:
            self.waterfall.setFocus()

    # Engine to window

    def poll(self) -> None:
        """Take the newest snapshot and have repainted what moved."""
        snapshot = self.link.snapshot()
        if snapshot is None:
            if self.waterfall.scene is None:
                self.waterfall.show_moment(_before_the_first(self.controls.settings), 0.0)
            return
        now_s = self.clock.now_s()
        fresh = snapshot is not self._snapshot and snapshot != self._snapshot
        if fresh:
            self._snapshot = snapshot
            self._take_settings(snapshot.settings, now_s)
            self.controls.show_running(snapshot.running)
            self.controls.midi_input.show_devices(snapshot.devices)
            lines = (self._news, notice_of(snapshot))
            self.notice.show_notice("\n".join(line for line in lines if line))
            self._show_letters()
        self._polls += 1
        if self._polls % 60 == 0:
            self._frugal = is_frugal(self._frugal, self.waterfall.mean_paint_ms())
        scene = self.waterfall.scene
        if scene is None or not scene.moving:
            if not fresh and scene is not None:
                return
        elif self._frugal and self._polls % 2:
            return  # the processor is short: the music needs it more than the picture
        self.waterfall.show_moment(snapshot, now_s)
        self.status.show_status(snapshot, now_s)

    def _take_settings(self, settings: JamSettings, now_s: float) -> None:
        """Follow what the engine says, unless a change of ours is still on its way to it."""
        if self._sent is not None:
            if settings != self._sent and now_s - self._sent_at_s < ECHO_S:
                return
            self._sent = None
        if settings != self.controls.settings:
            self.controls.show_settings(settings)

    def _show_letters(self) -> None:
        """The computer keys are written on the piano while nothing else is there to play on."""
        others = hardware_inputs(self._snapshot.devices) if self._snapshot is not None else ()
        self.waterfall.set_letters({} if others else letters_by_pitch(self.piano.octave))

    def tell(self, news: str) -> None:
        """Show a sentence that doesn't come from the engine."""
        self._news = news
        self.notice.show_notice(news)

    # Window to engine

    @property
    def running(self) -> bool:
        return self._snapshot is not None and self._snapshot.running

    def start_stop(self) -> None:
        self.link.send(Stop() if self.running else Start(seed=secrets.randbits(32)))

    def panic(self) -> None:
        """Silence; the keys that are down are forgotten, so they can't sound again."""
        self.release_keys()
        self.link.send(Panic())

    def _escape(self) -> None:
        self.panic()
        if QApplication.activeModalWidget() is None and self.pages.page == JAM:
            self.waterfall.setFocus()

    def release_keys(self) -> None:
        self.waterfall.release_mouse_key()
        self.piano.release_all()

    def _on_settings(self, settings: JamSettings) -> None:
        self._sent, self._sent_at_s = settings, self.clock.now_s()
        self.link.send(ChangeSettings(settings))
        self._save_timer.start()

    def _save(self) -> None:
        if self._save_settings is not None:
            self._save_settings(self.controls.settings)

    def event(self, a0: QEvent | None) -> bool:
        if a0 is not None and a0.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.Hide):
            self.release_keys()
        return super().event(a0)

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        self._timer.stop()
        self.release_keys()
        self.keys.close()
        if self._save_timer.isActive():
            self._save_timer.stop()
            self._save()
        self.closed.emit()
        super().closeEvent(a0)


def is_frugal(before: bool, mean_paint_ms: float) -> bool:
    """Whether to draw 30 pictures a second instead of 60, with some play in between."""
    return mean_paint_ms > (LAVISH_MS if before else FRUGAL_MS)


def _before_the_first(settings: JamSettings) -> Snapshot:
    """What is shown until the engine has said something."""
    tempo_map = TempoMap.constant(settings.bpm, settings.meter)
    return Snapshot(0, False, "starting", 0.0, tempo_map, settings)
