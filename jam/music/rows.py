"""Rows: what one frame holds, and the classes in which the next one is predicted.

Training and live play share this encoding. A state is what sounds in a frame; a class is how
it came about: "hold" lets the state before go on, so no invalid sequence can be expressed.
"""

from __future__ import annotations

from dataclasses import dataclass

from jam.music.chord import QUALITY_INDEX, QUALITY_NAMES, Chord

LOWEST_PITCH, HIGHEST_PITCH = 21, 108
"""The piano's range; melodies beyond it are folded into it by octaves."""


@dataclass(frozen=True, slots=True)
class MelodyState:
    """The melody in one frame: a rest (pitch None), or a MIDI pitch and whether it starts here."""

    pitch: int | None = None
    onset: bool = False


@dataclass(frozen=True, slots=True)
class ChordState:
    """The harmony in one frame: none (chord None), or a chord and whether it starts here."""

    chord: Chord | None = None
    onset: bool = False


REST = MelodyState()
NO_CHORD = ChordState()


@dataclass(frozen=True, slots=True)
class Row:
    """What one closed frame held."""

    melody: MelodyState = REST
    chord: ChordState = NO_CHORD


HOLD = 0
"""Class of both melody and chord: what was, goes on (a rest and "no chord" too)."""
CHORD_NONE, CHORD_FIRST = 1, 2
N_CHORD_CLASSES = CHORD_FIRST + 12 * len(QUALITY_NAMES)
MELODY_REST, MELODY_FIRST = 1, 2
N_MELODY_CLASSES = MELODY_FIRST + HIGHEST_PITCH - LOWEST_PITCH + 1


def chord_class(state: ChordState, before: ChordState = NO_CHORD) -> int:
    """Class of a chord state, given the state of the frame before (no chord at the start)."""
    if state.chord is None:
        return HOLD if before.chord is None else CHORD_NONE
    if not state.onset and before.chord == state.chord:
        return HOLD
    return onset_class(state.chord)


def onset_class(chord: Chord) -> int:
    """Class of the onset of a chord: CHORD_FIRST + root * number of qualities + quality."""
    return CHORD_FIRST + chord.root * len(QUALITY_NAMES) + QUALITY_INDEX[chord.quality]


def chord_of_class(class_: int) -> Chord:
    """The chord of an onset class. Raises ValueError for hold and none."""
    if not CHORD_FIRST <= class_ < N_CHORD_CLASSES:
        raise ValueError(f"not the class of a chord onset: {class_}")
    root, quality = divmod(class_ - CHORD_FIRST, len(QUALITY_NAMES))
    return Chord(root, QUALITY_NAMES[quality])


def chord_state(class_: int, before: ChordState) -> ChordState:
    """The state that a class leads to from the state of the frame before."""
    if class_ == HOLD:
        return ChordState(before.chord, False)
    if class_ == CHORD_NONE:
        return NO_CHORD
    return ChordState(chord_of_class(class_), True)


def fold_pitch(pitch: int) -> int:
    """A pitch moved by octaves into the piano's range."""
    while pitch < LOWEST_PITCH:
        pitch += 12
    while pitch > HIGHEST_PITCH:
        pitch -= 12
    return pitch


def melody_class(state: MelodyState, before: MelodyState = REST) -> int:
    """Class of a melody state, given the state of the frame before (a rest at the start)."""
    if state.pitch is None:
        return HOLD if before.pitch is None else MELODY_REST
    if not state.onset and before.pitch == state.pitch:
        return HOLD
    return MELODY_FIRST + fold_pitch(state.pitch) - LOWEST_PITCH


def melody_state(class_: int, before: MelodyState) -> MelodyState:
    """The state that a class leads to from the state of the frame before."""
    if class_ == HOLD:
        return MelodyState(before.pitch, False)
    if class_ == MELODY_REST:
        return REST
    return MelodyState(class_ - MELODY_FIRST + LOWEST_PITCH, True)
