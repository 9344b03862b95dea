"""A user's own MIDI file: its melody, and chords from markers or from a chord track.

Markers are taken for chords where most of them are chord symbols. Otherwise chords are read
from the notes that sound together below the melody: of a track whose name says so, else of
every other track but the drums.
"""

from __future__ import annotations

import re
from collections import defaultdict
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import FRAMES
from jam.midi.smf import RawNote, RawSong, parse_smf
from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import FRAMES_PER_QUARTER, Meter
from models.corpora.draft import Draft, DraftChord, DraftNote
from models.corpora.musicxml import countable_meter

_DRUM_CHANNEL = 9
_MAX_BEATS_OF_NOTES = 200_000
"""Over all notes, the beats in which each of them sounds."""
_MELODY_NAME = re.compile(r"melod|lead|vocal|voice|vox|sing|solo|tune", re.IGNORECASE)
_CHORD_NAME = re.compile(r"chord|harmon|accomp|akkord|comp\b|changes", re.IGNORECASE)


def midi_draft(source: str, piece: str, data: bytes, style: str = "any") -> Draft:
    """The draft of one file. Raises BadInput."""
    song = parse_smf(data)
    unit = Fraction(FRAMES_PER_QUARTER, song.ticks_per_quarter)
    pitched = [note for note in song.notes if note.channel != _DRUM_CHANNEL]
    if not pitched:
        raise BadInput("no notes")
    bars = _bars(song, unit)
    melody, others = _melody_and_others(song, pitched)
    draft = Draft(source, piece, bars, [], [], style=style)
    if song.tempos:
        quarter_bpm = 60e6 / min(song.tempos)[1]
        draft.bpm = round(quarter_bpm * FRAMES_PER_QUARTER / bars[0].frames_per_beat, 2)
    draft.notes = [DraftNote(n.start_tick * unit, n.end_tick * unit, n.pitch) for n in melody]
    draft.chords = _marker_chords(song, unit, draft)
    if not draft.chords:
        draft.chords = sounding_chords(others, unit, bars)
    return draft


def _bars(song: RawSong, unit: Fraction) -> list[Meter]:
    """The bars from the first tick to the last note; a metre begins at the next bar line."""
    end = max(note.end_tick for note in song.notes) * unit
    if end > FRAMES:
        raise BadInput(f"longer than {FRAMES} frames")
    changes = sorted((tick * unit, above, below) for tick, above, below in song.meters)
    bars: list[Meter] = []
    meter = Meter()
    at = done = 0
    while at < end or not bars:
        while done < len(changes) and changes[done][0] <= at:
            _, above, below = changes[done]
            meter = countable_meter(above, below)
            done += 1
        bars.append(meter)
        at += meter.frames_per_bar
    return bars


def _melody_and_others(song: RawSong, notes: list[RawNote]) -> tuple[list[RawNote], list[RawNote]]:
    """The notes of the melody's track, and those that may be chords."""
    groups: dict[tuple[int, int], list[RawNote]] = defaultdict(list)
    for note in notes:
        groups[note.track, note.channel].append(note)
    if len(groups) == 1:
        return _skyline(notes)

    def name(key: tuple[int, int]) -> str:
        return song.track_names[key[0]]

    chord_keys = [key for key in groups if _CHORD_NAME.search(name(key))]
    candidates = [key for key in groups if key not in chord_keys] or list(groups)
    named = [key for key in candidates if _MELODY_NAME.search(name(key))]
    if not named:
        # Of the tracks that are not much emptier than the fullest, the highest on average.
        most = max(len(groups[key]) for key in candidates)
        candidates = [key for key in candidates if len(groups[key]) * 4 >= most]
    melody_key = max(
        named or candidates, key=lambda key: sum(n.pitch for n in groups[key]) / len(groups[key])
    )
    chord_notes = [
        note
        for key, group in groups.items()
        if key != melody_key and (key in chord_keys or not chord_keys)
        for note in group
    ]
    return groups[melody_key], chord_notes


def _skyline(notes: list[RawNote]) -> tuple[list[RawNote], list[RawNote]]:
    """Notes that begin above everything that sounds, and the others."""
    moments = [(n.end_tick, 0, n) for n in notes] + [(n.start_tick, 1, n) for n in notes]
    # What ends at a moment is gone before what begins there is judged, the highest first.
    moments.sort(key=lambda m: (m[0], m[1], -m[2].pitch))
    sounding = [0] * 128
    top: list[RawNote] = []
    under: list[RawNote] = []
    for _, begins, note in moments:
        if begins:
            (under if any(sounding[note.pitch + 1 :]) else top).append(note)
        sounding[note.pitch] += 1 if begins else -1
    return top, under


def _marker_chords(song: RawSong, unit: Fraction, draft: Draft) -> list[DraftChord]:
    """Chords of the markers; none where fewer than two or than half of them are chords."""
    chords: list[DraftChord] = []
    unread = 0
    for tick, text in song.markers:
        try:
            chord, _ = parse_symbol(text)
        except ValueError:
            unread += 1
            continue
        if text.strip():
            chords.append(DraftChord(tick * unit, chord, text))
    if len(chords) < 2 or unread > len(chords):
        return []
    draft.dropped["chords not read"] += unread
    return chords


def sounding_chords(notes: list[RawNote], unit: Fraction, bars: list[Meter]) -> list[DraftChord]:
    """One chord a beat of what sounds in it; a beat with too little keeps the chord before.

    Pitch classes are weighed by how long they sound; the lowest note counts for the root.
    """
    beats: list[tuple[int, int]] = []
    at = 0
    for meter in bars:
        size = meter.frames_per_beat
        beats.extend((at + i, size) for i in range(0, meter.frames_per_bar, size))
        at += meter.frames_per_bar
    weights: list[list[float]] = [[0.0] * 12 for _ in beats]
    lowest = [128] * len(beats)
    n_visited = 0
    beat_of: list[int] = [i for i, (_, size) in enumerate(beats) for _ in range(size)]
    for note in notes:
        start, end = note.start_tick * unit, note.end_tick * unit
        first = beat_of[min(int(start), at - 1)]
        last = beat_of[min(max(int(start), int(end - Fraction(1, 2))), at - 1)]
        n_visited += last + 1 - first
        if n_visited > _MAX_BEATS_OF_NOTES:
            raise BadInput("too many notes that sound at once")
        for i in range(first, last + 1):
            begin, size = beats[i]
            overlap = min(end, Fraction(begin + size)) - max(start, Fraction(begin))
            if overlap > Fraction(1, 2):
                weights[i][note.pitch % 12] += float(overlap) / size
                lowest[i] = min(lowest[i], note.pitch)
    chords: list[DraftChord] = []
    for (begin, _), weight, bass in zip(beats, weights, lowest, strict=True):
        chord = chord_of(weight, bass % 12 if bass < 128 else None)
        if chord is not None and (not chords or chords[-1].chord != chord):
            chords.append(DraftChord(begin, chord, chord.symbol))
    return chords


def chord_of(weights: list[float], bass: int | None) -> Chord | None:
    """The chord of the table that fits weighed pitch classes best; None for fewer than two.

    A chord gains what it explains and loses what it lacks or doesn't explain.
    """
    if sum(w > 0 for w in weights) < 2:
        return None
    # A class that only passes counts little; one that sounds throughout not more than once.
    heard = [min(1.0, w) for w in weights]
    best: tuple[float, Chord] | None = None
    for root in range(12):
        if heard[root] == 0:
            continue
        for quality in QUALITY_NAMES:
            chord = Chord(root, quality)
            inside = set(chord.pitch_classes)
            score = sum(heard[p] if p in inside else -heard[p] for p in range(12))
            score -= 0.6 * sum(heard[p] == 0 for p in inside)
            score += 0.5 * (bass == root)
            if best is None or score > best[0] + 1e-9:
                best = (score, chord)
    return best[1] if best else None
