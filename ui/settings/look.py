"""How the window looks, as the user chose it: theme, text, zoom, what is shown."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from jam.errors import BadInput
from jam.preferences import THEMES, View

ZOOM_STEP, MIN_ZOOM, MAX_ZOOM = 1.25, 0.25, 4.0
TEXT_STEP, MIN_TEXT, MAX_TEXT = 0.1, 0.8, 2.0
LIMITS: dict[str, tuple[float, float, str]] = {
    "text_scale": (MIN_TEXT, MAX_TEXT, ""),
    "zoom": (MIN_ZOOM, MAX_ZOOM, ""),
}


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
        zoom = round(min(MAX_ZOOM, max(MIN_ZOOM, zoom)), 3)
        if abs(zoom - 1) < 0.05:
            zoom = 1.0
        self.change(f"Zoom {zoom:.0%}", zoom=zoom)

    def reset_zoom(self) -> None:
        self.change("Zoom 100%", zoom=1.0)

    def scale_text(self, steps: int) -> None:
        """Larger or smaller text; 0 steps is the usual size again."""
        scale = self.settings.text_scale + TEXT_STEP * steps if steps else 1.0
        scale = round(min(MAX_TEXT, max(MIN_TEXT, scale)), 2)
        self.change(f"Text {scale:.0%}", text_scale=scale)

    def next_theme(self) -> None:
        """The next of the themes, that of the system among them."""
        theme = THEMES[(THEMES.index(self.settings.theme) + 1) % len(THEMES)]
        self.change(f"Theme: {theme}", theme=theme)

    def toggle(self, name: str, on: str, off: str) -> None:
        """Turn a switch over, and say what it is now."""
        value = not getattr(self.settings, name)
        self.change(on if value else off, **{name: value})
