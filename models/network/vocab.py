"""The network's vocabulary: one table of input features, and the classes of `jam.music.rows`.

The input at position t is the row of frame t - 1 (what the melody and the chord did, for how
long, by which interval) and the place of frame t in the metre. Every feature is an index into
a table of its own; `FEATURES` names them all with their sizes, and everything else is derived
from it. Classes to be predicted are those of `jam.rows`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jam.music.chord import QUALITY_INDEX, QUALITY_NAMES, Chord
from jam.music.grid import MAX_FRAMES_PER_BAR, Place
from jam.music.rows import (
    CHORD_FIRST,
    CHORD_NONE,
    HIGHEST_PITCH,
    HOLD,
    LOWEST_PITCH,
    MELODY_FIRST,
    MELODY_REST,
    N_MELODY_CLASSES,
    ChordState,
    MelodyState,
    fold_pitch,
)
from jam.settings import DENSITIES, STYLES

Ints = NDArray[np.int64]

N_QUALITIES = len(QUALITY_NAMES)
N_CHORDS = 1 + 12 * N_QUALITIES
"""Chord index: 0 none, then 1 + root * qualities + quality (class of its onset less 1)."""
MAX_CHORD_AGE, MAX_MELODY_AGE = 96, 32
BARS_IN_FORM = 8
MAX_INTERVAL = 12
_HEIGHT_STEP = 6

# Features that every transposition leaves as they are: name -> number of values.
PLAIN_FEATURES: dict[str, int] = {
    "melody_height": 2 + (HIGHEST_PITCH - LOWEST_PITCH) // _HEIGHT_STEP,  # 0 is a rest
    "melody_interval": 2 * MAX_INTERVAL + 2,  # from the note before; 0 where none starts
    "melody_age": MAX_MELODY_AGE,
    "chord_age": MAX_CHORD_AGE,
    "chord_onset": 2,
    "frame_in_bar": MAX_FRAMES_PER_BAR,
    "bar_frames": MAX_FRAMES_PER_BAR + 1,
    "beat_frames": 9,
    "frame_in_beat": 8,
    "strength": 4,
    "bar_in_form": BARS_IN_FORM,
    "style": len(STYLES),
    "density": 1 + len(DENSITIES),  # 0 asks for none
}
# Features that turn with the circle of pitch classes.
PITCHED_FEATURES: dict[str, int] = {
    "melody": 2 * 13,  # onset * 13 + (0 rest, 1 + pitch class)
    "chord": N_CHORDS,
}
FEATURES: dict[str, int] = PLAIN_FEATURES | PITCHED_FEATURES
# Features of each place of the past that `models.network.recall` finds: the chord there; whether
# there is a place, a chord is struck there, and the chord before it is the one that sounds now;
# agreement; distance; the melody there and on the three beats after it. Pitches are turned into
# the present key.
RECALL_SLOTS = ("alike", "near", "far")
N_AGREEMENTS = 6
"""Classes of how well melodies agree over one window."""
N_EVENTS, N_MATCHES, N_DISTANCES = 5, 1 + N_AGREEMENTS**2, 13
N_CASES = N_MATCHES * N_EVENTS * 2
"""Match, event, and whether the chord fitted then, decide how far a copy is to be trusted."""
NOTES = ("note_0", "note_1", "note_2", "note_3")
RECALL_FEATURES: dict[str, int] = {
    "chord": N_CHORDS,
    "event": N_EVENTS,
    "match": N_MATCHES,
    "distance": N_DISTANCES,
} | dict.fromkeys(NOTES, 2 * 13)
MELODY_FEATURES = ("melody", "melody_height", "melody_interval", "melody_age")
CHORD_FEATURES = ("chord", "chord_age", "chord_onset")
PLACE_FEATURES = (
    "frame_in_bar",
    "bar_frames",
    "beat_frames",
    "frame_in_beat",
    "strength",
    "bar_in_form",
)
CONDITION_FEATURES = ("style", "density")
# What an improviser is told besides (`models.data.solos`): the chord of the frame itself and the
# next two with the frames until each, the melody so many bars before that it may take up, and
# how dense and how high it is to play.
MAX_UNTIL, N_NOTE_DENSITIES, N_REGISTERS = 48, 8, 13
ASKED_FEATURES: dict[str, int] = {
    "until": 1 + MAX_UNTIL,  # 0: nobody knows, or it is further off
    "notes": 1 + N_NOTE_DENSITIES,  # 0 asks for none
    "register": 1 + N_REGISTERS,  # 0 asks for none
}
TOLD: dict[str, tuple[str, ...]] = {
    "here": ("chord", "chord_onset"),
    "next": ("chord", "until"),
    "after": ("chord", "until"),
    "echo": ("melody", "melody_height", "melody_interval"),
    "asked": ("notes", "register"),
}
assert {*MELODY_FEATURES, *CHORD_FEATURES, *PLACE_FEATURES, *CONDITION_FEATURES} == set(FEATURES)


# Features of the network that fills gaps (`models.network.gaps`): how a frame's chord and melody
# are known, and how far the melody is from the pitch around which it lies.
GAP_STATES = (OPEN, SILENT, BEGINS, GOES_ON, SOUNDS, BEYOND) = range(6)
"""To be drawn; silent; begins; goes on; sounds, and may begin; outside of the piece."""
MAX_AWAY = 24
GAP_FEATURES: dict[str, int] = {
    "chord": N_CHORDS,
    "chord_gap": len(GAP_STATES),
    "melody": 2 * 13,
    "melody_gap": len(GAP_STATES),
    "melody_away": 2 * MAX_AWAY + 2,  # 0 where no note is known
}
LAGS: dict[str, tuple[int, int]] = {
    "frame_back": (-1, 0),
    "frame_on": (1, 0),
    "bar_back": (0, -1),
    "bar_on": (0, 1),
    "bars_2_back": (0, -2),
    "bars_2_on": (0, 2),
    "bars_4_back": (0, -4),
    "bars_4_on": (0, 4),
    "bars_8_back": (0, -8),
    "bars_8_on": (0, 8),
}
"""Places of which each frame is told besides its own: (frames, bars) from it."""


def plain_rows(feature: str) -> int:
    """Rows of a feature's invariant table; for pitched features: whatever the pitch is."""
    if feature in NOTES:
        return 3
    return {"chord": 2, "melody": 3}.get(feature) or n_values(feature)


def n_values(feature: str) -> int:
    """Values that a feature has."""
    return (RECALL_FEATURES | ASKED_FEATURES | GAP_FEATURES | FEATURES)[feature]


# Melody classes as the network computes them: hold, rest, and for each pitch class a note
# within one of five octaves around the note before. `MELODY_FROM_RELATIVE[p]` reorders these
# 2 + 12 * 5 logits to the classes of `jam.music.rows` when the last note was p (0 = the lowest).
N_OCTAVES = 5
N_RELATIVE = 2 + 12 * N_OCTAVES
FIRST_PITCH = 60
"""Where the melody is taken to come from before its first note."""


def _relative_table() -> Ints:
    table = np.zeros((HIGHEST_PITCH - LOWEST_PITCH + 1, N_MELODY_CLASSES), dtype=np.int64)
    table[:, HOLD], table[:, MELODY_REST] = 0, 1
    for last in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
        for pitch in range(LOWEST_PITCH, HIGHEST_PITCH + 1):
            octave = min(max((pitch - last + 6) // 12 + 2, 0), N_OCTAVES - 1)
            relative = 2 + (pitch % 12) * N_OCTAVES + octave
            table[last - LOWEST_PITCH, MELODY_FIRST + pitch - LOWEST_PITCH] = relative
    return table


MELODY_FROM_RELATIVE = _relative_table()


def chord_index(state: ChordState) -> int:
    """Index of what sounds: 0 for none."""
    if state.chord is None:
        return 0
    return 1 + state.chord.root * N_QUALITIES + QUALITY_INDEX[state.chord.quality]


def chord_of_index(index: int) -> Chord:
    """The chord of an index that isn't 0."""
    root, quality = divmod(index - 1, N_QUALITIES)
    return Chord(root, QUALITY_NAMES[quality])


def melody_arrays(melody: Sequence[MelodyState]) -> tuple[Ints, Ints]:
    """(pitch, onset) a frame; pitch 0 is a rest, pitches are folded into the piano's range."""
    pitch = np.array(
        [0 if m.pitch is None else fold_pitch(m.pitch) for m in melody], dtype=np.int64
    )
    onset = np.array([m.pitch is not None and m.onset for m in melody], dtype=np.int64)
    return pitch, with_changes(pitch, onset)


def chord_arrays(chords: Sequence[ChordState]) -> tuple[Ints, Ints]:
    """(chord index, onset) a frame."""
    index = np.array([chord_index(c) for c in chords], dtype=np.int64)
    onset = np.array([c.chord is not None and c.onset for c in chords], dtype=np.int64)
    return index, with_changes(index, onset)


def with_changes(value: Ints, onset: Ints) -> Ints:
    """Whatever changes to something that sounds, starts (as in `jam.music.rows`)."""
    before = np.concatenate([np.zeros_like(value[..., :1]), value[..., :-1]], axis=-1)
    return np.where((value != 0) & ((value != before) | (onset != 0)), 1, 0)


def ages(value: Ints, onset: Ints, limit: int) -> Ints:
    """Frames since the state of each frame began, at most limit - 1; over the last axis."""
    n = value.shape[-1]
    began = onset != 0
    began[..., 1:] |= value[..., 1:] != value[..., :-1]
    began[..., 0] = True
    starts = np.maximum.accumulate(np.where(began, np.arange(n), 0), axis=-1)
    return np.minimum(np.arange(n) - starts, limit - 1)


def melody_features(pitch: Ints, onset: Ints) -> dict[str, Ints]:
    """Features of each frame's melody, of arrays (…, n) as `melody_arrays` gives them."""
    last = last_pitches(pitch, onset)  # the note of the frame or, in a rest, before it
    before = np.concatenate([np.zeros_like(last[..., :1]), last[..., :-1]], axis=-1)
    interval = np.clip(pitch - before, -MAX_INTERVAL, MAX_INTERVAL) + MAX_INTERVAL + 1
    return {
        "melody": onset * 13 + np.where(pitch > 0, 1 + pitch % 12, 0),
        "melody_height": np.where(pitch > 0, 1 + (pitch - LOWEST_PITCH) // _HEIGHT_STEP, 0),
        "melody_interval": np.where((onset > 0) & (before > 0), interval, 0),
        "melody_age": ages(pitch, onset, MAX_MELODY_AGE),
    }


def last_pitches(pitch: Ints, onset: Ints) -> Ints:
    """The newest note up to and including each frame; 0 before the first."""
    n = pitch.shape[-1]
    newest = np.maximum.accumulate(np.where(onset > 0, np.arange(n), -1), axis=-1)
    taken = np.take_along_axis(pitch, np.maximum(newest, 0), axis=-1)
    return np.where(newest >= 0, taken, 0)


def chord_features(index: Ints, onset: Ints) -> dict[str, Ints]:
    """Features of each frame's chord, of arrays (…, n) as `chord_arrays` gives them."""
    return {"chord": index, "chord_age": ages(index, onset, MAX_CHORD_AGE), "chord_onset": onset}


def place_features(places: Sequence[Place]) -> dict[str, Ints]:
    """Features of each frame's place in the metre."""
    rows = [
        (
            p.frame_in_bar,
            p.meter.frames_per_bar,
            p.meter.frames_per_beat,
            p.frame_in_bar % p.meter.frames_per_beat,
            p.strength,
            p.bar % BARS_IN_FORM,
        )
        for p in places
    ]
    table = np.array(rows, dtype=np.int64).reshape(len(rows), len(PLACE_FEATURES))
    return {name: table[:, i] for i, name in enumerate(PLACE_FEATURES)}


def style_index(style: str) -> int:
    """Index of a style condition; whatever is unknown counts as "any"."""
    return STYLES.index(style) if style in STYLES else 0


def density_index(changes_per_bar: float | None) -> int:
    """Index of the nearest density that can be asked for (on a scale of ratios); 0 is none."""
    if changes_per_bar is None or changes_per_bar <= 0:
        return 0
    distances = [abs(math.log(changes_per_bar / d)) for d in DENSITIES]
    return 1 + distances.index(min(distances))


def chord_targets(index: Ints, onset: Ints, before: Ints) -> Ints:
    """Class of each frame's chord, given the chord index that sounds before it."""
    held = (onset == 0) & (index == before)
    return np.where(held, HOLD, np.where(index == 0, CHORD_NONE, index - 1 + CHORD_FIRST))


def melody_targets(pitch: Ints, onset: Ints) -> Ints:
    """Class of each frame's melody (`jam.music.rows.melody_class`)."""
    before = np.concatenate([np.zeros_like(pitch[..., :1]), pitch[..., :-1]], axis=-1)
    rest = np.where(before == 0, HOLD, MELODY_REST)
    return np.where(
        pitch == 0, rest, np.where(onset > 0, MELODY_FIRST + pitch - LOWEST_PITCH, HOLD)
    )
