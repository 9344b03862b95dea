"""The model of the page Review: the session and the take in front, their playback, the library.

What is done on the page (`edits`, `playback_actions`, `tasks`) works on this model; the page shows
what its signals tell. Runs on: the window's thread. Nothing in it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from jam.messages.commands import PlaybackCommand
from jam.sessions.exports import take_of
from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, Moment, Session, SessionInfo, TakeInfo
from jam.stage.playback import load_take
from ui.review.content import Content, content_of
from ui.review.library_thread import LibraryThread
from ui.review.playback import Player

_CHOICE_DELAY_MS = 90
"""A session is read when the choice has rested for so long."""
ONLY_ONE_TAKE = "Only one take so far. Ctrl+N makes another."


class ReviewModel(QObject):
    """send: receives commands for the engine. now_s: the time of jam.clock. library: its file;
    None is the user's own.
    """

    told = pyqtSignal(str)
    """A few words on what was just done."""
    front_changed = pyqtSignal(bool)
    """Another session or take is in front, or none; True: the same music, so the place is kept."""
    info_changed = pyqtSignal()
    """Name, rating, tags, length or state of the session in front."""
    moments_changed = pyqtSignal()
    follow_changed = pyqtSignal()
    plan_lane_changed = pyqtSignal()
    jam_changed = pyqtSignal()
    """A jam has begun or ended."""
    jam_stop_wanted = pyqtSignal()
    list_outdated = pyqtSignal()
    """The list of sessions has to be read again."""
    session_wished = pyqtSignal(int)
    """The session of this id is to be chosen in the list."""

    def __init__(
        self,
        send: Callable[[PlaybackCommand], None],
        now_s: Callable[[], float],
        library: Path | None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.library_path = library
        self.library = LibraryThread(library, self)
        self.player = Player(send, now_s)
        self.session: Session | None = None
        self.content: Content | None = None
        """What the take in front has to show."""
        self.take_id = LIVE_TAKE
        self.jam_running = False
        self.follows = True
        """The roll turns its pages with the music."""
        self.plan_lane = True
        """The plan as it was is shown above the notes."""
        self._other_take = LIVE_TAKE
        self._chosen: SessionInfo | None = None
        self._choice_timer = QTimer(self)
        self._choice_timer.setSingleShot(True)
        self._choice_timer.setInterval(_CHOICE_DELAY_MS)
        self._choice_timer.timeout.connect(self._read_chosen)

    @property
    def take(self) -> TakeInfo | None:
        """The take in front."""
        return take_of(self.session, self.take_id).info if self.session is not None else None

    def follow_jam(self, running: bool) -> None:
        """Whether a jam is running now."""
        if running != self.jam_running:
            self.jam_running = running
            self.jam_changed.emit()

    # Which session is in front

    def choose(self, info: SessionInfo | None) -> None:
        """The session that is chosen in the list; None for none. It is read after a moment."""
        self._chosen = info
        session = self.session
        if info is None:
            self._choice_timer.stop()
            self._show(None, None, LIVE_TAKE)
        elif session is None or session.info.id != info.id:
            self._choice_timer.start()
        else:
            before = session.info
            self.session = replace(session, info=info)
            self.info_changed.emit()
            if before.length_s != info.length_s or before.state != info.state:
                self._choice_timer.start()  # it goes on

    def _read_chosen(self) -> None:
        if self._chosen is not None:
            self.reload(self._chosen.id)

    def reload(self, session_id: int, take_id: int | None = None) -> None:
        """Read a session again, and show one of its takes (None: the one in front)."""
        if take_id is None:
            again = self.session is not None and self.session.info.id == session_id
            take_id = self.take_id if again else LIVE_TAKE

        def read(library: Library) -> tuple[Session, Content]:
            session = library.session(session_id)
            takes = {each.info.id: each for each in session.takes}
            return session, content_of(session, takes.get(take_id, session.takes[0]))

        def then(found: tuple[Session, Content]) -> None:
            if self._chosen is not None and self._chosen.id == session_id:
                self._show(*found, take_id)

        self.library.ask(read, then)

    def _show(self, session: Session | None, content: Content | None, take_id: int) -> None:
        before, self.session = self.session, session
        if session is None or content is None:
            self.content = None
            self.player.forget()
            self.front_changed.emit(False)
            return
        again = before is not None and session.info.id == before.info.id
        ids = [each.info.id for each in session.takes]
        self.take_id = take_id if take_id in ids else ids[0]
        if not again:
            self._other_take = ids[0]
        self._show_content(session, content, again)

    # Which of its takes

    def show_take(self, take_id: int) -> None:
        """Another take comes to the front, at the same place."""
        session = self.session
        if session is None or take_id == self.take_id:
            return
        self._other_take, self.take_id = self.take_id, take_id
        shown = take_of(session, take_id)

        def then(content: Content) -> None:
            if self.session is session and self.take_id == take_id:
                self._show_content(session, content, True)
                self.told.emit(f"Take: {shown.info.name}")

        self.library.ask(lambda _: content_of(session, shown), then)

    def other_take(self) -> None:
        """Back to the take that was in front before."""
        if self.session is None:
            return
        ids = [each.info.id for each in self.session.takes]
        other = self._other_take
        if other == self.take_id or other not in ids:
            other = next((i for i in ids if i != self.take_id), self.take_id)
        if other == self.take_id:
            self.told.emit(ONLY_ONE_TAKE)
        self.show_take(other)

    def _show_content(self, session: Session, content: Content, keeps_place: bool) -> None:
        self.content = content
        shown = take_of(session, self.take_id)
        name = f"{session.info.id}/{self.take_id}"
        self.player.show(
            name,
            content.start_s,
            content.end_s,
            lambda keeps: load_take(name, shown.take, shown.info.settings, keeps),
            keeps_place,
        )
        self.front_changed.emit(keeps_place)

    # What of it is shown

    def set_moments(self, session_id: int, moments: tuple[Moment, ...]) -> None:
        """Show these marks of a session, and keep them."""
        if self.session is not None and self.session.info.id == session_id:
            self.session = replace(self.session, moments=moments)
            self.moments_changed.emit()
        self.library.ask(lambda library: library.set_moments(session_id, moments))

    def set_follows(self, on: bool) -> None:
        """Turn the pages with the music, or don't."""
        self.follows = on
        self.follow_changed.emit()

    def toggle_follows(self) -> None:
        self.set_follows(not self.follows)

    def show_plan_lane(self, on: bool) -> None:
        """Show the plan as it was, or don't."""
        self.plan_lane = on
        self.plan_lane_changed.emit()

    def toggle_plan_lane(self) -> None:
        self.show_plan_lane(not self.plan_lane)
