"""The player's keys: heard at once, numbered, and released when whoever held them is gone."""

from __future__ import annotations

import itertools
import threading
from collections import deque

from jam.audio.mixer import Sound
from jam.clock import Clock
from jam.messages.notes import NoteEvent, PedalEvent

COMPUTER_KEYS = "computer keyboard"
"""The source that is no MIDI port."""


class PlayerKeys:
    """Which keys are down, on every source (a MIDI port, the computer's keyboard).

    `played` is what happened, oldest first; whoever drains it pops from the left. Methods are
    called on rtmidi's threads, the poll thread and the stage's loop; each only looks up and
    appends.
    """

    def __init__(self, clock: Clock, wake: threading.Event, sound: Sound) -> None:
        self._clock, self._wake, self._sound = clock, wake, sound
        self.played: deque[NoteEvent | PedalEvent] = deque()
        self._held: dict[tuple[str, int, int], int] = {}
        self._note_ids = itertools.count(1)
        self.delays_s: deque[float] = deque(maxlen=64)
        """Of the last notes of MIDI keyboards: from the MIDI callback to the synth's note-on."""

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

    def holds(self, source: str, channel: int, pitch: int) -> bool:
        """True while that key is down."""
        return (source, channel, pitch) in self._held

    def pedal(self, channel: int, value: int, at_s: float) -> None:
        """The sustain pedal, 0 to 127; down from 64 on."""
        self._sound.pedal(value)
        self.played.append(PedalEvent(value >= 64, at_s, channel))

    def release(self, source: str | None = None) -> None:
        """Release every key held on one source, or on all, and the pedal."""
        now_s = self._clock.now_s()
        for held, channel, pitch in list(self._held):
            if source in (None, held):
                self.key(held, channel, pitch, 0, now_s)
        self._sound.pedal(0)
