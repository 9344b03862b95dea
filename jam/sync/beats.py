"""The one place where the beat comes from: the source that was chosen, opened, asked, closed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Protocol

from jam.clock import Clock
from jam.errors import JamError
from jam.messages.sync import JACK, LINK, LOCKED, MIDI_CLOCK, OWN, PLAYER, WAITING, SyncState
from jam.midi.numbers import CLOCK_TICK
from jam.music.grid import FRAMES_PER_QUARTER, TempoMap, quarter_bpm
from jam.settings import JamSettings
from jam.sync.beat import Heard
from jam.sync.jack_transport import JackSource
from jam.sync.link import LinkSource
from jam.sync.listener import Listener
from jam.sync.midi_clock import ClockPorts


class Source(Protocol):
    """Who gives a beat. Called by the stage's loop; none of it blocks."""

    def heard(self, now_s: float) -> Heard:
        """How it stands."""
        ...

    def set_tempo(self, quarter_bpm: float) -> None:
        """The player wants another tempo."""
        ...

    def set_bar(self, bar_frames: int) -> None:
        """A bar has so many sixteenths now."""
        ...

    def begin(self, start_s: float) -> None:
        """A jam begins, bar 1 at `start_s`."""
        ...

    def end(self) -> None:
        """The jam has ended."""
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

    def set_tempo(self, quarter_bpm: float) -> None:
        pass  # a clock can't be told anything

    def set_bar(self, bar_frames: int) -> None:
        pass

    def begin(self, start_s: float) -> None:
        pass

    def end(self) -> None:
        pass

    def close(self) -> None:
        pass


class PlayerSource:
    """The player, whose tempo is heard in what is played. Of use while a jam goes on."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._listener: Listener | None = None

    def hear(self, at_s: float, grid: TempoMap) -> None:
        """A note has begun in the session with this tempo map."""
        if grid.position_at(at_s) < -1:  # in the count-in
            return
        if self._listener is None:
            self._listener = Listener(at_s, grid)
        self._listener.hear(at_s, grid)

    def heard(self, now_s: float) -> Heard:
        if self._listener is None:
            return Heard(WAITING)
        return Heard(LOCKED, self._listener.line)

    def set_tempo(self, quarter_bpm: float) -> None:
        if self._listener is not None:
            frame_s = 60 / quarter_bpm / FRAMES_PER_QUARTER
            self._listener.set_tempo(self._clock.now_s(), frame_s)

    def set_bar(self, bar_frames: int) -> None:
        pass  # the session's bars are heard

    def begin(self, start_s: float) -> None:
        self._listener = None

    def end(self) -> None:
        self._listener = None

    def close(self) -> None:
        pass


class Beats:
    """Opens what the settings choose, and says how it stands. Owned by the stage's loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._chosen = OWN
        self._source: Source | None = None
        self._offset_s = 0.0
        self._problem = ""
        self._opening = threading.Lock()
        self.state = SyncState()

    def choose(self, settings: JamSettings) -> bool:
        """Take what these settings choose; True when that is another source than before."""
        self._offset_s = settings.beat_offset_ms / 1000
        if settings.beat_from == self._chosen:
            return False
        self.close()
        self._chosen = settings.beat_from
        self._problem = ""
        self.state = SyncState(self._chosen, "" if self._chosen == OWN else WAITING)
        if self._chosen == MIDI_CLOCK:
            self._source = MidiClockSource()
        elif self._chosen == PLAYER:
            self._source = PlayerSource(self._clock)
        elif self._chosen in (LINK, JACK):
            # Beside running sound JACK takes up to a second to let a client in.
            opening = threading.Thread(target=self._open, args=(settings,), daemon=True)
            opening.start()
        return True

    def _open(self, settings: JamSettings) -> None:
        """Runs on: a thread of its own."""
        opener = LinkSource if settings.beat_from == LINK else JackSource
        meter = settings.meter
        bpm = quarter_bpm(settings.bpm, meter)
        try:
            source = opener(self._clock, bpm, meter.frames_per_bar, settings.beat_start)
        except JamError as error:
            self._problem = f"{error}."
            return
        with self._opening:
            if self._chosen == settings.beat_from and self._source is None:
                self._source = source
                return
        source.close()

    @property
    def source(self) -> Source | None:
        """Who gives the beat; None: jam, or nobody yet."""
        return self._source

    @property
    def clock_in(self) -> MidiClockSource | None:
        """The MIDI clock, where that is followed."""
        source = self._source
        return source if isinstance(source, MidiClockSource) else None

    @property
    def player(self) -> PlayerSource | None:
        """The player, where their tempo is followed."""
        source = self._source
        return source if isinstance(source, PlayerSource) else None

    def heard(self, now_s: float) -> Heard | None:
        """What the source says now; None where the beat is the program's own."""
        source = self._source
        if source is None:
            if self._problem and self.state.problem != self._problem:
                self.state = SyncState(self._chosen, WAITING, problem=self._problem)
            return None if self._chosen == OWN else Heard(self.state.state or WAITING)
        heard = source.heard(now_s)
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
        with self._opening:
            source, self._source, self._chosen = self._source, None, OWN
        if source is not None:
            source.close()
