"""The corpora of several files, the last step of every reader, and the report."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jam.errors import BadInput
from jam.music.chord import Chord
from jam.music.grid import Meter
from models.corpora import CORPORA, Outcome, find_corpora, outcomes, read_sheets
from models.corpora.__main__ import main
from models.corpora.draft import (
    MAX_BARS_WITHOUT_MELODY,
    Draft,
    DraftChord,
    DraftNote,
    finish,
    topmost,
)
from models.corpora.files import Files, open_files
from models.corpora.pop909 import straight_or_triplets
from models.corpora.report import report_of
from models.data.leadsheet import from_json, to_json
from tests.support.examples import examples
from tests.support.lead_sheets import (
    FIXTURES,
    SCALE,
    chords_of,
    found_in_fixtures,
    midi_file,
    starts_of,
)


@pytest.fixture(scope="module")
def found() -> dict[str, Outcome]:
    return found_in_fixtures()


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
    monkeypatch.setattr("models.corpora.files.SONG_BYTES", 100)
    (tmp_path / "a.abc").write_text("X:1\nK:C\n" + "C" * 200)
    with pytest.raises(BadInput, match="larger"):
        open_files(tmp_path).read("a.abc")


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


def test_report_counts(found: dict[str, Outcome]) -> None:
    report = report_of("songs", found.values())
    assert report.pieces == 8
    assert sum(report.pieces_dropped.values()) == 4
    assert report.frames == sum(o.sheet.n_frames for o in found.values() if o.sheet)
    assert 0 < report.note_in_chord < 1
    assert report.left_out["words above the staff"] == 1


def test_command_writes_lead_sheets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    figures = tmp_path / "figures.json"
    status = main([str(FIXTURES), "--jsonl", str(tmp_path), "--json", str(figures), "--why"])
    printed = capsys.readouterr()
    assert status == 0
    assert "pieces read       8" in printed.out
    assert "bomb.musicxml: XML with declarations" in printed.err
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


# -- hostile files -------------------------------------------------------------------------

SEEDS = {
    "repeats.abc": (FIXTURES / "repeats.abc").read_bytes(),
    "song.musicxml": (FIXTURES / "song.musicxml").read_bytes(),
    "timed.krn": (FIXTURES / "timed.krn").read_bytes(),
    "timebase.hum": (FIXTURES / "timebase.hum").read_bytes(),
    "song.mid": midi_file({"Melody": SCALE}, [(0, "C"), (8, "G7")], [(0, 3, 4)]),
    "sheets.jsonl": to_json(finish(draft_of([True] * 2))).encode(),
}


@given(
    st.sampled_from(sorted(SEEDS)),
    st.lists(
        st.tuples(st.floats(0, 1), st.integers(0, 40), st.binary(max_size=6)),
        min_size=1,
        max_size=4,
    ),
)
@examples(300)
def test_damaged_files_never_stop_the_reader(
    name: str, damages: list[tuple[float, int, bytes]]
) -> None:
    data = SEEDS[name]
    for place, length, new in damages:
        at = int(place * len(data))
        data = data[:at] + new + data[at + length :]
    for outcome in outcomes(CORPORA["songs"], Files("memory", {name: data})):
        assert (outcome.sheet is None) == bool(outcome.why_not)
        if outcome.sheet is not None:
            assert from_json(to_json(outcome.sheet)) == outcome.sheet


NOTES = "CDEFGABc" * 4


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.abc", "X:1\nK:C\n" + "Z64|" * 40_000),
        ("a.abc", "X:1\nK:C\nC" + "/" * 100_000),
        ("a.abc", "X:1\nK:C\n" + "{" * 150_000),
        ("a.abc", "X:1\nK:C\n" + '"' * 150_001 + NOTES),
        ("a.abc", "X:1\nK:C\n" + "C" * 300_000),
        ("a.abc", "X:1\nM:99999/8\nK:C\n" + NOTES),
        ("a.abc", "X:1\nK:C\n|:" + ("|:C" * 500 + ":" * 500 + "|") * 40),
        ("a.krn", "**kern\t**harte\n" + "0" * 5000 + "c\tC:maj\n"),
        ("a.krn", "**kern\t**harte\n" + "00000c\tC:maj\n" * 50_000),
        ("a.krn", "**kern\t**harte\n" + "*^\t*\n" + "*^\t*\t*\n" * 300),
        ("a.mid", "MThd\x00\x00\x00\x06\x00\x01\xff\xff\x01\x00"),
        ("a.jsonl", '{"n_frames": 1e999}'),
        ("a.jsonl", "[" * 100_000),
    ],
)
def test_files_that_want_too_much_are_refused(name: str, text: str) -> None:
    found = list(outcomes(CORPORA["songs"], Files("memory", {name: text.encode("latin-1")})))
    assert found
    assert all(outcome.sheet is None and outcome.why_not for outcome in found)


@pytest.mark.parametrize(
    "inside",
    [
        "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1e999999999</duration></note>",
        "<forward><duration>999999999</duration></forward>" * 2,
        "<harmony><root><root-step>C</root-step><root-alter>999999999</root-alter></root></harmony>",
        "<note><pitch><step>C</step><octave>1e300</octave></pitch><duration>1</duration></note>",
    ],
)
def test_numbers_that_want_too_much_are_refused(inside: str) -> None:
    note = "<note><pitch><step>C</step><octave>4</octave></pitch><duration>1</duration></note>"
    measure = f"<measure>{note * 8}{inside}</measure>"
    score = f"<score-partwise><part>{measure}</part></score-partwise>".encode()
    (outcome,) = outcomes(CORPORA["songs"], Files("memory", {"a.xml": score}))
    assert outcome.sheet is None
