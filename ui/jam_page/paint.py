"""Painting a scene upon the background: notes, lines, chords, lit keys, words."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from PyQt6.QtCore import QPointF, QRectF, Qt
from PyQt6.QtGui import QPainter, QPen, QPolygonF, QRegion
from PyQt6.QtWidgets import QWidget

from ui.common.paint_cache import PaintCache
from ui.common.shapes import fill_bar, fill_outlined_bar, outer, q_rect
from ui.common.theme import Theme, band_colours, source_colours
from ui.jam_page.background import paint_key, paint_key_name
from ui.jam_page.captions import BAND_IN, NEXT_CHORD
from ui.jam_page.chart_paint import paint_chart
from ui.jam_page.layout import Key
from ui.jam_page.scene import EXPECTED, FAINT, ChordShape, LineKind, LitKey, NoteShape, Scene, Side


@dataclass
class ScenePainter:
    """Paints for one widget. letters: what is written on the keys of these pitches. words_end:
    lines that would end below it are left out, since something stands there.
    """

    widget: QWidget
    theme: Theme
    cache: PaintCache = field(default_factory=PaintCache)
    letters: dict[int, str] = field(default_factory=dict)
    text_scale: float = 1.0
    words_end: float = math.inf

    def paint(self, painter: QPainter, scene: Scene, region: QRegion) -> None:
        """Paint what of the scene lies in a region, upon the background."""
        areas = scene.layout
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        if region.intersects(outer(areas.fall)):
            painter.setClipRect(q_rect(areas.fall))
            if scene.chart is not None:
                paint_chart(painter, scene.chart, areas.fall, self.theme, self.cache, self.widget)
            self._paint_lines(painter, scene)
            for note in scene.notes:
                if note.rect.y < areas.fall.bottom:
                    self._paint_note(painter, note)
            self._paint_labels(painter, scene)
            self._paint_headline(painter, scene)
        if region.intersects(outer(areas.past)):
            painter.setClipRect(q_rect(areas.past))
            for note in scene.notes:
                if note.rect.y >= areas.past.y:
                    self._paint_note(painter, note)
            self._paint_voice(painter, scene)
        if region.intersects(outer(areas.lane)):
            painter.setClipRect(q_rect(areas.lane))
            for chord in scene.chords:
                self._paint_chord(painter, chord)
        if region.intersects(outer(areas.now_panel)):
            painter.setClipRect(q_rect(areas.now_panel))
            self._paint_now(painter, scene)
        if region.intersects(outer(areas.piano)):
            painter.setClipRect(q_rect(areas.piano))
            self._paint_lit(painter, scene)

    def _paint_lines(self, painter: QPainter, scene: Scene) -> None:
        t, cache, fall = self.theme, self.cache, scene.layout.fall
        colours = {
            LineKind.BEAT: t.beat_line,
            LineKind.GROUP: t.group_line,
            LineKind.BAR: t.bar_line,
            LineKind.COMMIT: t.agent_bass,
            LineKind.ENTRY: t.agent,
        }
        for line in scene.lines:
            colour = cache.colour(colours[line.kind])
            thick = 2.0 if line.kind in (LineKind.BAR, LineKind.ENTRY) else 1.0
            if line.kind is LineKind.COMMIT:
                painter.setPen(QPen(colour, 1.0, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(fall.x, line.y), QPointF(fall.right, line.y))
            else:
                painter.fillRect(QRectF(fall.x, line.y - thick / 2, fall.width, thick), colour)

    def _paint_labels(self, painter: QPainter, scene: Scene) -> None:
        """What is written at the lines, upon the notes."""
        t, cache, fall = self.theme, self.cache, scene.layout.fall
        label_px = max(13.0 * self.text_scale, fall.height * 0.026)
        for line in scene.lines:
            if not line.label:
                continue
            right = line.kind in (LineKind.COMMIT, LineKind.ENTRY)
            text_colour = t.text_dim if line.kind is LineKind.BAR else t.agent_light
            text = cache.text(self.widget, line.label, label_px, text_colour)
            width = text.width() / text.devicePixelRatio()
            height = text.height() / text.devicePixelRatio()
            x = fall.right - width - 10 if right else fall.x + 8
            painter.drawPixmap(QPointF(x, line.y - height - 2), text)

    def _paint_note(self, painter: QPainter, note: NoteShape) -> None:
        t, cache = self.theme, self.cache
        if note.player:
            name = t.player
        else:
            usual, sounding = band_colours(t, note.part)
            name = sounding if note.sounding else usual
        rect = q_rect(note.rect)
        fill = cache.upon(name, t.fall, note.opacity)
        if note.committed:
            fill_bar(painter, rect, fill)
        else:
            # The outline keeps what is faint legible, and tells it from committed without hue.
            edge = 2 * FAINT if note.part == EXPECTED else 0.75
            fill_outlined_bar(painter, rect, fill, cache.upon(name, t.fall, edge))

    def _paint_voice(self, painter: QPainter, scene: Scene) -> None:
        if not scene.voice:
            return
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
        painter.setPen(QPen(self.cache.colour(self.theme.text), 1.6))
        for line in scene.voice:
            painter.drawPolyline(QPolygonF([QPointF(x, y) for x, y in line]))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_chord(self, painter: QPainter, chord: ChordShape) -> None:
        t, cache = self.theme, self.cache
        rect = q_rect(chord.rect)
        block, line, light = source_colours(t, chord.source)
        if chord.committed:
            share = 1.0 if chord.sounding else 0.8
            fill_bar(painter, rect, cache.upon(block, t.window, share))
        else:
            fill = cache.upon(block, t.window, chord.opacity * 0.5)
            fill_outlined_bar(painter, rect, fill, cache.upon(line, t.window, 0.6))
        if not chord.text or chord.label_bottom - chord.label_top < chord.font_px * 1.15:
            return  # coming in at the top, or on its way out: the panel below still says it
        colour = t.on_block if chord.committed else light
        text = cache.text(self.widget, chord.text, chord.font_px, colour, bold=True)
        height = text.height() / text.devicePixelRatio()
        width = min(text.width() / text.devicePixelRatio(), rect.width() - 8)
        x = rect.x() + (rect.width() - width) / 2
        cache.draw_narrowed(painter, text, QPointF(x, chord.label_bottom - height - 2), width)

    def _paint_now(self, painter: QPainter, scene: Scene) -> None:
        """The chord that sounds, and as large the one that comes, with the beats until then."""
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        t, cache, now = self.theme, self.cache, scene.now
        area = q_rect(scene.layout.now_panel).adjusted(12, 6, -10, -8)
        caption_px = max(11.0 * self.text_scale, area.height() * 0.085)
        chord_px = area.height() * 0.31
        upper = QRectF(area.x(), area.y(), area.width(), area.height() * 0.46)
        if now.chord:
            big = cache.fitted(self.widget, now.chord, chord_px, t.text, area.width(), bold=True)
            cache.draw(painter, big, upper)
        elif now.caption:
            words = cache.fitted(
                self.widget, now.caption, caption_px * 1.6, t.text_dim, area.width()
            )
            cache.draw(painter, words, upper)
        if now.place:
            place = cache.fitted(self.widget, now.place, caption_px, t.song_light, area.width())
            painter.drawPixmap(QPointF(round(area.x()), round(area.y() - 2)), place)
        if not now.count_down:
            return
        row = QRectF(area.x(), upper.bottom(), area.width(), area.height() - upper.height())
        painter.fillRect(QRectF(row.x(), row.y(), row.width(), 1), cache.colour(t.outline))
        badge = min(row.height() * 0.58, area.width() * 0.30)
        foot = QRectF(row.x(), row.y() + caption_px * 1.5, row.width(), 0)
        foot.setBottom(row.bottom())
        ring = QRectF(row.right() - badge, foot.center().y() - badge / 2, badge, badge)
        painter.setPen(cache.pen(t.agent, 0.9))
        painter.setBrush(cache.colour(t.agent_block, 1.0 if now.next_committed else 0.0))
        painter.drawEllipse(ring)
        figure = t.on_block if now.next_committed else t.text
        digits = cache.fitted(
            self.widget, now.count_down, badge * 0.6, figure, badge * 0.8, bold=True
        )
        cache.draw(painter, digits, ring)
        width = row.width() - badge - 8
        colour = t.agent_light if now.next_committed else t.agent
        if now.next_chord:
            small = cache.fitted(self.widget, NEXT_CHORD, caption_px, t.text_dim, area.width())
            painter.drawPixmap(QPointF(round(row.x()), round(row.y() + 4)), small)
        name = cache.fitted(
            self.widget, now.next_chord or BAND_IN, chord_px, colour, width, bold=True
        )
        cache.draw(painter, name, QRectF(foot.x(), foot.y(), width, foot.height()))

    def _paint_headline(self, painter: QPainter, scene: Scene) -> None:
        fall, cache, t = scene.layout.fall, self.cache, self.theme
        middle = fall.y + fall.height * 0.40
        if scene.headline:
            size = fall.height * (0.30 if len(scene.headline) <= 2 else 0.095)
            words = cache.fitted(
                self.widget, scene.headline, size, t.text, fall.width - 40, bold=True
            )
            cache.draw(painter, words, QRectF(fall.x, middle - size, fall.width, size * 1.4))
        size = max(15.0 * self.text_scale, fall.height * 0.042)
        width = fall.width - 40
        n_lines = 0
        for sentence in scene.subline.splitlines():
            lines = cache.wrapped(self.widget, sentence, size, width)
            tops = [middle + size * (1.2 + 1.7 * (n_lines + i)) for i in range(len(lines))]
            if tops[-1] + size * 1.3 > self.words_end:
                break  # half a sentence says nothing
            for line, y in zip(lines, tops, strict=True):
                words = cache.fitted(self.widget, line, size, t.text_dim, width)
                cache.draw(painter, words, QRectF(fall.x, y, fall.width, size * 1.6))
            n_lines += len(lines)

    def _paint_lit(self, painter: QPainter, scene: Scene) -> None:
        t, cache = self.theme, self.cache
        for pitch in scene.due:
            if (key := scene.layout.key(pitch)) is not None:
                foot = QRectF(key.box.x + 1, key.box.bottom - 9, key.box.width - 2, 8)
                painter.fillRect(foot, cache.colour(t.player))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        keys = [(lit, key) for lit in scene.lit if (key := scene.layout.key(lit.pitch)) is not None]
        whites = [(lit, key) for lit, key in keys if not key.black]
        blacks = [(lit, key) for lit, key in keys if key.black]
        for lit, key in whites:
            self._paint_lit_key(painter, lit, key)
        # The black keys are put back over the shoulders of the white ones.
        near = {pitch + step for pitch in (key.pitch for _, key in whites) for step in (-1, 1)}
        for pitch in near:
            black = scene.layout.key(pitch)
            if black is not None and black.black:
                paint_key(painter, black, t, cache, self.widget, self.letters.get(pitch, ""))
        for lit, key in blacks:
            self._paint_lit_key(painter, lit, key)
        for side in scene.outside:
            self._paint_outside(painter, q_rect(scene.layout.piano), side)

    def _paint_outside(self, painter: QPainter, piano: QRectF, side: Side) -> None:
        """An arrow at the end of the piano: a key beyond it is held."""
        size, y = piano.height() * 0.16, piano.center().y()
        sign = 1 if side is Side.BELOW else -1
        edge = (piano.left() if side is Side.BELOW else piano.right()) + sign * 4
        points = [(edge, y), (edge + sign * size, y - size), (edge + sign * size, y + size)]
        painter.setPen(self.cache.pen(self.theme.on_lit))
        painter.setBrush(self.cache.colour(self.theme.player))
        painter.drawPolygon(QPolygonF([QPointF(*point) for point in points]))

    def _paint_lit_key(self, painter: QPainter, lit: LitKey, key: Key) -> None:
        t, cache = self.theme, self.cache
        painter.setPen(Qt.PenStyle.NoPen)
        box = q_rect(key.box).adjusted(0.5, -4, -0.5, -1)
        painter.setBrush(cache.colour(t.player if lit.player else t.agent))
        painter.drawRoundedRect(box, 3, 3)
        if lit.player and lit.agent:  # both: the agent's colour at the foot of the key
            painter.fillRect(box.adjusted(0, box.height() * 0.8, 0, 0), cache.colour(t.agent))
        glow = t.player_light if lit.player else t.agent_light
        painter.fillRect(QRectF(box.x(), key.box.y, box.width(), 4), cache.colour(glow))
        letter = self.letters.get(key.pitch, "")
        paint_key_name(painter, key, t, cache, self.widget, letter, lit=True)
