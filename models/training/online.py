"""Stage 1: the online network by maximum likelihood, and with a wrong past.

    python -m models.training.online --data data.jsonl --out runs/online
    python -m models.training.online --data data.jsonl --out runs/repair \\
        --init runs/online --wrong-past

Departs from ReaLchords (arXiv 2506.14723): one position a frame with two heads instead of
interleaved tokens, metre and conditions as input, transposition built into the weights, and
(second command) a corrupted chord history with the truth as target where a musician would
correct: see `models.data.augment`.
"""

from __future__ import annotations

from functools import partial

from jam.errors import BadInput
from models.data.augment import Wrongness
from models.data.batches import batch_at, chances_of
from models.data.piece import pieces
from models.network.config import CONFIGS
from models.network.transformer import Net
from models.training import run as training

WEIGHTS = {"chord": 1.0, "melody": training.MELODY_WEIGHT, "ahead": training.AHEAD_WEIGHT}


def main(argv: list[str] | None = None) -> None:
    parser = training.parser(__doc__.splitlines()[0])
    parser.add_argument("--wrong-past", action="store_true")
    parser.add_argument(
        "--ahead", type=int, metavar="BEATS", help="learn to foresee so many beats of melody"
    )
    parser.add_argument(
        "--evenness",
        type=float,
        default=0.5,
        metavar="0-1",
        help="0 draws all pieces alike, 1 all corpora (default %(default)s)",
    )
    args = parser.parse_args(argv)
    if not 0 <= args.evenness <= 1:
        raise BadInput(f"--evenness {args.evenness:g}: must be from 0 to 1")
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    net = training.load_net(args.init, "online") if args.init else None
    net = net or Net(CONFIGS["online"][args.config])
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")
    if args.recall and not net.config.recall:
        net = training.recalling(net, corpus)
    if args.ahead and args.ahead != net.config.ahead:
        net = training.foreseeing(net, args.ahead)
    # How far copies are trusted stays as it was counted: from a wrong past nobody learns to copy.
    run = training.Run(args, net, net.config.to_dict(), scales={"copying": 0.0})
    chances = chances_of(corpus, args.evenness)
    wrongness = Wrongness() if args.wrong_past else None

    losses = partial(training.online_losses, net)

    for step in run.steps():
        batch = batch_at(
            corpus,
            step,
            seed=args.seed,
            rank=run.rank,
            frames=args.frames,
            wrongness=wrongness,
            chances=chances,
        ).to(run.device)
        with run.autocast():
            each = losses(batch)
        run.update(
            sum(WEIGHTS[name] * loss for name, loss in each.items()),
            {name: float(loss.detach()) for name, loss in each.items()},
            float(batch.weight.sum()),
        )
        if run.due():
            values = training.validate(run, held_out, losses)
            if wrongness is not None:
                wrong = training.validate(run, held_out, losses, wrongness=wrongness)
                values["chord_wrong_past"] = wrong["chord"]
            run.log(values)

    run.finish(
        "online, wrong past" if args.wrong_past else "online",
        {"pieces": len(corpus)},
        lambda training_: training.save_net(args.out, net, training_),
    )


if __name__ == "__main__":
    main()
