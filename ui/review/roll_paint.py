"""Painting the piano roll: what stands still into tiles, what moves upon them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

from PyQt6.QtCore import QPointF, QRectF, QSize, Qt
from PyQt6.QtGui import QColor, QPainter, QPen, QPixmap, QPolygonF
from PyQt6.QtWidgets import QWidget

from jam.messages.notes import TimedNote
from ui.common.geometry import Rect, Size, is_black
from ui.common.paint_cache import PaintCache
from ui.common.shapes import q_rect
from ui.common.theme import Theme, band_colours, source_colours
from ui.review.content import Content
from ui.review.roll_scene import (
    Areas,
    FaultBar,
    Flag,
    PlanScene,
    RollScene,
    RollView,
    Strip,
    areas_of,
    black_rows,
    pitch_row,
    roll_scene,
)

TILE_PX = 512
_MAX_TILES = 24
_MUTED = 0.22


@dataclass
class RollPainter:
    """Paints for one widget."""

    widget: QWidget
    theme: Theme
    text_scale: float = 1.0
    cache: PaintCache = field(default_factory=PaintCache)
    _tiles: dict[int, QPixmap] = field(default_factory=dict)
    _content: Content | None = None
    _overviewed: tuple[TimedNote, ...] = ()
    _tiles_of: tuple[object, ...] = ()
    _overview: QPixmap | None = None
    _overview_of: tuple[object, ...] = ()

    # What stands still

    def tile(
        self, number: int, content: Content, view: RollView, areas: Areas, muted: Collection[str]
    ) -> QPixmap:
        """The picture of TILE_PX pixels from number * TILE_PX on, from ruler to drums."""
        ratio = self.widget.devicePixelRatioF()
        height = areas.drums.bottom
        self._content = content  # as long as it is kept, no other has its id
        key = (id(content), view.px_per_s, areas, tuple(muted), self.theme, ratio)
        if key != self._tiles_of:
            self._tiles_of = key
            self._tiles.clear()
        found = self._tiles.get(number)
        if found is not None:
            return found
        if len(self._tiles) >= _MAX_TILES:
            del self._tiles[next(iter(self._tiles))]
        picture = QPixmap(QSize(TILE_PX, round(height)) * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(self.theme.fall))
        left = areas.notes.x
        narrow = _narrowed(areas, TILE_PX, self.text_scale)
        from_s = number * TILE_PX / view.px_per_s
        scene = roll_scene(content, replace(view, from_s=from_s), narrow)
        painter = QPainter(picture)
        painter.translate(-left, 0)
        self._paint_background(painter, content, narrow)
        self._paint_scene(painter, scene, frozenset(muted))
        painter.end()
        self._tiles[number] = picture
        return picture

    def _paint_background(self, painter: QPainter, content: Content, areas: Areas) -> None:
        t, cache = self.theme, self.cache
        for pitch in black_rows(content):
            painter.fillRect(q_rect(pitch_row(areas, content, pitch)), cache.colour(t.fall_black))
        for pitch in range(content.low_pitch, content.high_pitch + 1):
            if pitch % 12 == 0:
                row = pitch_row(areas, content, pitch)
                line = QRectF(row.x, row.bottom - 0.5, row.width, 1)
                painter.fillRect(line, cache.colour(t.octave_line))
        painter.fillRect(q_rect(areas.ruler), cache.colour(t.bar))
        for lane in (areas.chords, areas.plan):
            painter.fillRect(q_rect(lane), cache.colour(t.window))
        for area in (areas.chords, areas.plan, areas.notes, areas.drums):
            if area.height:
                painter.fillRect(QRectF(area.x, area.y, area.width, 1), cache.colour(t.octave_line))

    def _paint_scene(self, painter: QPainter, scene: RollScene, muted: frozenset[str]) -> None:
        t, cache, areas = self.theme, self.cache, scene.areas
        lines = (t.beat_line, t.beat_line, t.group_line, t.bar_line)
        for line in scene.lines:
            left, colour = round(line.x), cache.colour(lines[line.strength])
            top = areas.ruler.bottom - (12 if line.strength == 3 else 5)
            bottom = areas.drums.bottom
            painter.fillRect(QRectF(left, top, 1, bottom - top), colour)
            if line.label:
                text = cache.text(self.widget, line.label, _small(areas), t.text_dim)
                painter.drawPixmap(
                    QPointF(left + 4, areas.ruler.bottom - areas.ruler.height / 2), text
                )
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for x, label in scene.sections:
            text = cache.text(self.widget, label, _small(areas), t.agent_light)
            painter.fillRect(QRectF(x, 0, 2, areas.ruler.height), cache.colour(t.agent))
            painter.drawPixmap(QPointF(x + 6, 0), text)
        for block in scene.blocks:
            fill = cache.colour(source_colours(t, block.source)[0])
            self._paint_block(painter, block.rect, fill, None)
            self._write(painter, block.text, block.rect, _on_block(t))
        painter.setPen(Qt.PenStyle.NoPen)
        for note in sorted(scene.notes, key=lambda n: n.part == "player"):
            opacity = _MUTED if note.part in muted else 0.62 + 0.38 * note.velocity / 127
            self._paint_note(painter, note.rect, _colour_of(t, note.part), opacity)
        for fault in scene.faults:
            self._paint_fault(painter, fault)
        painter.setPen(Qt.PenStyle.NoPen)
        for hit in scene.drums:
            strength = _MUTED if "drums" in muted else 0.35 + 0.65 * hit.velocity / 127
            painter.fillRect(q_rect(hit.rect), cache.colour(t.text_dim, strength))

    def _paint_fault(self, painter: QPainter, fault: FaultBar) -> None:
        """A note that was to be played as an outline, one that wasn't with a cross."""
        rect = q_rect(fault.rect)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(self.cache.colour(self.theme.text), 1.4)
        if fault.is_to_play:
            painter.setPen(pen)
            painter.drawRoundedRect(rect.adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
            return
        painter.setPen(pen)
        half = max(3.0, min(6.0, rect.height() / 2))
        x, y = rect.left() + half, rect.center().y()
        painter.drawLine(QPointF(x - half, y - half), QPointF(x + half, y + half))
        painter.drawLine(QPointF(x - half, y + half), QPointF(x + half, y - half))

    def _paint_note(self, painter: QPainter, rect: Rect, colour: str, opacity: float) -> None:
        painter.setBrush(self.cache.colour(colour, opacity))
        radius = min(2.5, rect.height / 3, rect.width / 3)
        painter.drawRoundedRect(q_rect(rect), radius, radius)

    def _paint_block(
        self, painter: QPainter, rect: Rect, fill: QColor, outline: QPen | None
    ) -> None:
        painter.setPen(outline if outline is not None else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        inset = 0.5 if outline is not None else 0.0
        painter.drawRoundedRect(q_rect(rect).adjusted(inset, inset, -inset, -inset), 3, 3)

    def _write(self, painter: QPainter, text: str, rect: Rect, colour: str) -> None:
        """A chord's name in its block, left out where it would be too small to read."""
        if not text or rect.width < 14:
            return
        size = min(17.0 * self.text_scale, rect.height * 0.62)
        words = self.cache.fitted(self.widget, text, size, colour, rect.width - 6, bold=True)
        height = words.height() / words.devicePixelRatio()
        width = words.width() / words.devicePixelRatio()
        if height < 11:
            return
        x = rect.x + min(6.0, (rect.width - width) / 2)
        painter.drawPixmap(QPointF(round(x), round(rect.y + (rect.height - height) / 2)), words)

    # What moves

    def paint_plan(self, painter: QPainter, plan: PlanScene, areas: Areas) -> None:
        """The plan's chords in their lane, the expected melody as outlines among the notes."""
        t, cache = self.theme, self.cache
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(q_rect(areas.plan))
        for block in plan.blocks:
            differs = block.came is False
            edge = t.warning if differs else t.agent
            fill = cache.colour(t.agent_block, 0.85 if block.committed else 0.25)
            pen = QPen(cache.colour(edge), 1.5 if differs else 1.0)
            if not block.committed:
                self._paint_block(painter, block.rect, fill, pen)
            name = f"≠ {block.text}" if differs else block.text
            colour = _on_block(t) if block.committed else t.agent_light
            self._write(painter, name, block.rect, t.warning if differs else colour)
        painter.setClipRect(q_rect(areas.notes))
        for bar in plan.melody:
            fill = cache.colour(t.player, 0.30 if bar.came else 0.0)
            pen = QPen(cache.colour(t.player_light, 0.95 if bar.came else 0.7), 1.2)
            if not bar.came:
                pen.setStyle(Qt.PenStyle.DotLine)
            painter.setPen(pen)
            painter.setBrush(fill)
            painter.drawRoundedRect(q_rect(bar.rect).adjusted(0.5, 0.5, -0.5, -0.5), 2, 2)
        painter.setClipping(False)

    def paint_loop(self, painter: QPainter, first: float, last: float, areas: Areas) -> None:
        """A band from x to x, strong in the ruler."""
        t, cache = self.theme, self.cache
        painter.setClipRect(QRectF(areas.ruler.x, 0, areas.ruler.width, areas.drums.bottom))
        band = QRectF(first, areas.ruler.y, last - first, areas.ruler.height)
        painter.fillRect(band, cache.colour(t.agent, 0.22))
        painter.fillRect(QRectF(first, band.bottom() - 3, last - first, 3), cache.colour(t.agent))
        body = QRectF(first, band.bottom(), last - first, areas.drums.bottom - band.bottom())
        painter.fillRect(body, cache.colour(t.agent, 0.06))
        for x in (first, last - 1):
            painter.fillRect(QRectF(round(x), 0, 1, areas.drums.bottom), cache.colour(t.agent))
        painter.setClipping(False)

    def paint_flags(self, painter: QPainter, flags: Iterable[Flag], areas: Areas) -> None:
        t, cache = self.theme, self.cache
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(q_rect(areas.ruler))
        for flag in flags:
            x = flag.x
            stem = t.text if flag.kind == "marker" else t.text_dim
            painter.fillRect(QRectF(x, 4, 1, areas.ruler.height - 4), cache.colour(stem))
            if flag.kind == "marker":
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(cache.colour(t.text))
                shape = [QPointF(x, 2), QPointF(x + 10, 6), QPointF(x, 10)]
                painter.drawPolygon(QPolygonF(shape))
                if flag.text:
                    text = cache.text(self.widget, flag.text, _small(areas), t.text)
                    painter.drawPixmap(QPointF(x + 12, 0), text)
                continue
            good = flag.kind == "good"
            painter.setPen(QPen(cache.colour(t.text if good else t.warning), 1.2))
            painter.setBrush(cache.colour(t.go if good else t.warning_bar))
            painter.drawEllipse(QPointF(x, 8), 7, 7)
            painter.setPen(QPen(cache.colour("#ffffff" if good else t.warning), 1.8))
            painter.drawLine(QPointF(x - 3.5, 8), QPointF(x + 3.5, 8))
            if good:
                painter.drawLine(QPointF(x, 4.5), QPointF(x, 11.5))
        painter.setClipping(False)

    def paint_selection(
        self, painter: QPainter, first: float, last: float, lanes: Sequence[Rect]
    ) -> None:
        """What would be composed again: a frame around it in each lane."""
        t, cache = self.theme, self.cache
        for lane in lanes:
            area = QRectF(first, lane.y + 1, last - first, lane.height - 2)
            painter.fillRect(area, cache.colour(t.focus, 0.10))
            painter.setPen(QPen(cache.colour(t.focus), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(area)

    def paint_selected(self, painter: QPainter, rect: Rect) -> None:
        """A note or a chord that edits by hand act on."""
        t, cache = self.theme, self.cache
        painter.setPen(QPen(cache.colour(t.focus), 2))
        painter.setBrush(cache.colour(t.focus, 0.35))
        painter.drawRect(q_rect(rect))

    def paint_band(self, painter: QPainter, rect: Rect) -> None:
        """The rubber band."""
        t, cache = self.theme, self.cache
        painter.setPen(QPen(cache.colour(t.focus), 1, Qt.PenStyle.DashLine))
        painter.setBrush(cache.colour(t.focus, 0.08))
        painter.drawRect(q_rect(rect))

    def paint_playhead(self, painter: QPainter, x: float, areas: Areas) -> None:
        t, cache = self.theme, self.cache
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        x = round(x)
        painter.fillRect(QRectF(x - 1, 0, 2, areas.drums.bottom), cache.colour(t.focus))
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(cache.colour(t.focus))
        y = areas.ruler.bottom
        painter.drawPolygon(
            QPolygonF([QPointF(x - 6, y - 9), QPointF(x + 6, y - 9), QPointF(x, y)])
        )

    def paint_keys(
        self, painter: QPainter, content: Content, areas: Areas, lit: dict[int, str]
    ) -> None:
        """The piano on its side; `lit`: pitch -> part that sounds it."""
        t, cache, keys = self.theme, self.cache, areas.keys
        painter.fillRect(QRectF(0, 0, keys.width, areas.drums.bottom), cache.colour(t.bar))
        painter.fillRect(q_rect(keys), cache.colour(t.white_key))
        for pitch in range(content.low_pitch, content.high_pitch + 1):
            row = pitch_row(areas, content, pitch)
            key = QRectF(0, row.y, keys.width - 1, row.height)
            black = is_black(pitch)
            if black:
                key.setWidth(keys.width * 0.62)
                painter.fillRect(key, cache.colour(t.black_key))
            elif pitch % 12 in (0, 5):
                painter.fillRect(
                    QRectF(0, row.bottom - 0.5, keys.width, 1), cache.colour(t.key_edge)
                )
            if pitch in lit:
                painter.fillRect(
                    key.adjusted(0, 0.5, 0, -0.5), cache.colour(_colour_of(t, lit[pitch]))
                )
            if pitch % 12 == 0 and row.height > 3.4:
                name = cache.text(self.widget, f"C{pitch // 12 - 1}", _small(areas) * 0.9, t.letter)
                y = row.y + row.height / 2 - name.height() / name.devicePixelRatio() / 2
                x = keys.width - name.width() / name.devicePixelRatio() - 4
                painter.drawPixmap(QPointF(x, y), name)
        for lane, word in ((areas.chords, "chords"), (areas.plan, "plan"), (areas.drums, "drums")):
            if lane.height >= 14:
                label = cache.text(self.widget, word, _small(areas), t.text_dim)
                cache.draw(painter, label, QRectF(0, lane.y, keys.width, lane.height))

    def overview(self, content: Content, areas: Areas, muted: Collection[str]) -> QPixmap:
        """All of the session in a strip."""
        ratio, area = self.widget.devicePixelRatioF(), areas.overview
        self._overviewed = content.overview
        key = (id(content.overview), area, tuple(muted), self.theme, ratio)
        if self._overview is not None and key == self._overview_of:
            return self._overview
        t, cache = self.theme, self.cache
        picture = QPixmap(QSize(max(1, round(area.width)), max(1, round(area.height))) * ratio)
        picture.setDevicePixelRatio(ratio)
        picture.fill(QColor(t.bar))
        painter = QPainter(picture)
        x_of = Strip.of(content, Rect(0, 0, area.width, area.height)).x
        height = (area.height - 4) / (content.high_pitch - content.low_pitch + 1)
        for note in content.overview:
            x = x_of(note.start_s)
            y = 2 + (content.high_pitch - note.pitch) * height
            width = max(1.0, x_of(note.end_s) - x - 0.5)
            opacity = _MUTED if note.part in muted else 0.9
            colour = cache.colour(_colour_of(t, note.part), opacity)
            painter.fillRect(QRectF(x, y, width, max(1.2, height)), colour)
        painter.end()
        self._overview, self._overview_of = picture, key
        return picture


def _narrowed(areas: Areas, width: float, text_scale: float) -> Areas:
    """The same areas for a picture that is so wide."""
    size = Size(areas.notes.x + width, areas.overview.bottom)
    return areas_of(size, areas.drums.height > 0, areas.plan.height > 0, text_scale)


def _small(areas: Areas) -> float:
    """Pixels of small print."""
    return areas.ruler.height * 0.37


def _colour_of(theme: Theme, part: str) -> str:
    return theme.player if part == "player" else band_colours(theme, part)[0]


def _on_block(theme: Theme) -> str:
    return theme.on_block
