"""Another stage: the improviser, a melody over chords of which the next are known.

    python -m models.training.improviser --data data.jsonl --out runs/improviser \\
        --init models/weights

The online network's melody head made into a soloist: begun from its weights where they fit, and
trained on solos and tunes with the melody's loss alone. Told besides the past: the chords to
come, how dense and high to play, and the phrase some bars before, which it may take up.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from models.data.piece import Piece, pieces
from models.data.solos import Solos, batch_at
from models.network.config import CONFIGS
from models.network.transformer import Net
from models.training import run as training

SOLOS = "wjd"
"""The source of the pieces that are solos: transcriptions of what soloists improvised."""


def begun_from(net: Net, folder: Path) -> None:
    """Take over what fits of an online network; what the improviser is told weighs nothing yet."""
    known = dict(training.load_net(folder, "online").named_parameters())
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name.startswith("told."):
                p.zero_()
            elif name in known and known[name].shape == p.shape:
                p.copy_(known[name])


def loss_of(net: Net, batch: Solos) -> Tensor:
    """Cross-entropy of the melody, nats a frame."""
    logits = net.melody_logits(net.hidden(batch.features), batch.now, batch.last_pitch)
    return training.class_loss(logits, batch.target, batch.weight)


def is_solo(piece: Piece) -> bool:
    return piece.name.startswith(f"{SOLOS}/")


def main(argv: list[str] | None = None) -> None:
    parser = training.parser(__doc__.splitlines()[0], lr=1e-3, validate_every=100)
    args = parser.parse_args(argv)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    net = Net(CONFIGS["improviser"][args.config])
    if args.init:
        begun_from(net, args.init)
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")
    solos, tunes = [p for p in corpus if is_solo(p)], [p for p in corpus if not is_solo(p)]
    valid_solos = [p for p in held_out if is_solo(p)]
    valid_tunes = [p for p in held_out if not is_solo(p)]
    run = training.Run(args, net, net.config.to_dict())

    def validate() -> dict[str, float]:
        net.eval()
        found = {}
        with torch.no_grad(), run.autocast():
            for name, kind in (("solos", valid_solos), ("tunes", valid_tunes)):
                batches = [batch_at([], kind, i, seed=7, frames=2048) for i in range(4)]
                found[name] = sum(float(loss_of(net, b)) for b in batches) / len(batches)
        net.train()
        return found

    for step in run.steps():
        batch = batch_at(solos, tunes, step, seed=args.seed, frames=args.frames)
        with run.autocast():
            loss = loss_of(net, batch)
        run.update(loss, {"melody": float(loss.detach())}, float(batch.weight.sum()))
        if run.due():
            run.log(validate())
            training.save_net(args.out, net, {"stage": "improviser", "steps": run.step + 1})
    run.finish(
        "improviser",
        {"pieces": len(corpus), "solos": len(solos)},
        lambda training_: training.save_net(args.out, net, training_),
    )


if __name__ == "__main__":
    main()
