"""Notes that are being made, their ids, and the metronome's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from jam.messages.notes import PlannedNote
from jam.music.grid import TempoMap

PARTS = ("chords", "bass", "drums", "metronome", "player", "solo")
MIN_FRAMES = 0.25
"""No note is shorter, in frames."""
_IDS_A_FRAME = 48
"""Two notes of one part and pitch start at least so small a part of a frame apart."""
_MASK = 2**64 - 1


def note_id(part: str, start_frame: float, pitch: int) -> int:
    """The same for the same part, start and pitch, whenever it is computed."""
    start = max(round((start_frame + 2**16) * _IDS_A_FRAME), 0)
    return (start * len(PARTS) + PARTS.index(part)) * 128 + pitch


@dataclass(frozen=True, slots=True)
class Draft:
    """A note as its player wants it; what its chord allows may end it before `until_frame`."""

    part: str
    pitch: int
    velocity: int
    start_frame: float
    until_frame: float
    confidence: float = 1.0
    late_ms: float | None = None
    """How late people played it; None where it was drawn."""

    @property
    def note_id(self) -> int:
        return note_id(self.part, self.start_frame, self.pitch)


@dataclass(frozen=True, slots=True)
class Touch:
    """How the accompaniment plays now: it follows the player.

    velocity: of a plain stroke, 1 to 127. thin: 0 everything, 1 without the light strokes, 2
    with little more than the accents. room: the pitch that the voices stay below.
    """

    velocity: int = 64
    thin: int = 0
    room: int = 58


@dataclass(slots=True)
class Memory:
    """What is committed, and can't change any more."""

    drafts: dict[int, Draft] = field(default_factory=dict)
    """By note id: notes that have started in committed frames, and whose end may still move."""
    ended: dict[int, PlannedNote] = field(default_factory=dict)
    """Notes of the last bars of which nothing can change any more."""
    voicings: dict[int, tuple[int, ...]] = field(default_factory=dict)
    """By the frame of a chord's onset."""
    last_bass: int | None = None
    """Pitch of the newest bass note."""

    def keep(
        self,
        notes: Sequence[PlannedNote],
        drafts: Mapping[int, Draft],
        voicings: Mapping[int, tuple[int, ...]],
        until_frame: int,
        oldest_frame: int,
    ) -> None:
        """Commit what starts before `until_frame`; forget what ended before `oldest_frame`."""
        self.drafts.clear()
        for note in notes:
            if note.start_frame >= until_frame:
                continue
            if note.part == "bass":
                self.last_bass = note.pitch
            if note.end_frame < until_frame:
                self.ended[note.note_id] = replace(note, committed=True)
            else:
                self.drafts[note.note_id] = drafts[note.note_id]
        self.ended = {i: n for i, n in self.ended.items() if n.end_frame >= oldest_frame}
        self.voicings.update((f, v) for f, v in voicings.items() if f < until_frame)
        newest = max(self.voicings, default=0)
        self.voicings = {f: v for f, v in self.voicings.items() if f >= min(newest, until_frame)}

    def rewind(self, frame: int, position: float) -> None:
        """What was committed from `frame` on is open again; it is `position` now, and what sounds
        of it ends there."""
        for i, draft in list(self.drafts.items()):
            if draft.start_frame < frame:
                continue
            del self.drafts[i]
            if draft.start_frame < position:
                end = max(position, draft.start_frame + MIN_FRAMES)
                self.ended[i] = PlannedNote(
                    i, draft.pitch, draft.velocity, draft.start_frame, end, draft.part, True
                )
        for i, note in list(self.ended.items()):
            until = position if note.start_frame >= frame else frame
            if note.start_frame >= position:
                del self.ended[i]
            elif note.end_frame > until:
                end = max(until, note.start_frame + MIN_FRAMES)
                self.ended[i] = replace(note, end_frame=end)
        self.voicings = {f: v for f, v in self.voicings.items() if f < frame}


def dice(seed: int, *numbers: int) -> float:
    """A number from 0 to 1 that is a function of its arguments alone (splitmix64's mixing)."""
    state = seed & _MASK
    for number in numbers:
        state = (state + 0x9E3779B97F4A7C15 + (number & _MASK)) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state / 2**64


METRONOME_KEYS = {
    "woodblock": (76, 77),
    "click": (34, 33),
    "stick": (37, 37),
    "hihat": (46, 42),
    "cowbell": (56, 56),
}
"""Of General MIDI's drums: at the bar line, and elsewhere. By the setting's words."""
_CLICK_VELOCITIES = 110, 80, 50
"""At the bar line, on a beat, between beats."""
_LONGEST_BEAT = 6
"""Frames before the first one in which a beat may lie that is divided."""


_FULL_BARS, _GONE_BARS, _ROUND_BARS = 4, 16, 32
"""A click that fades out is whole for so many bars and gone after so many; then one has to keep
time alone, and after a whole round it is back, to compare."""


def faded(bar: int) -> float:
    """How loud a click that fades out is in a bar of the session, 0 to 1."""
    at = bar % _ROUND_BARS
    if at < _FULL_BARS:
        return 1.0
    return max(0.0, (_GONE_BARS - at) / (_GONE_BARS - _FULL_BARS + 1))


def metronome(
    tempo_map: TempoMap,
    first_frame: int,
    end_frame: int,
    sound: str = "woodblock",
    clicks: str = "beats",
) -> list[PlannedNote]:
    """The clicks of [first_frame, end_frame), the bar line's higher and louder.

    sound, clicks: as in `jam.settings`. The count-in has a click on every beat, whatever is chosen;
    a bar of three beats has its backbeat on the second, and every other bar is without a click.
    """
    on_bar, elsewhere = METRONOME_KEYS[sound]
    loud, usual, soft = _CLICK_VELOCITIES
    found: list[tuple[float, int, int]] = []
    for frame in range(first_frame - _LONGEST_BEAT, end_frame):
        place = tempo_map.place(frame)
        if place.strength == 0:
            continue
        where = "beats" if frame < 0 else clicks
        bar_line = place.strength == 3
        wanted = {
            "bars": bar_line,
            "backbeat": place.beat % 2 == 1,
            "alternate": place.bar % 2 == 0,
        }.get(where, True)
        share = faded(place.bar) if where == "fading" else 1.0
        if wanted and share > 0:
            velocity = round((loud if bar_line else usual) * share)
            found.append((frame, on_bar if bar_line else elsewhere, velocity))
        if where.isdigit():
            length = place.meter.frames_per_beat / int(where)
            found += [(frame + i * length, elsewhere, soft) for i in range(1, int(where))]
    return [
        PlannedNote(
            note_id("metronome", start, pitch), pitch, velocity, start, start + 1, "metronome", True
        )
        for start, pitch, velocity in found
        if first_frame <= start < end_frame
    ]
