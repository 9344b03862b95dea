"""Evaluation: any predictor over any lead sheets, beside the baselines, by one ruler.

    python -m models.evaluation.evaluate --data songs/ --out runs/evaluation
    python -m models.evaluate --data mine.jsonl --split all --predictor mymodule:make_predictor

Simulated jams over the first `--frames` frames of each piece: the melody is streamed, chords are
sampled under the online factorisation. Writes results.json, table.md, adaptation.png and
cold_start.png. Metrics are defined in `models.evaluation.metrics`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from jam.errors import BadInput
from jam.music.rows import HIGHEST_PITCH
from jam.settings import JamSettings
from models.data.augment import imperfect
from models.data.leadsheet import LeadSheet
from models.data.piece import MIN_FRAMES, Piece, piece_of, read_sheets
from models.data.situations import jumped
from models.evaluation import metrics
from models.evaluation.contestants import (
    Contestant,
    load_factory,
    network,
    protocol,
    rules,
    tonic_triad,
    truth,
)
from models.evaluation.live import stability

BASELINES = {"rule-based": rules, "tonic triad": tonic_triad}
JUMP_BEAT, JUMP_BEATS, COLD_BEATS = 16, 32, 16
CURVE_PIECES = 64
COLUMNS = {
    "note_in_chord": "note in chord",
    "of_truth": "of truth's",
    "changes_per_bar": "changes/bar",
    "changes_on_bar_line": "on bar line",
    "chord_size": "size",
    "vendi_ratio": "diversity",
    "silent": "silent",
    "long": "long",
    "onset_interval_emd": "onset EMD",
    "chord_length_entropy": "length entropy",
    "form_4": "form 4",
    "form_8": "form 8",
    "form_16": "form 16",
    "form_32": "form 32",
}


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="lead sheets: JSONL, MusicXML, ABC, MIDI, or folders of them",
    )
    p.add_argument("--split", choices=("test", "valid", "train", "all"), default="test")
    p.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=DIR",
        help="networks beside (or instead of) those that are shipped",
    )
    p.add_argument("--predictor", action="append", default=[], metavar="MODULE:FACTORY")
    p.add_argument("--temperature", type=float, nargs="+", default=[1.0, 0.8])
    p.add_argument(
        "--adventurous",
        type=float,
        nargs="+",
        default=[JamSettings().adventurous],
        help="settings at which the online networks play",
    )
    p.add_argument("--frames", type=int, default=256)
    p.add_argument("--pieces", type=int, help="only so many, chosen by the seed")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, default=Path("runs/evaluation"))
    p.add_argument("--no-plots", action="store_true", help="leave out adaptation and cold start")
    return p.parse_args()


def read(paths: Sequence[Path], split: str | None) -> list[LeadSheet]:
    """Lead sheets of JSONL files and of whatever formats the readers know."""
    found: list[LeadSheet] = []
    for path in paths:
        if path.suffix == ".jsonl" or (path.is_dir() and any(path.glob("*.jsonl"))):
            found.extend(read_sheets([path], split))
        else:
            from models import corpora  # the readers import a good deal

            found.extend(s for s in corpora.read_sheets(path) if split in (None, s.split))
    return found


def chosen(args: argparse.Namespace) -> list[Piece]:
    """The windows that are played. Raises BadInput where there are none."""
    sheets = read(args.data, None if args.split == "all" else args.split)
    pieces = [piece_of(s) for s in sheets if s.n_frames >= MIN_FRAMES]
    pieces = [p.window(0, args.frames) for p in pieces]
    pieces = [p for p in pieces if p.pitch.any() and p.chord.any()]
    if not pieces:
        raise BadInput(f"{', '.join(map(str, args.data))}: no lead sheet to play")
    if args.pieces and args.pieces < len(pieces):
        order = np.random.default_rng(args.seed).permutation(len(pieces))[: args.pieces]
        pieces = [pieces[i] for i in sorted(order)]
    return pieces


def players(args: argparse.Namespace) -> dict[str, tuple[Contestant, list[float]]]:
    """Name to (player, temperatures); baselines have no temperature of their own."""
    found: dict[str, tuple[Contestant, list[float]]] = {
        name: (play, [1.0]) for name, play in BASELINES.items()
    }
    folders = [(n, Path(d)) for n, _, d in (w.partition("=") for w in args.weights)]
    shipped = Path(__file__).parent.parent / "weights"
    for name, folder in folders or [("shipped", shipped)]:
        if (folder / "online.json").exists():
            for setting in args.adventurous:
                play = network(folder, "online", setting)
                own = name if folders else f"{name} online"
                at = f", adventurous {setting:g}" if len(args.adventurous) > 1 else ""
                found[own + at] = (play, args.temperature)
        if (folder / "offline.json").exists():
            own = name if not (folder / "online.json").exists() else f"{name} offline"
            found[own] = (network(folder, "offline"), args.temperature)
    for spec in args.predictor:
        play = protocol(load_factory(spec))
        found[spec] = (play, args.temperature)
    return found


def leaping(piece: Piece) -> Piece:
    """The melody leaps a tritone at beat 17 and stays there."""
    beat = np.cumsum(piece.places[:, metrics.COLUMN["frame_in_beat"]] == 0) - 1
    frame = int(np.argmax(beat >= JUMP_BEAT))
    up = 6 if piece.pitch.max() + 6 <= HIGHEST_PITCH else -6
    return jumped(piece, frame, up, frame)


def erring(piece: Piece, seed: int) -> Piece:
    """Played by an imperfect player; see `models.data.augment`."""
    dice = np.random.default_rng(seed)
    return imperfect(dice, imperfect(dice, piece))


def recovery(calm: Sequence[float], disturbed: Sequence[float]) -> float:
    """Beats after the jump until 95 % of the undisturbed level (mean of four beats) is back."""
    level = float(np.nanmean(calm[JUMP_BEAT:]))
    for beat in range(JUMP_BEAT, len(disturbed) - 3):
        if np.nanmean(disturbed[beat : beat + 4]) >= 0.95 * level:
            return float(beat - JUMP_BEAT)
    return math.inf


def evaluate(args: argparse.Namespace) -> dict[str, Any]:
    """Everything that is measured; see results.json."""
    pieces = chosen(args)
    sources = sorted({p.name.split("/")[0] for p in pieces})
    groups = {"all": list(range(len(pieces)))} | {
        s: [i for i, p in enumerate(pieces) if p.name.startswith(s + "/")] for s in sources
    }
    true = truth(pieces)
    rows: list[dict[str, Any]] = []

    def take(name: str, temperature: float | None, jams: list[metrics.Jam]) -> None:
        for group, members in groups.items():
            real = [true[i] for i in members]
            values = metrics.measure([jams[i] for i in members], real)
            reference = metrics.measure(real, real)
            values["of_truth"] = metrics.ratio(values["note_in_chord"], reference["note_in_chord"])
            rows.append(
                {
                    "group": group,
                    "pieces": len(members),
                    "name": name,
                    "temperature": temperature,
                    **values,
                }
            )

    curves: dict[str, dict[str, Any]] = {}
    field = players(args)
    for name, (play, temperatures) in tqdm(field.items(), desc="players"):
        for temperature in temperatures:
            shown = None if name in BASELINES else temperature
            take(name, shown, play(pieces, temperature, args.seed))
        if not args.no_plots:
            long = [p for p in pieces if p.n_frames >= 200][:CURVE_PIECES]
            calm = metrics.by_beat(play(long, 1.0, args.seed), JUMP_BEATS)
            after = metrics.by_beat(play([leaping(p) for p in long], 1.0, args.seed), JUMP_BEATS)
            erred = [erring(p, args.seed + i) for i, p in enumerate(long)]
            curves[name] = {
                "cold_start": calm[:COLD_BEATS],
                "undisturbed": calm,
                "jump": after,
                "beats_to_recover": recovery(calm, after),
                "imperfect": metrics.measure(play(erred, 1.0, args.seed), truth(erred)),
            }
    take("truth", None, true)
    result: dict[str, Any] = {
        "split": args.split,
        "frames": args.frames,
        "seed": args.seed,
        "pieces": len(pieces),
        "note_in_chord_by": "pooled over frames",
        "rows": rows,
        "curves": curves,
        "stability": stability(pieces, args.predictor),
    }
    return result


def table(rows: Sequence[dict[str, Any]], group: str) -> str:
    """One group's results as a Markdown table."""
    lines = ["| | T | " + " | ".join(COLUMNS.values()) + " |"]
    lines.append("|---" * (len(COLUMNS) + 2) + "|")
    for row in rows:
        if row["group"] == group:
            t = "" if row["temperature"] is None else f"{row['temperature']:g}"
            cells = ["–" if math.isnan(row[c]) else f"{row[c]:.3f}" for c in COLUMNS]
            lines.append(f"| {row['name']} | {t} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def situations(curves: dict[str, dict[str, Any]]) -> str:
    """Cold start, jump of key and imperfect player as a Markdown table, temperature 1."""
    names = (
        "first 16 beats",
        "beats 17 to 32",
        "after a jump at 17",
        "beats to 95 %",
        "imperfect player",
        "its diversity",
        "its changes/bar",
    )
    lines = ["| | " + " | ".join(names) + " |", "|---" * (len(names) + 1) + "|"]
    for name, curve in curves.items():
        erred = curve["imperfect"]
        cells = [
            float(np.nanmean(curve["cold_start"])),
            float(np.nanmean(curve["undisturbed"][JUMP_BEAT:])),
            float(np.nanmean(curve["jump"][JUMP_BEAT:])),
            curve["beats_to_recover"],
            erred["note_in_chord"],
            erred["vendi_ratio"],
            erred["changes_per_bar"],
        ]
        shown = [f"{c:.3f}" for c in cells]
        shown[3] = f"{cells[3]:g}" if math.isfinite(cells[3]) else "over 12"
        lines.append(f"| {name} | {' | '.join(shown)} |")
    return "\n".join(lines)


def plot(curves: dict[str, dict[str, Any]], out: Path) -> None:
    """Note-in-chord by beat: after the jump, and from the first beat on."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    for key, file in (("jump", "adaptation.png"), ("cold_start", "cold_start.png")):
        figure, axes = pyplot.subplots(figsize=(8, 4))
        for name, curve in curves.items():
            axes.plot(range(1, len(curve[key]) + 1), curve[key], label=name)
        if key == "jump":
            axes.axvline(JUMP_BEAT + 1, color="grey", linestyle=":")
        axes.set_xlabel("beat")
        axes.set_ylabel("note in chord")
        axes.legend(fontsize="small")
        figure.tight_layout()
        figure.savefig(out / file, dpi=110)
        pyplot.close(figure)


def main() -> int:
    args = parse()
    began_s = time.monotonic()
    try:
        result = evaluate(args)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    args.out.mkdir(parents=True, exist_ok=True)
    # NaN and infinity are not JSON.
    text = json.dumps(_plain(result), indent=1)
    (args.out / "results.json").write_text(text + "\n", encoding="utf-8")
    groups = dict.fromkeys(row["group"] for row in result["rows"])
    tables = [f"### {g}\n\n{table(result['rows'], g)}\n" for g in groups]
    if result["curves"]:
        tables.append(f"### situations\n\n{situations(result['curves'])}\n")
    for name, share in result["stability"].items():
        tables.append(f"{name}: {share:.3f} of the uncommitted plan frames changed\n")
    (args.out / "table.md").write_text("\n".join(tables), encoding="utf-8")
    if result["curves"]:
        plot(result["curves"], args.out)
    print("\n".join(tables))
    print(f"{result['pieces']} pieces, {time.monotonic() - began_s:.0f} s; {args.out}/results.json")
    return 0


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


if __name__ == "__main__":
    sys.exit(main())
