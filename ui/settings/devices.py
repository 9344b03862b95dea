"""The tab Devices of the settings panel: what is plugged in, what is used, how late it sounds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PyQt6.QtCore import QSignalBlocker, Qt, pyqtSignal
from PyQt6.QtWidgets import QListWidget, QListWidgetItem, QPushButton, QSizePolicy

from jam.messages.commands import EVERY_INPUT, ListAudio, SelectDevices
from jam.messages.snapshot import DeviceState
from jam.music.chord import SHARP_NAMES
from jam.settings import LIMITS
from ui.common.text import OWN_PORT, pretty_symbol
from ui.settings.fields import Choice, CountSpin, Fields, describe
from ui.settings.model import Desk, Step
from ui.settings.panel import Section

_DEFAULT_AUDIO, _SILENCE = "", "none"


class PitchSpin(CountSpin):
    """A MIDI pitch, by the name of its key; 0 is no split."""

    def __init__(self) -> None:
        super().__init__("")
        self.setRange(0, 127)
        self.setSpecialValueText("the whole keyboard")

    def textFromValue(self, v: int) -> str:
        return f"{pretty_symbol(SHARP_NAMES[v % 12])}{v // 12 - 1}"


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
                    self._add(f"{name}  (not connected)", name, True, True)
            if not self.count():
                self._add("None is connected", "", False, False)
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


class DevicesSection(Section):
    """Follows what the engine says of its devices; asks for others with `SelectDevices`."""

    wanted = pyqtSignal(object)
    """A command of jam.messages.commands for the engine."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__()
        self._desk = desk
        self._devices = DeviceState()
        fields = self.fields = Fields(desk, LIMITS)
        fields.done = done
        self.heading("MIDI keyboards")
        self.inputs = PortList("Every keyboard, also one plugged in later")
        self._ports(self.inputs, "midi_inputs", "MIDI inputs", "Which MIDI keyboards you play on.")
        self.put(
            fields.choice(
                "midi_channel",
                "Channel",
                "Listen to one MIDI channel only, or to all.",
                [("All", 0), *((str(n), n) for n in range(1, 17))],
            )
        )
        split = PitchSpin()
        fields.bind_spin(
            split,
            "split_pitch",
            "Melody from",
            "Only keys from this one up are the melody that the agent follows; the others "
            "just sound.",
        )
        self.put(split)
        self.heading("MIDI outputs")
        self.outputs = PortList()
        self._ports(
            self.outputs,
            "midi_outputs",
            "MIDI outputs",
            "Where the accompaniment is sent besides the program's own sound.",
        )
        self.put(
            fields.switch(
                "midi_programs",
                "Send the instruments",
                "Program changes tell a synthesizer at the outputs which instruments to play; "
                "leave it off where you have loaded sounds of your own.",
            )
        )
        self.put(
            fields.switch(
                "midi_clock",
                "Send the beat (MIDI clock)",
                "A sequencer or DAW at the outputs that follows MIDI clock starts, stops and keeps "
                "tempo with the jam.",
            )
        )
        self.heading("Sound")
        self.audio = self._choice(
            "audio", "Device", "Where the sound comes out; changing it interrupts it for a moment."
        )
        self.rate = self._choice(
            "sample_rate",
            "Sample rate",
            "How finely sound is sampled; the device's own rate has the least delay.",
        )
        self.block = self._choice(
            "block_frames",
            "Buffer",
            "How much sound is computed at once: small answers sooner, large crackles less.",
        )
        offset = fields.number(
            "latency_offset_ms",
            "Sent earlier by",
            "The accompaniment is sent so many milliseconds earlier, for loudspeakers that are "
            "late; your own notes are not moved.",
            -500,
            500,
        )
        offset.setSuffix(" ms")
        self.put(offset)
        self.look_again = QPushButton("Look for devices again")
        describe(
            self.look_again,
            "look_again",
            "Look for devices again",
            "List the audio devices anew; MIDI is seen by itself. The sound goes on.",
        )
        self.look_again.clicked.connect(lambda: self.wanted.emit(ListAudio()))
        self.form.addRow(self.look_again)
        self.latency = self.hint("")
        self.latency.setAccessibleName("Latency")
        self.show_devices(self._devices)

    def _ports(self, ports: PortList, name: str, caption: str, tip: str) -> None:
        describe(ports, name, caption, tip)
        ports.chosen.connect(lambda names: self.select(**{name: names}))
        self.form.addRow(ports)

    def _choice(self, name: str, caption: str, tip: str) -> Choice:
        combo = Choice([])
        describe(combo, name, caption, tip)
        combo.chosen.connect(lambda value: self.select(**{name: value}))
        self.put(combo)
        return combo

    def select(self, **values: Any) -> None:
        """Ask for other devices, so that it can be undone."""
        now = self._wanted_now()
        before = {name: now[name] for name in values}
        if before != values:
            self._desk.history.push(
                Step(
                    "choice of devices",
                    lambda: self.wanted.emit(SelectDevices(**values)),
                    lambda: self.wanted.emit(SelectDevices(**before)),
                )
            )

    def _wanted_now(self) -> dict[str, Any]:
        d = self._devices
        return {
            "midi_inputs": d.wanted_inputs,
            "midi_outputs": d.wanted_outputs,
            "audio": d.wanted_audio,
            "sample_rate": d.wanted_rate,
            "block_frames": d.block_frames,
        }

    def show_devices(self, devices: DeviceState) -> None:
        """Show what is there and what is open; a list that is open is left alone."""
        self._devices = devices
        d = devices
        self.inputs.show_ports(d.available_inputs, d.wanted_inputs, d.midi_inputs)
        self.outputs.show_ports(d.available_outputs, d.wanted_outputs, d.midi_outputs)
        named = [
            (name, name) for name in d.available_audio if name not in (_DEFAULT_AUDIO, _SILENCE)
        ]
        _offer(
            self.audio,
            d.wanted_audio,
            [("As the system", _DEFAULT_AUDIO), *named, ("No sound", _SILENCE)],
        )
        rates = sorted({*d.audio_rates, *filter(None, (d.wanted_rate,))})
        own = f"Its own ({d.sample_rate:,} Hz)" if d.sample_rate else "The device's own"
        _offer(self.rate, d.wanted_rate, [(own, 0), *((f"{r:,} Hz", r) for r in rates)])
        blocks = sorted({*d.audio_blocks, *filter(None, (d.block_frames,))})
        _offer(self.block, d.block_frames, [(_block_words(b, d.sample_rate), b) for b in blocks])
        self.block.setEnabled(bool(blocks))
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


def _block_words(frames: int, rate: int) -> str:
    return f"{frames} frames" + (f" ({1000 * frames / rate:.1f} ms)" if rate else "")


def latency_words(devices: DeviceState) -> str:
    """The delay from key to sound, with what is measured and what is only reported."""
    if not devices.audio:
        return "No sound: choose a device above, or plug one in and look again."
    reported = f"{devices.audio_latency_ms:.1f} ms as the sound system reports it"
    if not devices.key_to_synth_ms:
        return f"From key to sound: {reported}; play some notes to measure the rest."
    return (
        f"From key to sound: {devices.latency_ms:.1f} ms. Of it {devices.key_to_synth_ms:.2f} ms "
        f"measured in the program (the longest {devices.key_to_synth_worst_ms:.2f} ms), {reported}."
    )
