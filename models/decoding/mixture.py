"""Between two networks: one tuned for fit, one for variety, and the setting `adventurous`.

Both were tuned from the same weights, so weights in between are networks too (model merging by
linear interpolation: Wortsman et al. 2022, "Model soups"; between a model of quality and one of
diversity: Cideron et al. 2024, "Diversity-rewarded CFG distillation"). One network is decoded, at
the price of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jam.errors import BadInput
from models.decoding import spectral
from models.decoding.decoder import OnlineDecoder
from models.decoding.rules import Decoding
from models.decoding.spectral import Weights
from models.network.config import NetConfig


def mixed(fit: Weights, variety: Weights, adventurous: float) -> Weights:
    """fit at 0 and variety at 1, bit for bit; in between the weighted mean."""
    if adventurous in (0, 1):
        return variety if adventurous else fit
    share = np.float32(adventurous)
    return {k: (1 - share) * v + share * variety[k] for k, v in fit.items()}


def mixed_rules(fit: Decoding, variety: Decoding, adventurous: float) -> Decoding:
    """The same of the rules of decoding."""
    if adventurous in (0, 1):
        return variety if adventurous else fit

    def between(a: float, b: float) -> float:
        return (1 - adventurous) * a + adventurous * b

    bias = map(between, fit.hold_bias, variety.hold_bias)
    off_beat, beat, group, bar = bias
    return Decoding(
        (off_beat, beat, group, bar),
        between(fit.min_share, variety.min_share),
        between(fit.temperature, variety.temperature),
        tuple(map(between, fit.trust_in_melody, variety.trust_in_melody)),
    )


@dataclass(frozen=True, slots=True)
class Mixture:
    """The online networks of a folder: online.* and, where there is one, variety.*"""

    config: NetConfig
    weights: tuple[Weights, Weights]
    rules: tuple[Decoding, Decoding]

    @property
    def varied(self) -> bool:
        """False where there is but one network: the setting then changes nothing."""
        return self.weights[0] is not self.weights[1]

    def at(self, adventurous: float) -> tuple[Weights, Decoding]:
        """Free parameters and rules at this setting, 0 to 1."""
        return (mixed(*self.weights, adventurous), mixed_rules(*self.rules, adventurous))

    def decoder(self, adventurous: float) -> tuple[OnlineDecoder, Decoding]:
        """Ready to play one session. Takes about a tenth of a second."""
        weights, rules = self.at(adventurous)
        return OnlineDecoder(self.config, weights), rules


def load_mixture(folder: Path) -> Mixture:
    """Raises BadInput for weights that are missing, broken, or that don't belong together."""
    config, fit, settings = spectral.load_weights(folder, "online")
    rules = Decoding.from_dict(settings.get("decoding", {}), f"{folder / 'online.json'}")
    if not (folder / "variety.json").exists():
        return Mixture(config, (fit, fit), (rules, rules))
    other, variety, settings = spectral.load_weights(folder, "online", "variety")
    if other != config:
        raise BadInput(f"{folder / 'variety.json'}: a network of another shape than online.json")
    varied = Decoding.from_dict(settings.get("decoding", {}), f"{folder / 'variety.json'}")
    return Mixture(config, (fit, variety), (rules, varied))
