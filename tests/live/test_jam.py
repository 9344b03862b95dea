"""End to end, with real parts: JACK, a player in another process, `jam play`, a recorder."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from jam.audio.synth import CHANNELS
from jam.cli.main import load_rules
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice
from jam.messages.snapshot import Snapshot
from jam.midi.file import read_midi
from jam.music.grid import Meter, TempoMap
from jam.settings import JamSettings
from tests.support.live_jam import Jam, run_jam, tempo_map_of, tune
from tests.support.waiting import until
from tools.support.jack import RATE, jack_server, load_recording, play, recorder


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def check(
    jam: Jam, listen_bars: int = 2, storm: bool = False, on_the_grid: bool = True
) -> TempoMap:
    """What holds of every jam, whatever the metre and tempo."""
    assert jam.status == 0, jam.output
    tempo_map = tempo_map_of(jam)
    notes = jam.sounded()
    starts = [note for note in notes if note["velocity"]]
    assert len(starts) >= 12
    # Each once, whatever was changed or silenced meanwhile.
    assert len({note["note_id"] for note in starts}) == len(starts)

    # It starts after the listening bars, not before.
    listen_until = tempo_map.bar_start(listen_bars)
    first_frame = tempo_map.position_at(starts[0]["due_s"])
    if on_the_grid:
        assert first_frame == pytest.approx(listen_until, abs=0.01)
    else:
        beat = tempo_map.meter_at(0).frames_per_beat  # so long a chord may wait for its stroke
        assert listen_until - 0.01 <= first_frame < listen_until + beat + 1

    # Every onset is due exactly on the grid, and leaves the scheduler at that time or later.
    for note in starts:
        position = tempo_map.position_at(note["due_s"])
        if on_the_grid:
            assert position == pytest.approx(round(position), abs=0.01)
        assert note["sent_s"] >= note["due_s"]
    errors_s = sorted(note["sent_s"] - note["due_s"] for note in starts)
    assert errors_s[len(errors_s) // 2] < 0.5 * tempo_map.frame_s_at(0)

    # At the MIDI output: the same notes in the same order, each with its note-off.
    for part in ("bass", "chords"):
        sent = [note["pitch"] for note in jam.sounded(part) if note["velocity"]]
        recorded = jam.recording.notes(CHANNELS[part])
        assert [pitch for _, pitch, on in recorded if on] == sent
        sounding: Counter[int] = Counter()
        for _, pitch, on in recorded:
            sounding[pitch] += 1 if on else -1
            assert sounding[pitch] in (0, 1)
        assert not +sounding
    recorded = jam.recording.notes()
    # The player's notes came in once each: 8 a jam at least, and none twice.
    ids = [event["note_id"] for event in jam.of("played") if event["velocity"]]
    times_s = [event["at_s"] for event in jam.of("played") if event["velocity"]]
    assert len(ids) == len(set(ids)) >= 8
    if not storm:
        assert min(np.diff(times_s)) > 0.01
    # The time between onsets at the port is that of the grid, but for JACK's own blocks.
    at_s = np.array([t for t, _, on in recorded if on])
    due_s = np.array([note["due_s"] for note in starts])
    drift_s = (at_s - at_s[0]) - (due_s - due_s[0])
    assert np.median(np.abs(drift_s - np.median(drift_s))) < 0.5 * tempo_map.frame_s_at(0)

    # Nothing that was committed ever changed.
    committed: dict[int, str] = {}
    rows = {row["frame"]: row["chord"] for row in jam.of("row")}
    for plan in jam.of("plan"):
        for i, chord in enumerate(plan["chords"]):
            frame = plan["start_frame"] + i
            if frame < plan["committed_until_frame"]:
                assert committed.setdefault(frame, chord) == chord
    for frame, chord in committed.items():
        if frame in rows:
            assert rows[frame] == chord or (rows[frame], chord) == ("", "-")

    # The sound has the accompaniment's onsets, does not clip, and is silent after the end.
    audio = np.abs(jam.recording.audio).max(axis=1)
    assert 0.02 < audio.max() < 0.99
    assert audio[-RATE // 10 :].max() < 1e-3
    return tempo_map


def rise(jam: Jam, pitch: int, at_s: float) -> float:
    """How much stronger a pitch's fundamental is in the 0.2 s after a moment than before it."""
    audio, frame = jam.recording.audio[:, 0], int(at_s * RATE)
    width = RATE // 5
    tone = np.exp(-2j * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(width) / RATE)
    window = tone * np.hanning(width)
    before = abs(window @ audio[frame - width : frame])
    after = abs(window @ audio[frame + 1024 : frame + 1024 + width])
    return float(after / max(before, 1e-6))


def test_jam_in_four(jack: dict[str, str], tmp_path: Path) -> None:
    jam = run_jam(jack, tmp_path, 13.0, ["--bpm", "120", "--no-metronome"])
    tempo_map = check(jam)
    assert {row["melody"] for row in jam.of("row")} >= {60, 64, 67}
    # The accompaniment is heard when its notes leave the port: its first bass note appears.
    at_s, bass, _ = next(note for note in jam.recording.notes(CHANNELS["bass"]) if note[2])
    assert rise(jam, bass, at_s) > 3
    # What was recorded can be read again, with every part and the tempo.
    song = read_midi(jam.record)
    assert song.tempo_map.bpm_at(0) == 120.0
    assert {n.part for n in song.notes} == {"Melody", "Chords", "Bass"}
    assert len(song.markers) >= 2
    assert tempo_map.meter_at(0) == Meter(4, 4)


def test_jam_as_people_play(jack: dict[str, str], tmp_path: Path) -> None:
    """Off the grid, and all else as on it."""
    options = ["--bpm", "120", "--no-metronome", "--feel", "1", "--style", "pop"]
    jam = run_jam(jack, tmp_path, 13.0, options)
    tempo_map = check(jam, on_the_grid=False)
    positions = [tempo_map.position_at(n["due_s"]) for n in jam.sounded() if n["velocity"]]
    late = [position % 1 for position in positions]
    assert sum(0.01 < part < 0.76 for part in late) > len(late) / 2
    assert len({note["velocity"] for note in jam.sounded() if note["velocity"]}) > 10


def test_jam_in_three_with_a_tempo_change(jack: dict[str, str], tmp_path: Path) -> None:
    jam = run_jam(
        jack, tmp_path, 14.0, ["--bpm", "140", "--meter", "3/4"], [(7.0, "bpm 100")], 60 / 140
    )
    tempo_map = check(jam)
    assert [segment.bpm for segment in tempo_map.segments] == [140.0, 100.0]
    changed = tempo_map.segments[1].start_frame
    late = [n for n in jam.sounded() if tempo_map.position_at(n["due_s"]) >= changed]
    assert len([n for n in late if n["velocity"]]) >= 4
    # Bars of three beats: chords fall on bar lines of 12 frames.
    frames = [round(tempo_map.position_at(n["due_s"])) for n in jam.sounded() if n["velocity"]]
    assert sum(frame % 12 == 0 for frame in frames) > len(frames) / 2


def test_metre_change_and_commands(jack: dict[str, str], tmp_path: Path) -> None:
    typed = [(5.0, "meter 6/8"), (5.1, "meter 5/9"), (5.2, "sing"), (8.0, "panic")]
    jam = run_jam(jack, tmp_path, 11.0, ["--bpm", "150", "--listen", "1"], typed, 0.4)
    assert "metre 5/9" in jam.output and "no such command: 'sing'" in jam.output
    tempo_map = check(jam, listen_bars=1)
    assert tempo_map.meter_at(10**6) == Meter(6, 8)
    assert tempo_map.segments[-1].start_frame % 16 == 0  # on a bar line of the old metre
    panics = [data for _, data in jam.recording.midi if data[0] & 0xF0 == 0xB0]
    for channel in range(16):
        for controller in (123, 120, 64):
            assert bytes([0xB0 | channel, controller, 0]) in panics


def test_another_style_while_it_plays(jack: dict[str, str], tmp_path: Path) -> None:
    typed = [(4.5, "style pop"), (4.6, "style tango"), (9.0, "style none")]
    jam = run_jam(jack, tmp_path, 12.0, ["--bpm", "150", "--listen", "1"], typed, 0.4)
    assert "style 'tango': must be one of" in jam.output
    tempo_map = check(jam, listen_bars=1)
    struck = [n for n in jam.sounded("drums") if n["velocity"]]
    frames = [round(tempo_map.position_at(n["due_s"])) for n in struck]
    assert len(frames) > 20 and frames[0] % 16 == 0 and frames[-1] % 16 > 8  # whole bars
    assert [pitch for _, pitch, on in jam.recording.notes(CHANNELS["drums"]) if on] == [
        n["pitch"] for n in struck
    ]
    parts = {n.part for n in read_midi(jam.record).notes}
    assert parts == {"Melody", "Chords", "Bass", "Drums"}


def test_a_storm_on_all_channels(jack: dict[str, str], tmp_path: Path) -> None:
    """A thousand messages a second of every kind for two seconds: no harm, nothing stuck."""
    kinds = (0x80, 0x90, 0x90, 0xA0, 0xB0, 0xC0, 0xD0, 0xE0)
    dice = random.Random(3)
    storm: list[tuple[float, list[int]]] = []
    for n in range(2000):
        kind = dice.choice(kinds)
        controller = dice.choice((1, 7, 11, 64, 74))  # not panic itself
        data = [controller if kind == 0xB0 else dice.randrange(128), dice.randrange(128)]
        length = 1 if kind in (0xC0, 0xD0) else 2
        storm.append((5.0 + n / 1000, [kind | dice.randrange(16), *data[:length]]))
    options = ["--bpm", "120", "--midi-channel", "1", "--no-metronome"]
    jam = run_jam(jack, tmp_path, 10.0, options, also=storm)
    check(jam, storm=True)
    pressed = Counter(e["note_id"] for e in jam.of("played") if e["velocity"])
    released = Counter(e["note_id"] for e in jam.of("played") if not e["velocity"])
    assert max(pressed.values()) == max(released.values()) == 1
    assert released.keys() <= pressed.keys()


def test_the_stage_ends_when_its_parent_is_killed(jack: dict[str, str], tmp_path: Path) -> None:
    """kill -9 of the parent: the stage notices, and leaves no sounding note."""
    with recorder(jack, tmp_path) as out:
        jam = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "jam",
                "play",
                "--midi-api",
                "jack",
                "--agent",
                "rules",
                "--bpm",
                "200",
                "--listen",
                "1",
            ],
            env=jack,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert jam.stdout is not None
        while "Type while" not in jam.stdout.readline():
            pass
        play(jack, tune(6.0, 0.3)).wait(20)
        jam.kill()
        jam.wait(10)
        time.sleep(3.0)
    recording = load_recording(out)
    sounding: Counter[int] = Counter()
    for _, pitch, on in recording.notes():
        sounding[pitch] += 1 if on else -1
    assert sum(1 for *_, on in recording.notes() if on) > 4
    assert not +sounding
    assert np.abs(recording.audio[-RATE // 10 :]).max() < 1e-3


def test_a_port_that_does_not_exist(jack: dict[str, str]) -> None:
    for options, named in (
        (["--midi-in", "Theremin"], "MIDI input 'Theremin'"),
        (["--midi-out", "Theremin"], "MIDI output 'Theremin'"),
        (["--audio", "Gramophone"], "audio device 'Gramophone'"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "jam", "play", "--seconds", "1", *options],
            env=jack,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=60,
        )
        assert done.returncode == 2
        assert named in done.stderr and done.stderr.count("\n") == 1


def test_no_midi_and_no_audio_is_no_error(tmp_path: Path) -> None:
    """Without a MIDI system and without a sound card it says so and plays on silently."""
    environment = {**os.environ, "JACK_DEFAULT_SERVER": "there is none"}
    done = subprocess.run(
        [sys.executable, "-m", "jam", "play", "--seconds", "2", "--audio", "none"],
        env=environment,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Silent" in done.stdout


@contextmanager
def instrument(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A MIDI keyboard that is plugged in while the block runs; a line "60 100" plays a key."""
    code = (
        "import rtmidi, sys\n"
        "port = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name='Clavinova')\n"
        "port.open_virtual_port('keys')\n"
        "print('plugged in', flush=True)\n"
        "for line in sys.stdin: port.send_message([0x90, *map(int, line.split())])\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "plugged in\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_a_keyboard_is_unplugged_and_comes_back(
    jack: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JACK_DEFAULT_SERVER", jack["JACK_DEFAULT_SERVER"])
    with instrument(jack) as keyboard:
        choice = DeviceChoice("none", midi_inputs=("Clavinova",), midi_api="jack")
        with Engine(JamSettings(), choice, load_rules) as engine:
            engine.wait_until_up()

            def snapshot() -> Snapshot:
                newest = engine.snapshot()
                assert newest is not None
                return newest

            def held() -> list[int]:
                return [note.pitch for note in snapshot().played if note.end_s is None]

            def connected() -> bool:
                return any("Clavinova" in name for name in snapshot().devices.midi_inputs)

            assert connected()
            assert keyboard.stdin is not None
            keyboard.stdin.write("60 100\n64 90\n")
            keyboard.stdin.flush()
            until(lambda: held() == [60, 64], "two keys to be held")
            keyboard.kill()
            until(lambda: not held(), "the held notes to be released")
            until(lambda: not connected(), "the port to be closed")
            assert "is gone" in snapshot().message
            with instrument(jack) as again:
                until(connected, "the keyboard to be found again")
                assert again.stdin is not None
                again.stdin.write("67 100\n")
                again.stdin.flush()
                until(lambda: held() == [67], "a key of the keyboard that came back")
