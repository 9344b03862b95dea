"""How often the rule for the melody finds it where no name gives it away.

    python tools/melody_rule.py POP909 OPENSCORE-LIEDER

POP909: folders with MIDI files whose track MELODY is the melody. OpenScore Lieder: scores in .mxl
in which the part with lyrics is. Names, lyrics and instruments are hidden from the rules. Beside
the rule stand those that it took the place of: of the tracks with at least a half (play) or a
quarter (training) of the fullest's notes, the highest on average.
"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from jam.errors import BadInput
from jam.midi.smf import parse_smf
from jam.music.melody_track import Line, melody_index
from models.corpora.musicxml import part_lines
from models.corpora.musicxml_file import score_of


def highest(share: float) -> Callable[[Sequence[Line]], int]:
    """The rule of old: the highest of the lines that are full enough."""

    def rule(lines: Sequence[Line]) -> int:
        most = max(len(line.notes) for line in lines)
        full = [i for i, line in enumerate(lines) if len(line.notes) >= share * most]
        return max(full, key=lambda i: sum(n[2] for n in lines[i].notes) / len(lines[i].notes))

    return rule


RULES: dict[str, Callable[[Sequence[Line]], int]] = {
    "play, of old": highest(1 / 2),
    "training, of old": highest(1 / 4),
    "now": melody_index,
}


def of_pop909(folder: Path) -> Iterator[tuple[str, list[Line], int]]:
    for path in sorted(folder.glob("*/[0-9]*.mid")):
        song = parse_smf(path.read_bytes())
        tracks: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
        for note in song.notes:
            quarter = song.ticks_per_quarter
            tracks[note.track].append(
                (note.start_tick / quarter, note.end_tick / quarter, note.pitch)
            )
        if "MELODY" in song.track_names and len(tracks) > 1:
            truth = song.track_names.index("MELODY")
            if truth in tracks:
                keys = sorted(tracks)
                yield path.stem, [Line(sorted(tracks[k])) for k in keys], keys.index(truth)


def of_scores(folder: Path) -> Iterator[tuple[str, list[Line], int]]:
    for path in sorted(folder.rglob("*.mxl")):
        try:
            lines = part_lines(score_of(path.read_bytes()))
        except BadInput:
            continue
        sung = max(range(len(lines)), key=lambda i: lines[i].lyrics, default=0)
        if len(lines) > 1 and lines[sung].lyrics > 0.4:
            yield str(path), [Line(line.notes) for line in lines], sung


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pop909", type=Path)
    parser.add_argument("scores", type=Path)
    parser.add_argument("--misses", action="store_true", help="name what the rule misses")
    args = parser.parse_args()
    for name, pieces in (("POP909", of_pop909(args.pop909)), ("lieder", of_scores(args.scores))):
        hits: Counter[str] = Counter()
        total = 0
        for piece, lines, truth in pieces:
            total += 1
            for rule, choose in RULES.items():
                hits[rule] += choose(lines) == truth
            if args.misses and RULES["now"](lines) != truth:
                print(f"{piece}: line {RULES['now'](lines) + 1}, not {truth + 1}")
        for rule in RULES:
            print(f"{name:8} {rule:18} {hits[rule]} of {total} ({hits[rule] / max(1, total):.1%})")


if __name__ == "__main__":
    main()
