"""How often a held chord is recognised: a table by quality, over all keys.

    python tools/held_chords.py

Columns: every note in root position; every inversion; one note missing (not the root); over a
bass that isn't the chord's (a tone or a fourth above the root). Left out is what is by itself
another chord of the vocabulary. The first figure of two is the share that is named right, the
second that of names whose notes are all held, over the bass that is held (Am7 for C6, F7sus4 for
Cm7/F).
"""

from __future__ import annotations

from collections.abc import Iterator

from jam.music.chord import QUALITIES, Chord
from jam.music.held_chord import held_chord

COLUMNS = ("root position", "inversions", "one missing", "foreign bass")
_BASE = 48
_OF_VOCABULARY = frozenset(
    frozenset(Chord(root, quality).pitch_classes) for root in range(12) for quality in QUALITIES
)


def voicing(chord: Chord, rotation: int = 0) -> list[int]:
    """The chord's notes in close position, the one number `rotation` lowest."""
    intervals = sorted(QUALITIES[chord.quality][0])
    turned = [*intervals[rotation:], *(i + 12 for i in intervals[:rotation])]
    return [_BASE + chord.root + i for i in turned]


def hands(chord: Chord, column: str) -> Iterator[list[int]]:
    """The hands of a column, each a list of pitches."""
    full = voicing(chord)
    if column == "root position":
        yield full
    elif column == "inversions":
        yield from (voicing(chord, i) for i in range(1, len(full)))
    elif column == "one missing":
        if len(full) > 3:
            yield from ([p for p in full if p != gone] for gone in full[1:])
        elif 7 in QUALITIES[chord.quality][0] and len(full) == 3:
            yield [p for p in full if (p - full[0]) % 12 != 7]
    elif len(full) > 2:
        for below in (10, 7):
            bass = full[0] - below
            if (bass - full[0]) % 12 not in QUALITIES[chord.quality][0]:
                yield [bass, *full]


def shares(quality: str, column: str) -> tuple[float, float] | None:
    """(share named right, share that sounds right), over all keys and hands."""
    named = sounding = n = 0
    for root in range(12):
        chord = Chord(root, quality)
        for pitches in hands(chord, column):
            if column in COLUMNS[2:] and frozenset(p % 12 for p in pitches) in _OF_VOCABULARY:
                continue
            found = held_chord(pitches)
            n += 1
            if found is not None:
                named += found.chord == chord
                bass = found.chord.root if found.bass is None else found.bass
                sounds = {bass, *found.chord.pitch_classes} <= {pitch % 12 for pitch in pitches}
                sounding += sounds and bass == pitches[0] % 12
    return (named / n, sounding / n) if n else None


def main() -> None:
    print("| quality | " + " | ".join(COLUMNS) + " |")
    print("|---|" + "---:|" * len(COLUMNS))
    for quality in QUALITIES:
        cells = []
        for column in COLUMNS:
            found = shares(quality, column)
            both = column != COLUMNS[2]
            second = f" / {found[1]:.2f}" if found and both else ""
            cells.append("–" if found is None else f"{found[0]:.2f}{second}")
        print(f"| {quality} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
