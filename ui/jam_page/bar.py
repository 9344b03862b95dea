"""The bar: what the hands need while playing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from jam.accompaniment import playable_style
from jam.messages.sync import LOCKED, LOST, MIDI_CLOCK, NOT_SYNCED, PLAYER, WAITING, SyncState
from jam.music.grid import MAX_BPM, MIN_BPM
from jam.settings import SETTINGS, JamSettings
from ui.common.flow import FlowLayout, SizedLabel, expanding, together
from ui.settings.fields import Fields, caption_of, captioned, describe
from ui.settings.model import SettingsModel
from ui.settings.style_combo import StyleCombo

_MAX_SLIDER_PX = 240
_GROUPS_PX = 16
"""Between groups of controls."""
PLAYER_LEADS = "The tempo follows you: after the count-in there is no click."
_LONGEST_SYNC = "● Link: locked, 120.5 bpm, 2 peers"
SAFE, SURPRISING = "safe", "surprising"
"""The ends of the slider of how adventurous the chords are."""


class Bar(QFrame):
    """Start, tempo, metre, style, plan and volumes, bound to the model of the settings."""

    start_stop = pyqtSignal()
    tap = pyqtSignal()
    done = pyqtSignal()
    """A value was typed in and confirmed: the keyboard may play again."""

    def __init__(self, model: SettingsModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("controls")
        self.fields = Fields(model, SETTINGS)
        self.fields.done = self.done.emit
        self.start = self._button("Start", "start", "Start or stop (Space).", self.start_stop.emit)
        self.tap_button = self._button(
            "Tap", "tap", "Tap here or press B in time to set the tempo."
        )
        self.tap_button.pressed.connect(self.tap.emit)  # the beat is when the finger goes down
        flow = FlowLayout(_GROUPS_PX)
        groups = self._time(), self._plan(), self._adventurous(), self._volumes(), self._parts()
        for group in (self.start, *groups):
            flow.addWidget(group)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.addLayout(flow)
        self._show_parts(model.settings)
        model.shown.connect(self._show_parts)

    # What is on it

    def _time(self) -> QWidget:
        tempo, metre = self.fields.number("bpm"), self.fields.choice("meter")
        metre.setMinimumContentsLength(4)
        self.sync = SizedLabel(_LONGEST_SYNC)  # nothing moves with what it says
        self.sync.setAccessibleName("Who gives the beat")
        described = self.fields.lines["beat_from"]
        self._sync_box = captioned(self.sync, described.label)
        self._sync_box.hide()
        self._show_sync(NOT_SYNCED)
        return together(
            self._captioned(tempo), self.tap_button, self._captioned(metre), self._sync_box
        )

    def show_sync(self, sync: SyncState) -> None:
        """Who gives the beat, and how it stands; nothing where that is jam itself."""
        if sync != self._sync:
            self._show_sync(sync)

    def _show_sync(self, sync: SyncState) -> None:
        self._sync = sync
        self._sync_box.setVisible(bool(sync.words))
        theirs = sync.source == MIDI_CLOCK  # a clock can't be told another tempo
        for widget in (self.fields.made["bpm"], self.tap_button):
            widget.setEnabled(not theirs)
        if not sync.words:
            return
        sign = {LOCKED: "●", WAITING: "▲", LOST: "■"}.get(sync.state, "")
        self.sync.setText(f"{sign} {sync.words}")
        details = [f"From {sync.name}." if sync.name else "", sync.problem]
        if sync.jitter_ms:
            details.append(f"Its ticks waver by {sync.jitter_ms:.1f} ms.")
        self.sync.setToolTip(" ".join(filter(None, details)) or self.fields.lines["beat_from"].tip)

    def _plan(self) -> QWidget:
        fields = self.fields
        style = StyleCombo()
        style.chosen.connect(lambda name: fields.model.change(accompaniment=name))
        fields.add("accompaniment", style, lambda s: style.show_style(s.accompaniment))
        lookahead, commit = fields.count("lookahead_beats"), fields.count("commit_beats")
        return together(*(self._captioned(one) for one in (style, lookahead, commit)))

    def _adventurous(self) -> QWidget:
        slider = self.fields.slider("adventurous")
        caption = caption_of(slider, self.fields.caption("adventurous"))
        box = self._captioned(slider, 96, _between(SAFE, caption, SURPRISING))
        return expanding(box, 2 * _MAX_SLIDER_PX)

    def _volumes(self) -> QWidget:
        sliders = (self.fields.slider(name) for name in ("player_volume", "agent_volume"))
        boxes = together(*(self._captioned(slider, 64) for slider in sliders))
        return expanding(boxes, 2 * _MAX_SLIDER_PX)

    def _parts(self) -> QWidget:
        fields = self.fields
        switches = QWidget()
        switches.setObjectName("captioned")
        column = QVBoxLayout(switches)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for setting in ("bass", "drums"):
            column.addWidget(fields.switch(setting))
        metronome = fields.switch("metronome")
        click = self._captioned(fields.slider("metronome_volume"), 64, metronome)
        return expanding(together(switches, click), 2 * _MAX_SLIDER_PX)

    def _show_parts(self, settings: JamSettings) -> None:
        """What the style doesn't have can't be turned on."""
        style = playable_style(settings.accompaniment)
        for part in ("bass", "drums"):
            switch = self.fields.made[part]
            tip = self.fields.lines[part].tip
            has = part in style.parts
            switch.setEnabled(has)
            switch.setToolTip(tip if has else f"{style.title} has no {part}.")
        click, leads = self.fields.made["metronome"], settings.beat_from == PLAYER
        click.setEnabled(not leads)
        click.setToolTip(PLAYER_LEADS if leads else self.fields.lines["metronome"].tip)

    # Building

    def _captioned(self, widget: QWidget, width: int = 0, above: QWidget | None = None) -> QWidget:
        """A control below its caption. above: what is shown in place of the setting's own."""
        caption = above or self.fields.caption(widget.objectName())
        if width:
            widget.setMinimumWidth(width)
        box = captioned(widget, caption)
        if isinstance(widget, QSlider):
            return expanding(box)
        widget.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        return box

    def _button(
        self, text: str, name: str, tip: str, clicked: Callable[[], None] | None = None
    ) -> QPushButton:
        button = QPushButton(text)
        describe(button, name, text, tip)
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding)
        if clicked is not None:
            button.clicked.connect(lambda _: clicked())
        return button

    def show_running(self, running: bool) -> None:
        """The button says what it would do now."""
        if self.start.property("running") == running:
            return
        self.start.setText("Stop" if running else "Start")
        self.start.setAccessibleName(self.start.text())
        self.start.setProperty("running", running)
        if (style := self.start.style()) is not None:
            style.unpolish(self.start)
            style.polish(self.start)

    def control(self, setting: str) -> QWidget:
        """The control of a setting."""
        return self.fields.made[setting]


def _between(left: str, caption: QWidget, right: str) -> QWidget:
    """A slider's caption between the names of its ends."""
    box = QWidget()
    box.setObjectName("captioned")
    row = QHBoxLayout(box)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(8)
    for widget in (QLabel(left), caption, QLabel(right)):
        if widget is not caption:
            widget.setObjectName("end")
        row.addWidget(widget)
        row.addStretch()
    row.takeAt(row.count() - 1)
    return box


FORGET_S = 2.0
"""After so long without a tap, the next one begins anew."""

_TAPS = 9


class TapTempo:
    """Turns taps into beats per minute. One tap that is early, late or missing does no harm: the
    median of the last intervals counts.
    """

    def __init__(self) -> None:
        self._taps_s: deque[float] = deque(maxlen=_TAPS)

    def tap(self, at_s: float) -> float | None:
        """A tap at a time; the tempo in whole beats per minute, None after the first tap."""
        if self._taps_s and not 0 < at_s - self._taps_s[-1] <= FORGET_S:
            self._taps_s.clear()
        self._taps_s.append(at_s)
        if len(self._taps_s) < 2:
            return None
        interval_s = median(later - earlier for earlier, later in pairwise(self._taps_s))
        return min(MAX_BPM, max(MIN_BPM, float(round(60 / interval_s))))
