"""The line of chords as spans: from each chord's onset to where it has to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from jam.accompaniment.voicing import Voicing, voice
from jam.music.chord import Chord
from jam.music.grid import TempoMap
from jam.music.rows import ChordState


@dataclass(frozen=True, slots=True)
class Span:
    """A chord from its onset to its end, with the pitches that are its own.

    `next_bass` is the bass note that follows without a gap; None where the chord is followed by
    a rest, or by what is not planned yet.
    """

    start_frame: int
    end_frame: int
    chord: Chord
    voicing: Voicing
    confidence: float = 1.0
    next_bass: int | None = None
    next_confidence: float = 1.0


def begins(line: Sequence[ChordState], frame: int) -> bool:
    """True where a chord or a rest begins at `frame`."""
    if frame == 0:
        return True
    state, before = line[frame], line[frame - 1]
    return state.chord != before.chord or (state.onset and state.chord is not None)


def onset_of(line: Sequence[ChordState], frame: int) -> int:
    """The frame at which what holds at `frame` began."""
    while not begins(line, frame):
        frame -= 1
    return frame


def voiced_spans(
    line: Sequence[ChordState],
    from_frame: int,
    tempo_map: TempoMap,
    voicings: Mapping[int, Voicing],
    room: int,
    confidence: Mapping[int, float],
    basses: Mapping[int, int],
) -> list[Span]:
    """The spans from the one in which `from_frame` lies to the end of the line.

    `voicings` holds, by the frame of the onset, those that are committed: they are kept, and
    the newest of them is where the voices come from. What still holds at the end of the line
    lasts to the bar line after it: where no plan has come by then, it rests there. `basses` has
    the pitch classes of slash chords by the frame of their onset.
    """
    if not line:
        return []
    first = onset_of(line, min(from_frame, len(line) - 1))
    starts = [f for f in range(first, len(line)) if begins(line, f)]
    ends = [*starts[1:], tempo_map.next_bar_frame(len(line))]
    earlier = [frame for frame in voicings if frame < first]
    last = voicings[max(earlier)] if earlier else None
    found: list[Span] = []
    sure = 1.0
    for start, end in zip(starts, ends, strict=True):
        if (chord := line[start].chord) is None:
            continue
        last = voicings.get(start) or voice(chord, last, room, basses.get(start))
        sure = confidence.get(start, sure)
        found.append(Span(start, end, chord, last, sure))
    for i, (span, after) in enumerate(pairwise(found)):
        if after.start_frame == span.end_frame:
            found[i] = replace(span, next_bass=after.voicing[0], next_confidence=after.confidence)
    return found
