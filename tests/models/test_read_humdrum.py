"""Humdrum: durations, time bases, spines that split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.grid import Meter
from models.corpora import Outcome
from models.corpora.humdrum import kern_pitch, read_humdrum, recip
from models.data.leadsheet import melody_spans
from tests.support.examples import examples
from tests.support.lead_sheets import chords_of, found_in_fixtures, sheet_of


@pytest.fixture(scope="module")
def found() -> dict[str, Outcome]:
    return found_in_fixtures()


def test_humdrum_durations(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "timed.krn")
    assert sheet.meters == ((0, Meter(4, 4)), (32, Meter(6, 8)))
    assert melody_spans(sheet.melody)[:6] == [
        (0, 4, 60),
        (4, 7, 64),
        (7, 12, 64),
        (12, 13, 67),
        (13, 15, 69),
        (15, 16, 67),
    ]
    # The lead's spine is split: its upper part is the melody.
    assert melody_spans(sheet.melody)[6:9] == [(16, 20, 65), (20, 24, 64), (24, 32, 72)]
    assert chords_of(sheet) == [(0, 16, "C"), (16, 24, "Bbm7"), (24, 32, "C9"), (32, 44, "Dm7b5")]
    assert sheet.bpm == 120


def test_humdrum_time_base(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "timebase.hum")
    spans = melody_spans(sheet.melody)
    assert spans[:3] == [(0, 4, 56), (4, 6, 60), (6, 14, 63)]  # the last lasts half a bar
    assert (48, 52, 65) in spans  # until a rest
    assert chords_of(sheet) == [(0, 8, "Ab"), (8, 16, "Eb7"), (16, 64, "Ab")]


@pytest.mark.parametrize(
    ("token", "pitch"), [("c", 60), ("cc", 72), ("C", 48), ("BB-", 46), ("f##", 67), ("e--n", 62)]
)
def test_kern_pitches(token: str, pitch: int) -> None:
    assert kern_pitch(f"4{token}") == pitch


@pytest.mark.parametrize(
    ("token", "sixteenths"), [("4c", 4), ("8.", 3), ("[2..", 14), ("8%5", 10), ("0", 32), ("16", 1)]
)
def test_recip(token: str, sixteenths: int) -> None:
    assert recip(token) == sixteenths


@pytest.mark.parametrize(
    "text", ["4c\n", "**kern\t**harte\n4c\n", "**harte\n*^\n" * 3, "*-\n", "**harte\n*-"]
)
def test_broken_humdrum_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_humdrum(text)


@given(st.text(alphabet="*=4c\tr.tb[]^v-AM/8:maj\n", max_size=120))
@examples(200)
def test_any_humdrum_is_read_or_refused(text: str) -> None:
    try:
        song = read_humdrum("**kern\t**harte\n=1\t=1\n" + text)
    except BadInput:
        return
    assert all(m.length >= 0 for m in song.measures)
