"""The player: what a key, a pedal or a MIDI message does. Heard first, then written down."""

from __future__ import annotations

import itertools
import threading
from collections import deque

from jam.audio.mixer import Sound
from jam.audio.synth import LANES
from jam.clock import Clock, Sleep
from jam.messages.controls import FINE, FINE_BY, ControlMoved
from jam.messages.notes import (
    BEND,
    CONTROLLER,
    KEY_PRESSURE,
    PRESSURE,
    Expression,
    ExpressionEvent,
    NoteEvent,
    PedalEvent,
    PlayerEvent,
)
from jam.messages.voice import Sung
from jam.midi.controls import Route, Routes
from jam.midi.numbers import (
    BEND_REST,
    BREATH,
    EXPRESSION,
    EXPRESSIVE,
    MODULATION,
    NOTES_OFF,
    RESET,
    SOFT,
    SOSTENUTO,
    SOUND_OFF,
    SUSTAIN,
    VOLUME,
    is_down,
)
from jam.midi.ports import MidiMessage

COMPUTER_KEYS = "computer keyboard"
"""The source that is no MIDI port."""
MICROPHONE = "microphone"
ASLEEP_S = 1.0
"""When the loop has stood still for so long, keys that went down meanwhile are not sounded."""
_DEAF_S = 0.25
"""So long after a sleep what had piled up may still come in."""


_SHAPING = frozenset((BEND, PRESSURE, KEY_PRESSURE))
_RELEASED = {
    (BEND, 0): BEND_REST,
    (PRESSURE, 0): 0,
    **dict.fromkeys([(CONTROLLER, n) for n in (MODULATION, BREATH, SOSTENUTO, SOFT)], 0),
}
"""What lets go with the keys, by kind and number: its value at rest."""
_UNPLUGGED = {**_RELEASED, (CONTROLLER, VOLUME): 127, (CONTROLLER, EXPRESSION): 127}
"""Pedals that stay where they are put have nobody to move them when their keyboard is gone."""


class Player:
    """Which keys are down, on every source (a MIDI port, the computer's keyboard).

    `played` is what happened, oldest first; whoever drains it pops from the left. Methods are
    called on rtmidi's threads, the devices' thread and the stage's loop; each only looks up and
    appends.
    """

    def __init__(self, clock: Clock, wake: threading.Event, sound: Sound) -> None:
        self._clock, self._wake, self._sound = clock, wake, sound
        self._sleep = Sleep(clock.now_s())
        self._deaf_until_s = 0.0
        self.channel = 0
        """The MIDI channel that is heard, from 1; 0 is all of them."""
        self.voice_is_heard = False
        """Whether the synth plays what is sung."""
        self.played: deque[PlayerEvent] = deque()
        self.routes = Routes()
        """What isn't music, or isn't only music: see `jam.midi.controls`."""
        self.moved: deque[ControlMoved] = deque()
        """Controls that were moved and are to be told; drained as `played` is."""
        self._coarse: dict[tuple[str, int, int], int] = {}
        """Of pairs of controllers the value of the coarse one."""
        self.program: int | None = None
        """The instrument that a keyboard asked for last, until somebody takes it."""
        self._held: dict[tuple[str, int, int], int] = {}
        self._pedals: set[tuple[str, int]] = set()
        """Source and channel of the sustain pedals that are down."""
        self._moved: dict[tuple[str, int], dict[tuple[str, int], int]] = {}
        """Of each source and channel the controls that were moved, and where they stand."""
        self._lanes: dict[tuple[str, int], int] = {(COMPUTER_KEYS, 0): 0}
        self._note_ids = itertools.count(1)
        self.delays_s: deque[float] = deque(maxlen=64)
        """Of the last notes of MIDI keyboards: from the MIDI callback to the synth's note-on."""

    def midi(self, port: str, message: MidiMessage, at_s: float) -> None:
        """A message has come in. Runs on: rtmidi's thread."""
        route = self.routes[port, message.kind, message.channel, message.number]
        if route is not None and not self._is_music(route, port, message, at_s):
            return
        channel = self.channel
        if channel and message.channel != channel - 1 and not self._comes_up(port, message):
            return
        if message.kind == "note":
            if not (message.value and self._may_have_waited(at_s)):
                self.key(port, message.channel, message.number, message.value, at_s)
        elif message.kind == "program":
            self.program = message.number
            self._wake.set()
        elif message.kind in _SHAPING or (
            message.kind == CONTROLLER and message.number in EXPRESSIVE
        ):
            shape = Expression(message.kind, message.number, message.value)
            self.control(port, message.channel, shape, at_s)
        elif message.kind != "control":
            return
        elif message.number == SUSTAIN:
            self.pedal(port, message.channel, message.value, at_s)
        elif message.number in (SOUND_OFF, NOTES_OFF):
            self.release(port)
        elif message.number == RESET:
            self._rest(port, message.channel, _RELEASED, at_s)

    def _is_music(self, route: Route, port: str, message: MidiMessage, at_s: float) -> bool:
        """Tell what is to be told; False where it plays nothing."""
        if route.told and not self._may_have_waited(at_s):
            position = message.position
            if route.control.kind == FINE:
                position = self._fine_position(port, message)
            self.moved.append(ControlMoved(route.control, route.learnt, position, at_s))
            self._wake.set()
        return route.plays or self._comes_up(port, message)

    def _fine_position(self, port: str, message: MidiMessage) -> float:
        """From 0 to 1, of 14 bits. The coarse value comes first, and sets the fine one to 0."""
        number, is_fine = message.number % FINE_BY, message.number >= FINE_BY
        pair = port, message.channel, number
        if not is_fine:
            self._coarse[pair] = message.value
        coarse = self._coarse.get(pair, 0)
        return (128 * coarse + (message.value if is_fine else 0)) / 16383

    def _comes_up(self, port: str, message: MidiMessage) -> bool:
        """True for the release of a key or pedal that went down before it was closed or learnt."""
        channel, number = message.channel, message.number
        if message.kind == "note":
            return not message.value and (port, channel, number) in self._held
        pedal_up = message.kind == CONTROLLER and number == SUSTAIN and not is_down(message.value)
        return pedal_up and (port, channel) in self._pedals

    def computer_key(self, pitch: int, velocity: int, at_s: float) -> None:
        """A key of the computer's. One that went down while this process slept isn't sounded."""
        if not velocity or self._clock.now_s() - at_s <= ASLEEP_S:
            self.key(COMPUTER_KEYS, 0, pitch, velocity, at_s)

    def sung(self, sung: Sung) -> None:
        """A note of the microphone, which was there before it was known. Runs on: its thread."""
        self.key(MICROPHONE, 0, sung.pitch, sung.velocity, sung.at_s, self.voice_is_heard)

    def key(
        self,
        source: str,
        channel: int,
        pitch: int,
        velocity: int,
        at_s: float,
        is_heard: bool = True,
    ) -> None:
        """A key goes down or (velocity 0) comes up. The player hears it before anything else.

        A key that goes down twice comes up in between.
        """
        if is_heard or not velocity:
            self._sound.note("player", pitch, velocity, self._lane(source, channel))
        heard_s = self._clock.now_s()
        key = (source, channel, pitch)
        if (held := self._held.pop(key, None)) is not None:
            self.played.append(NoteEvent(held, pitch, 0, at_s, channel, heard_s))
        if velocity:
            self._held[key] = note_id = next(self._note_ids)
            if source not in (COMPUTER_KEYS, MICROPHONE):
                self.delays_s.append(heard_s - at_s)
            self.played.append(NoteEvent(note_id, pitch, velocity, at_s, channel, heard_s))
        self._wake.set()

    def _lane(self, source: str, channel: int) -> int:
        """Every keyboard, and every channel of one, bends and holds its own notes alone."""
        return self._lanes.setdefault((source, channel), len(self._lanes) % LANES)

    def pedal(self, source: str, channel: int, value: int, at_s: float) -> None:
        """The sustain pedal, 0 to 127, of one source and channel."""
        self._sound.pedal(value, self._lane(source, channel))
        before = bool(self._pedals)
        (self._pedals.add if is_down(value) else self._pedals.discard)((source, channel))
        if bool(self._pedals) != before:
            self.played.append(PedalEvent(not before, at_s, channel))

    def control(self, source: str, channel: int, control: Expression, at_s: float) -> None:
        """What shapes the sound of one source and channel: bend, wheel, pedal or pressure."""
        self._sound.control(control, self._lane(source, channel))
        if control.kind != KEY_PRESSURE:
            moved = self._moved.setdefault((source, channel), {})
            moved[control.kind, control.number] = control.value
        self.played.append(ExpressionEvent(control, at_s, channel))

    def release(self, source: str | None = None) -> None:
        """Release every key held on one source, or on all, its pedals, bends and pressures."""
        now_s = self._clock.now_s()
        for held, channel, pitch in list(self._held):
            if source in (None, held):
                self.key(held, channel, pitch, 0, now_s)
        self.release_expression(source)

    def unplug(self, source: str) -> None:
        """A device that went can't release its keys any more, nor move its pedals back."""
        self.release(source)
        for port, channel in list(self._moved):
            if port == source:
                self._rest(port, channel, _UNPLUGGED, self._clock.now_s())

    def release_expression(self, source: str | None = None) -> None:
        """Whoever holds them may not be heard any more."""
        now_s = self._clock.now_s()
        for port, channel in list(self._pedals):
            if source in (None, port):
                self.pedal(port, channel, 0, now_s)
        for port, channel in list(self._moved):
            if source in (None, port):
                self._rest(port, channel, _RELEASED, now_s)

    def _rest(
        self, source: str, channel: int, rest: dict[tuple[str, int], int], at_s: float
    ) -> None:
        """Put back what was moved."""
        moved = self._moved.get((source, channel), {})
        for (kind, number), value in rest.items():
            if moved.get((kind, number), value) != value:
                self.control(source, channel, Expression(kind, number, value), at_s)

    def turn(self, now_s: float) -> float:
        """The stage's loop goes round; returns for how long it stood still."""
        slept_s = self._sleep.turn(now_s)
        if slept_s > ASLEEP_S:
            self._deaf_until_s = now_s + _DEAF_S
        return slept_s

    def _may_have_waited(self, now_s: float) -> bool:
        """True when what comes in now may have waited while the process slept."""
        return now_s < self._deaf_until_s or self._sleep.standing_s(now_s) > ASLEEP_S
