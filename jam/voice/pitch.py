"""Sound to pitch, a hop at a time: YIN (de Cheveigné & Kawahara 2002) as aubio has it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jam.errors import JamError
from jam.voice.ranges import MARGIN, Range

HOP = 256
"""Samples of a hop, whatever the sample rate."""
RATE = 48000
"""At this rate windows are as `Range.window` says; at others they are as many milliseconds long."""
SILENCE_DB = -120.0


class Hop(NamedTuple):
    """What is heard in a hop. at_s: its end. pitch: MIDI number with its fraction, NaN where there
    is none. clarity: 0 noise, 1 a tone. level_db: RMS below full scale."""

    at_s: float
    pitch: float
    clarity: float
    level_db: float


class PitchTracker:
    """Follows the pitch of one voice. Raises JamError where aubio is missing."""

    def __init__(self, wanted: Range, rate_hz: int = RATE) -> None:
        try:
            import aubio
        except ImportError as error:
            raise JamError(f"the microphone needs aubio-ledfx: {error}") from None
        window = wanted.window * (2 if rate_hz > 1.5 * RATE else 1)
        self._yin: Any = aubio.pitch("yinfast", window, HOP, rate_hz)
        self._yin.set_unit("Hz")
        self._yin.set_silence(SILENCE_DB)
        self._low_hz = hz(wanted.low - MARGIN - 0.5)
        self._high_hz = hz(wanted.high + MARGIN + 0.5)
        self.lag_s = window / 2 / rate_hz
        """Half of the window: what is heard lies so long before the end of the hop."""

    def hear(self, samples: NDArray[np.float32], at_s: float) -> Hop:
        """The next hop, (HOP,) float32, which ended at `at_s`."""
        power = float(np.dot(samples, samples)) / HOP
        level_db = 10 * math.log10(power) if power > 1e-12 else SILENCE_DB
        hz = float(self._yin(samples)[0])
        clarity = float(self._yin.get_confidence())
        if not self._low_hz <= hz <= self._high_hz:
            return Hop(at_s, math.nan, 0.0, level_db)
        return Hop(at_s, 69 + 12 * math.log2(hz / 440), clarity, level_db)


def hz(pitch: float) -> float:
    """The frequency of a MIDI number, A4 = 69 = 440 Hz."""
    return float(440 * 2 ** ((pitch - 69) / 12))
