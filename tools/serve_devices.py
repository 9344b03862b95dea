"""What computes the network of many jams: numpy, or torch on a device; how quick, and how alike.

    python -m tools.serve_devices --devices cpu cuda --jams 1 8 32 --frames 24

The same jams (the bundled tunes, replayed as fast as it goes, side by side) by numpy and by torch:
processor and other time of a plan, the share of it that the network takes, and how many of the
plans are the same, chord for chord. Before them each jam is told a history, so that there is a past
to look back at.
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
from greenlet import greenlet

from jam.agent.anticipation import Anticipator
from jam.messages.plans import Plan
from jam.music.rows import MelodyState
from jam.settings import JamSettings
from models.decoding.decoder import Stack
from models.decoding.spectral import Floats
from models.serving.together import Engine, Weights
from tests.support.jamming import Jam
from tools.serve_load import melodies


class Timed:
    """What computes, with a stop watch."""

    def __init__(self, engine: Engine) -> None:
        self.took_s, self.calls, self._advance = 0.0, 0, engine.advance

    def advance(self, stacks: list[Stack], x: Floats) -> Floats:
        begun_s = time.perf_counter()
        found = self._advance(stacks, x)
        self.took_s += time.perf_counter() - begun_s
        self.calls += 1
        return found


def played(weights: Weights, jams: int, before: int, frames: int) -> dict[int, list[Plan]]:
    """Plans of every frame after the history, by the jam's number."""
    tunes = [melody for melody, _ in melodies([])]
    found: dict[int, list[Plan]] = {}

    def play(k: int) -> None:
        jam = Jam(Anticipator(weights.predictor(), k), settings=JamSettings(listen_bars=0))
        tune = tunes[k % len(tunes)]
        for frame in range(before):
            jam.close(tune[frame % len(tune)])
        jam.ask()
        plans = []
        for frame in range(before, before + frames):
            state: MelodyState = tune[frame % len(tune)]
            jam.close(state)
            plans.append(jam.ask())
        found[k] = plans

    for k in range(jams):
        weights.together.start(greenlet(partial(play, k)))
    while weights.together.waiting:
        weights.together.advance()
    return found


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--devices", nargs="+", default=["cpu"], help="of torch")
    p.add_argument("--jams", type=int, nargs="+", default=[1, 8, 32])
    p.add_argument("--history", type=int, default=128, metavar="FRAMES")
    p.add_argument("--frames", type=int, default=24)
    args = p.parse_args()
    print("device  jams  ms a plan  of it network  ms a call  plans  the same  chances differ by")
    for jams in args.jams:
        first: dict[int, list[Plan]] = {}
        for device in ("", *args.devices):
            weights = Weights(device=device)
            engine = weights.together.engine
            assert engine is not None
            played(weights, min(jams, 2), 8, 1)  # warm
            timed = Timed(engine)
            engine.advance = timed.advance  # type: ignore[method-assign]
            begun_s = time.perf_counter()
            found = played(weights, jams, args.history, args.frames)
            took_s = time.perf_counter() - begun_s
            first = first or found
            pairs = [pair for k in found for pair in zip(first[k], found[k], strict=True)]
            same = [(a, b) for a, b in pairs if a.chords == b.chords]
            gaps = [np.abs(np.subtract(a.confidence, b.confidence)).max() for a, b in same]
            differs = max(map(float, gaps), default=0.0)
            print(
                f"{device or 'numpy':6} {jams:5} {1000 * took_s / len(pairs):10.2f}"
                f" {timed.took_s / took_s:14.0%} {1000 * timed.took_s / timed.calls:10.2f}"
                f" {len(pairs):6} {len(same):9} {differs:18.1e}",
                flush=True,
            )


if __name__ == "__main__":
    main()
