"""Evaluation: any predictor over any lead sheets, beside the baselines, by one ruler.

    python -m models.evaluation.evaluate --data songs/ --out runs/evaluation --seeds 3
    python -m models.evaluation.evaluate --data mine.jsonl --split all \\
        --predictor mymodule:make_predictor
    python -m models.evaluation.evaluate --data songs/ --weights old=DIR new=DIR --compare old new

    python -m models.evaluation.evaluate --pool runs/seed_0 runs/seed_1000 --compare old new

Over the first `--frames` frames of each piece, as the agent is played with
(`models.evaluation.as_played`): intervals are 95 %, by bootstrap over pieces. With
`--frame-by-frame` also the rows that can be compared with published ones: no listening, nothing
committed, nothing foreseen; a chord is drawn for each frame. `--pool` joins runs over the same
pieces that were made one after another, with seeds or players of their own. Writes results.json
and table.md, and the pictures of the situations. Measures are defined in
`models.evaluation.hearing` and `metrics`.
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

from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.music.rows import HIGHEST_PITCH
from jam.settings import STYLES, JamSettings
from models import load_predictor
from models.data.augment import imperfect
from models.data.leadsheet import LeadSheet
from models.data.piece import MIN_FRAMES, Piece, piece_of, read_sheets
from models.data.situations import jumped
from models.evaluation import as_played, metrics
from models.evaluation.as_played import Heard
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

SHIPPED = Path(__file__).parent.parent / "weights"
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
        default=[],
        help="lead sheets: JSONL, MusicXML, ABC, MIDI, or folders of them",
    )
    p.add_argument("--split", choices=("test", "valid", "train", "all"), default="test")
    p.add_argument(
        "--weights",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=DIR",
        help="networks instead of those that are shipped",
    )
    p.add_argument("--predictor", action="append", default=[], metavar="MODULE:FACTORY")
    p.add_argument("--pool", type=Path, nargs="+", default=[], metavar="DIR", help="runs to join")
    p.add_argument("--by-corpus", action="store_true", help="also some measures for each corpus")
    p.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two of the players' names")
    p.add_argument("--temperature", type=float, nargs="+", default=[1.0])
    p.add_argument(
        "--adventurous",
        type=float,
        nargs="+",
        default=[JamSettings().adventurous],
        help="settings at which the online networks play",
    )
    p.add_argument("--foresight", type=int, default=JamSettings().foresight_beats, metavar="BEATS")
    p.add_argument("--commit-beats", type=int, default=JamSettings().commit_beats)
    p.add_argument("--style", choices=STYLES, default="any")
    p.add_argument("--frames", type=int, default=256)
    p.add_argument("--pieces", type=int, help="only so many, the same for any seed")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--seeds", type=int, default=1, help="so many samplings of each piece")
    p.add_argument("--out", type=Path, default=Path("runs/evaluation"))
    p.add_argument("--frame-by-frame", action="store_true", help="also rows as published ones")
    p.add_argument("--situations", action="store_true", help="also a jump of key and cold starts")
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
        raise BadInput(f"--data {', '.join(map(str, args.data))}: no lead sheet to play")
    if args.pieces and args.pieces < len(pieces):
        order = np.random.default_rng(0).permutation(len(pieces))[: args.pieces]
        pieces = [pieces[i] for i in sorted(order)]
    return pieces


def folders(args: argparse.Namespace) -> dict[str, Path]:
    """Name to folder of weights."""
    named = {name: Path(folder) for name, _, folder in (w.partition("=") for w in args.weights)}
    return named or {"shipped": SHIPPED}


def live_players(args: argparse.Namespace) -> dict[str, tuple[Predictor, JamSettings]]:
    """Name to (predictor, settings) of those that can play live."""
    settings = JamSettings(
        foresight_beats=args.foresight, commit_beats=args.commit_beats, style=args.style
    )
    found: dict[str, tuple[Predictor, JamSettings]] = {"rules": (RuleBasedPredictor(), settings)}
    online = {
        n: load_predictor(f) for n, f in folders(args).items() if (f / "online.json").exists()
    }
    others = {spec: load_factory(spec) for spec in args.predictor}
    for name, predictor in (online | others).items():
        for temperature in args.temperature:
            for setting in args.adventurous if name in online else args.adventurous[:1]:
                at = f", T {temperature:g}" if len(args.temperature) > 1 else ""
                at += f", adventurous {setting:g}" if len(args.adventurous) > 1 else ""
                own = settings.changed(temperature=temperature, adventurous=setting)
                found[name + at] = predictor, own
    return found


def players(args: argparse.Namespace) -> dict[str, tuple[Contestant, list[float]]]:
    """Name to (player, temperatures), frame by frame; baselines have no temperature."""
    found: dict[str, tuple[Contestant, list[float]]] = {
        name: (play, [1.0]) for name, play in BASELINES.items()
    }
    for name, folder in folders(args).items():
        if (folder / "online.json").exists():
            for setting in args.adventurous:
                play = network(folder, "online", setting)
                own = name if args.weights else f"{name} online"
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


def frame_by_frame(args: argparse.Namespace, pieces: list[Piece]) -> list[dict[str, Any]]:
    """A row for each player, temperature and corpus."""
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

    for name, (play, temperatures) in tqdm(players(args).items(), desc="frame by frame"):
        for temperature in temperatures:
            shown = None if name in BASELINES else temperature
            take(name, shown, play(pieces, temperature, args.seed))
    take("truth", None, true)
    return rows


def situations(
    players: dict[str, tuple[Predictor, JamSettings]], pieces: list[Piece], seeds: Sequence[int]
) -> dict[str, dict[str, Any]]:
    """Each player's curves: from the start on, and where the melody leaps to another key."""
    long = [p for p in pieces if p.n_frames >= 200][:CURVE_PIECES]
    found: dict[str, dict[str, Any]] = {}
    for name, (predictor, settings) in tqdm(players.items(), desc="situations"):
        erred = [erring(p, seeds[0] + i) for i, p in enumerate(long)]
        calm = metrics.by_beat(as_played.jams(long, predictor, settings, seeds), JUMP_BEATS)
        leapt = as_played.jams([leaping(p) for p in long], predictor, settings, seeds)
        after = metrics.by_beat(leapt, JUMP_BEATS)
        imperfect = as_played.jams(erred, predictor, settings, seeds)
        found[name] = {
            "cold_start": calm[:COLD_BEATS],
            "undisturbed": calm,
            "jump": after,
            "beats_to_recover": recovery(calm, after),
            "imperfect": metrics.measure(imperfect, truth(erred) * len(seeds)),
        }
    return found


def joined(folders: Sequence[Path]) -> tuple[list[str], list[int], int, dict[str, Heard]]:
    """(names of the pieces, seeds, frames, players) of several runs over the same pieces: samplings
    of one player are pooled. Raises BadInput where they don't belong together."""
    runs = []
    for folder in folders:
        try:
            run = json.loads((folder / "results.json").read_text(encoding="utf-8"))
            runs.append((run["pieces"], run["seeds"], run["frames"], run["live"]))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise BadInput(f"{folder}: not a run of this command ({error})") from None
    names, _, frames, _ = runs[0]
    if any(run[0] != names or run[2] != frames for run in runs):
        raise BadInput(f"{folders[0]}: the runs to be joined are over other pieces")
    found: dict[str, Heard] = {}
    for player in dict.fromkeys(player for *_, live in runs for player in live):
        own = [(live[player], len(seeds)) for _, seeds, _, live in runs if player in live]
        counts = [
            [
                {name: (share[0], share[1]) for name, share in piece.items()}
                for piece in of["counts"]
            ]
            for of, _ in own
        ]
        n = sum(times for _, times in own)
        diversity = sum(run["diversity"] * times for run, times in own) / n
        found[player] = Heard(as_played.pooled(counts), diversity)
    seeds = sorted({seed for _, some, _, _ in runs for seed in some})
    return names, seeds, frames, found


def report(
    args: argparse.Namespace, names: Sequence[str], frames: int, heard: dict[str, Heard]
) -> list[str]:
    """What was heard as the agent is played, in parts."""
    parts = [f"{len(names)} pieces, {frames} frames", as_played.table(heard)]
    if args.by_corpus:
        parts.append(as_played.by_corpus(heard, names))
    if args.compare:
        if not set(args.compare) <= set(heard):
            raise BadInput(f"--compare: choose from {', '.join(heard)}")
        parts.append(as_played.comparison(args.compare[0], args.compare[1], heard))
    return parts


def evaluate(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The report in Markdown, and everything that is measured; see results.json."""
    if args.pool:
        names, seeds, frames, heard = joined(args.pool)
        return "\n\n".join(report(args, names, frames, heard)) + "\n", {
            "split": args.split, "frames": frames, "seeds": seeds, "pieces": names,
            "live": {n: {"counts": h.counts, "diversity": h.diversity} for n, h in heard.items()},
        }  # fmt: skip
    pieces = chosen(args)
    field = live_players(args)
    offline = {
        f"{name} offline": network(folder, "offline")
        for name, folder in folders(args).items()
        if (folder / "offline.json").exists()
    }
    names = [*field, *offline, "tonic triad", "truth"]
    if args.compare and not set(args.compare) <= set(names):
        raise BadInput(f"--compare: choose from {', '.join(names)}")
    seeds = [args.seed + 1000 * i for i in range(args.seeds)]
    heard = as_played.measured(pieces, field, seeds, offline)
    parts = report(args, [p.name for p in pieces], args.frames, heard)
    result: dict[str, Any] = {
        "split": args.split,
        "frames": args.frames,
        "seeds": seeds,
        "pieces": [p.name for p in pieces],
        "live": {n: {"counts": h.counts, "diversity": h.diversity} for n, h in heard.items()},
    }
    if args.situations:
        result["curves"] = situations(field, pieces, seeds)
        parts += ["### situations", situation_table(result["curves"])]
    if args.frame_by_frame:
        rows = result["rows"] = frame_by_frame(args, pieces)
        result["stability"] = stability(pieces, args.predictor)
        groups = dict.fromkeys(row["group"] for row in rows)
        parts += [f"### frame by frame: {group}\n\n{table(rows, group)}" for group in groups]
        parts += [
            f"{name}: {share:.3f} of the uncommitted plan frames changed"
            for name, share in result["stability"].items()
        ]
    return "\n\n".join(parts) + "\n", result


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


def situation_table(curves: dict[str, dict[str, Any]]) -> str:
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
        report, result = evaluate(args)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    args.out.mkdir(parents=True, exist_ok=True)
    # NaN and infinity are not JSON.
    text = json.dumps(_plain(result))
    (args.out / "results.json").write_text(text + "\n", encoding="utf-8")
    (args.out / "table.md").write_text(report, encoding="utf-8")
    if "curves" in result:
        plot(result["curves"], args.out)
    print(report)
    print(f"{time.monotonic() - began_s:.0f} s; {args.out}/results.json")
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
