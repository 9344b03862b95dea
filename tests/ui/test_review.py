"""The page Review in the real window, on a real library; only clock and engine pretend."""

from __future__ import annotations

import json
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import mido
import pytest
import soundfile
from PyQt6 import QtTest
from PyQt6.QtCore import QMimeData, QPointF, Qt, QUrl
from PyQt6.QtGui import QDrag, QDropEvent
from PyQt6.QtWidgets import QApplication, QInputDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from jam.cli.main import load_rewriter
from jam.clock import FakeClock
from jam.files import demo_tunes
from jam.messages.commands import KeyInput, LoadTake, Play, PlaybackCommand, Start
from jam.messages.snapshot import Snapshot
from jam.messages.voice import RECORDING as KEPT_SOUND
from jam.preferences import Preferences
from jam.sessions import excerpt, voices
from jam.sessions.excerpt import Excerpt
from jam.sessions.library import Library
from jam.sessions.session import Session, SessionInfo
from jam.settings import VOICES, JamSettings
from jam.stage.playback import steer
from jam.stage.transport import Transport
from jam.voice.files import ANY_VOICE
from tests.support.ui_fake import FakeLink
from tools.support.session_parts import made_session, played_tune, waltz
from tools.support.sung import TIMBRES, TrueNote, sung
from ui.common.pages import JAM, REVIEW
from ui.common.record_button import (
    DELETE_RECORDING,
    JAM_AGAIN,
    LISTEN,
    NOT_RECORDED,
    NOTHING_PLAYED,
    PRIVATE,
    RECORDING,
    UNSAVED,
    after_jam,
    saved_words,
)
from ui.common.text import MARK_AS, take_summary
from ui.common.theme import CONTRAST, LIGHT
from ui.review import model
from ui.review.content import content_of
from ui.review.dialogs import (
    NO_FOLDER,
    ExportDialog,
    ExportWish,
    NewTakeDialog,
    RecordingDialog,
    TakeWish,
)
from ui.review.model import ReviewModel
from ui.review.page import NO_CHORDS_YET, ReviewPage
from ui.review.session_list import LENGTH, NO_SESSIONS, RATING, SESSION
from ui.review.tasks import imported_words
from ui.review.transport_bar import AT_OWN_TEMPO, HEAR_RECORDING, NO_RECORDING, recording_words
from ui.window import MainWindow

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods
WAIT_MS = 30_000


class PlayingLink(FakeLink):
    """Plays back as the stage does, silently."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(clock)
        self.transport = Transport()
        self.loaded = False

    def send(self, command: object) -> None:
        super().send(command)
        if isinstance(command, Start):
            self.loaded = False
        if isinstance(command, PlaybackCommand) and not self.running:
            self.loaded = self.loaded or isinstance(command, LoadTake)
            steer(self.transport, command, self.clock.now_s())

    def snapshot(self) -> Snapshot | None:
        snapshot = super().snapshot()
        if snapshot is None or self.running or not self.loaded:
            return snapshot
        self.transport.due(self.clock.now_s())
        return replace(snapshot, playback=self.transport.state)


class FakeRecorder:
    def __init__(self) -> None:
        self.recording, self.trouble = True, ""
        self.session_id: int | None = None
        self.marks: list[tuple[str, float]] = []

    def mark(self, kind: str, at_s: float, text: str = "") -> bool:
        self.marks.append((kind, at_s))
        return True


@cache
def jams() -> tuple[Session, ...]:
    day = datetime(2026, 11, 20, 18, 30, tzinfo=UTC)
    blues = made_session(
        played_tune(20),
        JamSettings(bpm=120.0, accompaniment="swing"),
        3,
        title="Slow blues",
        rating=4,
        tags=("keep", "band"),
        started_at=day - timedelta(days=3),
    )
    three = waltz()
    info = replace(three.info, started_at=day - timedelta(hours=1))
    return made_session(started_at=day), replace(three, info=info), blues


class Bench:
    """The window on the page; `library` is a connection of the test's own."""

    def __init__(self, qtbot: QtBot) -> None:
        self.qtbot, self.clock = qtbot, FakeClock(100.0)
        self.library = Library()
        for info in self.library.sessions() + self.library.sessions(deleted=True):
            self.library.erase(info.id)
        self.ids = [self.library.add(jam).id for jam in jams()]
        self.link, self.recorder = PlayingLink(self.clock), FakeRecorder()
        self.kept: dict[str, Any] = {}
        self.window = MainWindow(
            self.link,
            Preferences(),
            lambda **values: self.kept.update(values),
            self.clock,
            self.recorder,
            load_rewriter=load_rewriter,
        )
        self.window._timer.stop()
        self.window.resize(1280, 720)

    @property
    def page(self) -> ReviewPage:
        return self.window.review

    @property
    def model(self) -> ReviewModel:
        return self.page.model

    def tick(self, by_s: float = 0.0) -> None:
        self.clock.advance(by_s)
        self.window.poll()

    def wait(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=WAIT_MS)

    def info_in_front(self) -> SessionInfo:
        assert self.model.session is not None
        return self.model.session.info

    def taken_kind(self) -> str:
        return self.model.session.takes[0].info.kind if self.model.session else ""

    def info(self, number: int = 0) -> SessionInfo:
        return self.library.info(self.ids[number])

    def shown(self) -> list[str]:
        return [info.title for info in self.page.list.model.sessions]

    def choose(self, number: int) -> Session:
        self.page.list.choose(self.ids[number])
        self.wait(lambda: self.model.session and self.model.session.info.id == self.ids[number])
        self.tick()
        assert self.model.session is not None
        return self.model.session

    def key(
        self,
        code: Qt.Key,
        modifier: Any = Qt.KeyboardModifier.NoModifier,
        widget: QWidget | None = None,
    ) -> None:
        QTest.keyClick(widget or self.page.roll, code, modifier)
        self.tick()


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench(qtbot)
    qtbot.addWidget(made.window)
    made.window.show()
    qtbot.waitExposed(made.window)
    made.window.pages.show_page(REVIEW)
    made.wait(lambda: len(made.page.list.model.sessions) == 3)
    made.choose(0)
    yield made
    made.window.close()
    made.library.close()


# The list


def test_the_list_is_searched_as_one_types_and_sorted_by_its_headers(bench: Bench) -> None:
    assert bench.shown() == ["", "Waltz", "Slow blues"]  # newest first
    bench.page.list.search.setText("keep swing")
    bench.wait(lambda: bench.shown() == ["Slow blues"])
    assert bench.model.session is not None and bench.model.session.info.title == ""  # it stays
    bench.key(Qt.Key.Key_Return, widget=bench.page.list.search)
    bench.wait(lambda: bench.model.session and bench.model.session.info.title == "Slow blues")
    bench.page.list.search.setText("no such thing")
    bench.wait(lambda: bench.page.list.stack.currentWidget() is bench.page.list.empty)
    assert "no such thing" in bench.page.list.empty.text()
    assert bench.model.session.info.title == "Slow blues"
    bench.page.list.search.setFocus()
    bench.key(Qt.Key.Key_Escape, widget=bench.page.list.search)
    bench.wait(lambda: len(bench.shown()) == 3)
    table = bench.page.list.table
    table.sortByColumn(LENGTH, Qt.SortOrder.AscendingOrder)
    lengths = [info.length_s for info in bench.page.list.model.sessions]
    assert lengths == sorted(lengths)
    table.sortByColumn(RATING, Qt.SortOrder.DescendingOrder)
    assert bench.shown()[0] == "Slow blues"
    table.sortByColumn(SESSION, Qt.SortOrder.DescendingOrder)


def test_what_was_just_played_is_in_front_when_one_comes_back(bench: Bench) -> None:
    bench.choose(2)
    bench.window.pages.show_page("Jam")
    later = made_session(played_tune(8), title="New", started_at=datetime.now(UTC))
    bench.library.add(later)
    bench.window.pages.show_page(REVIEW)
    bench.wait(lambda: bench.model.session and bench.model.session.info.title == "New")


def test_without_sessions_the_page_says_what_to_do(bench: Bench) -> None:
    for session_id in bench.ids:
        bench.library.erase(session_id)
    bench.page.refresh()
    bench.wait(lambda: bench.page.list.stack.currentWidget() is bench.page.list.empty)
    assert bench.page.list.empty.text() == NO_SESSIONS
    assert not bench.page.view.isVisible()
    bench.key(Qt.Key.Key_Space)
    bench.key(Qt.Key.Key_Delete)
    assert bench.link.sent == []


def test_two_thousand_sessions_are_a_list_like_any_other(bench: Bench) -> None:
    info = bench.info()
    many = [replace(info, id=i, title=f"Jam {i:04}", length_s=i % 300) for i in range(2000)]
    bench.page.list.show_sessions(many)
    model = bench.page.list.model
    assert model.rowCount() == 2000
    model.sort(LENGTH, Qt.SortOrder.DescendingOrder)
    assert [s.length_s for s in model.sessions[:3]] == [299, 299, 299]
    assert "2,000" in bench.page.list.count.text()
    bench.page.list.choose(1234)
    assert bench.page.list.current is not None and bench.page.list.current.title == "Jam 1234"


# Listening


def test_playing_seeking_looping_by_keys(bench: Bench) -> None:
    page, roll = bench.page, bench.page.roll
    bench.key(Qt.Key.Key_Space)
    names = [type(command).__name__ for command in bench.link.sent]
    assert names == ["LoadTake", "SetSpeed", "SetLoop", "MuteParts", "Play"]
    load = bench.link.sent[0]
    assert isinstance(load, LoadTake)
    assert {n.part for n in load.notes} == {"player", "chords", "bass"}
    bench.tick(1.25)
    assert roll.position_s == pytest.approx(1.25) and bench.link.transport.state.playing
    assert page.transport.place.text().startswith("bar 1.3")
    bench.key(Qt.Key.Key_Right)
    assert roll.position_s == pytest.approx(1.5)
    bench.key(Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert roll.position_s == pytest.approx(2.0)
    bench.key(Qt.Key.Key_Down)
    assert bench.link.transport.state.speed == 0.95
    bench.tick(1.0)
    assert roll.position_s == pytest.approx(2.95)
    bench.key(Qt.Key.Key_Backslash)  # the bar
    assert bench.link.transport.state.loop == (2.0, 4.0)
    bench.tick(2.0)
    assert roll.position_s == pytest.approx(2.85)
    bench.key(Qt.Key.Key_Backslash)
    assert bench.link.transport.state.loop is None
    bench.key(Qt.Key.Key_Space)
    assert not bench.link.transport.state.playing
    bench.key(Qt.Key.Key_Home)
    assert roll.position_s == 0.0
    bench.key(Qt.Key.Key_End)
    assert roll.position_s == pytest.approx(bench.info().length_s)


def test_clicking_seeks_and_drawing_loops(bench: Bench) -> None:
    roll = bench.page.roll
    y = int(roll.areas.notes.y) + 40
    x = int(roll.view.x(3.0, roll.areas.notes.x))
    QTest.mouseClick(roll, Qt.MouseButton.LeftButton, pos=QPointF(x, y).toPoint())
    bench.tick()
    assert abs(roll.position_s - 3.0) < 0.05
    to = int(roll.view.x(6.1, roll.areas.notes.x))
    QTest.mousePress(roll, Qt.MouseButton.LeftButton, pos=QPointF(x, y).toPoint())
    QTest.mouseMove(roll, QPointF(x + 30, y).toPoint())
    QTest.mouseMove(roll, QPointF(to, y).toPoint())
    QTest.mouseRelease(roll, Qt.MouseButton.LeftButton, pos=QPointF(to, y).toPoint())
    bench.tick()
    assert roll.loop == (3.0, 6.0)  # whole beats
    over = roll.areas.overview
    middle = QPointF(over.width / 2, over.y + 5).toPoint()
    QTest.mouseClick(roll, Qt.MouseButton.LeftButton, pos=middle)
    bench.tick()
    assert abs(roll.position_s - bench.info().length_s / 2) < 0.1


def test_a_moving_playhead_paints_little(bench: Bench) -> None:
    bench.page.roll.fit_all()
    bench.key(Qt.Key.Key_Space)
    for _ in range(3):
        bench.tick(0.1)
        bench.qtbot.wait(20)
    roll = bench.page.roll
    roll.n_painted = pictures = 0
    for _ in range(10):
        bench.tick(0.02)
        bench.qtbot.wait(10)
        pictures += 1
    assert roll.n_painted < 0.7 * pictures * roll.width() * roll.height()


def test_parts_are_muted_and_the_page_leaves_silence_behind(bench: Bench) -> None:
    bench.page.transport.parts["player"].click()
    bench.key(Qt.Key.Key_Space)
    assert bench.link.transport.state.muted == ("player",)
    bench.page.transport.parts["player"].click()
    bench.tick()
    assert not bench.link.transport.state.muted
    bench.window.pages.show_page("Jam")
    assert not bench.link.transport.state.playing


def test_the_microphone_is_heard_along_where_its_sound_was_kept(bench: Bench) -> None:
    switch = bench.page.transport.recording
    assert not switch.isVisible()
    file = voices.file_of(bench.library.path, bench.info(1).started_at)
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"sound")
    bench.choose(1)
    assert switch.isVisible() and (switch.text(), switch.isEnabled()) == (HEAR_RECORDING, True)
    bench.key(Qt.Key.Key_Space)
    assert [c.recording for c in bench.link.sent if isinstance(c, LoadTake)] == [str(file)]
    switch.click()
    assert bench.link.transport.state.muted == (KEPT_SOUND,)
    bench.key(Qt.Key.Key_Down)
    assert (switch.text(), switch.isEnabled()) == (AT_OWN_TEMPO, False)
    file.unlink()
    bench.choose(0)
    assert not switch.isVisible()
    words = recording_words(file, 1.0, "")
    assert words[0] == NO_RECORDING and str(file) in words[1] and not words[2]


def test_space_plays_the_take_though_a_jam_is_running(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Space)
    bench.tick(1.0)
    bench.window.start_stop()
    bench.tick(0.1)
    assert not bench.model.player.playing
    state = bench.window.jam_state
    bench.tick(5.0)
    assert state.isVisible() and "100 bpm" in state.label.text() and "bar " in state.label.text()
    loads = [c for c in bench.link.sent if isinstance(c, LoadTake)]
    bench.key(Qt.Key.Key_Space)
    bench.tick(0.1)
    assert not bench.window.running and bench.model.player.playing and not state.isVisible()
    again = [c for c in bench.link.sent if isinstance(c, LoadTake)]
    assert len(again) == len(loads) + 1  # loaded anew, and from where it was
    play = bench.link.sent[-1]
    assert isinstance(play, Play) and play.from_s == pytest.approx(1.1)


def test_nothing_begins_to_play_once_the_page_is_left(bench: Bench) -> None:
    bench.window.start_stop()
    bench.tick(5.0)
    bench.key(Qt.Key.Key_Space)  # the jam is to stop, and the take to play
    bench.window.pages.show_page("Jam")
    bench.tick(0.1)
    assert not bench.window.running and not bench.model.player.playing
    bench.window.pages.show_page("Review")
    bench.page.listen(bench.ids[1])  # it is still to be read
    bench.window.pages.show_page("Jam")
    session = bench.model.session
    bench.wait(lambda: bench.model.session is not session)
    assert not bench.model.player.playing


def test_news_move_nothing(bench: Bench) -> None:
    page = bench.page
    before = [widget.geometry() for widget in (page.roll, page.transport, page.details)]
    page.news.tell("Something has been done.", "Undo", lambda: None)
    QApplication.processEvents()
    assert page.news.isVisible()
    assert [w.geometry() for w in (page.roll, page.transport, page.details)] == before
    corner = page.news.mapTo(page, page.news.rect().bottomLeft())
    assert page.roll.mapTo(page, page.roll.rect().bottomLeft()).y() == corner.y()


def test_a_long_session_is_read_where_one_looks_and_listens(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(excerpt, "WHOLE_S", 0.0)
    monkeypatch.setattr(excerpt, "AROUND_S", 4.0)
    monkeypatch.setattr(model, "_RESERVE_S", 1.0)
    made = made_session(played_tune(80), title="Long", started_at=datetime.now(UTC))
    bench.ids.append(bench.library.add(made).id)
    whole = content_of(Excerpt(bench.library.session(bench.ids[-1]), 0))
    bench.page.refresh()
    bench.wait(lambda: "Long" in bench.shown())
    bench.page.roll.zoom_by(20)
    bench.choose(3)
    page, shown = bench.page, bench.model.content
    assert shown is not None and shown.last_s == 4.0 and len(shown.notes) < len(whole.notes)
    assert (shown.start_s, shown.end_s, shown.parts) == (whole.start_s, whole.end_s, whole.parts)
    bench.key(Qt.Key.Key_Space)
    bench.tick(0.1)
    bench.key(Qt.Key.Key_Plus)  # a mark, while it goes on
    while bench.model.player.position_s < whole.end_s - 1.0:
        bench.tick(0.25)
        if bench.model._asked is not None:
            bench.wait(lambda: bench.model._asked is None)
        position_s = bench.model.player.position_s
        shown = bench.model.content
        assert shown is not None and shown.covers(position_s, position_s)
        near = [n for n in whole.notes if abs(n.start_s - position_s) < 0.25]
        assert set(near) <= set(shown.notes)
        assert set(near) <= {replace(n) for n in bench.link.transport._notes}
    assert bench.model.session is not None
    assert len(bench.model.session.moments) == len(made.moments) + 1
    page.roll.grab()
    bench.key(Qt.Key.Key_Home)
    bench.key(Qt.Key.Key_Right, Qt.KeyboardModifier.ControlModifier)
    bench.wait(lambda: bench.model.content and bench.model.content.covers(0.0, 0.0))


def test_a_jam_is_stopped_from_the_other_page(bench: Bench) -> None:
    window = bench.window
    window.pages.show_page(JAM)
    window.start_stop()
    bench.tick(0.1)
    assert not window.jam_state.isVisible()
    window.pages.show_page(REVIEW)
    bench.tick(0.1)
    window.jam_state.button.click()
    bench.tick(0.1)
    assert not window.running


def test_the_plan_shown_is_the_one_that_held_at_the_playhead(bench: Bench) -> None:
    session, roll = bench.choose(0), bench.page.roll
    for at_s in (5.0, 9.3, 14.0):
        bench.page.playback.seek(at_s)
        bench.tick()
        record = [r for r in session.plans if r.at_s <= at_s][-1]
        assert roll.plan is not None
        assert roll.plan.made_at_frame == record.plan.made_at_frame
        assert bench.page.transport.words.text() == roll.plan.words
    bench.key(Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier)
    assert roll.areas.plan.height == 0


# Changes


def test_rating_naming_tagging_and_taking_back(bench: Bench) -> None:
    page = bench.page
    bench.key(Qt.Key.Key_4)
    bench.wait(lambda: bench.info().rating == 4)
    page.details.stars.buttons[1].click()
    bench.wait(lambda: bench.info().rating == 2)
    bench.wait(lambda: page.details.stars.rating == 2)
    bench.key(Qt.Key.Key_F2)
    QTest.keyClicks(page.details.title, "Evening")
    bench.key(Qt.Key.Key_Return, widget=page.details.title)
    bench.wait(lambda: bench.info().title == "Evening")
    bench.key(Qt.Key.Key_F3)
    QTest.keyClicks(page.details.tags, "one, #two,, one")
    bench.key(Qt.Key.Key_Return, widget=page.details.tags)
    bench.wait(lambda: bench.info().tags == ("one", "two"))
    control = Qt.KeyboardModifier.ControlModifier
    bench.wait(lambda: page.model.session and page.model.session.info.tags == ("one", "two"))
    bench.key(Qt.Key.Key_Z, control)
    bench.wait(lambda: not bench.info().tags)
    bench.key(Qt.Key.Key_Z, control)
    bench.wait(lambda: not bench.info().title)
    bench.key(Qt.Key.Key_Z, control | Qt.KeyboardModifier.ShiftModifier)
    bench.wait(lambda: bench.info().title == "Evening")


def test_escape_forgets_what_was_typed(bench: Bench) -> None:
    title = bench.page.details.title
    bench.key(Qt.Key.Key_F2)
    QTest.keyClicks(title, "Nonsense")
    bench.key(Qt.Key.Key_Escape, widget=title)
    bench.qtbot.wait(100)
    assert title.text() == "" and bench.info().title == ""


def test_deleting_can_be_undone_in_two_ways(bench: Bench) -> None:
    bench.key(Qt.Key.Key_Delete)
    bench.wait(lambda: len(bench.shown()) == 2)
    assert bench.page.news.isVisible() and "Deleted" in bench.page.news.label.text()
    bench.page.news.button.click()
    bench.wait(lambda: len(bench.shown()) == 3)
    bench.choose(1)
    bench.key(Qt.Key.Key_Delete)
    bench.wait(lambda: "Waltz" not in bench.shown())
    bench.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    bench.wait(lambda: "Waltz" in bench.shown())
    bench.choose(1)
    bench.key(Qt.Key.Key_Delete)
    bench.wait(lambda: "Waltz" not in bench.shown())
    bench.page.toggle_deleted()
    bench.wait(lambda: bench.shown() == ["Waltz"])
    bench.wait(lambda: bench.model.session and bench.model.session.info.state == "deleted")
    bench.page.edits.delete()  # brings it back
    bench.wait(lambda: bench.info(1).state == "complete")


def test_moments_are_marked_found_and_taken_away(bench: Bench) -> None:
    bench.page.playback.seek(6.0)
    bench.key(Qt.Key.Key_Plus)
    bench.page.playback.seek(8.0)
    bench.key(Qt.Key.Key_Minus)
    bench.key(Qt.Key.Key_M)

    def moments() -> list[tuple[float, str]]:
        return [(m.at_s, m.kind) for m in bench.library.session(bench.ids[0]).moments]

    bench.wait(lambda: len(moments()) == 5)
    assert moments()[1] == (6.0, "good")
    bench.key(Qt.Key.Key_Comma)
    assert bench.page.roll.position_s == pytest.approx(6.0)
    bench.key(Qt.Key.Key_Comma)
    assert bench.page.roll.position_s == pytest.approx(4.0)
    bench.key(Qt.Key.Key_Period)
    bench.key(Qt.Key.Key_M, Qt.KeyboardModifier.ControlModifier)
    dialog = bench.window.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("lovely")
    dialog.accept()
    texts = ["", "lovely", "", "", "bridge"]
    bench.wait(lambda: [m.text for m in bench.library.session(bench.ids[0]).moments] == texts)
    bench.key(Qt.Key.Key_Backspace)
    bench.wait(lambda: (6.0, "good") not in moments())
    bench.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    bench.wait(lambda: (6.0, "good") in moments())


# Takes and files


def test_a_take_in_another_style_appears_beside_the_original(bench: Bench) -> None:
    page, session = bench.page, bench.choose(0)
    asked = NewTakeDialog(session.takes[0].info.settings, "re-voiced", bench.window)
    styles = [asked.style_box.itemText(i) for i in range(asked.style_box.count())]
    asked.style_box.setCurrentIndex(styles.index("Bossa"))
    assert not asked.form.isRowVisible(asked.seed)
    wish = asked.wish()
    assert (wish.kind, wish.settings.accompaniment) == ("re-voiced", "bossa")
    bench.key(Qt.Key.Key_Space)
    bench.tick(2.0)
    page.tasks.make_take(wish)
    assert page.news.isVisible() and page.news.bar.isVisible()
    bench.wait(lambda: page.model.take_id == 1)
    assert page.details.take.count() == 2
    assert page.model.take is not None
    assert page.details.facts.text().startswith(take_summary(page.model.take, "Bossa"))
    bench.tick(0.5)
    state = bench.link.transport.state
    assert state.playing and state.name.endswith("/1")  # it went on from where it was
    assert page.roll.position_s == pytest.approx(2.5)
    bench.key(Qt.Key.Key_Q)
    bench.wait(lambda: page.model.take_id == 0)
    bench.key(Qt.Key.Key_Q)
    bench.wait(lambda: page.model.take_id == 1)
    takes = bench.library.session(bench.ids[0]).takes
    assert [taken.info.kind for taken in takes] == ["live", "re-voiced"]
    assert takes[0].take.parts["player"] == takes[1].take.parts["player"]
    page.edits.rename_take()
    dialog = bench.window.findChild(QInputDialog)
    assert dialog is not None
    dialog.setTextValue("Better")
    dialog.accept()
    bench.wait(lambda: page.model.take is not None and page.model.take.name == "Better")
    page.edits.delete_take()
    bench.wait(lambda: page.details.take.count() == 1)
    assert page.model.take_id == 0 and page.news.button.text() == "Undo"
    bench.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    bench.wait(lambda: page.model.take_id == 1)
    assert bench.library.session(bench.ids[0]).takes[1].info.name == "Better"
    page.edits.redo()
    bench.wait(lambda: page.details.take.count() == 1)
    page.edits.undo()
    bench.wait(lambda: page.model.take_id == 1)
    page.edits.undo()  # the name, too
    bench.wait(lambda: page.model.take is not None and page.model.take.name == takes[1].info.name)


def test_a_take_comes_back_though_another_session_is_in_front(bench: Bench) -> None:
    page, settings = bench.page, bench.choose(0).takes[0].info.settings
    page.tasks.make_take(TakeWish("re-voiced", settings.changed(accompaniment="bossa"), 0))
    bench.wait(lambda: page.model.take_id == 1)
    page.edits.delete_take()
    bench.wait(lambda: page.details.take.count() == 1)
    other = bench.choose(1)
    page.edits.undo()
    bench.wait(lambda: len(bench.library.session(bench.ids[0]).takes) == 2)
    assert page.model.session is not None and page.model.session.info.id == other.info.id


def test_the_agent_plays_again_with_another_seed_and_can_be_stopped(bench: Bench) -> None:
    page, settings = bench.page, bench.choose(0).takes[0].info.settings
    page.tasks.make_take(TakeWish("re-played", settings, 99))
    page.news.button.click()  # Cancel
    assert not page.tasks.busy and "cancelled" in page.news.label.text()
    page.tasks.make_take(TakeWish("re-harmonised", settings.changed(accompaniment="folk"), 5))
    bench.wait(lambda: page.model.take_id == 1)
    take = bench.library.session(bench.ids[0]).takes[1]
    assert (take.info.kind, take.info.seed) == ("re-harmonised", 5)


def test_export_writes_files_that_open(bench: Bench, tmp_path: Path) -> None:
    page, session = bench.page, bench.choose(0)
    takes = [taken.info for taken in session.takes]
    dialog = ExportDialog(takes, 0, tmp_path, "jam", bench.window)
    for box in dialog.formats.values():
        box.setChecked(True)
    assert dialog.stems.isEnabled() and dialog.rate.isEnabled()
    for key in ("wav", "flac", "mp3"):
        dialog.formats[key].setChecked(False)
    assert not dialog.stems.isEnabled() and not dialog.rate.isEnabled()
    dialog.rate.setCurrentIndex(1)
    assert dialog.wish().rate_hz == 48000
    wish = dialog.wish()
    assert [path.suffix for path in wish.paths] == [".mid", ".musicxml", ".json"]
    (tmp_path / "jam.mid").touch()
    dialog.name.setText("jam")
    dialog._check()
    assert "jam.mid" in dialog.trouble.text()
    dialog.folder.setText(str(tmp_path / "nowhere"))
    assert dialog.trouble.text() == NO_FOLDER
    page.tasks.export(wish)
    bench.wait(lambda: not page.tasks.busy)
    assert "Saved in" in page.news.label.text()
    notes = [m for m in mido.MidiFile(tmp_path / "jam.mid") if m.type == "note_on" and m.velocity]
    assert sum(m.channel == 0 for m in notes) == 48
    assert "harmony" in (tmp_path / "jam.musicxml").read_text()
    assert json.loads((tmp_path / "jam.json").read_text())
    bench.window.keeper.flush()
    assert bench.kept["view"].export_folder == str(tmp_path)


def test_a_take_is_drawn_out_as_a_midi_file(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Path] = []

    def exec_(drag: QDrag, *_: object) -> Qt.DropAction:
        data = drag.mimeData()
        assert data is not None
        drawn.extend(Path(url.toLocalFile()) for url in data.urls())
        return Qt.DropAction.CopyAction

    monkeypatch.setattr(QDrag, "exec", exec_)  # it would wait for a mouse
    bench.choose(1)
    handle, middle = bench.page.details.handle, QPointF(10, 10).toPoint()
    QTest.mousePress(handle, Qt.MouseButton.LeftButton, pos=middle)
    QTest.mouseMove(handle, QPointF(90, 60).toPoint())
    (path,) = drawn
    assert path.name == "Waltz.mid"
    assert any(m.type == "time_signature" and m.numerator == 3 for m in mido.MidiFile(path))
    bench.window.close()
    assert not path.exists()


def test_sound_is_exported_with_each_part_alone(bench: Bench, tmp_path: Path) -> None:
    bench.choose(1)
    bench.page.tasks.export(ExportWish(0, (tmp_path / "waltz.wav",), True))
    bench.wait(lambda: not bench.page.tasks.busy)
    assert "Saved in" in bench.page.news.label.text()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names[:2] == ["waltz-bass.wav", "waltz-chords.wav"] and "waltz.wav" in names
    with wave.open(str(tmp_path / "waltz.wav")) as file:
        seconds = file.getnframes() / file.getframerate()
        assert bench.info(1).length_s < seconds < bench.info(1).length_s + 5


def test_what_can_not_be_done_is_said_in_place(bench: Bench, tmp_path: Path) -> None:
    page = bench.page
    page.tasks.export(ExportWish(0, (tmp_path / "gone" / "jam.mid",), False))
    bench.wait(lambda: not page.tasks.busy)
    assert "failed" in page.news.label.text() and page.news.property("alert")
    bench.library.erase(bench.ids[0])
    page.edits.rate(5)
    bench.wait(lambda: f"No session {bench.ids[0]}" in page.news.label.text())


def test_files_dropped_on_the_page_become_sessions(bench: Bench) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(demo_tunes()[0]))])
    action, button = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    none = Qt.KeyboardModifier.NoModifier
    drop = QDropEvent(QPointF(50, 50), action, data, button, none)
    bench.page.dropEvent(drop)  # Qt hands no drop on that doesn't come from the system
    bench.wait(lambda: len(bench.shown()) == 4)
    bench.wait(lambda: bench.taken_kind() == "imported")
    assert bench.page.news.label.text() == imported_words([bench.info_in_front().name])
    bench.tick()
    assert bench.page.transport.words.text() == NO_CHORDS_YET
    bench.key(Qt.Key.Key_N, Qt.KeyboardModifier.ControlModifier)
    dialog = bench.window.findChild(NewTakeDialog)
    assert dialog.wish().kind == "re-harmonised"
    dialog.accept()
    bench.wait(lambda: bench.model.take_id == 1)


def test_how_a_recording_is_read_is_asked_and_its_sound_is_not_kept_by_itself(
    bench: Bench, tmp_path: Path
) -> None:
    file = tmp_path / "hum.wav"
    soundfile.write(
        file, sung([TrueNote(0.5, 1.5, 60), TrueNote(1.5, 2.5, 62)], TIMBRES["voice"]), 48000
    )
    bench.page.tasks.import_paths([file])
    dialog = next(w for w in bench.window.findChildren(RecordingDialog))
    assert dialog.wish() == ANY_VOICE
    dialog.bpm.setValue(60)
    dialog.voice.setCurrentText(VOICES["tenor"])
    dialog.keeps.setChecked(True)
    dialog.accept()
    bench.wait(lambda: bench.model.session and bench.info_in_front().title == "hum")
    assert bench.info_in_front().bpm == 60
    assert voices.kept(bench.library.path, bench.info_in_front().started_at) is not None
    bench.tick()
    assert bench.page.transport.recording.isVisible()


def test_the_right_button_opens_what_can_be_done(bench: Bench) -> None:
    page = bench.page
    on_session, on_roll = page.context_menus
    middle = page.roll.areas.notes
    at = QPointF(middle.x + middle.width / 2, middle.y + 30).toPoint()
    page.roll.customContextMenuRequested.emit(at)
    assert on_roll.isVisible()
    here_s = page.model.player.position_s
    assert here_s > 0
    next(action for action in on_roll.actions() if action.text() == MARK_AS["good"]).trigger()
    on_roll.close()

    def marked() -> list[float]:
        return [m.at_s for m in bench.library.session(bench.ids[0]).moments]

    bench.wait(lambda: round(here_s, 3) in marked())
    page.list.table.customContextMenuRequested.emit(QPointF(20, 20).toPoint())
    assert on_session.isVisible()
    on_session.close()


# The window around it


def test_moments_are_marked_while_jamming_and_jams_are_private(bench: Bench) -> None:
    window, button = bench.window, bench.window.record_button
    assert button is not None
    window.pages.show_page("Jam")
    QTest.keyClick(window.waterfall, Qt.Key.Key_Plus)
    assert bench.recorder.marks == []  # no jam is running
    window.start_stop()
    bench.tick(5.0)
    assert button.text() == RECORDING
    for code in (Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_M):
        QTest.keyClick(window.waterfall, code)
    kinds = [kind for kind, _ in bench.recorder.marks]
    assert kinds == ["good", "bad", "marker"] and bench.recorder.marks[0][1] == 105.0
    bench.recorder.trouble = "The disk is full."
    bench.tick(0.1)
    assert button.text() == UNSAVED and button.toolTip() == "The disk is full."
    bench.recorder.trouble = ""
    bench.tick(0.1)
    button.click()  # in mid-jam it asks first
    assert bench.recorder.recording
    box = window.findChild(QMessageBox)
    assert box is not None
    next(b for b in box.buttons() if b.text() == DELETE_RECORDING).click()
    assert not bench.recorder.recording and button.text() == PRIVATE
    window.keeper.flush()
    assert bench.kept["record"] is False
    button.click()
    assert bench.recorder.recording


def test_return_never_deletes_the_recording_of_a_jam(bench: Bench) -> None:
    window, button = bench.window, bench.window.record_button
    assert button is not None
    window.start_stop()
    bench.tick(5.0)
    for code in (Qt.Key.Key_Return, Qt.Key.Key_Escape):
        button.turn()
        (box,) = [b for b in window.findChildren(QMessageBox) if b.isVisible()]
        QTest.keyClick(box, code)
        assert not box.isVisible() and bench.recorder.recording


def test_what_became_of_a_jam_is_told() -> None:
    recorder = FakeRecorder()
    assert after_jam(recorder, True, 38.2) == saved_words(38.2)
    assert after_jam(recorder, False, 38.2) == NOTHING_PLAYED
    recorder.trouble = "The disk is full."
    assert after_jam(recorder, True, 38.2) == recorder.trouble
    recorder.recording = False
    assert after_jam(recorder, True, 38.2) == after_jam(None, True, 38.2) == NOT_RECORDED


def test_after_a_jam_one_hears_it_or_jams_again(bench: Bench) -> None:
    window = bench.window
    window.pages.show_page(JAM)

    def jam(plays: bool) -> None:
        window.start_stop()
        bench.tick(3.0)
        if plays:
            QTest.keyClick(window.waterfall, Qt.Key.Key_A)
            window.link.send(KeyInput(60, 90, bench.clock.now_s()))
        bench.tick(40.0)
        window.start_stop()
        bench.tick(0.1)

    bench.recorder.session_id = bench.ids[1]
    jam(True)
    words, buttons = window.notices.text, window.saved.buttons
    assert words == saved_words(43.1 - 4 * 60 / window.model.settings.bpm)
    assert [button.text() for button in buttons] == [LISTEN, JAM_AGAIN]
    buttons[0].click()
    assert window.pages.page == REVIEW and not window.saved.isVisible()
    bench.wait(lambda: bench.info_in_front().id == bench.ids[1] and bench.model.player.playing)
    bench.window.pages.show_page(JAM)
    window.start_stop()
    bench.tick(0.1)
    window.start_stop()
    bench.tick(0.1)
    window.saved.buttons[-1].click()
    bench.tick(0.1)
    assert window.running and not window.saved.isVisible()


@pytest.mark.parametrize("theme", [LIGHT, CONTRAST], ids=lambda theme: theme.name)
def test_other_themes_and_sizes_are_drawn(bench: Bench, theme: Any) -> None:
    bench.page.show_theme(theme)
    for width in (1080, 2560):
        bench.window.resize(width, 900)
        bench.qtbot.wait(30)
        picture = bench.page.roll.grab().toImage()
        colours = {
            picture.pixelColor(x, y).name()
            for x in range(60, picture.width(), 3)
            for y in range(40, picture.height(), 5)
        }
        assert theme.player in colours or len(colours) > 8
