"""How a bar is arranged: how full, which passage, who plays, whether there is a fill. Pure."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

from jam.accompaniment.notes import dice
from jam.accompaniment.styles import Style
from jam.accompaniment.textures import LEVELS
from jam.music.place_in_form import PlaceInForm

PHRASE_BARS, LONG_PHRASE_BARS = 4, 8
_FILL_CHANCE = {PHRASE_BARS: 0.35, LONG_PHRASE_BARS: 0.9}
"""How often a phrase of so many bars ends in a fill, where no song says what its sections are."""
_FORM = (0, 0, 1, 0)
"""Which passage each phrase of eight bars has, where no song says what its sections are."""
_HOME = ("", "a", "verse", "intro", "outro")
"""Sections, by how their names begin, that are played as what comes first; others rise."""


@dataclass(frozen=True, slots=True)
class BarPlan:
    """What a bar is to be like. level: 0 thin to LEVELS - 1 full.

    part, kind: which passage of people's it is out of; the same two are the same passage, kind 0 is
    a verse's. bar: number of the bar in it. fills: the drums fill. opens: a section begins here
    after a fill. silent: the parts that lay out.
    """

    level: int
    part: int
    kind: int
    bar: int
    fills: bool = False
    opens: bool = False
    silent: frozenset[str] = frozenset()


def has_fill(seed: int, bar: int) -> bool:
    """Whether bar number `bar` (from 0) ends a phrase with a fill: a function of the seed."""
    for bars in (LONG_PHRASE_BARS, PHRASE_BARS):
        if bar % bars == bars - 1:
            return dice(seed, 7, bar) < _FILL_CHANCE[bars]
    return False


def plan_bar(
    number: int,
    place: PlaceInForm | None,
    level: int,
    seed: int,
    style: Style,
    intro_bar: int | None = None,
) -> BarPlan:
    """The plan of bar `number`: a function of its arguments alone.

    place: where it is in the song, if there is one: its letters choose the passages, a fill leads
    from each section into the next, the first chorus is lighter, the last one fuller. level: as the
    player's loudness asks for; at 0 the drums lay out. intro_bar: number of the bar in the intro,
    whose parts come in as the style says.
    """
    silent = frozenset() if level else frozenset(("drums",))
    if place is None:
        part, phrase = divmod(number // LONG_PHRASE_BARS, len(_FORM))
        kind, bar = _FORM[phrase], number
        change = -1 if part == phrase == 0 else kind
        fills, opens = has_fill(seed, number), has_fill(seed, number - 1)
    else:
        part, kind, bar = place.chorus, _kind_of(place.section), place.bar
        change = (kind > 0) - (place.chorus == 0 and not kind) + place.is_last
        long_enough = place.bar + place.bars_left >= PHRASE_BARS
        in_the_middle = place.bar % LONG_PHRASE_BARS == LONG_PHRASE_BARS - 1
        fills = (long_enough and place.bars_left == 1) or in_the_middle
        opens = place.bar == 0
    entries = style.intro
    if intro_bar is not None and intro_bar < len(entries):
        playing = entries[intro_bar]
        silent = frozenset(("chords", "bass", "drums")) - playing
        fills, opens = intro_bar == len(entries) - 1, False
    elif intro_bar is not None and intro_bar == len(entries) > 0:
        opens = True
    return BarPlan(max(0, min(LEVELS - 1, level + change)), part, kind, bar, fills, opens, silent)


def _kind_of(section: str) -> int:
    """0 for a verse; every other name has a number of its own, as far as there are some."""
    name = section.casefold()
    if any(name == home or (len(home) > 1 and name.startswith(home)) for home in _HOME):
        return 0
    return 0 if name[:1] == "a" and not name[1:].isalpha() else 1 + zlib.crc32(name.encode()) % 97
