"""The network's blocks in the Fourier basis of the pitch-class circle, for training.

Every map commutes with transposition, so the discrete Fourier transform over the twelve pitch
classes takes it to blocks, as `models.decoding.spectral` has it for decoding: one for what
transpositions leave alone (the plain channels, frequencies 0 and 6) and one for each frequency 1
to 5. A fifth of the numbers are multiplied; the rest is memory moved. Outputs and gradients are
those of the dense maps in `models.network.transformer` (a test holds it), from the same free
parameters.

A batch of N vectors is (still, turning): (N, d + 2 c) with the plain channels, frequency 0 and
frequency 6; and (5, N, 2 c) with cosines and sines. The transform is orthonormal, so norms and
attention's inner products are what they were.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network.config import NetConfig
from models.network.turning import TurnLinear, TurnNorm

Vectors = tuple[Tensor, Tensor]


class AttentionParts(Protocol):
    qkv: nn.ModuleList
    out: TurnLinear


class BlockParts(Protocol):
    """What a block of `models.network.transformer` is made of."""

    norm1: TurnNorm
    norm2: TurnNorm
    up: TurnLinear
    down: TurnLinear

    @property
    def attention(self) -> AttentionParts: ...


_ROOT_12 = 12**0.5


def _basis() -> Tensor:
    angles = torch.arange(1, 6)[:, None] * torch.arange(12) * (torch.pi / 6)
    plain = torch.tensor([[1.0] * 12, [1.0, -1.0] * 6]) / _ROOT_12
    return torch.cat([plain, angles.cos() / 6**0.5, angles.sin() / 6**0.5])


BASIS = _basis()
"""Orthonormal, (12 frequencies, 12 pitch classes): 0, 6, the cosines of 1 to 5, their sines."""


def blocks(linear: TurnLinear, gain: TurnNorm | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The map's blocks: still (in, out), its bias (out,), turning (5, 2 c_in, 2 c_out); both with
    cosines before sines. gain: of a norm in front, multiplied into the weights."""
    kernel = linear.pitch_pitch  # by interval from output to input
    _, co, ci = kernel.shape
    waves = (BASIS.to(kernel) @ kernel.flatten(1)).view(12, co, ci)
    f0, f6 = waves[0] * _ROOT_12, waves[1] * _ROOT_12
    cosine, sine = waves[2:7] * 6**0.5, waves[7:] * 6**0.5
    up, down = linear.pitch_plain * _ROOT_12, linear.plain_pitch * _ROOT_12
    still = torch.cat([
        torch.cat([linear.plain_plain, down, torch.zeros_like(down)], 1),
        torch.cat([up, f0, torch.zeros_like(f0)], 1),
        torch.cat([torch.zeros_like(up), torch.zeros_like(f0), f6], 1),
    ])  # fmt: skip
    turning = torch.cat([torch.cat([cosine, sine], 2), torch.cat([-sine, cosine], 2)], 1)
    bias = torch.cat(
        [linear.plain_bias, linear.pitch_bias * _ROOT_12, torch.zeros_like(linear.pitch_bias)]
    )
    if gain is not None:
        pitch = gain.pitch_gain
        still = still * torch.cat([gain.plain_gain, pitch, pitch])
        turning = turning * pitch.repeat(2)
    return still.T, bias, turning.mT


def of_vectors(x: Tensor, channels: int) -> Vectors:
    """(N, 12 c + d), pitch classes first, to this basis."""
    n, plain = len(x), x[:, 12 * channels :]
    sites = x[:, : 12 * channels].unflatten(1, (12, channels))
    waves = torch.matmul(BASIS.to(x), sites).transpose(0, 1)  # (12, N, c)
    still = torch.cat([plain, waves[0], waves[1]], 1)
    turning = torch.stack([waves[2:7], waves[7:]], 2).reshape(5, n, 2 * channels)
    return still, turning


def to_vectors(vectors: Vectors, channels: int) -> Tensor:
    """And back."""
    still, turning = vectors
    n, d = len(still), still.shape[1] - 2 * channels
    plain, f0, f6 = still.split((d, channels, channels), 1)
    cosine, sine = turning.split(channels, 2)
    waves = torch.cat([f0[None], f6[None], cosine, sine]).view(12, -1)
    sites = (BASIS.to(waves).T @ waves).view(12, n, channels)
    return torch.cat([sites.transpose(0, 1).reshape(n, -1), plain], 1)


def normed(vectors: Vectors) -> Vectors:
    """Root-mean-square normalisation without gain."""
    still, turning = vectors
    size = still.shape[1] + 5 * turning.shape[2]
    squares = still.square().sum(1) + turning.square().sum((0, 2))
    scale = torch.rsqrt(squares / size + 1e-5)[:, None]
    return still * scale, turning * scale


class Heads:
    """How attention's heads lie in this basis: each has a share of every group of channels."""

    def __init__(self, config: NetConfig) -> None:
        h, c, d = config.heads, config.channels, config.invariant
        plain = torch.arange(d).view(h, -1)
        f0, f6 = (torch.arange(c).view(h, -1) + d + i * c for i in range(2))
        cosine, sine = (torch.arange(c).view(h, -1) + i * c for i in range(2))
        self.heads = h
        self.still = torch.cat([plain, f0, f6], 1).flatten()
        self.turning = torch.cat([cosine, sine], 1).flatten()

    def together(self, vectors: Vectors, b: int, parts: int) -> Tensor:
        """Vectors of `parts` x the width, in head order, to (parts, B, heads, T, size)."""
        still, turning = vectors
        s = still.view(b, -1, parts, self.heads, still.shape[1] // (parts * self.heads))
        t = turning.view(5, b, -1, parts, self.heads, turning.shape[2] // (parts * self.heads))
        moved = t.permute(3, 1, 4, 2, 0, 5).flatten(-2)
        return torch.cat([s.permute(2, 0, 3, 1, 4), moved], -1)

    def apart(self, y: Tensor) -> Vectors:
        """(B, heads, T, size) back to vectors in head order."""
        n = y.shape[0] * y.shape[2]
        size = len(self.still) // self.heads
        s, t = y[..., :size], y[..., size:].unflatten(-1, (5, -1))
        return (s.transpose(1, 2).reshape(n, -1), t.permute(3, 0, 2, 1, 4).reshape(5, n, -1))


def attention(block: BlockParts, x: Vectors, b: int, bias: Tensor, heads: Heads) -> Vectors:
    """What attention adds."""
    still, turning = normed(x)
    made = [blocks(cast(TurnLinear, part), block.norm1) for part in block.attention.qkv]
    weight = torch.cat([s[:, heads.still] for s, _, _ in made], 1)
    offset = torch.cat([o[heads.still] for _, o, _ in made])
    turn = torch.cat([t[:, :, heads.turning] for _, _, t in made], 2)
    q, k, v = heads.together(
        (torch.addmm(offset, still, weight), torch.bmm(turning, turn)), b, 3
    ).unbind()
    y = functional.scaled_dot_product_attention(q, k, v, attn_mask=bias[None])
    ys, yt = heads.apart(y)
    weight, offset, turn = blocks(block.attention.out)
    return (torch.addmm(offset, ys, weight[heads.still]), torch.bmm(yt, turn[:, heads.turning]))


def feed_forward(block: BlockParts, x: Vectors, channels: int, d: int) -> Vectors:
    """What the feed-forward layer adds; channels, d: of its hidden layer."""
    still, turning = normed(x)
    weight, offset, turn = blocks(block.up, block.norm2)
    hidden = torch.addmm(offset, still, weight)
    plain, f0, f6 = hidden.split((d, channels, channels), 1)
    cosine, sine = (torch.bmm(turning, w) for w in turn.split(channels, 2))
    n = len(still)
    waves = torch.cat([f0[None], f6[None], cosine, sine]).view(12, -1)
    basis = BASIS.to(waves)
    sites = functional.relu(basis.T @ waves)
    f0, f6, cosine, sine = (basis @ sites).view(12, n, channels).split((1, 1, 5, 5))
    weight, offset, turn = blocks(block.down)
    down_cosine, down_sine = turn.split(channels, 1)
    hidden = torch.cat([functional.relu(plain), f0[0], f6[0]], 1)
    return (
        torch.addmm(offset, hidden, weight),
        torch.baddbmm(torch.bmm(cosine, down_cosine), sine, down_sine),
    )


def through(blocks_: Iterable[BlockParts], x: Tensor, bias: Tensor, config: NetConfig) -> Tensor:
    """(B, T, D) through blocks of `models.network.transformer`: what goes in and comes out is in
    the layout of that module."""
    b, t, dim = x.shape
    heads = Heads(config)
    c, d = config.ffn * config.channels, config.ffn * config.invariant
    still, turning = of_vectors(x.reshape(b * t, dim), config.channels)
    for block in blocks_:
        s, u = attention(block, (still, turning), b, bias, heads)
        still, turning = still + s, turning + u
        s, u = feed_forward(block, (still, turning), c, d)
        still, turning = still + s, turning + u
    return to_vectors((still, turning), config.channels).view(b, t, dim)
