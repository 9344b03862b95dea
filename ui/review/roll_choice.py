"""What is chosen and dragged in the piano roll: notes and chords, as functions of the mouse. No Qt.

Times are seconds of the session.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jam.messages.notes import TimedNote
from ui.common.geometry import Rect
from ui.review.content import ChordBlock, Content
from ui.review.roll_scene import Areas, RollView, lane_rect, note_rect, pitch_row

_GRAB_PX = 7.0
"""So near to a note's end or a chord's beginning the mouse takes hold of that."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """What edits by hand act on."""

    notes: tuple[TimedNote, ...] = ()
    chords: tuple[ChordBlock, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.notes or self.chords)

    def has(self, other: Chosen) -> bool:
        return set(other.notes) <= set(self.notes) and set(other.chords) <= set(self.chords)

    def toggled(self, other: Chosen) -> Chosen:
        """With what is in the other, or without it where all of it is there already."""
        if self.has(other):
            return Chosen(
                tuple(n for n in self.notes if n not in other.notes),
                tuple(c for c in self.chords if c not in other.chords),
            )
        return self.joined(other)

    def joined(self, other: Chosen) -> Chosen:
        """What is in either, in order of time."""
        return Chosen(
            tuple(sorted({*self.notes, *other.notes}, key=lambda n: (n.start_s, n.pitch))),
            tuple(sorted({*self.chords, *other.chords}, key=lambda c: c.start_s)),
        )


@dataclass(frozen=True, slots=True)
class Drag:
    """What the mouse does to what is chosen: from (x, y) on, later and higher by so much.

    ends: notes are held by their ends, which go to another time.
    """

    x: float
    y: float
    ends: bool = False
    by_s: float = 0.0
    semitones: int = 0

    @property
    def moved(self) -> bool:
        return bool(self.by_s or self.semitones)

    def to(self, content: Content, view: RollView, areas: Areas, x: float, y: float) -> Drag:
        """With the mouse at another place."""
        semitones = 0
        if not self.ends and self.y >= areas.notes.y:
            semitones = pitch_at(areas, content, y) - pitch_at(areas, content, self.y)
        return replace(self, by_s=(x - self.x) / view.px_per_s, semitones=semitones)

    def on(self, note: TimedNote) -> TimedNote:
        """Where a note lies meanwhile."""
        if self.ends:
            return replace(note, end_s=max(note.start_s + 0.02, note.end_s + self.by_s))
        start_s, end_s = note.start_s + self.by_s, note.end_s + self.by_s
        return replace(note, pitch=note.pitch + self.semitones, start_s=start_s, end_s=end_s)


def pitch_at(areas: Areas, content: Content, y: float) -> int:
    """The pitch of the row at a height."""
    n = content.high_pitch - content.low_pitch + 1
    row = int((y - areas.notes.y) * n / areas.notes.height)
    return min(content.high_pitch, max(content.low_pitch, content.high_pitch - row))


def grab(
    content: Content, view: RollView, areas: Areas, x: float, y: float
) -> tuple[Chosen, Drag] | None:
    """What is there to be dragged: the player's note, another part's, or a chord."""
    left, at_s = areas.notes.x, view.seconds(x, areas.notes.x)
    if areas.notes.y <= y < areas.notes.bottom and x >= left:
        pitch = pitch_at(areas, content, y)
        there = [n for n in content.notes if n.pitch == pitch and n.start_s <= at_s <= n.end_s]
        if there:
            note = max(there, key=lambda n: (n.part == "player", n.start_s))
            near_s = min(_GRAB_PX / view.px_per_s, (note.end_s - note.start_s) / 3)
            return Chosen((note,)), Drag(x, y, note.end_s - at_s < near_s)
    if areas.chords.y <= y < areas.chords.bottom and x >= left:
        near_s = _GRAB_PX / view.px_per_s
        blocks = [c for c in content.chords if c.start_s - near_s <= at_s < c.end_s]
        if blocks:  # near an edge it is the chord that begins there
            return Chosen((), (blocks[-1],)), Drag(x, y)
    return None


def within(
    content: Content, view: RollView, areas: Areas, band: Rect, muted: Iterable[str] = ()
) -> Chosen:
    """What a rubber band touches, without the parts that are muted."""
    left, silent = areas.notes.x, set(muted)
    first_s, last_s = view.seconds(band.x, left), view.seconds(band.right, left)
    notes = tuple(
        note
        for note in content.notes
        if note.start_s <= last_s
        and note.end_s >= first_s
        and note.part not in silent
        and _touch(note_rect(note, view, pitch_row(areas, content, note.pitch)), band)
    )
    chords = tuple(
        chord
        for chord in content.chords
        if _touch(lane_rect(chord.start_s, chord.end_s, view, areas.chords), band)
    )
    return Chosen(notes, chords)


def _touch(one: Rect, other: Rect) -> bool:
    across = one.x <= other.right and other.x <= one.right
    return across and one.y <= other.bottom and other.y <= one.bottom


def band_of(x: float, y: float, to_x: float, to_y: float) -> Rect:
    """A rubber band from one corner to another."""
    return Rect(min(x, to_x), min(y, to_y), abs(to_x - x), abs(to_y - y))
