"""Edits of the session in front, each of which can be undone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QUndoStack
from PyQt6.QtWidgets import QInputDialog, QWidget

from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, MAX_RATING, Moment, MomentKind, SessionInfo
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.settings.model import Step

_NEAR_S = 0.6
"""So close to the playhead a mark counts as being there."""
STILL_RECORDED = "This jam is still being recorded. Stop it first."
NO_MARK_HERE = "No mark here"
NOTHING_TO_UNDO, NOTHING_TO_REDO = "Nothing to undo", "Nothing to redo"
UNDO = "Undo"
MARK_WORDS: dict[MomentKind, str] = {"good": "good mark", "bad": "bad mark", "marker": "mark"}


class Edits:
    """What the user changes in the model's session. parent: dialogs open over its window."""

    def __init__(self, model: ReviewModel, news: NewsBar, parent: QWidget) -> None:
        self._model, self._news, self._parent = model, news, parent
        self.history = QUndoStack(parent)
        self.history.setUndoLimit(200)

    @property
    def _info(self) -> SessionInfo | None:
        session = self._model.session
        return session.info if session is not None else None

    def rename(self, title: str) -> None:
        """An empty title gives the session its day and time as a name again."""
        if (info := self._info) is not None and title != info.title:
            self._do(
                f"name “{title}”" if title else "name deleted",
                lambda library: library.rename(info.id, title),
                lambda library: library.rename(info.id, info.title),
            )

    def rate(self, rating: int) -> None:
        """0 clears the rating."""
        if (info := self._info) is not None and rating != info.rating:
            self._do(
                f"{rating} of {MAX_RATING} stars",
                lambda library: library.rate(info.id, rating),
                lambda library: library.rate(info.id, info.rating),
            )

    def set_tags(self, tags: Sequence[str]) -> None:
        """These tags and no others."""
        if (info := self._info) is not None and tuple(tags) != info.tags:
            self._do(
                f"tags {', '.join(tags)}" if tags else "tags deleted",
                lambda library: library.set_tags(info.id, tags),
                lambda library: library.set_tags(info.id, info.tags),
            )

    def delete(self) -> None:
        """Delete the session in front; one that was deleted is restored."""
        info = self._info
        if info is None or self.is_recorded():
            return

        def delete(library: Library) -> SessionInfo:
            return library.delete(info.id)

        def undelete(library: Library) -> SessionInfo:
            return library.undelete(info.id)

        if info.state == "deleted":
            self._do(f"{info.name} restored", undelete, delete)
            return
        self._do(f"{info.name} deleted", delete, undelete)
        self._news.tell(f"Deleted {info.name}. It is kept for 30 days.", UNDO, self.undo)

    def is_recorded(self) -> bool:
        """Whether the session in front still goes on; then the news bar says so."""
        recorded = self._info is not None and self._info.state == "recording"
        if recorded:
            self._news.tell(STILL_RECORDED, alert=True)
        return recorded

    def _do(
        self, words: str, do: Callable[[Library], object], undo: Callable[[Library], object]
    ) -> None:
        def run(work: Callable[[Library], object]) -> None:
            self._model.library.ask(work, lambda _: self._model.list_outdated.emit())

        self.push(words, lambda: run(do), lambda: run(undo))

    def push(self, words: str, do: Callable[[], object], undo: Callable[[], object]) -> None:
        self.history.push(Step(words, do, undo))
        self._model.told.emit(words)

    def undo(self) -> None:
        """Undo the last edit."""
        words = self.history.undoText()
        self.history.undo()
        self._news.hide_news()
        self._model.told.emit(f"Undid: {words}" if words else NOTHING_TO_UNDO)

    def redo(self) -> None:
        """Make the edit again that was undone last."""
        words = self.history.redoText()
        self.history.redo()
        self._model.told.emit(f"Redone: {words}" if words else NOTHING_TO_REDO)

    # Marks

    def add_moment(self, kind: MomentKind) -> None:
        """Put a mark at the playhead."""
        session = self._model.session
        if session is not None and not self.is_recorded():
            moment = Moment(round(self._model.player.position_s, 3), kind)
            moments = sorted((*session.moments, moment), key=lambda m: m.at_s)
            self._set_moments(MARK_WORDS[kind], tuple(moments))

    def remove_moment(self) -> None:
        """Delete the mark at the playhead."""
        session, gone = self._model.session, self._moment_here()
        if session is not None and gone is not None:
            rest = tuple(m for m in session.moments if m is not gone)
            self._set_moments(f"{MARK_WORDS[gone.kind]} deleted", rest)

    def name_moment(self) -> None:
        """Ask for a comment on the mark at the playhead."""
        session, old = self._model.session, self._moment_here()
        if session is None or old is None:
            return
        moments = session.moments

        def named(text: str) -> None:
            new = replace(old, text=text.strip())
            self._set_moments("comment", tuple(new if m is old else m for m in moments))

        self._ask_text("Mark", "Comment:", old.text, named)

    def _moment_here(self) -> Moment | None:
        """The mark at the playhead; None, and it is said, where there is none to be changed."""
        session = self._model.session
        if session is None or self.is_recorded():
            return None
        at_s = self._model.player.position_s
        near = [m for m in session.moments if abs(m.at_s - at_s) <= _NEAR_S]
        if not near:
            self._model.told.emit(NO_MARK_HERE)
        return min(near, key=lambda m: abs(m.at_s - at_s), default=None)

    def _set_moments(self, words: str, moments: tuple[Moment, ...]) -> None:
        session = self._model.session
        assert session is not None
        session_id, before, show = session.info.id, session.moments, self._model.set_moments
        self.push(words, lambda: show(session_id, moments), lambda: show(session_id, before))

    # Takes

    def rename_take(self) -> None:
        """Ask for another name of the take in front."""
        session, take = self._model.session, self._model.take
        if session is None or take is None:
            return
        session_id = session.info.id

        def named(name: str) -> None:
            if (new := name.strip()) and new != take.name:
                self._do_to_takes(
                    session_id,
                    f"take “{new}”",
                    (lambda library: library.rename_take(session_id, take.id, new), take.id),
                    (lambda library: library.rename_take(session_id, take.id, take.name), take.id),
                )

        self._ask_text("Take", "Name of this take:", take.name, named)

    def delete_take(self) -> None:
        """Delete the take in front; it can be restored."""
        session, take = self._model.session, self._model.take
        if session is None or take is None or take.id == LIVE_TAKE:
            return
        session_id = session.info.id
        self._do_to_takes(
            session_id,
            f"take “{take.name}” deleted",
            (lambda library: library.delete_take(session_id, take.id), LIVE_TAKE),
            (lambda library: library.undelete_take(session_id, take.id), take.id),
        )
        self._news.tell(f"Deleted take “{take.name}”.", UNDO, self.undo)

    def _do_to_takes(
        self,
        session_id: int,
        words: str,
        do: tuple[Callable[[Library], None], int],
        undo: tuple[Callable[[Library], None], int],
    ) -> None:
        """do, undo: what is done to the library, and the take that is in front then."""

        def run(work: Callable[[Library], None], shown: int) -> None:
            self._model.library.ask(work, lambda _: self._model.reload(session_id, shown))

        self.push(words, lambda: run(*do), lambda: run(*undo))

    def _ask_text(self, title: str, label: str, text: str, then: Callable[[str], object]) -> None:
        dialog = QInputDialog(self._parent.window())
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        dialog.textValueSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
