"""What fixes a network's shape, and how its weights are kept: known without torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

from jam.errors import BadInput
from models.network import vocab

_RANGES = {
    "channels": (1, 128),
    "invariant": (1, 512),
    "heads": (1, 64),
    "layers": (1, 32),
    "encoder_layers": (0, 32),
    "ffn": (1, 16),
    "context": (48, 2048),
    "ahead": (0, 32),
}
"""Far beyond what can be decoded in time: a file can't ask for more memory than that."""

KINDS = ("online", "offline", "improviser", "infilling")

Width = tuple[int, int]
"""(channels a pitch class, invariant channels)."""


@dataclass(frozen=True, slots=True)
class NetConfig:
    """Everything that fixes a network's shape. Unknown or bad values raise BadInput."""

    kind: str = "online"
    """"online" (melody and chords causal), "offline" (the whole melody is known), "improviser" (a
    melody over chords of which the next are known) or "infilling" (any frames of either are known).
    """
    channels: int = 16
    invariant: int = 64
    heads: int = 8
    layers: int = 4
    encoder_layers: int = 0
    """Bidirectional layers over the melody; offline only."""
    ffn: int = 3
    context: int = 1024
    tied: bool = True
    recall: bool = False
    """Shown what came at like places of the past (`models.network.recall`); online only."""
    copies: bool = False
    """May copy the chords that came there; online only."""
    ahead: int = 0
    """So many beats of melody are foreseen from every frame (0: none); online only."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise BadInput(f"network kind {self.kind!r}: must be one of {', '.join(KINDS)}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if type(value) is not int or not low <= value <= high:
                raise BadInput(
                    f"network {name} {value!r:.20}: must be a whole number from {low} to {high}"
                )
        for name in ("tied", "recall", "copies"):
            value = getattr(self, name)
            if type(value) is not bool:
                raise BadInput(f"network {name} {value!r:.20}: must be true or false")
        if (self.recall or self.copies or self.ahead) and self.kind != "online":
            raise BadInput("network recall, copies, ahead: only an online network has them")
        if self.channels % self.heads or self.invariant % self.heads:
            raise BadInput("network channels: must be divisible by the number of heads")
        if self.kind in ("offline", "infilling") and self.heads % 2:
            raise BadInput(f"network heads: an {self.kind} network needs an even number")

    @property
    def width(self) -> Width:
        return self.channels, self.invariant

    @property
    def dim(self) -> int:
        return 12 * self.channels + self.invariant

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> NetConfig:
        """Raises BadInput for an unknown key."""
        if unknown := set(values) - {f.name for f in fields(cls)}:
            raise BadInput(f"unknown key {', '.join(sorted(unknown))} in the network's settings")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def slopes(heads: int) -> list[float]:
    """How fast each head forgets, a frame; the last three eighths of them never do."""
    fading = heads - 3 * heads // 8
    return [4.0**-i for i in range(fading)] + [0.0] * (heads - fading)


def encoder_slopes(heads: int) -> list[float]:
    """The same for each half of an encoder's heads (back, ahead); the last never forgets."""
    return [4.0 ** -(i + 1) for i in range(heads // 2 - 1)] + [0.0]


Shapes = dict[str, tuple[int, ...]]


def parameter_shapes(config: NetConfig) -> Shapes:
    """Name and shape of every free parameter; the network has exactly these (a test holds it)."""
    c, d = config.width
    found: Shapes = {}

    def linear(name: str, width_in: Width, width_out: Width) -> None:
        (ci, di), (co, do) = width_in, width_out
        if config.tied:
            found[f"{name}.pitch_pitch"] = (12, co, ci)
            found[f"{name}.pitch_plain"] = (co, di)
            found[f"{name}.plain_pitch"] = (do, ci)
            found[f"{name}.plain_plain"] = (do, di)
            found[f"{name}.pitch_bias"], found[f"{name}.plain_bias"] = (co,), (do,)
        else:
            found[f"{name}.full"] = (12 * co + do, 12 * ci + di)
            found[f"{name}.full_bias"] = (12 * co + do,)

    def norm(name: str) -> None:
        found[f"{name}.pitch_gain"], found[f"{name}.plain_gain"] = (c,), (d,)

    def block(name: str) -> None:
        norm(f"{name}.norm1")
        for i in range(3):
            linear(f"{name}.attention.qkv.{i}", (c, d), (c, d))
        linear(f"{name}.attention.out", (c, d), (c, d))
        norm(f"{name}.norm2")
        linear(f"{name}.up", (c, d), (config.ffn * c, config.ffn * d))
        linear(f"{name}.down", (config.ffn * c, config.ffn * d), (c, d))

    def embedding(name: str, features: tuple[str, ...]) -> None:
        for feature in features:
            found[f"{name}.plain.{feature}"] = (vocab.plain_rows(feature), d)
        if "melody" in features:
            found[f"{name}.melody"] = (2, 12, c)
        if "chord" in features:
            found[f"{name}.quality"] = (vocab.N_QUALITIES, 12, c)
            found[f"{name}.quality_plain"] = (vocab.N_QUALITIES, d)
            found[f"{name}.tone"], found[f"{name}.root"] = (c,), (c,)
        for feature in features:
            if feature in vocab.NOTES:
                found[f"{name}.notes.{feature}"] = (2, 12, c)

    for name, features in embeddings(config).items():
        embedding(name, features)
    if config.kind in ("online", "improviser"):
        norm("melody_norm")
        linear("melody_up", (c, d), (2 * c, 2 * d))
        linear("melody_out", (2 * c, 2 * d), (vocab.N_OCTAVES, 2))
        if config.ahead:
            linear("ahead_up", (c, d), (2 * c, 2 * d))
            linear("ahead_out", (2 * c, 2 * d), (config.ahead, 0))
    elif config.kind == "offline":
        for i in range(config.encoder_layers):
            block(f"encoder.{i}")
        norm("heard_norm")
        linear("heard_out", (c, d), (c, d))
    for i in range(config.layers):
        block(f"blocks.{i}")
    norm("norm")
    if config.kind == "infilling":
        linear("chord_out", (c, d), (2 * vocab.N_QUALITIES, 1))
        linear("melody_out", (c, d), (2 * vocab.N_OCTAVES, 1))
        return found
    if config.kind != "improviser":
        linear("chord_out", (c, d), (vocab.N_QUALITIES, 2))
    if config.copies:
        n = 1 + len(vocab.RECALL_SLOTS)
        found["copying.weight"], found["copying.bias"] = (n, c + d), (n,)
        found["copying.case"] = (n - 1, vocab.N_CASES)
    return found


def embeddings(config: NetConfig) -> dict[str, tuple[str, ...]]:
    """The network's sums of tables and the features that each takes."""
    place = vocab.PLACE_FEATURES + vocab.CONDITION_FEATURES
    past = vocab.MELODY_FEATURES + vocab.CHORD_FEATURES + place
    if config.kind == "online":
        found = {"past": past, "now": ("chord", "chord_onset")}
        if config.recall:
            found |= {f"recall.{slot}": tuple(vocab.RECALL_FEATURES) for slot in vocab.RECALL_SLOTS}
        return found
    if config.kind == "improviser":
        told = {f"told.{name}": features for name, features in vocab.TOLD.items()}
        return {"past": past, "now": ("chord", "chord_onset"), **told}
    if config.kind == "infilling":
        found = {"here": tuple(vocab.GAP_FEATURES) + place}
        return found | {f"there.{name}": tuple(vocab.GAP_FEATURES) for name in vocab.LAGS}
    return {"heard": vocab.MELODY_FEATURES + place, "past": past}


SMALL = NetConfig(ahead=8)
SMALL_OFFLINE = NetConfig(kind="offline", encoder_layers=2)
LARGE = NetConfig(channels=32, invariant=128, layers=8, ahead=8)
LARGE_OFFLINE = NetConfig(kind="offline", channels=32, invariant=128, layers=8, encoder_layers=4)
IMPROVISER = NetConfig(kind="improviser")
LARGE_IMPROVISER = NetConfig(kind="improviser", channels=32, invariant=128, layers=8)
SMALL_INFILLING = NetConfig(kind="infilling")
LARGE_INFILLING = NetConfig(kind="infilling", channels=32, invariant=128, layers=8)
CONFIGS = {
    "online": {"small": SMALL, "large": LARGE},
    "offline": {"small": SMALL_OFFLINE, "large": LARGE_OFFLINE},
    "improviser": {"small": IMPROVISER, "large": LARGE_IMPROVISER},
    "infilling": {"small": SMALL_INFILLING, "large": LARGE_INFILLING},
}
