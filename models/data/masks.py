"""Which frames the infilling network is asked for: gaps as they are made and filled in review.

A gap is some bars of the chords, of the melody, or of both. Part of it may be known already, as
it is while it is being filled: frame after frame, strong places first, or in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from models.data.augment import imperfect
from models.data.batches import choose_window
from models.data.piece import Piece
from models.network import gaps, vocab
from models.network.gaps import Bools, Gaps
from models.network.vocab import Ints

LENGTHS, LENGTH_SHARES = (256, 512), (0.7, 0.3)
MOST_BARS = 16
_FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")
_STRENGTH = vocab.PLACE_FEATURES.index("strength")


@dataclass(frozen=True, slots=True)
class GapBatch:
    """All (B, T)."""

    features: dict[str, Tensor]
    chord_target: Tensor
    melody_target: Tensor
    chord_weight: Tensor
    """Where a chord is asked for; each window's sum to 1, or to 0."""
    melody_weight: Tensor

    def to(self, device: torch.device) -> GapBatch:
        return GapBatch(
            {name: values.to(device) for name, values in self.features.items()},
            self.chord_target.to(device),
            self.melody_target.to(device),
            self.chord_weight.to(device),
            self.melody_weight.to(device),
        )


def free_of_notes_outside(pitch: Ints, onset: Ints, span: Bools) -> Bools:
    """`span` without the frames of notes that sound outside of it too, (n,)."""
    found = span.copy()
    starts = np.flatnonzero((onset > 0) | (np.diff(pitch, prepend=0) != 0))
    for start, end in zip(starts, [*starts[1:].tolist(), len(pitch)], strict=True):
        if pitch[start] > 0 and not span[start:end].all():
            found[start:end] = False
    return found


def _span(rng: np.random.Generator, piece: Piece) -> Bools:
    """Some bars of a piece, seldom frames that don't begin with one."""
    n = piece.n_frames
    bars = np.flatnonzero(piece.places[:, _FRAME_IN_BAR] == 0)
    most = min(MOST_BARS, max(1, len(bars) * 3 // 4))
    wanted = int(2 ** rng.uniform(0, np.log2(most + 0.999)))
    first = int(rng.integers(max(1, len(bars) - wanted + 1)))
    line = np.append(bars, n)
    start, end = int(line[first]), int(line[min(first + wanted, len(bars))])
    if rng.random() < 0.1:
        start = int(rng.integers(start, end))
        end = int(rng.integers(start + 1, end + 1))
    found = np.zeros(n, bool)
    found[start:end] = True
    return found


def _still_open(rng: np.random.Generator, span: Bools, strength: Ints) -> Bools:
    """What is left of a gap that is being filled."""
    where = np.flatnonzero(span)
    if not len(where):
        return span
    found = span.copy()
    dice = rng.random()
    if dice < 0.25:
        return found
    if dice < 0.45:
        found[where[: rng.integers(len(where))]] = False
    elif dice < 0.8:
        level = int(rng.integers(4))
        found[where[strength[where] > level]] = False
        same = where[strength[where] == level]
        found[same[rng.random(len(same)) < rng.random()]] = False
    else:
        found[where[rng.random(len(where)) < rng.random()]] = False
    return found


def _masked(rng: np.random.Generator, piece: Piece) -> Gaps:
    span, nothing = _span(rng, piece), np.zeros(piece.n_frames, bool)
    dice = rng.random()
    strength = piece.places[:, _STRENGTH]
    elsewhere = _span(rng, piece) if dice < 0.4 else span
    of_melody = free_of_notes_outside(piece.pitch, piece.onset, elsewhere)
    chord = _still_open(rng, span, strength) if dice < 0.85 else nothing
    melody = _still_open(rng, of_melody, strength) if dice < 0.7 or dice > 0.85 else nothing
    middle = gaps.around(piece.pitch, ~melody) + int(rng.integers(-3, 4))
    return Gaps(
        piece.pitch,
        piece.onset,
        piece.chord,
        piece.chord_onset,
        piece.places,
        melody,
        chord,
        span if chord.any() else nothing,
        np.array(middle),
        piece.style if rng.random() < 0.5 else 0,
        vocab.density_index(piece.changes_per_bar()) if rng.random() < 0.4 else 0,
    )


def gap_batch(
    corpus: Sequence[Piece], step: int, *, seed: int, frames: int, rank: int = 0, augment: bool
) -> GapBatch:
    """The batch of a training step: about `frames` frames, every piece equally likely."""
    rng = np.random.default_rng((seed, step, rank))
    length = min(int(rng.choice(LENGTHS, p=LENGTH_SHARES)), frames)
    found = []
    for _ in range(max(1, frames // length)):
        window = choose_window(rng, corpus[int(rng.integers(len(corpus)))], length)
        if augment and rng.random() < 0.15:
            window = imperfect(rng, window)
        found.append(_masked(rng, window))
    return stacked(found, length)


def stacked(found: Sequence[Gaps], length: int) -> GapBatch:
    """Windows to a batch, filled up to `length` frames."""
    rows: list[dict[str, Ints]] = []
    for gap in found:
        n = len(gap.pitch)
        middle = int(gap.around)
        row = dict(gaps.features(gap))
        row["chord target"] = gaps.chord_classes(gap.chord, gap.chord_onset)
        row["melody target"] = gaps.melody_classes(gap.pitch, gap.onset, middle)
        row["chord open"] = gap.chord_open.astype(np.int64)
        row["melody open"] = gap.melody_open.astype(np.int64)
        for name, values in row.items():
            filler = vocab.BEYOND if name.endswith("gap") else 0
            row[name] = np.pad(values, (0, length - n), constant_values=filler)
        rows.append(row)
    arrays = {name: torch.from_numpy(np.stack([row[name] for row in rows])) for name in rows[0]}

    def weight(name: str) -> Tensor:
        open_ = arrays.pop(name).float()
        return open_ / open_.sum(1, keepdim=True).clamp(min=1)

    chord, melody = weight("chord open"), weight("melody open")
    return GapBatch(arrays, arrays.pop("chord target"), arrays.pop("melody target"), chord, melody)
