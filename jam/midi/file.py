"""MIDI files: a song in musical time with its tempo and metre, and parts back to a file.

Positions are in frames of the grid (sixteenths, as floats), whatever the tempo, so a song read
from a file can be put on the grid and a jam can be written with its bar lines in place.
"""

from __future__ import annotations

import math
import os
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from heapq import merge
from itertools import chain, groupby, pairwise
from operator import itemgetter
from pathlib import Path

import mido

from jam.errors import BadInput
from jam.files import read_limited, whole
from jam.limits import MIDI_BYTES
from jam.messages import notes as messages
from jam.messages.notes import Expression, Note
from jam.midi import smf
from jam.midi.chord_texts import chord_texts
from jam.midi.numbers import BEND_REST, DRUM_CHANNEL, SUSTAIN
from jam.midi.smf import BAR_ONE, COUNT_IN
from jam.music.grid import (
    FRAMES_PER_QUARTER,
    MAX_BPM,
    MIN_BPM,
    Meter,
    Segment,
    TempoMap,
    counted_meter,
    nearest_frame,
    quarter_bpm,
)
from jam.music.melody_track import Line, Span, joined_channels, melody_index, sung_share

TICKS_PER_QUARTER = 960
_TICKS_PER_FRAME = TICKS_PER_QUARTER // FRAMES_PER_QUARTER


@dataclass(frozen=True, slots=True)
class MidiSong:
    """What a file holds, in musical time; notes in order of their start, then of pitch."""

    name: str
    notes: tuple[Note, ...]
    tempo_map: TempoMap
    """Frame 0 is the start of the file, at 0 s. Changes lie on the nearest frame."""
    markers: tuple[tuple[float, str], ...] = ()
    """(frame, text), in order: chord names, in many files, whichever events hold them."""
    pedals: tuple[tuple[float, int, bool], ...] = ()
    """(frame, channel, down) of the sustain pedal, in order."""
    bar_one_frame: int = 0
    """Where bar 1 begins; what lies before is a count-in or a pickup, as the file itself says."""
    signature: tuple[int, bool] | None = None
    """(sharps or minus flats, minor) of the key signature; None where the file has none."""
    lyrics: tuple[float, ...] = ()
    """Frames at which a syllable stands."""
    karaoke: bool = False
    """The file says that it is one."""
    expression: tuple[tuple[float, int, Expression], ...] = ()
    """(frame, channel, control): bends, wheels, pedals and pressures, in order."""
    warnings: tuple[str, ...] = ()
    """What of the file was read otherwise than it stands, one line each."""

    @property
    def end_frame(self) -> float:
        return max(note.end_frame for note in self.notes)

    def from_bar_one(self) -> MidiSong:
        """The same song with frame 0 (at 0 s) at its bar 1; a count-in lies before it."""
        if not (frame := self.bar_one_frame):
            return self
        tempo_map = self.tempo_map
        at_s, bars = tempo_map.seconds_at(frame), tempo_map.place(frame).bar
        first = Segment(0, 0.0, tempo_map.bpm_at(frame), tempo_map.meter_at(frame), 0, 0)
        later = (
            replace(
                s,
                start_frame=s.start_frame - frame,
                start_s=s.start_s - at_s,
                bar_frame=s.bar_frame - frame,
                bar=s.bar - bars,
            )
            for s in tempo_map.segments
            if s.start_frame > frame
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
            expression=tuple((at - frame, on, moved) for at, on, moved in self.expression),
            bar_one_frame=0,
            lyrics=tuple(at - frame for at in self.lyrics),
        )

    def melody(self) -> tuple[Note, ...]:
        """The notes of the track and channel that are the melody (`jam.music.melody_track`).

        Channels of one track count as one where they are one line.
        """
        apart: dict[tuple[str, int], list[Note]] = defaultdict(list)
        for note in self.notes:
            apart[note.part, note.channel].append(note)
        groups = joined_channels(apart, lambda note: note.instrument, _span)
        lines = [self._line(part, notes) for (part, _), notes in groups.items()]
        chosen = melody_index(lines, self.karaoke) if lines[1:] else 0
        return tuple(list(groups.values())[chosen])

    def _line(self, part: str, notes: list[Note]) -> Line:
        spans = [_span(note) for note in notes]
        sung = sung_share([n.start_frame for n in notes], self.lyrics)
        channel = notes[0].channel
        return Line(spans, part, channel, notes[0].instrument, sung, channel == DRUM_CHANNEL)


def _span(note: Note) -> Span:
    return note.start_frame / FRAMES_PER_QUARTER, note.end_frame / FRAMES_PER_QUARTER, note.pitch


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
            why = f" ({'; '.join(raw.warnings)})" if raw.warnings else ""
            raise BadInput(f"no notes in it{why}")
        if all(note.channel == DRUM_CHANNEL for note in raw.notes):
            raise BadInput("drums only: there is no melody in it")
        pickup = _pickup_frame(raw)
        notes = _notes(raw)
        last_frame = math.ceil(max(note.end_frame for note in notes))
        tempo_map = _tempo_map(raw, last_frame, pickup)
        symbols, are_lyrics = chord_texts(raw)
        return MidiSong(
            name,
            notes,
            tempo_map,
            tuple(sorted((_frame(tick, raw), text) for tick, text in symbols)),
            tuple(
                (_frame(tick, raw), channel, down)
                for tick, channel, down in sorted(raw.pedals, key=lambda pedal: pedal[0])
            ),
            pickup or _bar_one_frame(raw, tempo_map),
            min(raw.keys)[1:] if raw.keys else None,
            () if are_lyrics else tuple(_frame(tick, raw) for tick in raw.lyrics),
            raw.karaoke or name.lower().endswith(".kar"),
            tuple(
                (_frame(tick, raw), channel, moved)
                for tick, channel, moved in sorted(raw.expression, key=lambda move: move[0])
            ),
            tuple(raw.warnings),
        )
    except BadInput as error:
        raise BadInput(f"{name}: {error}") from None


def _frame(tick: int, raw: smf.RawSong) -> float:
    """A place of the file on the grid; bar 1 after a pickup falls on a frame."""
    lead = -raw.pickup_ticks * FRAMES_PER_QUARTER % raw.ticks_per_quarter
    return (tick * FRAMES_PER_QUARTER + lead) / raw.ticks_per_quarter


def _pickup_frame(raw: smf.RawSong) -> int:
    """Where bar 1 begins, behind a pickup that the file has as a bar of its own; else 0."""
    return round(_frame(raw.pickup_ticks, raw)) if raw.pickup_ticks else 0


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


def _tempo_map(raw: smf.RawSong, last_frame: int, pickup: int) -> TempoMap:
    """Tempi and metres of a file up to `last_frame`, changes moved to the nearest frame.

    A metre that can't be counted is counted in other units, a tempo out of range is brought into
    it; what is changed so stands in the song's warnings. pickup: frames before bar 1, which are of
    its metre.
    """

    def frame_of(tick: int) -> int:
        return nearest_frame(_frame(tick, raw))

    # Of several changes in one frame the last one holds.
    tempos = {frame_of(tick): tempo for tick, tempo in sorted(raw.tempos, key=lambda t: t[0])}
    meters = {frame_of(tick): (n, d) for tick, n, d in sorted(raw.meters, key=lambda m: m[0])}
    tempo, meter = 500_000, Meter(4, 4)  # what the standard says where a file doesn't
    bar_frame = 0
    if pickup and pickup in meters:
        meters = {0: meters[pickup], **{f: m for f, m in meters.items() if f > pickup}}
        bar_frame = pickup - counted_meter(*meters[0]).frames_per_bar
    segments: list[Segment] = []
    for frame in sorted({0, *tempos, *meters}):
        if frame > last_frame:
            break
        tempo = tempos.get(frame, tempo)
        old_meter = meter
        if frame in meters:
            meter = counted_meter(*meters[frame])
            _warn_of_meter(raw, meters[frame], meter)
        bpm = _beats_a_minute(tempo, meter)
        if not MIN_BPM <= bpm <= MAX_BPM:
            played = min(max(bpm, MIN_BPM), MAX_BPM)
            raw.warnings.append(f"tempo {bpm:.4g} played at {played:g}")
            bpm = played
        if not segments:
            segments.append(Segment(0, 0.0, bpm, meter, bar_frame, 0))
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


def _warn_of_meter(raw: smf.RawSong, written: tuple[int, int], counted: Meter) -> None:
    if written != (counted.numerator, counted.denominator):
        raw.warnings.append(f"metre {written[0]}/{written[1]} counted in {counted}")


def _bar_one_frame(raw: smf.RawSong, tempo_map: TempoMap) -> int:
    """The bar line that the file calls its bar 1, if all before it has one tempo and metre."""
    tick = next((tick for tick, text in raw.cues if text == BAR_ONE), 0)
    frame, rest = divmod(tick * FRAMES_PER_QUARTER, raw.ticks_per_quarter)
    later = [segment.start_frame for segment in tempo_map.segments[1:]]
    if rest or tempo_map.place(frame).frame_in_bar or any(start <= frame for start in later):
        return 0
    return frame


def _microseconds(bpm: float, meter: Meter) -> int:
    """Tempo of a MIDI file: microseconds a quarter note, as slow as it can say (where the music
    waited for the player it was slower)."""
    return min(0xFFFFFF, round(60e6 / quarter_bpm(bpm, meter)))


def _beats_a_minute(microseconds: int, meter: Meter) -> float:
    """The tempo in the metre's beats.

    A file holds whole microseconds: the roundest tempo that would be written as the same number
    is taken, so 97 beats a minute stay 97, and 300 stay within the range.
    """
    exact = 60e6 / (microseconds * quarter_bpm(1.0, meter))
    for digits in range(4):
        bpm = round(exact, digits)
        if bpm > 0 and _microseconds(bpm, meter) == microseconds:
            return bpm
    return exact


@dataclass(frozen=True, slots=True)
class Part:
    """A track to be written."""

    name: str
    program: int
    channel: int
    notes: Sequence[Note]
    pedals: tuple[tuple[float, bool], ...] = ()
    """The sustain pedal: (frame, down)."""
    expression: tuple[tuple[float, Expression], ...] = ()
    """Bends, pressures and other controllers: (frame, control)."""


def write_midi(
    path: str | os.PathLike[str],
    parts: Sequence[Part],
    tempo_map: TempoMap,
    chords: Iterable[tuple[float, str]] = (),
    signature: tuple[int, bool] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write parts as a Standard MIDI File of type 1; the first track holds tempo and metre.

    chords: (frame, symbol), written as markers. signature: (sharps, minor) of the key. progress:
    called with (notes written, notes in all). Where
    something lies before frame 0, the file begins with the bars of the count-in, and cue points
    (COUNT_IN, BAR_ONE) mark them. The file appears complete or not at all. Raises BadInput when
    the folder doesn't exist, JamError when the file can't be written.
    """
    file = Path(path)
    if not os.path.isdir(file.parent):
        raise BadInput(f"{file}: no such folder")
    if os.path.isdir(file):
        raise BadInput(f"{file}: a folder, not a file")
    starts = (note.start_frame for part in parts for note in part.notes)
    moved = (frame for part in parts for frame, _ in (*part.pedals, *part.expression))
    first = min(chain(starts, moved), default=0.0)
    bar_frames = tempo_map.meter_at(0).frames_per_bar
    shift = max(0, math.ceil(-first / bar_frames)) * bar_frames
    chords = list(chords)
    texts = "".join([*(text for _, text in chords), *(part.name for part in parts)])
    midi = mido.MidiFile(type=1, ticks_per_beat=TICKS_PER_QUARTER, charset=_charset(texts))
    heard = _count(progress, sum(len(part.notes) for part in parts))
    midi.tracks.append(_track("Tempo", _conductor_events(tempo_map, chords, shift, signature)))
    midi.tracks.extend(_track(part.name, _part_events(part, shift, heard)) for part in parts)
    with whole(file) as unfinished:
        midi.save(unfinished)


def _count(progress: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """To be called for every note; `progress` is told now and then."""
    done = 0

    def another() -> None:
        nonlocal done
        done += 1
        if progress is not None and done % 500 == 0:
            progress(done, total)

    return another


def _tick(frame: float) -> int:
    return max(0, round(frame * _TICKS_PER_FRAME))


_Event = tuple[int, int, mido.Message | mido.MetaMessage]
"""(tick, order within the tick, message)"""


def _track(name: str, events: Iterable[_Event]) -> Iterator[mido.Message | mido.MetaMessage]:
    """events: in order. Each is made when it is written: a long session takes no memory."""
    yield mido.MetaMessage("track_name", name=name)
    now = 0
    for tick, _, message in events:
        message.time = tick - now
        yield message
        now = tick


def _charset(texts: str) -> str:
    """Latin-1, as MIDI files have it, or UTF-8 where that can't hold the texts."""
    try:
        texts.encode("latin-1")
    except UnicodeEncodeError:
        return "utf-8"
    return "latin-1"


# By sharps, from seven flats to seven sharps, as mido calls them.
_MAJOR_KEYS = ("Cb", "Gb", "Db", "Ab", "Eb", "Bb", "F", "C", "G", "D", "A", "E", "B", "F#", "C#")
_MINOR_KEYS = tuple("Abm Ebm Bbm Fm Cm Gm Dm Am Em Bm F#m C#m G#m D#m A#m".split())  # noqa: SIM905


def _conductor_events(
    tempo_map: TempoMap,
    chords: Iterable[tuple[float, str]],
    shift: int,
    signature: tuple[int, bool] | None,
) -> list[_Event]:
    events: list[_Event] = []
    if signature is not None:
        sharps, minor = signature
        key = (_MINOR_KEYS if minor else _MAJOR_KEYS)[sharps + 7]
        events.append((0, 0, mido.MetaMessage("key_signature", key=key)))
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
        events.append((_tick(frame + shift), 2, mido.MetaMessage("marker", text=symbol)))
    if shift:
        for tick, text in ((0, COUNT_IN), (_tick(shift), BAR_ONE)):
            events.append((tick, 3, mido.MetaMessage("cue_marker", text=text)))
    elif _begins_like_a_pickup(tempo_map):
        events.append((0, 3, mido.MetaMessage("cue_marker", text=BAR_ONE)))
    return sorted(events, key=lambda event: event[:2])


def _begins_like_a_pickup(tempo_map: TempoMap) -> bool:
    """Whether the first metre lasts for a bar at most, before one with longer bars."""
    first = tempo_map.segments[0].meter
    change = next((s for s in tempo_map.segments if s.meter != first), None)
    if change is None or change.start_frame > first.frames_per_bar:
        return False
    return change.start_frame < change.meter.frames_per_bar


def _message(expression: Expression, channel: int) -> mido.Message:
    number, value = expression.number, expression.value
    match expression.kind:
        case messages.BEND:
            return mido.Message("pitchwheel", channel=channel, pitch=value - BEND_REST)
        case messages.PRESSURE:
            return mido.Message("aftertouch", channel=channel, value=value)
        case messages.KEY_PRESSURE:
            return mido.Message("polytouch", channel=channel, note=number, value=value)
        case _:
            return mido.Message("control_change", channel=channel, control=number, value=value)


def _part_events(part: Part, shift: int, heard: Callable[[], None]) -> Iterator[_Event]:
    """heard: called for every note."""
    program = mido.Message("program_change", channel=part.channel, program=part.program)
    yield 0, 0, program
    pedals = sorted((_tick(frame + shift), 3 if down else 0, down) for frame, down in part.pedals)
    values = {"channel": part.channel, "control": SUSTAIN}
    pressed = (
        (tick, order, mido.Message("control_change", value=127 * down, **values))
        for tick, order, down in pedals
    )
    moved = (
        (_tick(frame + shift), 0, _message(expression, part.channel))
        for frame, expression in sorted(part.expression, key=itemgetter(0))
    )
    notes = _note_events(part.notes, part.channel, shift, heard)
    yield from merge(pressed, moved, notes, key=lambda event: event[:2])


def _note_events(
    notes: Sequence[Note], channel: int, shift: int, heard: Callable[[], None]
) -> Iterator[_Event]:
    """In order; one channel has one key a pitch: it comes up before it goes down again."""
    comes_up: dict[int, int] = {}

    def ups(until: int) -> Iterator[_Event]:
        for tick, pitch in sorted((tick, p) for p, tick in comes_up.items() if tick <= until):
            del comes_up[pitch]
            yield tick, 1, mido.Message("note_off", channel=channel, note=pitch, velocity=0)

    in_order = all(a.start_frame <= b.start_frame for a, b in pairwise(notes))
    ordered = notes if in_order else sorted(notes, key=lambda note: note.start_frame)
    for start, struck in groupby(ordered, lambda note: _tick(note.start_frame + shift)):
        last: dict[int, Note] = {}  # of a key that is struck twice in one tick
        for note in struck:
            last[note.pitch] = note
            heard()
        for pitch in last.keys() & comes_up.keys():
            comes_up[pitch] = min(comes_up[pitch], start)
        yield from ups(start)
        for pitch, note in last.items():
            comes_up[pitch] = max(_tick(note.end_frame + shift), start + 1)
            velocity = max(1, note.velocity)
            on = mido.Message("note_on", channel=channel, note=pitch, velocity=velocity)
            yield start, 2, on
    yield from ups(1 << 60)
