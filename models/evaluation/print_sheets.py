"""Accompaniments to look at: melody and chord names by bar, of pieces chosen by a seed.

    python -m models.evaluation.print_sheets --data data.jsonl --pieces 10 --seed 0

Each bar is shown with the melody's notes (a dot holds or rests, one sign a beat), the chords
that the network plays online, and the song's own.
"""

from __future__ import annotations

import argparse
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from jam.errors import BadInput
from jam.music.rows import CHORD_FIRST, chord_of_class
from models.data.piece import Piece, pieces
from models.evaluation.contestants import network, truth
from models.evaluation.metrics import COLUMN, Jam

NOTES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
BARS_A_LINE = 4


def chord_names(jam: Jam, start: int, end: int) -> str:
    """The chords that sound in a bar; "%" where the one before goes on through it."""
    found = []
    before = jam.chord[start - 1] if start else 0
    for frame in range(start, end):
        chord = int(jam.chord[frame])
        if chord != before:
            found.append(chord_of_class(chord - 1 + CHORD_FIRST).symbol if chord else "–")
        elif frame == start:
            found.append("%" if chord else "–")
        before = chord
    return " ".join(found)


def melody_names(jam: Jam, start: int, end: int) -> str:
    """The notes that begin in each beat, beats parted by spaces."""
    beat = int(jam.places[start, COLUMN["beat_frames"]])
    beats = []
    for first in range(start, end, beat):
        frames = range(first, min(first + beat, end))
        notes = [NOTES[int(jam.pitch[f]) % 12] for f in frames if jam.onset[f]]
        beats.append("".join(notes) or ".")
    return " ".join(beats)


def sheet(name: str, jam: Jam, true: Jam, bars: int) -> str:
    """One piece as text."""
    lines_at = np.flatnonzero(jam.places[:, COLUMN["frame_in_bar"]] == 0)[: bars + 1]
    spans = list(pairwise(lines_at))
    rows = [
        [melody_names(jam, s, e) for s, e in spans],
        [chord_names(jam, s, e) for s, e in spans],
        [chord_names(true, s, e) for s, e in spans],
    ]
    text = [name]
    for first in range(0, len(spans), BARS_A_LINE):
        some = range(first, min(first + BARS_A_LINE, len(spans)))
        widths = [max(len(row[i]) for row in rows) for i in some]
        for title, row in zip(("melody", "jam", "song"), rows, strict=True):
            cells = [row[i].ljust(w) for i, w in zip(some, widths, strict=True)]
            text.append(f"  {title:6} | " + " | ".join(cells) + " |")
        text.append("")
    return "\n".join(text)


def main() -> int:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--split", choices=("test", "valid", "train"), default="test")
    p.add_argument("--weights", type=Path, default=Path(__file__).parent.parent / "weights")
    p.add_argument("--adventurous", type=float, default=None)
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument("--pieces", type=int, default=10)
    p.add_argument("--bars", type=int, default=8)
    p.add_argument("--seed", type=int, default=0)
    args = p.parse_args()
    try:
        corpus = pieces(args.data, args.split)
        order = np.random.default_rng(args.seed).permutation(len(corpus))[: args.pieces]
        chosen: list[Piece] = [corpus[i].window(0, 256) for i in order]
        setting = {} if args.adventurous is None else {"adventurous": args.adventurous}
        play = network(args.weights, "online", **setting)
        jams = play(chosen, args.temperature, args.seed)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    for piece, jam, true in zip(chosen, jams, truth(chosen), strict=True):
        print(sheet(piece.name, jam, true, args.bars))
    return 0


if __name__ == "__main__":
    sys.exit(main())
