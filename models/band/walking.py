"""Walking bass lines counted: what bassists play on each beat of a chord, on the way to the next.

    python -m models.band.walking DATA

measures the model on the solos of the test split, beside the rules that walk without it: perplexity
of the pitch class, and how often the likeliest one is right.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jam.accompaniment.bass import walk_by_rule
from jam.accompaniment.spans import Span
from jam.accompaniment.voicing import BASS_RANGE, voice
from jam.accompaniment.walking import LONG, Context, Walk, contexts, kind_of
from jam.music.chord import Chord
from jam.music.grid import Meter, nearest_frame
from models.band.performances import Performance, weimar

_RARE = 4
"""Contexts seen less often are left out."""


@dataclass(frozen=True, slots=True)
class Beat:
    """A note of a bass line with what a bassist knew of it."""

    chord: Chord
    beat: int
    left: int
    """Beats to the next chord, this one counted."""
    following: Chord | None
    last: int
    pitch: int

    @property
    def contexts(self) -> list[Context]:
        root = self.chord.root
        ahead = (self.following.root - root) % 12 if self.following else None
        before = (self.last - root) % 12
        left = self.left if self.following else LONG
        return list(contexts(kind_of(self.chord.quality), self.beat, left, before, ahead))


def beats(piece: Performance) -> Iterator[Beat]:
    """The beats of a line whose chord and note before are known."""
    chords = piece.chords[::4]
    began: list[int] = []
    for i, chord in enumerate(chords):
        began.append(began[-1] if i and chord == chords[i - 1] else i)
    change = [len(chords)] * len(chords)
    for i in range(len(chords) - 2, -1, -1):
        change[i] = change[i + 1] if chords[i] == chords[i + 1] else i + 1
    last: tuple[int, int] | None = None
    for note in piece.notes:
        at = nearest_frame(note.start_frame) // 4
        chord = chords[at] if at < len(chords) else None
        if last is not None and at - last[0] == 1 and chord is not None:
            following = chords[change[at]] if change[at] < len(chords) else None
            yield Beat(chord, at - began[at], change[at] - at, following, last[1], note.pitch)
        last = at, note.pitch


def mine(pieces: Iterable[Performance]) -> dict[str, Any]:
    """What goes into walking.json: [context, counts] in order, and counts of intervals."""
    tones: dict[Context, Counter[int]] = defaultdict(Counter)
    steps: Counter[int] = Counter()
    for piece in pieces:
        for beat in beats(piece):
            for context in beat.contexts:
                tones[context][(beat.pitch - beat.chord.root) % 12] += 1
            steps[beat.pitch - beat.last] += 1
    return {
        "tones": [
            [list(context), [counts[i] for i in range(12)]]
            for context, counts in sorted(tones.items())
            if sum(counts.values()) >= _RARE
        ],
        "steps": [steps[i] for i in range(-12, 13)],
    }


def walk_of(data: dict[str, Any]) -> Walk:
    return Walk({tuple(c): tuple(n) for c, n in data["tones"]}, tuple(data["steps"]))


def perplexity(chances: Iterable[float]) -> float:
    """Of the chances that were given to what was played."""
    logs = [math.log(max(chance, 1e-12)) for chance in chances]
    return math.exp(-sum(logs) / len(logs))


def _in_range(pitch: int) -> int:
    while pitch >= BASS_RANGE[1]:
        pitch -= 12
    return pitch if pitch >= BASS_RANGE[0] else pitch + 12


def _by_rule(beat: Beat) -> int:
    """The pitch class, from the root up, that the rules that walk without the model play here."""
    voicing = voice(beat.chord, None)
    ahead = voice(beat.following, voicing)[0] if beat.following else None
    span = Span(-4 * beat.beat, 4 * beat.left, beat.chord, voicing, next_bass=ahead)
    if not beat.beat:
        return (voicing[0] - beat.chord.root) % 12
    return (walk_by_rule(span, 0, 4, _in_range(beat.last), Meter(4, 4)) - beat.chord.root) % 12


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path, help="the folder of the corpora, unpacked")
    args = parser.parse_args()
    pieces = list(weimar(args.data / "wjd"))
    walk = walk_of(mine(p for p in pieces if p.split == "train"))
    held = [b for p in pieces if p.split == "test" for b in beats(p)]
    shares = Counter(
        (b.pitch - b.chord.root) % 12 for p in pieces if p.split == "train" for b in beats(p)
    )
    total = sum(shares.values())
    played = [(b.pitch - b.chord.root) % 12 for b in held]
    rules = [_by_rule(b) for b in held]
    right = sum(a == b for a, b in zip(rules, played, strict=True)) / len(held)
    model = [walk.classes(b.contexts) for b in held]
    print(f"{len(held):,} notes of {sum(p.split == 'test' for p in pieces)} held-out solos")
    print(f"{'':<26}{'perplexity':>11}{'likeliest right':>17}")
    print(
        f"{'shares of pitch classes':<26}"
        f"{perplexity(shares[c] / total for c in played):11.2f}"
        f"{sum(c == 0 for c in played) / len(played):17.1%}"
    )
    # The rules say one note: the chance that they are right is what they get for it, at best.
    chances = (right if a == b else (1 - right) / 11 for a, b in zip(rules, played, strict=True))
    print(f"{'rules':<26}{perplexity(chances):11.2f}{right:17.1%}")
    hits = sum(max(range(12), key=p.__getitem__) == c for p, c in zip(model, played, strict=True))
    print(
        f"{'bassists':<26}"
        f"{perplexity(p[c] for p, c in zip(model, played, strict=True)):11.2f}"
        f"{hits / len(played):17.1%}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
