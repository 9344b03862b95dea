"""What stands over a lead sheet, and what a song says of its bars. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jam.music.grid import TempoMap
from jam.music.song import Song


@dataclass(frozen=True, slots=True)
class Heading:
    """What stands over a lead sheet, and what its source said of how it is written.

    signature: (sharps or minus flats, minor), None to take the key's own. symbols: by frame, the
    chord symbols as they were written. sections: by frame of a bar line, what begins there.
    """

    title: str = ""
    composer: str = ""
    signature: tuple[int, bool] | None = None
    symbols: Mapping[int, str] = field(default_factory=dict)
    sections: Mapping[int, str] = field(default_factory=dict)


def written_in_song(
    song: Song, tempo_map: TempoMap, first_bar: int, start: int, end: int
) -> tuple[dict[int, str], dict[int, str]]:
    """(symbols, sections) by frame of a song whose first bar is bar `first_bar`, chorus after
    chorus, in the bars that begin in frames start to end.
    """
    order = song.chorus.bars
    symbols: dict[int, str] = {}
    sections: dict[int, str] = {}
    frame = start if not tempo_map.place(start).frame_in_bar else tempo_map.next_bar_frame(start)
    while frame < end:
        bar = tempo_map.place(frame).bar - first_bar
        if bar >= 0:
            written = song.bars[order[bar % len(order)]]
            if written.section:
                sections[frame] = written.section
            symbols.update((frame + at.frame, at.symbol.written) for at in written.chords or ())
        frame = tempo_map.next_bar_frame(frame + 1)
    return symbols, sections
