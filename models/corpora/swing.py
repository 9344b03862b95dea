"""Swing and triplets: which grid a performed melody is meant for.

Positions are in beats. Three readings of a beat: four sixteenths; three triplets (or six
frames), as in 12/8; and swing, where the second eighth is late but means the half beat.
"""

from __future__ import annotations

from collections.abc import Sequence

Note = tuple[float, float, int]
"""(start, end, pitch), in beats."""

_NEAR = 0.05
_TRIPLET_SHARE = 0.5


def straight_or_triplets(notes: Sequence[Note]) -> tuple[int, list[Note]]:
    """Frames a beat (4, or 6 where most onsets off the beat are triplets), and the notes.

    Where the late eighth is the only triplet place in use, the beat is swung: it stays at 4
    frames and the notes are straightened.
    """
    places = [start % 1.0 for start, _, _ in notes]
    first, half, late, quarters = (
        sum(any(abs(p - place) < _NEAR for place in at) for p in places)
        for at in ((1 / 3, 1 / 6), (1 / 2,), (2 / 3, 5 / 6), (1 / 4, 3 / 4))
    )
    off_beat = first + half + late + quarters
    if not off_beat or (first + late) / off_beat < _TRIPLET_SHARE:
        return 4, list(notes)
    if first > late / 4:
        return 6, list(notes)
    return 4, [(straightened(s), straightened(e), p) for s, e, p in notes]


def straightened(position: float, late: float = 2 / 3) -> float:
    """A place in a swung beat to where it is written: `late` becomes the half beat."""
    beat, part = divmod(position, 1.0)
    if part <= late:
        return beat + part / late / 2
    return beat + 0.5 + (part - late) / (1 - late) / 2
