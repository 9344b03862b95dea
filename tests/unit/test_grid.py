"""Metre and tempo: conversions are exact inverses in every metre, through every change."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.grid import (
    METERS,
    Meter,
    TempoMap,
    check_bpm,
    counted_meter,
    frame_duration_s,
    quarter_bpm,
)
from tests.support.strategies import all_meters, bpms, tempo_maps, usual_meters

frames = st.integers(-64, 1500)


@pytest.mark.parametrize(
    ("text", "beats", "frames_per_beat", "frames_per_bar"),
    [
        ("4/4", 4, 4, 16),
        ("3/4", 3, 4, 12),
        ("2/4", 2, 4, 8),
        ("5/4", 5, 4, 20),
        ("7/8", 7, 2, 14),
        ("6/8", 2, 6, 12),
        ("9/8", 3, 6, 18),
        ("12/8", 4, 6, 24),
        ("2/2", 2, 8, 16),
        ("3/8", 3, 2, 6),
    ],
)
def test_meters_count_as_players_do(
    text: str, beats: int, frames_per_beat: int, frames_per_bar: int
) -> None:
    meter = Meter.parse(text)
    assert (meter.beats_per_bar, meter.frames_per_beat) == (beats, frames_per_beat)
    assert meter.frames_per_bar == frames_per_bar
    assert str(meter) == text


@pytest.mark.parametrize(
    "text", ["", "4", "4/", "/4", "4/4/4", "0/4", "-3/4", "4/3", "4/0", "7/16", "17/4", "x/4"]
)
def test_meters_that_cannot_be_counted(text: str) -> None:
    with pytest.raises(BadInput, match="metre"):
        Meter.parse(text)


def test_every_meter_on_offer_is_known() -> None:
    assert [str(Meter.parse(text)) for text in METERS] == list(METERS)


@given(all_meters)
def test_stress(meter: Meter) -> None:
    strengths = [meter.strength(frame) for frame in range(meter.frames_per_bar)]
    assert strengths[0] == 3 and strengths.count(3) == 1
    assert sum(meter.groups) == meter.beats_per_bar
    assert sum(strength >= 1 for strength in strengths) == meter.beats_per_bar
    assert sum(strength >= 2 for strength in strengths) == len(meter.groups)


@pytest.mark.parametrize("bpm", [29.99, 300.01, 0.0, -1.0, math.nan, math.inf])
def test_tempo_out_of_range(bpm: float) -> None:
    with pytest.raises(BadInput, match="between 30 and 300"):
        check_bpm(bpm)


@given(bpms, all_meters)
def test_a_beat_lasts_what_the_tempo_says(bpm: float, meter: Meter) -> None:
    assert math.isclose(frame_duration_s(bpm, meter) * meter.frames_per_beat * bpm, 60)
    # Four frames are a quarter note in every metre.
    assert math.isclose(4 * frame_duration_s(bpm, meter) * quarter_bpm(bpm, meter), 60)


@given(tempo_maps(), frames)
def test_frames_to_seconds_and_back(tempo_map: TempoMap, frame: int) -> None:
    at_s = tempo_map.seconds_at(frame)
    assert math.isclose(tempo_map.position_at(at_s), frame, abs_tol=1e-6)
    assert tempo_map.nearest_frame(at_s) == frame


@given(tempo_maps(), st.floats(-60, 300))
def test_seconds_to_frames_and_back(tempo_map: TempoMap, after_s: float) -> None:
    at_s = tempo_map.segments[0].start_s + after_s
    assert math.isclose(tempo_map.seconds_at(tempo_map.position_at(at_s)), at_s, abs_tol=1e-8)


@given(tempo_maps(), st.floats(-64, 1500), st.floats(0, 100))
def test_time_only_goes_forward(tempo_map: TempoMap, position: float, ahead: float) -> None:
    earlier, later = tempo_map.seconds_at(position), tempo_map.seconds_at(position + ahead)
    assert earlier <= later
    assert tempo_map.position_at(earlier) <= tempo_map.position_at(later)


@given(tempo_maps(), frames)
def test_neighbouring_frames_are_a_frame_apart(tempo_map: TempoMap, frame: int) -> None:
    length_s = tempo_map.seconds_at(frame + 1) - tempo_map.seconds_at(frame)
    assert math.isclose(length_s, tempo_map.frame_s_at(frame), abs_tol=1e-9)


@given(tempo_maps(), frames)
def test_bars_follow_one_another(tempo_map: TempoMap, frame: int) -> None:
    here, there = tempo_map.place(frame), tempo_map.place(frame + 1)
    assert 0 <= here.frame_in_bar < here.meter.frames_per_bar
    assert here.meter == tempo_map.meter_at(frame)
    if there.frame_in_bar:
        assert (there.bar, there.frame_in_bar) == (here.bar, here.frame_in_bar + 1)
        assert there.meter == here.meter
    else:
        assert there.bar == here.bar + 1
        # A bar is cut short only where the metre changes.
        whole = here.frame_in_bar == here.meter.frames_per_bar - 1
        assert whole or there.meter != here.meter


@given(tempo_maps(), st.integers(0, 1500))
def test_bars_to_frames_and_back(tempo_map: TempoMap, frame: int) -> None:
    place = tempo_map.place(frame)
    line = tempo_map.bar_start(place.bar)
    assert line == frame - place.frame_in_bar
    assert tempo_map.place(line).frame_in_bar == 0


@given(tempo_maps(), st.integers(0, 1500), st.integers(0, 400), st.floats(0, 300))
def test_what_is_left_of_a_map_tells_the_same(
    tempo_map: TempoMap, first: int, ahead: int, later_s: float
) -> None:
    rest, frame = tempo_map.since(first), first + ahead
    assert len(rest.segments) <= len(tempo_map.segments)
    assert rest.place(frame) == tempo_map.place(frame)
    assert rest.seconds_at(frame) == tempo_map.seconds_at(frame)
    assert rest.bpm_at(frame) == tempo_map.bpm_at(frame)
    assert rest.next_bar_frame(frame) == tempo_map.next_bar_frame(frame)
    at_s = tempo_map.seconds_at(first) + later_s
    assert rest.position_at(at_s) == tempo_map.position_at(at_s)
    bar = tempo_map.place(frame).bar
    if (start := tempo_map.bar_start(bar)) >= first:
        assert rest.bar_start(bar) == start


@given(tempo_maps(), st.integers(0, 1500))
def test_next_bar_line(tempo_map: TempoMap, frame: int) -> None:
    line = tempo_map.next_bar_frame(frame)
    assert line >= frame
    assert tempo_map.place(line).frame_in_bar == 0
    assert all(tempo_map.place(f).frame_in_bar for f in range(frame, line))


def test_frame_0_is_the_first_bar_line() -> None:
    place = TempoMap.constant(120, Meter(6, 8), start_s=7.0).place(0)
    assert (place.bar, place.frame_in_bar, place.beat, place.strength) == (0, 0, 0, 3)


@given(tempo_maps(), st.integers(1, 1500), bpms, st.integers(-64, 1500))
def test_a_new_tempo_leaves_the_past_and_the_bar_lines_alone(
    tempo_map: TempoMap, frame: int, bpm: float, other: int
) -> None:
    changed = tempo_map.with_tempo(frame, bpm)
    assert changed.bpm_at(frame) == bpm
    assert math.isclose(changed.seconds_at(frame), tempo_map.seconds_at(frame))
    if other < frame:
        assert changed.seconds_at(other) == tempo_map.seconds_at(other)
    if other < frame or frame >= tempo_map.segments[-1].start_frame:
        assert changed.place(other) == tempo_map.place(other)


@given(tempo_maps(), st.integers(1, 1500), all_meters, st.integers(-64, 1500))
def test_a_new_meter_begins_a_bar_and_leaves_the_past_alone(
    tempo_map: TempoMap, frame: int, meter: Meter, other: int
) -> None:
    assume(meter != tempo_map.meter_at(frame))
    changed = tempo_map.with_meter(frame, meter)
    place = changed.place(frame)
    assert (place.meter, place.frame_in_bar) == (meter, 0)
    assert changed.bpm_at(frame) == tempo_map.bpm_at(frame)
    if other < frame:
        assert changed.seconds_at(other) == tempo_map.seconds_at(other)
        assert changed.place(other) == tempo_map.place(other)


@given(usual_meters, usual_meters, bpms, st.integers(1, 8))
def test_a_change_of_meter_on_a_bar_line_counts_on(
    old: Meter, new: Meter, bpm: float, bars: int
) -> None:
    tempo_map = TempoMap.constant(bpm, old).with_meter(bars * old.frames_per_bar, new)
    assert tempo_map.place(bars * old.frames_per_bar).bar == bars
    assert tempo_map.bar_start(bars + 2) == bars * old.frames_per_bar + 2 * new.frames_per_bar


def test_a_tempo_map_must_hold_something() -> None:
    with pytest.raises(ValueError, match="segment"):
        TempoMap(())


@pytest.mark.parametrize(
    ("numerator", "denominator", "counted"),
    [
        (4, 4, "4/4"),
        (2, 1, "4/2"),
        (12, 16, "6/8"),
        (7, 16, "7/8"),
        (6, 32, "3/8"),
        (99, 4, "11/4"),
        (97, 2, "1/2"),
        (0, 4, "4/4"),
        (4, 3, "4/4"),
        (10**6, 8, "4/4"),
    ],
)
def test_metres_are_counted_in_other_units(numerator: int, denominator: int, counted: str) -> None:
    assert str(counted_meter(numerator, denominator)) == counted
