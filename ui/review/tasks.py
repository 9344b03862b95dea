"""What takes longer: new takes, exports, imports, files dragged to the desktop."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from PyQt6.QtCore import QMimeData, QObject, QStandardPaths, Qt, QTimer, QUrl
from PyQt6.QtGui import QDesktopServices, QDrag
from PyQt6.QtWidgets import QFileDialog, QWidget

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import LoadRewriter
from jam.errors import JamError
from jam.files import library_path
from jam.jobs import Done, Failed, Job
from jam.performance.rewriting import RewriteWish
from jam.sessions import tasks
from jam.sessions.exports import export, file_name, take_of
from jam.sessions.imports import SUFFIXES
from jam.sessions.session import SessionInfo, TakeInfo, TakeKind
from jam.sessions.tasks import Proposal
from jam.settings import JamSettings
from jam.voice.files import ANY_VOICE, VoiceWish, is_sound
from ui.review.dialogs import ExportDialog, ExportWish, NewTakeDialog, RecordingDialog, TakeWish
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.settings.look import Look

_POLL_MS = 60
_SHOWN_NAMES = 3


def new_take_words(name: str) -> str:
    """What the news bar says when a take is ready."""
    return f"New take “{name}”. Press Q to compare."


def imported_words(names: Sequence[str]) -> str:
    """What the news bar says when files have become sessions of these names."""
    shown = ", ".join(f"“{name}”" for name in names[:_SHOWN_NAMES])
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"Imported {shown}{more}. Press Ctrl+N to add an accompaniment."


class Tasks(QObject):
    """One job at a time, in a process of its own; the news bar shows how far it is.

    load: gives the predictor for new takes; None the rules. load_rewriter: gives what composes bars
    again. parent: dialogs open over its window.
    """

    def __init__(
        self,
        model: ReviewModel,
        news: NewsBar,
        load: LoadPredictor | None,
        look: Look,
        parent: QWidget,
        load_rewriter: LoadRewriter | None = None,
    ) -> None:
        super().__init__(parent)
        self._load_rewriter = load_rewriter
        self._model, self._news, self._load, self._look = model, news, load, look
        self._parent = parent
        self._job: Job[Any] | None = None
        self._then: Callable[[Any], object] = lambda _: None
        self._title = ""
        self._drag_folder: Path | None = None
        self._timer = QTimer(self)
        self._timer.setInterval(_POLL_MS)
        self._timer.timeout.connect(self._poll)

    @property
    def busy(self) -> bool:
        return self._job is not None

    def close(self) -> None:
        self.cancel()
        if self._drag_folder is not None:
            shutil.rmtree(self._drag_folder, ignore_errors=True)

    # New takes

    def ask_take(self) -> None:
        """Ask how, and have it made."""
        session, take = self._model.session, self._model.take
        if session is None or take is None or not self._free():
            return
        chords = take_of(session, take.id).take.chords
        kind: TakeKind = "re-voiced" if any(c.chord for c in chords) else "re-harmonised"
        dialog = NewTakeDialog(take.settings, kind, self._parent.window())
        dialog.accepted.connect(lambda: self.make_take(dialog.wish()))
        dialog.open()

    def make_take(self, wish: TakeWish) -> None:
        """A take beside the one in front; when it is there it is shown."""
        session = self._model.session
        if session is None or not self._free():
            return

        def then(made: tuple[TakeInfo, str]) -> None:
            info, complaint = made
            self._news.tell(f"{new_take_words(info.name)} {complaint}".strip())
            self._model.reload(session.info.id, info.id)

        self._begin(
            "Making a take",
            then,
            tasks.make_take,
            session.info.id,
            self._model.take_id,
            wish.kind,
            wish.settings,
            wish.seed,
            self._load,
        )

    # Bars composed again

    @property
    def can_compose(self) -> bool:
        return self._load_rewriter is not None

    def compose(
        self, wish: RewriteWish, settings: JamSettings, then: Callable[[list[Proposal]], object]
    ) -> None:
        """Proposals for some bars of the take in front; settings: those of its band."""
        session = self._model.session
        if session is None or not self._free():
            return
        self._begin(
            "Composing",
            then,
            tasks.propose,
            session.info.id,
            self._model.take_id,
            wish,
            settings,
            self._load_rewriter,
        )

    def transcribe_again(self) -> None:
        """A take whose melody is heard anew in the microphone's sound, where that was kept."""
        session = self._model.session
        if session is None or not self._free():
            return

        def then(info: TakeInfo) -> None:
            self._news.tell(new_take_words(info.name))
            self._model.reload(session.info.id, info.id)

        self._begin(
            "Transcribing", then, tasks.transcribe_again, session.info.id, self._model.take_id
        )

    # Export

    def ask_export(self) -> None:
        session = self._model.session
        if session is None or not self._free():
            return
        takes = [each.info for each in session.takes]
        dialog = ExportDialog(
            takes,
            self._model.take_id,
            self._folder(),
            file_name(session, ""),
            self._parent.window(),
        )
        dialog.accepted.connect(lambda: self.export(dialog.wish()))
        dialog.open()

    def export(self, wish: ExportWish) -> None:
        """Write the files."""
        session = self._model.session
        if session is None or not wish.paths or not self._free():
            return
        folder = wish.paths[0].parent
        self._look.change(export_folder=str(folder))

        def then(written: list[Path]) -> None:
            names = ", ".join(path.name for path in written)
            self._news.tell(
                f"Saved in {folder}: {names}",
                "Open folder",
                lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))),
            )

        self._begin(
            "Exporting",
            then,
            tasks.export_files,
            session.info.id,
            wish.take_id,
            wish.paths,
            wish.stems,
            wish.rate_hz,
        )

    def _folder(self) -> Path:
        kept = self._look.settings.export_folder
        if kept and Path(kept).is_dir():
            return Path(kept)
        where = QStandardPaths.StandardLocation
        for location in (where.MusicLocation, where.DocumentsLocation, where.HomeLocation):
            folder = Path(QStandardPaths.writableLocation(location))
            if folder.is_dir():
                return folder
        return Path.home()

    # Import

    def ask_import(self) -> None:
        kinds = " ".join(f"*{suffix}" for suffix in SUFFIXES)
        names, _ = QFileDialog.getOpenFileNames(
            self._parent.window(),
            "Import",
            str(self._folder()),
            f"MIDI, sound, JSON, library ({kinds})",
        )
        if names:
            self.import_paths([Path(name) for name in names])

    def import_paths(self, paths: Sequence[Path]) -> None:
        """Every file as a session; where there are recordings, how they are read is asked first."""
        if not paths or not self._free():
            return
        if any(is_sound(path) for path in paths):
            dialog = RecordingDialog(self._parent.window())
            dialog.accepted.connect(lambda: self._import(paths, dialog.wish()))
            dialog.open()
        else:
            self._import(paths, ANY_VOICE)

    def _import(self, paths: Sequence[Path], wish: VoiceWish) -> None:
        if not self._free():
            return

        def then(found: tuple[list[SessionInfo], list[str]]) -> None:
            added, told = found
            words = imported_words([info.name for info in added])
            self._news.tell(f"{words} {'; '.join(told)}".rstrip())
            if added:
                self._model.session_wished.emit(added[-1].id)
            self._model.list_outdated.emit()

        self._begin("Importing", then, tasks.import_files, tuple(paths), wish)

    # Dragged out

    def drag_out(self) -> None:
        """The take in front as a MIDI file under the mouse."""
        session = self._model.session
        if session is None:
            return
        if self._drag_folder is None:
            self._drag_folder = Path(tempfile.mkdtemp(prefix="jam-drag-"))
        path = self._drag_folder / file_name(session, ".mid")
        try:
            export(session, path, self._model.take_id)
        except JamError as error:
            self._news.tell(f"Couldn't drag it out: {error}.", alert=True)
            return
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path))])
        drag = QDrag(self._parent)
        drag.setMimeData(data)
        drag.exec(Qt.DropAction.CopyAction)

    # The job

    def cancel(self) -> None:
        """Stop what is being done; nothing of it is left."""
        job, self._job = self._job, None
        self._timer.stop()
        if job is not None:
            job.close()
            self._news.tell(f"{self._title}: cancelled.")

    def _free(self) -> bool:
        if self._job is not None:
            self._model.told.emit(f"Busy: {self._title.lower()}")
        return self._job is None

    def _begin(
        self, what: str, then: Callable[[Any], object], task: Callable[..., Any], *args: object
    ) -> None:
        try:
            path = self._model.library_path or library_path()
        except OSError as error:
            self._news.tell(
                f"Can't open the folder for sessions: {error.strerror or error}.", alert=True
            )
            return
        self._title, self._then = what, then
        self._news.work(f"{what} …", self.cancel)
        self._job = Job(task, path, *args)
        self._timer.start()

    def _poll(self) -> None:
        if self._job is None:
            return
        state = self._job.poll()
        if isinstance(state, Done | Failed):
            self._job.close()
            self._job = None
            self._timer.stop()
            if isinstance(state, Failed):
                self._news.tell(f"{self._title} failed: {state.message}.", alert=True)
            else:
                self._then(state.result)
        else:
            self._news.progress(state.done, state.total)
