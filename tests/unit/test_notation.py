"""What was played, written as a reader expects it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter, stream

from jam.messages.notes import Note
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.key import spell
from jam.music.rows import NO_CHORD, ChordState
from jam.notation.bars import Piece
from jam.notation.beams import beams
from jam.notation.heading import Heading
from jam.notation.musicxml import symbol_in, write_musicxml
from jam.notation.rhythm import WrittenMelody, top_voice, written_melody
from tests.support.strategies import tempo_maps

FOUR = TempoMap.constant(100.0, Meter())


def notes(*starts_and_ends: tuple[float, float]) -> list[Note]:
    return [Note(s, e, 60 + i, 80) for i, (s, e) in enumerate(starts_and_ends)]


def quarters(melody: WrittenMelody) -> list[tuple[float, float]]:
    return [(float(n.start_quarter), float(n.end_quarter)) for n in melody.notes]


@given(tempo_maps(max_changes=2), st.sets(st.integers(0, 200), min_size=1, max_size=30))
def test_what_is_on_the_grid_stays_where_it_is(tempo_map: TempoMap, frames: set[int]) -> None:
    starts = sorted(frames)
    played = [Note(float(f), f + 0.8, 60, 80) for f in starts]
    written = written_melody(played, tempo_map)
    assert [n.start_quarter * 4 for n in written.notes] == starts
    ends = [n.end_quarter for n in written.notes]
    assert all(n.start_quarter < n.end_quarter for n in written.notes)
    assert all(end <= n.start_quarter for end, n in zip(ends, written.notes[1:], strict=False))


@given(st.integers(0, 1000))
def test_human_timing_is_written_as_it_was_meant(seed: int) -> None:
    """Quarters and eighths, each up to 35 ms beside its place at 100 beats a minute."""
    dice = random.Random(seed)
    meant = [0, 4, 6, 8, 12, 16, 18, 20, 22, 24, 28]
    played = [
        Note(f + dice.uniform(-0.23, 0.23), f + dice.uniform(1.0, 2.0), 60, 80) for f in meant
    ]
    written = written_melody(played, FOUR)
    assert [float(n.start_quarter) * 4 for n in written.notes] == meant
    assert not written.swung


def test_lengths_are_those_that_are_read() -> None:
    # Short quarters are quarters, a legato line has no rests, a long rest stays.
    assert quarters(written_melody(notes((0, 1), (4, 5.5), (8, 11.7), (12, 13)), FOUR)) == [
        (0, 1),
        (1, 2),
        (2, 3),
        (3, 3.5),
    ]
    assert quarters(written_melody(notes((0, 5), (32, 36)), FOUR)) == [(0, 1), (8, 9)]


def test_triplets_and_swing() -> None:
    third = 4 / 3
    written = written_melody(notes((0, third), (third, 2 * third), (2 * third, 4), (4, 8)), FOUR)
    assert [n.start_quarter for n in written.notes] == [0, Fraction(1, 3), Fraction(2, 3), 1]
    swung = [(4.0 * beat + w, 4.0 * beat + w + 1) for beat in range(12) for w in (0.05, 2.65)]
    written = written_melody(notes(*swung), FOUR)
    assert written.swung
    assert [n.start_quarter for n in written.notes] == [Fraction(n, 2) for n in range(24)]


def test_the_top_voice_is_the_melody() -> None:
    chord = [Note(0.1 * i, 4, pitch, 80) for i, pitch in enumerate((60, 64, 67))]
    below = Note(1, 3, 50, 80)
    after = Note(4, 6, 55, 80)
    assert top_voice([*chord, below, after]) == [chord[2], after]
    assert top_voice([below, after], split_pitch=52) == [after]


def test_roots_and_notes_are_spelled_for_the_key() -> None:
    c, a_minor, d_flat, e = (0, False), (9, True), (1, False), (4, False)
    assert [spell(pc, c) for pc in (1, 3, 6, 8, 10)] == ["Db", "Eb", "F#", "Ab", "Bb"]
    assert [spell(pc, a_minor) for pc in (1, 3, 6, 8, 10)] == ["C#", "Eb", "F#", "G#", "Bb"]
    assert [spell(pc, d_flat) for pc in (1, 3, 5, 6, 8, 10)] == ["Db", "Eb", "F", "Gb", "Ab", "Bb"]
    assert [spell(pc, e) for pc in (1, 3, 4, 6, 8, 11)] == ["C#", "D#", "E", "F#", "G#", "B"]
    assert spell(11, (6, False)) == "Cb"  # G flat major has it in its signature
    assert symbol_in(Chord(10, "7"), c) == "Bb7"


@pytest.mark.parametrize("tonic", range(12))
@pytest.mark.parametrize("meter", [Meter(), Meter(6, 8), Meter(7, 8)], ids=str)
def test_every_sheet_reads_back_with_whole_bars(tonic: int, meter: Meter, tmp_path: Path) -> None:
    """Every pitch, triplets, notes over bar lines, in every key."""
    tempo_map = TempoMap.constant(100.0, meter)
    third = tempo_map.meter_at(0).frames_per_beat / 3
    starts = [
        0.0,
        third,
        2 * third,
        3 * third,
        19.0,
        40.0,
        43.0,
        *(50.0 + 3 * i for i in range(12)),
    ]
    played = [
        Note(s, e, 55 + i, 80)
        for i, (s, e) in enumerate(zip(starts, [*starts[1:], 90.0], strict=True))
    ]
    chords: Sequence[ChordState] = [
        ChordState(Chord(f // 8 % 12, "min7"), f % 8 == 0) for f in range(96)
    ] + [NO_CHORD] * 4
    path = tmp_path / "sheet.musicxml"
    written = written_melody(played, tempo_map)
    write_musicxml(path, Heading("x"), written, chords, tempo_map, (tonic, False))
    part: Any = cast(Any, converter.parse(path)).parts[0]
    bars = part.getElementsByClass(stream.Measure)
    assert all(bar.duration.quarterLength == bar.barDuration.quarterLength for bar in bars)
    heard = [
        (n.getOffsetInHierarchy(part), n.pitch.midi)
        for n in part.flatten().notes
        if n.isNote and (n.tie is None or n.tie.type == "start")
    ]
    assert [pitch for _, pitch in heard] == [n.pitch for n in written.notes]
    assert [Fraction(at).limit_denominator(12) for at, _ in heard] == [
        n.start_quarter for n in written.notes
    ]


def beamed(*lengths: str, meter: str = "4/4", before: int = 0) -> list[str]:
    """Lengths in sixteenths, "r" before a rest, "t" before a triplet's note; states by note."""
    at, pieces = Fraction(before, 4), list[Piece]()
    for text in lengths:
        length = Fraction(int(text.lstrip("rt")), 4) * (Fraction(2, 3) if "t" in text else 1)
        pitch = None if "r" in text else 60
        tuplet = "inside" if "t" in text else ""
        pieces.append(Piece(at - Fraction(before, 4), length, pitch, tuplet=tuplet))
        at += length
    found = beams(pieces, Meter.parse(meter), Fraction(before, 4))
    return ["".join(_SIGNS[state] for state in states) for states in found]


_SIGNS = {"begin": "(", "continue": "-", "end": ")", "forward hook": ">", "backward hook": "<"}


@pytest.mark.parametrize(
    ("lengths", "meter", "states"),
    [
        ("4 2 2 4 2 2", "4/4", ["", "(", ")", "", "(", ")"]),
        ("2 2 2 2 4 4", "4/4", ["(", "-", "-", ")", "", ""]),
        ("4 2 2 2 2 4", "4/4", ["", "(", ")", "(", ")", ""]),
        ("3 1 1 3 1 2 1", "4/4", ["(", ")<", "(>", ")", "(>", "-", ")<"]),
        ("1 1 2 2 r2 2", "4/4", ["((", "-)", ")", "", "", ""]),
        ("2 2 2 2 2 2", "6/8", ["(", "-", ")", "(", "-", ")"]),
        ("2 2 2 2 2 2", "3/4", ["(", ")", "(", ")", "(", ")"]),
        ("t2 t2 t2 4", "2/4", ["(", "-", ")", ""]),
        ("8 2 6", "4/4", ["", "", ""]),
    ],
)
def test_beams_show_the_beats(lengths: str, meter: str, states: list[str]) -> None:
    assert beamed(*lengths.split(" "), meter=meter) == states


def test_beams_of_a_pickup_are_those_of_the_end_of_a_bar() -> None:
    assert beamed("2", "2", "2", before=10) == ["", "(", ")"]
