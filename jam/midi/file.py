"""MIDI files: a song in musical time with its tempo and metre, and parts back to a file.

Positions are in frames of the grid (sixteenths, as floats), whatever the tempo, so a song read
from a file can be put on the grid and a jam can be written with its bar lines in place.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import mido

from jam.errors import BadInput
from jam.files import read_limited, whole
from jam.limits import MIDI_BYTES
from jam.messages.notes import Note
from jam.midi import smf
from jam.midi.numbers import DRUM_CHANNEL, SUSTAIN
from jam.music.grid import (
    FRAMES_PER_QUARTER,
    Meter,
    Segment,
    TempoMap,
    check_bpm,
    nearest_frame,
    quarter_bpm,
)

TICKS_PER_QUARTER = 960
COUNT_IN, BAR_ONE = "Count-in", "Bar 1"
"""Cue points of a file that begins before its bar 1: where the count-in and where bar 1 begins."""
_TICKS_PER_FRAME = TICKS_PER_QUARTER // FRAMES_PER_QUARTER


@dataclass(frozen=True, slots=True)
class MidiSong:
    """What a file holds, in musical time; notes in order of their start, then of pitch."""

    name: str
    notes: tuple[Note, ...]
    tempo_map: TempoMap
    """Frame 0 is the start of the file, at 0 s. Changes lie on the nearest frame."""
    markers: tuple[tuple[float, str], ...] = ()
    """(frame, text), in order: chord names, in many files."""
    pedals: tuple[tuple[float, int, bool], ...] = ()
    """(frame, channel, down) of the sustain pedal, in order."""
    bar_one_frame: int = 0
    """Where bar 1 begins; what lies before is a count-in, as the file itself says."""

    @property
    def end_frame(self) -> float:
        return max(note.end_frame for note in self.notes)

    def from_bar_one(self) -> MidiSong:
        """The same song with frame 0 (at 0 s) at its bar 1; a count-in lies before it."""
        if not (frame := self.bar_one_frame):
            return self
        at_s, first = self.tempo_map.seconds_at(frame), self.tempo_map.segments[0]
        bars = self.tempo_map.place(frame).bar
        later = (
            replace(
                s,
                start_frame=s.start_frame - frame,
                start_s=s.start_s - at_s,
                bar_frame=s.bar_frame - frame,
                bar=s.bar - bars,
            )
            for s in self.tempo_map.segments[1:]
        )
        return replace(
            self,
            notes=tuple(
                replace(n, start_frame=n.start_frame - frame, end_frame=n.end_frame - frame)
                for n in self.notes
            ),
            tempo_map=TempoMap((first, *later)),
            markers=tuple((at - frame, text) for at, text in self.markers),
            pedals=tuple((at - frame, channel, down) for at, channel, down in self.pedals),
            bar_one_frame=0,
        )

    def melody(self) -> tuple[Note, ...]:
        """The notes of the track and channel that most likely hold the melody.

        A track whose name says so; else, of those with at least half as many notes as the
        fullest, the highest on average. Drums (channel 10) only where there is nothing else.
        """
        groups: dict[tuple[str, int], list[Note]] = defaultdict(list)
        for note in self.notes:
            groups[note.part, note.channel].append(note)
        pitched = {key: group for key, group in groups.items() if key[1] != DRUM_CHANNEL}
        pitched = pitched or dict(groups)
        for word in ("melod", "vocal", "voice", "lead", "sing"):
            named = {k: g for k, g in pitched.items() if word in k[0].lower()}
            if named:
                pitched = named
                break
        fullest = max(len(group) for group in pitched.values())
        full = [group for group in pitched.values() if 2 * len(group) >= fullest]
        highest = max(full, key=_mean_pitch)
        return tuple(highest)


def _mean_pitch(notes: Sequence[Note]) -> float:
    return sum(note.pitch for note in notes) / len(notes)


def read_midi(path: str | os.PathLike[str]) -> MidiSong:
    """Read a Standard MIDI File. Raises BadInput, one line with the file's name, for any fault."""
    return parse_midi(read_limited(path, MIDI_BYTES), str(Path(path)))


def read_tune(path: str | os.PathLike[str]) -> MidiSong:
    """A file to be accompanied: frame 0 is what it calls its bar 1, a pickup lies before it.

    Raises BadInput as `read_midi`.
    """
    song = read_midi(path)
    tune = song.from_bar_one()
    return tune if any(note.end_frame > 0 for note in tune.melody()) else song


def parse_midi(data: bytes, name: str) -> MidiSong:
    """The song that a file's bytes hold. Raises BadInput that begins with `name`."""
    try:
        raw = smf.parse_smf(data)
        if not raw.notes:
            raise BadInput("no notes in it")
        notes = _notes(raw)
        last_frame = math.ceil(max(note.end_frame for note in notes))
        tempo_map = _tempo_map(raw, last_frame)
        return MidiSong(
            name,
            notes,
            tempo_map,
            tuple(sorted((_frame(tick, raw), text) for tick, text in raw.markers)),
            tuple(
                (_frame(tick, raw), channel, down)
                for tick, channel, down in sorted(raw.pedals, key=lambda pedal: pedal[0])
            ),
            _bar_one_frame(raw, tempo_map),
        )
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _frame(tick: int, raw: smf.RawSong) -> float:
    return tick * FRAMES_PER_QUARTER / raw.ticks_per_quarter


def _parts(track_names: Iterable[str]) -> list[str]:
    """A name for every track: its own; with its number where it has none or another has it too."""
    parts: dict[str, None] = {}
    for number, name in enumerate(track_names, 1):
        part = name or f"Track {number}"
        while part in parts:
            part += f" ({number})"
        parts[part] = None
    return list(parts)


def _notes(raw: smf.RawSong) -> tuple[Note, ...]:
    """Notes in order, each with the program that its channel had when it began."""
    parts = _parts(raw.track_names)
    programs: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for tick, channel, program in sorted(raw.programs, key=lambda change: change[0]):
        programs[channel].append((tick, program))
    notes = []
    for note in sorted(raw.notes, key=lambda n: (n.start_tick, n.pitch, n.track, n.channel)):
        changes = programs[note.channel]
        index = bisect_right(changes, (note.start_tick, 127)) - 1
        notes.append(
            Note(
                _frame(note.start_tick, raw),
                _frame(note.end_tick, raw),
                note.pitch,
                note.velocity,
                parts[note.track],
                changes[index][1] if index >= 0 else 0,
                note.channel,
            )
        )
    return tuple(notes)


def _tempo_map(raw: smf.RawSong, last_frame: int) -> TempoMap:
    """Tempi and metres of a file up to `last_frame`, changes moved to the nearest frame.

    Raises BadInput for a metre that can't be counted and a tempo out of range.
    """

    def frame_of(tick: int) -> int:
        return nearest_frame(_frame(tick, raw))

    # Of several changes in one frame the last one holds.
    tempos = {frame_of(tick): tempo for tick, tempo in sorted(raw.tempos, key=lambda t: t[0])}
    meters = {frame_of(tick): (n, d) for tick, n, d in sorted(raw.meters, key=lambda m: m[0])}
    tempo, meter = 500_000, Meter(4, 4)  # what the standard says where a file doesn't
    segments: list[Segment] = []
    for frame in sorted({0, *tempos, *meters}):
        if frame > last_frame:
            break
        tempo = tempos.get(frame, tempo)
        old_meter = meter
        if frame in meters:
            meter = Meter(*meters[frame])
        try:
            bpm = _beats_a_minute(tempo, meter)
        except BadInput as error:
            raise BadInput(f"{error} (at quarter note {frame / FRAMES_PER_QUARTER:g})") from None
        if not segments:
            segments.append(Segment(0, 0.0, bpm, meter, 0, 0))
            continue
        last = segments[-1]
        if (bpm, meter) == (last.bpm, last.meter):
            continue
        bars, frame_in_bar = divmod(frame - last.bar_frame, last.meter.frames_per_bar)
        if meter == old_meter:
            bar_frame, bar = frame - frame_in_bar, last.bar + bars
        else:  # a change of metre begins a new bar
            bar_frame, bar = frame, last.bar + bars + (1 if frame_in_bar else 0)
        start_s = last.start_s + (frame - last.start_frame) * last.frame_s
        segments.append(Segment(frame, start_s, bpm, meter, bar_frame, bar))
    return TempoMap(tuple(segments))


def _bar_one_frame(raw: smf.RawSong, tempo_map: TempoMap) -> int:
    """The bar line that the file calls its bar 1, if all before it has one tempo and metre."""
    tick = next((tick for tick, text in raw.cues if text == BAR_ONE), 0)
    frame, rest = divmod(tick * FRAMES_PER_QUARTER, raw.ticks_per_quarter)
    later = [segment.start_frame for segment in tempo_map.segments[1:]]
    if rest or tempo_map.place(frame).frame_in_bar or any(start <= frame for start in later):
        return 0
    return frame


def _microseconds(bpm: float, meter: Meter) -> int:
    """Tempo of a MIDI file: microseconds a quarter note."""
    return round(60e6 / quarter_bpm(bpm, meter))


def _beats_a_minute(microseconds: int, meter: Meter) -> float:
    """The tempo in the metre's beats. Raises BadInput out of range.

    A file holds whole microseconds: the roundest tempo that would be written as the same number
    is taken, so 97 beats a minute stay 97, and 300 stay within the range.
    """
    exact = 60e6 / (microseconds * quarter_bpm(1.0, meter))
    for digits in range(4):
        bpm = round(exact, digits)
        if bpm > 0 and _microseconds(bpm, meter) == microseconds:
            return check_bpm(bpm)
    return check_bpm(exact)


@dataclass(frozen=True, slots=True)
class Part:
    """A track to be written."""

    name: str
    program: int
    channel: int
    notes: tuple[Note, ...]
    pedals: tuple[tuple[float, bool], ...] = ()
    """The sustain pedal: (frame, down)."""


def write_midi(
    path: str | os.PathLike[str],
    parts: Sequence[Part],
    tempo_map: TempoMap,
    chords: Iterable[tuple[float, str]] = (),
) -> None:
    """Write parts as a Standard MIDI File of type 1; the first track holds tempo and metre.

    chords: (frame, symbol), written as markers. Where something lies before frame 0, the file
    begins with the bars of the count-in, and cue points (COUNT_IN, BAR_ONE) mark them. The file
    appears complete or not at all. Raises BadInput when the folder doesn't exist, JamError when
    the file can't be written.
    """
    file = Path(path)
    if not os.path.isdir(file.parent):
        raise BadInput(f"{file}: no such folder")
    if os.path.isdir(file):
        raise BadInput(f"{file}: a folder, not a file")
    first = min(
        (
            frame
            for part in parts
            for frame in (
                *(note.start_frame for note in part.notes),
                *(frame for frame, _ in part.pedals),
            )
        ),
        default=0.0,
    )
    bar_frames = tempo_map.meter_at(0).frames_per_bar
    shift = max(0, math.ceil(-first / bar_frames)) * bar_frames
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER)
    midi.tracks.append(_conductor_track(tempo_map, chords, shift))
    midi.tracks.extend(_part_track(part, shift) for part in parts)
    with whole(file) as unfinished:
        midi.save(unfinished)


def _tick(frame: float) -> int:
    return max(0, round(frame * _TICKS_PER_FRAME))


_Event = tuple[int, int, mido.Message | mido.MetaMessage]
"""(tick, order within the tick, message)"""


def _track(name: str, events: list[_Event]) -> mido.MidiTrack:
    track = mido.MidiTrack([mido.MetaMessage("track_name", name=_latin(name))])
    now = 0
    for tick, _, message in sorted(events, key=lambda event: event[:2]):
        track.append(message.copy(time=tick - now))
        now = tick
    return track


def _latin(text: str) -> str:
    """Text as MIDI files hold it (Latin-1); what it can't express becomes a question mark."""
    return text.encode("latin-1", "replace").decode("latin-1")


def _conductor_track(
    tempo_map: TempoMap, chords: Iterable[tuple[float, str]], shift: int
) -> mido.MidiTrack:
    events: list[_Event] = []
    meter: Meter | None = None
    for segment in tempo_map.segments:
        tick = _tick(segment.start_frame + shift) if segment.start_frame else 0
        if segment.meter != meter:
            meter = segment.meter
            events.append(
                (
                    tick,
                    0,
                    mido.MetaMessage(
                        "time_signature",
                        numerator=meter.numerator,
                        denominator=meter.denominator,
                        clocks_per_click=24 * meter.frames_per_beat // FRAMES_PER_QUARTER,
                    ),
                )
            )
        tempo = _microseconds(segment.bpm, segment.meter)
        events.append((tick, 1, mido.MetaMessage("set_tempo", tempo=tempo)))
    for frame, symbol in chords:
        events.append((_tick(frame + shift), 2, mido.MetaMessage("marker", text=_latin(symbol))))
    if shift:
        for tick, text in ((0, COUNT_IN), (_tick(shift), BAR_ONE)):
            events.append((tick, 3, mido.MetaMessage("cue_marker", text=text)))
    return _track("Tempo", events)


def _part_track(part: Part, shift: int) -> mido.MidiTrack:
    program = mido.Message("program_change", channel=part.channel, program=part.program)
    events: list[_Event] = [(0, 0, program)]
    for frame, down in part.pedals:
        events.append(
            (
                _tick(frame + shift),
                3 if down else 0,
                mido.Message(
                    "control_change", channel=part.channel, control=SUSTAIN, value=127 * down
                ),
            )
        )
    next_start: dict[int, int] = {}
    for note in sorted(part.notes, key=lambda n: n.start_frame, reverse=True):
        start = _tick(note.start_frame + shift)
        # One channel has one key a pitch: it comes up before it goes down again.
        end = min(
            max(_tick(note.end_frame + shift), start + 1), next_start.get(note.pitch, 1 << 60)
        )
        if end <= start:
            continue  # struck twice in one tick
        next_start[note.pitch] = start
        key = {"channel": part.channel, "note": note.pitch}
        events.append((start, 2, mido.Message("note_on", velocity=max(1, note.velocity), **key)))
        events.append((end, 1, mido.Message("note_off", velocity=0, **key)))
    return _track(part.name, events)
