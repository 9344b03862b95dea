"""Charts: songs in and out of every format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from jam.charts.bar_text import bar_text, read_bar
from jam.charts.chordpro import read_chordpro, write_chordpro
from jam.charts.draft import Chart
from jam.charts.files import read_charts
from jam.charts.ireal import obfuscated, read_ireal, revealed
from jam.charts.ireal_out import write_html, write_ireal
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.music.chord import COMMON_NAMES
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter
from jam.music.song import Bar, ChordAt, Song
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


@pytest.mark.parametrize("text", ["", "C F G", "title: x", "key: Q\n| C |", "tempo: fast\n| C |"])
def test_what_is_no_chart_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_text(text)


def test_a_bar_line_need_not_begin_the_line() -> None:
    assert read_text("Dm7 | G7 |\nC | % |").song == read_text("| Dm7 | G7 | C | C |").song


def test_nothing_between_two_bar_lines_is_free() -> None:
    assert read_text("| C | | F |").song.bars[1] == Bar()


# -- ChordPro --------------------------------------------------------------------------------


@given(songs())
def test_chordpro_holds_all_of_a_song(song: Song) -> None:
    kept = [bar for bar in song.bars if not {"'", '"'} <= set(bar.section)]
    if len(kept) == len(song.bars):
        assert read_chordpro(write_chordpro(song)).song == song


def test_a_chordpro_grid_is_read_as_it_stands() -> None:
    chart = read_chordpro(
        """{title: The House}
        {meta: composer Nobody}
        {key: Am}
        {time: 6/8}
        {tempo: 70}
        {comment: slowly}
        {start_of_grid: 4x2}
        A || Am . | C . | D . | F . | margin
        |: Am C | % . | %% . | . . :|
        {end_of_grid}
        {start_of_grid shape="4x2" label="Coda"}
        | Am~C . | *ring E . | N.C. . ||
        {end_of_grid}
        """
    )
    assert (
        chart.song
        == read_text(
            """title: The House
        composer: Nobody
        key: Am
        metre: 6/8
        tempo: 70
        [A] | Am | C | D | F |
        |: Am C | % | Am C | Am C :|
        [Coda] | Am C / / | E | N.C. |"""
        ).song
    )
    assert not chart.remarks


def test_chords_over_lyrics_have_a_bar_each_or_those_of_the_bar_lines() -> None:
    chart = read_chordpro(
        "{t:Song}\n{soc}\n[C]Row, row, [G7]row your [C]boat\n{eoc}\n\n"
        "[|] [F]gently [G]down [|] [C]the stream [|]\n"
    )
    assert chart.song == read_text("title: Song\n[Chorus] | C | G7 | C | F G | C |").song
    assert chart.remarks


def test_what_a_chordpro_file_says_wrongly_is_remarked_or_named() -> None:
    chart = read_chordpro("{key: H sharp}\n{tempo: 999}\n{sog}\n| C . . . |\n{eog}")
    assert len(chart.remarks) == 2
    with pytest.raises(BadInput, match=r"bar 2.*Hx"):
        read_chordpro("{sog}\n| C . . . | Hx . . . |\n{eog}")
    with pytest.raises(BadInput):
        read_chordpro("nothing but words")


# -- iReal Pro -------------------------------------------------------------------------------

ireal_meters = st.sampled_from(
    [Meter.parse(m) for m in ("4/4", "3/4", "5/4", "6/8", "7/8", "12/8")]
)


def as_ireal_holds(song: Song) -> Song:
    """What iReal Pro's links have no word for, left out."""
    bars, codas = [], 0
    for bar in song.bars:
        marks = bar.marks - {"coda", "tocoda"}
        if bar.marks & {"coda", "tocoda"} and codas < 2:
            codas += 1
        section = bar.section if len(bar.section) == 1 and bar.section in "ABCD" else ""
        endings = frozenset({min(bar.endings)}) if bar.endings else bar.endings
        bars.append(replace(bar, marks=marks, section=section, endings=endings))
    texts = (text.replace("=", "-") for text in (song.title, song.composer, song.style))
    title, composer, style = texts
    return replace(
        song,
        bars=tuple(bars),
        title=title,
        composer=composer,
        style=style,
        key=song.key or (0, False),
    )


def sounding(song: Song) -> Song:
    """With every symbol as the program reduces it."""

    def reduced(symbol: Symbol) -> Symbol:
        if symbol.chord is None:
            return Symbol("N.C.")
        bass = "" if symbol.bass is None else "/" + COMMON_NAMES[symbol.bass]
        return Symbol(symbol.chord.symbol + bass)

    bars = tuple(
        replace(
            bar,
            chords=bar.chords
            and tuple(ChordAt(chord.frame, reduced(chord.symbol)) for chord in bar.chords),
        )
        for bar in song.bars
    )
    return replace(song, bars=bars)


@given(songs(st.just(Meter(4, 4)), step=4, one_meter=True), st.booleans())
def test_ireal_holds_what_it_has_a_word_for(song: Song, is_open: bool) -> None:
    song = as_ireal_holds(song)
    if is_open:
        song = replace(song, bpm=None)
    link, _ = write_ireal(song, is_open)
    (chart,) = read_ireal(link)
    assert sounding(chart.song) == sounding(song)


@given(songs(ireal_meters, step=4))
def test_a_link_of_any_song_can_be_read(song: Song) -> None:
    """What it can't hold is told."""
    page, lost = write_html(song)
    (chart,) = read_ireal(page)
    assert len(chart.song.bars) == len(song.bars)
    if sounding(chart.song) != sounding(song):
        assert lost


@given(st.text())
def test_obfuscated_music_is_found_again(music: str) -> None:
    if "XyQ" not in music and "LZ" not in music and "Kcl" not in music and "   " not in music:
        assert revealed(obfuscated(music)) == music


def test_symbols_are_written_as_ireal_pro_calls_them() -> None:
    link, lost = write_ireal(
        read_text("key: C\n| Cmaj7 | Dm7b5 G7b9 | CmMaj7/G | N.C. |").song, True
    )
    assert unquote(link).endswith("T44C^7   |Dh7 G7b9 |C-^7/G   |n   Z")
    assert not lost


def test_an_export_with_many_songs_is_read() -> None:
    links = [write_ireal(read_text(f"title: {n}\n| C |").song)[0] for n in range(3)]
    joined = links[0] + "".join("===" + link.split("://")[1] for link in links[1:])
    assert [c.song.title for c in read_ireal(joined + "===My list")] == ["0", "1", "2"]
    page = "".join(f'<p><a href="{link}">x</a></p>' for link in links)
    assert [chart.song.title for chart in read_ireal(page)] == ["0", "1", "2"]
    open_links = [write_ireal(read_text(f"title: {n}\n| C |").song, True)[0] for n in range(2)]
    both = open_links[0] + "=" + open_links[1].split("://")[1]
    assert [chart.song.title for chart in read_ireal(both)] == ["0", "1"]


def test_a_chart_as_the_makers_describe_it_is_read() -> None:
    (chart,) = read_ireal(
        "irealbook://A Tune=Doe Jane=Medium Swing=D-=n="
        "{*AT44D-   |Eh7 A7b9 |D-/F  D-7|x  }        *B[F^7(E7) G- |r|SBb7sus<D.C. al Fine>  W/CZ"
    )
    assert (
        chart.song
        == read_text(
            """title: A Tune
        composer: Doe Jane
        style: Medium Swing
        key: Dm
        [A]
        |: D- | Eh7 A7b9 | D-/F / / D-7 | % :|
        [B]
        | F^7 G- | D-/F / / D-7 | F^7 G- | <segno> <D.C.> Bb7sus / / Bb7sus/C |"""
        ).song
    )
    with pytest.raises(BadInput):
        read_ireal("irealbook://A=B=C=D=n=")
    with pytest.raises(BadInput):
        read_ireal("https://example.org")


def test_what_cannot_be_read_in_a_link_is_named() -> None:
    with pytest.raises(BadInput, match=r"bar 2.*Cstuff"):
        read_ireal("irealbook://A=B=C=C=n=T44C |C*stuff* |Z")


@pytest.mark.parametrize(
    ("text", "read", "symbols"),
    [
        ("| Es | B | F7 | H |", read_text, ["Eb", "Bb", "F7", "B"]),
        ("[C]Ein [a]Lied, [F]das [H7]geht", read_chordpro, ["C", "Am", "F", "B7"]),
        ("{sog}\n| Do . . . | Sol7 . Do/Mi . |\n{eog}", read_chordpro, ["C", "G7", "C/E"]),
        ("| Es | Bes | B7 |", read_text, ["Eb", "Bb", "B7"]),
    ],
)
def test_names_of_notes_are_those_of_the_song(
    text: str, read: Callable[[str], Chart], symbols: list[str]
) -> None:
    """B is B flat beside an H or an Es; beside a Bes it is B natural."""
    song = read(text).song
    found = [chord.symbol.written for bar in song.bars for chord in bar.chords or ()]
    assert found == symbols


def sections_and_chords(chart: Chart) -> list[tuple[str, ...]]:
    return [
        (bar.section, *(chord.symbol.written for chord in bar.chords or ()))
        for bar in chart.song.bars
    ]


SHEET = """[Verse 1]
C        G/B     Am   F7(#9)
Row row row your boat
C
A little boat, as gently as can be
Chorus:
Am7 - D7 x2
"""


def test_chords_above_lyrics_are_a_song(tmp_path: Path) -> None:
    """Lines of chords, a chord with a bar of its own; headers are sections, lyrics no chords."""
    (tmp_path / "sheet.txt").write_text(SHEET, encoding="utf-8")
    (chart,) = read_charts(tmp_path / "sheet.txt")
    assert sections_and_chords(chart) == [
        *(("Verse 1", "C"), ("", "G/B"), ("", "Am"), ("", "F7(#9)"), ("", "C")),
        *(("Chorus", "Am7"), ("", "D7")),
    ]


def test_brackets_of_chordpro_that_are_no_chords() -> None:
    """A section, a text, and a chord that can't be read: it ends the one before it."""
    chart = read_chordpro("{transpose: 2}\n[Verse 1]\n[C]Row [Gfx]row [softly]your [Am]boat\n")
    assert sections_and_chords(chart) == [("Verse 1", "D"), ("", "N.C."), ("", "Bm")]
    assert chart.remarks[0] == "bar 2: Gfx: can't be read"
    assert any("1 texts" in remark for remark in chart.remarks)
