"""Other keys, imperfect players, and a past that is wrong.

A wrong past: plain maximum likelihood trusts its own chord history, for in training it never
erred. So the history is corrupted (another piece's chords, its own in another key or at another
time) for some stretches or throughout, while the target stays the truth, reached where a
musician would correct: mostly at the next bar line, sometimes at a half bar or a beat. Where
the correction is not yet due, the target is to hold.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from jam.music.rows import HIGHEST_PITCH, LOWEST_PITCH
from models.network import vocab
from models.network.chords import turn_chords
from models.network.vocab import Ints

if TYPE_CHECKING:
    from models.data.piece import Piece

_STRENGTH = vocab.PLACE_FEATURES.index("strength")
_BAR = vocab.PLACE_FEATURES.index("bar_in_form")


def shift_pitches(pitch: Ints, semitones: int) -> Ints:
    """Pitches transposed, all together an octave back where they would leave the piano."""
    if not pitch.any():
        return pitch
    low, high = int(pitch[pitch > 0].min()) + semitones, int(pitch.max()) + semitones
    if low < LOWEST_PITCH:
        semitones += 12
    elif high > HIGHEST_PITCH:
        semitones -= 12
    return np.where(pitch > 0, np.clip(pitch + semitones, LOWEST_PITCH, HIGHEST_PITCH), 0)


def transposed(rng: np.random.Generator, piece: Piece) -> Piece:
    """In one of the twelve keys, sometimes the melody an octave off."""
    semitones = int(rng.integers(-6, 6))
    octave = int(rng.choice((-12, 0, 12), p=(0.1, 0.8, 0.1)))
    return replace(
        piece,
        pitch=shift_pitches(piece.pitch, semitones + octave),
        chord=turn_chords(piece.chord, semitones),
        tonic=(piece.tonic + semitones) % 12,
    )


def imperfect(rng: np.random.Generator, piece: Piece) -> Piece:
    """The melody as an imperfect player has it: some notes wrong, early, late, left out,
    ornamented. How careless the player is, is drawn for each window."""
    care = rng.uniform(0.2, 1.0)
    pitch, onset = piece.pitch.copy(), piece.onset.copy()
    starts = np.flatnonzero(onset)
    ends = np.append(starts[1:], len(pitch))[: len(starts)]
    for start, end in zip(starts, ends, strict=True):
        dice = rng.random() / care
        if dice > 0.15:
            continue
        note = slice(start, end)
        sounding = pitch[note] > 0
        if dice < 0.04:  # wrong
            wrong = int(pitch[start]) + int(rng.choice((-2, -1, 1, 2)))
            pitch[note][sounding] = min(max(wrong, LOWEST_PITCH), HIGHEST_PITCH)
        elif dice < 0.07 and start > 0:  # early
            pitch[start - 1], onset[start - 1], onset[start] = pitch[start], 1, 0
        elif dice < 0.10 and end - start > 1:  # late
            pitch[start], onset[start], onset[start + 1] = 0, 0, int(pitch[start + 1] > 0)
        elif dice < 0.12:  # left out
            pitch[note], onset[note] = 0, 0
        elif dice < 0.15 and sounding.sum() > 2:  # a grace note
            neighbour = int(pitch[start]) + int(rng.choice((-2, -1, 1, 2)))
            pitch[start] = min(max(neighbour, LOWEST_PITCH), HIGHEST_PITCH)
            onset[start + 1] = 1
    return replace(piece, pitch=pitch, onset=vocab.with_changes(pitch, onset))


@dataclass(frozen=True, slots=True)
class Wrongness:
    """How much of the past is wrong, and where it is put right."""

    true_share: float = 0.35
    """Share of windows whose past stays the truth."""
    throughout_share: float = 0.25
    """Share of windows that are wrong from the first frame to the last."""
    half_bar_share: float = 0.2
    beat_share: float = 0.0
    """Shares of windows that are corrected at half bars or beats; the rest at bar lines."""


_MIN_STRENGTH = {"bar": 3, "half": 2, "beat": 1}


def wrong_past(
    rng: np.random.Generator, piece: Piece, donor: Piece, wrongness: Wrongness
) -> tuple[Ints, Ints, Ints]:
    """(chords of the past, their onsets, classes to be learnt), each (n,).

    Target at t: the class that leads from what the past sounds at t - 1 to the truth at t,
    where the truth itself changes or a correction is due; else hold.
    """
    n = piece.n_frames
    dice = rng.random()
    grids = ("bar", "half", "beat")
    half, beat = wrongness.half_bar_share, wrongness.beat_share
    due_at = _MIN_STRENGTH[str(rng.choice(grids, p=(1 - half - beat, half, beat)))]
    due = piece.places[:, _STRENGTH] >= due_at
    if dice < wrongness.true_share:
        wrong = np.zeros(n, dtype=bool)
    elif dice < wrongness.true_share + wrongness.throughout_share:
        wrong = np.ones(n, dtype=bool)
    else:
        wrong = _wrong_stretches(rng, piece, due)
    chord, onset = _wrong_chords(rng, piece, donor)
    past = np.where(wrong, chord, piece.chord)
    past_onset = vocab.with_changes(past, np.where(wrong, onset, piece.chord_onset))
    before = np.concatenate([[0], past[:-1]])
    target = vocab.chord_targets(piece.chord, piece.chord_onset, before)
    changes = piece.chord_onset != 0
    changes[1:] |= piece.chord[1:] != piece.chord[:-1]
    waiting = (before != piece.chord) & ~due & ~changes
    waiting[0] = False
    return past, past_onset, np.where(waiting, 0, target)


def _wrong_stretches(
    rng: np.random.Generator, piece: Piece, due: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Stretches of right and wrong in turn; wrong begins at bar lines, right where due."""
    n = piece.n_frames
    wrong = np.zeros(n, dtype=bool)
    state = bool(rng.random() < 0.7)
    mean_bars = float(rng.choice((2.0, 4.0, 8.0)))
    bar_lines = piece.places[:, _STRENGTH] == 3
    until = 0.0
    for frame in range(n):
        bar = float(piece.places[frame, _BAR])
        if frame == 0:
            until = bar + rng.exponential(mean_bars)
        elif bar >= until and (due[frame] if state else bar_lines[frame]):
            state = not state
            until = bar + rng.exponential(mean_bars)
        wrong[frame] = state
    return wrong


def _wrong_chords(rng: np.random.Generator, piece: Piece, donor: Piece) -> tuple[Ints, Ints]:
    """Chords that don't belong here: mostly another piece's, in this key or any other."""
    n = piece.n_frames
    kind = rng.random()
    if kind < 0.55:
        repeats = -(-n // donor.n_frames)
        chord = np.tile(donor.chord, repeats)[:n]
        onset = np.tile(donor.chord_onset, repeats)[:n]
        in_key = rng.random() < 0.6
        turn = piece.tonic - donor.tonic if in_key else int(rng.integers(12))
        return turn_chords(chord, turn), onset
    if kind < 0.75:
        turn = int(rng.choice((1, 2, 3, 4, 5, 7, 8, 9, 10, 11)))
        return turn_chords(piece.chord, turn), piece.chord_onset
    beat = int(piece.places[0, vocab.PLACE_FEATURES.index("beat_frames")])
    bar = int(piece.places[0, vocab.PLACE_FEATURES.index("bar_frames")])
    by = int(rng.choice((-bar, -beat, beat, bar, 2 * bar, 4 * bar)))
    chord, onset = np.roll(piece.chord, by), np.roll(piece.chord_onset, by)
    if kind < 0.9:
        return chord, onset
    # Single chords replaced by others of the same piece, in the same rhythm.
    starts = np.flatnonzero(vocab.with_changes(piece.chord, piece.chord_onset))
    chord = piece.chord.copy()
    for start, end in pairwise([*starts, n]):
        if rng.random() < 0.5:
            chord[start:end] = piece.chord[int(rng.choice(starts))]
    return chord, piece.chord_onset
