"""Plan to notes: the accompaniment, a pure function of chords, metre, loudness and last voicing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

from jam.grid import TempoMap
from jam.harmony import QUALITIES, Chord
from jam.messages import PlannedNote
from jam.rows import ChordState

BASS_RANGE = (36, 48)
VOICES_RANGE = (48, 71)
"""Upper voices stay below where melodies usually lie (C5 and up), above muddy low thirds."""

Voicing = tuple[int, ...]
"""MIDI pitches from the bass up."""

_CENTRE = 59.5


def voice(chord: Chord, before: Voicing | None) -> Voicing:
    """Bass root and three upper voices, with the least movement from the voicing before.

    Seventh chords keep third and seventh (the guide tones) and leave the root to the bass.
    """
    intervals = QUALITIES[chord.quality][0]
    if len(intervals) == 2:
        upper = (0, 7, 0)
    elif len(intervals) == 3:
        upper = intervals[:3]
    else:
        upper = (intervals[1], intervals[3], intervals[4] if len(intervals) > 4 else intervals[2])
    low, high = VOICES_RANGE
    choices = [[p for p in range(low, high + 1) if p % 12 == (chord.root + i) % 12] for i in upper]
    best: Voicing = ()
    best_cost = float("inf")
    for picked in product(*choices):
        pitches = tuple(sorted(picked))
        if len(set(pitches)) < len(pitches):
            continue
        gaps = [b - a for a, b in pairwise(pitches)]
        cost = 0.3 * abs(sum(pitches) / 3 - _CENTRE) + sum(2.0 for g in gaps if g < 3)
        cost += sum(0.5 * (g - 9) for g in gaps if g > 9)
        if before is not None:
            cost += sum(abs(a - b) for a, b in zip(pitches, before[1:], strict=False))
        if cost < best_cost:
            best, best_cost = pitches, cost
    root = next(p for p in range(*BASS_RANGE) if p % 12 == chord.root)
    return (root, *best)


@dataclass(frozen=True, slots=True)
class Strike:
    """A chord that is struck: at its onset, and again at each bar line that it lasts over."""

    frame: int
    end_frame: int
    chord: Chord


def strikes(chords: Sequence[ChordState], first_frame: int, tempo_map: TempoMap) -> list[Strike]:
    """The strikes of a line of chord states whose first is of `first_frame`.

    A chord that still holds at the end of the line lasts to the bar line after it: where no
    plan has come by then, it rests there. A chord that holds already at `first_frame` is struck
    there only on a bar line.
    """
    found: list[tuple[int, Chord | None]] = []
    for frame, state in enumerate(chords, first_frame):
        before = chords[frame - first_frame - 1].chord if frame > first_frame else None
        if state.chord is None:
            if before is not None:
                found.append((frame, None))
        elif (
            state.onset
            or (frame > first_frame and state.chord != before)
            or tempo_map.place(frame).frame_in_bar == 0
        ):
            found.append((frame, state.chord))
    line_end = tempo_map.next_bar_frame(first_frame + len(chords))
    ends = [*(frame for frame, _ in found), line_end][1:]
    return [
        Strike(frame, end, chord)
        for (frame, chord), end in zip(found, ends, strict=False)
        if chord is not None
    ]


_PARTS = ("chords", "bass", "drums", "metronome", "player")


def note_id(part: str, start_frame: int, pitch: int) -> int:
    """The same for the same part, start and pitch, whenever it is computed."""
    return (max(start_frame + 2**16, 0) * len(_PARTS) + _PARTS.index(part)) * 128 + pitch


def accompany(
    chords: Sequence[ChordState],
    first_frame: int,
    tempo_map: TempoMap,
    voicings: Mapping[int, Voicing],
    velocities: Mapping[int, int],
    velocity: int,
    committed_until_frame: int,
    confidence: Mapping[int, float],
) -> tuple[list[PlannedNote], dict[int, Voicing]]:
    """Notes of a line of chords, and the voicing of each strike by its frame.

    `voicings` holds those of earlier strikes: one that is there for a strike of this line is
    kept (it was committed), and the newest before the line is where the voices come from.
    `velocities` likewise keeps the loudness of strikes that were committed; others take
    `velocity`. `confidence` maps the frames of chord onsets to probabilities.
    """
    earlier = [frame for frame in voicings if frame < first_frame]
    last = voicings[max(earlier)] if earlier else None
    notes: list[PlannedNote] = []
    used: dict[int, Voicing] = {}
    sure = 1.0
    for strike in strikes(chords, first_frame, tempo_map):
        voicing = voicings.get(strike.frame) or voice(strike.chord, last)
        used[strike.frame] = last = voicing
        sure = confidence.get(strike.frame, sure)
        loud = velocities.get(strike.frame, velocity)
        for pitch in voicing:
            notes.append(
                PlannedNote(
                    note_id("chords", strike.frame, pitch),
                    pitch,
                    max(1, min(127, loud)),
                    strike.frame,
                    strike.end_frame,
                    "chords",
                    strike.frame < committed_until_frame,
                    sure,
                )
            )
    return notes, used


def metronome(tempo_map: TempoMap, first_frame: int, end_frame: int) -> list[PlannedNote]:
    """A click on every beat of [first_frame, end_frame), the bar line's higher and louder."""
    clicks = []
    for frame in range(first_frame, end_frame):
        place = tempo_map.place(frame)
        if place.strength == 0:
            continue
        pitch, velocity = (76, 110) if place.strength == 3 else (77, 80)
        clicks.append(
            PlannedNote(
                note_id("metronome", frame, pitch),
                pitch,
                velocity,
                frame,
                frame + 1,
                "metronome",
                True,
            )
        )
    return clicks
