"""Whose turn it is: roles, and which bars of them are the agent's to play a melody in. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from jam.music.grid import TempoMap
from jam.music.role import ACCOMPANIES, ASKS, FILLS, TRADES

FOREVER = 1 << 30
"""A frame, or a bar, that no session comes to: the end of a turn that isn't in sight."""
FREE_CHORUS_BARS = 8
"""A chorus has so many bars where no song is played."""


@dataclass(frozen=True, slots=True)
class Role:
    """What the agent does from bar `first_bar` of the session on.

    bars: of a turn; in a trade the player has the first one, where phrases are repeated the agent.
    choruses: that it lasts, until bar `end_bar`; 0: until another one is chosen.
    """

    name: str = ACCOMPANIES
    bars: int = 4
    first_bar: int = 0
    choruses: int = 0
    end_bar: int = FOREVER

    def is_agents(self, bar: int) -> bool:
        """Whether the melody of a bar is the agent's. What fills gaps has no bars of its own."""
        if not self.first_bar <= bar < self.end_bar or self.name in (ACCOMPANIES, FILLS):
            return False
        return not self.alternates or (bar - self.first_bar) // self.bars % 2 == self.agents_parity

    @property
    def alternates(self) -> bool:
        """Whether agent and player take turns."""
        return self.name in (TRADES, ASKS)

    @property
    def agents_parity(self) -> int:
        """Which of every two turns is the agent's."""
        return 0 if self.name == ASKS else 1

    def turn(self, bar: int) -> tuple[int, int]:
        """(first bar, bar after the last) of the turn that a bar is in, in a trade."""
        first = self.first_bar + (bar - self.first_bar) // self.bars * self.bars
        return first, min(first + self.bars, self.end_bar)


def spans(role: Role, tempo_map: TempoMap, first: int, end: int) -> Iterator[tuple[int, int]]:
    """(first frame, frame after the last) of the agent's turns that have frames in [first, end);
    each with its own whole end, FOREVER where that isn't in sight."""
    bar = tempo_map.place(max(0, first)).bar
    while (line := tempo_map.bar_start(bar)) < end:
        if not role.is_agents(bar):
            bar += 1
            continue
        if not role.alternates:
            end_frame = FOREVER if role.end_bar == FOREVER else tempo_map.bar_start(role.end_bar)
            yield max(line, tempo_map.bar_start(role.first_bar)), end_frame
            return
        begin, after = role.turn(bar)
        yield tempo_map.bar_start(begin), tempo_map.bar_start(after)
        bar = after


def role_from(
    name: str, bars: int, choruses: int, next_bar: int, song_bar: int | None, form_bars: int | None
) -> Role:
    """A role that begins at or after bar `next_bar`. song_bar, form_bars: the first bar of the
    song that is played, and the length of its form.

    Turns go with the form. A role for a number of choruses begins with the next one.
    """
    length = form_bars or FREE_CHORUS_BARS
    if choruses and name != ACCOMPANIES:
        first = first_turn_bar(next_bar, length, song_bar)
        return Role(name, bars, first, choruses, first + choruses * length)
    if name in (TRADES, ASKS):
        return Role(name, bars, first_turn_bar(next_bar, bars, song_bar))
    return Role(name, bars, next_bar)


def first_turn_bar(bar: int, bars: int, song_bar: int | None) -> int:
    """The bar at or after `bar` at which turns of so many bars begin: with a song (its first bar)
    they go with its form."""
    if song_bar is None:
        return bar
    return bar + (song_bar - bar) % bars
