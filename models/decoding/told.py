"""What an improviser is told besides the past: classes and features, in numpy alone. Pure."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.network import vocab
from models.network.vocab import Ints

NOTES_A_BEAT = (0.15, 0.5, 0.85, 1.25, 1.75, 2.25, 2.9)
"""Between the classes of note density."""
LOWEST_REGISTER, REGISTER_STEP = 40.0, 4.0
"""Mean pitch at which the second class of register begins, and the width of a class."""


def note_density_class(notes_a_beat: float) -> int:
    """1 to N_NOTE_DENSITIES."""
    return 1 + sum(notes_a_beat >= limit for limit in NOTES_A_BEAT)


def register_class(mean_pitch: float) -> int:
    """1 to N_REGISTERS."""
    step = int((mean_pitch - LOWEST_REGISTER) // REGISTER_STEP)
    return 1 + min(max(step + 1, 0), vocab.N_REGISTERS - 1)


def chords_to_come(chord: Ints, onset: Ints, known: NDArray[np.int64]) -> dict[str, Ints]:
    """The chord of each frame and the next two others, with the frames until each.

    known: how many frames ahead of each frame chords are known; those further off, or further
    than MAX_UNTIL, are told as chord 0 in 0 frames.
    """
    n = len(chord)
    changes = np.flatnonzero(chord[1:] != chord[:-1]) + 1
    frames = np.arange(n)
    reach = np.minimum(known, vocab.MAX_UNTIL)
    found = {"here.chord": chord, "here.chord_onset": onset}
    first = np.searchsorted(changes, frames, side="right")
    for i, name in enumerate(("next", "after")):
        which = first + i
        at = np.concatenate([changes, [n]])[np.minimum(which, len(changes))]
        until = at - frames
        seen = (at < n) & (until <= reach)
        found[f"{name}.chord"] = np.where(seen, chord[np.minimum(at, n - 1)], 0)
        found[f"{name}.until"] = np.where(seen, until, 0)
    return found
