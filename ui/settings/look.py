"""How the window looks, as the user chose it: theme, text, zoom, what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from jam.errors import BadInput
from jam.preferences import THEMES, VIEW, View
from ui.settings.fields import percent

ZOOM_STEP, TEXT_STEP = 1.25, 0.1


class Look(QObject):
    """Holds the choices; whoever draws follows `shown`, and `told` says what a key did."""

    shown = pyqtSignal(object)
    """A `jam.preferences.View` that holds from now on."""
    told = pyqtSignal(str)

    def __init__(self, view: View) -> None:
        super().__init__()
        self.settings = view

    def change(self, words: str = "", /, **values: Any) -> None:
        """Other choices; values out of range change nothing. words: what to tell of it."""
        try:
            view = replace(self.settings, **values)
        except BadInput:
            self.shown.emit(self.settings)
            return
        if view != self.settings:
            self.settings = view
            self.shown.emit(view)
        if words:
            self.told.emit(words)

    def zoom_by(self, steps: int) -> None:
        """Positive steps show fewer beats, and those larger."""
        zoom = self.settings.zoom * ZOOM_STEP**steps
        low, high = VIEW["zoom"].numbers
        zoom = round(min(high, max(low, zoom)), 3)
        if abs(zoom - 1) < 0.05:
            zoom = 1.0
        self.change(f"Zoom {percent(zoom)}", zoom=zoom)

    def reset_zoom(self) -> None:
        self.change(f"Zoom {percent(1.0)}", zoom=1.0)

    def scale_text(self, steps: int) -> None:
        """Larger or smaller text; 0 steps resets it."""
        scale = self.settings.text_scale + TEXT_STEP * steps if steps else 1.0
        low, high = VIEW["text_scale"].numbers
        scale = round(min(high, max(low, scale)), 2)
        self.change(f"Text size {percent(scale)}", text_scale=scale)

    def next_theme(self) -> None:
        """The next of the themes, that of the system among them."""
        names = list(THEMES)
        theme = names[(names.index(self.settings.theme) + 1) % len(names)]
        self.change(f"Theme: {THEMES[theme]}", theme=theme)

    def toggle(self, name: str, on: str, off: str) -> None:
        """Turn a switch over, and say what it is now."""
        value = not getattr(self.settings, name)
        self.change(on if value else off, **{name: value})
