"""The bars below the roll: play, position, speed, loop; mutes; marks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QFrame, QLabel, QPushButton, QSlider, QVBoxLayout

from jam.audio.output import OWN_DRIVER_NAME
from jam.messages.snapshot import PlaybackState
from jam.messages.voice import RECORDING
from jam.stage.transport import MAX_SPEED, MIN_SPEED
from ui.common.flow import ElidedLabel, FlowLayout, SizedLabel, expanding, together

SPEED_STEP = 0.05
PARTS = (
    ("player", "You"),
    ("solo", "Solo"),
    ("chords", "Chords"),
    ("bass", "Bass"),
    ("drums", "Drums"),
)


HEAR_RECORDING = "Hear the recording"
HEAR_TIP = "Hear what the microphone heard, in time with the band."
AT_OWN_TEMPO = "Recording: at 100 % only"
NO_RECORDING = "Recording missing"


def recording_words(file: Path | None, speed: float, audio: str) -> tuple[str, str, bool]:
    """What the switch of the microphone's sound says, its tip, and whether it can be heard.

    file: where it is kept, or should be. audio: the sound device.
    """
    if file is None or not file.is_file():
        return NO_RECORDING, f"The microphone's sound isn't kept, or is gone: {file}", False
    if speed != 1.0:
        tip = "A voice can't be sped up or slowed down without changing it."
        return AT_OWN_TEMPO, tip, False
    if audio.startswith(OWN_DRIVER_NAME):
        tip = "FluidSynth's own driver plays nothing but the band: choose another audio device."
        return HEAR_RECORDING, tip, False
    return HEAR_RECORDING, HEAR_TIP, True


class TransportBar(QFrame):
    """Shows the state of the playback and tells what is wanted of it; it does nothing itself."""

    play_pause = pyqtSignal()
    to_start = pyqtSignal()
    speed_wanted = pyqtSignal(float)
    loop_wanted = pyqtSignal(bool)
    follow_wanted = pyqtSignal(bool)
    plan_wanted = pyqtSignal(bool)
    zoom_wanted = pyqtSignal(int)
    parts_muted = pyqtSignal(tuple)
    moment_wanted = pyqtSignal(str)
    """A mark of this kind at the playhead."""
    moment_sought = pyqtSignal(int)
    """-1: the one before; 1: the next."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("transport")
        self.play = self._button("▶", "Play", "Play or pause (Space).", self.play_pause.emit)
        self.play.setObjectName("play")
        self.start = self._button("|◀", "Go to start", "Go to start (Home).", self.to_start.emit)
        self.place = SizedLabel("bar 888.8   88:88.8 / 88:88")
        self.place.setAccessibleDescription("Position")
        self.speed = QSlider(Qt.Orientation.Horizontal)
        self.speed.setRange(round(MIN_SPEED * 100), round(MAX_SPEED * 100))
        self.speed.setSingleStep(5)
        self.speed.setPageStep(10)
        self.speed.setValue(100)
        self.speed.setFixedWidth(110)
        self.speed.setAccessibleName("Speed in percent")
        self.speed.setToolTip("Speed, 50 to 150 %; pitch doesn't change (Up, Down).")
        self.speed_label = SizedLabel("100 %")
        self.speed.valueChanged.connect(self._on_speed)
        self.loop = self._switch(
            "Loop",
            "Repeat a passage: drag across the roll, or press [ and ] at its ends. \\ loops the"
            " current bar.",
            self.loop_wanted.emit,
        )
        self.follow = self._switch("Follow", "Scroll with the music (V).", self.follow_wanted.emit)
        self.follow.setChecked(True)
        self.plan = self._switch(
            "Plan",
            "Show what the agent was planning at this point (Ctrl+H).",
            self.plan_wanted.emit,
        )
        self.plan.setChecked(True)
        self.smaller = self._button(
            "−", "Zoom out", "Zoom out (PgUp or Ctrl+scroll).", lambda: self.zoom_wanted.emit(-1)
        )
        self.larger = self._button(
            "+", "Zoom in", "Zoom in (PgDown or Ctrl+scroll).", lambda: self.zoom_wanted.emit(1)
        )
        self.words = ElidedLabel(36)
        self.words.setObjectName("hint")
        self.words.setAccessibleDescription("The plan at this point")
        self.parts: dict[str, QPushButton] = {}
        self.recording = self._switch(HEAR_RECORDING, HEAR_TIP, lambda _: self._on_parts())
        self.recording.setChecked(True)
        self.recording.hide()
        for part, title in PARTS:
            self.parts[part] = self._switch(
                title, f"Mute/unmute {title}.", lambda _: self._on_parts()
            )
            self.parts[part].setChecked(True)
            self.parts[part].setAccessibleName(f"{title} audible")
        self.before = self._button(
            "◂", "Previous mark", "Previous mark (,).", lambda: self.moment_sought.emit(-1)
        )
        self.next = self._button(
            "▸", "Next mark", "Next mark (.).", lambda: self.moment_sought.emit(1)
        )
        self.good = self._button(
            "+ good", "Mark as good", "Mark as good (+).", lambda: self.moment_wanted.emit("good")
        )
        self.bad = self._button(
            "– bad", "Mark as bad", "Mark as bad (-).", lambda: self.moment_wanted.emit("bad")
        )
        self.mark = self._button(
            "⚑ mark", "Mark", "Put a mark here (M).", lambda: self.moment_wanted.emit("marker")
        )
        self._lay_out()

    def _lay_out(self) -> None:
        caption = QLabel("Speed")
        caption.setObjectName("hint")
        upper, lower = FlowLayout(), FlowLayout()
        upper.addWidget(expanding(together(self.start, self.play, self.place)))
        upper.addWidget(together(caption, self.speed, self.speed_label))
        upper.addWidget(together(self.loop, self.follow, self.plan, self.smaller, self.larger))
        lower.addWidget(expanding(self.words))
        lower.addWidget(together(*self.parts.values()))
        lower.addWidget(self.recording)
        marks = (self.before, self.next, self.good, self.bad, self.mark)
        lower.addWidget(together(*marks))
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 6, 12, 8)
        column.setSpacing(6)
        column.addLayout(upper)
        column.addLayout(lower)

    def _button(self, text: str, name: str, tip: str, clicked: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        button.setAccessibleName(name)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.clicked.connect(lambda _: clicked())
        return button

    def _switch(self, text: str, tip: str, toggled: Callable[[bool], object]) -> QPushButton:
        button = QPushButton(text)
        button.setCheckable(True)
        button.setAccessibleName(text)
        button.setToolTip(tip)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.toggled.connect(toggled)
        return button

    def _on_speed(self, percent: int) -> None:
        self.speed_label.setText(f"{percent} %")
        self.speed_wanted.emit(percent / 100)

    def _on_parts(self) -> None:
        parts = {**self.parts, RECORDING: self.recording}
        self.parts_muted.emit(
            tuple(part for part, button in parts.items() if not button.isChecked())
        )

    def show_recording(self, wished: bool, file: Path | None, audio: str) -> None:
        """Whether the microphone's sound was to be kept, where it is, and where it would sound."""
        self.recording.setVisible(wished)
        if not wished:
            return
        text, tip, can_be_heard = recording_words(file, self.speed.value() / 100, audio)
        _write(self.recording, text)
        self.recording.setToolTip(tip)
        self.recording.setEnabled(can_be_heard)

    def show_state(self, state: PlaybackState | None, place: str) -> None:
        """Follow what the engine says."""
        playing = state is not None and state.playing
        _write(self.play, "❚❚" if playing else "▶")
        if self.place.text() != place:
            self.place.setText(place)
        self.play.setEnabled(state is not None)
        if state is None:
            return
        with QSignalBlocker(self.speed):
            if not self.speed.isSliderDown():
                self.speed.setValue(round(state.speed * 100))
        self.speed_label.setText(f"{self.speed.value()} %")
        self._check(self.loop, state.loop is not None)

    def show_words(self, words: str) -> None:
        if self.words.text() != words:
            self.words.setText(words)

    def show_follow(self, on: bool) -> None:
        self._check(self.follow, on)

    def show_plan_lane(self, on: bool) -> None:
        self._check(self.plan, on)

    @staticmethod
    def _check(button: QPushButton, on: bool) -> None:
        with QSignalBlocker(button):
            button.setChecked(on)


def _write(button: QPushButton, text: str) -> None:
    if button.text() != text:
        button.setText(text)
