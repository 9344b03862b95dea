"""The tabs Music and Sound of the settings panel."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PyQt6.QtWidgets import QLineEdit, QWidget

from jam.audio.soundfonts import DRUM_BANK, instruments
from jam.errors import BadInput, JamError
from jam.messages.snapshot import DeviceState
from jam.settings import SETTINGS, JamSettings
from jam.settings.line import Line
from ui.settings.fields import Choice
from ui.settings.model import SettingsModel
from ui.settings.panel import SettingsSection


class PaletteEdit(QLineEdit):
    """Chords typed as text; what can't be read is told and not taken."""

    def __init__(self, model: SettingsModel, line: Line) -> None:
        super().__init__()
        self._model, self._line = model, line
        self.setPlaceholderText(line.shown(()))
        self.setMaxLength(300)
        self.editingFinished.connect(self._on_finished)

    def show_palette(self, settings: JamSettings) -> None:
        if not self.hasFocus() or not self.isModified():
            self.setText(self._line.typed(settings.palette) if settings.palette else "")

    def revert(self) -> None:
        """Discard what was typed."""
        self.setModified(False)
        self.show_palette(self._model.settings)

    def _on_finished(self) -> None:
        self.setModified(False)
        try:
            palette = self._line.read(self.text())
        except BadInput as error:
            self._model.told.emit(str(error))
        else:
            self._model.change(palette=palette)
        self.show_palette(self._model.settings)


class MusicSection(SettingsSection):
    """How the agent plans, and how a session begins."""

    def __init__(self, model: SettingsModel, done: Callable[[], None]) -> None:
        super().__init__("Music", model, SETTINGS, done)
        self._model = model
        self.put_all()

    def control(self, line: Line) -> QWidget:
        if line.control != "palette":
            return super().control(line)
        palette = PaletteEdit(self._model, line)
        self.fields.add(line.name, palette, palette.show_palette)
        palette.returnPressed.connect(self.fields.done)
        return palette


_BANKS = {"player_program": 0, "agent_program": 0, "bass_program": 0, "drums_program": DRUM_BANK}
"""Setting -> the bank of a SoundFont that has its instruments."""


class SoundSection(SettingsSection):
    """Instruments and volumes."""

    def __init__(self, model: SettingsModel, done: Callable[[], None]) -> None:
        super().__init__("Sound", model, SETTINGS, done)
        self._source = model
        self.put_all()
        self._named = ""
        self.hint("Your volume, the band's and the metronome's are in the toolbar.")

    def show_devices(self, devices: DeviceState) -> None:
        """Name the instruments as the SoundFont does that sounds."""
        if not devices.soundfont or devices.soundfont == self._named:
            return
        self._named = devices.soundfont
        try:
            names = instruments(Path(self._named))
        except JamError:
            return
        for setting, bank in _BANKS.items():
            combo = self.fields.made[setting]
            assert isinstance(combo, Choice)
            options = [
                (names.get((bank, choice.value), choice.label), choice.value)
                for choice in SETTINGS[setting].choices
            ]
            if bank == DRUM_BANK:  # kits beyond those of General MIDI too
                known = {value for _, value in options}
                more = sorted((p, n) for (b, p), n in names.items() if b == bank and p not in known)
                options += [(name, program) for program, name in more if program < 128]
            shown = getattr(self._source.settings, setting)
            combo.set_options(options)
            combo.show_value(shown)
