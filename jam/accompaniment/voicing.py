"""Chords to pitches: one bass note and three upper voices (four with several tensions written),
led by the least movement."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise, product

from jam.music.chord import QUALITIES, Chord

BASS_RANGE = (28, 44)
"""Lowest pitch of the bass (E1), and the first one that is too high for it."""
VOICES_RANGE = (45, 74)
"""Lowest and highest pitch of the upper voices: never as low as the bass."""
DEFAULT_ROOM = 58
"""The pitch that the voices stay below when nothing is known of the melody."""

Voicing = tuple[int, ...]
"""MIDI pitches from the bass up: bass note, then three or four upper voices."""

_BASS_CENTRE = 35.5
_MUDDY_BELOW = 50
"""Intervals smaller than a fourth are not built on pitches lower than this one."""


@lru_cache(maxsize=4096)
def voice(
    chord: Chord,
    before: Voicing | None,
    room: int = DEFAULT_ROOM,
    bass: int | None = None,
    voices: tuple[int, ...] = (),
) -> Voicing:
    """Bass note and upper voices, with the least movement from the voicing before.

    Seventh chords keep third and seventh (the guide tones) and leave the root to the bass; a
    power chord doubles its root. `room` is the pitch from which the melody needs the place: at
    most one voice reaches it, and that one not far. `bass` is the pitch class of a slash chord's
    bass. `voices`: what a symbol writes for the upper voices, in semitones above the root, where
    that is more than the chord has (`jam.music.chord_notation.Symbol`). Deterministic; some
    0.1 ms when it is not in the cache.
    """
    intervals = QUALITIES[chord.quality][0]
    upper: tuple[int, ...]
    if voices:
        upper = voices
    elif len(intervals) == 2:
        upper = (0, 7, 0)
    elif len(intervals) == 3:
        upper = intervals[:3]
    else:
        upper = (intervals[1], intervals[3], intervals[4] if len(intervals) > 4 else intervals[2])
    low, high = VOICES_RANGE
    choices = [[p for p in range(low, high + 1) if p % 12 == (chord.root + i) % 12] for i in upper]
    best: Voicing = ()
    best_cost = float("inf")
    for picked in product(*choices):
        pitches = tuple(sorted(picked))
        if (cost := _cost(pitches, before, room)) < best_cost:
            best, best_cost = pitches, cost
    return (_bass(chord.root if bass is None else bass, before), *best)


def _cost(pitches: Voicing, before: Voicing | None, room: int) -> float:
    """How bad upper voices are; infinite where two of them are the same."""
    gaps = [b - a for a, b in pairwise(pitches)]
    if min(gaps) == 0:
        return float("inf")
    # All below the melody if it can be, all but one in any case.
    cost = 0.8 * max(0, pitches[-1] - room) + 6.0 * max(0, pitches[-2] - room + 1)
    cost += 0.3 * abs(pitches[1] - (room - 5))
    cost += sum(2.5 for gap in gaps if gap < 3) + sum(0.7 * (gap - 8) for gap in gaps if gap > 8)
    if gaps[0] < 5 and pitches[0] < _MUDDY_BELOW:
        cost += 0.8 * (_MUDDY_BELOW - pitches[0])
    if before is not None:
        cost += _movement(pitches, before[1:])
    return cost


def _movement(pitches: Voicing, before: Voicing) -> int:
    """How far the voices go; where their number changes, each from the nearest one."""
    if len(pitches) == len(before):
        return sum(abs(a - b) for a, b in zip(pitches, before, strict=True))
    return sum(min(abs(a - b) for b in before) for a in pitches)


def _bass(pitch_class: int, before: Voicing | None) -> int:
    """The bass note nearest to the one before, rather in the middle of its range."""
    choices = [p for p in range(*BASS_RANGE) if p % 12 == pitch_class]
    last = _BASS_CENTRE if before is None else before[0]
    return min(choices, key=lambda p: (abs(p - last) + 0.8 * abs(p - _BASS_CENTRE), p))
