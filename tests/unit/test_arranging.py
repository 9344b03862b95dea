"""How bars are arranged: sections, fills, parts that come in and lay out, endings as drawn."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.accompaniment import Arrangement, Memory, accompany, all_styles, style_named
from jam.accompaniment.arranging import BarPlan, plan_bar
from jam.accompaniment.comping import BarContext
from jam.accompaniment.final import ended_as_drawn, row_for
from jam.accompaniment.notes import Draft, Touch
from jam.accompaniment.spans import Span
from jam.accompaniment.styles import Style, style_of
from jam.accompaniment.textures import columns_in
from jam.errors import BadInput
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.rows import ChordState

PARTS = {"chords", "bass", "drums"}


def place(section: str, bar: int, chorus: int = 1, last: bool = False) -> PlaceInForm:
    return PlaceInForm(section, bar, 8 - bar, chorus, last)


def plan(
    where: PlaceInForm | None, level: int = 1, number: int = 40, intro: int | None = None
) -> BarPlan:
    return plan_bar(number, where, level, 3, style_named("pop"), intro)


def test_letters_choose_the_passages_and_come_back_to_them() -> None:
    a, b, again = plan(place("A", 2)), plan(place("B", 2)), plan(place("A", 2))
    assert a == again and (a.part, a.kind) != (b.part, b.kind)
    assert b.level > a.level
    assert plan(place("Verse 2", 0)).kind == plan(place("A'", 0)).kind == 0 != b.kind


def test_the_first_chorus_is_lighter_and_the_last_one_fuller() -> None:
    first, later = plan(place("A", 2, chorus=0)), plan(place("A", 2))
    assert first.level < later.level < plan(place("A", 2, last=True)).level


def test_fills_lead_into_sections_and_nowhere_else() -> None:
    assert [plan(place("A", bar)).fills for bar in range(8)] == [False] * 7 + [True]
    assert [plan(place("A", bar)).opens for bar in range(8)] == [True] + [False] * 7
    short = [PlaceInForm("A", bar, 2 - bar, 1) for bar in range(2)]
    assert not any(plan(where).fills for where in short)


def test_drums_lay_out_where_the_player_is_soft() -> None:
    assert plan(place("A", 2), level=0).silent == {"drums"}
    assert not plan(place("A", 2), level=1).silent


@pytest.mark.parametrize("style", all_styles()[0], ids=lambda style: style.name)
def test_in_an_intro_parts_come_in_and_none_goes(style: Style) -> None:
    silent = [plan_bar(n, None, 1, 3, style, n).silent for n in range(len(style.intro) + 1)]
    assert all(before >= after for before, after in pairwise(silent))
    assert not silent[-1]
    if style.intro:
        assert not silent[-2] & style.parts, "all play the last bar"
        assert plan_bar(9, None, 1, 3, style, len(style.intro) - 1).fills
        assert set(style.ending) == {"4/4", "3/4", "6/8"}


_METRES = "4/4 3/4 2/4 5/4 7/4 6/8 9/8 12/8 5/8 7/8 2/2 3/2"
metres = st.sampled_from([Meter.parse(name) for name in _METRES.split()])


@given(meter=metres, half=st.integers(0, 1))
def test_every_metre_is_played_with_bars_in_four(meter: Meter, half: int) -> None:
    columns = columns_in(meter, half)
    assert len(columns) == meter.frames_per_bar
    played = [c for c in columns if c is not None]
    assert all(0 <= c < 16 for c in played)
    assert columns[0] in (0, 8 * half)
    beats = [columns[f] for f in range(0, len(columns), meter.frames_per_beat)]
    if meter.denominator == 4 or meter.compound:
        assert all(c is not None and c % 4 == 0 for c in beats)


def test_a_last_chord_is_struck_whole() -> None:
    line = [ChordState(Chord(0), frame in (0, 16)) for frame in range(32)]
    for style in all_styles()[0]:
        arrangement = Arrangement(((0, style),), feel=1.0, finals=frozenset((16,)))
        made = accompany(
            line, TempoMap.constant(100.0, Meter(4, 4)), arrangement, Memory(), 0, 0, {}
        )
        last = {n.pitch for n in made.notes if n.part == "chords" and n.start_frame >= 16}
        assert {pitch % 12 for pitch in last} == {0, 4, 7}, style.name


def test_a_chord_that_is_only_held_lasts_over_the_bar_line() -> None:
    """Also where the plan ended with the bar when it was struck."""
    line = [ChordState(Chord(0), frame == 0) for frame in range(32)]
    arrangement, memory = Arrangement(((0, style_named("none")),), feel=1.0), Memory()
    tempo_map = TempoMap.constant(100.0, Meter(4, 4))
    first = accompany(line[:16], tempo_map, arrangement, memory, 0, 0, {})
    memory.keep(first.notes, first.drafts, first.voicings, 8, -1)
    made = accompany(line, tempo_map, arrangement, memory, 8, 8, {})
    assert {n.end_frame for n in made.notes} == {32} and len(made.notes) == 4


def final_bar(style: Style) -> BarContext:
    last = Span(32, 48, Chord(0), (36, 60, 64, 67))
    return BarContext(32, 48, Meter(), 100.0, style, Touch(), (last,), frozenset((32,)))


def test_an_ending_is_struck_as_it_is_drawn() -> None:
    drafts = [Draft("chords", pitch, 70, 32, 48) for pitch in (60, 64, 67)]
    drafts.append(Draft("bass", 36, 70, 32, 48))
    stops = list(ended_as_drawn(drafts, final_bar(style_named("funk"))))
    row = style_named("funk").ending["4/4"]
    assert {d.start_frame - 32 for d in stops} == {i for i, c in enumerate(row) if c not in "-."}
    assert max(d.until_frame for d in stops) < 48
    rolled = list(ended_as_drawn(drafts, final_bar(style_named("piano"))))
    starts = [d.start_frame for d in sorted(rolled, key=lambda d: d.pitch) if d.part == "chords"]
    assert starts == sorted(starts) and starts[0] == 32 < starts[-1] < 34
    assert all(d.until_frame == 48 for d in rolled)


@pytest.mark.parametrize("meter", ["2/4", "5/4", "7/4", "3/8", "7/8", "9/8", "12/8", "2/2", "3/2"])
def test_every_metre_has_an_ending(meter: str) -> None:
    parsed = Meter.parse(meter)
    for style in all_styles()[0]:
        row = row_for(style.ending, parsed)
        assert len(row) == (parsed.frames_per_bar if style.ending else 0)
        assert not row or row[0] in "XxoR"


@pytest.mark.parametrize(
    "values", [{"intro": ["chords horns"]}, {"intro": [3]}, {"ending": {"4/4": "x"}}]
)
def test_what_is_wrong_in_an_intro_or_ending_is_named(values: dict[str, Any]) -> None:
    drawn = {"chords": "x" + 15 * "-"}
    bars = {"4/4": drawn, "3/4": {"chords": "x" + 11 * "-"}, "6/8": {"chords": "x" + 11 * "-"}}
    with pytest.raises(BadInput, match=next(iter(values))):
        style_of("own", {"bars": bars, **values})
