"""From lead sheets to batches: windows of pieces as arrays, and what the network is shown.

A batch is a function of (seed, step, rank) alone, so training that was killed goes on with the
batches it would have seen. Only pieces of the wanted split ever get in (`pieces`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from models.data.augment import Wrongness, imperfect, transposed, wrong_past
from models.data.piece import _BAR, _FRAME_IN_BAR, Piece
from models.data.situations import disturbed
from models.network import recall, vocab
from models.network.vocab import Ints


def choose_window(rng: np.random.Generator, piece: Piece, length: int) -> Piece:
    """A window that begins on a bar line: often the piece's own beginning, else on 4 bars.

    Stretches with little melody or without chords are mostly passed over.
    """
    candidate = piece.window(0, length)
    for _ in range(4):
        if rng.random() < 0.35 or piece.n_frames <= length:
            start = 0
        else:
            bars = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
            bars = bars[bars <= piece.n_frames - min(length, piece.n_frames) // 2]
            phrases = bars[piece.places[bars, _BAR] % 4 == 0]
            start = int(rng.choice(phrases if len(phrases) and rng.random() < 0.8 else bars))
        candidate = piece.window(start, length)
        sounding = float((candidate.pitch > 0).mean())
        harmony = float((candidate.chord > 0).mean())
        if rng.random() < min(1.0, 2.5 * sounding) * (0.05 + 0.95 * harmony):
            break
    return candidate


@dataclass(frozen=True, slots=True)
class Batch:
    """What the network is shown, and what it is asked. All (B, T) but where stated."""

    features: dict[str, Tensor]
    """Melody and chord at t are of frame t - 1; place and conditions of t."""
    heard: dict[str, Tensor]
    """The melody at t itself, with place and conditions: for the offline model only."""
    now: dict[str, Tensor]
    last_pitch: Tensor
    chord_target: Tensor
    melody_target: Tensor
    weight: Tensor
    """1 where a frame counts, 0 where it only fills up."""
    names: tuple[str, ...]

    def to(self, device: torch.device) -> Batch:
        def moved(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {k: v.to(device) for k, v in tensors.items()}

        return Batch(
            moved(self.features),
            moved(self.heard),
            moved(self.now),
            self.last_pitch.to(device),
            self.chord_target.to(device),
            self.melody_target.to(device),
            self.weight.to(device),
            self.names,
        )


def _later(values: Ints) -> Ints:
    """Shifted by one frame: what position t is shown is of frame t - 1, and 0 at the start."""
    return np.concatenate([np.zeros_like(values[..., :1]), values[..., :-1]], -1)


@dataclass(frozen=True, slots=True)
class Shown:
    """One window ready to be stacked: the piece, the chords of its past, the chords to learn."""

    piece: Piece
    past: Ints
    past_onset: Ints
    target: Ints
    style: int
    density: int


DISTURBED_SHARE = 0.25
"""Of the windows trained on: see `models.data.situations`."""


def shown(
    rng: np.random.Generator,
    window: Piece,
    donor: Piece | None = None,
    wrongness: Wrongness | None = None,
    augment: bool = True,
) -> Shown:
    """A window as it is trained on: transposed, imperfectly played or disturbed, with a wrong
    past."""
    if augment:
        window = transposed(rng, window)
        dice = rng.random()
        if dice < 0.3:
            window = imperfect(rng, window)
        elif dice < 0.3 + DISTURBED_SHARE:
            window = disturbed(rng, window)
    before = _later(window.chord)
    past, past_onset = window.chord, window.chord_onset
    target = vocab.chord_targets(window.chord, window.chord_onset, before)
    if wrongness is not None and donor is not None:
        past, past_onset, target = wrong_past(rng, window, donor, wrongness)
    density = vocab.density_index(window.changes_per_bar())
    keep_style, keep_density = rng.random() < 0.5, rng.random() < 0.4
    return Shown(
        window,
        past,
        past_onset,
        target,
        window.style if keep_style else 0,
        density if keep_density else 0,
    )


def stack(windows: Sequence[Shown], length: int) -> Batch:
    """Windows to a batch, filled up to `length` frames."""

    def padded(rows: list[Ints]) -> Ints:
        return np.stack([np.pad(r, (0, length - len(r))) for r in rows])

    pitch = padded([w.piece.pitch for w in windows])
    onset = padded([w.piece.onset for w in windows])
    chord = padded([w.past for w in windows])
    chord_onset = padded([w.past_onset for w in windows])
    weight = padded([np.ones(w.piece.n_frames, dtype=np.int64) for w in windows])
    places = np.stack(
        [np.pad(w.piece.places, ((0, length - w.piece.n_frames), (0, 0))) for w in windows]
    )
    melody = vocab.melody_features(pitch, onset)
    common = {name: places[..., i] for i, name in enumerate(vocab.PLACE_FEATURES)}
    common["bar_in_form"] = common["bar_in_form"] % vocab.BARS_IN_FORM
    common["style"] = np.repeat([[w.style] for w in windows], length, 1)
    common["density"] = np.repeat([[w.density] for w in windows], length, 1)
    features = {k: _later(v) for k, v in melody.items()}
    features |= {k: _later(v) for k, v in vocab.chord_features(chord, chord_onset).items()}
    features |= _recalled(windows, length)
    last = _later(vocab.last_pitches(pitch, onset))
    target = padded([w.target for w in windows])
    # The melody is predicted beside the chord that the target leads to.
    leads_on = target == 0
    now = {
        "chord": np.where(leads_on, features["chord"], np.where(target == 1, 0, target - 1)),
        "chord_onset": np.where(target > 1, 1, 0),
    }
    return Batch(
        _tensors(features | common),
        _tensors(melody | common),
        _tensors(now),
        torch.from_numpy(np.where(last == 0, vocab.FIRST_PITCH, last)),
        torch.from_numpy(target),
        torch.from_numpy(vocab.melody_targets(pitch, onset)),
        torch.from_numpy(weight).float(),
        tuple(w.piece.name for w in windows),
    )


def _recalled(windows: Sequence[Shown], length: int) -> dict[str, Ints]:
    """What came at like places of the past: features by "place.name", and what may be copied."""
    places, names = vocab.RECALL_SLOTS, tuple(vocab.RECALL_FEATURES)
    features = np.zeros((len(windows), length, len(places), len(names)), np.int64)
    copies = np.full((len(windows), length, len(places), 2), (-1, 0))
    for i, w in enumerate(windows):
        n = w.piece.n_frames
        features[i, :n], copies[i, :n] = recall.features_of(
            w.piece.pitch, w.piece.onset, w.piece.places, w.past, w.past_onset
        )
    found = {
        f"{place}.{name}": features[..., i, j]
        for i, place in enumerate(places)
        for j, name in enumerate(names)
    }
    return found | {"copies": copies}


def _tensors(arrays: dict[str, Ints]) -> dict[str, Tensor]:
    return {k: torch.from_numpy(np.ascontiguousarray(v)) for k, v in arrays.items()}


def chances_of(corpus: Sequence[Piece], evenness: float) -> NDArray[np.float64]:
    """Of each piece to be drawn, (n,): at 0 all pieces are alike, at 1 all corpora."""
    names = [piece.name.partition("/")[0] for piece in corpus]
    sizes = Counter(names)
    found = np.array([sizes[name] ** -evenness for name in names])
    return found / found.sum()


LENGTHS, LENGTH_SHARES = (256, 512, 1024), (0.8, 0.15, 0.05)


def batch_at(
    corpus: Sequence[Piece],
    step: int,
    *,
    seed: int,
    frames: int,
    rank: int = 0,
    wrongness: Wrongness | None = None,
    augment: bool = True,
    chances: NDArray[np.float64] | None = None,
) -> Batch:
    """The batch of a training step: about `frames` frames.

    chances: of each piece to be drawn (`chances_of`); None: all alike.
    """
    rng = np.random.default_rng((seed, step, rank))
    length = int(rng.choice(LENGTHS, p=LENGTH_SHARES))
    length = min(length, frames)
    windows = [
        choose_window(rng, corpus[int(rng.choice(len(corpus), p=chances))], length)
        for _ in range(max(1, frames // length))
    ]
    made = []
    for i, window in enumerate(windows):
        donor = windows[i - 1] if len(windows) > 1 else corpus[int(rng.integers(len(corpus)))]
        made.append(shown(rng, window, donor, wrongness, augment))
    return stack(made, length)
