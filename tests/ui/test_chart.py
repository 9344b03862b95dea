"""The chord lane as numbers; what zoom, hiding the plan and the range of keys do to the scene."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment.voicing import BASS_RANGE, VOICES_RANGE
from jam.messages.notes import ChordSpan, PlannedNote, PlayedNote
from jam.messages.snapshot import DeviceState, Snapshot
from jam.music.grid import Meter, TempoMap
from tests.support.strategies import usual_meters
from tests.support.ui_fake import jam_snapshot, stopped_snapshot
from ui.common.geometry import KEY_RANGES, Rect, Size, is_black
from ui.jam_page.captions import KEYBOARD, NO_KEYBOARD, PRESS_SPACE, headline
from ui.jam_page.chart import BARS_A_LINE, chart_of, line_count, remember
from ui.jam_page.layout import fitting_range
from ui.jam_page.scene import Side, View, waterfall_scene

AREA = Rect(0, 0, 1280, 420)


def playing(position: float, *spans: ChordSpan, listen: int = 0) -> Snapshot:
    return replace(
        stopped_snapshot(),
        running=True,
        phase="playing",
        chords=spans,
        tempo_map=TempoMap.constant(100, Meter()),
        listen_until_frame=listen,
        committed_until_frame=int(position) + 8,
        plan_end_frame=int(position) + 32,
    )


@given(st.floats(-20, 700), usual_meters, st.floats(300, 4000), st.floats(240, 2000), st.booleans())
def test_bars_fill_lines_of_four_and_the_cursor_is_in_the_current_one(
    position: float, meter: Meter, width: float, height: float, plan: bool
) -> None:
    snapshot = jam_snapshot(position, tempo_map=TempoMap.constant(100, meter))
    area = Rect(0, 0, width, height)
    chart = chart_of(snapshot, position, area, snapshot.chords, plan)
    assert all(area.x <= c.rect.x and c.rect.right <= area.right + 1e-6 for c in chart.bars)
    assert all(area.y <= c.rect.y and c.rect.bottom <= area.bottom + 1e-6 for c in chart.bars)
    rows = {round(cell.rect.y, 3) for cell in chart.bars}
    assert len(rows) <= line_count(height)
    per_bar = meter.frames_per_bar
    current = [cell for cell in chart.bars if cell.current]
    if position < 0:
        assert chart.cursor is None
        return
    (cell,) = current
    assert cell.number.split()[0] == str(int(position // per_bar) + 1)
    assert len(cell.beats) == meter.beats_per_bar
    assert chart.cursor is not None
    into = (position % per_bar) / per_bar
    assert chart.cursor.x + 1.5 == pytest.approx(cell.rect.x + into * cell.rect.width, abs=1e-3)
    assert chart.cursor.y == cell.rect.y
    # The line that is played is the second, but for the first four bars.
    line = sorted(rows).index(round(cell.rect.y, 3))
    assert line == (1 if position >= BARS_A_LINE * per_bar else 0)


def test_the_first_line_leaves_no_gap() -> None:
    chart = chart_of(playing(3.0), 3.0, AREA)
    assert [cell.number for cell in chart.bars][:4] == ["1", "2", "3", "4"]
    assert chart.bars[0].rect.y < AREA.height / 4


def test_chords_lie_where_they_sound_and_are_named_in_every_bar() -> None:
    spans = (
        ChordSpan("C", 64, 72, True),
        ChordSpan("Am7", 72, 88, True),
        ChordSpan("F", 88, 100, False, 0.5),
    )
    chart = chart_of(playing(74.0, *spans), 74.0, AREA, spans)
    bar = {cell.number: cell.rect for cell in chart.bars}
    shown = [(c.text, c.committed, c.sounding, c.gone, c.again) for c in chart.chords]
    assert shown == [
        ("C", True, False, True, False),
        ("Am7", True, True, False, False),
        ("Am7", True, False, False, True),
        ("F", False, False, False, False),
        ("F", False, False, False, True),
    ]
    half = bar["5"].x + bar["5"].width / 2
    assert chart.chords[0].rect.right == pytest.approx(half - 1.5)
    assert chart.chords[1].rect.x == pytest.approx(half + 1.5)
    assert chart.chords[2].rect.x == pytest.approx(bar["6"].x + 1.5)
    assert chart.chords[4].rect.right == pytest.approx(bar["7"].x + bar["7"].width / 4 - 1.5)
    assert [c.text for c in chart.chords if c.coming] == ["F"]


def test_the_same_chord_struck_again_is_not_the_change_to_come() -> None:
    spans = (ChordSpan("C", 0, 8, True), ChordSpan("C", 8, 16, True), ChordSpan("G", 16, 32, True))
    chart = chart_of(playing(2.0, *spans), 2.0, AREA, spans)
    assert [c.text for c in chart.chords if c.coming] == ["G"]


def test_without_the_plan_only_what_has_begun_is_named() -> None:
    spans = (ChordSpan("C", 0, 8, True), ChordSpan("G", 8, 16, True))
    chart = chart_of(playing(2.0, *spans), 2.0, AREA, spans, show_plan=False)
    assert [c.text for c in chart.chords] == ["C"]
    assert not any(c.coming for c in chart.chords)


def test_bars_of_listening_say_so() -> None:
    chart = chart_of(playing(2.0, listen=32), 2.0, AREA)
    assert [c.number for c in chart.bars][:3] == ["1  listening", "2  listening", "3"]


def test_what_the_snapshot_lets_go_is_remembered() -> None:
    line = [ChordSpan(name, 8 * i, 8 * i + 8, True) for i, name in enumerate("CDEFGABCDEFG")]
    known: tuple[ChordSpan, ...] = ()
    for frame in range(88):
        # As the engine does: it keeps 32 frames, and cuts the chord at the edge.
        first = max(0, frame - 32)
        kept = [
            replace(span, start_frame=max(span.start_frame, first))
            for span in line
            if span.end_frame > first and span.start_frame <= frame
        ]
        known = remember(known, playing(frame, *kept))
    assert known == tuple(line[:11])
    assert remember(known, stopped_snapshot()) == ()


def test_a_plan_that_was_given_up_is_not_remembered() -> None:
    known = remember((), playing(0, ChordSpan("C", 0, 8, True), ChordSpan("G", 8, 16, False)))
    assert [s.symbol for s in remember(known, playing(4, ChordSpan("F", 8, 16, True)))] == [
        "C",
        "F",
    ]


SIZE = Size(1280, 600)


def test_zoom_shows_fewer_beats() -> None:
    note = PlannedNote(1, 60, 80, 8, 12, "chords", True)
    snapshot = replace(playing(0.0), planned=(note,), committed_until_frame=16)
    usual, near = (
        waterfall_scene(snapshot, 0.0, View(zoom=zoom), SIZE).notes[0].rect for zoom in (1.0, 2.0)
    )
    fall = waterfall_scene(snapshot, 0.0, View(), SIZE).layout.fall
    assert fall.bottom - near.bottom == pytest.approx(2 * (fall.bottom - usual.bottom))


def test_without_the_plan_nothing_falls_but_keys_light_up() -> None:
    notes = (
        PlannedNote(1, 60, 80, 0, 8, "chords", True),
        PlannedNote(2, 64, 80, 8, 16, "chords", True),
    )
    spans = (ChordSpan("C", 0, 8, True), ChordSpan("G", 8, 16, True))
    snapshot = replace(playing(2.0, *spans), planned=notes)
    at_s = snapshot.tempo_map.seconds_at(2.0)
    scene = waterfall_scene(snapshot, at_s, View(show_plan=False), SIZE)
    assert all(note.rect.y >= scene.layout.past.y for note in scene.notes)
    assert [lit.pitch for lit in scene.lit] == [60]
    assert scene.chords == ()
    assert (scene.now.chord, scene.now.next_chord, scene.now.count_down) == ("C", "", "")


def test_the_chord_lane_takes_the_place_of_the_fall() -> None:
    snapshot = jam_snapshot(70.0)
    at_s = snapshot.tempo_map.seconds_at(70.0)
    scene = waterfall_scene(snapshot, at_s, View(chord_lane=True), SIZE, snapshot.chords)
    areas = scene.layout
    assert scene.chart is not None and scene.chart.cursor is not None
    assert (areas.fall.x, areas.fall.width, areas.lane.width) == (0, SIZE.width, 0)
    assert areas.piano.x == areas.now_panel.right
    assert scene.lines == () and scene.chords == ()
    assert all(note.rect.y >= areas.past.y for note in scene.notes)
    assert scene.now.next_chord


@given(st.lists(st.integers(21, 108), max_size=30))
def test_the_range_of_keys_grows_with_what_is_played_and_never_shrinks(pitches: list[int]) -> None:
    now = fitting_range(())
    assert now == KEY_RANGES["76 keys"]
    assert now[0] <= BASS_RANGE[0] and VOICES_RANGE[1] <= now[1]
    for n in range(len(pitches)):
        fits = fitting_range(pitches[: n + 1], now)
        assert fits[0] <= min(now[0], pitches[n]) and fits[1] >= max(now[1], pitches[n])
        assert fits in KEY_RANGES.values()
        assert not any(is_black(end) for end in fits)
        now = fits


def test_a_key_beyond_the_piano_is_told_at_its_end() -> None:
    snapshot = replace(
        playing(2.0), played=(PlayedNote(1, 21, 90, 0.1), PlayedNote(2, 60, 90, 0.1))
    )
    scene = waterfall_scene(snapshot, 0.4, View(36, 96), SIZE)
    assert scene.outside == {Side.BELOW}


def test_chord_names_are_of_one_size() -> None:
    """Whatever lasts longer or shorter, or is cut by the edge of the picture."""
    spans = tuple(
        ChordSpan(symbol, start, end, start < 16)
        for symbol, start, end in (("C", 0, 4), ("Cmaj7", 4, 12), ("G", 12, 14), ("F", 14, 40))
    )
    for position in (0.0, 2.5, 7.0):
        scene = waterfall_scene(playing(position, *spans), position * 0.15, View(), SIZE)
        assert len({chord.font_px for chord in scene.chords}) == 1


def test_the_first_words_name_the_keyboard_or_offer_the_letters() -> None:
    bare = headline(stopped_snapshot(devices=DeviceState(midi_inputs=("jam in",))), 0.0)
    assert bare[0] == PRESS_SPACE
    assert NO_KEYBOARD in bare[1]
    found = DeviceState(midi_inputs=("jam in", "Digital Piano"))
    assert KEYBOARD.format("Digital Piano") in headline(stopped_snapshot(devices=found), 0.0)[1]


def test_a_key_that_is_held_is_seen_in_the_chord_lane_too() -> None:
    snapshot = replace(playing(2.0), played=(PlayedNote(1, 72, 90, 0.1),))
    scene = waterfall_scene(snapshot, 0.4, View(chord_lane=True), SIZE)
    assert [lit.pitch for lit in scene.lit] == [72]
