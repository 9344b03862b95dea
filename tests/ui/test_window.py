"""The real window on a link that only pretends: start and stop, keys, news, painting."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QEvent, QPoint, QSize, Qt
from PyQt6.QtWidgets import QAbstractButton, QAbstractScrollArea, QApplication, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from jam.accompaniment import all_styles
from jam.messages.commands import KeyInput, Panic, Start, Stop
from jam.messages.snapshot import Counters, DeviceState
from tests.support.ui_bench import Bench, key, turn
from tests.support.ui_fake import jam_snapshot, stopped_snapshot
from ui.common.geometry import KEY_RANGES
from ui.common.pages import JAM, REVIEW
from ui.common.status import (
    ALL_IS_WELL,
    ALL_NOTES_OFF,
    NO_SOUND,
    WHERE_DEVICES_ARE,
    Level,
    health_of,
    panic_words,
    problems_of,
    status_of,
)
from ui.common.theme import app_icon
from ui.jam_page.captions import MIDI_HEARD, NO_KEYBOARD, PRESS_SPACE, STARTING
from ui.jam_page.demo import DEMO_OVER
from ui.settings.style_combo import GROUPS
from ui.window import is_frugal

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


def test_space_starts_and_stops(bench: Bench) -> None:
    fall = bench.window.waterfall
    key(fall, Qt.Key.Key_Space)
    key(fall, Qt.Key.Key_Space, repeat=True)
    assert len(bench.sent(Start)) == 1
    bench.tick(0.1)
    assert bench.controls.start.text() == "Stop"
    key(fall, Qt.Key.Key_Space)
    assert len(bench.sent(Stop)) == 1
    bench.tick(0.1)
    assert bench.controls.start.text() == "Start"


def test_the_buttons_start_stop_and_silence(bench: Bench) -> None:
    bench.controls.start.click()
    bench.tick(0.1)
    bench.controls.start.click()
    bench.window.panic_button.click()
    assert [type(c) for c in bench.link.sent] == [Start, Stop, Panic]


def test_panic_says_that_it_was_done_and_what_goes_on(bench: Bench) -> None:
    window = bench.window
    key(window.waterfall, Qt.Key.Key_Escape)
    assert window.notices.text == ALL_NOTES_OFF
    window.start_stop()
    bench.tick(0.1)
    key(window.waterfall, Qt.Key.Key_Escape)
    assert window.notices.text == panic_words(bench.link.snapshot()) != ALL_NOTES_OFF
    assert window.running


def test_space_starts_wherever_no_text_is_written_and_return_presses(bench: Bench) -> None:
    switch, tempo = bench.control("metronome"), bench.control("bpm")
    window = bench.window
    before = switch.isChecked()
    for number, widget in enumerate((switch, tempo, window.settings_button, window.pages), 1):
        QTest.keyClick(widget, Qt.Key.Key_Space)
        assert len(bench.sent(Start)) == number, widget
    assert switch.isChecked() == before
    QTest.keyClick(switch, Qt.Key.Key_Return)
    assert switch.isChecked() != before
    QTest.keyClick(bench.control("style"), Qt.Key.Key_Return)
    assert bench.control("style").is_open
    bench.control("style").hidePopup()


def test_each_start_has_dice_of_its_own(bench: Bench) -> None:
    for _ in range(2):
        bench.window.start_stop()
    seeds = {c.seed for c in bench.sent(Start) if isinstance(c, Start)}
    assert len(seeds) == 2


def test_the_computer_s_keys_play(bench: Bench) -> None:
    fall = bench.window.waterfall
    key(fall, Qt.Key.Key_A)
    key(fall, Qt.Key.Key_A, repeat=True)
    key(fall, Qt.Key.Key_A, repeat=True, down=False)
    bench.clock.advance(0.5)
    key(fall, Qt.Key.Key_A, down=False)
    notes = bench.sent(KeyInput)
    assert notes == [KeyInput(60, 90, 100.0), KeyInput(60, 0, 100.5)]
    QTest.keyClick(fall, Qt.Key.Key_X)
    QTest.keyClick(fall, Qt.Key.Key_A)
    assert bench.notes()[2:] == [(72, True), (72, False)]


def test_keys_play_while_the_tempo_has_the_focus(bench: Bench) -> None:
    edit = bench.control("bpm").lineEdit()
    assert edit is not None
    QTest.keyClick(edit, Qt.Key.Key_S)
    assert bench.notes() == [(62, True), (62, False)]
    assert edit.text() == "100"


def test_shortcuts_do_not_play(bench: Bench) -> None:
    QTest.keyClick(bench.window.waterfall, Qt.Key.Key_A, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(bench.window.waterfall, Qt.Key.Key_T, Qt.KeyboardModifier.AltModifier)
    assert bench.notes() == []


def test_losing_the_keyboard_lets_go_of_every_note(bench: Bench) -> None:
    for code in (Qt.Key.Key_A, Qt.Key.Key_D, Qt.Key.Key_G):
        key(bench.window.waterfall, code)
    QApplication.sendEvent(bench.window, QEvent(QEvent.Type.WindowDeactivate))
    assert sorted(bench.notes()[3:]) == [(60, False), (64, False), (67, False)]


def test_closing_lets_go_of_every_note(bench: Bench) -> None:
    key(bench.window.waterfall, Qt.Key.Key_A)
    bench.window.close()
    assert bench.notes() == [(60, True), (60, False)]


def test_the_mouse_plays_the_piano(bench: Bench) -> None:
    fall = bench.window.waterfall
    c, d = fall.areas.key(60), fall.areas.key(62)
    assert c is not None
    assert d is not None
    points = [QPoint(int(k.box.x + k.box.width / 2), int(k.box.bottom - 5)) for k in (c, d)]
    QTest.mousePress(fall, Qt.MouseButton.LeftButton, pos=points[0])
    QTest.mouseMove(fall, points[1])
    QTest.mouseRelease(fall, Qt.MouseButton.LeftButton, pos=points[1])
    assert bench.notes()[0] == (60, True)
    assert {pitch for pitch, down in bench.notes() if down} == {
        pitch for pitch, down in bench.notes() if not down
    }


def test_the_key_range_is_the_piano_s(bench: Bench) -> None:
    turn(bench.control("key_range"), "49 keys")
    bench.tick()
    low, high = KEY_RANGES["49 keys"]
    assert bench.window.waterfall.areas.low_pitch == low
    assert len(bench.window.waterfall.areas.keys) == high - low + 1


def test_the_piano_stays_as_it_is_during_a_jam(bench: Bench) -> None:
    fall = bench.window.waterfall
    bench.link.send(KeyInput(100, 90, bench.clock.now_s()))
    bench.tick()
    before = (fall.view.low_pitch, fall.view.high_pitch)
    bench.link.send(KeyInput(105, 90, bench.clock.now_s()))
    bench.tick()
    grown = (fall.view.low_pitch, fall.view.high_pitch)
    assert grown != before
    bench.window.start_stop()
    bench.tick(5.0)
    bench.link.send(KeyInput(22, 90, bench.clock.now_s()))
    bench.tick(0.2)
    assert (fall.view.low_pitch, fall.view.high_pitch) == grown


def test_the_chord_lane_that_is_opened_in_mid_jam_has_all_bars(bench: Bench) -> None:
    window = bench.window
    window.start_stop()
    for _ in range(40):
        bench.tick(0.5)
    key(window.waterfall, Qt.Key.Key_V)
    bench.tick(0.1)
    scene = window.waterfall.scene
    assert scene is not None and scene.chart is not None
    first_bar = window.model.settings.listen_bars + 1
    gone = [c for c in scene.chart.chords if c.gone]
    bars = {cell.number: cell.rect.x for cell in scene.chart.bars if cell.gone}
    named = [n for n in bars if n.isdigit() and int(n) >= first_bar]
    assert len(named) >= 4
    assert len(gone) >= 2 * len(named)  # two chords a bar


def test_letters_are_on_the_keys_until_there_is_a_midi_keyboard(bench: Bench) -> None:
    fall = bench.window.waterfall
    assert fall.letters[60] == "a"
    QTest.keyClick(fall, Qt.Key.Key_Z)
    assert fall.letters[48] == "a"
    bench.link.devices = DeviceState("ALSA", ("jam in", "Digital Piano"), (), ("Digital Piano",))
    bench.link._changed = True
    bench.tick()
    assert fall.letters == {}


def test_problems_and_messages_are_said_in_place(bench: Bench) -> None:
    notice = bench.window.notice
    assert not notice.isVisible()
    problem = "Silent: no audio device was found."
    bench.link.override = stopped_snapshot(
        devices=DeviceState(problems=(problem,)), message="Hello."
    )
    bench.tick()
    assert notice.isVisible()
    assert notice.label.text() == f"Hello.\n{problem}\n{WHERE_DEVICES_ARE}"
    notice.hide()
    bench.link.override = replace(bench.link.override, seq=5)
    bench.tick()
    assert not notice.isVisible()
    bench.link.override = replace(bench.link.override, seq=6, message="Something new.")
    bench.tick()
    assert notice.isVisible()
    bench.link.override = stopped_snapshot()
    bench.tick()
    assert not notice.isVisible()


def test_notices_lie_over_the_page_and_move_nothing(bench: Bench) -> None:
    window = bench.window
    before = window.waterfall.geometry()
    problem, other = "Silent: no audio device was found.", "Another thing."
    bench.link.override = stopped_snapshot(devices=DeviceState(problems=(problem,)))
    bench.tick()
    QApplication.processEvents()
    assert window.waterfall.geometry() == before
    inside = window.pages.geometry()
    assert inside.contains(window.notices.geometry())
    assert inside.bottom() - window.notices.geometry().bottom() < 20
    window.open_panel("Music")
    QApplication.processEvents()
    panel = window.page.panel
    assert window.notices.geometry().right() < panel.mapTo(window, QPoint(0, 0)).x()
    # What was closed stays closed while it holds, whatever else there is to say.
    window.notice.close_notice()
    bench.link.override = replace(bench.link.override, seq=1, message=other)
    bench.tick()
    assert window.notice.label.text() == other
    bench.link.override = stopped_snapshot()
    bench.tick()
    assert not window.notice.isVisible()
    bench.link.override = replace(stopped_snapshot(devices=DeviceState(problems=(problem,))), seq=2)
    bench.tick()
    assert problem in window.notice.label.text()  # it was over: news again


TITLE_BAR = QSize(0, 40)


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_the_window_fits_a_small_screen(text_scale: float, bench: Bench) -> None:
    """1280 x 720 pixels with its title bar, on both pages, with the panel, also with large text."""
    window = bench.window
    window.look.change(text_scale=text_scale)
    screen = QSize(1280, 720) - TITLE_BAR
    window.open_panel("Devices")
    for page in (JAM, REVIEW):
        window.pages.show_page(page)
        window.review.front.setCurrentWidget(window.review.view)
        QApplication.processEvents()
        least = window.minimumSizeHint()
        assert least.width() <= screen.width() and least.height() <= screen.height()
        window.resize(screen)
        QApplication.processEvents()
        for button in window.findChildren(QAbstractButton):
            if button.isVisible() and button.window() is window and not _scrolled(button):
                corner = button.mapTo(window, button.rect().bottomRight())
                assert window.rect().contains(corner), button.accessibleName()
        window.help.toggle()
        QApplication.processEvents()
        area = window.help.findChild(QScrollArea)
        sideways = area.horizontalScrollBar()
        assert sideways is not None and sideways.maximum() == 0
        window.help.close_help()


@pytest.mark.parametrize("text_scale", [1.0, 2.0])
def test_each_tab_of_the_panel_shows_all_it_has(text_scale: float, bench: Bench) -> None:
    """Nothing is cut off at its right, and no row lies upon the next."""
    window = bench.window
    window.look.change(text_scale=text_scale)
    window.resize(QSize(1280, 720) - TITLE_BAR)
    window.show()
    for title, section in window.page.sections.items():
        window.page.show_tab(title)
        QApplication.processEvents()
        view, layout = section.parentWidget(), section.layout()
        assert view is not None and section.width() == view.width(), title
        assert layout is not None and layout.geometry() == section.rect(), title
        for child in section.findChildren(
            QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly
        ):
            assert not child.isVisible() or section.rect().contains(child.geometry()), (
                title,
                child.accessibleName(),
            )


def _scrolled(widget: QWidget) -> bool:
    """Whether it lies in an area that scrolls."""
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QAbstractScrollArea):
        parent = parent.parentWidget()
    return parent is not None


def test_a_jam_is_painted(bench: Bench, qtbot: QtBot) -> None:
    """Pixels of both colours are where the scene has notes."""
    snapshot = jam_snapshot(70.3, start_s=100.0 - 70.3 * 0.15)
    bench.link.override = snapshot
    bench.tick()
    fall = bench.window.waterfall
    scene = fall.scene
    assert scene is not None
    picture = fall.grab().toImage()
    theme = fall.theme
    seen = set()
    for note in scene.notes:
        if note.committed and note.opacity == 1.0 and not note.sounding and not note.player:
            x, y = note.rect.x + note.rect.width / 2, note.rect.y + note.rect.height / 2
            colour = picture.pixelColor(int(x), int(y)).name()
            seen.add((note.part, colour))
    assert ("chords", theme.agent) in seen
    assert ("bass", theme.agent_bass) in seen
    held = [lit for lit in scene.lit if lit.player and not lit.agent]
    assert held
    lit_key = fall.areas.key(held[0].pitch)
    assert lit_key is not None
    foot = picture.pixelColor(int(lit_key.box.x + 5), int(lit_key.box.bottom - 12))
    assert foot.name() == theme.player


def test_a_screen_reader_is_told_the_chords(bench: Bench) -> None:
    for position in (70.3, 71.2):
        bench.link.override = jam_snapshot(position, start_s=100.0 - position * 0.15)
        bench.tick()
    now = bench.window.waterfall.scene
    assert now is not None
    words = bench.window.waterfall.accessibleDescription()
    assert words == f"Now {now.now.chord}. Next {now.now.next_chord}."


def test_nothing_is_repainted_while_nothing_moves(bench: Bench, qtbot: QtBot) -> None:
    bench.link.override = stopped_snapshot()
    bench.tick()
    qtbot.waitUntil(lambda: bool(bench.window.waterfall.paint_times_ms))
    QApplication.processEvents()
    painted = len(bench.window.waterfall.paint_times_ms)
    for _ in range(10):
        bench.tick(0.016)
        QApplication.processEvents()
    assert len(bench.window.waterfall.paint_times_ms) == painted


def test_before_the_first_snapshot_it_says_so(qtbot: QtBot) -> None:
    made = Bench()
    qtbot.addWidget(made.window)
    made.window.show()
    made.link.up = False
    made.tick()
    assert made.window.waterfall.scene is not None
    assert made.window.waterfall.scene.headline == STARTING[0]
    made.link.up = True
    made.tick()
    assert made.window.waterfall.scene is not None
    assert made.window.waterfall.scene.headline == PRESS_SPACE
    made.window.close()


def test_slow_painting_halves_the_rate_and_comes_back() -> None:
    assert not is_frugal(False, 4.0)
    assert is_frugal(False, 6.0)
    assert is_frugal(True, 4.0)
    assert not is_frugal(True, 2.0)


def test_the_status_line() -> None:
    assert status_of(None, 0.0).transport == "Starting"
    snapshot = replace(
        jam_snapshot(21.0), counters=Counters(plans=9, late_plans=2, dropouts=3, plan_ms=4.25)
    )
    status = status_of(snapshot, snapshot.at_s)
    assert status.transport == "Listening · bar 2, beat 2"
    assert status.agent == "Agent: rules, ready"
    assert (status.plan, status.late, status.dropouts) == (
        "plan 4.2 ms",
        "late plans 2",
        "dropouts 3",
    )
    assert status.audio == "Audio: Built-in Audio, 48 kHz · 12 ms"
    assert status.midi == "MIDI: Digital Piano"
    gone = replace(snapshot, agent_state="gone", devices=DeviceState())
    assert status_of(gone, 0.0).agent_alert
    assert status_of(gone, 0.0).audio_alert
    assert problems_of(None) == ()


def test_the_demo_plays_and_leaves_everything_as_it_was(bench: Bench) -> None:
    window = bench.window
    bench.tick()
    before = window.model.settings
    assert window.waterfall.demo_button.isVisible()
    window.waterfall.demo_button.click()
    assert bench.sent(Start) and window.demo.is_on
    bench.tick(0.1)
    assert window.running and not window.waterfall.demo_button.isVisible()
    assert window.model.settings != before
    window.start_stop()
    bench.tick(0.1)
    assert not window.demo.is_on and window.model.settings == before
    assert window.notices.text == DEMO_OVER
    down = [c.pitch for c in bench.link.sent if isinstance(c, KeyInput) and c.velocity]
    up = [c.pitch for c in bench.link.sent if isinstance(c, KeyInput) and not c.velocity]
    assert sorted(down) == sorted(up)


def test_notes_that_come_in_end_the_advice_to_plug_in_a_keyboard(bench: Bench) -> None:
    fall = bench.window.waterfall

    def advice() -> str:
        bench.tick()
        assert fall.scene is not None
        return fall.scene.subline

    assert NO_KEYBOARD in advice()
    QTest.keyClick(fall, Qt.Key.Key_A)  # the computer's own
    assert NO_KEYBOARD in advice()
    bench.window.watch_demo()
    bench.tick(10.0)
    bench.window.start_stop()
    assert NO_KEYBOARD in advice() and fall.letters  # the demo was no keyboard either
    bench.link.devices = replace(bench.link.devices, midi_heard=True)
    bench.tick(1.0)
    assert NO_KEYBOARD not in advice() and MIDI_HEARD in advice()
    assert not fall.letters


def test_one_dot_tells_how_the_engine_is(bench: Bench) -> None:
    status = bench.window.status
    well = jam_snapshot(21.0)
    assert health_of(well) == (Level.WELL, ALL_IS_WELL)
    faults = [
        replace(well, agent_state="gone"),
        replace(well, devices=DeviceState()),
        replace(well, phase="behind"),
        replace(well, agent_state="loading"),
    ]
    assert [health_of(snapshot)[0] for snapshot in faults] == [
        Level.FAULT,
        Level.FAULT,
        Level.WARNING,
        Level.WARNING,
    ]
    assert health_of(replace(well, devices=DeviceState(wanted_audio=NO_SOUND)))[0] == Level.WELL
    bench.link.override = well
    bench.tick()
    assert ALL_IS_WELL in status.health.text() and not status.details_shown
    assert "plan 1.9 ms" in status.health.toolTip()
    status.health.click()
    assert status.details_shown and status._labels["plan"].isVisible()


def test_parts_that_a_style_does_not_have_are_grey(bench: Bench) -> None:
    bass, drums = bench.control("bass"), bench.control("drums")
    for style in all_styles()[0]:
        turn(bench.control("accompaniment"), style.name)
        assert bass.isEnabled() == ("bass" in style.parts)
        assert drums.isEnabled() == ("drums" in style.parts), style.name
    assert not all("drums" in style.parts for style in all_styles()[0])


def test_numbers_have_steppers_and_styles_have_groups(bench: Bench) -> None:
    tempo = bench.control("bpm")
    for y, bpm in ((4, 101), (tempo.height() - 4, 100)):
        at = QPoint(tempo.width() - 8, y)
        QTest.mouseClick(tempo, Qt.MouseButton.LeftButton, pos=at)
        assert tempo.value() == bpm
    styles = bench.control("accompaniment")
    names = styles._names
    assert {name for name in names if name} == {style.name for style in all_styles()[0]}
    headings = [styles.itemText(i) for i, name in enumerate(names) if not name]
    assert headings == list(GROUPS.values())


def test_a_new_dropout_is_marked_for_a_while(bench: Bench) -> None:
    status = bench.window.status
    bench.link.override = stopped_snapshot()
    bench.tick()
    worse = replace(bench.link.override, seq=1, counters=Counters(dropouts=1))
    status.show_status(worse, 10.0)
    assert status._labels["dropouts"].property("alert")
    assert not status._labels["late"].property("alert")
    status.show_status(worse, 20.0)
    assert not status._labels["dropouts"].property("alert")
    assert "dropouts 1" in status.text()


def test_the_icon_is_there(qtbot: QtBot) -> None:
    assert not app_icon().isNull()
