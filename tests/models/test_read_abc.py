"""ABC: hard cases, broken files, and what is written is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.chord import Chord
from jam.music.grid import Meter
from jam.music.repeats import played_order
from models.corpora import CORPORA, Outcome, outcomes
from models.corpora.abc import key_accidentals, key_signs, parse_tune, split_tunes
from models.corpora.files import Files
from models.data.leadsheet import melody_spans
from tests.support.examples import examples
from tests.support.lead_sheets import (
    Song,
    chords_of,
    expected,
    found_in_fixtures,
    sheet_of,
    songs,
    starts_of,
)


@pytest.fixture(scope="module")
def found() -> dict[str, Outcome]:
    return found_in_fixtures()


def test_abc_repeats_endings_and_pickups(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#1")
    assert sheet.n_frames == 17 * 16
    # The pickup ends the first bar; that of the repeat fills up the bar of the first ending.
    assert starts_of(sheet)[:2] == [(12, 62), (16, 67)]
    assert starts_of(sheet)[13:16] == [(72, 62), (76, 62), (80, 67)]
    # The second section has no |: of its own: its repeat goes back to its pickup.
    pitches = [pitch for _, pitch in starts_of(sheet)]
    assert pitches.count(76) == 6
    assert [c for c in chords_of(sheet) if c[0] in (48, 64, 112, 120)] == [
        (48, 64, "C"),
        (64, 80, "D"),
        (112, 120, "C"),
        (120, 128, "D7"),
    ]


def test_abc_labels_keep_the_slash_bass(found: dict[str, Outcome]) -> None:
    assert (160, "Am/c") in sheet_of(found, "repeats.abc#1").labels


def test_abc_compound_metre_tuplets_ties_and_accidentals(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#2")
    assert sheet.meters == ((0, Meter(6, 8)),)
    assert sheet.bpm == 100  # of dotted quarters
    assert starts_of(sheet)[1] == (2, 66)  # F sharp in D minor, for this bar only
    assert (18, 30, 74) in melody_spans(sheet.melody)  # tied over the bar line
    assert [s for s, _ in starts_of(sheet)][6:10] == [12, 14, 15, 17]  # four in the time of three
    assert melody_spans(sheet.melody)[-4:] == [
        (30, 33, 73),
        (33, 34, 70),
        (34, 36, 73),
        (36, 48, 74),
    ]
    assert [name for _, _, name in chords_of(sheet)] == ["Dm", "Gm", "A7", "Dm"]


def test_abc_metre_change_rests_and_no_chord(found: dict[str, Outcome]) -> None:
    outcome = found["repeats.abc#3"]
    sheet = sheet_of(found, "repeats.abc#3")
    assert sheet.meters == ((0, Meter(3, 4)), (24, Meter(4, 4)))
    assert starts_of(sheet)[:3] == [(0, 60), (6, 62), (8, 64)]  # C>D
    assert chords_of(sheet)[2:] == [(24, 40, "G7sus4"), (56, 104, "Cmaj7")]
    assert starts_of(sheet)[-7:-3] == [(56, 76), (57, 77), (59, 79), (60, 76)]  # a triplet
    assert outcome.dropped["words above the staff"] == 1


def test_abc_part_order(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#4")
    assert [pitch for _, pitch in starts_of(sheet)] == [
        60,
        62,
        64,
        65,
        67,
        65,
        64,
        62,
        60,
        60,
        60,
        62,
        64,
        65,
        67,
    ]


def test_abc_double_repeats(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#5")
    bars = [name for start, end, name in chords_of(sheet) for _ in range((end - start) // 8)]
    assert bars == ["C", "C", "F", "F", "G", "Am", "Em", "Am", "Em", "Dm", "C", "C", "C"]


def test_abc_without_notes_is_dropped(found: dict[str, Outcome]) -> None:
    assert "fewer than" in found["repeats.abc#6"].why_not


@pytest.mark.parametrize(
    ("key", "fifths"),
    [
        ("C", 0),
        ("Am", 0),
        ("F#m", 3),
        ("Bb", -2),
        ("D dorian", 0),
        ("Gmix", 0),
        ("Ador", 1),
        ("Eb minor", -6),
        ("none", 0),
        ("", 0),
        ("Hp", 2),
        ("F lydian", 0),
    ],
)
def test_abc_keys(key: str, fifths: int) -> None:
    assert key_accidentals(key) == key_signs(fifths)


@pytest.mark.parametrize(
    ("key", "signs"),
    [
        ("am", {}),
        ("d dorian", {}),
        ("D phr ^f", {"F": 1, "B": -1, "E": -1}),
        ("D =c", {"F": 1, "C": 0}),
        ("D=c", {"F": 1, "C": 0}),
        ("C exp ^f_b", {"F": 1, "B": -1}),
        ("^f", {"F": 1}),
        ("clef=bass", {}),
        ("bass", {}),
        ("Bb treble", {"B": -1, "E": -1}),
        ("G clef=treble-8 octave=-1", {"F": 1}),
    ],
)
def test_abc_keys_with_signs_of_their_own_and_clefs(key: str, signs: dict[str, int]) -> None:
    assert key_accidentals(key) == signs


def one_abc(body: str, header: str = "K:C") -> Outcome:
    files = Files("memory", {"a.abc": f"X:1\nM:4/4\nL:1/4\n{header}\n{body}\n".encode()})
    (outcome,) = outcomes(CORPORA["songs"], files)
    assert outcome.sheet is not None, outcome.why_not
    return outcome


def test_what_cannot_be_read_is_told_and_ends_the_chord_before() -> None:
    outcome = one_abc('"C"CDEF|"C7xyz"GABc|"slowly"cBAG|"G7"FEDC|')
    assert outcome.sheet is not None
    assert chords_of(outcome.sheet) == [(0, 16, "C"), (48, 64, "G7")]
    assert outcome.unread == ("bar 2: C7xyz",)


def test_a_bass_alone_is_the_chord_before_over_it() -> None:
    outcome = one_abc('"C"CDEF|"/B"GABc|"Am"cBAG|FEDC|')
    assert outcome.sheet is not None
    assert chords_of(outcome.sheet) == [(0, 16, "C"), (16, 32, "C"), (32, 64, "Am")]
    assert outcome.sheet.labels[1] == (16, "/B")


def test_of_several_voices_the_first_or_the_one_that_is_named_is_the_tune() -> None:
    voices = '[V:1] "C"C,4|"F"F,4|\n[V:2] cdef|gfed|\n[V:1] "G"G,4|"C"C,4|\n[V:2] cdef|gfed|'
    assert chords_of(sheet := one_abc(voices, 'V:2 name="Melody"\nK:C').sheet or pytest.fail())
    assert [pitch for _, pitch in starts_of(sheet)][:4] == [72, 74, 76, 77]
    assert [name for _, _, name in chords_of(sheet)] == ["C", "F", "G", "C"]


def test_chords_are_found_in_the_voices_of_a_hymn() -> None:
    voices = "V:1\nGGGG|AAAA|GGGG|E4|\nV:2\nEEEE|FFFF|DDDD|C4|\nV:3\nC,4|F,4|G,4|C,4|\n"
    voices += "V:4\nCCCC|CCCC|B,B,B,B,|C4|\n"
    outcome = one_abc(voices)
    assert outcome.sheet is not None
    assert chords_of(outcome.sheet) == [
        (0, 16, "C"), (16, 32, "F"), (32, 48, "G"), (48, 64, "C"),
    ]  # fmt: skip


def test_two_tunes_with_one_number_have_two_names() -> None:
    tunes = "X:1\nK:C\nCDEF|\n\nX:1\nK:C\nGABc|\nX:2\nK:C\nC|\n"
    assert [number for number, _ in split_tunes(tunes)] == ["1", "1.2", "2"]


def test_what_stands_behind_a_tune_is_no_music() -> None:
    outcome = one_abc('"C"CDEF|GABc|\n\nA faded edge, bad ACE deed.')
    assert outcome.sheet is not None
    assert outcome.sheet.n_frames == 32


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("X:1\nT:no key\nM:4/4\n", "no K: field"),
        ("X:1\nM:a/b\nK:C\nCDEF|\n", "no such metre"),
        ("X:1\nL:1/0\nK:C\nCDEF|\n", "Fraction"),
        ("X:1\nK:C\nC9999999|\n", "a note of"),
        ("X:1\nK:Q\nC|\n", "no such key"),
    ],
)
def test_abc_faults(text: str, fault: str) -> None:
    (number, lines) = split_tunes(text)[0]
    with pytest.raises(BadInput, match=fault):
        parse_tune(number, lines)


@given(st.text(alphabet="ABCdefg|:[]12\"(3>/-^_= zZ,'\nKMXPV!{}", max_size=200))
@examples(200)
def test_any_abc_is_read_or_refused(text: str) -> None:
    for number, lines in split_tunes("X:1\nM:4/4\nK:G\n" + text):
        try:
            tune = parse_tune(number, lines)
            order = played_order(tune.measures)
        except BadInput:
            continue
        assert all(0 <= i < len(tune.measures) for i in order)
        assert all(n.length >= 0 for m in tune.measures for n in m.notes)


def as_abc(notes: list[tuple[int, int, int]], chords: list[tuple[int, Chord]], bars: int) -> str:
    """The song written out sixteenth by sixteenth, with ties."""
    names = ("C", "^C", "D", "^D", "E", "F", "^F", "G", "^G", "A", "^A", "B")
    symbols = dict(chords)
    cells = []
    for frame in range(bars * 16):
        cell = f'"{symbols[frame].symbol}"' if frame in symbols else ""
        note = next((n for n in notes if n[0] <= frame < n[1]), None)
        if note is None:
            cell += "z"
        else:
            name = names[note[2] % 12]
            # Every note says its accidental: what came before in the bar doesn't matter.
            octave = note[2] // 12 - 5
            cell += name if name[0] == "^" else f"={name}"
            cell += "'" * octave if octave > 0 else "," * -octave
            cell += "-" if frame + 1 < note[1] else ""
        cells.append(cell + ("|" if frame % 16 == 15 else ""))
    return "X:1\nM:4/4\nL:1/16\nK:C\n" + "".join(cells)


@given(songs())
@examples(50)
def test_what_is_written_as_abc_is_read_again(song: Song) -> None:
    files = Files("memory", {"a.abc": as_abc(*song).encode()})
    (outcome,) = outcomes(CORPORA["songs"], files)
    assert outcome.sheet is not None
    assert outcome.sheet.melody == expected(song).melody
    assert outcome.sheet.chords == expected(song).chords
