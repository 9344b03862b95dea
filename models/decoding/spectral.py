"""The free parameters of a network made ready for decoding, with numpy alone.

Playing needs neither torch nor its start-up time and memory. And because every map commutes
with transposition, the discrete Fourier transform over the twelve pitch classes takes it to
blocks: one for what all transpositions leave alone (the plain channels, frequency 0; frequency
6 is kept with them) and one for each frequency 1 to 5. That is a fifth of the numbers of the
dense matrix, which matters at batch 1, where reading weights from memory is most of the work.
Norms and attention's inner products are the same in either basis, for the transform is
orthonormal; only the rectifier needs the pitch classes themselves.

Layout of a vector of width (c, d): d plain channels, then 12 x c: frequency 0, frequency 6,
cosine and sine of frequencies 1 to 5 (or, in the basis of pitch classes, C, C#, …).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.errors import BadInput
from jam.limits import WEIGHTS_BYTES
from jam.music.chord import QUALITIES, QUALITY_NAMES
from models.network import style, vocab
from models.network.config import NetConfig, Width, embeddings, parameter_shapes
from models.network.weights import check_shapes, read_arrays, read_json

Floats = NDArray[np.float32]
Weights = dict[str, Floats]


class Split:
    """Room for (batch, size) numbers in the basis of frequencies, and views of its two parts."""

    __slots__ = ("still", "turning", "whole")

    def __init__(self, batch: int, size: int, n_still: int) -> None:
        self.whole: Floats = np.zeros((batch, size), np.float32)
        self.still: Floats = self.whole[:, :n_still]
        turning = self.whole[:, n_still:].reshape(batch, 5, -1)
        self.turning: Floats = turning.transpose(1, 0, 2)


@dataclass(frozen=True, slots=True)
class Blocks:
    """A map that commutes with transposition, in the basis of frequencies.

    still: (d_in + 2 c_in, d_out + 2 c_out), with bias; turning: (5, 2 c_in, 2 c_out).
    """

    still: Floats
    bias: Floats
    turning: Floats

    def __call__(self, x: Floats) -> Floats:
        """(B, in) to (B, out)."""
        b, n = len(x), len(self.still)
        still = x[:, :n] @ self.still
        still += self.bias
        turning = x[:, n:].reshape(b, 5, -1).transpose(1, 0, 2) @ self.turning
        return np.concatenate([still, turning.transpose(1, 0, 2).reshape(b, -1)], 1)

    def into(self, x: Split, out: Split) -> None:
        """The same from one room into another: no memory is asked for, nothing is copied."""
        # Of one row, `dot` needs half the time of `matmul`, but it wants its result in one piece.
        product = np.dot if len(x.whole) == 1 else np.matmul
        product(x.still, self.still, out=out.still)
        np.add(out.still, self.bias, out=out.still)
        np.matmul(x.turning, self.turning, out=out.turning)


@dataclass(frozen=True, slots=True)
class Linear:
    """x @ weight + bias; weight (in, out), contiguous."""

    weight: Floats
    bias: Floats

    def __call__(self, x: Floats) -> Floats:
        result: Floats = x @ self.weight
        result += self.bias
        return result


@dataclass(frozen=True, slots=True)
class Layer:
    """One block; the gains of its norms are multiplied into the weights behind them."""

    qkv: Blocks
    to_heads: NDArray[np.int64]
    """Where each of the 3D numbers after `qkv` comes from: queries, keys, values, by heads."""
    from_heads: NDArray[np.int64]
    out: Blocks
    up: Blocks
    down: Blocks


@dataclass(frozen=True, slots=True)
class Tables:
    """Embedding tables of several features in one, with the row at which each begins."""

    names: tuple[str, ...]
    first_rows: NDArray[np.int64]
    table: Floats

    def __call__(self, features: NDArray[np.int64]) -> Floats:
        """The sum for feature indices (…, len(names)); shape (…, D)."""
        total: Floats = np.add.reduce(self.table.take(features + self.first_rows, axis=0), -2)
        return total


def load_weights(
    folder: Path, kind: str, name: str | None = None
) -> tuple[NetConfig, Weights, dict[str, Any]]:
    """Shape, free parameters and settings of `name`.json and `name`.safetensors.

    kind: one of `models.network.config.KINDS`, which is the name too where none is given.

    Raises BadInput where a file is missing or broken, a key is unknown or a shape is wrong.
    """
    where = folder / f"{name or kind}.json"
    settings = read_json(where)
    if unknown := sorted(set(settings) - {"network", "training", "decoding"}):
        raise BadInput(f"{where}: unknown key {unknown[0]!r}")
    if not isinstance(settings.get("network"), dict):
        raise BadInput(f"{where}: no settings of a network")
    try:
        config = NetConfig.from_dict(settings["network"])
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    if config.kind != kind:
        raise BadInput(f"{where}: a network of kind {config.kind!r}, expected {kind!r}")
    if not config.tied:
        raise BadInput(f"{where}: untied networks can be trained, but not played")
    path = where.with_suffix(".safetensors")
    arrays, _ = read_arrays(path, WEIGHTS_BYTES)
    check_shapes(path, arrays, parameter_shapes(config))
    return config, {k: v.astype(np.float32) for k, v in arrays.items()}, settings


def circulant(kernel: Floats) -> Floats:
    """(12, out, in), by interval from output to input pitch class, to (12 * out, 12 * in)."""
    sites = np.arange(12)
    stacked = kernel[(sites[None, :] - sites[:, None]) % 12]  # (out-site, in-site, out, in)
    return stacked.transpose(0, 2, 1, 3).reshape(12 * kernel.shape[1], 12 * kernel.shape[2])


def turned(patterns: Floats) -> Floats:
    """(n, 12, c), by interval above a root, to (12 roots, n, 12 * c)."""
    return np.stack([np.roll(patterns, r, 1).reshape(len(patterns), -1) for r in range(12)])


def dense(weights: Weights, name: str) -> tuple[Floats, Floats]:
    """A linear map's (out, in) matrix and (out,) bias."""
    upper = np.concatenate(
        [
            circulant(weights[f"{name}.pitch_pitch"]),
            np.tile(weights[f"{name}.pitch_plain"], (12, 1)),
        ],
        1,
    )
    lower = np.concatenate(
        [np.tile(weights[f"{name}.plain_pitch"], (1, 12)), weights[f"{name}.plain_plain"]], 1
    )
    bias = [np.tile(weights[f"{name}.pitch_bias"], 12), weights[f"{name}.plain_bias"]]
    return np.concatenate([upper, lower]), np.concatenate(bias)


def gain(weights: Weights, name: str) -> Floats:
    """A norm's gain, (D,)."""
    return np.concatenate(
        [np.tile(weights[f"{name}.pitch_gain"], 12), weights[f"{name}.plain_gain"]]
    )


def _transform() -> Floats:
    """(12 frequencies, 12 pitch classes): orthonormal, real."""
    place = np.arange(12)
    rows = [np.full(12, 12**-0.5), (-1.0) ** place * 12**-0.5]
    for k in range(1, 6):
        rows += [np.cos(np.pi * k * place / 6), np.sin(np.pi * k * place / 6)]
    rows[2:] = [row * 6**-0.5 for row in rows[2:]]
    return np.array(rows, np.float32)


TO_FREQUENCIES = _transform()
TO_CLASSES = np.ascontiguousarray(TO_FREQUENCIES.T)


def in_frequencies(x: Floats, width: Width) -> Floats:
    """(…, 12 c + d), pitch classes first as in the Transformer, to the layout of this module."""
    c = width[0]
    sites = x[..., : 12 * c].reshape(*x.shape[:-1], 12, c)
    turned_ = (TO_FREQUENCIES @ sites).reshape(*x.shape[:-1], 12 * c)
    return np.concatenate([x[..., 12 * c :], turned_], -1).astype(np.float32)


def blocks(
    weight: Floats, bias: Floats, width_in: Width, width_out: Width, before: Floats | None = None
) -> Blocks:
    """From a dense matrix (out, in); `before` is the gain of a norm in front."""
    if before is not None:
        weight = weight * before
    both = in_frequencies(in_frequencies(weight, width_in).T, width_out)  # (in, out)
    (ci, di), (co, do) = width_in, width_out
    ni, no = di + 2 * ci, do + 2 * co
    turning = [
        both[ni + 2 * ci * k : ni + 2 * ci * (k + 1), no + 2 * co * k : no + 2 * co * (k + 1)]
        for k in range(5)
    ]
    return Blocks(
        np.ascontiguousarray(both[:ni, :no]),
        in_frequencies(bias, width_out)[:no],
        np.ascontiguousarray(np.stack(turning)),
    )


def head_order(config: NetConfig) -> NDArray[np.int64]:
    """Which of the D places, in this module's layout, belong to head 0, head 1, …"""
    c, d = config.channels // config.heads, config.invariant // config.heads
    plain = np.arange(config.invariant).reshape(config.heads, d)
    turned_ = np.arange(12 * config.channels).reshape(12, config.heads, c) + config.invariant
    return np.concatenate(
        [np.concatenate([plain[h], turned_[:, h].ravel()]) for h in range(config.heads)]
    )


def layer(config: NetConfig, weights: Weights, name: str) -> Layer:
    width = config.width
    c, d = width
    hidden = (config.ffn * c, config.ffn * d)
    norm1, norm2 = gain(weights, f"{name}.norm1"), gain(weights, f"{name}.norm2")
    parts = [
        blocks(*dense(weights, f"{name}.attention.qkv.{i}"), width, width, norm1) for i in range(3)
    ]
    # Attention's scale is multiplied into the queries.
    scale = np.float32((config.dim // config.heads) ** -0.5)
    scales = (scale, np.float32(1.0), np.float32(1.0))
    qkv = Blocks(
        np.concatenate([p.still * s for p, s in zip(parts, scales, strict=True)], 1),
        np.concatenate([p.bias * s for p, s in zip(parts, scales, strict=True)]),
        np.concatenate([p.turning * s for p, s in zip(parts, scales, strict=True)], 2),
    )
    still = d + 2 * c
    order = head_order(config)
    to_heads = []
    for i in range(3):
        # A place of part i: in the still block of that part, or in its share of a frequency's.
        frequency, rest = np.divmod(order - still, 2 * c)
        turning = 3 * still + frequency * 6 * c + i * 2 * c + rest
        to_heads.append(np.where(order < still, i * still + order, turning))
    return Layer(
        qkv,
        np.concatenate(to_heads),
        np.argsort(order),
        blocks(*dense(weights, f"{name}.attention.out"), width, width),
        blocks(*dense(weights, f"{name}.up"), width, hidden, norm2),
        blocks(*dense(weights, f"{name}.down"), hidden, width),
    )


def head(
    weights: Weights, name: str, width: Width, norm: Floats | None = None, pitchless: int = 2
) -> Linear:
    """An output layer from the basis of frequencies, its pitchless classes first."""
    weight, bias = dense(weights, name)
    if norm is not None:
        weight = weight * norm
    order = np.r_[-pitchless:0, 0 : len(bias) - pitchless]
    return Linear(np.ascontiguousarray(in_frequencies(weight[order], width).T), bias[order])


def tables(config: NetConfig, weights: Weights, name: str) -> Tables:
    """The tables of one embedding."""
    found = []
    names = embeddings(config)[name]
    for feature in names:
        plain = weights[f"{name}.plain.{feature}"]
        if feature == "melody" or feature in vocab.NOTES:
            own = "melody" if feature == "melody" else f"notes.{feature}"
            notes = turned(weights[f"{name}.{own}"])
            rest = np.zeros_like(notes[:1, 0])
            sites = np.concatenate([rest, notes[:, 0], rest, notes[:, 1]])
            kinds = np.concatenate(
                [plain[:1], np.tile(plain[1:2], (12, 1)), np.tile(plain[2:], (13, 1))]
            )
        elif feature == "chord":
            pattern = weights[f"{name}.quality"].copy()
            for i, quality in enumerate(QUALITY_NAMES):
                pattern[i, list(QUALITIES[quality][0])] += weights[f"{name}.tone"]
            pattern[:, 0] += weights[f"{name}.root"]
            sites = turned(pattern).reshape(12 * len(pattern), -1)
            sites = np.concatenate([np.zeros_like(sites[:1]), sites])
            spread = np.tile(weights[f"{name}.quality_plain"], (12, 1)) + plain[1]
            kinds = np.concatenate([plain[:1], spread])
        else:
            sites, kinds = np.zeros((len(plain), 12 * config.channels), np.float32), plain
        found.append(in_frequencies(np.concatenate([sites, kinds], 1), config.width))
    assert all(len(t) == vocab.n_values(n) for t, n in zip(found, names, strict=True))
    return Tables(names, _first_rows([len(t) for t in found]), np.concatenate(found))


def _first_rows(lengths: list[int]) -> NDArray[np.int64]:
    return np.cumsum([0, *lengths[:-1]]).astype(np.int64)


def together(tables: Sequence[Tables]) -> Tables:
    """One table of several, their features one after another."""
    lengths = [len(t.table) for t in tables]
    starts = _first_rows(lengths)
    first = np.concatenate([t.first_rows + at for t, at in zip(tables, starts, strict=True)])
    names = tuple(name for t in tables for name in t.names)
    return Tables(names, first, np.concatenate([t.table for t in tables]))


def with_mixtures(tables: Tables) -> Tables:
    """The same where the feature "style" may also be a mixture (`models.network.style`)."""
    at = tables.names.index("style")
    first_rows = tables.first_rows.copy()
    styles = tables.table[first_rows[at] : first_rows[at] + vocab.n_values("style")]
    first_rows[at] = len(tables.table)
    return Tables(
        tables.names, first_rows, np.concatenate([tables.table, style.with_mixtures(styles)])
    )


def copying(config: NetConfig, weights: Weights) -> Linear:
    """From the normed hidden vector to the logits of the network's own chord and of each copy."""
    c = config.channels
    weight = weights["copying.weight"] * gain_of_kind(weights, "norm")
    dense = np.concatenate([np.tile(weight[:, :c] / 12, (1, 12)), weight[:, c:]], 1)
    found = in_frequencies(dense, config.width)
    return Linear(np.ascontiguousarray(found.T), weights["copying.bias"])


def gain_of_kind(weights: Weights, name: str) -> Floats:
    """A norm's gain, once for each channel: (c + d,)."""
    return np.concatenate([weights[f"{name}.pitch_gain"], weights[f"{name}.plain_gain"]])
