"""Stage 2: the offline network: the whole melody is known, chords are written one after another.

    python -m models.training.offline --data data.jsonl --init runs/repair --out runs/offline

It harmonises melodies and teaches the online network (`models.training.distill`), on whose own
chords it must know what to do; so half of the windows have a wrong past here too. Departs from
ReaLchords (arXiv 2506.14723): no cross-attention; what a bidirectional encoder makes of the
melody at frame t is added to the decoder's input at t. The decoder is an online network
(`--init`, if given), which already knows harmony and only has to learn to look ahead.
"""

from __future__ import annotations

from torch import Tensor

from models.data.augment import Wrongness
from models.data.batches import Batch, batch_at
from models.data.piece import pieces
from models.network.config import CONFIGS
from models.network.transformer import Net
from models.training import run as training

WRONGNESS = Wrongness(true_share=0.5, throughout_share=0.15)


def main(argv: list[str] | None = None) -> None:
    args = training.parser(__doc__.splitlines()[0]).parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    net = Net(CONFIGS["offline"][args.config])
    if args.init:
        training.take_over(net, args.init)
    run = training.Run(args, net, net.config.to_dict())
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")

    def losses(batch: Batch) -> dict[str, Tensor]:
        logits = training.offline_logits(net, batch)
        return {"chord": training.class_loss(logits, batch.chord_target, batch.weight)}

    for step in run.steps():
        batch = batch_at(
            corpus, step, seed=args.seed, rank=run.rank, frames=args.frames, wrongness=WRONGNESS
        ).to(run.device)
        with run.autocast():
            chord = losses(batch)["chord"]
        run.update(chord, {"chord": float(chord.detach())}, float(batch.weight.sum()))
        if run.due():
            values = training.validate(run, held_out, losses)
            wrong = training.validate(run, held_out, losses, wrongness=WRONGNESS)
            run.log(values | {"chord_wrong_past": wrong["chord"]})

    run.finish(
        "offline",
        {"pieces": len(corpus)},
        lambda training_: training.save_net(args.out, net, training_),
    )


if __name__ == "__main__":
    main()
