"""The Transformer: tied over the twelve transpositions, one position a frame, relative in time.

Two departures from the published models (ReaLchords, arXiv 2506.14723; GAPT, arXiv 2511.17879):

- **Transposition is built in.** A hidden vector is 12 x `channels` numbers, one group for each
  pitch class, and `invariant` numbers that know nothing of pitch. Every linear map is circulant
  over the pitch classes, so transposing melody and chords by k semitones turns the hidden
  vectors by k places and the logits with them: what is learned in C is known in all keys, from
  the first step on. (The idea of weight sharing over a group: Cohen & Welling 2016.)
- **Time is relative.** Each head's attention falls off with the distance at a fixed rate
  (ALiBi: Press et al. 2022), from one frame to never, so a cache needs no positions and a
  session may be longer than any window trained on. The metre comes in as features.

Shapes: B batch, T frames, D = 12 * channels + invariant.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from jam.music.chord import QUALITIES, QUALITY_NAMES
from jam.music.rows import N_CHORD_CLASSES
from models.network import frequencies, vocab
from models.network.config import NetConfig, Width, embeddings, encoder_slopes, slopes
from models.network.turning import TurnLinear, TurnNorm


def turned(patterns: Tensor) -> Tensor:
    """(n, 12, c), by interval above a root, to (12 roots, n, 12 * c)."""
    return torch.stack([patterns.roll(root, 1).flatten(1) for root in range(12)])


def head_order(config: NetConfig) -> Tensor:
    """Which of the D places belong to head 0, head 1, …: each gets a share of every group."""
    c, d = config.channels // config.heads, config.invariant // config.heads
    pitch = torch.arange(12 * config.channels).view(12, config.heads, c)
    plain = torch.arange(config.invariant).view(config.heads, d) + 12 * config.channels
    per_head = [torch.cat([pitch[:, h].flatten(), plain[h]]) for h in range(config.heads)]
    return torch.cat(per_head)


class Attention(nn.Module):
    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.heads = config.heads
        c, d = config.width
        self.qkv = nn.ModuleList(
            TurnLinear(config.width, config.width, config.tied) for _ in range(3)
        )
        depth = config.layers + config.encoder_layers
        self.out = TurnLinear((c, d), (c, d), config.tied, scale=(2 * depth) ** -0.5)
        self.register_buffer("order", head_order(config), persistent=False)

    def dense(self) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(3D, D) weights and (3D,) bias in head order, and those of the way out."""
        order = cast(Tensor, self.order)
        parts = [cast(TurnLinear, linear).dense() for linear in self.qkv]
        weight = torch.cat([w[order] for w, _ in parts])
        bias = torch.cat([b[order] for _, b in parts])
        out_weight, out_bias = self.out.dense()
        return weight, bias, out_weight[:, order], out_bias

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        b, t, dim = x.shape
        weight, weight_bias, out_weight, out_bias = self.dense()
        qkv = functional.linear(x, weight, weight_bias)
        q, k, v = qkv.view(b, t, 3, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        mask = bias.to(q.dtype)[None]  # four dimensions, or the fast kernel is not taken
        y = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return functional.linear(y.transpose(1, 2).reshape(b, t, dim), out_weight, out_bias)


class Block(nn.Module):
    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        c, d = config.width
        hidden = (config.ffn * c, config.ffn * d)
        depth = config.layers + config.encoder_layers
        self.norm1 = TurnNorm(config.width)
        self.attention = Attention(config)
        self.norm2 = TurnNorm(config.width)
        self.up = TurnLinear(config.width, hidden, config.tied)
        self.down = TurnLinear(hidden, config.width, config.tied, scale=(2 * depth) ** -0.5)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x), bias)
        hidden: Tensor = self.down(functional.relu(self.up(self.norm2(x))))
        return x + hidden


class Embedding(nn.Module):
    """The sum of the tables of some features of `vocab.FEATURES`."""

    def __init__(self, config: NetConfig, names: tuple[str, ...]) -> None:
        super().__init__()
        c, d = config.width
        self.config = config
        self.names = names
        self.plain = nn.ParameterDict(
            {n: nn.Parameter(torch.randn(vocab.plain_rows(n), d) * 0.3) for n in names}
        )
        self.notes = nn.ParameterDict(
            {n: nn.Parameter(torch.randn(2, 12, c) * 0.3) for n in names if n in vocab.NOTES}
        )
        if "melody" in names:
            self.melody = nn.Parameter(torch.randn(2, 12, c) * 0.3)
        if "chord" in names:
            self.quality = nn.Parameter(torch.randn(len(QUALITY_NAMES), 12, c) * 0.1)
            self.quality_plain = nn.Parameter(torch.randn(len(QUALITY_NAMES), d) * 0.1)
            self.tone = nn.Parameter(torch.randn(c) * 0.5)
            self.root = nn.Parameter(torch.randn(c) * 0.5)
            tones = torch.zeros(len(QUALITY_NAMES), 12, 1)
            for i, name in enumerate(QUALITY_NAMES):
                tones[i, list(QUALITIES[name][0])] = 1.0
            self.register_buffer("tones", tones, persistent=False)

    def _filled(self, plain: Tensor) -> Tensor:
        """A table over the invariant places, with zeros at the pitch classes."""
        return functional.pad(plain, (12 * self.config.channels, 0))

    def tables(self) -> dict[str, Tensor]:
        """name -> (number of values, D)."""
        found = {}
        for name in self.names:
            plain = self.plain[name]
            if name == "melody" or name in vocab.NOTES:
                own = self.melody if name == "melody" else self.notes[name]
                notes = turned(own)  # (12, 2, 12c)
                rest = torch.zeros_like(notes[:1, 0])
                sites = torch.cat([rest, notes[:, 0], rest, notes[:, 1]])
                kinds = torch.cat([plain[:1], plain[1:2].repeat(12, 1)] * 2)
                kinds[14:] = plain[2]
                found[name] = torch.cat([sites, kinds], 1)
            elif name == "chord":
                pattern = self.quality + cast(Tensor, self.tones) * self.tone
                first = torch.zeros_like(pattern)
                first[:, 0] = 1.0
                sites = turned(pattern + first * self.root).flatten(0, 1)  # root-major, as classes
                sites = torch.cat([torch.zeros_like(sites[:1]), sites])
                # What chord quality means beside its pitches is alike for all roots.
                kinds = torch.cat([plain[:1], self.quality_plain.repeat(12, 1) + plain[1:2]])
                found[name] = torch.cat([sites, kinds], 1)
            else:
                found[name] = self._filled(plain)
        return found

    def forward(self, features: dict[str, Tensor], prefix: str = "") -> Tensor:
        tables = self.tables()
        total = torch.zeros((), device=tables[self.names[0]].device)
        for name in self.names:
            total = total + functional.embedding(features[prefix + name], tables[name])
        return total


class Copying(nn.Module):
    """Whether the next chord is the network's own or a copy: log-probabilities, first of its own
    and then of each place of the past (`models.network.recall`). Alike in all keys."""

    def __init__(self, width: Width) -> None:
        super().__init__()
        self.channels, d = width
        n = len(vocab.RECALL_SLOTS)
        self.weight = nn.Parameter(torch.zeros(1 + n, self.channels + d))
        self.bias = nn.Parameter(torch.zeros(1 + n))
        self.case = nn.Parameter(torch.full((n, vocab.N_CASES), -RELUCTANCE))

    def forward(self, hidden: Tensor, copies: Tensor) -> Tensor:
        """(B, T, D) and (B, T, places, 2), class (-1 for none) and case, to (B, T, 1 + places)."""
        sites, plain = hidden.split((12 * self.channels, hidden.shape[-1] - 12 * self.channels), -1)
        seen = torch.cat([sites.unflatten(-1, (12, self.channels)).mean(-2), plain], -1)
        logits = functional.linear(seen, self.weight, self.bias).float()
        cases = [
            functional.embedding(copies[..., i, 1], table[:, None])
            for i, table in enumerate(self.case)
        ]
        logits = logits + functional.pad(torch.cat(cases, -1), (1, 0))
        none = functional.pad(copies[..., 0] < 0, (1, 0))
        return functional.log_softmax(logits.masked_fill(none, -1e9), -1)

    def mixed(self, logits: Tensor, hidden: Tensor, copies: Tensor) -> Tensor:
        """Log-probabilities of the classes, (B, T, N_CHORD_CLASSES), from the network's own
        logits: each place adds its share to the class that copying it would give."""
        shares = self(hidden, copies)
        copied = copies[..., 0]
        own = functional.log_softmax(logits.float(), -1) + shares[..., :1]
        copies = torch.zeros_like(own).scatter_add(-1, copied.clamp(min=0), shares[..., 1:].exp())
        return torch.logaddexp(own, copies.clamp(min=1e-30).log())


RELUCTANCE = 4.0
"""Of a network that has not learned yet when to copy; in nats."""


def causal_bias(heads: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """(heads, n, n): what attention adds for distance, minus infinity for the future."""
    distance = torch.arange(n)[:, None] - torch.arange(n)[None, :]
    bias = -torch.tensor(slopes(heads))[:, None, None] * distance
    return bias.masked_fill(distance < 0, float("-inf")).to(device)


def two_sided_bias(heads: int, n: int, device: torch.device | str = "cpu") -> Tensor:
    """(heads, n, n): half of the heads look back, the others ahead, each at its own reach."""
    ahead = torch.arange(n)[None, :] - torch.arange(n)[:, None]
    reach = torch.tensor(encoder_slopes(heads))[:, None, None]
    back = -reach * -ahead.clamp(max=0) + torch.where(ahead > 0, float("-inf"), 0.0)
    forth = -reach * ahead.clamp(min=0) + torch.where(ahead < 0, float("-inf"), 0.0)
    return torch.cat([back, forth]).to(device)


class Net(nn.Module):
    """Online: p(y_t | x_<t, y_<t) and p(x_t | x_<t, y_<=t). Offline: p(y_t | x, y_<t).
    Improviser: p(x_t | x_<t, y_<t+h), h frames known ahead."""

    def __init__(self, config: NetConfig) -> None:
        super().__init__()
        self.config = config
        c, d = config.width
        self.past = Embedding(config, embeddings(config)["past"])
        if config.kind != "offline":
            self.now = Embedding(config, embeddings(config)["now"])
            self.melody_norm = TurnNorm(config.width)
            self.melody_up = TurnLinear(config.width, (2 * c, 2 * d), config.tied)
            self.melody_out = TurnLinear((2 * c, 2 * d), (vocab.N_OCTAVES, 2), config.tied, 0.5)
            relative = torch.from_numpy(vocab.MELODY_FROM_RELATIVE)
            self.register_buffer("from_relative", relative, persistent=False)
            self.recall = nn.ModuleDict(
                {n: Embedding(config, tuple(vocab.RECALL_FEATURES)) for n in vocab.RECALL_SLOTS}
                if config.recall else {}
            )  # fmt: skip
            if config.copies:
                self.copying = Copying(config.width)
            if config.ahead:
                self.ahead_up = TurnLinear(config.width, (2 * c, 2 * d), config.tied)
                self.ahead_out = TurnLinear((2 * c, 2 * d), (config.ahead, 0), config.tied, 0.5)
            self.told = nn.ModuleDict(
                {n: Embedding(config, told) for n, told in vocab.TOLD.items()}
                if config.kind == "improviser" else {}
            )  # fmt: skip
        else:
            self.heard = Embedding(config, embeddings(config)["heard"])
            self.encoder = nn.ModuleList(Block(config) for _ in range(config.encoder_layers))
            self.heard_norm = TurnNorm(config.width)
            self.heard_out = TurnLinear(config.width, config.width, config.tied, scale=0.3)
        self.blocks = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = TurnNorm(config.width)
        if config.kind != "improviser":
            self.chord_out = TurnLinear(config.width, (vocab.N_QUALITIES, 2), config.tied, 0.5)
        self._bias: dict[tuple[bool, int, str], Tensor] = {}

    def bias(self, causal: bool, n: int, device: torch.device) -> Tensor:
        """The attention bias of n frames, made once."""
        key = (causal, n, str(device))
        if key not in self._bias:
            make = causal_bias if causal else two_sided_bias
            self._bias[key] = make(self.config.heads, n, device)
        return self._bias[key]

    def encode(self, features: dict[str, Tensor]) -> Tensor:
        """The whole melody, (B, T, D); offline only. `features` are of frames 0 to T - 1."""
        x = self.heard(features)
        x = self._through(self.encoder, x, self.bias(False, x.shape[1], x.device))
        encoded: Tensor = self.heard_out(self.heard_norm(x))
        return encoded

    def _through(self, blocks: nn.ModuleList, x: Tensor, bias: Tensor) -> Tensor:
        """(B, T, D) through blocks; on a processor in the basis of frequencies, a third quicker.
        A card is quicker with large matrices than with many small ones."""
        if self.config.tied and x.device.type == "cpu":
            return frequencies.through([cast(Block, b) for b in blocks], x, bias, self.config)
        for block in blocks:
            x = block(x, bias)
        return x

    def hidden(self, features: dict[str, Tensor], encoded: Tensor | None = None) -> Tensor:
        """(B, T, D). Melody and chord features at t are of frame t - 1, the place of t."""
        x = self.past(features)
        if self.config.recall:
            for slot, embedding in self.recall.items():
                x = x + embedding(features, f"{slot}.")
        if self.config.kind == "improviser":
            for name, embedding in self.told.items():
                x = x + embedding(features, f"{name}.")
        if encoded is not None:
            x = x + encoded
        x = self._through(self.blocks, x, self.bias(True, x.shape[1], x.device))
        normed: Tensor = self.norm(x)
        return normed

    def chord_logits(self, hidden: Tensor, copies: Tensor | None = None) -> Tensor:
        """(B, T, N_CHORD_CLASSES): the classes of `jam.music.rows`.

        copies: (B, T, places, 2), the classes that copying would give and the cases; a network
        that copies says only its own without them.
        """
        logits = in_class_order(self.chord_out(hidden))
        return logits if copies is None else self.mixed(logits, hidden, copies)

    def mixed(self, logits: Tensor, hidden: Tensor, copies: Tensor) -> Tensor:
        """Its own chord logits mixed with what it copies, if it does."""
        if not self.config.copies:
            return logits
        mixed: Tensor = self.copying.mixed(logits, hidden, copies)
        return mixed

    def melody_logits(self, hidden: Tensor, now: dict[str, Tensor], last_pitch: Tensor) -> Tensor:
        """(B, T, N_MELODY_CLASSES), given the chord chosen and the newest note before t.

        now: "chord" (index) and "chord_onset" of frame t; last_pitch: MIDI, (B, T).
        """
        x = self.melody_norm(hidden + self.now(now))
        relative = in_class_order(self.melody_out(functional.relu(self.melody_up(x))))
        order = cast(Tensor, self.from_relative)[last_pitch - 21]
        return relative.gather(-1, order)

    def ahead_logits(self, hidden: Tensor) -> Tensor:
        """(B, T, beats, 12): how much of what sounds falls on each pitch class in the beats from t
        on, as logits."""
        sites = self.ahead_out(functional.relu(self.ahead_up(hidden)))
        return cast(Tensor, sites.unflatten(-1, (12, self.config.ahead)).transpose(-1, -2))


def in_class_order(logits: Tensor) -> Tensor:
    """(…, 12 * n + 2), pitch classes first, to hold and none (rest) first."""
    return torch.cat([logits[..., -2:], logits[..., :-2]], -1)


assert N_CHORD_CLASSES == 2 + 12 * vocab.N_QUALITIES


def n_parameters(net: nn.Module) -> int:
    """Free parameters, and not what they are spread to."""
    return sum(p.numel() for p in net.parameters())
