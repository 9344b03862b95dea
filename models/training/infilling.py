"""The infilling network: any frames of chords and melody are given, the others learnt.

    python -m models.training.infilling --data data.jsonl --init runs/offline --out runs/infilling

Orderless as in Coconet (arXiv 1903.07227) and in masked diffusion; departs from both in what is
open: gaps as they are made in review, bars of one part or both, and part of each gap known in the
orders in which gaps are filled (`models.data.masks`). A window counts as much as any other,
whatever is open in it.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from models.data.masks import GapBatch, gap_batch
from models.data.piece import pieces
from models.network.config import CONFIGS
from models.network.infilling import Infiller
from models.training import run as training


def losses(net: Infiller, batch: GapBatch) -> dict[str, Tensor]:
    """Cross-entropy, nats a frame: mean over windows in which the part is open."""
    chord, melody = net(batch.features)

    def loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
        asked = weight > 0  # the head's softmax is not cheap
        each = functional.cross_entropy(logits[asked].float(), target[asked], reduction="none")
        return (each * weight[asked]).sum() / weight.sum().clamp(min=1)

    return {
        "chord": loss(chord, batch.chord_target, batch.chord_weight),
        "melody": loss(melody, batch.melody_target, batch.melody_weight),
    }


def take_over(net: Infiller, folder: Path) -> None:
    """Begin with what an offline network knows of chords, melody and metre: its tables, the blocks
    of its encoder and as many more of its decoder's, its chords. Raises BadInput."""
    known = dict(training.load_net(folder, "offline").named_parameters())
    n_encoder = sum(name.endswith("norm1.pitch_gain") for name in known if "encoder" in name)
    with torch.no_grad():
        for name, p in net.named_parameters():
            first, _, rest = name.partition(".")
            if first == "here":
                source = f"past.{rest}"
            elif first == "there":  # less than what is here
                source = f"past.{rest.partition('.')[2]}"
            elif first == "blocks":
                number, _, within = rest.partition(".")
                i = int(number)
                source = f"encoder.{i}.{within}" if i < n_encoder else f"blocks.{i}.{within}"
            else:
                source = name
            if source not in known:
                continue
            if first == "chord_out" and rest.startswith("pitch"):  # held, and begun
                p.copy_(torch.cat([known[source]] * 2, 1 if known[source].ndim == 3 else 0))
            elif known[source].shape == p.shape:
                p.copy_(known[source] * (0.2 if first == "there" else 1.0))


def main(argv: list[str] | None = None) -> None:
    args = training.parser(__doc__.splitlines()[0]).parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    net = Infiller(CONFIGS["infilling"][args.config])
    if args.init:
        take_over(net, args.init)
    run = training.Run(args, net, net.config.to_dict())
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")

    def validated() -> dict[str, float]:
        totals: dict[str, float] = {}
        net.eval()
        with torch.no_grad(), run.autocast():
            for i in range(training.VALIDATION_BATCHES):
                batch = gap_batch(held_out, i, seed=12345, frames=args.frames, augment=False)
                for name, value in losses(net, batch.to(run.device)).items():
                    totals[name] = totals.get(name, 0.0) + float(value)
        net.train()
        return {name: total / training.VALIDATION_BATCHES for name, total in totals.items()}

    for step in run.steps():
        batch = gap_batch(
            corpus, step, seed=args.seed, rank=run.rank, frames=args.frames, augment=True
        ).to(run.device)
        with run.autocast():
            found = losses(net, batch)
            loss = found["chord"] + found["melody"]
        run.update(loss, {k: float(v.detach()) for k, v in found.items()}, float(args.frames))
        if run.due():
            run.log(validated())

    run.finish(
        "infilling",
        {"pieces": len(corpus)},
        lambda training_: training.save_net(args.out, net, training_),
    )


if __name__ == "__main__":
    main()
