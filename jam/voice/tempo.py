"""The tempo of a recording, and where its bars begin: from when its notes begin. Pure.

A tempo fits where many onsets fall on one phase of its beats and of their halves and quarters: the
length of the sum of their directions on the circle (Rayleigh's test; Davies & Plumbley 2007 weigh
tempi likewise by how usual they are).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.music.grid import Meter

_SLOWEST, _FASTEST = 42.0, 190.0
_USUAL_BPM, _USUAL_COMPOUND_BPM, _OCTAVES = 96.0, 66.0, 0.55
"""Tempi are the less likely the more octaves they are from here (one standard deviation)."""
_FEW = 4
"""With fewer notes there is no tempo."""
_DIVISIONS = ((1, 0.6), (2, 1.0), (4, 0.6))
"""Of a beat, with the weight of what falls on them."""


@dataclass(frozen=True, slots=True)
class Beat:
    """Beats a minute (as the metre counts them), and the second at which a bar begins."""

    bpm: float
    bar_s: float


def beat_of(notes: Sequence[tuple[float, float]], meter: Meter, bpm: float | None = None) -> Beat:
    """The beat of notes (onset, length), in seconds and in order. bpm: where it is known.

    Where a bar begins: on the beat on which most is begun and held.
    """
    if len(notes) < _FEW:
        return Beat(bpm or _USUAL_BPM, notes[0][0] if notes else 0.0)
    onsets = np.array([onset for onset, _ in notes])
    weights = np.sqrt(np.array([max(0.05, length) for _, length in notes]))
    compound = meter.frames_per_beat == 6
    divisions = ((1, 0.6), (3, 1.0), (6, 0.6)) if compound else _DIVISIONS
    if bpm is None:
        coarse = np.arange(_SLOWEST, _FASTEST, 0.25)
        middle = _USUAL_COMPOUND_BPM if compound else _USUAL_BPM
        usual = np.exp(-0.5 * (np.log2(coarse / middle) / _OCTAVES) ** 2)
        best = float(coarse[int(np.argmax(_fit(coarse, onsets, weights, divisions) * usual))])
        fine = np.arange(best - 0.5, best + 0.5, 0.01)
        bpm = float(fine[int(np.argmax(_fit(fine, onsets, weights, divisions)))])
        if abs(bpm - round(bpm)) < 0.06:
            bpm = float(round(bpm))
    period_s = 60.0 / bpm
    phase_s = _phase_s(onsets, weights, period_s, divisions)
    beats = np.round((onsets - phase_s) / period_s).astype(int)
    near = np.abs(onsets - phase_s - beats * period_s) < 0.17 * period_s
    strength = np.zeros(meter.beats_per_bar)
    lengths = np.array([length for _, length in notes])
    np.add.at(strength, beats[near] % meter.beats_per_bar, lengths[near])
    first = int(np.argmax(strength)) if near.any() else 0
    bar_s = phase_s + first * period_s
    length_s = meter.beats_per_bar * period_s
    bar_s += np.floor((onsets[0] + 0.25 * period_s - bar_s) / length_s) * length_s
    return Beat(bpm, float(bar_s))


def _turns(
    bpm: NDArray[np.float64], onsets: NDArray[np.float64], division: int
) -> NDArray[np.complex128]:
    return np.exp(2j * np.pi * division * np.outer(bpm / 60.0, onsets))


def _fit(
    bpm: NDArray[np.float64],
    onsets: NDArray[np.float64],
    weights: NDArray[np.float64],
    divisions: Sequence[tuple[int, float]],
) -> NDArray[np.float64]:
    """How well each tempo fits."""
    return np.sum(
        [gain * np.abs(_turns(bpm, onsets, n) @ weights) for n, gain in divisions], axis=0
    )


def _phase_s(
    onsets: NDArray[np.float64],
    weights: NDArray[np.float64],
    period_s: float,
    divisions: Sequence[tuple[int, float]],
) -> float:
    """The second, within one beat, on which the beats fall."""
    tried = np.arange(0, period_s, 0.004)
    angle = 2 * np.pi * (onsets[None, :] - tried[:, None]) / period_s
    fit = np.sum([gain * np.cos(n * angle) @ weights for n, gain in divisions], axis=0)
    return float(tried[int(np.argmax(fit))])
