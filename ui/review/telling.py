"""What was played, told: sentences, and how early or late it lay, by bar and by beat."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QColor, QPainter, QPaintEvent, QPen, QPolygonF
from PyQt6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from jam.practice.report import NOTHING_PLAYED, Report, late_text, sentences
from jam.practice.timing import Level
from jam.sessions.library import Library
from jam.sessions.practised import before, report_of_session
from ui.common.geometry import Rect, Size
from ui.common.theme import Theme

TITLE = "What was played"
BY_BAR, BY_BEAT = "by bar", "by beat"
EARLY, LATE, LAST_TIME = "early", "late", "the last time"
FAULTS = "notes missed, wrong or added"
_LEAST_MS = 40.0
"""The picture reaches at least so far to either side."""
_MARGIN, _HEAD, _FOOT = 54.0, 18.0, 20.0


@dataclass(frozen=True, slots=True)
class Told:
    """A session's telling, and that of the last time."""

    name: str
    report: Report
    last: Report | None


def told_of(library: Library, session_id: int) -> Told:
    """Runs on: the library's thread. Raises JamError."""
    session = library.session(session_id)
    earlier = before(library, session)
    last = report_of_session(earlier) if earlier is not None else None
    return Told(session.info.name, report_of_session(session), last)


@dataclass(frozen=True, slots=True)
class Point:
    """Where a level lies in the picture; size grows with its notes."""

    x: float
    y: float
    size: float
    label: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A row of levels as numbers: points, and lines at so many milliseconds."""

    area: Rect
    points: tuple[Point, ...]
    lines: tuple[tuple[float, str], ...]
    """(y, label)"""
    faults: tuple[tuple[float, str], ...] = ()
    """(x, how many notes of the melody were missed, wrong or added there)"""


def reach_of(*levels: Sequence[Level]) -> float:
    """How far a picture of all of these levels reaches to either side, in milliseconds."""
    return max([_LEAST_MS, *(abs(level.late_ms) * 1.15 for some in levels for level in some)])


def plot(levels: Sequence[Level], area: Rect, is_bars: bool, reach: float) -> Plot:
    """Levels from left to right: late is up. is_bars: they are counted from 0."""
    middle = area.y + area.height / 2

    def y(ms: float) -> float:
        return middle - ms / reach * area.height / 2

    first = min((level.at for level in levels), default=0.0)
    last = max((level.at for level in levels), default=1.0)
    room = area.width - 24
    most = max((level.count for level in levels), default=1)
    points = []
    for level in levels:
        x = area.x + 12 + (level.at - first) / max(1.0, last - first) * room
        label = f"{level.at + 1:.0f}" if is_bars else f"{level.at:g}"
        points.append(Point(x, y(level.late_ms), 2.5 + 3.5 * level.count / most, label))
    step = 20 if reach <= 100 else 50
    marks = range(-int(reach // step) * step, int(reach // step) * step + 1, step)
    lines = tuple((y(ms), f"{abs(ms)}" if ms else "0 ms") for ms in marks)
    return Plot(area, tuple(points), lines)


def plots(told: Told, size: Size) -> tuple[Plot, ...]:
    """The curve by bar, beside it that by beat, and that by bar of the last time, if there was one;
    none where there is nothing to tell."""
    timing = told.report.timing
    if timing is None:
        return ()
    before = told.last.timing.curve if told.last is not None and told.last.timing else ()
    reach = reach_of(timing.curve, before)
    height = size.height - _HEAD - _FOOT
    wide = (size.width - 2 * _MARGIN) * 0.66
    bars = Rect(_MARGIN, _HEAD, wide, height)
    beats = Rect(_MARGIN * 2 + wide, _HEAD, size.width - wide - 2 * _MARGIN - 10, height)
    curve = plot(timing.curve, bars, True, reach)
    if told.report.tune is not None:
        per_bar = Counter(place.bar for place, _ in told.report.tune.faulty)
        at = [(point.x, per_bar[int(level.at)])
              for point, level in zip(curve.points, timing.curve, strict=True)]  # fmt: skip
        curve = replace(curve, faults=tuple((x, str(n)) for x, n in at if n))
    return (
        curve,
        plot(timing.by_beat, beats, False, reach_of(timing.by_beat)),
        *((plot(before, bars, True, reach),) if before else ()),
    )


class Curve(QWidget):
    """Both plots, those of the last time faint behind the curve by bar."""

    def __init__(self, told: Told, theme: Theme) -> None:
        super().__init__()
        self._told, self._theme = told, theme
        self.setMinimumSize(640, 240)
        timing = told.report.timing
        if timing is not None:
            self.setAccessibleName(f"{TITLE}: {late_text(timing.late_ms)}")

    def paintEvent(self, _: QPaintEvent | None) -> None:
        painter, theme = QPainter(self), self._theme
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        size = Size(float(self.width()), float(self.height()))
        found = plots(self._told, size)
        by_bar = [BY_BAR, *([f"grey: {LAST_TIME}"] if len(found) > 2 else [])]
        if found and found[0].faults:
            by_bar.append(f"×: {FAULTS}")
        titles = "; ".join(by_bar), BY_BEAT
        for which, title in zip(found, titles, strict=False):
            self._paint_frame(painter, which, title)
        for which in found[2:]:
            self._paint_line(painter, which, QColor(theme.text_dim), 1.0)
        for which in found[:2]:
            self._paint_line(painter, which, QColor(theme.player), 2.0)
        painter.end()

    def _paint_frame(self, painter: QPainter, which: Plot, title: str) -> None:
        theme, area = self._theme, which.area
        painter.fillRect(QRectF(area.x, area.y, area.width, area.height), QColor(theme.fall))
        for y, label in which.lines:
            zero = label.startswith("0")
            painter.setPen(QPen(QColor(theme.bar_line if zero else theme.beat_line), 1.0))
            painter.drawLine(QPointF(area.x, y), QPointF(area.right, y))
            painter.setPen(QColor(theme.text_dim))
            box = QRectF(area.x - _MARGIN, y - 8, _MARGIN - 6, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignRight), label)
        painter.setPen(QColor(theme.text_dim))
        painter.drawText(QPointF(area.x, area.y - 5), title)
        painter.drawText(QPointF(area.x + 6, area.y + 14), LATE)
        painter.drawText(QPointF(area.x + 6, area.bottom - 6), EARLY)
        painter.setPen(QColor(theme.text))
        for x, count in which.faults:
            box = QRectF(x - 20, area.bottom - 18, 40, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter), f"{count}×")
        painter.setPen(QColor(theme.text_dim))
        every = max(1, len(which.points) // 12)
        for point in which.points[::every]:
            box = QRectF(point.x - 20, area.bottom + 2, 40, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignHCenter), point.label)

    def _paint_line(self, painter: QPainter, which: Plot, colour: QColor, width: float) -> None:
        painter.setPen(QPen(colour, width))
        painter.drawPolyline(QPolygonF([QPointF(p.x, p.y) for p in which.points]))
        painter.setBrush(colour)
        painter.setPen(Qt.PenStyle.NoPen)
        for point in which.points:
            size = point.size if width > 1 else 2.0
            painter.drawEllipse(QPointF(point.x, point.y), size, size)


class Telling(QDialog):
    """The sentences and the curve of one session."""

    def __init__(self, told: Told, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{TITLE}: {told.name}")
        column = QVBoxLayout(self)
        words = QLabel("\n".join(sentences(told.report, told.last)))
        words.setWordWrap(True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.words = words
        column.addWidget(words)
        if words.text() != NOTHING_PLAYED:
            column.addWidget(Curve(told, theme), 1)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        column.addWidget(buttons)
