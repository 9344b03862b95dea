"""Rules of decoding that belong to a network's weights."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.agent.merits import log_sum, with_kinds_of
from jam.errors import BadInput
from jam.music.rows import CHORD_FIRST, HOLD
from models.decoding.spectral import Floats
from models.network.vocab import N_AGREEMENTS

_MAX_BIAS = 100.0
"""Added to a logit; beyond, nothing or nothing else would ever be drawn."""


def without(logits: Floats, forbidden: NDArray[np.bool_]) -> Floats:
    """Chord logits (B, N_CHORD_CLASSES) without some chords (N_CHORD_CLASSES,).

    Their probability goes to the other chords, so how readily the chord changes stays as it is.
    """
    logits = logits.copy()
    chords, banned = logits[:, CHORD_FIRST:], forbidden[CHORD_FIRST:]
    if banned.all():
        chords[:] = -1e9
        return logits
    all_of_them = log_sum(chords)
    chords[:, banned] = -1e9
    chords[:, ~banned] += all_of_them - log_sum(chords)
    return logits


@dataclass(frozen=True, slots=True)
class Decoding:
    """Rules of decoding that belong to the weights; kept in their JSON beside the network."""

    hold_bias: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    """Added to the logit of "hold" off the beat, on a beat, at the start of a group of beats
    (half a bar), on the bar line."""
    min_share: float = 0.0
    """Chords whose probability is less than this share of the likeliest chord's are never drawn;
    theirs goes to the others, so how readily the chord changes stays as it is."""
    temperature: float = 1.0
    """Of which chord it is; whether it changes, and whether it is a triad, stays as likely as the
    network says. A network that is drawn from at 1 errs now and then, and goes on from its error;
    musicians don't."""

    trust_in_melody: tuple[float, ...] = (0.0,) * N_AGREEMENTS
    """How far the melody is expected to go on as it did at a like place of the past, by how well
    its last bar agrees with what came before that place (`models.network.recall`)."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {"hold_bias": [round(b, 3) for b in self.hold_bias]}

    @classmethod
    def from_dict(cls, values: Any, where: str) -> Decoding:
        """Raises BadInput."""
        if not isinstance(values, dict):
            raise BadInput(f"{where}: decoding must be an object")
        if unknown := sorted(set(values) - {f.name for f in fields(cls)}):
            raise BadInput(f"{where}: unknown key {unknown[0]!r} in decoding")
        try:
            off_beat, beat, group, bar = map(float, values.get("hold_bias", (0.0,) * 4))
            found = cls(
                (off_beat, beat, group, bar),
                float(values.get("min_share", 0)),
                float(values.get("temperature", 1)),
                tuple(map(float, values.get("trust_in_melody", (0.0,) * N_AGREEMENTS))),
            )
        except (TypeError, ValueError, OverflowError):
            raise BadInput(f"{where}: decoding must hold numbers, hold_bias four") from None
        if not (
            all(abs(bias) <= _MAX_BIAS for bias in found.hold_bias)
            and 0 <= found.min_share < 1
            and 0.01 <= found.temperature <= 10
            and len(found.trust_in_melody) == N_AGREEMENTS
            and all(0 <= trust < 1 for trust in found.trust_in_melody)
        ):  # NaN is in no range
            raise BadInput(f"{where}: decoding holds numbers out of range")
        return found

    def applied(self, logits: Floats, strength: NDArray[np.int64]) -> Floats:
        """Chord logits (B, N_CHORD_CLASSES) at places of these strengths (B,), changed in
        place."""
        if self.temperature != 1:
            logits[:] = with_kinds_of(logits / np.float32(self.temperature), logits)
        if self.min_share > 0:
            chords = logits[:, HOLD + 1 :]
            best = chords.max(-1, keepdims=True)
            weights = np.exp(chords - best)
            dropped = weights < self.min_share
            kept = np.where(dropped, 0, weights).sum(-1, keepdims=True)
            chords += np.log(weights.sum(-1, keepdims=True) / kept)
            chords[dropped] = -1e9
        logits[:, HOLD] += np.array(self.hold_bias, np.float32)[strength]
        return logits
