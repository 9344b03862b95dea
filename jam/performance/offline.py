"""Without real time: a file accompanied under the live rule, or harmonised as a whole."""

from __future__ import annotations

import heapq
import math
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from jam.accompaniment import playable_style
from jam.accompaniment.styles import conditioned
from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.agent.rules import ScriptedPredictor
from jam.agent.soloist import planned
from jam.errors import BadInput
from jam.limits import NOTES_AT_ONCE
from jam.messages.notes import Note, NoteEvent, PlannedNote, by_part
from jam.midi.file import MidiSong
from jam.music.melody import HeldLine, MelodyTracker
from jam.music.rows import ChordState, MelodyState
from jam.music.song import Song
from jam.performance.conductor import Conductor
from jam.performance.song_line import SongInPlay, laid_over, symbols_of
from jam.performance.take import Take
from jam.settings import JamSettings

_SHORTEST_FRAMES = 0.01


def key_strokes(notes: Iterable[Note]) -> list[tuple[float, int, int, int]]:
    """(frame, note_id, pitch, velocity) of every key that goes down or (velocity 0) comes up, in
    order; at one time those that come up first, but for a note's own.
    """
    strokes: list[tuple[float, int, int, int]] = []
    for note_id, note in enumerate(notes, 1):
        end = max(note.end_frame, note.start_frame + _SHORTEST_FRAMES)
        strokes.append((note.start_frame, note_id, note.pitch, note.velocity))
        strokes.append((end, note_id, note.pitch, 0))
    return sorted(strokes, key=lambda stroke: (stroke[0], stroke[3] > 0))


def melody_events(song: MidiSong) -> list[NoteEvent]:
    """The melody of a song as a player would send it, in order of time, in seconds."""
    at = song.tempo_map.seconds_at
    return [
        NoteEvent(note_id, pitch, velocity, at(frame))
        for frame, note_id, pitch, velocity in key_strokes(song.melody())
    ]


def render(
    song: MidiSong,
    predictor: Predictor,
    settings: JamSettings,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    follows_stops: bool = True,
    until_frame: int = 0,
    chart: Song | None = None,
) -> Take:
    """Accompany a file's melody. The same seed gives the same take.

    Tempo and metre are the file's, listening bars and everything else are of `settings`. The
    chord of a frame is decided from nothing but what came before it. `follows_stops` as in
    `Conductor`; with it the accompaniment ends with a cadence after the melody's last bar. It goes
    on to the bar line after `until_frame` at least. `chart`: a song that fixes chords.
    `progress` is called with (frames done, frames in all).
    """
    tempo_map = song.tempo_map
    settings = replace(settings, bpm=tempo_map.bpm_at(0), meter=tempo_map.meter_at(0))
    conductor = Conductor(settings, 0.0, seed, tempo_map, follows_stops)
    if chart is not None:
        conductor.use_song(chart, tempo_map.seconds_at(-1.5), first_bar=0)
    anticipator = Anticipator(predictor, seed)
    predictor.rewind(0)
    melody = song.melody()
    last_frame = math.ceil(max(n.end_frame for n in melody))
    end_frame = tempo_map.next_bar_frame(max(last_frame, until_frame))
    notes: dict[int, PlannedNote] = {}
    frame = -1
    strokes = deque(key_strokes(melody))
    last_chorus_bar: int | None = None
    if chart is not None and follows_stops:  # the song ends with the melody
        bars = len(chart.chorus.bars)
        last_chorus_bar = tempo_map.place(max(last_frame - 1, 0)).bar // bars * bars
    while frame < end_frame:
        now_s = tempo_map.seconds_at(frame + 0.5)
        while strokes and strokes[0][0] < frame + 0.5:
            position, note_id, pitch, velocity = strokes.popleft()
            conductor.play_at(position, note_id, pitch, velocity)
        if last_chorus_bar is not None and tempo_map.place(frame + 1).bar >= last_chorus_bar:
            conductor.cue("last", now_s)
            last_chorus_bar = None
        if follows_stops and not strokes:
            conductor.finish()  # the tune is over
            if (ending := conductor.ending) is not None:
                end_frame = max(end_frame, ending.rest_frame)
        if conductor.advance(now_s):
            conductor.take(planned(anticipator, conductor.request()), now_s)
        notes.update((note.note_id, note) for note in conductor.notes() if note.committed)
        if progress is not None and frame % 64 == 0:
            progress(max(frame, 0), end_frame)
        frame += 1
    sounded = (
        Note(n.start_frame, min(n.end_frame, end_frame), n.pitch, n.velocity, n.part)
        for n in sorted(notes.values(), key=lambda n: (n.start_frame, n.pitch))
        if n.start_frame < end_frame
    )
    player = tuple(replace(n, part="player") for n in melody)
    line = conductor.chord_line()[:end_frame]
    played = [] if chart is None else [(0.0, SongInPlay(chart))]
    symbols = symbols_of(line, tempo_map, played)
    return Take(
        tempo_map,
        {"player": player, "chords": (), **by_part(sounded)},
        line,
        symbols=symbols,
        signature=song.signature,
    )


def melody_line(song: MidiSong) -> list[MelodyState]:
    """The song's melody on the grid, one state a frame, to the end of its last bar.

    It is held through short gaps, as it is in play.
    """
    notes = song.melody()
    end_frame = song.tempo_map.next_bar_frame(math.ceil(max(n.end_frame for n in notes)))
    tracker, holding = MelodyTracker(), HeldLine()
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
        beat_frames = song.tempo_map.meter_at(frame).frames_per_beat
        line.append(holding.hold(tracker.close(frame), beat_frames))
    return line


def _check_sounding(name: str, notes: Sequence[Note]) -> None:
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
    chart: Song | None = None,
) -> tuple[Take, list[MelodyState], list[ChordState]]:
    """A take of the song with its accompaniment, the melody on the grid, and its chords.

    The chords are the offline model's (or the rules'), or the chart's where that fixes any; the
    notes come from the live code.
    """
    melody = melody_line(song)
    places = [song.tempo_map.place(frame) for frame in range(len(melody))]
    predictor.reset(conditioned(settings, playable_style(settings.accompaniment)))
    chords = predictor.harmonise(melody, places, seed)
    if chart is not None:
        chords = laid_over(chords, places, SongInPlay(chart))
    script = ScriptedPredictor(chords, melody)
    take = render(song, script, settings.changed(listen_bars=0), seed, progress, False, chart=chart)
    return take, melody, chords
