"""How well the chords found in the voices of scores agree with what people heard in them.

    python tools/chord_finder.py LIEDER [--limit N]

LIEDER: the folder with `lieder.jsonl` (chords of Roman numerals) and `original/` (scores without
chord symbols, beside each its analysis: analysis.txt by people, analysis_automatic.rntxt by a
network). Every frame with a chord in both is compared: the root, root with triad, the whole chord.
"people, unseen" are the songs that the finder's numbers were not fitted to.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from jam.errors import BadInput
from jam.music.chord import QUALITIES, Chord
from models.corpora.collections import score_draft
from models.corpora.draft import finish
from models.corpora.musicxml import read_score
from models.data.leadsheet import read_jsonl


def triad(chord: Chord) -> tuple[int, frozenset[int]]:
    return chord.root, frozenset(QUALITIES[chord.quality][0]) & {3, 4, 6, 7, 8}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("lieder", type=Path)
    parser.add_argument("--limit", type=int, default=10_000)
    args = parser.parse_args()
    counts = {by: Counter[str]() for by in ("people, fitted", "people, unseen", "automatic")}
    by_people = 0
    for sheet in list(read_jsonl(args.lieder / "lieder.jsonl"))[: args.limit]:
        folder = args.lieder / "original" / sheet.piece
        by = "automatic"
        if (folder / "analysis.txt").is_file():
            by = "people, fitted" if by_people % 3 == 1 else "people, unseen"
            by_people += 1
        try:
            found = finish(score_draft("x", "x", read_score((folder / "score.mxl").read_bytes())))
        except (BadInput, OSError):
            counts[by]["not read"] += 1
            continue
        if found.n_frames != sheet.n_frames:
            counts[by]["of another length"] += 1
            continue
        counts[by]["pieces"] += 1
        for ours, theirs in zip(found.chords, sheet.chords, strict=True):
            if ours.chord is not None and theirs.chord is not None:
                counts[by]["frames"] += 1
                counts[by]["root"] += ours.chord.root == theirs.chord.root
                counts[by]["triad"] += triad(ours.chord) == triad(theirs.chord)
                counts[by]["exact"] += ours.chord == theirs.chord
    for by, count in counts.items():
        frames = max(1, count["frames"])
        shares = ", ".join(
            f"{what} {count[what] / frames:.1%}" for what in ("root", "triad", "exact")
        )
        print(f"{by}: {count['pieces']} pieces, {frames:,} frames: {shares}")
        print(f"  not read {count['not read']}, of another length {count['of another length']}")


if __name__ == "__main__":
    main()
