"""JACK's transport, by JACK-Client: followed where another program gives bar and beat, led where
none does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jam.clock import Clock
from jam.errors import JamError
from jam.messages.sync import LOCKED, LOST
from jam.music.grid import FRAMES_PER_QUARTER
from jam.sync.beat import BeatLine, Heard
from jam.system import died, quiet_stderr

_TICKS_PER_BEAT = 1920.0
_TOLD_S = 1.0
_LOOKS, _AT_ONCE_S = 4, 0.001
"""Where the processor was taken away between clock and transport, one looks again."""
_SILENT_S = 0.3
"""Whoever leads is asked for bar and beat at every cycle: who isn't any more doesn't lead."""


@dataclass(frozen=True, slots=True)
class _Led:
    """Where the transport is in bars where jam says it: at `transport_s` it is at `frame`."""

    transport_s: float
    frame: float
    frame_s: float
    bar_frames: int

    def frame_at(self, transport_s: float) -> float:
        return self.frame + (transport_s - self.transport_s) / self.frame_s


class JackSource:
    """A client that follows or leads the transport. Raises JamError where no server answers."""

    def __init__(self, clock: Clock, quarter_bpm: float, bar_frames: int, together: bool) -> None:
        try:
            import jack
        except OSError:
            raise JamError("JACK: its library is missing") from None
        self._clock, self._together = clock, together
        self._led = _Led(0.0, 0.0, 15 / quarter_bpm, bar_frames)
        self._gone = False
        try:
            with quiet_stderr():
                self._client: Any = jack.Client("jam transport", no_start_server=True)
        except jack.JackError:
            raise JamError("JACK: no server answers") from None
        self._bbt = jack.POSITION_BBT
        self._rolling, self._stopped = jack.ROLLING, jack.STOPPED
        self._told: tuple[bool, float] | None = None
        """Whether it was told to roll, and until when it may not do so yet."""
        self._rate = int(self._client.samplerate)
        self._asked_s = -1.0
        """When it was last asked for bar and beat: it leads."""
        self._tried_s = 0.0
        self._client.set_shutdown_callback(self._on_shutdown)
        self._client.activate()
        self._try_to_lead(clock.now_s())

    def _try_to_lead(self, now_s: float) -> None:
        """Lead where nobody else does."""
        self._tried_s = now_s
        if self._client.set_timebase_callback(self._say_place, conditional=True):
            self._asked_s = now_s

    def _on_shutdown(self, status: object, reason: str) -> None:
        self._gone = True

    def _say_place(self, state: object, block: int, position: Any, is_new: bool) -> None:
        """Runs on: JACK's thread. Says bar, beat and tempo where jam leads."""
        self._asked_s = self._clock.now_s()
        led = self._led
        frame = max(0.0, led.frame_at(position.frame / self._rate))
        bar, in_bar = divmod(frame, led.bar_frames)
        beat, in_beat = divmod(in_bar, FRAMES_PER_QUARTER)
        position.valid = self._bbt
        position.bar, position.beat = int(bar) + 1, int(beat) + 1
        position.tick = int(in_beat / FRAMES_PER_QUARTER * _TICKS_PER_BEAT)
        position.bar_start_tick = int(bar) * led.bar_frames / FRAMES_PER_QUARTER * _TICKS_PER_BEAT
        position.beats_per_bar = led.bar_frames / FRAMES_PER_QUARTER
        position.beat_type = 4.0
        position.ticks_per_beat = _TICKS_PER_BEAT
        position.beats_per_minute = 15 / led.frame_s

    def _look(self) -> tuple[float, tuple[Any, dict[str, Any]], int]:
        """When, state and place, and the transport's frame."""
        looks = 0
        while True:
            before_s = self._clock.now_s()
            there = self._client.transport_query()
            transport = int(self._client.transport_frame)
            after_s = self._clock.now_s()
            looks += 1
            if after_s - before_s < _AT_ONCE_S or looks == _LOOKS:
                return (before_s + after_s) / 2, there, transport

    def heard(self, now_s: float) -> Heard:
        """How it stands."""
        if self._gone:
            return Heard(LOST, problem="JACK is gone; the beat goes on as it was.")
        at_s, (state, place), transport = self._look()
        rolls = state != self._stopped
        if self._told is not None:
            if rolls == self._told[0] or now_s > self._told[1]:
                self._told = None
            else:  # what it was told takes some of its cycles
                rolls = self._told[0]
        if state != self._rolling:
            if rolls:
                return Heard(LOCKED, None, True if self._together else None)
            return Heard(LOCKED, None, False if self._together else None)
        line = self._line(at_s, transport, place)
        return Heard(LOCKED, line, True if self._together else None)

    def _line(self, at_s: float, transport: int, place: dict[str, Any]) -> BeatLine:
        if "bar" not in place or at_s - self._asked_s < _SILENT_S:
            if at_s - max(self._asked_s, self._tried_s) > _TOLD_S:  # who led has gone
                self._try_to_lead(at_s)
            led = self._led
            return BeatLine(at_s, led.frame_at(transport / self._rate), led.frame_s)
        sixteenths = 16 / place["beat_type"]
        beats = (place["bar"] - 1) * place["beats_per_bar"] + place["beat"] - 1
        beats += place["tick"] / place["ticks_per_beat"]
        frame_s = 60 / place["beats_per_minute"] / sixteenths
        since_s = (transport - place["frame"]) / self._rate
        frame = beats * sixteenths + since_s / frame_s
        # Where they go, the beat goes on from there.
        self._led = _Led(transport / self._rate, frame, frame_s, self._led.bar_frames)
        return BeatLine(at_s, frame, frame_s)

    def set_tempo(self, quarter_bpm: float) -> None:
        """The player wants another tempo: it is JACK's where jam leads."""
        transport_s = self._client.transport_frame / self._rate
        led = self._led
        frame = led.frame_at(transport_s)
        self._led = _Led(transport_s, frame, 15 / quarter_bpm, led.bar_frames)

    def set_bar(self, bar_frames: int) -> None:
        """Another metre."""
        led = self._led
        self._led = _Led(led.transport_s, led.frame, led.frame_s, bar_frames)

    def begin(self, start_s: float) -> None:
        """A jam begins: the transport rolls, from where it stands."""
        if self._together and not self._gone and self._client.transport_state != self._rolling:
            self._told = True, self._clock.now_s() + _TOLD_S
            self._client.transport_start()

    def end(self) -> None:
        """The jam has ended."""
        if self._together and not self._gone:
            self._told = False, self._clock.now_s() + _TOLD_S
            self._client.transport_stop()

    def close(self) -> None:
        """Leave; the transport goes on."""
        if self._gone:
            died(self._client)
            return
        with quiet_stderr():
            self._client.deactivate()
            self._client.close()
