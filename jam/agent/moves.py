"""Moves from chord to chord as songs have them, and what a chord that is to come says of one now.

The chord before a goal is weighed by how much more often songs go from it to the goal than to any
chord by chance (its lift), as far as it may still sound when the goal comes.
`jam.agent.move_table` has the lifts of pairs of families of qualities and the way between their
roots.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from jam.agent.move_table import LIFTS
from jam.agent.predictor import Logits
from jam.music.chord import QUALITIES, Chord
from jam.music.rows import (
    CHORD_FIRST,
    HOLD,
    N_CHORD_CLASSES,
    ChordState,
    chord_of_class,
    onset_class,
)

FAMILIES = ("maj", "min", "dom", "hdim", "dim", "sus")
_FAMILY = {
    **dict.fromkeys(("maj", "maj6", "maj7", "maj9", "5"), "maj"),
    **dict.fromkeys(("min", "min6", "min7", "min9", "minmaj7"), "min"),
    **dict.fromkeys(("7", "9", "aug7", "aug"), "dom"),
    **dict.fromkeys(("dim", "dim7"), "dim"),
    **dict.fromkeys(("sus4", "sus2", "7sus4"), "sus"),
    "hdim7": "hdim",
}
FAMILY_OF = {quality: FAMILIES.index(_FAMILY[quality]) for quality in QUALITIES}
"""Quality to the number of its family."""
_SAME = 0.5
"""The lift of the goal itself: then there is no move."""
_LIFE_FRAMES = 14.0
"""Chords of songs last about so long."""
RETURNS = 2.5
"""Nats for what a section had at the same place when it was played last."""


def lift(before: Chord, after: Chord) -> float:
    """How many times as often as by chance songs go from one chord to another."""
    if before == after:
        return _SAME
    up = (after.root - before.root) % 12
    return LIFTS[FAMILY_OF[before.quality]][up][FAMILY_OF[after.quality]]


@lru_cache(maxsize=256)
def lifts_to(goal: Chord) -> Logits:
    """Of every chord class, (N_CHORD_CLASSES,); 1 for hold and none. Not to be written to."""
    lifts = np.ones(N_CHORD_CLASSES, np.float32)
    for class_ in range(CHORD_FIRST, N_CHORD_CLASSES):
        lifts[class_] = lift(chord_of_class(class_), goal)
    return lifts


def still_sounds(frames: int) -> float:
    """The chance that a chord of now still sounds so many frames later."""
    return float(np.exp(-frames / _LIFE_FRAMES))


def leading(goal: Chord, frames: int, before: Chord | None) -> Logits:
    """What is to be added to the logits of the next chord where a goal comes in so many frames;
    shape (N_CHORD_CLASSES,). before: the chord that sounds, which may go on.

    Bayes' rule: p(chord | goal) is as p(chord) times what the chord says of the goal.
    """
    lifts = lifts_to(goal).copy()
    if before is not None:
        lifts[HOLD] = lift(before, goal)
    keep = still_sounds(frames)
    return np.log(keep * lifts + 1 - keep).astype(np.float32)


def returning(then: ChordState, before: Chord | None) -> Logits:
    """What is to be added to the logits of the next chord where a section returns that had `then`
    at this place; shape (N_CHORD_CLASSES,). before: the chord that sounds, which may go on.
    """
    added = np.zeros(N_CHORD_CLASSES, np.float32)
    if then.chord is not None:
        goes_on = not then.onset and then.chord == before
        added[HOLD if goes_on else onset_class(then.chord)] = RETURNS
    return added
