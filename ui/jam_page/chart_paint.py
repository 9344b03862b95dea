"""Painting the chord lane: bars, chords, the place where the music is."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QWidget

from ui.common.geometry import Rect
from ui.common.paint_cache import PaintCache
from ui.common.shapes import fill_bar, fill_outlined_bar, q_rect
from ui.common.theme import Theme, source_colours
from ui.jam_page.chart import BarCell, Chart, ChartChord

_LEGIBLE_PX = 34.0
_MAX_NAME_PX = 56.0


def name_px(bar_height: float) -> float:
    """Height of the chord names in bars of a height, in pixels: the same for every name."""
    return min(bar_height * 0.36, _MAX_NAME_PX)


def paint_chart(
    painter: QPainter, chart: Chart, area: Rect, theme: Theme, cache: PaintCache, widget: QWidget
) -> None:
    """Paint a chart into its area, upon the theme's background."""
    painter.fillRect(q_rect(area), cache.colour(theme.fall))
    for cell in chart.bars:
        _paint_cell(painter, cell, theme, cache)
    for cell in chart.bars:
        if cell.hint:
            _paint_hint(painter, cell, theme, cache, widget)
    for chord in chart.chords:
        _paint_chord(painter, chord, theme, cache, widget)
    for cell in chart.bars:
        _paint_number(painter, cell, theme, cache, widget)
        if cell.selected:
            _paint_selection(painter, cell, theme, cache)
    if chart.cursor is not None:
        painter.fillRect(q_rect(chart.cursor), cache.colour(theme.player))


def _paint_cell(painter: QPainter, cell: BarCell, theme: Theme, cache: PaintCache) -> None:
    rect = q_rect(cell.rect)
    background = theme.field if cell.current else theme.fall_black if cell.gone else theme.bar
    painter.fillRect(rect, cache.colour(background))
    for x in cell.beats[1:]:
        painter.fillRect(QRectF(x, rect.bottom() - 7, 1, 7), cache.colour(theme.bar_line))
    for x in (rect.x(), rect.right()):
        painter.fillRect(QRectF(x - 1, rect.y(), 2, rect.height()), cache.colour(theme.bar_line))


def _paint_number(
    painter: QPainter, cell: BarCell, theme: Theme, cache: PaintCache, widget: QWidget
) -> None:
    size = max(11.0, min(16.0, cell.rect.height * 0.13))
    x, y = round(cell.rect.x + 7), round(cell.rect.y + 4)
    if cell.section:
        name = cache.text(widget, cell.section, size * 1.15, theme.text, bold=True)
        painter.drawPixmap(QPointF(x, y - 1), name)
        x += round(name.width() / name.devicePixelRatio()) + 8
    if cell.number:
        text = cache.text(widget, cell.number, size, theme.text_dim)
        painter.drawPixmap(QPointF(x, y), text)


def _paint_hint(
    painter: QPainter, cell: BarCell, theme: Theme, cache: PaintCache, widget: QWidget
) -> None:
    """What an empty bar is: the agent's, or one that can be written."""
    text = cache.text(widget, cell.hint, name_px(cell.rect.height) * 0.6, theme.text_dim)
    height = text.height() / text.devicePixelRatio()
    rect = q_rect(cell.rect)
    painter.drawPixmap(QPointF(rect.x() + 10, rect.center().y() - height / 2 + 4), text)


def _paint_selection(painter: QPainter, cell: BarCell, theme: Theme, cache: PaintCache) -> None:
    rect = q_rect(cell.rect).adjusted(1, 1, -1, -1)
    colour = cache.colour(theme.focus)
    painter.fillRect(QRectF(rect.x(), rect.y(), rect.width(), 2), colour)
    painter.fillRect(QRectF(rect.x(), rect.bottom() - 2, rect.width(), 2), colour)
    painter.fillRect(QRectF(rect.x(), rect.y(), 2, rect.height()), colour)
    painter.fillRect(QRectF(rect.right() - 2, rect.y(), 2, rect.height()), colour)


def _paint_chord(
    painter: QPainter, chord: ChartChord, theme: Theme, cache: PaintCache, widget: QWidget
) -> None:
    cell = q_rect(chord.rect)
    block = cell.adjusted(0, cell.height() * 0.27, 0, -cell.height() * 0.14)
    block_colour, line_colour, light = source_colours(theme, chord.source)
    if chord.gone:
        fill_bar(painter, block, cache.upon(block_colour, theme.fall_black, 0.35))
    elif chord.committed:
        fill_bar(painter, block, cache.colour(block_colour))
        if chord.sounding:
            line = QRectF(block.x(), block.bottom() - 4, block.width(), 4)
            painter.fillRect(line, cache.colour(line_colour))
    else:
        fill = cache.upon(block_colour, theme.bar, chord.opacity * 0.5)
        fill_outlined_bar(painter, block, fill, cache.upon(line_colour, theme.bar, 0.6))
    if block.width() < _LEGIBLE_PX:
        return  # just coming into sight
    # Text that is dim on the window's background would vanish on a light block.
    colour = theme.text_dim if chord.gone else light
    if chord.committed and not chord.gone:
        colour = theme.on_block
    # One size for all: a name that has too little room is narrowed, so C never reads as c.
    text = cache.text(widget, chord.text, name_px(cell.height()), colour, bold=True)
    height = text.height() / text.devicePixelRatio()
    at = QPointF(block.x() + 9, block.center().y() - height / 2)
    cache.draw_narrowed(painter, text, at, block.width() - 14)
    if chord.coming:
        mark = cache.text(widget, "next", max(11.0, block.height() * 0.17), theme.agent_light)
        width = mark.width() / mark.devicePixelRatio()
        if width + 14 < block.width():
            painter.drawPixmap(QPointF(round(cell.right() - width - 7), round(cell.y() + 3)), mark)
