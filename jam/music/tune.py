"""The melody of a song while it is played: which notes are due where. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from jam.limits import NOTE_FRAMES, NOTES_IN_BAR
from jam.music.grid import TempoMap
from jam.music.song import Song, TuneNote, higher, near, place_of

LEFT, RIGHT = "left", "right"
MIDDLE = 60
"""Below it the left hand plays, where no split is set."""


@dataclass(frozen=True, slots=True)
class Due:
    """A note of the melody in a session: its frames, and the hand that plays it."""

    start_frame: int
    end_frame: int
    pitch: int
    velocity: int
    hand: str


def with_tune(
    song: Song, notes: Iterable[tuple[float, float, int, int]], tempo_map: TempoMap, first_bar: int
) -> Song:
    """The song with these notes (start and end in frames, pitch, velocity) as its melody.

    first_bar: the bar of the tempo map that is the song's first written one.
    """
    bars: list[list[TuneNote]] = [[] for _ in song.bars]
    for start, end, pitch, velocity in notes:
        frame = max(0, round(start))
        place = tempo_map.place(frame)
        number = place.bar - first_bar
        if not 0 <= number < len(bars) or len(bars[number]) == NOTES_IN_BAR:
            continue
        length = min(NOTE_FRAMES, max(1, round(end) - frame))
        if place.frame_in_bar < song.meter_of(song.bars[number]).frames_per_bar:
            bars[number].append(TuneNote(place.frame_in_bar, length, pitch, max(1, velocity)))
    tunes = (tuple(sorted(bar, key=lambda n: (n.frame, n.pitch))) for bar in bars)
    return replace(
        song, bars=tuple(replace(bar, tune=t) for bar, t in zip(song.bars, tunes, strict=True))
    )


def due(
    song: Song,
    first_bar: int,
    tempo_map: TempoMap,
    first: int,
    end: int,
    step: int = 0,
    split: int = 0,
) -> Iterator[Due]:
    """The notes that begin in frames [first, end) of a session in which the song began with bar
    `first_bar`; each chorus so many semitones (step) higher, as the song is."""
    line = max(0, first - tempo_map.place(max(0, first)).frame_in_bar)
    while line < end:
        place = tempo_map.place(line)
        if place.bar >= first_bar:
            where = place_of(song, place.bar - first_bar)
            turn = near(step * where.chorus)
            for note in higher(song.bars[where.bar].tune, turn):
                start = line + note.frame
                if first <= start < end and note.frame < place.meter.frames_per_bar:
                    hand = LEFT if note.pitch - turn < (split or MIDDLE) else RIGHT
                    yield Due(start, start + note.length, note.pitch, note.velocity, hand)
        line = tempo_map.next_bar_frame(line + 1)
