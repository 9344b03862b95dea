"""The tabs Music and Sound of the settings panel."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtWidgets import QLineEdit, QWidget

from jam.errors import BadInput
from jam.settings import SETTINGS, JamSettings
from jam.settings.line import Line
from ui.settings.model import Desk
from ui.settings.panel import SettingsSection


class PaletteEdit(QLineEdit):
    """Chords typed as text; what can't be read is told and not taken."""

    def __init__(self, desk: Desk, line: Line) -> None:
        super().__init__()
        self._desk, self._line = desk, line
        self.setPlaceholderText(line.shown(()))
        self.setMaxLength(300)
        self.editingFinished.connect(self._on_finished)

    def show_palette(self, settings: JamSettings) -> None:
        if not self.hasFocus() or not self.isModified():
            self.setText(self._line.typed(settings.palette) if settings.palette else "")

    def revert(self) -> None:
        """Discard what was typed."""
        self.setModified(False)
        self.show_palette(self._desk.settings)

    def _on_finished(self) -> None:
        self.setModified(False)
        try:
            palette = self._line.read(self.text())
        except BadInput as error:
            self._desk.told.emit(str(error))
        else:
            self._desk.change(palette=palette)
        self.show_palette(self._desk.settings)


class MusicSection(SettingsSection):
    """How the agent plans, and how a session begins."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__("Music", desk, SETTINGS, done)
        self._desk = desk
        self.put_all()

    def control(self, line: Line) -> QWidget:
        if line.control != "palette":
            return super().control(line)
        palette = PaletteEdit(self._desk, line)
        self.fields.add(line.name, palette, palette.show_palette)
        palette.returnPressed.connect(self.fields.done)
        return palette


class SoundSection(SettingsSection):
    """Instruments and volumes."""

    def __init__(self, desk: Desk, done: Callable[[], None]) -> None:
        super().__init__("Sound", desk, SETTINGS, done)
        self.put_all()
        self.hint("Your volume, the band's and the metronome's are in the toolbar.")
