"""The one place where the beat comes from: the source that was chosen, opened, asked, closed."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Protocol

from jam.clock import Clock
from jam.messages.sync import MIDI_CLOCK, OWN, SyncState
from jam.midi.numbers import CLOCK_TICK
from jam.settings import JamSettings
from jam.sync.beat import Heard
from jam.sync.midi_clock import ClockPorts


class Source(Protocol):
    """Who gives a beat. Called by the stage's loop; none of it blocks."""

    def heard(self, now_s: float) -> Heard:
        """How it stands."""
        ...

    def close(self) -> None:
        """It isn't asked any more."""
        ...


class MidiClockSource:
    """MIDI clock at the ports. `midi` and `sent` are called by any thread, the rest by the loop."""

    def __init__(self) -> None:
        self._ports = ClockPorts()
        self._came: deque[tuple[str, Sequence[int], float]] = deque(maxlen=10_000)
        self._sent: deque[tuple[int, float]] = deque(maxlen=100)

    def midi(self, port: str, data: Sequence[int], at_s: float) -> None:
        """A message of somebody's clock. Runs on: rtmidi's thread."""
        self._came.append((port, data, at_s))

    def sent(self, data: tuple[int, ...], at_s: float) -> None:
        """A message of our own clock went out. Runs on: the sender's thread."""
        if data[0] != CLOCK_TICK:
            self._sent.append((data[0], at_s))

    def is_source(self, output: str) -> bool:
        """Whether an output leads back to the device whose clock is followed."""
        return self._ports.is_source(output)

    def heard(self, now_s: float) -> Heard:
        while self._sent:
            self._ports.sent(*self._sent.popleft())
        while self._came:
            self._ports.take(*self._came.popleft())
        return self._ports.heard(now_s)

    def close(self) -> None:
        pass


class Beats:
    """Opens what the settings choose, and says how it stands. Owned by the stage's loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chosen = OWN
        self._source: Source | None = None
        self._offset_s = 0.0
        self.state = SyncState()

    def choose(self, settings: JamSettings) -> bool:
        """Take what these settings choose; True when that is another source than before."""
        self._offset_s = settings.beat_offset_ms / 1000
        if settings.beat_from == self._chosen:
            return False
        self.close()
        self._chosen = settings.beat_from
        self._source = MidiClockSource() if self._chosen == MIDI_CLOCK else None
        self.state = SyncState(self._chosen, "waiting" if self._source else "")
        return True

    @property
    def clock_in(self) -> MidiClockSource | None:
        """The MIDI clock, where that is followed."""
        source = self._source
        return source if isinstance(source, MidiClockSource) else None

    def heard(self, now_s: float) -> Heard | None:
        """What the source says now; None where the beat is the program's own."""
        if self._source is None:
            return None
        heard = self._source.heard(now_s)
        line = heard.line
        bpm = round(line.quarter_bpm, 1) if line is not None else self.state.bpm
        self.state = SyncState(
            self._chosen,
            heard.state,
            bpm,
            heard.peers,
            round(heard.jitter_ms, 1),
            heard.rolls,
            heard.name,
            heard.problem,
        )
        if line is None or not self._offset_s:
            return heard
        return heard.moved(self._offset_s)

    def close(self) -> None:
        """Let go of the source."""
        if self._source is not None:
            self._source.close()
        self._source = None
