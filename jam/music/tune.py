"""The tune of a song: its notes by bar as a take had them, to be shown, played and waited for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from jam.music.grid import TempoMap
from jam.music.song import Song, place_of

LEFT, RIGHT = "left", "right"
MIDDLE = 60
"""Below it the left hand plays, where no split is set."""


@dataclass(frozen=True, slots=True)
class TuneNote:
    """A note of a bar: it begins with a frame of the bar and lasts so many frames."""

    frame: int
    length: int
    pitch: int
    velocity: int = 80


@dataclass(frozen=True, slots=True)
class Tune:
    """bars: the notes of every written bar of its song, in order; beyond them there are none."""

    bars: tuple[tuple[TuneNote, ...], ...]


@dataclass(frozen=True, slots=True)
class Due:
    """A note of the tune in a session: its frames, and the hand that plays it."""

    start_frame: int
    end_frame: int
    pitch: int
    velocity: int
    hand: str


def tune_of(
    notes: Iterable[tuple[float, float, int, int]], tempo_map: TempoMap, first_bar: int, n_bars: int
) -> Tune:
    """Notes (start and end in frames, pitch, velocity) of so many bars as a tune."""
    bars: list[list[TuneNote]] = [[] for _ in range(n_bars)]
    for start, end, pitch, velocity in notes:
        frame = max(0, round(start))
        place = tempo_map.place(frame)
        if 0 <= place.bar - first_bar < n_bars:
            length = max(1, round(end) - frame)
            bars[place.bar - first_bar].append(
                TuneNote(place.frame_in_bar, length, pitch, velocity)
            )
    return Tune(tuple(tuple(sorted(bar, key=lambda n: (n.frame, n.pitch))) for bar in bars))


def due(
    tune: Tune,
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
            turn = (step * where.chorus + 6) % 12 - 6
            for note in tune.bars[where.bar] if where.bar < len(tune.bars) else ():
                start = line + note.frame
                if first <= start < end and note.frame < place.meter.frames_per_bar:
                    hand = LEFT if note.pitch < (split or MIDDLE) else RIGHT
                    yield Due(start, start + note.length, note.pitch + turn, note.velocity, hand)
        line = tempo_map.next_bar_frame(line + 1)
