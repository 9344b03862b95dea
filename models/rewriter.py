"""The shipped networks as a `jam.agent.rewriting.Rewriter`: who fills which gap."""

from __future__ import annotations

from pathlib import Path

from jam.agent.rewriting import Filling, Gap, Progress
from models.decoding import spectral
from models.decoding.harmoniser import OfflineDecoder
from models.decoding.infiller import InfillingRewriter, load_infiller
from models.decoding.reharmoniser import Reharmoniser
from models.decoding.rules import Decoding

SHIPPED = Path(__file__).parent / "weights"


class NetworkRewriter:
    """Chords for a melody that stays are the offline network's, which knows that task best; all
    else is the infilling network's."""

    def __init__(self, reharmoniser: Reharmoniser, infilling: InfillingRewriter) -> None:
        self._reharmoniser, self._infilling = reharmoniser, infilling

    def fill(self, gap: Gap, n: int, seed: int, progress: Progress | None = None) -> list[Filling]:
        """See `jam.agent.rewriting.Rewriter`."""
        sung = any(
            state.pitch is not None
            for state, open_ in zip(gap.melody, gap.chord_open, strict=True)
            if open_
        )
        harmony = sung and not any(gap.melody_open)
        return (self._reharmoniser if harmony else self._infilling).fill(gap, n, seed, progress)


def load_rewriter(folder: Path | None = None) -> NetworkRewriter:
    """Of a folder of weights (None: those that are shipped). Raises BadInput."""
    return NetworkRewriter(reharmoniser(folder), InfillingRewriter(load_infiller(folder)))


def reharmoniser(folder: Path | None = None) -> Reharmoniser:
    """The offline network of a folder for gaps of chords, as `load_rewriter`."""
    config, weights, settings = spectral.load_weights(folder or SHIPPED, "offline")
    rules = Decoding.from_dict(settings.get("decoding", {}), "offline")
    return Reharmoniser(OfflineDecoder(config, weights), rules)
