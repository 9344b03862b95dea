"""Judges: small networks that say whether melody and chords belong together.

As in ReaLchords (arXiv 2506.14723, section 4): a contrastive judge encodes melody and chords
apart and compares (InfoNCE); a discriminative one reads both and tells real pairs from re-paired
ones; each also "deaf", from rhythm alone. The adversary of GAPT (arXiv 2511.17879) reads chords
without their melody and tells musicians' from the policy's, here frame by frame.

Transposition is built in, as in `models.network.transformer`: the judgment is the same in all keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from jam.errors import BadInput
from models.network import vocab, weights
from models.network.config import NetConfig
from models.network.transformer import Block, Embedding, two_sided_bias
from models.network.turning import TurnLinear, TurnNorm
from models.training.rewards import Played, Rewards

KINDS = ("contrastive", "discriminative", "adversary")
LENGTHS = (64, 128, 256)
"""Windows, in frames."""


@dataclass(frozen=True, slots=True)
class JudgeConfig:
    """Everything that fixes a judge's shape. Unknown or bad values raise BadInput."""

    kind: str = "contrastive"
    deaf: bool = False
    """Hears rhythm alone: neither pitches nor which chord it is."""
    channels: int = 8
    invariant: int = 32
    layers: int = 2

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"judge kind {self.kind!r}: must be one of {', '.join(KINDS)}")

    @property
    def name(self) -> str:
        return f"{self.kind}, rhythm" if self.deaf else self.kind

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def net(self) -> NetConfig:
        return NetConfig(
            "offline", self.channels, self.invariant, heads=4, layers=self.layers, ffn=2
        )


class Encoder(nn.Module):
    """Features to vectors: a sum of tables, then layers that see both ways."""

    def __init__(self, config: NetConfig, names: tuple[str, ...]) -> None:
        super().__init__()
        self.config = config
        self.embedding = Embedding(config, names)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = TurnNorm(config.width)

    def forward(self, features: dict[str, Tensor]) -> Tensor:
        x = self.embedding(features)
        bias = two_sided_bias(self.config.heads, x.shape[1], x.device)
        for block in self.blocks:
            x = block(x, bias)
        normed: Tensor = self.norm(x)
        return normed


def pooled(x: Tensor, weight: Tensor) -> Tensor:
    """(B, T, D) to (B, D): the mean of the frames that count."""
    return (x * weight[..., None]).sum(1) / weight.sum(1, keepdim=True).clamp(min=1)


class Judge(nn.Module):
    def __init__(self, config: JudgeConfig) -> None:
        super().__init__()
        self.config = config
        net = config.net()
        melody = vocab.MELODY_FEATURES + vocab.PLACE_FEATURES
        chords = vocab.CHORD_FEATURES + vocab.PLACE_FEATURES
        if config.kind == "contrastive":
            self.melody = Encoder(net, melody)
            self.chords = Encoder(net, chords)
            self.melody_out = TurnLinear(net.width, net.width, True)
            self.chords_out = TurnLinear(net.width, net.width, True)
            self.sharpness = nn.Parameter(torch.tensor([2.3]))
        else:
            both = vocab.MELODY_FEATURES + chords
            self.both = Encoder(net, chords if config.kind == "adversary" else both)
            self.out = TurnLinear(net.width, (1, 1), True)

    def vectors(self, features: dict[str, Tensor], weight: Tensor) -> tuple[Tensor, Tensor]:
        """Contrastive: unit vectors of melody and of chords, (B, D) each."""
        melody = self.melody_out(pooled(self.melody(features), weight))
        chords = self.chords_out(pooled(self.chords(features), weight))
        return functional.normalize(melody, dim=-1), functional.normalize(chords, dim=-1)

    def logits(self, features: dict[str, Tensor], weight: Tensor) -> Tensor:
        """How real: (B,) of a discriminative judge, (B, T) of an adversary."""
        x = self.both(features)
        if self.config.kind == "adversary":
            frames: Tensor = self.out(x)[..., -1]
            return frames
        windows: Tensor = self.out(pooled(x, weight))[..., -1]
        return windows

    def scores(self, features: dict[str, Tensor], weight: Tensor) -> Tensor:
        """The reward of each window, (B,): the cosine, or the probability of a real pair."""
        if self.config.kind == "contrastive":
            melody, chords = self.vectors(features, weight)
            return (melody * chords).sum(-1)
        return torch.sigmoid(self.logits(features, weight))


def features_of(played: Played, deaf: bool) -> tuple[dict[str, Tensor], Tensor]:
    """What a judge reads, (B, T) each, and the frames' weight."""
    pitch, chord = played.pitch, played.chord
    if deaf:
        pitch, chord = np.where(pitch > 0, 60, 0), np.where(chord > 0, 1, 0)
    found = vocab.melody_features(pitch, played.onset)
    found |= vocab.chord_features(chord, played.chord_onset)
    found |= {name: played.of(name) for name in vocab.PLACE_FEATURES}
    found["bar_in_form"] = found["bar_in_form"] % vocab.BARS_IN_FORM
    tensors = {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in found.items()}
    return tensors, torch.from_numpy(played.weight).float()


def cut(played: Played, start: int, end: int) -> Played:
    """Some frames of it; what changes at the start, starts there."""
    at = slice(start, end)
    return Played(
        played.pitch[:, at],
        vocab.with_changes(played.pitch[:, at], played.onset[:, at]),
        played.chord[:, at],
        vocab.with_changes(played.chord[:, at], played.chord_onset[:, at]),
        played.places[:, at],
        played.weight[:, at],
        played.style,
    )


@torch.no_grad()
def judged(judge: Judge, played: Played, device: torch.device) -> Rewards:
    """A frame's mean score over the windows of several lengths that hold it, (B, T)."""
    n = played.pitch.shape[1]
    total = np.zeros(played.pitch.shape, np.float32)
    times = 0
    for length in LENGTHS:
        if length > n:
            continue
        # Windows of one length lie side by side and become one batch.
        parts = [cut(played, s, s + length) for s in range(0, n - length + 1, length)]
        whole = stacked(parts)
        features, weight = features_of(whole, judge.config.deaf)
        moved = {k: v.to(device) for k, v in features.items()}
        scores = judge.scores(moved, weight.to(device)).float().cpu().numpy()
        for i, s in enumerate(range(0, n - length + 1, length)):
            part = scores[i * len(total) : (i + 1) * len(total)]
            total[:, s : s + length] += part[:, None]
        times += 1
    return np.asarray(total / max(1, times) * played.weight, np.float32)


def stacked(parts: Sequence[Played]) -> Played:
    """Several of the same length as one batch."""
    return Played(
        *(np.concatenate([getattr(p, f) for p in parts]) for f in Played.__dataclass_fields__)
    )


def save_judge(folder: Path, judge: Judge, training: dict[str, Any]) -> None:
    """judge.safetensors and judge.json."""
    arrays = {k: v.detach().cpu().numpy() for k, v in judge.named_parameters()}
    weights.write_arrays(folder / "judge.safetensors", arrays)
    weights.write_json(
        folder / "judge.json", {"network": judge.config.to_dict(), "training": training}
    )


def load_judge(folder: Path) -> Judge:
    """Raises BadInput."""
    settings = weights.read_json(folder / "judge.json")
    try:
        judge = Judge(JudgeConfig(**settings["network"]))
    except (KeyError, TypeError) as error:
        raise BadInput(f"{folder / 'judge.json'}: not a judge's settings ({error})") from None
    arrays, _ = weights.read_arrays(folder / "judge.safetensors")
    expected = {k: tuple(v.shape) for k, v in judge.named_parameters()}
    weights.check_shapes(folder / "judge.safetensors", arrays, expected)
    with torch.no_grad():
        for name, p in judge.named_parameters():
            p.copy_(torch.from_numpy(arrays[name]))
    return judge.eval()
