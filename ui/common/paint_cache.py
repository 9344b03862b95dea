"""Colours, pens and texts for painting, each made once: a text is drawn as a picture."""

from __future__ import annotations

from PyQt6.QtCore import QPointF, QRectF, QSizeF, Qt
from PyQt6.QtGui import QColor, QFont, QFontMetricsF, QPainter, QPen, QPixmap
from PyQt6.QtWidgets import QWidget

_MAX_TEXTS = 512


class PaintCache:
    """A cache for one widget. Laying out text costs more than all rectangles of a frame."""

    def __init__(self) -> None:
        self._colours: dict[tuple[str, int], QColor] = {}
        self._mixed: dict[tuple[str, str, int], QColor] = {}
        self._pens: dict[tuple[str, int], QPen] = {}
        self._texts: dict[tuple[str, int, str, bool, float], QPixmap] = {}
        self._widths: dict[tuple[str, bool], float] = {}

    def colour(self, name: str, opacity: float = 1.0) -> QColor:
        """A #rrggbb colour; opacity 0 to 1 is rounded to 64 steps."""
        step = round(opacity * 64)
        found = self._colours.get((name, step))
        if found is None:
            found = QColor(name)
            found.setAlphaF(min(1.0, step / 64))
            self._colours[name, step] = found
        return found

    def upon(self, name: str, background: str, opacity: float) -> QColor:
        """What a translucent colour looks like upon a background; painting it is much faster."""
        step = round(opacity * 64)
        found = self._mixed.get((name, background, step))
        if found is None:
            over, under, share = QColor(name), QColor(background), step / 64
            red, green, blue = (
                round(share * a + (1 - share) * b)
                for a, b in (
                    (over.red(), under.red()),
                    (over.green(), under.green()),
                    (over.blue(), under.blue()),
                )
            )
            found = self._mixed[name, background, step] = QColor(red, green, blue)
        return found

    def pen(self, name: str, opacity: float = 1.0) -> QPen:
        """A pen of one pixel."""
        step = round(opacity * 64)
        found = self._pens.get((name, step))
        if found is None:
            found = self._pens[name, step] = QPen(self.colour(name, opacity), 1.0)
        return found

    def text(
        self, widget: QWidget, text: str, size_px: float, colour: str, bold: bool = False
    ) -> QPixmap:
        """A text in the widget's font at a height in pixels, as a transparent picture."""
        ratio = widget.devicePixelRatioF()
        key = (text, max(6, round(size_px)), colour, bold, ratio)
        found = self._texts.get(key)
        if found is not None:
            return found
        if len(self._texts) >= _MAX_TEXTS:
            self._texts.clear()
        font = _font(widget, key[1], bold)
        metrics = QFontMetricsF(font)
        size = QSizeF(metrics.horizontalAdvance(text) + 2, metrics.height())
        picture = QPixmap((size * ratio).toSize())
        picture.setDevicePixelRatio(ratio)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        painter.setRenderHint(QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        painter.setPen(self.colour(colour))
        painter.drawText(QPointF(1, metrics.ascent()), text)
        painter.end()
        self._texts[key] = picture
        return picture

    def fitted(
        self,
        widget: QWidget,
        text: str,
        size_px: float,
        colour: str,
        width: float,
        bold: bool = False,
    ) -> QPixmap:
        """The same, made smaller where it would be wider than `width`."""
        if (per_px := self._per_px(widget, text, bold)) > 0:
            size_px = min(size_px, (width - 2) / per_px)
        return self.text(widget, text, size_px, colour, bold)

    def wrapped(self, widget: QWidget, text: str, size_px: float, width: float) -> list[str]:
        """A text in lines that are no wider than `width`, where its words let it."""
        lines: list[str] = []
        for word in text.split(" "):
            longer = f"{lines[-1]} {word}" if lines else word
            if not lines or self._per_px(widget, longer, False) * size_px > width - 2:
                lines.append(word)
            else:
                lines[-1] = longer
        return lines

    def _per_px(self, widget: QWidget, text: str, bold: bool) -> float:
        """The width of a text for each pixel of its height."""
        per_px = self._widths.get((text, bold))
        if per_px is None:
            if len(self._widths) >= _MAX_TEXTS:
                self._widths.clear()
            metrics = QFontMetricsF(_font(widget, 100, bold))
            per_px = self._widths[text, bold] = metrics.horizontalAdvance(text) / 100
        return per_px

    @staticmethod
    def draw_narrowed(painter: QPainter, picture: QPixmap, at: QPointF, width: float) -> None:
        """Draw a text's picture at a point, narrower where there is less width; never lower."""
        ratio = picture.devicePixelRatio()
        full, height = picture.width() / ratio, picture.height() / ratio
        at = QPointF(round(at.x()), round(at.y()))
        if full <= width:
            painter.drawPixmap(at, picture)
            return
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        target = QRectF(at, QSizeF(max(1.0, width), height))
        painter.drawPixmap(target, picture, QRectF(picture.rect()))

    @staticmethod
    def draw(painter: QPainter, picture: QPixmap, area: QRectF) -> None:
        """Draw a text's picture in the middle of an area."""
        ratio = picture.devicePixelRatio()
        x = area.x() + (area.width() - picture.width() / ratio) / 2
        y = area.y() + (area.height() - picture.height() / ratio) / 2
        painter.drawPixmap(QPointF(round(x), round(y)), picture)


def _font(widget: QWidget, size_px: int, bold: bool) -> QFont:
    font = QFont(widget.font())
    font.setPixelSize(size_px)
    font.setBold(bold)
    return font
