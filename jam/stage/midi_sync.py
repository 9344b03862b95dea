"""What other machines are told: MIDI clock (24 ticks a quarter, song position), program changes.

The messages are those of the MIDI 1.0 specification (System Real Time; Song Position Pointer).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

from jam.accompaniment import Style
from jam.audio.mixer import mix
from jam.audio.synth import CHANNELS
from jam.clock import Clock
from jam.midi.numbers import (
    CLOCK_CONTINUE,
    CLOCK_START,
    CLOCK_STOP,
    CLOCK_TICK,
    PROGRAM,
    SONG_POSITION,
)
from jam.music.grid import FRAMES_PER_QUARTER, TempoMap
from jam.settings import JamSettings
from jam.stage.scheduler import Sender

TICK, START, STOP = CLOCK_TICK, CLOCK_START, CLOCK_STOP
CONTINUE, POSITION = CLOCK_CONTINUE, SONG_POSITION
TICKS_PER_FRAME = 24 // FRAMES_PER_QUARTER
"""A frame is a sixteenth, the unit in which a song position is counted."""
_LAST_POSITION = (1 << 14) - 1
_TOO_STALE_TICKS = 24
"""When so many ticks are late (the machine slept), the follower is led to the place instead."""


@dataclass(frozen=True, slots=True)
class ClockMessage:
    """Bytes to be sent, and when they were due."""

    data: tuple[int, ...]
    due_s: float


class Ticks:
    """Which message of the clock is due when. A `jam.stage.scheduler.Timeline`; pure.

    Ticks run from the count-in on, so that the follower knows the tempo when bar 1 begins. Start
    (or, where the clock is turned on in the midst of a jam, song position and continue) goes out
    half a tick before the tick that it is about, as the specification wants some time between.
    No tick is left out or sent twice, whatever the tempo does: what a follower counts is the place.
    """

    def __init__(self) -> None:
        self._tempo_map: TempoMap | None = None
        self._lead_s = 0.0
        self._next = 0
        """Number of the tick that is due next, counted from frame 0."""
        self._roll_at = 0
        """The tick with which the follower begins to move."""
        self._rolls = False

    def follow(self, now_s: float, tempo_map: TempoMap, lead_s: float = 0.0) -> None:
        """Give the beat of this tempo map from now on, `lead_s` before its time."""
        begins = self._tempo_map is None
        self._tempo_map, self._lead_s = tempo_map, lead_s
        if begins:
            self._set_out(now_s, tempo_map)

    def _set_out(self, now_s: float, tempo_map: TempoMap) -> None:
        """From the next tick on; the follower moves with the next sixteenth of the song."""
        position = tempo_map.position_at(now_s + self._lead_s) * TICKS_PER_FRAME
        self._next = math.ceil(position)
        # Half a tick before it has to be still to come.
        self._roll_at = TICKS_PER_FRAME * max(0, math.ceil((position + 0.5) / TICKS_PER_FRAME))
        self._rolls = False

    def _place(self) -> float:
        """Where the next message belongs, in ticks."""
        waits = not self._rolls and self._next == self._roll_at
        return self._next - 0.5 if waits else self._next

    def _time_of(self, tempo_map: TempoMap, ticks: float) -> float:
        return tempo_map.seconds_at(ticks / TICKS_PER_FRAME) - self._lead_s

    def next_due_s(self) -> float | None:
        """When the next message is due; None while no clock is given."""
        return self._time_of(self._tempo_map, self._place()) if self._tempo_map else None

    def due(self, now_s: float) -> list[ClockMessage]:
        """What is to be sent now."""
        tempo_map, out = self._tempo_map, list[ClockMessage]()
        if tempo_map is None:
            return out
        if now_s >= self._time_of(tempo_map, self._next + _TOO_STALE_TICKS):
            out += self._halt(now_s)
            self._set_out(now_s, tempo_map)
        while (due_s := self._time_of(tempo_map, place := self._place())) <= now_s:
            if place != self._next:
                self._rolls = True
                out += [ClockMessage(data, due_s) for data in _departure(self._roll_at)]
            else:
                self._next += 1
                out.append(ClockMessage((TICK,), due_s))
        return out

    def stop(self, now_s: float) -> list[ClockMessage]:
        """No clock any more; the follower stops."""
        self._tempo_map = None
        return self._halt(now_s)

    def _halt(self, now_s: float) -> list[ClockMessage]:
        rolled, self._rolls = self._rolls, False
        return [ClockMessage((STOP,), now_s)] if rolled else []


def _departure(tick: int) -> list[tuple[int, ...]]:
    """What makes a follower move with a tick: from the beginning, or from a place."""
    if tick == 0:
        return [(START,)]
    sixteenths = min(tick // TICKS_PER_FRAME, _LAST_POSITION)
    return [(POSITION, sixteenths & 0x7F, sixteenths >> 7), (CONTINUE,)]


class MidiClock(Sender[ClockMessage]):
    """Sends the clock of a jam. To be called from any thread."""

    def __init__(self, clock: Clock, send: Callable[[tuple[int, ...]], None]) -> None:
        self._ticks = Ticks()
        super().__init__(clock, lambda message: send(message.data), self._ticks, "MIDI clock")

    def follow(self, tempo_map: TempoMap, lead_s: float = 0.0) -> None:
        """See `Ticks.follow`."""
        with self._lock:
            self._ticks.follow(self._clock.now_s(), tempo_map, lead_s)
        self._wake.set()


_PARTS = ("chords", "bass", "drums", "solo")
"""The player's own channel is left alone: it may be the very keyboard that they play on."""


class ProgramChanges:
    """Sends each part's General MIDI program when it has changed. Owned by the stage's loop."""

    def __init__(self, send: Callable[[tuple[int, ...]], None]) -> None:
        self._send = send
        self._sent: dict[str, int] = {}

    def apply(self, settings: JamSettings, style: Style) -> None:
        """The instruments of these settings and this style from now on."""
        voices = mix(settings, style)
        for part in _PARTS:
            if self._sent.get(part) != voices[part].program:
                self._sent[part] = voices[part].program
                self._send((PROGRAM | CHANNELS[part], voices[part].program))

    def forget(self) -> None:
        """Somebody listens who doesn't know what was sent: the next time all of it is."""
        self._sent.clear()
