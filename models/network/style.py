"""The style that is heard: what a melody's rhythm and intervals say of the style it is in.

Shares of its notes (where in the beat, on which stress, by which interval, how long after the note
before, how high, in which metre) go through a multinomial logistic regression; the network's
condition is then the mean of its conditions, weighted by what is likely. A function of the
melody's rows up to a bar line and of nothing else, so it is the same however they were reached.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.limits import WEIGHTS_BYTES
from jam.music.rows import LOWEST_PITCH
from jam.settings import STYLES
from models.network import vocab
from models.network.vocab import Ints
from models.network.weights import check_shapes, read_arrays

Floats = NDArray[np.float32]

_FRAME_IN_BEAT, _STRENGTH, _BAR_FRAMES, _BEAT_FRAMES = (
    vocab.PLACE_FEATURES.index(n)
    for n in ("frame_in_beat", "strength", "bar_frames", "beat_frames")
)
_SIZES = (8, 4, 2 * vocab.MAX_INTERVAL + 2, 18, 8, 3)
"""Values of what is counted of every note: place in the beat, stress, interval, frames since the
note or rest before it began, octave, kind of metre."""
_FIRST = np.cumsum([0, *_SIZES[:-1]])
N_COUNTS = sum(_SIZES) + 1
PRIOR_NOTES = 8
"""As if so many notes had been heard that say nothing."""
PARTS = 4
"""The styles' weights are multiples of one part in so many: there are few mixtures then, and each
is a condition as the styles themselves are."""


def counted(pitch: Ints, onset: Ints, interval: Ints, age: Ints, places: Ints) -> Floats:
    """(N_COUNTS,) of a melody's rows: the features of `vocab` by these names, (n,), and places
    (n, 6)."""
    notes = np.flatnonzero(onset)
    since = np.where(notes > 0, age[np.maximum(notes, 1) - 1], 0)
    beat, bar = places[notes, _BEAT_FRAMES], places[notes, _BAR_FRAMES]
    metre = np.where(beat == 6, 0, np.where(bar == 12, 1, 2))
    columns = (
        places[notes, _FRAME_IN_BEAT], places[notes, _STRENGTH], interval[notes], since,
        (pitch[notes] - LOWEST_PITCH) // 12, metre,
    )  # fmt: skip
    found = np.zeros(N_COUNTS, np.float32)
    for first, size, column in zip(_FIRST, _SIZES, columns, strict=True):
        counts = np.bincount(np.clip(column, 0, size - 1), minlength=size)
        found[first : first + size] = counts / (len(notes) + PRIOR_NOTES)
    found[-1] = (pitch > 0).mean() if len(pitch) else 0.0
    return found


def _mixtures() -> list[tuple[int, ...]]:
    n = len(STYLES)
    pure = [tuple(PARTS * (i == k) for i in range(n)) for k in range(n)]
    every = [parts for parts in product(range(PARTS + 1), repeat=n) if sum(parts) == PARTS]
    return pure + [parts for parts in every if parts not in pure]


MIXTURES = _mixtures()
"""The parts of every style in each condition; the styles alone come first, in their order."""
_NUMBER = {parts: number for number, parts in enumerate(MIXTURES)}


def nearest_mixture(shares: Floats) -> int:
    """The number of the mixture for shares of the styles that add up to 1 (largest remainder)."""
    parts = np.floor(shares * PARTS).astype(np.int64)
    rest = np.argsort(parts - shares * PARTS, kind="stable")
    parts[rest[: PARTS - int(parts.sum())]] += 1
    return _NUMBER[tuple(parts.tolist())]


def with_mixtures(rows: Floats) -> Floats:
    """Embeddings of the styles (styles, D) to those of all mixtures (len(MIXTURES), D)."""
    return np.asarray(np.array(MIXTURES) / PARTS @ rows, np.float32)


@dataclass(frozen=True, slots=True)
class StyleListener:
    """How likely each style is; "any" stands for what is in none of the others."""

    weight: Floats
    """(N_COUNTS, styles)."""
    bias: Floats

    def shares(self, counts: Floats) -> Floats:
        """(styles,), adding up to 1."""
        logits = counts @ self.weight + self.bias
        found = np.exp(logits - logits.max())
        return np.asarray(found / found.sum(), np.float32)


def load_listener(folder: Path) -> StyleListener | None:
    """That of a folder of weights; None where there is none. Raises BadInput."""
    path = folder / "style.safetensors"
    if not path.exists():
        return None
    arrays, _ = read_arrays(path, WEIGHTS_BYTES)
    check_shapes(path, arrays, {"weight": (N_COUNTS, len(STYLES)), "bias": (len(STYLES),)})
    return StyleListener(*(arrays[n].astype(np.float32) for n in ("weight", "bias")))
