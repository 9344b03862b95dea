"""Ableton Link, by LinkPython: one beat and one tempo with every other program on the network.

Link's clock on Linux is CLOCK_MONOTONIC_RAW, which drifts from jam's: both are read together at
every look, so each look is right by itself.
"""

from __future__ import annotations

from typing import Any

from jam.clock import Clock
from jam.errors import JamError
from jam.messages.sync import LOCKED, WAITING
from jam.sync.beat import BeatLine, Heard

_SURE_S = 0.0001
"""Two clocks that were read within so short a time were read at once."""
FRAMES_PER_BEAT = 4
"""Link's beat is a quarter note."""


class LinkSource:
    """A peer of its own, on the network from its making to `close`. Raises JamError."""

    def __init__(self, clock: Clock, quarter_bpm: float, bar_frames: int, together: bool) -> None:
        try:
            import link
        except ImportError:
            raise JamError("Link: LinkPython-extern is missing (pip install it)") from None
        self._clock = clock
        self._bar_frames = bar_frames
        self._link: Any = link.Link(quarter_bpm)
        self._together = together
        self._link.startStopSyncEnabled = together
        self._link.enabled = True

    def _now(self) -> tuple[float, int]:
        """The present on jam's clock and, in microseconds, on Link's."""
        link_clock = self._link.clock()
        best, width_s = (0.0, 0), float("inf")
        for _ in range(3):
            before_s = self._clock.now_s()
            micros = int(link_clock.micros())
            after_s = self._clock.now_s()
            if after_s - before_s < width_s:
                best, width_s = ((before_s + after_s) / 2, micros), after_s - before_s
            if width_s < _SURE_S:
                break
        return best

    def _micros(self, at_s: float) -> int:
        now_s, micros = self._now()
        return micros + round(1e6 * (at_s - now_s))

    def heard(self, now_s: float) -> Heard:
        """How it stands; without peers the beat is nobody's but jam's."""
        state = self._link.captureSessionState()
        at_s, micros = self._now()
        beat = state.beatAtTime(micros, self._bar_frames / FRAMES_PER_BEAT)
        line = BeatLine(at_s, FRAMES_PER_BEAT * beat, 60 / state.tempo() / FRAMES_PER_BEAT)
        peers = int(self._link.numPeers())
        rolls = bool(state.isPlaying()) if self._together and peers else None
        return Heard(LOCKED if peers else WAITING, line, rolls, peers)

    def set_tempo(self, quarter_bpm: float) -> None:
        """The player wants another tempo: all get it."""
        state = self._link.captureSessionState()
        state.setTempo(quarter_bpm, self._now()[1])
        self._link.commitSessionState(state)

    def set_bar(self, bar_frames: int) -> None:
        """Another metre: Link's quantum is the bar."""
        self._bar_frames = bar_frames

    def begin(self, start_s: float) -> None:
        """A jam begins, with bar 1 at `start_s`."""
        self._play(True, start_s)

    def end(self) -> None:
        """The jam has ended."""
        self._play(False, self._clock.now_s())

    def _play(self, playing: bool, at_s: float) -> None:
        if not self._together:
            return
        state = self._link.captureSessionState()
        if bool(state.isPlaying()) != playing:
            state.setIsPlaying(playing, self._micros(at_s))
            self._link.commitSessionState(state)

    def close(self) -> None:
        """Leave."""
        self._link.enabled = False
