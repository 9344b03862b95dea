"""The piano roll as numbers: a pure function of content, view and size. No Qt.

Time runs to the right. From top to bottom: ruler with bars, sections and moments; the chords as
they came; the plan; the notes, one row a pitch; the drums; an overview of the whole session.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from jam.messages.notes import AGENT, TimedNote
from jam.sessions.session import Moment, MomentKind
from ui.common.geometry import Rect, Size, is_black
from ui.review.content import Beat, ChordBlock, Content, PlanView

MIN_PX_PER_S, MAX_PX_PER_S = 4.0, 600.0
USUAL_PX_PER_S = 90.0
ZOOM_STEP = 1.25
_FOLLOW_FROM, _FOLLOW_TO = 0.85, 0.12
"""When the playhead gets so far to the right, the view turns the page and has it here."""
_LABEL_PX = 140.0
"""Words may reach so far to the right of what they belong to."""
_MIN_NOTE_PX = 2.0
_DRUM_ROWS = ({35, 36}, {37, 38, 39, 40, 41, 43, 45, 47, 48, 50})
"""Pitches of the lower rows of the drum lane: bass drum, snare and toms; the rest is metal."""


@dataclass(frozen=True, slots=True)
class Areas:
    """Where everything lies. `keys` is the piano at the left edge of the notes."""

    ruler: Rect
    chords: Rect
    plan: Rect
    notes: Rect
    drums: Rect
    overview: Rect
    keys: Rect


@dataclass(frozen=True, slots=True)
class RollView:
    """What the roll shows: from a time on, so many pixels a second."""

    from_s: float = 0.0
    px_per_s: float = USUAL_PX_PER_S

    def x(self, at_s: float, left: float) -> float:
        return left + (at_s - self.from_s) * self.px_per_s

    def seconds(self, x: float, left: float) -> float:
        return self.from_s + (x - left) / self.px_per_s


@dataclass(frozen=True, slots=True)
class NoteBar:
    rect: Rect
    part: str
    velocity: int


@dataclass(frozen=True, slots=True)
class Line:
    """A beat or bar line; the label is the bar's number, "" for most."""

    x: float
    strength: int
    label: str


@dataclass(frozen=True, slots=True)
class Block:
    """A chord's block. The text is "" where the same chord is only struck again."""

    rect: Rect
    text: str
    source: str = AGENT


@dataclass(frozen=True, slots=True)
class PlanBlock:
    rect: Rect
    text: str
    committed: bool
    came: bool | None


@dataclass(frozen=True, slots=True)
class ExpectedBar:
    rect: Rect
    came: bool | None


@dataclass(frozen=True, slots=True)
class FaultBar:
    """A note of a melody that wasn't played; or one that was, and isn't the melody's."""

    rect: Rect
    is_to_play: bool


@dataclass(frozen=True, slots=True)
class Flag:
    """A moment's mark in the ruler."""

    x: float
    kind: MomentKind
    text: str


@dataclass(frozen=True, slots=True)
class RollScene:
    """What stands still while the music moves on. Everything is clipped by its area."""

    areas: Areas
    lines: tuple[Line, ...]
    blocks: tuple[Block, ...]
    notes: tuple[NoteBar, ...]
    drums: tuple[NoteBar, ...]
    sections: tuple[tuple[float, str], ...]
    """(x, label)"""
    faults: tuple[FaultBar, ...] = ()


@dataclass(frozen=True, slots=True)
class PlanScene:
    """The plan at one moment."""

    blocks: tuple[PlanBlock, ...]
    melody: tuple[ExpectedBar, ...]
    committed_x: float
    end_x: float


def areas_of(size: Size, drums: bool = True, plan: bool = True, text_scale: float = 1.0) -> Areas:
    """The areas of a widget; lanes for drums and plan only where there are any. Larger text gets
    larger lanes, as long as the notes have half of the height.
    """
    width, height = max(size.width, 120.0), max(size.height, 120.0)
    left = min(64.0, max(44.0, height * 0.06))
    ruler = min(44.0, max(30.0, height * 0.04))
    lane = min(46.0, max(22.0, height * 0.075))
    scale = max(1.0, min(text_scale, 0.4 * height / (ruler + lane + lane * plan)))
    left, ruler, lane = (float(round(scale * one)) for one in (left, ruler, lane))
    overview = float(round(min(44.0, max(18.0, height * 0.075))))
    drum = float(round(min(42.0, max(15.0, height * 0.06)))) if drums else 0.0
    planned = lane if plan else 0.0
    across = width - left
    top = ruler + lane + planned
    notes = Rect(left, top, across, max(20.0, height - top - drum - overview - 4))
    return Areas(
        ruler=Rect(left, 0.0, across, ruler),
        chords=Rect(left, ruler, across, lane),
        plan=Rect(left, ruler + lane, across, planned),
        notes=notes,
        drums=Rect(left, notes.bottom, across, drum),
        overview=Rect(0.0, height - overview, width, overview),
        keys=Rect(0.0, top, left, notes.height),
    )


def pitch_row(areas: Areas, content: Content, pitch: int) -> Rect:
    """The row of a pitch, right across the notes."""
    height = areas.notes.height / (content.high_pitch - content.low_pitch + 1)
    y = areas.notes.y + (content.high_pitch - pitch) * height
    return Rect(areas.notes.x, y, areas.notes.width, height)


def roll_scene(content: Content, view: RollView, areas: Areas) -> RollScene:
    """The part of the content that a view shows."""
    left, right = areas.notes.x, areas.notes.right
    first_s = view.seconds(left - _LABEL_PX, left)
    last_s = view.seconds(right, left)
    return RollScene(
        areas=areas,
        lines=tuple(_lines(content.beats, view, areas, first_s, last_s)),
        blocks=tuple(_blocks(content.chords, view, areas.chords, first_s, last_s)),
        notes=tuple(
            NoteBar(
                note_rect(note, view, pitch_row(areas, content, note.pitch)),
                note.part,
                note.velocity,
            )
            for note in _between(content.notes, first_s, last_s)
        ),
        drums=tuple(
            NoteBar(_drum_rect(note, view, areas.drums), note.part, note.velocity)
            for note in _between(content.drums, first_s, last_s)
        ),
        sections=tuple(
            (view.x(section.at_s, left), section.label)
            for section in content.sections
            if first_s <= section.at_s <= last_s
        ),
        faults=tuple(
            FaultBar(
                note_rect(
                    TimedNote("player", f.pitch, 0, f.start_s, f.end_s),
                    view,
                    pitch_row(areas, content, f.pitch),
                ),
                f.is_to_play,
            )
            for f in content.faults
            if f.end_s >= first_s and f.start_s <= last_s
        ),
    )


def _between(notes: Sequence[TimedNote], first_s: float, last_s: float) -> Iterable[TimedNote]:
    end = bisect_left(notes, last_s, key=lambda note: note.start_s)
    return (note for note in notes[:end] if note.end_s >= first_s)


def note_rect(note: TimedNote, view: RollView, row: Rect) -> Rect:
    x = view.x(note.start_s, row.x)
    # A gap before the next note keeps repeated ones apart.
    width = max(_MIN_NOTE_PX, (note.end_s - note.start_s) * view.px_per_s - 1.0)
    gap = 1.0 if row.height > 5 else 0.0
    return Rect(x, row.y + gap / 2, width, row.height - gap)


def _drum_rect(note: TimedNote, view: RollView, lane: Rect) -> Rect:
    row = next((i for i, pitches in enumerate(_DRUM_ROWS) if note.pitch in pitches), 2)
    height = max(2.0, (lane.height - 6) / 3 - 2)
    y = lane.bottom - 3 - (row + 1) * (lane.height - 6) / 3 + 1
    return Rect(view.x(note.start_s, lane.x), y, max(3.0, height * 0.8), height)


def _lines(
    beats: Sequence[Beat], view: RollView, areas: Areas, first_s: float, last_s: float
) -> Iterable[Line]:
    """Beats where there is room for them, and numbers as close as they can be read."""
    bars = [beat for beat in beats if beat.strength == 3]
    bar_px = _usual_gap([beat.at_s for beat in bars]) * view.px_per_s
    beat_px = _usual_gap([beat.at_s for beat in beats]) * view.px_per_s
    each = next((n for n in (1, 2, 4, 8, 16, 32, 64, 128) if n * bar_px >= 38), 256)
    for beat in beats[bisect_left(beats, first_s, key=lambda beat: beat.at_s) :]:
        if beat.at_s > last_s:
            return
        is_bar = beat.strength == 3
        if (is_bar and bar_px < 6 and beat.bar % each) or (not is_bar and beat_px < 9):
            continue
        label = str(beat.bar + 1) if is_bar and beat.bar >= 0 and beat.bar % each == 0 else ""
        yield Line(view.x(beat.at_s, areas.notes.x), beat.strength, label)


def _usual_gap(times_s: Sequence[float]) -> float:
    """Seconds between two of them, as a mean."""
    return (times_s[-1] - times_s[0]) / (len(times_s) - 1) if len(times_s) > 1 else 1.0


def _blocks(
    chords: Sequence[ChordBlock], view: RollView, lane: Rect, first_s: float, last_s: float
) -> Iterable[Block]:
    before: ChordBlock | None = None
    for chord in chords:
        again = before is not None and before.symbol == chord.symbol
        again = again and before is not None and chord.start_s - before.end_s < 1e-6
        if chord.end_s >= first_s and chord.start_s <= last_s:
            rect = lane_rect(chord.start_s, chord.end_s, view, lane)
            yield Block(rect, "" if again else chord.symbol, chord.source)
        before = chord


def lane_rect(start_s: float, end_s: float, view: RollView, lane: Rect) -> Rect:
    x = view.x(start_s, lane.x)
    width = max(1.0, (end_s - start_s) * view.px_per_s - 1.0)
    return Rect(x, lane.y + 2, width, max(1.0, lane.height - 4))


def plan_scene(plan: PlanView, content: Content, view: RollView, areas: Areas) -> PlanScene:
    """A plan where it lay in time: chords in their lane, the expected melody among the notes."""
    left = areas.notes.x
    return PlanScene(
        blocks=tuple(
            PlanBlock(
                lane_rect(chord.start_s, chord.end_s, view, areas.plan),
                chord.symbol,
                chord.committed,
                chord.came,
            )
            for chord in plan.chords
        ),
        melody=tuple(
            ExpectedBar(
                note_rect(
                    TimedNote("player", note.pitch, 0, note.start_s, note.end_s),
                    view,
                    pitch_row(areas, content, note.pitch),
                ),
                note.came,
            )
            for note in plan.melody
            if content.low_pitch <= note.pitch <= content.high_pitch
        ),
        committed_x=view.x(plan.committed_until_s, left),
        end_x=view.x(plan.end_s, left),
    )


def flags(moments: Iterable[Moment], view: RollView, areas: Areas) -> tuple[Flag, ...]:
    """The moments in sight."""
    placed = (Flag(view.x(m.at_s, areas.ruler.x), m.kind, m.text) for m in moments)
    return tuple(f for f in placed if areas.ruler.x - _LABEL_PX <= f.x <= areas.ruler.right)


@dataclass(frozen=True, slots=True)
class Strip:
    """Seconds to x and back in the overview, which shows everything from edge to edge."""

    left: float
    start_s: float
    px_per_s: float

    @classmethod
    def of(cls, content: Content, area: Rect) -> Strip:
        length_s = max(0.1, content.end_s - content.start_s)
        return cls(area.x, content.start_s, area.width / length_s)

    def x(self, at_s: float) -> float:
        return self.left + (at_s - self.start_s) * self.px_per_s

    def seconds(self, x: float) -> float:
        return self.start_s + (x - self.left) / self.px_per_s


def black_rows(content: Content) -> list[int]:
    """Pitches of black keys in sight."""
    return [p for p in range(content.low_pitch, content.high_pitch + 1) if is_black(p)]


# The view moves


def fitted(content: Content, width_px: float) -> float:
    """Pixels a second at which all of it is in sight."""
    return _clamped_zoom(width_px / max(0.5, content.end_s - content.start_s))


def _clamped_zoom(px_per_s: float) -> float:
    return min(MAX_PX_PER_S, max(MIN_PX_PER_S, px_per_s))


def zoomed(
    view: RollView, content: Content, width_px: float, factor: float, at_s: float
) -> RollView:
    """Larger by a factor, the time `at_s` staying where it is."""
    least = min(fitted(content, width_px), USUAL_PX_PER_S)
    px_per_s = max(least, _clamped_zoom(view.px_per_s * factor))
    from_s = at_s - (at_s - view.from_s) * view.px_per_s / px_per_s
    return within(RollView(from_s, px_per_s), content, width_px)


def within(view: RollView, content: Content, width_px: float) -> RollView:
    """The same view, moved so that it shows no more than a little beyond both ends.

    It begins on a whole pixel, so that what was painted before can be used again.
    """
    margin_s = 12 / view.px_per_s
    first = content.start_s - margin_s
    last = max(first, content.end_s + margin_s - width_px / view.px_per_s)
    from_s = min(max(view.from_s, first), last)
    return replace(view, from_s=round(from_s * view.px_per_s) / view.px_per_s)


def following(view: RollView, content: Content, width_px: float, position_s: float) -> RollView:
    """The page is turned when the playhead comes near its edge, or is out of sight."""
    x = (position_s - view.from_s) * view.px_per_s
    if 0 <= x <= width_px * _FOLLOW_FROM:
        return view
    from_s = position_s - width_px * _FOLLOW_TO / view.px_per_s
    return within(replace(view, from_s=from_s), content, width_px)


def snapped(beats: Sequence[Beat], at_s: float) -> float:
    """The time of the nearest beat."""
    if not beats:
        return at_s
    i = bisect_left(beats, at_s, key=lambda beat: beat.at_s)
    near = beats[max(0, i - 1) : i + 1]
    return min((beat.at_s for beat in near), key=lambda beat_s: abs(beat_s - at_s))


def step(beats: Sequence[Beat], at_s: float, by: int, bars: bool = False) -> float:
    """The beat (or bar line) so many steps away; at the ends the first or the last."""
    times = [beat.at_s for beat in beats if not bars or beat.strength == 3]
    if not times:
        return at_s
    slack_s = 0.02 if by > 0 else -0.02
    i = bisect_left(times, at_s + slack_s)
    i = i + by - 1 if by > 0 else i + by
    return times[min(max(i, 0), len(times) - 1)]
