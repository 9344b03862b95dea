"""Free bars before a fixed chord: how often the move into it is one that the corpora have.

    python tools/free_bars.py LEAD_SHEETS.jsonl … [--pieces 60]

Each piece of the validation split is a song whose every fourth bar is free; its melody is played
as live, and the moves from what sounds at the end of free bars into the chord that the song has
next are looked up among all moves of the validation pieces, as families of qualities and the way
between their roots. Beside the agent: itself without knowing what comes, and what the piece has.
Columns: moves that the corpora make at least as often as by chance; their lift (geometric mean);
the root falls a fifth; the same chord sounds already; note in chord in free bars.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.agent.anticipation import Anticipator
from jam.agent.moves import FAMILY_OF
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter
from jam.music.rows import ChordState
from jam.music.song import Bar, ChordAt, Song
from jam.performance.conductor import Conductor
from jam.settings import JamSettings
from models import load_predictor
from models.data.leadsheet import LeadSheet, melody_spans, read_jsonl
from models.data.moves import counts, lifts

FREE_OF = 4
BARS = 32


@dataclass
class Found:
    lift: list[float] = field(default_factory=list)
    falls: list[bool] = field(default_factory=list)
    same: int = 0
    moves: int = 0
    in_chord: list[bool] = field(default_factory=list)


def song_of(sheet: LeadSheet, meter: Meter, free_of: int = FREE_OF) -> Song:
    """The chords of whole bars as a song; one of so many bars is free, none with 0."""
    bars = []
    size = meter.frames_per_bar
    for start in range(0, min(sheet.n_frames, BARS * size) // size * size, size):
        if free_of and start // size % free_of == free_of - 1:
            bars.append(Bar())
            continue
        states = sheet.chords[start : start + size]
        written = [
            ChordAt(i, Symbol(s.chord.symbol if s.chord else "N.C."))
            for i, s in enumerate(states)
            if i == 0 or s.chord != states[i - 1].chord
        ]
        bars.append(Bar(tuple(written)))
    return Song(tuple(bars), meter=meter)


def jam(
    sheet: LeadSheet,
    song: Song,
    predictor: Predictor,
    looks: bool,
    seed: int,
    reharmonise: float = 0.0,
    has_form: bool = True,
) -> list[ChordState]:
    """The piece as it is played live; `looks`: the agent knows what comes; `has_form`: it knows
    the song's sections."""
    settings = JamSettings(
        meter=song.meter, listen_bars=0, accompaniment="none", reharmonise=reharmonise
    )
    conductor = Conductor(settings, 0.0, seed, follows_stops=False)
    predictor.rewind(0)
    agent = Anticipator(predictor, seed)
    conductor.use_song(song, conductor.tempo_map.seconds_at(-1.5), 0)
    strokes = sorted(
        (frame, i, pitch, velocity)
        for i, (start, end, pitch) in enumerate(melody_spans(sheet.melody))
        for frame, velocity in ((start, 80), (end - 0.4, 0))
    )
    end = min(sheet.n_frames, BARS * song.meter.frames_per_bar)
    for frame in range(end // song.meter.frames_per_bar * song.meter.frames_per_bar):
        while strokes and strokes[0][0] < frame + 0.5:
            position, note, pitch, velocity = strokes.pop(0)
            conductor.play_at(position, note, pitch, velocity)
        now_s = conductor.tempo_map.seconds_at(frame + 0.5)
        if conductor.advance(now_s):
            request = conductor.request()
            if not looks:
                request = replace(request, goals=())
            if not has_form:
                request = replace(request, form=())
            conductor.take(agent.plan(request), now_s)
    return list(conductor.chord_line())


def measure(
    line: Sequence[ChordState],
    sheet: LeadSheet,
    meter: Meter,
    table: NDArray[np.float64],
    to: Found,
) -> None:
    size = meter.frames_per_bar
    for bar in range(FREE_OF - 1, len(line) // size - 1, FREE_OF):
        first, goal_at = bar * size, (bar + 1) * size
        for frame in range(first, goal_at):
            chord, pitch = line[frame].chord, sheet.melody[frame].pitch
            if chord is not None and pitch is not None:
                to.in_chord.append(pitch % 12 in chord.pitch_classes)
        before, goal = line[goal_at - 1].chord, sheet.chords[goal_at].chord
        if before is None or goal is None:
            continue
        to.moves += 1
        if before == goal:
            to.same += 1
            continue
        up = (goal.root - before.root) % 12
        to.lift.append(float(table[FAMILY_OF[before.quality], up, FAMILY_OF[goal.quality]]))
        to.falls.append(up == 5)


def pieces(paths: Iterable[Path], most: int, seed: int) -> list[LeadSheet]:
    """Of one metre, with chords nearly throughout."""
    found = []
    for path in paths:
        for sheet in read_jsonl(path):
            sounding = sum(c.chord is not None for c in sheet.chords)
            is_whole = len(sheet.meters) == 1 and sounding > 0.9 * sheet.n_frames
            is_long = sheet.n_frames >= 12 * sheet.meters[0][1].frames_per_bar
            if sheet.split == "valid" and is_whole and is_long:
                found.append(sheet)
    order = np.random.default_rng(seed).permutation(len(found))[:most]
    return [found[i] for i in sorted(order)]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, nargs="+", help="lead sheets")
    parser.add_argument("--pieces", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rules", action="store_true", help="the rules in the network's place")
    args = parser.parse_args()
    sheets = (s for path in args.data for s in read_jsonl(path) if s.split == "valid")
    table = lifts(counts(sheets))
    predictor = RuleBasedPredictor() if args.rules else load_predictor()
    found = {"the piece": Found(), "the agent": Found(), "without looking": Found()}
    for number, sheet in enumerate(pieces(args.data, args.pieces, args.seed)):
        meter = sheet.meters[0][1]
        song = song_of(sheet, meter)
        end = len(song.bars) * meter.frames_per_bar
        measure(sheet.chords[:end], sheet, meter, table, found["the piece"])
        for name, looks in (("the agent", True), ("without looking", False)):
            line = jam(sheet, song, predictor, looks, args.seed + number)
            measure(line, sheet, meter, table, found[name])
    columns = "moves | one the corpora have | lift | falls a fifth | same chord | note in chord"
    print(f"| | {columns} |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for name, f in found.items():
        usual = np.mean([x >= 1 for x in f.lift])
        print(
            f"| {name} | {f.moves} | {usual:.2f} | {np.exp(np.mean(np.log(f.lift))):.2f} "
            f"| {np.mean(f.falls):.2f} | {f.same / f.moves:.2f} | {np.mean(f.in_chord):.2f} |"
        )


if __name__ == "__main__":
    main()
