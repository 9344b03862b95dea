"""The form that is found, and what is kept of it."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.charts.text import read_text
from jam.cli.console import FormTeller, form_words
from jam.errors import BadInput
from jam.messages.snapshot import SessionLog, Snapshot
from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.form import Form, find_form
from jam.music.grid import Meter, Place, TempoMap
from jam.music.keep import bars_to_keep, kept_song
from jam.music.rows import ChordState, MelodyState, Row
from jam.music.song import Song, symbol_at
from jam.settings import JamSettings
from tests.support.strategies import songs
from tools.found_forms import period, rows_of


def played(song: Song, n_bars: int) -> tuple[list[Row], list[Place]]:
    """So many bars of a song, its chords as the agent would have them."""
    rows, places = [], []
    for bar in range(n_bars):
        for frame in range(song.meter.frames_per_bar):
            symbol = symbol_at(song, bar, frame)
            chord = symbol.chord if symbol else None
            rows.append(Row(MelodyState(), ChordState(chord)))
            places.append(Place(bar, frame, song.meter))
    return rows, places


AABA = """[A] | C | Am | Dm | G7 | C | F | G7 | C |
[A] | C | Am | Dm | G7 | C | F | G7 | C |
[B] | E7 | % | A7 | % | D7 | % | G7 | % |
[A] | C | Am | Dm | G7 | C | F | G7 | C |"""


@pytest.mark.parametrize(
    ("text", "bars", "sections"),
    [
        (AABA, 32, "AABA"),
        ("| F7 | Bb7 | F7 | % | Bb7 | % | F7 | % | C7 | Bb7 | F7 | C7 |", 12, "A"),
        ("| C | Am | F | G |", 4, "A"),
        ("| C | G | Am | F | Dm | Em | F | G |", 8, "AB"),
    ],
)
def test_a_form_that_comes_round_is_found(text: str, bars: int, sections: str) -> None:
    form = find_form(*played(read_text(text).song, round(2.5 * bars)))
    assert form is not None
    assert form.bars == bars
    assert "".join(letter for letter, _ in form.sections) == sections
    assert sum(n for _, n in form.sections) == bars
    assert form.confidence > 0.3


def test_a_melody_alone_shows_its_form() -> None:
    dice = random.Random(0)
    tune = [dice.randrange(60, 72) for _ in range(8 * 4)]
    rows, places = [], []
    for bar in range(20):
        for frame in range(16):
            pitch = tune[(4 * bar + frame // 4) % len(tune)]
            rows.append(Row(MelodyState(pitch, frame % 4 == 0)))
            places.append(Place(bar, frame, Meter()))
    form = find_form(rows, places)
    assert form is not None
    assert form.bars == 8


def test_a_form_is_said_once_with_how_to_confirm_it(capsys: pytest.CaptureFixture[str]) -> None:
    song = read_text("| C | F | G | C | C | F | G | C | Am | E | Am | E | C | F | G | C |").song
    rows, _ = played(song, 40)
    tempo_map = TempoMap.constant(120.0, Meter(), 0.0)
    teller = FormTeller(lambda: Snapshot(0, True, "playing", 0.0, tempo_map, JamSettings()))
    for bar in range(40):
        found = tuple((16 * bar + i, row) for i, row in enumerate(rows[16 * bar : 16 * bar + 16]))
        teller.take_log(SessionLog(1, 0.0, tempo_map=tempo_map, rows=found))
        teller.say()
    said = capsys.readouterr().out.splitlines()
    form = Form(16, (("A", 4), ("A", 4), ("B", 4), ("A", 4)), 1.0)
    assert said[-1] == form_words(form) and len(said) <= 3


def test_what_never_comes_back_has_no_form() -> None:
    dice = random.Random(1)
    bars = [[Chord(dice.randrange(12), dice.choice(QUALITY_NAMES))] for _ in range(40)]
    form = find_form(*rows_of(bars, Meter()))
    assert form is None or form.confidence < 0.4


@given(st.integers(0, 70))
def test_little_music_is_no_trouble(frames: int) -> None:
    rows, places = played(read_text("| C | F |").song, 5)
    find_form(rows[:frames], places[:frames])


@given(st.integers(0, 80), st.integers(2, 64))
def test_what_is_offered_can_be_kept(n_bars: int, form_bars: int) -> None:
    offered = bars_to_keep(n_bars, Form(form_bars, (("A", form_bars),), 0.5))
    assert offered <= max(n_bars, 4)
    assert offered == form_bars or form_bars > n_bars


def test_without_a_form_eight_bars_are_offered() -> None:
    assert bars_to_keep(40, None) == 8
    assert bars_to_keep(5, None) == 4


@given(songs(one_meter=True, marks=False))
def test_kept_bars_sound_as_they_sounded(song: Song) -> None:
    n = len(song.chorus.bars)
    rows, places = played(song, n)
    kept = kept_song([row.chord for row in rows], places, n)
    for bar in range(n):
        for frame in range(song.meter.frames_per_bar):
            symbol, new = symbol_at(song, bar, frame), symbol_at(kept, bar, frame)
            chord, new_chord = symbol and symbol.chord, new and new.chord
            assert new_chord == chord
    with pytest.raises(BadInput):
        kept_song([row.chord for row in rows], places, n + 1)


def test_the_period_of_a_chart() -> None:
    assert period([1, 2, 1, 2]) == 2
    assert period([1, 2, 3]) == 3
