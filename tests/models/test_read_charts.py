"""Charts in MusicXML and ABC, and all formats as files."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given

from jam.charts.files import WRITTEN, read_charts, read_song, songs_that_come_along, write_chart
from jam.charts.musicxml import write_musicxml
from jam.charts.text import read_text
from jam.errors import BadInput
from jam.files import demo_tunes
from jam.messages.notes import Note
from jam.midi.file import Part, read_midi, write_midi
from jam.music.chord import QUALITIES
from jam.music.chord_kinds import KINDS
from jam.music.grid import Meter, TempoMap
from jam.music.song import Song, symbol_at
from jam.performance.offline import melody_line
from models.corpora.charts import SUFFIXES
from models.corpora.charts import read_charts as read_scores
from tests.support.strategies import songs

READERS = dict.fromkeys(SUFFIXES, read_scores)


def test_every_quality_has_a_kind() -> None:
    assert KINDS.keys() == QUALITIES.keys()


def as_musicxml_holds(song: Song) -> Song:
    """Of what isn't bars: the first free bars and a first bar of chords that go on are one."""
    first = next((i for i, bar in enumerate(song.bars) if bar.chords), len(song.bars))
    freed = [replace(bar, chords=None) for bar in song.bars[:first]]
    style = song.style if song.style != "free" else ""
    return replace(song, bars=(*freed, *song.bars[first:]), style=style)


@given(songs())
def test_musicxml_holds_all_of_a_song(song: Song) -> None:
    if not any(bar.chords for bar in song.bars):
        return
    if song.bars[0].meter is not None:
        song = replace(song, bars=(replace(song.bars[0], chords=None, meter=None), *song.bars[1:]))
    song = as_musicxml_holds(song)
    if any(bar.chords for bar in song.bars):
        (chart,) = read_scores(write_musicxml(song).encode(), ".musicxml")
        assert chart.song == song


def test_abc_is_read_as_it_is_written() -> None:
    (chart,) = read_scores(
        b"""X:1
T:A tune
C:Somebody
M:3/4
L:1/4
Q:1/4=90
K:G
P:A
c | "G" B2 d | "C" e2 "D7" c |1 "G" B3 :|2 "G/B" B3 || "Em" e3 | "N.C." z3 |]
""",
        ".abc",
    )
    expected = read_text(
        """title: A tune
        composer: Somebody
        metre: 3/4
        tempo: 90
        | G | C D7 |1. G :|2. G/B || Em | N.C. |"""
    ).song
    assert [b.chords for b in chart.song.bars] == [b.chords for b in expected.bars]
    assert chart.song.chorus == expected.chorus
    assert (chart.song.title, chart.song.composer) == ("A tune", "Somebody")
    assert (chart.song.meter, chart.song.bpm) == (Meter(3, 4), 90.0)


@pytest.mark.parametrize("data", [b"", b"<a/>", b"<score-partwise/>", b"X:1\nK:C\nCDEF|"])
def test_a_score_without_chords_is_refused(data: bytes) -> None:
    for suffix in (".musicxml", ".abc"):
        with pytest.raises(BadInput):
            read_scores(data, suffix)


@pytest.mark.parametrize("suffix", WRITTEN)
def test_a_song_comes_back_from_every_file(tmp_path: Path, suffix: str) -> None:
    song = read_text("title: One\nkey: F\n[A]\n|: F | Bb / C7 / |1. F :|2. N.C. |").song
    file = tmp_path / f"song{suffix}"
    assert write_chart(file, song) == []
    (chart,) = read_charts(file, READERS)
    assert chart.song == replace(song, style=chart.song.style)
    with pytest.raises(BadInput):
        write_chart(tmp_path / "song.doc", song)


def test_the_markers_of_a_midi_file_are_a_song(tmp_path: Path) -> None:
    part = Part("Melody", 0, 0, (Note(0, 64, 60, 80),))
    marked = [(0.0, "Verse"), (16.0, "Dm7"), (24.0, "G7"), (32.0, "Bridge"), (48.0, "C")]
    write_midi(tmp_path / "a.mid", [part], TempoMap.constant(90, Meter()), marked)
    (chart,) = read_charts(tmp_path / "a.mid")
    assert chart.song.bars == read_text("[Verse] | ? | Dm7 G7 | [Bridge] | / | C |").song.bars
    write_midi(tmp_path / "b.mid", [part], TempoMap.constant(90, Meter()))
    with pytest.raises(BadInput, match=r"b\.mid"):
        read_charts(tmp_path / "b.mid")


def test_a_song_is_named_in_any_way(tmp_path: Path) -> None:
    assert read_song("| C | F |").song == read_text("| C | F |").song
    file = tmp_path / "typed.txt"
    file.write_text("| Am |")
    assert read_song(str(file)).song == read_text("| Am |").song
    with pytest.raises(BadInput, match="no-such-song"):
        read_song("no-such-song")
    file.write_text("| Am | Hx |")
    with pytest.raises(BadInput, match=r"typed\.txt: bar 2.*Hx"):
        read_song(str(file))


@pytest.mark.parametrize("name", songs_that_come_along())
def test_the_songs_that_come_along_can_be_played(name: str) -> None:
    chart = read_song(name)
    assert chart.song.title and not chart.remarks
    assert chart.song.chorus.bars


@pytest.mark.parametrize("tune", demo_tunes(), ids=lambda tune: tune.stem)
def test_the_songs_of_the_tunes_fit_them(tune: Path) -> None:
    """As many bars, the same metre, and the melody's notes are the chords' mostly."""
    song = read_song(str(tune.with_suffix(".txt"))).song
    midi = read_midi(tune)
    assert song.meter == midi.tempo_map.meter_at(0)
    assert song.bpm == midi.tempo_map.bpm_at(0)
    assert len(song.chorus.bars) == midi.tempo_map.place(math.ceil(midi.end_frame) - 1).bar + 1
    sounds = fits = 0
    for frame, state in enumerate(melody_line(midi)):
        place = midi.tempo_map.place(frame)
        symbol = symbol_at(song, place.bar, place.frame_in_bar)
        if state.pitch is not None and symbol is not None and symbol.chord is not None:
            sounds += 1
            fits += state.pitch % 12 in symbol.chord.pitch_classes
    assert fits / sounds > 0.75


def test_a_score_brings_its_melody() -> None:
    """What is tied is one note, in the bar where it begins."""
    text = 'X:1\nT:Two\nM:4/4\nL:1/4\nK:C\n"Dm7"D F A2-|"G7"A2 B2|"C"c4|\n'
    (chart,) = read_scores(text.encode(), ".abc")
    tunes = [[(n.frame, n.length, n.pitch) for n in bar.tune] for bar in chart.song.bars]
    assert tunes == [[(0, 4, 62), (4, 4, 65), (8, 16, 69)], [(8, 8, 71)], [(0, 16, 72)]]
