"""Bytes of a Standard MIDI File to events: a strict, bounded reader for files of any origin.

Follows "Standard MIDI Files 1.0" (MIDI Manufacturers Association, RP-001), types 0 and 1. A
reader of its own, because a hostile file has to be refused before it costs memory or time:
every limit is checked while reading. No device, no clock, nothing of the program's music.
"""

from __future__ import annotations

import struct
from collections import deque
from dataclasses import dataclass, field

from jam.errors import BadInput
from jam.limits import MIDI_EVENTS, MIDI_NOTES, MIDI_QUARTERS, MIDI_TRACKS
from jam.midi.numbers import CONTROL, NOTE_OFF, NOTE_ON, PROGRAM, SUSTAIN, is_down

_META_NAME, _META_MARKER, _META_CUE, _META_END, _META_TEMPO, _META_METER = (
    0x03,
    0x06,
    0x07,
    0x2F,
    0x51,
    0x58,
)


@dataclass(frozen=True, slots=True)
class RawNote:
    """A note-on with its note-off; times in ticks."""

    start_tick: int
    end_tick: int
    pitch: int
    velocity: int
    channel: int
    track: int


@dataclass(slots=True)
class RawSong:
    """Everything that the program reads of a file; times in ticks, in order within each track."""

    ticks_per_quarter: int
    track_names: list[str] = field(default_factory=list)
    notes: list[RawNote] = field(default_factory=list)
    programs: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, channel, program)"""
    pedals: list[tuple[int, int, bool]] = field(default_factory=list)
    """(tick, channel, down) of the sustain pedal."""
    tempos: list[tuple[int, int]] = field(default_factory=list)
    """(tick, microseconds a quarter note)"""
    meters: list[tuple[int, int, int]] = field(default_factory=list)
    """(tick, numerator, denominator)"""
    markers: list[tuple[int, str]] = field(default_factory=list)
    cues: list[tuple[int, str]] = field(default_factory=list)
    n_events: int = 0
    n_note_ons: int = 0


def parse_smf(data: bytes) -> RawSong:
    """Read the bytes of a file. Raises BadInput that says what is wrong and where."""
    if not data:
        raise BadInput("the file is empty")
    if data[:4] != b"MThd":
        raise BadInput("not a MIDI file (it doesn't begin with MThd)")
    if len(data) < 14:
        raise BadInput("truncated within its header")
    header_length, type_, n_tracks, division = struct.unpack(">IHHH", data[4:14])
    if header_length < 6:
        raise BadInput(f"damaged header (length {header_length}, must be 6)")
    if type_ > 1:
        raise BadInput(f"a MIDI file of type {type_}; types 0 and 1 can be read")
    if division & 0x8000:
        raise BadInput("SMPTE time; only files in musical time can be read")
    if division == 0:
        raise BadInput("damaged header (0 ticks in a quarter note)")
    if n_tracks > MIDI_TRACKS:
        raise BadInput(f"{n_tracks:,} tracks; at most {MIDI_TRACKS:,} can be read")
    song = RawSong(division)
    at = 8 + header_length
    for track in range(n_tracks):
        at = _next_track(data, at, track, n_tracks)
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        start = at + 8
        if start + length > len(data):
            raise BadInput(f"truncated within track {track + 1} of {n_tracks}")
        song.track_names.append("")
        _TrackReader(song, data, start, start + length, track).read()
        at = start + length
    return song


def _next_track(data: bytes, at: int, track: int, n_tracks: int) -> int:
    """Where the next track chunk begins; chunks of unknown kinds are passed over."""
    while True:
        if at + 8 > len(data):
            raise BadInput(f"truncated before track {track + 1} of {n_tracks}")
        if data[at : at + 4] == b"MTrk":
            return at
        at += 8 + int.from_bytes(data[at + 4 : at + 8], "big")


class _TrackReader:
    """One pass over one track chunk."""

    def __init__(self, song: RawSong, data: bytes, start: int, end: int, track: int) -> None:
        self.song = song
        self.data = data
        self.at = start
        self.end = end
        self.track = track
        self.tick = 0
        self.max_tick = MIDI_QUARTERS * song.ticks_per_quarter
        self.sounding: dict[tuple[int, int], deque[tuple[int, int]]] = {}
        """(channel, pitch) -> (start_tick, velocity) of each, oldest first."""
        self.named = False

    def fault(self, what: str) -> BadInput:
        return BadInput(f"{what} (track {self.track + 1}, byte {self.at:,})")

    def byte(self) -> int:
        if self.at >= self.end:
            raise self.fault("truncated event")
        value = self.data[self.at]
        self.at += 1
        return value

    def data_byte(self) -> int:
        value = self.byte()
        if value > 127:
            self.at -= 1
            raise self.fault(f"damaged event (data byte {value})")
        return value

    def variable_length(self) -> int:
        value = 0
        for _ in range(4):
            byte = self.byte()
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise self.fault("damaged event (a length of more than four bytes)")

    def chunk(self) -> bytes:
        length = self.variable_length()
        if self.at + length > self.end:
            raise self.fault("truncated event")
        self.at += length
        return self.data[self.at - length : self.at]

    def read(self) -> None:
        song = self.song
        running = 0
        while self.at < self.end:
            self.tick += self.variable_length()
            if self.tick > self.max_tick:
                raise self.fault(f"longer than {MIDI_QUARTERS:,} quarter notes")
            song.n_events += 1
            if song.n_events > MIDI_EVENTS:
                raise BadInput(f"more than {MIDI_EVENTS:,} events")
            status = self.byte()
            if status < 0x80:
                if not running:
                    self.at -= 1
                    raise self.fault("damaged event (no status byte)")
                self.at -= 1
                self.channel_event(running)
            elif status < 0xF0:
                running = status
                self.channel_event(status)
            elif status == 0xFF:
                if self.meta_event(self.byte()):
                    break
            elif status in (0xF0, 0xF7):
                self.chunk()  # system exclusive
            else:
                self.at -= 1
                raise self.fault(f"damaged event (status {status:#x})")
        for key, notes in self.sounding.items():
            for start, velocity in notes:
                self.add_note(key, start, velocity)

    def channel_event(self, status: int) -> None:
        kind, channel = status & 0xF0, status & 0x0F
        first = self.data_byte()
        if kind == PROGRAM:
            self.song.programs.append((self.tick, channel, first))
            return
        second = 0 if kind == 0xD0 else self.data_byte()
        if kind == NOTE_ON and second > 0:
            self.song.n_note_ons += 1
            if self.song.n_note_ons > MIDI_NOTES:
                raise BadInput(f"more than {MIDI_NOTES:,} notes")
            self.sounding.setdefault((channel, first), deque()).append((self.tick, second))
        elif kind == CONTROL and first == SUSTAIN:
            self.song.pedals.append((self.tick, channel, is_down(second)))
        elif kind in (NOTE_OFF, NOTE_ON) and (waiting := self.sounding.get((channel, first))):
            self.add_note((channel, first), *waiting.popleft())

    def add_note(self, key: tuple[int, int], start_tick: int, velocity: int) -> None:
        channel, pitch = key
        end_tick = max(self.tick, start_tick + 1)
        self.song.notes.append(RawNote(start_tick, end_tick, pitch, velocity, channel, self.track))

    def meta_event(self, type_: int) -> bool:
        """Take over a meta event; True at the end of the track."""
        content = self.chunk()
        song = self.song
        if type_ == _META_END:
            return True
        if type_ == _META_NAME and not self.named:
            song.track_names[self.track] = _text(content)
            self.named = True
        elif type_ == _META_MARKER:
            song.markers.append((self.tick, _text(content)))
        elif type_ == _META_CUE:
            song.cues.append((self.tick, _text(content)))
        elif type_ == _META_TEMPO:
            if len(content) != 3:
                raise self.fault("damaged tempo")
            if not (tempo := int.from_bytes(content, "big")):
                raise self.fault("tempo 0")
            song.tempos.append((self.tick, tempo))
        elif type_ == _META_METER:
            if len(content) < 2 or content[1] > 7:
                raise self.fault("damaged time signature")
            song.meters.append((self.tick, content[0], 2 ** content[1]))
        return False


def _text(content: bytes) -> str:
    """A name or marker as one line: UTF-8, else Latin-1; control characters become spaces."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
