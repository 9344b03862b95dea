"""Mine the files of `jam/accompaniment/played/` from the training pieces of the corpora.

    python -m models.band DATA [--out FOLDER]

DATA holds the unpacked corpora `pop909`, `groove` and `wjd`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from models.band import feel, textures, walking
from models.band.performances import Performance, groove, pop909, weimar, weimar_swing
from models.data.leadsheet import split_of

OUT = Path(__file__).resolve().parents[2] / "jam" / "accompaniment" / "played"


def training(pieces: Iterable[Performance]) -> list[Performance]:
    return [piece for piece in pieces if piece.split == "train"]


def write(path: Path, data: Any) -> None:
    """Write a file, the same for the same data; say how large it is."""
    text = json.dumps(data, separators=(",", ":"), sort_keys=True)
    path.write_text(text + "\n", encoding="utf-8")
    print(f"{path.name}: {len(text):,} bytes")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of the corpora, unpacked")
    parser.add_argument("--out", type=Path, default=OUT, help="where the files go")
    args = parser.parse_args()
    try:
        drums = training(groove(args.data / "groove"))
        pianos = training(pop909(args.data / "pop909"))
        basses = training(weimar(args.data / "wjd"))
        solos = [
            (bpm, ratio)
            for piece, bpm, ratio in weimar_swing(args.data / "wjd")
            if split_of("wjd", piece) == "train"
        ]
        args.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"models.band: {error}", file=sys.stderr)
        return 2
    write(args.out / "feel.json", feel.mine(drums, pianos, basses, solos))
    write(args.out / "walking.json", walking.mine(basses))
    write(args.out / "piano.json", textures.piano(pianos))
    write(args.out / "drums.json", textures.drums(drums))
    write(
        args.out / "fills.json", textures.drums(training(groove(args.data / "groove", "fill")), 1)
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
