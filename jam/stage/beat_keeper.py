"""The stage's end of whoever gives the beat: what is followed, and what starts and stops a jam."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jam.clock import Clock
from jam.messages.sync import OWN, SyncState
from jam.midi.numbers import CLOCK_TICK
from jam.music.grid import FRAMES_PER_QUARTER, MAX_BPM, MIN_BPM, Meter, TempoMap, quarter_bpm
from jam.settings import JamSettings
from jam.stage.devices import Devices
from jam.sync.beat import BeatLine
from jam.sync.beats import Beats, Source

_JUST_PASSED_FRAMES = 1.0
"""A bar line that has passed so little ago is the one that a start was about."""
_SHOWN_AGAIN_S = 0.5
"""So seldom the tempo that is shown follows one that wavers."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What a source says in one turn of the loop: a line to follow, to start, to stop."""

    line: BeatLine | None = None
    starts: bool = False
    stops: bool = False


class BeatKeeper:
    """Who gives the beat. `midi` is called on rtmidi's threads, `send_clock` on that of the clock
    that goes out, the rest by the stage's loop.
    """

    def __init__(self, clock: Clock, wake: threading.Event) -> None:
        self._clock, self._wake = clock, wake
        self._beats = Beats(clock)
        self._together = True
        self._rolled: bool | None = None
        self._to_start = False
        self._line: BeatLine | None = None
        self._shown_s = -math.inf
        self._shown: deque[float] = deque(maxlen=4)
        """Tempi that were shown last, in beats a minute."""
        self._began_s: float | None = None
        """When the jam that is running began."""
        self._met: Source | None = None
        self.state = SyncState()
        self.changed = False
        """Whether what is shown has changed since it was last set to False."""

    def choose(self, settings: JamSettings, hear_ticks: Callable[[bool], None]) -> bool:
        """Take what the settings choose; True when it is another source than before.

        hear_ticks: is told whether a MIDI clock is wanted.
        """
        self._together = settings.beat_start
        if not self._beats.choose(settings):
            return False
        hear_ticks(self._beats.clock_in is not None)
        # A MIDI clock says nothing of its transport before it starts.
        self._rolled = None if self._beats.clock_in is None else False
        self._to_start, self._line = False, None
        self.state, self.changed = self._beats.state, True
        return True

    @property
    def follows(self) -> bool:
        """Whether somebody else may give the beat."""
        return self._beats.state.source != OWN

    def midi(self, port: str, data: Sequence[int], at_s: float) -> None:
        """A message of a MIDI clock has come. Runs on: rtmidi's thread."""
        if (clock_in := self._beats.clock_in) is not None:
            clock_in.midi(port, data, at_s)
            if data[0] != CLOCK_TICK:
                self._wake.set()

    def played(self, at_s: float, tempo_map: TempoMap) -> None:
        """The player has struck a key in the session with this tempo map."""
        if (player := self._beats.player) is not None:
            player.hear(at_s, tempo_map)

    def send_clock(self, devices: Devices, data: tuple[int, ...]) -> None:
        """Send a message of our own clock, but not to who gives the beat. Runs on: the sender."""
        clock_in = self._beats.clock_in
        if clock_in is None:
            devices.send(data)
        else:
            clock_in.sent(data, self._clock.now_s())
            devices.send(data, clock_in.is_source)

    def turn(self, now_s: float) -> Turn:
        """What the source says now."""
        source = self._beats.source
        if source is not None and source is not self._met:
            self._met = source
            if self._began_s is not None:  # it took its time to open
                source.begin(self._began_s)
        heard = self._beats.heard(now_s)
        if heard is None:
            return Turn()
        if self._beats.state.words != self.state.words or self._beats.state.problem:
            self.changed |= self._beats.state != self.state
            self.state = self._beats.state
        self._line = heard.line
        stops = False
        if heard.rolls is not None and heard.rolls != self._rolled:
            # What rolled before it was chosen is no start.
            self._to_start = heard.rolls and self._together and self._rolled is not None
            stops = not heard.rolls and self._together and self._rolled is True
            self._rolled = heard.rolls
        starts = self._to_start and heard.line is not None
        if starts:
            self._to_start = False
        return Turn(heard.line, starts, stops)

    def tempo(self, meter: Meter, shown_bpm: float, now_s: float) -> float:
        """The source's tempo in beats a minute, to be shown; as it is where that says the same."""
        if self._line is None or now_s - self._shown_s < _SHOWN_AGAIN_S:
            return shown_bpm
        bpm = self._line.quarter_bpm * FRAMES_PER_QUARTER / meter.frames_per_beat
        bpm = round(min(MAX_BPM, max(MIN_BPM, bpm)), 1)
        if abs(bpm - shown_bpm) < 0.15:
            return shown_bpm
        self._shown_s = now_s
        self._shown.append(bpm)
        return bpm

    def start_s(self, earliest_s: float, meter: Meter, at_once: bool = False) -> float:
        """When a jam can begin: with a bar line of the source, where it knows them.

        at_once: with the bar line that the source starts from, though it may just have passed.
        """
        line = self._line
        if line is None:
            return earliest_s
        bar = meter.frames_per_bar if line.placed else meter.frames_per_beat
        passed = _JUST_PASSED_FRAMES if at_once else 0.0
        frame = math.ceil((line.position_at(earliest_s) - passed) / bar) * bar
        return line.seconds_at(frame)

    def set_to(self, settings: JamSettings, before: JamSettings) -> None:
        """The player has changed settings: the others get the tempo, where they take one."""
        if (source := self._beats.source) is None:
            return
        if settings.meter != before.meter:
            source.set_bar(settings.meter.frames_per_bar)
        if settings.bpm != before.bpm and settings.bpm not in self._shown:
            # Not what was shown a moment ago and came back with another setting.
            self._shown.clear()
            source.set_tempo(quarter_bpm(settings.bpm, settings.meter))
            self._shown_s = self._clock.now_s()  # until the source has taken it

    def begin(self, start_s: float) -> None:
        """A jam begins."""
        self._began_s = start_s
        if (source := self._beats.source) is not None:
            self._met = source
            source.begin(start_s)
            self._rolled = None if self._rolled is None else True

    def end(self) -> None:
        """The jam has ended."""
        self._began_s = None
        if (source := self._beats.source) is not None:
            source.end()
            self._rolled = None if self._rolled is None else False

    def close(self) -> None:
        """Let go of the source."""
        self._beats.close()
