"""Where in a song's form a bar is: section, bars left of it, chorus, last time. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from jam.music.song import Song


@dataclass(frozen=True, slots=True)
class PlaceInForm:
    """A bar of a song as the band has to know it. Everything counts from 0.

    section: the name of its section, "" where it has none. bar: number of the bar within it.
    bars_left: of the section, this one included, so 1 is its last. chorus: how often the song has
    been played through before. is_last: the music ends after this chorus.
    """

    section: str
    bar: int
    bars_left: int
    chorus: int
    is_last: bool = False


def place_in_form(song: Song, played_bar: int, last_chorus: int | None = None) -> PlaceInForm:
    """Place of the bar number `played_bar` of a song that begins with bar 0.

    last_chorus: number of the chorus after which the music ends, if it is known.
    """
    chorus, bar = divmod(played_bar, len(song.chorus.bars))
    name, first, end = song.chorus.sections[bar]
    return PlaceInForm(name, bar - first, end - bar, chorus, chorus == last_chorus)


PHRASE_BARS = 4


def closes(place: PlaceInForm) -> bool:
    """Whether a bar is the last of a section, or of a phrase of four bars in it."""
    return place.bars_left == 1 or (
        place.bar % PHRASE_BARS == PHRASE_BARS - 1 and place.bars_left >= PHRASE_BARS
    )


def seen_before(song: Song, played_bar: int) -> int | None:
    """The newest earlier bar at the same place of a section with the same name; None without one.

    Bars count as in `place_in_form`. Sections without a name don't return.
    """
    sections = song.chorus.sections
    name, first, _ = sections[played_bar % len(sections)]
    here = played_bar % len(sections)
    if not name:
        return None
    for back in range(1, len(sections) + 1):
        if back > played_bar:
            return None
        other, other_first, _ = sections[(here - back) % len(sections)]
        at = (here - back) % len(sections) - other_first
        if other == name and at == here - first:
            return played_bar - back
    return None
