"""Simulated jams, many at once: melodies are streamed frame by frame, chords are sampled.

The same factorisation as live play, p(y_t | x_<t, y_<t); the dice of frame t of a session are
those of `jam.agent.anticipation` (its seed, t), so one session alone gives the same chords.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.data.piece import Piece
from models.decoding.decoder import CHORD, OnlineDecoder, no_memory, remember, shared_features
from models.decoding.harmoniser import drawn
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats
from models.network import recall, vocab
from models.network.recall import Found
from models.network.vocab import Ints

_STRENGTH = vocab.PLACE_FEATURES.index("strength")


def online_chords(
    decoder: OnlineDecoder,
    pitch: Ints,
    onset: Ints,
    shared: Ints,
    rules: Decoding,
    temperature: float,
    seeds: list[int],
    found: Found,
) -> tuple[Ints, Ints]:
    """Chord indices and onsets, (B, T), for melodies (B, T), places (B, T, 8) and what is found of
    their pasts (B, T, …)."""
    b, n = pitch.shape
    chords, onsets = np.zeros((b, n), np.int64), np.zeros((b, n), np.int64)
    decoder.stack.clear()
    memory = no_memory(b)
    for t in range(n):
        recalled, copies = recall.at_frame(found, t, chords, onsets)
        logits = decoder.chord_logits(decoder.hidden(memory, shared[:, t], recalled), copies)
        logits = rules.applied(logits, shared[:, t, _STRENGTH])
        chords[:, t], onsets[:, t] = drawn(logits, memory[:, CHORD], temperature, seeds, t)
        memory = remember(memory, pitch[:, t], onset[:, t], chords[:, t], onsets[:, t])
    return chords, onsets


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a policy chose in each frame, (B, T)."""

    chord: Ints
    onset: Ints
    class_: Ints
    log_probability: Floats


def sampled_chords(
    decoder: OnlineDecoder, pitch: Ints, onset: Ints, shared: Ints, found: Found,
    dice: NDArray[np.float64],
) -> Sampled:  # fmt: skip
    """Chords for melodies as `online_chords` takes them, at temperature 1 and without rules.

    For learning from: with the probability of every choice. dice: Gumbel noise, (T, B, classes).
    """
    b, n = pitch.shape
    chord, onset_, class_ = (np.zeros((b, n), np.int64) for _ in range(3))
    sampled = Sampled(chord, onset_, class_, np.zeros((b, n), np.float32))
    decoder.stack.clear()
    memory = no_memory(b)
    everyone = np.arange(b)
    for t in range(n):
        recalled, copies = recall.at_frame(found, t, chord, onset_)
        logits = decoder.chord_logits(decoder.hidden(memory, shared[:, t], recalled), copies)
        logits = logits - logits.max(-1, keepdims=True)
        classes = (logits + dice[t]).argmax(-1)
        sampled.log_probability[:, t] = logits[everyone, classes] - np.log(np.exp(logits).sum(-1))
        before = memory[:, CHORD]
        chord[:, t] = np.where(classes == 0, before, np.where(classes == 1, 0, classes - 1))
        class_[:, t], onset_[:, t] = classes, classes > 1
        memory = remember(memory, pitch[:, t], onset[:, t], chord[:, t], onset_[:, t])
    return sampled


@dataclass(frozen=True, slots=True)
class Padded:
    """Pieces filled up to one length."""

    pitch: Ints
    onset: Ints
    shared: Ints
    found: Found
    """Places of the past, all (B, T, …)."""


def padded(pieces: Sequence[Piece], frames: int | None = None) -> Padded:
    """With `frames` frames each, or as many as the longest has."""
    n = frames or max(p.n_frames for p in pieces)
    pitch = np.stack([np.pad(p.pitch, (0, n - p.n_frames)) for p in pieces])
    onset = np.stack([np.pad(p.onset, (0, n - p.n_frames)) for p in pieces])
    places = np.stack([np.pad(p.places, ((0, n - p.n_frames), (0, 0))) for p in pieces])
    found = [recall.find_all(*one) for one in zip(pitch, onset, places, strict=True)]
    return Padded(pitch, onset, shared_features(places), recall.stacked(found))
