"""Reading chord names: lead-sheet symbols, Harte's syntax and MusicXML kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.music.chord import DEGREES, QUALITIES, SHARP_NAMES, Chord, pitch_class
from jam.music.chord_kinds import quality_of_musicxml_kind
from jam.music.chord_notation import (
    SymbolReader,
    chords_of_texts,
    naming_of,
    parse_symbol,
    read_symbol,
)
from jam.music.harte import parse_harte
from tests.support.strategies import chords

SPELLINGS = {
    "maj": "| maj M ma major add9 (add9) (9) 5b add2 add#11 /9 (no5) omit5",
    "min": "m m(9) - – − min minor mi MI madd9 (m)",
    "7": "7 13b9 13#9 13(b9) 7sus(add3) 7(no3) "
    "dom7 7b9 79b 79# 7#9 7alt alt 7#11 79b13b 7b9b13 7b5 7(b9) 7(13) 7b13 "
    "7(b9,#11) 7/9b 7(9b) 7-9 7#11b9 7/b9",
    "maj7": "maj7 M7 ma7 Maj7 MA7 7M j7 Δ Δ7 ∆ △7 ^ ^7 maj7#11 j79# 7M 7maj",
    "min7": "m7 -7 min7 mi7 MI7 m7(11) m7#5",
    "dim": "dim o ° º d mb5 m(b5) -b5",
    "aug": "+ aug (#5) +j7 maj7#5",
    "sus4": "sus sus4 4 2/4 sus24 sus2sus4 maj7sus4",
    "sus2": "sus2 2",
    "hdim7": "ø ø7 Ø m7b5 -7b5 m7(b5) m7-5 m7♭5 h7 hdim7 m9b5 min7b5 m7/5- m7(5b) m7/b5",
    "dim7": "dim7 °7(maj7) o7 °7 dim9",
    "maj6": "6 69 6/9 maj6 6add9 6911#",
    "min6": "m6 -6 min6 -69 m6/9",
    "9": "9 9(omit3) 79 13 11 7913 7911# 7(9)",
    "min9": "m9 -9 -79 -7911 m11 min9 m13",
    "maj9": "maj9 M9 MA9 j79 j7911# maj13",
    "7sus4": "7sus4 7/4 7(4) 7(4/9) 7sus sus7 9sus4 9sus 13sus4 sus79 sus7913 7susb9",
    "minmaj7": "mM7 m(maj7) mMaj7 minmaj7 -j7 -^7 -Δ7 m/maj7 -j7913 m#7 m+7 m7+",
    "5": "5 no3 (no3)",
    "aug7": "+7 aug7 7+ 7#5 7(#5) 7aug 7+5 9#5 +79# +9 7#5#9 7b13#5",
}
CASES = [
    (spelling.replace("|", ""), quality)
    for quality, spellings in SPELLINGS.items()
    for spelling in spellings.split(" ")
]


def test_every_quality_has_spellings() -> None:
    assert set(SPELLINGS) == set(QUALITIES)


@pytest.mark.parametrize(("suffix", "quality"), CASES)
def test_spellings_of_a_quality(suffix: str, quality: str) -> None:
    assert parse_symbol("C" + suffix) == (Chord(0, quality), None)


@given(st.sampled_from(CASES), st.sampled_from(SHARP_NAMES), st.sampled_from(SHARP_NAMES))
def test_root_and_bass_do_not_change_the_quality(
    case: tuple[str, str], root: str, bass: str
) -> None:
    suffix, quality = case
    if suffix.startswith(("b", "#")) and len(root) == 1:
        return
    chord, bass_class = parse_symbol(f"{root}{suffix}/{bass}")
    assert chord == Chord(pitch_class(root), quality)
    assert bass_class == pitch_class(bass)


@given(chords)
def test_what_the_program_writes_it_reads(chord: Chord) -> None:
    assert parse_symbol(chord.symbol) == (chord, None)


@pytest.mark.parametrize(
    "text", ["N.C.", "NC", "n.c.", "N.C", "N", "", "  ", "No chord", "tacet", "—"]
)
def test_no_chord(text: str) -> None:
    assert parse_symbol(text) == (None, None)


@pytest.mark.parametrize(
    ("text", "chord", "bass"),
    [
        ("Bbm7b5/Ab", Chord(10, "hdim7"), 8),
        ("F♯m7/C♯", Chord(6, "min7"), 1),
        (" G7 / B ", Chord(7, "7"), 11),
        ("(E7)", Chord(4, "7"), None),
        ("D#d", Chord(3, "dim"), None),
        ("Bbb", Chord(9, "maj"), None),
        ("E7/b", Chord(4, "7"), 11),
        ("Cb", Chord(11, "maj"), None),
        ("H7", Chord(11, "7"), None),
        ("Fism", Chord(6, "min"), None),
        ("Es7/As", Chord(3, "7"), 8),
        ("Asus4", Chord(9, "sus4"), None),
        ("Esus", Chord(4, "sus4"), None),
        ("Bes", Chord(10, "maj"), None),
        ("C/H", Chord(0, "maj"), 11),
        ("Sol7", Chord(7, "7"), None),
        ("Sib", Chord(10, "maj"), None),
        ("Ré m", Chord(2, "min"), None),
        ("Am7(D7)", Chord(9, "min7"), None),
        ("C(Am)", Chord(0, "maj"), None),
        ("D/C7", Chord(0, "9"), None),
        ("D|C", Chord(0, "maj6"), None),
        ("Ebmaj7/F7", Chord(5, "9"), None),
        ("G on B", Chord(7, "maj"), 11),
        ("AmonG", Chord(9, "min"), 7),
    ],
)
def test_whole_symbols(text: str, chord: Chord, bass: int | None) -> None:
    assert parse_symbol(text) == (chord, bass)


def test_one_symbol_tells_what_the_others_mean() -> None:
    """Beside an H, B is B flat; beside a Sol, Do is no D diminished."""
    assert naming_of(["C", "F", "H7"]) == "german"
    assert naming_of(["Do", "Sol7"]) == "solfege"
    assert naming_of(["Intro", "Hook", "Do", "Solo", "B", "Refrain"]) == "english"
    assert read_symbol("B7/D", "german").text == "Bb7/D"
    assert read_symbol("Bb", "german").text == read_symbol("Bes", "german").text == "Bb"
    assert read_symbol("Do7/Mi", "solfege").text == "C7/E"
    assert read_symbol("Do7").text == "Do7"
    sung = ("Fa# mineur", "Sol diesis minore 7", "Sol/Si", "Si bémol", "La-7", "SIb7/RE")
    assert [read_symbol(t, "solfege").text for t in sung] == [
        *("F#m", "G#m7", "G/B", "Bb", "A-7", "Bb7/D")
    ]
    # An Es or Fis is German too, unless B flat has a name of its own: that is Dutch, or a mixture.
    assert naming_of(["Es", "B", "F7"]) == "german"
    assert naming_of(["Es", "Bes", "B"]) == naming_of(["Fism", "Bb", "B"]) == "english"
    assert naming_of(["Do", "Fa", "Do"]) == "solfege"
    assert naming_of(["Esus4", "Asus", "Caug", "Dim", "Fade"]) == "english"
    # Small letters are minor chords where notes are German, and only there.
    assert [read_symbol(t, "german").text for t in ("a", "h7", "fis", "dm", "c°")] == [
        *("Am", "Bm7", "F#m", "Dm", "C°")
    ]
    assert read_symbol("a").text == "A"


@pytest.mark.parametrize("text", ["A on B", "A over C", "C/E/G", "C/D", "Solo", "C|D/E"])
def test_what_could_be_a_sentence_is_no_chord(text: str) -> None:
    if text == "C/D":  # a bass, and no polychord
        assert parse_symbol(text) == (Chord(0), 2)
        return
    with pytest.raises(ValueError, match="not a chord symbol"):
        read_symbol(text)


SOUNDING = {
    "^7#5": {0, 4, 8, 11},
    "+maj7": {0, 4, 8, 11},
    "°maj7": {0, 3, 6, 11},
    "°7(maj7)": {0, 3, 6, 9, 11},
    "maj7sus4": {0, 5, 7, 11},
    "7sus2": {0, 2, 7, 10},
    "13b9": {0, 1, 4, 7, 9, 10},
    "9(no3)": {0, 2, 7, 10},
    "6sus4": {0, 5, 7, 9},
    "7/6": {0, 4, 7, 9, 10},
    "7#9b13": {0, 3, 4, 7, 8, 10},
    "m11": {0, 2, 3, 5, 7, 10},
    "13#11": {0, 2, 4, 6, 7, 9, 10},
    "9sus4": {0, 2, 5, 7, 10},
    "m9b5": {0, 2, 3, 6, 10},
}


@pytest.mark.parametrize("suffix", [*SOUNDING, *(suffix for suffix, _ in CASES)])
def test_musicxml_keeps_the_chord(suffix: str) -> None:
    """Kind and degrees say the same quality, and all notes where they are known."""
    symbol = read_symbol("C" + suffix)
    if symbol.kind == "other" or symbol.chord is None:
        return
    degrees = tuple((value, alter, type_) for type_, value, alter in symbol.degrees)
    assert quality_of_musicxml_kind(symbol.kind, degrees) == symbol.chord.quality
    if suffix in SOUNDING:
        sounding = {"11th": {2, 5}, "13th": {2, 9}}.get(symbol.kind[-4:], set())
        quality = quality_of_musicxml_kind(symbol.kind)
        sounding |= set(QUALITIES[quality][0])
        for type_, value, alter in symbol.degrees:
            plain = DEGREES[value] - (value == 7)
            sounding -= {plain} if type_ == "subtract" or type_ == "alter" else set()
            sounding |= {plain + alter} if type_ != "subtract" else set()
        assert sounding == SOUNDING[suffix]


def test_symbols_in_their_order() -> None:
    """A bass alone, a chord that goes on, a word, and what can't be read."""
    reader = SymbolReader()
    texts = ("C7", "/Bb", "%", "Chorus", "C7xyz", "/B", "N.C.")
    found = [reader.read(text, bar) for bar, text in enumerate(texts, 1)]
    seventh = Chord(0, "7")
    assert found == [
        (seventh, "C7"),
        (seventh, "/Bb"),
        None,
        None,
        (None, "C7xyz"),
        (None, "/B"),
        (None, "N.C."),
    ]
    assert (reader.unread, reader.n_words) == (["bar 5: C7xyz", "bar 6: /B"], 1)


def test_markers_are_chords_where_most_of_them_are() -> None:
    marked = [(0, "C"), (16, "Chorus"), (32, "H7"), (48, "B")]
    found, unread = chords_of_texts(marked, lambda at: at // 16 + 1)
    assert [(at, chord.symbol if chord else "") for at, chord, _ in found] == [
        (0, "C"),
        (32, "B7"),
        (48, "Bb"),
    ]
    assert unread == []
    assert chords_of_texts([(0, "Verse"), (8, "C"), (9, "Chorus")], int) == ([], [])


@pytest.mark.parametrize(
    ("text", "kind", "degrees"),
    [
        ("G7b9", "dominant", [("add", 9, -1)]),
        ("C6/9", "major-sixth", [("add", 9, 0)]),
        ("C13#11", "dominant-13th", [("add", 11, 1)]),
        ("C7sus4", "suspended-fourth", [("add", 7, 0)]),
        ("C9sus", "suspended-fourth", [("add", 7, 0), ("add", 9, 0)]),
        ("C7b5", "dominant", [("alter", 5, -1)]),
        ("Cmaj7(no5)", "major-seventh", [("subtract", 5, 0)]),
        ("C9#5", "augmented-seventh", [("add", 9, 0)]),
        ("Em(maj7)", "major-minor", []),
        ("N.C.", "none", []),
    ],
)
def test_a_symbol_for_musicxml(text: str, kind: str, degrees: list[tuple[str, int, int]]) -> None:
    symbol = read_symbol(text)
    assert (symbol.kind, list(symbol.degrees), symbol.text) == (kind, degrees, text)


@given(st.sampled_from(CASES))
def test_kind_and_degrees_say_what_the_symbol_says(case: tuple[str, str]) -> None:
    symbol = read_symbol("C" + case[0])
    if symbol.kind == "other":
        assert "alt" in case[0]  # which no kind says
        return
    again = tuple((value, alter, type_) for type_, value, alter in symbol.degrees)
    assert quality_of_musicxml_kind(symbol.kind, again) == case[1]


@pytest.mark.parametrize(
    "text",
    ["Q7", "Verse", "Bridge 2", "Coda", "Cfoo", "C7xyz", "C?", "CC", "C/", "C/E/G", "Dm7 G7"],
)
def test_what_is_no_symbol_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="chord symbol"):
        parse_symbol(text)


@given(st.text(max_size=20) | st.text("ABCDEFGabdjmsuio#/79+-1356() ", max_size=12))
def test_any_text_is_read_or_refused(text: str) -> None:
    for parse in (parse_symbol, parse_harte):
        try:
            chord, bass = parse(text)
        except ValueError:
            continue
        assert chord is None or chord.quality in QUALITIES
        assert bass is None or 0 <= bass < 12


@pytest.mark.parametrize(
    ("text", "chord", "bass"),
    [
        ("C:maj", Chord(0, "maj"), None),
        ("C#:min7/b3", Chord(1, "min7"), 4),
        ("Bb:sus4(b7)", Chord(10, "7sus4"), None),
        ("B-:maj/2", Chord(10, "maj"), 0),
        ("E--:7", Chord(2, "7"), None),
        ("G", Chord(7, "maj"), None),
        ("G/3", Chord(7, "maj"), 11),
        ("A:(1,3,5,b7,9,11)", Chord(9, "9"), None),
        ("A:(b3,b7)", Chord(9, "min7"), None),
        ("F:1", Chord(5, "5"), None),
        ("F:5(b7)", Chord(5, "7"), None),
        ("D:maj(9)", Chord(2, "maj"), None),
        ("D:maj6(9)", Chord(2, "maj6"), None),
        ("D:min7(*5)", Chord(2, "min7"), None),
        ("D:hdim7/b5", Chord(2, "hdim7"), 8),
        ("D:aug(b7)", Chord(2, "aug7"), None),
        ("D:7(#9)", Chord(2, "7"), None),
        ("D:13", Chord(2, "9"), None),
        ("N", None, None),
        ("X", None, None),
    ],
)
def test_harte(text: str, chord: Chord | None, bass: int | None) -> None:
    assert parse_harte(text) == (chord, bass)


@pytest.mark.parametrize(
    "text", ["H:maj", "C:foo", "C:sus4x", "C:maj/x", "C:maj(z)", "C maj", ":maj"]
)
def test_what_is_not_harte_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="Harte"):
        parse_harte(text)


@pytest.mark.parametrize(
    ("kind", "degrees", "quality"),
    [
        ("major", (), "maj"),
        ("dominant", (), "7"),
        ("half-diminished", (), "hdim7"),
        ("major-minor", (), "minmaj7"),
        ("minor-seventh", ((5, -1, "alter"),), "hdim7"),
        ("dominant", ((5, 1, "alter"),), "aug7"),
        ("dominant", ((9, 0, "add"),), "9"),
        ("dominant", ((9, -1, "add"),), "7"),
        ("suspended-fourth", ((7, 0, "add"),), "7sus4"),
        ("major", ((7, 0, "add"),), "7"),
        ("major", ((3, 0, "subtract"),), "5"),
        ("major", ((99, 0, "add"),), "maj"),
        ("dominant-13th", (), "9"),
    ],
)
def test_musicxml_kinds(kind: str, degrees: tuple[tuple[int, int, str], ...], quality: str) -> None:
    assert quality_of_musicxml_kind(kind, degrees) == quality


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="kind"):
        quality_of_musicxml_kind("sparkling")


@pytest.mark.parametrize("text", ["C/E", "C\\E", "C on E", "ConE", "C over E", "[C/E]"])
def test_a_bass_is_written_behind_a_slash_or_a_word(text: str) -> None:
    assert parse_symbol(text) == (Chord(0, "maj"), 4)


@pytest.mark.parametrize("text", ["N/C", "[N.C.]", "(N.C.)", "n.c.", "No chord"])
def test_no_chord_has_many_spellings(text: str) -> None:
    assert parse_symbol(text) == (None, None)
