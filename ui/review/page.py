"""The page Review: the list of sessions, and the one in front to be seen, heard and worked on.

Runs on: the window's thread. Nothing in it waits: the library is asked through `background`,
what takes long is a job of its own process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QDragEnterEvent, QDropEvent, QShowEvent, QUndoStack
from PyQt6.QtWidgets import (
    QInputDialog,
    QLabel,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from jam.agent import LoadPredictor
from jam.messages import PlaybackCommand, Snapshot
from jam.playback import load_take
from jam.sessions.exports import take_of
from jam.sessions.store import Library
from jam.sessions.types import (
    LIVE_TAKE,
    MAX_RATING,
    Moment,
    MomentKind,
    Session,
    SessionInfo,
    TakeInfo,
)
from ui.desk import Step
from ui.look import Look
from ui.review import roll_scene
from ui.review.background import LibraryThread
from ui.review.content import Content, content_of, plan_at, plan_view
from ui.review.details import Details
from ui.review.player import Player
from ui.review.roll import Roll
from ui.review.sessions import SessionList
from ui.review.strip import Strip
from ui.review.transport import SPEED_STEP, TransportBar
from ui.review.words import position_text
from ui.review.works import Works
from ui.theme import Theme

REVIEW = "Review"
_CHOICE_DELAY_MS = 90
"""A session is loaded when the list has stood still for so long."""
_REFRESH_MS = 1500
"""So often the list is read again while a jam is running, and once after it."""
_NOTHING_YET = -1
"""In place of the number of the plan that is shown: neither a plan nor that there is none."""
_NEAR_S = 0.6
"""So close to the playhead a moment counts as being there."""


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
        self._running = False
        self._deleted_shown = False
        self._asked = 0
        self._plan_index: int | None = _NOTHING_YET
        self._wished_take: int | None = None
        self._newest: SessionInfo | None = None
        self._is_shown = self._is_laid_out = False
        self.history = QUndoStack(self)
        self.history.setUndoLimit(200)
        self.library = LibraryThread(library, self)
        self.player = Player(send, now_s)
        self.list = SessionList()
        self.details = Details()
        self.strip = Strip()
        self.roll = Roll()
        self.transport = TransportBar()
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
        self.front = QStackedWidget()
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
        self.delete_action = self._entry(menu, "Delete the session", self.delete)
        menu.addSeparator()
        self._entry(menu, "Rename this take …", self.rename_take)
        self.delete_take_action = self._entry(menu, "Remove this take", self.delete_take)

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
        self.list.table.doubleClicked.connect(lambda _: self.play_pause())
        self.list.table.space.connect(self.play_pause)
        self.list.dragged_out.connect(lambda _: self.works.drag_out())
        details = self.details
        details.renamed.connect(self.rename)
        details.tagged.connect(self.set_tags)
        details.rated.connect(self.rate)
        details.take_chosen.connect(self.show_take)
        details.new_take.clicked.connect(lambda _: self.works.ask_take())
        details.export.clicked.connect(lambda _: self.works.ask_export())
        details.handle.dragged.connect(self.works.drag_out)
        self.roll.sought.connect(self.seek)
        self.roll.loop_drawn.connect(self.set_loop)
        self.roll.follow_ended.connect(lambda: self.transport.show_follow(False))
        bar = self.transport
        bar.play_pause.connect(self.play_pause)
        bar.to_start.connect(self.to_start)
        bar.speed_wanted.connect(self.player.set_speed)
        bar.loop_wanted.connect(lambda on: self.toggle_loop(on))
        bar.follow_wanted.connect(self.follow)
        bar.plan_wanted.connect(self.show_plan)
        bar.zoom_wanted.connect(self.roll.zoom_by)
        bar.parts_muted.connect(self.mute)
        bar.moment_wanted.connect(self.add_moment)
        bar.moment_sought.connect(self.go_to_moment)

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
            listed = min(680, max(350, self.width() // 4))
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
        if snapshot.running != self._running:
            self._running = snapshot.running
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
        if self._running:
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
            name, content.start_s, content.end_s,
            lambda keeps: load_take(name, shown.take, shown.info.settings, keeps), keeps_place,
        )  # fmt: skip
        for part, button in self.transport.parts.items():
            button.setEnabled(bool(shown.take.parts.get(part)))

    def rename_take(self) -> None:
        """Ask for another name of the take in front."""
        session, take = self.session, self.take
        if session is None or take is None:
            return

        def named(name: str) -> None:
            if name.strip():
                self.library.ask(
                    lambda lib: lib.rename_take(session.info.id, take.id, name),
                    lambda _: self.reload(session.info.id),
                )

        self._ask_text("Take", "Name of this take:", take.name, named)

    def delete_take(self) -> None:
        """Remove the take in front, for good."""
        session, take = self.session, self.take
        if session is None or take is None or take.id == LIVE_TAKE:
            return

        def then(_: None) -> None:
            self.told.emit(f"Removed: {take.name}")
            self.reload(session.info.id, LIVE_TAKE)

        self.library.ask(lambda lib: lib.delete_take(session.info.id, take.id), then)

    # Playing

    def play_pause(self) -> None:
        if self._running:
            self.told.emit("A jam is running: stop it first")
            return
        self.player.play_pause()

    def to_start(self) -> None:
        if (state := self.player.state) is not None:
            self.seek(state.loop[0] if state.loop else state.start_s)

    def to_end(self) -> None:
        if (state := self.player.state) is not None:
            self.seek(state.end_s)

    def seek(self, to_s: float) -> None:
        self.player.seek(to_s)

    def step(self, by: int, bars: bool = False) -> None:
        """So many beats or bars on."""
        if self.roll.content is not None:
            self.seek(roll_scene.step(self.roll.content.beats, self.player.position_s, by, bars))

    def change_speed(self, steps: int) -> None:
        if (state := self.player.state) is not None:
            self.player.set_speed(state.speed + steps * SPEED_STEP)
            self.told.emit(f"Speed {self.player.state.speed:.0%}" if self.player.state else "")

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        self.player.set_loop(loop)
        if loop is not None and not loop[0] <= self.player.position_s < loop[1]:
            self.seek(loop[0])

    def toggle_loop(self, on: bool | None = None) -> None:
        """Loop what was looped last, or the bar in which it is; or play on."""
        state, content = self.player.state, self.roll.content
        if state is None or content is None:
            return
        if on is None:
            on = state.loop is None
        if not on:
            self.player.set_loop(None)
            return
        position_s = self.player.position_s + 0.001
        first = roll_scene.step(content.beats, position_s + 0.03, -1, True)
        self.set_loop((first, roll_scene.step(content.beats, position_s, 1, True)))

    def loop_edge(self, last: bool) -> None:
        """The loop begins, or ends, at the nearest beat."""
        state, content = self.player.state, self.roll.content
        if state is None or content is None:
            return
        at_s = roll_scene.snapped(content.beats, self.player.position_s)
        first_s, last_s = state.loop or (state.start_s, state.end_s)
        loop = (first_s, at_s) if last else (at_s, last_s)
        if loop[0] < loop[1]:
            self.player.set_loop(loop)

    def follow(self, on: bool) -> None:
        self.roll.follows = on
        self.transport.show_follow(on)

    def show_plan(self, on: bool) -> None:
        self.roll.show_plan_lane(on)
        self.transport.plan.setChecked(on)

    def mute(self, parts: tuple[str, ...]) -> None:
        self.player.mute(parts)
        self.roll.show_muted(parts)

    # Changes, each of which can be taken back

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
        self.strip.tell(f"Deleted: {info.name}. It is kept for 30 days.", "Undo", self.undo)

    def _is_recorded(self) -> bool:
        """Whether the session in front still goes on; then it says so."""
        recorded = self.session is not None and self.session.info.state == "recording"
        if recorded:
            self.strip.tell("This jam is still being recorded: stop it first.", alert=True)
        return recorded

    @property
    def _info(self) -> SessionInfo | None:
        return self.session.info if self.session is not None else None

    def _do(
        self, words: str, do: Callable[[Library], object], undo: Callable[[Library], object]
    ) -> None:
        def run(what: Callable[[Library], object]) -> None:
            self.library.ask(what, lambda _: self.refresh())

        self.history.push(Step(words, lambda: run(do), lambda: run(undo)))
        self.told.emit(words)

    def undo(self) -> None:
        """Take the last change of a session back."""
        words = self.history.undoText()
        self.history.undo()
        self.strip.hide_news()
        self.told.emit(f"Undone: {words}" if words else "Nothing to undo")

    def redo(self) -> None:
        words = self.history.redoText()
        self.history.redo()
        self.told.emit(f"Done again: {words}" if words else "Nothing to redo")

    # Moments

    def add_moment(self, kind: MomentKind) -> None:
        """Mark the place of the playhead."""
        if self.session is not None and not self._is_recorded():
            moment = Moment(round(self.player.position_s, 3), kind)
            moments = sorted((*self.session.moments, moment), key=lambda m: m.at_s)
            self._set_moments(f"{kind} moment", tuple(moments))

    def remove_moment(self) -> None:
        """Take away the moment at the playhead."""
        if self.session is not None and (gone := self._moment_here()) is not None:
            kept = tuple(m for m in self.session.moments if m is not gone)
            self._set_moments(f"{gone.kind} moment taken away", kept)

    def name_moment(self) -> None:
        """Ask for a word on the moment at the playhead."""
        if self.session is None or (old := self._moment_here()) is None:
            return
        moments = self.session.moments

        def named(text: str) -> None:
            new = replace(old, text=text.strip())
            self._set_moments("word on a moment", tuple(new if m is old else m for m in moments))

        self._ask_text("Moment", "A word on this moment:", old.text, named)

    def _moment_here(self) -> Moment | None:
        """The moment at the playhead; None, and it is said, where there is none to be changed."""
        if self.session is None or self._is_recorded():
            return None
        at_s = self.player.position_s
        near = [m for m in self.session.moments if abs(m.at_s - at_s) <= _NEAR_S]
        if not near:
            self.told.emit("No moment is marked here")
        return min(near, key=lambda m: abs(m.at_s - at_s), default=None)

    def _ask_text(self, title: str, label: str, text: str, then: Callable[[str], object]) -> None:
        dialog = QInputDialog(self.window())
        dialog.setWindowTitle(title)
        dialog.setLabelText(label)
        dialog.setTextValue(text)
        dialog.textValueSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def go_to_moment(self, by: int) -> None:
        """To the next moment, or the one before."""
        if self.session is None:
            return
        at_s = self.player.position_s
        if by > 0:
            later = [m.at_s for m in self.session.moments if m.at_s > at_s + 0.05]
            to_s = min(later, default=None)
        else:
            slack_s = 0.4 if self.player.playing else 0.05
            to_s = max((m.at_s for m in self.session.moments if m.at_s < at_s - slack_s),
                       default=None)  # fmt: skip
        if to_s is None:
            self.told.emit("No moment is marked further on" if by > 0 else "None before")
        else:
            self.seek(to_s)

    def _set_moments(self, words: str, moments: tuple[Moment, ...]) -> None:
        assert self.session is not None
        session_id, before = self.session.info.id, self.session.moments

        def show(wanted: tuple[Moment, ...]) -> Callable[[], None]:
            def run() -> None:
                if self.session is not None and self.session.info.id == session_id:
                    self.session = replace(self.session, moments=wanted)
                    self.roll.show_moments(wanted)
                self.library.ask(lambda lib: lib.set_moments(session_id, wanted))

            return run

        self.history.push(Step(words, show(moments), show(before)))
        self.told.emit(words)

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
