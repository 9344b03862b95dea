"""Chords that are found in the voices of a piece."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.chord import Chord
from jam.music.grid import Meter
from models.corpora.chord_finder import find_chords
from models.corpora.draft import DraftNote

CHORDS = ("maj", "min", "7", "hdim7")


def chorale(chords: list[Chord]) -> list[DraftNote]:
    """A half note for every chord, the root in the bass."""
    return [
        note
        for i, chord in enumerate(chords)
        for note in (
            DraftNote(8 * i, 8 * i + 8, 36 + chord.root),
            *(DraftNote(8 * i, 8 * i + 8, 60 + pc) for pc in chord.pitch_classes),
        )
    ]


@given(st.lists(st.builds(Chord, st.integers(0, 11), st.sampled_from(CHORDS)), min_size=1))
def test_plain_chords_are_found_as_they_are(chords: list[Chord]) -> None:
    found = find_chords(chorale(chords), [Meter()] * (len(chords) // 2 + 1))
    assume(all(a.root != b.root for a, b in pairwise(chords)))
    assert [item.chord for item in found] == chords


def test_a_passing_note_changes_nothing_and_silence_goes_on() -> None:
    notes = [*chorale([Chord(0), Chord(0)]), DraftNote(2, 4, 74), DraftNote(6, 8, 77)]
    (only,) = find_chords(notes, [Meter()] * 4)
    assert (only.start, only.chord) == (0, Chord(0))


def test_the_root_is_what_the_bass_has() -> None:
    four = [DraftNote(0, 16, 60 + pc) for pc in (0, 4, 7, 9)]
    (found,) = find_chords([*four, DraftNote(0, 16, 45)], [Meter()])
    assert found.chord == Chord(9, "min7")


def test_nothing_is_found_in_nothing() -> None:
    assert find_chords([], [Meter()]) == []
    assert find_chords([DraftNote(0, 4, 60)], []) == []


def test_notes_without_end_are_refused() -> None:
    notes = [DraftNote(0, 64_000, 60)] * 100
    with pytest.raises(BadInput, match="too many notes"):
        find_chords(notes, [Meter()] * 4000)
