"""From what was played to what a reader expects to see: a melody's onsets and lengths in notation.

Each beat is divided as simply as its onsets allow, swung eighths are written straight, notes last
until the next one where the player only articulated. Pure.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from statistics import median

from jam.messages.notes import Note
from jam.music.grid import FRAMES_PER_QUARTER, TempoMap, nearest_frame
from jam.music.swing import SWUNG, straightened

# Frames in a beat -> divisions of the beat, and how much (in beats squared) each has to explain
# better than the plain beat before it is written. Chosen so that exact sixteenths always stay.
_DIVISIONS: dict[int, dict[int, float]] = {
    2: {1: 0.0, 2: 0.004},
    4: {1: 0.0, 2: 0.004, 4: 0.012, 3: 0.020},
    6: {1: 0.0, 3: 0.004, 6: 0.012},
    8: {1: 0.0, 2: 0.001, 4: 0.003, 8: 0.006, 3: 0.010},
}
_CHORD_FRAMES = 0.35
"""Notes struck within so many frames are one chord; the top one is the melody."""
_ARTICULATED = 0.6
"""A note that lasts this share of the way to the next one is written to its full length."""


@dataclass(frozen=True, slots=True)
class WrittenNote:
    """A note of a lead sheet, in quarter notes from frame 0."""

    start_quarter: Fraction
    end_quarter: Fraction
    pitch: int


@dataclass(frozen=True, slots=True)
class WrittenMelody:
    notes: tuple[WrittenNote, ...]
    swung: bool = False
    """Written in straight eighths, to be swung."""


@dataclass(frozen=True, slots=True)
class _Onset:
    at: Fraction
    """In frames."""
    end: float
    pitch: int
    beat_frame: int
    beat_frames: int
    division: int


def top_voice(notes: Iterable[Note], split_pitch: int = 0) -> list[Note]:
    """One voice of what may be chords: what a higher note covers is left out."""
    ordered = sorted(
        (n for n in notes if n.pitch >= split_pitch), key=lambda n: (n.start_frame, -n.pitch)
    )
    starts = [note.start_frame for note in ordered]
    voice: list[Note] = []
    ends = [-math.inf] * 128  # of the notes so far, by pitch
    for i, note in enumerate(ordered):
        last = bisect_left(starts, note.start_frame + _CHORD_FRAMES)
        chord = ordered[i + 1 : min(last, i + 128)]
        middle = (note.start_frame + note.end_frame) / 2
        above = (other.end_frame for other in chord if other.pitch > note.pitch)
        if max([*ends[note.pitch + 1 :], *above], default=-math.inf) <= middle:
            voice.append(note)
        ends[note.pitch] = max(ends[note.pitch], note.end_frame)
    return voice


def written_melody(
    notes: Iterable[Note], tempo_map: TempoMap, split_pitch: int = 0
) -> WrittenMelody:
    """The melody of what was played, from frame 0 on, and a pickup of at most a bar before it."""
    earliest = -tempo_map.meter_at(0).frames_per_bar - 0.5
    voice = [n for n in top_voice(notes, split_pitch) if n.start_frame >= earliest]
    beats = _by_beat(voice, tempo_map)
    swung = _is_swung(beats)
    onsets: list[_Onset] = []
    for (beat_frame, beat_frames), played in beats.items():
        onsets.extend(_place(beat_frame, beat_frames, played, swung))
    onsets.sort(key=lambda onset: (onset.at, onset.pitch))
    # What still falls on one place is one note: the higher.
    line = [
        o
        for o, after in zip(onsets, [*onsets[1:], None], strict=True)
        if after is None or after.at != o.at
    ]
    return WrittenMelody(tuple(_written(line)), swung)


def _by_beat(
    voice: Sequence[Note], tempo_map: TempoMap
) -> dict[tuple[int, int], list[tuple[float, Note]]]:
    """(first frame of a beat, frames in it) -> (where in the beat, note) in order."""
    beats: dict[tuple[int, int], list[tuple[float, Note]]] = {}
    for note in voice:
        frame = nearest_frame(note.start_frame)
        if -1 < note.start_frame < 0:
            frame = 0  # a little early is meant for the beat
        place = tempo_map.place(frame)
        per_beat = place.meter.frames_per_beat
        start = frame - place.frame_in_bar % per_beat
        beats.setdefault((start, per_beat), []).append(
            ((note.start_frame - start) / per_beat, note)
        )
    return beats


def _is_swung(beats: dict[tuple[int, int], list[tuple[float, Note]]]) -> bool:
    """True where the second of two notes in a beat usually falls on its last third."""
    seconds = [
        played[1][0]
        for (_, frames), played in beats.items()
        if frames == 4 and len(played) == 2 and played[0][0] < 0.2 and 0.35 < played[1][0] < 0.8
    ]
    return len(seconds) >= 6 and SWUNG[0] <= median(seconds) <= SWUNG[1]


def _place(
    beat_frame: int, beat_frames: int, played: Sequence[tuple[float, Note]], swung: bool
) -> list[_Onset]:
    """The onsets of one beat on its best division."""
    if swung and beat_frames == 4:
        played = [(straightened(where), note) for where, note in played]
    best: tuple[float, int, list[int]] | None = None
    for division, price in _DIVISIONS[beat_frames].items():
        steps = [min(max(round(w * division), 0), division - 1) for w, _ in played]
        missed = sum((w - s / division) ** 2 for (w, _), s in zip(played, steps, strict=True))
        cost = missed + price + (len(steps) - len(set(steps)))
        if division == 3 and beat_frames != 6 and len({*steps} - {0}) < 2:
            continue  # one note alone makes no triplet
        if best is None or cost < best[0]:
            best = cost, division, steps
    assert best is not None
    _, division, steps = best
    return [
        _Onset(
            beat_frame + Fraction(step * beat_frames, division),
            note.end_frame,
            note.pitch,
            beat_frame,
            beat_frames,
            division,
        )
        for step, (_, note) in zip(steps, played, strict=True)
    ]


def _written(line: Sequence[_Onset]) -> Iterable[WrittenNote]:
    """Onsets with the ends that a reader expects."""
    for onset, after in zip(line, [*line[1:], None], strict=True):
        end = _end(onset, after)
        yield WrittenNote(onset.at / FRAMES_PER_QUARTER, end / FRAMES_PER_QUARTER, onset.pitch)


def _end(onset: _Onset, after: _Onset | None) -> Fraction:
    """In frames."""
    length = onset.end - float(onset.at)
    room = None if after is None else after.at - onset.at
    if room is not None and (room <= onset.beat_frames or length >= _ARTICULATED * room):
        return onset.at + room
    step = Fraction(onset.beat_frames)
    if length < onset.beat_frames and onset.beat_frames != 2:
        # Shorter than a beat: to the next eighth, or where the beat is divided otherwise, its end.
        eighths = (
            onset.division in (1, 2, 4, 8)
            if onset.beat_frames != 6
            else (onset.division in (1, 3, 6))
        )
        step = Fraction(2) if eighths else step
    ended = onset.beat_frame + step * max(
        math.ceil((onset.end - onset.beat_frame) / step - Fraction(1, 4)),
        math.floor((onset.at - onset.beat_frame) / step) + 1,
    )
    return ended if after is None else min(ended, after.at)
