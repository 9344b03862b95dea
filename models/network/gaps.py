"""What the network that fills gaps is shown and asked: any frames of chords and melody are open.

Every frame's class says what sounds and whether it begins there, so that each can be drawn
whatever is known of its neighbours (orderless: Uria et al. 2014; Coconet: Huang et al. 2017, arXiv
1903.07227). Melody pitches are counted from a pitch around which the melody lies (`around`), so
that music that is transposed with it stays the same.

Chord classes: 0 none, then 1 + root * 2 n + (n if it begins) + quality, n the number of qualities.
Melody classes: 0 rest, then 1 + pitch class * 2 m + (m if it begins) + octave, m octaves around.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.music.rows import HIGHEST_PITCH, LOWEST_PITCH
from models.network import vocab
from models.network.vocab import BEGINS, BEYOND, GOES_ON, OPEN, SILENT, SOUNDS, Ints

Bools = NDArray[np.bool_]

N_CHORD_STATES = 1 + 12 * 2 * vocab.N_QUALITIES
N_MELODY_STATES = 1 + 12 * 2 * vocab.N_OCTAVES
_BAR_FRAMES = vocab.PLACE_FEATURES.index("bar_frames")
_BAR = vocab.PLACE_FEATURES.index("bar_in_form")
MIDDLE = 67
"""Around which a melody lies of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Gaps:
    """Frames of music some of which are open. All (…, n) but places, (…, n, 6), and around (…).

    What stands where a frame is open is not looked at. chord_spans, melody_spans: where frames
    were open at first; the chord after such a span may begin there or go on.
    """

    pitch: Ints
    onset: Ints
    chord: Ints
    chord_onset: Ints
    places: Ints
    melody_open: Bools
    chord_open: Bools
    chord_span: Bools
    around: Ints
    style: int | Ints = 0
    density: int | Ints = 0


def around(pitch: Ints, known: Bools) -> int:
    """The median of the pitches that are known, (n,)."""
    sung = pitch[known & (pitch > 0)]
    return int(np.median(sung)) if len(sung) else MIDDLE


def _gap(value: Ints, onset: Ints, open_: Bools, span: Bools | None) -> Ints:
    found = np.where(value == 0, SILENT, np.where(onset > 0, BEGINS, GOES_ON))
    if span is not None:
        after = np.zeros_like(span)
        after[..., 1:] = span[..., :-1] & ~span[..., 1:]
        found = np.where(after & (found == GOES_ON), SOUNDS, found)
    return np.where(open_, OPEN, found)


def features(gaps: Gaps) -> dict[str, Ints]:
    """Of each frame, and of the places around it as "there.feature"; all (…, n)."""
    sung = ~gaps.melody_open & (gaps.pitch > 0)
    away = np.clip(gaps.pitch - np.asarray(gaps.around)[..., None], -vocab.MAX_AWAY, vocab.MAX_AWAY)
    here = {
        "chord": np.where(gaps.chord_open, 0, gaps.chord),
        "chord_gap": _gap(gaps.chord, gaps.chord_onset, gaps.chord_open, gaps.chord_span),
        "melody": np.where(sung, gaps.onset * 13 + 1 + gaps.pitch % 12, 0),
        "melody_gap": _gap(gaps.pitch, gaps.onset, gaps.melody_open, None),
        "melody_away": np.where(sung, away + vocab.MAX_AWAY + 1, 0),
    }
    found = dict(here)
    n = gaps.pitch.shape[-1]
    bar_frames = gaps.places[..., _BAR_FRAMES]
    for name, (frames, bars) in vocab.LAGS.items():
        there = np.arange(n) + frames + bars * bar_frames
        beyond = (there < 0) | (there >= n)
        there = np.clip(there, 0, n - 1)
        for feature, values in here.items():
            outside = BEYOND if feature.endswith("gap") else 0
            taken = np.take_along_axis(values, np.broadcast_to(there, values.shape), -1)
            found[f"{name}.{feature}"] = np.where(beyond, outside, taken)
    for i, feature in enumerate(vocab.PLACE_FEATURES):
        found[feature] = gaps.places[..., i]
    found["bar_in_form"] = found["bar_in_form"] % vocab.BARS_IN_FORM
    found["style"] = np.broadcast_to(np.asarray(gaps.style)[..., None], gaps.pitch.shape)
    found["density"] = np.broadcast_to(np.asarray(gaps.density)[..., None], gaps.pitch.shape)
    return found


def chord_classes(chord: Ints, onset: Ints) -> Ints:
    """The class of each frame's chord."""
    root, quality = np.divmod(chord - 1, vocab.N_QUALITIES)
    sounding = 1 + (2 * root + (onset > 0)) * vocab.N_QUALITIES + quality
    return np.where(chord == 0, 0, sounding)


def chords_of(classes: Ints) -> tuple[Ints, Ints]:
    """Chord index and onset of classes."""
    rest, quality = np.divmod(classes - 1, vocab.N_QUALITIES)
    root, onset = np.divmod(rest, 2)
    none = classes == 0
    return (np.where(none, 0, 1 + root * vocab.N_QUALITIES + quality), np.where(none, 0, onset))


def melody_classes(pitch: Ints, onset: Ints, around_: Ints | int) -> Ints:
    """The class of each frame's melody; octaves beyond those there are count as the last."""
    octave = np.clip((pitch - around_ + 6) // 12 + vocab.N_OCTAVES // 2, 0, vocab.N_OCTAVES - 1)
    sounding = 1 + (2 * (pitch % 12) + (onset > 0)) * vocab.N_OCTAVES + octave
    return np.where(pitch == 0, 0, sounding)


def melody_of(classes: Ints, around_: Ints | int) -> tuple[Ints, Ints]:
    """Pitch and onset of classes, within the piano's range."""
    rest, octave = np.divmod(classes - 1, vocab.N_OCTAVES)
    pitch_class, onset = np.divmod(rest, 2)
    low = np.asarray(around_) - 6 + 12 * (octave - vocab.N_OCTAVES // 2)
    pitch = low + (pitch_class - low) % 12
    pitch = np.where(pitch < LOWEST_PITCH, LOWEST_PITCH + (pitch_class - LOWEST_PITCH) % 12, pitch)
    last = HIGHEST_PITCH - 11
    pitch = np.where(pitch > HIGHEST_PITCH, last + (pitch_class - last) % 12, pitch)
    none = classes == 0
    return np.where(none, 0, pitch), np.where(none, 0, onset)
