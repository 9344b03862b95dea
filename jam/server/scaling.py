"""How many replicas of a server there are to be, by the players who are there or wait. Pure."""

from __future__ import annotations

import math
from typing import Any

FILLED = "filled"
"""What each replica reports: its players, and those whom it turned away, as a share of its room."""
UP_FROM, DOWN_TO = 0.7, 0.5
"""Another replica is started before the last is full, since it takes seconds; and one goes only
where the others would be half full at most with its players: those have to connect again."""


def replicas_for(filled: float, now: int) -> int:
    """How many there are to be where `filled` replicas would be full, and there are so many now."""
    return max(1, math.ceil(filled / UP_FROM), min(now, math.ceil(filled / DOWN_TO)))


def wanted(context: Any) -> tuple[int, dict[str, Any]]:
    """The policy of Ray Serve's autoscaling (`ray.serve.config.AutoscalingContext`)."""
    filled = (context.aggregated_metrics or {}).get(FILLED, {})
    return replicas_for(sum(filled.values()), context.target_num_replicas), {}
