"""The form that is found in what was played: its length in bars, its sections, how sure that is.

Bars are compared with bars a form's length earlier: chords by root and third, melody by pitch
class. The length is the shortest at which bars come back nearly as well as at the best one, and
clearly better than bars do on the whole. Within it, groups of bars that are alike have one letter.
A guess for the player to confirm; `tools/found_forms.py` prints how often it is right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.music.chord import Chord
from jam.music.grid import Place
from jam.music.rows import Row

LONGEST_BARS = 64
_SHORTEST_BARS = 2
_CHORDS, _MELODY = 0.8, 0.2
"""What chords and melody say of two bars."""
_ROOT = 0.4
"""Of 1, for the same root under another chord."""
_NEARLY = 0.93
"""A shorter length is the form where bars come back so nearly as well."""
_ODD = 0.9
"""For a length that isn't a multiple of 4 bars."""
_ALIKE = 0.62
"""Sections with one letter have bars so much alike."""
_LEAST_CONFIDENCE = 0.15
_MOST_BARS = 192
"""Older bars are not looked at."""

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Form:
    """confidence: 0 to 1. sections: (letter, bars) of each, their bars sum to `bars`."""

    bars: int
    sections: tuple[tuple[str, int], ...]
    confidence: float


def find_form(rows: Sequence[Row], places: Sequence[Place]) -> Form | None:
    """The form of whole bars that were played; None where none shows itself.

    places: of every row, in the same order. Bars that aren't whole are left out at both ends.
    """
    alike = likeness(rows, places)
    n = len(alike)
    if n < 2 * _SHORTEST_BARS:
        return None
    mean = float(alike[np.triu_indices(n, 1)].mean())
    scores: dict[int, float] = {}
    for length in range(_SHORTEST_BARS, min(LONGEST_BARS, n - 2) + 1):
        back = alike.diagonal(length)
        if len(back) < max(2, length // 4):
            break
        scores[length] = float(back.mean()) * (1.0 if length % 4 == 0 else _ODD)
    if not scores:
        return None
    # A length of which little has come back is trusted less: a bar or two are soon alike.
    trusted = {
        length: mean + (score - mean) * min(1.0, (n - length) / min(length, 16))
        for length, score in scores.items()
    }
    best = max(trusted.values())
    length = next(length for length, score in trusted.items() if score >= _NEARLY * best)
    confidence = (trusted[length] - mean) / max(1.0 - mean, 0.1)
    if confidence < _LEAST_CONFIDENCE:
        return None
    return Form(length, _sections(alike, length), min(1.0, confidence))


def sections_of(
    rows: Sequence[Row], places: Sequence[Place], n_bars: int
) -> tuple[tuple[str, int], ...]:
    """(letter, bars) of the sections of the last `n_bars` bars; none where none of them returns.

    What was played before counts too, where it is as long again.
    """
    alike = likeness(rows, places)
    turns = len(alike) // n_bars
    if not turns:
        return ()
    newest = alike[-turns * n_bars :, -turns * n_bars :]
    found = _sections(newest, n_bars)
    return found if len({letter for letter, _ in found}) < len(found) else ()


def likeness(rows: Sequence[Row], places: Sequence[Place]) -> Matrix:
    """How much every bar is like every other, 0 to 1; shape (bars, bars)."""
    bars = _bars(rows, places)
    n = len(bars)
    size = max((len(bar) for bar in bars), default=0)
    chord = np.full((n, size), -1, np.int64)
    root = np.full((n, size), -1, np.int64)
    pitch = np.full((n, size), -1, np.int64)
    lengths = np.array([len(bar) for bar in bars], np.int64)
    for i, bar in enumerate(bars):
        for j, row in enumerate(bar):
            if row.chord.chord is not None:
                root[i, j] = row.chord.chord.root
                chord[i, j] = 2 * row.chord.chord.root + _third(row.chord.chord)
            if row.melody.pitch is not None:
                pitch[i, j] = row.melody.pitch % 12
    result = np.zeros((n, n))
    for i in range(n):
        sounds = (root >= 0) & (root[i] >= 0)
        same = np.where(chord == chord[i], 1.0, np.where(root == root[i], _ROOT, 0.0))
        chords = _share(np.where(sounds, same, 0.0), (root >= 0) | (root[i] >= 0))
        both = (pitch >= 0) & (pitch[i] >= 0)
        melody = _share(np.where(both & (pitch == pitch[i]), 1.0, 0.0), both)
        has_chords = ((root >= 0) | (root[i] >= 0)).any(axis=1)
        total = np.where(has_chords, _CHORDS * chords + _MELODY * melody, melody)
        result[i] = np.where(lengths == lengths[i], total, 0.0)
    return result


def _share(hits: Matrix, where: NDArray[np.bool_]) -> Matrix:
    counts = where.sum(axis=1)
    return np.asarray(hits.sum(axis=1) / np.maximum(counts, 1), np.float64)


def _third(chord: Chord) -> int:
    """0 with a minor third, else 1."""
    return int((chord.root + 3) % 12 not in chord.pitch_classes)


def _bars(rows: Sequence[Row], places: Sequence[Place]) -> list[list[Row]]:
    """Whole bars, the newest of them."""
    bars: list[list[Row]] = []
    meters = []
    for row, place in zip(rows, places, strict=True):
        if place.frame_in_bar == 0:
            bars.append([])
            meters.append(place.meter.frames_per_bar)
        if bars:
            bars[-1].append(row)
    if bars and len(bars[-1]) < meters[-1]:
        bars.pop()
    return bars[-_MOST_BARS:]


def _sections(alike: Matrix, length: int) -> tuple[tuple[str, int], ...]:
    """Letters of groups of 8 bars (of 4 in forms up to 16), by whether their bars are alike."""
    group = next((g for g in ((8, 4) if length > 16 else (4,)) if length % g == 0), length)
    if length <= group or length == 12:  # a blues is one section
        return (("A", length),)
    n = len(alike)
    folded = np.zeros((length, length))
    counts = np.zeros((length, length))
    for first in range(0, n, length):
        size = min(length, n - first)
        folded[:size, :size] += alike[first : first + size, first : first + size]
        counts[:size, :size] += 1
    folded /= np.maximum(counts, 1)
    letters: list[str] = []
    for g in range(length // group):
        mine = range(g * group, (g + 1) * group)
        like = [
            float(np.mean([folded[a, b] for a, b in zip(_of(k, group), mine, strict=True)]))
            for k in range(g)
        ]
        nearest = max(range(g), key=like.__getitem__, default=None)
        if nearest is not None and like[nearest] >= _ALIKE:
            letters.append(letters[nearest])
        else:
            letters.append(chr(ord("A") + len(set(letters))))
    return tuple((letter, group) for letter in letters)


def _of(group_number: int, group: int) -> range:
    return range(group_number * group, (group_number + 1) * group)
