"""Several futures: what a new chord is weighed against before it enters the plan.

A chord that is struck some beats ahead has to fit a melody that nobody knows yet. So where the
dice say that the chord changes, it is drawn several times; for each draw the melody is continued
with dice of its own; and of the chords drawn the one is taken that fits all of these melodies
best. When the chord changes is left to the dice, so the harmonic rhythm stays the model's.

All this is a function of the rows before the frame, of the frame's own place in the metre and of
the dice of (seed, frame, candidate), whenever it is done: a plan still changes only by surprises.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jam.grid import Place
from jam.harmony import Chord

BEATS_WEIGHED = 4
"""How far the melodies go on: of 1, 2, 4 and 8 beats what brings most note-in-chord."""


def places_from(place: Place, n: int) -> list[Place]:
    """The places of n frames from this one on, as far as can be known from it: in its metre."""
    found = []
    bar, frame = place.bar, place.frame_in_bar
    for _ in range(n):
        found.append(Place(bar, frame, place.meter))
        frame += 1
        if frame == place.meter.frames_per_bar:
            bar, frame = bar + 1, 0
    return found


def best_fitting(chords: Sequence[Chord], sounding: NDArray[np.float64]) -> int:
    """Number of the chord that fits what may sound best; the first of several.

    sounding: weights of the twelve pitch classes. A chord's fit is the share of them that it has,
    less the share that it would have by chance: its size in twelfths.
    """
    total = float(sounding.sum())
    if total <= 0:
        return 0
    heard = sounding / total
    fits = [sum(heard[pc] - 1 / 12 for pc in chord.pitch_classes) for chord in chords]
    return int(np.argmax(fits))
