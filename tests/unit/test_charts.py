"""Charts: songs in and out of every format."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jam.charts.bar_text import bar_text, read_bar
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.music.grid import Meter
from jam.music.song import Bar, Song
from tests.support.strategies import all_meters, bars_chords, songs

# -- text ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "meter", "frames"),
    [
        ("C", "4/4", [0]),
        ("C F", "4/4", [0, 8]),
        ("C F G", "4/4", [0, 8, 12]),
        ("C F G Am", "4/4", [0, 4, 8, 12]),
        ("C F", "3/4", [0, 8]),
        ("C F G", "3/4", [0, 4, 8]),
        ("C F", "5/4", [0, 12]),
        ("C F", "6/8", [0, 6]),
        ("C F", "7/8", [0, 8]),
        ("C F G", "7/8", [0, 4, 8]),
        ("C / / F", "4/4", [0, 12]),
        ("C . . F", "4/4", [0, 12]),
        ("/ / C /", "4/4", [8]),
        ("/", "4/4", []),
        ("C / / / / / / F", "4/4", [0, 14]),
    ],
)
def test_where_chords_begin_in_a_bar(text: str, meter: str, frames: list[int]) -> None:
    chords = read_bar(text, Meter.parse(meter))
    assert chords is not None
    assert [chord.frame for chord in chords] == frames


@given(st.data(), all_meters)
def test_a_bar_is_typed_as_it_is_read(data: st.DataObject, meter: Meter) -> None:
    chords = data.draw(bars_chords(meter))
    assert read_bar(bar_text(chords, meter), meter) == chords


@given(songs())
@example(Song((Bar(repeats=3), Bar(endings=frozenset({2})), Bar(repeat_starts=True))))
def test_text_holds_all_of_a_song(song: Song) -> None:
    assert read_text(write_text(song)).song == song


@pytest.mark.parametrize(
    ("text", "bar", "word"),
    [
        ("| C | Hx |", 2, "Hx"),
        ("| C | F |\n[B]\n| G7 | Dm7 Q |", 4, "Q"),
        ("| C D E F G |", 1, "5 chords"),
        ("| C | 3/5 F |", 2, "3/5"),
        ("| C :| x99 |", 1, "99"),
        ("| C | <jump> F |", 2, "jump"),
        ("| % |", 1, "%"),
        ("| C [B] | F |", 1, "B"),
        ("| C | F 17. |", 2, "17"),
    ],
)
def test_what_cannot_be_read_is_named(text: str, bar: int, word: str) -> None:
    with pytest.raises(BadInput) as error:
        read_text(text)
    assert f"bar {bar}" in str(error.value)
    assert word in str(error.value)


@pytest.mark.parametrize("text", ["", "C F G", "title: x", "key: H\n| C |", "tempo: fast\n| C |"])
def test_what_is_no_chart_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_text(text)


def test_a_bar_line_need_not_begin_the_line() -> None:
    assert read_text("Dm7 | G7 |\nC | % |").song == read_text("| Dm7 | G7 | C | C |").song


def test_nothing_between_two_bar_lines_is_free() -> None:
    assert read_text("| C | | F |").song.bars[1] == Bar()
