"""Last stage: how readily the model holds, so that it changes chords as often as musicians do.

    python -m models.training.tune_decoding --data data.jsonl --weights runs/distilled --kind online

A model that mends its mistakes changes chords more often than the truth. To the logit of "hold"
a bias is added that depends on nothing but how strong the place in the bar is; it is fitted on
the validation split until, at temperature 1, chords change at each strength as often as the
truth's; with --live under the protocol of live play, where what is foreseen makes chords fit better
and so last longer. Written into the weights' JSON as "decoding".
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.settings import JamSettings
from models import load_predictor
from models.data.piece import Piece, pieces
from models.decoding.rules import Decoding
from models.evaluation import metrics
from models.evaluation.as_played import after_listening, played
from models.evaluation.contestants import network, truth
from models.evaluation.metrics import Jam
from models.network import vocab, weights

LIMIT = 12.0
_STRENGTH = vocab.PLACE_FEATURES.index("strength")


def change_rates(jams: Sequence[Jam]) -> NDArray[np.float64]:
    """Chord changes a frame at each of the four strengths, a little smoothed."""
    changes, frames = np.full(4, 0.5), np.full(4, 1.0)
    for jam in jams:
        strength = jam.places[:, _STRENGTH]
        frames += np.bincount(strength, minlength=4)
        changes += np.bincount(strength[metrics.changes(jam)], minlength=4)
    rates: NDArray[np.float64] = changes / frames
    return rates


def heard_live(jam: Jam, piece: Piece) -> Jam:
    """Without the bars of listening."""
    return after_listening(jam, piece, JamSettings().listen_bars)


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--weights", type=Path, required=True, help="folder; its JSON is rewritten")
    p.add_argument("--kind", choices=("online", "variety", "offline"), default="online")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--pieces", type=int, default=120)
    p.add_argument("--frames", type=int, default=256)
    p.add_argument("--min-share", type=float, default=0.0, help="see models.decoding.rules")
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument(
        "--live", action="store_true", help="online only; begins with the rules that are"
    )
    args = p.parse_args(argv)
    corpus = pieces(args.data, "valid")
    order = np.random.default_rng(5).permutation(len(corpus))[: args.pieces]
    windows = [corpus[i].window(0, args.frames) for i in order]
    path = args.weights / f"{args.kind}.json"
    known = Decoding.from_dict(weights.read_json(path).get("decoding", {}), str(path))
    bias = np.array(known.hold_bias) if args.live else np.zeros(4)
    # Live, what is heard begins after the bars of listening.
    true = truth(windows)
    if args.live:
        true = [heard_live(j, w) for j, w in zip(true, windows, strict=True)]
    wanted = change_rates(true)
    for round_ in range(args.rounds):
        off_beat, beat, group, bar = (float(b) for b in bias)
        rules = replace(
            known,
            hold_bias=(off_beat, beat, group, bar),
            min_share=args.min_share,
            temperature=args.temperature,
        )
        settings = weights.read_json(path) | {"decoding": rules.to_dict()}
        weights.write_json(path, settings)
        if args.live:
            settings_ = JamSettings(adventurous=float(args.kind == "variety"))
            predictor = load_predictor(args.weights)
            jams = [
                heard_live(played(predictor, w, settings_, 1000 * round_ + i), w)
                for i, w in enumerate(windows)
            ]
        else:
            kind = {"online": "fit"}.get(args.kind, args.kind)
            jams = network(args.weights, kind)(windows, 1.0, 1000 * round_)
        found = change_rates(jams)
        values = metrics.measure(jams, true)
        print(
            f"bias {np.round(bias, 2).tolist()}: note in chord {values['note_in_chord']:.3f}, "
            f"{values['changes_per_bar']:.3f} changes a bar, "
            f"{values['changes_on_bar_line']:.3f} on bar lines",
            flush=True,
        )
        # Odds of a change follow the bias nearly one to one; the mistakes mended follow slowly.
        bias = np.clip(bias + np.log(found / wanted), -LIMIT, LIMIT)


if __name__ == "__main__":
    main()
