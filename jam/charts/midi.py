"""MIDI files with chord markers as songs."""

from __future__ import annotations

import math
from pathlib import Path

from jam.charts.bar_text import symbol_of
from jam.charts.draft import Chart
from jam.errors import BadInput
from jam.limits import MEASURES, SONG_BARS
from jam.midi.file import MidiSong, read_midi
from jam.music.chord_notation import Symbol, naming_of
from jam.music.note_names import Naming
from jam.music.song import Bar, ChordAt, Song, as_label, as_section


class NoMarkers(BadInput):
    """None of the markers is a chord: the chords may be found in the notes."""


def read_midi_chart(path: str) -> Chart:
    """The chords that a MIDI file's markers name. Raises BadInput where none do."""
    return chart_of_midi(read_midi(path).from_bar_one())


def chart_of_midi(song: MidiSong) -> Chart:
    """Markers as chords, in the bars where they stand; other markers on a bar line are sections.

    Bars before the first chord are free. Raises BadInput without chords, and for more bars than a
    song has.
    """
    tempo_map = song.tempo_map
    end_frame = max((note.end_frame for note in song.notes), default=0.0)
    at: list[tuple[int, Symbol]] = []
    names: dict[int, str] = {}
    passed_over = moved = 0
    naming = naming_of(text for _, text in song.markers)
    for exact, text in song.markers:
        frame = round(exact)
        if frame < 0:
            continue
        place = tempo_map.place(frame)
        if (symbol := _symbol(text, naming)) is not None:
            moved += abs(exact - frame) > 1e-6
            if at and at[-1][0] == frame:
                at.pop()
            at.append((frame, symbol))
        elif place.frame_in_bar == 0 and as_section(text):
            names[place.bar] = as_section(text)
        else:
            passed_over += 1
    if not at:
        raise NoMarkers("no chords in it (they would be markers)")
    n_bars = 1 + tempo_map.place(max(at[-1][0], math.ceil(end_frame) - 1)).bar
    if n_bars > min(SONG_BARS, MEASURES):
        raise BadInput(f"{n_bars:,} bars; a song has at most {SONG_BARS:,}")
    by_bar: dict[int, list[ChordAt]] = {}
    for frame, symbol in at:
        place = tempo_map.place(frame)
        by_bar.setdefault(place.bar, []).append(ChordAt(place.frame_in_bar, symbol))
    first = tempo_map.place(at[0][0]).bar
    starts = [tempo_map.bar_start(bar) for bar in range(n_bars)]
    meter = tempo_map.meter_at(starts[first])
    bars = []
    for bar, start in enumerate(starts):
        own = tempo_map.meter_at(start)
        chords = tuple(by_bar.get(bar, ())) if bar >= first else None
        bars.append(Bar(chords, names.get(bar, ""), meter=None if own == meter else own))
    remarks = []
    if passed_over:
        remarks.append(f"{passed_over} markers that are no chords were left out")
    if moved:
        remarks.append(f"{moved} chords were moved to the nearest sixteenth")
    title, bpm = as_label(Path(song.name).stem), tempo_map.bpm_at(starts[first])
    return Chart(Song(tuple(bars), title, meter=meter, bpm=bpm), tuple(remarks))


def _symbol(text: str, naming: Naming) -> Symbol | None:
    try:
        return symbol_of("".join(text.split()), naming)
    except BadInput:
        return None
