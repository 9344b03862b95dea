"""Tables of chords by their index in `models.network.vocab`, and the one move that closes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jam.music.chord import QUALITIES, QUALITY_NAMES, Chord
from models.network import vocab
from models.network.vocab import Ints

Bools = NDArray[np.bool_]

CHORD_TONES: NDArray[np.bool_] = np.zeros((vocab.N_CHORDS, 12), dtype=bool)
"""Which pitch classes each chord index holds."""
for _root in range(12):
    for _i, _quality in enumerate(QUALITY_NAMES):
        _index = 1 + _root * vocab.N_QUALITIES + _i
        CHORD_TONES[_index, list(Chord(_root, _quality).pitch_classes)] = True

ROOT, QUALITY = np.divmod(np.arange(vocab.N_CHORDS) - 1, vocab.N_QUALITIES)
ROOT[0] = QUALITY[0] = -1
"""Of each chord index; -1 for none."""
_TONES = [QUALITIES[name][0] for name in QUALITY_NAMES]
THIRD = np.array([0] + 12 * [4 if 4 in t else 3 if 3 in t else 0 for t in _TONES])
"""Semitones of each chord's third; 0 where it has none."""
DOMINANT = np.array([False] + 12 * [name in ("7", "9", "aug7") for name in QUALITY_NAMES])
SIZE: Ints = CHORD_TONES.sum(1)


def _clashes() -> Bools:
    above = np.roll(CHORD_TONES, 1, 1) & ~CHORD_TONES
    ninth = (np.arange(12) - 1) % 12 == ROOT[:, None]
    found: Bools = above & ~(DOMINANT[:, None] & ninth)
    return found


CLASHES = _clashes()
"""(N_CHORDS, 12): a note a semitone above a tone of the chord and not in it; the minor ninth of a
dominant is none."""


def leads_home(before: Ints | int, after: Ints | int) -> Bools:
    """From V to I: from a major (or thirdless) chord down a fifth."""
    falls = (ROOT[before] - ROOT[after]) % 12 == 7
    return np.asarray(
        falls & (THIRD[before] != 3) & (np.asarray(before) > 0) & (np.asarray(after) > 0)
    )


def turn_chords(chord: Ints, turn: Ints | int) -> Ints:
    """Chord indices transposed."""
    root, quality = np.divmod(chord - 1, vocab.N_QUALITIES)
    return np.where(chord == 0, 0, 1 + (root + turn) % 12 * vocab.N_QUALITIES + quality)
