"""The real window on a link that only pretends: controls, keys, focus, names, notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QWidget,
)
from pytestqt.qtbot import QtBot

from jam.clock import FakeClock
from jam.grid import METERS, Meter
from jam.messages import (
    ChangeSettings,
    Counters,
    DeviceState,
    KeyInput,
    Panic,
    SelectDevices,
    Start,
    Stop,
)
from jam.settings import JamSettings
from tests.ui_fake import FakeLink, jam_snapshot, stopped_snapshot
from ui.controls import Controls
from ui.icon import app_icon
from ui.layout import KEY_RANGES
from ui.link import EngineLink
from ui.status import notice_of, status_of
from ui.window import ECHO_S, MainWindow, is_frugal

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


class Bench:
    """A window on a fake link, driven by hand: `tick` is one poll."""

    def __init__(self) -> None:
        self.clock = FakeClock(100.0)
        self.link = FakeLink(self.clock)
        self.saved: list[JamSettings] = []
        link: EngineLink = self.link
        self.window = MainWindow(link, JamSettings(), self.saved.append, self.clock)
        self.window._timer.stop()
        self.window.resize(1280, 720)

    @property
    def controls(self) -> Controls:
        return self.window.controls

    def tick(self, by_s: float = 0.0) -> None:
        self.clock.advance(by_s)
        self.window.poll()

    def sent(self, kind: type) -> list[object]:
        return [command for command in self.link.sent if isinstance(command, kind)]

    def notes(self) -> list[tuple[int, bool]]:
        return [(c.pitch, c.velocity > 0) for c in self.link.sent if isinstance(c, KeyInput)]

    def changed(self) -> JamSettings:
        command = self.sent(ChangeSettings)[-1]
        assert isinstance(command, ChangeSettings)
        return command.settings


@pytest.fixture
def bench(qtbot: QtBot) -> Iterator[Bench]:
    made = Bench()
    qtbot.addWidget(made.window)
    made.window.show()
    qtbot.waitExposed(made.window)
    made.tick()
    yield made
    made.window.close()


def key(widget: QWidget, code: Qt.Key, repeat: bool = False, down: bool = True) -> None:
    kind = QEvent.Type.KeyPress if down else QEvent.Type.KeyRelease
    event = QKeyEvent(kind, code, Qt.KeyboardModifier.NoModifier, "", repeat)
    QApplication.sendEvent(widget, event)


def test_every_control_changes_its_setting(bench: Bench) -> None:
    controls = bench.controls
    controls.tempo.setValue(132.5)
    assert bench.changed().bpm == 132.5
    controls.meter.setCurrentText("6/8")
    controls.meter.activated.emit(controls.meter.currentIndex())
    assert bench.changed().meter == Meter(6, 8)
    controls.count_in.setValue(0)
    assert bench.changed().count_in_bars == 0
    controls.listen.setValue(4)
    assert bench.changed().listen_bars == 4
    controls.lookahead.setValue(8)
    assert bench.changed().lookahead_beats == 8
    controls.commit.setValue(1)
    assert bench.changed().commit_beats == 1
    controls.metronome.click()
    assert bench.changed().metronome is False
    for setting in ("player_volume", "agent_volume", "metronome_volume"):
        controls.slider(setting).setValue(25)
        assert getattr(bench.changed(), setting) == 0.25
    # Nothing that was set before was lost on the way.
    assert bench.changed() == JamSettings(
        132.5, Meter(6, 8), 8, 1, 4, 0, metronome=False,
        player_volume=0.25, agent_volume=0.25, metronome_volume=0.25,
    )  # fmt: skip
    assert len(bench.sent(ChangeSettings)) == 10


def test_every_metre_is_offered(bench: Bench) -> None:
    meter = bench.controls.meter
    assert tuple(meter.itemText(i) for i in range(meter.count())) == METERS


def test_a_typed_tempo_is_sent_once_when_it_is_confirmed(bench: Bench) -> None:
    edit = bench.controls.tempo.lineEdit()
    assert edit is not None
    edit.setFocus()
    edit.selectAll()
    QTest.keyClicks(edit, "120")
    assert bench.sent(ChangeSettings) == []
    QTest.keyClick(edit, Qt.Key.Key_Return)
    assert bench.changed().bpm == 120
    assert len(bench.sent(ChangeSettings)) == 1


def test_settings_are_saved_once_when_the_hand_rests(bench: Bench, qtbot: QtBot) -> None:
    for bpm in (101, 102, 103):
        bench.controls.tempo.setValue(bpm)
    assert bench.saved == []
    qtbot.waitUntil(lambda: bool(bench.saved))
    assert [s.bpm for s in bench.saved] == [103]


def test_settings_are_saved_when_the_window_closes(bench: Bench) -> None:
    bench.controls.tempo.setValue(77)
    bench.window.close()
    assert [s.bpm for s in bench.saved] == [77]


def test_the_controls_follow_the_engine(bench: Bench) -> None:
    settings = JamSettings(bpm=90, meter=Meter(3, 4), metronome=False, agent_volume=0.1)
    bench.link.override = stopped_snapshot(settings)
    bench.tick()
    controls = bench.controls
    assert controls.settings == settings
    assert controls.tempo.value() == 90
    assert controls.meter.currentText() == "3/4"
    assert not controls.metronome.isChecked()
    assert controls.slider("agent_volume").value() == 10
    assert bench.sent(ChangeSettings) == []


def test_an_old_snapshot_does_not_undo_a_change_that_is_under_way(bench: Bench) -> None:
    bench.link.override = stopped_snapshot(JamSettings())
    bench.controls.tempo.setValue(140)
    bench.tick(0.1)
    assert bench.controls.tempo.value() == 140
    # The engine never took it over: after a while what it says counts.
    bench.link.override = replace(stopped_snapshot(JamSettings()), seq=2)
    bench.tick(ECHO_S)
    assert bench.controls.tempo.value() == 100


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
    bench.controls.panic_button.click()
    assert [type(c) for c in bench.link.sent] == [Start, Stop, Panic]


def test_space_on_a_control_reached_by_tab_is_meant_for_it(bench: Bench) -> None:
    before = bench.controls.metronome.isChecked()
    QTest.keyClick(bench.controls.metronome, Qt.Key.Key_Space)
    assert bench.controls.metronome.isChecked() != before
    assert bench.sent(Start) == []


def test_a_click_leaves_the_keyboard_to_the_piano(bench: Bench) -> None:
    for widget in bench.controls.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider):
            policy = widget.focusPolicy()
            assert policy in (Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus), widget.objectName()


def test_each_start_has_dice_of_its_own(bench: Bench) -> None:
    for _ in range(2):
        bench.controls.start_stop.emit()
    seeds = {c.seed for c in bench.sent(Start) if isinstance(c, Start)}
    assert len(seeds) == 2


def test_escape_is_panic(bench: Bench) -> None:
    key(bench.window.waterfall, Qt.Key.Key_A)
    key(bench.window.waterfall, Qt.Key.Key_Escape)
    assert bench.notes() == [(60, True), (60, False)]
    assert len(bench.sent(Panic)) == 1
    key(bench.window.waterfall, Qt.Key.Key_A, down=False)
    assert len(bench.notes()) == 2


def test_escape_is_panic_while_a_dialog_is_open(bench: Bench, qtbot: QtBot) -> None:
    dialog = QDialog(bench.window)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert bench.sent(Panic)
    assert not dialog.isVisible()


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
    edit = bench.controls.tempo.lineEdit()
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


def test_midi_inputs_come_and_go(bench: Bench) -> None:
    combo = bench.controls.midi_input

    def names() -> list[str]:
        return [combo.itemText(i) for i in range(combo.count())]

    assert names() == ["All inputs", "Digital Piano", "nanoKEY2", "Computer keys"]
    combo.setCurrentIndex(2)
    combo.activated.emit(2)
    assert bench.sent(SelectDevices) == [SelectDevices(midi_inputs=("nanoKEY2",))]
    bench.tick()
    assert combo.currentText() == "nanoKEY2"
    bench.link.devices = DeviceState("ALSA", ("jam in",), (), ("Digital Piano",))
    bench.link._changed = True
    bench.tick()
    assert names() == ["All inputs", "Digital Piano", "Computer keys"]
    assert combo.currentText() == "All inputs"
    combo.activated.emit(2)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=())


def test_the_list_does_not_change_under_the_hand(bench: Bench) -> None:
    combo = bench.controls.midi_input
    combo.showPopup()
    bench.link.devices = DeviceState()
    bench.link._changed = True
    bench.tick()
    assert combo.count() == 4
    combo.hidePopup()
    combo.show_devices(DeviceState())
    assert combo.count() == 2


def test_the_key_range_is_the_piano_s(bench: Bench) -> None:
    combo = bench.controls.key_range
    combo.setCurrentText("49 keys")
    combo.activated.emit(combo.currentIndex())
    bench.tick()
    low, high = KEY_RANGES["49 keys"]
    assert bench.window.waterfall.areas.low_pitch == low
    assert len(bench.window.waterfall.areas.keys) == high - low + 1


def test_letters_are_on_the_keys_until_there_is_a_midi_keyboard(bench: Bench) -> None:
    fall = bench.window.waterfall
    assert fall._letters[60] == "a"
    QTest.keyClick(fall, Qt.Key.Key_Z)
    assert fall._letters[48] == "a"
    bench.link.devices = DeviceState("ALSA", ("jam in", "Digital Piano"), (), ("Digital Piano",))
    bench.link._changed = True
    bench.tick()
    assert fall._letters == {}


def test_problems_and_messages_are_said_in_place(bench: Bench) -> None:
    notice = bench.window.notice
    assert not notice.isVisible()
    problem = "Silent: no audio device was found."
    bench.link.override = stopped_snapshot(
        devices=DeviceState(problems=(problem,)), message="Hello."
    )
    bench.tick()
    assert notice.isVisible()
    assert notice.label.text() == f"Hello.\n{problem}"
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


def test_interactive_widgets_have_names_tips_and_room(bench: Bench) -> None:
    kinds = QAbstractButton | QAbstractSlider | QAbstractSpinBox | QComboBox
    found = [w for w in bench.window.findChildren(QWidget) if isinstance(w, kinds)]
    own = [w for w in found if not (w.window() is not bench.window or _is_inner(w))]
    assert len(own) >= 13
    names = [w.accessibleName() for w in own]
    assert all(names)
    assert len(set(names)) == len(names)
    for widget in own:
        assert widget.toolTip(), widget.accessibleName()
        if widget.isVisible():
            assert widget.width() >= widget.minimumSizeHint().width(), widget.accessibleName()
    assert bench.window.waterfall.accessibleName()


def _is_inner(widget: QWidget) -> bool:
    """True for the parts that Qt makes inside its own widgets (scroll bars of a list, ...)."""
    parent = widget.parentWidget()
    while parent is not None:
        if isinstance(parent, QComboBox | QAbstractSpinBox):
            return True
        parent = parent.parentWidget()
    return False


def test_mnemonics_do_not_collide(bench: Bench) -> None:
    texts = [w.text() for w in bench.controls.findChildren(QLabel)]
    texts += [bench.controls.metronome.text()]
    letters = [t[t.index("&") + 1].lower() for t in texts if "&" in t]
    assert len(letters) == 12
    assert len(set(letters)) == len(letters)


def test_the_bar_fits_the_usual_window(bench: Bench) -> None:
    assert bench.window.minimumSizeHint().width() <= 1280


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
    assert made.window.waterfall.scene.headline == "Starting"
    made.link.up = True
    made.tick()
    assert made.window.waterfall.scene is not None
    assert made.window.waterfall.scene.headline == "Press Space and play"
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
        "plan 4.2 ms", "late plans 2", "dropouts 3",
    )  # fmt: skip
    assert status.audio == "Audio: Built-in Audio, 48 kHz · 12 ms"
    assert status.midi == "MIDI: Digital Piano"
    gone = replace(snapshot, agent_state="gone", devices=DeviceState())
    assert status_of(gone, 0.0).agent_alert
    assert status_of(gone, 0.0).audio_alert
    assert notice_of(None) == ""


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
