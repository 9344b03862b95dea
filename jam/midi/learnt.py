"""What learnt controls do: which of them does what, and when a fader that is moved takes over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from jam.messages.controls import ANY_CHANNEL, ANY_DEVICE, FAMILY, Control, ControlMoved
from jam.midi.numbers import SOFT, SOSTENUTO
from jam.settings import SETTINGS
from jam.settings.line import Line

ACTION, SETTING, VIEW = "action:", "setting:", "view:"
"""How what a control does begins: something that is done, or a value that is turned."""


def dials(prefix: str, lines: Mapping[str, Line]) -> dict[str, Line]:
    """Target -> line of all values that a knob can turn."""
    return {prefix + name: line for name, line in lines.items() if line.is_dial}


DIALS = dials(SETTING, SETTINGS)
"""Those of the settings."""
PICKUP, JUMP, RELATIVE = "pickup", "jump", "relative"
TAKEOVERS = {PICKUP: "Pick up", JUMP: "Jump", RELATIVE: "Endless"}
"""How a knob takes over: when it passes the value, at once, or it only turns up and down."""
_NEAR = 2 / 127
"""A fader so close to the value is on it."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """A control and what it does.

    target: ACTION or SETTING or VIEW and a name. takeover: one of TAKEOVERS. recall: the position
    that a key, a pad or a program sets a value to, which has none of its own. on: it counts.
    """

    control: Control
    target: str
    takeover: str = PICKUP
    recall: float | None = None
    on: bool = True


def _everywhere(kind: str, number: int, action: str, on: bool = True) -> Learnt:
    return Learnt(Control(ANY_DEVICE, kind, ANY_CHANNEL, number), f"{ACTION}{action}", on=on)


START, STOP, FORWARD, REWIND = "start", "stop", "review-forward-one-bar", "review-back-one-bar"
_MMC = {1: STOP, 2: START, 3: START, 4: FORWARD, 5: REWIND, 6: START, 9: STOP}
"""Commands of MIDI Machine Control. Whatever is played is recorded, so record is start."""
_TRANSPORTS = {
    "Launchkey": (115, 114, 117, 113, 112),
    "Impulse": (115, 114, 117, 113, 112),
    "Oxygen": (117, 116, 118, 115, 114),
    "Axiom": (117, 116, 118, 115, 114),
    "MPK": (118, 117, 119, 116, 115),
    "VI25": (119, 118, 114, 117, 116),
    "nanoKONTROL2": (41, 42, 45, 44, 43),
    "Impact GX": (106, 105, 107, 104, 103),
}
"""Controllers of keyboards' transport buttons as they leave the factory: play, stop, record,
forward, rewind. No two makers agree, so they count on a device of that name alone. (As Ardour's
maps of controllers have them, share/midi_maps.)"""

PROPOSED = (
    _everywhere("control", SOSTENUTO, "keep-the-last-bars-or-let-go", on=False),
    _everywhere("control", SOFT, "next-variation", on=False),
)
"""What is offered of a piano's other pedals, which stay pedals until it is taken."""
DEFAULTS: tuple[Learnt, ...] = (
    *PROPOSED,
    *(_everywhere("mmc", command, action) for command, action in _MMC.items()),
    *(
        Learnt(Control(f"{FAMILY}{name}", "control", ANY_CHANNEL, number), f"{ACTION}{action}")
        for name, numbers in _TRANSPORTS.items()
        for number, action in zip(numbers, (START, STOP, START, FORWARD, REWIND), strict=True)
    ),
)
"""What works at once; those that are off are offered."""


def with_learnt(all_: Iterable[Learnt], new: Learnt) -> tuple[Learnt, ...]:
    """With one more; a control does one thing only."""
    return (*(one for one in all_ if one.control != new.control), new)


def in_use(all_: Iterable[Learnt]) -> tuple[Control, ...]:
    """The controls that count."""
    return tuple(one.control for one in all_ if one.on)


# What a movement does


@dataclass(frozen=True, slots=True)
class Press:
    """Do it."""

    target: str


@dataclass(frozen=True, slots=True)
class Put:
    """Set it to the value at a position, from 0 to 1."""

    target: str
    position: float


@dataclass(frozen=True, slots=True)
class Turn:
    """Turn it so many steps up or (negative) down."""

    target: str
    steps: int


@dataclass(frozen=True, slots=True)
class Waits:
    """The control stands elsewhere than the value, and takes over when it comes past it."""

    target: str
    position: float
    value: float


Deed = Press | Put | Turn | Waits


class Surface:
    """Turns movements into deeds.

    position_of: where a value stands now, from 0 to 1; None for a target without one.
    """

    def __init__(
        self, learnt: Iterable[Learnt], position_of: Callable[[str], float | None]
    ) -> None:
        self._learnt = {one.control: one for one in learnt if one.on}
        self._position_of = position_of
        self._last: dict[Control, float] = {}
        """Where each control was last."""
        self._set: dict[Control, float] = {}
        """Where the value stood after a fader had set it last."""

    def take(self, moved: ControlMoved) -> Deed | None:
        """A learnt control was moved; returns what is to be done."""
        learnt = self._learnt.get(moved.learnt) if moved.learnt is not None else None
        if learnt is None:
            return None
        last = self._last.get(moved.control)
        self._last[moved.control] = moved.position
        is_action = learnt.target.startswith(ACTION)
        if moved.control.kind in ("note", "program", "mmc"):
            if not moved.position:
                return None
            if is_action:
                return Press(learnt.target)
            return self._struck(learnt)
        if is_action:
            return Press(learnt.target) if _is_pressed(last, moved.position) else None
        if learnt.takeover == RELATIVE:
            steps = _steps(moved.position)
            return Turn(learnt.target, steps) if steps else None
        return self._moved(learnt, moved, last)

    def _struck(self, learnt: Learnt) -> Deed:
        """A key recalls the value that it was learnt with; without one it goes to the other end."""
        if learnt.recall is not None:
            return Put(learnt.target, learnt.recall)
        now = self._position_of(learnt.target)
        return Put(learnt.target, 0.0 if now is not None and now >= 0.5 else 1.0)

    def _moved(self, learnt: Learnt, moved: ControlMoved, last: float | None) -> Deed:
        control, position = moved.control, moved.position
        value = self._position_of(learnt.target)
        if learnt.takeover == PICKUP and value is not None and self._set.get(control) != value:
            low, high = sorted((position, position if last is None else last))
            if not low - _NEAR <= value <= high + _NEAR:
                return Waits(learnt.target, position, value)
        return Put(learnt.target, position)

    def was_set(self, moved: ControlMoved) -> None:
        """The value stands where this control has put it: it goes on from there."""
        learnt = self._learnt.get(moved.learnt) if moved.learnt is not None else None
        value = self._position_of(learnt.target) if learnt is not None else None
        if value is not None:
            self._set[moved.control] = value


def _is_pressed(last: float | None, now: float) -> bool:
    """Whether a button went down, or a pedal. One that sends nothing when it comes up sends the
    same once more; a pedal on its way never does.
    """
    return now >= 0.5 and (last is None or last < 0.5 or last == now)


def _steps(position: float) -> int:
    """Steps of an endless knob, in two's complement: 1, 2, … up, 127, 126, … down."""
    value = round(127 * position)
    return value if value < 64 else value - 128


def shown_positions(
    learnt: Iterable[Learnt], position_of: Callable[[str], float | None]
) -> tuple[tuple[Control, float], ...]:
    """What the controls are to show: those of one device alone that have something to show."""
    return tuple(
        (one.control, position)
        for one in learnt
        if one.on
        and one.control.device != ANY_DEVICE
        and not one.control.device.startswith(FAMILY)
        and one.takeover != RELATIVE
        and (position := position_of(one.target)) is not None
    )


def recalling(learnt: Learnt, position: float | None) -> Learnt:
    """With the position that a key or a program is to recall, where it turns a value."""
    struck = learnt.control.kind in ("note", "program", "mmc")
    return replace(learnt, recall=position if struck else None)
