"""In time with other programs: each partner is a process of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.support.live_jam import run_jam, tempo_map_of, tune
from tools.support.jack import jack_server

TICK, START, STOP = [0xF8], [0xFA], [0xFC]


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


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
