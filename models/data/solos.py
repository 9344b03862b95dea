"""What an improviser is told of each frame: chords to come, a phrase to take up, how to play.

All arrays are one value a frame, as in `models.data.piece`; everything is a pure function.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from models.data.augment import transposed
from models.data.batches import choose_window
from models.data.piece import _BAR_FRAMES, _FRAME_IN_BAR, Piece
from models.decoding.told import chords_to_come, note_density_class, register_class
from models.network import vocab
from models.network.vocab import Ints

ASKED_BARS = 2
"""How dense and how high it is to play is said of so many bars."""
ECHO_BARS = (2, 4, 8)
"""How far back the phrase lies that may be taken up: as far as the turns of a trade."""
ASKED_SHARE, ECHO_SHARE = 0.7, 0.7
"""Of the windows: those with the wish, and those with the phrase."""
LATE_SHARE = 0.5
"""Of the windows: those that are told anything from some frame on only, as in a trade."""
SOLO_SHARE = 0.5
"""Of the windows that are drawn from solos; the rest from tunes."""
WINDOWS, WINDOW_SHARES = (256, 512), (0.8, 0.2)


@dataclass(frozen=True, slots=True)
class Solos:
    """A batch: (B, T) each. Features as `models.network.transformer.Net.hidden` takes them."""

    features: dict[str, Tensor]
    now: dict[str, Tensor]
    last_pitch: Tensor
    target: Tensor
    weight: Tensor


def asked(piece: Piece) -> tuple[Ints, Ints]:
    """(note density, register) classes of what the next bars hold, said at each bar line."""
    n = piece.n_frames
    density, register = np.zeros(n, np.int64), np.zeros(n, np.int64)
    bars = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
    for start, end in zip(bars, [*bars[1:], n], strict=True):
        length = int(piece.places[start, _BAR_FRAMES])
        ahead = slice(start, start + ASKED_BARS * length)
        onsets = piece.onset[ahead] > 0
        beats = len(onsets) / max(1, int(piece.places[start, _BEAT_FRAMES]))
        density[start:end] = note_density_class(int(onsets.sum()) / max(1e-6, beats))
        if onsets.any():
            register[start:end] = register_class(float(piece.pitch[ahead][onsets].mean()))
    return density, register


_BEAT_FRAMES = vocab.PLACE_FEATURES.index("beat_frames")


def echo_of(piece: Piece, bars: int) -> dict[str, Ints]:
    """Melody features of the frame so many bars before each, 0 where there is none."""
    lag = bars * int(piece.places[0, _BAR_FRAMES])
    found = vocab.melody_features(piece.pitch, piece.onset)
    return {
        name: np.concatenate([np.zeros(min(lag, len(v)), np.int64), v])[: len(v)]
        for name, v in found.items()
        if name in vocab.TOLD["echo"]
    }


def told(rng: np.random.Generator, piece: Piece) -> dict[str, Ints]:
    """What an improviser is told of a window in training: now more, now less of it."""
    n = piece.n_frames
    known = np.full(n, vocab.MAX_UNTIL) if rng.random() < 0.5 else rng.integers(0, 33, n)
    found = chords_to_come(piece.chord, piece.chord_onset, known)
    density, register = asked(piece)
    found["asked.notes"] = density * int(rng.random() < ASKED_SHARE)
    found["asked.register"] = register * int(rng.random() < ASKED_SHARE)
    echoes = int(rng.random() < ECHO_SHARE)
    for name, values in echo_of(piece, int(rng.choice(ECHO_BARS))).items():
        found[f"echo.{name}"] = values * echoes
    if rng.random() < LATE_SHARE:  # the turn begins somewhere: before it nothing is told
        begins = int(rng.integers(n))
        for name, values in found.items():
            if not name.startswith("here."):
                values[:begins] = 0
    return found


def _later(values: Ints) -> Ints:
    return np.concatenate([np.zeros_like(values[..., :1]), values[..., :-1]], -1)


def batch_of(windows: Sequence[Piece], told_: Sequence[dict[str, Ints]], length: int) -> Solos:
    """Windows with what is told of them, filled up to `length` frames."""

    def padded(rows: Sequence[Ints]) -> Ints:
        return np.stack([np.pad(r, (0, length - len(r))) for r in rows])

    pitch, onset = padded([w.pitch for w in windows]), padded([w.onset for w in windows])
    chord = padded([w.chord for w in windows])
    chord_onset = padded([w.chord_onset for w in windows])
    places = np.stack([np.pad(w.places, ((0, length - w.n_frames), (0, 0))) for w in windows])
    features = {k: _later(v) for k, v in vocab.melody_features(pitch, onset).items()}
    features |= {k: _later(v) for k, v in vocab.chord_features(chord, chord_onset).items()}
    features |= {name: places[..., i] for i, name in enumerate(vocab.PLACE_FEATURES)}
    features["bar_in_form"] = features["bar_in_form"] % vocab.BARS_IN_FORM
    features["style"] = np.repeat([[w.style] for w in windows], length, 1)
    features["density"] = np.zeros_like(pitch)
    features |= {name: padded([t[name] for t in told_]) for name in told_[0]}
    last = _later(vocab.last_pitches(pitch, onset))
    weight = padded([np.ones(w.n_frames, np.int64) for w in windows])
    return Solos(
        {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in features.items()},
        {"chord": torch.from_numpy(chord), "chord_onset": torch.from_numpy(chord_onset)},
        torch.from_numpy(np.where(last == 0, vocab.FIRST_PITCH, last)),
        torch.from_numpy(vocab.melody_targets(pitch, onset)),
        torch.from_numpy(weight).float(),
    )


def batch_at(
    solos: Sequence[Piece], tunes: Sequence[Piece], step: int, *, seed: int, frames: int
) -> Solos:
    """The batch of a training step: a function of (seed, step)."""
    rng = np.random.default_rng((seed, step))
    length = min(int(rng.choice(WINDOWS, p=WINDOW_SHARES)), frames)
    windows, told_ = [], []
    for _ in range(max(1, frames // length)):
        corpus = solos if solos and rng.random() < SOLO_SHARE else tunes
        window = choose_window(rng, corpus[int(rng.integers(len(corpus)))], length)
        window = transposed(rng, window)
        if rng.random() < 0.3:
            window = replace(window, style=0)
        windows.append(window)
        told_.append(told(rng, window))
    return batch_of(windows, told_, length)
