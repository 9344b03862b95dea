"""Chords that are held: every quality, in every key and inversion, whole and in part."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.music.chord import QUALITIES, Chord, pitch_class
from jam.music.held_chord import gap_split, held_chord
from tools.held_chords import COLUMNS, shares, voicing

everywhere = pytest.mark.parametrize("quality", QUALITIES)


@everywhere
@pytest.mark.parametrize("root", range(12))
def test_every_chord_is_recognised_in_root_position(root: int, quality: str) -> None:
    found = held_chord(voicing(Chord(root, quality)))
    assert found is not None
    assert (found.chord, found.bass) == (Chord(root, quality), None)


@everywhere
def test_an_inversion_keeps_its_notes_and_says_its_bass(quality: str) -> None:
    for root in range(12):
        for rotation in range(1, len(QUALITIES[quality][0])):
            pitches = voicing(Chord(root, quality), rotation)
            found = held_chord(pitches)
            assert found is not None
            assert set(found.chord.pitch_classes) == {p % 12 for p in pitches} or (
                found.chord == Chord(root, quality)
            )
            bass = found.chord.root if found.bass is None else found.bass
            assert bass == pitches[0] % 12


@everywhere
def test_a_chord_that_was_there_stays_when_it_is_inverted(quality: str) -> None:
    """Of several names for the same notes the one before is kept, whatever the bass."""
    for rotation in range(1, len(QUALITIES[quality][0])):
        chord = Chord(9, quality)
        found = held_chord(voicing(chord, rotation), before=chord)
        assert found is not None
        same_notes = set(found.chord.pitch_classes) == set(chord.pitch_classes)
        assert found.chord == chord or same_notes


@pytest.mark.parametrize(
    ("notes", "symbol", "bass"),
    [
        ("C E", "C", None),
        ("C Eb", "Cm", None),
        ("C G", "C5", None),
        ("G C", "C5", 7),
        ("C B", "Cmaj7", None),
        ("G F B", "G7", None),
        ("C Bb E", "C7", None),
        ("C Bb Eb", "Cm7", None),
        ("C D E G", "C", None),
        ("G B F E", "G7", None),
        ("G F Ab B", "G7", None),
        ("D C E G", "C", 2),
        ("A F C", "F", 9),
        ("F G B D", "G7", 5),
    ],
)
def test_shells_tensions_and_slash_basses(notes: str, symbol: str, bass: int | None) -> None:
    pitches = [48 + pitch_class(notes.split()[0])]
    for name in notes.split()[1:]:
        pitches.append(pitches[-1] + (pitch_class(name) - pitches[-1] % 12) % 12)
    found = held_chord(pitches)
    assert found is not None
    assert (found.chord.symbol, found.bass) == (symbol, bass)


def test_the_key_decides_between_names_for_the_same_notes() -> None:
    diminished = voicing(Chord(11, "dim7"))
    aug = held_chord([48, 52, 56])
    assert aug is not None
    assert held_chord([48, 51, 54, 57], before=Chord(9, "dim7")) is not None
    assert held_chord(diminished, key=(0, True)) is not None


@pytest.mark.parametrize("pitches", [[], [60], [48, 60, 72]])
def test_one_note_is_no_chord(pitches: list[int]) -> None:
    assert held_chord(pitches) is None


def test_a_cluster_is_no_chord() -> None:
    assert held_chord(range(48, 56)) is None


@given(st.sets(st.integers(21, 108), max_size=10), st.integers(-12, 12))
def test_recognition_is_the_same_in_every_key(pitches: set[int], semitones: int) -> None:
    """But for names that fit alike, which are told apart by order alone."""
    found = held_chord(pitches)
    moved = held_chord({pitch + semitones for pitch in pitches})
    assert (found is None) == (moved is None)
    if found is not None and moved is not None:
        assert len(found.chord.pitch_classes) == len(moved.chord.pitch_classes)


@everywhere
def test_what_is_left_of_a_chord_says_which_it_was(quality: str) -> None:
    """At least the share that the table showed when this was written."""
    named = shares(quality, COLUMNS[2])
    if named is not None and quality not in ("min6", "maj6", "7sus4"):
        assert named[0] >= 0.33


def test_the_split_lies_between_the_hands() -> None:
    assert gap_split([48, 52, 55, 72], 60) == 72
    assert gap_split([48, 52, 55, 57], 60) == 60
    assert gap_split([], 60) == 60
