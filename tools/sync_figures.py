"""How well a MIDI clock that wavers and loses ticks is followed: a table of the grid's errors.

Simulated time: the clock's ticks go through what follows a real one (`jam.sync.midi_clock`,
`jam.sync.follower`), looked at 50 times a second as the stage does.

    python tools/sync_figures.py
    python tools/sync_figures.py --minutes 1
"""

from __future__ import annotations

import argparse
import math

import numpy as np
from numpy.typing import NDArray

from jam.music.grid import Meter, TempoMap
from jam.sync.follower import Follower
from jam.sync.midi_clock import ClockIn

LOOK_S = 0.02
SETTLED_S = 0.005
JUMPS = ((120, 130), (120, 90), (120, 180), (120, 60), (60, 200))


def followed(
    due_s: NDArray[np.float64], sigma_s: float, lost: float, seed: int
) -> tuple[TempoMap, int]:
    """The tempo map of a jam that follows these ticks, jittered and thinned; and the frame on
    which their first one fell."""
    dice = np.random.default_rng(seed)
    came_s = np.maximum.accumulate(due_s + dice.normal(0, sigma_s, len(due_s)))
    came_s = came_s[dice.random(len(due_s)) >= lost] if lost else came_s
    clock, follower = ClockIn(), Follower()
    clock.take((0xFA,), float(due_s[0]) - 0.1)
    tempo_map = TempoMap.constant(100, Meter(), float(due_s[0]))
    n, now_s = 0, float(due_s[0])
    while n < len(came_s):
        now_s += LOOK_S
        while n < len(came_s) and came_s[n] <= now_s:
            clock.take((0xF8,), float(came_s[n]))
            n += 1
        line = clock.heard(now_s).line
        if line is not None:
            first = math.floor(tempo_map.position_at(now_s)) + 1
            tempo_map = follower.follow(tempo_map, line, first)
    last = round(tempo_map.position_at(float(due_s[-1])) - (len(due_s) - 1) / 6)
    return tempo_map, last


def errors_s(tempo_map: TempoMap, due_s: NDArray[np.float64], first: int) -> NDArray[np.float64]:
    """Of every sixteenth of the source: how late the jam's is."""
    return np.array(
        [tempo_map.seconds_at(first + f) - due_s[6 * f] for f in range(len(due_s) // 6)]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sigma-ms", type=float, default=2.0)
    parser.add_argument("--lost", type=float, default=1 / 200)
    args = parser.parse_args()
    sigma_s = args.sigma_ms / 1000
    print("| bpm | mean (ms) | 99 % | worst | changes of tempo |")
    print("|---|---|---|---|---|")
    for bpm in (60, 120, 200):
        due_s = np.arange(0, 60 * args.minutes, 60 / bpm / 24)
        tempo_map, first = followed(due_s, sigma_s, args.lost, 0)
        off_ms = 1000 * np.abs(errors_s(tempo_map, due_s, first))[32:]
        said = f"{off_ms.mean():.2f} | {np.percentile(off_ms, 99):.2f} | {off_ms.max():.2f}"
        print(f"| {bpm} | {said} | {len(tempo_map.segments)} |", flush=True)
    print(
        f"\n| jump | beats until within {1000 * SETTLED_S:g} ms: median of 20 | worst | slipped |"
    )
    print("|---|---|---|---|")
    for before, after in JUMPS:
        beats, slipped = [], 0
        for seed in range(20):
            head = np.arange(0, 20, 60 / before / 24)
            tail = head[-1] + np.arange(1, 24 * 24) * 60 / after / 24
            due_s = np.concatenate([head, tail])
            tempo_map, first = followed(due_s, sigma_s, args.lost, seed)
            off_s = np.abs(errors_s(tempo_map, due_s, first))[len(head) // 6 :]
            if np.median(off_s[-32:]) > SETTLED_S:
                slipped += 1
                continue
            wrong = np.flatnonzero(off_s > SETTLED_S)
            beats.append((wrong[-1] + 1) / 4 if len(wrong) else 0.0)
        said = f"{np.median(beats):.2f} | {max(beats):.2f}"
        print(f"| {before} → {after} | {said} | {slipped} |", flush=True)


if __name__ == "__main__":
    main()
