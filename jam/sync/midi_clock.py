"""MIDI clock as it comes in: ticks, start, continue, stop, song position. Pure.

The messages are those of the MIDI 1.0 specification (System Real Time; Song Position Pointer): 24
ticks a quarter; start means that the next tick is the first of the song, continue that the next
one is at the song position; a song position counts sixteenths.
"""

from __future__ import annotations

from collections.abc import Sequence

from jam.messages.sync import LOCKED, LOST, WAITING
from jam.midi.controls import port_back
from jam.midi.numbers import CLOCK_CONTINUE, CLOCK_START, CLOCK_STOP, CLOCK_TICK, SONG_POSITION
from jam.midi.ports import VIRTUAL_IN
from jam.sync.beat import BeatLine, Heard
from jam.sync.loop import PhaseLoop

TICKS_PER_FRAME = 6
SILENT_S = 0.5
"""After so long without a tick, and three of them, the clock is lost."""
_FORGET_S = 4.0
"""After so long nobody knows how many ticks there would have been."""


class ClockIn:
    """What one port's clock says."""

    def __init__(self) -> None:
        self._loop = PhaseLoop()
        self._last_s = -1e9
        self._zero: int | None = None
        """Number of the loop's tick that is the song's first; None where nobody has said it."""
        self._next_is: int | None = None
        """The next tick's place in the song, in ticks."""
        self._pointer = 0
        self._rolls: bool | None = None
        self._starts = False
        self._epoch = 0

    @property
    def last_s(self) -> float:
        """When the last tick came."""
        return self._last_s

    def take(self, data: Sequence[int], at_s: float) -> None:
        """A message has come."""
        match data[0]:
            case 0xF8:
                self._tick(at_s)
            case 0xFA:
                self._depart(0)
            case 0xFB:
                self._depart(self._pointer)
            case 0xFC:
                self._rolls, self._starts = False, False
                if self._zero is not None:
                    self._pointer = max(0, self._loop.count - self._zero + 1)
            case 0xF2 if len(data) == 3:
                self._pointer = TICKS_PER_FRAME * (data[1] + 128 * data[2])
                if self._rolls:  # against the specification, and yet some do
                    self._depart(self._pointer)

    def _depart(self, tick: int) -> None:
        self._next_is, self._starts = tick, True

    def _tick(self, at_s: float) -> None:
        if at_s - self._last_s > _FORGET_S:
            self._loop, self._zero = PhaseLoop(), None
        self._last_s = at_s
        self._loop.tick(at_s)
        if self._next_is is not None:
            self._zero, self._next_is = self._loop.count - self._next_is, None
            self._rolls, self._starts = True, False
            self._epoch += 1
        elif self._rolls is False and self._zero is not None:
            self._zero += 1  # ticks of a song that stands still

    def heard(self, now_s: float) -> Heard:
        """How it stands."""
        loop = self._loop
        if not loop.locked:
            return Heard(rolls=self._rolls)
        silent = now_s - self._last_s > max(SILENT_S, 3 * loop.period_s)
        frame_s = TICKS_PER_FRAME * loop.period_s
        ticks = loop.count - (self._zero or 0)
        line = BeatLine(
            loop.at_s, ticks / TICKS_PER_FRAME, frame_s, self._zero is not None, self._epoch
        )
        if self._rolls is False and self._zero is not None:
            # The beat goes on where the song stands still; its place is nobody's.
            line = BeatLine(loop.at_s, loop.count / TICKS_PER_FRAME, frame_s, False, self._epoch)
        return Heard(
            LOST if silent else LOCKED,
            None if silent else line,
            self._rolls,
            jitter_ms=1250 * loop.deviation_s,  # the standard deviation of chance
        )


class ClockPorts:
    """The clocks of all ports, of which one is followed: the first that ticks, until it is silent.

    A port whose start, continue or stop comes just after the same was sent is our own clock that
    comes back, and isn't followed.
    """

    _ECHO_S = 0.1

    def __init__(self) -> None:
        self._clocks: dict[str, ClockIn] = {}
        self._port = ""
        self._sent: dict[int, float] = {}
        self._echoes: set[str] = set()

    @property
    def port(self) -> str:
        """The port that is followed; "" while there is none."""
        return self._port

    def sent(self, kind: int, at_s: float) -> None:
        """A message of our own clock went out."""
        if kind in (CLOCK_START, CLOCK_CONTINUE, CLOCK_STOP):
            self._sent[kind] = at_s

    def take(self, port: str, data: Sequence[int], at_s: float) -> None:
        """A message has come in at a port."""
        kind = data[0]
        followed = self._clocks.get(self._port)
        if 0 <= at_s - self._sent.get(kind, -1e9) < self._ECHO_S and (
            port != self._port or followed is None or kind == CLOCK_START
        ):
            self._echoes.add(port)
            if port == self._port:
                self._port = ""
        if port in self._echoes:
            return
        clock = self._clocks.setdefault(port, ClockIn())
        clock.take(data, at_s)
        if kind != CLOCK_TICK and kind not in (CLOCK_START, CLOCK_CONTINUE, SONG_POSITION):
            return
        if followed is None or at_s - followed.last_s > 2 * SILENT_S or not self._port:
            self._port = port

    def heard(self, now_s: float) -> Heard:
        """How it stands with the clock that is followed."""
        clock = self._clocks.get(self._port)
        if clock is None:
            echo = f"The MIDI clock at {min(self._echoes)} is jam's own." if self._echoes else ""
            return Heard(WAITING, problem=echo)
        heard = clock.heard(now_s)
        return Heard(
            heard.state, heard.line, heard.rolls, jitter_ms=heard.jitter_ms, name=self._port
        )

    def is_source(self, output: str) -> bool:
        """Whether an output leads back to the device whose clock is followed."""
        if self._port in ("", VIRTUAL_IN):  # programs that connect themselves are not known
            return False
        return port_back(self._port, (output,)) is not None
