"""Bars written in the chord lane: selected by mouse and keys, a field over the one being typed."""

from __future__ import annotations

from collections.abc import Callable

from PyQt6.QtCore import QPoint, Qt, pyqtSignal
from PyQt6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent
from PyQt6.QtWidgets import QInputDialog, QLabel, QLineEdit, QMenu, QWidget

from jam.charts.bar_text import bar_text
from jam.errors import BadInput
from jam.limits import CHART_BYTES
from jam.music.song import as_section
from ui.jam_page.chart import BarCell, Chart
from ui.songs.model import SongModel

HOW_TO_WRITE = "Dm7 G7 share the bar · F / / E7 by beats · % again · ? free"


class BarField(QLineEdit):
    """What one bar has, as it is typed."""

    moved = pyqtSignal(int)
    """Done: on to the bar so many further; 0 stays."""
    left = pyqtSignal()

    def revert(self) -> None:
        """What was typed is not written."""
        self.left.emit()

    def keyPressEvent(self, a0: QKeyEvent | None) -> None:
        if a0 is None:
            return
        if a0.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.moved.emit(1)
        else:
            super().keyPressEvent(a0)

    def focusNextPrevChild(self, next: bool) -> bool:
        self.moved.emit(1 if next else -1)
        return True


class ChartEditor:
    """Mouse and keys in the chord lane change the model's song. lane: the widget it is painted in.

    chart: tells what is painted now. done: the keys are the page's again.
    """

    def __init__(
        self,
        model: SongModel,
        lane: QWidget,
        chart: Callable[[], Chart | None],
        done: Callable[[], object],
    ) -> None:
        self._model, self._lane, self._chart, self._done = model, lane, chart, done
        self.bar: int | None = None
        """The written bar that is being typed."""
        self._anchor = 0
        self._is_dragging = False
        self.field = BarField(lane)
        self.field.setObjectName("bar")
        self.field.setAccessibleName("Chords of the bar")
        self.field.setToolTip(HOW_TO_WRITE)
        self.field.setPlaceholderText("free")
        self.field.setMaxLength(CHART_BYTES)
        self.field.hide()
        self.error = QLabel(lane)
        self.error.setObjectName("bar_error")
        self.error.setTextFormat(Qt.TextFormat.PlainText)
        self.error.hide()
        self.field.moved.connect(self._confirm)
        self.field.left.connect(self.close)
        self.field.textEdited.connect(lambda _: self.error.hide())
        model.changed.connect(self.place)

    # -- the field ------------------------------------------------------------------------------

    def open(self, bar: int) -> None:
        """Have a written bar typed; the one after the last adds one."""
        song = self._model.song
        if song is None or not self._write():
            return
        bar = max(0, min(bar, len(song.bars)))
        self._model.select(range(bar, bar + 1))
        self.bar = bar
        self.field.setText(self._text(bar))
        self.field.selectAll()
        self.error.hide()
        self.place()
        self.field.show()
        self.field.setFocus()

    def _text(self, bar: int) -> str:
        song = self._model.song
        if song is None or bar >= len(song.bars) or song.bars[bar].chords is None:
            return ""
        return bar_text(song.bars[bar].chords, song.meter_of(song.bars[bar]))

    def close(self) -> None:
        """Nothing is typed any more."""
        if self.bar is not None:
            self.bar = None
            self.error.hide()
            self.field.hide()
            chart = self._chart()
            self._model.follow_music(chart.lines if chart is not None else 0)
            self._done()

    def _write(self) -> bool:
        """Write what was typed; False where it can't be read: the field stays, and says why."""
        if self.bar is None:
            return True
        text = self.field.text()
        if text.strip() == self._text(self.bar).strip():
            return True
        try:
            self._model.write(self.bar, text)
        except BadInput as error:
            self._say(str(error))
            return False
        return True

    def _say(self, words: str) -> None:
        self.error.setText(words)
        self.error.adjustSize()
        field = self.field.geometry()
        x = max(4, min(field.x(), self._lane.width() - self.error.width() - 4))
        self.error.move(x, field.bottom() + 3)
        self.error.show()
        self.error.raise_()
        self.field.setFocus()

    def _confirm(self, by: int) -> None:
        bar, song = self.bar, self._model.song
        if bar is None or song is None:
            return
        n_before = len(song.bars)
        if not self._write():
            return
        song = self._model.song
        assert song is not None
        was_last = bar == n_before and len(song.bars) == n_before
        if by and not was_last and not (self._model.running and bar + by >= len(song.bars)):
            self.bar = None
            self.open(bar + by)
            self._follow(bar + by)
        else:
            self.close()

    def _follow(self, bar: int) -> None:
        """The bar that is typed is in sight."""
        chart = self._chart()
        if chart is not None and not any(cell.song_bar == bar for cell in chart.bars):
            self._model.scroll(1)

    def place(self) -> None:
        """The field lies over its bar."""
        if self.bar is None:
            return
        if self._model.song is None:
            self.close()
            return
        chart = self._chart()
        cells = [c for c in chart.bars if c.song_bar == self.bar] if chart is not None else []
        # While a jam goes on, the bar as it comes next; where it has just gone by it stays.
        cell = next((c for c in cells if not c.gone), cells[-1] if cells else None)
        if cell is not None:
            rect = cell.rect
            height = min(int(rect.height * 0.55), 46)
            y = int(rect.y + (rect.height - height) / 2 + rect.height * 0.06)
            self.field.setGeometry(int(rect.x + 4), y, int(rect.width - 8), height)

    # -- the mouse ------------------------------------------------------------------------------

    def press(self, cell: BarCell, event: QMouseEvent) -> None:
        """The mouse went down on a bar of the song."""
        if cell.song_bar is None or not self._write():
            return
        bar = cell.song_bar
        if self.bar is not None:
            self.close()
        self._is_dragging = False
        if event.modifiers() & Qt.KeyboardModifier.ShiftModifier and self._model.selected:
            self._extend(self._model.selected.start, bar)
            return
        self._anchor = bar
        self._model.select(range(bar, bar + 1))

    def drag(self, cell: BarCell | None) -> None:
        """The mouse moved, held down."""
        if cell is not None and cell.song_bar is not None and cell.song_bar != self._anchor:
            self._is_dragging = True
        if self._is_dragging and cell is not None and cell.song_bar is not None:
            self._extend(self._anchor, cell.song_bar)

    def release(self, event: QMouseEvent) -> None:
        """A bar that was clicked is written."""
        shift = event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if not self._is_dragging and not shift and len(self._model.selected) == 1:
            self.open(self._model.selected.start)
        self._is_dragging = False

    def _extend(self, first: int, last: int) -> None:
        n = 0 if self._model.song is None else len(self._model.song.bars)
        low, high = sorted((first, last))
        self._model.select(range(low, max(low + 1, min(high + 1, n))))

    def menu(self, cell: BarCell, at: QPoint, more: QMenu) -> None:
        """What can be done with the bars that are selected, added to a menu and shown."""
        if cell.song_bar is not None:
            if self.bar is not None:
                self.close()
            if cell.song_bar not in self._model.selected:
                self._model.select(range(cell.song_bar, cell.song_bar + 1))
            self._fill(more)
        if not more.isEmpty():
            more.popup(at)

    def _fill(self, menu: QMenu) -> None:
        model = self._model
        if not menu.isEmpty():
            menu.addSeparator()
        menu.addAction("Write", lambda: self.open(model.selected.start))
        menu.addAction("Copy", self.copy)
        menu.addAction("Cut", self.cut)
        menu.addAction("Paste", self.paste)
        menu.addAction("Leave to the agent", model.free)
        menu.addSeparator()
        menu.addAction("Insert a bar before", lambda: model.insert(True))
        menu.addAction("Insert a bar after", lambda: model.insert(False))
        menu.addAction("Delete", model.delete)
        menu.addSeparator()
        menu.addAction("Section …", self.ask_section)
        menu.addAction("Loop, or the whole song", model.loop)
        repeat = menu.addMenu("Play")
        assert repeat is not None
        for times in (1, 2, 3, 4):
            words = "once" if times == 1 else f"{times} times"
            repeat.addAction(words, lambda times=times: model.set_repeat(times))

    # -- what keys and menu do ------------------------------------------------------------------

    def write_bars(self) -> None:
        """Type the bar that is selected, or the one that is played; without a song begin one."""
        model = self._model
        if model.song is None:
            model.new()
        self.open(model.selected.start if model.selected else model.written_now())

    def copy(self) -> None:
        """The selected bars go to the clipboard, as text."""
        text = self._model.copied()
        if text and (clipboard := QGuiApplication.clipboard()) is not None:
            clipboard.setText(text)

    def cut(self) -> None:
        self.copy()
        self._model.free()

    def paste(self) -> None:
        """The clipboard's bars are written from the selection's first on."""
        clipboard = QGuiApplication.clipboard()
        text = clipboard.text() if clipboard is not None else ""
        if text.strip():
            try:
                self._model.paste(text)
            except BadInput as error:
                self._model.told.emit(f"Not pasted: {error}")

    def ask_section(self) -> None:
        """Name the section that begins with the first bar that is selected."""
        song, bars = self._model.song, self._model.selected
        if song is None or not bars or bars.start >= len(song.bars):
            return
        now = song.bars[bars.start].section
        name, given = QInputDialog.getText(
            self._lane, "Section", "Its letter or name; empty for none:", text=now
        )
        if given:
            self._model.set_section(as_section(name))
