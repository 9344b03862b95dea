"""Chords found in the notes of a piece that has no symbols: hymns, songs with piano, MIDI files.

Template matching on every beat, made into a line by Viterbi's algorithm: a chord gains what it
explains of a beat and loses what it doesn't, its root is helped by the bass, and every change costs
something, less on a bar line. After Sheh & Ellis, "Chord segmentation and recognition using
EM-trained hidden Markov models" (ISMIR 2003), with templates in place of trained emissions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jam.errors import BadInput
from jam.music.chord import QUALITIES, Chord
from jam.music.grid import Meter
from models.corpora.draft import DraftChord, DraftNote

_MAX_BEATS_OF_NOTES = 400_000
"""Over all notes, the beats in which each of them sounds."""
# Qualities that are looked for, and what each has to explain better than a triad. The numbers here
# were fitted to a third of the songs that people analysed (`tools/chord_finder.py`).
_COSTS = {
    "maj": 0.0,
    "min": 0.0,
    "7": 0.0,
    "maj7": 0.6,
    "min7": 0.5,
    "dim": 0.4,
    "aug": 0.6,
    "sus4": 0.6,
    "hdim7": 0.35,
    "dim7": 0.3,
}
_CHORDS = [Chord(root, quality) for quality in _COSTS for root in range(12)]
_LACKS = 0.45
"""What a note of the chord costs that isn't there."""
_FOREIGN = 0.45
_ROOT_IN_BASS = 0.32
_CHANGE, _CHANGE_ON_BAR_LINE = 1.0, 0.5
_ONSET = 0.2
"""A note weighs so much more where it is struck."""


def _templates() -> NDArray[np.float64]:
    """(chords, 12): 1 where a pitch class belongs to the chord."""
    table = np.zeros((len(_CHORDS), 12))
    for i, chord in enumerate(_CHORDS):
        table[i, list(chord.pitch_classes)] = 1.0
    return table


_INSIDE = _templates()
_ROOTS = np.array([chord.root for chord in _CHORDS])
_COST = np.array([_COSTS[chord.quality] for chord in _CHORDS])
_SIZE = np.array([len(QUALITIES[chord.quality][0]) for chord in _CHORDS])


def find_chords(notes: Sequence[DraftNote], bars: Sequence[Meter]) -> list[DraftChord]:
    """One chord a beat of what sounds in it, repeats joined; N.C. before the first note.

    notes: of all voices, in sixteenths. Raises BadInput for notes without end.
    """
    starts: list[int] = []
    is_bar_line: list[bool] = []
    at = 0
    for meter in bars:
        for i in range(0, meter.frames_per_bar, meter.frames_per_beat):
            starts.append(at + i)
            is_bar_line.append(i == 0)
        at += meter.frames_per_bar
    if not notes or not starts:
        return []
    heard, bass = _heard(notes, np.array([*starts, at], dtype=float))
    path = _best_path(_fits(heard, bass), np.array(is_bar_line))
    chords: list[DraftChord] = []
    silent = heard.sum(axis=1) == 0
    sounding = np.flatnonzero(~silent)
    for beat in range(int(sounding[0]) if len(sounding) else len(starts), len(starts)):
        chord = _CHORDS[path[beat]]
        if not chords or chords[-1].chord != chord:
            chords.append(DraftChord(starts[beat], chord, chord.symbol))
    return chords


def _heard(
    notes: Sequence[DraftNote], edges: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """(beats, 12) weight of every pitch class in every beat, at most 1; the lowest pitch or -1."""
    n_beats = len(edges) - 1
    weights = np.zeros((n_beats, 12))
    lowest = np.full(n_beats, 128)
    visited = 0
    for note in notes:
        start, end = float(note.start), float(note.end)
        first = max(0, int(np.searchsorted(edges, start, "right")) - 1)
        last = min(n_beats, int(np.searchsorted(edges, end, "left")))
        visited += last - first
        if visited > _MAX_BEATS_OF_NOTES:
            raise BadInput("too many notes that sound at once")
        for beat in range(first, last):
            low, high = edges[beat], edges[beat + 1]
            share = (min(end, high) - max(start, low)) / (high - low)
            if share <= 0.05:
                continue
            struck = _ONSET if low <= start < high else 0.0
            weights[beat, note.pitch % 12] += share + struck
            if share >= 0.2:
                lowest[beat] = min(lowest[beat], note.pitch)
    return np.minimum(weights, 1.0), np.where(lowest < 128, lowest, -1)


def _fits(heard: NDArray[np.float64], bass: NDArray[np.int64]) -> NDArray[np.float64]:
    """(beats, chords): how well each chord explains each beat."""
    inside = heard @ _INSIDE.T
    foreign = heard.sum(axis=1, keepdims=True) - inside
    lacking = _SIZE - np.minimum(heard * 2, 1.0) @ _INSIDE.T
    fit = inside - _FOREIGN * foreign - _LACKS * lacking - _COST
    fit += _ROOT_IN_BASS * ((bass[:, None] % 12 == _ROOTS) & (bass[:, None] >= 0))
    fit[heard.sum(axis=1) == 0] = 0.0  # a silent beat says nothing
    return fit


def _best_path(fits: NDArray[np.float64], is_bar_line: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The line of chords of the greatest sum (Viterbi 1967)."""
    n_beats, n_chords = fits.shape
    back = np.zeros((n_beats, n_chords), dtype=np.int64)
    score = fits[0]
    for beat in range(1, n_beats):
        price = _CHANGE_ON_BAR_LINE if is_bar_line[beat] else _CHANGE
        best = int(score.argmax())
        stay = score >= score[best] - price
        back[beat] = np.where(stay, np.arange(n_chords), best)
        score = np.where(stay, score, score[best] - price) + fits[beat]
    path = np.zeros(n_beats, dtype=np.int64)
    path[-1] = int(score.argmax())
    for beat in range(n_beats - 1, 0, -1):
        path[beat - 1] = back[beat, path[beat]]
    return path
