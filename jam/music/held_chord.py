"""Which chord a hand holds: every quality of the vocabulary, inverted, over another bass, in part.

A pure function of the keys that are down, the lowest first. Every chord of the vocabulary is
weighed against the pitch classes that are held: notes that are missing cost by what the chord is
without them (a fifth little, the third or the seventh much), notes that it doesn't have cost most,
a bass that isn't its root costs less the more chord-like it is. Where several fit alike (C6 and
Am7, a diminished seventh on four roots, a shell of two notes) the bass decides, then the chord
that was before and the key. Weights were set by hand; `tools/held_chords.py` prints what they give.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from jam.music.chord import COMMON_NAMES, QUALITIES, Chord
from jam.music.chord_notation import Symbol
from jam.music.key import Key, in_key

FEWEST_PITCHES = 2
"""One key alone is no chord."""
_FOREIGN = 3.0
"""For each pitch class held that the chord doesn't have."""
_MISSING = {"root": 1.9, "third": 1.5, "fifth": 0.7, "sixth or seventh": 1.3, "ninth": 1.4}
_NINTH_WITHOUT_THIRD = 1.0
"""C G Bb D is rather Gm over C."""
_TENSION = 1.3
"""For a tension (9, 11, 13, altered or not) over a chord that bears it; the reduction drops it."""
_DOMINANT_TENSION = 0.9
_SLASH = 1.8
"""For a bass that the chord doesn't have: F over G, which isn't weighed as a foreign note then."""
_BASS = {"root": 0.0, "third": 0.55, "fifth": 0.6, "sixth or seventh": 0.75, "ninth": 1.4}
_BEFORE = 0.12
"""For the chord that was there before."""
_IN_KEY = 0.06
# Of several that fit alike the more usual; in the order of their share in lead sheets.
_USUAL = (
    *("maj", "7", "min7", "min", "maj7", "maj6", "hdim7", "dim7", "min6", "dim"),
    *("sus4", "7sus4", "9", "min9", "maj9", "aug7", "aug", "minmaj7", "sus2", "5"),
)
_RARE = 0.01
_MOST = 4.5
"""A hand that fits nothing better is no chord of the vocabulary."""


@dataclass(frozen=True, slots=True)
class HeldChord:
    """A chord that is held, and its bass where that isn't the root (a pitch class)."""

    chord: Chord
    bass: int | None = None

    @property
    def symbol(self) -> Symbol:
        """As it would be written."""
        slash = "" if self.bass is None else "/" + COMMON_NAMES[self.bass]
        return Symbol(self.chord.symbol + slash)


def _role(quality: str, interval: int) -> str:
    """What an interval is in a chord: what it costs where it is missing or in the bass."""
    if interval == 0:
        return "root"
    if interval in (3, 4):
        return "third"
    if interval in (6, 7, 8) and not (interval == 6 and 7 in QUALITIES[quality][0]):
        return "fifth" if interval == 7 else "third"  # an altered fifth says as much as a third
    if interval in (9, 10, 11):
        return "sixth or seventh"
    if quality in ("sus2", "sus4", "7sus4"):
        return "third"
    return "ninth"


def _tensions(quality: str) -> frozenset[int]:
    """What may stand over a chord and is dropped: over a dominant all that isn't the other third
    or seventh, over other sevenths the natural ones, over a triad the ninth."""
    if quality in ("7", "9", "aug7"):
        return frozenset((1, 2, 3, 6, 8, 9))
    if quality in ("maj7", "maj9"):
        return frozenset((2, 6, 9))
    if quality in ("min7", "min9", "hdim7", "minmaj7", "7sus4"):
        return frozenset((2, 5, 9)) - frozenset(QUALITIES[quality][0])
    return frozenset((2,)) if quality in ("maj", "min", "maj6", "min6") else frozenset()


_TENSIONS = {quality: _tensions(quality) for quality in QUALITIES}
_ROLES = {
    quality: {interval: _role(quality, interval) for interval in intervals}
    for quality, (intervals, _) in QUALITIES.items()
}


def held_chord(
    pitches: Collection[int], before: Chord | None = None, key: Key | None = None
) -> HeldChord | None:
    """The chord of the MIDI pitches that are held; None where there is none.

    before: the chord that sounded until now; key: the key of the music, if known. Both only
    decide between chords that fit alike.
    """
    classes = frozenset(pitch % 12 for pitch in pitches)
    if len(classes) < FEWEST_PITCHES:
        return None
    bass = min(pitches) % 12
    return _held(classes, bass, before, key)


@lru_cache(maxsize=4096)
def _held(
    classes: frozenset[int], bass: int, before: Chord | None, key: Key | None
) -> HeldChord | None:
    best: tuple[float, Chord] | None = None
    for root in range(12):
        for quality in _USUAL:
            chord = Chord(root, quality)
            cost = _cost(chord, classes, bass)
            cost -= _BEFORE * (chord == before)
            cost -= _IN_KEY * (key is not None and in_key(chord, key))
            cost += _RARE * _USUAL.index(quality)
            if best is None or cost < best[0]:
                best = cost, chord
    assert best is not None
    if best[0] > _MOST:
        return None
    return HeldChord(best[1], None if bass == best[1].root else bass)


def _cost(chord: Chord, classes: frozenset[int], bass: int) -> float:
    roles = _ROLES[chord.quality]
    held = {(pitch_class - chord.root) % 12 for pitch_class in classes}
    bass_interval = (bass - chord.root) % 12
    tensions = _TENSIONS[chord.quality] - roles.keys() - {bass_interval}
    foreign = held - roles.keys() - tensions
    each = _DOMINANT_TENSION if {4, 10} <= roles.keys() else _TENSION
    added = each * len(held & tensions)
    if bass_interval in foreign:
        if len(held & roles.keys()) < 3:
            return (
                _FOREIGN * len(foreign) + _SLASH + added
            )  # two notes over a third one: not told apart
        cost = _SLASH + _FOREIGN * (len(foreign) - 1)
    else:
        cost = _FOREIGN * len(foreign) + _BASS[roles[bass_interval]]
    missing = [role for i, role in roles.items() if i not in held]
    hollow = "third" in missing and "ninth" in roles.values()
    return cost + added + sum(_MISSING[role] for role in missing) + _NINTH_WITHOUT_THIRD * hollow


def gap_split(pitches: Sequence[int], before: int, least_gap: int = 5) -> int:
    """The split point between two hands: the lowest pitch of the right one.

    In the widest gap of what is held, if it has at least `least_gap` semitones and lies within an
    octave of the split before; else the split stays.
    """
    ordered = sorted(set(pitches))
    gaps = [
        (high - low, high)
        for low, high in pairwise(ordered)
        if high - low >= least_gap and abs((low + high) / 2 - before) <= 12
    ]
    return max(gaps)[1] if gaps else before
