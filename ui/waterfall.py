"""The waterfall widget: paints the scene, and only what moved.

Everything that stands still (ground, piano) is one cached picture. A frame repaints the fall,
the lane and the past; keys are repainted when they light up or go out, the panel of the chord
now when its words change.
"""

from __future__ import annotations

from collections import deque

from PyQt6.QtCore import QPointF, QRect, QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QRegion,
    QResizeEvent,
)
from PyQt6.QtWidgets import QSizePolicy, QWidget

from jam.clock import SystemClock
from jam.messages import Snapshot
from ui.ground import paint_ground, paint_key, paint_key_name, q_rect
from ui.ink import Ink
from ui.layout import Key, Layout, Rect, Size, layout
from ui.scene import ChordShape, LineKind, LitKey, NoteShape, Scene, View, waterfall_scene
from ui.theme import DARK, Theme

PAST_EVERY = 3
"""The past is repainted with every third picture."""


def outer(rect: Rect) -> QRect:
    """The whole pixels that a rectangle touches."""
    return q_rect(rect).toAlignedRect()


def fill_bar(painter: QPainter, rect: QRectF) -> None:
    """Fill a rectangle with blunt corners, ten times as fast as a rounded one."""
    cut = 1.5
    if rect.height() < 8:
        painter.drawRect(rect)
        return
    painter.drawRect(rect.adjusted(0, cut, 0, -cut))
    painter.drawRect(QRectF(rect.x() + cut, rect.y(), rect.width() - 2 * cut, cut))
    painter.drawRect(QRectF(rect.x() + cut, rect.bottom() - cut, rect.width() - 2 * cut, cut))


def fill_outlined_bar(painter: QPainter, rect: QRectF, fill: QColor, line: QColor) -> None:
    """The same with an outline of one pixel, the corners left open."""
    painter.setBrush(fill)
    painter.drawRect(rect.adjusted(1, 1, -1, -1))
    painter.setBrush(line)
    x, y, width, height = rect.x(), rect.y(), rect.width(), rect.height()
    for edge in (
        QRectF(x + 1, y, width - 2, 1),
        QRectF(x + 1, y + height - 1, width - 2, 1),
        QRectF(x, y + 1, 1, height - 2),
        QRectF(x + width - 1, y + 1, 1, height - 2),
    ):
        painter.drawRect(edge)


class Waterfall(QWidget):
    """Draws snapshots. Runs on: the window's thread. Reads the clock to time its painting only."""

    key_pressed = pyqtSignal(int)
    """The mouse went down on the key of this pitch."""
    key_released = pyqtSignal(int)

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = View()
        self.theme = theme
        self.scene: Scene | None = None
        self.paint_times_ms: deque[float] = deque(maxlen=4096)
        self._clock = SystemClock()
        self._ink = Ink()
        self._ground: QPixmap | None = None
        self._letters: dict[int, str] = {}
        self._mouse_pitch: int | None = None
        self._past_waits = 0
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(480, 240)
        self.setAccessibleName("Waterfall")
        self.setAccessibleDescription(
            "The agent's plan falls toward the piano; the chord names are on the left."
        )

    def sizeHint(self) -> QSize:
        return QSize(1280, 600)

    @property
    def areas(self) -> Layout:
        size = Size(self.width(), self.height())
        return layout(size, self.view.low_pitch, self.view.high_pitch)

    def set_view(self, view: View) -> None:
        """Show another range of keys or of time."""
        if view != self.view:
            self.view = view
            self._forget()

    def set_letters(self, letters: dict[int, str]) -> None:
        """Write the computer keyboard's letters on the keys of these pitches."""
        if letters != self._letters:
            self._letters = dict(letters)
            self._forget()

    def _forget(self) -> None:
        self._ground = None
        self.scene = None
        self.update()

    def show_moment(self, snapshot: Snapshot, now_s: float) -> None:
        """Take over the scene of this moment and have repainted what differs from the last."""
        size = Size(self.width(), self.height())
        old, new = self.scene, waterfall_scene(snapshot, now_s, self.view, size)
        self.scene = new
        if old is None or old.layout is not new.layout:
            self.update()
            return
        areas = new.layout
        dirty = QRegion()
        if (old.headline, old.subline) != (new.headline, new.subline) or (
            (old.notes, old.lines) != (new.notes, new.lines)
        ):
            dirty += outer(areas.fall)
            self._past_waits += 1
            # The past moves by less than a pixel a picture: it can wait, unless a key is struck.
            if self._past_waits >= PAST_EVERY or old.lit != new.lit or not new.moving:
                self._past_waits = 0
                dirty += outer(areas.past)
        if old.chords != new.chords:
            dirty += outer(areas.lane)
        if old.now != new.now:
            dirty += outer(areas.now_panel)
        if old.lit != new.lit:
            for lit in set(old.lit) ^ set(new.lit):
                if (key := areas.key(lit.pitch)) is not None:
                    dirty += outer(key.box)
        if not dirty.isEmpty():
            self.update(dirty)

    def mean_paint_ms(self) -> float:
        """Of the last two seconds or so; 0 before anything was painted."""
        recent = list(self.paint_times_ms)[-120:]
        return sum(recent) / len(recent) if recent else 0.0

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._forget()

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None or event.button() != Qt.MouseButton.LeftButton:
            return
        point = event.position()
        pitch = self.areas.pitch_at(point.x(), point.y())
        if pitch is not None:
            self._mouse_pitch = pitch
            self.key_pressed.emit(pitch)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is None or self._mouse_pitch is None:
            return
        pitch = self.areas.pitch_at(event.position().x(), event.position().y())
        if pitch is not None and pitch != self._mouse_pitch:
            self.key_released.emit(self._mouse_pitch)
            self._mouse_pitch = pitch
            self.key_pressed.emit(pitch)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        self.release_mouse_key()

    def release_mouse_key(self) -> None:
        """Let go of the key that the mouse holds, if it does."""
        if self._mouse_pitch is not None:
            self.key_released.emit(self._mouse_pitch)
            self._mouse_pitch = None

    # Painting

    def paintEvent(self, event: QPaintEvent | None) -> None:
        if event is None:
            return
        began_s = self._clock.now_s()
        ground = self._ground_pixmap()
        ratio = ground.devicePixelRatio()
        painter = QPainter(self)
        region, areas = event.region(), self.areas
        for area in (areas.lane, areas.fall, areas.now_panel, areas.piano, areas.past):
            rect = region.intersected(outer(area)).boundingRect()
            if not rect.isEmpty():
                source = QRectF(
                    rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio
                )
                painter.drawPixmap(QRectF(rect), ground, source)
        if self.scene is not None:
            self._paint_scene(painter, self.scene, region)
        painter.end()
        self.paint_times_ms.append((self._clock.now_s() - began_s) * 1e3)

    def _paint_scene(self, painter: QPainter, scene: Scene, region: QRegion) -> None:
        areas = scene.layout
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if region.intersects(outer(areas.fall)):
            painter.setClipRect(q_rect(areas.fall))
            self._paint_lines(painter, scene)
            for note in scene.notes:
                if note.rect.y < areas.fall.bottom:
                    self._paint_note(painter, note)
            self._paint_headline(painter, scene)
        if region.intersects(outer(areas.past)):
            painter.setClipRect(q_rect(areas.past))
            for note in scene.notes:
                if note.rect.y >= areas.past.y:
                    self._paint_note(painter, note)
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
        t, ink, fall = self.theme, self._ink, scene.layout.fall
        colours = {
            LineKind.BEAT: t.beat_line, LineKind.GROUP: t.group_line, LineKind.BAR: t.bar_line,
            LineKind.COMMIT: t.agent_bass, LineKind.ENTRY: t.agent,
        }  # fmt: skip
        label_px = max(13.0, fall.height * 0.026)
        for line in scene.lines:
            colour = ink.colour(colours[line.kind])
            thick = 2.0 if line.kind in (LineKind.BAR, LineKind.ENTRY) else 1.0
            if line.kind is LineKind.COMMIT:
                painter.setPen(QPen(colour, 1.0, Qt.PenStyle.DashLine))
                painter.drawLine(QPointF(fall.x, line.y), QPointF(fall.right, line.y))
            else:
                painter.fillRect(QRectF(fall.x, line.y - thick / 2, fall.width, thick), colour)
            if not line.label:
                continue
            right = line.kind in (LineKind.COMMIT, LineKind.ENTRY)
            text_colour = t.text_dim if line.kind is LineKind.BAR else t.agent_light
            text = ink.text(self, line.label, label_px, text_colour)
            width = text.width() / text.devicePixelRatio()
            height = text.height() / text.devicePixelRatio()
            x = fall.right - width - 10 if right else fall.x + 8
            painter.drawPixmap(QPointF(x, line.y - height - 2), text)

    def _paint_note(self, painter: QPainter, note: NoteShape) -> None:
        t, ink = self.theme, self._ink
        if note.player:
            name = t.player
        else:
            name = t.agent_bass if note.part == "bass" else t.agent
            if note.sounding:
                name = t.agent_light
        rect = q_rect(note.rect)
        painter.setPen(Qt.PenStyle.NoPen)
        fill = ink.colour(name, note.opacity)
        if note.committed:
            painter.setBrush(fill)
            fill_bar(painter, rect)
        else:
            # The outline keeps what is faint legible, and tells it from committed without hue.
            fill_outlined_bar(painter, rect, fill, ink.colour(name, 0.75))

    def _paint_chord(self, painter: QPainter, chord: ChordShape) -> None:
        t, ink = self.theme, self._ink
        rect = q_rect(chord.rect)
        painter.setPen(Qt.PenStyle.NoPen)
        if chord.committed:
            painter.setBrush(ink.colour(t.agent_block, 1.0 if chord.sounding else 0.8))
            fill_bar(painter, rect)
        else:
            fill = ink.colour(t.agent_block, chord.opacity * 0.5)
            fill_outlined_bar(painter, rect, fill, ink.colour(t.agent, 0.6))
        if not chord.text or chord.label_bottom - chord.label_top < chord.font_px * 1.15:
            return  # coming in at the top, or on its way out: the panel below still says it
        colour = t.text if chord.committed else t.agent_light
        text = ink.fitted(self, chord.text, chord.font_px, colour, rect.width() - 14, bold=True)
        height = text.height() / text.devicePixelRatio()
        width = text.width() / text.devicePixelRatio()
        x = rect.x() + (rect.width() - width) / 2
        painter.drawPixmap(QPointF(x, chord.label_bottom - height - 3), text)

    def _paint_now(self, painter: QPainter, scene: Scene) -> None:
        t, ink, now = self.theme, self._ink, scene.now
        area = q_rect(scene.layout.now_panel).adjusted(12, 6, -10, -8)
        upper = QRectF(area.x(), area.y(), area.width(), area.height() * 0.52)
        if now.chord:
            big = ink.fitted(self, now.chord, area.height() * 0.36, t.text, area.width(), bold=True)
            ink.draw(painter, big, upper)
        elif now.caption:
            words = ink.fitted(self, now.caption, area.height() * 0.15, t.text_dim, area.width())
            ink.draw(painter, words, upper)
        if not now.count_down:
            return
        row = QRectF(area.x(), area.y() + area.height() * 0.56, area.width(), area.height() * 0.44)
        badge = min(row.height() * 0.78, area.width() * 0.32)
        ring = QRectF(row.right() - badge, row.center().y() - badge / 2, badge, badge)
        painter.setPen(ink.pen(t.agent, 0.9))
        painter.setBrush(ink.colour(t.agent_block, 0.55 if now.next_committed else 0.0))
        painter.drawEllipse(ring)
        ink.draw(painter, ink.text(self, now.count_down, badge * 0.54, t.text, bold=True), ring)
        width = row.width() - badge - 10
        colour = t.agent_light if now.next_committed else t.agent
        size = row.height() * 0.52
        name = ink.fitted(self, now.next_chord or "joins in", size, colour, width, bold=True)
        label = "next" if now.next_chord else "the agent"
        small = ink.fitted(self, label, row.height() * 0.20, t.text_dim, width)
        top = QRectF(row.x(), row.y(), width, row.height() * 0.30)
        ink.draw(painter, small, top)
        foot = QRectF(row.x(), top.bottom(), width, row.height() - top.height())
        ink.draw(painter, name, foot)

    def _paint_headline(self, painter: QPainter, scene: Scene) -> None:
        fall, ink, t = scene.layout.fall, self._ink, self.theme
        middle = fall.y + fall.height * 0.40
        if scene.headline:
            size = fall.height * (0.30 if len(scene.headline) <= 2 else 0.095)
            words = ink.fitted(self, scene.headline, size, t.text, fall.width - 40, bold=True)
            ink.draw(painter, words, QRectF(fall.x, middle - size, fall.width, size * 1.4))
        size = max(15.0, fall.height * 0.042)
        for i, line in enumerate(scene.subline.splitlines()):
            words = ink.fitted(self, line, size, t.text_dim, fall.width - 40)
            y = middle + size * (1.2 + 1.7 * i)
            ink.draw(painter, words, QRectF(fall.x, y, fall.width, size * 1.6))

    def _paint_lit(self, painter: QPainter, scene: Scene) -> None:
        t, ink = self.theme, self._ink
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
                paint_key(painter, black, t, ink, self, self._letters.get(pitch, ""))
        for lit, key in blacks:
            self._paint_lit_key(painter, lit, key)

    def _paint_lit_key(self, painter: QPainter, lit: LitKey, key: Key) -> None:
        t, ink = self.theme, self._ink
        painter.setPen(Qt.PenStyle.NoPen)
        box = q_rect(key.box).adjusted(0.5, -4, -0.5, -1)
        painter.setBrush(ink.colour(t.player if lit.player else t.agent))
        painter.drawRoundedRect(box, 3, 3)
        if lit.player and lit.agent:  # both: the agent's colour at the foot of the key
            painter.fillRect(box.adjusted(0, box.height() * 0.8, 0, 0), ink.colour(t.agent))
        glow = t.player_light if lit.player else t.agent_light
        painter.fillRect(QRectF(box.x(), key.box.y, box.width(), 4), ink.colour(glow))
        paint_key_name(painter, key, t, ink, self, self._letters.get(key.pitch, ""))

    def _ground_pixmap(self) -> QPixmap:
        """Everything that stands still, painted once for a size."""
        if self._ground is not None:
            return self._ground
        ratio = self.devicePixelRatioF()
        ground = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        ground.setDevicePixelRatio(ratio)
        ground.fill(QColor(self.theme.window))
        painter = QPainter(ground)
        paint_ground(painter, self.areas, self.theme, self._ink, self, self._letters)
        painter.end()
        self._ground = ground
        return ground
