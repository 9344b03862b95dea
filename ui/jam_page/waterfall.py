"""The waterfall widget: paints the scene, and only what moved.

Everything that stands still (background, piano) is one cached picture. A frame repaints the fall
(or the chord lane), the names and the past; keys are repainted when they light up or go out, the
panel of the chord now when its words change.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import replace

from PyQt6.QtCore import QRectF, QSize, Qt, pyqtSignal
from PyQt6.QtGui import (
    QColor,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PyQt6.QtWidgets import QPushButton, QSizePolicy, QWidget

from jam import preferences
from jam.clock import SystemClock
from jam.messages.notes import ChordSpan
from jam.messages.snapshot import Snapshot
from ui.common.geometry import AUTO_KEYS, KEY_RANGES, Size
from ui.common.shapes import outer
from ui.common.theme import DARK, Theme
from ui.jam_page.background import paint_background
from ui.jam_page.captions import NowPanel
from ui.jam_page.chart import Chart, ChartChord, SongShown, remember
from ui.jam_page.demo import WATCH_DEMO
from ui.jam_page.layout import Layout, fitting_range, layout
from ui.jam_page.paint import ScenePainter
from ui.jam_page.scene import ChordShape, Scene, View, waterfall_scene

_ABOUT = "The plan falls toward the piano; chord names are on the left."
PAST_EVERY = 3
"""The past is repainted with every third picture."""


def _moved(old: Chart, new: Chart, areas: Layout) -> QRegion:
    """What of the chord lane differs: mostly the cursor alone."""
    if (old.bars, old.chords) != (new.bars, new.chords):
        return QRegion(outer(areas.fall))
    moved = QRegion()
    if old.cursor != new.cursor:
        for cursor in (old.cursor, new.cursor):
            if cursor is not None:
                moved += outer(cursor)
    return moved


class Waterfall(QWidget):
    """Draws snapshots. Runs on: the window's thread. Reads the clock to time its painting only."""

    key_pressed = pyqtSignal(int)
    """The mouse went down on the key of this pitch."""
    key_released = pyqtSignal(int)
    demo_wanted = pyqtSignal()
    bar_pressed = pyqtSignal(object, object)
    """The mouse went down on a bar of the song: (BarCell, its event)."""
    bar_dragged = pyqtSignal(object)
    """It moved, held down, to this bar, or to none."""
    bar_released = pyqtSignal(object)
    bar_menu = pyqtSignal(object, object, object)
    """A menu is wanted at a BarCell, or none, for a chord, or none: (cell, chord, where)."""
    scrolled = pyqtSignal(int)
    """Lines of the chord lane; positive is ahead."""
    zoomed = pyqtSignal(int)
    """Steps of the wheel, with Ctrl; positive is nearer."""

    def __init__(self, theme: Theme = DARK, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.view = View()
        self.scene: Scene | None = None
        self.paint_times_ms: deque[float] = deque(maxlen=8192)
        self.painted_at_s: deque[float] = deque(maxlen=8192)
        self._painter = ScenePainter(self, theme)
        self._clock = SystemClock()
        self._background: QPixmap | None = None
        self._mouse_pitch: int | None = None
        self._past_waits = 0
        self._wheel = 0
        self._auto_keys = False
        self._snapshot: Snapshot | None = None
        self._known: tuple[ChordSpan, ...] = ()
        self.song: SongShown | None = None
        """The song, for the chord lane."""
        self.outdated = False
        """The next moment has to be shown, also where nothing moves."""
        self._is_on_bars = False
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(480, 240)
        self.demo_button = QPushButton(WATCH_DEMO, self)
        self.demo_button.setObjectName("demo")
        self.demo_button.setAccessibleName(WATCH_DEMO)
        self.demo_button.setToolTip("jam plays a tune by itself, and the band joins in.")
        self.demo_button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.demo_button.clicked.connect(lambda _: self.demo_wanted.emit())
        self.demo_button.hide()
        self.setAccessibleName("Waterfall")
        self.setAccessibleDescription(_ABOUT)

    def sizeHint(self) -> QSize:
        return QSize(1280, 600)

    @property
    def areas(self) -> Layout:
        view = self.view
        size = Size(self.width(), self.height())
        return layout(size, view.low_pitch, view.high_pitch, view.chord_lane)

    @property
    def theme(self) -> Theme:
        return self._painter.theme

    @property
    def letters(self) -> dict[int, str]:
        """What is written on the keys, by pitch."""
        return self._painter.letters

    def show_look(self, look: preferences.View, theme: Theme) -> None:
        """Show other colours, another range of keys or of time."""
        was_auto, self._auto_keys = self._auto_keys, look.key_range not in KEY_RANGES
        view = replace(
            self.view, zoom=look.zoom, show_plan=look.show_plan, chord_lane=look.chord_lane
        )
        if look.key_range != AUTO_KEYS and not self._auto_keys:
            low, high = KEY_RANGES[look.key_range]
            view = replace(view, low_pitch=low, high_pitch=high)
        elif self._auto_keys and not was_auto:
            low, high = fitting_range(self._pitches())
            view = replace(view, low_pitch=low, high_pitch=high)
        scaled = look.text_scale != self._painter.text_scale
        if view != self.view or theme is not self.theme or scaled:
            self.view = view
            self._painter.text_scale = look.text_scale
            self._painter.theme = theme
            self._forget()

    def show_song(self, song: SongShown | None) -> None:
        """Show another song, or another version, selection or place of it."""
        if song != self.song:
            self.song = song
            self.outdated = True

    def set_letters(self, letters: dict[int, str]) -> None:
        """Write letters on the keys of these pitches."""
        if letters != self.letters:
            self._painter.letters = dict(letters)
            self._forget()

    def _forget(self) -> None:
        self._background = None
        self.scene = None
        self.update()

    def _pitches(self) -> list[int]:
        snapshot = self._snapshot
        if snapshot is None:
            return []
        planned = [n.pitch for n in snapshot.planned if n.part in ("chords", "bass")]
        return [note.pitch for note in snapshot.played] + planned

    def _follow(self, snapshot: Snapshot) -> None:
        """Note of a new snapshot what later ones no longer tell."""
        began = snapshot.running and self._snapshot is not None and not self._snapshot.running
        self._snapshot = snapshot
        self._known = () if began else self._known
        self._known = remember(self._known, snapshot)  # for the chord lane, whenever it is opened
        if not self._auto_keys or (snapshot.running and not began):
            return  # a piano that changes its size in mid-jam would be hard to read
        now = (self.view.low_pitch, self.view.high_pitch)
        fits = fitting_range(self._pitches(), now)
        if fits != now:
            self.view = replace(self.view, low_pitch=fits[0], high_pitch=fits[1])
            self._forget()

    def show_moment(self, snapshot: Snapshot, now_s: float) -> None:
        """Show the scene of this moment: repaint what differs from the last one."""
        if snapshot is not self._snapshot:
            self._follow(snapshot)
        size = Size(self.width(), self.height())
        old = self.scene
        new = waterfall_scene(snapshot, now_s, self.view, size, self._known, self.song)
        self.scene, self.outdated = new, False
        self._place_demo(snapshot, new)
        if old is None or old.now != new.now:
            self._describe(new.now)
        if old is None or old.layout is not new.layout:
            self.update()
            return
        areas = new.layout
        dirty = QRegion()
        if (old.headline, old.subline) != (new.headline, new.subline):
            dirty += outer(areas.fall)
        if old.chart is not None and new.chart is not None:
            dirty += _moved(old.chart, new.chart, areas)
        if (old.notes, old.lines) != (new.notes, new.lines):
            if new.chart is None:
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
        if old.outside != new.outside:
            dirty += outer(areas.piano)
        else:
            changed = {lit.pitch for lit in set(old.lit) ^ set(new.lit)} | (old.due ^ new.due)
            for pitch in changed:
                if (key := areas.key(pitch)) is not None:
                    dirty += outer(key.box)
        if not dirty.isEmpty():
            self.update(dirty)

    def _place_demo(self, snapshot: Snapshot, scene: Scene) -> None:
        """The button below what is said before a jam."""
        shown = snapshot.phase == "stopped" and bool(scene.headline)
        if shown:
            fall, hint = scene.layout.fall, self.demo_button.sizeHint()
            x = round(fall.x + (fall.width - hint.width()) / 2)
            y = round(fall.bottom - hint.height() - 0.06 * fall.height)
            self.demo_button.setGeometry(x, y, hint.width(), hint.height())
        self._painter.words_end = self.demo_button.y() if shown else math.inf
        if shown == self.demo_button.isHidden():
            self.demo_button.setVisible(shown)

    def _describe(self, now: NowPanel) -> None:
        """Tell a screen reader what the panel says; not each beat of the count-down."""
        words = f"Now {now.chord}." if now.chord else ""
        if now.next_chord:
            words += f" Next {now.next_chord}."
        words = words.strip() or _ABOUT
        if words != self.accessibleDescription():
            self.setAccessibleDescription(words)

    def mean_paint_ms(self) -> float:
        """Of the last two seconds or so; 0 before anything was painted."""
        recent = list(self.paint_times_ms)[-120:]
        return sum(recent) / len(recent) if recent else 0.0

    def resizeEvent(self, event: QResizeEvent | None) -> None:
        self._forget()

    # Mouse

    def wheelEvent(self, a0: QWheelEvent | None) -> None:
        if a0 is None:
            return
        zooms = bool(a0.modifiers() & Qt.KeyboardModifier.ControlModifier)
        if not zooms and (self.chart is None or self.song is None):
            return
        self._wheel += a0.angleDelta().y()
        steps = int(self._wheel / 120)
        self._wheel -= 120 * steps
        if steps:
            (self.zoomed if zooms else self.scrolled).emit(steps if zooms else -steps)
        a0.accept()

    @property
    def chart(self) -> Chart | None:
        """The chord lane as it is painted; None while the fall is."""
        return self.scene.chart if self.scene is not None else None

    def mousePressEvent(self, event: QMouseEvent | None) -> None:
        if event is None:
            return
        point, chart = event.position(), self.chart
        cell = chart.cell_at(point.x(), point.y()) if chart is not None else None
        chord = self._chord_at(point.x(), point.y())
        left = event.button() == Qt.MouseButton.LeftButton
        if cell is not None and cell.song_bar is not None and left:
            self._is_on_bars = True
            self.bar_pressed.emit(cell, event)
            return
        if cell is not None or chord is not None:
            self.bar_menu.emit(cell, chord, event.globalPosition().toPoint())
            return
        if not left:
            return
        pitch = self.areas.pitch_at(point.x(), point.y())
        if pitch is not None:
            self._mouse_pitch = pitch
            self.key_pressed.emit(pitch)

    def mouseMoveEvent(self, event: QMouseEvent | None) -> None:
        if event is not None and self._is_on_bars and self.chart is not None:
            self.bar_dragged.emit(self.chart.cell_at(event.position().x(), event.position().y()))
        if event is None or self._mouse_pitch is None:
            return
        pitch = self.areas.pitch_at(event.position().x(), event.position().y())
        if pitch is not None and pitch != self._mouse_pitch:
            self.key_released.emit(self._mouse_pitch)
            self._mouse_pitch = pitch
            self.key_pressed.emit(pitch)

    def mouseReleaseEvent(self, event: QMouseEvent | None) -> None:
        if self._is_on_bars and event is not None:
            self._is_on_bars = False
            self.bar_released.emit(event)
        self.release_mouse_key()

    def _chord_at(self, x: float, y: float) -> ChartChord | ChordShape | None:
        """The chord under a point, of the chord lane or of the lane beside the fall."""
        if self.chart is not None:
            return self.chart.chord_at(x, y)
        chords = self.scene.chords if self.scene is not None else ()
        return next((chord for chord in chords if chord.rect.contains(x, y)), None)

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
        background = self._background_pixmap()
        ratio = background.devicePixelRatio()
        painter = QPainter(self)
        region, areas = event.region(), self.areas
        for area in (areas.lane, areas.fall, areas.now_panel, areas.piano, areas.past):
            rect = region.intersected(outer(area)).boundingRect()
            if not rect.isEmpty():
                source = QRectF(
                    rect.x() * ratio, rect.y() * ratio, rect.width() * ratio, rect.height() * ratio
                )
                painter.drawPixmap(QRectF(rect), background, source)
        if self.scene is not None:
            self._painter.paint(painter, self.scene, region)
        painter.end()
        self.painted_at_s.append(began_s)
        self.paint_times_ms.append((self._clock.now_s() - began_s) * 1e3)

    def _background_pixmap(self) -> QPixmap:
        """Everything that stands still, painted once for a size."""
        if self._background is not None:
            return self._background
        ratio = self.devicePixelRatioF()
        background = QPixmap(QSize(round(self.width() * ratio), round(self.height() * ratio)))
        background.setDevicePixelRatio(ratio)
        background.fill(QColor(self.theme.window))
        painter = QPainter(background)
        made = self._painter
        paint_background(painter, self.areas, made.theme, made.cache, self, made.letters)
        painter.end()
        self._background = background
        return background
