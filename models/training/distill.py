"""Stage 3: on-policy distillation: the online network learns from the teacher on its own chords.

    python -m models.training.distill --data data.jsonl --init runs/repair --teacher runs/offline \\
        --out runs/distilled

The student accompanies true melodies online, sampling its chords; the offline teacher, which
sees the whole melody, says at each frame what it would do after the student's own chords; the
student's distribution is drawn to the teacher's (reverse KL, as in ReaLchords, arXiv 2506.14723,
section 3.2, and in on-policy distillation: Agarwal et al. 2024). No gradient goes through the
sampling. Windows with a wrong past and the truth as target are mixed in, and hold the melody.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.data.augment import Wrongness
from models.data.batches import Batch, Shown, batch_at, choose_window, shown, stack
from models.data.piece import Piece, pieces
from models.decoding.decoder import OnlineDecoder
from models.decoding.rollout import online_chords, padded
from models.decoding.rules import Decoding
from models.network import vocab
from models.network.config import CONFIGS
from models.network.transformer import Net
from models.training import run as training
from models.training.run import plain_weights

ROLLOUT_EVERY = 8
"""Steps that learn from one set of rollouts; the student drifts little in so few."""
FRAMES = 256
FORWARD_SHARE = 0.3
"""Of the forward KL, which keeps all that the teacher would do; the rest is reverse."""
TRUTH_WEIGHT = 0.5


def rollouts(
    net: Net, corpus: list[Piece], rng: np.random.Generator, sessions: int, temperature: float
) -> list[Shown]:
    """Windows of pieces with the student's chords as their past."""
    windows = [
        shown(rng, choose_window(rng, corpus[int(rng.integers(len(corpus)))], FRAMES))
        for _ in range(sessions)
    ]
    heard = padded([w.piece for w in windows], FRAMES)
    conditions = np.array([(w.style, w.density) for w in windows])
    shared = heard.shared.copy()
    shared[..., -2:] = conditions[:, None]
    decoder = OnlineDecoder(net.config, plain_weights(net), sessions, FRAMES)
    seeds = [int(s) for s in rng.integers(2**31, size=sessions)]
    chords, onsets = online_chords(
        decoder, heard.pitch, heard.onset, shared, Decoding(), temperature, seeds, heard.found
    )
    found = []
    for i, w in enumerate(windows):
        own = slice(0, w.piece.n_frames)
        past = chords[i, own]
        before = np.concatenate([[0], past[:-1]])
        target = vocab.chord_targets(w.piece.chord, w.piece.chord_onset, before)
        found.append(Shown(w.piece, past, onsets[i, own], target, w.style, w.density))
    return found


def divergence(student: Tensor, teacher: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """(forward, reverse) KL of two sets of logits, nats a frame."""
    p, q = functional.log_softmax(teacher.float(), -1), functional.log_softmax(student.float(), -1)
    forward = (p.exp() * (p - q)).sum(-1)
    reverse = (q.exp() * (q - p)).sum(-1)
    return training.masked_mean(forward, weight), training.masked_mean(reverse, weight)


def main(argv: list[str] | None = None) -> None:
    parser = training.parser(__doc__.splitlines()[0], lr=7e-4)
    parser.add_argument("--teacher", type=Path, required=True, help="folder of offline weights")
    parser.add_argument("--temperature", type=float, default=1.0, help="of the student's sampling")
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    net = training.load_net(args.init, "online") if args.init else None
    net = net or Net(CONFIGS["online"][args.config])
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")
    if args.recall and not net.config.recall:
        net = training.recalling(net, corpus)
    run = training.Run(args, net, net.config.to_dict())
    teacher = training.load_net(args.teacher, "offline").to(run.device).eval()
    per_step = max(1, args.frames // 2 // FRAMES)
    waiting: list[Shown] = []

    def own_losses(batch: Batch) -> dict[str, Tensor]:
        with torch.no_grad():
            taught = training.offline_logits(teacher, batch)
        logits = net.chord_logits(net.hidden(batch.features), batch.features["copies"])
        forward, reverse = divergence(logits, taught, batch.weight)
        return {"kl_forward": forward, "kl_reverse": reverse}

    losses = partial(training.online_losses, net)

    for step in run.steps():
        if not waiting:
            rng = np.random.default_rng((args.seed, step, run.rank, 7))
            waiting = rollouts(net, corpus, rng, per_step * ROLLOUT_EVERY, args.temperature)
        own = stack([waiting.pop() for _ in range(per_step)], FRAMES).to(run.device)
        true = batch_at(
            corpus,
            step,
            seed=args.seed,
            rank=run.rank,
            frames=args.frames // 2,
            wrongness=Wrongness(),
        ).to(run.device)
        with run.autocast():
            kl = own_losses(own)
            mle = losses(true)
        taught = FORWARD_SHARE * kl["kl_forward"] + (1 - FORWARD_SHARE) * kl["kl_reverse"]
        loss = taught + TRUTH_WEIGHT * mle["chord"] + training.MELODY_WEIGHT * mle["melody"]
        if "ahead" in mle:
            loss = loss + training.AHEAD_WEIGHT * mle["ahead"]
        values = {k: float(v.detach()) for k, v in (kl | mle).items()}
        run.update(loss, values, float(own.weight.sum() + true.weight.sum()))
        if run.due():
            run.log(training.validate(run, held_out, losses))

    run.finish(
        "online, distilled",
        {"pieces": len(corpus)},
        lambda training_: training.save_net(args.out, net, training_),
    )


if __name__ == "__main__":
    main()
