"""Stage 4: the judges whose word is a reward.

    python -m models.training.judges --data data.jsonl --out runs/judges/contrastive-0 \\
        --kind contrastive --seed 0 --minutes 3
    python -m models.training.judges … --kind discriminative --deaf

As ReaLchords' (arXiv 2506.14723, section 4), but small (0.06 to 0.1 M free parameters), on windows
of 64, 128 and 256 frames, and half of the batches all in one key: else telling keys apart would
be enough. Ends with the tests of that paper on the validation split, in test.json: retrieval
among 128 windows, F1, and how the reward falls as true chords give way to random ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.data.augment import imperfect, shift_pitches, transposed
from models.data.batches import choose_window
from models.data.piece import Piece, pieces
from models.evaluation.metrics import Jam, chord_spans
from models.network import weights
from models.network.chords import turn_chords
from models.training import run as training
from models.training.judge import KINDS, LENGTHS, Judge, JudgeConfig, features_of, save_judge
from models.training.rewards import Played, played_of

POOL = 128
SMOOTHING = 0.05


def in_c(piece: Piece) -> Piece:
    """Turned so that the key that fits best has its tonic on C."""
    turn = -piece.tonic if piece.tonic <= 6 else 12 - piece.tonic
    return replace(
        piece, pitch=shift_pitches(piece.pitch, turn), chord=turn_chords(piece.chord, turn), tonic=0
    )


def windows_at(
    corpus: Sequence[Piece], rng: np.random.Generator, n: int, length: int, same_key: bool
) -> list[Piece]:
    """n windows of different pieces, as played by players good and bad."""
    chosen = rng.choice(len(corpus), size=n, replace=n > len(corpus))
    found = []
    for i in chosen:
        window = choose_window(rng, corpus[int(i)], length)
        window = in_c(window) if same_key else transposed(rng, window)
        found.append(imperfect(rng, window) if rng.random() < 0.2 else window)
    return found


def paired_anew(played: Played, fake: np.ndarray, by: int) -> Played:
    """Where fake (B,) is true, the chords of the window `by` places before."""

    def mixed(own: np.ndarray) -> np.ndarray:
        return np.where(fake[:, None], np.roll(own, by, 0), own)

    return replace(played, chord=mixed(played.chord), chord_onset=mixed(played.chord_onset))


def loss_of(judge: Judge, played: Played, rng: np.random.Generator, device: torch.device) -> Tensor:
    """InfoNCE both ways, or cross-entropy of real and re-paired."""
    if judge.config.kind == "contrastive":
        features, weight = features_of(played, judge.config.deaf)
        melody, chords = judge.vectors(
            {k: v.to(device) for k, v in features.items()}, weight.to(device)
        )
        likeness = melody @ chords.T * judge.sharpness.exp()
        target = torch.arange(len(likeness), device=device)
        there = functional.cross_entropy(likeness, target)
        return (there + functional.cross_entropy(likeness.T, target)) / 2
    fake = rng.random(len(played.pitch)) < 0.5
    shown = paired_anew(played, fake, 1)
    features, weight = features_of(shown, judge.config.deaf)
    logits = judge.logits({k: v.to(device) for k, v in features.items()}, weight.to(device))
    real = torch.from_numpy(1.0 - fake).float().to(device)
    real = real * (1 - 2 * SMOOTHING) + SMOOTHING
    return functional.binary_cross_entropy_with_logits(logits, real)


def with_random_chords(
    windows: Sequence[Piece], donors: Sequence[Piece], share: float, rng: np.random.Generator
) -> list[Piece]:
    """So much of the true chords replaced by chords of any other piece."""
    stock = np.concatenate([d.chord[d.chord > 0] for d in donors])
    found = []
    for piece in windows:
        chord = piece.chord.copy()
        for start, end, _ in chord_spans(
            Jam(piece.pitch, piece.onset, piece.chord, piece.chord_onset, piece.places)
        ):
            if rng.random() < share:
                chord[start:end] = int(rng.choice(stock))
        found.append(replace(piece, chord=chord))
    return found


@torch.no_grad()
def tested(judge: Judge, corpus: Sequence[Piece], device: torch.device) -> dict[str, float]:
    """Retrieval (contrastive) or F1 (discriminative), and the fall of the reward."""
    found: dict[str, float] = {}

    def read(windows: Sequence[Piece], length: int) -> tuple[Played, dict[str, Tensor], Tensor]:
        played = played_of(windows, length)
        features, weight = features_of(played, judge.config.deaf)
        return played, {k: v.to(device) for k, v in features.items()}, weight.to(device)

    for same_key in (False, True):
        keys = "one key" if same_key else "any key"
        rng = np.random.default_rng(11)
        windows = windows_at(corpus, rng, POOL, 256, same_key)
        played, features, weight = read(windows, 256)
        if judge.config.kind == "contrastive":
            melody, chords = judge.vectors(features, weight)
            likeness = (melody @ chords.T).cpu().numpy()
            rank = (likeness > likeness.diagonal()[:, None]).sum(1)
            found |= {f"R@{k}, {keys}": float((rank < k).mean()) for k in (1, 5, 10)}
        else:
            right = wrong = missed = 0
            real = judge.scores(features, weight).cpu().numpy() > 0.5
            other = paired_anew(played, np.ones(POOL, bool), 1)
            fake_features, fake_weight = features_of(other, judge.config.deaf)
            fake = (
                judge.scores(
                    {k: v.to(device) for k, v in fake_features.items()}, fake_weight.to(device)
                )
                .cpu()
                .numpy()
                > 0.5
            )
            right, wrong, missed = int(real.sum()), int(fake.sum()), int((~real).sum())
            found[f"F1, {keys}"] = 2 * right / max(1, 2 * right + wrong + missed)
    rng = np.random.default_rng(12)
    windows = windows_at(corpus, rng, POOL, 256, True)
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        _, features, weight = read(with_random_chords(windows, corpus, share, rng), 256)
        found[f"reward, {share:.0%} random"] = float(judge.scores(features, weight).mean())
    return found


def main(argv: list[str] | None = None) -> None:
    parser = training.parser(
        __doc__.splitlines()[0],
        lr=1.5e-3,
        frames=6144,
        validate_every=100,
        minutes=3.0,
        steps=100_000,
    )
    parser.add_argument("--kind", choices=KINDS[:2], default="contrastive")
    parser.add_argument("--deaf", action="store_true", help="hears rhythm alone")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    judge = Judge(JudgeConfig(args.kind, args.deaf))
    run = training.Run(args, judge, judge.config.to_dict())
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")

    for step in run.steps():
        rng = np.random.default_rng((args.seed, step, run.rank, 9))
        length = int(rng.choice(LENGTHS))
        n = max(2, args.frames // length)
        windows = windows_at(corpus, rng, n, length, same_key=bool(rng.random() < 0.5))
        with run.autocast():
            loss = loss_of(judge, played_of(windows, length), rng, run.device)
        run.update(loss, {}, float(n * length))
        if run.due():
            run.log(tested(judge.eval(), held_out, run.device))
            judge.train()

    test = tested(judge.eval(), held_out, run.device)
    weights.write_json(args.out / "test.json", test)
    run.finish(
        judge.config.name, {"pieces": len(corpus)}, lambda seen: save_judge(args.out, judge, seen)
    )


if __name__ == "__main__":
    main()
