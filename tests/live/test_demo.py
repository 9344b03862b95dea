"""The demo with real parts: whenever it is stopped, the synth falls silent."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from jam.cli.main import load_rules
from jam.clock import SystemClock
from jam.engine.demo import TunePlayer
from jam.engine.engine import Engine
from jam.files import demo_tunes
from jam.messages.commands import ChangeSettings, DeviceChoice, Panic, Start, Stop
from jam.messages.snapshot import Snapshot
from jam.midi.file import read_midi
from jam.performance.offline import key_strokes
from jam.settings import JamSettings
from tools.support.jack import jack_server

SONG = read_midi(demo_tunes()[0])
SETTINGS = JamSettings(bpm=200.0, count_in_bars=0, listen_bars=1)
OFFSETS_MS = (-30, -15, -8, -4, 0, 4, 8, 15, 30, 60)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    with jack_server() as environment:
        for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
            monkeypatch.setenv(name, environment[name])
        with Engine(SETTINGS, DeviceChoice(midi_api="jack"), load_rules) as engine:
            engine.wait_until_up()
            yield engine


def wait(engine: Engine, condition: Callable[[Snapshot], bool], what: str) -> Snapshot:
    for _ in range(3000):
        snapshot = engine.snapshot()
        if snapshot is not None and condition(snapshot):
            return snapshot
        time.sleep(0.01)
    raise AssertionError(f"waited for {what}")


def wait_for_silence(engine: Engine) -> None:
    def silent(snapshot: Snapshot) -> bool:
        engine.send(ChangeSettings(SETTINGS))  # where nothing happens nothing is told
        return snapshot.counters.voices == 0

    wait(engine, silent, "silence")


def test_stopped_just_as_a_note_begins_it_falls_silent(engine: Engine) -> None:
    """A sweep of the moment of the stop over a note's beginning, well into the tune."""
    clock = SystemClock()
    frames = [frame for frame, _, _, velocity in key_strokes(SONG.melody()) if velocity]
    tune = TunePlayer(engine.send, engine.snapshot, SONG)
    tune.start()
    try:
        for offset_ms in OFFSETS_MS:
            playing = wait(engine, lambda s: s.running and len(s.played) > 3, "the tune")
            now = playing.tempo_map.position_at(clock.now_s()) + 4
            note_s = playing.tempo_map.seconds_at(next(f for f in frames if f > now))
            clock.wait_until(note_s + offset_ms / 1000)
            engine.send(Stop())
            wait(engine, lambda s: not s.running, "the stop")
            wait(engine, lambda s: all(n.end_s is not None for n in s.played), "the keys")
            wait_for_silence(engine)
            engine.send(Start())
    finally:
        tune.close()


def test_closed_or_silenced_it_holds_nothing(engine: Engine) -> None:
    tune = TunePlayer(engine.send, engine.snapshot, SONG)
    tune.start()
    wait(engine, lambda s: any(n.end_s is None for n in s.played), "a note")
    engine.send(Panic())
    wait(engine, lambda s: s.running and any(n.end_s is None for n in s.played), "the next note")
    tune.close()
    wait(engine, lambda s: all(n.end_s is not None for n in s.played), "the keys")
    engine.send(Stop())
    wait_for_silence(engine)
