"""What can be typed: the words for settings and devices, on the command line and while it plays."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from jam.accompaniment import style_named
from jam.errors import BadInput
from jam.messages.commands import EVERY_INPUT, SelectDevices
from jam.music.chord import pitch_class
from jam.music.grid import Meter
from jam.music.key import parse_key
from jam.music.palette import read_palette


def _unless(word: str, otherwise: Any, read: Callable[[str], Any]) -> Callable[[str], Any]:
    """A reader that also knows a word: "any", "free", …"""
    return lambda text: otherwise if text.lower() == word else read(text)


def _pitch(text: str) -> int:
    """A MIDI pitch as its number or its name, C4 being 60. Raises BadInput."""
    if text.isdecimal():
        return int(text)
    if (named := re.fullmatch(r"([A-Ga-g])([#b]*)(-?\d)", text)) is None:
        raise BadInput(f"key {text!r}: neither a MIDI pitch (60) nor a name (C4)")
    letter, signs, octave = named.groups()
    return (
        12 * (int(octave) + 1) + pitch_class(letter.upper()) + signs.count("#") - signs.count("b")
    )


def _switch(text: str) -> bool:
    """ "on" or "off". Raises BadInput."""
    if text.lower() not in ("on", "off"):
        raise BadInput(f"{text!r}: neither on nor off")
    return text.lower() == "on"


SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "bpm": ("bpm", float),
    "meter": ("meter", Meter.parse),
    "style": ("accompaniment", lambda text: style_named(text).name),
    "model": ("model", str),
    "lookahead": ("lookahead_beats", int),
    "commit": ("commit_beats", int),
    "listen": ("listen_bars", int),
    "temperature": ("temperature", float),
    "futures": ("futures", int),
    "adventurous": ("adventurous", float),
    "density": ("density", _unless("any", None, float)),
    "key": ("key_lock", _unless("free", None, parse_key)),
    "palette": ("palette", read_palette),
    "instrument": ("player_program", int),
    "partner": ("agent_program", _unless("style", None, int)),
    "split": ("split_pitch", _unless("none", 0, _pitch)),
    "channel": ("midi_channel", _unless("all", 0, int)),
    "latency": ("latency_offset_ms", float),
    "clock": ("midi_clock", _switch),
    "programs": ("midi_programs", _switch),
}
"""Word -> (setting, how its value is read)."""

DEVICES: dict[str, Callable[[str], SelectDevices]] = {
    "in": lambda text: SelectDevices(midi_inputs=EVERY_INPUT if text == "all" else _names(text)),
    "out": lambda text: SelectDevices(midi_outputs=_names(text)),
    "audio": lambda text: SelectDevices(audio="" if text == "default" else text),
    "rate": lambda text: SelectDevices(sample_rate=int(text)),
    "buffer": lambda text: SelectDevices(block_frames=int(text)),
}
COMMANDS = (
    f"{', '.join(SETTINGS)} VALUE; {', '.join(DEVICES)} NAME; devices, start, stop, panic, quit"
)


def _names(text: str) -> tuple[str, ...]:
    return () if text == "none" else tuple(name.strip() for name in text.split(","))


def _read(word: str, text: str, read: Callable[[str], Any]) -> Any:
    try:
        return read(text)
    except (ValueError, OverflowError):
        raise BadInput(f"{word} {text!r}: not a number") from None


def setting(word: str, text: str) -> dict[str, Any]:
    """The setting that a word means, and its value. Raises BadInput."""
    name, read = SETTINGS[word]
    return {name: _read(word, text, read)}
