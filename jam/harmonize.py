"""A whole melody harmonised at once: no jam, so the chords may know what comes."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Sequence

from jam.accompaniment import playable_style
from jam.anticipation import Predictor
from jam.errors import BadInput
from jam.limits import NOTES_AT_ONCE
from jam.melody import MelodyTracker
from jam.midi_file import MidiNote, MidiSong
from jam.mix import conditioned
from jam.records import Take
from jam.render import render
from jam.rows import ChordState, MelodyState
from jam.rules import ScriptedPredictor
from jam.settings import JamSettings


def melody_line(song: MidiSong) -> list[MelodyState]:
    """The song's melody on the grid, one state a frame, to the end of its last bar."""
    notes = song.melody()
    end_frame = song.tempo_map.next_bar_frame(math.ceil(max(n.end_frame for n in notes)))
    tracker = MelodyTracker()
    waiting = sorted(enumerate(notes), key=lambda item: item[1].start_frame)
    _check_sounding(song.name, [note for _, note in waiting])
    line = []
    next_note = 0
    for frame in range(end_frame):
        while next_note < len(waiting) and waiting[next_note][1].start_frame < frame + 0.5:
            note_id, note = waiting[next_note]
            tracker.note_on(note_id, note.pitch, note.start_frame)
            tracker.note_off(note_id, note.end_frame)
            next_note += 1
        line.append(tracker.close(frame))
    return line


def _check_sounding(name: str, notes: Sequence[MidiNote]) -> None:
    """Raises BadInput where more notes sound at once than there are hands for in an orchestra."""
    ends: list[float] = []
    for note in notes:
        while ends and ends[0] <= note.start_frame:
            heapq.heappop(ends)
        heapq.heappush(ends, note.end_frame)
        if len(ends) > NOTES_AT_ONCE:
            raise BadInput(f"{name}: more than {NOTES_AT_ONCE} notes of the melody sound at once")


def harmonize(
    song: MidiSong,
    predictor: Predictor,
    settings: JamSettings,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Take, list[MelodyState], list[ChordState]]:
    """A take of the song with its accompaniment, the melody on the grid, and its chords.

    The chords are the offline model's (or the rules'); the notes come from the live code.
    """
    melody = melody_line(song)
    places = [song.tempo_map.place(frame) for frame in range(len(melody))]
    predictor.reset(conditioned(settings, playable_style(settings.accompaniment)))
    chords = predictor.harmonise(melody, places)
    script = ScriptedPredictor(chords, melody)
    take = render(song, script, settings.changed(listen_bars=0), seed, progress, False)
    return take, melody, chords
