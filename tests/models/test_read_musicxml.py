"""MusicXML: hard cases, hostile files; and the order in which repeats are played."""

from __future__ import annotations

import io
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.grid import Meter
from jam.music.repeats import played_order
from models.corpora import CORPORA, Outcome, outcomes
from models.corpora.files import Files
from models.corpora.musicxml import read_score
from models.corpora.musicxml_file import parse_xml
from models.corpora.score import Measure
from models.data.leadsheet import LeadSheet, melody_spans
from tests.support.lead_sheets import FIXTURES, chords_of, found_in_fixtures, sheet_of


@pytest.fixture(scope="module")
def found() -> dict[str, Outcome]:
    return found_in_fixtures()


def check_hard_musicxml(sheet: LeadSheet) -> None:
    assert sheet.meters == ((0, Meter(4, 4)), (80, Meter(6, 8)))
    assert sheet.bpm == 96
    spans = melody_spans(sheet.melody)
    assert spans[0] == (12, 16, 67)  # a pickup, written an octave higher than it sounds
    assert spans[1:4] == [(16, 17, 60), (17, 19, 62), (19, 20, 64)]  # a triplet
    assert spans[4:6] == [(20, 24, 67), (24, 40, 69)]  # the top note; a tie into the ending
    assert (56, 64, 69) in spans  # the tie leads nowhere in the second ending
    assert spans[-3:] == [(64, 80, 70), (80, 86, 62), (86, 92, 65)]
    assert chords_of(sheet) == [
        (16, 28, "Cmaj7"),
        (28, 32, "F#m7b5"),  # a minor seventh with an altered fifth, placed by its offset
        (32, 48, "G7"),
        (48, 60, "Cmaj7"),
        (60, 64, "F#m7b5"),
        (80, 92, "Bb7"),  # "other", read from its text
    ]
    assert dict(sheet.labels)[16] == "Cmaj7/E"


def test_musicxml_hard_cases(found: dict[str, Outcome]) -> None:
    check_hard_musicxml(sheet_of(found, "song.musicxml"))


def mxl(score: bytes, container: bytes | None = None) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        rootfile = b'<container><rootfiles><rootfile full-path="s.xml"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", rootfile if container is None else container)
        archive.writestr("s.xml", score)
    return out.getvalue()


def test_compressed_musicxml() -> None:
    score = (FIXTURES / "song.musicxml").read_bytes()
    files = Files("memory", {"song.mxl": mxl(score)})
    (outcome,) = outcomes(CORPORA["songs"], files)
    assert outcome.sheet is not None
    check_hard_musicxml(outcome.sheet)


@pytest.mark.parametrize("name", ["bomb.musicxml", "external.musicxml"])
def test_entities_are_refused(found: dict[str, Outcome], name: str) -> None:
    assert "entities" in found[name].why_not


def test_truncated_xml_is_refused(found: dict[str, Outcome]) -> None:
    assert "not well-formed" in found["truncated.musicxml"].why_not


def test_deep_xml_is_refused() -> None:
    with pytest.raises(BadInput, match="nested"):
        parse_xml(b"<a>" * 10_000)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"PK\x03\x04 nothing like a zip",
        b"<html/>",
        b"<score-partwise/>",
        mxl(b"<x/>", b"<container/>"),
        mxl(b"<x/>", b'<container><rootfile full-path="../../etc/passwd"/></container>'),
        mxl(b"<!DOCTYPE a [<!ENTITY b 'c'>]><score-partwise/>"),
        mxl(b"<score-partwise>")[:-30],
    ],
)
def test_broken_musicxml_is_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        read_score(data)


@pytest.mark.parametrize(
    "inside",
    [
        "<note><pitch><step>H</step><octave>4</octave></pitch><duration>1</duration></note>",
        "<note><pitch><step>C</step></pitch><duration>1</duration></note>",
        "<note><pitch><step>C</step><octave>4</octave></pitch><duration>x</duration></note>",
        "<attributes><divisions>0</divisions></attributes>",
        "<attributes><time><beats>4</beats><beat-type>3</beat-type></time></attributes>",
        "<attributes><time><beats>99999</beats><beat-type>4</beat-type></time></attributes>",
    ],
)
def test_damaged_elements_are_refused(inside: str) -> None:
    text = f"<score-partwise><part><measure>{inside}</measure></part></score-partwise>"
    with pytest.raises(BadInput):
        read_score(text.encode())


def test_a_zip_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.corpora.musicxml_file.XML_BYTES", 10_000)
    with pytest.raises(BadInput, match="unpacks to more"):
        read_score(mxl(b" " * 1_000_000))


def bars(*marks: dict[str, object]) -> list[Measure]:
    return [Measure(Meter(), **mark) for mark in marks]  # type: ignore[arg-type]


def test_da_capo_al_fine_takes_no_repeats_again() -> None:
    measures = bars(
        {"starts_section": True},
        {"repeats": 2, "marks": frozenset({"fine"})},
        {"starts_section": True},
        {"marks": frozenset({"dacapo"})},
    )
    assert played_order(measures) == [0, 1, 0, 1, 2, 3, 0, 1]


def test_dal_segno_al_coda() -> None:
    measures = bars(
        {},
        {"marks": frozenset({"segno"})},
        {"marks": frozenset({"tocoda"})},
        {"marks": frozenset({"dalsegno"})},
        {"marks": frozenset({"coda"})},
    )
    assert played_order(measures) == [0, 1, 2, 3, 1, 2, 4]


def test_three_turns_with_endings_for_one_and_two() -> None:
    measures = bars(
        {"starts_section": True},
        {"endings": frozenset({1, 2}), "repeats": 2},
        {"endings": frozenset({3})},
        {},
    )
    assert played_order(measures) == [0, 1, 0, 1, 0, 2, 3]


@st.composite
def repeat_signs(draw: st.DrawFn) -> list[Measure]:
    return [
        Measure(
            Meter(),
            starts_section=draw(st.booleans()),
            repeats=draw(st.integers(1, 3)),
            endings=draw(st.frozensets(st.integers(1, 3), max_size=2)),
            marks=draw(st.frozensets(st.sampled_from(["segno", "coda", "dacapo", "fine"]))),
        )
        for _ in range(draw(st.integers(0, 12)))
    ]


@given(repeat_signs())
def test_any_signs_come_to_an_end(measures: list[Measure]) -> None:
    try:
        order = played_order(measures)
    except BadInput:
        return
    assert all(0 <= i < len(measures) for i in order)
