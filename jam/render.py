"""A file streamed through the live code as fast as it goes, under the same online rule."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
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
    follows_stops: bool = True,
    until_frame: int = 0,
) -> Take:
    """Accompany a file's melody. The same seed gives the same take.

    Tempo and metre are the file's, listening bars and everything else are of `settings`. The
    chord of a frame is decided from nothing but what came before it. `follows_stops` as in
    `Conductor`; with it the accompaniment ends with a cadence after the melody's last bar. It goes
    on to the bar line after `until_frame` at least.
    `progress` is called with (frames done, frames in all).
    """
    tempo_map = song.tempo_map
    settings = replace(settings, bpm=tempo_map.bpm_at(0), meter=tempo_map.meter_at(0))
    conductor = Conductor(settings, 0.0, seed, tempo_map, follows_stops)
    anticipator = Anticipator(predictor, seed)
    predictor.rewind(0)
    melody = song.melody()
    last_frame = math.ceil(max(n.end_frame for n in melody))
    end_frame = tempo_map.next_bar_frame(max(last_frame, until_frame))
    notes: dict[int, PlannedNote] = {}
    frame = -1
    events = deque(melody_events(song))
    while frame < end_frame:
        now_s = tempo_map.seconds_at(frame + 0.5)
        while events and events[0].at_s < now_s:
            conductor.play(events.popleft())
        if follows_stops and not events:
            conductor.finish()  # the tune is over
            if (ending := conductor.ending) is not None:
                end_frame = max(end_frame, ending.rest_frame)
        if conductor.advance(now_s):
            conductor.take(anticipator.plan(conductor.request()), now_s)
        notes.update((note.note_id, note) for note in conductor.notes() if note.committed)
        if progress is not None and frame % 64 == 0:
            progress(max(frame, 0), end_frame)
        frame += 1
    parts: dict[str, list[PartNote]] = {"chords": []}
    for note in sorted(notes.values(), key=lambda n: (n.start_frame, n.pitch)):
        if note.start_frame < end_frame:
            parts.setdefault(note.part, []).append(
                PartNote(
                    note.start_frame, min(note.end_frame, end_frame), note.pitch, note.velocity
                )
            )
    return Take(
        tempo_map,
        {
            "player": tuple(
                PartNote(n.start_frame, n.end_frame, n.pitch, n.velocity) for n in melody
            ),
            **{part: tuple(played) for part, played in parts.items()},
        },
        conductor.chord_line()[:end_frame],
    )
