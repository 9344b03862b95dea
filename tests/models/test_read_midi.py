"""A user's MIDI files: chords from markers, from a track, from below the melody."""

from __future__ import annotations

import pytest
from hypothesis import given

from jam.music.grid import Meter
from models.corpora import CORPORA, Outcome, outcomes
from models.corpora.files import Files
from models.data.leadsheet import chord_spans
from tests.support.examples import examples
from tests.support.lead_sheets import (
    C_MAJOR,
    SCALE,
    Song,
    chords_of,
    expected,
    midi_file,
    songs,
    starts_of,
)


def one_midi(data: bytes) -> Outcome:
    (outcome,) = outcomes(CORPORA["songs"], Files("memory", {"a.mid": data}))
    return outcome


def test_midi_with_chord_markers() -> None:
    markers = [(0, "Cmaj7"), (8, "F#m7b5/C"), (12, "Chorus"), (18, "N.C.")]
    outcome = one_midi(midi_file({"Melody": SCALE}, markers, [(0, 3, 4), (24, 4, 4)]))
    assert outcome.sheet is not None
    assert outcome.sheet.meters == ((0, Meter(3, 4)), (24, Meter(4, 4)))
    assert outcome.sheet.n_frames == 40
    assert starts_of(outcome.sheet) == [(start, pitch) for start, _, pitch in SCALE]
    assert chords_of(outcome.sheet) == [(0, 8, "Cmaj7"), (8, 18, "F#m7b5")]
    assert outcome.dropped["chords not read"] == 0  # "Chorus" is no chord that could be meant
    assert outcome.sheet.bpm == 120


def test_midi_with_a_chord_track() -> None:
    triads = [
        (0, 16, 48),
        (0, 16, 52),
        (0, 16, 55),
        (16, 32, 45),
        (16, 32, 48),
        (16, 32, 52),
        (16, 32, 55),
    ]
    high = [(start, end, pitch + 36) for start, end, pitch in triads]
    tracks = {"Melody": SCALE, "Chords": triads, "Strings": high}
    sections = [(0, "Verse"), (16, "Chorus")]
    outcome = one_midi(midi_file(tracks, sections, [(0, 4, 4)]))
    assert outcome.sheet is not None
    assert chords_of(outcome.sheet) == [(0, 16, "C"), (16, 32, "Am7")]
    assert starts_of(outcome.sheet)[0] == (0, 60)


def test_midi_of_one_track_splits_melody_and_chords() -> None:
    triads = [(0, (41, 45, 48)), (16, (43, 47, 50))]
    both = [*SCALE, *((at, at + 16, pitch) for at, triad in triads for pitch in triad)]
    outcome = one_midi(midi_file({"Piano": both}, [], [(0, 4, 4)]))
    assert outcome.sheet is not None
    assert [pitch for _, pitch in starts_of(outcome.sheet)] == C_MAJOR
    assert [name[0] for _, _, name in chords_of(outcome.sheet)][-1] == "G"


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFF....", midi_file({"a": SCALE}, [], [])[:-9]])
def test_broken_midi_is_refused(data: bytes) -> None:
    assert one_midi(data).sheet is None
    assert one_midi(data).why_not


@given(songs())
@examples(30)
def test_what_is_written_as_midi_is_read_again(song: Song) -> None:
    notes, chords, _ = song
    # One marker alone may be a title: "N.C." behind everything makes two.
    behind = max(notes[-1][1], chords[-1][0] + 1)
    markers = [*((at, chord.symbol) for at, chord in chords), (behind, "N.C.")]
    outcome = one_midi(midi_file({"Melody": notes}, markers, []))
    assert outcome.sheet is not None
    assert outcome.sheet.melody == expected(song).melody
    spans = chord_spans(outcome.sheet.chords)
    assert [(start, chord) for start, _, chord in spans] == chords
