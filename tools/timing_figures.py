"""Timing analysis against players with known errors: `python tools/timing_figures.py`.

What was put in beside what is told, over ten seeds each: means, and the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from statistics import mean

from jam.practice.report import Report, report_of
from jam.practice.timing import Timing, beat_of
from tools.support.known_players import Player, played, wrong_at

SEEDS = range(10)


def reports(player: Player) -> list[Report]:
    return [report_of(*played(replace(player, seed=seed)), key=(0, False)) for seed in SEEDS]


def row(what: str, put_in: float, player: Player, of: Callable[[Timing], float | None]) -> None:
    told = [of(r.timing) if r.timing else None for r in reports(player)]
    found = [t for t in told if t is not None]
    worst = max((abs(t - put_in) for t in found), default=0.0)
    middle = f"{mean(found):8.1f}" if found else "       -"
    print(f"{what:52} {put_in:8.1f} {middle} {worst:8.1f}   {len(found)} of {len(told)}")


def on_beat(beat: int, timing: Timing) -> float | None:
    return next((level.late_ms for level in timing.by_beat if level.at == beat), None)


def main() -> None:
    print(f"{'player':52} {'put in':>8} {'told':>8} {'worst by':>8}   told in")
    for late in (-20.0, 0.0, 15.0, 40.0):
        for jitter in (5.0, 15.0):
            player = Player(late, jitter)
            row(
                f"always {late:+.0f} ms, jitter {jitter:.0f} ms: median ms",
                late,
                player,
                lambda t: t.late_ms,
            )
    for jitter in (5.0, 15.0):
        put_in = 0.6745 * jitter
        row(
            f"jitter {jitter:.0f} ms: half of the notes within ms",
            put_in,
            Player(0, jitter),
            lambda t: t.within_ms,
        )
    for drag in (4.0, 8.0, 15.0):
        player = Player(0, 8, drag_bar=4, drag_ms=drag)
        row(
            f"dragging by {drag:.0f} ms a bar from bar 5: first bar",
            5.0,
            player,
            lambda t: t.change.bar + 1.0 if t.change else None,
        )
        row(
            f"dragging by {drag:.0f} ms a bar from bar 5: ms a bar",
            drag,
            player,
            lambda t: t.change.drift_ms if t.change else None,
        )
    row("steady: a change is told", 0.0, Player(0, 15), lambda t: 1.0 if t.change else None)
    for beat, late in ((4, 25.0), (2, -20.0)):
        player = Player(0, 8, beat_ms=(beat, late))
        row(
            f"beat {beat} alone {late:+.0f} ms: that beat, ms", late, player, partial(on_beat, beat)
        )
    for swing in (0.5, 0.6, 2 / 3):
        row(
            f"swing {swing:.2f}, 10 ms early: median ms",
            -10.0,
            Player(-10, 8, swing=swing),
            lambda t: t.late_ms,
        )
    player = Player(10, 10, wrong=(5, 17, 18, 63, 100))
    wrong = list(wrong_at(player))
    right = [
        [(h.struck.place.bar, beat_of(h.struck.place)) for h in r.outside] == wrong
        for r in reports(player)
    ]
    print(f"{len(wrong)} wrong notes: exactly those told in {sum(right)} of {len(right)} takes")


if __name__ == "__main__":
    main()
