"""How well the player's own tempo is followed: a table of the beat's errors, by how one plays.

Simulated time: players whose notes are 15 ms (standard deviation) from their places, of which one
in ten is left out and 3 % stray, through what follows a real one (`jam.sync.listener`,
`jam.sync.follower`). The error is that of the jam's beats from beat 8 on, in ms: mean / 99 %. Lost
are those whose last eight beats are off by over a quarter of a beat.

    python tools/tempo_figures.py
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from tools.support.own_tempo import RHYTHMS, along, errors_s, followed, play

BEATS, JUMP_BEAT = 96, 32
LOST_BEATS = 0.25
SETTLED_S = 0.04


def swell(share: float) -> Callable[[float], float]:
    return lambda beat: 90 * (1 + share * math.sin(beat * math.tau / 16))


def ramp(bpm: float, by: float, beats: float) -> Callable[[float], float]:
    return lambda beat: bpm + by * min(1.0, beat / beats)


def jump(before: float, after: float) -> Callable[[float], float]:
    return lambda beat: before if beat < JUMP_BEAT else after


PLAYERS: dict[str, tuple[float, Callable[[float], float]]] = {
    "steady, 120": (120, lambda _: 120),
    "105 where 100 was set": (100, lambda _: 105),
    "rushes, 100 to 115 in 64 beats": (100, ramp(100, 15, 64)),
    "drags, 120 to 105 in 64 beats": (120, ramp(120, -15, 64)),
    "rubato, 90 ± 3 % in 16 beats": (90, swell(0.03)),
    "rubato, 90 ± 6 % in 16 beats": (90, swell(0.06)),
}
JUMPS = ((100, 104), (100, 110), (110, 100))


def settled(off_s: NDArray[np.float64]) -> int:
    """The beat from which on the mean of four is near for eight beats in succession, counted from
    the first beat that was off."""
    near = np.convolve(off_s, np.ones(4) / 4, "valid") <= SETTLED_S
    first = int(np.argmin(near))
    if near[first]:
        return 0
    return next((b for b in range(first, len(near) - 8) if near[b : b + 8].all()), len(near))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--players", type=int, default=10, help="of each kind and rhythm")
    args = parser.parse_args()
    print(f"| {args.players} players each | {' | '.join(RHYTHMS)} |")
    print("|---" * (len(RHYTHMS) + 1) + "|")
    for name, (bpm, tempo) in PLAYERS.items():
        cells = []
        for places in RHYTHMS.values():
            errors, lost = [], 0
            for seed in range(args.players):
                played = play(tempo, places, BEATS, seed)
                off_s = np.abs(errors_s(followed(played, bpm), played))[8:]
                if off_s[-8:].mean() > LOST_BEATS * 60 / bpm:
                    lost += 1
                else:
                    errors.append(off_s)
            off_ms = 1000 * np.concatenate(errors) if errors else np.full(1, np.nan)
            said = f"{off_ms.mean():.0f} / {np.percentile(off_ms, 99):.0f}"
            cells.append(said + (f", {lost} lost" if lost else ""))
        print(f"| {name} | {' | '.join(cells)} |", flush=True)
    print(f"\n| beats until within {1000 * SETTLED_S:g} ms, median | {' | '.join(RHYTHMS)} |")
    print("|---" * (len(RHYTHMS) + 1) + "|")
    for before, after in JUMPS:
        cells = []
        for places in RHYTHMS.values():
            beats, lost = [], 0
            for seed in range(args.players):
                played = play(jump(before, after), places, BEATS, seed)
                off_s = np.abs(errors_s(followed(played, before), played))
                if off_s[-8:].mean() > LOST_BEATS * 60 / after:
                    lost += 1
                else:
                    beats.append(settled(off_s[JUMP_BEAT:]))
            said = f"{np.median(beats):.0f}" if beats else "–"
            cells.append(said + (f", {lost} lost" if lost else ""))
        print(f"| {before} → {after} | {' | '.join(cells)} |", flush=True)
    print("\n| along with the band at 100, ahead of it by | tempo after 64, 128, 256 beats |")
    print("|---|---|")
    for lead_ms in (-20, 0, 10, 20, 30):
        tempi = np.array([along(lead_ms / 1000, 256, seed) for seed in range(args.players)])
        means = (f"{tempi[:, beat - 8 : beat].mean():.0f}" for beat in (64, 128, 256))
        print(f"| {lead_ms} ms | {', '.join(means)} |", flush=True)


if __name__ == "__main__":
    main()
