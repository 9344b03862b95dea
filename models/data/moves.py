"""Moves from chord to chord counted: `python -m models.data.moves LEAD_SHEETS.jsonl …`.

Prints `jam/agent/move_table.py` from the training pieces: for two families of qualities and
the way between their roots the lift, p(after | before) over p(after by chance): its family's
share, on any root.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.agent.moves import FAMILIES, FAMILY_OF
from jam.music.chord import Chord
from models.data.leadsheet import LeadSheet, chord_spans, read_jsonl

_PRIOR = 2.0
"""Moves of chance that every pair is given."""
Move = tuple[int, int, int]
"""Family before, semitones up, family after."""


def moves_of(sheet: LeadSheet) -> Iterator[tuple[Chord, Chord]]:
    """Chords that follow each other without a gap, where they are two."""
    for (_, end, before), (start, _, after) in pairwise(chord_spans(sheet.chords)):
        if end == start and before != after:
            yield before, after


def counts(sheets: Iterable[LeadSheet]) -> NDArray[np.float64]:
    """How often every move was made: (families, 12, families)."""
    found = np.zeros((len(FAMILIES), 12, len(FAMILIES)))
    for sheet in sheets:
        for before, after in moves_of(sheet):
            up = (after.root - before.root) % 12
            found[FAMILY_OF[before.quality], up, FAMILY_OF[after.quality]] += 1
    return found


def lifts(found: NDArray[np.float64]) -> NDArray[np.float64]:
    """The table, from counts."""
    chance = found.sum((0, 1)) / found.sum() / 12
    smoothed = found + _PRIOR * 12 * len(FAMILIES) * chance
    share = smoothed / smoothed.sum((1, 2), keepdims=True)
    return np.asarray(share / np.maximum(chance, 1e-9))


HEAD = """\
\"\"\"How much more often than by chance songs go from chord to chord: %s moves counted.

Made by `python -m models.data.moves`. LIFTS[family before][semitones up][family after], in the
order of `jam.agent.moves.FAMILIES`.
\"\"\"

LIFTS: tuple[tuple[tuple[float, ...], ...], ...] = (
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+", help="lead sheets")
    args = parser.parse_args()
    sheets = (s for path in args.data for s in read_jsonl(path) if s.split == "train")
    found = counts(sheets)
    print(HEAD % f"{int(found.sum()):,}", end="")
    for rows in lifts(found).tolist():
        print("    (")
        for row in rows:
            print(f"        ({', '.join(str(round(x, 2)) for x in row)}),")
        print("    ),")
    print(")")


if __name__ == "__main__":
    main()
