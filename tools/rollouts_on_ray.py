"""Rollouts of a step of reinforcement learning, here and as tasks of Ray: how long, and the same?

python -m tools.rollouts_on_ray --data data.jsonl --init models/weights --rollout-workers 2
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

from models.data.piece import pieces
from models.training import rl
from models.training import run as training
from models.training.rollouts import OnRay, add_options, dice_of, rolled_out


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--init", type=Path, required=True)
    p.add_argument("--sessions", type=int, default=32)
    p.add_argument("--steps", type=int, default=3)
    add_options(p)
    args = p.parse_args()
    net = training.load_net(args.init, "online")
    config, weights = net.config, training.plain_weights(net)
    corpus = pieces(args.data, "train")
    on_ray = OnRay(args.ray or "local", args.rollout_workers)
    print(
        "step  here, s  of a processor, s  on Ray, s  the same choices  log p differs by",
        flush=True,
    )
    for step in range(args.steps + 1):
        rng = np.random.default_rng((0, step))
        windows = rl.windows_at(corpus, rng, args.sessions)
        dice = dice_of(rng, rl.FRAMES, args.sessions)
        begun_s, used_s = time.perf_counter(), time.process_time()
        here = rolled_out(config, weights, windows, dice)
        between_s, used_s = time.perf_counter(), time.process_time() - used_s
        there = on_ray(config, weights, windows, dice)
        end_s = time.perf_counter()
        if step:  # the first has the workers start
            same = np.mean((here.own.chord == there.own.chord)[here.own.weight > 0])
            gap = np.abs(here.log_probability - there.log_probability).max()
            print(
                f"{step:4} {between_s - begun_s:8.2f} {used_s:18.2f} {end_s - between_s:10.2f}"
                f" {same:17.2%} {gap:17.1e}",
                flush=True,
            )
    on_ray.close()


if __name__ == "__main__":
    main()
