"""MIDI clock and program changes: which message when, and what arrives at a port."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import style_named
from jam.audio.mixer import mix
from jam.audio.synth import CHANNELS
from jam.music.grid import Meter, TempoMap
from jam.settings import JamSettings
from jam.stage.midi_sync import (
    CONTINUE,
    POSITION,
    START,
    STOP,
    TICK,
    ClockMessage,
    ProgramChanges,
    Ticks,
)
from tests.support.live_jam import run_jam, tempo_map_of
from tools.support.jack import jack_server

MAP = TempoMap.constant(120.0, Meter(4, 4), 10.0)  # a frame is 1/8 s, a tick 1/48 s


def run(ticks: Ticks, from_s: float, until_s: float) -> list[ClockMessage]:
    out = []
    for now_s in np.arange(from_s, until_s + 1e-9, 0.01):
        out += ticks.due(float(now_s))
    return out


def kinds(messages: list[ClockMessage]) -> list[int]:
    return [message.data[0] for message in messages]


@given(
    steps_s=st.lists(st.floats(0.001, 0.4), min_size=20, max_size=200),
    changes=st.dictionaries(st.integers(0, 199), st.floats(30, 300), max_size=6),
    lead_s=st.sampled_from([0.0, 0.05, -0.03]),
    begins_s=st.floats(5.0, 14.0),
)
def test_a_follower_is_always_at_the_right_place(
    steps_s: list[float], changes: dict[int, float], lead_s: float, begins_s: float
) -> None:
    """Whatever the tempo does: counted from start or song position, each tick is at its place."""
    ticks, tempo_map, now_s = Ticks(), MAP, begins_s
    ticks.follow(now_s, tempo_map, lead_s)
    place: int | None = None
    pointer = 0
    for n, step_s in enumerate(steps_s):
        now_s += step_s
        messages = ticks.due(now_s)
        for message in messages:
            match message.data:
                case (0xF2, low, high):
                    pointer = 6 * (low + 128 * high)
                case (0xFA,):
                    place = 0
                case (0xFB,):
                    place = pointer
                case (0xFC,):
                    place = None
                case (0xF8,) if place is not None:
                    due_s = tempo_map.seconds_at(place / 6) - lead_s
                    assert message.due_s == pytest.approx(due_s, abs=1e-6)
                    place += 1
        if n in changes:
            frame = int(tempo_map.position_at(now_s + max(0.0, lead_s))) + 1
            tempo_map = tempo_map.with_tempo(frame, changes[n])
            ticks.follow(now_s, tempo_map, lead_s)
    assert kinds(ticks.stop(now_s)) == ([STOP] if place is not None else [])
    assert ticks.next_due_s() is None and not ticks.due(now_s + 1)


def test_the_count_in_gives_the_tempo_and_bar_one_the_start() -> None:
    ticks = Ticks()
    ticks.follow(8.0, MAP)  # a bar of count-in
    before = run(ticks, 8.0, 9.97)
    assert kinds(before) == [TICK] * 95
    _, start = ticks.due(9.99)  # some time before the first tick, as the specification asks
    assert start.data == (START,) and start.due_s == pytest.approx(10.0 - 1 / 96)
    assert kinds(ticks.due(10.0)) == [TICK]


def test_turned_on_in_the_midst_it_says_where_the_song_is() -> None:
    ticks = Ticks()
    ticks.follow(10.30, MAP)  # in the third sixteenth
    messages = [message for message in run(ticks, 10.3, 10.5) if message.data != (TICK,)]
    assert [message.data for message in messages] == [(POSITION, 3, 0), (CONTINUE,)]


def test_after_a_long_sleep_no_heap_of_ticks_is_sent() -> None:
    ticks = Ticks()
    ticks.follow(9.0, MAP)
    run(ticks, 9.0, 11.0)
    messages = ticks.due(200.0)
    assert kinds(messages)[0] == STOP and len(messages) < 10
    assert CONTINUE in kinds(messages + ticks.due(200.2))


def test_programs_are_sent_once_and_again_to_who_comes_later() -> None:
    sent: list[tuple[int, ...]] = []
    programs = ProgramChanges(sent.append)
    settings, style = JamSettings(), style_named("piano")
    programs.apply(settings, style)
    programs.apply(settings, style)
    assert sorted(data[0] & 0xF for data in sent) == [1, 2, 3, 9]  # chords, bass, solo, drums
    sent.clear()
    programs.apply(settings.changed(bass_program=38), style)
    assert sent == [(0xC2, 38)]
    programs.forget()
    programs.apply(settings, style)
    assert len(sent) == 5


@pytest.fixture(scope="module")
def jack() -> Iterator[dict[str, str]]:
    with jack_server() as environment:
        yield environment


def test_a_port_gets_the_clock_and_the_instruments(jack: dict[str, str], tmp_path: Path) -> None:
    typed = [(4.0, "style swing"), (5.0, "bpm 100"), (8.0, "clock off"), (8.6, "clock on")]
    options = ["--bpm", "150", "--listen", "1", "--midi-clock", "--midi-programs"]
    jam = run_jam(jack, tmp_path, 11.0, options, typed, 0.4)
    assert jam.status == 0, jam.output
    clock = [(at_s, data[0]) for at_s, data in jam.recording.midi if data[0] >= 0xF0]
    order = [kind for _, kind in clock if kind != TICK]
    assert order == [START, STOP, POSITION, CONTINUE, STOP]
    # From start to stop the ticks are those of the tempo map, 24 a quarter.
    places = [n for n, (_, kind) in enumerate(clock) if kind in (START, STOP)]
    ticks_s = np.array([at_s for at_s, kind in clock[places[0] : places[1]] if kind == TICK])
    tempo_map = tempo_map_of(jam)
    due_s = np.array([tempo_map.seconds_at(n / 6) for n in range(len(ticks_s))])
    late_s = ticks_s - due_s
    assert len(ticks_s) > 150
    assert np.median(np.abs(late_s - np.median(late_s))) < 0.25 * tempo_map.frame_s_at(0)
    # The instruments came before the first note, and the other style's when it began.
    programs = [data for _, data in jam.recording.midi if data[0] & 0xF0 == 0xC0]
    wanted = []
    for name in ("piano", "swing"):
        voices = mix(JamSettings(), style_named(name))
        wanted += [
            bytes([0xC0 | CHANNELS[part], voices[part].program])
            for part in ("chords", "bass", "drums")
        ]
    assert programs[:3] == wanted[:3] and set(wanted) <= set(programs)
    kinds_in_order = [data[0] & 0xF0 for _, data in jam.recording.midi if data[0] < 0xF0]
    assert kinds_in_order[0] == 0xC0
