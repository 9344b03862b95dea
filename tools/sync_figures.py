"""How well a MIDI clock that wavers and loses ticks is followed: a table of the grid's errors.

Simulated time: the clock's ticks go through what follows a real one (`jam.sync.midi_clock`,
`jam.sync.follower`), looked at 50 times a second as the stage does.

    python tools/sync_figures.py
    python tools/sync_figures.py --minutes 1
    python tools/sync_figures.py --partners link jack --minutes 1
    python tools/sync_figures.py --partners jack --bpm 200

With `--partners` a Link peer and a JACK timebase master, each in a process of its own, are followed
instead, in real time, for so many minutes at each tempo. Runs side by side don't hear each other's
Link peers where each has a network of its own (`unshare -n`).
"""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from jam.clock import SystemClock
from jam.music.grid import Meter, TempoMap
from jam.sync.beats import Source
from jam.sync.follower import Follower
from jam.sync.jack_transport import JackSource
from jam.sync.link import LinkSource
from jam.sync.midi_clock import ClockIn
from tools.support.beat_partners import Ask, master, partner, peer
from tools.support.jack import JackServer

LOOK_S = 0.02
SETTLED_S = 0.005
PARTNERS: dict[str, tuple[Callable[[float], None], type[LinkSource] | type[JackSource]]] = {
    "link": (peer, LinkSource),
    "jack": (master, JackSource),
}
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


def beside(source: Source, ask: Ask, seconds: float, jump: float) -> tuple[list[float], float, int]:
    """A jam's errors beside a partner, in ms, every quarter of a second; beats until they are
    below SETTLED_S after the tempo `jump` was set; changes of tempo before it."""
    clock, follower = SystemClock(), Follower()
    begin_s = clock.now_s()
    tempo_map = TempoMap.constant(100, Meter(), begin_s)
    seen: list[list[float]] = []
    asked_s, jumped_s, changes = begin_s + 2, math.inf, 0
    while (now_s := clock.now_s()) < begin_s + seconds + 10:
        if (line := source.heard(now_s).line) is not None:
            first = max(1, math.floor(tempo_map.position_at(now_s)) + 1)
            tempo_map = follower.follow(tempo_map, line, first)
        if now_s >= asked_s:
            seen.append(ask("look"))
            asked_s += 0.25 if jumped_s == math.inf else 0.05
        if now_s >= begin_s + seconds and jumped_s == math.inf:
            changes = len(tempo_map.segments)
            jumped_s = ask(f"bpm {jump}")[0]
            asked_s = clock.now_s()
        clock.wait_until(now_s + LOOK_S)
    off = np.array([tempo_map.position_at(at_s) - 4 * beat for at_s, beat, *_ in seen])
    off -= np.round(np.median(off))
    off_ms = [
        1000 * abs(o) * tempo_map.frame_s_at(tempo_map.position_at(at_s))
        for o, (at_s, *_) in zip(off, seen, strict=True)
    ]
    after = [(at_s, o) for o, (at_s, *_) in zip(off_ms, seen, strict=True) if at_s > jumped_s]
    late = max((at_s for at_s, o in after if o > 1000 * SETTLED_S), default=jumped_s)
    before = [o for o, (at_s, *_) in zip(off_ms, seen, strict=True) if at_s < jumped_s]
    return before[16:], (late - jumped_s) * jump / 60, changes


def partners(names: list[str], tempos_bpm: list[float], minutes: float) -> None:
    """The table of Link and JACK."""
    clock = SystemClock()
    print("| | bpm | mean (ms) | 99 % | worst | changes of tempo | beats to settle after +10 % |")
    print("|---|---|---|---|---|---|---|")
    server = JackServer(f"jamfigures{os.getpid()}") if "jack" in names else None
    if server is not None:
        os.environ.update(server.environment)
    for name in names:
        kind, open_source = PARTNERS[name]
        for bpm in tempos_bpm:
            with partner(kind, bpm) as ask:
                source = open_source(clock, bpm, 16, True)
                ask("play")
                clock.wait_until(clock.now_s() + 2)
                off, beats, changes = beside(source, ask, 60 * minutes, 1.1 * bpm)
                ask("stop")
                source.close()
            said = f"{np.mean(off):.2f} | {np.percentile(off, 99):.2f} | {max(off):.2f}"
            print(f"| {name} | {bpm:g} | {said} | {changes} | {beats:.2f} |", flush=True)
    if server is not None:
        server.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--sigma-ms", type=float, default=2.0)
    parser.add_argument("--lost", type=float, default=1 / 200)
    parser.add_argument(
        "--partners",
        nargs="*",
        choices=PARTNERS,
        help="these (both if none is named), in real time",
    )
    parser.add_argument("--bpm", nargs="+", type=float, default=[60, 120, 200])
    args = parser.parse_args()
    if args.partners is not None:
        partners(args.partners or list(PARTNERS), args.bpm, args.minutes)
        return
    sigma_s = args.sigma_ms / 1000
    print("| bpm | mean (ms) | 99 % | worst | changes of tempo |")
    print("|---|---|---|---|---|")
    for bpm in args.bpm:
        due_s = np.arange(0, 60 * args.minutes, 60 / bpm / 24)
        tempo_map, first = followed(due_s, sigma_s, args.lost, 0)
        off_ms = 1000 * np.abs(errors_s(tempo_map, due_s, first))[32:]
        said = f"{off_ms.mean():.2f} | {np.percentile(off_ms, 99):.2f} | {off_ms.max():.2f}"
        print(f"| {bpm:g} | {said} | {len(tempo_map.segments)} |", flush=True)
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
