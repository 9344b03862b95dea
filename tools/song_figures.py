"""What a song's free bars, its form and *reharmonise* do to the chords, as they are played live.

    python tools/song_figures.py reharmonise LEAD_SHEETS.jsonl … [--pieces 30]
    python tools/song_figures.py form LEAD_SHEETS.jsonl … [--pieces 30]

Pieces of the validation split, jammed with the shipped network. reharmonise: each piece is a song
with all of its chords, at several places of the slider. Columns: chords of the song that are
replaced; moves from a replaced chord into the next one of the song that the corpora make at least
as often as by chance, and their lift (as in tools/free_bars.py); note in chord over the whole piece
and where a chord was replaced. form: each piece is a song of free bars, in the sections that its
own chords and melody show, known to the agent and not known. Columns: chords where a section
returns that are those of the section before; roots that fall a fifth into the last bar of a
section; note in chord.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.agent.moves import FAMILY_OF
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.music.form import find_form
from jam.music.grid import Meter, Place
from jam.music.place_in_form import seen_before
from jam.music.rows import ChordState, Row
from jam.music.song import Bar, Song
from models import load_predictor
from models.data.leadsheet import LeadSheet, read_jsonl
from models.data.moves import counts, lifts
from tools.free_bars import jam, pieces, song_of

SHARES = (0.0, 0.5, 1.0)


@dataclass
class Counted:
    chords: int = 0
    changed: int = 0
    lift: list[float] = field(default_factory=list)
    in_chord: list[bool] = field(default_factory=list)
    in_replaced: list[bool] = field(default_factory=list)
    returned: list[bool] = field(default_factory=list)
    closed: list[bool] = field(default_factory=list)


def fits(sheet: LeadSheet, line: Sequence[ChordState], frame: int) -> bool | None:
    """Whether the melody's note is one of the chord's; None where one of them rests."""
    chord, pitch = line[frame].chord, sheet.melody[frame].pitch
    return None if chord is None or pitch is None else pitch % 12 in chord.pitch_classes


def reharmonised(
    sheet: LeadSheet, line: Sequence[ChordState], table: NDArray[np.float64], to: Counted
) -> None:
    """Count what became of a song with all chords of the piece."""
    end = len(line)
    begins = [f for f in range(end) if f == 0 or sheet.chords[f].chord != sheet.chords[f - 1].chord]
    for start, after in zip(begins, [*begins[1:], end], strict=True):
        own = sheet.chords[start].chord
        if own is None:
            continue
        is_new = any(line[f].chord != own for f in range(start, after))
        to.chords += 1
        to.changed += is_new
        for frame in range(start, after):
            if (fit := fits(sheet, line, frame)) is not None:
                to.in_chord.append(fit)
                if is_new:
                    to.in_replaced.append(fit)
        before, goal = line[after - 1].chord, line[after].chord if after < end else None
        if is_new and before is not None and goal is not None and goal != before:
            up = (goal.root - before.root) % 12
            to.lift.append(float(table[FAMILY_OF[before.quality], up, FAMILY_OF[goal.quality]]))


def free_song(sheet: LeadSheet, meter: Meter, bars: int) -> Song | None:
    """Free bars in the sections that the piece has; None where no section returns."""
    size = meter.frames_per_bar
    n = min(bars, sheet.n_frames // size)
    rows = [Row(m, c) for m, c in zip(sheet.melody, sheet.chords, strict=True)][: n * size]
    form = find_form(rows, [Place(f // size, f % size, meter) for f in range(n * size)])
    if form is None or len({letter for letter, _ in form.sections}) == len(form.sections):
        return None
    found: list[Bar] = []
    for letter, length in form.sections:
        found += [Bar(section=letter), *[Bar()] * (length - 1)]
    return Song(tuple(found[: form.bars]), meter=meter)


def formed(sheet: LeadSheet, song: Song, line: Sequence[ChordState], to: Counted) -> None:
    """Count what became of free bars in sections."""
    size = song.meter.frames_per_bar
    for bar in range(len(line) // size):
        before = seen_before(song, bar)
        for i in range(size):
            frame = bar * size + i
            if (fit := fits(sheet, line, frame)) is not None:
                to.in_chord.append(fit)
            if before is not None and (then := line[before * size + i].chord) is not None:
                to.returned.append(then == line[frame].chord)
        _, _, end = song.chorus.sections[bar % len(song.bars)]
        last, now = line[bar * size - 1].chord if bar else None, line[bar * size].chord
        if end - bar % len(song.bars) == 1 and last is not None and now is not None:
            to.closed.append((now.root - last.root) % 12 == 5)


def share(values: Sequence[bool]) -> str:
    return f"{np.mean(values):.2f}" if values else "–"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("what", choices=("reharmonise", "form"))
    parser.add_argument("data", type=Path, nargs="+", help="lead sheets")
    parser.add_argument("--pieces", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", action="store_true", help="the rules in the network's place")
    args = parser.parse_args()
    predictor: Predictor = RuleBasedPredictor() if args.rules else load_predictor()
    if args.what == "reharmonise":
        sheets = (s for path in args.data for s in read_jsonl(path) if s.split == "valid")
        table = lifts(counts(sheets))
        found = {amount: Counted() for amount in SHARES}
        for number, sheet in enumerate(pieces(args.data, args.pieces, args.seed)):
            meter = sheet.meters[0][1]
            song = song_of(sheet, meter, free_of=0)
            for amount, to in found.items():
                line = jam(sheet, song, predictor, True, args.seed + number, reharmonise=amount)
                reharmonised(sheet, line, table, to)
        print("| slider | chords | replaced | move into the goal | lift | in chord | replaced |")
        print("|---:|---:|---:|---:|---:|---:|---:|")
        for amount, f in found.items():
            usual = share([x >= 1 for x in f.lift])
            lifted = f"{np.exp(np.mean(np.log(f.lift))):.2f}" if f.lift else "–"
            print(
                f"| {amount:g} | {f.chords} | {f.changed / f.chords:.2f} | {usual} | {lifted} "
                f"| {share(f.in_chord)} | {share(f.in_replaced)} |"
            )
        return
    forms = {"known": Counted(), "not known": Counted()}
    n_pieces = 0
    for number, sheet in enumerate(pieces(args.data, 20 * args.pieces, args.seed)):
        free = free_song(sheet, sheet.meters[0][1], 64)
        if free is None or n_pieces == args.pieces:
            continue
        n_pieces += 1
        for name, to in forms.items():
            line = jam(sheet, free, predictor, True, args.seed + number, has_form=name == "known")
            formed(sheet, free, line, to)
    print("| sections | pieces | chords that return | fall into the last bar | note in chord |")
    print("|---|---:|---:|---:|---:|")
    for name, f in forms.items():
        print(
            f"| {name} | {n_pieces} | {share(f.returned)} | {share(f.closed)} "
            f"| {share(f.in_chord)} |"
        )


if __name__ == "__main__":
    main()
