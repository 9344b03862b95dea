"""Settings and devices that persist: a JSON file in the user's configuration folder."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from jam.errors import BadInput
from jam.grid import Meter
from jam.messages import EVERY_INPUT
from jam.paths import config_dir
from jam.settings import JamSettings

_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Preferences:
    """What is remembered between two starts."""

    settings: JamSettings = field(default_factory=JamSettings)
    midi_inputs: tuple[str, ...] = EVERY_INPUT


def preferences_path() -> Path:
    return config_dir() / "settings.json"


def settings_to_json(settings: JamSettings) -> dict[str, Any]:
    """Plain values by name; the metre as text."""
    values: dict[str, Any] = {f.name: getattr(settings, f.name) for f in fields(settings)}
    values["meter"] = str(settings.meter)
    return values


def settings_from_json(values: Any) -> JamSettings:
    """The reverse. Raises BadInput for anything that isn't settings."""
    if not isinstance(values, dict):
        raise BadInput("settings: not an object of names and values")
    known = {f.name: f for f in fields(JamSettings)}
    default = JamSettings()
    given: dict[str, Any] = {}
    for name, value in values.items():
        if name not in known:
            raise BadInput(f"settings: no such setting: {name!r}")
        expected = getattr(default, name)
        if name == "meter":
            value = Meter.parse(str(value))
        elif name == "key_lock":
            value = None if value is None else (int(value[0]), bool(value[1]))
        elif name == "density":
            value = None if value is None else float(value)
        elif name in ("agent_program", "bass_program"):
            value = None if value is None else int(value)
        elif isinstance(expected, float) and isinstance(value, int):
            value = float(value)
        elif type(value) is not type(expected):
            raise BadInput(f"settings: {name}: {value!r} is no {type(expected).__name__}")
        given[name] = value
    return JamSettings(**given)


def load_preferences(path: Path | None = None) -> tuple[Preferences, str]:
    """What was saved, and a sentence for the user when the file was broken and set aside.

    A broken file is renamed to `settings.json.broken`, never lost and never fatal.
    """
    path = path or preferences_path()
    try:
        with path.open("rb") as file:
            data = json.loads(file.read(_MAX_BYTES))
        inputs = data.get("midi_inputs", list(EVERY_INPUT))
        if not isinstance(inputs, list):
            raise BadInput(f"midi_inputs: {inputs!r} is no list")
        return (
            Preferences(
                settings_from_json(data.get("settings", {})),
                tuple(str(name) for name in inputs),
            ),
            "",
        )
    except FileNotFoundError:
        return Preferences(), ""
    except (OSError, ValueError, TypeError, AttributeError, IndexError, KeyError,
            RecursionError, BadInput) as error:  # fmt: skip
        aside = path.with_name(path.name + ".broken")
        try:
            path.replace(aside)
            where = f"set aside as {aside}"
        except OSError:
            where = "left where it is"
        return Preferences(), f"The settings in {path} can't be read ({error}); {where}."


def save_preferences(preferences: Preferences, path: Path | None = None) -> None:
    """Write atomically. Raises OSError."""
    path = path or preferences_path()
    data = {
        "settings": settings_to_json(preferences.settings),
        "midi_inputs": preferences.midi_inputs,
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    unfinished.write_text(json.dumps(data, indent=1), encoding="utf-8")
    unfinished.replace(path)
