"""The scene as numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.messages.notes import ChordSpan, ExpectedNote, PlannedNote, PlayedNote
from jam.messages.snapshot import Snapshot
from jam.messages.voice import VoiceState
from jam.music.grid import Meter, TempoMap
from jam.settings import JamSettings
from tests.support.strategies import tempo_maps, usual_meters
from tests.support.ui_fake import jam_snapshot, stopped_snapshot
from ui.common.geometry import KEY_RANGES, Size, beat_frames, is_black
from ui.common.text import pretty_symbol
from ui.jam_page.layout import Layout, layout
from ui.jam_page.scene import EXPECTED, FAINT, LineKind, View, plan_opacity, waterfall_scene

SIZE = Size(1280, 600)
VIEW = View()
FRAME_S = 0.15  # at 100 beats a minute

sizes = st.builds(Size, st.integers(320, 4000), st.integers(160, 2500))
key_ranges = st.sampled_from(list(KEY_RANGES.values()))


def running(position: float = 0.0, **values: object) -> tuple[Snapshot, float]:
    """A running snapshot with nothing in it but what is given, and the time of a position."""
    tempo_map = TempoMap.constant(100, Meter())
    empty = replace(stopped_snapshot(), running=True, phase="playing", tempo_map=tempo_map)
    empty = replace(
        empty,
        settings=replace(empty.settings, lookahead_beats=4, commit_beats=2),
        committed_until_frame=int(position) + 9,
        plan_end_frame=int(position) + 17,
    )
    return replace(empty, **values), tempo_map.seconds_at(position)  # type: ignore[arg-type]


@given(sizes, key_ranges)
def test_layout_fills_the_widget(size: Size, keys: tuple[int, int]) -> None:
    areas = layout(size, *keys)
    assert areas.lane.right == areas.fall.x == areas.piano.x == areas.past.x
    assert areas.fall.bottom == areas.piano.y
    assert areas.piano.bottom == areas.past.y
    assert areas.past.bottom == size.height
    assert areas.fall.right == size.width
    assert len(areas.keys) == keys[1] - keys[0] + 1
    assert areas.keys[0].box.x == pytest.approx(areas.piano.x)
    assert areas.keys[-1].box.right == pytest.approx(areas.piano.right)


@given(key_ranges, st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_every_point_of_the_piano_is_one_key(keys: tuple[int, int], x: float, y: float) -> None:
    areas = layout(Size(1300, 700), *keys)
    point = areas.piano.x + x * areas.piano.width, areas.piano.y + y * areas.piano.height
    hits = [k.pitch for k in areas.keys if any(p.contains(*point) for p in k.parts)]
    assert len(hits) == 1
    assert areas.pitch_at(*point) == hits[0]


def test_a_range_must_end_on_white_keys() -> None:
    with pytest.raises(ValueError, match="white"):
        layout(SIZE, 22, 108)
    assert all(not is_black(p) for keys in KEY_RANGES.values() for p in keys)


def test_a_note_touches_the_piano_when_it_sounds() -> None:
    note = PlannedNote(1, 60, 80, 8, 12, "chords", True)
    snapshot, at_s = running(8.0, planned=(note,))
    (shape,) = waterfall_scene(snapshot, at_s, VIEW, SIZE).notes
    fall = layout(SIZE, 21, 108).fall
    assert shape.rect.bottom == pytest.approx(fall.bottom)
    assert shape.sounding
    before = waterfall_scene(snapshot, at_s - 4 * FRAME_S, VIEW, SIZE).notes[0]
    # 4.5 beats of 4 frames fill the fall; four frames are one beat.
    assert before.rect.bottom == pytest.approx(fall.bottom - fall.height * 4 / 18)
    assert not before.sounding


@given(st.integers(-16, 400), st.floats(0, 0.9))
def test_notes_fall_steadily(frame: int, part: float) -> None:
    """In half a frame every note of the fall moves down by half a frame's height."""
    snapshot = jam_snapshot(frame + part)
    at_s = snapshot.tempo_map.seconds_at(frame + part)
    one = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    two = waterfall_scene(snapshot, at_s + FRAME_S / 2, VIEW, SIZE)
    step = one.layout.fall.height / 18 / 2
    for a in one.notes:
        if a.player or a.rect.bottom > one.layout.fall.bottom - step - 1e-6 or a.rect.y <= 0:
            continue
        assert any(
            b.pitch == a.pitch and b.rect.bottom == pytest.approx(a.rect.bottom + step)
            for b in two.notes
        )


@given(st.floats(-20, 500), usual_meters, sizes, key_ranges)
def test_everything_stays_in_its_area(
    position: float, meter: Meter, size: Size, keys: tuple[int, int]
) -> None:
    snapshot = jam_snapshot(position, JamSettings(meter=meter))
    at_s = snapshot.tempo_map.seconds_at(position)
    scene = waterfall_scene(snapshot, at_s, View(*keys), size)
    areas = scene.layout
    for note in scene.notes:
        key = areas.key(note.pitch)
        assert key is not None
        assert key.box.x <= note.rect.x <= note.rect.right <= key.box.right + 1e-6
        assert 0 <= note.opacity <= 1
        assert note.rect.height > 0
        in_fall = note.rect.bottom <= areas.fall.bottom + 1e-6
        in_past = (
            note.rect.y >= areas.past.y - 1e-6 and note.rect.bottom <= areas.past.bottom + 1e-6
        )
        assert in_fall or in_past
        assert note.part == EXPECTED or not (note.player and in_fall and not in_past)
    for chord in scene.chords:
        assert chord.rect.bottom <= areas.lane.bottom + 1e-6
    for line in scene.lines:
        assert areas.fall.y - 1e-6 <= line.y <= areas.fall.bottom + 1e-6


def test_committed_is_solid_and_the_rest_fainter_the_less_likely() -> None:
    assert plan_opacity(True, 0.1) == 1.0
    assert 0 < plan_opacity(False, 0.0) < plan_opacity(False, 0.5) < plan_opacity(False, 1.0) < 1
    notes = (
        PlannedNote(1, 60, 80, 4, 7, "chords", True),
        PlannedNote(2, 64, 80, 8, 12, "chords", False, 0.9),
        PlannedNote(3, 67, 80, 8, 12, "chords", False, 0.2),
    )
    snapshot, at_s = running(0.0, planned=notes)
    opacity = {n.pitch: n.opacity for n in waterfall_scene(snapshot, at_s, VIEW, SIZE).notes}
    assert opacity[60] == 1.0 > opacity[64] > opacity[67]


@given(st.floats(0, 100))
def test_what_is_committed_is_solid_up_to_the_commit_point(position: float) -> None:
    start = int(position) + 2
    note = PlannedNote(1, 60, 80, start, start + 40, "chords", True, 0.5)
    snapshot, at_s = running(position, planned=(note,))
    scene = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    fall = scene.layout.fall
    whole, certain = scene.notes
    assert (whole.committed, certain.committed) == (False, True)
    assert whole.rect.bottom == certain.rect.bottom
    # Two and four of the 4.5 beats: the ends of what is drawn stand still.
    assert certain.rect.y == pytest.approx(fall.bottom - fall.height * 2 / 4.5 + 1.5)
    assert whole.rect.y == pytest.approx(fall.bottom - fall.height * 4 / 4.5 + 1.5)
    (line,) = [s for s in scene.lines if s.kind is LineKind.COMMIT]
    assert line.y == pytest.approx(certain.rect.y - 1.5)


@given(st.floats(0, 100), st.integers(0, 8), st.integers(0, 16), st.integers(1, 40))
def test_nothing_is_solid_that_is_not_committed(
    position: float, committed: int, start: int, length: int
) -> None:
    """Whatever the engine has committed, however late it is."""
    until = int(position) + committed
    first = int(position) + start
    note = PlannedNote(1, 60, 80, first, first + length, "chords", first < until, 0.5)
    span = ChordSpan("C", first, first + length, note.committed, 0.5)
    snapshot, at_s = running(position, planned=(note,), chords=(span,), committed_until_frame=until)
    scene = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    fall = scene.layout.fall
    line = fall.bottom - (until - position) / 18 * fall.height
    solid = [n.rect for n in scene.notes if n.committed and n.rect.y < fall.bottom]
    solid += [c.rect for c in scene.chords if c.committed]
    assert all(rect.y >= line - 1e-6 for rect in solid)
    assert len([c for c in scene.chords if c.text]) <= 1


def test_the_player_is_drawn_below_and_lights_the_key() -> None:
    held = PlayedNote(1, 72, 90, 4 * FRAME_S)
    snapshot, at_s = running(8.0, played=(held,))
    scene = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    (shape,) = scene.notes
    assert shape.player
    assert shape.rect.y == pytest.approx(scene.layout.past.y)
    # Four of the 32 frames that the past holds.
    assert shape.rect.height == pytest.approx(scene.layout.past.height * 4 / 32)
    assert [(k.pitch, k.player, k.agent) for k in scene.lit] == [(72, True, False)]
    released = replace(held, end_s=at_s)
    later = waterfall_scene(replace(snapshot, played=(released,)), at_s + 0.3, VIEW, SIZE)
    assert later.lit == ()
    assert later.notes[0].rect.y == pytest.approx(
        scene.layout.past.y + scene.layout.past.height * 2 / 32
    )


def test_a_very_short_note_is_lit_long_enough_to_be_seen() -> None:
    note = PlayedNote(1, 72, 90, 1.0, 1.002)
    snapshot, _ = running(0.0, played=(note,))
    assert waterfall_scene(snapshot, 1.05, VIEW, SIZE).lit
    assert not waterfall_scene(snapshot, 1.2, VIEW, SIZE).lit


def test_both_on_one_key() -> None:
    snapshot, at_s = running(
        1.0,
        planned=(PlannedNote(1, 60, 80, 0, 4, "chords", True),),
        played=(PlayedNote(1, 60, 90, 0.0),),
    )
    (lit,) = waterfall_scene(snapshot, at_s, VIEW, SIZE).lit
    assert (lit.player, lit.agent) == (True, True)


def test_drums_and_clicks_are_no_piano_keys() -> None:
    notes = tuple(
        PlannedNote(i, 60, 80, 0, 4, part, True) for i, part in enumerate(("drums", "metronome"))
    )
    snapshot, at_s = running(1.0, planned=notes)
    scene = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    assert scene.notes == ()
    assert scene.lit == ()


@given(tempo_maps(), st.floats(-50, 900), st.integers(0, 200))
def test_beat_lines_are_the_beats(tempo_map: TempoMap, first: float, length: int) -> None:
    last = first + length
    expected = [
        (frame, tempo_map.place(frame).strength, tempo_map.place(frame).bar)
        for frame in range(int(first) - 2, int(last) + 3)
        if first <= frame <= last
        and tempo_map.place(frame).frame_in_bar % tempo_map.place(frame).meter.frames_per_beat == 0
    ]
    assert beat_frames(tempo_map, first, last) == expected


def test_bar_lines_carry_the_bar_s_number() -> None:
    snapshot, at_s = running(30.0)
    lines = waterfall_scene(snapshot, at_s, VIEW, SIZE).lines
    assert [line.label for line in lines if line.kind is LineKind.BAR] == ["3", "4"]
    assert sum(line.kind is LineKind.GROUP for line in lines) == 1
    assert sum(line.kind is LineKind.BEAT for line in lines) == 2


def chords_at(position: float, *spans: ChordSpan) -> tuple[Snapshot, float]:
    return running(position, chords=spans, listen_until_frame=0, plan_end_frame=64)


def test_the_panel_says_what_sounds_and_what_comes() -> None:
    spans = (ChordSpan("C", 0, 8, True), ChordSpan("Am7", 8, 16, False, 0.5))
    panels = [
        waterfall_scene(*chords_at(position, *spans), VIEW, SIZE).now
        for position in (0.0, 4.0, 7.9)
    ]
    assert {p.chord for p in panels} == {"C"}
    assert {p.next_chord for p in panels} == {"Am7"}
    assert [p.count_down for p in panels] == ["2", "1", "1"]
    assert not panels[0].next_committed
    last = waterfall_scene(*chords_at(9.0, *spans), VIEW, SIZE).now
    assert (last.chord, last.next_chord, last.count_down) == ("Am7", "", "")


def test_the_same_chord_struck_again_is_no_change() -> None:
    spans = (ChordSpan("C", 0, 4, True), ChordSpan("C", 4, 8, True), ChordSpan("F", 8, 12, True))
    panel = waterfall_scene(*chords_at(1.0, *spans), VIEW, SIZE).now
    assert (panel.next_chord, panel.count_down) == ("F", "2")


def test_the_name_stays_in_sight_while_its_chord_sounds() -> None:
    snapshot, at_s = chords_at(6.0, ChordSpan("C", 0, 16, True))
    _, chord = waterfall_scene(snapshot, at_s, VIEW, SIZE).chords
    assert chord.text == "C"
    assert chord.sounding
    assert chord.label_bottom == layout(SIZE, 21, 108).lane.bottom


def test_the_expected_melody_is_faint_and_falls_where_the_player_would_play() -> None:
    snapshot, at_s = running(20.0, plan_end_frame=40)
    expected = ExpectedNote(72, 22, 26), ExpectedNote(76, 10, 14), ExpectedNote(79, 30, 60)
    snapshot = replace(snapshot, expected=expected)
    shown = [n for n in waterfall_scene(snapshot, at_s, VIEW, SIZE).notes if n.part == EXPECTED]
    assert [n.pitch for n in shown] == [72, 79]  # what is over isn't expected any more
    assert all(n.player and not n.committed and n.opacity <= FAINT for n in shown)
    hidden = waterfall_scene(snapshot, at_s, replace(VIEW, show_plan=False), SIZE)
    assert not [n for n in hidden.notes if n.part == EXPECTED]


def test_listening_counts_down_to_the_entry() -> None:
    snapshot, at_s = running(20.0, listen_until_frame=32, phase="listening")
    scene = waterfall_scene(snapshot, at_s, VIEW, SIZE)
    assert scene.now.caption == "listening"
    assert scene.now.count_down == "3"
    assert any(line.kind is LineKind.ENTRY for line in scene.lines)
    assert (scene.headline, scene.subline) == ("Listening", "bar 2 of 2")


def test_the_count_in_counts() -> None:
    shown = []
    for position in (-16.0, -12.1, -4.0, -0.5):
        snapshot, at_s = running(position, phase="count-in", listen_until_frame=32)
        shown.append(waterfall_scene(snapshot, at_s, VIEW, SIZE).headline)
    assert shown == ["4", "4", "1", "1"]


def test_stopped_and_silent_nothing_moves() -> None:
    snapshot = stopped_snapshot()
    one = waterfall_scene(snapshot, 10.0, VIEW, SIZE)
    assert not one.moving
    assert one == waterfall_scene(snapshot, 99.0, VIEW, SIZE)
    held = replace(snapshot, played=(PlayedNote(1, 60, 80, 9.5),))
    assert waterfall_scene(held, 10.0, VIEW, SIZE).moving
    gone = replace(snapshot, played=(PlayedNote(1, 60, 80, 1.0, 1.5),))
    assert waterfall_scene(gone, 3.0, VIEW, SIZE).moving
    assert not waterfall_scene(gone, 30.0, VIEW, SIZE).moving


def test_behind_is_said() -> None:
    snapshot, at_s = running(40.0, phase="behind")
    assert "behind" in waterfall_scene(snapshot, at_s, VIEW, SIZE).subline


@pytest.mark.parametrize(
    ("plain", "pretty"),
    [("Bbm7b5", "B♭m7♭5"), ("F#dim7", "F♯dim7"), ("Ab", "A♭"), ("Bm", "Bm"), ("", "")],
)
def test_symbols_have_real_accidentals(plain: str, pretty: str) -> None:
    assert pretty_symbol(plain) == pretty


def test_layouts_are_cached() -> None:
    first: Layout = layout(Size(800, 500), 36, 96)
    assert layout(Size(800, 500), 36, 96) is first


def test_the_tone_of_a_voice_lies_between_the_keys() -> None:
    line = ((7.0, 60.0), (7.1, 60.5), (7.2, 61.0), (7.3, math.nan), (7.4, 64.0), (7.5, 64.2))
    snapshot, now_s = running(50, voice=VoiceState(device="booth", line=line))
    scene = waterfall_scene(snapshot, now_s, VIEW, SIZE)
    first, second = scene.voice
    assert len(first) == 3 and len(second) == 2
    keys = [scene.layout.key(pitch) for pitch in (60, 61)]
    middles = [key.box.x + key.box.width / 2 for key in keys if key is not None]
    assert [x for x, _ in first] == pytest.approx([middles[0], sum(middles) / 2, middles[1]])
    heights = [y for _, y in (*first, *second)]
    assert heights == sorted(heights, reverse=True), "what is later is nearer to the piano"
    assert all(scene.layout.past.y <= y <= scene.layout.past.bottom for y in heights)
