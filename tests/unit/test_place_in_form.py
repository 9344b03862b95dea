"""Where in a song's form a bar is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.music.place_in_form import closes, place_in_form, seen_before
from jam.music.song import Song
from tests.support.strategies import songs, usual_meters


def test_sections_repeats_and_choruses_are_counted() -> None:
    song = read_text("[A]\n|: C | F |1. G7 :|2. C ||\n[B]\n| Am | G7 |").song
    played = [place_in_form(song, bar, last_chorus=1) for bar in range(16)]
    assert [(p.section, p.bar, p.bars_left) for p in played[:8]] == [
        *(("A", i, 3 - i) for i in range(3)),
        *(("A", i, 3 - i) for i in range(3)),
        *(("B", i, 2 - i) for i in range(2)),
    ]
    assert [(p.chorus, p.is_last) for p in played] == [(0, False)] * 8 + [(1, True)] * 8


def test_a_section_that_returns_has_been_seen_before() -> None:
    song = read_text("[A]\n| C | F |\n[A]\n| ? | ? | ? |\n[B]\n| ? |\n[A]\n| ? | ? |").song
    seen = [seen_before(song, bar) for bar in range(16)]
    assert seen[:8] == [None, None, 0, 1, None, None, 2, 3]
    assert seen[8:] == [6, 7, 8, 9, 4, 5, 10, 11]
    assert [closes(place_in_form(song, bar)) for bar in range(8)] == [
        *(False, True),
        *(False, False, True),
        True,
        *(False, True),
    ]
    assert seen_before(read_text("| C | F |").song, 5) is None


@given(songs(usual_meters), st.integers(0, 200))
def test_what_was_seen_before_is_the_same_place_of_a_like_section(song: Song, bar: int) -> None:
    before = seen_before(song, bar)
    if before is not None:
        here, then = place_in_form(song, bar), place_in_form(song, before)
        assert before < bar and (here.section, here.bar) == (then.section, then.bar)


@given(songs(usual_meters), st.integers(0, 500))
def test_bars_left_count_down_to_the_next_section(song: Song, bar: int) -> None:
    here, after = place_in_form(song, bar), place_in_form(song, bar + 1)
    assert here.bars_left >= 1
    if here.bars_left > 1:
        assert after.bars_left == here.bars_left - 1 and after.bar == here.bar + 1
        assert after.section == here.section and after.chorus == here.chorus
    else:
        assert after.bar == 0
