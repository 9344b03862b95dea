"""How the band plays beside people: a table of figures, style by style, on held-out pieces.

    python tools/band_figures.py DATA [--songs N] [--bars N] [--style NAME] [--feel F] [--seed S]

DATA holds the unpacked corpora `pop909`, `groove` and `wjd`. Each style accompanies the melodies
of held-out songs over their own chords (POP909's; for styles of jazz the solos of the Weimar
database) through the code that plays live; the people are the pianists of the same songs, the
drummers of held-out recordings and the bassists of held-out solos.

onsets: places in the bar with an onset. rhythms: distinct bars by their onsets, a bar; common.:
share of the commonest of them. bars/32: distinct bars by onsets and pitches (of drums: and loud
or soft) in 32. density: spread of the onsets a bar over groups of 8 bars. vel.sd, values: of the
velocity. top: 95th percentile of pitch. off ms, sd: distance from the nearest sixteenth, and
spread of the deviation; lag1: how much an onset's deviation tells of the next; v.lag1 of velocity.
moves: mean distance of each voice to the nearest of the next chord. Bass: shares of semitones,
whole tones, leaps of a fourth or more, repeated notes; of roots and chord tones on beats 1 and 3;
of notes before a change that lie a semitone or a whole tone beside the next note. perpl.:
perplexity of the pitch class where a beat follows a beat, under counts of the held-out bassists (as
`models.band.walking`; the people of that row are those of the training split).
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from jam.accompaniment import Style, all_styles, style_named
from jam.accompaniment.walking import Walk
from jam.agent.rules import ScriptedPredictor
from jam.errors import BadInput
from jam.midi.file import MidiSong
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap, nearest_frame
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.offline import melody_line, render
from jam.performance.take import Take
from jam.settings import JamSettings
from models.band.performances import Performance, groove, pop909, weimar
from models.band.walking import beats, mine, perplexity, walk_of

WIDTHS = {"onsets": 7, "rhythms": 8, "common.": 8, "bars/32": 8, "density": 8, "vel.sd": 7}
WIDTHS |= {"values": 7, "top": 5, "off ms": 7, "sd": 6, "lag1": 6, "v.lag1": 7, "moves": 6}
WIDTHS |= {"voic.": 6}
BASS_SHARES = ("semit.", "whole", "leaps", "repeat", "root", "chord", "appr.")


def of_take(take: Take, part: str) -> Performance:
    """A part of a take as a performance."""
    meter = take.tempo_map.meter_at(0)
    return Performance(
        "jam",
        "",
        part,
        take.tempo_map.bpm_at(0),
        meter,
        tuple(take.parts.get(part, ())),
        tuple(state.chord for state in take.chords),
    )


def song_of(piece: Performance, n_bars: int) -> tuple[MidiSong, list[ChordState]]:
    """The first bars of a piece from its first melody note on, and its chords."""
    bar = piece.meter.frames_per_bar
    first = nearest_frame(piece.melody[0].start_frame) // bar * bar
    end = min(first + n_bars * bar, len(piece.chords))
    notes = tuple(
        replace(
            n,
            start_frame=max(n.start_frame - first, 0.0),
            end_frame=max(n.end_frame, n.start_frame + 0.5) - first,
            velocity=max(n.velocity, 1),
        )
        for n in piece.melody
        if first <= nearest_frame(n.start_frame) < end
    )
    bpm = min(max(piece.bpm, 40.0), 300.0)
    song = MidiSong(piece.piece, notes, TempoMap.constant(bpm, piece.meter))
    states: list[ChordState] = []
    before: Chord | None = None
    for chord in piece.chords[first:end]:
        states.append(
            NO_CHORD if chord is None else ChordState(chord, chord != before or not states)
        )
        before = chord
    return song, states


def _share(values: Sequence[bool]) -> float:
    return sum(values) / len(values) if values else float("nan")


def _lag1(values: Sequence[float]) -> float:
    if len(values) < 8 or np.std(values) < 1e-9:
        return 0.0
    centred = np.asarray(values) - np.mean(values)
    return float((centred[1:] * centred[:-1]).mean() / (centred**2).mean())


def figures(pieces: Iterable[Performance], drums: bool = False) -> dict[str, float]:
    """Means over the pieces of what the table has, by its column."""
    found: dict[str, list[float]] = defaultdict(list)
    for piece in pieces:
        bars = [bar for _, bar in sorted(piece.bars().items())]
        if len(bars) < 4:
            continue
        length = piece.meter.frames_per_bar
        rhythms = [
            tuple(sorted({nearest_frame(n.start_frame) % length for n in bar})) for bar in bars
        ]
        whole = [
            frozenset(
                (nearest_frame(n.start_frame) % length, n.pitch, drums and n.velocity > 70)
                for n in bar
            )
            for bar in bars
        ]
        found["onsets"].append(sum(len(r) for r in rhythms) / len(rhythms))
        found["rhythms"].append(len(set(rhythms)) / len(rhythms))
        found["common."].append(Counter(rhythms).most_common(1)[0][1] / len(rhythms))
        for start in range(0, max(len(whole) - 31, 1), 32):
            window = whole[start : start + 32]
            found["bars/32"].append(32 * len(set(window)) / len(window))
        groups = [
            sum(len(r) for r in rhythms[i : i + 8]) / 8 for i in range(0, len(rhythms) - 7, 8)
        ]
        if len(groups) > 1:
            found["density"].append(float(np.std(groups)))
        notes = piece.notes
        found["vel.sd"].append(float(np.std([n.velocity for n in notes])))
        found["values"].append(len({n.velocity for n in notes}))
        found["top"].append(float(np.percentile([n.pitch for n in notes], 95)))
        late = [(n.start_frame - nearest_frame(n.start_frame)) * piece.frame_ms for n in notes]
        found["off ms"].append(float(np.mean(np.abs(late))))
        found["sd"].append(float(np.std(late)))
        found["lag1"].append(_lag1(late))
        found["v.lag1"].append(_lag1([n.velocity for n in notes]))
        if not drums:
            found["moves"].append(_moves(piece))
            found["voic."].append(_voicings(piece))
    return {name: float(np.nanmean(values)) for name, values in found.items()}


def _struck(piece: Performance) -> list[tuple[Chord, set[int]]]:
    """Every chord, and the pitches from C3 up that are struck while it lasts."""
    starts = [
        f for f, (a, b) in enumerate(pairwise((None, *piece.chords))) if a != b and b is not None
    ]
    struck: list[set[int]] = [set() for _ in starts]
    for note in piece.notes:
        i = int(np.searchsorted(starts, nearest_frame(note.start_frame), "right")) - 1
        if i >= 0 and note.pitch >= 48:
            struck[i].add(note.pitch)
    return [
        (chord, there)
        for f, there in zip(starts, struck, strict=True)
        if (chord := piece.chords[f])
    ]


def _voicings(piece: Performance) -> float:
    """Distinct voicings in 32 bars."""
    shapes = {frozenset(p - chord.root for p in there) for chord, there in _struck(piece) if there}
    return 32 * len(shapes) * piece.meter.frames_per_bar / max(len(piece.chords), 1)


def _moves(piece: Performance) -> float:
    moved = []
    for (_, one), (_, two) in pairwise(_struck(piece)):
        if one and two:
            there = [min(abs(p - q) for q in one) for p in two]
            back = [min(abs(p - q) for q in two) for p in one]
            moved.append((sum(there) / len(there) + sum(back) / len(back)) / 2)
    return sum(moved) / len(moved) if moved else float("nan")


def bass_figures(pieces: Sequence[Performance], walk: Walk) -> dict[str, float]:
    """Shares over all notes of basses; perplexity under `walk`."""
    chances = [
        walk.classes(beat.contexts)[(beat.pitch - beat.chord.root) % 12]
        for piece in pieces
        for beat in beats(piece)
    ]
    intervals: list[int] = []
    strong: list[tuple[bool, bool]] = []
    approaches: list[bool] = []
    pitches: list[int] = []
    for piece in pieces:
        pitches += [n.pitch for n in piece.notes]
        for one, two in pairwise(piece.notes):
            if nearest_frame(two.start_frame) - nearest_frame(one.start_frame) <= 6:
                intervals.append(abs(two.pitch - one.pitch))
                if (
                    piece.chords[nearest_frame(one.start_frame)]
                    != piece.chords[min(nearest_frame(two.start_frame), len(piece.chords) - 1)]
                ):
                    approaches.append(1 <= abs(two.pitch - one.pitch) <= 2)
        for note in piece.notes:
            chord = (
                piece.chords[nearest_frame(note.start_frame)]
                if nearest_frame(note.start_frame) < len(piece.chords)
                else None
            )
            if chord is not None and nearest_frame(note.start_frame) % 8 == 0:
                pitch_class = note.pitch % 12
                strong.append((pitch_class == chord.root, pitch_class in chord.pitch_classes))
    low, high = np.percentile(pitches, [5, 95]) if pitches else (0, 0)
    return {
        "semit.": _share([i == 1 for i in intervals]),
        "whole": _share([i == 2 for i in intervals]),
        "leaps": _share([i >= 5 for i in intervals]),
        "repeat": _share([i == 0 for i in intervals]),
        "root": _share([root for root, _ in strong]),
        "chord": _share([tone for _, tone in strong]),
        "appr.": _share(approaches),
        "low": float(low),
        "high": float(high),
        "perpl.": perplexity(chances) if len(chances) > 50 else math.nan,
    }


def line(name: str, found: dict[str, float]) -> str:
    """A row of the table."""
    cells = "".join(
        f"{found.get(column, math.nan):{width}.{0 if column in ('values', 'top') else 2}f}"
        for column, width in WIDTHS.items()
    )
    return f"{name:<20}{cells}".replace("nan", "  –")


def bass_line(name: str, found: dict[str, float]) -> str:
    """A row of the bass's table."""
    cells = "".join(f"{found[column]:7.2f}" for column in BASS_SHARES)
    end = f"{found['low']:6.0f}–{found['high']:.0f}{found['perpl.']:8.1f}"
    return f"{name:<20}{cells}{end}".replace("nan", "  –")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of the corpora, unpacked")
    parser.add_argument(
        "--songs", type=int, default=6, help="how many held-out songs a style plays"
    )
    parser.add_argument("--bars", type=int, default=64, help="how many bars of each")
    parser.add_argument("--style", action="append", help="only this one; may be repeated")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="another value of a setting",
    )
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    try:
        styles = [style_named(n) for n in args.style] if args.style else all_styles()[0]
        changed = {name: float(value) for name, value in (s.split("=") for s in args.set)}
        settings = JamSettings(listen_bars=0).changed(**changed)
    except (BadInput, ValueError) as error:
        print(f"band_figures: {error}", file=sys.stderr)
        return 2
    songs = [p for p in pop909(args.data / "pop909") if p.split == "test" and p.melody]
    lines = list(weimar(args.data / "wjd"))
    solos = [p for p in lines if p.split == "test" and p.melody]
    walk = walk_of(mine(p for p in lines if p.split == "test"))
    drummed = [p for p in groove(args.data / "groove") if p.split == "test"]
    four = [p for p in drummed if p.meter == Meter(4, 4)]
    print(" " * 20 + "".join(f"{c:>{width}}" for c, width in WIDTHS.items()))
    print(line("pianists (POP909)", figures(songs)))
    print(line("drummers (Groove)", figures(four, True)))
    basses: list[tuple[str, list[Performance]]] = [("bassists (Weimar)", solos)]
    for style in styles:
        takes = takes_of(style, solos if style.model_style == "jazz" else songs, settings, args)
        for part in ("chords", "drums"):
            played = [of_take(take, part) for take in takes]
            if any(p.notes for p in played):
                print(line(f"{style.name} {part}", figures(played, part == "drums")), flush=True)
        basses.append((style.name, [of_take(take, "bass") for take in takes]))
    print(" " * 20 + "".join(f"{c:>7}" for c in BASS_SHARES) + "    range  perpl.")
    unseen = bass_figures([p for p in lines if p.split == "train"], walk)["perpl."]
    for name, pieces in basses:
        if any(p.notes for p in pieces):
            found = bass_figures(pieces, walk)
            print(bass_line(name, {**found, "perpl.": unseen} if pieces is solos else found))
    return 0


def takes_of(
    style: Style, pieces: Sequence[Performance], settings: JamSettings, args: argparse.Namespace
) -> list[Take]:
    """What the style makes of the first songs of a corpus."""
    takes = []
    started_s = time.thread_time()
    for piece in pieces[: args.songs]:
        song, states = song_of(piece, args.bars)
        script = ScriptedPredictor(states, melody_line(song))
        chosen = settings.changed(accompaniment=style.name)
        takes.append(render(song, script, chosen, args.seed, follows_stops=False))
    n_bars = sum(len(take.chords) for take in takes) / 16
    spent_ms = 1000 * (time.thread_time() - started_s) / max(n_bars, 1)
    print(f"# {style.name}: {spent_ms:.1f} ms a bar, everything counted", file=sys.stderr)
    return takes


if __name__ == "__main__":
    sys.exit(main())
