"""The page Jam: the bar, the waterfall, and beside it the settings panel."""

from __future__ import annotations

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from jam.charts.files import Readers
from ui.jam_page.bar import Bar
from ui.jam_page.waterfall import Waterfall
from ui.settings.devices import DevicesSection
from ui.settings.look import Look
from ui.settings.model import SettingsModel
from ui.settings.music import MusicSection, SoundSection
from ui.settings.panel import Panel
from ui.settings.view import ViewSection
from ui.songs.editor import ChartEditor
from ui.songs.model import SongModel
from ui.songs.section import SongsSection


class JamPage(QWidget):
    """Lays them out, and opens and closes the panel."""

    panel_shown = pyqtSignal(str)
    """The title of the panel's tab that is open; "" when it is closed."""

    def __init__(
        self, model: SettingsModel, look: Look, songs: SongModel, others: Readers | None = None
    ) -> None:
        super().__init__()
        self.bar = Bar(model)
        self.waterfall = Waterfall()
        done = self.waterfall.setFocus
        self.bar.done.connect(done)
        self.devices = DevicesSection(model, done)
        self.sound = SoundSection(model, done)
        self.songs = SongsSection(songs, model, others, done)
        self.sections: dict[
            str, MusicSection | SoundSection | DevicesSection | ViewSection | SongsSection
        ] = {
            "Music": MusicSection(model, done),
            "Sound": self.sound,
            "Devices": self.devices,
            "View": ViewSection(look),
            "Songs": self.songs,
        }
        self.panel = Panel()
        # The bar has T, M, S, H, C, N, Y, A, O.
        for title, marked in zip(
            self.sections, ("M&usic", "Soun&d", "De&vices", "V&iew", "Son&gs"), strict=True
        ):
            self.panel.add(marked, self.sections[title])
        self.editor = ChartEditor(songs, self.waterfall, lambda: self.waterfall.chart, done)
        self.waterfall.bar_pressed.connect(self.editor.press)
        self.waterfall.bar_dragged.connect(self.editor.drag)
        self.waterfall.bar_released.connect(self.editor.release)
        self.waterfall.scrolled.connect(songs.scroll)
        songs.changed.connect(lambda: self.waterfall.show_song(songs.shown))
        self.panel.hide()
        self.panel.tabs.currentChanged.connect(lambda _: self.panel_shown.emit(self.tab))
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(self.waterfall, 1)
        row.addWidget(self.panel)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.bar)
        column.addLayout(row, 1)

    @property
    def tab(self) -> str:
        """The title of the tab that is open, "" while the panel is closed."""
        if self.panel.isHidden():
            return ""
        return list(self.sections)[self.panel.tabs.currentIndex()]

    def show_tab(self, title: str) -> None:
        """Open the panel on a tab; "" closes it."""
        if title in self.sections:
            self.panel.tabs.setCurrentIndex(list(self.sections).index(title))
        self.panel.setVisible(title in self.sections)
        if title not in self.sections:
            self.waterfall.setFocus()
        self.panel_shown.emit(self.tab)
