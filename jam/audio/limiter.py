"""A limiter: clear below its knee, round above it, turned down without a click."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

CEILING = 0.89
"""No sample is higher (-1 dB of full scale): what a converter draws between two may be."""
KNEE = 0.75
"""Below this (-2.5 dB) nothing is touched."""
_RECOVERY_S = 0.5


class Limiter:
    """Keeps samples below a ceiling; works in place on blocks of shape (n, 2), without delay.

    A block whose peak is above the knee is turned down along a straight line, from the gain that
    was to the one that it needs; what is above the knee until then is bent toward the ceiling,
    which it never reaches. Then the gain comes back within half a second. Preallocated: runs on the
    audio callback.
    """

    def __init__(self, sample_rate: int, max_frames: int = 8192) -> None:
        self._gain = 1.0
        self._recovered_a_frame = 1.0 / (_RECOVERY_S * sample_rate)
        self._magnitude = np.empty((max_frames, 2), dtype=np.float32)
        self._way = np.linspace(0.0, 1.0, max_frames, dtype=np.float32).reshape(-1, 1)

    @property
    def gain(self) -> float:
        """What the newest block ended with; 1.0 where nothing had to be turned down."""
        return self._gain

    def process(self, block: NDArray[np.float32]) -> None:
        n = len(block)
        magnitude = self._magnitude[:n]
        np.abs(block, out=magnitude)
        peak = float(magnitude.max())
        if peak <= KNEE and self._gain >= 1.0:
            return
        target = min(1.0, self._gain + self._recovered_a_frame * n)
        if peak * target > KNEE:
            target = KNEE / peak
        ramp = self._way[:n] / self._way[n - 1] if n > 1 else np.float32(1.0)
        block *= np.float32(self._gain) + np.float32(target - self._gain) * ramp
        self._gain = target
        np.abs(block, out=magnitude)
        if (highest := float(magnitude.max())) > KNEE and highest > 0:
            room = np.float32(CEILING - KNEE)
            over = np.maximum(magnitude - np.float32(KNEE), np.float32(0.0))
            np.copysign(
                np.minimum(magnitude, np.float32(KNEE)) + over / (1 + over / room), block, out=block
            )
