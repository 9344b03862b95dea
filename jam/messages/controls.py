"""Controls of MIDI devices: what was moved, which of them are learnt, what they are to show."""

from __future__ import annotations

from dataclasses import dataclass

ANY_DEVICE, ANY_CHANNEL = "", -1
FINE = "fine"
"""A pair of controllers, n and n + FINE_BY, that are one value of 14 bits (MIDI 1.0)."""
FINE_BY = 32
FAMILY = "*"
"""Begins the device of a control that is meant on every device whose name contains the rest."""


@dataclass(frozen=True, slots=True)
class Control:
    """A key, pad, pedal, knob, fader, wheel or button of a MIDI device.

    device: its name as `jam.midi.controls.device_name` gives it, ANY_DEVICE, or a FAMILY. kind:
    "control", "note", "program", "bend", "pressure", "mmc" or FINE. channel: from 0, or
    ANY_CHANNEL. number: of the controller (the coarse one of a pair), the key, the program or MMC's
    command; 0 for bend and pressure.
    """

    device: str
    kind: str
    channel: int
    number: int


@dataclass(frozen=True, slots=True)
class ControlMoved:
    """A control was moved. control: as it came. learnt: the one that is learnt and meant by it,
    None where it is only looked at. position: 0 to 1; of a note its velocity, 0 when it ends.
    """

    control: Control
    learnt: Control | None
    position: float
    at_s: float


@dataclass(frozen=True, slots=True)
class ControlsMoved:
    """What was moved since the last message, in order. From the stage to its parent."""

    moved: tuple[ControlMoved, ...]


@dataclass(frozen=True, slots=True)
class UseControls:
    """These are learnt: they are told to the parent and play nothing. From parent to stage.

    watching: all others are told too, and play as ever. learning: they are told and play nothing,
    whatever device they are on.
    """

    learnt: tuple[Control, ...] = ()
    watching: bool = False
    learning: bool = False


@dataclass(frozen=True, slots=True)
class ShowOnControls:
    """Lights and motor faders of controls: (control, position) of all that have something to show.

    From parent to stage.
    """

    positions: tuple[tuple[Control, float], ...] = ()
