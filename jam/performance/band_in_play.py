"""The band while it plays: what it was asked for bar by bar, its touch, and the notes of it all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from jam.accompaniment import (
    Arrangement,
    Memory,
    Realisation,
    Style,
    Touch,
    accompany,
    playable_style,
)
from jam.messages.notes import PlannedNote
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter, TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.rows import ChordState
from jam.performance.presence import Presence
from jam.settings import JamSettings

Value = TypeVar("Value")

_QUIET, _LOUD = 34, 104
_REMEMBERED_CUES = 4
"""So many changes of style, level, variation before the newest are still in force somewhere."""
_REMEMBERED_FRAMES = 64
"""A fill or break that began so long ago may still sound."""


class BandInPlay:
    """What the player has asked of the band, and what it plays of a line of chords.

    Notes before `kept_until_frame` are in its memory as they were committed. Frames of bar lines
    are the conductor's to choose.
    """

    def __init__(self, style: str, seed: int) -> None:
        self.kept_until_frame = 0
        self._seed = seed
        self._touch = Touch()
        self._styles: tuple[tuple[int, Style], ...] = ((0, playable_style(style)),)
        self._levels: tuple[tuple[int, int], ...] = ((0, 1),)
        self._variations: tuple[tuple[int, int], ...] = ((0, 0),)
        self._fills: frozenset[int] = frozenset()
        self._breaks: frozenset[int] = frozenset()
        self._intros: tuple[int, ...] = ()
        self._memory = Memory()
        self._realisation = Realisation((), {}, {})

    # -- what it is asked for ---------------------------------------------------------------

    def change_style(self, style: str, line: int) -> None:
        """Another style from the bar that begins with frame `line`."""
        self._styles = _with(self._styles, line, playable_style(style))

    def style_at(self, frame: int) -> Style:
        """The style in force in the bar of a frame."""
        return next((s for f, s in reversed(self._styles) if f <= frame), self._styles[0][1])

    @property
    def newest_style(self) -> Style:
        return self._styles[-1][1]

    def cue(self, wanted: str, line: int, next_frame: int) -> None:
        """A variation, fill, break or intro in the bar that begins with frame `line`."""
        oldest = next_frame - _REMEMBERED_FRAMES
        match wanted:
            case "variation":
                self._variations = _with(self._variations, line, self._variations[-1][1] + 1)
            case "fill":
                self._fills = frozenset({line, *(f for f in self._fills if f >= oldest)})
            case "break":
                self._breaks = frozenset({line, *(f for f in self._breaks if f >= oldest)})
            case "intro":
                self._intros = (*self._intros[-_REMEMBERED_CUES:], line)

    def mind(self, presence: Presence, frame: int, meter: Meter, line: int) -> None:
        """Take the player's touch for the bar from `frame` on, and their level from the bar that
        begins with frame `line`. Once a bar, so that a plan doesn't change with every note."""
        self._touch = Touch(
            self._touch.velocity, presence.thin(frame, meter), presence.room(frame, meter)
        )
        level = presence.level(self._levels[-1][1])
        if level != self._levels[-1][1]:
            self._levels = _with(self._levels, line, level)

    # -- what sounds ------------------------------------------------------------------------

    def keep(self, until_frame: int, oldest_frame: int) -> None:
        """What starts before `until_frame` is as it is from now on."""
        made = self._realisation
        self._memory.keep(made.notes, made.drafts, made.voicings, until_frame, oldest_frame)
        self.kept_until_frame = until_frame

    def reopen(self, frame: int, position: float) -> None:
        """What was kept from `frame` on is open again; what sounds of it ends at `position`."""
        self._memory.rewind(frame, position)
        self.kept_until_frame = min(self.kept_until_frame, frame)

    def realise(
        self,
        line: Sequence[ChordState],
        tempo_map: TempoMap,
        settings: JamSettings,
        loudness: float,
        begins_frame: int,
        committed_until_frame: int,
        final_frame: int | None,
        symbols: Mapping[int, Symbol],
        form: Mapping[int, PlaceInForm],
        confidence: Mapping[int, float],
    ) -> None:
        """Notes from the first frame that isn't kept to the end of the line.

        loudness: the player's, as a velocity. begins_frame: where the band comes in. final_frame:
        onset of the chord that ends the piece. The rest as in `jam.accompaniment.accompany`.
        """
        self._touch = replace(self._touch, velocity=band_velocity(loudness))
        arrangement = Arrangement(
            self._styles,
            self._touch,
            settings.bass,
            settings.drums,
            self._seed,
            settings.feel,
            frozenset(() if final_frame is None else (final_frame,)),
            levels=self._levels,
            variations=self._variations,
            fills=self._fills,
            breaks=self._breaks,
            intros=(begins_frame, *self._intros),
            symbols=symbols,
            form=form,
        )
        self._realisation = accompany(
            line,
            tempo_map,
            arrangement,
            self._memory,
            self.kept_until_frame,
            committed_until_frame,
            confidence,
        )

    def notes(self) -> list[PlannedNote]:
        """The last bars' notes, those sounding, and the plan's."""
        return [*self._memory.ended.values(), *self._realisation.notes]


def _with(
    values: tuple[tuple[int, Value], ...], line: int, value: Value
) -> tuple[tuple[int, Value], ...]:
    """(frame, value) in order of frames, with another value from `line` on."""
    kept = [(frame, old) for frame, old in values if frame < line]
    return (*kept[-_REMEMBERED_CUES:], (line, value))


def band_velocity(loudness: float) -> int:
    """The band is a little softer than the player."""
    share = min(max(loudness / 127, 0), 1)
    return round(_QUIET + (_LOUD - _QUIET) * share**1.2)
