"""How the accompaniment ends when the player has stopped, and comes in again: chords over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jam.music.chord import Chord
from jam.music.grid import TempoMap
from jam.music.rows import NO_CHORD, ChordState


@dataclass(frozen=True, slots=True)
class Ending:
    """From `start_frame` on: a dominant where one is needed, the tonic, then rest.

    `back_frame` is where the agent's own chords go on; None as long as the player rests.
    """

    start_frame: int
    final_frame: int
    rest_frame: int
    dominant: Chord | None
    final: Chord
    back_frame: int | None = None

    def holds(self, frame: int) -> bool:
        """True where the ending, not the agent, says what sounds."""
        return frame >= self.start_frame and (self.back_frame is None or frame < self.back_frame)

    def state(self, frame: int) -> ChordState:
        """The chord of a frame at or after the start."""
        if frame < self.final_frame:
            return ChordState(self.dominant, frame == self.start_frame)
        if frame < self.rest_frame:
            return ChordState(self.final, frame == self.final_frame)
        return NO_CHORD


def ending_from(
    frame: int, tempo_map: TempoMap, last: Chord | None, key: tuple[int, bool] | None
) -> Ending:
    """The ending that begins at the first bar line at or after `frame`, on which `last` sounds.

    A bar of the dominant and one of the tonic; the tonic alone where the music stands on one of
    them already, or where the key isn't known (then `last` is what it ends on).
    """
    start = tempo_map.next_bar_frame(frame)
    tonic, minor = key or ((last.root, last.quality.startswith("min")) if last else (0, False))
    final = Chord(tonic, "min" if minor else "maj")
    if key is None and last is not None:
        final = last
    on_the_way = last is not None and last.root in (tonic, (tonic + 7) % 12)
    dominant = None if on_the_way or key is None else Chord((tonic + 7) % 12, "7")
    final_frame = start if dominant is None else tempo_map.next_bar_frame(start + 1)
    return Ending(start, final_frame, tempo_map.next_bar_frame(final_frame + 1), dominant, final)


def come_back(
    ending: Ending, committed_until_frame: int, resting: bool, tempo_map: TempoMap
) -> Ending | None:
    """The ending once the player plays on; None where nothing of it is committed yet.

    Out of a rest the accompaniment comes in with the next stressed beat that can still be
    planned; out of a chord it goes on as soon as it can.
    """
    if committed_until_frame <= ending.start_frame:
        return None
    frame = committed_until_frame
    while resting and tempo_map.place(frame).strength < 2:
        frame += 1
    return Ending(
        ending.start_frame,
        ending.final_frame,
        ending.rest_frame,
        ending.dominant,
        ending.final,
        frame,
    )


def overruled(ending: Ending, line: Sequence[ChordState], from_frame: int) -> list[ChordState]:
    """The line with what the ending says from `from_frame` on.

    Where the agent has no chord to come back with, its next one comes sooner, or the tonic.
    """
    new = list(line)
    for frame in range(max(from_frame, ending.start_frame), len(new)):
        if ending.holds(frame):
            new[frame] = ending.state(frame)
    back = ending.back_frame
    if back is None or not from_frame <= back < len(new):
        return new
    following = next((s.chord for s in new[back:] if s.chord is not None), ending.final)
    for frame in range(back, len(new)):
        if new[frame].chord is not None:
            break
        new[frame] = ChordState(following, False)
    before = new[back - 1].chord if back else None
    new[back] = ChordState(new[back].chord, new[back].onset or new[back].chord != before)
    return new
