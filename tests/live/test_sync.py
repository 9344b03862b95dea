"""In time with other programs: each partner is a process of its own."""

from __future__ import annotations

import math
import os
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import jack as jack_client
import numpy as np
import pytest

from jam.cli.main import load_rules
from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.messages.commands import ChangeSettings, DeviceChoice, KeyInput, Stop, TapBeat
from jam.messages.snapshot import Snapshot
from jam.messages.sync import LINK, LOCKED, PLAYER, WAITING
from jam.settings import JamSettings
from tests.support.live_jam import run_jam, tempo_map_of, tune
from tests.support.waiting import until
from tools.support.beat_partners import master, partner, peer
from tools.support.jack import JackServer, jack_server

TICK, START, STOP = [0xF8], [0xFA], [0xFC]


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def _client(environment: dict[str, str]) -> jack_client.Client:
    """A client of the test's own at its server."""
    name = environment["JACK_DEFAULT_SERVER"]
    before = os.environ.get("JACK_DEFAULT_SERVER")
    os.environ["JACK_DEFAULT_SERVER"] = name
    try:
        client = jack_client.Client("looker", no_start_server=True)
    finally:
        if before is None:
            del os.environ["JACK_DEFAULT_SERVER"]
        else:
            os.environ["JACK_DEFAULT_SERVER"] = before
    client.activate()
    return client


def clock(from_s: float, until_s: float, bpm: float) -> list[tuple[float, list[int]]]:
    return [(float(at_s), TICK) for at_s in np.arange(from_s, until_s, 60 / bpm / 24)]


def test_a_clock_of_another_process_is_followed(jack: dict[str, str], tmp_path: Path) -> None:
    """It ticks from the beginning, starts, goes on slower, and stops: so does the jam."""
    ticks = [*clock(0.5, 6.0, 120), *clock(6.0 + 0.02, 10.5, 100)]
    also = [*ticks, (3.99, START), (10.6, STOP)]
    options = ["--beat-from", "midi-clock", "--bpm", "140", "--listen", "1", "--midi-clock"]
    jam = run_jam(jack, tmp_path, 12.0, options, also=also)
    assert jam.status == 0, jam.output
    assert "MIDI clock: locked" in jam.output and "MIDI clock: stopped" in jam.output
    sent = sorted([*(m for m in tune(12.0, 0.5) if m[1] != TICK), *also])
    first = sent.index((3.99, START))
    pairs = zip(jam.sent_s[first:], sent[first:], strict=True)
    times_s = [at_s for at_s, (_, data) in pairs if data == TICK]
    tempo_map = tempo_map_of(jam)
    places = np.array([tempo_map.position_at(at_s) for at_s in times_s])
    # A beat after the start each tick is at its place, and the source's bar lines are the jam's.
    off = places - np.arange(len(places)) / 6
    bar = round(off[24])
    assert tempo_map.place(bar + 16).frame_in_bar == 0
    assert len(off) > 200 and np.median(np.abs(off[24:] - bar)) < 0.25
    # Just before it goes slower: how long it was heard before the start depends on the machine.
    assert round(tempo_map.bpm_at(bar + 14)) == 120
    assert round(tempo_map.bpm_at(int(places[-1]))) == pytest.approx(100, abs=2)


def test_a_link_peer_of_another_process_is_in_time(jack: dict[str, str], tmp_path: Path) -> None:
    """Bar lines are the peer's, and tempi go both ways."""
    with partner(peer, 96) as ask:
        seen: list[list[float]] = []

        def watch() -> None:
            time.sleep(6.0)  # until bar 1 has begun
            for word in ("bpm 126", "look", "look"):
                seen.append(ask(word))
                time.sleep(1.0)

        typed = [(9.5, "bpm 84")]
        options = ["--beat-from", "link", "--bpm", "140", "--listen", "1"]
        jam = run_jam(jack, tmp_path, 11.5, options, typed, meanwhile=watch)
        last = ask("look")
    assert jam.status == 0, jam.output
    assert "Link: locked" in jam.output and "1 peer" in jam.output, jam.output
    assert last[2] == pytest.approx(84, abs=0.1), (last, jam.output)
    tempo_map = tempo_map_of(jam)
    assert any(abs(s.bpm - 126) < 0.5 for s in tempo_map.segments), jam.output
    for at_s, beat, bpm, peers, _ in seen[1:2]:
        assert peers == 1 and bpm == pytest.approx(126)
        position = tempo_map.position_at(at_s)
        place = tempo_map.place(math.floor(position))
        assert abs((place.frame_in_bar + position % 1 - 4 * beat + 8) % 16 - 8) < 0.25


def test_jacks_transport_is_led(jack: dict[str, str], tmp_path: Path) -> None:
    """Another client sees bar, beat and tempo of the jam; stopping it stops the jam."""
    client = _client(jack)
    places: list[dict[str, object]] = []

    def look() -> None:
        time.sleep(5.0)
        places.append(client.transport_query()[1])
        time.sleep(1.0)
        client.transport_stop()

    options = ["--beat-from", "jack", "--bpm", "90", "--listen", "1"]
    jam = run_jam(jack, tmp_path, 8.0, options, meanwhile=look)
    client.close()
    assert jam.status == 0, jam.output
    assert places[0]["beats_per_minute"] == pytest.approx(90) and "bar" in places[0]
    assert "JACK: stopped" in jam.output, jam.output


def test_another_timebase_master_is_followed_and_succeeded(
    jack: dict[str, str], tmp_path: Path
) -> None:
    """Bars and tempo are its own; where it goes jam leads on, and keeps to that."""
    client = _client(jack)
    seen: list[list[float]] = []
    places: list[float | None] = []

    def tempo() -> float | None:
        bpm: float | None = client.transport_query()[1].get("beats_per_minute")
        return bpm

    with partner(master, 96, jack) as ask:

        def lead() -> None:
            time.sleep(5.0)
            seen.append(ask("look"))
            ask("bpm 120")
            time.sleep(2.5)
            seen.append(ask("look"))
            ask("leave")
            until(lambda: tempo() is None, "nobody to lead")
            until(lambda: tempo() is not None, "jam to lead")
            places.append(tempo())
            until(lambda: 0 < (tempo() or 0) < 100, "jam's new tempo")
            ask("join")  # leads only where nobody does
            time.sleep(0.3)
            places.append(tempo())
            ask("stop")

        options = ["--beat-from", "jack", "--bpm", "140", "--listen", "1"]
        jam = run_jam(jack, tmp_path, 12.5, options, [(10.5, "bpm 90")], meanwhile=lead)
    client.close()
    assert jam.status == 0, jam.output
    assert "JACK: stopped" in jam.output, jam.output
    tempo_map = tempo_map_of(jam)
    for (at_s, beat, *_), bpm in zip(seen, (96, 120), strict=True):
        position = tempo_map.position_at(at_s)
        place = tempo_map.place(math.floor(position))
        off = (place.frame_in_bar + position % 1 - 4 * beat + 8) % 16 - 8
        assert abs(off) < 0.25, (off, jam.output)
        assert tempo_map.bpm_at(position) == pytest.approx(bpm, rel=0.02), jam.output
    assert places == pytest.approx([120, 90], rel=0.02)


class Looked:
    """An engine without sound, as its parent sees it."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.clock = engine, SystemClock()

    @property
    def now(self) -> Snapshot:
        snapshot = self.engine.snapshot()
        assert snapshot is not None
        return snapshot

    def until_runs(self, runs: bool) -> None:
        until(lambda: self.now.running == runs, f"running: {runs}")

    def until_synced(self, state: str, peers: int) -> None:
        def is_so() -> bool:
            sync = self.now.sync
            return (sync.state, sync.peers) == (state, peers)

        until(is_so, f"{state}, {peers} peers; it is {self.now.sync}")

    def strike(self, pitch: int) -> None:
        now_s = self.clock.now_s()
        self.engine.send(KeyInput(pitch, 90, now_s))
        self.engine.send(KeyInput(pitch, 0, now_s + 0.05))


SILENT = DeviceChoice("none", midi_inputs=(), midi_required=False)


def test_a_link_peer_starts_stops_leaves_and_comes_back(server: JackServer) -> None:
    settings = JamSettings(beat_from=LINK, bpm=100, count_in_bars=0)
    with Engine(settings, SILENT, load_rules) as engine, partner(peer, 96) as ask:
        engine.wait_until_up()
        jam = Looked(engine)
        jam.until_synced(LOCKED, 1)
        ask("play")
        jam.until_runs(True)
        ask("stop")
        jam.until_runs(False)
        ask("play")
        jam.until_runs(True)
        before = jam.now.tempo_map.segments[-1].bpm
        ask("leave")
        jam.until_synced(WAITING, 0)
        assert jam.now.running  # the tempo goes on
        assert jam.now.tempo_map.segments[-1].bpm == pytest.approx(before, rel=0.01)
        ask("join")
        jam.until_synced(LOCKED, 1)
        jam.until_runs(True)
        engine.send(Stop())
        jam.until_runs(False)
        until(lambda: not ask("look")[4], "the peer to be told to stop")


def test_four_taps_start_a_jam_whose_tempo_follows_the_player(server: JackServer) -> None:
    settings = JamSettings(beat_from=PLAYER, bpm=80, count_in_bars=1)
    with Engine(settings, SILENT, load_rules) as engine:
        engine.wait_until_up()
        jam = Looked(engine)
        first_s = jam.clock.now_s()
        for beat in range(4):
            jam.clock.wait_until(first_s + beat * 0.4)
            engine.send(TapBeat(first_s + beat * 0.4))
        jam.until_runs(True)
        assert jam.now.settings.bpm == pytest.approx(150)
        assert jam.now.tempo_map.seconds_at(0) == pytest.approx(first_s + 1.6, abs=0.001)
        assert jam.now.sync.state == WAITING
        for beat in range(16):  # a little faster than it was counted in
            jam.clock.wait_until(first_s + 1.6 + beat * 0.38)
            jam.strike(60 + beat % 5)
        until(lambda: jam.now.sync.state == LOCKED, "the player to be followed")
        until(lambda: jam.now.tempo_map.segments[-1].bpm > 152, "a tempo that follows")
        engine.send(ChangeSettings(jam.now.settings.changed(beat_from="own")))
        until(lambda: not jam.now.sync.words, "jam's own beat")
        assert jam.now.running


def test_another_beat_in_mid_jam_strikes_nothing_twice_and_holds_nothing(
    jack: dict[str, str], tmp_path: Path
) -> None:
    """From one source to the next, every two seconds, while a Link peer is there."""
    sources = ("link", "player", "jack", "midi-clock", "own")
    typed = [(5.0 + 1.8 * n, f"beat-from {source}") for n, source in enumerate(sources)]
    options = ["--bpm", "150", "--listen", "1", "--style", "pulse", "--no-beat-start"]
    with partner(peer, 96):
        jam = run_jam(jack, tmp_path, 15.5, options, typed, beat_s=0.4)
    assert jam.status == 0, jam.output
    for words in ("Link: locked", "You: locked", "JACK: locked", "MIDI clock: ", "jam gives the"):
        assert words in jam.output, jam.output
    for channel in range(16):
        down: Counter[int] = Counter()
        for _, pitch, on in jam.recording.notes(channel):
            down[pitch] += 1 if on else -1
            assert down[pitch] in (0, 1), (channel, pitch)
        assert not +down, (channel, down)
    tempo_map = tempo_map_of(jam)
    times_s = [tempo_map.seconds_at(frame) for frame in range(160)]
    assert min(np.diff(times_s)) > 0.05  # it only ever goes forward, and never hurries much
    struck = Counter(
        (note["pitch"], round(tempo_map.position_at(note["sent_s"])))
        for note in jam.sounded()
        if note["velocity"]
    )
    assert struck and max(struck.values()) == 1, struck.most_common(3)
