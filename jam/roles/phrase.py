"""What a phrase of the player's was like: what an answer takes up, and how its notes are played."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from jam.accompaniment.notes import MIN_FRAMES, note_id
from jam.messages.notes import PlannedNote
from jam.music.grid import Place
from jam.music.rows import MelodyState

_ACCENTS = (-5, 0, 3, 6)
"""By the strength of a place."""
_RISE = 0.35
"""A note is so much louder for each semitone above the middle of its phrase."""
_SOFTEST, _LOUDEST = 28, 118
_AGAIN = 0.3
"""A note that is struck again ends so much before, in frames."""
SOLO = "solo"
"""The part of the agent's own melody."""

Onset = tuple[float, int, int]
"""Position in frames, pitch, velocity."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """How dense, high and loud it was. None: nothing was played."""

    notes_a_beat: float | None = None
    mean_pitch: float | None = None
    velocity: float | None = None
    lowest: int | None = None
    highest: int | None = None


def phrase_of(onsets: Iterable[Onset], first: float, end: float, beat_frames: int) -> Phrase:
    """Of what was played from frame `first` to `end`."""
    found = [o for o in onsets if first <= o[0] < end]
    if not found or end <= first:
        return Phrase()
    pitches = [pitch for _, pitch, _ in found]
    beats = max(1.0, (end - first) / beat_frames)
    return Phrase(
        len(found) / beats,
        sum(pitches) / len(pitches),
        sum(velocity for _, _, velocity in found) / len(found),
        min(pitches),
        max(pitches),
    )


def notes_of(
    line: Sequence[tuple[int, MelodyState, Place]],
    velocity: float,
    committed_until: int,
    swung: dict[int, float],
) -> list[PlannedNote]:
    """A line of (frame, state, place), in order, as notes.

    swung: where frames lie that the style moves. A state that goes on without a note before it is
    silent: what sounded there was the player's.
    """
    spans: list[tuple[int, int, int, Place]] = []
    for frame, state, place in line:
        if state.pitch is None:
            continue
        if state.onset:
            spans.append((frame, frame + 1, state.pitch, place))
        elif spans and spans[-1][1] == frame and spans[-1][2] == state.pitch:
            spans[-1] = (spans[-1][0], frame + 1, state.pitch, spans[-1][3])
    middle = sum(s[2] for s in spans) / len(spans) if spans else 0.0
    notes = []
    for i, (start, end, pitch, place) in enumerate(spans):
        begins, ends = swung.get(start, float(start)), swung.get(end, float(end))
        if i + 1 < len(spans) and spans[i + 1][0] == end and spans[i + 1][2] == pitch:
            ends -= _AGAIN
        loud = velocity + _ACCENTS[place.strength] + _RISE * (pitch - middle)
        notes.append(
            PlannedNote(
                note_id(SOLO, begins, pitch),
                pitch,
                round(min(max(loud, _SOFTEST), _LOUDEST)),
                begins,
                max(ends, begins + MIN_FRAMES),
                SOLO,
                start < committed_until,
            )
        )
    return notes
