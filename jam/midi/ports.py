"""MIDI ports by python-rtmidi: virtual ports, hot-plug, and what a message means."""

from __future__ import annotations

import logging
import re
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from jam.clock import Clock
from jam.errors import BadInput, JamError
from jam.messages import notes as messages
from jam.messages.commands import EVERY_INPUT
from jam.messages.controls import Control
from jam.messages.notes import Expression
from jam.midi.controls import device_name, matching_inputs, port_back, shown_by
from jam.midi.numbers import (
    BEAT,
    BEND,
    CONTROL,
    KEY_PRESSURE,
    NOTE_OFF,
    NOTE_ON,
    PRESSURE,
    PROGRAM,
    SILENCE,
)
from jam.system import STAGE, died, quiet_stderr, raise_priority

CLIENT_NAME = "jam"
VIRTUAL_IN, VIRTUAL_OUT = "jam in", "jam out"
_FLUSH_S = 0.05
"""So long a port takes to send what waits in it."""
_PANIC = tuple((CONTROL | channel, c, 0) for channel in range(16) for c in SILENCE)
_ALSA_NUMBER = re.compile(r" (\d+):\d+$")
"""Client and port at the end of a port's name."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MidiMessage:
    """A message that the program uses.

    kind: "note" (velocity 0 is off), "control" or "key pressure"; "bend", "pressure", "program"
    and "mmc" as of `jam.messages.controls.Control`. value: 0 to 127; of the pitch bend 0 to 16383.
    """

    kind: str
    channel: int
    number: int
    value: int

    @property
    def position(self) -> float:
        """From 0 to 1. A program, or a command of MMC, is there or isn't."""
        return self.value / (16383 if self.kind == "bend" else 127)


def bytes_of(control: Expression, channel: int) -> tuple[int, ...]:
    """The message that moves a control on a channel (from 0)."""
    value = control.value
    match control.kind:
        case messages.BEND:
            return BEND | channel, value & 127, value >> 7
        case messages.PRESSURE:
            return PRESSURE | channel, value
        case messages.KEY_PRESSURE:
            return KEY_PRESSURE | channel, control.number, value
        case _:
            return CONTROL | channel, control.number, value


def parse_message(data: Sequence[int]) -> MidiMessage | None:
    """What a complete channel message means; None for all that the program has no use for.

    Never raises, whatever the bytes are.
    """
    if len(data) != 3 or not 0x80 <= data[0] <= 0xBF or data[1] > 127 or data[2] > 127:
        return _parse_rarer(data)
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    if kind == NOTE_ON:
        return MidiMessage("note", channel, data[1], data[2])
    if kind == NOTE_OFF:
        return MidiMessage("note", channel, data[1], 0)
    if kind == CONTROL:
        return MidiMessage("control", channel, data[1], data[2])
    if kind == KEY_PRESSURE:
        return MidiMessage("key pressure", channel, data[1], data[2])
    return None


_MMC_START, _MMC_LENGTH = (0xF0, 0x7F), 6
"""A command of MIDI Machine Control (MMA RP-013): F0 7F device 06 command F7."""


def _parse_rarer(data: Sequence[int]) -> MidiMessage | None:
    """What only means something when it is learnt."""
    if len(data) == _MMC_LENGTH and tuple(data[:2]) == _MMC_START:
        is_command = data[3] == 0x06 and data[4] < 128 and data[5] == 0xF7
        return MidiMessage("mmc", 0, data[4], 127) if is_command else None
    if not 2 <= len(data) <= 3 or any(byte > 127 for byte in data[1:]):
        return None
    kind, channel = data[0] & 0xF0, data[0] & 0x0F
    if kind == BEND and len(data) == 3:
        return MidiMessage("bend", channel, 0, data[1] | data[2] << 7)
    if kind == PROGRAM and len(data) == 2:
        return MidiMessage("program", channel, data[1], 127)
    if kind == PRESSURE and len(data) == 2:
        return MidiMessage("pressure", channel, 0, data[1])
    return None


def _rtmidi() -> Any:
    import rtmidi

    return rtmidi


_API_NAMES = {
    "alsa": "API_LINUX_ALSA",
    "jack": "API_UNIX_JACK",
    "coremidi": "API_MACOSX_CORE",
    "winmm": "API_WINDOWS_MM",
}


def open_api(name: str = "auto") -> tuple[str, int]:
    """The MIDI system to use: (name, rtmidi's number), "auto" the first that answers.

    Raises BadInput for a name that this machine's library doesn't know, JamError when the
    system doesn't answer.
    """
    rtmidi = _rtmidi()
    compiled = rtmidi.get_compiled_api()
    known = {n: getattr(rtmidi, a) for n, a in _API_NAMES.items() if getattr(rtmidi, a) in compiled}
    if name != "auto" and name not in known:
        raise BadInput(f"MIDI system {name!r}: this machine knows {', '.join(known) or 'none'}")
    for candidate in [name] if name != "auto" else list(known):
        try:
            with quiet_stderr():
                rtmidi.MidiIn(known[candidate], name=CLIENT_NAME + " probe").delete()
            return candidate, known[candidate]
        except (rtmidi.SystemError, RuntimeError):
            continue
    tried = name if name != "auto" else " or ".join(known)
    raise JamError(
        f"no MIDI system: {tried} does not answer"
        + (" (is /dev/snd/seq there, or a JACK server running?)" if sys.platform == "linux" else "")
    )


class MidiPorts:
    """Every MIDI port of the program.

    `on_message(port_name, message, at_s)` is called on rtmidi's thread with the time taken
    on the callback's first line; `on_closed(port_name, is_gone)` after a port was closed, because
    it is gone or because another was chosen; `on_beat(port_name, data, at_s)` as the first for what
    says where the beat is (of ticks: while `hear_ticks` says so). Ports that are wanted and not
    there are opened when they appear, as far as `poll` is called. `want`, `poll` and `close` belong
    to one thread, `send` and `panic` may be called by any.
    Raises JamError or BadInput when the MIDI system can't be used.
    """

    def __init__(
        self,
        clock: Clock,
        on_message: Callable[[str, MidiMessage, float], None],
        on_closed: Callable[[str, bool], None],
        api: str = "auto",
        on_beat: Callable[[str, Sequence[int], float], None] | None = None,
    ) -> None:
        self._clock, self._on_message, self._on_closed = clock, on_message, on_closed
        self._on_beat = on_beat
        self._hears_ticks = False
        self.api, self._api_number = open_api(api)
        self._sending = threading.Lock()
        self._sounding: set[tuple[int, int]] = set()
        """Channel (from 0) and pitch of what was started at the outputs and not ended yet."""
        self._inputs: dict[str, Any] = {}
        self._raised: set[str] = set()
        """Inputs whose thread has its priority; another port of the name has another thread."""
        self._outputs: dict[str, Any] = {}
        self._lights: dict[str, Any] = {}
        """Input -> the output of the same device, for its lights and motor faders."""
        self._shown: dict[str, dict[Control, tuple[int, ...]]] = {}
        """What these show now."""
        self._to_show: dict[Control, tuple[int, ...]] = {}
        self.controls: tuple[Control, ...] = ()
        """Those that are learnt: their devices are open whether they are chosen to be played."""
        self.learning = False
        """Whether every keyboard and controller is to be open, chosen or not."""
        self.wanted_inputs = EVERY_INPUT
        self.wanted_outputs: tuple[str, ...] = ()
        self.available_inputs: tuple[str, ...] = ()
        self.available_outputs: tuple[str, ...] = ()
        self.dropped_messages = 0
        self.has_virtual = self.api in ("alsa", "jack", "coremidi")
        rtmidi = _rtmidi()
        try:
            self._open_own(rtmidi)
        except (rtmidi.SystemError, RuntimeError):  # it has answered a moment ago
            raise JamError(f"the MIDI system {self.api} went away while it was opened") from None
        self.poll()

    def _open_own(self, rtmidi: Any) -> None:
        """The ports that are there whatever is connected. Raises errors of rtmidi."""
        with quiet_stderr():
            self._in_probe = rtmidi.MidiIn(self._api_number, name=CLIENT_NAME + " probe")
            self._out_probe = rtmidi.MidiOut(self._api_number, name=CLIENT_NAME + " probe")
        if self.has_virtual:
            self._inputs[VIRTUAL_IN] = self._new_input(VIRTUAL_IN, None)
            port = rtmidi.MidiOut(self._api_number, name=CLIENT_NAME)
            port.open_virtual_port(VIRTUAL_OUT)
            self._outputs[VIRTUAL_OUT] = port

    @property
    def open_inputs(self) -> tuple[str, ...]:
        return tuple(self._inputs)

    @property
    def silent_inputs(self) -> tuple[str, ...]:
        """Those that are open for their controls alone."""
        played = {VIRTUAL_IN, *self._wanted_of(self.available_inputs)}
        return tuple(name for name in self._inputs if name not in played)

    @property
    def open_outputs(self) -> tuple[str, ...]:
        return tuple(self._outputs)

    def hear_ticks(self, heard: bool) -> None:
        """Whether the ticks of a MIDI clock are heard: nobody is to be woken by them in vain."""
        self._hears_ticks = heard
        for port in list(self._inputs.values()):
            port.ignore_types(sysex=False, timing=not heard, active_sense=True)

    def want(
        self, inputs: tuple[str, ...] | None = None, outputs: tuple[str, ...] | None = None
    ) -> None:
        """Choose devices by name or part of one; None leaves as it is.

        Raises BadInput when one of the named isn't there now (it is opened when it comes).
        """
        if inputs is not None:
            self.wanted_inputs = inputs
        if outputs is not None:
            self.wanted_outputs = outputs
        self.poll()
        for wanted, there, what in (
            (self._named_inputs(), self.available_inputs + self.open_inputs, "input"),
            (self.wanted_outputs, self.available_outputs + self.open_outputs, "output"),
        ):
            for name in wanted:
                if not matching((name,), there):
                    raise BadInput(
                        f"MIDI {what} {name!r}: not found; there are "
                        + (", ".join(repr(n) for n in there) or "none")
                    )

    def _named_inputs(self) -> tuple[str, ...]:
        return () if self.wanted_inputs == EVERY_INPUT else self.wanted_inputs

    def poll(self) -> None:
        """Compare the ports that are there with those wanted; open and close accordingly."""
        try:
            with_own = self._in_probe.get_ports(), self._out_probe.get_ports()
        except Exception:  # the server went away between two polls
            _log.debug("polling MIDI ports", exc_info=True)
            with_own = [], []
        ins, outs = ([n for n in names if not _is_own(n)] for names in with_own)
        self.available_inputs, self.available_outputs = tuple(ins), tuple(outs)
        wanted_in = self._wanted_of(ins)
        others = set(matching_inputs(self.controls, ins))
        if self.learning:
            others |= {name for name in ins if is_hardware(name, self.api)}
        wanted_in += [name for name in ins if name in others and name not in wanted_in]
        for name in self._left_over(self._inputs, wanted_in, VIRTUAL_IN):
            _delete(self._inputs.pop(name))
            self._on_closed(name, name not in ins)
        wanted_out = matching(self.wanted_outputs, outs)
        closing = self._left_over(self._outputs, wanted_out, VIRTUAL_OUT)
        self._close_outputs(closing)
        for name in closing:
            self._on_closed(name, name not in outs)
        self._open_new(self._inputs, wanted_in, self._new_input)
        self._open_new(self._outputs, wanted_out, self._new_output)

        self._poll_lights(outs)

    def _wanted_of(self, inputs: Sequence[str]) -> list[str]:
        """Those of the inputs that are to be played."""
        if self.wanted_inputs == EVERY_INPUT:
            return [name for name in inputs if is_hardware(name, self.api)]
        return matching(self.wanted_inputs, inputs)

    def _poll_lights(self, outputs: Sequence[str]) -> None:
        """Open and close the outputs of devices whose controls have something to show."""
        showing = matching_inputs(tuple(self._to_show), tuple(self._inputs))
        wanted = {name: out for name in showing if (out := port_back(name, outputs)) is not None}
        for name in self._left_over(self._lights, tuple(wanted), ""):
            with self._sending:
                port = self._lights.pop(name)
                self._shown.pop(name, None)
            _delete(port)
        self._open_new(self._lights, list(wanted), lambda name, _: self._new_light(wanted[name]))
        self._show()

    def show(self, positions: Sequence[tuple[Control, float]]) -> None:
        """Have controls show these positions, and those left out nothing more."""
        messages = {control: shown_by(control, position) for control, position in positions}
        with self._sending:
            self._to_show = {c: data for c, data in messages.items() if data is not None}
        self._show()

    def _show(self) -> None:
        """Send what isn't shown yet. A control that shows nothing more goes dark."""
        with self._sending:
            for name, port in self._lights.items():
                device, shown = device_name(name), self._shown.setdefault(name, {})
                wanted = {c: data for c, data in self._to_show.items() if c.device == device}
                dark = {c: shown_by(c, 0.0) for c in shown if c not in wanted}
                for control, data in (*dark.items(), *wanted.items()):
                    if data is not None and shown.get(control) != data:
                        _send(port, data)
                self._shown[name] = wanted

    @staticmethod
    def _left_over(open_ports: dict[str, Any], wanted: Sequence[str], keep: str) -> list[str]:
        return [name for name in open_ports if name != keep and name not in wanted]

    def _open_new(
        self, open_ports: dict[str, Any], wanted: Sequence[str], opener: Callable[[str, str], Any]
    ) -> None:
        for name in wanted:
            if name in open_ports:
                continue
            try:
                port = opener(name, name)
            except Exception as error:  # in use by another program, or gone again
                _log.warning("MIDI port %s can't be opened: %s", name, error)
                continue
            with self._sending:
                open_ports[name] = port

    def _close_outputs(self, names: Sequence[str]) -> None:
        """End what sounds at these outputs, and close them when that is sent."""
        if not names:
            return
        with self._sending:
            closing = [self._outputs.pop(name) for name in names]
            ends = [(NOTE_OFF | channel, pitch, 0) for channel, pitch in self._sounding]
        for _ in range(2):  # a busy system may lose one cycle, and an instrument would go on
            for port in closing:
                for data in (*ends, *_PANIC):
                    _send(port, data)
            self._clock.wait_until(self._clock.now_s() + _FLUSH_S)
        for port in closing:
            _delete(port)

    def _new_input(self, name: str, connect_to: str | None) -> Any:
        self._raised.discard(name)
        with quiet_stderr():
            port = _rtmidi().MidiIn(self._api_number, name=CLIENT_NAME)
            port.ignore_types(sysex=False, timing=not self._hears_ticks, active_sense=True)
            port.set_callback(self._callback, data=name)
            if connect_to is None:
                port.open_virtual_port(VIRTUAL_IN)
            else:
                port.open_port(port.get_ports().index(connect_to), name=f"from {connect_to}")
        return port

    def _new_output(self, name: str, connect_to: str) -> Any:
        with quiet_stderr():
            port = _rtmidi().MidiOut(self._api_number, name=CLIENT_NAME)
            port.open_port(port.get_ports().index(connect_to), name=f"to {connect_to}")
        # It may still sound what was started before it was unplugged, or before a crash.
        for data in _PANIC:
            _send(port, data)
        return port

    def _new_light(self, connect_to: str) -> Any:
        with quiet_stderr():
            port = _rtmidi().MidiOut(self._api_number, name=CLIENT_NAME)
            port.open_port(port.get_ports().index(connect_to), name=f"lights of {connect_to}")
        return port

    def _callback(self, event: tuple[Sequence[int], float], name: str) -> None:
        """Runs on: rtmidi's thread. Stamps, decodes, hands on; never blocks or raises."""
        at_s = self._clock.now_s()
        if name not in self._raised:
            self._raised.add(name)
            raise_priority(STAGE)  # JACK's own thread inherits none
        if self._on_beat is not None and event[0][0] in BEAT:
            self._on_beat(name, event[0], at_s)
            return
        message = parse_message(event[0])
        if message is None:
            self.dropped_messages += 1
            return
        self._on_message(name, message, at_s)

    def send(self, data: Sequence[int], but_for: Callable[[str], bool] | None = None) -> None:
        """Send to every open output, but for those of some names.

        Runs on: scheduler. A port that fails is closed later.
        """
        with self._sending:
            if data[0] & 0xE0 == 0x80:  # note-off or note-on
                is_on = data[0] & 0x10 and data[2]
                (self._sounding.add if is_on else self._sounding.discard)((data[0] & 0xF, data[1]))
            for name, port in self._outputs.items():
                if but_for is None or not but_for(name):
                    _send(port, data)

    def panic(self) -> None:
        """Notes, sound and pedal off on all channels of every output."""
        for data in _PANIC:
            self.send(data)

    def close(self) -> None:
        """Close every port; what sounds at the outputs is ended first."""
        for name in list(self._inputs):
            _delete(self._inputs.pop(name))
            self._on_closed(name, False)
        self.show(())
        self._close_outputs(list(self._outputs))
        for name in list(self._lights):
            _delete(self._lights.pop(name))
        _delete(self._in_probe)
        _delete(self._out_probe)

    def bury(self) -> None:
        """The JACK server has died: let go of every port as it is."""
        with self._sending:
            ports = [*self._inputs.values(), *self._outputs.values(), *self._lights.values()]
            names = list(self._inputs)
            self._inputs, self._outputs, self._lights = {}, {}, {}
        died(*ports, self._in_probe, self._out_probe)
        for name in names:
            self._on_closed(name, False)


def _send(port: Any, data: Sequence[int]) -> None:
    try:
        port.send_message(data)
    except Exception:
        _log.debug("sending to a MIDI port", exc_info=True)


def _delete(port: Any) -> None:
    try:
        with quiet_stderr():
            port.close_port()
            port.delete()
    except Exception:
        _log.debug("closing a MIDI port", exc_info=True)


def _is_own(name: str) -> bool:
    """Ports of this program, and the kernel's loop-through, are no instruments."""
    return (
        VIRTUAL_IN in name
        or VIRTUAL_OUT in name
        or "Midi Through" in name
        or name.startswith((f"{CLIENT_NAME}:", f"{CLIENT_NAME}-"))
    )


def is_hardware(name: str, api: str) -> bool:
    """True for a port that most likely is an instrument and not another program.

    Programs connect themselves to `jam in`; opening their ports too would double every note.
    ALSA numbers programs from 128 up; JACK's own ports and its ALSA bridge are the hardware.
    """
    if api == "jack":
        return name.startswith(("system:", "a2j:", "alsa_midi:"))
    if api == "alsa" and (number := _ALSA_NUMBER.search(name)):
        return int(number[1]) < 128
    return True


def matching(wanted: Sequence[str], there: Sequence[str]) -> list[str]:
    """Ports whose name is, or contains, one of those wanted.

    Where ALSA has given a device another number since, the rest of its name counts.
    """
    names: set[str] = set()
    for name in wanted:
        found = {n for n in there if name == n or name.lower() in n.lower()}
        if not found and (numbered := _ALSA_NUMBER.search(name)):
            found = {n for n in there if _ALSA_NUMBER.sub("", n) == name[: numbered.start()]}
        names |= found
    return [n for n in there if n in names]
