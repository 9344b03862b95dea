"""Roles of the agent, and whose turn it is."""

from __future__ import annotations

from dataclasses import dataclass

ACCOMPANIES, TRADES, SOLOS, FILLS, LEADS = "accompanies", "trades", "solos", "fills", "leads"
ASKS = "asks"
ROLES = (ACCOMPANIES, TRADES, SOLOS, FILLS, LEADS, ASKS)
"""Only the band; phrases in turn with the player; a melody of its own; one in the player's gaps;
a melody, to which the player plays the chords; phrases for the player to repeat by ear."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What is shown of the role at a moment. bars_left: until the turn changes or the role is over,
    0 if it doesn't; begins_in: bars until the role begins."""

    role: str
    is_agents: bool
    bars_left: int = 0
    told: str = ""
    """What there is to say of the turn before: "5 of 6 notes"."""
    begins_in: int = 0
