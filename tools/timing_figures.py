"""Timing analysis against players with known errors: `python tools/timing_figures.py`.

What was put in beside what is told, over ten seeds each: means, and the worst of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from statistics import mean

from jam.messages.snapshot import SongChange
from jam.music.grid import Place
from jam.practice.against import ADDED, MISSED, WRONG, against, wanted_of
from jam.practice.report import Report, report_of
from jam.practice.timing import Timing, beat_of, struck
from jam.settings import JamSettings
from tools.support.known_players import Player, played, put_in, the_tune, wrong_at

SEEDS = range(10)


def reports(player: Player) -> list[Report]:
    return [report_of(*played(replace(player, seed=seed)), key=(0, False)) for seed in SEEDS]


def row(what: str, put_in: float, player: Player, of: Callable[[Timing], float | None]) -> None:
    told = [of(r.timing) if r.timing else None for r in reports(player)]
    found = [t for t in told if t is not None]
    worst = max((abs(t - put_in) for t in found), default=0.0)
    middle = f"{mean(found):8.1f}" if found else "       -"
    print(f"{what:52} {put_in:8.1f} {middle} {worst:8.1f}   {len(found)} of {len(told)}")


def notes_of_a_tune() -> None:
    """Notes left out, wrong and added of a tune that is known: in how many takes exactly those."""
    faults = {"missed": (9, 10, 40, 77), "wrong": (33, 90), "added": (21, 60, 104)}
    for what, player in (
        ("always -20 ms", Player(-20, 10)),
        ("dragging by 12 ms a bar from bar 5", Player(0, 10, drag_bar=4, drag_ms=12)),
        ("swing 0.67", Player(0, 10, swing=2 / 3)),
    ):
        for put, name in ((faults, "4 left out, 2 wrong, 3 added"), ({}, "all right")):
            told, exact = dict.fromkeys((MISSED, WRONG, ADDED), 0), 0
            for seed in SEEDS:
                notes, tempo_map, rows = played(replace(player, seed=seed, **put))  # type: ignore[arg-type]
                change = SongChange(0.0, the_tune())
                wanted = wanted_of([change], [(0.0, JamSettings())], tempo_map, 0, len(rows))
                found = against(struck(notes, tempo_map), wanted)
                assert found is not None
                at = {w: [p for p, which in found.faulty if which == w] for w in told}
                told = {w: n + len(at[w]) for w, n in told.items()}
                exact += all(at_those(at[w], put.get(w, ()), w == ADDED) for w in told)
            mean_told = ", ".join(f"{n / len(SEEDS):g} {w}" for w, n in told.items())
            print(f"{f'{what}, {name}':62} {mean_told}; exactly those in {exact} of {len(SEEDS)}")


def at_those(places: Sequence[Place], numbers: Sequence[int], added: bool) -> bool:
    """Whether these are the places of the notes that were put in, in order; one that was added
    between swung eighths is on no beat, so it may be told a sixteenth off."""
    near = 0.25 if added else 0.0
    put = put_in(numbers, near)
    return len(places) == len(put) and all(
        p.bar == bar and abs(beat_of(p) - beat) <= near
        for p, (bar, beat) in zip(places, put, strict=True)
    )


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
    notes_of_a_tune()
    player = Player(10, 10, wrong=(5, 17, 18, 63, 100))
    wrong = list(wrong_at(player))
    right = [
        [(h.struck.place.bar, beat_of(h.struck.place)) for h in r.outside] == wrong
        for r in reports(player)
    ]
    print(f"{len(wrong)} wrong notes: exactly those told in {sum(right)} of {len(right)} takes")


if __name__ == "__main__":
    main()
