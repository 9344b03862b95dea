"""The lead sheet that is written: valid, read back without loss, and as a reader expects it."""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import xmlschema
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter, harmony

from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.key import key_accidental, key_of_signature, spell_in
from jam.music.rows import NO_CHORD, ChordState
from jam.notation.bars import folded, written_bars
from jam.notation.heading import Heading
from jam.notation.musicxml import lead_sheet
from jam.notation.rhythm import WrittenMelody, WrittenNote
from models.corpora.collections import score_draft
from models.corpora.draft import finish
from models.corpora.musicxml import read_score
from models.data.leadsheet import LeadSheet, chord_spans, melody_spans
from tests.support.examples import examples
from tests.support.strategies import chords, tempo_maps

FOUR = TempoMap.constant(100.0, Meter())
C_MAJOR = (0, False)


@lru_cache(maxsize=1)
def schema(folder: Path) -> xmlschema.XMLSchema:
    """MusicXML 4.0 of the W3C, as the package musicxml carries it; xlink is named, and not used."""
    xlink = folder / "xlink.xsd"
    names = ("href", "type", "role", "title", "show", "actuate")
    attributes = "".join(f'<xs:attribute name="{name}" type="xs:string"/>' for name in names)
    xlink.write_text(
        '<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"'
        f' targetNamespace="http://www.w3.org/1999/xlink">{attributes}</xs:schema>'
    )
    there = files("musicxml") / "generate_classes"
    return xmlschema.XMLSchema(
        str(there / "musicxml_4_0.xsd"),
        locations={
            "http://www.w3.org/1999/xlink": str(xlink),
            "http://www.w3.org/XML/1998/namespace": str(there / "xml.xsd"),
        },
        allow="local",
    )


def melody(*notes: tuple[float, float, int]) -> WrittenMelody:
    """(start, end, pitch) in quarters."""
    return WrittenMelody(
        tuple(
            WrittenNote(
                Fraction(start).limit_denominator(12), Fraction(end).limit_denominator(12), pitch
            )
            for start, end, pitch in notes
        )
    )


def line(*spans: tuple[int, Chord | None]) -> list[ChordState]:
    """(frames, chord) one after the other."""
    return [
        ChordState(chord, i == 0) if chord else NO_CHORD
        for frames, chord in spans
        for i in range(frames)
    ]


def read_back(text: str) -> LeadSheet:
    draft = score_draft("songs", "x", read_score(text.encode()))
    assert not draft.unread
    return finish(draft)


SCALE = melody(*((i, i + 1, 60 + i) for i in range(16)))
ONE_CHORD = line((64, Chord(0)))


@st.composite
def tunes(draw: st.DrawFn) -> tuple[WrittenMelody, list[ChordState]]:
    """Notes on sixteenths or triplets, held over bar lines too, and chords anywhere."""
    at, notes = Fraction(draw(st.integers(0, 8)), 4), list[WrittenNote]()
    for _ in range(draw(st.integers(8, 30))):
        pitch = draw(st.integers(50, 84))
        if at.denominator == 1 and draw(st.booleans()):
            for i in range(3):
                start = at + Fraction(i, 3)
                notes.append(WrittenNote(start, start + Fraction(1, 3), pitch + i))
            at += 1
        else:
            length = Fraction(draw(st.integers(1, 22)), 4)
            notes.append(WrittenNote(at, at + length, pitch))
            at += length + Fraction(draw(st.integers(0, 3)), 4)
    spans = draw(st.lists(st.tuples(st.integers(1, 20), st.none() | chords), min_size=1))
    return WrittenMelody(tuple(notes)), line((4, Chord(0)), *spans)


@examples(60)
@given(
    tune=tunes(),
    tempo_map=tempo_maps(max_changes=2),
    sharps=st.integers(-7, 7),
    minor=st.booleans(),
)
def test_every_sheet_is_valid(
    tune: tuple[WrittenMelody, list[ChordState]],
    tempo_map: TempoMap,
    sharps: int,
    minor: bool,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    key = key_of_signature(sharps, minor)
    heading = Heading("A & B <c>", "N. N.", (sharps, minor), {0: "C6/9"}, {0: "A"})
    text = lead_sheet(heading, *tune, tempo_map, key)
    schema(tmp_path_factory.getbasetemp()).validate(text)
    root = ElementTree.fromstring(text.split('dtd">', 1)[1])
    assert not root.findall(".//backup") and {v.text for v in root.iter("voice")} == {"1"}
    for note in root.iter("note"):
        assert note.find("rest") is not None or note.find("type") is not None


@examples(60)
@given(tunes(), st.sampled_from(["4/4", "3/4", "6/8", "7/8", "2/2", "5/4"]), st.integers(-6, 6))
def test_our_own_reader_loses_nothing(
    tune: tuple[WrittenMelody, list[ChordState]], meter: str, sharps: int
) -> None:
    written, states = tune
    tempo_map = TempoMap.constant(100.0, Meter.parse(meter))
    heading = Heading(signature=(sharps, False))
    text = lead_sheet(heading, written, states, tempo_map, key_of_signature(sharps, False))
    score = read_score(text.encode())
    found = [(m.meter, m.notes) for m in score.measures]
    assert all(str(m) == meter for m, _ in found)
    sheet = read_back(text)
    on_grid = [n for n in written.notes if (4 * n.start_quarter).denominator == 1]
    found_notes = {(start, pitch) for start, _, pitch in melody_spans(sheet.melody)}
    kept = sheet.n_frames == tempo_map.next_bar_frame(
        max(len(states), *(-int(-4 * n.end_quarter // 1) for n in written.notes))
    )
    if kept:  # long rests are shortened by the corpus reader
        assert {(int(4 * n.start_quarter), n.pitch) for n in on_grid} <= found_notes
        said = [(i, s.chord) for i, s in enumerate(states) if s.onset]
        joined = [item for item, before in zip(said, [(0, None), *said], strict=False)
                  if item[1] != before[1] or states[item[0] - 1].chord is None]  # fmt: skip
        assert [(start, chord) for start, _, chord in chord_spans(sheet.chords)] == joined


def test_music21_reads_symbols_where_they_stand(tmp_path: Path) -> None:
    symbols = {0: "N.C.", 16: "F/A", 24: "G7b9", 32: "F#m7b5", 48: "Em(maj7)"}
    states = line((16, None), (8, Chord(5)), (8, Chord(7, "7")), (16, Chord(6, "hdim7")),
                  (16, Chord(4, "minmaj7")))  # fmt: skip
    path = tmp_path / "x.musicxml"
    path.write_text(lead_sheet(Heading("x", symbols=symbols), SCALE, states, FOUR, C_MAJOR))
    found = cast(Any, converter.parse(path)).recurse().getElementsByClass(harmony.Harmony)
    assert isinstance(found[0], harmony.NoChord)
    assert [h.chordKind for h in found][1:] == [
        "major", "dominant-seventh", "half-diminished-seventh", "minor-major-seventh",
    ]  # fmt: skip


def measures(text: str) -> list[ElementTree.Element]:
    return ElementTree.fromstring(text.split('dtd">', 1)[1]).findall("part/measure")


def test_a_pickup_is_bar_0() -> None:
    for tune in (melody((-1, 0, 67), (0, 4, 72)), melody((3, 4, 67), (4, 8, 72))):
        first, second = measures(lead_sheet(Heading(), tune, ONE_CHORD[:16], FOUR, C_MAJOR))[:2]
        assert (first.get("number"), first.get("implicit")) == ("0", "yes")
        assert [d.text for d in first.iter("duration")] == ["1"]
        assert first.find("direction/direction-type/metronome") is not None
        assert (second.get("number"), second.get("implicit")) == ("1", None)


def test_what_comes_again_is_folded_and_played_out_again() -> None:
    once = [(i, i + 1, 60 + i % 7) for i in range(16)]
    tune = melody(*once, *((s + 16, e + 16, p) for s, e, p in once), (32, 36, 60))
    states = line((64, Chord(0)), (64, Chord(0)), (16, Chord(7)))
    bars = written_bars(tune, states, FOUR)
    sheet = folded(bars)
    assert (len(bars), len(sheet), sheet[3].turns) == (9, 5, 2)
    text = lead_sheet(Heading(), tune, states, FOUR, C_MAJOR)
    assert text.count("<repeat ") == 2
    assert [p for _, _, p in melody_spans(read_back(text).melody)] == [n.pitch for n in tune.notes]


def test_a_first_and_a_second_ending_are_written_and_played_out_again() -> None:
    once = [(i, i + 1, 60 + i % 7) for i in range(28)]
    again = [(s + 32, e + 32, p) for s, e, p in once]
    tune = melody(*once, (28, 32, 71), *again, (60, 64, 72), (64, 68, 60))
    states = line((112, Chord(0)), (16, Chord(7)), (144, Chord(0)))
    bars = written_bars(tune, states, FOUR)
    sheet = folded(bars)
    assert (len(bars), [(b.ending, b.turns) for b in sheet[6:]]) == (
        17,
        [(0, 1), (1, 2), (2, 1), (0, 1)],
    )
    text = lead_sheet(Heading(), tune, states, FOUR, C_MAJOR)
    assert text.count("<ending ") == 4
    assert [p for _, _, p in melody_spans(read_back(text).melody)] == [n.pitch for n in tune.notes]
    # A section that begins in what would be written once keeps its name.
    assert len(folded(bars, {0: "A", 128: "B"})) == 17
    assert len(folded(bars, {0: "A", 128: "A"})) == 10


def test_another_chord_is_not_folded_and_one_that_is_held_is() -> None:
    same = [(i, i + 1, 60 + i % 7) for i in range(16)]
    tune = melody(*same, *((s + 16, e + 16, p) for s, e, p in same))
    states = line((60, Chord(0)), (4, Chord(7)), (64, Chord(7)))
    assert len(folded(written_bars(tune, states, FOUR))) == 8
    states = line((128, Chord(0)))
    assert len(folded(written_bars(tune, states, FOUR))) == 4


def test_the_clef_is_that_of_the_tune() -> None:
    low = melody(*((i, i + 1, 40 + i % 5) for i in range(16)))
    assert "<sign>F</sign>" in lead_sheet(Heading(), low, ONE_CHORD, FOUR, C_MAJOR)
    assert "<sign>G</sign>" in lead_sheet(Heading(), SCALE, ONE_CHORD, FOUR, C_MAJOR)


def test_title_and_composer_only_where_they_are_known() -> None:
    text = lead_sheet(Heading(), SCALE, ONE_CHORD, FOUR, C_MAJOR)
    assert "title" not in text and "creator" not in text
    text = lead_sheet(Heading("T", "C"), SCALE, ONE_CHORD, FOUR, C_MAJOR)
    assert "<work-title>T</work-title>" in text and '<creator type="composer">C</creator>' in text


def test_small_and_short_changes_of_tempo_are_played_not_printed() -> None:
    tempo_map = FOUR.with_tempo(16, 98).with_tempo(32, 80).with_tempo(36, 70).with_tempo(48, 60)
    text = lead_sheet(Heading(), SCALE, ONE_CHORD, tempo_map, C_MAJOR)
    assert text.count("<metronome>") == 2 and text.count("<sound ") == 5


@pytest.mark.parametrize(
    ("start", "end", "lengths"),
    [
        (0, 4, [4]),
        (1, 3, [2]),
        (0.5, 1.5, [1]),
        (1.5, 2.5, [0.5, 0.5]),
        (0.5, 3, [0.5, 2]),
        (0, 2.5, [2, 0.5]),
        (0.75, 1.25, [0.25, 0.25]),
    ],
)
def test_notes_show_the_beats(start: float, end: float, lengths: list[float]) -> None:
    bar = written_bars(melody((start, end, 60)), line((16, Chord(0))), FOUR)[0]
    assert [float(p.length) for p in bar.pieces if p.pitch is not None] == lengths


@given(st.integers(-7, 7), st.booleans())
def test_the_notes_of_a_key_need_no_accidental(sharps: int, minor: bool) -> None:
    tonic, _ = key_of_signature(sharps, minor)
    for step in (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11):
        name = spell_in((tonic + step) % 12, sharps, minor)
        assert key_accidental(name[0], sharps) == name.count("#") - name.count("b")
