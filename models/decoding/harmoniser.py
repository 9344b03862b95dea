"""The offline network with numpy alone: chords for melodies that are known as a whole."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.agent.predictor import draw, gumbel_noise
from jam.music.key import Key, best_key, scale_of
from jam.music.rows import CHORD_FIRST, HIGHEST_PITCH, HOLD, LOWEST_PITCH, N_CHORD_CLASSES
from models.data.phrases import phrase_ends
from models.decoding import spectral
from models.decoding.decoder import (
    CHORD,
    Branches,
    Ints,
    Stack,
    feed_forward,
    memory_features,
    no_memory,
    normed,
    remember,
    shared_features,
)
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats, Layer, Weights
from models.network import vocab
from models.network.chords import CHORD_TONES, ROOT, THIRD, leads_home, turn_chords
from models.network.config import NetConfig, encoder_slopes

ENCODED, AROUND = 512, 256
"""Long melodies are encoded in pieces of so many frames, seeing so many more on both sides."""


class OfflineDecoder:
    """p(y_t | x, y_<t) for B melodies in step."""

    def __init__(
        self, config: NetConfig, weights: Weights, batch: int = 1, frames: int | None = None
    ) -> None:
        self.config = config
        self.encoder = [
            spectral.layer(config, weights, f"encoder.{i}") for i in range(config.encoder_layers)
        ]
        self.heard = spectral.tables(config, weights, "heard")
        self.heard_out = spectral.blocks(
            *spectral.dense(weights, "heard_out"),
            config.width,
            config.width,
            spectral.gain(weights, "heard_norm"),
        )
        layers = [spectral.layer(config, weights, f"blocks.{i}") for i in range(config.layers)]
        self.stack = Stack(config, layers, batch, frames)
        self.past = spectral.tables(config, weights, "past")
        self.chord_out = spectral.head(
            weights, "chord_out", config.width, spectral.gain(weights, "norm")
        )

    def for_batch(self, batch: int, frames: int) -> OfflineDecoder:
        """The same network, ready to write chords for so many melodies."""
        found = copy.copy(self)
        found.stack = Stack(self.config, self.stack.layers, batch, frames)
        return found

    def branching(self, batch: int, frames: int) -> OfflineDecoder:
        """The same network, for so many ways to go on with what this one has read."""
        found = copy.copy(self)
        found.stack = Branches(self.stack, batch, frames)
        found.stack.clear(self.stack.n)
        return found

    def read(self, known: Ints, shared: Ints, encoded: Floats) -> Ints:
        """Takes in T frames of one melody whose chords are known: pitch, onset, chord and its
        onset, (T, 4), with (T, 8) and (T, D). Gives the memory after them, (1, N_MEMORY)."""
        memory, memories = no_memory(1), [no_memory(1)[:0]]
        for row in known[:, None]:
            memories.append(memory)
            memory = remember(memory, *row.T)
        if len(known):
            self.stack.read(self._position(np.concatenate(memories), shared, encoded))
        return memory

    def _position(self, memory: Ints, shared: Ints, encoded: Floats) -> Floats:
        found = memory_features(memory)
        names = vocab.MELODY_FEATURES + vocab.CHORD_FEATURES
        own = np.stack([found[name] for name in names], 1)
        return self.past(np.concatenate([own, shared], 1)) + encoded

    def encode(self, pitch: Ints, onset: Ints, shared: Ints) -> Floats:
        """(B, T, D) of melodies (B, T) with places and conditions (B, T, 8)."""
        features = vocab.melody_features(pitch, onset)
        own = np.stack([features[name] for name in vocab.MELODY_FEATURES], -1)
        indices = np.concatenate([own, shared], -1)
        n = pitch.shape[1]
        parts = []
        for start in range(0, n, ENCODED):
            low, high = max(0, start - AROUND), min(n, start + ENCODED + AROUND)
            x = np.stack([self._encode(self.heard(one)) for one in indices[:, low:high]])
            parts.append(x[:, start - low : start - low + ENCODED])
        return np.concatenate(parts, 1)

    def _encode(self, x: Floats) -> Floats:
        n = len(x)
        frames = np.arange(n, dtype=np.float32)
        ahead = frames[None, :] - frames[:, None]
        for layer in self.encoder:
            x = x + self._attend(x, layer, ahead)
            x += feed_forward(x, layer, self.config.ffn * self.config.invariant)
        return self.heard_out(normed(x))

    def _attend(self, x: Floats, layer: Layer, ahead: Floats) -> Floats:
        """Half of the heads look back, the others ahead; `ahead` is (n, n), in frames."""
        n, dim = x.shape
        heads = self.config.heads
        qkv = layer.qkv(normed(x)).take(layer.to_heads, axis=1)
        qkv = qkv.reshape(n, 3, heads, dim // heads)
        reach = np.array(encoder_slopes(heads), np.float32)
        mixed = np.empty((n, heads, dim // heads), np.float32)
        for h in range(heads):
            seen = -ahead if h < heads // 2 else ahead
            bias = np.where(seen >= 0, -reach[h % (heads // 2)] * seen, np.float32(-1e30))
            scores = qkv[:, 0, h] @ qkv[:, 1, h].T + bias
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            mixed[:, h] = scores @ qkv[:, 2, h]
        return layer.out(mixed.reshape(n, dim).take(layer.from_heads, axis=1))

    def chord_logits(self, memory: Ints, shared: Ints, encoded: Floats) -> Floats:
        """Takes in one position: (B, N_MEMORY), (B, 8), (B, D) to (B, N_CHORD_CLASSES)."""
        x = self._position(memory, shared, encoded)
        return self.chord_out(normed(self.stack.step(x)))


@dataclass(frozen=True, slots=True)
class Drawn:
    """Chords drawn for melodies, (B, T)."""

    chord: Ints
    onset: Ints
    log_probability: Floats
    """Of each frame's class, (B, T)."""


def harmonies(
    decoder: OfflineDecoder,
    pitch: Ints,
    onset: Ints,
    shared: Ints,
    rules: Decoding,
    temperature: float,
    seeds: list[int],
    key: Key | None = None,
) -> Drawn:
    """Chords sampled for melodies (B, T), or for one (1, T) so many times; see `OfflineDecoder`.

    key: the first chord, and those of the last bar that has a note, belong to it.
    """
    b, n = len(seeds), pitch.shape[1]
    encoded = decoder.encode(pitch, onset, shared)
    encoded = np.broadcast_to(encoded, (b, *encoded.shape[1:]))
    pitch, onset, shared = (np.broadcast_to(a, (b, *a.shape[1:])) for a in (pitch, onset, shared))
    decoder = decoder.for_batch(b, n)
    drawn_ = Drawn(
        np.zeros((b, n), np.int64), np.zeros((b, n), np.int64), np.zeros((b, n), np.float32)
    )
    allowed = np.ones(N_CHORD_CLASSES, bool) if key is None else classes_of(key)
    last_bar = n if key is None else _last_bar(pitch[0], shared[0])
    memory = no_memory(b)
    for t in range(n):
        before = memory[:, CHORD]
        logits = decoder.chord_logits(memory, shared[:, t], encoded[:, t])
        logits = rules.applied(logits, shared[:, t, _STRENGTH])
        first = drawn_.chord[:, :t].max(1, initial=0) == 0
        logits[(first | (t >= last_bar))[:, None] & ~allowed] = -1e9
        if t == last_bar:
            logits[~allowed[before + 1], HOLD] = -1e9
        index, starts = drawn(logits, before, temperature, seeds, t)
        class_ = np.where(starts > 0, index + 1, np.where(index == before, 0, 1))
        most = logits.max(1)
        total = most + np.log(np.exp(logits - most[:, None]).sum(1))
        drawn_.log_probability[:, t] = logits[np.arange(b), class_] - total
        drawn_.chord[:, t], drawn_.onset[:, t] = index, starts
        memory = remember(memory, pitch[:, t], onset[:, t], index, starts)
    return drawn_


def classes_of(key: Key) -> NDArray[np.bool_]:
    """The classes of chords that belong to a key, (N_CHORD_CLASSES,); hold and none do."""
    tonic, minor = key
    outside = [pc for pc in range(12) if (pc - tonic) % 12 not in scale_of(minor)]
    found = np.ones(N_CHORD_CLASSES, bool)
    found[CHORD_FIRST:] = ~CHORD_TONES[1:, outside].any(1)
    return found


def _last_bar(pitch: Ints, shared: Ints) -> int:
    """The first frame of the bar in which a melody's last note sounds."""
    last = int(np.flatnonzero(pitch)[-1])
    return max(0, last - int(shared[last, _FRAME_IN_BAR]))


DRAWS = 6
"""Harmonisations of a song, of which the best is taken."""
LIKELY, CLOSE, HOME = 0.25, 1.0, 3.0
"""What a nat of likelihood is worth, V and I at the end of a phrase, a last chord on the tonic. If
likelihood counted in full, every seed would give the likeliest chords."""
MIDDLE = 67
"""The mean pitch at which the harmoniser is given songs."""


def song_harmony(
    decoder: OfflineDecoder,
    pitch: Ints,
    onset: Ints,
    places: Ints,
    conditions: tuple[int, int],
    rules: Decoding,
    seed: int,
) -> tuple[Ints, Ints]:
    """Chord indices and onsets, (n,), of a whole song: melody (n,), places (n, 6), style and
    density.

    Of several draws the best is taken: it is likely, its phrases close from V to I, its last chord
    is the tonic's. The first chord and the last ones belong to the key. All of it is done in C
    major or A minor, so a tune that is transposed gets the same chords, transposed.
    """
    sung = pitch > 0
    tonic, minor = best_key(np.bincount(pitch[sung] % 12, minlength=12).tolist())
    home = 9 if minor else 0
    up = home - tonic
    up += 12 * round((MIDDLE - float(pitch[sung].mean()) - up) / 12)
    there = np.where(sung, np.clip(pitch + up, LOWEST_PITCH, HIGHEST_PITCH), 0)
    found = harmonies(
        decoder,
        there[None],
        onset[None],
        shared_features(places, *conditions)[None],
        rules,
        1.0,
        [DRAWS * seed + i for i in range(DRAWS)],
        (home, minor),
    )
    ends = phrase_ends(onset, places)
    scores = [
        LIKELY * float(likely.sum())
        + CLOSE * _closes(chord, ends)
        + HOME * _is_home(chord, home, minor)
        for chord, likely in zip(found.chord, found.log_probability, strict=True)
    ]
    best = int(np.argmax(scores))
    return turn_chords(found.chord[best], -up), found.onset[best]


def _closes(chord: Ints, ends: list[int]) -> int:
    """How many of these phrase ends are reached from V."""
    found = 0
    for end in ends:
        other = np.flatnonzero(chord[:end] != chord[end])
        found += bool(len(other) and leads_home(int(chord[other[-1]]), int(chord[end])))
    return found


def _is_home(chord: Ints, tonic: int, minor: bool) -> bool:
    last = int(chord[np.flatnonzero(chord)[-1]]) if chord.any() else 0
    return bool(last and ROOT[last] == tonic and THIRD[last] == (3 if minor else 4))


_STRENGTH = vocab.PLACE_FEATURES.index("strength")
_FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")


def drawn(
    logits: Floats, before: Ints, temperature: float, seeds: list[int], frame: int
) -> tuple[Ints, Ints]:
    """Chord index and onset of each session, with the dice of (its seed, frame)."""
    classes = np.array(
        [
            draw(row, temperature, gumbel_noise(seed, frame, 0, len(row)))[0]
            for row, seed in zip(logits, seeds, strict=True)
        ]
    )
    index = np.where(classes == 0, before, np.where(classes == 1, 0, classes - 1))
    return index, (classes > 1).astype(np.int64)
