"""Where in a song's form a bar is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.music.place_in_form import place_in_form
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


@given(songs(usual_meters), st.integers(0, 500))
def test_bars_left_count_down_to_the_next_section(song: Song, bar: int) -> None:
    here, after = place_in_form(song, bar), place_in_form(song, bar + 1)
    assert here.bars_left >= 1
    if here.bars_left > 1:
        assert after.bars_left == here.bars_left - 1 and after.bar == here.bar + 1
        assert after.section == here.section and after.chorus == here.chorus
    else:
        assert after.bar == 0
