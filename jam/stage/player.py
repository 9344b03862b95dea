"""The player: what a key, a pedal or a MIDI message does. Heard first, then written down."""

from __future__ import annotations

import itertools
import threading
from collections import deque

from jam.audio.mixer import Sound
from jam.clock import Clock, Sleep
from jam.messages.controls import ControlMoved
from jam.messages.notes import NoteEvent, PedalEvent
from jam.midi.controls import Route, Routes
from jam.midi.numbers import NOTES_OFF, SOUND_OFF, SUSTAIN, is_down
from jam.midi.ports import MidiMessage

COMPUTER_KEYS = "computer keyboard"
"""The source that is no MIDI port."""
ASLEEP_S = 1.0
"""When the loop has stood still for so long, keys that went down meanwhile are not sounded."""
_DEAF_S = 0.25
"""So long after a sleep what had piled up may still come in."""


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
        self.played: deque[NoteEvent | PedalEvent] = deque()
        self.routes = Routes()
        """What isn't music, or isn't only music: see `jam.midi.controls`."""
        self.moved: deque[ControlMoved] = deque()
        """Controls that were moved and are to be told; drained as `played` is."""
        self._held: dict[tuple[str, int, int], int] = {}
        self._pedal: int | None = None
        """The channel on which the pedal is down."""
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
        elif message.kind != "control":
            return
        elif message.number == SUSTAIN:
            self.pedal(message.channel, message.value, at_s)
        elif message.number in (SOUND_OFF, NOTES_OFF):
            self.release(port)

    def _is_music(self, route: Route, port: str, message: MidiMessage, at_s: float) -> bool:
        """Tell what is to be told; False where it plays nothing."""
        if route.told and not self._may_have_waited(at_s):
            self.moved.append(ControlMoved(route.control, route.learnt, message.position, at_s))
            self._wake.set()
        return route.plays or self._comes_up(port, message)

    def _comes_up(self, port: str, message: MidiMessage) -> bool:
        """True for the release of a key that went down before its channel was closed."""
        key = port, message.channel, message.number
        return message.kind == "note" and not message.value and key in self._held

    def computer_key(self, pitch: int, velocity: int, at_s: float) -> None:
        """A key of the computer's. One that went down while this process slept isn't sounded."""
        if not velocity or self._clock.now_s() - at_s <= ASLEEP_S:
            self.key(COMPUTER_KEYS, 0, pitch, velocity, at_s)

    def key(self, source: str, channel: int, pitch: int, velocity: int, at_s: float) -> None:
        """A key goes down or (velocity 0) comes up. The player hears it before anything else.

        A key that goes down twice comes up in between.
        """
        self._sound.note("player", pitch, velocity)
        heard_s = self._clock.now_s()
        key = (source, channel, pitch)
        if (held := self._held.pop(key, None)) is not None:
            self.played.append(NoteEvent(held, pitch, 0, at_s, channel, heard_s))
        if velocity:
            self._held[key] = note_id = next(self._note_ids)
            if source != COMPUTER_KEYS:
                self.delays_s.append(heard_s - at_s)
            self.played.append(NoteEvent(note_id, pitch, velocity, at_s, channel, heard_s))
        self._wake.set()

    def pedal(self, channel: int, value: int, at_s: float) -> None:
        """The sustain pedal, 0 to 127."""
        self._sound.pedal(value)
        down = is_down(value)
        self._pedal = channel if down else None
        self.played.append(PedalEvent(down, at_s, channel))

    def release(self, source: str | None = None) -> None:
        """Release every key held on one source, or on all, and the pedal."""
        now_s = self._clock.now_s()
        for held, channel, pitch in list(self._held):
            if source in (None, held):
                self.key(held, channel, pitch, 0, now_s)
        self.release_pedal()

    def release_pedal(self) -> None:
        """Whoever holds it down may not be heard any more."""
        if self._pedal is not None:
            self.pedal(self._pedal, 0, self._clock.now_s())
        self._sound.pedal(0)

    def turn(self, now_s: float) -> float:
        """The stage's loop goes round; returns for how long it stood still."""
        slept_s = self._sleep.turn(now_s)
        if slept_s > ASLEEP_S:
            self._deaf_until_s = now_s + _DEAF_S
        return slept_s

    def _may_have_waited(self, now_s: float) -> bool:
        """True when what comes in now may have waited while the process slept."""
        return now_s < self._deaf_until_s or self._sleep.standing_s(now_s) > ASLEEP_S
