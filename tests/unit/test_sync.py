"""In time with others: the loop over ticks, MIDI clock, and how the tempo map goes with a beat."""

from __future__ import annotations

import math
import threading

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jam.clock import FakeClock
from jam.messages.sync import LOCKED, LOST, MIDI_CLOCK, WAITING
from jam.music.grid import Meter, TempoMap
from jam.settings import JamSettings
from jam.stage.beat_keeper import BeatKeeper
from jam.sync.beat import BeatLine
from jam.sync.follower import Follower
from jam.sync.loop import TICKS_PER_BEAT, PhaseLoop
from jam.sync.midi_clock import ClockIn, ClockPorts
from tests.support.strategies import tempo_maps

TICK, START, CONTINUE, STOP = (0xF8,), (0xFA,), (0xFB,), (0xFC,)


def tick_s(bpm: float) -> float:
    return 60 / bpm / TICKS_PER_BEAT


def feed(
    loop: PhaseLoop, bpm: float, beats: int, at_s: float = 0.0, sigma_s: float = 0.0, seed: int = 0
) -> float:
    """Ticks of so many beats; returns when the next one would be due."""
    dice = np.random.default_rng(seed)
    for n in range(beats * TICKS_PER_BEAT):
        loop.tick(at_s + n * tick_s(bpm) + float(dice.normal(0, sigma_s)))
    return at_s + beats * TICKS_PER_BEAT * tick_s(bpm)


@given(st.floats(30, 300))
def test_even_ticks_are_met_exactly(bpm: float) -> None:
    loop = PhaseLoop()
    feed(loop, bpm, 4)
    assert loop.locked and loop.lost == 0
    assert math.isclose(loop.period_s, tick_s(bpm), rel_tol=1e-6)
    assert math.isclose(loop.time_of(200), 200 * tick_s(bpm), abs_tol=1e-6)


@given(st.sampled_from([60.0, 120.0, 200.0]), st.integers(0, 50))
@settings(max_examples=20)
def test_jitter_is_averaged(bpm: float, seed: int) -> None:
    loop = PhaseLoop()
    feed(loop, bpm, 16, sigma_s=0.002, seed=seed)
    assert loop.lost == 0
    # Four standard deviations of a line's end through four beats: 2σ/√96.
    assert abs(loop.at_s - loop.count * tick_s(bpm)) < 4 * 2 * 0.002 / math.sqrt(96)


@given(st.sampled_from([60.0, 120.0, 160.0, 200.0]), st.floats(0, 1))
def test_ticks_that_come_in_blocks_are_followed(bpm: float, phase: float) -> None:
    """As through JACK: each is heard at the next multiple of 512 samples, nearly a tick long."""
    loop, block_s, n_ticks = PhaseLoop(), 512 / 48000, 16 * TICKS_PER_BEAT
    for n in range(n_ticks):
        loop.tick(math.ceil(n * tick_s(bpm) / block_s + phase) * block_s)
    assert loop.count == n_ticks - 1
    assert math.isclose(loop.period_s, tick_s(bpm), rel_tol=0.002)


@given(st.floats(40, 250), st.lists(st.integers(100, 400), max_size=8, unique=True))
def test_lost_ticks_are_counted(bpm: float, lost: list[int]) -> None:
    loop = PhaseLoop()
    sparse = [n for n in lost if not any(0 < abs(n - m) < 12 for m in lost)]
    for n in range(500):
        if n not in sparse:
            loop.tick(n * tick_s(bpm))
    assert loop.count == 499
    assert loop.lost == len(sparse)


@given(st.floats(40, 250), st.integers(100, 200), st.integers(1, 6), st.floats(0.0, 0.9))
def test_ticks_that_were_held_up_come_at_once_and_none_is_counted_twice(
    bpm: float, first: int, held: int, rest: float
) -> None:
    """As where the machine stands still: those due meanwhile all come when it goes on."""
    loop = PhaseLoop()
    free_s = (first + held + rest) * tick_s(bpm)
    for n in range(500):
        due_s = n * tick_s(bpm)
        loop.tick(max(due_s, free_s + 1e-5 * (n - first)) if n >= first else due_s)
    assert loop.count == 499
    assert abs(loop.at_s - 499 * tick_s(bpm)) < 0.001


@given(st.floats(40, 250), st.floats(0.5, 2.0))
def test_another_tempo_is_taken_within_a_beat(bpm: float, ratio: float) -> None:
    """Whatever the ratio, halves and doubles included: no tick is taken to be lost for good."""
    other = min(250.0, max(40.0, bpm * ratio))
    loop = PhaseLoop()
    feed(loop, bpm, 8)
    last_s = 8 * TICKS_PER_BEAT * tick_s(bpm) - tick_s(bpm)
    ticks = 2 * TICKS_PER_BEAT
    for n in range(1, ticks + 1):
        loop.tick(last_s + n * tick_s(other))
    assert loop.count == 8 * TICKS_PER_BEAT - 1 + ticks
    assert abs(loop.at_s - last_s - ticks * tick_s(other)) < 0.0015
    assert math.isclose(loop.period_s, tick_s(other), rel_tol=0.01)


def run(clock: ClockIn, bpm: float, ticks: int, at_s: float) -> float:
    for n in range(ticks):
        clock.take(TICK, at_s + n * tick_s(bpm))
    return at_s + ticks * tick_s(bpm)


@pytest.mark.parametrize("first_ticks", [0, 96])
def test_a_start_starts_and_a_stop_stops(first_ticks: int) -> None:
    """Also where the clock has ticked for a while before its first start, as sequencers' do."""
    clock = FakeClock()
    keeper = BeatKeeper(clock, threading.Event())
    wanted: list[bool] = []
    keeper.choose(JamSettings(beat_from=MIDI_CLOCK), wanted.append)
    assert wanted == [True]
    told: list[str] = []
    ticks = [TICK] * 48
    for data in [TICK] * first_ticks + [START] + ticks + [STOP] + ticks + [CONTINUE] + ticks:
        keeper.midi("Sequencer", data, clock.now_s())
        turn = keeper.turn(clock.now_s())
        told += ["start"] * turn.starts + ["stop"] * turn.stops
        if data == TICK:
            clock.advance(tick_s(120))
    assert told == ["start", "stop", "start"]


def test_a_clock_that_was_never_started_has_a_beat_without_a_place() -> None:
    clock = ClockIn()
    assert clock.heard(0.0).state == WAITING
    at_s = run(clock, 120, 48, 0.0)
    heard = clock.heard(at_s)
    assert heard.state == LOCKED and heard.rolls is None
    assert heard.line is not None and not heard.line.placed
    assert heard.line.quarter_bpm == pytest.approx(120)


def test_start_stop_position_and_continue() -> None:
    clock = ClockIn()
    at_s = run(clock, 120, 48, 0.0)
    clock.take(START, at_s - 0.005)
    start_s, at_s = at_s, run(clock, 120, 97, at_s)
    heard = clock.heard(at_s)
    assert heard.rolls and heard.line is not None and heard.line.placed
    assert heard.line.seconds_at(0) == pytest.approx(start_s, abs=1e-4)
    clock.take(STOP, at_s - 0.005)
    at_s = run(clock, 120, 48, at_s)  # many send ticks while they stand
    stopped = clock.heard(at_s)
    assert stopped.rolls is False and stopped.state == LOCKED
    clock.take((0xF2, 32, 1), at_s - 0.006)  # the 160th sixteenth
    clock.take(CONTINUE, at_s - 0.005)
    again_s, at_s = at_s, run(clock, 120, 24, at_s)
    line = clock.heard(at_s).line
    assert line is not None and line.seconds_at(160) == pytest.approx(again_s, abs=1e-4)
    assert line.epoch != heard.line.epoch


def test_continue_goes_on_where_it_stopped() -> None:
    clock = ClockIn()
    clock.take(START, 0.0)
    at_s = run(clock, 120, 60, 0.01)
    clock.take(STOP, at_s)
    clock.take(CONTINUE, at_s + 1.0)
    again_s = at_s + 1.1
    at_s = run(clock, 120, 48, again_s)
    line = clock.heard(at_s).line
    assert line is not None and line.seconds_at(10) == pytest.approx(again_s, abs=2e-3)


def test_a_clock_that_falls_silent_is_lost_and_found() -> None:
    clock = ClockIn()
    clock.take(START, 0.0)
    at_s = run(clock, 120, 96, 0.01)
    assert clock.heard(at_s + 1.0).state == LOST
    assert clock.heard(at_s + 1.0).line is None
    # A cable that was out for two seconds: the beat goes on where it would have been.
    at_s = run(clock, 120, 48, 0.01 + 192 * tick_s(120))
    line = clock.heard(at_s).line
    assert line is not None
    assert line.position_at(0.01 + 240 * tick_s(120)) == pytest.approx(40, abs=0.01)


def test_of_two_clocks_one_is_followed_and_an_echo_none() -> None:
    ports = ClockPorts()
    for n in range(48):
        ports.take("a", TICK, n * 0.02)
        ports.take("b", TICK, n * 0.03)
    assert ports.port == "a"
    ports = ClockPorts()
    ports.sent(0xFA, 1.0)
    ports.take("loop", START, 1.004)
    ports.take("loop", TICK, 1.01)
    assert ports.port == "" and ports.heard(1.1).problem


lines = st.builds(
    BeatLine,
    at_s=st.floats(0, 100),
    frame=st.floats(0, 500),
    frame_s=st.floats(0.06, 0.4),
    placed=st.booleans(),
)


@given(tempo_maps(), lines, st.integers(1, 200))
def test_the_map_meets_the_beat_and_keeps_its_past(
    tempo_map: TempoMap, line: BeatLine, first: int
) -> None:
    before = tempo_map
    follower = Follower()
    for frame in range(first, first + 64, 8):
        tempo_map = follower.follow(tempo_map, line, frame)
        assert [tempo_map.seconds_at(f) for f in range(frame)] == pytest.approx(
            [before.seconds_at(f) for f in range(frame)]
        )
        before = tempo_map
    beats = {tempo_map.meter_at(f).frames_per_beat for f in range(first, first + 80)}
    if not all(40 < 60 / line.frame_s / beat < 220 for beat in beats):  # and a hurry beyond them
        return
    # Where the source is at a frame, a frame is: within what is left alone.
    off = [line.position_at(tempo_map.seconds_at(f)) - f for f in range(first + 64, first + 80)]
    off_s = [(o - off[0]) * line.frame_s for o in off]
    assert max(map(abs, off_s)) < 0.004
    if line.placed:
        assert abs(off[0] - round(off[0])) * line.frame_s < 0.004


@given(lines, st.integers(1, 200), st.sampled_from(["4/4", "3/4", "6/8", "7/8"]))
def test_bar_lines_fall_on_bar_lines(line: BeatLine, first: int, name: str) -> None:
    meter = Meter.parse(name)
    line = BeatLine(line.at_s, line.frame, line.frame_s)
    tempo_map = TempoMap.constant(120, meter, 5.0)
    bpm = 15 / line.frame_s * 4 / meter.frames_per_beat
    if not 31 < bpm < 299:
        return
    follower = Follower()
    for frame in range(first, first + 100, 4):
        tempo_map = follower.follow(tempo_map, line, frame)
    bar = tempo_map.next_bar_frame(first + 100)
    theirs = line.position_at(tempo_map.seconds_at(bar)) / meter.frames_per_bar
    assert theirs == pytest.approx(round(theirs), abs=0.01)
    short = [
        f
        for f in range(first, first + 100)
        if tempo_map.place(f + 1).frame_in_bar == 0
        and tempo_map.place(f).frame_in_bar != meter.frames_per_bar - 1
    ]
    assert len(short) <= 1


def test_a_jump_by_whole_bars_is_no_change() -> None:
    """A sequencer goes round its loop: nothing has to be moved."""
    tempo_map = TempoMap.constant(120, Meter(), 0.0)
    follower = Follower()
    line = BeatLine(0.0, 0.0, 0.125)
    assert follower.follow(tempo_map, line, 20) is tempo_map
    assert follower.follow(tempo_map, BeatLine(4.0, 0.0, 0.125), 40) is tempo_map
    moved = follower.follow(tempo_map, BeatLine(5.5, 0.0, 0.125), 50)
    assert moved.place(60).frame_in_bar == 0


def test_the_count_in_ends_with_the_sources_bar_line() -> None:
    tempo_map = TempoMap.constant(120, Meter(), 10.0)
    line = BeatLine(2.0, 0.03, 0.124)
    moved = Follower().follow(tempo_map, line, -10)
    theirs = line.position_at(moved.seconds_at(0))
    assert theirs == pytest.approx(round(theirs), abs=1e-6)
    assert abs(moved.seconds_at(0) - 10.0) < 0.07
    assert moved.segments[0].start_frame == 0
