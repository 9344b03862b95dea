"""The page Review: the list of sessions, and the one in front to be seen, heard and worked on.

Runs on: the window's thread. Nothing in it waits: the library is asked through `background`,
what takes long is a job of its own process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QDragEnterEvent, QDropEvent, QShowEvent
from PyQt6.QtWidgets import QLabel, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from jam.agent.predictor import LoadPredictor
from jam.messages.commands import PlaybackCommand
from jam.messages.snapshot import Snapshot
from jam.sessions.exports import take_of
from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, Session, SessionInfo, TakeInfo
from jam.stage.playback import load_take
from ui.common.pages import Stack
from ui.common.text import position_text
from ui.common.theme import Theme
from ui.review.content import Content, content_of, plan_at, plan_view
from ui.review.details import Details
from ui.review.edits import Changes
from ui.review.library_thread import LibraryThread
from ui.review.news_bar import Strip
from ui.review.playback import Player
from ui.review.playback_actions import Listening
from ui.review.roll import Roll
from ui.review.session_list import SessionList
from ui.review.tasks import Works
from ui.review.transport_bar import TransportBar
from ui.settings.look import Look

_CHOICE_DELAY_MS = 90
"""A session is loaded when the list has stood still for so long."""
_REFRESH_MS = 1500
"""So often the list is read again while a jam is running, and once after it."""
_NOTHING_YET = -1
"""In place of the number of the plan that is shown: neither a plan nor that there is none."""


class ReviewPage(QWidget):
    """send: takes commands for the engine. now_s: the time of jam.clock. load: gives the predictor
    for new takes, None the rules. library: its file, None the user's own.
    """

    told = pyqtSignal(str)
    """A few words on what was just done."""

    def __init__(
        self,
        send: Callable[[PlaybackCommand], None],
        now_s: Callable[[], float],
        load: LoadPredictor | None,
        look: Look,
        library: Path | None = None,
    ) -> None:
        super().__init__()
        self.session: Session | None = None
        self.take_id = LIVE_TAKE
        self._other_take = LIVE_TAKE
        self.running = False
        self._deleted_shown = False
        self._asked = 0
        self._plan_index: int | None = _NOTHING_YET
        self._wished_take: int | None = None
        self._newest: SessionInfo | None = None
        self._is_shown = self._is_laid_out = False
        self.library = LibraryThread(library, self)
        self.player = Player(send, now_s)
        self.list = SessionList()
        self.details = Details()
        self.strip = Strip()
        self.roll = Roll()
        self.transport = TransportBar()
        self.listening, self.changes = Listening(self), Changes(self)
        self.works = Works(self, self.strip, load, look, library)
        self._build()
        self._connect()
        self._choice_timer = self._single_shot(_CHOICE_DELAY_MS, self._load_choice)
        self._refresh_timer = self._single_shot(_REFRESH_MS, self._on_refresh)

    # Building

    def _build(self) -> None:
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.view = QWidget()
        column = QVBoxLayout(self.view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.details)
        column.addWidget(self.roll, 1)
        column.addWidget(self.transport)
        self.front = Stack()
        self.front.addWidget(self.hint)
        self.front.addWidget(self.view)
        right = QWidget()
        below = QVBoxLayout(right)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.strip)
        below.addWidget(self.front, 1)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(right)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.list.setMinimumWidth(270)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)
        self._build_menus()
        self.setAcceptDrops(True)

    def _build_menus(self) -> None:
        self.list_menu = QMenu(self)
        self.import_action = self._entry(self.list_menu, "Import files …", self.works.ask_import)
        self.deleted_action = self._entry(
            self.list_menu, "Show deleted sessions", self.toggle_deleted
        )
        self.deleted_action.setCheckable(True)
        more = QPushButton("⋯")
        more.setAccessibleName("More to do with sessions")
        more.setToolTip("Import files, show what was deleted.")
        more.setMenu(self.list_menu)
        self.list.top.addWidget(more)
        menu = self.details.menu
        self._entry(menu, "Rename the session", self.details.title.edit)
        self._entry(menu, "Edit its tags", self.details.tags.edit)
        self.delete_action = self._entry(menu, "Delete the session", self.changes.delete)
        menu.addSeparator()
        self._entry(menu, "Rename this take …", self.changes.rename_take)
        self.delete_take_action = self._entry(menu, "Remove this take", self.changes.delete_take)

    def _entry(self, menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        assert action is not None
        action.triggered.connect(lambda _: do())
        return action

    def _single_shot(self, after_ms: int, do: Callable[[], object]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(after_ms)
        timer.timeout.connect(do)
        return timer

    def _connect(self) -> None:
        self.library.failed.connect(lambda text: self.strip.tell(_sentence(text), alert=True))
        self.list.searched.connect(lambda _: self.refresh())
        self.list.chosen.connect(self._on_chosen)
        self.list.table.doubleClicked.connect(lambda _: self.listening.play_pause())
        self.list.table.space.connect(self.listening.play_pause)
        self.list.dragged_out.connect(lambda _: self.works.drag_out())
        details = self.details
        details.renamed.connect(self.changes.rename)
        details.tagged.connect(self.changes.set_tags)
        details.rated.connect(self.changes.rate)
        details.take_chosen.connect(self.show_take)
        details.new_take.clicked.connect(lambda _: self.works.ask_take())
        details.export.clicked.connect(lambda _: self.works.ask_export())
        details.handle.dragged.connect(self.works.drag_out)
        self.roll.sought.connect(self.listening.seek)
        self.roll.loop_drawn.connect(self.listening.set_loop)
        self.roll.follow_ended.connect(lambda: self.transport.show_follow(False))
        bar = self.transport
        bar.play_pause.connect(self.listening.play_pause)
        bar.to_start.connect(self.listening.to_start)
        bar.speed_wanted.connect(self.player.set_speed)
        bar.loop_wanted.connect(self.listening.toggle_loop)
        bar.follow_wanted.connect(self.listening.follow)
        bar.plan_wanted.connect(self.listening.show_plan)
        bar.zoom_wanted.connect(self.roll.zoom_by)
        bar.parts_muted.connect(self.listening.mute)
        bar.moment_wanted.connect(self.changes.add_moment)
        bar.moment_sought.connect(self.listening.go_to_moment)

    # The window's side

    def shown(self) -> None:
        """The page came to the front."""
        self._is_shown = True
        self.refresh()
        self._refresh_timer.start()  # what has just been played is still being written
        (self.roll if self.session is not None else self.list.table).setFocus()

    def showEvent(self, a0: QShowEvent | None) -> None:
        super().showEvent(a0)
        if not self._is_laid_out:
            self._is_laid_out = True
            em = self.fontMetrics().horizontalAdvance("0")
            width = self.width()
            listed = min(85 * em, max(min(44 * em, 3 * width // 10), width // 4))
            self.splitter.setSizes([listed, self.width() - listed])

    def hidden(self) -> None:
        """Another page is in front now: silence, unless it went there to play along."""
        self._is_shown = False
        if self.player.playing:
            self.player.play_pause()

    def escape(self) -> None:
        """Esc was pressed: what was typed and not confirmed is forgotten."""
        self.details.revert()
        self.roll.setFocus()

    def close_page(self) -> None:
        """The window closes."""
        self.works.close()
        self.library.close()

    def show_theme(self, theme: Theme) -> None:
        self.roll.show_theme(theme)
        self.list.show_theme(theme)

    def show_moment(self, snapshot: Snapshot) -> None:
        """Follow the engine; called as often as the screen is drawn, while the page is in front."""
        if snapshot.running != self.running:
            self.running = snapshot.running
            self._refresh_timer.start()
        self.player.follow(snapshot.playback)
        state, session = self.player.state, self.session
        if session is None or state is None:
            return
        position_s = self.player.position_s
        self.roll.show_position(position_s, state.playing)
        self.roll.show_loop(state.loop)
        self._show_plan_of(session, position_s)
        place = position_text(session.tempo_map, position_s, state.end_s)
        self.transport.show_state(state, place)

    def _show_plan_of(self, session: Session, position_s: float) -> None:
        index = plan_at(session, position_s)
        if index == self._plan_index:
            return
        self._plan_index = index
        plan = plan_view(session, index) if index is not None else None
        self.roll.show_plan(plan)
        if plan is not None:
            words = plan.words
        elif session.plans:
            words = "No plan was made yet."
        elif len(session.takes) == 1 and self.roll.content and not self.roll.content.chords:
            words = "No accompaniment yet: New take (Ctrl+N) makes one."
        else:
            words = "No plans were recorded."
        self.transport.show_words(words)

    # The list

    def refresh(self) -> None:
        """Read the list again."""
        words, deleted = self.list.words, self._deleted_shown
        self._asked += 1
        number = self._asked

        def then(found: tuple[tuple[SessionInfo, ...], tuple[str, ...]]) -> None:
            if number != self._asked:  # other words were typed meanwhile
                return
            if not words and not deleted:
                self._choose_new(found[0])
            self.list.show_sessions(found[0], deleted)
            self.details.show_known_tags(found[1])

        self.library.ask(lambda lib: (lib.sessions(words, deleted=deleted), lib.tags()), then)

    def _choose_new(self, found: Sequence[SessionInfo]) -> None:
        """What was played since the list was read last is what one came for."""
        newest = max(found, key=lambda info: info.started_at, default=None)
        before, self._newest = self._newest, newest
        if before is not None and newest is not None and newest.started_at > before.started_at:
            self.list.choose(newest.id)

    def _on_refresh(self) -> None:
        if self._is_shown:
            self.refresh()
        if self.running:
            self._refresh_timer.start()

    def toggle_deleted(self) -> None:
        """The sessions, or those that were deleted."""
        self._deleted_shown = not self._deleted_shown
        self.deleted_action.setChecked(self._deleted_shown)
        self.refresh()

    def focus_search(self) -> None:
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    def _on_chosen(self, info: SessionInfo | None) -> None:
        if info is None:
            self._choice_timer.stop()
            self._show_session(None, None)
        elif self.session is not None and self.session.info.id == info.id:
            before, self.session = self.session.info, replace(self.session, info=info)
            self.details.show_info(info)
            if before.length_s != info.length_s or before.state != info.state:
                self._choice_timer.start()  # it goes on
        else:
            self._choice_timer.start()

    def _load_choice(self) -> None:
        info = self.list.current
        if info is not None:
            self.reload(info.id)

    def reload(self, session_id: int, take_id: int | None = None) -> None:
        """Read a session again, and show one of its takes (the one in front, if it is None)."""
        again = self.session is not None and self.session.info.id == session_id
        if take_id is None:
            take_id = self.take_id if again else LIVE_TAKE

        def read(library: Library) -> tuple[Session, Content]:
            session = library.session(session_id)
            takes = {taken.info.id: taken for taken in session.takes}
            return session, content_of(session, takes.get(take_id, session.takes[0]))

        def then(found: tuple[Session, Content]) -> None:
            current = self.list.current
            if current is not None and current.id == session_id:
                self._wished_take = take_id
                self._show_session(*found)

        self.library.ask(read, then)

    def _show_session(self, session: Session | None, content: Content | None) -> None:
        again = (
            session is not None
            and self.session is not None
            and session.info.id == self.session.info.id
        )
        self.session, self._plan_index = session, _NOTHING_YET
        if session is None or content is None:
            self.player.forget()
            self.roll.show_content(None)
            self.front.setCurrentWidget(self.hint)
            return
        ids = [taken.info.id for taken in session.takes]
        self.take_id = self._wished_take if self._wished_take in ids else ids[0]
        if not again:
            self._other_take = ids[0]
        self.front.setCurrentWidget(self.view)
        self.details.show_info(session.info)
        self._show_content(session, content, again)

    # Takes

    @property
    def take(self) -> TakeInfo | None:
        """The take in front."""
        return take_of(self.session, self.take_id).info if self.session is not None else None

    def show_take(self, take_id: int) -> None:
        """Hear and see another take, from the same place on."""
        if self.session is None or take_id == self.take_id:
            return
        self._other_take, self.take_id = self.take_id, take_id
        session, shown = self.session, take_of(self.session, take_id)

        def then(content: Content) -> None:
            if self.session is session and self.take_id == take_id:
                self._show_content(session, content, True)
                self.told.emit(f"Take: {shown.info.name}")

        self.library.ask(lambda _: content_of(session, shown), then)

    def other_take(self) -> None:
        """Back to the take that was in front before."""
        if self.session is None:
            return
        ids = [taken.info.id for taken in self.session.takes]
        other = self._other_take
        if other == self.take_id or other not in ids:
            other = next((i for i in ids if i != self.take_id), self.take_id)
        if other == self.take_id:
            self.told.emit("There is only one take: Ctrl+N makes another")
        self.show_take(other)

    def _show_content(self, session: Session, content: Content, keeps_place: bool) -> None:
        shown = take_of(session, self.take_id)
        name = f"{session.info.id}/{self.take_id}"
        self.roll.show_content(content, keeps_place)
        self.roll.show_moments(session.moments)
        self.roll.show_muted(self.player.state.muted if self.player.state else ())
        self.details.show_takes([taken.info for taken in session.takes], self.take_id)
        self.delete_take_action.setEnabled(self.take_id != LIVE_TAKE)
        self._plan_index = _NOTHING_YET
        self.player.show(
            name,
            content.start_s,
            content.end_s,
            lambda keeps: load_take(name, shown.take, shown.info.settings, keeps),
            keeps_place,
        )
        for part, button in self.transport.parts.items():
            button.setEnabled(bool(shown.take.parts.get(part)))

    # Files dropped here

    def dragEnterEvent(self, a0: QDragEnterEvent | None) -> None:
        if a0 is not None and (data := a0.mimeData()) is not None and data.hasUrls():
            a0.acceptProposedAction()

    def dropEvent(self, a0: QDropEvent | None) -> None:
        if a0 is None or (data := a0.mimeData()) is None:
            return
        self.works.import_paths([Path(url.toLocalFile()) for url in data.urls()])
        a0.acceptProposedAction()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")
