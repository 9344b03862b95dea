"""What can be typed: the words for settings and devices, on the command line and while it plays."""

from __future__ import annotations

import io
import re
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TextIO

from jam.accompaniment import style_named
from jam.engine import Engine
from jam.errors import BadInput
from jam.grid import Meter
from jam.harmony import pitch_class
from jam.messages import (
    EVERY_INPUT,
    ChangeSettings,
    DeviceState,
    ListAudio,
    Panic,
    SelectDevices,
    Start,
    Stop,
)
from jam.palette import parse_key, read_palette
from jam.settings import JamSettings


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

_MAX_LINE = 2_000
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


def typed_lines(typed: TextIO | None) -> Iterator[str]:
    """The lines of an input of any origin; what a longer one than that of a command has, is cut
    off, and what isn't UTF-8 becomes a sign that no command has.
    """
    if isinstance(typed, io.TextIOWrapper):
        typed.reconfigure(errors="replace")
    whole = True
    while typed is not None and (line := typed.readline(_MAX_LINE)):
        if whole:
            yield line
        whole = line.endswith("\n")


def follow_commands(
    lines: Iterable[str], engine: Engine, settings: JamSettings, seed: int, quit_: threading.Event
) -> None:
    """Carry out what is typed while the jam goes on: "bpm 120", "key Am", "panic", "quit".

    Runs on: a thread of its own, until the input ends.
    """
    for line in lines:
        word, _, value = line.strip().partition(" ")
        value = value.strip()
        try:
            match word:
                case "":
                    continue
                case "quit":
                    quit_.set()
                    return
                case "start":
                    engine.send(Start(seed))
                case "stop":
                    engine.send(Stop())
                case "panic":
                    engine.send(Panic())
                case "devices":
                    engine.send(ListAudio())
                    if (snapshot := engine.snapshot()) is not None:
                        print("\n".join(devices_in_words(snapshot.devices)), flush=True)
                case _ if word in DEVICES and value:
                    engine.send(_read(word, value, DEVICES[word]))
                case _ if word in SETTINGS:
                    settings = settings.changed(**setting(word, value))
                    engine.send(ChangeSettings(settings))
                case _:
                    raise BadInput(f"no such command: {word!r} (there are {COMMANDS})")
        except BadInput as error:
            print(f"jam: {error}", file=sys.stderr)


def devices_in_words(devices: DeviceState) -> list[str]:
    """A line each: what is open and what there is, what is missing."""
    lines = []
    if devices.midi_api:
        lines += [
            f"MIDI ({devices.midi_api}) in: {_listed(devices.midi_inputs)};"
            f" out: {_listed(devices.midi_outputs)}",
            f"  there are in: {_listed(devices.available_inputs)};"
            f" out: {_listed(devices.available_outputs)}",
        ]
    if devices.audio:
        measured = (
            f", {devices.key_to_synth_ms:.1f} ms from key to synth measured"
            if devices.key_to_synth_ms
            else ""
        )
        lines.append(
            f"Audio: {devices.audio}, {devices.sample_rate} Hz, blocks of {devices.block_frames},"
            f" {devices.audio_latency_ms:.1f} ms reported{measured}"
        )
        lines.append(
            f"  it takes {_listed(tuple(map(str, devices.audio_rates)))} Hz,"
            f" blocks of {_listed(tuple(map(str, devices.audio_blocks)))}"
        )
    if devices.available_audio:
        lines.append(f"  there are {_listed(devices.available_audio)}")
    return [*lines, *devices.problems]


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "none"
