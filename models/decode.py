"""Decoding with numpy alone: one position after another, with a cache that rolls back.

B sessions are decoded in step (1 when playing, many when evaluating or distilling). The cache
is a block of memory for more positions than the context; when it is full, the newest part is
moved to its beginning (a few megabytes, once in `SPARE` frames). Attention sees distances and
not positions, so nothing has to be computed anew.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from jam.rows import LOWEST_PITCH
from models import spread, vocab
from models.config import NetConfig, slopes
from models.spread import Floats, Layer, Tables, Weights

Ints = NDArray[np.int64]
SPARE, MARGIN = 768, 256
"""Positions between two moves of the cache, and those kept for rolling back beyond a move."""
_EPS = np.float32(1e-5)


def normed(x: Floats) -> Floats:
    """Root-mean-square normalisation without gain, over the last axis of (B, D)."""
    scale = 1.0 / np.sqrt(np.vecdot(x, x) / np.float32(x.shape[-1]) + _EPS)
    result: Floats = x * scale[:, None]
    return result


def rectified(x: Floats, plain: int, back: bool = True) -> Floats:
    """max(x, 0) at every pitch class; (B, plain + 12 c) in the basis of frequencies.

    The result is in that basis again, or (back=False) stays in that of pitch classes.
    """
    b = len(x)
    sites = spread.TO_CLASSES @ x[:, plain:].reshape(b, 12, -1)
    np.maximum(sites, 0.0, out=sites)
    if back:
        sites = spread.TO_FREQUENCIES @ sites
    return np.concatenate([np.maximum(x[:, :plain], 0.0), sites.reshape(b, -1)], 1)


def feed_forward(x: Floats, layer: Layer, plain: int) -> Floats:
    """plain: invariant channels of the hidden layer."""
    return layer.down(rectified(layer.up(normed(x)), plain))


class Stack:
    """Causal blocks with their cache of keys and values, for `batch` sessions in step."""

    def __init__(
        self, config: NetConfig, layers: list[Layer], batch: int, frames: int | None = None
    ) -> None:
        self.config = config
        self.layers = layers
        self.batch = batch
        self.size = config.dim // config.heads
        capacity = min(config.context + MARGIN + SPARE, frames or 2**30)
        shape = (len(layers), batch, config.heads, capacity, self.size)
        self._capacity = capacity
        self._keys: Floats = np.zeros(shape, np.float32)
        self._values: Floats = np.zeros(shape, np.float32)
        distance = np.arange(config.context - 1, -1, -1, dtype=np.float32)
        # Column c is at distance context - 1 - c, so the newest n are the last n columns.
        self._bias: Floats = -np.array(slopes(config.heads), np.float32)[:, None] * distance
        self.base = 0
        """Positions that no longer lie in the cache's block."""
        self.n = self.start = 0
        """Positions taken in altogether, and the first of them."""

    def clear(self, start: int = 0) -> None:
        """Forget everything; the next position is number `start`."""
        self.n = self.base = self.start = start

    def rewind(self, n: int) -> bool:
        """Forget the positions from n on; False where what is left is too little context."""
        enough = n >= self.base and (
            self.base == self.start or n - self.base >= self.config.context
        )
        if enough:
            self.n = n
        return enough

    def step(self, x: Floats) -> Floats:
        """One position for every session: (B, D) in, (B, D) out (not yet normed)."""
        slot = self.n - self.base
        if slot == self._capacity:
            keep = self.config.context + MARGIN
            self._keys[:, :, :, :keep] = self._keys[:, :, :, slot - keep : slot]
            self._values[:, :, :, :keep] = self._values[:, :, :, slot - keep : slot]
            self.base, slot = self.n - keep, keep
        first = max(0, slot + 1 - self.config.context)
        bias = self._bias[:, None, self.config.context - (slot + 1 - first) :]
        b, heads, size, dim = self.batch, self.config.heads, self.size, self.config.dim
        for i, layer in enumerate(self.layers):
            qkv = layer.qkv(normed(x)).take(layer.to_heads, axis=1)
            keys, values = self._keys[i], self._values[i]
            keys[:, :, slot] = qkv[:, dim : 2 * dim].reshape(b, heads, size)
            values[:, :, slot] = qkv[:, 2 * dim :].reshape(b, heads, size)
            query = qkv[:, :dim].reshape(b, heads, size, 1)
            scores = (keys[:, :, first : slot + 1] @ query).transpose(0, 1, 3, 2) + bias
            scores -= scores.max(-1, keepdims=True)
            np.exp(scores, out=scores)
            scores /= scores.sum(-1, keepdims=True)
            mixed = (scores @ values[:, :, first : slot + 1]).reshape(b, dim)
            x = x + layer.out(mixed.take(layer.from_heads, axis=1))
            x += feed_forward(x, layer, self.config.ffn * self.config.invariant)
        self.n += 1
        return x


# What must be remembered of one row to make the features of the next; one column each.
PITCH, LAST_PITCH, INTERVAL, MELODY_AGE, MELODY_ONSET, CHORD, CHORD_AGE, CHORD_ONSET = range(8)
N_MEMORY = 8


def no_memory(batch: int) -> Ints:
    """The memory before the first row, (B, N_MEMORY); an age of -1 says that nothing was."""
    memory = np.zeros((batch, N_MEMORY), np.int64)
    memory[:, [MELODY_AGE, CHORD_AGE]] = -1
    return memory


def remember(memory: Ints, pitch: Ints, onset: Ints, chord: Ints, chord_onset: Ints) -> Ints:
    """The memory after one more row of each session; arguments (B,), as in `vocab`."""
    new = np.empty_like(memory)
    before, last = memory[:, PITCH], memory[:, LAST_PITCH]
    onset = ((pitch != 0) & ((pitch != before) | (onset != 0))).astype(np.int64)
    began = (onset != 0) | (pitch != before)
    new[:, PITCH] = pitch
    new[:, MELODY_ONSET] = onset
    new[:, LAST_PITCH] = np.where(onset != 0, pitch, last)
    reach = vocab.MAX_INTERVAL
    interval = np.clip(pitch - last, -reach, reach) + reach + 1
    new[:, INTERVAL] = np.where((onset != 0) & (last > 0), interval, 0)
    new[:, MELODY_AGE] = np.where(began, 0, memory[:, MELODY_AGE] + 1)
    chord_before = memory[:, CHORD]
    chord_onset = ((chord != 0) & ((chord != chord_before) | (chord_onset != 0))).astype(np.int64)
    new[:, CHORD] = chord
    new[:, CHORD_ONSET] = chord_onset
    new[:, CHORD_AGE] = np.where(
        (chord_onset != 0) | (chord != chord_before), 0, memory[:, CHORD_AGE] + 1
    )
    return new


def memory_features(memory: Ints) -> dict[str, Ints]:
    """The features of `vocab` for the row remembered last."""
    pitch, onset = memory[:, PITCH], memory[:, MELODY_ONSET]
    return {
        "melody": onset * 13 + np.where(pitch > 0, 1 + pitch % 12, 0),
        "melody_height": np.where(pitch > 0, 1 + (pitch - LOWEST_PITCH) // 6, 0),
        "melody_interval": memory[:, INTERVAL],
        "melody_age": np.clip(memory[:, MELODY_AGE], 0, vocab.MAX_MELODY_AGE - 1),
        "chord": memory[:, CHORD],
        "chord_age": np.clip(memory[:, CHORD_AGE], 0, vocab.MAX_CHORD_AGE - 1),
        "chord_onset": memory[:, CHORD_ONSET],
    }


def shared_features(places: Ints, style: int = 0, density: int = 0) -> Ints:
    """Place features (…, 6), bars counted on, to place and condition features (…, 8)."""
    conditions = np.empty((*places.shape[:-1], 2), np.int64)
    conditions[..., 0], conditions[..., 1] = style, density
    found = np.concatenate([places, conditions], -1)
    found[..., _BAR] %= vocab.BARS_IN_FORM
    return found


_BAR = vocab.PLACE_FEATURES.index("bar_in_form")


class OnlineDecoder:
    """p(y_t | x_<t, y_<t) and p(x_t | x_<t, y_<=t) for B sessions in step."""

    def __init__(
        self, config: NetConfig, weights: Weights, batch: int = 1, frames: int | None = None
    ) -> None:
        self.config = config
        layers = [spread.layer(config, weights, f"blocks.{i}") for i in range(config.layers)]
        self.stack = Stack(config, layers, batch, frames)
        self.past: Tables = spread.tables(config, weights, "past")
        self.now: Tables = spread.tables(config, weights, "now")
        width = config.width
        c, d = width
        norm = spread.gain(weights, "norm")
        self.norm = np.concatenate([norm[12 * c :], norm[: 12 * c]])
        self.chord_out = spread.head(weights, "chord_out", width, norm)
        self.melody_up = spread.blocks(
            *spread.dense(weights, "melody_up"), width, (2 * c, 2 * d),
            spread.gain(weights, "melody_norm"),
        )  # fmt: skip
        self.melody_out = spread.head(weights, "melody_out", (2 * c, 2 * d))

    def hidden(self, memory: Ints, shared: Ints) -> Floats:
        """Takes in one position; (B, D), normed.

        memory: (B, N_MEMORY) of the rows before; shared: (B, 8) or (1, 8), place features and
        conditions of the frame to be predicted, in the order of `vocab`.
        """
        found = memory_features(memory)
        own = np.stack([found[n] for n in vocab.MELODY_FEATURES + vocab.CHORD_FEATURES], 1)
        features = np.concatenate([own, np.broadcast_to(shared, (len(own), shared.shape[1]))], 1)
        return normed(self.stack.step(self.past(features)))

    def chord_logits(self, hidden: Floats) -> Floats:
        """(B, N_CHORD_CLASSES)."""
        return self.chord_out(hidden)

    def melody_logits(self, hidden: Floats, chord: Ints, onset: Ints, last_pitch: Ints) -> Floats:
        """(B, N_MELODY_CLASSES), beside the chord (index, onset) of the frame itself."""
        x = hidden * self.norm + self.now(np.stack([chord, onset], 1))
        up = rectified(self.melody_up(normed(x)), 2 * self.config.invariant)
        relative = self.melody_out(up)
        last = np.where(last_pitch == 0, vocab.FIRST_PITCH, last_pitch)
        order = vocab.MELODY_FROM_RELATIVE[last - LOWEST_PITCH]
        result: Floats = relative[np.arange(len(order))[:, None], order]
        return result
