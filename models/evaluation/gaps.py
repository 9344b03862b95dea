"""Gaps filled: how likely the truth is there, and what is put in its place, beside the baselines.

    python -m models.evaluation.gaps --data songs/ --pieces 40 --out runs/gaps

In held-out pieces gaps of 1, 2, 4 and 8 bars, of the chords or of the melody, are closed by the
infilling network; by the offline network, which knows the whole melody but no chord after the gap;
by the same with its ways through the gap weighed by the chords after it, as review fills gaps of
chords ("offline, weighed"); by copying the nearest bar that is like this one; and by the truth.
Likelihoods are of the truth's frames from left to right, in nats a bar, as classes of
`jam.music.rows` (hold, or what begins).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from jam.agent.rewriting import Gap, Rewriter
from models.data.leadsheet import LeadSheet
from models.data.masks import free_of_notes_outside
from models.data.phrases import phrase_ends
from models.data.piece import Piece, piece_of, read_sheets
from models.decoding import spectral
from models.decoding.decoder import no_memory, normed, remember, shared_features
from models.decoding.harmoniser import OfflineDecoder, drawn
from models.decoding.infiller import AROUND_BARS, Infiller, InfillingRewriter, load_infiller
from models.decoding.reharmoniser import Music, Reharmoniser
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats
from models.network import gaps, vocab
from models.network.chords import CHORD_TONES, leads_home
from models.network.gaps import Bools, Gaps
from models.network.vocab import Ints

BARS = (1, 2, 4, 8)
PARTS = ("chords", "melody")
DRAWS = 4
"""Proposals of each gap."""
WEIGHED = 64
"""Ways through a gap from which it is counted how likely the chords after it are."""
MOST_FRAMES = 384
_FRAME_IN_BAR, _STRENGTH = (
    vocab.PLACE_FEATURES.index(name) for name in ("frame_in_bar", "strength")
)
SHIPPED = Path(__file__).parent.parent / "weights"


@dataclass(frozen=True, slots=True)
class Case:
    """A gap in a piece. span: its bars. opened: the frames that are drawn; notes of the melody that
    sound outside stay."""

    sheet: LeadSheet
    piece: Piece
    part: str
    span: slice
    opened: Bools

    @property
    def n_bars(self) -> int:
        return int((self.piece.places[self.span, _FRAME_IN_BAR] == 0).sum())


def cases(sheets: Sequence[LeadSheet], n_bars: int, part: str, seed: int) -> list[Case]:
    """One gap in each piece that has room for it."""
    found = []
    for number, sheet in enumerate(sheets):
        piece = piece_of(sheet)
        lines = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
        rng = np.random.default_rng((seed, number, n_bars))
        starts = [
            i
            for i in range(2, len(lines) - n_bars - 1)
            if piece.chord[lines[i] : lines[i + n_bars]].all()
            and (piece.pitch[lines[i] : lines[i + n_bars]] > 0).mean() > 0.5
        ]
        if not starts:
            continue
        i = int(rng.choice(starts))
        span = slice(int(lines[i]), int(lines[i + n_bars]))
        opened = np.zeros(piece.n_frames, bool)
        opened[span] = True
        if part == "melody":
            opened = free_of_notes_outside(piece.pitch, piece.onset, opened)
        if opened.any():
            found.append(Case(sheet, piece, part, span, opened))
    return found


# Likelihood of the truth


def infilled_likelihood(net: Infiller, case: Case) -> float:
    """Nats a bar, from left to right."""
    piece, part = case.piece, case.part
    where = np.flatnonzero(case.opened)
    bar = int(piece.places[where[0], vocab.PLACE_FEATURES.index("bar_frames")])
    low = max(0, int(where[0]) - AROUND_BARS * bar)
    cut = slice(low, int(where[-1]) + 1 + AROUND_BARS * bar)
    window = piece.window(cut.start, cut.stop - cut.start)
    opened, nothing = case.opened[cut][None].copy(), np.zeros((1, window.n_frames), bool)
    span = nothing.copy()
    span[0, case.span.start - low : case.span.stop - low] = part == "chords"
    shown = Gaps(
        window.pitch[None],
        window.onset[None],
        window.chord[None],
        window.chord_onset[None],
        window.places[None],
        opened if part == "melody" else nothing,
        opened if part == "chords" else nothing,
        span,
        np.array([gaps.around(window.pitch, ~(opened[0] if part == "melody" else nothing[0]))]),
    )
    rows = np.flatnonzero(opened[0])
    reading = net.read(shown)
    value, onset, head, classes = (
        (window.chord, window.chord_onset, net.chord_out, gaps.chords_of(
            np.arange(gaps.N_CHORD_STATES)))
        if part == "chords"
        else (window.pitch, window.onset, net.melody_out, gaps.melody_of(
            np.arange(gaps.N_MELODY_STATES), int(shown.around[0])))
    )  # fmt: skip
    total = 0.0
    for i, t in enumerate(rows.tolist()):
        hidden = reading.out[:, rows[i]] if not i else net.again(reading, shown, rows)[:, i]
        logits = head(normed(hidden))[0].astype(np.float64)
        total += _of_truth(logits, *classes, value, onset, t)
        opened[0, t] = False
    return total / case.n_bars


def _of_truth(
    logits: NDArray[np.float64], value: Ints, begins: Ints, truth: Ints, onset: Ints, t: int
) -> float:
    """Log-probability of the truth at t, given that it sounds at t - 1."""
    shares = np.exp(logits - logits.max())
    shares /= shares.sum()
    before = int(truth[t - 1]) if t else 0
    now, starts = int(truth[t]), bool(onset[t])
    same = value == now
    if now == 0:
        mine = shares[same].sum()
    elif now == before and not starts:
        mine = shares[same & (begins == 0)].sum()
    else:  # what isn't there yet can't go on
        mine = shares[same].sum() if now != before else shares[same & (begins == 1)].sum()
    return float(np.log(max(mine, 1e-9)))


def offline_likelihoods(net: OfflineDecoder, piece: Piece) -> Floats:
    """Of every frame's true chord, given the melody and the true chords before it, (n,)."""
    shared = shared_features(piece.places, 0, 0)[None]
    encoded = net.encode(piece.pitch[None], piece.onset[None], shared)
    decoder, memory = net.for_batch(1, piece.n_frames), no_memory(1)
    before = np.concatenate([[0], piece.chord[:-1]])
    target = vocab.chord_targets(piece.chord, piece.chord_onset, before)
    found = np.zeros(piece.n_frames, np.float32)
    for t in range(piece.n_frames):
        logits = decoder.chord_logits(memory, shared[:, t], encoded[:, t])[0].astype(np.float64)
        found[t] = logits[target[t]] - np.logaddexp.reduce(logits)
        here = slice(t, t + 1)
        memory = remember(
            memory, piece.pitch[here], piece.onset[here], piece.chord[here], piece.chord_onset[here]
        )
    return found


def weighed_likelihood(net: Reharmoniser, case: Case, told: Floats, seed: int) -> float:
    """Nats a bar, given the chords after the gap too. told: of `offline_likelihoods`.

    How likely these are in all is the mean over ways that are drawn and the truth, which makes the
    truth rather less likely than it is (Grosse et al. 2015, arXiv 1511.02543).
    """
    piece = case.piece
    music = Music(piece.pitch, piece.onset, piece.chord, piece.chord_onset, piece.places)
    rng = np.random.default_rng((seed, 23))
    drawn_ = net.ways(
        music,
        np.repeat(case.opened[None], WEIGHED, 0),
        lambda logits, _, __: (logits + rng.gumbel(size=logits.shape)).argmax(1),
    )
    n_gap, n = len(range(piece.n_frames)[case.span]), drawn_.chord.shape[1]
    after = float(told[case.span.stop : case.span.start + n].sum())
    ways = np.append(drawn_.log_probability[:, n_gap:].sum(1), after)
    total = float(np.logaddexp.reduce(ways) - np.log(len(ways)))
    return (float(told[case.opened].sum()) + after - total) / case.n_bars


# What is put in its place


Filled = list[tuple[Ints, Ints]]
"""(values, onsets) of the whole piece, one for each proposal."""


def infilled(rewriter: Rewriter, case: Case, seed: int) -> Filled:
    opened = tuple(case.opened.tolist())
    shut = (False,) * len(opened)
    gap = Gap(
        tuple(case.sheet.melody),
        tuple(case.sheet.chords),
        tuple(case.sheet.places()),
        opened if case.part == "melody" else shut,
        opened if case.part == "chords" else shut,
    )
    fillings = rewriter.fill(gap, DRAWS, seed)
    if case.part == "chords":
        return [vocab.chord_arrays(filling.chords) for filling in fillings]
    return [vocab.melody_arrays(filling.melody) for filling in fillings]


def harmonised(net: OfflineDecoder, rules: Decoding, case: Case, seed: int) -> Filled:
    """The offline network with the true chords before the gap."""
    piece, n = case.piece, case.span.stop
    shared = shared_features(piece.places, 0, 0)[None]
    encoded = net.encode(piece.pitch[None], piece.onset[None], shared)
    decoder, memory = net.for_batch(DRAWS, n), no_memory(DRAWS)
    chord = np.repeat(piece.chord[None], DRAWS, 0)
    onset = np.repeat(piece.chord_onset[None], DRAWS, 0)

    def each(values: Ints | Floats, t: int) -> Ints:
        return np.repeat(values[:, t], DRAWS, 0)

    for t in range(n):
        logits = decoder.chord_logits(memory, each(shared, t), each(encoded, t))  # type: ignore[arg-type]
        if case.opened[t]:
            logits = rules.applied(logits, each(shared[..., _STRENGTH], t))
            seeds = [DRAWS * seed + i for i in range(DRAWS)]
            chord[:, t], onset[:, t] = drawn(logits, memory[:, 5], 1.0, seeds, t)
        pitch, struck = np.repeat(piece.pitch[t], DRAWS), np.repeat(piece.onset[t], DRAWS)
        memory = remember(memory, pitch, struck, chord[:, t], onset[:, t])
    return [(c, vocab.with_changes(c, o)) for c, o in zip(chord, onset, strict=True)]


def copied(case: Case, _: int = 0) -> Filled:
    """Each bar of the gap as the bar outside in which the other part is most like here; the nearest
    of those that are alike."""
    piece = case.piece
    wanted = (piece.chord, piece.chord_onset) if case.part == "chords" else (
        piece.pitch, piece.onset)  # fmt: skip
    other = piece.pitch if case.part == "chords" else piece.chord
    lines = np.append(np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0), piece.n_frames)
    bars = [slice(int(a), int(b)) for a, b in pairwise(lines)]
    value, onset = wanted[0].copy(), wanted[1].copy()
    for bar in bars:
        if not case.opened[bar].any():
            continue
        length = bar.stop - bar.start
        there = [b for b in bars if b.stop - b.start == length and not case.opened[b].any()]
        if not there:
            continue
        best = max(
            there,
            key=lambda b: (
                float((other[b] == other[bar]).mean()), -abs(b.start - bar.start)
            ),
        )  # fmt: skip
        mask = case.opened[bar]
        value[bar][mask], onset[bar][mask] = wanted[0][best][mask], wanted[1][best][mask]
    return [(value, vocab.with_changes(value, onset))]


def true(case: Case, _: int = 0) -> Filled:
    piece = case.piece
    if case.part == "chords":
        return [(piece.chord, piece.chord_onset)]
    return [(piece.pitch, piece.onset)]


# Measures


def measured(case: Case, filled: Filled) -> dict[str, tuple[float, float]]:
    """Measure to (hits, chances), over all proposals."""
    found: dict[str, tuple[float, float]] = {}

    def add(name: str, hits: float, chances: float) -> None:
        a, b = found.get(name, (0.0, 0.0))
        found[name] = (a + float(hits), b + float(chances))

    piece, opened = case.piece, case.opened
    for value, onset in filled:
        chords = case.part == "chords"
        chord, pitch = (value, piece.pitch) if chords else (piece.chord, value)
        both = opened & (chord > 0) & (pitch > 0)
        add("note in chord", CHORD_TONES[chord, pitch % 12][both].sum(), both.sum())
        add("as the truth", (value == (piece.chord if chords else piece.pitch))[opened].sum(),
            opened.sum())  # fmt: skip
        add("onsets a bar", onset[opened].sum(), case.n_bars)
        if chords:
            ends = [e for e in phrase_ends(piece.onset, piece.places) if opened[e]]
            closes = 0
            for end in ends:
                others = np.flatnonzero(chord[:end] != chord[end])
                closes += bool(len(others) and leads_home(int(chord[others[-1]]), int(chord[end])))
            add("cadence", closes, len(ends))
        lines = np.append(np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0), piece.n_frames)
        bars = [slice(int(a), int(b)) for a, b in pairwise(lines)]
        outside = {tuple(value[b].tolist()) for b in bars if not opened[b].any()}
        inside = [tuple(value[b].tolist()) for b in bars if opened[b].all()]
        add("bars repeated", sum(bar in outside for bar in inside), len(inside))
    for (one, _), (other, _) in combinations(filled, 2):
        add("diversity", (one != other)[opened].sum(), opened.sum())
    return found


def evaluate(
    sheets: Sequence[LeadSheet],
    folder: Path,
    seed: int,
    parts: Sequence[str] = PARTS,
    lengths: Sequence[int] = BARS,
) -> dict[str, dict[str, dict[str, float]]]:
    """ "chords, 4 bars" -> contestant -> measure -> value."""
    net = load_infiller(folder)
    rewriter = InfillingRewriter(net)
    config, weights, settings = spectral.load_weights(folder, "offline")
    offline = OfflineDecoder(config, weights)
    rules = Decoding.from_dict(settings.get("decoding", {}), "offline")
    weighed = Reharmoniser(offline, rules)
    told: dict[str, Floats] = {}
    results: dict[str, dict[str, dict[str, float]]] = {}
    for part in parts:
        for n_bars in lengths:
            found = cases(sheets, n_bars, part, seed)
            contestants: dict[str, Callable[[Case, int], Filled]] = {
                "infilling": lambda case, s: infilled(rewriter, case, s)
            }
            if part == "chords":
                contestants["offline"] = lambda case, s: harmonised(offline, rules, case, s)
                contestants["offline, weighed"] = lambda case, s: infilled(weighed, case, s)
            contestants |= {"copied bar": copied, "truth": true}
            counts: dict[str, dict[str, list[tuple[float, float]]]] = {c: {} for c in contestants}
            likely: dict[str, list[float]] = {}
            for number, case in enumerate(tqdm(found, desc=f"{part}, {n_bars} bars")):
                for name, fill in contestants.items():
                    for measure, counted in measured(case, fill(case, seed + number)).items():
                        counts[name].setdefault(measure, []).append(counted)
                likely.setdefault("infilling", []).append(infilled_likelihood(net, case))
                if part == "chords":
                    key = case.piece.name
                    if key not in told:
                        told[key] = offline_likelihoods(offline, case.piece)
                    mean = float(told[key][case.opened].sum()) / case.n_bars
                    likely.setdefault("offline", []).append(mean)
                    given = weighed_likelihood(weighed, case, told[key], seed + number)
                    likely.setdefault("offline, weighed", []).append(given)
            of_length = results.setdefault(f"{part}, {n_bars} bars", {})
            for name, measures in counts.items():
                of_length[name] = {
                    measure: sum(h for h, _ in pairs) / max(1e-9, sum(c for _, c in pairs))
                    for measure, pairs in measures.items()
                    if sum(c for _, c in pairs)
                }
                if name in likely:
                    of_length[name]["likelihood of the truth"] = float(np.mean(likely[name]))
                of_length[name]["pieces"] = len(found)
    return results


COLUMNS = (
    "likelihood of the truth",
    "as the truth",
    "note in chord",
    "cadence",
    "bars repeated",
    "onsets a bar",
    "diversity",
)


def table(results: dict[str, dict[str, dict[str, float]]]) -> str:
    """As Markdown."""
    lines = ["| gap | filled by | " + " | ".join(COLUMNS) + " |", "|---" * (2 + len(COLUMNS)) + "|"]
    for gap, contestants in results.items():
        for name, values in contestants.items():
            cells = [f"{values[c]:.2f}" if c in values else "–" for c in COLUMNS]
            lines.append(f"| {gap} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--data", type=Path, nargs="+", required=True, help="JSONL of lead sheets")
    p.add_argument("--split", default="test")
    p.add_argument("--pieces", type=int, default=40)
    p.add_argument("--part", choices=PARTS, help="only gaps of this part")
    p.add_argument("--bars", type=int, choices=BARS, help="only gaps of this length")
    p.add_argument("--weights", type=Path, default=SHIPPED)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--out", type=Path, required=True)
    args = p.parse_args(argv)
    sheets = [
        _beginning(sheet)
        for sheet in read_sheets(args.data, None if args.split == "all" else args.split)
        if sheet.n_frames >= 256
    ]
    rng = np.random.default_rng(args.seed)
    chosen = rng.permutation(len(sheets))[: args.pieces]
    parts = PARTS if args.part is None else (args.part,)
    lengths = BARS if args.bars is None else (args.bars,)
    results = evaluate([sheets[i] for i in chosen], args.weights, args.seed, parts, lengths)
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "gaps.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (args.out / "gaps.md").write_text(table(results) + "\n", encoding="utf-8")
    print(table(results))


def _beginning(sheet: LeadSheet) -> LeadSheet:
    meters = tuple((frame, meter) for frame, meter in sheet.meters if frame < MOST_FRAMES)
    melody, chords = sheet.melody[:MOST_FRAMES], sheet.chords[:MOST_FRAMES]
    return replace(sheet, meters=meters, melody=melody, chords=chords)


if __name__ == "__main__":
    main()
