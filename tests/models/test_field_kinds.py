"""Kinds of files beyond the cases: what other programs write, each with its right values.

The tune is that of `test_field` where nothing else is said.
"""

from __future__ import annotations

import pytest

from jam.midi.file import read_tune
from models.corpora.charts import read_charts
from tests.models.test_field import (
    CHORDS,
    FIELD,
    QUARTERS,
    TUNE,
    chords,
    notes,
    outcome,
    pitches,
    sheet,
)

SAME_TUNE = [
    "a01-no-x.abc",
    "a03-old-bang-within.abc",
    "a04-continued-field.abc",
    "a07-transpose.abc",
    "a08-symbol-line.abc",
    "a09-macro.abc",
    "a14-annotated-chords.abc",
    "a24-text-after-tune.abc",
    "h01-harm.krn",
    "h02-added-spine.krn",
    "h03-exchanged.krn",
    "h04-tempo.krn",
    "h07-trailing-tab-crlf.krn",
    "h08-other-chord-spine.krn",
    "m01-text-events-as-chords.mid",
    "m02-lyrics-as-chords.mid",
    "m03-cues-as-chords.mid",
    "m04-yamaha-xf-chords.mid",
    "m05-harte-markers.mid",
    "m22-name-cp1250.mid",
    "m23-name-koi8.mid",
    "m24-name-half-width.mid",
    "m25-name-utf16-without-mark.mid",
    "m26-instrument-name.mid",
    "x01-timewise.musicxml",
    "x03-trumpet-in-b.musicxml",
    "x05-second-voice-above.musicxml",
    "x06-metronome-without-sound.musicxml",
    "x09-tied-notation-only.musicxml",
    "x10-chords-as-words.musicxml",
    "x11-function.musicxml",
    "x12-numeral.musicxml",
    "x25-backslashes.mxl",
    "x27-gzip.musicxml",
    "x40-container-lower-case.mxl",
    "x41-one-score-beside-other-xml.mxl",
    "x42-bytes-before-zip.mxl",
    "x43-hidden-staff.musicxml",
    "x44-ampersand-and-html-names.musicxml",
    "x45-junk-behind.musicxml",
    "x46-control-characters.musicxml",
    "x47-doctype-small.musicxml",
]


@pytest.mark.parametrize("name", SAME_TUNE)
def test_the_tune_and_its_chords(name: str) -> None:
    assert notes(f"g-{name}") == QUARTERS
    assert chords(f"g-{name}") == CHORDS


@pytest.mark.parametrize(
    "name",
    [
        "a01-no-x.abc",
        "a07-transpose.abc",
        "a08-symbol-line.abc",
        "x01-timewise.musicxml",
        "x03-trumpet-in-b.musicxml",
        "x10-chords-as-words.musicxml",
        "x11-function.musicxml",
        "x12-numeral.musicxml",
    ],
)
def test_the_same_as_a_chart(name: str) -> None:
    file = FIELD / f"g-{name}"
    (chart,) = read_charts(file.read_bytes(), file.suffix)
    found = [chord.symbol.written for bar in chart.song.bars for chord in bar.chords or ()]
    assert found == [symbol for _, symbol in CHORDS]


@pytest.mark.parametrize(
    "name",
    [
        "m07-mpe.mid",
        "m08-a-channel-a-string.mid",
        "m16-track-length-zero.mid",
        "m20-no-offs.mid",
        "m21-off-on-other-channel.mid",
    ],
)
def test_the_tune_of_a_midi_file(name: str) -> None:
    """MPE and a channel a string are one line; a wrong length and missing note-offs are mended."""
    song = read_tune(FIELD / f"g-{name}")
    assert pitches(song) == TUNE
    assert [note.start_frame for note in song.melody()] == [start for start, _, _ in QUARTERS]


def test_letters_of_sections_are_no_chords() -> None:
    found = [symbol for _, symbol in chords("g-m06-section-letters.mid")]
    assert found[:4] == ["C", "F", "G7", "C"]


def test_chords_are_no_lyrics() -> None:
    assert read_tune(FIELD / "g-m02-lyrics-as-chords.mid").lyrics == ()


def test_a_clef_with_an_eight_sounds_an_octave_lower() -> None:
    assert notes("g-a06-clef-8.abc") == [(s, e, p - 12) for s, e, p in QUARTERS]


@pytest.mark.parametrize("name", ["h06-expansion.krn", "h10-repeat-barline.krn"])
def test_repeats_of_humdrum(name: str) -> None:
    found = notes(f"g-{name}")
    assert found[:8] == QUARTERS[:8]
    assert [(s - 32, e - 32, p) for s, e, p in found[8:]] == QUARTERS


@pytest.mark.parametrize(
    ("name", "bpm"), [("h04-tempo.krn", 90.0), ("x06-metronome-without-sound.musicxml", 120.0)]
)
def test_tempo_marks(name: str, bpm: float) -> None:
    assert sheet(f"g-{name}").bpm == bpm


def test_the_first_voice_is_the_tune_where_it_has_notes() -> None:
    assert notes("g-x04-second-voice-in-rests.musicxml") == [*QUARTERS[:12], (48, 52, 60)]


def test_a_cue_takes_its_time() -> None:
    assert notes("g-x08-cue-before-notes.musicxml") == [*QUARTERS[:12], (56, 64, 60)]


@pytest.mark.parametrize(
    ("name", "symbols"),
    [
        ("x13-inversion-frame-degree.musicxml", ["Cmaj9", "F/A", "G7#5", "Csus4/G"]),
        ("x19-german-kind-text.musicxml", ["Es", "B", "F7", "H"]),
        ("x32-kind-other-polychord.musicxml", ["C", "F", "D/G7", "C"]),
    ],
)
def test_symbols_of_musicxml_are_those_that_are_printed(name: str, symbols: list[str]) -> None:
    assert [label for _, label in sheet(f"g-{name}").labels] == symbols


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("s-es.abc", ["Eb", "Bb", "F7", "Eb"]),
        ("s-swe.abc", ["C", "F#", "B7", "E"]),
        ("s-deg.mid", ["Cdim", "Fm", "Gm7b5", "Caug"]),
        ("x19-german-kind-text.musicxml", ["Eb", "Bb", "F7", "B"]),
        ("x32-kind-other-polychord.musicxml", ["C", "F", "G9", "C"]),
    ],
)
def test_chords_of_other_countries(name: str, found: list[str]) -> None:
    assert [symbol for _, symbol in chords(f"g-{name}")] == found


def test_what_cannot_be_read_ends_the_chord_before_it() -> None:
    found = outcome("g-s-unread.abc")
    assert found.unread == ("bar 2: Fxyz",)
    assert chords("g-s-unread.abc") == [(0, "C"), (32, "G7"), (48, "C")]
    ends = sheet("g-s-unread.abc").chords
    assert [state.chord is None for state in ends[14:34]] == [False] * 2 + [True] * 16 + [False] * 2
