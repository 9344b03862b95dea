"""What a reader of charts has found so far: bars one after another, with the signs around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from jam.charts.bar_text import chords_of
from jam.errors import BadInput
from jam.limits import SONG_BARS
from jam.music.grid import Meter
from jam.music.note_names import Naming
from jam.music.repeats import MAX_TURNS
from jam.music.song import Bar, Chords, Song, as_section

SAME_AGAIN = "%"
"""A bar with the chords of the one before."""


@dataclass(frozen=True, slots=True)
class Chart:
    """A song that was read, and a line for everything that was left out or taken for something."""

    song: Song
    remarks: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """Bars as they are read. Signs are given before or within a bar, and go to it at its end."""

    meter: Meter = Meter(4, 4)
    bars: list[Bar] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    naming: Naming = "english"
    endings: frozenset[int] = frozenset()
    """Of the bars that come."""
    next: Bar = field(default_factory=Bar)
    """Signs of the bar that comes."""

    @property
    def number(self) -> int:
        """Of the bar that comes, from 1."""
        return len(self.bars) + 1

    @property
    def meter_now(self) -> Meter:
        return self.next.meter or self.meter

    def fault(self, what: object) -> BadInput:
        return BadInput(f"bar {self.number}: {what}")

    def section(self, name: str) -> None:
        """A section begins with the next bar, and no ending goes on into it."""
        self.endings = frozenset()
        self.next = replace(self.next, section=as_section(name))

    def starts_repeat(self) -> None:
        self.endings = frozenset()
        self.next = replace(self.next, repeat_starts=True)

    def ends_repeat(self, times: int = 2) -> None:
        """The bar before is the last one of what is repeated."""
        if not self.bars:
            raise self.fault("a repeat ends before the first bar")
        if not 1 <= times <= MAX_TURNS:
            raise BadInput(f"bar {len(self.bars)}: played {times} times; at most {MAX_TURNS}")
        self.bars[-1] = replace(self.bars[-1], repeats=max(times, self.bars[-1].repeats))
        self.endings = frozenset()

    def ending(self, turns: frozenset[int]) -> None:
        if not turns or any(not 1 <= turn <= MAX_TURNS for turn in turns):
            raise self.fault(f"an ending must be 1 to {MAX_TURNS}")
        self.endings = turns

    def mark(self, name: str) -> None:
        self.next = replace(self.next, marks=self.next.marks | {name})

    def bar(self, chords: Chords) -> None:
        """A bar ends."""
        meter = self.next.meter
        self.bars.append(
            replace(
                self.next,
                chords=chords,
                endings=self.endings,
                meter=None if meter == self.meter else meter,
            )
        )
        self.next = Bar()
        if len(self.bars) > SONG_BARS:
            raise BadInput(f"more than {SONG_BARS:,} bars")

    def bar_of_words(self, words: Sequence[str]) -> None:
        """A bar ends that was typed. Raises BadInput with its number."""
        if list(words) == [SAME_AGAIN]:
            if not self.bars:
                raise self.fault(f"{SAME_AGAIN} without a bar before it")
            last = self.bars[-1]
            if (last.meter or self.meter) != self.meter_now:
                raise self.fault(f"{SAME_AGAIN} after a bar of another metre")
            self.bar(last.chords)
            return
        try:
            chords = chords_of(words, self.meter_now, self.naming)
        except BadInput as error:
            raise self.fault(error) from None
        self.bar(chords)
