"""The free parameters of a network spread out to ordinary matrices, with numpy alone.

The same as `dense` and `tables` of `models.network` (a test compares them), so that playing
needs neither torch nor its start-up time and memory.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.harmony import QUALITIES, QUALITY_NAMES
from models import checkpoint, vocab
from models.config import NetConfig, embeddings, parameter_shapes

Floats = NDArray[np.float32]
Weights = dict[str, Floats]


@dataclass(frozen=True, slots=True)
class Linear:
    """x @ weight + bias; weight (in, out), contiguous."""

    weight: Floats
    bias: Floats


@dataclass(frozen=True, slots=True)
class Layer:
    """One block; the gains of its norms are multiplied into the weights behind them."""

    qkv: Linear
    out: Linear
    up: Linear
    down: Linear


@dataclass(frozen=True, slots=True)
class Tables:
    """Embedding tables of several features in one, with the row at which each begins."""

    names: tuple[str, ...]
    first_rows: NDArray[np.int64]
    table: Floats

    def __call__(self, features: NDArray[np.int64]) -> Floats:
        """The sum for feature indices (…, len(names)); shape (…, D)."""
        total: Floats = self.table[features + self.first_rows].sum(-2)
        return total


def load_weights(folder: Path, kind: str) -> tuple[NetConfig, Weights, dict[str, Any]]:
    """Shape, free parameters and settings of `kind`.json and `kind`.safetensors.

    Raises BadInput where a file is missing or broken, a key is unknown or a shape is wrong.
    """
    settings = checkpoint.read_json(folder / f"{kind}.json")
    where = folder / f"{kind}.json"
    if unknown := sorted(set(settings) - {"network", "training", "decoding"}):
        raise checkpoint.BadInput(f"{where}: unknown key {unknown[0]!r}")
    if not isinstance(settings.get("network"), dict):
        raise checkpoint.BadInput(f"{where}: no settings of a network")
    try:
        config = NetConfig.from_dict(settings["network"])
    except checkpoint.BadInput as error:
        raise checkpoint.BadInput(f"{where}: {error}") from None
    if config.kind != kind:
        raise checkpoint.BadInput(f"{where}: a network of kind {config.kind!r}, expected {kind!r}")
    path = folder / f"{kind}.safetensors"
    arrays, _ = checkpoint.read_arrays(path)
    checkpoint.check_shapes(path, arrays, parameter_shapes(config))
    return config, {k: v.astype(np.float32) for k, v in arrays.items()}, settings


def circulant(kernel: Floats) -> Floats:
    """(12, out, in), by interval from output to input pitch class, to (12 * out, 12 * in)."""
    sites = np.arange(12)
    stacked = kernel[(sites[None, :] - sites[:, None]) % 12]  # (out-site, in-site, out, in)
    return stacked.transpose(0, 2, 1, 3).reshape(12 * kernel.shape[1], 12 * kernel.shape[2])


def turned(patterns: Floats) -> Floats:
    """(n, 12, c), by interval above a root, to (12 roots, n, 12 * c)."""
    return np.stack([np.roll(patterns, r, 1).reshape(len(patterns), -1) for r in range(12)])


def dense(config: NetConfig, weights: Weights, name: str) -> tuple[Floats, Floats]:
    """A linear map's (out, in) matrix and (out,) bias."""
    if not config.tied:
        return weights[f"{name}.full"], weights[f"{name}.full_bias"]
    upper = np.concatenate(
        [circulant(weights[f"{name}.pitch_pitch"]), np.tile(weights[f"{name}.pitch_plain"], (12, 1))], 1
    )  # fmt: skip
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


def linear(weight: Floats, bias: Floats, before: Floats | None = None) -> Linear:
    """For x @ weight; `before` is the gain of a norm in front."""
    if before is not None:
        weight = weight * before
    return Linear(np.ascontiguousarray(weight.T, np.float32), bias.astype(np.float32))


def head_order(config: NetConfig) -> NDArray[np.int64]:
    """Which of the D places belong to head 0, head 1, …"""
    c, d = config.channels // config.heads, config.invariant // config.heads
    pitch = np.arange(12 * config.channels).reshape(12, config.heads, c)
    plain = np.arange(config.invariant).reshape(config.heads, d) + 12 * config.channels
    return np.concatenate(
        [np.concatenate([pitch[:, h].ravel(), plain[h]]) for h in range(config.heads)]
    )


def layer(config: NetConfig, weights: Weights, name: str) -> Layer:
    order = head_order(config)
    parts = [dense(config, weights, f"{name}.attention.qkv.{i}") for i in range(3)]
    # Attention's scale is multiplied into the queries.
    scale = (config.dim // config.heads) ** -0.5
    scales = (scale, 1.0, 1.0)
    qkv = np.concatenate([w[order] * s for (w, _), s in zip(parts, scales, strict=True)])
    qkv_bias = np.concatenate([b[order] * s for (_, b), s in zip(parts, scales, strict=True)])
    out, out_bias = dense(config, weights, f"{name}.attention.out")
    return Layer(
        linear(qkv, qkv_bias, gain(weights, f"{name}.norm1")),
        linear(out[:, order], out_bias),
        linear(*dense(config, weights, f"{name}.up"), gain(weights, f"{name}.norm2")),
        linear(*dense(config, weights, f"{name}.down")),
    )


def head(config: NetConfig, weights: Weights, name: str, norm: Floats | None = None) -> Linear:
    """An output layer, its two pitchless classes first."""
    weight, bias = dense(config, weights, name)
    order = np.r_[-2, -1, 0 : len(bias) - 2]
    return linear(weight[order], bias[order], norm)


def tables(config: NetConfig, weights: Weights, name: str) -> Tables:
    """The tables of one embedding."""
    found = []
    names = embeddings(config)[name]
    for feature in names:
        plain = weights[f"{name}.plain.{feature}"]
        if feature == "melody":
            notes = turned(weights[f"{name}.melody"])
            rest = np.zeros_like(notes[:1, 0])
            sites = np.concatenate([rest, notes[:, 0], rest, notes[:, 1]])
            kinds = np.concatenate([plain[:1], np.tile(plain[1:2], (12, 1)), np.tile(plain[2:], (13, 1))])
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
        found.append(np.concatenate([sites, kinds], 1).astype(np.float32))
    first = np.cumsum([0, *(len(t) for t in found[:-1])]).astype(np.int64)
    assert all(len(t) == vocab.FEATURES[n] for t, n in zip(found, names, strict=True))
    return Tables(names, first, np.concatenate(found))
