"""Playing back through the real stage and JACK: what was recorded sounds again, as it was."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from jam.audio.synth import CHANNELS
from jam.cli.main import load_rules
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, MuteParts, Pause, Play, Seek, SetSpeed, Start, Stop
from jam.messages.snapshot import PlaybackState
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.sessions.session import Session
from jam.settings import JamSettings
from jam.stage.playback import load_take
from tests.support.live_jam import tune
from tests.support.waiting import until
from tools.support.jack import RATE, Recording, jack_server, load_recording, play, recorder

PARTS = ("player", "chords", "bass")
SPEED = 1.25


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def wait(engine: Engine, condition: Callable[[PlaybackState | None], bool]) -> None:
    def is_so() -> bool:
        snapshot = engine.snapshot()
        return snapshot is not None and condition(snapshot.playback)

    until(is_so)


def recorded_jam(environment: dict[str, str], engine: Engine, path: Path, folder: Path) -> Session:
    """Some seconds with a player in another process."""
    with recorder(environment, folder):
        engine.send(Start(5))
        until(lambda: (s := engine.snapshot()) is not None and s.phase == "listening")
        player = play(environment, [(0.0, [0xB0, 64, 0]), *tune(6.0, 0.5)])
        player.wait(30)
        engine.send(Stop())
        until(lambda: (s := engine.snapshot()) is not None and not s.running)
    with Library(path) as library:
        until(lambda: (found := library.sessions()) and found[0].state == "complete")
        return library.session(library.sessions()[0].id)


def starts(recording: Recording, part: str) -> list[tuple[float, int]]:
    return [(at_s, pitch) for at_s, pitch, on in recording.notes(CHANNELS[part]) if on]


def test_what_was_recorded_sounds_again(
    jack: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(name, jack[name])
    live, again = tmp_path / "live", tmp_path / "again"
    live.mkdir()
    again.mkdir()
    path = tmp_path / "sessions.sqlite3"
    settings = JamSettings(bpm=120.0, listen_bars=1, feel=0.0)  # no intro: every part plays
    writer = SessionWriter(path)
    devices = DeviceChoice(block_frames=512, midi_api="jack")
    with Engine(settings, devices, load_rules, writer.take_log) as engine:
        engine.wait_until_up()
        session = recorded_jam(jack, engine, path, live)
        taken = session.takes[0]
        with recorder(jack, again) as out:
            engine.send(load_take("jam", taken.take, taken.info.settings))
            engine.send(SetSpeed(SPEED))
            engine.send(Play())
            wait(engine, lambda state: state is not None and state.playing)
            wait(engine, lambda state: state is not None and not state.playing)
            time.sleep(1.0)  # and a second time, broken off in the midst of it
            engine.send(Play(3.0))
            time.sleep(1.0)
            engine.send(MuteParts(("player",)))
            time.sleep(0.5)
            engine.send(Seek(5.0))
            time.sleep(0.6)
            engine.send(Pause())
            time.sleep(1.0)
            engine.send(Play(2.0))
            time.sleep(0.5)
            engine.send(Start(6))  # a jam ends the playback
            wait(engine, lambda state: state is None)
            time.sleep(0.5)
            engine.send(Stop())
            time.sleep(2.0)
    writer.close()
    recording, before = load_recording(out), load_recording(live / "recording")
    length_s = session.info.length_s / SPEED
    first_s = min(at_s for part in PARTS for at_s, _ in starts(recording, part))
    for part in PARTS:
        notes = [
            (session.tempo_map.seconds_at(n.start_frame), n.pitch) for n in taken.take.parts[part]
        ]
        assert len(notes) >= 5
        heard = [(t, p) for t, p in starts(recording, part) if t < first_s + length_s + 0.5]
        check_same([(t / SPEED, p) for t, p in notes], heard)
        if part != "player":  # whose notes the live jam doesn't send out
            check_same(notes, starts(before, part))
    # It is heard, then and after each break; and in the end nothing hangs.
    loud = np.abs(recording.audio)
    assert loud[round(first_s * RATE) : round((first_s + length_s) * RATE)].max() > 0.01
    assert loud[-RATE // 10 :].max() < 1e-3


def check_same(meant: list[tuple[float, int]], heard: list[tuple[float, int]]) -> None:
    """The same notes at the same times, but for when they begin. A recorder that shares a busy
    machine misses one now and then; there must be none that weren't meant.
    """
    meant, heard = sorted(meant), sorted(heard)

    def gaps(begin_s: float) -> list[float]:
        """How far each note that was heard is from the nearest of its pitch that was meant."""
        return [
            min((at_s - begin_s - t for t, p in meant if p == pitch), key=abs)
            for at_s, pitch in heard
        ]

    assert {pitch for _, pitch in heard} <= {pitch for _, pitch in meant}
    assert 0.9 * len(meant) <= len(heard) <= len(meant)
    begin_s = min((heard[0][0] - t for t, _ in meant[:5]), key=lambda s: median(map(abs, gaps(s))))
    errors = [abs(gap - median(gaps(begin_s))) for gap in gaps(begin_s)]
    assert median(errors) < 0.05 and max(errors) < 0.4
