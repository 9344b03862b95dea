"""Changes of the session in front, each of which can be taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PyQt6.QtCore import Qt
from PyQt6.QtGui import QUndoStack
from PyQt6.QtWidgets import QInputDialog

from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, MAX_RATING, Moment, MomentKind, SessionInfo
from ui.settings.model import Step

if TYPE_CHECKING:
    from ui.review.page import ReviewPage

_NEAR_S = 0.6
"""So close to the playhead a moment counts as being there."""


class Changes:
    """What the user does to the page's session."""

    def __init__(self, page: ReviewPage) -> None:
        self._page = page
        self.history = QUndoStack(page)
        self.history.setUndoLimit(200)

    @property
    def _info(self) -> SessionInfo | None:
        session = self._page.session
        return session.info if session is not None else None

    def rename(self, title: str) -> None:
        if (info := self._info) is not None and title != info.title:
            self._do(
                f"name “{title}”" if title else "name taken away",
                lambda lib: lib.rename(info.id, title),
                lambda lib: lib.rename(info.id, info.title),
            )

    def rate(self, rating: int) -> None:
        if (info := self._info) is not None and rating != info.rating:
            self._do(
                f"{rating} of {MAX_RATING} stars",
                lambda lib: lib.rate(info.id, rating),
                lambda lib: lib.rate(info.id, info.rating),
            )

    def set_tags(self, tags: Sequence[str]) -> None:
        if (info := self._info) is not None and tuple(tags) != info.tags:
            self._do(
                f"tags {', '.join(tags)}" if tags else "tags taken away",
                lambda lib: lib.set_tags(info.id, tags),
                lambda lib: lib.set_tags(info.id, info.tags),
            )

    def delete(self) -> None:
        """Delete the session in front; one that was deleted comes back."""
        info = self._info
        if info is None:
            return
        if self._is_recorded():
            return
        back = info.state == "deleted"

        def delete(lib: Library) -> SessionInfo:
            return lib.delete(info.id)

        def undelete(lib: Library) -> SessionInfo:
            return lib.undelete(info.id)

        if back:
            self._do(f"{info.name} brought back", undelete, delete)
            return
        self._do(f"{info.name} deleted", delete, undelete)
        self._page.strip.tell(f"Deleted: {info.name}. It is kept for 30 days.", "Undo", self.undo)

    def _is_recorded(self) -> bool:
        """Whether the session in front still goes on; then it says so."""
        recorded = self._page.session is not None and self._page.session.info.state == "recording"
        if recorded:
            self._page.strip.tell("This jam is still being recorded: stop it first.", alert=True)
        return recorded

    def _do(
        self, words: str, do: Callable[[Library], object], undo: Callable[[Library], object]
    ) -> None:
        def run(what: Callable[[Library], object]) -> None:
            self._page.library.ask(what, lambda _: self._page.refresh())

        self.history.push(Step(words, lambda: run(do), lambda: run(undo)))
        self._page.told.emit(words)

    def undo(self) -> None:
        """Take the last change of a session back."""
        words = self.history.undoText()
        self.history.undo()
        self._page.strip.hide_news()
        self._page.told.emit(f"Undone: {words}" if words else "Nothing to undo")

    def redo(self) -> None:
        words = self.history.redoText()
        self.history.redo()
        self._page.told.emit(f"Done again: {words}" if words else "Nothing to redo")

    # Moments

    def add_moment(self, kind: MomentKind) -> None:
        """Mark the place of the playhead."""
        if self._page.session is not None and not self._is_recorded():
            moment = Moment(round(self._page.player.position_s, 3), kind)
            moments = sorted((*self._page.session.moments, moment), key=lambda m: m.at_s)
            self._set_moments(f"{kind} moment", tuple(moments))

    def remove_moment(self) -> None:
        """Take away the moment at the playhead."""
        if self._page.session is not None and (gone := self._moment_here()) is not None:
            kept = tuple(m for m in self._page.session.moments if m is not gone)
            self._set_moments(f"{gone.kind} moment taken away", kept)

    def name_moment(self) -> None:
        """Ask for a word on the moment at the playhead."""
        if self._page.session is None or (old := self._moment_here()) is None:
            return
        moments = self._page.session.moments

        def named(text: str) -> None:
            new = replace(old, text=text.strip())
            self._set_moments("word on a moment", tuple(new if m is old else m for m in moments))

        self._ask_text("Moment", "A word on this moment:", old.text, named)

    def _moment_here(self) -> Moment | None:
        """The moment at the playhead; None, and it is said, where there is none to be changed."""
        if self._page.session is None or self._is_recorded():
            return None
        at_s = self._page.player.position_s
        near = [m for m in self._page.session.moments if abs(m.at_s - at_s) <= _NEAR_S]
        if not near:
            self._page.told.emit("No moment is marked here")
        return min(near, key=lambda m: abs(m.at_s - at_s), default=None)

    def _ask_text(self, title: str, label: str, text: str, then: Callable[[str], object]) -> None:
        dialog = QInputDialog(self._page.window())
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        dialog.textValueSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _set_moments(self, words: str, moments: tuple[Moment, ...]) -> None:
        assert self._page.session is not None
        session_id, before = self._page.session.info.id, self._page.session.moments

        def show(wanted: tuple[Moment, ...]) -> Callable[[], None]:
            def run() -> None:
                if self._page.session is not None and self._page.session.info.id == session_id:
                    self._page.session = replace(self._page.session, moments=wanted)
                    self._page.roll.show_moments(wanted)
                self._page.library.ask(lambda lib: lib.set_moments(session_id, wanted))

            return run

        self.history.push(Step(words, show(moments), show(before)))
        self._page.told.emit(words)

    # Takes

    def rename_take(self) -> None:
        """Ask for another name of the take in front."""
        session, take = self._page.session, self._page.take
        if session is None or take is None:
            return

        def named(name: str) -> None:
            if (new := name.strip()) and new != take.name:
                self._do_to_takes(
                    session.info.id,
                    f"take {new}",
                    (lambda lib: lib.rename_take(session.info.id, take.id, new), take.id),
                    (lambda lib: lib.rename_take(session.info.id, take.id, take.name), take.id),
                )

        self._ask_text("Take", "Name of this take:", take.name, named)

    def delete_take(self) -> None:
        """Remove the take in front; it can be brought back."""
        session, take = self._page.session, self._page.take
        if session is None or take is None or take.id == LIVE_TAKE:
            return
        self._do_to_takes(
            session.info.id,
            f"{take.name} removed",
            (lambda lib: lib.delete_take(session.info.id, take.id), LIVE_TAKE),
            (lambda lib: lib.undelete_take(session.info.id, take.id), take.id),
        )
        self._page.strip.tell(f"Removed: {take.name}.", "Undo", self.undo)

    def _do_to_takes(
        self,
        session_id: int,
        words: str,
        do: tuple[Callable[[Library], None], int],
        undo: tuple[Callable[[Library], None], int],
    ) -> None:
        """do, undo: what is done to the library, and the take that is in front then."""

        def run(what: Callable[[Library], None], shown: int) -> None:
            self._page.library.ask(what, lambda _: self._page.reload(session_id, shown))

        self.history.push(Step(words, lambda: run(*do), lambda: run(*undo)))
        self._page.told.emit(words)
