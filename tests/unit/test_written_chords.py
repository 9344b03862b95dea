"""Chords as they are written: tensions, altered fifths and suspensions sound, and are shown."""

from __future__ import annotations

from pathlib import Path

import mido
import pytest

from jam.accompaniment import BASS_RANGE, VOICES_RANGE, voice
from jam.charts.text import read_text
from jam.messages.notes import PlannedNote
from jam.messages.snapshot import SongChange
from jam.music.chord import COMMON_NAMES, Chord
from jam.music.chord_notation import Symbol, read_symbol
from jam.music.grid import Meter, TempoMap
from jam.music.keep import kept_song
from jam.music.rows import ChordState
from jam.performance.take import Take, chart_cells, live_symbols
from jam.sessions.exports import write_take
from jam.settings import JamSettings
from tests.unit.test_song_in_play import Jam

NATURAL = {"3": 4, "b3": 3, "4": 5, "2": 2, "b7": 10, "7": 11, "6": 9, "b5": 6, "#5": 8}
TENSIONS = {"b9": 1, "9": 2, "#9": 3, "11": 5, "#11": 6, "b13": 8, "13": 9}
# suffix -> guide tones, then what is written above them
VOCABULARY = {
    "7b9": ("3 b7", "b9"),
    "7#9": ("3 b7", "#9"),
    "7b5": ("3 b7 b5", ""),
    "7#5": ("3 b7 #5", ""),
    "7#11": ("3 b7", "#11"),
    "7b13": ("3 b7", "b13"),
    "7alt": ("3 b7", "#9 b13"),
    "alt": ("3 b7", "#9 b13"),
    "7b9b13": ("3 b7", "b9 b13"),
    "7#5#9": ("3 b7 #5", "#9"),
    "7b5b9": ("3 b7 b5", "b9"),
    "9": ("3 b7", "9"),
    "9#11": ("3 b7", "9 #11"),
    "13": ("3 b7", "13"),
    "13b9": ("3 b7", "13 b9"),
    "13#11": ("3 b7", "13 #11"),
    "11": ("b7", "11 9"),  # which takes the third's place
    "maj9": ("3 7", "9"),
    "maj7#11": ("3 7", "#11"),
    "maj7#5": ("3 7 #5", ""),
    "maj13": ("3 7", "13"),
    "6/9": ("3 6", "9"),
    "add9": ("3", "9"),
    "m9": ("b3 b7", "9"),
    "m11": ("b3 b7", "11"),
    "m13": ("b3 b7", "13"),
    "m6/9": ("b3 6", "9"),
    "madd9": ("b3", "9"),
    "m7b5": ("b3 b7 b5", ""),
    "m9b5": ("b3 b7 b5", "9"),
    "mMaj9": ("b3 7", "9"),
    "7sus4": ("4 b7", ""),
    "9sus4": ("4 b7", "9"),
    "13sus4": ("4 b7", "13"),
    "7susb9": ("4 b7", "b9"),
    "7sus2": ("2 b7", ""),
}


def wanted(suffix: str, root: int) -> set[int]:
    guide, above = VOCABULARY[suffix]
    intervals = [NATURAL[name] for name in guide.split()] + [TENSIONS[n] for n in above.split()]
    return {(root + interval) % 12 for interval in intervals}


@pytest.mark.parametrize("suffix", VOCABULARY)
def test_what_is_written_is_voiced_in_every_key(suffix: str) -> None:
    before = voice(Chord(0), None)
    for root, name in enumerate(COMMON_NAMES):
        symbol = Symbol(name + suffix)
        assert symbol.chord is not None
        bass, *upper = voice(symbol.chord, before, 58, symbol.bass, symbol.voices)
        assert wanted(suffix, root) <= {pitch % 12 for pitch in upper}, symbol.written
        assert bass % 12 == root and BASS_RANGE[0] <= bass < BASS_RANGE[1]
        assert len(set(upper)) == len(upper) <= 4
        assert VOICES_RANGE[0] <= min(upper) and max(upper) <= VOICES_RANGE[1]
        before = (bass, *upper)


def sounding(notes: dict[int, PlannedNote], frame: int) -> set[int]:
    return {
        n.pitch % 12 for n in notes.values() if n.part == "chords" and round(n.start_frame) == frame
    }


def written(bars: list[str], meter: Meter) -> str:
    return f"metre: {meter}\n" + " ".join(f"| {bar}" for bar in bars) + " |"


@pytest.mark.parametrize(("meter", "up"), [(Meter(4, 4), 0), (Meter(3, 4), 5), (Meter(6, 8), 10)])
def test_what_a_song_says_sounds_and_is_shown(meter: Meter, up: int) -> None:
    roots = [(7 * i + up) % 12 for i in range(len(VOCABULARY))]
    bars = [COMMON_NAMES[r] + suffix for r, suffix in zip(roots, VOCABULARY, strict=True)]
    jam = Jam(read_text(written(bars, meter)).song)
    shown = dict[int, str]()
    for _ in range(len(bars)):
        jam.play(meter.frames_per_bar)
        shown.update((span.start_frame, span.symbol) for span in jam.conductor.chord_spans())
    for i, (root, suffix) in enumerate(zip(roots, VOCABULARY, strict=True)):
        frame = i * meter.frames_per_bar
        assert wanted(suffix, root) <= sounding(jam.notes, frame), bars[i]
        assert shown[frame] == bars[i]


def test_another_way_to_play_the_same_reduction_is_struck() -> None:
    jam = Jam(read_text("| G7 | G7b9 | % | G7alt | G7 G7/F |").song)
    jam.play(16 * 5)
    onsets = [f for f, state in enumerate(jam.conductor.chord_line()) if state.onset]
    assert onsets == [0, 16, 48, 64, 72]
    assert 8 in sounding(jam.notes, 16) and 2 not in sounding(jam.notes, 48)
    assert 8 not in sounding(jam.notes, 64)


def test_what_was_written_is_kept_in_a_song_and_in_files(tmp_path: Path) -> None:
    bars = ["Dm9", "G7b9", "Cmaj7#11", "C6/9"]
    song = read_text(written(bars, Meter(4, 4))).song
    jam = Jam(song)
    jam.play(16 * 5)
    line, tempo_map = jam.conductor.chord_line(), jam.conductor.tempo_map
    symbols = live_symbols(line, tempo_map, [SongChange(0.0, song)])
    assert dict(symbols) == {i * 16: (bars * 2)[i] for i in range(5)}
    assert [cell.split()[0] for cell in chart_cells(line, tempo_map, 0, symbols)] == [
        *bars,
        bars[0],
    ]
    kept = jam.conductor.keep(4, jam.now_s(len(line)))
    assert [bar.chords and bar.chords[0].symbol.written for bar in kept.bars] == [
        *bars[1:],
        bars[0],
    ]
    path = tmp_path / "kept.mid"
    write_take(path, Take(tempo_map, {"player": ()}, line, symbols=symbols), JamSettings())
    markers = [m.text for track in mido.MidiFile(path).tracks for m in track if m.type == "marker"]
    assert markers[:4] == bars


def test_sections_that_return_are_named_in_a_kept_song() -> None:
    sequence = [
        "C",
        "F",
        "G7",
        "C",
        "C",
        "F",
        "G7",
        "C",
        "Am",
        "E7",
        "Am",
        "D7",
        "C",
        "F",
        "G7",
        "C",
    ]
    tempo_map = TempoMap.constant(100.0, Meter(4, 4), 0.0)
    jam = Jam(read_text(written(sequence, Meter(4, 4))).song)
    jam.play(16 * 32)
    kept = jam.conductor.keep(16, jam.now_s(16 * 32))
    assert [(i, bar.section) for i, bar in enumerate(kept.bars) if bar.section] == [
        (0, "A"),
        (4, "A"),
        (8, "B"),
        (12, "A"),
    ]
    states = [ChordState(Chord(0), not i % 16) for i in range(64)]
    places = [tempo_map.place(i) for i in range(64)]
    assert not any(bar.section for bar in kept_song(states, places, 4).bars)


def test_a_thirteenth_with_a_flat_ninth_has_no_natural_one() -> None:
    assert read_symbol("C13b9").chord == Chord(0, "7")
