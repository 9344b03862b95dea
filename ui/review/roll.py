"""The piano roll: notes of a take from left to right, to be looked at, sought in and looped."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from jam.sessions.session import Moment
from ui.common.geometry import Rect, Size
from ui.common.shapes import outer
from ui.common.theme import DARK, Theme
from ui.review.content import Content, PlanView
from ui.review.roll_choice import Chosen, Drag, band_of, grab, pitch_at
from ui.review.roll_choice import within as within_band
from ui.review.roll_paint import TILE_PX, RollPainter
from ui.review.roll_scene import (
    ZOOM_STEP,
    Areas,
    PlanScene,
    RollView,
    Strip,
    areas_of,
    fitted,
    flags,
    following,
    lane_rect,
    note_rect,
    pitch_row,
    plan_scene,
    snapped,
    within,
    zoomed,
)

Selected = tuple[tuple[float, float], bool, bool]
"""(from second, to second), whether it is of the chords, whether of the melody."""
_DRAG_PX = 6
"""So far the mouse moves before a click becomes a loop."""
_HEAD_PX = 8
_BEGINNING_S = 4.0
"""So much of a stretch is in sight where it is brought there."""


def _adds(event: QMouseEvent) -> bool:
    """Whether what is clicked is chosen besides what is already."""
    both = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier
    return bool(event.modifiers() & both)


def _pixels(region: QRegion) -> int:
    area = region.boundingRect()
    return area.width() * area.height()


class Roll(QWidget):
    """Draws a `Content`. Times are seconds of the session."""

    sought = pyqtSignal(float)
    """The user clicked there."""
    loop_drawn = pyqtSignal(object)
    """(from, to) was drawn with the mouse."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.content: Content | None = None
        self.view = RollView()
        self.follows = True
        self.position_s = 0.0
        self.plan: PlanView | None = None
        self.loop: tuple[float, float] | None = None
        self.n_painted = 0
        """Pixels that were painted, for tests: a moving playhead must cost little."""
        self._moments: tuple[Moment, ...] = ()
        self._muted: tuple[str, ...] = ()
        self._plan_shown = True
        self._painter = RollPainter(self, DARK)
        self._lit: dict[int, str] = {}
        self._longest_s = 0.0
        self._pressed: QPointF | None = None
        self._drawn: tuple[float, float] | None = None
        self._in_overview = False
        self.edits_notes = False
        """Notes and chords are chosen and dragged with the mouse."""
        self.chosen = Chosen()
        """What is edited by hand."""
        self._selection: Selected | None = None
        self._drag: Drag | None = None
        self._band: Rect | None = None
        self._before_band = Chosen()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(300, 200)
        self.setAccessibleName("Piano roll")
        self.setAccessibleDescription(
            "The notes of the session: yours in orange, the band's in blue. Click to go there,"
            " drag to loop."
        )

    def sizeHint(self) -> QSize:
        return QSize(880, 420)

    @property
    def areas(self) -> Areas:
        drums = self.content is None or "drums" in self.content.parts
        size = Size(self.width(), self.height())
        return areas_of(size, drums, self._plan_shown, self._painter.text_scale)

    @property
    def span_s(self) -> tuple[float, float]:
        """What is in sight, from second to second."""
        notes = self.areas.notes
        return self.view.from_s, self.view.seconds(notes.right, notes.x)

    # What is shown

    def show_content(self, content: Content | None, keeps_view: bool = False) -> None:
        """Another take, or none. keeps_view: it is another take of the same session."""
        self.content = content
        self.plan, self._lit = None, {}
        if content is not None:
            self._longest_s = max((n.end_s - n.start_s for n in content.notes), default=0.0)
            if not keeps_view:
                self.loop, self.position_s = None, content.start_s
                self.view = RollView(content.start_s, self.view.px_per_s)
            self._fit_view()
        self.update()

    def show_moments(self, moments: Iterable[Moment]) -> None:
        self._moments = tuple(moments)
        self.update()

    def show_theme(self, theme: Theme, text_scale: float = 1.0) -> None:
        self._painter = RollPainter(self, theme, text_scale)
        self.update()

    def show_muted(self, parts: Iterable[str]) -> None:
        """Draw these parts faint."""
        if tuple(parts) != self._muted:
            self._muted = tuple(parts)
            self.update()

    def show_plan_lane(self, shown: bool) -> None:
        if shown != self._plan_shown:
            self._plan_shown = shown
            self.update()

    def show_loop(self, loop: tuple[float, float] | None) -> None:
        if loop != self.loop:
            self.loop = loop
            self.update()

    def show_selection(self, selection: Selected | None) -> None:
        """What would be composed again."""
        self._selection = selection
        self.update()

    def bring_into_sight(self, first_s: float, last_s: float) -> None:
        """Turn to a page on which these times are, if they aren't in sight."""
        from_s, to_s = self.span_s
        if self.content is not None and not (
            from_s <= first_s and min(last_s, first_s + 4) <= to_s
        ):
            view = RollView(first_s - 24 / self.view.px_per_s, self.view.px_per_s)
            self.view = within(view, self.content, self.areas.notes.width)
            self.update()

    def choose(self, chosen: Chosen) -> None:
        """Show what edits by hand act on."""
        if chosen != self.chosen:
            self.chosen = chosen
            self.update()

    def show_plan(self, plan: PlanView | None) -> None:
        """The plan as it was at the position."""
        if plan is self.plan:
            return
        region = self._plan_region()
        self.plan = plan
        self.update(region + self._plan_region())

    def show_position(self, position_s: float, playing: bool) -> None:
        """Move the playhead, and turn the page where it is followed."""
        content = self.content
        if content is None or position_s == self.position_s:
            return
        areas = self.areas
        old_x = round(self._x(self.position_s))
        old_over = self._overview_x(self.position_s)
        self.position_s = position_s
        if self.follows and self._pressed is None:
            view = following(self.view, content, areas.notes.width, position_s)
            if view != self.view:
                self.view = view
                self.update()
        x = round(self._x(position_s))
        if x != old_x:
            for edge in (old_x, x):
                self.update(QRect(edge - _HEAD_PX, 0, 2 * _HEAD_PX, round(areas.drums.bottom) + 1))
            over = areas.overview
            for left in (old_over, self._overview_x(position_s)):
                self.update(QRect(int(left) - 2, int(over.y), 5, int(over.height) + 1))
        lit = self._lit_at(position_s) if playing else {}
        if lit != self._lit:
            self._lit = lit
            self.update(outer(areas.keys))

    def _lit_at(self, position_s: float) -> dict[int, str]:
        notes = self.content.notes if self.content is not None else ()
        first = bisect_left(notes, position_s - self._longest_s, key=lambda n: n.start_s)
        lit: dict[int, str] = {}
        for note in notes[first:]:
            if note.start_s > position_s:
                break
            if note.end_s > position_s and note.part not in self._muted:
                lit[note.pitch] = note.part
        return lit

    # Zoom and scroll

    def zoom_by(self, steps: int, at_s: float | None = None) -> None:
        """Larger by steps; the playhead (or `at_s`) stays where it is."""
        if self.content is None:
            return
        width = self.areas.notes.width
        at_s = self.position_s if at_s is None else at_s
        self.view = zoomed(self.view, self.content, width, ZOOM_STEP**steps, at_s)
        self.update()

    def fit_all(self) -> None:
        """All of the session in sight."""
        if self.content is not None:
            width = self.areas.notes.width
            self.view = RollView(self.content.start_s, fitted(self.content, width - 24))
            self._fit_view()
            self.update()

    def scroll_by(self, px: float) -> None:
        """To the right by so many pixels."""
        self.view = RollView(self.view.from_s + px / self.view.px_per_s, self.view.px_per_s)
        self._fit_view()
        self.update()

    def _fit_view(self) -> None:
        if self.content is not None:
            self.view = within(self.view, self.content, self.areas.notes.width)

    # Mouse

    def mousePressEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or a0.button() != Qt.MouseButton.LeftButton or self.content is None:
            return
        if self.edits_notes and self._choose_at(a0.position(), _adds(a0)):
            self.update()
            return
        self._pressed = a0.position()
        self._in_overview = a0.position().y() >= self.areas.overview.y
        if self._in_overview:
            self._seek_in_overview(a0.position().x())

    def mouseMoveEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is not None and self._drag is not None and self.content is not None:
            x, y = a0.position().x(), a0.position().y()
            self._drag = self._drag.to(self.content, self.view, self.areas, x, y)
            self.update()
            return
        if a0 is None or self._pressed is None or self.content is None:
            return
        if self._in_overview:
            self._seek_in_overview(a0.position().x())
            return
        if self._bands(self._pressed):
            by = a0.position() - self._pressed
            if self._band is not None or by.manhattanLength() >= _DRAG_PX:
                self._stretch_band(self._pressed, a0)
            return
        if abs(a0.position().x() - self._pressed.x()) < _DRAG_PX and self._drawn is None:
            return
        free = bool(a0.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        ends = sorted(self._seconds(x) for x in (self._pressed.x(), a0.position().x()))
        if not free:
            ends = [snapped(self.content.beats, at_s) for at_s in ends]
        self._drawn = (ends[0], ends[1])
        self.update()

    def mouseReleaseEvent(self, a0: QMouseEvent | None) -> None:
        if (drag := self._drag) is not None:
            self._drag = None
            self.update()
            if drag.moved:
                self.dragged.emit(drag)
            return
        if self._band is not None:
            self._band = self._pressed = None
            self.update()
            return
        pressed, drawn = self._pressed, self._drawn
        self._pressed = self._drawn = None
        if a0 is None or pressed is None or self._in_overview or self.content is None:
            return
        if drawn is None:
            if not _adds(a0):
                self.choose(Chosen())
            self.sought.emit(self._clamped(self._seconds(pressed.x())))
        elif drawn[1] > drawn[0]:
            self.loop_drawn.emit(drawn)
            areas = self.areas
            if areas.chords.y <= pressed.y() < areas.chords.bottom:
                self.loop_drawn_on.emit("chords")
            elif areas.notes.y <= pressed.y() < areas.notes.bottom:
                self.loop_drawn_on.emit("melody")
            else:
                self.loop_drawn_on.emit("both")
        self.update()

    def mouseDoubleClickEvent(self, a0: QMouseEvent | None) -> None:
        if a0 is None or self.content is None or a0.button() != Qt.MouseButton.LeftButton:
            return
        x, y, areas = a0.position().x(), a0.position().y(), self.areas
        if x < areas.notes.x:
            return
        if areas.chords.y <= y < areas.chords.bottom:
            self._pressed = self._drag = None
            self.chord_wanted.emit(self._clamped(self._seconds(x)))
        elif self.edits_notes and areas.notes.y <= y < areas.notes.bottom:
            self._pressed = self._drag = None
            self.note_drawn.emit(self._seconds(x), pitch_at(areas, self.content, y))

    def _choose_at(self, at: QPointF, adds: bool) -> bool:
        """Choose the note or chord under the mouse, and hold it; False where there is none."""
        if self.content is None:
            return False
        found = grab(self.content, self.view, self.areas, at.x(), at.y())
        if found is None:
            self._before_band = self.chosen if adds else Chosen()
            return False
        there, drag = found
        if adds:
            self.chosen = self.chosen.toggled(there)
            return True
        if not self.chosen.has(there):
            self.chosen = there
        self._drag = drag
        return True

    def _bands(self, pressed: QPointF) -> bool:
        """Whether what is drawn from there is a rubber band."""
        lanes = (self.areas.chords, self.areas.notes)
        return self.edits_notes and any(a.y <= pressed.y() < a.bottom for a in lanes)

    def _stretch_band(self, pressed: QPointF, a0: QMouseEvent) -> None:
        if self.content is None:
            return
        self._band = band_of(pressed.x(), pressed.y(), a0.position().x(), a0.position().y())
        found = within_band(self.content, self.view, self.areas, self._band, self._muted)
        self.chosen = self._before_band.joined(found)
        self.update()

    def wheelEvent(self, a0: QWheelEvent | None) -> None:
        if a0 is None or self.content is None:
            return
        turned = a0.angleDelta()
        if a0.modifiers() & Qt.KeyboardModifier.ControlModifier:
            at_s = self._seconds(a0.position().x())
            self.zoom_by(1 if turned.y() > 0 else -1, at_s)
        else:
            self.stop_following()
            self.scroll_by(-(turned.x() or turned.y()))
        a0.accept()

    chord_wanted = pyqtSignal(float)
    """The user double-clicked the lane of chords there."""
    loop_drawn_on = pyqtSignal(str)
    """A loop was drawn on the lane of the "chords", among the notes of the "melody", or "both"."""
    dragged = pyqtSignal(object)
    """A `Drag` of what is chosen."""
    note_drawn = pyqtSignal(float, int)
    """(time, pitch): a note is wanted there."""
    resized = pyqtSignal()
    follow_ended = pyqtSignal()
    """The user scrolled away."""

    def stop_following(self) -> None:
        if self.follows:
            self.follow_ended.emit()

    def seek_to(self, x: float) -> None:
        """As if one had clicked there."""
        if self.content is not None and x >= self.areas.notes.x:
            self.sought.emit(self._clamped(self._seconds(x)))

    def _seek_in_overview(self, x: float) -> None:
        if self.content is None:
            return
        areas = self.areas
        at_s = self._clamped(Strip.of(self.content, areas.overview).seconds(x))
        middle_s = at_s - areas.notes.width / 2 / self.view.px_per_s
        self.view = RollView(middle_s, self.view.px_per_s)
        self._fit_view()
        self.sought.emit(at_s)
        self.update()

    def _clamped(self, at_s: float) -> float:
        assert self.content is not None
        return min(max(at_s, self.content.start_s), self.content.end_s)

    def _x(self, at_s: float) -> float:
        return self.view.x(at_s, self.areas.notes.x)

    def _seconds(self, x: float) -> float:
        return self.view.seconds(x, self.areas.notes.x)

    def _overview_x(self, at_s: float) -> float:
        if self.content is None:
            return 0.0
        return Strip.of(self.content, self.areas.overview).x(at_s)

    # Painting

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        self._fit_view()
        self.update()
        self.resized.emit()

    def _plan_region(self) -> QRegion:
        """The pixels that the plan touches."""
        if self.plan is None or self.content is None:
            return QRegion()
        areas = self.areas
        first, last = self._x(self.plan.start_s), self._x(self.plan.end_s)
        first = min([first, *(self._x(n.start_s) for n in self.plan.melody)])
        top, bottom = areas.plan.y, areas.notes.bottom
        return QRegion(outer(Rect(first - 2, top, last - first + 6, bottom - top)))

    def _plan_scene(self, areas: Areas) -> PlanScene | None:
        if self.plan is None or self.content is None or not self._plan_shown:
            return None
        return plan_scene(self.plan, self.content, self.view, areas)

    def paintEvent(self, a0: QPaintEvent | None) -> None:
        if a0 is None:
            return
        painter, areas, content = QPainter(self), self.areas, self.content
        if content is None:
            painter.fillRect(self.rect(), QColor(self._painter.theme.fall))
            painter.end()
            return
        region = a0.region()
        self.n_painted += _pixels(region)
        painter.setClipRegion(region)
        self._paint_tiles(painter, region, areas, content)
        body = QRectF(areas.notes.x, 0, areas.notes.width, areas.drums.bottom)
        if region.intersects(body.toAlignedRect()):
            painter.save()
            self._paint_moving(painter, areas)
            painter.restore()
        left = QRectF(0, 0, areas.keys.width, areas.drums.bottom)
        if region.intersects(left.toAlignedRect()):
            painter.setClipRegion(region)
            self._painter.paint_keys(painter, content, areas, self._lit)
        if region.intersects(outer(areas.overview)):
            painter.setClipRegion(region)
            self._paint_overview(painter, areas, content)
        painter.end()

    def _paint_tiles(
        self, painter: QPainter, region: QRegion, areas: Areas, content: Content
    ) -> None:
        offset = round(self.view.from_s * self.view.px_per_s)
        exposed = region.boundingRect()
        left = round(areas.notes.x)
        first = max(exposed.left(), left)
        if exposed.right() < left:
            return
        for number in range(
            (first - left + offset) // TILE_PX, (exposed.right() - left + offset) // TILE_PX + 1
        ):
            tile = self._painter.tile(number, content, self.view, areas, self._muted)
            painter.drawPixmap(QPointF(left + number * TILE_PX - offset, 0), tile)

    def _paint_moving(self, painter: QPainter, areas: Areas) -> None:
        if self._selection is not None:
            (first_s, last_s), chords, melody = self._selection
            lanes = [areas.chords] * chords + [areas.notes] * melody
            self._painter.paint_selection(painter, self._x(first_s), self._x(last_s), lanes)
        loop = self._drawn or self.loop
        if loop is not None:
            self._painter.paint_loop(painter, self._x(loop[0]), self._x(loop[1]), areas)
        plan = self._plan_scene(areas)
        if plan is not None:
            self._painter.paint_plan(painter, plan, areas)
        self._painter.paint_flags(painter, flags(self._moments, self.view, areas), areas)
        painter.setClipRect(QRectF(areas.notes.x - 1, 0, areas.notes.width, areas.drums.bottom))
        self._paint_held(painter, areas)
        self._painter.paint_playhead(painter, self._x(self.position_s), areas)

    def _paint_held(self, painter: QPainter, areas: Areas) -> None:
        """What is chosen, where it is dragged to; and the rubber band."""
        content, drag = self.content, self._drag or Drag(0.0, 0.0)
        if content is None:
            return
        from_s, to_s = self.span_s
        for note in map(drag.on, self.chosen.notes):
            if note.start_s <= to_s and note.end_s >= from_s:
                rect = note_rect(note, self.view, pitch_row(areas, content, note.pitch))
                self._painter.paint_selected(painter, rect)
        by_s = 0.0 if drag.ends else drag.by_s
        for chord in self.chosen.chords:
            end_s = max(chord.end_s, chord.start_s + by_s + 0.05)
            rect = lane_rect(chord.start_s + by_s, end_s, self.view, areas.chords)
            self._painter.paint_selected(painter, rect)
        if self._band is not None:
            self._painter.paint_band(painter, self._band)

    def _paint_overview(self, painter: QPainter, areas: Areas, content: Content) -> None:
        theme, cache, area = self._painter.theme, self._painter.cache, areas.overview
        painter.fillRect(QRectF(0, areas.drums.bottom, self.width(), 4), cache.colour(theme.window))
        strip = self._painter.overview(content, areas, self._muted)
        painter.drawPixmap(QPointF(area.x, area.y), strip)
        x_of = Strip.of(content, area).x
        first = max(area.x, x_of(self.view.from_s))
        last_s = self.view.seconds(areas.notes.right, areas.notes.x)
        last = min(area.right, x_of(last_s))
        shade = cache.colour(theme.window, 0.55)
        painter.fillRect(QRectF(area.x, area.y, first - area.x, area.height), shade)
        painter.fillRect(QRectF(last, area.y, area.right - last, area.height), shade)
        painter.setPen(cache.pen(theme.outline))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawRect(QRectF(first, area.y, last - first - 1, area.height - 1))
        if self.loop is not None:
            start, end = (x_of(at_s) for at_s in self.loop)
            painter.fillRect(QRectF(start, area.y, end - start, 3), cache.colour(theme.agent))
        for moment in self._moments:
            colour = theme.warning if moment.kind == "bad" else theme.text
            painter.fillRect(QRectF(x_of(moment.at_s), area.y, 1.5, 6), cache.colour(colour))
        x = round(x_of(self.position_s))
        painter.fillRect(QRectF(x - 1, area.y, 2, area.height), cache.colour(theme.focus))
