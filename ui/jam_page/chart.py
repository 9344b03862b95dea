"""The chord lane as numbers: bars as on a lead sheet, four a line, chords where they sound. No Qt.

After the first line, the one that is being played is always the second, so the eye knows where to
look; the one above it is what was played, those below are what comes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jam.messages.notes import ChordSpan
from jam.messages.snapshot import Snapshot
from ui.common.geometry import Rect
from ui.common.text import pretty_symbol

BARS_A_LINE = 4
_MARGIN, _GAP = 12.0, 8.0
_MIN_LINE, _MAX_LINE = 92.0, 230.0
_MAX_LINES = 6


@dataclass(frozen=True, slots=True)
class BarCell:
    """A bar: its box, its number from 1 (with a word on it), its beats' x positions."""

    rect: Rect
    number: str
    current: bool
    gone: bool
    beats: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class ChartChord:
    """A chord's stretch within one bar; `again` where it goes on from the bar before. opacity is
    that of an uncommitted chord's filling.
    """

    text: str
    rect: Rect
    committed: bool
    sounding: bool
    gone: bool
    coming: bool
    again: bool
    opacity: float


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it. `cursor` is where the music is, None before the first bar and when stopped."""

    bars: tuple[BarCell, ...]
    chords: tuple[ChartChord, ...]
    cursor: Rect | None
    first_bar: int


def remember(known: tuple[ChordSpan, ...], snapshot: Snapshot) -> tuple[ChordSpan, ...]:
    """The chords of the past that the snapshot has let go, with those that it has."""
    if not snapshot.running:
        return ()
    if not snapshot.chords:
        return known if snapshot.committed_until_frame else ()
    first = snapshot.chords[0]
    edge = first.start_frame
    oldest = edge - _MAX_LINES * BARS_A_LINE * snapshot.tempo_map.meter_at(edge).frames_per_bar
    kept: list[ChordSpan] = []
    for span in known:
        if span.start_frame >= edge or span.end_frame <= oldest:
            continue
        if span.end_frame > edge and span.symbol == first.symbol:
            # The snapshot begins in the middle of this chord.
            first = replace(first, start_frame=span.start_frame)
        elif span.committed:
            kept.append(replace(span, end_frame=min(span.end_frame, edge)))
    return (*kept, first, *snapshot.chords[1:])


def line_count(height: float) -> int:
    """How many lines of bars find room; at least the one before, the one played, the next."""
    return int(max(3, min(_MAX_LINES, height // 165)))


def chart_of(
    snapshot: Snapshot,
    position: float,
    area: Rect,
    known: Iterable[ChordSpan] = (),
    show_plan: bool = True,
) -> Chart:
    """The chart at a position in frames, in an area of pixels; known: see `remember`."""
    tempo_map = snapshot.tempo_map
    bar_now = tempo_map.place(int(position // 1)).bar
    lines = line_count(area.height)
    first = max(0, (bar_now // BARS_A_LINE - 1) * BARS_A_LINE)
    bars = range(first, first + lines * BARS_A_LINE)
    boxes = {bar: _box(area, lines, index) for index, bar in enumerate(bars)}
    edges = {bar: (tempo_map.bar_start(bar), tempo_map.bar_start(bar + 1)) for bar in bars}
    shown = [
        bar for bar in bars if bar >= 0 and snapshot.running
    ]  # else words stand in their place
    cells = tuple(_cell(snapshot, bar, boxes[bar], edges[bar], bar_now) for bar in shown)
    coming = _coming(known, position) if show_plan else None
    chords: list[ChartChord] = []
    if snapshot.running:
        for span in known:
            if span.symbol and (show_plan or span.start_frame <= position):
                chords += _stretches(span, position, boxes, edges, span is coming)
    cursor = None
    if snapshot.running and bar_now in boxes and position >= 0:
        box = boxes[bar_now]
        x = _x(box, edges[bar_now], position)
        cursor = Rect(x - 1.5, box.y, 3.0, box.height)
    return Chart(cells, tuple(chords), cursor, first)


def _box(area: Rect, lines: int, index: int) -> Rect:
    """Box of a bar, by its number from the first one shown."""
    line, column = divmod(index, BARS_A_LINE)
    width = (area.width - 2 * _MARGIN) / BARS_A_LINE
    step = (area.height - _MARGIN) / lines
    height = min(_MAX_LINE, step - _GAP)
    return Rect(
        area.x + _MARGIN + column * width,
        area.y + _MARGIN + line * step + (step - _GAP - height) / 2,
        width,
        height,
    )


def _x(box: Rect, edges: tuple[int, int], frame: float) -> float:
    start, end = edges
    return box.x + (frame - start) / max(1, end - start) * box.width


def _cell(snapshot: Snapshot, bar: int, box: Rect, edges: tuple[int, int], bar_now: int) -> BarCell:
    per_beat = snapshot.tempo_map.meter_at(edges[0]).frames_per_beat
    beats = tuple(_x(box, edges, frame) for frame in range(*edges, per_beat))
    running = snapshot.running
    listening = running and edges[0] < snapshot.listen_until_frame
    number = f"{bar + 1}  listening" if listening else str(bar + 1)
    return BarCell(box, number, running and bar == bar_now, running and bar < bar_now, beats)


def _coming(known: Iterable[ChordSpan], position: float) -> ChordSpan | None:
    """The next change: the first chord to come that isn't the one that sounds, struck again."""
    spans = [span for span in known if span.symbol]
    now = next((s for s in spans if s.start_frame <= position < s.end_frame), None)
    for span in sorted(spans, key=lambda s: s.start_frame):
        if span.start_frame > position and (now is None or span.symbol != now.symbol):
            return span
    return None


def _stretches(
    span: ChordSpan,
    position: float,
    boxes: dict[int, Rect],
    edges: dict[int, tuple[int, int]],
    coming: bool,
) -> list[ChartChord]:
    """A chord, bar by bar."""
    found = []
    for bar, (start, end) in edges.items():
        first, last = max(span.start_frame, start), min(span.end_frame, end)
        if first >= last:
            continue
        box = boxes[bar]
        left, right = _x(box, edges[bar], first), _x(box, edges[bar], last)
        again = first > span.start_frame
        found.append(
            ChartChord(
                pretty_symbol(span.symbol),
                Rect(left + 1.5, box.y + 1, right - left - 3, box.height - 2),
                span.committed,
                first <= position < last,
                last <= position,
                coming and not again,
                again,
                0.25 + 0.5 * max(0.0, min(1.0, span.confidence)),
            )
        )
    return found
