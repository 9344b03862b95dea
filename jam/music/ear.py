"""By ear: was the phrase repeated, was the chord found? Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jam.music.chord import Chord

REPEATED = 0.8
"""A phrase that so much of was played, in order, counts as repeated."""
_FOREIGN = 1
"""A chord counts as found with so many notes beside it, which somebody tried."""


def repeated(wanted: Sequence[int], played: Sequence[int]) -> tuple[int, int]:
    """(notes of the phrase that were played in its order, notes of the phrase), in any octave.

    By the longest common subsequence of pitch classes, so that one wrong note costs one.
    """
    one, two = [p % 12 for p in wanted], [p % 12 for p in played]
    row = [0] * (len(two) + 1)
    for a in one:
        before = 0
        for j, b in enumerate(two, 1):
            above = row[j]
            row[j] = before + 1 if a == b else max(above, row[j - 1])
            before = above
    return row[-1], len(one)


def is_found(chord: Chord, struck: Collection[int]) -> bool:
    """Whether what was struck while a chord sounds names it: its root, and its third or what it
    has in place of one, among at most _FOREIGN notes that aren't of it. Pitches in any octave."""
    classes = {pitch % 12 for pitch in struck}
    tones = chord.pitch_classes
    needed = set(tones[:2]) if len(tones) > 2 else set(tones)
    return needed <= classes and len(classes - set(tones)) <= _FOREIGN
