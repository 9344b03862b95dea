"""How often the form of a piece is found: jazz charts and solos, whose choruses are known.

    python tools/found_forms.py DATA

DATA holds `imaginary-book-chords-only` and `wjd`. Of a chart its chords are played two and a half
times, each bar's by another chord with the probability given; of a solo the first choruses with
melody and chords. "right": the length in bars; "multiple": a part or a multiple of it that a player
would accept (half, twice, a third, a quarter); "none": no form is named.
"""

from __future__ import annotations

import csv
import json
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.chord_notation import parse_symbol
from jam.music.form import find_form
from jam.music.grid import Meter, Place
from jam.music.rows import ChordState, MelodyState, Row

_CHORUSES = 2.5
_WRONG = (0.0, 0.15, 0.3)


def rows_of(bars: Sequence[Sequence[Chord | None]], meter: Meter) -> tuple[list[Row], list[Place]]:
    """Bars of chords, each of equal length, as rows with their places."""
    rows, places = [], []
    for number, chords in enumerate(bars):
        for frame in range(meter.frames_per_bar):
            chord = chords[frame * len(chords) // meter.frames_per_bar] if chords else None
            rows.append(Row(MelodyState(), ChordState(chord)))
            places.append(Place(number, frame, meter))
    return rows, places


def charts(folder: Path) -> Iterator[list[list[Chord | None]]]:
    """The chords of every chart in 4/4, bar by bar, of 8 to 64 bars."""
    with (folder / "charts.json-lines.txt").open(encoding="utf-8") as lines:
        for line in lines:
            data = json.loads(line)
            if data["meter"] != "4/4" or not 8 <= len(data["bars"]) <= 64:
                continue
            bars: list[list[Chord | None]] = []
            last: Chord | None = None
            for symbols in data["bars"]:
                bar = []
                for symbol in symbols or ["/"]:
                    last = last if symbol == "/" else parse_symbol(symbol)[0]
                    bar.append(last)
                bars.append(bar)
            yield bars


def period(bars: Sequence[object]) -> int:
    """The shortest length after which the bars come back exactly: 8 for a chart of 8 bars twice."""
    n = len(bars)
    return next(p for p in range(1, n + 1) if n % p == 0 and bars[p:] == bars[: n - p])


def solos(folder: Path) -> Iterator[tuple[int, list[Row], list[Place]]]:
    """(bars of a chorus, rows, places) of every solo in 4/4 with two whole choruses or more."""
    beats: dict[str, list[dict[str, str]]] = defaultdict(list)
    notes: dict[str, dict[tuple[int, int], list[dict[str, str]]]] = defaultdict(dict)
    with (folder / "beats.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            beats[row["id"]].append(row)
    with (folder / "events.csv").open(encoding="utf-8") as table:
        for row in csv.DictReader(table):
            place = (int(row["bar"]), int(row["beat"]))
            notes[row["id"]].setdefault(place, []).append(row)
    meter = Meter(4, 4)
    for piece, all_rows in beats.items():
        if any("4/4" not in row["signature"] for row in all_rows if row["signature"]):
            continue
        starts = [
            int(b["bar"])
            for a, b in pairwise([{"chorus_id": "0"}, *all_rows])
            if int(b["chorus_id"]) >= 1 and a["chorus_id"] != b["chorus_id"]
        ]
        lengths = [later - start for start, later in pairwise(starts)]
        if not lengths or len(set(lengths)) != 1 or not 4 <= lengths[0] <= 64:
            continue
        last_bar = starts[0] + int(_CHORUSES * lengths[0])
        rows, places = [], []
        chord: Chord | None = None
        pitch: int | None = None
        for row in all_rows:
            bar, beat = int(row["bar"]), int(row["beat"])
            if row["chord"]:
                try:
                    chord = parse_symbol(row["chord"])[0]
                except ValueError:
                    chord = None
            if not starts[0] <= bar < last_bar or beat > 4:
                continue
            at = {
                4 * (int(n["tatum"]) - 1) // int(n["division"]): round(float(n["pitch"]))
                for n in notes[piece].get((bar, beat), ())
            }
            for frame in range(4):
                pitch = at.get(frame, pitch)
                state = MelodyState(pitch, frame in at) if pitch is not None else MelodyState()
                rows.append(Row(state, ChordState(chord)))
                places.append(Place(bar - starts[0], 4 * (beat - 1) + frame, meter))
        yield lengths[0], rows, places


def verdict(found: int | None, right: int) -> str:
    if found is None:
        return "none"
    if found == right:
        return "right"
    part = {right // n for n in (2, 3, 4) if right % n == 0} | {2 * right}
    return "multiple" if found in part else "wrong"


def main(data: Path) -> None:
    print("| what | pieces | right | multiple | wrong | none | mean confidence |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    pieces = list(charts(data / "imaginary-book-chords-only"))
    for wrong in _WRONG:
        dice = random.Random(0)
        counts: Counter[str] = Counter()
        sure = 0.0
        for bars in pieces:
            played = [
                [Chord(dice.randrange(12), dice.choice(QUALITY_NAMES[:5]))]
                if dice.random() < wrong
                else list(bar)
                for bar in (bars * 3)[: int(_CHORUSES * len(bars))]
            ]
            form = find_form(*rows_of(played, Meter(4, 4)))
            counts[verdict(form.bars if form else None, period(bars))] += 1
            sure += form.confidence if form else 0.0
        _print(f"charts, {wrong:.0%} other chords", counts, sure)
    counts, sure = Counter(), 0.0
    for right, rows, places in solos(data / "wjd"):
        form = find_form(rows, places)
        counts[verdict(form.bars if form else None, right)] += 1
        sure += form.confidence if form else 0.0
    _print("solos over changes", counts, sure)


def _print(what: str, counts: Counter[str], sure: float) -> None:
    n = counts.total()
    shares = " | ".join(f"{counts[k] / n:.2f}" for k in ("right", "multiple", "wrong", "none"))
    print(f"| {what} | {n} | {shares} | {sure / n:.2f} |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
