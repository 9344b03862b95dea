"""Presets: bundles of settings under a name, those of the program and the player's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PyQt6.QtCore import QObject, pyqtSignal

from jam.errors import BadInput
from jam.music.grid import Meter
from jam.preferences import check_preset_name
from jam.settings import SETTINGS, JamSettings
from ui.settings.model import SettingsModel, Step

_MUSIC = tuple(name for name, line in SETTINGS.items() if line.tab != "Devices")
"""What presets keep; the rest belongs to instruments and cables."""
DEFAULT = "Default"

BUILT_IN: dict[str, tuple[str, dict[str, Any]]] = {
    "Follow me closely": (
        "Follows you closely with safe chords.",
        {"lookahead_beats": 4, "commit_beats": 0, "temperature": 0.6, "adventurous": 0.0},
    ),
    "Surprise me": (
        "Looks far ahead, with surprising chords.",
        {"lookahead_beats": 8, "commit_beats": 2, "temperature": 1.3, "adventurous": 1.0},
    ),
    "Practice waltz": (
        "A slow waltz with a click; chords are committed well ahead.",
        {
            "bpm": 90.0,
            "meter": Meter(3, 4),
            "accompaniment": "waltz",
            "metronome": True,
            "count_in_bars": 1,
            "lookahead_beats": 6,
            "commit_beats": 3,
            "temperature": 0.8,
            "adventurous": 0.1,
        },
    ),
    DEFAULT: ("The factory settings.", {name: SETTINGS[name].default for name in _MUSIC}),
}


def values_of(settings: JamSettings) -> dict[str, Any]:
    """What a preset keeps of settings."""
    return {name: getattr(settings, name) for name in _MUSIC}


class Presets(QObject):
    """The player's own beside the program's; saving and deleting can be undone."""

    changed = pyqtSignal(object)
    """The player's own: name -> JamSettings."""
    told = pyqtSignal(str)

    def __init__(self, model: SettingsModel, own: Mapping[str, JamSettings]) -> None:
        super().__init__()
        self._model = model
        self.own = dict(own)

    @property
    def names(self) -> list[str]:
        return [*BUILT_IN, *sorted(self.own, key=str.casefold)]

    def values(self, name: str) -> dict[str, Any]:
        return values_of(self.own[name]) if name in self.own else BUILT_IN[name][1]

    def current(self) -> str:
        """The preset whose values all hold now; the player's own before the program's; or ""."""
        settings = self._model.settings
        for name in reversed(self.names):
            if all(getattr(settings, key) == value for key, value in self.values(name).items()):
                return name
        return ""

    def choose(self, name: str) -> None:
        """Take a preset's values; what it says nothing of stays."""
        if name in self.names:
            self._model.change(f"preset {name}", **self.values(name))
            self.told.emit(f"Preset: {name}")

    def choose_number(self, number: int) -> None:
        """The preset of this number, from 1, if there are so many."""
        if number <= len(self.names):
            self.choose(self.names[number - 1])

    def save(self, name: str) -> str:
        """Keep the settings as they are under a name, in place of what had it.

        Returns the name as it is kept. Raises BadInput for a name that can't be.
        """
        name = check_preset_name(name)
        if name in BUILT_IN:
            raise BadInput(f"{name}: a built-in preset; choose another name")
        self._put(name, self._model.settings, f"preset {name} saved")
        return name

    def rename(self, name: str, new: str) -> str:
        """Give one of the player's own another name, until that is undone.

        Returns the name as it is kept. Raises BadInput for a name that can't be, or is another's.
        """
        new = check_preset_name(new)
        if new in self.names and new != name:
            raise BadInput(f"{new}: there is a preset of this name")
        if name in self.own and new != name:
            settings = self.own[name]
            self._model.history.push(
                Step(
                    f"preset {name} renamed to {new}",
                    lambda: self._move(name, new, settings),
                    lambda: self._move(new, name, settings),
                )
            )
            self.told.emit(f"Preset {name} is called {new} now")
        return new

    def _move(self, name: str, new: str, settings: JamSettings) -> None:
        self.own.pop(name, None)
        self._set(new, settings)

    def delete(self, name: str) -> None:
        """Delete one of the player's own, until that is undone."""
        if name in self.own:
            self._put(name, None, f"preset {name} deleted")

    def _put(self, name: str, settings: JamSettings | None, words: str) -> None:
        before = self.own.get(name)
        self._model.history.push(
            Step(words, lambda: self._set(name, settings), lambda: self._set(name, before))
        )
        self.told.emit(words[0].upper() + words[1:])

    def _set(self, name: str, settings: JamSettings | None) -> None:
        if settings is None:
            self.own.pop(name, None)
        else:
            self.own[name] = settings
        self.changed.emit(dict(self.own))
