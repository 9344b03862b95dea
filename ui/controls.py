"""The bar of controls: everything a player turns while playing, live.

It shows a `JamSettings` and says which one the user wants; it sends nothing itself.
"""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QAbstractSpinBox,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QSlider,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from jam.errors import BadInput
from jam.grid import MAX_BPM, METERS, MIN_BPM, Meter
from jam.messages import EVERY_INPUT, DeviceState
from jam.settings import LIMITS, JamSettings
from ui.combo import Combo
from ui.layout import KEY_RANGES
from ui.styles import StyleCombo

OWN_PORT = "jam "
NO_INPUT = "Computer keys"
_CAPTION_PX, _FIELD_PX = 17, 30


class TempoSpin(QDoubleSpinBox):
    """Beats a minute, without decimals that say nothing."""

    def textFromValue(self, v: float) -> str:
        return f"{v:g}"


class CountSpin(QSpinBox):
    """Whole beats or bars, with the unit in singular or plural."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit
        self.valueChanged.connect(self._on_value)
        self._on_value(self.value())

    def _on_value(self, value: int) -> None:
        self.setSuffix(f" {self._unit}" + ("" if value == 1 else "s"))

    def setValue(self, val: int) -> None:
        super().setValue(val)
        self._on_value(val)


def hardware_inputs(devices: DeviceState) -> tuple[str, ...]:
    """The inputs that are open, without the program's own virtual port, which always is."""
    return tuple(name for name in devices.midi_inputs if not name.startswith(OWN_PORT))


class MidiInputCombo(Combo):
    """Which MIDI input plays; the list follows what is plugged in, never while it is open."""

    chosen = pyqtSignal(tuple)
    """Names of the inputs to open."""

    def __init__(self) -> None:
        super().__init__()
        self._open = False
        self._known: tuple[tuple[str, ...], tuple[str, ...]] | None = None
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(6)
        self.activated.connect(self._on_activated)
        self._choices: list[tuple[str, ...]] = []
        self.show_devices(DeviceState())

    def showPopup(self) -> None:
        self._open = True
        super().showPopup()

    def hidePopup(self) -> None:
        super().hidePopup()
        self._open = False

    def show_devices(self, devices: DeviceState) -> None:
        """List the inputs there are, and mark what is open."""
        known = (devices.available_inputs, devices.wanted_inputs)
        if self._open or known == self._known:
            return
        self._known = known
        available, wanted = known
        choices: list[tuple[str, ...]] = [EVERY_INPUT, *((name,) for name in available), ()]
        if wanted not in choices:
            choices.append(wanted)
        self._choices = choices
        with QSignalBlocker(self):
            self.clear()
            for names in choices:
                text = NO_INPUT if not names else " + ".join(names)
                if names == EVERY_INPUT:
                    text = "All inputs"
                self.addItem(text)
                self.setItemData(self.count() - 1, text, Qt.ItemDataRole.ToolTipRole)
            self.setCurrentIndex(choices.index(wanted))

    def _on_activated(self, index: int) -> None:
        self._open = False
        self.chosen.emit(self._choices[index])


class Controls(QFrame):
    """The bar. `settings_changed` carries a whole `JamSettings`, valid by construction."""

    start_stop = pyqtSignal()
    panic = pyqtSignal()
    settings_changed = pyqtSignal(object)
    midi_inputs_chosen = pyqtSignal(tuple)
    key_range_chosen = pyqtSignal(int, int)
    done = pyqtSignal()
    """A value was typed in and confirmed: the keyboard may play again."""

    def __init__(self, settings: JamSettings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("controls")
        self.settings = settings
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 12, 8)
        row.setSpacing(8)
        self.start = self._button(
            "Start", "start", "Start or stop the session (Space).", self.start_stop.emit
        )
        self.start.setMinimumWidth(84)
        row.addWidget(self.start)
        self._separator(row)

        self.tempo = TempoSpin()
        self.tempo.setRange(MIN_BPM, MAX_BPM)
        self.tempo.setDecimals(1)
        self._spin(
            row, self.tempo, "bpm", "&Tempo", 62,
            "Beats a minute; takes effect at the next sixteenth, also while playing.",
        )  # fmt: skip
        self.meter = Combo()
        self.meter.addItems(METERS)
        self.meter.activated.connect(self._on_meter)
        self._field(
            row, self.meter, "meter", "&Metre", 68,
            "How many beats a bar has; a change takes effect at the next bar line.",
        )  # fmt: skip
        self.count_in = self._int_spin(
            row, "count_in_bars", "Cou&nt-in",
            "Bars that the metronome counts before the first bar.",
        )  # fmt: skip
        self.listen = self._int_spin(
            row, "listen_bars", "&Listen",
            "Bars at the start in which the agent only listens to you.",
        )  # fmt: skip
        self._separator(row)
        self.lookahead = self._int_spin(
            row, "lookahead_beats", "Look a&head",
            "How far ahead the agent plans its chords: more lets you see further, "
            "but what is far off may change.",
        )  # fmt: skip
        self.commit = self._int_spin(
            row, "commit_beats", "&Commit",
            "How far ahead its chords are fixed: few beats follow you closely, "
            "many give you chords to rely on.",
        )  # fmt: skip
        self._separator(row)
        self.style_choice = StyleCombo()
        self.style_choice.chosen.connect(lambda name: self._change(accompaniment=name))
        self._field(
            row, self.style_choice, "accompaniment", "&Style", 98,
            "How the agent plays its chords; another style begins at the next bar line.",
        )  # fmt: skip
        self._switches: dict[str, QCheckBox] = {}
        self._pair_of_switches(row, ("bass", "Bass"), ("drums", "Drums"))
        self._sliders: dict[str, QSlider] = {}
        self._volume(row, "player_volume", "&You", "How loud your own notes sound.")
        self._volume(row, "agent_volume", "&Agent", "How loud the accompaniment sounds.")
        self.metronome = QCheckBox("Metr&onome")
        self.metronome.setObjectName("metronome")
        self.metronome.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.metronome.setAccessibleName("Metronome")
        self.metronome.setToolTip("Whether a click marks every beat, the bar line accented.")
        self.metronome.toggled.connect(lambda on: self._change(metronome=on))
        self._volume(row, "metronome_volume", self.metronome, "How loud the metronome clicks.")
        self._separator(row)
        self.midi_input = MidiInputCombo()
        self.midi_input.chosen.connect(self.midi_inputs_chosen.emit)
        self._field(
            row, self.midi_input, "midi_input", "MIDI &in", 106,
            "The MIDI keyboard that you play; the computer's keys always play as well.", 2,
        )  # fmt: skip
        self.midi_input.setMaximumWidth(320)
        self.key_range = Combo()
        self.key_range.addItems(list(KEY_RANGES))
        self.key_range.activated.connect(
            lambda _: self.key_range_chosen.emit(*KEY_RANGES[self.key_range.currentText()])
        )
        self._field(
            row, self.key_range, "key_range", "&Keys", 84,
            "How many keys the piano on the screen has; changes nothing in the music.",
        )  # fmt: skip
        row.addStretch()
        self._separator(row)
        self.panic_button = self._button(
            "Panic", "panic", "Silence every sound at once, everywhere (Esc).", self.panic.emit
        )
        row.addWidget(self.panic_button)
        self.show_settings(settings)

    # Building

    def _button(self, text: str, name: str, tip: str, clicked: Callable[[], None]) -> QPushButton:
        button = QPushButton(text)
        button.setObjectName(name)
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        button.setToolTip(tip)
        button.setAccessibleName(text)
        button.setAccessibleDescription(tip)
        button.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Expanding)
        button.clicked.connect(lambda _: clicked())
        return button

    @staticmethod
    def _separator(row: QHBoxLayout) -> None:
        line = QFrame()
        line.setFixedWidth(1)
        line.setStyleSheet("background: #2f3641;")
        row.addWidget(line)

    @staticmethod
    def _field(
        row: QHBoxLayout,
        widget: QWidget,
        name: str,
        caption: str | QCheckBox,
        width: int,
        tip: str,
        stretch: int = 0,
    ) -> None:
        """A control below its caption, with all that a name is needed for."""
        widget.setObjectName(name)
        widget.setToolTip(tip)
        widget.setAccessibleDescription(tip)
        if isinstance(widget, QAbstractSpinBox):
            widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        else:
            # A click must not take the keyboard away from the piano; Tab and Alt still reach it.
            widget.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        widget.setMinimumWidth(width)
        if isinstance(caption, str):
            widget.setAccessibleName(caption.replace("&", ""))
            label: QWidget = QLabel(caption)
            label.setToolTip(tip)
            if isinstance(label, QLabel):
                label.setBuddy(widget)
        else:
            widget.setAccessibleName(caption.text().replace("&", "") + " volume")
            label = caption
        label.setFixedHeight(_CAPTION_PX)
        widget.setFixedHeight(_FIELD_PX)
        column = QVBoxLayout()
        column.setSpacing(2)
        column.addWidget(label)
        column.addWidget(widget)
        row.addLayout(column, stretch)

    def _spin(
        self,
        row: QHBoxLayout,
        spin: QSpinBox | QDoubleSpinBox,
        setting: str,
        caption: str,
        width: int,
        tip: str,
    ) -> None:
        spin.setKeyboardTracking(False)  # 120 is not 1, 12 and 120
        spin.setAlignment(Qt.AlignmentFlag.AlignLeft)
        spin.setButtonSymbols(QAbstractSpinBox.ButtonSymbols.NoButtons)
        spin.valueChanged.connect(lambda value: self._change(**{setting: value}))
        if (edit := spin.lineEdit()) is not None:
            edit.returnPressed.connect(self.done.emit)
        tip += " Turn the wheel, or use the arrow keys."
        self._field(row, spin, setting, caption, width, tip)

    def _int_spin(self, row: QHBoxLayout, setting: str, caption: str, tip: str) -> QSpinBox:
        low, high, unit = LIMITS[setting]
        spin = CountSpin(unit.removesuffix("s"))
        spin.setRange(int(low), int(high))
        self._spin(row, spin, setting, caption, 66, tip)
        return spin

    def _volume(self, row: QHBoxLayout, setting: str, caption: str | QCheckBox, tip: str) -> None:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setRange(0, 100)
        slider.setPageStep(10)
        slider.valueChanged.connect(lambda value: self._change(**{setting: value / 100}))
        self._field(row, slider, setting, caption, 48, tip, 1)
        slider.setMaximumWidth(150)
        self._sliders[setting] = slider

    def _pair_of_switches(self, row: QHBoxLayout, *switches: tuple[str, str]) -> None:
        """Two check boxes, one above the other."""
        column = QVBoxLayout()
        column.setSpacing(2)
        for setting, text in switches:
            box = QCheckBox(text)
            box.setObjectName(setting)
            box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            box.setAccessibleName(text)
            box.setToolTip(f"Whether the agent's {setting} play, in styles that have them.")
            box.toggled.connect(lambda on, name=setting: self._change(**{name: on}))
            column.addWidget(box)
            self._switches[setting] = box
        row.addLayout(column)

    # Showing and changing

    def switch(self, setting: str) -> QCheckBox:
        """The check box of a setting that is on or off."""
        return self._switches[setting]

    def slider(self, setting: str) -> QSlider:
        """The slider of a volume setting."""
        return self._sliders[setting]

    def show_settings(self, settings: JamSettings) -> None:
        """Show these settings without announcing them as a change."""
        self.settings = settings
        spins: dict[QWidget, str] = {
            self.tempo: "bpm", self.count_in: "count_in_bars", self.listen: "listen_bars",
            self.lookahead: "lookahead_beats", self.commit: "commit_beats",
        }  # fmt: skip
        for spin, setting in spins.items():
            assert isinstance(spin, QSpinBox | QDoubleSpinBox)
            with QSignalBlocker(spin):
                spin.setValue(getattr(settings, setting))
        for setting, slider in self._sliders.items():
            with QSignalBlocker(slider):
                slider.setValue(round(getattr(settings, setting) * 100))
        for setting, box in self._switches.items():
            with QSignalBlocker(box):
                box.setChecked(getattr(settings, setting))
        self.style_choice.show_style(settings.accompaniment)
        with QSignalBlocker(self.metronome):
            self.metronome.setChecked(settings.metronome)
        with QSignalBlocker(self.meter):
            name = str(settings.meter)
            if self.meter.findText(name) < 0:
                self.meter.addItem(name)
            self.meter.setCurrentText(name)

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

    def _on_meter(self, _index: int) -> None:
        self._change(meter=Meter.parse(self.meter.currentText()))

    def _change(self, **values: object) -> None:
        try:
            settings = self.settings.changed(**values)
        except BadInput:  # the ranges of the controls are those of the settings
            self.show_settings(self.settings)
            return
        if settings != self.settings:
            self.settings = settings
            self.settings_changed.emit(settings)
