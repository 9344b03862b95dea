"""What the piano roll shows, as numbers: content, plans as they were, views."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.errors import BadInput
from jam.messages.notes import SOURCES
from jam.messages.snapshot import SongChange
from jam.music.grid import Meter, TempoMap
from jam.music.song import symbol_at
from jam.sessions.excerpt import Excerpt
from jam.sessions.session import LIVE_TAKE, Moment, Session
from jam.sessions.takes import as_song
from jam.settings import JamSettings
from tools.support.session_parts import made_session, played_tune, waltz
from ui.common.geometry import Size
from ui.common.text import BAND_COMES_IN, position_text
from ui.review.content import (
    OUTCOME,
    SONG_LET_GO,
    Content,
    content_of,
    plan_at,
    plan_view,
    sources_of,
)
from ui.review.roll_scene import (
    MAX_PX_PER_S,
    RollView,
    Strip,
    areas_of,
    flags,
    following,
    pitch_row,
    plan_scene,
    roll_scene,
    snapped,
    step,
    within,
    zoomed,
)

SIZE = Size(900, 430)


@cache
def session() -> Session:
    return made_session()


@cache
def content() -> Content:
    return content_of(Excerpt(session(), LIVE_TAKE))


def test_every_note_of_every_part_is_there_in_seconds() -> None:
    shown = content()
    take = session().takes[0].take
    assert sum(n.part == "player" for n in shown.notes) == len(take.parts["player"]) == 48
    assert {n.part for n in shown.notes} == set(take.parts) - {"drums"}
    first = min((n for n in shown.notes if n.part == "player"), key=lambda n: n.start_s)
    assert abs(first.start_s - 0.013) < 1e-9 and first.pitch == 60
    assert [n.start_s for n in shown.notes] == sorted(n.start_s for n in shown.notes)
    assert shown.start_s == 0.0 and shown.end_s == session().info.length_s
    assert shown.low_pitch < min(n.pitch for n in shown.notes)


def test_chords_are_blocks_without_gaps_where_they_go_on() -> None:
    shown, rows = content(), session().rows
    at = session().tempo_map.position_at
    for block in shown.chords:
        for frame in range(round(at(block.start_s)), round(at(block.end_s))):
            chord = rows[frame].chord.chord
            assert chord is not None
            assert block.symbol.replace("♭", "b").replace("♯", "#") == chord.symbol


def test_beats_follow_the_metre_and_changes_are_told() -> None:
    tempo_map = TempoMap.constant(120, Meter(4, 4)).with_meter(32, Meter(3, 4)).with_tempo(56, 90)
    made = made_session(tempo_map=tempo_map)
    shown = content_of(Excerpt(made, LIVE_TAKE))
    bars = [beat for beat in shown.beats if beat.strength == 3]
    assert [round(b.at_s, 6) for b in bars[:4]] == [0.0, 2.0, 4.0, 5.5]
    assert [section.label for section in shown.sections] == [BAND_COMES_IN, "3/4", "90 bpm"]
    swing = replace(made.settings[0][1], accompaniment="swing")
    other = replace(made, settings=(*made.settings, (9.0, swing)))
    assert content_of(Excerpt(other, LIVE_TAKE)).sections[-1].label == "Swing"


# The plan as it was


def test_the_plan_shown_is_the_plan_that_was_recorded() -> None:
    made = session()
    for index, record in enumerate(made.plans):
        assert plan_at(made, record.at_s) == index
        shown, plan = plan_view(made, index), record.plan
        at = made.tempo_map.seconds_at
        assert (shown.start_s, shown.end_s) == (at(plan.start_frame), at(plan.end_frame))
        for i, state in enumerate(plan.chords):
            middle_s = at(plan.start_frame + i + 0.5)
            there = [c for c in shown.chords if c.start_s <= middle_s < c.end_s]
            assert len(there) == (state.chord is not None)
            for chord in there:
                assert chord.committed == (plan.start_frame + i < plan.committed_until_frame)
        for i, heard in enumerate(plan.expected_melody):
            middle_s = at(plan.start_frame + i + 0.5)
            notes = [n.pitch for n in shown.melody if n.start_s <= middle_s < n.end_s]
            assert notes == ([] if heard.pitch is None else [heard.pitch])
    assert plan_at(made, -10.0) is None


def test_what_is_committed_came_true_and_what_came_is_told() -> None:
    made = session()
    later = [plan_view(made, i) for i in range(40, len(made.plans) - 20)]
    committed = [c for plan in later for c in plan.chords if c.committed]
    assert committed and all(c.came for c in committed)
    assert any(note.came is False for plan in later for note in plan.melody)
    assert re.search(OUTCOME.format(r"\d+ %", r"\d+ %"), later[0].words)
    last = plan_view(made, len(made.plans) - 1)
    assert all(chord.came is None for chord in last.chords if chord.start_s >= made.info.length_s)


# The scene


def test_notes_lie_in_their_rows_at_their_times() -> None:
    areas, view = areas_of(SIZE), RollView(4.0, 100.0)
    scene = roll_scene(content(), view, areas)
    assert scene.notes
    for bar in scene.notes:
        assert areas.notes.y <= bar.rect.y and bar.rect.bottom <= areas.notes.bottom + 1e-6
    c5 = next(n for n in content().notes if n.part == "player" and 5 < n.start_s < 6)
    row = pitch_row(areas, content(), c5.pitch)
    x = areas.notes.x + (c5.start_s - 4.0) * 100
    assert any(abs(b.rect.x - x) < 1e-6 and row.y <= b.rect.y < row.bottom for b in scene.notes)
    labels = [line.label for line in scene.lines if line.label]
    assert labels[:3] == ["3", "4", "5"]  # at 120, a bar lasts two seconds
    assert len(scene.blocks) == sum(c.end_s >= 2.6 and c.start_s <= 12.6 for c in content().chords)


def test_far_out_only_some_bars_are_numbered_and_beats_are_left_out() -> None:
    areas = areas_of(SIZE)
    scene = roll_scene(content(), RollView(0.0, 5.0), areas)
    assert {line.strength for line in scene.lines} == {3}
    numbers = [int(line.label) for line in scene.lines if line.label]
    assert len(numbers) < len(scene.lines) and numbers[0] == 1
    xs = [line.x for line in scene.lines if line.label]
    assert all(b - a >= 38 for a, b in pairwise(xs))


def test_the_plan_lies_under_the_chords_that_came() -> None:
    made, areas, view = session(), areas_of(SIZE), RollView(8.0, 100.0)
    index = plan_at(made, 10.0)
    assert index is not None
    plan = plan_scene(plan_view(made, index), content(), view, areas)
    assert plan.blocks and plan.melody
    assert all(areas.plan.y <= b.rect.y and b.rect.bottom <= areas.plan.bottom for b in plan.blocks)
    assert view.x(10.0, areas.notes.x) < plan.committed_x < plan.end_x


def test_a_lane_that_is_not_wanted_leaves_its_room_to_the_notes() -> None:
    without = areas_of(SIZE, drums=False, plan=False)
    assert without.plan.height == without.drums.height == 0
    assert without.notes.height > areas_of(SIZE).notes.height
    assert areas_of(Size(10, 10)).notes.height >= 20
    large = areas_of(SIZE, text_scale=2.0)
    assert large.chords.height > areas_of(SIZE).chords.height
    assert large.notes.height > SIZE.height / 3


def test_flags_in_sight() -> None:
    areas = areas_of(SIZE)
    moments = (Moment(1.0, "good"), Moment(5.0, "bad"), Moment(500.0, "marker", "end"))
    placed = flags(moments, RollView(4.0, 100.0), areas)
    assert [(flag.kind, flag.x) for flag in placed] == [("bad", areas.ruler.x + 100)]


VIEWS = st.builds(RollView, st.floats(-100, 200), st.floats(4, 600))
TIMES = st.floats(-5, 40)


@given(VIEWS, st.floats(0.5, 2.0), TIMES)
def test_zooming_keeps_the_time_in_place_and_the_view_in_bounds(
    view: RollView, factor: float, at_s: float
) -> None:
    width = 850.0
    view = within(view, content(), width)
    new = zoomed(view, content(), width, factor, at_s)
    assert new.px_per_s <= MAX_PX_PER_S
    assert within(new, content(), width) == new
    assert abs(new.from_s * new.px_per_s - round(new.from_s * new.px_per_s)) < 1e-6
    inside = content().start_s < new.from_s < content().end_s - width / new.px_per_s
    if inside:  # not held back at an edge
        assert abs(new.x(at_s, 0) - view.x(at_s, 0)) <= 0.5 + 1e-6


@given(VIEWS, st.floats(0, 24))
def test_what_is_followed_is_in_sight(view: RollView, position_s: float) -> None:
    new = following(within(view, content(), 850), content(), 850, position_s)
    assert -1 <= new.x(position_s, 0) <= 850 + 1
    assert following(new, content(), 850, position_s) == new


def test_steps_and_snapping_go_from_beat_to_beat() -> None:
    beats = content().beats
    assert snapped(beats, 1.2) == 1.0 and snapped(beats, 1.3) == 1.5
    assert step(beats, 1.2, 1) == 1.5 and step(beats, 1.2, -1) == 1.0
    assert step(beats, 1.0, 1) == 1.5 and step(beats, 1.0, -1) == 0.5
    assert step(beats, 3.0, 1, True) == 4.0 and step(beats, 3.0, -1, True) == 2.0
    assert step(beats, 0.0, -1) == 0.0
    assert snapped((), 1.2) == 1.2


def test_the_overview_shows_all_of_it() -> None:
    area = areas_of(SIZE).overview
    strip = Strip.of(content(), area)
    assert strip.x(content().start_s) == area.x and abs(strip.x(content().end_s) - 900) < 1e-6
    assert abs(strip.seconds(strip.x(7.0)) - 7.0) < 1e-9


def test_other_metres_and_short_sessions_have_their_picture_too() -> None:
    short = made_session(played_tune(1), JamSettings(bpm=60.0))
    for made in (waltz(), short):
        shown = content_of(Excerpt(made, LIVE_TAKE))
        scene = roll_scene(shown, RollView(), areas_of(SIZE))
        assert scene.notes and scene.lines


def test_chords_say_who_said_them_and_songs_are_sections() -> None:
    chart = read_text("title: Ours\n| C | F |").song
    said = replace(
        session(),
        sources=((0, "song"), (32, "agent"), (64, "hand")),
        songs=(SongChange(1.0, chart), SongChange(4.0, None)),
    )
    shown = content_of(Excerpt(said, LIVE_TAKE))
    at = said.tempo_map.seconds_at
    for block in shown.chords:
        frame = said.tempo_map.position_at(block.start_s + 1e-6)
        expected = "song" if frame < 32 else "agent" if frame < 64 else "hand"
        assert block.source == expected, block
    assert sources_of(shown) == tuple(
        source for source in SOURCES if any(b.source == source for b in shown.chords)
    )
    labels = {section.at_s: section.label for section in shown.sections}
    assert labels[1.0] == "Ours" and labels[4.0] == SONG_LET_GO
    assert at(0) == 0.0


def test_a_take_becomes_a_song() -> None:
    whole = session()
    song = as_song(whole, whole.takes[0])
    chords = whole.takes[0].take.chords
    first = next(f for f, state in enumerate(chords) if state.chord)
    first_bar = whole.tempo_map.place(first).bar
    for bar in range(len(song.bars)):
        start = whole.tempo_map.bar_start(first_bar + bar)
        for frame in range(16):
            symbol = symbol_at(song, bar, frame)
            state = chords[start + frame]
            assert (symbol.chord if symbol else None) == state.chord
    silent = replace(
        whole, takes=(replace(whole.takes[0], take=replace(whole.takes[0].take, chords=())),)
    )
    with pytest.raises(BadInput):
        as_song(silent, silent.takes[0])


def test_a_place_beyond_the_first_hour_is_told_in_hours() -> None:
    tempo_map = TempoMap.constant(60.0, Meter())
    assert position_text(tempo_map, 21604.05, 43200.0) == "bar 5402.1   6:00:04.0 / 12:00:00"
    assert position_text(tempo_map, 64.25, 80.0) == "bar 17.1   1:04.2 / 1:20"
