"""What the rhythm of a melody tells: where phrases end, which notes are held."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from models.network import vocab
from models.network.vocab import Ints

Bools = NDArray[np.bool_]
_COLUMN = {name: i for i, name in enumerate(vocab.PLACE_FEATURES)}


def phrase_ends(onset: Ints, places: Ints) -> list[int]:
    """The frames where phrases of a melody close: at their last note where it starts on a strong
    beat, else on the bar line that follows. onset (n,), places (n, 6).

    The last note of a phrase is one after which nothing begins for three quarters of a bar or
    more, until the next bar line at least; a phrase has two bars or more.
    """
    n = len(onset)
    bar, in_bar, strength = (
        places[:, _COLUMN[c]] for c in ("bar_frames", "frame_in_bar", "strength")
    )
    found, last = [], -(10**9)
    for start, following in pairwise([*np.flatnonzero(onset).tolist(), n]):
        line = start + int(bar[start] - in_bar[start])
        long = following - start >= 0.75 * bar[start] and line <= following
        if long and start - last >= 2 * bar[start] - 2:
            found.append(start if strength[start] >= 2 else min(line, n - 1))
            last = start
    return found


def held_notes(pitch: Ints, onset: Ints, beat: Ints) -> Bools:
    """The frames of notes that last a beat or more; all (…, n)."""
    n = pitch.shape[-1]
    age = vocab.ages(pitch, onset, n + 1)
    last = np.ones(age.shape, bool)
    last[..., :-1] = age[..., 1:] <= age[..., :-1]
    index = np.where(last, np.arange(n), n - 1)
    end = np.minimum.accumulate(index[..., ::-1], -1)[..., ::-1]
    length = np.take_along_axis(age, end, -1) + 1
    found: Bools = (length >= beat) & (pitch > 0)
    return found
