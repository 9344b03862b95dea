"""The improviser measured on held-out solos and tunes, beside the truth and the network before.

    python -m models.evaluation.improvise --data data.jsonl --pieces 40 --seed 0
    python -m models.evaluation.improvise --data data.jsonl --sheets 12 --seed 0 > trades.txt

Each piece is traded: its own melody for a turn, then a contestant's over the same chords, and so
on. What the contestants played in their turns is measured, and the truth in the same bars.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from jam.agent.improviser import SOLO_DICE, Bound, Improviser, Wish
from jam.agent.predictor import gumbel_noise
from jam.agent.soloist import bounds_of
from jam.errors import BadInput
from jam.messages.plans import Solo
from jam.music.grid import Place
from jam.music.rows import N_MELODY_CLASSES, REST, ChordState, MelodyState, Row, melody_state
from jam.roles.phrase import phrase_of
from jam.settings import STYLES, JamSettings
from models.data.leadsheet import LeadSheet, melody_spans
from models.data.piece import MIN_FRAMES, Piece, piece_of, read_sheets
from models.data.solos import batch_of, told
from models.decoding.told import chords_to_come
from models.evaluation.print_sheets import NOTES
from models.improviser import chosen_class, load_improviser
from models.network import vocab
from models.network.transformer import Net
from models.predictor import NeuralPredictor, load_predictor
from models.training import run as training
from models.training.improviser import SOLOS, loss_of

TURN_BARS, TURNS = 4, 4
"""Bars of a turn, and turns of a piece that are played: the first is the piece's own."""
Floats = NDArray[np.float64]


class Before:
    """The network that the improviser began as: the melody that the agent expects of a player."""

    def __init__(self, predictor: NeuralPredictor) -> None:
        self._predictor = predictor

    def improvise(
        self,
        rows: Sequence[Row],
        places: Sequence[Place],
        chords: Sequence[ChordState],
        given: Sequence[MelodyState | None],
        bounds: Sequence[Bound],
        wish: Wish,
        seed: int,
    ) -> list[MelodyState]:
        predictor = self._predictor
        predictor.reset(JamSettings(style=wish.style if wish.style in STYLES else "any"))
        predictor.extend(list(rows), list(places[: len(rows)]))
        line: list[MelodyState] = []
        before = rows[-1].melody if rows else REST
        for i, chord in enumerate(chords):
            place = places[len(rows) + i]
            logits = predictor.melody_logits(place, chord)
            noise = gumbel_noise(seed, len(rows) + i, SOLO_DICE, N_MELODY_CLASSES)
            state = melody_state(chosen_class(logits, before, bounds[i], wish, noise), before)
            predictor.extend([Row(state, chord)], [place])
            line.append(state)
            before = state
        return line


@dataclass(frozen=True, slots=True)
class Traded:
    """A piece that was traded: the melody of every frame, and whose it is."""

    sheet: LeadSheet
    melody: tuple[MelodyState, ...]
    places: tuple[Place, ...]
    mine: tuple[bool, ...]
    """True in the contestant's turns."""


def trade(sheet: LeadSheet, who: Improviser | None, seed: int, first_bar: int = 0) -> Traded:
    """A piece in turns of TURN_BARS from a bar on; who: None plays on what the piece has."""
    places = sheet.places()
    lines = [f for f, p in enumerate(places) if p.frame_in_bar == 0][first_bar:]
    marks = lines[::TURN_BARS][: TURNS + 1]
    start, end = marks[0], marks[-1]
    rows = [
        Row(m, c) for m, c in zip(sheet.melody[start:end], sheet.chords[start:end], strict=True)
    ]
    spots = [Place(p.bar - places[start].bar, p.frame_in_bar, p.meter) for p in places[start:end]]
    mine = [False] * len(rows)
    played: list[Row] = []
    for turn, (first, after) in enumerate(pairwise(marks)):
        a, b = first - start, after - start
        if turn % 2 == 0:
            played += rows[a:b]
            continue
        mine[a:b] = [True] * (b - a)
        if who is None:
            played += rows[a:b]
            continue
        chords = [row.chord for row in rows[a:b]]
        line = answer(who, played, spots[:b], chords, sheet.style, seed)
        played += [Row(m, c) for m, c in zip(line, chords, strict=True)]
    return Traded(sheet, tuple(r.melody for r in played), tuple(spots), tuple(mine))


def answer(
    who: Improviser,
    rows: Sequence[Row],
    places: Sequence[Place],
    chords: Sequence[ChordState],
    style: str,
    seed: int,
) -> list[MelodyState]:
    """A turn as the agent plays it live, with all of its chords known."""
    first, end = len(rows), len(rows) + len(chords)
    meter = places[first].meter
    before = first - TURN_BARS * meter.frames_per_bar
    onsets = [(float(f), r.melody.pitch, 80) for f, r in enumerate(rows)
              if r.melody.onset and r.melody.pitch is not None]  # fmt: skip
    phrase = phrase_of(onsets, before, first, meter.frames_per_beat)
    low, high = 53, 86
    if phrase.lowest is not None and phrase.highest is not None:
        low, high = max(low, min(phrase.lowest - 5, high - 12)), min(high, phrase.highest + 5)
        high = max(high, low + 12)
    solo = Solo(((first, end),), {}, TURN_BARS, phrase.notes_a_beat, phrase.mean_pitch, low, high)
    nothing: list[MelodyState | None] = [None] * len(chords)
    bounds = bounds_of(solo, rows, nothing, first, places[first:end])
    wish = Wish(TURN_BARS, phrase.notes_a_beat, phrase.mean_pitch, low, high, style)
    line = who.improvise(rows, places, chords, nothing, bounds, wish, seed)
    while line and line[0].pitch is not None and not line[0].onset:  # what sounded was the other's
        held = line[0].pitch
        for i, state in enumerate(line):
            if state.pitch != held or state.onset:
                break
            line[i] = REST
    return line


# -- figures ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Figures:
    """Of the frames that are a contestant's, over all pieces."""

    strong_chord_tones: float
    """Share of the notes that begin on strong beats which are of their chord."""
    chord_tones: float
    steps: float
    """Share of intervals of one or two semitones."""
    leaps: float
    """Share of intervals of more than a fifth."""
    interval: float
    """Mean size of intervals, in semitones."""
    duration_beats: float
    notes_a_beat: float
    phrase_beats: float
    """Mean length of what lies between rests of a beat or more."""
    repeated: float
    """Share of three intervals in a row that came before in the piece."""
    density_follows: float
    """Correlation of the notes a beat with those of the turn before."""
    register_follows: float


def figures(traded: Sequence[Traded]) -> Figures:
    """The figures of all pieces together."""
    strong, tones, intervals, durations, phrases = [], [], [], [], []
    repeated, n_notes, n_beats = [], 0, 0.0
    pairs: list[tuple[float, float]] = []
    registers: list[tuple[float, float]] = []
    for t in traded:
        notes = melody_spans(t.melody)
        seen: set[tuple[int, ...]] = set()
        for i, (start, end, pitch) in enumerate(notes):
            beat = t.places[start].meter.frames_per_beat
            gram = None
            if i >= 3:
                gram = tuple(b[2] - a[2] for a, b in pairwise(notes[i - 3 : i + 1]))
            if t.mine[start]:
                n_notes += 1
                chord = t.sheet.chords[start].chord
                durations.append((end - start) / beat)
                if chord is not None:
                    tones.append(pitch % 12 in chord.pitch_classes)
                    if t.places[start].strength >= 2:
                        strong.append(tones[-1])
                if i and t.mine[notes[i - 1][0]]:
                    intervals.append(abs(pitch - notes[i - 1][2]))
                if gram is not None:
                    repeated.append(gram in seen)
            if gram is not None:
                seen.add(gram)
        n_beats += sum(t.mine) / t.places[0].meter.frames_per_beat
        phrases += list(_phrases(t))
        for before, after in _turns(t):
            pairs.append((before[0], after[0]))
            if before[1] is not None and after[1] is not None:
                registers.append((before[1], after[1]))
    return Figures(
        _mean(strong), _mean(tones),
        _mean([i in (1, 2) for i in intervals]), _mean([i > 7 for i in intervals]),
        _mean(intervals), _mean(durations), n_notes / max(1.0, n_beats), _mean(phrases),
        _mean(repeated), _correlation(pairs), _correlation(registers),
    )  # fmt: skip


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(values)) if values else 0.0


def _correlation(pairs: Sequence[tuple[float, float]]) -> float:
    if len(pairs) < 3:
        return 0.0
    one, two = np.array(pairs, np.float64).T
    if one.std() == 0 or two.std() == 0:
        return 0.0
    return float(np.corrcoef(one, two)[0, 1])


def _phrases(t: Traded) -> Iterator[float]:
    """Lengths in beats of the contestant's phrases, within its turns."""
    beat = t.places[0].meter.frames_per_beat
    length = rest = 0
    for state, mine in zip((*t.melody, REST), (*t.mine, False), strict=True):
        rest = rest + 1 if state.pitch is None else 0
        if length and (not mine or rest >= beat):
            yield max(1, length - max(0, rest - 1)) / beat
            length = 0
        elif mine and (length or state.pitch is not None):
            length += 1


def _turns(t: Traded) -> Iterator[tuple[tuple[float, float | None], tuple[float, float | None]]]:
    """((notes a beat, mean pitch) of a turn of the piece's own, the same of the answer)."""
    edges = [0] + [i for i in range(1, len(t.mine)) if t.mine[i] != t.mine[i - 1]] + [len(t.mine)]
    found = []
    beat = t.places[0].meter.frames_per_beat
    for first, after in pairwise(edges):
        pitches = [m.pitch for m in t.melody[first:after] if m.onset and m.pitch is not None]
        mean = float(np.mean(pitches)) if pitches else None
        found.append((len(pitches) * beat / max(1, after - first), mean))
    yield from zip(found[::2], found[1::2], strict=False)


def perplexities(sheets: Sequence[LeadSheet], folder: Path) -> dict[str, float]:
    """exp(nats a frame) of the true melody, with the chords known: of the network before, and of
    the improviser (told the chords to come and nothing of the melody to come)."""
    online, improviser = (
        training.load_net(folder, "online"),
        training.load_net(folder, "improviser"),
    )
    losses: dict[str, list[tuple[float, int]]] = {"before": [], "improviser": []}
    for sheet in sheets:
        piece = piece_of(sheet).window(0, 256)
        with torch.no_grad():
            losses["improviser"].append((_improviser_loss(improviser, piece), piece.n_frames))
            losses["before"].append((_online_loss(online, piece), piece.n_frames))
    return {
        name: float(np.exp(sum(v * n for v, n in found) / sum(n for _, n in found)))
        for name, found in losses.items()
    }


def _improviser_loss(net: Net, piece: Piece) -> float:
    known = told(np.random.default_rng(0), piece)
    for name in known:
        if name.startswith(("echo.", "asked.")):
            known[name] = np.zeros(piece.n_frames, np.int64)
    known |= _all_chords(piece)
    return float(loss_of(net, batch_of([piece], [known], piece.n_frames)))


def _all_chords(piece: Piece) -> dict[str, vocab.Ints]:
    return chords_to_come(piece.chord, piece.chord_onset, np.full(piece.n_frames, vocab.MAX_UNTIL))


def _online_loss(net: Net, piece: Piece) -> float:
    batch = batch_of([piece], [_all_chords(piece)], piece.n_frames)
    features = {k: v for k, v in batch.features.items() if "." not in k}
    logits = net.melody_logits(net.hidden(features), batch.now, batch.last_pitch)
    return float(training.class_loss(logits, batch.target, batch.weight))


# -- lead sheets -----------------------------------------------------------------------------


def sheet_text(t: Traded, title: str) -> str:
    """A traded piece by bars: whose turn it is, the notes that begin on each beat, the chords."""
    lines = [title]
    bars: list[tuple[str, str]] = []
    for first in [f for f, p in enumerate(t.places) if p.frame_in_bar == 0]:
        meter = t.places[first].meter
        frames = range(first, min(first + meter.frames_per_bar, len(t.melody)))
        beats: list[str] = []
        for f in frames:
            if (f - first) % meter.frames_per_beat == 0:
                beats.append("")
            state = t.melody[f]
            if state.onset and state.pitch is not None:
                octave = "'" * max(0, state.pitch // 12 - 5) + "," * max(0, 5 - state.pitch // 12)
                beats[-1] += NOTES[state.pitch % 12] + octave
        names: list[str] = []
        for f in frames:
            chord = t.sheet.chords[f].chord
            if chord and (t.sheet.chords[f].onset or f == first) and names[-1:] != [chord.symbol]:
                names.append(chord.symbol)
        bars.append((" ".join(b or "." for b in beats), " ".join(names) or "%"))
    for first in range(0, len(bars), TURN_BARS):
        some = bars[first : first + TURN_BARS]
        widths = [max(len(notes), len(chords)) for notes, chords in some]
        frame = next(f for f, p in enumerate(t.places) if p.bar == first)
        whose = "agent" if t.mine[frame] else "solo "
        for head, row in ((whose, 0), ("     ", 1)):
            cells = [bar[row].ljust(w) for bar, w in zip(some, widths, strict=True)]
            lines.append(f"  {head} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def held_out(paths: Sequence[Path], split: str) -> tuple[list[LeadSheet], list[LeadSheet]]:
    """(solos, tunes) that are long enough to be traded, in 4/4, in the order of their files."""
    solos: list[LeadSheet] = []
    tunes: list[LeadSheet] = []
    need = TURN_BARS * TURNS * 16
    for sheet in read_sheets(paths, split):
        bars = str(sheet.meters[0][1]) == "4/4" and len(sheet.meters) == 1
        if sheet.n_frames < max(MIN_FRAMES, need) or not bars:
            continue
        part = sheet.melody[:need]
        if sum(m.pitch is not None for m in part) < need // 3:
            continue
        if sum(c.chord is not None for c in sheet.chords[:need]) < need * 0.9:
            continue
        (solos if sheet.source == SOLOS else tunes).append(sheet)
    return solos, tunes


def main() -> int:
    p = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True)
    p.add_argument("--split", choices=("test", "valid"), default="test")
    p.add_argument("--weights", type=Path, default=Path(__file__).parent.parent / "weights")
    p.add_argument("--pieces", type=int, default=40, help="of each kind")
    p.add_argument("--sheets", type=int, default=0, help="print so many traded pieces instead")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--json", type=Path)
    args = p.parse_args()
    try:
        kinds = dict(zip(("solos", "tunes"), held_out(args.data, args.split), strict=True))
        chosen = {
            kind: [
                sheets[i]
                for i in np.random.default_rng(args.seed).permutation(len(sheets))[: args.pieces]
            ]
            for kind, sheets in kinds.items()
            if sheets
        }
        who = load_improviser(args.weights)
        if args.sheets:
            n_solos = (2 * args.sheets + 2) // 3
            solos, tunes = chosen.get("solos", []), chosen.get("tunes", [])
            wanted = solos[:n_solos] + tunes[: args.sheets - n_solos]
            for i, sheet in enumerate(wanted):
                title = f"{i + 1}. {sheet.source}/{sheet.piece}"
                print(sheet_text(trade(sheet, who, args.seed + i), title))
            return 0
        before = Before(load_predictor(args.weights))
    except BadInput as error:
        print(error, file=sys.stderr)
        return error.exit_status
    contestants: dict[str, Improviser | None] = {
        "truth": None, "before": before, "improviser": who
    }  # fmt: skip
    found: dict[str, dict[str, dict[str, float]]] = {}
    for kind, sheets in chosen.items():
        found[kind] = {}
        for name, one in contestants.items():
            traded = [trade(sheet, one, args.seed + i) for i, sheet in enumerate(sheets)]
            found[kind][name] = asdict(figures(traded))
        for name, value in perplexities(sheets, args.weights).items():
            found[kind][name]["perplexity"] = value
        _print(kind, len(sheets), found[kind])
    if args.json:
        args.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


def _print(kind: str, n: int, found: dict[str, dict[str, float]]) -> None:
    print(f"\n{n} held-out {kind}")
    names = list(found)
    print(f"{'':22}" + "".join(f"{name:>12}" for name in names))
    for key in [*next(iter(found.values())), "perplexity"]:
        cells = (f"{found[n][key]:12.3f}" if key in found[n] else f"{'':12}" for n in names)
        print(f"{key:22}" + "".join(cells))


if __name__ == "__main__":
    sys.exit(main())
