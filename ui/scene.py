"""The picture of a moment as numbers: a pure function of snapshot, time, view and size. No Qt.

The upper edge of the piano is the present. A frame of the plan lies above it in proportion to
the beats that are left until it sounds; what has sounded runs off below the piano, slower, so
that a few bars can be seen.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from jam.grid import TempoMap
from jam.messages import ChordSpan, Snapshot
from ui.layout import Layout, Rect, Size, layout

SILENT_PARTS = frozenset(("drums", "metronome"))
"""Parts whose pitches are no piano keys."""
MIN_LIT_S = 0.08
"""A key is lit at least this long, so that the shortest staccato is seen."""
MIN_NOTE_HEIGHT = 3.0
KEYS_HINT = "Orange is you, blue is the agent.  Esc silences everything."


@dataclass(frozen=True, slots=True)
class View:
    """What the user chose to see. Beats are of the snapshot's metre."""

    low_pitch: int = 21
    high_pitch: int = 108
    extra_beats: float = 0.5
    """How far above the end of the lookahead the fall reaches."""
    past_beats: float = 8.0


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
    """A chord of the lane: its block, and where the bottom of its name's text box lies."""

    text: str
    rect: Rect
    label_bottom: float
    font_px: float
    committed: bool
    sounding: bool
    opacity: float


@dataclass(frozen=True, slots=True)
class LitKey:
    """A key that sounds now, and by whom; both may hold it."""

    pitch: int
    player: bool
    agent: bool


@dataclass(frozen=True, slots=True)
class NowPanel:
    """The words at the foot of the lane: the chord now, the next one, and the count-down."""

    chord: str = ""
    next_chord: str = ""
    next_committed: bool = True
    count_down: str = ""
    caption: str = ""


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


def pretty_symbol(symbol: str) -> str:
    """A chord symbol with real accidentals, as musicians write it: "Bbm7b5" to "B♭m7♭5"."""
    head, tail = symbol[:2], symbol[2:]
    if len(head) == 2 and head[1] in "#b":
        head = head[0] + ("♯" if head[1] == "#" else "♭")
    return head + tail.replace("b5", "♭5").replace("#5", "♯5").replace("b9", "♭9")


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
        beats = snapshot.settings.lookahead_beats + view.extra_beats
        self.ahead_frames = max(1.0, beats * self.frames_per_beat)
        self.past_frames = max(1.0, view.past_beats * self.frames_per_beat)
        self.fall, self.past = areas.fall, areas.past

    def fall_y(self, frame: float) -> float:
        """Height of a frame to come: the bottom of the fall is the present."""
        ahead = (frame - self.position) / self.ahead_frames
        return self.fall.bottom - ahead * self.fall.height

    def past_y(self, frame: float) -> float:
        """Height of a frame gone by: the top of the past is the present."""
        return self.past.y + (self.now - frame) / self.past_frames * self.past.height


def waterfall_scene(snapshot: Snapshot, now_s: float, view: View, size: Size) -> Scene:
    """The scene of `snapshot` at `now_s` (of jam.clock) for a widget of `size` pixels."""
    areas = layout(size, view.low_pitch, view.high_pitch)
    scale = _Scale(snapshot, now_s, view, areas)
    notes: list[NoteShape] = []
    lit: dict[int, list[bool]] = {}
    for planned in snapshot.planned:
        if planned.part in SILENT_PARTS or not snapshot.running:
            continue
        sounding = planned.start_frame <= scale.position < planned.end_frame
        if sounding and (planned.committed or planned.confidence > 0):
            lit.setdefault(planned.pitch, [False, False])[1] = True
        opacity = plan_opacity(planned.committed, planned.confidence)
        notes += _note(
            scale, areas, planned.pitch, planned.start_frame, planned.end_frame,
            False, planned.part, planned.committed, opacity,
        )  # fmt: skip
    any_past = False
    for played in snapshot.played:
        if played.start_s > now_s + MIN_LIT_S:
            continue
        end_s = now_s if played.end_s is None else played.end_s
        if played.end_s is None or now_s < max(end_s, played.start_s + MIN_LIT_S):
            lit.setdefault(played.pitch, [False, False])[0] = True
        start = snapshot.tempo_map.position_at(played.start_s)
        end = min(snapshot.tempo_map.position_at(end_s), scale.now)
        shapes = _note(scale, areas, played.pitch, start, end, True, "player", True, 1.0)
        any_past = any_past or bool(shapes) or played.end_s is None
        notes += shapes
    # The player's notes lie on top, and black keys' columns on the white ones they overlap.
    notes.sort(key=lambda n: (n.player, n.black))
    headline, subline = _headline(snapshot, scale)
    return Scene(
        layout=areas,
        position=scale.position,
        notes=tuple(notes),
        lines=_lines(snapshot, scale),
        chords=_chords(snapshot, scale, areas.lane),
        lit=tuple(LitKey(p, who[0], who[1]) for p, who in sorted(lit.items())),
        now=_now_panel(snapshot, scale),
        headline=headline,
        subline=subline,
        moving=snapshot.running or any_past,
    )


def _note(
    scale: _Scale,
    areas: Layout,
    pitch: int,
    start: float,
    end: float,
    player: bool,
    part: str,
    committed: bool,
    opacity: float,
) -> list[NoteShape]:
    """The shapes of one note: what is left of it above the piano, what is gone below."""
    key = areas.key(pitch)
    if key is None or end < start:
        return []
    inset = min(1.5, key.box.width * 0.08)
    x, width = key.box.x + inset, key.box.width - 2 * inset
    shapes = []
    position = scale.position
    if not player and end > position:
        # A gap before the next note of the same pitch keeps repeated chords apart.
        top = max(scale.fall_y(end) + 1.5, scale.fall.y - 8)
        bottom = min(scale.fall_y(start), scale.fall.bottom)
        if bottom > scale.fall.y and bottom > top:
            rect = Rect(x, top, width, bottom - top)
            sounding = start <= position
            shapes.append(
                NoteShape(rect, pitch, key.black, player, part, committed, sounding, opacity)
            )
    now = scale.now
    if start < now and (player or committed):
        top = max(scale.past_y(min(end, now)), scale.past.y)
        bottom = min(max(scale.past_y(start), top + MIN_NOTE_HEIGHT), scale.past.bottom)
        if top < scale.past.bottom and bottom > top:
            age = (now - min(end, now)) / scale.past_frames
            faded = 0.9 - 0.65 * min(1.0, age)
            rect = Rect(x, top, width, bottom - top)
            shapes.append(NoteShape(rect, pitch, key.black, player, part, True, False, faded))
    return shapes


def beat_frames(tempo_map: TempoMap, first: float, last: float) -> list[tuple[int, int, int]]:
    """Beats from position `first` to `last`: (frame, strength as in Meter.strength, bar)."""
    beats = []
    changes = [s.start_frame for s in tempo_map.segments if first < s.start_frame <= last]
    frame = math.ceil(first)
    while frame <= last:
        place = tempo_map.place(frame)
        into_beat = place.frame_in_bar % place.meter.frames_per_beat
        if into_beat == 0:
            beats.append((frame, place.strength, place.bar))
        step = place.meter.frames_per_beat - into_beat
        # A new metre begins a new bar, in mid-beat of the old one if need be.
        frame = min([frame + step, *(c for c in changes if c > frame)])
    return beats


_LINE_KINDS = (LineKind.BEAT, LineKind.BEAT, LineKind.GROUP, LineKind.BAR)


def _lines(snapshot: Snapshot, scale: _Scale) -> tuple[LineShape, ...]:
    position = scale.position
    last = position + scale.ahead_frames
    lines = []
    for frame, strength, bar in beat_frames(snapshot.tempo_map, position, last):
        label = str(bar + 1) if strength == 3 and bar >= 0 else ""
        lines.append(LineShape(_LINE_KINDS[strength], scale.fall_y(frame), label))
    if not snapshot.running:
        return tuple(lines)
    entry, commit = snapshot.listen_until_frame, snapshot.committed_until_frame
    if position < entry <= last:
        lines.append(LineShape(LineKind.ENTRY, scale.fall_y(entry), "the agent comes in"))
    if max(position, entry) < commit <= min(last, snapshot.plan_end_frame):
        lines.append(LineShape(LineKind.COMMIT, scale.fall_y(commit), "may still change"))
    return tuple(lines)


def _chords(snapshot: Snapshot, scale: _Scale, lane: Rect) -> tuple[ChordShape, ...]:
    """Blocks of the lane; a name rides on its chord's onset and stays in sight while it sounds."""
    shapes: list[ChordShape] = []
    if not snapshot.running:
        return ()
    largest = max(18.0, min(lane.width * 0.21, lane.height * 0.095))
    for span in snapshot.chords:
        if span.end_frame <= scale.position or not span.symbol:
            continue
        top, bottom = scale.fall_y(span.end_frame), scale.fall_y(span.start_frame)
        if bottom <= lane.y:
            continue
        bottom = min(bottom, lane.bottom)
        top = max(top, lane.y - 8)
        font_px = max(11.0, min(largest, (scale.fall_y(span.start_frame) - top) * 0.72))
        gap = min(1.5, (bottom - top) / 2)
        rect = Rect(lane.x + 8, top + gap, lane.width - 14, bottom - top - gap)
        shapes.append(
            ChordShape(
                pretty_symbol(span.symbol), rect, bottom, font_px, span.committed,
                span.start_frame <= scale.position, plan_opacity(span.committed, span.confidence),
            )
        )  # fmt: skip
    return tuple(shapes)


def _now_panel(snapshot: Snapshot, scale: _Scale) -> NowPanel:
    if not snapshot.running:
        return NowPanel()
    position = scale.position
    current: ChordSpan | None = None
    following: ChordSpan | None = None
    for span in sorted(snapshot.chords, key=lambda s: s.start_frame):
        if not span.symbol:
            continue
        if span.start_frame <= position < span.end_frame:
            current = span
        elif (
            span.start_frame > position
            and following is None
            # The same chord struck again is no news.
            and not (current is not None and current.symbol == span.symbol)
        ):
            following = span
    caption = ""
    if position < snapshot.listen_until_frame:
        caption = "count-in" if position < 0 else "listening"
    if following is None:
        target = snapshot.listen_until_frame
        count = _count_down(target - position, scale) if position < target else ""
        chord = pretty_symbol(current.symbol) if current else ""
        return NowPanel(chord, "", True, count, caption)
    return NowPanel(
        pretty_symbol(current.symbol) if current else "",
        pretty_symbol(following.symbol),
        following.committed,
        _count_down(following.start_frame - position, scale),
        caption,
    )


def _count_down(frames: float, scale: _Scale) -> str:
    """Whole beats that are left, as one counts them: the beat before the change is 1."""
    return str(max(1, math.ceil(frames / scale.frames_per_beat - 1e-9)))


def _headline(snapshot: Snapshot, scale: _Scale) -> tuple[str, str]:
    """Large words over the fall, only where there is something to wait for."""
    bars = snapshot.settings.listen_bars
    if not snapshot.running:
        listening = f"The agent listens for {bars} bar{'s' if bars != 1 else ''}, then joins in."
        if bars == 0:
            listening = "The agent joins in at once."
        return "Press Space and play", f"{listening}\n{KEYS_HINT}"
    position = scale.position
    if position < 0:
        return _count_down(-position, scale), "count-in"
    if position < snapshot.listen_until_frame:
        if snapshot.chords:  # the plan is in sight, and says it better
            return "", ""
        place = snapshot.tempo_map.place(int(position))
        until = snapshot.tempo_map.place(snapshot.listen_until_frame)
        return "Listening", f"bar {place.bar + 1} of {until.bar}"
    if snapshot.phase == "behind":
        return "", "The agent is behind: the last chord rests until it has caught up."
    return "", ""
