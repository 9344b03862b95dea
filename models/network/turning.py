"""Maps that commute with transposition: the layers of `models.network.transformer`, dense."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from models.network.config import Width


def circulant(kernel: Tensor) -> Tensor:
    """(12, out, in), by interval from output to input pitch class, to (12 * out, 12 * in)."""
    twice = torch.cat([kernel, kernel])
    rows = [twice[12 - site : 24 - site] for site in range(12)]  # each (12 in-sites, out, in)
    stacked = torch.stack(rows)  # (out-site, in-site, out, in)
    return stacked.permute(0, 2, 1, 3).reshape(12 * kernel.shape[1], 12 * kernel.shape[2])


class TurnLinear(nn.Module):
    """A linear map that commutes with transposition (or, untied, any linear map)."""

    def __init__(self, width_in: Width, width_out: Width, tied: bool, scale: float = 1.0) -> None:
        super().__init__()
        self.tied = tied
        ci, di = width_in
        co, do = width_out
        std = scale / (12 * ci + di) ** 0.5
        if tied:
            self.pitch_pitch = nn.Parameter(torch.randn(12, co, ci) * std)
            self.pitch_plain = nn.Parameter(torch.randn(co, di) * std)
            self.plain_pitch = nn.Parameter(torch.randn(do, ci) * std)
            self.plain_plain = nn.Parameter(torch.randn(do, di) * std)
            self.pitch_bias = nn.Parameter(torch.zeros(co))
            self.plain_bias = nn.Parameter(torch.zeros(do))
        else:
            self.full = nn.Parameter(torch.randn(12 * co + do, 12 * ci + di) * std)
            self.full_bias = nn.Parameter(torch.zeros(12 * co + do))

    def dense(self) -> tuple[Tensor, Tensor]:
        """The map as an ordinary matrix (out, in) and bias (out,)."""
        if not self.tied:
            return self.full, self.full_bias
        upper = torch.cat([circulant(self.pitch_pitch), self.pitch_plain.repeat(12, 1)], 1)
        lower = torch.cat([self.plain_pitch.repeat(1, 12), self.plain_plain], 1)
        bias = torch.cat([self.pitch_bias.repeat(12), self.plain_bias])
        return torch.cat([upper, lower]), bias

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = self.dense()
        return functional.linear(x, weight, bias)


class TurnNorm(nn.Module):
    """Root-mean-square normalisation with a gain for each channel, alike at all pitch classes."""

    def __init__(self, width: Width) -> None:
        super().__init__()
        self.pitch_gain = nn.Parameter(torch.ones(width[0]))
        self.plain_gain = nn.Parameter(torch.ones(width[1]))

    def dense(self) -> Tensor:
        return torch.cat([self.pitch_gain.repeat(12), self.plain_gain])

    def forward(self, x: Tensor) -> Tensor:
        return functional.rms_norm(x, (x.shape[-1],), self.dense(), 1e-5)
