"""The offline network with numpy alone: chords for melodies that are known as a whole."""

from __future__ import annotations

import numpy as np

from jam.agent.predictor import draw, gumbel_noise
from models.decoding import spectral
from models.decoding.decoder import (
    CHORD,
    Ints,
    Stack,
    feed_forward,
    memory_features,
    no_memory,
    normed,
    remember,
)
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats, Layer, Weights
from models.network import vocab
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
        found = memory_features(memory)
        names = vocab.MELODY_FEATURES + vocab.CHORD_FEATURES
        own = np.stack([found[name] for name in names], 1)
        x = self.past(np.concatenate([own, shared], 1)) + encoded
        return self.chord_out(normed(self.stack.step(x)))


def harmonies(
    decoder: OfflineDecoder,
    pitch: Ints,
    onset: Ints,
    shared: Ints,
    rules: Decoding,
    temperature: float,
    seeds: list[int],
) -> tuple[Ints, Ints]:
    """Chord indices and onsets, (B, T), sampled for melodies (B, T); see `OfflineDecoder`."""
    b, n = pitch.shape
    chords, onsets = np.zeros((b, n), np.int64), np.zeros((b, n), np.int64)
    encoded = decoder.encode(pitch, onset, shared)
    decoder.stack.clear()
    memory = no_memory(b)
    for t in range(n):
        logits = decoder.chord_logits(memory, shared[:, t], encoded[:, t])
        logits = rules.applied(logits, shared[:, t, _STRENGTH])
        chords[:, t], onsets[:, t] = drawn(logits, memory[:, CHORD], temperature, seeds, t)
        memory = remember(memory, pitch[:, t], onset[:, t], chords[:, t], onsets[:, t])
    return chords, onsets


_STRENGTH = vocab.PLACE_FEATURES.index("strength")


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
