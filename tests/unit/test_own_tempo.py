"""The player's own tempo: followed as it is played, and counted in by taps."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.messages.notes import NoteEvent
from jam.messages.sync import PLAYER
from jam.music.grid import Meter, TempoMap, frame_duration_s
from jam.performance.conductor import Conductor
from jam.settings import JamSettings
from jam.sync.count_in import CountIn, beats_of
from jam.sync.listener import FURTHEST, HABIT_S, UNHEARD_S, Listener
from tests.support.examples import examples
from tests.support.strategies import tempo_maps, usual_meters
from tools.support.own_tempo import RHYTHMS, Played, along, errors_s, followed, play

rhythms = st.sampled_from(sorted(RHYTHMS))
BEATS = 48


def mean_error_s(played: Played, tempo_map: TempoMap) -> float:
    return float(np.abs(errors_s(tempo_map, played)[8:]).mean())


@given(st.floats(60, 150), rhythms, st.floats(-0.04, 0.04), st.integers(0, 9))
@examples(12)
def test_a_steady_player_is_met_whatever_the_rhythm(
    bpm: float, rhythm: str, off: float, seed: int
) -> None:
    """Also where the tempo that was set is some per cent off, and notes are missed or stray."""
    played = play(lambda _: bpm, RHYTHMS[rhythm], BEATS, seed)
    tempo_map = followed(played, bpm * (1 + off))
    assert mean_error_s(played, tempo_map) < 0.15 * 60 / bpm
    assert tempo_map.bpm_at(4 * BEATS) == pytest.approx(bpm, rel=0.07)


@given(st.floats(70, 130), st.floats(-0.12, 0.15), rhythms, st.integers(0, 9))
@examples(12)
def test_who_rushes_or_drags_is_followed(bpm: float, change: float, rhythm: str, seed: int) -> None:
    played = play(
        lambda beat: bpm * (1 + change * min(1.0, beat / 40)), RHYTHMS[rhythm], BEATS, seed
    )
    tempo_map = followed(played, bpm)
    assert mean_error_s(played, tempo_map) < 0.2 * 60 / bpm
    assert tempo_map.bpm_at(4 * BEATS) == pytest.approx(bpm * (1 + change), rel=0.08)


@given(st.floats(70, 120), st.sampled_from(["quarters", "eighths", "swung"]), st.integers(0, 9))
@examples(8)
def test_rubato_loses_nobody(bpm: float, rhythm: str, seed: int) -> None:
    """A tempo that swells by 4 % within 16 beats: the beat stays the beat."""
    played = play(
        lambda beat: bpm * (1 + 0.04 * math.sin(beat * math.tau / 16)), RHYTHMS[rhythm], BEATS, seed
    )
    errors = errors_s(followed(played, bpm), played)
    assert np.abs(errors).max() < 0.4 * 60 / bpm


@given(st.floats(-0.02, 0.02), st.integers(0, 9))
@examples(6)
def test_two_who_follow_each_other_do_not_run_away(lead_s: float, seed: int) -> None:
    tempi = along(lead_s, 160, seed)
    assert np.median(tempi[-16:]) == pytest.approx(100, rel=0.15)


@given(tempo_maps(), st.floats(0, 300), st.lists(st.floats(0.0, 5.0), min_size=1, max_size=40))
@examples(25)
def test_whatever_is_played_the_tempo_stays_within_its_limits(
    tempo_map: TempoMap, frame: float, gaps_s: list[float]
) -> None:
    at_s = tempo_map.seconds_at(frame)
    listener = Listener(at_s, tempo_map)
    set_s = listener.line.frame_s
    for gap_s in gaps_s:
        at_s += gap_s
        before = listener.line
        listener.hear(at_s, tempo_map)
        assert set_s / (1 + FURTHEST) * 0.999 < listener.line.frame_s
        assert listener.line.frame_s < set_s / (1 - FURTHEST) * 1.001
        # Place and tempo go on: nothing jumps by a beat.
        assert abs(listener.line.position_at(at_s) - before.position_at(at_s)) < 1.0


def test_a_session_goes_with_what_is_played_and_has_no_click() -> None:
    settings = JamSettings(bpm=100, beat_from=PLAYER, listen_bars=1, metronome=True)
    conductor = Conductor(settings, 10.0)
    listener = Listener(10.0, conductor.tempo_map)
    for n in range(64):
        at_s = 10.0 + n * 60 / 108
        listener.hear(at_s, conductor.tempo_map)
        conductor.play(NoteEvent(n, 60, 90, at_s))
        conductor.follow(listener.line, at_s + 0.01)
        conductor.advance(at_s + 0.02)
        assert not conductor.clicks(at_s + 0.02)
    assert conductor.tempo_map.bpm_at(240) == pytest.approx(108, rel=0.02)
    assert abs(conductor.tempo_map.seconds_at(240) - 10.0 - 60 * 60 / 108) < HABIT_S + UNHEARD_S
    with_click = replace(settings, beat_from="own")
    assert Conductor(with_click, 10.0).clicks(10.0)
    assert Conductor(settings, 10.0).clicks(9.0)  # the count-in is heard


@given(st.floats(40, 240), usual_meters, st.floats(0, 100), st.integers(0, 99))
def test_a_count_in_sets_the_tempo_and_the_first_beat(
    bpm: float, meter: Meter, at_s: float, seed: int
) -> None:
    dice = np.random.default_rng(seed)
    beat_s, count_in = 60 / bpm, CountIn()
    taps_s = [at_s + n * beat_s + float(dice.normal(0, 0.01)) for n in range(beats_of(meter))]
    counted = [count_in.tap(tap_s, meter) for tap_s in taps_s]
    assert counted[:-1] == [None] * (len(taps_s) - 1)
    last = counted[-1]
    assert last is not None
    assert last.bpm == pytest.approx(bpm, rel=0.08 if bpm < 150 else 0.2)
    assert last.start_s == pytest.approx(at_s + len(taps_s) * beat_s, abs=0.06)
    assert count_in.count == 0


def test_a_count_in_that_is_broken_off_begins_anew() -> None:
    count_in, meter = CountIn(), Meter()
    for at_s in (0.0, 0.5, 1.0, 3.5, 4.0, 4.5):
        assert count_in.tap(at_s, meter) is None
    counted = count_in.tap(5.0, meter)
    assert counted is not None and counted.bpm == 120 and counted.start_s == pytest.approx(5.5)
    assert count_in.tap(6.0, meter) is None and count_in.tap(6.01, meter) is None
    assert count_in.count == 1
    assert frame_duration_s(counted.bpm, meter) == pytest.approx(0.125)
