"""Networks as one plays with them: the protocol of live play, what a musician hears, intervals.

    python -m models.evaluation.as_played --data songs/ --pieces 48
    python -m models.evaluation.as_played --data songs/ --weights old=DIR new=DIR --compare old new

Each piece's melody is played to the agent frame by frame, with the default settings (two bars of
listening, four beats of lookahead of which two are committed, several futures); every chord counts
as it was committed. What is measured begins after the listening. Beside the networks: the rules
that stand in for them, and the pieces' own chords. `--compare` says in what the second differs from
the first beyond chance. Prints Markdown and writes it beside results.json.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.errors import BadInput
from jam.settings import JamSettings
from models import load_predictor
from models.data.piece import Piece
from models.evaluation import hearing, metrics
from models.evaluation.contestants import truth, with_chords
from models.evaluation.evaluate import chosen
from models.evaluation.hearing import Counts
from models.evaluation.intervals import Estimate, beyond_chance, differences, estimates
from models.evaluation.live import first_frame, live_jam
from models.evaluation.metrics import Jam
from models.network import vocab

SHIPPED = Path(__file__).parent.parent / "weights"
MEASURES = {
    "note_in_chord": "note in chord",
    "strong_beats": "on strong beats",
    "clash": "held notes that clash",
    "silent": "silent",
    "chord_size": "chord size",
    "changes_per_bar": "changes a bar",
    "changes_on_bar_line": "changes on bar lines",
    "sevenths": "sevenths",
    "diatonic": "in the local key",
    "key_bars_3_4": "in the key, bars 3 and 4",
    "key_bars_5_8": "bars 5 to 8",
    "modulation_bars_1_3": "after a modulation, bars 1 to 3",
    "return": "the same chords in a bar that returns",
    "return_roots": "the same roots",
    "form_4": "form 4",
    "form_8": "form 8",
    "form_16": "form 16",
    "cadence": "V to I at phrase ends",
    "cadence_kept": "where the song has it",
    "cadence_the_same": "the same",
    "dominants_resolve": "dominants that resolve",
    "falling_fifths": "roots that fall a fifth",
    "two_five_one": "ii, V, I",
}


def parse() -> argparse.Namespace:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True, help="lead sheets")
    p.add_argument("--split", choices=("test", "valid", "train", "all"), default="test")
    p.add_argument("--weights", nargs="+", default=[f"shipped={SHIPPED}"], metavar="NAME=DIR")
    p.add_argument("--compare", nargs=2, metavar=("A", "B"), help="two of the names")
    p.add_argument("--temperature", type=float, default=1.0)
    p.add_argument("--futures", type=int, default=JamSettings().futures)
    p.add_argument("--commit-beats", type=int, default=JamSettings().commit_beats)
    p.add_argument("--style", default="any")
    p.add_argument("--frames", type=int, default=256)
    p.add_argument("--pieces", type=int, default=48)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, default=Path("runs/as_played"))
    return p.parse_args()


def played(predictor: Predictor, piece: Piece, settings: JamSettings, seed: int) -> Jam:
    """A piece with the chords that the predictor gave it live."""
    jam = live_jam(predictor, piece, settings, seed, piece.n_frames)
    return with_chords(piece, *vocab.chord_arrays(jam.chords))


def after_listening(jam: Jam, piece: Piece, bars: int) -> Jam:
    """What is measured."""
    at = slice(first_frame(piece, bars), None)
    return Jam(
        jam.pitch[at],
        vocab.with_changes(jam.pitch[at], jam.onset[at]),
        jam.chord[at],
        vocab.with_changes(jam.chord[at], jam.chord_onset[at]),
        jam.places[at],
    )


def table(found: dict[str, dict[str, Estimate]], diversity: dict[str, float]) -> str:
    """A column for each player, a line for each measure."""
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    for measure, shown in MEASURES.items():
        cells = [e[measure] for e in found.values() if measure in e]
        if len(cells) == len(found) and not any(math.isnan(c.value) for c in cells):
            lines.append(f"| {shown} | " + " | ".join(map(str, cells)) + " |")
    lines.append("| diversity | " + " | ".join(f"{v:.2f}" for v in diversity.values()) + " |")
    return "\n".join(lines)


def comparison(one: str, other: str, counts: dict[str, list[Counts]]) -> str:
    """In what the second differs from the first."""
    lines = []
    for measure, difference in differences(counts[one], counts[other]).items():
        if measure in MEASURES and beyond_chance(difference):
            more = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
            lines.append(f"- {MEASURES[measure]}: {more}")
    heading = f"{other} against {one}, beyond chance (95 %):"
    return "\n".join([heading, "", *(lines or ["- nothing"])])


def measured(args: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The report and what is written as JSON."""
    pieces = chosen(args)
    settings = JamSettings(
        temperature=args.temperature,
        futures=args.futures,
        commit_beats=args.commit_beats,
        style=args.style,
    )
    players: dict[str, Predictor | None] = {"rules": RuleBasedPredictor()}
    for name, _, folder in (w.partition("=") for w in args.weights):
        players[name] = load_predictor(Path(folder))
    players["truth"] = None
    if args.compare and not set(args.compare) <= set(players):
        raise BadInput(f"--compare: choose from {', '.join(players)}")
    bars = settings.listen_bars
    own = [after_listening(j, p, bars) for j, p in zip(truth(pieces), pieces, strict=True)]
    counts: dict[str, list[Counts]] = {}
    diversity = {}
    for name, predictor in players.items():
        jams = own
        if predictor is not None:
            jams = [
                after_listening(played(predictor, p, settings, args.seed + i), p, bars)
                for i, p in enumerate(tqdm(pieces, desc=name, leave=False))
            ]
        counts[name] = [hearing.heard(j, t) for j, t in zip(jams, own, strict=True)]
        diversity[name] = metrics.vendi(jams) / metrics.vendi(own)
    found = {name: estimates(each) for name, each in counts.items()}
    report = f"{len(pieces)} pieces, {args.frames} frames\n\n{table(found, diversity)}\n"
    if args.compare:
        report += f"\n{comparison(args.compare[0], args.compare[1], counts)}\n"
    names = [p.name for p in pieces]
    return report, {"pieces": names, "counts": counts, "diversity": diversity}


def main() -> int:
    args = parse()
    try:
        report, values = measured(args)
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "results.json").write_text(json.dumps(values) + "\n", encoding="utf-8")
    (args.out / "table.md").write_text(report, encoding="utf-8")
    print(report)
    return 0


if __name__ == "__main__":
    sys.exit(main())
