"""A file streamed through the live code as fast as it goes, under the same online rule."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import replace

from jam.anticipation import Anticipator, Predictor
from jam.conductor import Conductor
from jam.messages import NoteEvent, PlannedNote
from jam.midi_file import MidiSong, PartNote
from jam.records import Take
from jam.settings import JamSettings


def melody_events(song: MidiSong) -> list[NoteEvent]:
    """The melody of a song as a player would send it, in order of time, in seconds."""
    seconds_at = song.tempo_map.seconds_at
    events: list[NoteEvent] = []
    for note_id, note in enumerate(song.melody(), 1):
        start_s, end_s = seconds_at(note.start_frame), seconds_at(note.end_frame)
        events.append(NoteEvent(note_id, note.pitch, note.velocity, start_s))
        events.append(NoteEvent(note_id, note.pitch, 0, max(end_s, start_s + 1e-3)))
    return sorted(events, key=lambda event: (event.at_s, event.velocity > 0))


def render(
    song: MidiSong,
    predictor: Predictor,
    settings: JamSettings,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Take:
    """Accompany a file's melody. The same seed gives the same take.

    Tempo and metre are the file's, listening bars and everything else are of `settings`. The
    chord of a frame is decided from nothing but what came before it. `progress` is called with
    (frames done, frames in all).
    """
    tempo_map = song.tempo_map
    settings = replace(settings, bpm=tempo_map.bpm_at(0), meter=tempo_map.meter_at(0))
    conductor = Conductor(settings, 0.0, seed, tempo_map)
    anticipator = Anticipator(predictor, seed)
    predictor.rewind(0)
    melody = song.melody()
    end_frame = tempo_map.next_bar_frame(math.ceil(max(n.end_frame for n in melody)))
    notes: dict[int, PlannedNote] = {}
    for frame, played in _by_frame(melody_events(song), conductor, end_frame):
        for event in played:
            conductor.play(event)
        now_s = tempo_map.seconds_at(frame + 0.5)
        if conductor.advance(now_s):
            conductor.take(anticipator.plan(conductor.request()), now_s)
        notes.update((note.note_id, note) for note in conductor.notes() if note.committed)
        if progress is not None and frame % 64 == 0:
            progress(max(frame, 0), end_frame)
    chords = sorted(
        (note for note in notes.values() if note.start_frame < end_frame),
        key=lambda note: (note.start_frame, note.pitch),
    )
    return Take(
        tempo_map,
        {
            "player": tuple(
                PartNote(n.start_frame, n.end_frame, n.pitch, n.velocity) for n in melody
            ),
            "chords": tuple(
                PartNote(n.start_frame, min(n.end_frame, end_frame), n.pitch, n.velocity)
                for n in chords
            ),
        },
        conductor.chord_line()[:end_frame],
    )


def _by_frame(
    events: list[NoteEvent], conductor: Conductor, end_frame: int
) -> Iterator[tuple[int, list[NoteEvent]]]:
    """Every frame from -1 on with the events up to its middle, when it is closed."""
    next_event = 0
    for frame in range(-1, end_frame):
        until_s = conductor.tempo_map.seconds_at(frame + 0.5)
        first = next_event
        while next_event < len(events) and events[next_event].at_s < until_s:
            next_event += 1
        yield frame, events[first:next_event]
