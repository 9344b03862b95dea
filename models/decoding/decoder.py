"""Decoding with numpy alone: one position after another, with a cache that rolls back.

B sessions are decoded in step (1 when playing, many when evaluating or distilling). The cache
is a block of memory for more positions than the context; when it is full, the newest part is
moved to its beginning (a few megabytes, once in `SPARE` frames). Attention sees distances and
not positions, so nothing has to be computed anew.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jam.music.rows import LOWEST_PITCH
from models.decoding import spectral
from models.decoding.spectral import Floats, Layer, Split, Tables, Weights
from models.network import vocab
from models.network.config import NetConfig, slopes

Ints = NDArray[np.int64]
SPARE, MARGIN = 768, 256
"""Positions between two moves of the cache, and those kept for rolling back beyond a move."""
PIECE = 64
"""Positions that are read at once. More need more room for their scores than a cache has."""
_EPS = 1e-5


def normed(x: Floats) -> Floats:
    """Root-mean-square normalisation without gain, over the last axis of (B, D)."""
    result: Floats = x * scales(x)
    return result


def scales(x: Floats) -> Floats | float:
    """What (B, D) is multiplied by to be normed: (B, 1), or a number for one row alone."""
    if len(x) == 1:
        return 1.0 / math.sqrt(float(np.dot(x[0], x[0])) / x.shape[1] + _EPS)
    squares = np.vecdot(x, x)[:, None]
    squares /= np.float32(x.shape[1])
    squares += np.float32(_EPS)
    found: Floats = 1.0 / np.sqrt(squares)
    return found


def rectified(x: Floats, plain: int, back: bool = True) -> Floats:
    """max(x, 0) at every pitch class; (B, plain + 12 c) in the basis of frequencies.

    The result is in that basis again, or (back=False) stays in that of pitch classes.
    """
    b = len(x)
    sites = spectral.TO_CLASSES @ x[:, plain:].reshape(b, 12, -1)
    np.maximum(sites, 0.0, out=sites)
    if back:
        sites = spectral.TO_FREQUENCIES @ sites
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
        shape = (len(layers), 2, batch, config.heads, capacity, self.size)
        self._capacity = capacity
        self.cache: Floats = np.zeros(shape, np.float32)
        """Of each layer, the keys and then the values."""
        distance = np.arange(config.context - 1, -1, -1, dtype=np.float32)
        # Column c is at distance context - 1 - c, so the newest n are the last n columns.
        self._bias: Floats = -np.array(slopes(config.heads), np.float32)[:, None, None] * distance
        self._rooms = Rooms(config, batch)
        self._everyone = slice(0, batch)
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
        """One position for every session: (B, D) in, (B, D) out (not yet normed).

        What is returned is overwritten by the next step.
        """
        np.copyto(self._rooms.x.whole, x)
        # Made anew: kept, it would be a circle, and hold the cache until that is looked for.
        advance(self._rooms, self.layers, ((self, self._everyone),))
        return self._rooms.x.whole

    def slot(self) -> int:
        """Where in the cache the next position goes; room is made there."""
        slot = self.n - self.base
        if slot == self._capacity:
            keep = self.config.context + MARGIN
            self.cache[..., :keep, :] = self.cache[..., slot - keep : slot, :]
            self.base, slot = self.n - keep, keep
        return slot

    def read(self, x: Floats) -> None:
        """Take in many positions of one session, (T, D): as `step` after `step`, several times
        as fast, but summed in another order, so that the last bits may differ.

        For positions that are known beforehand and that nobody wants to hear about: only their
        keys and values are kept. Raises ValueError where they don't fit into the cache.
        """
        if self.batch != 1 or self.n - self.base + len(x) > self._capacity:
            raise ValueError(f"cannot read {len(x)} positions of {self.batch} sessions")
        for start in range(0, len(x), PIECE):
            self._read(x[start : start + PIECE])

    def _read(self, x: Floats) -> None:
        heads, t, slot = self.config.heads, len(x), self.n - self.base
        first = max(0, slot + 1 - self.config.context)
        far = np.arange(slot, slot + t)[:, None] - np.arange(first, slot + t)
        # Of `_bias` the column of each distance; the future, and what is too far, weighs nothing.
        unseen = (far < 0) | (far >= self.config.context)
        bias = self._bias[:, 0, -1 - np.where(unseen, 0, far)]
        bias[:, unseen] = -np.inf
        for i, layer in enumerate(self.layers):
            qkv = layer.qkv(normed(x)).take(layer.to_heads, 1)
            query, *new = qkv.reshape(t, 3, heads, self.size).transpose(1, 2, 0, 3)
            self.cache[i, :, 0, :, slot : slot + t] = new
            if i == len(self.layers) - 1:
                break
            keys, values = self.cache[i, :, 0, :, first : slot + t]
            scores = query @ keys.mT
            total = exponentials(scores, bias)
            mixed = (scores @ values / total).transpose(1, 0, 2).reshape(t, -1)
            x = x + layer.out(mixed.take(layer.from_heads, 1))
            x += feed_forward(x, layer, self.config.ffn * self.config.invariant)
        self.n += t

    def attend(self, i: int, n: int, query: Floats) -> Floats:
        """Layer i's queries (B, heads, size, 1) over the first n slots; (B, heads, 1, size)."""
        seen = min(n, self.config.context)
        keys, values = self.cache[i, :, :, :, n - seen : n]
        scores = (keys @ query).reshape(self.batch, self.config.heads, 1, seen)
        total = exponentials(scores, self._bias[:, :, -seen:])
        mixed: Floats = scores @ values
        mixed /= total
        return mixed


class Branches(Stack):
    """Several continuations of one session: its cache is shared, each adds `frames` of its own.

    They begin where the trunk is when they are cleared: `clear(trunk.n)`.
    """

    def __init__(self, trunk: Stack, batch: int, frames: int) -> None:
        super().__init__(trunk.config, trunk.layers, batch, frames)
        self.trunk = trunk

    def attend(self, i: int, n: int, query: Floats) -> Floats:
        b, heads = self.batch, self.config.heads
        end = self.trunk.n - self.trunk.base
        far = min(end, self.config.context - n)
        far_keys, far_values = self.trunk.cache[i, :, 0, :, end - far : end]
        keys, values = self.cache[i, :, :, :, :n]
        scores = np.empty((heads, b, far + n), np.float32)
        np.matmul(query[..., 0].transpose(1, 0, 2), far_keys.mT, out=scores[..., :far])
        scores[..., far:] = (keys @ query)[..., 0].transpose(1, 0, 2)
        total = exponentials(scores, self._bias[:, :, -(far + n) :])
        near_mixed = scores[..., None, far:].transpose(1, 0, 2, 3) @ values
        mixed = (scores[..., :far] @ far_values).transpose(1, 0, 2)[:, :, None] + near_mixed
        mixed /= total.transpose(1, 0, 2)[:, :, None]
        return mixed


def advance(r: Rooms, layers: list[Layer], stacks: Sequence[tuple[Stack, slice]]) -> None:
    """One position for every session of every stack, all of one network: `r.x`, in place.

    stacks: each with the rows of `r` that are its sessions'. Only attention goes stack by stack,
    since each has a past of its own; the matrices are read once for all.
    """
    slots = [stack.slot() for stack, _ in stacks]
    for i, layer in enumerate(layers):
        r.norm()
        layer.qkv.into(r.normed, r.qkv)
        r.qkv.whole.take(layer.to_heads, 1, r.heads, "clip")
        for (stack, rows), slot in zip(stacks, slots, strict=True):
            stack.cache[i, :, :, :, slot] = r.new[:, rows]
            attended = stack.attend(i, slot + 1, r.query[rows])
            attended.reshape(stack.batch, -1).take(layer.from_heads, 1, r.mixed.whole[rows], "clip")
        layer.out.into(r.mixed, r.added)
        r.add()
        r.norm()
        layer.up.into(r.normed, r.hidden)
        r.hidden.rectify()
        layer.down.into(r.hidden, r.added)
        r.add()
    for stack, _ in stacks:
        stack.n += 1


def exponentials(scores: Floats, bias: Floats) -> Floats:
    """Turns scores into the softmax's numerators over the last axis; gives its denominators."""
    scores += bias
    scores -= np.maximum.reduce(scores, -1, keepdims=True)
    np.exp(scores, out=scores)
    total: Floats = np.add.reduce(scores, -1, keepdims=True)
    return total


class Rooms:
    """The memory in which a stack computes a position.

    At batch 1 a step is some two hundred calls of a microsecond each: what they need is laid out
    once, so that hardly any allocates, reshapes or copies.
    """

    def __init__(self, config: NetConfig, batch: int) -> None:
        dim, n = config.dim, config.invariant + 2 * config.channels
        self.x, self.normed, self.mixed, self.added = (Split(batch, dim, n) for _ in range(4))
        self.qkv = Split(batch, 3 * dim, 3 * n)
        self.hidden = Hidden(config, batch, config.ffn)
        self.heads: Floats = np.zeros((batch, 3 * dim), np.float32)
        by_head = self.heads.reshape(batch, 3, config.heads, dim // config.heads)
        self.query: Floats = by_head[:, 0, :, :, None]
        self.new: Floats = by_head[:, 1:].transpose(1, 0, 2, 3)
        """Keys and values, (2, B, heads, size)."""

    def norm(self) -> None:
        """`normed`, from x."""
        np.multiply(self.x.whole, scales(self.x.whole), out=self.normed.whole)

    def add(self) -> None:
        np.add(self.x.whole, self.added.whole, out=self.x.whole)


class Hidden(Split):
    """Room for a hidden layer `times` as wide as the network, in the basis of frequencies."""

    __slots__ = ("_classes", "_plain", "_sites")

    def __init__(self, config: NetConfig, batch: int, times: int) -> None:
        plain = times * config.invariant
        super().__init__(batch, times * config.dim, plain + 2 * times * config.channels)
        self._plain: Floats = self.whole[:, :plain]
        self._sites: Floats = self.whole[:, plain:].reshape(batch, 12, -1)
        self._classes: Floats = np.zeros_like(self._sites)

    def rectify(self) -> None:
        """max(x, 0) at every pitch class, as `rectified`."""
        np.maximum(self._plain, 0.0, out=self._plain)
        np.matmul(spectral.TO_CLASSES, self._sites, out=self._classes)
        np.maximum(self._classes, 0.0, out=self._classes)
        np.matmul(spectral.TO_FREQUENCIES, self._classes, out=self._sites)


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
        layers = [spectral.layer(config, weights, f"blocks.{i}") for i in range(config.layers)]
        self.stack = Stack(config, layers, batch, frames)
        names = ["past"] + [f"recall.{s}" for s in vocab.RECALL_SLOTS if config.recall]
        tables = spectral.together([spectral.tables(config, weights, n) for n in names])
        self.past: Tables = spectral.with_mixtures(tables)
        self.copying = spectral.copying(config, weights) if config.copies else None
        self.case = weights["copying.case"] if config.copies else None
        norm = spectral.gain(weights, "norm")
        self.chord_out = spectral.head(weights, "chord_out", config.width, norm)
        self._melody = MelodyHead(config, weights, batch)
        self._ahead = AheadHead(config, weights) if config.ahead else None

    def hidden(self, memory: Ints, shared: Ints, recalled: Ints | None = None) -> Floats:
        """Takes in one position; (B, D), normed.

        memory: (B, N_MEMORY) of the rows before; shared: (B, 8) or (1, 8), place features and
        conditions of the frame to be predicted, in the order of `vocab`; recalled: (B, 24), the
        features of places of the past, for a network that takes them (`models.network.recall`).
        """
        found = memory_features(memory)
        own = np.stack([found[n] for n in vocab.MELODY_FEATURES + vocab.CHORD_FEATURES], 1)
        features = np.concatenate([own, np.broadcast_to(shared, (len(own), shared.shape[1]))], 1)
        if recalled is not None and self.config.recall:
            features = np.concatenate([features, recalled], 1)
        return self.position(features)

    def position(self, features: Ints) -> Floats:
        """The same from indices of all features, (B, 15 or 39), in the order of `vocab`."""
        return normed(self.stack.step(self.past(features)))

    def chord_logits(self, hidden: Floats, copies: Ints | None = None) -> Floats:
        """(B, N_CHORD_CLASSES). copies: (B, places, 2), what may be copied: class and case."""
        logits = self.chord_out(hidden)
        if self.copying is None or self.case is None or copies is None:
            return logits
        shares = self.copying(hidden)
        copied, case = copies[..., 0], copies[..., 1]
        shares[:, 1:] += self.case[np.arange(case.shape[1]), case]
        shares[:, 1:][copied < 0] = -1e9
        shares -= np.logaddexp.reduce(shares, -1, keepdims=True)
        best = logits.max(-1, keepdims=True)
        total = best + np.log(np.exp(logits - best).sum(-1, keepdims=True))
        logits += shares[:, :1] - total
        for row, own, classes in zip(logits, shares, copied, strict=True):
            for share, class_ in zip(own[1:].tolist(), classes.tolist(), strict=True):
                if class_ >= 0:
                    row[class_] = np.logaddexp(row[class_], share)
        return logits

    def melody_logits(self, hidden: Floats, chord: Ints, last_pitch: Ints) -> Floats:
        """(B, N_MELODY_CLASSES), beside the chord (B, 2) of the frame itself: index, onset."""
        return self._melody(hidden, chord, last_pitch)

    def foreseen(self, hidden: Floats) -> Floats:
        """(B, beats, 12): which pitch classes have what shares of the melody in each beat from
        the frame on; (B, 0, 12) of a network that doesn't foresee."""
        if self._ahead is None:
            return np.zeros((len(hidden), 0, 12), np.float32)
        return self._ahead(hidden)


class AheadHead:
    """From the normed hidden vector of a frame to the melody of the beats from it on."""

    def __init__(self, config: NetConfig, weights: Weights) -> None:
        c, d = config.width
        wide = (2 * c, 2 * d)
        norm = spectral.gain(weights, "norm")
        self.up = spectral.blocks(*spectral.dense(weights, "ahead_up"), config.width, wide, norm)
        self.out = spectral.head(weights, "ahead_out", wide, pitchless=0)
        self._beats = config.ahead
        self._plain = 2 * d

    def __call__(self, hidden: Floats) -> Floats:
        """(B, D) to (B, beats, 12): what falls on each pitch class of what sounds in each beat."""
        logits = self.out(rectified(self.up(hidden), self._plain))
        logits = logits.reshape(len(hidden), 12, self._beats).swapaxes(1, 2)
        shares = np.exp(logits - logits.max(2, keepdims=True))
        found: Floats = shares / shares.sum(2, keepdims=True)
        return found


class MelodyHead:
    """From the normed hidden vector and the chord of a frame to the logits of its melody."""

    def __init__(self, config: NetConfig, weights: Weights, batch: int) -> None:
        self.config = config
        width = config.width
        c, d = width
        self.now: Tables = spectral.tables(config, weights, "now")
        norm = spectral.gain(weights, "norm")
        self.norm = np.concatenate([norm[12 * c :], norm[: 12 * c]])
        self.up = spectral.blocks(
            *spectral.dense(weights, "melody_up"),
            width,
            (2 * c, 2 * d),
            spectral.gain(weights, "melody_norm"),
        )
        self.out = spectral.head(weights, "melody_out", (2 * c, 2 * d))
        self._normed = Split(batch, config.dim, config.invariant + 2 * config.channels)
        self._hidden = Hidden(config, batch, 2)

    def __call__(self, hidden: Floats, chord: Ints, last_pitch: Ints) -> Floats:
        """(B, N_MELODY_CLASSES); chord (B, 2): index and onset; last_pitch (B,), 0 for none."""
        x = hidden * self.norm
        x += self.now(chord)
        np.multiply(x, scales(x), out=self._normed.whole)
        self.up.into(self._normed, self._hidden)
        self._hidden.rectify()
        relative = self.out(self._hidden.whole)
        last = np.where(last_pitch == 0, vocab.FIRST_PITCH, last_pitch)
        order = vocab.MELODY_FROM_RELATIVE[last - LOWEST_PITCH]
        return relative.take(order + vocab.N_RELATIVE * np.arange(len(order))[:, None])


class MelodyDecoder:
    """p(x_t | x_<t, y_<t+h) of an improviser, for one session."""

    def __init__(self, config: NetConfig, weights: Weights) -> None:
        self.config = config
        layers = [spectral.layer(config, weights, f"blocks.{i}") for i in range(config.layers)]
        self.stack = Stack(config, layers, 1)
        told = [spectral.tables(config, weights, f"told.{name}") for name in vocab.TOLD]
        self.past: Tables = spectral.together([spectral.tables(config, weights, "past"), *told])
        own: tuple[str, ...] = vocab.MELODY_FEATURES + vocab.CHORD_FEATURES
        own += vocab.PLACE_FEATURES + vocab.CONDITION_FEATURES
        self.names = own + tuple(f"{k}.{n}" for k, names in vocab.TOLD.items() for n in names)
        """Of the features of a position, in the order in which they are taken."""
        self._head = MelodyHead(config, weights, 1)

    def hidden(self, features: Ints) -> Floats:
        """Takes in one position, (1, len(names)); (1, D), normed."""
        return normed(self.stack.step(self.past(features)))

    def melody_logits(self, hidden: Floats, chord: Ints, last_pitch: Ints) -> Floats:
        """As `OnlineDecoder.melody_logits`."""
        return self._head(hidden, chord, last_pitch)
