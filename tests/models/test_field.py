"""Files from the field: one small file of each kind that other programs write, and its right value.

Played (`jam.midi.file`), trained on (`models.corpora`) and written (lead sheet, MIDI): whoever
reads a file reads the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree

import mido
import pytest

from jam.errors import BadInput
from jam.midi.file import MidiSong, read_tune
from jam.music.grid import MAX_BPM, MIN_BPM
from jam.sessions.exports import export
from jam.sessions.imports import session_of_midi
from models.corpora import CORPORA, Outcome, outcomes
from models.corpora.files import open_files
from models.data.leadsheet import LeadSheet, chord_spans, melody_spans

FIELD = Path(__file__).parents[1] / "fixtures" / "field"
TUNE = [60, 64, 67, 72, 69, 65, 69, 72, 71, 67, 65, 62, 60]
QUARTERS = [(4 * i, 4 * i + 4 if i < 12 else 64, pitch) for i, pitch in enumerate(TUNE)]
"""The tune of most files: (start, end, pitch) in sixteenths."""
CHORDS = [(0, "C"), (16, "F"), (32, "G7"), (48, "C")]


def outcome(name: str) -> Outcome:
    (found,) = outcomes(CORPORA["songs"], open_files(FIELD / name))
    return found


def sheet(name: str) -> LeadSheet:
    found = outcome(name)
    assert found.sheet is not None, found.why_not
    return found.sheet


def notes(name: str) -> list[tuple[int, int, int]]:
    return melody_spans(sheet(name).melody)


def chords(name: str) -> list[tuple[int, str]]:
    return [(start, chord.symbol) for start, _, chord in chord_spans(sheet(name).chords)]


def played(name: str) -> MidiSong:
    return read_tune(FIELD / name)


def pitches(song: MidiSong) -> list[int]:
    return [note.pitch for note in song.melody()]


@dataclass(frozen=True)
class Written:
    """What a lead sheet shows: read from its XML, by no reader of ours."""

    root: ElementTree.Element

    @property
    def measures(self) -> list[ElementTree.Element]:
        return self.root.findall("part/measure")

    def texts(self, path: str) -> list[str]:
        return [e.text or "" for m in self.measures for e in m.iterfind(path)]

    @property
    def meters(self) -> list[str]:
        beats = self.texts("attributes/time/beats")
        return [
            f"{n}/{d}" for n, d in zip(beats, self.texts("attributes/time/beat-type"), strict=True)
        ]

    @property
    def lengths(self) -> list[Fraction]:
        """Of every measure, in quarters."""
        divisions = int(self.texts("attributes/divisions")[0])
        return [
            sum(
                (Fraction(int(d.text or 0), divisions) for d in m.iterfind("note/duration")),
                Fraction(),
            )
            for m in self.measures
        ]

    def harmonies(self) -> Iterator[tuple[Fraction, str, str]]:
        """(position in quarters, what is printed behind the root, kind)."""
        divisions = int(self.texts("attributes/divisions")[0])
        bar = Fraction(0)
        for measure, length in zip(self.measures, self.lengths, strict=True):
            at = bar
            for item in measure:
                if item.tag == "note":
                    at += Fraction(int(item.findtext("duration", "0")), divisions)
                elif item.tag == "harmony":
                    offset = Fraction(int(item.findtext("offset", "0")), divisions)
                    kind = item.find("kind")
                    assert kind is not None
                    yield at + offset, kind.get("text", ""), kind.text or ""
            bar += length


def written(name: str, folder: Path) -> Written:
    """The lead sheet of a file that was imported as a session."""
    out = folder / "sheet.musicxml"
    export(session_of_midi(played(name)), out)
    return Written(ElementTree.parse(out).getroot())


# -- f01, f06, f07, f16: the lead sheet out


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("f01-chord-under-held-note.mid", [0, 4, 8, 10, 12]),
        ("f01-two-chords-a-bar-under-whole-notes.mid", [0, 2, 4, 6, 8, 10, 12]),
    ],
)
def test_f01_one_voice_with_symbols_by_offset(name: str, at: list[int], tmp_path: Path) -> None:
    found = written(name, tmp_path)
    assert len(set(found.texts("note/voice"))) == 1
    assert not found.root.findall(".//backup") + found.root.findall(".//note/rest")
    assert found.texts("attributes/clef/sign") == ["G"]
    assert [position for position, _, _ in found.harmonies()] == at
    assert found.lengths == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("name", "meters", "lengths"),
    [
        ("f06-ritardando.mid", ["4/4"], [4, 4, 4, 4]),
        ("f06-pickup-as-1-4.mid", ["4/4"], [1, 4, 4, 4, 4]),
        ("f06-metre-mid-bar.mid", ["4/4", "3/4"], [4, 2, 3, 3, 3, 1]),
        ("f04-pickup-3-16.mid", ["4/4"], [Fraction(3, 4), 4, 4, 4, 4]),
    ],
)
def test_f06_metres_and_pickups(
    name: str, meters: list[str], lengths: list[Fraction], tmp_path: Path
) -> None:
    found = written(name, tmp_path)
    assert found.meters == meters
    assert found.lengths[: len(lengths) - 1] == lengths[:-1]
    first = found.measures[0]
    is_pickup = lengths[0] < 4
    assert (first.get("number"), first.get("implicit")) == (
        ("0", "yes") if is_pickup else ("1", None)
    )


def test_f07_key_signature_in_and_out(tmp_path: Path) -> None:
    name = "f07-key-six-sharps.mid"
    assert written(name, tmp_path).texts("attributes/key/fifths") == ["6"]
    steps = {*written(name, tmp_path).texts("note/pitch/step")}
    assert steps == {"F", "A", "C", "D", "B", "E", "G"}
    export(session_of_midi(played(name)), tmp_path / "again.mid")
    keys = [
        m.key for m in mido.MidiFile(tmp_path / "again.mid").tracks[0] if m.type == "key_signature"
    ]
    assert keys == ["F#"]


def test_f16_tempo_mark_of_a_compound_metre(tmp_path: Path) -> None:
    found = written("f16-tempo-in-6-8.mid", tmp_path)
    (direction,) = found.root.findall(".//direction")
    assert direction.get("placement") == "above"
    metronome = direction.find("direction-type/metronome")
    assert metronome is not None
    assert [(e.tag, e.text) for e in metronome] == [
        ("beat-unit", "quarter"),
        ("beat-unit-dot", None),
        ("per-minute", "60"),
    ]


# -- f02, f09, f14: ABC


def test_f02_voices_switched_inside_the_line() -> None:
    assert notes("f02-inline-voices-declared.abc") == QUARTERS
    assert chords("f02-inline-voices-declared.abc") == CHORDS


def test_f09_overlay() -> None:
    assert notes("f09-overlay.abc") == QUARTERS


def test_f09_key_that_is_only_a_clef() -> None:
    assert notes("f09-key-only-clef.abc") == [(s, e, p) for s, e, p in QUARTERS]


def test_f09_accidentals_of_the_key() -> None:
    """D phrygian has E and B flat; F is raised."""
    found = [pitch for _, _, pitch in notes("f09-key-phr-sharp-f.abc")]
    assert found == [62, 63, 66, 67, 69, 67, 66, 63, 62, 66, 69, 74, 62]


def test_f09_an_accidental_is_carried_by_a_tie() -> None:
    assert (12, 24, 68) in notes("f09-tie-over-bar.abc")


def test_f09_metre_and_unit_of_the_file_header() -> None:
    found = sheet("f09-file-header.abc")
    assert [str(meter) for _, meter in found.meters] == ["3/4"]
    assert notes("f09-file-header.abc") == [
        *((4 * i, 4 * i + 4, p) for i, p in enumerate([67, 69, 71, 72, 74, 76, 74, 72, 69])),
        (36, 48, 67),
    ]


def test_f09_sixteenths() -> None:
    found = sheet("f09-metre-12-16.abc")
    assert found.meters[0][1].frames_per_bar == 12
    assert found.n_frames == 36
    assert [start for start, _, _ in notes("f09-metre-12-16.abc")][:13] == [*range(12), 12]


def test_f14_chords_of_other_countries() -> None:
    assert [symbol for _, symbol in chords("f14-h-chords.abc")] == ["Em", "B7", "Bm", "Em"]


# -- f03: which track is the melody


@pytest.mark.parametrize(
    "name",
    [
        "f03-karaoke-channel-4.kar",
        "f03-lead-and-backing-vocals.mid",
        "f03-name-gesang.mid",
        "f03-name-melodie-accent.mid",
        "f03-name-utf16.mid",
    ],
)
def test_f03_the_melody_is_the_single_line(name: str) -> None:
    assert pitches(played(name)) == TUNE
    assert notes(name) == QUARTERS


def test_f03_chord_track_first() -> None:
    line = [64, 62, 60, 65, 64, 62, 62, 59, 62, 65, 64]
    assert pitches(played("f03-chord-track-first.mid")) == line
    assert [pitch for _, _, pitch in notes("f03-chord-track-first.mid")] == line
    assert chords("f03-chord-track-first.mid") == [(0, "C"), (16, "F"), (32, "G"), (48, "C")]


# -- f04, f05: tempo, metre, notes


@pytest.mark.parametrize(
    ("name", "n_notes"),
    [
        ("f04-6-8-quarter-40.mid", 18),
        ("f04-cut-time-quarter-56.mid", 13),
        ("f04-metre-7-16.mid", 24),
        ("f04-musescore-sixteenth-pickup.mid", 13),
        ("f04-pickup-3-16.mid", 14),
        ("f04-rit-to-24.mid", 13),
    ],
)
def test_f04_tempo_and_metre_are_brought_into_range(name: str, n_notes: int) -> None:
    song = played(name)
    assert len(song.melody()) == n_notes
    assert all(MIN_BPM <= s.bpm <= MAX_BPM for s in song.tempo_map.segments)
    session_of_midi(song)


def test_f04_pickups_lie_before_bar_one() -> None:
    for name, start in (
        ("f04-pickup-3-16.mid", -3.0),
        ("f04-musescore-sixteenth-pickup.mid", -1.0),
    ):
        song = played(name)
        assert song.melody()[0].start_frame == start
        assert str(song.tempo_map.meter_at(0)) == "4/4"


def test_f05_struck_twice() -> None:
    found = [
        (n.start_frame, n.end_frame, n.pitch)
        for n in played("f05-struck-twice-one-off.mid").melody()
    ]
    assert found == [(0, 2, 72), (2, 4, 72), *((s + 4, min(e + 4, 64), p) for s, e, p in QUARTERS)]


def test_f05_all_notes_off() -> None:
    found = [
        (n.start_frame, n.end_frame, n.pitch)
        for n in played("f05-ended-by-all-notes-off.mid").melody()
    ]
    assert found == [(0, 4, 79), *((s + 4, min(e + 4, 64), p) for s, e, p in QUARTERS)]


# -- f08, f10, f15: MusicXML


@pytest.mark.parametrize("name", ["apos", "nocontainer", "urlpath", "wrongpath"])
def test_f08_exactly_one_score_in_an_mxl(name: str) -> None:
    assert notes(f"f08-{name}.mxl") == QUARTERS


def test_f10_slashes_are_no_notes() -> None:
    assert notes("f10-slash-noteheads.musicxml")[:3] == [(32, 36, 71), (36, 40, 67), (40, 44, 65)]
    assert len(notes("f10-slash-noteheads.musicxml")) == 11


def test_f10_the_voice_is_the_tune() -> None:
    assert notes("f10-chords-over-bass-part.musicxml") == QUARTERS
    assert chords("f10-chords-over-bass-part.musicxml") == CHORDS


def test_f10_bar_repeat_sign() -> None:
    found = notes("f10-measure-repeat.musicxml")
    assert [(s - 16, e - 16, p) for s, e, p in found[4:8]] == found[:4]
    assert len(found) == 13


def test_f10_chords_that_musescore_did_not_know() -> None:
    assert chords("f10-musescore-unrecognised-chord.musicxml") == [
        (0, "C"),
        (16, "Fmaj7"),
        (48, "B7"),
    ]


def test_f10_jumps_in_words() -> None:
    found = [symbol for _, symbol in chords("f10-ds-al-coda-words-only.musicxml")]
    assert found == ["C", "F", "G7", "Am", "F", "G7", "C"]
    assert sheet("f10-ds-al-coda-words-only.musicxml").n_frames == 7 * 16


def test_f10_what_is_not_printed() -> None:
    assert notes("f10-invisible-note.musicxml") == QUARTERS


@pytest.mark.parametrize(
    "name", ["blank-line-first", "doctype-empty-subset", "shift-jis", "utf16-declared-utf8"]
)
def test_f15_slightly_off_in_encoding_or_prologue(name: str) -> None:
    assert notes(f"f15-{name}.musicxml") == QUARTERS


# -- f11: symbols as they were written

SYMBOLS = ["N.C.", "F/A", "F/A", "G7b9", "C6/9", "F#m7b5", "B7alt", "Em(maj7)", "C"]


def test_f11_symbols_come_back_in_midi(tmp_path: Path) -> None:
    out = tmp_path / "again.mid"
    export(session_of_midi(played("f11-chord-markers.mid")), out)
    assert [text for _, text in read_tune(out).markers] == SYMBOLS


def test_f11_symbols_come_back_in_a_lead_sheet(tmp_path: Path) -> None:
    found = list(written("f11-chord-markers.mid", tmp_path).harmonies())
    assert [(float(at), text) for at, text, _ in found] == list(
        zip(
            [0.0, 4.0, 8.0, 12.0, 16.0, 20.0, 24.0, 28.0, 32.0],
            ["N.C.", "", "", "7b9", "6/9", "m7b5", "7alt", "m(maj7)", ""],
            strict=True,
        )
    )


# -- f12, f13: what every player plays


@pytest.mark.parametrize(
    "name",
    [
        "clock-bytes-in-track",
        "header-says-1-track",
        "header-says-3-tracks",
        "last-byte-missing",
        "riff",
        "tempo-0",
    ],
)
def test_f12_slightly_damaged_midi(name: str) -> None:
    song = played(f"f12-{name}.mid")
    assert pitches(song) == TUNE
    assert song.warnings


def test_f13_drums_only() -> None:
    with pytest.raises(BadInput, match="drums"):
        played("f13-drums-only.mid")
    assert "drums" in outcome("f13-drums-only.mid").why_not


# -- f17: Humdrum


@pytest.mark.parametrize("name", ["f17-mxhm.krn", "f17-jazz.krn"])
def test_f17_chords_of_humdrum(name: str) -> None:
    assert notes(name) == QUARTERS
    assert chords(name) == CHORDS
