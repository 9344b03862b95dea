"""The chord lane as numbers: bars as on a lead sheet, four a line, chords where they sound. No Qt.

After the first line, the one that is being played is always the second, so the eye knows where to
look; the one above it is what was played, those below are what comes. A song's bars are all there:
where nothing is planned yet, they have what the song has.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from jam.messages.notes import SONG, ChordSpan
from jam.messages.snapshot import Snapshot
from jam.music.chord_notation import Symbol
from jam.music.grid import TempoMap
from jam.music.song import Song, SongPlace, in_its_key, meter_at, place_of, symbol_at
from ui.common.geometry import Rect
from ui.common.text import pretty_symbol

BARS_A_LINE = 4
_MARGIN, _GAP = 12.0, 8.0
_MIN_LINE, _MAX_LINE = 92.0, 230.0
_MAX_LINES = 6
FREE_BAR = "free"


@dataclass(frozen=True, slots=True)
class SongShown:
    """A song as the chart shows it: its first bar is bar `first_bar` of the session.

    selected: written bars. view_bar: the chart begins with the line of this bar of the session;
    None: it goes with the music.
    """

    song: Song
    first_bar: int = 0
    selected: range = range(0)
    view_bar: int | None = None
    step: int = 0
    """Every chorus is so many semitones higher than the one before."""

    def place(self, bar: int) -> SongPlace | None:
        """Where in the song a bar of the session is; None before it begins."""
        played = bar - self.first_bar
        return None if played < 0 else place_of(self.song, played)

    def symbol(self, bar: int, frame_in_bar: int) -> Symbol | None:
        """What the song has there."""
        played = bar - self.first_bar
        symbol = symbol_at(self.song, played, frame_in_bar)
        if symbol is None or not self.step:
            return symbol
        return in_its_key(self.song, symbol, self.step * place_of(self.song, played).chorus)


@dataclass(frozen=True, slots=True)
class BarCell:
    """A bar: its box, its number from 1 (with a word on it), its beats' x positions.

    bar: its number in the session, from 0. song_bar: the written bar of the song, its length where
    another one can be written; None where no song is. section: what begins here.
    """

    rect: Rect
    number: str
    current: bool
    gone: bool
    beats: tuple[float, ...]
    bar: int = 0
    song_bar: int | None = None
    section: str = ""
    selected: bool = False
    hint: str = ""


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
    source: str = ""
    start_frame: int = 0
    """Of the whole chord; -1 for what only the song has so far."""


@dataclass(frozen=True, slots=True)
class Chart:
    """All of it. `cursor` is where the music is, None before the first bar and when stopped."""

    bars: tuple[BarCell, ...]
    chords: tuple[ChartChord, ...]
    cursor: Rect | None
    first_bar: int
    lines: int = 0

    def cell_at(self, x: float, y: float) -> BarCell | None:
        """The bar under a point."""
        return next((cell for cell in self.bars if cell.rect.contains(x, y)), None)

    def chord_at(self, x: float, y: float) -> ChartChord | None:
        """The chord under a point."""
        return next((chord for chord in self.chords if chord.rect.contains(x, y)), None)


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
    song: SongShown | None = None,
) -> Chart:
    """The chart at a position in frames, in an area of pixels; known: see `remember`."""
    tempo_map, running = snapshot.tempo_map, snapshot.running
    known = tuple(known) if running else ()
    bar_now = tempo_map.place(int(position // 1)).bar
    lines = line_count(area.height)
    first = first_bar_shown(bar_now, lines, song, running)
    bars = range(first, first + lines * BARS_A_LINE)
    boxes = {bar: _box(area, lines, index) for index, bar in enumerate(bars)}
    edges = {bar: (tempo_map.bar_start(bar), tempo_map.bar_start(bar + 1)) for bar in bars}
    # Before a jam one chorus of the song, and room for another bar; without one words.
    ends = 1 << 30 if running else 0 if song is None else len(song.song.chorus.bars) + 1
    shown = [bar for bar in bars if 0 <= bar < ends]
    cells = tuple(_cell(snapshot, bar, boxes[bar], edges[bar], bar_now, song) for bar in shown)
    if song is not None and known:
        known = (*known[:-1], _to_its_end(song, known[-1], tempo_map))
    coming = _coming(known, position) if show_plan else None
    chords: list[ChartChord] = []
    for span in known:
        if span.symbol and (show_plan or span.start_frame <= position):
            chords += _stretches(span, position, boxes, edges, span is coming)
    if song is not None:
        planned = max((span.end_frame for span in known), default=0) if running else 0
        planned = max(planned, snapshot.committed_until_frame if running else 0)
        for bar in shown if running else shown[: len(song.song.chorus.bars) - first]:
            chords += _written(song, bar, boxes[bar], edges[bar][0], planned)
    cursor = None
    if snapshot.running and bar_now in boxes and position >= 0:
        box = boxes[bar_now]
        x = _x(box, edges[bar_now], position)
        cursor = Rect(x - 1.5, box.y, 3.0, box.height)
    return Chart(cells, tuple(chords), cursor, first, lines)


def _to_its_end(song: SongShown, span: ChordSpan, tempo_map: TempoMap) -> ChordSpan:
    """The last chord that is planned: what a song has is known to the end of its bar."""
    place = tempo_map.place(span.end_frame - 1)
    where = song.place(place.bar)
    if span.source != SONG or where is None or not span.symbol:
        return span
    start = span.end_frame - 1 - place.frame_in_bar
    chords = song.song.bars[where.bar].chords or ()
    size = place.meter.frames_per_bar
    end = min([c.frame for c in chords if c.frame > place.frame_in_bar], default=size)
    return replace(span, end_frame=start + end)


def first_bar_shown(bar_now: int, lines: int, song: SongShown | None, running: bool) -> int:
    """The bar with which the chart begins: lines of a song begin with its first bar."""
    offset = song.first_bar % BARS_A_LINE if song is not None else 0
    lowest = offset - BARS_A_LINE if offset else 0
    view_bar = song.view_bar if song is not None else None
    if view_bar is not None:
        highest = 1 << 30
        if not running and song is not None:
            n_lines = len(song.song.chorus.bars) // BARS_A_LINE + 1
            highest = max(0, n_lines - lines) * BARS_A_LINE
        return max(lowest, min(highest, (view_bar - offset) // BARS_A_LINE * BARS_A_LINE + offset))
    return max(lowest, ((bar_now - offset) // BARS_A_LINE - 1) * BARS_A_LINE + offset)


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


def _cell(
    snapshot: Snapshot,
    bar: int,
    box: Rect,
    edges: tuple[int, int],
    bar_now: int,
    song: SongShown | None,
) -> BarCell:
    per_beat = snapshot.tempo_map.meter_at(edges[0]).frames_per_beat
    beats = tuple(_x(box, edges, frame) for frame in range(*edges, per_beat))
    running = snapshot.running
    listening = running and edges[0] < snapshot.listen_until_frame
    number = f"{bar + 1}  listening" if listening else str(bar + 1)
    cell = BarCell(box, number, running and bar == bar_now, running and bar < bar_now, beats, bar)
    place = song.place(bar) if song is not None else None
    if song is None or place is None:
        return cell
    if not running and place.chorus:  # behind the last bar
        n = len(song.song.bars)
        return replace(cell, number="", song_bar=n, beats=(), hint="+", selected=n in song.selected)
    written, meter = song.song.bars[place.bar], meter_at(song.song, bar - song.first_bar)
    number = str(place.bar_in_chorus + 1)
    if listening:
        number += "  listening"
    elif running and not place.bar_in_chorus:
        number += f"  ·  chorus {place.chorus + 1}"
    n_beats = meter.beats_per_bar
    return replace(
        cell,
        number=number,
        beats=tuple(box.x + i / n_beats * box.width for i in range(n_beats)),
        song_bar=place.bar,
        section=written.section,
        selected=place.bar in song.selected,
        hint=FREE_BAR if written.chords is None else "",
    )


def _written(
    song: SongShown, bar: int, box: Rect, start: int, planned_until: int
) -> list[ChartChord]:
    """What the song has in a bar, as far as nothing is planned there yet."""
    place = song.place(bar)
    if place is None:
        return []
    size = meter_at(song.song, bar - song.first_bar).frames_per_bar
    first = max(0, planned_until - start)
    if first >= size:
        return []
    chords = song.song.bars[place.bar].chords or ()
    starts = sorted({first, *(c.frame for c in chords if c.frame > first)})
    found = []
    for frame, end in zip(starts, [*starts[1:], size], strict=True):
        symbol = song.symbol(bar, frame)
        if symbol is None:
            continue
        again = not any(chord.frame == frame for chord in chords)
        left, right = (box.x + f / size * box.width for f in (frame, end))
        room = Rect(left + 1.5, box.y + 1, right - left - 3, box.height - 2)
        text = pretty_symbol(symbol.written)
        found.append(
            ChartChord(text, room, False, False, False, False, again, 0.6, SONG, start_frame=-1)
        )
    return found


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
                span.source,
                span.start_frame,
            )
        )
    return found
