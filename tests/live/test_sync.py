"""In time with other programs: each partner is a process of its own."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import jack as jack_client
import numpy as np
import pytest

from tests.support.live_jam import run_jam, tempo_map_of, tune
from tools.support.jack import jack_server

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
    assert round(tempo_map.bpm_at(bar + 8)) == 120
    assert round(tempo_map.bpm_at(int(places[-1]))) == pytest.approx(100, abs=2)


PEER = """
import sys, time, json
import link
peer = link.Link(96.0)
peer.startStopSyncEnabled = True
peer.enabled = True
print("there", flush=True)
for line in sys.stdin:
    word, *value = line.split()
    state = peer.captureSessionState()
    micros = peer.clock().micros()
    if word == "tempo":
        state.setTempo(float(value[0]), micros)
        peer.commitSessionState(state)
    now_s = time.perf_counter()
    micros = peer.clock().micros()
    print(json.dumps([now_s, state.beatAtTime(micros, 4), state.tempo(), peer.numPeers()]),
          flush=True)
"""


def test_a_link_peer_of_another_process_is_in_time(jack: dict[str, str], tmp_path: Path) -> None:
    """Bar lines are the peer's, and tempi go both ways."""
    with subprocess.Popen(
        [sys.executable, "-c", PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as peer:
        assert peer.stdin is not None and peer.stdout is not None
        assert peer.stdout.readline() == "there\n"

        def ask(word: str) -> list[float]:
            assert peer.stdin is not None and peer.stdout is not None
            peer.stdin.write(f"{word}\n")
            peer.stdin.flush()
            return list(json.loads(peer.stdout.readline()))

        seen: list[list[float]] = []

        def watch() -> None:
            time.sleep(9.0)  # until bar 1 has begun
            for word in ("tempo 126", "look", "look"):
                seen.append(ask(word))
                time.sleep(1.0)

        watcher = threading.Thread(target=watch)
        watcher.start()
        typed = [(11.0, "bpm 84")]
        options = ["--beat-from", "link", "--bpm", "140", "--listen", "1"]
        jam = run_jam(jack, tmp_path, 14.0, options, typed)
        watcher.join()
        last = ask("look")
        peer.stdin.close()
    assert jam.status == 0, jam.output
    assert "Link: locked" in jam.output and "1 peer" in jam.output, jam.output
    assert last[2] == pytest.approx(84, abs=0.1), (last, jam.output)
    tempo_map = tempo_map_of(jam)
    assert any(abs(s.bpm - 126) < 0.5 for s in tempo_map.segments), jam.output
    for at_s, beat, bpm, peers in seen[1:2]:
        assert peers == 1 and bpm == pytest.approx(126)
        position = tempo_map.position_at(at_s)
        place = tempo_map.place(math.floor(position))
        assert abs((place.frame_in_bar + position % 1 - 4 * beat + 8) % 16 - 8) < 0.25


def test_jacks_transport_is_led(jack: dict[str, str], tmp_path: Path) -> None:
    """Another client sees bar, beat and tempo of the jam; stopping it stops the jam."""
    client = _client(jack)
    places: list[dict[str, object]] = []

    def look() -> None:
        time.sleep(7.0)
        places.append(client.transport_query()[1])
        time.sleep(1.0)
        client.transport_stop()

    watcher = threading.Thread(target=look)
    watcher.start()
    options = ["--beat-from", "jack", "--bpm", "90", "--listen", "1"]
    jam = run_jam(jack, tmp_path, 11.0, options)
    watcher.join()
    client.close()
    assert jam.status == 0, jam.output
    assert places[0]["beats_per_minute"] == pytest.approx(90) and "bar" in places[0]
    assert "JACK: stopped" in jam.output, jam.output
