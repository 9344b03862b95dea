"""The picture of a moment as numbers: a pure function of snapshot, time, view and size. No Qt.

The upper edge of the piano is the present. A frame of the plan lies above it in proportion to
the beats that are left until it sounds; what has sounded runs off below the piano, slower, so
that a few bars can be seen.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from jam.messages.notes import SONG, ChordSpan, ExpectedNote, PlannedNote
from jam.messages.snapshot import Snapshot
from ui.common.geometry import Rect, Size, beat_frames
from ui.common.text import BAND_COMES_IN, pretty_symbol
from ui.jam_page.captions import NowPanel, headline, now_panel
from ui.jam_page.chart import Chart, SongShown, chart_of
from ui.jam_page.layout import Key, Layout, layout

SILENT_PARTS = frozenset(("drums", "metronome"))
"""Parts whose pitches are no piano keys."""
MIN_LIT_S = 0.08
"""A key is lit at least this long, so that the shortest staccato is seen."""
MIN_NOTE_HEIGHT = 3.0
EXPECTED = "expected"
"""In place of a part: what the player is expected to play."""
PRACTISED = "practised"
"""In place of a part: a note of the tune that the player practises."""
TO_PLAY = 0.62
FAINT = 0.2
"""Opacity of what is expected."""
MAY_CHANGE = "may still change"


@dataclass(frozen=True, slots=True)
class View:
    """What the user chose to see. Beats are of the snapshot's metre."""

    low_pitch: int = 21
    high_pitch: int = 108
    extra_beats: float = 0.5
    """How far above the end of the lookahead the fall reaches, unzoomed."""
    past_beats: float = 8.0
    zoom: float = 1.0
    """2 shows half as many beats."""
    show_plan: bool = True
    chord_lane: bool = False
    """Bars with chord names in place of the fall."""


@dataclass(frozen=True, slots=True)
class NoteShape:
    """A note to draw. opacity 0 to 1: committed and confident is solid, the distant past faint."""

    rect: Rect
    pitch: int
    black: bool
    player: bool
    part: str
    committed: bool
    sounding: bool
    opacity: float


class Side(Enum):
    """An end of the piano."""

    BELOW = "below"
    ABOVE = "above"


class LineKind(Enum):
    """What a horizontal line of the fall stands for."""

    BEAT = "beat"
    GROUP = "group"
    BAR = "bar"
    COMMIT = "commit"
    ENTRY = "entry"


@dataclass(frozen=True, slots=True)
class LineShape:
    """A line right across the fall at height y; the label is "" for most."""

    kind: LineKind
    y: float
    label: str = ""


@dataclass(frozen=True, slots=True)
class ChordShape:
    """A chord of the lane: its block, and the room of its name, which may be larger.

    The text is "" for a block that has the chord's other block, which is certain, upon it.
    """

    text: str
    rect: Rect
    label_top: float
    label_bottom: float
    font_px: float
    committed: bool
    sounding: bool
    opacity: float
    source: str = ""
    start_frame: int = 0


@dataclass(frozen=True, slots=True)
class LitKey:
    """A key that sounds now, and by whom; both may hold it."""

    pitch: int
    player: bool
    agent: bool


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that is drawn. `moving` is False when the next moment looks the same."""

    layout: Layout
    position: float
    notes: tuple[NoteShape, ...]
    lines: tuple[LineShape, ...]
    chords: tuple[ChordShape, ...]
    lit: tuple[LitKey, ...]
    now: NowPanel
    headline: str
    subline: str
    moving: bool
    chart: Chart | None = None
    due: frozenset[int] = frozenset()
    """Pitches of the tune that is practised whose time has nearly come."""
    voice: tuple[tuple[tuple[float, float], ...], ...] = ()
    """The tone of the voice as lines of points, where its notes lie."""
    outside: frozenset[Side] = frozenset()
    """Where the player holds keys that the piano doesn't reach."""


def plan_opacity(committed: bool, confidence: float) -> float:
    """Committed is solid; the rest is translucent, the less likely the fainter."""
    return 1.0 if committed else 0.28 + 0.42 * max(0.0, min(1.0, confidence))


class _Scale:
    """Frames to y, for the fall and for the past. Built for one moment."""

    def __init__(self, snapshot: Snapshot, now_s: float, view: View, areas: Layout) -> None:
        tempo_map = snapshot.tempo_map
        self.now = tempo_map.position_at(now_s)
        self.position = self.now if snapshot.running else 0.0
        meter = tempo_map.meter_at(self.position)
        self.frames_per_beat = meter.frames_per_beat
        beats = (snapshot.settings.lookahead_beats + view.extra_beats) / view.zoom
        self.ahead_frames = max(1.0, beats * self.frames_per_beat)
        self.past_frames = max(1.0, view.past_beats * self.frames_per_beat)
        self.fall, self.past = areas.fall, areas.past
        # Plans come once a frame; what is drawn of their ends moves with the music instead of
        # jumping, and never shows more than there is.
        settings = snapshot.settings
        self.plan_end = min(
            float(snapshot.plan_end_frame),
            self.position + settings.lookahead_beats * self.frames_per_beat,
        )
        self.committed_until = min(
            float(snapshot.committed_until_frame),
            max(self.position, snapshot.listen_until_frame)
            + settings.commit_beats * self.frames_per_beat,
        )

    def fall_y(self, frame: float) -> float:
        """Height of a frame to come: the bottom of the fall is the present."""
        ahead = (frame - self.position) / self.ahead_frames
        return self.fall.bottom - ahead * self.fall.height

    def past_y(self, frame: float) -> float:
        """Height of a frame gone by: the top of the past is the present."""
        return self.past.y + (self.now - frame) / self.past_frames * self.past.height

    def stretches(self, start: float, end: float, committed: bool) -> list[tuple[float, bool]]:
        """How what lasts from `start` to `end` is drawn: (until, solid), the lower one first.

        What is committed may reach beyond the commit point: then all of it is drawn
        translucent, and the part that is certain solid upon it.
        """
        end = min(end, self.plan_end)
        if end <= self.position:
            return []
        certain = min(end, self.committed_until) if committed else start
        drawn = [(end, False)] if certain < end else []
        if certain > max(start, self.position):
            drawn.append((certain, True))
        return drawn


def waterfall_scene(
    snapshot: Snapshot,
    now_s: float,
    view: View,
    size: Size,
    known: tuple[ChordSpan, ...] = (),
    song: SongShown | None = None,
) -> Scene:
    """The scene of `snapshot` at `now_s` (of jam.clock) for a widget of `size` pixels.

    known: the chords of the chord lane, as `ui.jam_page.chart.remember` keeps them.
    """
    areas = layout(size, view.low_pitch, view.high_pitch, view.chord_lane)
    scale = _Scale(snapshot, now_s, view, areas)
    notes: list[NoteShape] = []
    lit: dict[int, list[bool]] = {}
    oldest = scale.now - scale.past_frames
    oldest_s = snapshot.tempo_map.seconds_at(oldest)
    for planned in snapshot.planned:
        if planned.end_frame < oldest or planned.part in SILENT_PARTS or not snapshot.running:
            continue
        if planned.start_frame <= scale.position < planned.end_frame:
            lit.setdefault(planned.pitch, [False, False])[1] = True
        notes += _planned(scale, areas, planned, view)
    any_past = False
    for played in snapshot.played:
        end_s = now_s if played.end_s is None else played.end_s
        if end_s < oldest_s or played.start_s > now_s + MIN_LIT_S:
            continue
        if played.end_s is None or now_s < max(end_s, played.start_s + MIN_LIT_S):
            lit.setdefault(played.pitch, [False, False])[0] = True
        start = snapshot.tempo_map.position_at(played.start_s)
        end = min(snapshot.tempo_map.position_at(end_s), scale.now)
        shapes = _past(scale, areas, played.pitch, start, end, "player")
        any_past = any_past or bool(shapes) or played.end_s is None
        notes += shapes
    if snapshot.running and view.show_plan and not view.chord_lane:
        notes += _expected(scale, areas, snapshot.expected, snapshot.practises)
    # The player's notes lie on top, and black keys' columns on the white ones they overlap.
    notes.sort(key=lambda n: (n.player, n.black))
    large, small = headline(snapshot, scale.position)
    fall_shown = not view.chord_lane
    if song is not None and not fall_shown and not snapshot.running:
        large = small = ""  # the song's bars stand there
    return Scene(
        layout=areas,
        position=scale.position,
        notes=tuple(notes),
        lines=_lines(snapshot, scale, view.show_plan) if fall_shown else (),
        chords=_chords(snapshot, scale, areas.lane, song) if fall_shown and view.show_plan else (),
        due=_due(snapshot, scale) if snapshot.running and snapshot.practises else frozenset(),
        outside=frozenset(
            Side.BELOW if pitch < areas.low_pitch else Side.ABOVE
            for pitch, (player, _) in lit.items()
            if player and areas.key(pitch) is None
        ),
        lit=tuple(LitKey(p, who[0], who[1]) for p, who in sorted(lit.items())),
        now=now_panel(snapshot, scale.position, view.show_plan, song),
        headline=large,
        subline=small,
        voice=tuple(_voice(snapshot, scale, areas)),
        moving=snapshot.running or any_past,
        chart=None
        if fall_shown
        else chart_of(snapshot, scale.position, areas.fall, known, view.show_plan, song),
    )


def _column(key: Key) -> tuple[float, float]:
    """Left edge and width of the notes of a key."""
    inset = min(1.5, key.box.width * 0.08)
    return key.box.x + inset, key.box.width - 2 * inset


def _planned(scale: _Scale, areas: Layout, note: PlannedNote, view: View) -> list[NoteShape]:
    """A note of the agent: what is left of it above the piano, what is gone below.

    A note that is committed, but whose end is not, has a translucent shape with the part that
    will sound in any case solid upon it.
    """
    key = areas.key(note.pitch)
    if key is None:
        return []
    shapes: list[NoteShape] = []
    x, width = _column(key)
    start, sounding = note.start_frame, note.start_frame <= scale.position
    shown = view.show_plan and not view.chord_lane
    for until, solid in scale.stretches(start, note.end_frame, note.committed) if shown else ():
        # A gap before the next note of the same pitch keeps repeated chords apart.
        top = max(scale.fall_y(until) + 1.5, scale.fall.y - 8)
        bottom = min(scale.fall_y(start), scale.fall.bottom)
        if bottom > max(top, scale.fall.y):
            rect = Rect(x, top, width, bottom - top)
            opacity = plan_opacity(solid, note.confidence)
            shapes.append(
                NoteShape(rect, note.pitch, key.black, False, note.part, solid, sounding, opacity)
            )
    if sounding:
        shapes += _past(scale, areas, note.pitch, start, note.end_frame, note.part)
    return shapes


def _expected(
    scale: _Scale, areas: Layout, expected: tuple[ExpectedNote, ...], to_play: bool
) -> list[NoteShape]:
    """What the agent expects the player to play: faint, where the player's own notes would fall;
    what is practised, and so is to be played, clearly."""
    shapes = []
    for note in expected:
        key = areas.key(note.pitch)
        if key is None or note.end_frame <= scale.position:
            continue
        end = note.end_frame if to_play else min(note.end_frame, scale.plan_end)
        top = max(scale.fall_y(end) + 1.5, scale.fall.y - 8)
        bottom = min(scale.fall_y(note.start_frame), scale.fall.bottom)
        if bottom - top >= MIN_NOTE_HEIGHT:
            x, width = _column(key)
            rect = Rect(x, top, width, bottom - top)
            part, opacity = (PRACTISED, TO_PLAY) if to_play else (EXPECTED, FAINT)
            shapes.append(NoteShape(rect, note.pitch, key.black, True, part, False, False, opacity))
    return shapes


def _due(snapshot: Snapshot, scale: _Scale) -> frozenset[int]:
    """Keys of the piano that are to be struck within a beat."""
    first, last = scale.position - 0.5, scale.position + scale.frames_per_beat
    return frozenset(n.pitch for n in snapshot.expected if first <= n.start_frame <= last)


def _past(
    scale: _Scale, areas: Layout, pitch: int, start: float, end: float, part: str
) -> list[NoteShape]:
    """What has sounded of a note, below the piano, the fainter the longer ago; at most one."""
    key = areas.key(pitch)
    end = min(end, scale.now)
    if key is None or start >= scale.now or end < start:
        return []
    top = max(scale.past_y(end), scale.past.y)
    bottom = min(max(scale.past_y(start), top + MIN_NOTE_HEIGHT), scale.past.bottom)
    if top >= scale.past.bottom or bottom <= top:
        return []
    faded = 0.9 - 0.65 * min(1.0, (scale.now - end) / scale.past_frames)
    x, width = _column(key)
    rect = Rect(x, top, width, bottom - top)
    return [NoteShape(rect, pitch, key.black, part == "player", part, True, False, faded)]


def _voice(
    snapshot: Snapshot, scale: _Scale, areas: Layout
) -> Iterator[tuple[tuple[float, float], ...]]:
    """The pitch of the voice as it was sung: between two keys where it was between two notes."""
    points: list[tuple[float, float]] = []
    for at_s, pitch in (*snapshot.voice.line, (0.0, math.nan)):
        x = None if math.isnan(pitch) else _between_keys(areas, pitch)
        y = scale.past_y(snapshot.tempo_map.position_at(at_s))
        if x is not None and scale.past.y <= y <= scale.past.bottom:
            points.append((x, y))
        else:
            if len(points) > 1:
                yield tuple(points)
            points = []


def _between_keys(areas: Layout, pitch: float) -> float | None:
    """Where a pitch with its fraction lies; None beyond the piano."""
    low, high = areas.key(math.floor(pitch)), areas.key(math.floor(pitch) + 1)
    if low is None or high is None:
        return None
    left, right = low.box.x + low.box.width / 2, high.box.x + high.box.width / 2
    return left + (pitch - math.floor(pitch)) * (right - left)


_LINE_KINDS = (LineKind.BEAT, LineKind.BEAT, LineKind.GROUP, LineKind.BAR)


def _lines(snapshot: Snapshot, scale: _Scale, show_plan: bool) -> tuple[LineShape, ...]:
    position = scale.position
    last = position + scale.ahead_frames
    lines: list[LineShape] = []
    if not snapshot.running:
        return ()
    for frame, strength, bar in beat_frames(snapshot.tempo_map, position, last):
        label = str(bar + 1) if strength == 3 and bar >= 0 else ""
        lines.append(LineShape(_LINE_KINDS[strength], scale.fall_y(frame), label))
    entry, commit = snapshot.listen_until_frame, scale.committed_until
    if position < entry <= last:
        lines.append(LineShape(LineKind.ENTRY, scale.fall_y(entry), BAND_COMES_IN))
    if show_plan and max(position, entry) < commit < min(last, scale.plan_end):
        lines.append(LineShape(LineKind.COMMIT, scale.fall_y(commit), MAY_CHANGE))
    return tuple(lines)


def name_px(lane: Rect, beat_height: float) -> float:
    """Height of the lane's chord names in pixels: the same for every name, and what a chord of one
    beat has room for.
    """
    return max(12.0, min(lane.width * 0.2, lane.height * 0.09, beat_height * 0.7))


def _chords(
    snapshot: Snapshot, scale: _Scale, lane: Rect, song: SongShown | None
) -> tuple[ChordShape, ...]:
    """Blocks of the lane; a name rides on its chord's onset and stays in sight while it sounds."""
    shapes: list[ChordShape] = []
    if not snapshot.running:
        return ()
    font_px = name_px(lane, lane.height * scale.frames_per_beat / scale.ahead_frames)
    for span in snapshot.chords:
        onset_y = scale.fall_y(span.start_frame)
        stretches = scale.stretches(span.start_frame, span.end_frame, span.committed)
        if onset_y <= lane.y or not span.symbol or not stretches:
            continue
        bottom = min(onset_y, lane.bottom)
        whole_top = max(scale.fall_y(stretches[0][0]), lane.y)
        for i, (until, solid) in enumerate(stretches, 1):
            top = max(scale.fall_y(until), lane.y - 8)
            gap = min(1.5, (bottom - top) / 2)
            shapes.append(
                ChordShape(
                    # The name belongs to the uppermost block: it is written once.
                    pretty_symbol(span.symbol) if i == len(stretches) else "",
                    Rect(lane.x + 8, top + gap, lane.width - 14, bottom - top - gap),
                    whole_top,
                    bottom,
                    font_px,
                    solid,
                    span.start_frame <= scale.position,
                    plan_opacity(solid, span.confidence),
                    span.source,
                    span.start_frame,
                )
            )
    if song is not None:
        shapes += _song_ahead(snapshot, scale, lane, song, font_px)
    return tuple(shapes)


def _song_ahead(
    snapshot: Snapshot, scale: _Scale, lane: Rect, song: SongShown, font_px: float
) -> Iterator[ChordShape]:
    """What the song has beyond the plan, as far as the fall reaches."""
    tempo_map = snapshot.tempo_map
    frame = max(math.ceil(scale.position), max((s.end_frame for s in snapshot.chords), default=0))
    end = math.floor(scale.position + scale.ahead_frames)
    while frame < end:
        place = tempo_map.place(frame)
        symbol = song.symbol(place.bar, place.frame_in_bar)
        first = frame
        while frame < end:
            place = tempo_map.place(frame)
            if song.symbol(place.bar, place.frame_in_bar) != symbol:
                break
            frame += 1
        if symbol is None or symbol.chord is None:
            continue
        top, bottom = max(scale.fall_y(frame), lane.y), min(scale.fall_y(first), lane.bottom)
        rect = Rect(lane.x + 8, top + 1.5, lane.width - 14, max(0.0, bottom - top - 1.5))
        name = pretty_symbol(symbol.written)
        yield ChordShape(name, rect, top, bottom, font_px, False, False, 0.5, SONG, -1)
