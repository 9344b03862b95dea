"""Readers: hard cases of every notation, broken and hostile files, and round trips."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import mido
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.grid import Meter
from jam.harmony import Chord
from models.corpora import CORPORA, Outcome, find_corpora, outcomes, read_sheets
from models.corpora.__main__ import main
from models.corpora.abc import key_fifths, parse_tune, split_tunes
from models.corpora.draft import (
    MAX_BARS_WITHOUT_MELODY,
    Draft,
    DraftChord,
    DraftNote,
    finish,
    topmost,
)
from models.corpora.files import Files, open_files
from models.corpora.humdrum import kern_pitch, read_humdrum, recip
from models.corpora.midi import chord_of
from models.corpora.musicxml import read_score
from models.corpora.report import report_of
from models.corpora.score import Measure, played_order
from models.corpora.swing import straight_or_triplets
from models.corpora.xml_tree import parse_xml
from models.leadsheet import LeadSheet, chord_spans, from_json, melody_spans, to_json

FIXTURES = Path(__file__).parent / "fixtures" / "leadsheets"
C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72]


@pytest.fixture(scope="module")
def found() -> dict[str, Outcome]:
    return {o.piece: o for o in outcomes(CORPORA["songs"], open_files(FIXTURES))}


def sheet_of(found: dict[str, Outcome], piece: str) -> LeadSheet:
    sheet = found[piece].sheet
    assert sheet is not None, found[piece].why_not
    return sheet


def chords_of(sheet: LeadSheet) -> list[tuple[int, int, str]]:
    return [(start, end, chord.symbol) for start, end, chord in chord_spans(sheet.chords)]


def starts_of(sheet: LeadSheet) -> list[tuple[int, int]]:
    return [(start, pitch) for start, _, pitch in melody_spans(sheet.melody)]


# -- ABC -----------------------------------------------------------------------------------


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
    assert outcome.dropped["chords not read"] == 1


def test_abc_part_order(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#4")
    assert [pitch for _, pitch in starts_of(sheet)] == [
        60, 62, 64, 65, 67, 65, 64, 62, 60, 60, 60, 62, 64, 65, 67,
    ]  # fmt: skip


def test_abc_double_repeats(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "repeats.abc#5")
    bars = [name for start, end, name in chords_of(sheet) for _ in range((end - start) // 8)]
    assert bars == ["C", "C", "F", "F", "G", "Am", "Em", "Am", "Em", "Dm", "C", "C", "C"]


def test_abc_without_notes_is_dropped(found: dict[str, Outcome]) -> None:
    assert "fewer than" in found["repeats.abc#6"].why_not


@pytest.mark.parametrize(
    ("key", "fifths"),
    [("C", 0), ("Am", 0), ("F#m", 3), ("Bb", -2), ("D dorian", 0), ("Gmix", 0), ("Ador", 1),
     ("Eb minor", -6), ("none", 0), ("", 0), ("Hp", 2), ("F lydian", 0)],
)  # fmt: skip
def test_abc_keys(key: str, fifths: int) -> None:
    assert key_fifths(key) == fifths


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("X:1\nT:no key\nM:4/4\n", "no K: field"),
        ("X:1\nM:a/b\nK:C\nCDEF|\n", "invalid literal"),
        ("X:1\nM:4/16\nK:C\nCDEF|\n", "only n/2, n/4 and n/8"),
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
@settings(max_examples=200)
def test_any_abc_is_read_or_refused(text: str) -> None:
    for number, lines in split_tunes("X:1\nM:4/4\nK:G\n" + text):
        try:
            tune = parse_tune(number, lines)
            order = played_order(tune.measures)
        except BadInput:
            continue
        assert all(0 <= i < len(tune.measures) for i in order)
        assert all(n.length >= 0 for m in tune.measures for n in m.notes)


@st.composite
def songs(draw: st.DrawFn) -> tuple[list[tuple[int, int, int]], list[tuple[int, Chord]], int]:
    """Notes (start, end, pitch) on frames of 4/4, chords on beats, and the number of bars."""
    notes: list[tuple[int, int, int]] = []
    at = draw(st.integers(0, 3))
    for length, gap, pitch in draw(
        st.lists(
            st.tuples(st.integers(1, 12), st.integers(0, 4), st.integers(50, 85)),
            min_size=8,
            max_size=30,
        )
    ):
        notes.append((at, at + length, pitch))
        at += length + gap
    n_bars = -(-notes[-1][1] // 16)
    beats = sorted(draw(st.sets(st.integers(0, n_bars * 4 - 1), min_size=1, max_size=12)))
    roots = [draw(st.integers(0, 11)) for _ in beats]
    qualities = [draw(st.sampled_from(["maj", "min", "7", "min7", "hdim7", "maj9"])) for _ in beats]
    chords: list[tuple[int, Chord]] = []
    for beat, root, quality in zip(beats, roots, qualities, strict=True):
        if not chords or chords[-1][1] != Chord(root, quality):
            chords.append((beat * 4, Chord(root, quality)))
    return notes, chords, n_bars


def expected(song: tuple[list[tuple[int, int, int]], list[tuple[int, Chord]], int]) -> LeadSheet:
    notes, chords, n_bars = song
    return finish(
        Draft(
            "songs",
            "x",
            [Meter()] * n_bars,
            [DraftNote(*note) for note in notes],
            [DraftChord(at, chord, chord.symbol) for at, chord in chords],
        )
    )


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
@settings(max_examples=50, deadline=None)
def test_what_is_written_as_abc_is_read_again(
    song: tuple[list[tuple[int, int, int]], list[tuple[int, Chord]], int],
) -> None:
    files = Files("memory", {"a.abc": as_abc(*song).encode()})
    (outcome,) = outcomes(CORPORA["songs"], files)
    assert outcome.sheet is not None
    assert outcome.sheet.melody == expected(song).melody
    assert outcome.sheet.chords == expected(song).chords


# -- MusicXML ------------------------------------------------------------------------------


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
    monkeypatch.setattr("models.corpora.xml_tree.MAX_XML_BYTES", 10_000)
    with pytest.raises(BadInput, match="unpacks to more"):
        read_score(mxl(b" " * 1_000_000))


# -- played order --------------------------------------------------------------------------


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


# -- Humdrum -------------------------------------------------------------------------------


def test_humdrum_durations(found: dict[str, Outcome]) -> None:
    sheet = sheet_of(found, "timed.krn")
    assert sheet.meters == ((0, Meter(4, 4)), (32, Meter(6, 8)))
    assert melody_spans(sheet.melody)[:6] == [
        (0, 4, 60), (4, 7, 64), (7, 12, 64), (12, 13, 67), (13, 15, 69), (15, 16, 67),
    ]  # fmt: skip
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
    "text",
    ["4c\n", "**kern\n4c\n", "**kern\t**harte\n4c\n", "**harte\n*^\n" * 3, "*-\n", "**harte\n*-"],
)
def test_broken_humdrum_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        read_humdrum(text)


@given(st.text(alphabet="*=4c\tr.tb[]^v-AM/8:maj\n", max_size=120))
@settings(max_examples=200)
def test_any_humdrum_is_read_or_refused(text: str) -> None:
    try:
        song = read_humdrum("**kern\t**harte\n=1\t=1\n" + text)
    except BadInput:
        return
    assert all(m.length >= 0 for m in song.measures)


# -- MIDI ----------------------------------------------------------------------------------


def midi_file(tracks: dict[str, list[tuple[int, int, int]]], markers: list[tuple[int, str]],
              meters: list[tuple[int, int, int]]) -> bytes:  # fmt: skip
    """A type 1 file; notes (start, end, pitch) and all positions in sixteenths."""
    song = mido.MidiFile(type=1, ticks_per_beat=480)
    first = mido.MidiTrack()
    events = [(at, mido.MetaMessage("marker", text=text)) for at, text in markers]
    events += [
        (at, mido.MetaMessage("time_signature", numerator=n, denominator=d)) for at, n, d in meters
    ]
    events.append((0, mido.MetaMessage("set_tempo", tempo=500_000)))
    song.tracks.append(first)
    _write(first, events)
    for channel, (name, notes) in enumerate(tracks.items()):
        track = mido.MidiTrack()
        track.append(mido.MetaMessage("track_name", name=name))
        song.tracks.append(track)
        played = []
        for start, end, pitch in notes:
            played.append((end, mido.Message("note_off", note=pitch, channel=channel)))
            played.append(
                (start, mido.Message("note_on", note=pitch, velocity=80, channel=channel))
            )
        _write(track, sorted(played, key=lambda e: (e[0], e[1].type == "note_on")))
    out = io.BytesIO()
    song.save(file=out)
    return out.getvalue()


def _write(track: mido.MidiTrack, events: list[tuple[int, object]]) -> None:
    now = 0
    for at, message in sorted(events, key=lambda e: e[0]):
        track.append(message.copy(time=(at - now) * 120))  # type: ignore[attr-defined]
        now = at


SCALE = [(4 * i, 4 * i + 4, pitch) for i, pitch in enumerate(C_MAJOR)]


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
    assert outcome.dropped["chords not read"] == 1
    assert outcome.sheet.bpm == 120


def test_midi_with_a_chord_track() -> None:
    triads = [(0, 16, 48), (0, 16, 52), (0, 16, 55), (16, 32, 45), (16, 32, 48), (16, 32, 52),
              (16, 32, 55)]  # fmt: skip
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


def test_chord_of_prefers_the_bass_as_root() -> None:
    weights = [0.0] * 12
    for pitch_class in (0, 4, 7, 9):
        weights[pitch_class] = 1.0
    assert chord_of(weights, 0) == Chord(0, "maj6")
    assert chord_of(weights, 9) == Chord(9, "min7")
    assert chord_of([1.0] + [0.0] * 11, 0) is None


@pytest.mark.parametrize("data", [b"", b"MThd", b"RIFF....", midi_file({"a": SCALE}, [], [])[:-9]])
def test_broken_midi_is_refused(data: bytes) -> None:
    assert one_midi(data).sheet is None
    assert one_midi(data).why_not


@given(songs())
@settings(max_examples=30, deadline=None)
def test_what_is_written_as_midi_is_read_again(
    song: tuple[list[tuple[int, int, int]], list[tuple[int, Chord]], int],
) -> None:
    notes, chords, _ = song
    # One marker alone may be a title: "N.C." behind everything makes two.
    behind = max(notes[-1][1], chords[-1][0] + 1)
    markers = [*((at, chord.symbol) for at, chord in chords), (behind, "N.C.")]
    outcome = one_midi(midi_file({"Melody": notes}, markers, []))
    assert outcome.sheet is not None
    assert outcome.sheet.melody == expected(song).melody
    spans = chord_spans(outcome.sheet.chords)
    assert [(start, chord) for start, _, chord in spans] == chords


# -- corpora of several files --------------------------------------------------------------


def pop909_files(chords: str = "0.0 2.0 C:maj\n2.0 8.0 A:min/b3\n") -> dict[str, Path | bytes]:
    """Eight seconds at 120 beats a minute, of which the first beat is a pickup."""
    flags = [(i % 4 == 3 or i % 4 == 1, i % 4 == 1) for i in range(16)]
    beats = [f"{i * 0.5} {float(two)} {float(four)}" for i, (two, four) in enumerate(flags)]
    return {
        "001/001.mid": midi_file({"MELODY": SCALE, "PIANO": SCALE}, [], []),
        "001/beat_midi.txt": "\n".join(beats).encode(),
        "001/chord_midi.txt": chords.encode(),
    }


def test_pop909() -> None:
    (outcome,) = outcomes(CORPORA["pop909"], Files("memory", pop909_files()))
    sheet = outcome.sheet
    assert sheet is not None
    assert (sheet.source, sheet.piece, sheet.style, sheet.bpm) == ("pop909", "001", "pop", 120)
    assert sheet.meters == ((0, Meter(4, 4)),)
    assert starts_of(sheet) == [(12 + start, pitch) for start, _, pitch in SCALE]
    assert chords_of(sheet)[:2] == [(12, 28, "C"), (28, 80, "Am")]
    assert dict(sheet.labels)[28] == "A:min/b3"


def test_pop909_in_triplets_is_compound() -> None:
    in_beats = [(i / 3, (i + 1) / 3, 60 + i) for i in range(24)]
    assert straight_or_triplets(in_beats) == (6, in_beats)


def test_swing_is_straightened() -> None:
    swung = [(i + late, i + 1.0, 60) for i in range(8) for late in (0.0, 2 / 3)]
    frames_per_beat, notes = straight_or_triplets(swung)
    assert frames_per_beat == 4
    assert [start for start, _, _ in notes] == pytest.approx([i / 2 for i in range(16)])


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("001/beat_midi.txt", b""),
        ("001/beat_midi.txt", b"0 1\n1 0\n"),
        ("001/beat_midi.txt", b"1 1 1\n0 0 0\n"),
        ("001/chord_midi.txt", b"x y z\n"),
        ("001/001.mid", b"MThd"),
        ("001/001.mid", midi_file({"PIANO": SCALE}, [], [])),
    ],
)
def test_broken_pop909_is_dropped(path: str, content: bytes) -> None:
    (outcome,) = outcomes(CORPORA["pop909"], Files("memory", {**pop909_files(), path: content}))
    assert outcome.sheet is None
    assert outcome.why_not


def wjd_files(rhythm: str = "SWING") -> dict[str, Path | bytes]:
    """Two bars of swung eighths after an empty one, over two chords."""
    beats = ["id,bar,beat,period,chord"]
    events = ["id,bar,beat,tatum,division,pitch,articulation"]
    for bar in (0, 1, 2):
        for beat in (1, 2, 3, 4):
            beats.append(f"s,{bar},{beat},4,{('NC', 'C-7', 'F79b')[bar]}")
            if bar:
                events.append(f"s,{bar},{beat},1,3,60,0.9")
                events.append(f"s,{bar},{beat},3,3,62,")
    return {
        "solos.csv": f"id,rhythmfeel,avgtempo\ns,{rhythm},180.5\n".encode(),
        "beats.csv": "\n".join(beats).encode(),
        "events.csv": "\n".join(events).encode(),
    }


def test_wjd_swing_and_chords() -> None:
    (outcome,) = outcomes(CORPORA["wjd"], Files("memory", wjd_files()))
    sheet = outcome.sheet
    assert sheet is not None
    assert (sheet.piece, sheet.style, sheet.bpm) == ("s", "jazz", 180.5)
    assert [start for start, _ in starts_of(sheet)] == list(range(16, 48, 2))
    assert chords_of(sheet) == [(16, 32, "Cm7"), (32, 48, "F7")]
    assert sheet.labels == ((16, "C-7"), (32, "F79b"))


def test_wjd_latin_is_not_straightened() -> None:
    (outcome,) = outcomes(CORPORA["wjd"], Files("memory", wjd_files("LATIN")))
    assert outcome.sheet is not None
    assert [start for start, _ in starts_of(outcome.sheet)][:4] == [16, 19, 20, 23]


def test_corpora_are_known_by_name_and_read_from_archives(tmp_path: Path) -> None:
    folder = tmp_path / "nottingham"
    folder.mkdir()
    (folder / "jigs.abc").write_bytes((FIXTURES / "repeats.abc").read_bytes())
    archive = tmp_path / "packed" / "nottingham.tar.xz"
    archive.parent.mkdir()
    with tarfile.open(archive, "w:xz") as tar:
        tar.add(folder, "nottingham")
    for where in (folder, archive, tmp_path / "packed"):
        sheets = read_sheets(where)
        assert [s.piece for s in sheets] == [f"jigs.abc#{i}" for i in (1, 2, 3, 4, 5)]
        assert {s.source for s in sheets} == {"nottingham"}
        assert {s.style for s in sheets} == {"folk"}
    assert [corpus.name for corpus, _ in find_corpora(tmp_path)] == ["nottingham"]


def test_a_damaged_archive_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "wjd.tar.xz"
    archive.write_bytes(b"\xfd7zXZ\x00 and no more")
    with pytest.raises(BadInput, match="wjd"):
        read_sheets(archive)


def test_links_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "a.abc").symlink_to("/etc/passwd")
    assert open_files(tmp_path).paths() == []


def test_large_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.corpora.files.MAX_FILE_BYTES", 100)
    (tmp_path / "a.abc").write_text("X:1\nK:C\n" + "C" * 200)
    with pytest.raises(BadInput, match="larger"):
        open_files(tmp_path).read("a.abc")


# -- the last step -------------------------------------------------------------------------


def test_topmost_voice() -> None:
    notes = [DraftNote(0, 16, 60), DraftNote(4, 8, 72), DraftNote(4, 8, 67), DraftNote(10, 12, 55)]
    assert topmost(notes) == [(0, 4, 60), (4, 8, 72), (10, 12, 55)]


def draft_of(pitched_bars: list[bool]) -> Draft:
    notes = [
        DraftNote(16 * bar + i, 16 * bar + i + 1, 60)
        for bar, sounds in enumerate(pitched_bars)
        if sounds
        for i in range(16)
    ]
    chords = [
        DraftChord(16 * bar, Chord(bar % 12, "maj"), str(bar)) for bar in range(len(pitched_bars))
    ]
    return Draft("songs", "x", [Meter()] * len(pitched_bars), notes, chords)


def test_long_silences_keep_their_edges() -> None:
    draft = draft_of([False] * 7 + [True] * 2 + [False] * 6 + [True] + [False] * 5)
    sheet = finish(draft)
    # Of the introduction the last two bars, of the break the outer ones, of the end the first two.
    assert [label for _, label in sheet.labels] == ["5", "6", "7", "8", "9", "14", "15", "16", "17"]
    assert draft.dropped["bars without melody"] == 5 + 4 + 3


@given(st.lists(st.booleans(), min_size=1, max_size=40).filter(any))
def test_silences_are_never_long(pitched_bars: list[bool]) -> None:
    sheet = finish(draft_of(pitched_bars))
    assert sheet.n_frames % 16 == 0
    sounding = [
        any(m.pitch is not None for m in sheet.melody[i : i + 16])
        for i in range(0, sheet.n_frames, 16)
    ]
    assert sum(sounding) == sum(pitched_bars)
    longest = max(len(run) for run in "".join(".x"[s] for s in sounding).split("x"))
    assert longest <= MAX_BARS_WITHOUT_MELODY
    assert from_json(to_json(sheet)) == sheet


def test_chords_that_repeat_are_held() -> None:
    draft = draft_of([True] * 3)
    draft.chords = [
        DraftChord(0, Chord(0, "maj"), "C"),
        DraftChord(16, Chord(0, "maj"), "C/E"),
        DraftChord(32, None, "N.C."),
        DraftChord(40, Chord(0, "maj"), "C"),
    ]
    sheet = finish(draft)
    assert chords_of(sheet) == [(0, 32, "C"), (40, 48, "C")]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"notes": []}, "fewer than"),
        ({"chords": []}, "no chords"),
        ({"chords": [DraftChord(0, None, "N.C.")]}, "no chords"),
        ({"bars": [Meter()] * 10_000}, "longer than"),
        ({"notes": [DraftNote(0, 1, 60)] * 60_000}, "more than"),
    ],
)
def test_nothing_to_learn_from_is_dropped(change: dict[str, object], why: str) -> None:
    draft = draft_of([True] * 3)
    for name, value in change.items():
        setattr(draft, name, value)
    with pytest.raises(BadInput, match=why):
        finish(draft)


# -- the report ----------------------------------------------------------------------------


def test_report_counts(found: dict[str, Outcome]) -> None:
    report = report_of("songs", found.values())
    assert report.pieces == 8
    assert sum(report.pieces_dropped.values()) == 4
    assert report.frames == sum(o.sheet.n_frames for o in found.values() if o.sheet)
    assert 0 < report.note_in_chord < 1
    assert report.left_out["chords not read"] == 1


def test_command_writes_lead_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    status = main([str(FIXTURES), "--jsonl", str(tmp_path), "--json", str(figures), "--why"])
    printed = capsys.readouterr()
    assert status == 0
    assert "pieces read       8" in printed.out
    assert "bomb.musicxml: XML with entities" in printed.err
    assert '"pieces": 8' in figures.read_text()
    again = read_sheets(tmp_path / "songs.jsonl")
    assert [sheet.piece for sheet in again] == [sheet.piece for sheet in read_sheets(FIXTURES)]
    assert again[0] == read_sheets(FIXTURES)[0]


@pytest.mark.parametrize("name", ["nowhere", "empty"])
def test_command_says_when_there_is_nothing(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / name)]) == 2
    assert name in capsys.readouterr().err
