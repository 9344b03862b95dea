"""Simulated jams, many at once: melodies are streamed frame by frame, chords are sampled.

The same factorisation as live play, p(y_t | x_<t, y_<t); the dice of frame t of a session are
those of `jam.anticipation` (its seed, t), so one session alone gives the same chords.
"""

from __future__ import annotations

import numpy as np

from models import vocab
from models.decode import CHORD, Ints, OnlineDecoder, no_memory, remember
from models.decoding import Decoding
from models.harmonise import drawn

_STRENGTH = vocab.PLACE_FEATURES.index("strength")


def online_chords(
    decoder: OnlineDecoder,
    pitch: Ints,
    onset: Ints,
    shared: Ints,
    rules: Decoding,
    temperature: float,
    seeds: list[int],
) -> tuple[Ints, Ints]:
    """Chord indices and onsets, (B, T), for melodies (B, T) and places (B, T, 8)."""
    b, n = pitch.shape
    chords, onsets = np.zeros((b, n), np.int64), np.zeros((b, n), np.int64)
    decoder.stack.clear()
    memory = no_memory(b)
    for t in range(n):
        logits = decoder.chord_logits(decoder.hidden(memory, shared[:, t]))
        logits = rules.applied(logits, shared[:, t, _STRENGTH])
        chords[:, t], onsets[:, t] = drawn(logits, memory[:, CHORD], temperature, seeds, t)
        memory = remember(memory, pitch[:, t], onset[:, t], chords[:, t], onsets[:, t])
    return chords, onsets
