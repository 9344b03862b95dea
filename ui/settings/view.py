"""The tab View of the settings panel: what is shown, and how; nothing in it is heard."""

from __future__ import annotations

from PyQt6.QtWidgets import QWidget

from jam.preferences import VIEW
from jam.settings.line import Line
from ui.common.geometry import KEY_RANGES
from ui.settings.look import Look
from ui.settings.panel import SettingsSection


class ViewSection(SettingsSection):
    """Bound to the look of the window."""

    def __init__(self, look: Look) -> None:
        super().__init__("View", look, VIEW)
        self.put_all()

    def control(self, line: Line) -> QWidget:
        if line.control != "key range":
            return super().control(line)
        combo = self.fields.choice(line.name)
        combo.set_options(
            [
                *((choice.label, choice.value) for choice in line.choices),
                *((name, name) for name in KEY_RANGES),
            ]
        )
        return combo
