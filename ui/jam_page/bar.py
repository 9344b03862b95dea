"""The bar: what the hands need while playing."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from itertools import pairwise
from statistics import median

from PyQt6.QtCore import QEvent, QSize, pyqtSignal
from PyQt6.QtWidgets import (
    QComboBox,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from jam.music.grid import MAX_BPM, MIN_BPM
from jam.settings import SETTINGS
from ui.settings.fields import Fields, captioned, describe, separator
from ui.settings.model import Desk
from ui.settings.style_combo import StyleCombo

_MAX_SLIDER_PX = 240


class Bar(QFrame):
    """Start, tempo, metre, style, plan, volumes, panic, bound to the model of the settings."""

    start_stop = pyqtSignal()
    panic = pyqtSignal()
    tap = pyqtSignal()
    done = pyqtSignal()
    """A value was typed in and confirmed: the keyboard may play again."""

    def __init__(self, model: Desk, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("controls")
        self.fields = Fields(model, SETTINGS)
        self.fields.done = self.done.emit
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 6, 12, 8)
        column.setSpacing(6)
        self._rows = QHBoxLayout(), QHBoxLayout()
        for row in self._rows:
            row.setSpacing(8)
            column.addLayout(row)
        self._row = self._rows[0]
        self.start = self._button("Start", "start", "Start or stop (Space).", self.start_stop.emit)
        self.start.setMinimumWidth(84)
        self._row.addWidget(self.start)
        self._row.addWidget(separator())
        self._time()
        self._row.addWidget(separator())
        self._agent()
        self._mix = QWidget()
        self._mix.setObjectName("captioned")
        self._rows[0].addWidget(self._mix, 3)
        self._row = QHBoxLayout(self._mix)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(8)
        self._mix_line = separator()
        self._row.addWidget(self._mix_line)
        self._loudness()
        self._row.addStretch()
        self._rows[0].addWidget(separator())
        self.panic_button = self._button("Panic", "panic", "All notes off (Esc).", self.panic.emit)
        self._rows[0].addWidget(self.panic_button)

    # Room

    def minimumSizeHint(self) -> QSize:
        """Of two rows: the loudness goes below where one row is too narrow."""
        hint = super().minimumSizeHint()
        mix = self._mix.minimumSizeHint().width()
        if self._in_two_rows:
            return hint
        return QSize(max(hint.width() - mix - 8, mix + 24), hint.height())

    @property
    def _in_two_rows(self) -> bool:
        return self._rows[1].indexOf(self._mix) >= 0

    def event(self, e: QEvent | None) -> bool:
        handled = super().event(e)
        if e is not None and e.type() in (QEvent.Type.Resize, QEvent.Type.LayoutRequest):
            self._arrange()
        return handled

    def _arrange(self) -> None:
        """One row where it is wide enough, otherwise two."""
        needed = self._rows[0].minimumSize().width() + 24
        if self._in_two_rows:
            needed += self._mix.minimumSizeHint().width() + 8
        if (needed > self.width()) != self._in_two_rows:
            now, other = self._rows if not self._in_two_rows else self._rows[::-1]
            now.removeWidget(self._mix)
            self._mix_line.setVisible(other is self._rows[0])
            if other is self._rows[1]:
                other.addWidget(self._mix)
            else:
                other.insertWidget(other.count() - 2, self._mix, 3)
            self.updateGeometry()

    # What is on it

    def _time(self) -> None:
        fields = self.fields
        self._put(fields.number("bpm"), 58)
        self.tap_button = self._button(
            "Tap", "tap", "Tap here or press B in time to set the tempo."
        )
        self.tap_button.pressed.connect(self.tap.emit)  # the beat is when the finger goes down
        self._row.addWidget(self.tap_button)
        self._put(fields.choice("meter"), 66)

    def _agent(self) -> None:
        fields = self.fields
        style = StyleCombo()
        style.chosen.connect(lambda name: fields.desk.change(accompaniment=name))
        fields.add("accompaniment", style, lambda s: style.show_style(s.accompaniment))
        self._put(style, 98)
        self._put(fields.count("lookahead_beats"), 66)
        self._put(fields.count("commit_beats"), 66)
        self._put(fields.slider("adventurous"), 96, 1)

    def _loudness(self) -> None:
        fields = self.fields
        self._put(fields.slider("player_volume"), 52, 1)
        self._put(fields.slider("agent_volume"), 52, 1)
        switches = QWidget()
        switches.setObjectName("captioned")
        column = QVBoxLayout(switches)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        for setting in ("bass", "drums"):
            column.addWidget(fields.switch(setting))
        self._row.addWidget(switches)
        metronome = fields.switch("metronome")
        self._put(fields.slider("metronome_volume"), 60, 1, metronome)

    # Building

    def _put(
        self, widget: QWidget, width: int, stretch: int = 0, above: QWidget | None = None
    ) -> None:
        """above: what is shown in place of the setting's caption."""
        caption = above or self.fields.caption(widget.objectName())
        widget.setMinimumWidth(width)
        if isinstance(widget, QComboBox):
            widget.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        box = captioned(widget, caption)
        if isinstance(widget, QSlider):
            box.setMaximumWidth(_MAX_SLIDER_PX)
        self._row.addWidget(box, stretch)

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
