"""What happens on stage: a player who jumps to another key, drags, falls silent or errs.

Each takes a piece and gives the same piece as it was played instead. The places in the metre
stay; chords stay too, but for a jump of key, which they follow where a musician would.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.data.augment import imperfect, shift_pitches
from models.network import vocab
from models.network.chords import turn_chords

if TYPE_CHECKING:
    from models.data.piece import Piece

_STRENGTH = vocab.PLACE_FEATURES.index("strength")
_BEAT_FRAMES = vocab.PLACE_FEATURES.index("beat_frames")
_FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")
_BAR_FRAMES = vocab.PLACE_FEATURES.index("bar_frames")
_BAR = vocab.PLACE_FEATURES.index("bar_in_form")
_FRAME_IN_BEAT = vocab.PLACE_FEATURES.index("frame_in_beat")


def jumped(piece: Piece, frame: int, semitones: int, follow_frame: int) -> Piece:
    """The melody leaps at `frame` and stays there; the chords follow at `follow_frame`."""
    after = np.arange(piece.n_frames)
    turned = np.where(after >= follow_frame, turn_chords(piece.chord, semitones), piece.chord)
    pitch = piece.pitch.copy()
    pitch[frame:] = shift_pitches(piece.pitch[frame:], semitones)
    return replace(
        piece,
        pitch=pitch,
        onset=vocab.with_changes(pitch, piece.onset),
        chord=turned,
        chord_onset=vocab.with_changes(turned, piece.chord_onset),
    )


def silenced(piece: Piece, start: int, end: int) -> Piece:
    """The player stops at `start` and starts again at `end`; the song goes on meanwhile."""
    pitch, onset = piece.pitch.copy(), piece.onset.copy()
    pitch[start:end] = 0
    onset[start:end] = 0
    return replace(piece, pitch=pitch, onset=vocab.with_changes(pitch, onset))


def late(piece: Piece, start: int, end: int, frames: int) -> Piece:
    """The notes from `start` to `end` come so many frames late; what they cover is lost."""
    pitch, onset = piece.pitch.copy(), piece.onset.copy()
    end = min(end, piece.n_frames - frames)
    if end <= start:
        return piece
    pitch[start + frames : end + frames] = piece.pitch[start:end]
    onset[start + frames : end + frames] = piece.onset[start:end]
    pitch[start : start + frames] = piece.pitch[start - 1] if start else 0
    onset[start : start + frames] = 0
    return replace(piece, pitch=pitch, onset=vocab.with_changes(pitch, onset))


def returning(piece: Piece, bars: int, frames: int) -> Piece:
    """The first bars again and again, with their chords; the bars are counted on.

    A piece that has fewer bars, or changes its metre within them, stays as it is.
    """
    lines = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
    if len(lines) <= bars or len(np.unique(piece.places[: lines[bars], _BAR_FRAMES])) > 1:
        return piece
    phrase = int(lines[bars])
    again, index = np.divmod(np.arange(frames), phrase)
    places = piece.places[index].copy()
    places[:, _BAR] += bars * again
    pitch, chord = piece.pitch[index], piece.chord[index]
    return replace(
        piece,
        pitch=pitch,
        onset=vocab.with_changes(pitch, piece.onset[index]),
        chord=chord,
        chord_onset=vocab.with_changes(chord, piece.chord_onset[index]),
        places=places,
    )


def leap(rng: np.random.Generator, piece: Piece) -> Piece:
    """A jump of key at some beat of a window; chords follow half a bar on or later, for the key
    has to be heard first."""
    n = piece.n_frames
    beats = np.flatnonzero(piece.places[:, _FRAME_IN_BEAT] == 0)
    beats = beats[(beats >= n // 6) & (beats < n - n // 6)]
    if not len(beats):
        return piece
    frame = int(rng.choice(beats))
    strong = np.flatnonzero(piece.places[:, _STRENGTH] >= 2)
    strong = strong[strong >= frame + 2 * int(piece.places[frame, _BEAT_FRAMES])]
    follow = int(strong[0]) if len(strong) else n
    return jumped(piece, frame, int(rng.choice((-5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6))), follow)


def disturbed(rng: np.random.Generator, piece: Piece) -> Piece:
    """A window as it may go on stage; which of the situations, is drawn."""
    n = piece.n_frames
    beats = np.flatnonzero(piece.places[:, _FRAME_IN_BEAT] == 0)
    if n < 48 or len(beats) < 12:
        return piece
    dice = rng.random()
    if dice < 0.45:
        return leap(rng, piece)
    if dice < 0.65:
        start = int(rng.choice(beats[: -len(beats) // 4]))
        return silenced(piece, start, start + int(rng.integers(n // 16, n // 4)))
    if dice < 0.8:
        start, length = int(rng.choice(beats)), int(rng.integers(n // 8, n // 2))
        return late(piece, start, start + length, int(rng.integers(1, 4)))
    return imperfect(rng, imperfect(rng, piece))
