"""What the tests of the readers share: fixtures, songs by chance, and files of them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import mido
from hypothesis import strategies as st

from jam.music.chord import Chord
from jam.music.grid import Meter
from models.corpora import CORPORA, Outcome, outcomes
from models.corpora.draft import Draft, DraftChord, DraftNote, finish
from models.corpora.files import open_files
from models.data.leadsheet import LeadSheet, chord_spans, melody_spans

FIXTURES = Path(__file__).parents[1] / "fixtures" / "leadsheets"
C_MAJOR = [60, 62, 64, 65, 67, 69, 71, 72]

Song = tuple[list[tuple[int, int, int]], list[tuple[int, Chord]], int]
"""Notes (start, end, pitch), chords (start, chord), both in frames, and the number of bars."""


def found_in_fixtures() -> dict[str, Outcome]:
    return {o.piece: o for o in outcomes(CORPORA["songs"], open_files(FIXTURES))}


def sheet_of(found: dict[str, Outcome], piece: str) -> LeadSheet:
    sheet = found[piece].sheet
    assert sheet is not None, found[piece].why_not
    return sheet


def chords_of(sheet: LeadSheet) -> list[tuple[int, int, str]]:
    return [(start, end, chord.symbol) for start, end, chord in chord_spans(sheet.chords)]


def starts_of(sheet: LeadSheet) -> list[tuple[int, int]]:
    return [(start, pitch) for start, _, pitch in melody_spans(sheet.melody)]


@st.composite
def songs(draw: st.DrawFn) -> Song:
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


def expected(song: Song) -> LeadSheet:
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


def midi_file(
    tracks: dict[str, list[tuple[int, int, int]]],
    markers: list[tuple[int, str]],
    meters: list[tuple[int, int, int]],
) -> bytes:
    """A type 1 file; notes (start, end, pitch) and all positions in sixteenths."""
    song = mido.MidiFile(type=1, ticks_per_beat=480)
    first = mido.MidiTrack()
    events: list[tuple[int, Any]] = [
        (at, mido.MetaMessage("marker", text=text)) for at, text in markers
    ]
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
        played: list[tuple[int, Any]] = []
        for start, end, pitch in notes:
            played.append((end, mido.Message("note_off", note=pitch, channel=channel)))
            played.append(
                (start, mido.Message("note_on", note=pitch, velocity=80, channel=channel))
            )
        _write(track, sorted(played, key=lambda e: (e[0], e[1].type == "note_on")))
    out = io.BytesIO()
    song.save(file=out)
    return out.getvalue()


def _write(track: mido.MidiTrack, events: list[tuple[int, Any]]) -> None:
    now = 0
    for at, message in sorted(events, key=lambda e: e[0]):
        track.append(message.copy(time=(at - now) * 120))
        now = at


SCALE = [(4 * i, 4 * i + 4, pitch) for i, pitch in enumerate(C_MAJOR)]
