"""The command line as a user meets it: exit statuses, one-line errors, files that come out."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import wave
from pathlib import Path

import mido
import numpy as np
import pytest

from jam.cli.main import main
from jam.files import demo_tunes
from jam.messages.notes import Note
from jam.midi.file import Part, read_midi, read_tune, write_midi
from jam.music.grid import Meter, TempoMap

TUNES = demo_tunes()


def jam(*words: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "jam", *words],
        env={**os.environ, "JACK_DEFAULT_SERVER": "there is none", **environment},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
    )
    assert done.returncode == status, done.stderr + done.stdout
    return done


def header(n_tracks: int = 1, division: int = 480) -> bytes:
    return b"MThd" + struct.pack(">IHHH", 6, 1, n_tracks, division)


def track(data: bytes) -> bytes:
    return b"MTrk" + struct.pack(">I", len(data)) + data


NOTE = b"\x00\x90\x3c\x40\x60\x80\x3c\x00"
END = b"\x00\xff\x2f\x00"
BAD_FILES = {
    "empty": b"",
    "not MIDI": b"RIFF" + bytes(100),
    "no notes": header() + track(END),
    "SMPTE": header(division=0xE728) + track(NOTE + END),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_midi_file_is_named_with_what_is_wrong(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.mid"
    path.write_bytes(BAD_FILES[name])
    out = tmp_path / "out.mid"
    assert main(["render", str(path), "-o", str(out), "--agent", "rules"]) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(path) in said
    assert not out.exists()


ODD_FILES = {
    "truncated": TUNES[0].read_bytes()[:200],
    "tempo 0": header() + track(b"\x00\xff\x51\x03\x00\x00\x00" + NOTE + END),
    "metre": header() + track(b"\x00\xff\x58\x04\x05\x06\x18\x08" + NOTE + END),
    "too fast": header() + track(b"\x00\xff\x51\x03\x00\x10\x00" + NOTE + END),
}
"""What a player's file may be and can be played all the same."""


@pytest.mark.parametrize("name", ODD_FILES)
def test_an_odd_midi_file_is_read_and_it_is_said_what_was_odd(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.mid"
    path.write_bytes(ODD_FILES[name])
    out = tmp_path / "out.mid"
    assert main(["render", str(path), "-o", str(out), "--agent", "rules"]) == 0
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and str(path) in said
    assert out.exists()


def test_a_million_notes_are_refused_early(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "million.mid"
    path.write_bytes(header() + track(NOTE * 1_000_000 + END))
    assert main(["render", str(path), "-o", str(tmp_path / "out.mid"), "--agent", "rules"]) == 2
    assert "notes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["play", "--bpm", "20"], "bpm 20"),
        (["play", "--bpm", "nan"], "bpm nan"),
        (["play", "--meter", "4/5"], "metre 4/5"),
        (["play", "--meter", "waltz"], "metre 'waltz'"),
        (["play", "--lookahead", "99"], "lookahead 99"),
        (["play", "--commit", "-1"], "commit -1"),
        (["play", "--temperature", "9"], "temperature 9"),
        (["play", "--foresight", "-1"], "foresight -1"),
        (["play", "--adventurous", "1.5"], "adventurous 1.5"),
        (["play", "--key", "Q"], "key 'Q'"),
        (["play", "--palette", "Zm7"], "palette 'Zm7'"),
        (["play", "--key", "C", "--palette", "F#7"], "none of these chords is in C major"),
        (["play", "--density", "3"], "density 3"),
        (["play", "--split", "H4"], "key 'H4'"),
        (["play", "--latency", "600"], "latency 600"),
        (["play", "--midi-api", "telepathy"], "MIDI system 'telepathy'"),
        (["play", "--rate", "12345"], "sample rate 12345"),
        (["play", "--buffer", "100"], "audio buffer 100"),
        (["play", "--record", "jam.txt"], "jam.txt"),
        (["play", "--record", "/no/such/folder/jam.mid"], "/no/such/folder"),
        (["play", "--seconds", "-3"], "--seconds -3"),
        (["render", "/no/such/file.mid", "-o", "out.mid"], "/no/such/file.mid"),
        (["render", "/", "-o", "out.mid"], "/"),
        (["demo", "--no-window", "--tune", "/no/such/tune.mid"], "/no/such/tune.mid"),
    ],
)
def test_bad_options_are_named(
    words: list[str],
    named: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    said = capsys.readouterr().err
    assert named in said and said.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_unknown_words_exit_with_2() -> None:
    for words in (["sing"], ["play", "--loud"], ["--loud"]):
        with pytest.raises(SystemExit) as stopped:
            main(words)
        assert stopped.value.code == 2


@pytest.mark.parametrize("tune", TUNES, ids=lambda path: path.stem)
def test_render_is_repeatable_and_keeps_tempo_and_metre(tune: Path, tmp_path: Path) -> None:
    outs = [tmp_path / f"{name}.mid" for name in ("a", "b", "c")]
    for out, seed in zip(outs, ("7", "7", "8"), strict=True):
        words = ["render", str(tune), "-o", str(out), "--seed", seed, "--agent", "rules"]
        words += ["--feel", "0"]
        assert main(words) == 0
    assert outs[0].read_bytes() == outs[1].read_bytes() != outs[2].read_bytes()
    before, after = read_midi(tune), read_midi(outs[0])
    assert {n.part for n in after.notes} == {"Melody", "Chords", "Bass"}
    assert after.tempo_map == before.tempo_map
    melody = [n for n in after.notes if n.part == "Melody"]
    assert [(n.pitch, round(n.start_frame, 1)) for n in melody] == [
        (n.pitch, round(n.start_frame, 1)) for n in before.melody()
    ]
    chords = [n for n in after.notes if n.part == "Chords"]
    listened = before.tempo_map.bar_start(2)
    assert min(n.start_frame for n in chords) == listened
    # When the tune is over it comes to a cadence within a few bars.
    end = before.tempo_map.next_bar_frame(int(np.ceil(before.end_frame)))
    bar = before.tempo_map.meter_at(end).frames_per_bar
    assert end - bar <= max(n.end_frame for n in chords) <= end + 3 * bar
    mido.MidiFile(outs[0])  # others can read it too


def test_render_never_looks_ahead(tmp_path: Path) -> None:
    """The second half of the melody changes nothing of the chords of the first."""
    song = mido.MidiFile(TUNES[0])
    ticks = song.ticks_per_beat * 4 * 12  # 12 bars of 4/4
    now = 0
    melody = next(t for t in song.tracks if any(m.type == "note_on" for m in t))
    for message in melody:
        now += message.time
        if now > ticks and message.type in ("note_on", "note_off"):
            message.note = 127 - message.note
    song.save(tmp_path / "other.mid")
    chords = []
    for source in (TUNES[0], tmp_path / "other.mid"):
        out = tmp_path / "out.mid"
        assert main(["render", str(source), "-o", str(out), "--agent", "rules"]) == 0
        chords.append([m for m in read_midi(out).markers if m[0] < 16 * 12])
    assert chords[0] == chords[1] and len(chords[0]) > 4


def test_render_a_change_of_tempo_and_metre(tmp_path: Path) -> None:
    midi = mido.MidiFile(ticks_per_beat=480)
    notes = mido.MidiTrack()
    midi.tracks.append(notes)
    notes.append(mido.MetaMessage("time_signature", numerator=3, denominator=4))
    notes.append(mido.MetaMessage("set_tempo", tempo=500_000))
    for n in range(24):
        if n == 12:
            notes.append(mido.MetaMessage("time_signature", numerator=6, denominator=8))
            notes.append(mido.MetaMessage("set_tempo", tempo=400_000))
        notes.append(mido.Message("note_on", note=60 + n % 8, velocity=80))
        notes.append(mido.Message("note_off", note=60 + n % 8, time=480))
    midi.save(tmp_path / "in.mid")
    out = tmp_path / "out.mid"
    assert main(["render", str(tmp_path / "in.mid"), "-o", str(out), "--agent", "rules"]) == 0
    tempo_map = read_midi(out).tempo_map
    assert [(s.start_frame, s.meter, round(s.bpm)) for s in tempo_map.segments] == [
        (0, Meter(3, 4), 120),
        (48, Meter(6, 8), 100),
    ]


def test_a_pickup_is_played_in_the_count_in_of_what_comes_out(tmp_path: Path) -> None:
    """As a jam writes it: bar 1 stays bar 1, and the partner listens to two bars from there."""
    notes = [Note(f, f + 3, 60 + f % 12, 80) for f in range(-4, 96, 4)]
    tempo_map = TempoMap.constant(120.0, Meter(4, 4))
    song = tmp_path / "pickup.mid"
    write_midi(song, [Part("Melody", 0, 0, tuple(notes))], tempo_map)
    for command, first in (("render", 32), ("harmonize", 0)):
        out = tmp_path / f"{command}.mid"
        words = [command, str(song), "-o", str(out), "--agent", "rules", "--feel", "0"]
        assert main(words) == 0
        assert read_midi(out).bar_one_frame == 16
        written = read_midi(out).from_bar_one()
        assert [n.start_frame for n in written.melody()] == [n.start_frame for n in notes]
        chords = [n for n in written.notes if n.part == "Chords"]
        assert min(n.start_frame for n in chords) == first
    for suffix in ("wav", "musicxml"):
        out = tmp_path / f"out.{suffix}"
        assert main(["harmonize", str(song), "-o", str(out), "--agent", "rules"]) == 0
    # Where there is nothing else, what lies in the count-in is the tune.
    write_midi(song, [Part("Melody", 0, 0, tuple(notes[:1]))], tempo_map)
    assert read_tune(song).bar_one_frame == 16


def test_render_to_wav(tmp_path: Path) -> None:
    out = tmp_path / "out.wav"
    assert main(["render", str(TUNES[0]), "-o", str(out), "--agent", "rules"]) == 0
    with wave.open(str(out)) as sound:
        assert sound.getnchannels() == 2
        length_s = sound.getnframes() / sound.getframerate()
        data = np.frombuffer(sound.readframes(sound.getnframes()), dtype="<i2")
    song = read_midi(TUNES[0])
    assert length_s > song.tempo_map.seconds_at(song.end_frame)
    assert 3000 < np.abs(data.astype(int)).max() < 32700
    assert np.abs(data[-2000:].astype(int)).max() < 30  # it has died away


def test_jam_without_a_screen_plays_the_demo(tmp_path: Path) -> None:
    """`jam` alone; 30 seconds of it are tested by hand, here it is interrupted after a few."""
    environment = {
        k: v
        for k, v in os.environ.items()
        if k not in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    }
    environment |= {"JACK_DEFAULT_SERVER": "there is none", "XDG_DATA_HOME": str(tmp_path)}
    process = subprocess.Popen(
        [sys.executable, "-m", "jam", "--agent", "rules"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    lines: list[str] = []
    while not lines or not lines[-1].startswith("bar   5"):
        lines.append(process.stdout.readline())
        assert lines[-1], lines
    process.send_signal(2)
    rest, errors = process.communicate(timeout=60)
    assert process.returncode == 0 and not errors
    assert lines[0].startswith("No screen here")
    assert "Chords by bar:" in rest
    for name in ("demo.mid", "demo.wav"):
        assert f"{tmp_path}/jam/recordings/{name}" in rest
    song = read_midi(tmp_path / "jam" / "recordings" / "demo.mid")
    assert {n.part for n in song.notes} == {"Melody", "Chords", "Bass"} and song.markers
    assert (tmp_path / "jam" / "recordings" / "demo.wav").stat().st_size > 100_000


def test_doctor_and_devices_say_what_is_missing() -> None:
    said = jam("doctor", "--agent", "rules").stdout
    for word in ("Python", "numpy", "MIDI", "audio", "SoundFont synth", "a plan of 4 beats takes"):
        assert word in said
    said = jam("devices").stdout
    assert "MIDI" in said and "audio" in said
    broken = jam("doctor", "--agent", "rules", status=1, JAM_SOUNDFONT="/no/such.sf2")
    assert "✗ SoundFont synth: JAM_SOUNDFONT=/no/such.sf2: no such file" in broken.stdout


def test_help_has_an_example_for_every_command() -> None:
    for command in ("window", "play", "demo", "devices", "doctor", "render"):
        assert "Example: jam" in jam(command, "--help").stdout
