"""What stands still in the waterfall, painted once for a size: columns, lane, piano at rest."""

from __future__ import annotations

from PyQt6.QtCore import QRectF, Qt
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QWidget

from ui.common.paint_cache import PaintCache
from ui.common.shapes import q_rect
from ui.common.theme import Theme
from ui.jam_page.layout import Key, Layout


def paint_background(
    painter: QPainter,
    areas: Layout,
    theme: Theme,
    cache: PaintCache,
    widget: QWidget,
    letters: dict[int, str],
) -> None:
    """Paint it all. letters: what to write on the keys of these pitches."""
    t = theme
    for area in (areas.fall, areas.past):
        painter.fillRect(q_rect(area), cache.colour(t.fall))
        for key in areas.keys:
            column = QRectF(key.box.x, area.y, key.box.width, area.height)
            if key.black:
                painter.fillRect(column, cache.colour(t.fall_black))
            elif key.pitch % 12 in (0, 5):
                line = t.octave_line if key.pitch % 12 == 0 else t.fall_black
                painter.fillRect(QRectF(key.box.x, area.y, 1, area.height), cache.colour(line))
    painter.fillRect(q_rect(areas.lane), cache.colour(t.window))
    painter.fillRect(q_rect(areas.now_panel), cache.colour(t.bar))
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setClipRect(q_rect(areas.piano))
    painter.fillRect(q_rect(areas.piano), cache.colour(t.black_key))
    for key in sorted(areas.keys, key=lambda k: k.black):
        paint_key(painter, key, t, cache, widget, letters.get(key.pitch, ""))
    edge = QRectF(areas.piano.x, areas.piano.y, areas.piano.width, 1)
    painter.fillRect(edge, cache.colour(t.key_edge))


def paint_key(
    painter: QPainter, key: Key, theme: Theme, cache: PaintCache, widget: QWidget, letter: str
) -> None:
    """Paint one key at rest, with a letter of the computer keyboard or the name of a C."""
    t = theme
    box = q_rect(key.box)
    painter.setPen(Qt.PenStyle.NoPen)
    # The upper corners lie above the piano, outside its clip: only the lower ones are round.
    if key.black:
        painter.setBrush(cache.colour(t.black_key))
        painter.drawRoundedRect(box.adjusted(0, -4, 0, 0), 2.5, 2.5)
        painter.setBrush(cache.colour(t.black_key_top))
        painter.drawRoundedRect(box.adjusted(2, -4, -2, -box.height() * 0.12), 2, 2)
    else:
        painter.setBrush(cache.colour(t.white_key))
        painter.drawRoundedRect(box.adjusted(0.5, -4, -0.5, -1), 3, 3)
    paint_key_name(painter, key, theme, cache, widget, letter)


def paint_key_name(
    painter: QPainter,
    key: Key,
    theme: Theme,
    cache: PaintCache,
    widget: QWidget,
    letter: str,
    lit: bool = False,
) -> None:
    """Write the letter of the computer keyboard, or else the name of a C, on a key."""
    t = theme
    box = q_rect(key.box)
    rise = box.height() * (0.14 if key.black else 0.02)
    size = min(20.0, key.box.width * 0.72)
    foot = QRectF(box.x(), box.bottom() - rise - size * 1.5, box.width(), size * 1.5)
    if letter:
        colour = t.on_lit if lit else t.on_black_key if key.black else t.letter
        cache.draw(painter, cache.text(widget, letter.upper(), size, colour, bold=True), foot)
    elif key.pitch % 12 == 0 and box.width() > 14:
        name = f"C{key.pitch // 12 - 1}"
        size = min(16.0, box.width() * 0.5)
        cache.draw(painter, cache.text(widget, name, size, t.on_lit if lit else t.letter), foot)
