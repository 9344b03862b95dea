"""MIDI files: what is written comes back, another library reads the same, and bad files are
refused in one line, early."""

from __future__ import annotations

import io
import os
import struct
from dataclasses import astuple, replace
from pathlib import Path

import mido
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput, JamError
from jam.files import demo_tunes
from jam.limits import MIDI_BYTES
from jam.messages.notes import Note
from jam.midi import smf
from jam.midi.file import MidiSong, Part, parse_midi, read_midi, write_midi
from jam.music.grid import Meter, TempoMap
from jam.music.melody_track import melody_word
from tests.support.examples import examples
from tests.support.strategies import bpms, tempo_maps, usual_meters


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + struct.pack(">I", len(content)) + content


def smf_of(*tracks: bytes, type_: int = 1, division: int = 96) -> bytes:
    """A MIDI file of the tracks' events; the end of each track is added."""
    header = chunk(b"MThd", struct.pack(">HHH", type_, len(tracks), division))
    return header + b"".join(chunk(b"MTrk", t + b"\x00\xff\x2f\x00") for t in tracks)


NOTE = b"\x00\x90\x3c\x40\x60\x80\x3c\x00"  # a quarter note of middle C, at 96 ticks a quarter
GOOD = smf_of(NOTE)


def named(name: str) -> bytes:
    return b"\x00\xff\x03" + bytes([len(name)]) + name.encode()


def of_mido(*tracks: mido.MidiTrack, **options: int) -> bytes:
    file = mido.MidiFile(type=1, tracks=list(tracks), **options)
    buffer = io.BytesIO()
    file.save(file=buffer)
    return buffer.getvalue()


# -- bad input ------------------------------------------------------------------------------

BAD = {
    "empty": (b"", "empty"),
    "text": (b"Dear Sir or Madam, " * 9, "not a MIDI file"),
    "zeros": (bytes(1000), "not a MIDI file"),
    "header only": (GOOD[:14], "0 tracks where the header says 1"),
    "half a header": (GOOD[:9], "truncated"),
    "no notes": (smf_of(named("Melody")), "no notes"),
    "no tracks": (smf_of(), "no notes"),
    "type 2": (smf_of(NOTE, type_=2), "type 2"),
    "SMPTE time": (smf_of(NOTE, division=0xE728), "SMPTE"),
    "no ticks": (smf_of(NOTE, division=0), "0 ticks"),
    "running status of nothing": (smf_of(b"\x00\x3c\x40" + NOTE), "no status"),
    "data byte over 127": (smf_of(b"\x00\x90\x3c\xff" + NOTE), "data byte 255"),
    "status F4": (smf_of(b"\x00\xf4\x00" + NOTE), "0xf4"),
    "drums only": (smf_of(NOTE.replace(b"\x90", b"\x99").replace(b"\x80", b"\x89")), "drums only"),
    "length of five bytes": (smf_of(b"\x81\x81\x81\x81\x00" + NOTE), "four bytes"),
    "text past the end": (smf_of(b"\x00\xff\x01\x7f" + NOTE), "truncated"),
    "a note in the next century": (
        smf_of(b"\xff\xff\xff\x7f" + NOTE[1:], division=1),
        "longer than 25,000 quarter notes",
    ),
    "a million notes": (
        smf_of(b"\x00\x90\x3c\x40" + b"\x01\x3c\x00\x00\x3c\x40" * 1_000_000),
        "more than 100,000 notes",
    ),
    "a million notes that never end": (
        smf_of(b"\x00\x90\x3c\x40" + b"\x00\x3c\x40" * 1_000_000),
        "more than 100,000 notes",
    ),
    "four million controllers": (
        smf_of(NOTE + b"\x00\xb0\x01\x40" + b"\x00\x01\x41" * 4_000_000),
        "more than 1,000,000 events",
    ),
    "too large": (GOOD + bytes(MIDI_BYTES), "larger than 16 MiB"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_files_are_refused_in_one_line(case: str, tmp_path: Path) -> None:
    data, fault = BAD[case]
    path = tmp_path / "song.mid"
    path.write_bytes(data)
    with pytest.raises(BadInput) as raised:
        read_midi(path)
    message = str(raised.value)
    assert message.startswith(f"{path}: ")
    assert fault in message
    assert "\n" not in message


SLIGHTLY_WRONG = {
    "a track that is cut": (GOOD[:-6], "truncated"),
    "a track less than announced": (GOOD[:10] + b"\x00\x02" + GOOD[12:], "header says 2"),
    "a track more than announced": (GOOD[:10] + b"\x00\x00" + GOOD[12:], "header says 0"),
    "65,535 tracks": (GOOD[:10] + b"\xff\xff" + GOOD[12:], "header says 65,535"),
    "a RIFF wrapper": (
        b"RIFF"
        + struct.pack("<I", len(GOOD) + 12)
        + b"RMIDdata"
        + struct.pack("<I", len(GOOD))
        + GOOD,
        "RIFF",
    ),
    "a MacBinary header": (bytes(128) + GOOD, "128 bytes before"),
    "tempo 0": (smf_of(b"\x00\xff\x51\x03\x00\x00\x00" + NOTE), "tempi of 0"),
    "short tempo": (smf_of(b"\x00\xff\x51\x01\x00" + NOTE), "wrong length"),
    "tempo too slow": (smf_of(b"\x00\xff\x51\x03\x2d\xc6\xc0" + NOTE), "tempo 20 played at 30"),
    "tempo too fast": (smf_of(b"\x00\xff\x51\x03\x00\x00\x01" + NOTE), "played at 300"),
    "metre 0/4": (smf_of(b"\x00\xff\x58\x04\x00\x02\x18\x08" + NOTE), "time signatures"),
    "metre 7/16": (smf_of(b"\x00\xff\x58\x04\x07\x04\x18\x08" + NOTE), "counted in 7/8"),
    "metre 99/4": (smf_of(b"\x00\xff\x58\x04\x63\x02\x18\x08" + NOTE), "counted in 11/4"),
    "metre 4/2^200": (smf_of(b"\x00\xff\x58\x04\x04\xc8\x18\x08" + NOTE), "time signatures"),
    "eight sharps": (smf_of(b"\x00\xff\x59\x02\x08\x00" + NOTE), "key signatures"),
    "real-time bytes": (smf_of(b"\x00\xf8\x00\xfe\x00\xf1\x05\x00\xf6" + NOTE), "live stream"),
    "text past the end": (smf_of(NOTE + b"\x00\xff\x01\x7f"), "truncated"),
}


@pytest.mark.parametrize("case", SLIGHTLY_WRONG)
def test_what_every_player_plays_is_read_with_a_warning(case: str) -> None:
    data, warning = SLIGHTLY_WRONG[case]
    song = parse_midi(data, "x")
    assert [note.pitch for note in song.notes] == [60]
    assert any(warning in line for line in song.warnings)
    assert not parse_midi(GOOD, "x").warnings


def test_keys_that_do_not_come_up() -> None:
    """Struck again, a key comes up before; what nothing ends lasts until the next note begins."""
    strokes = smf_of(b"\x00\x90\x3c\x40\x30\x3c\x40\x30\x3e\x40\x30\x3e\x00\x00\x3e\x00")
    notes = sorted(smf.parse_smf(strokes).notes, key=lambda n: n.start_tick)
    assert [(n.start_tick, n.end_tick, n.pitch) for n in notes] == [
        (0, 48, 60),
        (48, 96, 60),
        (96, 144, 62),
    ]
    off = smf_of(b"\x00\x90\x3c\x40\x00\x40\x40\x30\xb0\x7b\x00\x30\x90\x43\x40\x30\x43\x00")
    assert {n.end_tick for n in smf.parse_smf(off).notes} == {48, 144}


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("Gesang", "latin-1"),
        ("Mélodie", "utf-8"),
        ("Mélodie", "latin-1"),
        ("Melody", "utf-16"),
        ("Мелодия", "cp1251"),
        ("メロディ", "cp932"),
        ("主旋律", "utf-8"),
        ("멜로디", "euc_kr"),
        ("主旋律", "gb18030"),
    ],
)
def test_names_in_any_language_and_encoding(name: str, encoding: str) -> None:
    assert smf.text_of(name.encode(encoding)) == name
    assert melody_word(name)


def test_a_pickup_that_is_a_short_bar_lies_before_bar_one() -> None:
    """A first metre of 1/4, then 4/4: bar 1 is where the second begins; a 32nd stays exact."""
    song = parse_midi(smf_of(_meter(1, 2) + NOTE + _meter(4, 2) + NOTE), "x")
    tune = song.from_bar_one()
    assert (song.bar_one_frame, [n.start_frame for n in tune.notes]) == (4, [-4.0, 0.0])
    assert str(tune.tempo_map.meter_at(0)) == "4/4" and tune.tempo_map.place(0).frame_in_bar == 0
    short = b"\x00\x90\x3c\x40\x0c\x80\x3c\x00"
    tune = parse_midi(smf_of(_meter(1, 5) + short + _meter(4, 2) + NOTE), "x").from_bar_one()
    assert [n.start_frame for n in tune.notes] == [-0.5, 0.0]


@pytest.mark.parametrize("sharps", range(-7, 8))
@pytest.mark.parametrize("minor", [False, True])
def test_key_signatures_come_back(sharps: int, minor: bool, tmp_path: Path) -> None:
    part = Part("Melody", 0, 0, (Note(0, 4, 60, 80),))
    tempo_map = TempoMap.constant(100.0, Meter())
    write_midi(tmp_path / "a.mid", [part], tempo_map, [(0, "CΔ")], (sharps, minor))
    song = read_midi(tmp_path / "a.mid")
    assert (song.signature, song.markers) == ((sharps, minor), ((0.0, "CΔ"),))


def test_what_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="no such file"):
        read_midi(tmp_path / "missing.mid")
    with pytest.raises(BadInput, match="not a file"):
        read_midi(tmp_path)
    with pytest.raises(BadInput, match="not a file"):
        read_midi("/dev/null")
    with pytest.raises(BadInput, match=r"can't be read|no such file"):
        read_midi("a\0b.mid")
    with pytest.raises(BadInput, match=r"can't be read|no such file"):
        read_midi("x" * 5000)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    path = tmp_path / "secret.mid"
    path.write_bytes(GOOD)
    path.chmod(0)
    with pytest.raises(BadInput, match="can't be read"):
        read_midi(path)


def _valid_files() -> list[bytes]:
    return [GOOD, *(path.read_bytes() for path in demo_tunes())]


@examples(400)
@given(st.data())
def test_damaged_files_are_read_or_refused_but_nothing_else(data: st.DataObject) -> None:
    """Bytes of good files changed, cut, repeated: a song, or BadInput with the name."""
    content = bytearray(data.draw(st.sampled_from(_valid_files())))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, max(0, len(content) - 1)))
        match data.draw(st.sampled_from(["set", "cut", "remove", "insert", "repeat"])):
            case "set" if content:
                content[at] = data.draw(st.integers(0, 255))
            case "cut":
                del content[at:]
            case "remove":
                del content[at : at + data.draw(st.integers(1, 9))]
            case "insert":
                content[at:at] = data.draw(st.binary(min_size=1, max_size=9))
            case "repeat":
                content[at:at] = content[at : at + data.draw(st.integers(1, 40))]
    _read_or_refuse(bytes(content))


@given(st.binary(max_size=200))
def test_tracks_of_noise_are_read_or_refused(noise: bytes) -> None:
    _read_or_refuse(smf_of(NOTE + noise))
    _read_or_refuse(b"MThd" + noise)


def _read_or_refuse(content: bytes) -> None:
    try:
        song = parse_midi(content, "x.mid")
    except BadInput as error:
        assert str(error).startswith("x.mid: ")
        assert str(error).isprintable()
        return
    assert song.notes
    for note in song.notes:
        assert 0 <= note.start_frame < note.end_frame
        assert 0 <= note.pitch < 128 and 0 < note.velocity < 128
    assert song.melody()
    assert song.tempo_map.seconds_at(song.end_frame) > 0


# -- what is read ---------------------------------------------------------------------------


def test_reading_as_another_library_does(tmp_path: Path) -> None:
    """mido's own view of the demo tunes: the same notes at the same seconds."""
    for path in demo_tunes():
        song = read_midi(path)
        now_s, held, expected = 0.0, {}, []
        for message in mido.MidiFile(path):
            now_s += message.time
            if message.type == "note_on" and message.velocity:
                held[message.note] = (now_s, message.velocity)
            elif message.type in ("note_on", "note_off"):
                start_s, velocity = held.pop(message.note)
                expected.append((start_s, now_s, message.note, velocity))
        found = [
            (
                song.tempo_map.seconds_at(note.start_frame),
                song.tempo_map.seconds_at(note.end_frame),
                note.pitch,
                note.velocity,
            )
            for note in song.notes
        ]
        assert len(found) == len(expected)
        for ours, theirs in zip(found, sorted(expected), strict=True):
            assert ours == pytest.approx(theirs, abs=1e-4)


messages = st.one_of(
    st.builds(
        lambda kind, note, velocity, channel, time: mido.Message(
            kind, note=note, velocity=velocity, channel=channel, time=time
        ),
        st.sampled_from(["note_on", "note_off"]),
        st.integers(60, 64),
        st.integers(0, 127),
        st.integers(0, 1),
        st.integers(0, 300),
    ),
    st.builds(
        lambda p, t: mido.Message("program_change", program=p, time=t),
        st.integers(0, 127),
        st.integers(0, 99),
    ),
    st.builds(
        lambda v, t: mido.Message("pitchwheel", pitch=v, time=t),
        st.integers(-8192, 8191),
        st.integers(0, 99),
    ),
    st.builds(
        lambda d, t: mido.Message("sysex", data=d, time=t),
        st.lists(st.integers(0, 127), max_size=5),
        st.integers(0, 99),
    ),
    st.builds(
        lambda v, t: mido.Message("aftertouch", value=v, time=t),
        st.integers(0, 127),
        st.integers(0, 99),
    ),
    st.builds(
        lambda s, t: mido.MetaMessage("text", text=s, time=t),
        st.text("abc", max_size=300),
        st.integers(0, 99),
    ),
)


@given(st.lists(st.lists(messages, max_size=40), min_size=1, max_size=3))
def test_every_kind_of_event_is_read(tracks: list[list[mido.Message]]) -> None:
    """Note-ons of any valid file, as mido sees them: none lost, none invented."""
    data = of_mido(*(mido.MidiTrack(track) for track in tracks), ticks_per_beat=96)
    expected = []
    for number, track in enumerate(tracks):
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                expected.append((tick, message.note, number, message.channel, message.velocity))
    found = [
        (n.start_tick, n.pitch, n.track, n.channel, n.velocity) for n in smf.parse_smf(data).notes
    ]
    assert sorted(found) == sorted(expected)


def test_notes_of_one_pitch_end_in_the_order_in_which_they_began() -> None:
    two = b"\x00\x90\x3c\x40\x10\x3c\x50\x10\x3c\x00\x10\x3c\x00\x00\x3c\x00"
    notes = smf.parse_smf(smf_of(two)).notes
    assert [(n.start_tick, n.end_tick, n.velocity) for n in notes] == [(0, 32, 64), (16, 48, 80)]


def test_notes_that_never_end_end_with_their_track() -> None:
    (note,) = parse_midi(smf_of(b"\x00\x90\x3c\x40\x60\x91\x3d\x00"), "x").notes
    assert (note.start_frame, note.end_frame) == (0.0, 4.0)


def test_chunks_of_unknown_kind_are_passed_over() -> None:
    assert len(parse_midi(GOOD[:14] + chunk(b"XFIH", b"karaoke") + GOOD[14:], "x").notes) == 1


def test_programs_belong_to_channels() -> None:
    song = parse_midi(
        smf_of(b"\x00\xc0\x05\x60\xc0\x18", NOTE + b"\x60\x90\x3c\x40\x00\x91\x40\x40"), "x"
    )
    assert [(n.channel, n.instrument) for n in song.notes] == [(0, 5), (0, 24), (1, 0)]


def test_markers_and_names() -> None:
    marker = b"\x60\xff\x06\x04Am7\n"
    song = parse_midi(smf_of(named("Lead Vocal") + NOTE + marker), "x")
    assert {n.part for n in song.notes} == {"Lead Vocal"}
    assert song.markers == ((8.0, "Am7"),)


def test_every_track_is_a_part_of_its_own() -> None:
    names = ["Piano", "", "Piano", "Piano (3)", "Track 2"]
    song = parse_midi(smf_of(*(named(name) + NOTE for name in names)), "x")
    assert [n.part for n in song.notes] == [
        "Piano",
        "Track 2",
        "Piano (3)",
        "Piano (3) (4)",
        "Track 2 (5)",
    ]


def _tempo(microseconds: int) -> bytes:
    return b"\x00\xff\x51\x03" + microseconds.to_bytes(3, "big")


def _meter(numerator: int, power: int) -> bytes:
    return bytes([0, 0xFF, 0x58, 4, numerator, power, 24, 8])


def test_tempo_and_metre_of_the_standard_where_a_file_has_none() -> None:
    (segment,) = parse_midi(GOOD, "x").tempo_map.segments
    assert (segment.bpm, segment.meter) == (120.0, Meter(4, 4))


def test_tempo_is_counted_in_beats() -> None:
    song = parse_midi(smf_of(_meter(6, 3) + _tempo(500_000) + NOTE), "x")
    assert (song.tempo_map.bpm_at(0), song.tempo_map.meter_at(0)) == (80.0, Meter(6, 8))
    assert song.tempo_map.seconds_at(4) == pytest.approx(0.5)


def test_changes_of_tempo_and_metre() -> None:
    """Two bars of 4/4 at 120, then 3/4, and 60 beats a minute one beat later."""
    song = parse_midi(
        smf_of(
            _tempo(500_000)
            + _meter(4, 2)
            + b"\x86\x00"
            + _meter(3, 2)[1:]
            + b"\x60"
            + _tempo(1_000_000)[1:],
            b"\x00\x90\x3c\x40\x8c\x00\x3c\x00",
        ),
        "x",
    )
    tempo_map = song.tempo_map
    assert [(s.start_frame, s.bpm, str(s.meter)) for s in tempo_map.segments] == [
        (0, 120.0, "4/4"),
        (32, 120.0, "3/4"),
        (36, 60.0, "3/4"),
    ]
    assert tempo_map.place(36).bar == 2 and tempo_map.place(44).bar == 3
    assert tempo_map.seconds_at(36) == pytest.approx(4.5)
    assert tempo_map.seconds_at(40) == pytest.approx(5.5)


def test_changes_after_the_last_note_do_not_matter() -> None:
    song = parse_midi(smf_of(NOTE + b"\x83\x00" + _tempo(1)[1:]), "x")
    assert len(song.tempo_map.segments) == 1


# -- which notes are the melody -------------------------------------------------------------


def _line(pitch: int, n: int, channel: int = 0) -> bytes:
    return b"".join(bytes([0, 0x90 | channel, pitch, 64, 48, pitch, 0]) for _ in range(n))


def test_a_track_that_is_named_melody() -> None:
    song = parse_midi(smf_of(named("MELODY") + _line(50, 3), named("x") + _line(80, 30)), "x")
    assert {note.part for note in song.melody()} == {"MELODY"}


def test_else_the_highest_of_the_full_tracks() -> None:
    song = parse_midi(
        smf_of(
            named("piano") + _line(50, 30),
            named("flute") + _line(70, 20),
            named("bells") + _line(100, 3),
            named("drums") + _line(110, 99, channel=9),
        ),
        "x",
    )
    assert {note.part for note in song.melody()} == {"flute"}


def test_drums_are_no_melody() -> None:
    song = parse_midi(smf_of(_line(40, 5, channel=9), _line(60, 3)), "x")
    assert [note.channel for note in song.melody()] == [0] * 3


def test_lyrics_and_karaoke_say_which_line_is_sung() -> None:
    quick = named("a") + _line(72, 32, channel=5)
    words = b"".join(b"\x60\xff\x01\x02la" for _ in range(4))
    karaoke = smf_of(b"\x00\xff\x01\x06@KMIDI", words, quick, named("b") + _line(60, 4, channel=3))
    assert parse_midi(karaoke, "x").karaoke
    assert {note.part for note in parse_midi(karaoke, "x").melody()} == {"b"}


# -- what is written ------------------------------------------------------------------------

part_notes = st.builds(
    lambda start, length, pitch, velocity: Note(start, start + length, pitch, velocity),
    st.integers(0, 400),
    st.integers(1, 32),
    st.integers(0, 127),
    st.integers(1, 127),
)


def _write_and_read(
    path: Path, parts: list[Part], tempo_map: TempoMap, chords: list[tuple[float, str]]
) -> MidiSong:
    write_midi(path, parts, tempo_map, chords)
    return read_midi(path)


@given(
    melody=st.lists(part_notes, min_size=1, max_size=20, unique_by=lambda n: astuple(n)[::2]),
    bass=st.lists(part_notes, max_size=20, unique_by=lambda n: astuple(n)[::2]),
    bpm=bpms,
    meter=usual_meters,
)
def test_what_is_written_comes_back(
    melody: list[Note],
    bass: list[Note],
    bpm: float,
    meter: Meter,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    path = tmp_path_factory.mktemp("midi") / "out.mid"
    parts = [Part("Melody", 0, 0, tuple(melody)), Part("Bass", 33, 1, tuple(bass))]
    song = _write_and_read(path, parts, TempoMap.constant(bpm, meter), [(4.0, "Bbm7b5")])
    assert song.markers == ((4.0, "Bbm7b5"),)
    assert song.tempo_map.meter_at(0) == meter
    assert song.tempo_map.bpm_at(0) == pytest.approx(bpm, rel=2e-5)
    for part, instrument, written in (("Melody", 0, melody), ("Bass", 33, bass)):
        found = [n for n in song.notes if n.part == part]
        assert [(n.start_frame, n.pitch, n.velocity) for n in found] == sorted(
            (n.start_frame, n.pitch, n.velocity) for n in written
        )
        for note in found:
            assert note.instrument == instrument
            ends = {n.end_frame for n in written if n.pitch == note.pitch}
            cuts = {n.start_frame for n in written if n.pitch == note.pitch}
            assert note.end_frame in ends | cuts
    assert {n.part for n in song.melody()} == {"Melody"}


@given(tempo_map=tempo_maps(), note=part_notes)
def test_tempo_and_metre_come_back(
    tempo_map: TempoMap, note: Note, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every bar line and every second of a session, to the whole microseconds that a MIDI file
    holds of a quarter note."""
    path = tmp_path_factory.mktemp("midi") / "out.mid"
    long_note = Note(0, 1500, 60, 80)
    song = _write_and_read(path, [Part("Melody", 0, 0, (long_note,))], tempo_map, [])
    zero_s = tempo_map.seconds_at(0)
    for frame in range(0, 1500, 7):
        assert song.tempo_map.place(frame) == tempo_map.place(frame)
        written_s = tempo_map.seconds_at(frame) - zero_s
        assert song.tempo_map.seconds_at(frame) == pytest.approx(written_s, rel=1e-4, abs=1e-6)


@given(st.floats(30, 300), usual_meters)
def test_a_tempo_that_was_read_is_written_the_same(bpm: float, meter: Meter) -> None:
    from jam.midi.file import _beats_a_minute, _microseconds

    written = _microseconds(bpm, meter)
    assert _microseconds(_beats_a_minute(written, meter), meter) == written
    if bpm == round(bpm):
        assert _beats_a_minute(written, meter) == bpm


@pytest.mark.parametrize("meter", ["4/4", "6/8", "7/8", "2/2", "12/8"])
@pytest.mark.parametrize("bpm", [30, 97, 132, 300])
def test_round_tempos_stay_round(bpm: int, meter: str, tmp_path: Path) -> None:
    part = Part("Melody", 0, 0, (Note(0, 4, 60, 80),))
    song = _write_and_read(
        tmp_path / "x.mid", [part], TempoMap.constant(bpm, Meter.parse(meter)), []
    )
    assert song.tempo_map.bpm_at(0) == bpm


def test_a_file_begins_with_the_bar_of_the_count_in_and_says_so(tmp_path: Path) -> None:
    notes = (Note(-3.0, 1.0, 60, 80), Note(12.0, 16.0, 62, 80))
    song = _write_and_read(
        tmp_path / "x.mid",
        [Part("Melody", 0, 0, notes)],
        TempoMap.constant(100, Meter(3, 4)).with_tempo(12, 120),
        [(0.0, "C")],
    )
    assert [n.start_frame for n in song.notes] == [9.0, 24.0]
    assert song.markers == ((12.0, "C"),)
    assert [s.start_frame for s in song.tempo_map.segments] == [0, 24]
    track = mido.MidiFile(tmp_path / "x.mid").tracks[0]
    cues = [(m.text, m.time) for m in track if m.type == "cue_marker"]
    assert [text for text, _ in cues] == ["Count-in", "Bar 1"]
    assert song.bar_one_frame == 12 and song.from_bar_one().markers == ((0.0, "C"),)


@pytest.mark.parametrize(
    ("cue_frame", "found"), [(0, 0), (16, 16), (5, 0), (16.01, 0), (32, 0), (48, 0)]
)
def test_a_bar_one_that_is_none_is_passed_over(cue_frame: float, found: int) -> None:
    """Only a bar line up to which nothing changes can be the end of a count-in."""
    events = [
        (round(240 * cue_frame), mido.MetaMessage("cue_marker", text="Bar 1")),
        (240 * 32, mido.MetaMessage("set_tempo", tempo=400_000)),
        (0, mido.Message("note_on", note=60, velocity=80)),
        (240 * 64, mido.Message("note_off", note=60)),
    ]
    track, now = mido.MidiTrack(), 0
    for tick, message in sorted(events, key=lambda event: event[0]):
        track.append(message.copy(time=tick - now))
        now = tick
    song = parse_midi(of_mido(track, ticks_per_beat=960), "x")
    assert song.bar_one_frame == found


@given(
    notes=st.lists(part_notes, min_size=1, max_size=12, unique_by=lambda n: astuple(n)[::2]),
    earlier=st.integers(0, 200),
    bpm=bpms,
    meter=usual_meters,
    change=st.tuples(st.integers(1, 300), bpms, usual_meters),
    chords=st.sets(st.integers(0, 300), max_size=5),
)
def test_a_count_in_comes_back_before_the_same_bars(
    notes: list[Note],
    earlier: int,
    bpm: float,
    meter: Meter,
    change: tuple[int, float, Meter],
    chords: set[int],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Wherever the first note lies, every note, chord, bar line and second keeps its place."""
    moved = [
        replace(n, start_frame=n.start_frame - earlier, end_frame=n.end_frame - earlier)
        for n in notes
    ]
    at, new_bpm, new_meter = change
    tempo_map = TempoMap.constant(bpm, meter).with_tempo(at, new_bpm)
    tempo_map = tempo_map.with_meter(tempo_map.next_bar_frame(at), new_meter)
    path = tmp_path_factory.mktemp("midi") / "out.mid"
    long_note = Note(0, 700, 127, 80)  # to the end of every change
    markers = [(float(frame), "C") for frame in sorted(chords)]
    part = Part("Melody", 0, 0, (*(n for n in moved if n.pitch != 127), long_note))
    song = _write_and_read(path, [part], tempo_map, markers).from_bar_one()
    found = sorted((n.start_frame, n.pitch, n.velocity) for n in song.notes)
    assert found == sorted((n.start_frame, n.pitch, n.velocity) for n in part.notes)
    assert song.markers == tuple(markers)
    for frame in range(-200, 700, 7):
        assert song.tempo_map.place(frame) == tempo_map.place(frame)
        assert song.tempo_map.seconds_at(frame) == pytest.approx(
            tempo_map.seconds_at(frame), rel=1e-4, abs=1e-3
        )


def test_every_note_on_has_its_note_off(tmp_path: Path) -> None:
    """Overlapping notes of one pitch: the key comes up before it goes down again."""
    notes = (Note(0, 8, 60, 80), Note(4, 6, 60, 90), Note(4, 5, 60, 99))
    write_midi(tmp_path / "x.mid", [Part("Melody", 0, 0, notes)], TempoMap.constant(100, Meter()))
    down = False
    for message in mido.MidiFile(tmp_path / "x.mid").tracks[1]:
        if message.type in ("note_on", "note_off"):
            assert down == (message.type == "note_off")
            down = not down
    assert not down


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    tempo_map = TempoMap.constant(100, Meter())
    with pytest.raises(BadInput, match="no such folder"):
        write_midi(tmp_path / "no" / "x.mid", [], tempo_map)
    with pytest.raises(BadInput, match="a folder"):
        write_midi(tmp_path, [], tempo_map)
    with pytest.raises(JamError, match="can't be written"):
        write_midi(tmp_path / ("x" * 300), [], tempo_map)
    assert list(tmp_path.iterdir()) == []


# -- the demo tunes -------------------------------------------------------------------------


def test_the_demo_tunes() -> None:
    tunes = [read_midi(path) for path in demo_tunes()]
    assert [str(tune.tempo_map.meter_at(0)) for tune in tunes] == ["4/4", "3/4", "6/8"]
    for tune in tunes:
        assert {n.part for n in tune.notes} == {"Melody"}
        assert len(tune.melody()) == len(tune.notes)
        assert tune.tempo_map.place(int(tune.end_frame)).bar >= 16
        assert len({note.velocity for note in tune.notes}) > 10


def test_the_demo_tunes_are_what_the_script_writes(tmp_path: Path) -> None:
    from tools.make_tunes import main

    main(tmp_path)
    for path in demo_tunes():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()
