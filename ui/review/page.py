"""The page Review: the list of sessions, and the one in front to be seen, heard and worked on.

Ties the widgets to the model and to what is done with it. Runs on: the window's thread. Nothing in
it waits: the library is asked through `library_thread`, what takes long is a job in a process of
its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QPoint, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QAction, QDragEnterEvent, QDropEvent, QShowEvent
from PyQt6.QtWidgets import QLabel, QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import LoadRewriter
from jam.messages.commands import PlaybackCommand
from jam.messages.notes import AGENT, HAND, SONG
from jam.messages.snapshot import Snapshot
from jam.music.song import Song
from jam.sessions.exports import take_of
from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, Session, SessionInfo
from jam.sessions.takes import as_song, as_song_to_practise
from ui.common.pages import Stack
from ui.common.text import MARK_AS, position_text
from ui.common.theme import DARK, Theme, source_colours
from ui.review.content import plan_at, plan_view, sources_of
from ui.review.details import Details
from ui.review.edits import Edits
from ui.review.model import ReviewModel
from ui.review.news_bar import NewsBar
from ui.review.playback_actions import PlaybackActions
from ui.review.rewriting import Rewriting
from ui.review.rewriting_bar import RewritingBar
from ui.review.roll import Roll
from ui.review.session_list import SessionList
from ui.review.statistics import TITLE as PRACTISED
from ui.review.statistics import Statistics
from ui.review.take_edits import TakeEdits
from ui.review.tasks import Tasks
from ui.review.telling import Telling, Told, told_of
from ui.review.transport_bar import TransportBar
from ui.settings.look import Look

USE_AS_SONG = "Use its chords as a song"
TELL = "What was played …"
PRACTISE = "Practise its melody"
FAULTS = "Melody:\u00a0 ▭ not played \u00a0 × not its note"
SOURCE_WORDS = {AGENT: "agent", SONG: "song", HAND: "left hand"}
_REFRESH_MS = 1500
"""So often the list is read again while a jam is running, and once after it."""
_NOTHING_YET = -1
"""In place of the number of the plan that is shown: neither a plan nor that there is none."""
NO_PLAN_YET = "No plan yet at this point."
NO_PLANS = "No plans were recorded."
NO_CHORDS_YET = "No accompaniment yet: press Ctrl+N to add one."


class ReviewPage(QWidget):
    """send: receives commands for the engine. now_s: the time of jam.clock. load: gives the
    predictor for new takes, None the rules. library: its file, None the user's own. load_rewriter:
    gives what composes bars again.
    """

    told = pyqtSignal(str)
    """A few words on what was just done."""
    song_wanted = pyqtSignal(object)
    """This song, made of a take, is to be played; one with a melody to be practised."""

    def __init__(
        self,
        send: Callable[[PlaybackCommand], None],
        now_s: Callable[[], float],
        load: LoadPredictor | None,
        look: Look,
        library: Path | None = None,
        load_rewriter: LoadRewriter | None = None,
    ) -> None:
        super().__init__()
        self._deleted_shown = False
        self._theme = DARK
        self.telling: Telling | None = None
        self.statistics: Statistics | None = None
        self._asked = 0
        self._plan_index: int | None = _NOTHING_YET
        self._recording_shown: object = None
        self._newest: SessionInfo | None = None
        self._to_hear: int | None = None
        self._is_shown = self._is_laid_out = False
        self.model = ReviewModel(send, now_s, library, self)
        self.list = SessionList()
        self.details = Details()
        self.roll = Roll()
        self._right = QWidget()
        self.news = NewsBar(self.roll, self._right)
        self.transport = TransportBar()
        self.playback = PlaybackActions(self.model)
        self.edits = Edits(self.model, self.news, self)
        self.tasks = Tasks(self.model, self.news, load, look, self, load_rewriter)
        self.rewriting_bar = RewritingBar()
        self.rewriting = Rewriting(
            self.model,
            self.rewriting_bar,
            self.roll,
            TakeEdits(self.model, self.edits),
            self.tasks,
            self.playback,
            self.news,
            self,
        )
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(_REFRESH_MS)
        self._refresh_timer.timeout.connect(self._on_refresh)
        self._build()
        self._connect()

    # Building

    def _build(self) -> None:
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.legend = QLabel()
        self.legend.setObjectName("legend")
        self.legend.setAccessibleName("Who said the chords")
        self.legend.setContentsMargins(12, 0, 12, 4)
        self.legend.hide()
        self.view = QWidget()
        column = QVBoxLayout(self.view)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.details)
        column.addWidget(self.legend)
        column.addWidget(self.roll, 1)
        column.addWidget(self.rewriting_bar)
        column.addWidget(self.transport)
        self.front = Stack()
        self.front.addWidget(self.hint)
        self.front.addWidget(self.view)
        below = QVBoxLayout(self._right)
        below.setContentsMargins(0, 0, 0, 0)
        below.addWidget(self.front)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(self.list)
        self.splitter.addWidget(self._right)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.list.setMinimumWidth(270)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.splitter)
        self._build_menus()
        self._build_context_menus()
        self.setAcceptDrops(True)

    def _build_menus(self) -> None:
        self.list_menu = QMenu(self)
        self.import_action = self._entry(self.list_menu, "Import files …", self.tasks.ask_import)
        self._entry(self.list_menu, f"{PRACTISED} …", self.show_statistics)
        self.deleted_action = self._entry(
            self.list_menu, "Show deleted sessions", self.toggle_deleted
        )
        self.deleted_action.setCheckable(True)
        more = QPushButton("⋯")
        more.setAccessibleName("More for sessions")
        more.setToolTip("Import files, practice by day and song, show deleted sessions.")
        more.setMenu(self.list_menu)
        self.list.top.addWidget(more)
        menu = self.details.menu
        self._entry(menu, "Rename session", self.details.title.edit)
        self._entry(menu, "Edit tags", self.details.tags.edit)
        self._entry(menu, USE_AS_SONG, self.use_as_song)
        self._entry(menu, PRACTISE, self.practise)
        self._entry(menu, TELL, self.tell)
        self.delete_action = self._entry(menu, "Delete session", self.edits.delete)
        menu.addSeparator()
        self._entry(menu, "Rename take …", self.edits.rename_take)
        self.delete_take_action = self._entry(menu, "Delete take", self.edits.delete_take)

    def _build_context_menus(self) -> None:
        """What the right button of the mouse opens: upon a session, and upon the roll."""
        playback, edits, tasks = self.playback, self.edits, self.tasks
        on_session, on_roll = QMenu(self), QMenu(self)
        self._entry(on_session, "Play or pause", playback.play_pause)
        self._entry(on_session, "New take …", tasks.ask_take)
        self._entry(on_session, "Transcribe again", tasks.transcribe_again)
        self._entry(on_session, "Export …", tasks.ask_export)
        self._entry(on_session, USE_AS_SONG, self.use_as_song)
        self._entry(on_session, PRACTISE, self.practise)
        self._entry(on_session, TELL, self.tell)
        on_session.addSeparator()
        self._entry(on_session, "Rename", self.details.title.edit)
        self._entry(on_session, "Edit tags", self.details.tags.edit)
        self._entry(on_session, "Delete", edits.delete)
        for kind, text in MARK_AS.items():
            self._entry(on_roll, text, partial(edits.add_moment, kind))
        self._entry(on_roll, "Comment on the mark …", edits.name_moment)
        self._entry(on_roll, "Delete mark", edits.remove_moment)
        on_roll.addSeparator()
        self._entry(on_roll, "Loop from here", partial(playback.loop_edge, False))
        self._entry(on_roll, "Loop to here", partial(playback.loop_edge, True))
        self._entry(on_roll, "Loop on/off", playback.toggle_loop)
        on_roll.addSeparator()
        self._entry(on_roll, "Zoom to fit", self.roll.fit_all)
        self.context_menus = (on_session, on_roll)
        table, roll = self.list.table, self.roll
        for widget, menu in ((table, on_session), (roll, on_roll)):
            widget.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            widget.customContextMenuRequested.connect(
                lambda at, widget=widget, menu=menu: self._open(menu, widget, at)
            )

    def _open(self, menu: QMenu, widget: QWidget, at: QPoint) -> None:
        """The menu is about what is under the mouse."""
        if self.model.session is None:
            return
        if widget is self.roll:
            self.roll.seek_to(at.x())
        menu.popup(widget.mapToGlobal(at))

    def _entry(self, menu: QMenu, text: str, do: Callable[[], object]) -> QAction:
        action = menu.addAction(text)
        assert action is not None
        action.triggered.connect(lambda _: do())
        return action

    def _connect(self) -> None:
        model, playback, edits, tasks = self.model, self.playback, self.edits, self.tasks
        model.told.connect(self.told)
        model.jam_changed.connect(self._refresh_timer.start)
        model.front_changed.connect(self._on_front)
        model.info_changed.connect(self._on_info)
        model.moments_changed.connect(self._on_moments)
        model.follow_changed.connect(self._on_follow)
        model.plan_lane_changed.connect(self._on_plan_lane)
        model.list_outdated.connect(self.refresh)
        model.content_moved.connect(self._on_moved)
        model.session_wished.connect(self.list.choose)
        self.roll.resized.connect(self.news.fit)
        self.splitter.splitterMoved.connect(lambda *_: self.news.fit())
        model.library.failed.connect(lambda text: self.news.tell(_sentence(text), alert=True))
        self.list.searched.connect(lambda _: self.refresh())
        self.list.chosen.connect(model.choose)
        self.list.table.doubleClicked.connect(lambda _: playback.play_pause())
        self.list.table.space.connect(playback.play_pause)
        self.list.dragged_out.connect(lambda _: tasks.drag_out())
        details = self.details
        for field in (details.title, details.tags):
            field.returnPressed.connect(self.roll.setFocus)
        details.renamed.connect(edits.rename)
        details.tagged.connect(edits.set_tags)
        details.rated.connect(edits.rate)
        details.take_chosen.connect(model.show_take)
        details.rewrite.clicked.connect(lambda _: self.rewriting.toggle())
        details.new_take.clicked.connect(lambda _: tasks.ask_take())
        details.export.clicked.connect(lambda _: tasks.ask_export())
        details.handle.dragged.connect(tasks.drag_out)
        self.roll.sought.connect(playback.seek)
        self.roll.loop_drawn.connect(playback.set_loop)
        self.roll.follow_ended.connect(lambda: model.set_follows(False))
        bar = self.transport
        bar.play_pause.connect(playback.play_pause)
        bar.to_start.connect(playback.to_start)
        bar.speed_wanted.connect(playback.set_speed)
        bar.loop_wanted.connect(playback.toggle_loop)
        bar.follow_wanted.connect(model.set_follows)
        bar.plan_wanted.connect(model.show_plan_lane)
        bar.zoom_wanted.connect(self.roll.zoom_by)
        bar.parts_muted.connect(playback.mute)
        bar.moment_wanted.connect(edits.add_moment)
        bar.moment_sought.connect(playback.go_to_moment)

    # The window's side

    def shown(self) -> None:
        """The page came to the front."""
        self._is_shown = True
        self.refresh()
        self._refresh_timer.start()  # what has just been played is still being written
        (self.roll if self.model.session is not None else self.list.table).setFocus()

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
        self._to_hear = None
        self.playback.stay_silent()

    @property
    def foot(self) -> QWidget | None:
        """The uppermost of what lies below the roll, or over its end, and is clicked."""
        below = (self.news, self.rewriting_bar, self.transport)
        return next((widget for widget in below if widget.isVisible()), None)

    def listen(self, session_id: int | None) -> None:
        """Play a session as soon as it is there; None: the newest one comes to the front."""
        self._to_hear = session_id
        if session_id is not None:
            self.list.choose(session_id)
        self._hear()
        self.refresh()

    def _hear(self) -> None:
        session = self.model.session
        if session is None or session.info.id != self._to_hear:
            return
        if session.info.state != "recording":  # its end may still be on the way to the library
            self._to_hear = None
            if not self.model.player.playing:
                self.playback.play_pause()

    def close_page(self) -> None:
        """The window closes."""
        self.tasks.close()
        self.model.library.close()

    def tell(self) -> None:
        """Tell what was played in the session in front: beat, chords, the last time."""
        session = self.model.session
        if session is None:
            return
        number = session.info.id

        def show(told: Told) -> None:
            self.telling = Telling(told, self._theme, self)
            self.telling.open()

        self.model.library.ask(lambda library: told_of(library, number), show)

    def show_statistics(self) -> None:
        """How much was practised, by day and song."""
        self.statistics = Statistics(self.model.library.ask, self)
        self.statistics.open()

    def use_as_song(self) -> None:
        """Have the chords of the take in front as a song for the next jam."""
        session, take = self.model.session, self.model.take
        if session is None or take is None:
            return
        session_id, take_id = session.info.id, take.id

        def work(library: Library) -> Song:
            whole = library.session(session_id)
            return as_song(whole, take_of(whole, take_id))

        self.model.library.ask(work, self.song_wanted.emit)

    def practise(self) -> None:
        """Have chords and melody of the take in front as a song to practise."""
        session, take = self.model.session, self.model.take
        if session is None or take is None:
            return
        session_id, take_id = session.info.id, take.id

        def work(library: Library) -> Song:
            whole = library.session(session_id)
            return as_song_to_practise(whole, take_of(whole, take_id))

        self.model.library.ask(work, self.song_wanted.emit)

    def _show_legend(self) -> None:
        content = self.model.content
        sources = sources_of(content) if content is not None else ()
        faults = content is not None and bool(content.faults)
        by_others = any(source != AGENT for source in sources)
        self.legend.setVisible(by_others or faults)
        theme = self._theme
        said = (
            f'<span style="color:{source_colours(theme, source)[1]}">■</span>'
            f" {SOURCE_WORDS[source]}"
            for source in sources
        )
        words = ["Chords:\u00a0 " + " \u00a0 ".join(said)] if by_others else []
        if faults:
            words.append(FAULTS)
        self.legend.setText(" \u00a0\u00a0 ".join(words))

    def show_theme(self, theme: Theme, text_scale: float = 1.0) -> None:
        self._theme = theme
        self._show_legend()
        self.roll.show_theme(theme, text_scale)
        self.list.show_theme(theme)

    def show_moment(self, snapshot: Snapshot) -> None:
        """Follow the engine; called as often as the screen is drawn, while the page is in front."""
        model, player = self.model, self.model.player
        model.follow_jam(snapshot.running)
        player.follow(snapshot.playback)
        state, session = player.state, model.session
        if session is None or state is None:
            return
        position_s = player.position_s
        self.roll.show_position(position_s, state.playing)
        self.roll.show_loop(state.loop)
        self.roll.show_muted(state.muted)
        model.look_at(*self.roll.span_s)
        self.rewriting.follow()
        self._show_plan_of(session, position_s)
        place = position_text(session.tempo_map, position_s, state.end_s)
        self.transport.show_state(state, place)
        self._show_recording(session, snapshot.devices.audio)

    def _show_recording(self, session: Session, audio: str) -> None:
        """The switch of the microphone's sound, where there is or should be any."""
        state, file = self.model.player.state, self.model.recording
        now = (session.info.id, state.speed if state is not None else 1.0, audio)
        if now != self._recording_shown:
            self._recording_shown = now
            wished = take_of(session, LIVE_TAKE).info.settings.voice_kept
            there = file is not None and file.is_file()
            self.transport.show_recording(wished or there, file, audio)

    def _show_plan_of(self, session: Session, position_s: float) -> None:
        content = self.model.content
        there = content is not None and content.covers(position_s, position_s)
        index = plan_at(session, position_s) if there else None
        if index == self._plan_index:
            return
        self._plan_index = index
        plan = plan_view(session, index) if index is not None else None
        self.roll.show_plan(plan)
        if plan is not None:
            words = plan.words
        elif session.plans:
            words = NO_PLAN_YET
        elif len(session.takes) == 1 and self.model.content and not self.model.content.chords:
            words = NO_CHORDS_YET
        else:
            words = NO_PLANS
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

        self.model.library.ask(
            lambda library: (library.sessions(words, deleted=deleted), library.tags()), then
        )

    def _choose_new(self, found: Sequence[SessionInfo]) -> None:
        """What was played since the list was read last is what one came for."""
        newest = max(found, key=lambda info: info.started_at, default=None)
        before, self._newest = self._newest, newest
        if before is not None and newest is not None and newest.started_at > before.started_at:
            self.list.choose(newest.id)

    def _on_refresh(self) -> None:
        if self._is_shown:
            self.refresh()
        if self.model.jam_running:
            self._refresh_timer.start()

    def toggle_deleted(self) -> None:
        """The sessions, or those that were deleted."""
        self._deleted_shown = not self._deleted_shown
        self.deleted_action.setChecked(self._deleted_shown)
        self.refresh()

    def focus_search(self) -> None:
        self.list.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.list.search.selectAll()

    # What the model tells

    def _on_front(self, keeps_place: bool) -> None:
        model = self.model
        session, content = model.session, model.content
        self._plan_index = _NOTHING_YET
        self.roll.show_content(content, keeps_place)
        self._show_legend()
        if session is None or content is None:
            self.front.setCurrentWidget(self.hint)
            return
        self.front.setCurrentWidget(self.view)
        self._on_info()
        self._on_moments()
        self._recording_shown = None
        self.details.show_takes([each.info for each in session.takes], model.take_id)
        self.delete_take_action.setEnabled(model.take_id != LIVE_TAKE)
        for part, button in self.transport.parts.items():
            button.setEnabled(part in content.parts)
        self._hear()

    def _on_moved(self) -> None:
        self._plan_index = _NOTHING_YET
        self.roll.show_content(self.model.content, True)

    def _on_info(self) -> None:
        if (session := self.model.session) is not None:
            self.details.show_info(session.info)

    def _on_moments(self) -> None:
        if (session := self.model.session) is not None:
            self.roll.show_moments(session.moments)

    def _on_follow(self) -> None:
        self.roll.follows = self.model.follows
        self.transport.show_follow(self.model.follows)

    def _on_plan_lane(self) -> None:
        self.roll.show_plan_lane(self.model.plan_lane)
        self.transport.show_plan_lane(self.model.plan_lane)

    # Files dropped here

    def dragEnterEvent(self, a0: QDragEnterEvent | None) -> None:
        if a0 is not None and (data := a0.mimeData()) is not None and data.hasUrls():
            a0.acceptProposedAction()

    def dropEvent(self, a0: QDropEvent | None) -> None:
        if a0 is None or (data := a0.mimeData()) is None:
            return
        self.tasks.import_paths([Path(url.toLocalFile()) for url in data.urls()])
        a0.acceptProposedAction()


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!")) else ".")
