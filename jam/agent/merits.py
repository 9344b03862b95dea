"""What each chord is worth where one is struck: how it fits what may sound, and where it leads.

All chords are weighed against what is foreseen of the melody (`Predictor.foreseen`). A chord then
is drawn from what the predictor says, times the exponential of what the chord is worth: the closed
form of taking the best of many draws (as best-of-n sampling approximates a policy tilted by its
reward: Beirami et al. 2024).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.agent.moves import lifts_to
from jam.music.chord import QUALITIES, Chord
from jam.music.grid import Place
from jam.music.rows import CHORD_FIRST, N_CHORD_CLASSES, chord_of_class

Merits = NDArray[np.float64]
Logits = NDArray[np.floating[Any]]

WEIGHT = 6.0
"""Nats for a chord that fits the whole melody; a triad of which half sounds is worth 0.25 of it."""
CLASH = 1.0
"""What a share of the melody a semitone above a tone of the chord costs, in shares that fit."""
RESOLVES, FALLS, CLOSES = 0.12, 0.04, 0.25
"""What a dominant that resolves, any root that falls a fifth, and a fall to the last bar of four
are worth: fit alone would break off what the chords had begun, and never close a phrase."""
LEADS, MOST_LIFT = 0.06, 8.0
"""What a move to the goal that is as usual as by chance times e is worth, and the lift that counts
as most."""
SURE = 0.8
"""A chord with more of the probability isn't weighed against others. As played (48 pieces, two
samplings) bars that return keep their chords in 0.75 with it and 0.70 without, note-in-chord is
0.595 and 0.601."""
PHRASE_BARS = 4
_DOMINANTS = ("7", "9", "aug7")

_CHORDS = [chord_of_class(class_) for class_ in range(CHORD_FIRST, N_CHORD_CLASSES)]
_ROOTS = np.array([chord.root for chord in _CHORDS])
_TONES = np.array([[pc in chord.pitch_classes for pc in range(12)] for chord in _CHORDS])
_NINTHS = (np.arange(12) - 1) % 12 == _ROOTS[:, None]
_IS_DOMINANT = np.array([chord.quality in _DOMINANTS for chord in _CHORDS])
_CLASHES = np.roll(_TONES, 1, 1) & ~_TONES & ~(_IS_DOMINANT[:, None] & _NINTHS)
"""The minor ninth of a dominant is no clash."""
_FITS = _TONES - CLASH * _CLASHES
_CHANCE = _TONES.sum(1) / 12

_KINDS = np.array([0, 1, *np.where(_TONES.sum(1) > 3, 3, 2)])
"""Of every class: hold, none, chords of three notes and of more."""


def is_sure(onsets: Logits) -> bool:
    """Whether one of the chords that may be struck has most of the probability, as one that is
    copied with the bar that came before: weighing would break off what comes back."""
    shares = np.exp(onsets - onsets.max())
    return float(shares.max()) > SURE * float(shares.sum())


def with_kinds_of(logits: Logits, before: Logits) -> Logits:
    """Chord logits (…, N_CHORD_CLASSES) whose kinds (hold, none, triads, chords of more notes) are
    each as likely as in `before`; which of a kind, is as likely as in `logits`.

    What is likely grows likelier when logits are sharpened or weighed, and musicians' chords of
    four notes are each less likely than a triad: all of them would be drawn too seldom.
    """
    found = np.empty_like(logits)
    whole = log_sum(before)
    for kind in range(4):
        of_kind = kind == _KINDS
        share = log_sum(before[..., of_kind]) - whole
        found[..., of_kind] = logits[..., of_kind] - log_sum(logits[..., of_kind]) + share
    return found


def log_sum(logits: Logits) -> Logits:
    """The logarithm of the sum of the exponentials over the last axis, which is kept."""
    best = logits.max(-1, keepdims=True)
    found: Logits = best + np.log(np.exp(logits - best).sum(-1, keepdims=True))
    return found


def merits(
    sounding: NDArray[np.float64],
    before: Chord | None,
    place: Place,
    after: tuple[Chord, float] | None = None,
    closes: bool | None = None,
) -> Merits:
    """What every chord class is worth, (N_CHORD_CLASSES,); 0 for hold and none.

    after: a chord that comes, and how likely this one lasts until then. closes: whether a phrase
    comes to its end in this bar; None: where phrases of four bars do.
    sounding: weights of the twelve pitch classes. A chord's fit is the share of them that it has,
    less the share that it would have by chance: its size in twelfths.
    """
    found = np.zeros(N_CHORD_CLASSES)
    chords = found[CHORD_FIRST:]
    total = float(sounding.sum())
    if total > 0:
        chords += _FITS @ (sounding / total) - _CHANCE
    if before is not None:
        up = (_ROOTS - before.root) % 12
        if before.quality in _DOMINANTS:
            chords[(up == 5) | (up == 11)] += RESOLVES
        else:
            chords[up == 5] += FALLS
        # From V to I.
        if closes_phrase(place, closes) and 3 not in QUALITIES[before.quality][0]:
            chords[up == 5] += CLOSES
    if after is not None:
        lifts = np.minimum(lifts_to(after[0])[CHORD_FIRST:], MOST_LIFT)
        chords += after[1] * LEADS * np.log(lifts)
    return found


def closes_phrase(place: Place, closes: bool | None = None) -> bool:
    """Whether a phrase reaches its last chord there. closes: as the form says; None: phrases have
    four bars."""
    if closes is None:
        closes = place.bar % PHRASE_BARS == PHRASE_BARS - 1
    return place.frame_in_bar == 0 and closes


def places_from(place: Place, n: int) -> list[Place]:
    """The places of n frames from this one on, as far as can be known from it: in its metre."""
    found = []
    bar, frame = place.bar, place.frame_in_bar
    for _ in range(n):
        found.append(Place(bar, frame, place.meter))
        frame += 1
        if frame == place.meter.frames_per_bar:
            bar, frame = bar + 1, 0
    return found
