"""When the adversary learns: the two-phase schedule of GAPT (arXiv 2511.17879, section 3.3).

An adversary that learns at every step soon tells the policy from musicians whatever it does,
and its reward says nothing any more. So it first learns at one step in five (warm-up), then only
while the policy deceives it: when the mean adversarial reward of the last three steps is above 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.training.judge import Judge, features_of
from models.training.rewards import Played, Rewards

WARM_UP_EVERY, GATE_STEPS, GATE_REWARD = 5, 3, 1.0
LABEL_SMOOTHING = 0.1
MOST = 3.0
"""No frame earns more than this."""


def learns(step: int, warm_up: int, rewards: Sequence[float]) -> bool:
    """Whether the adversary is updated at this step; rewards: its mean rewards so far."""
    if step < warm_up:
        return step % WARM_UP_EVERY == 0
    recent = rewards[-GATE_STEPS:]
    return len(recent) == GATE_STEPS and sum(recent) / GATE_STEPS > GATE_REWARD


def loss(adversary: Judge, true: Played, own: Played, device: torch.device) -> Tensor:
    """Cross-entropy with smoothed labels: musicians' chords are 0.9 real, the policy's 0.1."""
    total = torch.zeros((), device=device)
    for played, real in ((true, 1 - LABEL_SMOOTHING), (own, LABEL_SMOOTHING)):
        features, weight = features_of(played, deaf=False)
        weight = weight.to(device)
        logits = adversary.logits({k: v.to(device) for k, v in features.items()}, weight).float()
        each = functional.binary_cross_entropy_with_logits(
            logits, torch.full_like(logits, real), reduction="none"
        )
        total = total + (each * weight).sum() / weight.sum().clamp(min=1)
    return total / 2


@torch.no_grad()
def rewards(adversary: Judge, own: Played, device: torch.device) -> Rewards:
    """-log(1 - D) of every frame, (B, T); D: how real the adversary takes its chords to be."""
    features, weight = features_of(own, deaf=False)
    logits = adversary.logits({k: v.to(device) for k, v in features.items()}, weight.to(device))
    earned = functional.softplus(logits.float()).clamp(max=MOST).cpu().numpy()
    return np.asarray(earned * own.weight, np.float32)
