"""A song: what sounds where, edits, versions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.errors import BadInput
from jam.limits import SONG_BARS
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter
from jam.music.song import (
    Bar,
    ChordAt,
    Song,
    Versions,
    clear,
    copy,
    delete,
    insert,
    meter_at,
    paste,
    place_of,
    sections,
    symbol_at,
    transpose,
    transposed_symbol,
    write_bar,
)
from tests.support.strategies import songs, symbols


def song_of(text: str) -> Song:
    return read_text(text).song


def written(song: Song, bar: int, frame: int = 0) -> str | None:
    symbol = symbol_at(song, bar, frame)
    return symbol.written if symbol else None


@pytest.mark.parametrize(
    ("text", "chord", "bass"),
    [
        ("F/A", Chord(5, "maj"), 9),
        ("G7b9", Chord(7, "7"), None),
        ("B7alt", Chord(11, "7"), None),
        ("N.C.", None, None),
    ],
)
def test_a_symbol_keeps_what_was_written(text: str, chord: Chord | None, bass: int | None) -> None:
    symbol = Symbol(text)
    assert (symbol.written, symbol.chord, symbol.bass) == (text, chord, bass)


@pytest.mark.parametrize("text", ["", "?", "Hx", "C m7", "/", "free", "B|"])
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Symbol(text)


def test_repeats_and_endings_are_played_out() -> None:
    song = song_of("[A] |: C | F |1. G :|2. C || [B] | Am | ? |")
    assert song.chorus.bars == (0, 1, 2, 0, 1, 3, 4, 5)
    assert [written(song, bar) for bar in range(8)] == ["C", "F", "G", "C", "F", "C", "Am", None]
    assert written(song, 8) == "C"  # the second chorus
    assert place_of(song, 10).chorus == 1
    assert place_of(song, 10).bar == 2
    assert sections(song) == [("A", 0, 4), ("B", 4, 6)]


def test_a_section_within_a_repeat_is_no_place_to_go_back_to() -> None:
    song = song_of("|: [A] | C | [B] | F :|")
    assert song.chorus.bars == (0, 1, 0, 1)


def test_jumps_are_played_out() -> None:
    song = song_of("| C | <fine> F | <D.C. al Fine> G |")
    assert song.chorus.bars == (0, 1, 2, 0, 1)
    song = song_of("| C | <segno> F | <to coda> G | <D.S. al coda> Am | <coda> Em |")
    assert song.chorus.bars == (0, 1, 2, 3, 1, 2, 4)


def test_a_chord_goes_on_and_what_follows_a_free_bar_is_free() -> None:
    song = song_of("| / | C | / / F / | / | ? | / | G |")
    assert [written(song, bar) for bar in range(7)] == [None, "C", "C", "F", None, None, "G"]
    assert written(song, 2, 7) == "C"
    assert written(song, 2, 8) == "F"
    assert written(song, 7) == "G"  # in the second chorus the first bar has a chord before it
    assert written(song, -1) is None


def test_a_bar_may_have_another_metre() -> None:
    song = song_of("metre: 3/4\n| C | 2/4 F G | Am |")
    assert [meter_at(song, bar) for bar in range(4)] == [
        Meter(3, 4),
        Meter(2, 4),
        Meter(3, 4),
        Meter(3, 4),
    ]
    assert written(song, 1, 4) == "G"


@pytest.mark.parametrize(
    "bars",
    [
        (),
        (Bar((ChordAt(16, Symbol("C")),)),),
        (Bar((ChordAt(-1, Symbol("C")),)),),
        (Bar((ChordAt(4, Symbol("C")), ChordAt(4, Symbol("F")))),),
        (Bar(section="A|B"),),
        (Bar(repeats=0),),
        (Bar(repeats=99),),
        (Bar(endings=frozenset({0})),),
        (Bar(marks=frozenset({"jump"})),),
        (Bar(endings=frozenset({2})),),
        (Bar(),) * (SONG_BARS + 1),
        (Bar(repeats=16),) * SONG_BARS,
    ],
)
def test_what_cannot_be_played_is_no_song(bars: tuple[Bar, ...]) -> None:
    with pytest.raises(BadInput):
        Song(bars)


@given(songs())
def test_every_played_bar_has_a_place(song: Song) -> None:
    chorus = song.chorus.bars
    for bar in range(2 * len(chorus)):
        place = place_of(song, bar)
        assert place.chorus * len(chorus) + place.bar_in_chorus == bar
        assert song.bars[place.bar] is song.bars[chorus[place.bar_in_chorus]]
        for chord in song.bars[place.bar].chords or ():
            assert symbol_at(song, bar, chord.frame) == chord.symbol


def content(song: Song) -> list[tuple[object, Meter]]:
    return [(bar.chords, song.meter_of(bar)) for bar in song.bars]


@given(songs(), st.data())
def test_edits_do_what_lists_do(song: Song, data: st.DataObject) -> None:
    n = len(song.bars)
    first = data.draw(st.integers(0, n))
    end = data.draw(st.integers(first, n))
    at = data.draw(st.integers(0, n))
    before, copied = content(song), copy(song, first, end)
    try:
        assert content(insert(song, at, copied)) == before[:at] + before[first:end] + before[at:]
        pasted = content(paste(song, at, copied))
        assert pasted == before[:at] + before[first:end] + before[at + end - first :]
    except BadInput:  # played too often now
        pass
    chords = (ChordAt(0, data.draw(symbols)),)
    if at < n:
        assert write_bar(song, at, chords).bars[at] == replace(song.bars[at], chords=chords)
    cleared = clear(song, first, end)
    assert all(bar.chords is None for bar in cleared.bars[first:end])
    assert (cleared.bars[:first], cleared.bars[end:]) == (song.bars[:first], song.bars[end:])
    if end - first == n:
        with pytest.raises(BadInput):
            delete(song, first, end)
    else:
        with suppress(BadInput):  # played too often now, or no bar of it
            assert content(delete(song, first, end)) == before[:first] + before[end:]


def test_the_signs_of_deleted_bars_stay() -> None:
    song = song_of("[A] |: C | F | G :| [B] | Am |")
    assert delete(song, 0, 1) == song_of("[A] |: F | G :| [B] | Am |")
    assert delete(song, 2, 3) == song_of("[A] |: C | F :| [B] | Am |")
    assert delete(song, 0, 3) == song_of("[B] | Am |")
    assert delete(song, 3, 4) == song_of("[A] |: C | F | G :|")


@given(songs(), st.integers(-24, 24))
def test_transposing_moves_every_chord(song: Song, semitones: int) -> None:
    moved = transpose(song, semitones)
    for bar, new in zip(song.bars, moved.bars, strict=True):
        for chord, to in zip(bar.chords or (), new.chords or (), strict=True):
            assert to.frame == chord.frame
            if chord.symbol.chord is not None:
                assert to.symbol.chord == chord.symbol.chord.transposed(semitones)
            bass = chord.symbol.bass
            assert to.symbol.bass == (None if bass is None else (bass + semitones) % 12)


def test_transposing_spells_for_the_new_key() -> None:
    song = song_of("key: C\n| C | F/A | E7b9 | N.C. | Bb |")
    moved = transpose(song, 1)
    assert [written(moved, bar) for bar in range(5)] == ["Db", "Gb/Bb", "F7b9", "N.C.", "B"]
    assert moved.key == (1, False)


def test_a_root_in_another_language_is_moved_too() -> None:
    moved = transposed_symbol(Symbol("Es"), 2)
    assert moved.chord == Chord(5, "maj")


def test_versions_are_kept() -> None:
    first, second, third = (song_of(f"| {chord} |") for chord in "CDE")
    versions = Versions(first).changed(second).changed(second).changed(third)
    assert versions.undo().song == second
    assert versions.undo().undo().undo().song == first
    assert versions.undo().undo().redo().song == second
    assert versions.undo().redo().redo() == versions
    assert versions.undo().changed(first).redo().song == first
