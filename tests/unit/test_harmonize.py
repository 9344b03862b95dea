"""A melody harmonised as a whole, and the lead sheet that comes of it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from music21 import converter, harmony, key, meter

from jam.cli.main import main
from jam.files import demo_tunes
from jam.messages.notes import Note
from jam.midi.file import read_midi
from jam.music.chord import Chord, pitch_class
from jam.music.grid import Meter, TempoMap
from jam.music.key import sharps_of, spell
from jam.music.rows import ChordState
from jam.notation.heading import Heading
from jam.notation.musicxml import write_musicxml
from jam.notation.rhythm import written_melody
from jam.performance.offline import melody_line

TUNES = demo_tunes()


@pytest.mark.parametrize("tune", TUNES, ids=lambda path: path.stem)
def test_a_tune_becomes_a_lead_sheet(tune: Path, tmp_path: Path) -> None:
    out = tmp_path / "sheet.musicxml"
    assert main(["harmonize", str(tune), "-o", str(out), "--agent", "rules"]) == 0
    song = read_midi(tune)
    score = converter.parse(out)
    signature = score.recurse().getElementsByClass(meter.TimeSignature)[0]
    assert signature.ratioString == str(song.tempo_map.meter_at(0))
    notes = [n for n in score.recurse().notes if not isinstance(n, harmony.ChordSymbol)]
    onsets = [n for n in notes if n.tie is None or n.tie.type == "start"]
    line = melody_line(song)
    assert [n.pitch.midi for n in onsets] == [s.pitch for s in line if s.onset]
    symbols = list(score.recurse().getElementsByClass(harmony.ChordSymbol))
    assert len(symbols) >= 8
    # The whole melody has chords, from its first bar on.
    assert symbols[0].getOffsetInHierarchy(score) <= song.tempo_map.meter_at(0).frames_per_bar / 4


def test_harmonize_writes_midi_with_the_whole_melody_accompanied(tmp_path: Path) -> None:
    out = tmp_path / "out.mid"
    assert main(["harmonize", str(TUNES[0]), "-o", str(out), "--agent", "rules"]) == 0
    song = read_midi(out)
    assert {n.part for n in song.notes} == {"Melody", "Chords", "Bass"}
    first = min(n.start_frame for n in song.notes if n.part == "Chords")
    assert first < song.tempo_map.meter_at(0).frames_per_bar
    assert len(song.markers) >= 8


@given(st.integers(0, 11), st.integers(0, 11), st.booleans())
def test_names_are_those_of_the_key(pc: int, tonic: int, minor: bool) -> None:
    assert pitch_class(spell(pc, (tonic, minor))) == pc
    signature = key.KeySignature(sharps_of((tonic, minor)))
    scale_tonic = signature.asKey("minor" if minor else "major").tonic
    assert scale_tonic.pitchClass == tonic


def test_a_lead_sheet_reads_back_as_it_was_written(tmp_path: Path) -> None:
    notes = [Note(float(f), f + 3.0, 60 + f // 3 % 12, 80) for f in range(0, 48, 3)]
    tempo_map = TempoMap.constant(90.0, Meter(3, 4))
    chords = [ChordState(Chord(f // 12 * 5 % 12, "min7"), f % 12 == 0) for f in range(48)]
    out = tmp_path / "sheet.musicxml"
    written = written_melody(notes, tempo_map)
    write_musicxml(out, Heading("A & B <x>"), written, chords, tempo_map, (0, False))
    score = converter.parse(out)
    assert score.metadata.bestTitle == "A & B <x>"
    symbols = score.recurse().getElementsByClass(harmony.ChordSymbol)
    found = [
        (c.root().pitchClass, c.chordKind, float(c.getOffsetInHierarchy(score))) for c in symbols
    ]
    assert found == [(n * 5 % 12, "minor-seventh", 3.0 * n) for n in range(4)]
