"""Roles of the agent, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

ACCOMPANIES, TRADES, SOLOS, FILLS, LEADS = "accompanies", "trades", "solos", "fills", "leads"
ROLES = (ACCOMPANIES, TRADES, SOLOS, FILLS, LEADS)
"""Only the band; phrases in turn with the player; a melody of its own; one in the player's gaps;
a melody, to which the player plays the chords."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is shown of the role at a moment. bars_left: until the turn changes, 0 if it doesn't."""

    role: str
    is_agents: bool
    bars_left: int = 0
