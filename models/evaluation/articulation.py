"""How much the touch changes the harmony: one tune legato, and with shorter notes.

python -m models.evaluation.articulation --data FOLDER

Every melody is played legato (each note up to the next one, where that is no more than a beat
away), at 80 % and at 50 % of these lengths, with the same dice; printed is the share of frames
that have the same chord as the legato one, first as the notes stand and then with the line held
through short gaps (`jam.music.melody.HeldLine`), as it is in play.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from jam.music.grid import nearest_frame
from jam.music.melody import held
from jam.music.rows import REST, MelodyState
from models.data.leadsheet import LeadSheet
from models.data.piece import MIN_FRAMES, Piece, piece_of, read_sheets
from models.evaluation import contestants
from models.network import vocab

SHARES = (0.8, 0.5)
WEIGHTS = Path(__file__).parent.parent / "weights"


def notes_of(line: Sequence[MelodyState]) -> list[tuple[int, int, int]]:
    """(start frame, end frame, pitch) of every note of a line."""
    notes: list[tuple[int, int, int]] = []
    for frame, state in enumerate(line):
        if state.pitch is None:
            continue
        if not state.onset and notes and notes[-1][1] == frame:
            notes[-1] = (notes[-1][0], frame + 1, state.pitch)
        else:
            notes.append((frame, frame + 1, state.pitch))
    return notes


def played(line: Sequence[MelodyState], beats: Sequence[int], share: float) -> list[MelodyState]:
    """The line with every note at a share of its legato length. beats: frames a beat, by frame."""
    notes = notes_of(line)
    found = [REST] * len(line)
    for (start, end, pitch), following in zip(notes, [*notes[1:], None], strict=True):
        if following is not None and following[0] - end <= beats[start]:
            end = following[0]
        last = start + max(1, nearest_frame((end - start) * share))
        for frame in range(start, last):
            found[frame] = MelodyState(pitch, frame == start)
    return found


def with_line(piece: Piece, line: Sequence[MelodyState]) -> Piece:
    pitch, onset = vocab.melody_arrays(line)
    return replace(piece, pitch=pitch, onset=onset)


def variant(sheet: LeadSheet, share: float, holds: bool) -> Piece:
    """The first 256 frames of a sheet, played so."""
    beats = [place.meter.frames_per_beat for place in sheet.places()]
    line = played(sheet.melody, beats, share)
    if holds:
        line = held(zip(line, beats, strict=True))
    return with_line(piece_of(sheet), line).window(0, 256)


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data", type=Path, nargs="+", required=True)
    parser.add_argument("--split", default="valid")
    parser.add_argument("--pieces", type=int, default=60)
    args = parser.parse_args()
    sheets = [s for s in read_sheets(args.data, args.split) if s.n_frames >= MIN_FRAMES]
    order = np.random.default_rng(0).permutation(len(sheets))[: args.pieces]
    sheets = [sheets[i] for i in sorted(order)]
    for kind in ("offline", "online"):
        player = contestants.network(WEIGHTS, kind)
        for holds in (False, True):
            legato, *others = (
                player([variant(sheet, share, holds) for sheet in sheets], 1.0, 0)
                for share in (1.0, *SHARES)
            )
            print(f"{kind}, {'held' if holds else 'as it stands'}:", end="")
            for share, jams in zip(SHARES, others, strict=True):
                pairs = zip(legato, jams, strict=True)
                same = np.concatenate([a.chord == b.chord for a, b in pairs]).mean()
                print(f"  at {100 * share:.0f} %: {same:.3f}", end="")
            print(flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
