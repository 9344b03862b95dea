"""The tab Devices of the settings panel: what is plugged in, what is used, how late it sounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import (
    QFileDialog,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSizePolicy,
    QWidget,
)

from jam.audio.soundfonts import soundfonts
from jam.messages.commands import EVERY_INPUT, ListAudio, SelectDevices
from jam.messages.snapshot import SET_BY_JACK, DeviceState
from jam.messages.voice import OFF
from jam.settings import DEVICES, SETTINGS
from jam.settings.line import Line
from ui.common.text import OWN_PORT, pretty_symbol
from ui.settings.fields import Choice, CountSpin, describe, described, set_range
from ui.settings.microphone import MicrophoneControls
from ui.settings.model import SettingsModel, Step
from ui.settings.panel import SettingsSection
from ui.settings.server import ServerControls

_DEFAULT_AUDIO, _SILENCE = "", "none"
_ANOTHER = "…"
ANOTHER_SOUNDFONT = "Another file …"
DEFAULT_SOUNDFONT = "Default, with a grand piano"
EVERY_KEYBOARD = "All keyboards (including new ones)"
NONE_CONNECTED = "None connected"
MICROPHONE_ON, MICROPHONE_OFF = "Microphone on", "Microphone off"


def not_connected(name: str) -> str:
    """A port that was chosen and isn't there."""
    return f"{name}  (not connected)"


class PitchSpin(CountSpin):
    """A MIDI pitch, by the name of its key; the lowest is none."""

    def __init__(self, line: Line) -> None:
        super().__init__("")
        self._line = line
        set_range(self, line)
        self.setSpecialValueText(line.shown(self.minimum()))

    def textFromValue(self, v: int) -> str:
        return pretty_symbol(self._line.shown(v))


class PortList(QListWidget):
    """Ports to tick, several at once; one that was chosen stays listed when it is unplugged."""

    chosen = pyqtSignal(tuple)
    """Names of the ports to open."""

    def __init__(self, every: str = "") -> None:
        super().__init__()
        self._every = every
        self._state: tuple[tuple[str, ...], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setUniformItemSizes(True)
        self.itemChanged.connect(self._on_changed)

    def show_ports(
        self, available: tuple[str, ...], wanted: tuple[str, ...], opened: tuple[str, ...]
    ) -> None:
        """List what there is, tick what was chosen, say what is not there."""
        state = (available, wanted, opened)
        if state == self._state:
            return
        self._state = state
        row = self.currentRow()
        with QSignalBlocker(self):
            self.clear()
            all_chosen = bool(self._every) and wanted == EVERY_INPUT
            if self._every:
                self._add(self._every, EVERY_INPUT[0], all_chosen, True)
            for name in available:
                if not name.startswith(OWN_PORT):
                    ticked = name in opened if all_chosen else name in wanted
                    self._add(name, name, ticked, not all_chosen)
            for name in wanted:
                if name not in available and name not in EVERY_INPUT:
                    self._add(not_connected(name), name, True, True)
            if not self.count():
                self._add(NONE_CONNECTED, "", False, False)
            self.setCurrentRow(min(row, self.count() - 1))
        self._fit()

    def _fit(self) -> None:
        rows = max(2, min(6, self.count()))
        height = max(20, self.sizeHintForRow(0))
        self.setFixedHeight(rows * height + 2 * self.frameWidth() + 4)

    def _add(self, text: str, name: str, ticked: bool, enabled: bool) -> None:
        item = QListWidgetItem(text)
        item.setData(Qt.ItemDataRole.UserRole, name)
        item.setToolTip(text)
        if name:
            item.setCheckState(Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked)
        if not enabled:
            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEnabled)
        self.addItem(item)

    def _on_changed(self, item: QListWidgetItem) -> None:
        names = []
        for i in range(self.count()):
            one = self.item(i)
            if one is not None and one.checkState() == Qt.CheckState.Checked:
                names.append(str(one.data(Qt.ItemDataRole.UserRole)))
        every = EVERY_INPUT[0]
        if item.data(Qt.ItemDataRole.UserRole) == every:
            available, _, opened = self._state
            chosen = EVERY_INPUT if every in names else tuple(n for n in opened if n in available)
            self.chosen.emit(tuple(n for n in chosen if not n.startswith(OWN_PORT)))
        else:
            self.chosen.emit(tuple(name for name in names if name != every))


class DevicesSection(SettingsSection):
    """Follows what the engine says of its devices; asks for others with `SelectDevices`."""

    wanted = pyqtSignal(object)
    """A command of jam.messages.commands for the engine."""

    def __init__(self, model: SettingsModel, done: Callable[[], None]) -> None:
        super().__init__("Devices", model, SETTINGS, done)
        self._model = model
        self._devices = DeviceState()
        self._found = tuple(soundfonts())
        self.heading("MIDI keyboards")
        self.inputs = self._ports("midi_inputs", EVERY_KEYBOARD)
        self.put_lines("MIDI keyboards")
        self.learn = QPushButton("MIDI controls …")
        describe(
            self.learn,
            "midi_controls",
            self.learn.text(),
            "Faders, pads and pedals that move sliders and do things (F9).",
        )
        self.form.addRow(self.learn)
        self.heading("MIDI outputs")
        self.outputs = self._ports("midi_outputs")
        self.put_lines("MIDI outputs")
        self.heading("Microphone")
        self.microphone = MicrophoneControls(self, self._choice("microphone"), self.wanted.emit)
        self.heading("Audio")
        self.audio = self._choice("audio")
        self.rate = self._choice("sample_rate")
        self.block = self._choice("block_frames")
        self.soundfont = self._choice("soundfont")
        self.soundfont.chosen.connect(self._on_soundfont)
        self.put_lines("Audio")
        self.measure = QPushButton("Measure latency …")
        describe(
            self.measure,
            "measure_latency",
            self.measure.text(),
            "Play along with clicks for half a minute; the result is kept for this device.",
        )
        self.form.addRow(self.measure)
        self.look_again = QPushButton("Rescan devices")
        describe(
            self.look_again,
            "look_again",
            self.look_again.text(),
            "Rescan audio devices (MIDI is detected automatically). Playback continues.",
        )
        self.look_again.clicked.connect(self._look_again)
        self.form.addRow(self.look_again)
        self.latency = self.hint("")
        self.latency.setAccessibleName("Latency")
        self.heading("Agent server")
        self.server = ServerControls(
            self,
            lambda url: self.select(agent_server=url),
            lambda url: self.wanted.emit(SelectDevices(agent_server=url)),
            model.told.emit,
            done,
        )
        self.show_devices(self._devices)

    def control(self, line: Line) -> QWidget:
        if line.control != "pitch":
            return super().control(line)
        split = PitchSpin(line)
        self.fields.bind_spin(split, line.name)
        return split

    def _look_again(self) -> None:
        self._found = tuple(soundfonts())
        self.wanted.emit(ListAudio())

    def _ports(self, name: str, every: str = "") -> PortList:
        ports = PortList(every)
        described(ports, DEVICES[name])
        ports.chosen.connect(lambda names: self.select(**{name: names}))
        self.form.addRow(ports)
        return ports

    def _choice(self, name: str) -> Choice:
        combo = Choice([])
        described(combo, DEVICES[name])
        if name != "soundfont":
            combo.chosen.connect(lambda value: self.select(**{name: value}))
        self.put(combo)
        return combo

    def _soundfonts(self, devices: DeviceState) -> list[tuple[str, Any]]:
        wanted = devices.wanted_soundfont
        own = [] if wanted in ("", *self._found) else [(Path(wanted).name, wanted)]
        usual = [(DEFAULT_SOUNDFONT, ""), *((Path(name).stem, name) for name in self._found)]
        return [*usual, *own, (ANOTHER_SOUNDFONT, _ANOTHER)]

    def _on_soundfont(self, name: str) -> None:
        if name != _ANOTHER:
            self.select(soundfont=name)
        else:
            path, _ = QFileDialog.getOpenFileName(
                self, "SoundFont", str(Path.home()), "SoundFonts (*.sf2 *.sf3 *.SF2 *.SF3)"
            )
            if path:
                self.select(soundfont=path)
            self.show_devices(self._devices)

    def select(self, **values: Any) -> None:
        """Ask for other devices, so that it can be undone. Raises BadInput for what can't be."""
        now = self._wanted_now()
        before = {name: now[name] for name in values}
        if before != values:
            SelectDevices(**values)  # refused before it is put into the history
            self._model.history.push(
                Step(
                    "change of devices",
                    lambda: self.wanted.emit(SelectDevices(**values)),
                    lambda: self.wanted.emit(SelectDevices(**before)),
                )
            )

    @property
    def microphone_is_on(self) -> bool:
        return self._devices.wanted_microphone != OFF

    def switch_microphone(self) -> None:
        """Listen to the microphone that was chosen last, or to none."""
        on = not self.microphone_is_on
        self.select(microphone=self.microphone.last if on else OFF)
        self._model.told.emit(MICROPHONE_ON if on else MICROPHONE_OFF)

    def _wanted_now(self) -> dict[str, Any]:
        d = self._devices
        return {
            "midi_inputs": d.wanted_inputs,
            "midi_outputs": d.wanted_outputs,
            "audio": d.wanted_audio,
            "sample_rate": d.wanted_rate,
            "block_frames": d.wanted_block,
            "soundfont": d.wanted_soundfont,
            "microphone": d.wanted_microphone,
            "agent_server": d.wanted_agent_server,
        }

    def show_devices(self, devices: DeviceState) -> None:
        """Show what is there and what is open; a list that is open is left alone."""
        self._devices = devices
        d = devices
        self.inputs.show_ports(d.available_inputs, d.wanted_inputs, d.midi_inputs)
        self.outputs.show_ports(d.available_outputs, d.wanted_outputs, d.midi_outputs)
        microphones = self.microphone.options(d.available_microphones, d.wanted_microphone)
        _offer(self.microphone.choice, d.wanted_microphone, microphones)
        named = [
            (name, name) for name in d.available_audio if name not in (_DEFAULT_AUDIO, _SILENCE)
        ]
        _offer(
            self.audio,
            d.wanted_audio,
            [("System default", _DEFAULT_AUDIO), *named, ("No sound", _SILENCE)],
        )
        rates = sorted({*d.audio_rates, *filter(None, (d.wanted_rate,))})
        own = f"Device default ({d.sample_rate:,} Hz)" if d.sample_rate else "Device default"
        _offer(self.rate, d.wanted_rate, [(own, 0), *((f"{r:,} Hz", r) for r in rates)])
        blocks = sorted({*d.audio_blocks, d.block_frames})
        _offer(self.block, d.block_frames, [(block_words(b, d), b) for b in blocks])
        _offer(self.soundfont, d.wanted_soundfont, self._soundfonts(d))
        self.block.setEnabled(bool(d.audio_blocks))
        self.server.show_wanted(d.wanted_agent_server)
        text = latency_words(d)
        if self.latency.text() != text:
            self.latency.setText(text)


def _offer(combo: Choice, value: Any, options: list[tuple[str, Any]]) -> None:
    if combo.is_open:
        return
    if combo.values != [v for _, v in options] or [
        combo.itemText(i) for i in range(combo.count())
    ] != [text for text, _ in options]:
        combo.set_options(options)
    if options:
        combo.show_value(value)


def block_words(frames: int, devices: DeviceState) -> str:
    """A buffer and how long it is; whose it is where it can't be chosen."""
    rate = devices.sample_rate
    length = f" ({1000 * frames / rate:.1f} ms)" if rate else ""
    whose = SET_BY_JACK if devices.jack_leads else ""
    return ", ".join(filter(None, (f"{frames} frames{length}" if frames else "", whose)))


def latency_words(devices: DeviceState) -> str:
    """The delay from key to sound, with what is measured and what is only reported."""
    if not devices.audio:
        return "No sound: choose a device above, or plug one in and rescan."
    reported = f"{devices.audio_latency_ms:.1f} ms reported by the audio system"
    if not devices.key_to_synth_ms:
        return f"Key to sound: {reported}. Play some notes to measure the rest."
    return (
        f"Key to sound: {devices.latency_ms:.1f} ms ({devices.key_to_synth_ms:.2f} ms in jam, at "
        f"most {devices.key_to_synth_worst_ms:.2f}; {reported})."
    )
