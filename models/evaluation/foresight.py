"""What foresight brings and costs: `JamSettings.foresight_beats` under the protocol of live play.

    python -m models.evaluation.foresight --data songs/ --beats 0 2 4 8

Each piece's melody is played to the agent frame by frame; every chord counts as it was committed.
Prints a Markdown table and writes it beside results.json. A setting that brings nothing in
note-in-chord, or pays for it with size, diversity or steadiness, is not worth its time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from typing import Any

from tqdm import tqdm

from jam.errors import BadInput
from jam.settings import JamSettings
from models import load_predictor
from models.data.piece import Piece
from models.evaluation import metrics
from models.evaluation.contestants import with_chords
from models.evaluation.evaluate import chosen
from models.evaluation.live import live_jam
from models.network import vocab

COLUMNS = {
    "note_in_chord": "note in chord",
    "chord_size": "size",
    "changes_per_bar": "changes/bar",
    "vendi_ratio": "diversity",
    "silent": "silent",
    "plan_changes": "plan frames changed",
    "plan_ms": "plan ms",
    "plan_ms_p99": "p99",
}


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--data", type=Path, nargs="+", required=True, help="as models.evaluation.evaluate"
    )
    p.add_argument("--split", choices=("test", "valid", "train", "all"), default="valid")
    p.add_argument("--beats", type=int, nargs="+", default=[0, 2, 4, 8])
    p.add_argument("--temperature", type=float, nargs="+", default=[1.0])
    p.add_argument("--weights", type=Path, help="folder of weights (default: those shipped)")
    p.add_argument("--frames", type=int, default=256)
    p.add_argument("--pieces", type=int, default=48)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, default=Path("runs/foresight"))
    return p.parse_args()


def jammed(
    pieces: list[Piece], settings: JamSettings, args: argparse.Namespace
) -> dict[str, float]:
    """One line of the table."""
    predictor = load_predictor(args.weights)
    jams, truths, changed, compared, times_ms = [], [], 0, 0, []
    what = f"{settings.foresight_beats} beats foreseen, temperature {settings.temperature:g}"
    for number, piece in enumerate(tqdm(pieces, desc=what, leave=False)):
        jam = live_jam(predictor, piece, settings, args.seed + number, args.frames)
        played = piece.window(0, len(jam.chords))
        jams.append(with_chords(played, *vocab.chord_arrays(jam.chords)))
        truths.append(with_chords(played, played.chord, played.chord_onset))
        changed += jam.changed
        compared += jam.compared
        times_ms += jam.plan_ms
    times_ms.sort()
    return metrics.measure(jams, truths) | {
        "plan_changes": changed / max(1, compared),
        "plan_ms": median(times_ms),
        "plan_ms_p99": times_ms[int(0.99 * (len(times_ms) - 1))],
    }


def table(rows: list[dict[str, Any]]) -> str:
    lines = ["| beats foreseen | T | " + " | ".join(COLUMNS.values()) + " |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    for row in rows:
        cells = [f"{row[c]:.1f}" if "ms" in c else f"{row[c]:.3f}" for c in COLUMNS]
        lines.append(f"| {row['beats']} | {row['temperature']:g} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(out: Path, rows: list[dict[str, Any]], heading: str) -> None:
    """After every line of the table, for it takes minutes."""
    out.mkdir(parents=True, exist_ok=True)
    (out / "results.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (out / "table.md").write_text(f"{heading}\n\n{table(rows)}\n", encoding="utf-8")


def main() -> int:
    args = parse()
    try:
        pieces = chosen(args)
        heading = f"{len(pieces)} pieces, {args.frames} frames each"
        rows = []
        for temperature in args.temperature:
            for beats in args.beats:
                settings = JamSettings(
                    foresight_beats=beats, temperature=temperature, listen_bars=0
                )
                found = jammed(pieces, settings, args)
                rows.append({"beats": beats, "temperature": temperature} | found)
                write(args.out, rows, heading)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    print(f"{heading}\n\n{table(rows)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
