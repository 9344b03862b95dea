"""Which control a MIDI message moves, what becomes of it, and which one is meant by a hand."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jam.messages.controls import (
    ANY_CHANNEL,
    ANY_DEVICE,
    FAMILY,
    FINE,
    FINE_BY,
    Control,
    ControlMoved,
)
from jam.midi.numbers import BEND, CONTROL, NOTE_ON
from jam.music.chord import pitch_name

_NUMBERS = re.compile(r" \d+:\d+$| \[\d+\]")
"""Numbers that ALSA and its bridge to JACK give a device anew whenever it is plugged in."""
_WINDOWS_NUMBER = re.compile(r" \d+$")
_WAYS = re.compile(r"[ _]?\(?(?:capture|playback)\)?|\b(?:in|out|input|output)\b", re.IGNORECASE)
"""What of a port's name says only whether it is an input or an output."""
_LEARNT = frozenset(("note", "control", "program", "bend", "pressure", "mmc"))
"""Kinds of messages that can be learnt: not the pressure of single keys."""
_NOT_LEARNT = frozenset((0, 32, 98, 99, 100, 101, *range(120, 128)))
"""Controllers that only prepare another message (bank, parameter numbers), and channel modes."""
_PAIR_S = 0.02
"""Both controllers of a pair move within so short a time."""
_TRAVEL, _SWING = 3 / 127, 0.1
"""A knob that was moved so far is meant: it may tremble less by itself. The same of wheels."""


def device_name(port: str) -> str:
    """A port's name without what changes when the device is plugged in anew."""
    name = _NUMBERS.sub("", port)
    return _WINDOWS_NUMBER.sub("", name) if sys.platform == "win32" else name


def shown_device(device: str) -> str:
    """A device's name for people: "nanoKONTROL2 MIDI 1" of "nanoKONTROL2:nanoKONTROL2 MIDI 1"."""
    if device == ANY_DEVICE:
        return "any device"
    client, _, port = device.removeprefix(FAMILY).partition(":")
    return port.strip() if port.strip().startswith(client) else device.removeprefix(FAMILY)


def is_on(control: Control, device: str) -> bool:
    """Whether a control can be one of a device with this name."""
    if control.device.startswith(FAMILY):
        return control.device[len(FAMILY) :].lower() in device.lower()
    return control.device in (ANY_DEVICE, device)


def port_back(input_: str, outputs: Iterable[str]) -> str | None:
    """The output of the device that an input belongs to; None where it has none.

    Where the system names ports by client ("nano:out", "nano:in"), the client is the device.
    """

    def bare(name: str) -> str:
        return " ".join(_WAYS.sub("", device_name(name)).split())

    outputs = tuple(outputs)
    same = [name for name in outputs if bare(name) == bare(input_)]
    client = input_.partition(":")[0]
    if not same and ":" in input_ and client not in ("system", "a2j", "alsa_midi"):
        same = [name for name in outputs if name.startswith(f"{client}:")]
    return same[0] if same else None


@dataclass(frozen=True, slots=True)
class Route:
    """What becomes of messages of a control. told: the parent gets them. plays: they are music."""

    control: Control
    learnt: Control | None
    told: bool
    plays: bool


Key = tuple[str, str, int, int]
"""(port, kind, channel, number) of a message."""


class Routes(dict[Key, Route | None]):
    """Message -> route; None: it is music and nothing else, as nearly all are.

    Worked out when the first message of its kind comes, so that a note costs one look into a
    dictionary. silent: ports that are open for their controls alone.
    """

    def __init__(
        self,
        learnt: Iterable[Control] = (),
        watching: bool = False,
        learning: bool = False,
        silent: Iterable[str] = (),
    ) -> None:
        super().__init__()
        # The most special one first: a control of one device goes before that of any.
        self._learnt = sorted(learnt, key=_generality)
        self._watching, self._learning = watching, learning
        self._silent = frozenset(silent)

    def __missing__(self, key: Key) -> Route | None:
        port, kind, channel, number = key
        control = Control(device_name(port), kind, channel, number)
        learnt = next((one for one in self._learnt if _is_meant(one, control)), None)
        if learnt is not None and learnt.kind == FINE:
            control = replace(control, kind=FINE, number=learnt.number)
        may_be_learnt = kind in _LEARNT and (kind != "control" or number not in _NOT_LEARNT)
        told = learnt is not None or (may_be_learnt and (self._watching or self._learning))
        plays = learnt is None and not (self._learning and told) and port not in self._silent
        route = None if plays and not told else Route(control, learnt, told, plays)
        self[key] = route
        return route


def _generality(control: Control) -> tuple[int, bool]:
    device = 2 if control.device == ANY_DEVICE else int(control.device.startswith(FAMILY))
    return device, control.channel == ANY_CHANNEL


def _is_meant(learnt: Control, control: Control) -> bool:
    parts = (learnt.number, learnt.number + FINE_BY) if learnt.kind == FINE else (learnt.number,)
    return (
        control.kind == ("control" if learnt.kind == FINE else learnt.kind)
        and control.number in parts
        and learnt.channel in (ANY_CHANNEL, control.channel)
        and is_on(learnt, control.device)
    )


def shown_by(control: Control, position: float) -> tuple[int, ...] | None:
    """The message that has a control show a position; None for those that can show nothing."""
    if control.channel == ANY_CHANNEL:
        return None
    value = min(127, max(0, round(127 * position)))
    match control.kind:
        case "control" | "fine":
            return CONTROL | control.channel, control.number, value
        case "note":
            return NOTE_ON | control.channel, control.number, value
        case "bend":
            fine = min(16383, max(0, round(16383 * position)))
            return BEND | control.channel, fine & 0x7F, fine >> 7
    return None


class Learner:
    """Finds out which control is meant: the first that is struck or clearly moved."""

    def __init__(self) -> None:
        self._first: dict[Control, float] = {}
        self._last_s: dict[Control, float] = {}
        self._pairs: set[Control] = set()

    def take(self, moved: ControlMoved) -> Control | None:
        """A control was moved; returns the one that is meant as soon as that is clear."""
        control, position = moved.control, moved.position
        self._last_s[control] = moved.at_s
        if control.kind == "control" and control.number < 2 * FINE_BY:
            coarse = replace(control, number=control.number % FINE_BY)
            fine = replace(coarse, number=coarse.number + FINE_BY)
            pair = replace(coarse, kind=FINE)
            if abs(self._last_s.get(coarse, -1e9) - self._last_s.get(fine, 1e9)) <= _PAIR_S:
                self._pairs.add(pair)
            if pair in self._pairs:
                first = self._first.setdefault(control, position)
                is_far = control == coarse and abs(position - first) >= _TRAVEL
                return pair if is_far else None
        match control.kind:
            case "note" | "program" | "mmc":
                return control if position > 0 else None
            case "control":
                first = self._first.setdefault(control, position)
                return control if position == 1 or abs(position - first) >= _TRAVEL else None
            case "bend":
                return control if abs(position - 0.5) >= _SWING else None
        first = self._first.setdefault(control, position)
        return control if abs(position - first) >= _SWING else None


_PEDALS = {64: "Sustain pedal", 66: "Sostenuto pedal", 67: "Soft pedal", 11: "Expression pedal"}
_MMC = {1: "Stop", 2: "Play", 3: "Play", 4: "Forward", 5: "Rewind", 6: "Record", 9: "Pause"}
"""Commands of MIDI Machine Control (MMA RP-013) that keyboards' transport buttons send."""


def control_words(control: Control) -> str:
    """What a control is called: "CC 7, channel 1", "Key C4, channel 10", "Sostenuto pedal"."""
    number = control.number
    match control.kind:
        case "note":
            name = f"Key {pitch_name(number)}"
        case "control":
            name = _PEDALS.get(number, f"CC {number}")
        case "fine":
            name = f"CC {number} (14 bits)"
        case "program":
            name = f"Program {number + 1}"
        case "mmc":
            return f"{_MMC.get(number, f'Command {number}')} button (MMC)"
        case kind:
            name = {"bend": "Pitch bend", "pressure": "Aftertouch"}[kind]
    channel = control.channel
    return name if channel == ANY_CHANNEL else f"{name}, channel {channel + 1}"


def matching_inputs(controls: Sequence[Control], there: Sequence[str]) -> list[str]:
    """Ports of devices that have one of these controls: not those meant on any device."""
    named = [control for control in controls if control.device != ANY_DEVICE]
    return [port for port in there if any(is_on(c, device_name(port)) for c in named)]
