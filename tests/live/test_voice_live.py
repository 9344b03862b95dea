"""Someone sings into the program through JACK: notes on the grid, chords, a lost microphone."""

from __future__ import annotations

import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from jam.audio.synth import CHANNELS
from jam.cli.main import load_rules
from jam.engine.engine import Engine
from jam.files import library_path
from jam.messages.commands import DeviceChoice, Play, SelectDevices, Start, Stop
from jam.messages.notes import NoteEvent
from jam.messages.snapshot import SessionLog, Snapshot
from jam.messages.voice import OFF
from jam.sessions import voices
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.settings import JamSettings
from jam.stage.playback import load_take
from jam.voice.ranges import RANGES
from tests.support.waiting import until
from tools.support.jack import RATE, jack_server, load_recording, recorder
from tools.support.sung import TIMBRES, TrueNote, sung
from tools.voice_ruler import live

PITCHES = (60, 64, 67, 65, 62, 64, 60, 67)
NOTES = [TrueNote(0.5 + 0.5 * i, 0.95 + 0.5 * i, pitch) for i, pitch in enumerate(PITCHES)]
SETTINGS = JamSettings(
    bpm=120, listen_bars=1, count_in_bars=0, model="rules", voice_range="trumpet"
)


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server(256) as environment:
        yield environment


@contextmanager
def singer(environment: dict[str, str], folder: Path, name: str) -> Iterator[subprocess.Popen[str]]:
    """A microphone of this name; a line makes it sing NOTES."""
    path = folder / f"{name}.npy"
    np.save(path, sung(NOTES, TIMBRES["trumpet"]))
    process = subprocess.Popen(
        [sys.executable, "-m", "tools.support.jack_singer", str(path), name],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "there\n"
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def sing(process: subprocess.Popen[str]) -> float:
    """Returns when the first sample went out."""
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write("\n")
    process.stdin.flush()
    return float(process.stdout.readline())


def test_what_is_sung_is_played(
    jack: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in jack.items():
        monkeypatch.setenv(name, value)
    logs: list[SessionLog] = []
    assert RATE == 48000
    with (
        singer(jack, tmp_path, "booth") as booth,
        Engine(
            SETTINGS, DeviceChoice(midi_api="jack", microphone="booth"), load_rules, logs.append
        ) as engine,
    ):
        engine.wait_until_up(60)

        def shown() -> Snapshot:
            snapshot = engine.snapshot()
            assert snapshot is not None
            return snapshot

        until(lambda: "booth" in shown().voice.device, "a microphone", 60)
        assert not shown().voice.problem
        engine.send(Start(1))
        until(lambda: shown().running, "a jam", 10)
        sung_s = sing(booth)
        until(lambda: len(heard(logs)) >= len(NOTES), "the notes", 30)
        until(lambda: any(plan.chords for log in logs for plan in log.plans), "a plan", 10)
        assert [note[0] for note in heard(logs)] == list(PITCHES)
        late = [
            on_s - sung_s - note.start_s for (_, on_s), note in zip(heard(logs), NOTES, strict=True)
        ]
        middle = statistics.median(late)  # of one note a block may be lost, on a busy machine
        assert -0.05 < middle < 0.1, "the delay is taken off"
        assert sorted(abs(each - middle) for each in late)[-2] < 0.05
        until(lambda: all(note.end_s is not None for note in shown().played), "an end", 10)
        engine.send(Stop())
        # The microphone goes: it is said, and the program goes on. It comes back.
        booth.kill()
        until(lambda: bool(shown().voice.problem) and not shown().voice.device, "a loss", 60)
        assert engine.alive
        with singer(jack, tmp_path, "booth"):
            until(lambda: "booth" in shown().voice.device, "a return", 60)
        engine.send(SelectDevices(microphone=OFF))
        until(
            lambda: shown().voice.wanted == OFF and not shown().voice.problem, "no microphone", 30
        )


def test_what_the_microphone_heard_is_kept_and_heard_along(
    jack: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a file beside the library; in time with the notes made of it; none of a private jam."""
    for name, value in {**jack, "XDG_DATA_HOME": str(tmp_path)}.items():
        monkeypatch.setenv(name, value)
    path = library_path()
    writer = SessionWriter(path)
    settings = SETTINGS.changed(voice_kept=True)
    devices = DeviceChoice(midi_api="jack")
    with (
        singer(jack, tmp_path, "booth") as booth,
        Engine(settings, devices, load_rules, writer.take_log) as engine,
    ):
        engine.wait_until_up(60)

        def shown() -> Snapshot:
            snapshot = engine.snapshot()
            assert snapshot is not None
            return snapshot

        def jam(seed: int) -> None:
            engine.send(Start(seed))
            engine.send(SelectDevices(microphone="booth"))  # the first time in mid-jam
            until(lambda: shown().running and shown().voice.keeps, "a jam", 60)
            sing(booth)
            until(lambda: len(shown().played) >= len(NOTES), "the notes", 30)
            until(lambda: all(note.end_s is not None for note in shown().played), "an end", 10)
            engine.send(Stop())
            until(lambda: not shown().running, "its end", 10)

        jam(1)
        with Library(path) as library:
            until(lambda: (found := library.sessions()) and found[0].state == "complete")
            session = library.session(library.sessions()[0].id)
        file = voices.kept(path, session.info.started_at)
        assert file is not None
        tune = session.takes[0].take
        # Its notes by MIDI alone, and the voice beside them.
        notes = tuple(replace(note, part="chords") for note in tune.parts["player"])
        alone = replace(tune, parts={"chords": notes})
        command = load_take("jam", alone, settings.changed(agent_volume=0.0), recording=file)
        with recorder(jack, tmp_path) as out:
            engine.send(command)
            engine.send(Play())
            until(lambda: (p := shown().playback) is not None and p.playing, "the playback", 10)
            until(lambda: (p := shown().playback) is not None and not p.playing, "its end", 30)
            engine.send(Stop())
        recording = load_recording(out)
        sung_s = [at_s for at_s, *_ in live(recording.audio.mean(axis=1), RANGES["trumpet"])[0]]
        written_s = [at_s for at_s, _, on in recording.notes(CHANNELS["chords"]) if on]
        assert len(written_s) == len(tune.parts["player"])
        near = [min(abs(at_s - other) for other in sung_s) for at_s in written_s]
        assert statistics.median(near) < 0.03, "in time with its notes"
        writer.recording = False
        jam(2)
        writer.close()
    assert list(file.parent.iterdir()) == [file], "of a private jam nothing is kept"
    with Library(path) as library:
        library.delete(session.info.id)
        library.purge(0)
    assert not file.exists()


def heard(logs: list[SessionLog]) -> list[tuple[int, float]]:
    """(pitch, second) of every note that was played, in order."""
    return [
        (event.pitch, event.at_s)
        for log in logs
        for event in log.played
        if isinstance(event, NoteEvent) and event.velocity
    ]
