"""The player's keys: heard at once, numbered, and released when whoever held them is gone."""

from __future__ import annotations

import itertools
import threading
from collections import deque

from jam.clock import Clock
from jam.messages import NoteEvent, PedalEvent
from jam.synth import Synth

_SUSTAIN = 64


class PlayerKeys:
    """Which keys are down, on every source (a MIDI port, the computer's keyboard).

    `played` is what happened, oldest first; whoever drains it pops from the left. Methods are
    called on rtmidi's threads, the poll thread and the stage's loop; each only looks up and
    appends. `synth` may be put in place later; without one it is silent.
    """

    def __init__(self, clock: Clock, wake: threading.Event) -> None:
        self._clock, self._wake = clock, wake
        self.synth: Synth | None = None
        self.played: deque[NoteEvent | PedalEvent] = deque()
        self._held: dict[tuple[str, int, int], int] = {}
        self._note_ids = itertools.count(1)

    def key(self, source: str, channel: int, pitch: int, velocity: int, at_s: float) -> None:
        """A key goes down or (velocity 0) comes up. The player hears it before anything else.

        A key that goes down twice comes up in between.
        """
        if self.synth is not None:
            if velocity:
                self.synth.note_on("player", pitch, velocity)
            else:
                self.synth.note_off("player", pitch)
        heard_s = self._clock.now_s()
        key = (source, channel, pitch)
        if (held := self._held.pop(key, None)) is not None:
            self.played.append(NoteEvent(held, pitch, 0, at_s, channel, heard_s))
        if velocity:
            self._held[key] = note_id = next(self._note_ids)
            self.played.append(NoteEvent(note_id, pitch, velocity, at_s, channel, heard_s))
        self._wake.set()

    def pedal(self, channel: int, value: int, at_s: float) -> None:
        """The sustain pedal, 0 to 127; down from 64 on."""
        if self.synth is not None:
            self.synth.control("player", _SUSTAIN, value)
        self.played.append(PedalEvent(value >= 64, at_s, channel))

    def release(self, source: str | None = None) -> None:
        """Release every key held on one source, or on all, and the pedal."""
        now_s = self._clock.now_s()
        for held, channel, pitch in list(self._held):
            if source in (None, held):
                self.key(held, channel, pitch, 0, now_s)
        if self.synth is not None:
            self.synth.control("player", _SUSTAIN, 0)
