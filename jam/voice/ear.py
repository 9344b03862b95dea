"""The ear: sound goes in, notes and the state of the microphone come out. No device, no thread."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from jam.messages.voice import (
    CLIPS_DB,
    SILENT_DB,
    BandSounds,
    GateFound,
    Listen,
    SetGate,
    Sung,
    VoiceState,
)
from jam.voice.band import BandInTheRoom
from jam.voice.pitch import HOP, PitchTracker
from jam.voice.ranges import RANGES
from jam.voice.segmenter import Segmenter, gate_above

_LISTENS_S = 2.0
_CLIPS_FOR_S = 2.0
_LINE_S, _LINE_EVERY = 4.0, 4
"""The line of pitch goes back so far; of so many hops one is drawn."""
_CLEAR = 0.7
"""A tone that is less clear isn't drawn."""
_KNOWN_AFTER_S = 0.04
"""So long after its tone has filled the window a note is known, as a rule (voice_ruler.py)."""


class Ear:
    """Hears one voice. `hear` takes blocks of any length. Raises JamError without aubio."""

    def __init__(self, rate_hz: int, listen: Listen) -> None:
        self._rate_hz = rate_hz
        self._listen = listen
        self._rest = np.zeros(0, np.float32)
        self._line: deque[tuple[float, float]] = deque()
        self._gate_levels: list[float] | None = None
        self._level_db, self._clipped_s, self._hops = SILENT_DB, -math.inf, 0
        self._now_s = 0.0
        self._build()

    def _build(self) -> None:
        listen = self._listen
        self._tracker = PitchTracker(RANGES[listen.range], self._rate_hz)
        self._segmenter = Segmenter(listen.gate_db, self._tracker.lag_s, listen.transpose)
        self._band = BandInTheRoom(listen.gate_db)

    def obey(self, command: Listen | BandSounds | SetGate) -> list[Sung]:
        """Do so; what was sung to another range ends."""
        match command:
            case BandSounds(pitch, velocity, at_s):
                self._band.sounds(pitch, velocity, at_s)
            case SetGate():
                self._gate_levels = []
            case Listen() if command != self._listen:
                ended = self.release()
                before, self._listen = self._listen, command
                if before.range != command.range:
                    self._build()
                self._segmenter.transpose = command.transpose
                self._segmenter.gate_db = self._band.gate_db = command.gate_db
                return ended
        return []

    def release(self) -> list[Sung]:
        """What sounds ends."""
        return [Sung(*event) for event in self._segmenter.release(self._now_s)]

    def hear(self, samples: NDArray[np.float32], end_s: float) -> list[Sung | GateFound]:
        """The next samples, (n,) float32, the last of which sounded at `end_s`."""
        out: list[Sung | GateFound] = []
        peak = float(np.max(np.abs(samples), initial=0.0))
        peak_db = 20 * math.log10(peak) if peak > 1e-6 else SILENT_DB
        self._level_db = max(peak_db, self._level_db - 0.6)
        if peak_db > CLIPS_DB:
            self._clipped_s = end_s
        sound = np.concatenate([self._rest, samples]) if len(self._rest) else samples
        n = len(sound) // HOP
        self._rest = sound[n * HOP :].copy()
        for i in range(n):
            left = len(sound) - (i + 1) * HOP
            out += self._hop(sound[i * HOP : (i + 1) * HOP], end_s - left / self._rate_hz)
        return out

    def _hop(self, samples: NDArray[np.float32], end_s: float) -> list[Sung | GateFound]:
        hop = self._tracker.hear(np.ascontiguousarray(samples), end_s)
        self._now_s = end_s
        self._hops += 1
        if self._gate_levels is not None:
            self._gate_levels.append(hop.level_db)
            if len(self._gate_levels) * HOP >= _LISTENS_S * self._rate_hz:
                found, self._gate_levels = gate_above(self._gate_levels), None
                return [GateFound(found)]
            return []
        if self._listen.ignores_band:
            hop = self._band.without(hop, self._segmenter.note is not None)
        if self._hops % _LINE_EVERY == 0:
            self._draw(hop.at_s, hop.pitch if hop.clarity > _CLEAR else math.nan)
        return [Sung(*event) for event in self._segmenter.hear(hop)]

    def _draw(self, at_s: float, pitch: float) -> None:
        line = self._line
        if self._segmenter.note is None:
            pitch = math.nan
        if math.isnan(pitch) and (not line or math.isnan(line[-1][1])):
            return
        line.append(
            (round(at_s - self._tracker.lag_s, 3), round(pitch + self._listen.transpose, 2))
        )
        while line and line[0][0] < at_s - _LINE_S:
            line.popleft()

    def state(self, of: VoiceState) -> VoiceState:
        """What the window is shown, the device's own facts being known."""
        return replace(
            of,
            level_db=round(self._level_db, 1),
            clips=self._now_s - self._clipped_s < _CLIPS_FOR_S,
            waits_ms=1000 * (_KNOWN_AFTER_S + 2 * self._tracker.lag_s),
            hears_band=self._listen.ignores_band and self._band.is_heard,
            line=tuple(self._line),
        )
