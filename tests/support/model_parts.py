"""Small tunes, small networks and small files of weights for the tests of `models`."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import torch

from jam.music.chord import Chord
from jam.music.grid import Meter
from models.data.leadsheet import LeadSheet, chord_states, melody_states, split_of
from models.network.config import NetConfig
from models.network.transformer import Net
from models.training.run import save_net

TINY = NetConfig(channels=4, invariant=8, heads=4, layers=2, ffn=2, context=48)
TINY_OFFLINE = NetConfig(
    kind="offline", channels=4, invariant=8, heads=4, layers=1, encoder_layers=1, ffn=2, context=48
)


def tune(number: int, n_bars: int = 8, meter: str = "4/4", split: str | None = None) -> LeadSheet:
    """A tune with chords; its name is chosen so that it falls into `split`."""
    dice = random.Random(number)
    per_bar = Meter.parse(meter).frames_per_bar
    notes, chords = [], []
    frame = 0
    while frame < n_bars * per_bar - 4:
        length = dice.choice((1, 2, 2, 4, 4, 6))
        if dice.random() < 0.85:
            notes.append((frame, frame + length, 60 + dice.choice((0, 2, 4, 5, 7, 9, 11, 12))))
        frame += length
    for bar in range(n_bars):
        root, quality = dice.choice(((0, "maj"), (5, "maj"), (7, "7"), (9, "min"), (2, "min7")))
        chords.append((bar * per_bar, (bar + 1) * per_bar, Chord(root, quality)))
    name = f"tune {number}"
    attempt = 0
    while split is not None and split_of("tests", name) != split:
        attempt += 1
        name = f"tune {number}.{attempt}"
    n = n_bars * per_bar
    return LeadSheet(
        "tests",
        name,
        ((0, Meter.parse(meter)),),
        melody_states(notes, n),
        chord_states(chords, n),
        style="folk",
    )


def tiny_net(kind: str = "online", seed: int = 0) -> Net:
    torch.manual_seed(seed)
    return Net(TINY if kind == "online" else TINY_OFFLINE).eval()


def write_tiny_weights(folder: Path, recall: bool = False) -> dict[str, Net]:
    """online.* and offline.* of untrained tiny networks; recall: the online one recalls and
    foresees."""
    nets = {kind: tiny_net(kind) for kind in ("online", "offline")}
    if recall:
        torch.manual_seed(1)
        nets["online"] = Net(replace(TINY, recall=True, copies=True, ahead=3, context=512)).eval()
        with torch.no_grad():
            nets["online"].copying.weight.normal_()
            nets["online"].copying.bias.zero_()
    for net in nets.values():
        save_net(folder, net, {"stage": "untrained"})
    return nets
