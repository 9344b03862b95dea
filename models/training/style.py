"""How the style of a melody is heard (`models.network.style`): a regression, in a minute.

    python -m models.training.style --data data/ --out runs/style

Counted on the training split: of each piece three windows, each up to four of its bar lines. All
styles weigh the same. Pieces without a style of their own (hymns, songs with piano) are "any".
Prints how often the likeliest style is the piece's own on the validation split.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional

from jam.settings import STYLES
from models.data.piece import Piece, pieces
from models.network import vocab
from models.network.style import N_COUNTS, Floats, StyleListener, counted
from models.network.vocab import Ints
from models.network.weights import write_arrays

BARS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
FRAMES = 512
DECAY = 2e-4
"""Of the squared weights."""
_FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")


def counted_until(window: Piece, bars: int) -> Floats:
    """After so many bars of a window, or all that it has."""
    lines = np.flatnonzero(window.places[:, _FRAME_IN_BAR] == 0)
    end = int(lines[bars]) if bars < len(lines) else window.n_frames
    pitch, onset = window.pitch[:end], window.onset[:end]
    melody = vocab.melody_features(pitch, onset)
    interval, age = melody["melody_interval"], melody["melody_age"]
    return counted(pitch, onset, interval, age, window.places[:end])


def examples(corpus: Sequence[Piece], seed: int) -> tuple[Floats, Ints]:
    """Counts (n, N_COUNTS) and styles (n,)."""
    dice = np.random.default_rng(seed)
    counts, styles = [], []
    for piece in corpus:
        lines = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
        for start in (0, *dice.choice(lines, 2).tolist()):
            window = piece.window(start, FRAMES)
            for bars in dice.choice(BARS, 4, replace=False).tolist():
                counts.append(counted_until(window, bars))
                styles.append(piece.style)
    return np.array(counts, np.float32), np.array(styles)


def fitted(counts: Floats, styles: Ints) -> StyleListener:
    x, y = torch.from_numpy(counts), torch.from_numpy(styles)
    share = 1 / torch.bincount(y, minlength=len(STYLES)).clamp(min=1).float()[y]
    share /= share.sum()
    weight = torch.zeros(N_COUNTS, len(STYLES), requires_grad=True)
    bias = torch.zeros(len(STYLES), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=150, history_size=20)

    def loss() -> float:
        optimizer.zero_grad()
        each = functional.cross_entropy(x @ weight + bias, y, reduction="none")
        total = (share * each).sum() + DECAY * (weight**2).sum()
        total.backward()
        return float(total.detach())

    optimizer.step(loss)
    return StyleListener(weight.detach().numpy(), bias.detach().numpy())


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--out", type=Path, required=True)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args(argv)
    listener = fitted(*examples(pieces(args.data, "train"), args.seed))
    write_arrays(args.out / "style.safetensors", {"weight": listener.weight, "bias": listener.bias})
    held_out = pieces(args.data, "valid")
    for bars in (1, 2, 4, 8, 16):
        shares = [listener.shares(counted_until(p.window(0, FRAMES), bars)) for p in held_out]
        right = [int(np.argmax(s)) == p.style for s, p in zip(shares, held_out, strict=True)]
        print(f"after {bars} bars: {np.mean(right):.2f} of {len(held_out)} pieces heard right")


if __name__ == "__main__":
    main()
