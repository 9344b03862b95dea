"""What can be typed: the words for settings and devices, on the command line and while it plays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jam.accompaniment import style_named
from jam.messages.commands import CUES, EVERY_INPUT, SelectDevices
from jam.messages.voice import OFF
from jam.settings import DEVICES, ROLE_LABELS, SETTINGS, JamSettings
from jam.settings.line import Line

WORDS: dict[str, Line] = {line.word: line for line in SETTINGS.values()}
_ALSO = {line.also: line for line in SETTINGS.values() if line.also}
"""Word -> the setting that it means."""


def _names(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(name.strip() for name in text.split(","))


def server_typed(text: str) -> str:
    """The address of a server of agents; "" of none."""
    return "" if text == "none" else text


_READ_DEVICE: dict[str, Callable[[str], Any]] = {
    "midi_inputs": lambda text: EVERY_INPUT if text == "all" else _names(text),
    "midi_outputs": _names,
    "audio": lambda text: "" if text == "default" else text,
    "soundfont": lambda text: "" if text == "default" else text,
    "microphone": lambda text: "" if text == "default" else text,
    "agent_server": server_typed,
}
"""How the devices are read that aren't numbers."""

DEVICE_WORDS: dict[str, Line] = {line.word: line for line in DEVICES.values()}
COMMANDS = ("devices", "start", "stop", "tap", "song", "keep", *CUES, "panic", "help", "quit")
HINT = (
    "a setting and its value (bpm 120, key Am, out Piano),"
    f" {', '.join(COMMANDS[:-1])} or {COMMANDS[-1]}"
)
"""What can be typed, in a few words."""


STEPS: dict[str, tuple[str, float]] = {
    "tempo-up-by-1": ("bpm", 1),
    "tempo-down-by-1": ("bpm", -1),
    "tempo-up-by-10": ("bpm", 10),
    "tempo-down-by-10": ("bpm", -10),
    "commit-one-beat-more": ("commit_beats", 1),
    "commit-one-beat-fewer": ("commit_beats", -1),
    "look-one-beat-further": ("lookahead_beats", 1),
    "look-one-beat-less-far": ("lookahead_beats", -1),
    "more-adventurous": ("adventurous", 0.1),
    "less-adventurous": ("adventurous", -0.1),
    "band-louder": ("agent_volume", 0.05),
    "band-softer": ("agent_volume", -0.05),
    "you-louder": ("player_volume", 0.05),
    "you-softer": ("player_volume", -0.05),
}
"""Actions of the window that are a step of a number."""
SWITCHES = {"metronome-on-off": "metronome", "bass-on-off": "bass", "drums-on-off": "drums"}
"""Those that turn a setting over."""
ROLE_ACTIONS = {
    f"agent-{label.lower().replace(',', '').replace(' ', '-')}": role
    for role, label in ROLE_LABELS.items()
}
"""Those that choose a role of the agent."""
SAID = {
    "start": "start",
    "stop": "stop",
    "count-in-four-taps-set-the-tempo-and-start": "tap",
    "all-notes-off": "panic",
    "keep-the-last-bars-or-let-go": "keep",
    "next-variation": "variation",
    "drum-fill": "fill",
    "break-the-band-rests-for-a-bar": "break",
    "last-time-the-song-ends-after-this-chorus": "last",
    "ending": "ending",
    "quit": "quit",
}
"""Those that are a word that is typed."""


def typed_for(action: str, settings: JamSettings, running: bool, microphone: str = OFF) -> str:
    """What one would type for an action of the window; "" where there is no word for it.

    microphone: the one that is chosen.
    """
    if action == "microphone-on-off":
        return f"{DEVICES['microphone'].word} {'default' if microphone == OFF else OFF}"
    if action == "start-or-stop":
        return "stop" if running else "start"
    if (name := SWITCHES.get(action)) is not None:
        return f"{SETTINGS[name].word} {'off' if getattr(settings, name) else 'on'}"
    if action in STEPS:
        name, by = STEPS[action]
        line = SETTINGS[name]
        low, high = line.numbers
        value = min(high, max(low, round(getattr(settings, name) + by, 4)))
        return f"{line.word} {line.typed(line.kind(value))}"
    if action in ROLE_ACTIONS:
        return f"{SETTINGS['role'].word} {ROLE_ACTIONS[action]}"
    return SAID.get(action, "")


def help_lines() -> list[str]:
    """All that can be typed, a line each."""
    lines = {**WORDS, **DEVICE_WORDS}
    width = max(map(len, lines))
    return [
        *(
            f"{word:<{width}}  {line.help}" + (f" ({line.may_be})" if line.may_be else "")
            for word, line in lines.items()
        ),
        ", ".join(COMMANDS),
    ]


def line_named(word: str) -> Line | None:
    """The setting that a word means, in any spelling; None where it means none."""
    return WORDS.get(word) or _ALSO.get(word)


def setting(word: str, text: str) -> dict[str, Any]:
    """The setting that a word means, and its value. Raises BadInput."""
    line = line_named(word)
    assert line is not None
    value = line.read(text)
    if line.control == "style":
        value = style_named(value).name
    return {line.name: value}


def devices(word: str, text: str) -> SelectDevices:
    """The devices that a word and its value ask for. Raises BadInput."""
    line = DEVICE_WORDS[word]
    read = _READ_DEVICE.get(line.name, line.read)
    return SelectDevices(**{line.name: read(text)})
