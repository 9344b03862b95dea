"""The tab Songs of the panel: the list of songs with search, and what can be done with each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtGui import QDragEnterEvent, QDropEvent, QGuiApplication
from PyQt6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QInputDialog,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QMenu,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from jam.charts.draft import Chart
from jam.charts.files import WRITTEN, Readers, read_charts, songs_that_come_along, write_chart
from jam.charts.ireal import read_ireal
from jam.charts.text import read_text
from jam.errors import BadInput, JamError
from jam.limits import SHOWN_SONGS
from jam.music.song import Song, as_label
from jam.sessions.library import Library
from jam.sessions.songs import SongInfo, about_song
from ui.common.search import SearchField
from ui.common.theme import Theme
from ui.common.two_lines import SMALL_ROLE, TwoLines
from ui.settings.fields import Fields, describe
from ui.settings.model import SettingsModel, Step
from ui.songs.model import SongModel

_ID, _TITLE = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
EXPORTS = {
    ".txt": "Text",
    ".cho": "ChordPro",
    ".musicxml": "MusicXML",
    ".html": "iReal Pro, as a page",
    ".irealb": "iReal Pro, as a link",
}
assert set(EXPORTS) <= set(WRITTEN)


class SongsSection(QWidget):
    """others: readers of files that jam.charts doesn't have. done: the keys are the page's."""

    def __init__(
        self,
        model: SongModel,
        settings: SettingsModel,
        others: Readers | None = None,
        done: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__()
        self.fields = Fields(settings, {})  # it has no setting
        self._model, self._history = model, settings.history
        self._others, self._done = others, done
        self._along: Mapping[str, Path] = songs_that_come_along()
        self._along_songs = {
            name: read_text(path.read_text(encoding="utf-8")).song
            for name, path in self._along.items()
        }
        self.setAcceptDrops(True)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 16)
        self.front = QLabel()
        self.front.setObjectName("heading")
        self.front.setWordWrap(True)
        self.front.setTextFormat(Qt.TextFormat.PlainText)
        self.let_go = self._button("Let go", "let_go", "The agent chooses every chord again.")
        self.let_go.clicked.connect(lambda _: model.let_go())
        self.save = self._button("Save", "save_song", "Have this song in the list.")
        self.save.clicked.connect(lambda _: model.save())
        row = QHBoxLayout()
        row.addWidget(self.front, 1)
        row.addWidget(self.save)
        row.addWidget(self.let_go)
        column.addLayout(row)
        self.search = SearchField(
            "Search songs", "Search songs", "Words of title, composer, style … Esc shows all."
        )
        self.search.textChanged.connect(lambda _: self.refresh())
        column.addWidget(self.search)
        self.list = QListWidget()
        self.list.setAccessibleName("Songs")
        self._cells = TwoLines(self.list)
        self.list.setItemDelegate(self._cells)
        self.list.setToolTip("Double-click to play a song. Drop files here to import them.")
        self.list.setMinimumHeight(160)
        self.list.itemActivated.connect(self._use_item)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._show_menu)
        self.list.currentItemChanged.connect(lambda *_: self._show_front())
        column.addWidget(self.list, 1)
        self.use_button = self._button("Play it", "use_song", "The band plays this song's chords.")
        self.use_button.clicked.connect(lambda _: self._use_item(self.list.currentItem()))
        self.new_button = self._button("New", "new_song", "Write a song, bar by bar (Ctrl+E).")
        self.import_button = self._button(
            "Import…", "import_songs", "Text, ChordPro, iReal Pro, MusicXML, ABC or MIDI."
        )
        self.import_button.clicked.connect(lambda _: self.ask_files())
        self.more_button = self._button("More", "more_songs", "Rename, duplicate, export, delete.")
        self.more_button.clicked.connect(lambda _: self._show_menu(None))
        row = QHBoxLayout()
        for button in (self.use_button, self.new_button, self.import_button, self.more_button):
            row.addWidget(button)
        column.addLayout(row)
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setWordWrap(True)
        self.hint.setTextFormat(Qt.TextFormat.PlainText)
        column.addWidget(self.hint)
        model.changed.connect(self._show_front)
        model.list_outdated.connect(self.refresh)
        self._show_front()

    def _button(self, text: str, name: str, tip: str) -> QPushButton:
        button = QPushButton(text)
        describe(button, name, text, tip)
        return button

    def show_theme(self, theme: Theme) -> None:
        self._cells.theme = theme
        self.list.update()

    # -- the list -------------------------------------------------------------------------------

    def showEvent(self, a0: object) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Read the list again, as it is searched."""
        text = self.search.text()
        self._model.ask(lambda library: _all(library, text), self._fill)

    def _fill(self, found: tuple[SongInfo, ...]) -> None:
        chosen = self._chosen()
        self.list.clear()
        for info in found[:SHOWN_SONGS]:
            self._add(info.name, info.about, info.id)
        words = self.search.text().casefold().split()
        for name, song in self._along_songs.items():
            about = about_song(song)
            if all(word in f"{name} {song.title} {about}".casefold() for word in words):
                self._add(song.title or name, about, name)
        for i in range(self.list.count()):
            item = self.list.item(i)
            if item is not None and item.data(_ID) == chosen:
                self.list.setCurrentItem(item)
        more = len(found) - SHOWN_SONGS
        self.hint.setText(f"… and {more:,} more: search for them" if more > 0 else "")
        self._show_front()

    def _add(self, name: str, about: str, key: int | str) -> None:
        item = QListWidgetItem(name)
        item.setData(SMALL_ROLE, about)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{name}: {about}")
        item.setData(_ID, key)
        item.setData(_TITLE, name)
        self.list.addItem(item)

    def _chosen(self) -> int | str | None:
        """The number of a song of the library, or the name of one that comes along."""
        item = self.list.currentItem()
        return None if item is None else item.data(_ID)

    def _show_front(self) -> None:
        model = self._model
        self.front.setText(model.name if model.song is not None else "No song: the agent chooses")
        self.let_go.setEnabled(model.song is not None)
        self.save.setEnabled(model.song is not None)
        self.use_button.setEnabled(self.list.currentItem() is not None)

    def _with_chosen(self, then: Callable[[Song, int | None], object]) -> None:
        """Do something with the song that is chosen, and its number in the library."""
        chosen = self._chosen()
        if isinstance(chosen, str):
            then(self._along_songs[chosen], None)
        elif chosen is not None:
            self._model.ask(lambda library: _song(library, chosen), lambda song: then(song, chosen))

    def _use_item(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.list.setCurrentItem(item)
            self._with_chosen(self._model.use)
            self._done()

    # -- what can be done -----------------------------------------------------------------------

    def _show_menu(self, at: QPoint | None) -> None:
        menu = QMenu(self)
        own = isinstance(self._chosen(), int)
        menu.addAction("Play it", lambda: self._use_item(self.list.currentItem()))
        rename = menu.addAction("Rename…", self.ask_name)
        menu.addAction("Duplicate", self.duplicate)
        before = menu.addAction("Version before", partial(self.step, -1))
        after = menu.addAction("Version after", partial(self.step, 1))
        export = menu.addMenu("Export")
        assert export is not None
        for suffix, form in EXPORTS.items():
            export.addAction(f"{form} ({suffix})", partial(self.ask_export, suffix))
        menu.addSeparator()
        menu.addAction("Paste a song", self.paste)
        menu.addSeparator()
        delete = menu.addAction("Delete", self.delete)
        for action in (rename, before, after, delete):
            if action is not None:
                action.setEnabled(own)
        view = self.list.viewport()
        if at is None or view is None:
            menu.popup(self.more_button.mapToGlobal(QPoint(0, self.more_button.height())))
        else:
            menu.popup(view.mapToGlobal(at))

    def _do(
        self, words: str, do: Callable[[Library], object], undo: Callable[[Library], object]
    ) -> None:
        """A change of the library, that can be undone."""

        def run(work: Callable[[Library], object]) -> None:
            self._model.ask(work, lambda _: self._model.list_outdated.emit())

        self._history.push(Step(words, lambda: run(do), lambda: run(undo)))
        self._model.told.emit(words)

    def ask_name(self) -> None:
        """Give the chosen song another title."""

        def ask(song: Song, song_id: int | None) -> None:
            title, given = QInputDialog.getText(self, "Rename", "Title:", text=song.title)
            if given and song_id is not None:
                self.rename(song_id, song, as_label(title))

        self._with_chosen(ask)

    def rename(self, song_id: int, song: Song, title: str) -> None:
        named = replace(song, title=title)
        self._do(
            f"renamed to {title}",
            lambda library: _change(library, song_id, named),
            lambda library: _change(library, song_id, song),
        )
        self._model.renamed(song_id, title)

    def duplicate(self) -> None:
        """Another song that is the same."""

        def do(song: Song, _song_id: int | None) -> None:
            title = as_label(f"{song.title or 'Untitled'} (copy)")
            self.add([replace(song, title=title)])

        self._with_chosen(do)

    def add(self, songs: list[Song]) -> None:
        """Songs more, that can be undone."""
        ids: list[int] = []

        def do(library: Library) -> None:
            with library.songs_written() as kept:
                if ids:
                    for song_id in ids:
                        kept.undelete(song_id)
                else:
                    ids.extend(kept.add(song).id for song in songs)

        def undo(library: Library) -> None:
            with library.songs_written() as kept:
                for song_id in ids:
                    kept.delete(song_id)

        n = len(songs)
        self._do(f"{songs[0].title or 'a song'} added" if n == 1 else f"{n} songs added", do, undo)

    def delete(self) -> None:
        """Out of the list; undo brings it back."""
        song_id = self._chosen()
        item = self.list.currentItem()
        if isinstance(song_id, int) and item is not None:
            self._do(
                f"{item.data(_TITLE)} deleted",
                lambda library: _mark(library, song_id, True),
                lambda library: _mark(library, song_id, False),
            )

    def step(self, by: int) -> None:
        """The chosen song as it was before, or after that."""
        song_id = self._chosen()
        if isinstance(song_id, int):
            self._do(
                "version before" if by < 0 else "version after",
                lambda library: _step(library, song_id, by),
                lambda library: _step(library, song_id, -by),
            )

    # -- in and out -----------------------------------------------------------------------------

    def ask_files(self) -> None:
        """Choose files to be imported."""
        names, _ = QFileDialog.getOpenFileNames(self, "Import songs")
        self.import_files([Path(name) for name in names])

    def import_files(self, paths: list[Path]) -> None:
        """Add the songs of files; what is wrong with one is said, the others are imported."""
        charts: list[Chart] = []
        faults: list[str] = []
        for path in paths:
            try:
                charts += read_charts(path, self._others)
            except JamError as error:
                faults.append(str(error))
        self._take(charts, faults)

    def paste(self) -> None:
        """A song from the clipboard: a link of iReal Pro, or bars."""
        clipboard = QGuiApplication.clipboard()
        self.import_text(clipboard.text() if clipboard is not None else "")

    def import_text(self, text: str) -> None:
        try:
            is_link = "irealb://" in text or "irealbook://" in text
            self._take(read_ireal(text) if is_link else [read_text(text)], [])
        except BadInput as error:
            self._take([], [f"Clipboard: {error}"])

    def _take(self, charts: list[Chart], faults: list[str]) -> None:
        remarks = [f"{c.song.title or 'Untitled'}: {r}" for c in charts for r in c.remarks]
        self.hint.setText("\n".join([*faults, *remarks[:5]]))
        if charts:
            self.add([chart.song for chart in charts])

    def ask_export(self, suffix: str) -> None:
        """Write the chosen song to a file."""

        def ask(song: Song, _song_id: int | None) -> None:
            name = as_label(song.title).replace("/", "-") or "song"
            path, _ = QFileDialog.getSaveFileName(self, "Export", f"{name}{suffix}")
            if path:
                self.export(song, Path(path).with_suffix(suffix))

        self._with_chosen(ask)

    def export(self, song: Song, path: Path) -> None:
        try:
            lost = write_chart(path, song)
        except JamError as error:
            self.hint.setText(str(error))
            return
        self.hint.setText("\n".join([f"Written: {path}", *lost]))

    def dragEnterEvent(self, a0: QDragEnterEvent | None) -> None:
        data = a0.mimeData() if a0 is not None else None
        if a0 is not None and data is not None and (data.hasUrls() or data.hasText()):
            a0.acceptProposedAction()

    def dropEvent(self, a0: QDropEvent | None) -> None:
        data = a0.mimeData() if a0 is not None else None
        if a0 is None or data is None:
            return
        paths = [Path(url.toLocalFile()) for url in data.urls() if url.isLocalFile()]
        if paths:
            self.import_files(paths)
        elif data.hasText():
            self.import_text(data.text())
        a0.acceptProposedAction()


# On the library's thread


def _all(library: Library, search: str) -> tuple[SongInfo, ...]:
    with library.songs_read() as songs:
        return songs.all(search)


def _song(library: Library, song_id: int) -> Song:
    with library.songs_read() as songs:
        return songs.song(song_id)


def _change(library: Library, song_id: int, song: Song) -> None:
    with library.songs_written() as songs:
        songs.change(song_id, song)


def _step(library: Library, song_id: int, by: int) -> None:
    with library.songs_written() as songs:
        songs.step(song_id, by)


def _mark(library: Library, song_id: int, deleted: bool) -> None:
    with library.songs_written() as songs:
        (songs.delete if deleted else songs.undelete)(song_id)
