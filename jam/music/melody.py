"""From keys to the melody line: which pitch, if any, each frame of the grid holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from jam.music.grid import nearest_frame
from jam.music.rows import REST, MelodyState


@dataclass(slots=True)
class _Note:
    pitch: int
    position: float
    on_frame: int
    off_frame: int | None = None


class MelodyTracker:
    """Reduces polyphonic playing to one voice: the topmost sounding note above a split point.

    Notes go to the nearest frame, so frame f is complete at position f + ½: no later note can
    belong to it, and a release before f + 1½ leaves it sounding. A note lasts at least a frame.
    """

    def __init__(self) -> None:
        self._notes: dict[int, _Note] = {}
        self._next_frame = 0
        self._last = REST

    def note_on(self, note_id: int, pitch: int, position: float) -> None:
        """A key went down. One that arrives for a closed frame falls into the first open one.

        Before frame 0 (a count-in) nothing is closed: what ends there is not of the melody.
        """
        frame = nearest_frame(position)
        if self._next_frame > 0:
            frame = max(frame, self._next_frame)
        self._notes[note_id] = _Note(pitch, position, frame)

    def note_off(self, note_id: int, position: float) -> None:
        """The key came up; unknown ids are ignored (a release without a note).

        A note that ends before it began was none (a scoop of a voice, say).
        """
        if (note := self._notes.get(note_id)) is not None:
            if position < note.position:
                del self._notes[note_id]
                return
            note.off_frame = max(nearest_frame(position), note.on_frame + 1)

    def close(self, frame: int, split_pitch: int = 0) -> MelodyState:
        """The melody of the next frame, which must be the one after the last that was closed."""
        if frame != self._next_frame:
            raise ValueError(f"frame {frame} closed, but the next one open is {self._next_frame}")
        self._next_frame = frame + 1
        sounding = [
            note
            for note in self._notes.values()
            if note.pitch >= split_pitch
            and note.on_frame <= frame
            and (note.off_frame is None or note.off_frame > frame)
        ]
        ended = [
            i
            for i, n in self._notes.items()
            if n.off_frame is not None and n.off_frame <= frame + 1
        ]
        for note_id in ended:
            del self._notes[note_id]
        if not sounding:
            self._last = REST
            return REST
        top = max(note.pitch for note in sounding)
        struck = any(note.on_frame == frame for note in sounding if note.pitch == top)
        # A lower note that a higher one uncovers begins, as far as the line is concerned.
        self._last = MelodyState(top, struck or self._last.pitch != top)
        return self._last


class HeldLine:
    """The line as a listener hears it: a note lasts through the gap after it, for up to a beat.

    Staccato, legato and pedalled playing of one tune become the same line but for gaps of more
    than a beat, which rest after that beat. What a frame holds depends on the frames before it
    alone, so that it is the same live, in files and in training.
    """

    def __init__(self) -> None:
        self._last = REST
        self._gap_frames = 0

    def hold(self, state: MelodyState, frames_per_beat: int) -> MelodyState:
        """The next frame's state, from what sounds in it."""
        if state.pitch is not None:
            self._last, self._gap_frames = state, 0
            return state
        self._gap_frames += 1
        if self._last.pitch is None or self._gap_frames > frames_per_beat:
            return REST
        return MelodyState(self._last.pitch, False)


def held(line: Iterable[tuple[MelodyState, int]]) -> list[MelodyState]:
    """A whole line held through its short gaps, from (state, frames per beat) of every frame."""
    holding = HeldLine()
    return [holding.hold(state, frames_per_beat) for state, frames_per_beat in line]
