"""The model of the page Review: the session and the take in front, their playback, the library.

What is done on the page (`edits`, `playback_actions`, `tasks`) works on this model; the page shows
what its signals tell. Runs on: the window's thread. Nothing in it waits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from jam.files import library_path
from jam.messages.commands import LoadTake, PlaybackCommand
from jam.performance.take import Take
from jam.sessions import voices
from jam.sessions.excerpt import Excerpt
from jam.sessions.exports import take_of
from jam.sessions.library import Library
from jam.sessions.session import LIVE_TAKE, Moment, Session, SessionInfo, TakeInfo
from jam.stage.playback import load_take
from ui.review.content import Beat, Content, beats_around, content_of, shown_take
from ui.review.library_thread import LibraryThread
from ui.review.playback import Player

_CHOICE_DELAY_MS = 90
"""A session is read when the choice has rested for so long."""
_RESERVE_S = 60.0
"""So much before it is seen or heard, a part of a long session is read."""
ONLY_ONE_TAKE = "Only one take so far. Ctrl+N makes another."


class ReviewModel(QObject):
    """send: receives commands for the engine. now_s: the time of jam.clock. library: its file;
    None is the user's own.
    """

    told = pyqtSignal(str)
    """A few words on what was just done."""
    front_changed = pyqtSignal(bool)
    """Another session or take is in front, or none; True: the same music, so the place is kept."""
    content_moved = pyqtSignal()
    """Another part of the same take is there to be seen."""
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
        self._excerpt: Excerpt | None = None
        self.previews = False
        """A proposal is shown and heard, not the take in front."""
        self._preview: object | None = None
        self._asked: object | None = None
        """A part of the session that is being read."""
        self._middle_s = self._read_at_s = 0.0
        """The middle of what is in sight; and where it was when a part was read for it."""
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
            self._show(None, LIVE_TAKE)
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
        again = self.session is not None and self.session.info.id == session_id
        if take_id is None:
            take_id = self.take_id if again else LIVE_TAKE
        at_s = self._middle_s if again else 0.0

        def read(library: Library) -> tuple[Excerpt, Content]:
            excerpt = library.excerpt(session_id, take_id, at_s)
            return excerpt, content_of(excerpt)

        def then(found: tuple[Excerpt, Content]) -> None:
            if self._chosen is not None and self._chosen.id == session_id:
                self._show(found, take_id)

        self.library.ask(read, then)

    def _show(self, found: tuple[Excerpt, Content] | None, take_id: int) -> None:
        before = self.session
        if found is None:
            self.session = self.content = self._excerpt = None
            self.player.forget()
            self.front_changed.emit(False)
            return
        session = found[0].session
        again = before is not None and session.info.id == before.info.id
        ids = [each.info.id for each in session.takes]
        self.take_id = take_id if take_id in ids else ids[0]
        if not again:
            self._other_take = ids[0]
        self._show_content(*found, again)

    # Which of its takes

    def show_take(self, take_id: int) -> None:
        """Another take comes to the front, at the same place."""
        session, excerpt = self.session, self._excerpt
        if session is None or excerpt is None or take_id == self.take_id:
            return
        self._other_take, self.take_id = self.take_id, take_id
        name, at_s = take_of(session, take_id).info.name, self._middle_s

        def read(library: Library) -> tuple[Excerpt, Content]:
            whole = excerpt.outline is None
            other = (
                Excerpt(session, take_id)
                if whole
                else library.excerpt(session.info.id, take_id, at_s)
            )
            return other, content_of(other)

        def then(found: tuple[Excerpt, Content]) -> None:
            if self._is_in_front(session.info.id, take_id):
                self._show_content(*found, True)
                self.told.emit(f"Take: {name}")

        self.library.ask(read, then)

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

    def _is_in_front(self, session_id: int, take_id: int) -> bool:
        session = self.session
        return session is not None and session.info.id == session_id and self.take_id == take_id

    def _show_content(self, excerpt: Excerpt, content: Content, keeps_place: bool) -> None:
        self._excerpt, self.session, self.content = excerpt, excerpt.session, content
        self._asked = self._preview = None
        self.previews = False
        self.player.show(
            self._name,
            content.start_s,
            content.end_s,
            self._loader(excerpt, content),
            keeps_place,
            (content.first_s, content.last_s),
        )
        self.front_changed.emit(keeps_place)

    def preview(self, change: Callable[[Take], Take] | None) -> None:
        """Show and play the take in front, changed; None: as it is."""
        session, excerpt = self.session, self._excerpt
        if session is None or excerpt is None:
            return
        take_id, session_id = self.take_id, session.info.id
        self.previews = change is not None
        asked = self._preview = object()

        def made(_: Library) -> tuple[Excerpt, Content]:
            shown = excerpt
            if change is not None:
                taken = take_of(session, take_id)
                taken = replace(taken, take=change(taken.take))
                shown = replace(excerpt, session=replace(session, takes=(taken,)))
            return shown, content_of(shown)

        def then(found: tuple[Excerpt, Content]) -> None:
            if self._preview is asked and self._is_in_front(session_id, take_id):
                shown, self.content = found
                content = found[1]
                self.player.show(
                    self._name,
                    content.start_s,
                    content.end_s,
                    self._loader(shown, content),
                    True,
                    (content.first_s, content.last_s),
                )
                self.front_changed.emit(True)

        self.library.ask(made, then)

    @property
    def _name(self) -> str:
        return f"{self.session.info.id}/{self.take_id}" if self.session is not None else ""

    @property
    def recording(self) -> Path | None:
        """Where the microphone's sound of the session in front is kept, or would be."""
        if self.session is None:
            return None
        try:
            library = self.library_path or library_path()
        except OSError:
            return None
        return voices.file_of(library, self.session.info.started_at)

    def _loader(self, excerpt: Excerpt, content: Content) -> Callable[[bool], LoadTake]:
        name, shown, file = self._name, shown_take(excerpt), self.recording
        recording = voices.whole(file) if file is not None else None

        def load(keeps_place: bool) -> LoadTake:
            settings = shown.info.settings
            command = load_take(name, shown.take, settings, keeps_place, recording)
            return replace(command, start_s=content.start_s, end_s=content.end_s)

        return load

    # Which part of a long one

    def look_at(self, first_s: float, last_s: float) -> None:
        """What lies between these times is in sight, and the player goes on: what of a long session
        isn't there yet is read. Called as often as the screen is drawn."""
        content, excerpt = self.content, self._excerpt
        self._middle_s = (first_s + last_s) / 2
        if self.previews:
            return
        if content is None or excerpt is None or excerpt.outline is None or self._asked is not None:
            return
        if not content.covers(first_s - _RESERVE_S, last_s + _RESERVE_S):
            if self._middle_s != self._read_at_s:
                self._read_at_s = self._middle_s
                self._read_part(self._middle_s, self._move_to)
        elif self.player.needs(_RESERVE_S):
            self._read_part(self.player.position_s, self._supply)

    def beats_here(self) -> tuple[Beat, ...]:
        """Those around the place where the player is; none without a session."""
        if self.session is None or self.content is None:
            return ()
        return beats_around(self.content, self.session.tempo_map, self.player.position_s)

    def _read_part(self, at_s: float, use: Callable[[Excerpt, Content], None]) -> None:
        assert self.session is not None and self._excerpt is not None
        session_id, take_id, outline = self.session.info.id, self.take_id, self._excerpt.outline
        asked = self._asked = object()

        def read(library: Library) -> tuple[Excerpt, Content]:
            excerpt = library.excerpt(session_id, take_id, at_s, outline)
            return excerpt, content_of(excerpt)

        def then(found: tuple[Excerpt, Content]) -> None:
            if self._asked is asked:
                self._asked = None
                if self._is_in_front(session_id, take_id):
                    use(*found)

        self.library.ask(read, then)

    def _move_to(self, excerpt: Excerpt, content: Content) -> None:
        """Another part comes into sight; what was done to the session meanwhile stays."""
        assert self.session is not None
        moved = replace(excerpt.session, info=self.session.info, moments=self.session.moments)
        self._excerpt, self.session, self.content = excerpt, moved, content
        self.content_moved.emit()

    def _supply(self, excerpt: Excerpt, content: Content) -> None:
        self.player.supply(self._loader(excerpt, content), (content.first_s, content.last_s))

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
