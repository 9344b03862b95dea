"""The infilling network: what sounds in the open frames of chords and melody, given all others.

Its blocks are those of `models.network.transformer`, with attention to both sides.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from models.network import frequencies, vocab
from models.network.config import NetConfig, embeddings
from models.network.transformer import Block, Embedding, two_sided_bias
from models.network.turning import TurnLinear, TurnNorm


class Infiller(nn.Module):
    """p(y_t | all that is known) and p(x_t | all that is known), for every frame at once."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        names = embeddings(config)
        self.here = Embedding(config, names["here"])
        self.there = nn.ModuleDict(
            {lag: Embedding(config, names[f"there.{lag}"]) for lag in vocab.LAGS}
        )
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = TurnNorm(config.width)
        self.chord_out = TurnLinear(config.width, (2 * vocab.N_QUALITIES, 1), config.tied, 0.5)
        self.melody_out = TurnLinear(config.width, (2 * vocab.N_OCTAVES, 1), config.tied, 0.5)
        self._bias: dict[tuple[int, str], Tensor] = {}

    def forward(self, features: dict[str, Tensor]) -> tuple[Tensor, Tensor]:
        """Logits of `models.network.gaps`'s classes: (B, T, N_CHORD_STATES), (B, T,
        N_MELODY_STATES). `features` are those of that module."""
        x = self.here(features)
        for lag, embedding in self.there.items():
            x = x + embedding(features, f"{lag}.")
        x = self._through(x)
        hidden = self.norm(x)
        return none_first(self.chord_out(hidden)), none_first(self.melody_out(hidden))

    def _through(self, x: Tensor) -> Tensor:
        key = (x.shape[1], str(x.device))
        if key not in self._bias:
            self._bias[key] = two_sided_bias(self.config.heads, x.shape[1], x.device)
        bias = self._bias[key]
        blocks = [cast(Block, block) for block in self.blocks]
        if self.config.tied and x.device.type == "cpu":
            return frequencies.through(blocks, x, bias, self.config)
        for block in blocks:
            x = block(x, bias)
        return x


def none_first(logits: Tensor) -> Tensor:
    """(…, 12 * n + 1), pitch classes first, to none (rest) first."""
    return torch.cat([logits[..., -1:], logits[..., :-1]], -1)
