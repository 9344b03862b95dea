"""Networks as one plays with them: the protocol of live play, what a musician hears, intervals.

Each piece's melody is played to the agent frame by frame, with the default settings (two bars of
listening, four beats of lookahead of which the nearest is committed); every chord
counts as it was committed. What is measured begins after the listening. Several seeds of one piece
are pooled, so an interval says how pieces differ. The command is `models.evaluation.evaluate`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from jam.agent.predictor import Predictor
from jam.settings import JamSettings
from models.data.piece import Piece
from models.evaluation import hearing, metrics
from models.evaluation.contestants import Contestant, tonic_triad, truth, with_chords
from models.evaluation.hearing import Counts
from models.evaluation.intervals import Estimate, beyond_chance, differences, estimates
from models.evaluation.live import first_frame, live_jam
from models.evaluation.metrics import Jam
from models.network import vocab

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


def played(predictor: Predictor, piece: Piece, settings: JamSettings, seed: int) -> Jam:
    """A piece with the chords that the predictor gave it live."""
    jam = live_jam(predictor, piece, settings, seed, piece.n_frames)
    return with_chords(piece, *vocab.chord_arrays(jam.chords))


def jams(
    pieces: Sequence[Piece], predictor: Predictor, settings: JamSettings, seeds: Sequence[int]
) -> list[Jam]:
    """All pieces, sampling after sampling; piece i is played with seed + i."""
    return [
        played(predictor, piece, settings, seed + i)
        for seed in seeds
        for i, piece in enumerate(tqdm(pieces, leave=False))
    ]


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


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one player's jams."""

    counts: list[Counts]
    """Of each piece, all seeds together."""
    diversity: float
    """Vendi score, of the truth's: the mean over the seeds."""

    def estimates(self) -> dict[str, Estimate]:
        return estimates(self.counts)


def pooled(samplings: Sequence[Sequence[Counts]]) -> list[Counts]:
    """Hits and chances of each piece, over all samplings of it."""
    found: list[Counts] = []
    for several in zip(*samplings, strict=True):
        names = dict.fromkeys(name for counts in several for name in counts)
        sums = {n: np.sum([c.get(n, (0.0, 0.0)) for c in several], 0) for n in names}
        found.append({n: (float(hits), float(chances)) for n, (hits, chances) in sums.items()})
    return found


def measured(
    pieces: Sequence[Piece],
    players: Mapping[str, tuple[Predictor, JamSettings]],
    seeds: Sequence[int],
    foreknowing: Mapping[str, Contestant] | None = None,
) -> dict[str, Heard]:
    """Every player, those that know the melody beforehand, the tonic triad and the pieces' own
    chords. Piece i is played with seed + i.

    What is measured begins where the default settings have listened enough.
    """
    bars = JamSettings().listen_bars

    def end(whole: Sequence[Jam]) -> list[Jam]:
        return [after_listening(jam, p, bars) for jam, p in zip(whole, pieces, strict=True)]

    own = end(truth(pieces))
    reference = metrics.vendi(own)

    def heard(samplings: Sequence[Sequence[Jam]]) -> Heard:
        counts = [
            [hearing.heard(j, t) for j, t in zip(sampling, own, strict=True)]
            for sampling in samplings
        ]
        diversity = float(np.mean([metrics.vendi(sampling) for sampling in samplings]))
        return Heard(pooled(counts), diversity / reference)

    found = {
        name: heard([end(jams(pieces, predictor, settings, [seed])) for seed in seeds])
        for name, (predictor, settings) in players.items()
    }
    for name, play in (foreknowing or {}).items():
        found[name] = heard([end(play(pieces, 1.0, seed)) for seed in seeds])
    found["tonic triad"] = heard([end(tonic_triad(pieces))])
    found["truth"] = heard([own])
    return found


def table(found: Mapping[str, Heard]) -> str:
    """A column for each player, a line for each measure."""
    lines = ["| | " + " | ".join(found) + " |", "|---" * (len(found) + 1) + "|"]
    shares = [heard.estimates() for heard in found.values()]
    for measure, shown in MEASURES.items():
        cells = [e[measure] for e in shares if measure in e]
        if any(not math.isnan(c.value) for c in cells) and len(cells) == len(found):
            written = ["–" if math.isnan(c.value) else str(c) for c in cells]
            lines.append(f"| {shown} | " + " | ".join(written) + " |")
    diversity = " | ".join(f"{heard.diversity:.2f}" for heard in found.values())
    return "\n".join([*lines, f"| diversity | {diversity} |"])


BY_CORPUS = ("note_in_chord", "sevenths", "clash", "return")


def corpus_of(name: str) -> str:
    """Where a piece of this name is from."""
    return name.split("/")[0]


def by_corpus(found: Mapping[str, Heard], names: Sequence[str]) -> str:
    """Some measures corpus by corpus, a column for each player; `names` of the pieces."""
    parts = []
    for measure in BY_CORPUS:
        lines = [f"| {MEASURES[measure]} | pieces | " + " | ".join(found) + " |"]
        lines.append("|---" * (len(found) + 2) + "|")
        for corpus in sorted(set(map(corpus_of, names))):
            members = [i for i, name in enumerate(names) if corpus_of(name) == corpus]
            cells = []
            for heard in found.values():
                share = estimates([heard.counts[i] for i in members]).get(measure)
                none = share is None or math.isnan(share.value)
                cells.append("–" if none else str(share))
            lines.append(f"| {corpus} | {len(members)} | " + " | ".join(cells) + " |")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def comparison(one: str, other: str, found: Mapping[str, Heard]) -> str:
    """In what the second differs from the first, on the same pieces."""
    lines = []
    for measure, difference in differences(found[one].counts, found[other].counts).items():
        if measure in MEASURES and beyond_chance(difference):
            more = f"{difference.value:+.3f} ({difference.low:+.3f} to {difference.high:+.3f})"
            lines.append(f"- {MEASURES[measure]}: {more}")
    heading = f"{other} against {one}, beyond chance (95 %):"
    return "\n".join([heading, "", *(lines or ["- nothing"])])
