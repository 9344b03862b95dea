"""MIDI, live and in files."""

from __future__ import annotations

import math
import struct
import threading
from collections.abc import Sequence
from dataclasses import replace
from random import Random

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.audio.mixer import Sound
from jam.clock import FakeClock
from jam.files import demo_tunes
from jam.messages.notes import NoteEvent
from jam.midi.file import MidiSong, read_midi
from jam.midi.ports import MidiPorts
from jam.performance.conductor import Conductor
from jam.performance.offline import render
from jam.sessions.exports import write_take
from jam.sessions.imports import session_of_midi
from jam.settings import JamSettings
from jam.stage.player import Player
from models.corpora.draft import finish
from models.corpora.midi import midi_draft
from models.data.leadsheet import from_json, to_json
from tools.fuzzing.reader import Reader, as_file, field_cases

_PLAYED_FRAMES = 48
"""So much of a song is played by the renderer."""
_LIVE_S = 6.0
_LIVE = JamSettings(bpm=240, listen_bars=0, lookahead_beats=1, commit_beats=1, foresight_beats=0)
_IN_FILE = JamSettings(lookahead_beats=1, commit_beats=1, foresight_beats=0)


# -- live: messages as rtmidi hands them over


_PORTS = ("one keyboard", "another")


class _Ports(MidiPorts):
    """The callback of a port, without the port."""

    def __init__(self, clock: FakeClock, player: Player) -> None:
        self._clock, self._on_message, self._on_beat = clock, player.midi, None
        self.dropped_messages = 0
        self._raised = set(_PORTS)  # no thread of rtmidi's here whose priority could be raised


_STEPS_S = (0.0, 0.0, 0.001, 0.001, 0.005, 0.03, 0.12, 0.5)
_STAMPS = (0.0, 0.001, -1.0, float("nan"), float("inf"), 1e300, -0.0, 5e-324)
"""What rtmidi says has passed since the message before: not to be believed."""


def stream(data: bytes) -> list[tuple[float, float, list[int]]]:
    """(seconds since the one before, rtmidi's own stamp, message) of each message.

    A byte of the input holds the length (0 to 14; 15 for a long one, which two more bytes tell)
    and the step in time; then come the message's bytes.
    """
    found, at = [], 0
    while at < len(data):
        head, at = data[at], at + 1
        length = head & 15
        if length == 15:
            length, at = int.from_bytes(data[at : at + 2], "big"), at + 2
        found.append((_STEPS_S[head >> 5], _STAMPS[head >> 4 & 7], list(data[at : at + length])))
        at += length
    return found


def _play_live(data: bytes) -> None:
    settings = _LIVE.changed(midi_channel=data[0] % 17 if data else 0)
    clock = FakeClock()
    player = Player(clock, threading.Event(), Sound())
    player.channel = settings.midi_channel
    ports = _Ports(clock, player)
    conductor, agent = Conductor(settings, 0.0), Anticipator(RuleBasedPredictor())
    events: list[NoteEvent] = []

    def go_on() -> None:
        while player.played:
            event = player.played.popleft()
            if isinstance(event, NoteEvent):
                events.append(event)
                conductor.play(event)
        if conductor.advance(clock.now_s()):
            conductor.take(agent.plan(conductor.request()), clock.now_s())

    for n, (step_s, stamp_s, message) in enumerate(stream(data[1:3000])):
        clock.advance(step_s if clock.now_s() < _LIVE_S else 0.0)
        player.turn(clock.now_s())
        ports._callback((message, stamp_s), _PORTS[n % 2])
        go_on()
    player.release()
    clock.advance(0.5)
    go_on()
    clock.advance(0.5)
    go_on()
    _check_pairs(events)
    rest = conductor.rows[-1].melody
    assert rest.pitch is None, "a note that hangs"
    assert len(conductor.rows) == math.floor(conductor.tempo_map.position_at(clock.now_s()) + 0.5)


def _check_pairs(events: Sequence[NoteEvent]) -> None:
    held: dict[int, int] = {}
    for event in events:
        assert 0 <= event.pitch <= 127 and 0 <= event.velocity <= 127
        if event.velocity:
            assert event.note_id not in held, "a note that began twice"
            held[event.note_id] = event.pitch
        else:
            assert held.pop(event.note_id) == event.pitch, "a release of another note"
    assert not held, "a note without its end"


def _live_seeds() -> list[bytes]:
    def message(*values: int, step: int = 4) -> bytes:
        return bytes([step << 5 | len(values), *values])

    scale = b"".join(
        message(0x90, pitch, 90) + message(0x80, pitch, 0, step=5) for pitch in range(60, 72, 2)
    )
    running = message(0x90, 60, 90) + message(64, 80) + message(60, 0)
    channels = b"".join(message(0x90 | c, 60 + c, 80, step=1) for c in range(16))
    twice = message(0x91, 60, 90) * 2 + message(0x81, 60, 0) * 3
    pedal = message(0xB0, 64, 127) + scale + message(0xB0, 64, 0)
    system = message(0xF0, 1, 2, 0xF7) + message(0xFE) + message() + message(0xF8) + scale[:8]
    fast = (message(0x90, 64, 100, step=2) + message(0x90, 64, 0, step=2)) * 300
    return [b"\0" + s for s in (scale, running, channels, twice, pedal, system, fast)] + [
        b"\3" + channels,
        b"\0" + scale + message(0xB0, 123, 0) + b"\x0f\x01\x00" + bytes(256),
    ]


def _change_message(rng: Random, data: bytes) -> bytes:
    """A message is put in."""
    status = rng.choice((0x80, 0x90, 0xB0, 0xE0, 0xF0, rng.randrange(256)))
    second = rng.choice((0, 60, 64, 120, 123, 127, rng.randrange(256)))
    body = bytes([status | rng.choice((0, 0, 15)), second, rng.choice((0, 1, 64, 127, 200))])
    at = 1
    for _ in range(rng.randrange(1 + len(data) // 4)):
        if at >= len(data):
            break
        at += 1 + (data[at] & 15)
    return data[:at] + bytes([rng.randrange(16) << 4 | 3]) + body + data[at:]


# -- files


def _read_file(data: bytes) -> None:
    with as_file(data, "song.mid") as path:
        song = read_midi(path)
        _check_song(song)
        session_of_midi(song)
        start = song.tempo_map.next_bar_frame(0)
        kept = tuple(n for n in song.notes if n.end_frame < start + _PLAYED_FRAMES)
        if kept:
            take = render(replace(song, notes=kept), RuleBasedPredictor(), _IN_FILE)
            out = path.with_name("take.mid")
            write_take(out, take, _IN_FILE)
            _check_song(read_midi(out))


def _check_song(song: MidiSong) -> None:
    assert song.melody()
    end_s = song.tempo_map.seconds_at(song.end_frame)
    assert math.isfinite(end_s) and end_s > 0
    for note in song.notes:
        assert 0 <= note.start_frame < note.end_frame and 0 <= note.instrument <= 127
        assert 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127
    frames = [segment.start_frame for segment in song.tempo_map.segments]
    assert frames == sorted(set(frames)) and frames[0] == 0
    assert all("\n" not in note.part for note in song.notes)


def _read_corpus_file(data: bytes) -> None:
    sheet = finish(midi_draft("fuzz", "song", data))
    assert from_json(to_json(sheet)).melody == sheet.melody


def _smf(type_: int, division: int, *tracks: bytes) -> bytes:
    chunks = b"".join(b"MTrk" + struct.pack(">I", len(t)) + t for t in tracks)
    return b"MThd" + struct.pack(">IHHH", 6, type_, len(tracks), division) + chunks


def _corpus_seeds() -> list[bytes]:
    end = b"\x00\xff\x2f\x00"
    line = b"".join(bytes([0, 0x90, p, 90, 96, 0x80, p, 0]) for p in (60, 64, 67, 72) * 4)
    marks = b"".join(b"\x00\xff\x06\x01" + c + b"\x83\x00\xff\x06\x02F7" for c in (b"C", b"G"))
    low = b"".join(bytes([0, 0x91, p, 70]) for p in (48, 52, 55))
    low += b"".join(bytes([0x60, 0x81, p, 0]) for p in (48, 52, 55))
    chords = b"\x00\xff\x03\x06Chords" + low * 4
    return [
        _smf(1, 96, marks + end, line + end),
        _smf(1, 96, line + end, chords + end),
        _smf(0, 96, line + low + line + end),
        *field_cases(_read_corpus_file, ".mid", ".kar"),
    ]


def _file_seeds() -> list[bytes]:
    end = b"\x00\xff\x2f\x00"
    notes = b"".join(bytes([0, 0x90, p, 90, 96, 0x80, p, 0]) for p in (60, 64, 67, 72))
    running = b"\x00\x90\x3c\x50" + b"\x30\x3e\x50\x00\x3c\x00\x30\x3e\x00"
    tempo = b"\x00\xff\x51\x03\x07\xa1\x20\x00\xff\x58\x04\x03\x02\x18\x08"
    later = b"\x83\x00\xff\x51\x03\x06\x1a\x80\x60\xff\x58\x04\x06\x03\x24\x08"
    names = b"\x00\xff\x03\x06Melody\x00\xff\x06\x02C7\x60\xff\x06\x02Dm\x60\xff\x06\x01G"
    odd = b"\x00\xf0\x03\x01\x02\xf7\x00\xff\x7f\x02\x00\x01\x00\xc0\x05\x00\xb0\x40\x7f"
    return [
        _smf(0, 96, notes + end),
        _smf(0, 24, tempo + running + end),
        _smf(1, 96, tempo + later + end, names + notes + end, odd + running + end),
        _smf(1, 480, tempo + names + end, notes + b"\x00\x99\x24\x40\x10\x89\x24\x00" + end),
        min((path.read_bytes() for path in demo_tunes()), key=len),
        *field_cases(_read_file, ".mid", ".kar"),
    ]


def _change_event(rng: Random, data: bytes) -> bytes:
    """An event of a track is changed, doubled or put in, with all lengths right."""
    if data[:4] != b"MThd":
        raise ValueError
    chunks, at = [], 14
    while at + 8 <= len(data):
        length = int.from_bytes(data[at + 4 : at + 8], "big")
        chunks.append(data[at + 8 : at + 8 + length])
        at += 8 + length
    if not chunks or len(data) < 14:
        raise ValueError
    n = rng.randrange(len(chunks))
    track = chunks[n]
    spot = rng.randrange(len(track) + 1)
    chunks[n] = track[:spot] + rng.choice(_EVENTS) + track[spot:]
    if rng.random() < 0.1:
        chunks *= rng.choice((2, 50, 999)) if len(data) < 200 else 2
    division = rng.choice((data[12:14], data[12:14], b"\x00\x01", b"\x7f\xff", b"\x00\x00"))
    head = data[:10] + struct.pack(">H", min(len(chunks), 65535)) + division
    return head + b"".join(b"MTrk" + struct.pack(">I", len(c)) + c for c in chunks)


_EVENTS = (
    b"\x00\xff\x51\x03\x00\x00\x00",
    b"\x00\xff\x51\x03\x00\x00\x01",
    b"\x00\xff\x51\x03\xff\xff\xff",
    b"\x00\xff\x51\x02\x07\xa1",
    b"\x00\xff\x58\x04\x00\x02\x18\x08",
    b"\x00\xff\x58\x04\xff\xff\x18\x08",
    b"\x00\xff\x58\x04\x01\x01\x18\x08",
    b"\x00\xff\x58\x04\x40\x02\x18\x08",
    b"\x00\xff\x58\x04\x07\x03\x18\x08",
    b"\x00\xff\x58\x01\x04",
    b"\xff\xff\xff\x7f",
    b"\xff\xff\xff\xff\x7f",
    b"\x00\xf0\xff\xff\xff\x7f",
    b"\x00\xff\x03\x04\xff\xfe\x00\x41",
    b"\x00\xff\x06\x05C#m7\x0a",
    b"\x00\xff\x2f\x00",
    b"\x00\x90\x3c\x40",
    b"\x00\x90\x3c\x00",
    b"\x81\x00\x80\x3c\x00",
    b"\x00\x9f\x7f\x7f",
    b"\x8f\xff\x7f\x80\x3c\x00",
    b"\x00\xc0\x7f",
    b"\x00\xb0\x40\x7f",
    b"\x00\xf4",
    b"\x00\xff",
    b"\x00\xff\x51\x03\x03\x0d\x40",
    b"\x01\xff\x58\x04\x05\x03\x18\x08",
    b"\x00\xff\x59\x02\xf9\x01",
)

READERS = (
    Reader(
        "midi-live",
        ".bin",
        _live_seeds,
        _play_live,
        mutate=_change_message,
        refusals=(),
        examples=100,
    ),
    Reader(
        "midi-file",
        ".mid",
        _file_seeds,
        _read_file,
        mutate=_change_event,
        tokens=_EVENTS,
        seconds=5.0,
        examples=100,
    ),
    Reader(
        "midi-corpus",
        ".mid",
        _corpus_seeds,
        _read_corpus_file,
        mutate=_change_event,
        tokens=_EVENTS,
        seconds=5.0,
    ),
)
