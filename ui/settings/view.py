"""The tab View of the settings panel: what is shown, and how; nothing in it is heard."""

from __future__ import annotations

from jam.preferences import THEMES
from ui.common.geometry import AUTO_KEYS, KEY_RANGES
from ui.settings.fields import Fields, percent
from ui.settings.look import LIMITS, Look
from ui.settings.panel import Section

_THEME_WORDS = {
    "system": "As the system",
    "dark": "Dark",
    "light": "Light",
    "high-contrast": "High contrast",
}


class ViewSection(Section):
    """Bound to the look of the window."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        fields = self.fields = Fields(look, LIMITS)
        self.heading("Plan")
        self.put(
            fields.choice(
                "chord_lane",
                "View",
                "The plan as notes that fall toward the piano, or as chord names in bars.",
                [("Waterfall", False), ("Chord lane", True)],
            )
        )
        self.put(
            fields.switch(
                "show_plan",
                "Show the plan",
                "Whether you see what the agent is about to play; off, you only hear it.",
            )
        )
        self.put(
            fields.slider(
                "zoom",
                "Zoom",
                "How few beats the waterfall shows, and how large; Ctrl and the wheel.",
                0.05,
                percent,
            )
        )
        self.put(
            fields.choice(
                "key_range",
                "Keys shown",
                "How many keys the piano on the screen has; by itself it grows with what is"
                " played.",
                [("By itself", AUTO_KEYS), *((name, name) for name in KEY_RANGES)],
            )
        )
        self.heading("Window")
        self.put(
            fields.choice(
                "theme",
                "Theme",
                "The colours of the window; changes nothing in the music.",
                [(_THEME_WORDS[theme], theme) for theme in THEMES],
            )
        )
        self.put(
            fields.slider(
                "text_scale", "Text", "How large the text of the window is.", 0.1, percent
            )
        )
