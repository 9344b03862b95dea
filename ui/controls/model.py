"""The model of MIDI learn: which controls are learnt, and what happens when one is moved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from PyQt6.QtCore import QObject, QTimer, pyqtSignal
from PyQt6.QtWidgets import QApplication

from jam.messages.controls import ANY_DEVICE, FAMILY, FINE, Control, ControlMoved, ShowOnControls
from jam.messages.controls import UseControls as Use
from jam.midi.controls import Learner, control_words, device_name, is_on, shown_device
from jam.midi.learnt import (
    ACTION,
    DEFAULTS,
    DIALS,
    VIEW,
    Deed,
    Learnt,
    Press,
    Put,
    Surface,
    Turn,
    Waits,
    dials,
    in_use,
    recalling,
    shown_positions,
    with_learnt,
)
from jam.preferences import VIEW as VIEW_LINES
from jam.settings.line import Line
from ui.common.text import percent
from ui.settings.look import Look
from ui.settings.model import SettingsModel, Step
from ui.shortcuts.actions import EVERYWHERE, Actions

LEARN_FOR_MS = 30_000
"""So long a control is waited for."""
_SETTLES_S = 1.0
"""A pedal that was just learnt is still on its way."""
_VIEW_DIALS = dials(VIEW, VIEW_LINES)
NOT_HERE = "is on the other page"
GAVE_UP = "No control was moved"


@dataclass(frozen=True, slots=True)
class Target:
    """Something that can be learnt: its name in files, what it is called, and its group."""

    name: str
    title: str
    group: str


class ControlsModel(QObject):
    """Does what learnt controls ask for; learns others, and keeps what was learnt.

    send: to the engine. page: tells the page in front.
    """

    changed = pyqtSignal(object)
    """A tuple of Learnt: what is learnt from now on."""
    learning_changed = pyqtSignal()
    last_changed = pyqtSignal()
    """Another control was moved."""
    told = pyqtSignal(str)

    def __init__(
        self,
        send: Callable[[object], object],
        learnt: Sequence[Learnt],
        actions: Actions,
        settings: SettingsModel,
        look: Look,
        page: Callable[[], str],
    ) -> None:
        super().__init__()
        self._send, self._actions, self._page = send, actions, page
        self._settings, self._look = settings, look
        self.learnt = tuple(learnt)
        self.learning = ""
        """The target that waits for a control."""
        self.last: ControlMoved | None = None
        """What was moved last."""
        self.inputs: tuple[str, ...] = ()
        """Open MIDI inputs."""
        self.pressed_s: float | None = None
        """When the control was moved that does something right now; None: none does."""
        self._watching = False
        self._learner = Learner()
        self._settling: tuple[Control, float] | None = None
        self._sent: tuple[Use, ShowOnControls] | None = None
        self._surface = Surface(self.learnt, self.position_of)
        self._patience = QTimer(self)
        self._patience.setSingleShot(True)
        self._patience.setInterval(LEARN_FOR_MS)
        self._patience.timeout.connect(self._give_up)
        self.update()

    # -- what there is

    def targets(self) -> list[Target]:
        """All that can be learnt: every action, and every setting that a knob can turn."""
        found = [
            Target(ACTION + action.name, action.label, action.group) for action in self._actions
        ]
        found += [
            Target(name, line.plain_label, f"Settings: {line.tab or 'toolbar'}")
            for name, line in (*DIALS.items(), *_VIEW_DIALS.items())
        ]
        return found

    def title(self, target: str) -> str:
        """What a target is called; its name where this version doesn't know it."""
        return next((one.title for one in self.targets() if one.name == target), target)

    def of(self, target: str) -> list[Learnt]:
        """What is learnt for it, of devices that have such a control or may have it."""
        devices = [device_name(port) for port in self.inputs]
        return [
            one
            for one in self.learnt
            if one.target == target
            and (
                not one.control.device.startswith(FAMILY)
                or any(is_on(one.control, device) for device in devices)
            )
        ]

    def is_connected(self, control: Control) -> bool:
        """Whether a device that has it is there."""
        return control.device == ANY_DEVICE or any(
            is_on(control, device_name(port)) for port in self.inputs
        )

    def _line(self, target: str) -> tuple[Line, SettingsModel | Look] | None:
        if (line := DIALS.get(target)) is not None:
            return line, self._settings
        line = _VIEW_DIALS.get(target)
        return (line, self._look) if line is not None else None

    def position_of(self, target: str) -> float | None:
        """Where a value stands, or a light; None where there is neither."""
        if (found := self._line(target)) is not None:
            line, source = found
            return line.position(getattr(source.settings, line.name))
        action = self._actions.named(target.removeprefix(ACTION))
        return float(action.lit()) if action is not None and action.lit is not None else None

    # -- learning

    def learn(self, target: str) -> None:
        """The next control that is moved does this from then on."""
        self._learner = Learner()
        self.learning = target
        self._patience.start()
        self.update()
        self.learning_changed.emit()

    def cancel(self) -> None:
        """Learn nothing."""
        if self.learning:
            self.learning = ""
            self._patience.stop()
            self.update()
            self.learning_changed.emit()

    def _give_up(self) -> None:
        self.cancel()
        self.told.emit(GAVE_UP)

    def _learn(self, moved: ControlMoved, control: Control) -> None:
        target, words = self.learning, control_words(control)
        new = recalling(Learnt(control, target), self.position_of(target))
        before = next((one for one in self.learnt if one.control == control), None)
        self._settling = control, moved.at_s + _SETTLES_S
        self.cancel()
        self._put(with_learnt(self.learnt, new), f"{words} learnt")
        was = f" (it was {self.title(before.target)})" if before and before.target != target else ""
        self.told.emit(f"{words}: {self.title(target)}{was}")

    def replace(self, old: Learnt, new: Learnt) -> None:
        """Have one count or not, or take over otherwise."""
        after = tuple(new if one == old else one for one in self.learnt)
        self._put(after, f"{control_words(old.control)} changed")

    def take_over(self, one: Learnt, how: str) -> None:
        """Have a knob take over in another way."""
        self.replace(one, replace(one, takeover=how))

    def forget(self, target: str) -> None:
        """Nothing does this any more, of what is listed."""
        gone = self.of(target)
        if gone:
            after = tuple(one for one in self.learnt if one not in gone)
            self._put(after, f"{self.title(target)}: no control")
            self.told.emit(f"{self.title(target)}: no MIDI control any more (Ctrl+Z)")

    def uses(self, proposed: Learnt) -> bool:
        """Whether a proposal was taken."""
        return any(
            one.on and (one.control, one.target) == (proposed.control, proposed.target)
            for one in self.learnt
        )

    def propose(self, proposed: Learnt, on: bool) -> None:
        """Take a proposal, or leave it."""
        after = with_learnt(self.learnt, replace(proposed, on=on))
        self._put(after, f"{control_words(proposed.control)} {'used' if on else 'left alone'}")

    def reset(self) -> None:
        """What works at the first start, and nothing else."""
        self._put(DEFAULTS, "reset of MIDI controls")
        self.told.emit("MIDI controls are reset (Ctrl+Z)")

    def _put(self, after: tuple[Learnt, ...], words: str) -> None:
        before = self.learnt
        if after != before:
            self._settings.history.push(
                Step(words, lambda: self._set(after), lambda: self._set(before))
            )

    def _set(self, learnt: tuple[Learnt, ...]) -> None:
        self.learnt = learnt
        self._surface = Surface(learnt, self.position_of)
        self.update()
        self.changed.emit(learnt)

    # -- to and from the engine

    def watch(self, on: bool) -> None:
        """See what is moved, also what isn't learnt."""
        self._watching = on
        self.update()

    def update(self) -> None:
        """Tell the engine what has changed: what is learnt, and what is to be lit."""
        use = Use(in_use(self.learnt), self._watching, bool(self.learning))
        show = ShowOnControls(shown_positions(self.learnt, self.position_of))
        before, self._sent = self._sent, (use, show)
        if before is None or before[0] != use:
            self._send(use)
        if (before or (None, ShowOnControls()))[1] != show:
            self._send(show)

    def take(self, movements: Iterable[ControlMoved]) -> None:
        """Controls were moved."""
        for moved in movements:
            self.last = moved
            self._take(moved)
        self.update()
        if self.last is not None:
            self.last_changed.emit()

    def _take(self, moved: ControlMoved) -> None:
        if self.learning:
            if (control := self._learner.take(moved)) is not None:
                self._learn(moved, control)
            return
        deed = self._surface.take(moved)
        if deed is None or self._settles(moved):
            return
        self.pressed_s = moved.at_s
        self._do(deed)
        self.pressed_s = None
        if isinstance(deed, Put):
            self._surface.was_set(moved)

    def _settles(self, moved: ControlMoved) -> bool:
        if self._settling is None:
            return False
        control, until_s = self._settling
        return moved.learnt == control and moved.at_s < until_s

    def _do(self, deed: Deed) -> None:
        if isinstance(deed, Press):
            self._press(deed.target.removeprefix(ACTION))
            return
        found = self._line(deed.target)
        if found is None:
            return
        line, source = found
        if isinstance(deed, Put):
            source.change(**{line.name: line.at(deed.position)})
        elif isinstance(deed, Turn):
            now = getattr(source.settings, line.name)
            source.change(**{line.name: line.turned(now, deed.steps)})
        elif isinstance(deed, Waits):
            way = "up" if deed.position < deed.value else "down"
            self.told.emit(
                f"{line.plain_label} is at {line.shown(line.at(deed.value))}:"
                f" move the control {way} to {percent(deed.value)} of its way to take over"
            )

    def _press(self, name: str) -> None:
        """As its key does: where its page is in front, and no dialog is open."""
        action = self._actions.named(name)
        if action is None or QApplication.activeModalWidget() is not None:
            return
        if action.from_control_on not in (EVERYWHERE, self._page()):
            self.told.emit(f"“{action.label}” {NOT_HERE}")
            return
        action.run()


def place_words(one: Learnt) -> str:
    """What a learnt control is called, with its device: "CC 7, channel 1 · nanoKONTROL2"."""
    return f"{control_words(one.control)} · {shown_device(one.control.device)}"


def turned_off(one: Learnt) -> Learnt:
    return replace(one, on=not one.on)


_KNOBS = ("control", FINE, "bend", "pressure")


def takes_over(one: Learnt) -> bool:
    """Whether it is a knob that can take over in one way or another."""
    return not one.target.startswith(ACTION) and one.control.kind in _KNOBS
