"""A user's own MIDI file: its melody, and chords from markers or from what sounds below it.

Markers, texts or lyrics (`jam.midi.chord_texts`) are taken for chords where most of them are chord
symbols. Otherwise chords are found in the notes (`models.corpora.chord_finder`): of a track whose
name says so, else of all but the drums.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from fractions import Fraction
from itertools import accumulate

from jam.errors import BadInput
from jam.limits import FRAMES
from jam.midi.chord_texts import chord_texts
from jam.midi.numbers import DRUM_CHANNEL
from jam.midi.smf import RawNote, RawSong, parse_smf
from jam.music.chord_notation import chords_of_texts
from jam.music.grid import FRAMES_PER_QUARTER, Meter, counted_meter
from jam.music.melody_track import Line, chord_word, joined_channels, melody_index, sung_share
from models.corpora.chord_finder import find_chords
from models.corpora.draft import Draft, DraftChord, DraftNote
from models.corpora.score import CHORDS_NOT_READ


def midi_draft(source: str, piece: str, data: bytes, style: str = "any") -> Draft:
    """The draft of one file. Raises BadInput."""
    song = parse_smf(data)
    unit = Fraction(FRAMES_PER_QUARTER, song.ticks_per_quarter)
    pitched = [note for note in song.notes if note.channel != DRUM_CHANNEL]
    if not pitched:
        raise BadInput("drums only" if song.notes else "no notes")
    bars, lead = _bars(song, unit)
    melody, others = _melody_and_others(song, pitched)
    draft = Draft(source, piece, bars, [], [], style=style)
    if song.tempos:
        quarter_bpm = 60e6 / min(song.tempos)[1]
        draft.bpm = round(quarter_bpm * FRAMES_PER_QUARTER / bars[0].frames_per_beat, 2)
    draft.notes = _in_sixteenths(melody, unit, lead)
    draft.chords = _marker_chords(song, unit, lead, draft)
    if not draft.chords:
        draft.chords = find_chords(_in_sixteenths(others, unit, lead), bars)
    return draft


def _in_sixteenths(notes: list[RawNote], unit: Fraction, lead: Fraction) -> list[DraftNote]:
    return [DraftNote(n.start_tick * unit + lead, n.end_tick * unit + lead, n.pitch) for n in notes]


def _bars(song: RawSong, unit: Fraction) -> tuple[list[Meter], Fraction]:
    """The bars from the first tick to the last note, and how much of the first is silent before it.

    A metre begins at the next bar line. A pickup stands at the end of a whole bar.
    """
    end = max(note.end_tick for note in song.notes) * unit
    if end > FRAMES:
        raise BadInput(f"longer than {FRAMES} frames")
    changes = sorted((tick * unit, above, below) for tick, above, below in song.meters)
    bars: list[Meter] = []
    lead = Fraction(0)
    if pickup := song.pickup_ticks * unit:
        changes = [change for change in changes if change[0] >= pickup]
        bars.append(counted_meter(*changes[0][1:]))
        lead = bars[0].frames_per_bar - pickup
        changes = [(at + lead, above, below) for at, above, below in changes]
        end += lead
    meter = Meter()
    at = sum(bar.frames_per_bar for bar in bars)
    done = 0
    while at < end or not bars:
        while done < len(changes) and changes[done][0] <= at:
            _, above, below = changes[done]
            meter = counted_meter(above, below)
            done += 1
        bars.append(meter)
        at += meter.frames_per_bar
    return bars, lead


def _melody_and_others(song: RawSong, notes: list[RawNote]) -> tuple[list[RawNote], list[RawNote]]:
    """The notes of the melody's track, and those that may be chords."""
    apart: dict[tuple[int, int], list[RawNote]] = defaultdict(list)
    for note in sorted(notes, key=lambda n: n.start_tick):
        apart[note.track, note.channel].append(note)
    quarter, programs = song.ticks_per_quarter, {c: p for _, c, p in reversed(song.programs)}
    groups = joined_channels(
        apart,
        lambda n: programs.get(n.channel, 0),
        lambda n: (n.start_tick / quarter, n.end_tick / quarter, n.pitch),
    )
    if len(groups) == 1:
        return _skyline(notes)
    keys = list(groups)
    lines = [_line(song, key, groups[key]) for key in keys]
    chosen = keys[melody_index(lines, song.karaoke)]
    chord_keys = [key for key in keys if chord_word(song.track_names[key[0]])]
    harmony = [
        note
        for key, group in groups.items()
        if key != chosen and (key in chord_keys or not chord_keys)
        for note in group
    ]
    return groups[chosen], harmony


def _line(song: RawSong, key: tuple[int, int], notes: list[RawNote]) -> Line:
    track, channel = key
    quarter = song.ticks_per_quarter
    frame = FRAMES_PER_QUARTER / quarter
    return Line(
        [(n.start_tick / quarter, n.end_tick / quarter, n.pitch) for n in notes],
        song.track_names[track],
        channel,
        next((p for tick, c, p in sorted(song.programs) if c == channel), 0),
        sung_share(
            [n.start_tick * frame for n in notes],
            [] if chord_texts(song)[1] else [at * frame for at in song.lyrics],
        ),
    )


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


def _marker_chords(song: RawSong, unit: Fraction, lead: Fraction, draft: Draft) -> list[DraftChord]:
    """Chords of the markers."""
    starts = list(accumulate((meter.frames_per_bar for meter in draft.bars), initial=0))
    found, unread = chords_of_texts(
        [(tick * unit + lead, text) for tick, text in chord_texts(song)[0]],
        lambda at: bisect_right(starts, at),
    )
    draft.dropped[CHORDS_NOT_READ] += len(unread)
    draft.unread.extend(unread)
    return [DraftChord(*item) for item in found]
