"""The real window on a link that only pretends: controls, keys, focus, names, notices."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QKeyEvent
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QScrollBar,
    QTabBar,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from jam.audio import AudioChoice
from jam.clock import FakeClock
from jam.grid import Meter
from jam.messages import (
    EVERY_INPUT,
    ChangeSettings,
    Counters,
    DeviceState,
    KeyInput,
    ListAudio,
    Panic,
    SelectDevices,
    Start,
    Stop,
)
from jam.preferences import Preferences
from jam.settings import LIMITS, JamSettings
from tests.ui_fake import FakeLink, jam_snapshot, stopped_snapshot
from ui.bar import Bar
from ui.desk import ECHO_S
from ui.devices_panel import PortList
from ui.fields import Choice, CountSpin, NumberSpin, Slider
from ui.icon import app_icon
from ui.layout import KEY_RANGES
from ui.link import EngineLink
from ui.status import notice_of, status_of
from ui.styles import StyleCombo
from ui.window import MainWindow, is_frugal

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


class Bench:
    """A window on a fake link, driven by hand: `tick` is one poll."""

    def __init__(self, preferences: Preferences | None = None) -> None:
        self.clock = FakeClock(100.0)
        self.link = FakeLink(self.clock)
        self.kept: dict[str, Any] = {}
        self.saves: list[dict[str, Any]] = []
        link: EngineLink = self.link
        self.window = MainWindow(link, preferences or Preferences(), self.save, self.clock)
        self.window._timer.stop()
        self.window.resize(1280, 720)

    def save(self, **values: Any) -> None:
        self.saves.append(values)
        self.kept.update(values)

    @property
    def saved(self) -> list[JamSettings]:
        return [values["settings"] for values in self.saves if "settings" in values]

    @property
    def controls(self) -> Bar:
        return self.window.controls

    def control(self, setting: str) -> Any:
        """The control of a setting, on the bar or in the panel."""
        parts = (self.controls, *self.window.page.sections.values())
        for made in (part.fields.made for part in parts):
            if setting in made:
                return made[setting]
        raise AssertionError(f"no control for {setting}")

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


def other_value(setting: str, now: object) -> Any:
    """A value that the setting doesn't have yet."""
    special: dict[str, Any] = {
        "meter": Meter(6, 8), "accompaniment": "waltz", "style": "jazz", "density": 2.0,
        "key_lock": (7, False), "palette": ("maj", "min7"), "model": "rules",
    }  # fmt: skip
    if setting in special:
        return special[setting]
    if isinstance(now, bool):
        return not now
    if not isinstance(now, int | float):
        return 8
    low, high, _ = LIMITS.get(setting, (30, 300, ""))
    quarter = low + (high - low) / 4
    value = int(quarter) if isinstance(now, int) else quarter
    return value if value != now else type(now)(high)


def turn(control: Any, value: Any) -> None:
    """Set a control as a hand would, whatever kind it is."""
    if isinstance(control, QCheckBox):
        control.click()
    elif isinstance(control, Choice):
        index = control.values.index(value)
        control.setCurrentIndex(index)
        control.activated.emit(index)
    elif isinstance(control, StyleCombo):
        index = control._names.index(value)
        control.activated.emit(index)
    elif isinstance(control, Slider):
        control.setValue(round(value / control._step))
    elif isinstance(control, CountSpin | NumberSpin):
        control.setValue(value)
    elif isinstance(control, QLineEdit):
        control.setText(" ".join(value))
        control.editingFinished.emit()
    else:
        raise AssertionError(f"no way to turn {control}")


def test_every_setting_has_a_control_that_changes_it_and_nothing_else(bench: Bench) -> None:
    expected = JamSettings()
    for setting in (f.name for f in fields(JamSettings)):
        value = other_value(setting, getattr(expected, setting))
        turn(bench.control(setting), value)
        expected = expected.changed(**{setting: value})
        assert bench.changed() == expected, setting
    assert len(bench.sent(ChangeSettings)) == len(fields(JamSettings))


def test_a_typed_tempo_is_sent_once_when_it_is_confirmed(bench: Bench) -> None:
    edit = bench.control("bpm").lineEdit()
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
        bench.control("bpm").setValue(bpm)
    assert bench.saved == []
    qtbot.waitUntil(lambda: bool(bench.saved))
    assert [s.bpm for s in bench.saved] == [103]


def test_settings_are_saved_when_the_window_closes(bench: Bench) -> None:
    bench.control("bpm").setValue(77)
    bench.window.close()
    assert [s.bpm for s in bench.saved] == [77]


def test_the_controls_follow_the_engine(bench: Bench) -> None:
    settings = JamSettings(bpm=90, meter=Meter(3, 4), metronome=False, agent_volume=0.1)
    bench.link.override = stopped_snapshot(settings)
    bench.tick()
    assert bench.window.desk.settings == settings
    assert bench.control("bpm").value() == 90
    assert bench.control("meter").currentText() == "3/4"
    assert not bench.control("metronome").isChecked()
    assert bench.control("agent_volume").number() == 0.1
    assert bench.sent(ChangeSettings) == []


def test_an_old_snapshot_does_not_undo_a_change_that_is_under_way(bench: Bench) -> None:
    bench.link.override = stopped_snapshot(JamSettings())
    bench.control("bpm").setValue(140)
    bench.tick(0.1)
    assert bench.control("bpm").value() == 140
    # The engine never took it over: after a while what it says counts.
    bench.link.override = replace(stopped_snapshot(JamSettings()), seq=2)
    bench.tick(ECHO_S)
    assert bench.control("bpm").value() == 100


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
    before = bench.control("metronome").isChecked()
    QTest.keyClick(bench.control("metronome"), Qt.Key.Key_Space)
    assert bench.control("metronome").isChecked() != before
    assert bench.sent(Start) == []


def test_a_click_leaves_the_keyboard_to_the_piano(bench: Bench) -> None:
    for widget in bench.controls.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider):
            policy = widget.focusPolicy()
            assert policy in (Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus), widget.objectName()


def test_each_start_has_dice_of_its_own(bench: Bench) -> None:
    for _ in range(2):
        bench.window.start_stop()
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


def test_midi_inputs_come_and_go(bench: Bench) -> None:
    ports = bench.window.page.devices.inputs

    def rows() -> list[tuple[str, bool]]:
        items = [ports.item(i) for i in range(ports.count())]
        return [(i.text(), i.checkState() == Qt.CheckState.Checked) for i in items if i]

    every = "Every keyboard, also one plugged in later"
    assert rows() == [(every, True), ("Digital Piano", False), ("nanoKEY2", False)]
    tick(ports, 0)
    tick(ports, 2)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=("nanoKEY2",))
    tick(ports, 1)
    both = ("Digital Piano", "nanoKEY2")
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=both)
    assert bench.window._unsaved["midi_inputs"] == both
    bench.link.devices = replace(bench.link.devices, available_inputs=("Digital Piano",))
    bench.link._changed = True
    bench.tick()
    assert rows()[1:] == [("Digital Piano", True), ("nanoKEY2  (not connected)", True)]
    tick(ports, 0)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=EVERY_INPUT)
    bench.window.desk.undo()
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=both)


def tick(ports: PortList, row: int) -> None:
    """Tick a port, or take the tick away."""
    item = ports.item(row)
    assert item is not None
    on = item.checkState() == Qt.CheckState.Checked
    item.setCheckState(Qt.CheckState.Unchecked if on else Qt.CheckState.Checked)
    bench_window = ports.window()
    assert isinstance(bench_window, MainWindow)
    bench_window.poll()


def test_audio_devices_are_chosen_and_remembered(bench: Bench) -> None:
    bench.link.devices = replace(
        bench.link.devices, available_audio=("Speakers", "Headphones"), audio="Speakers",
        sample_rate=48000, block_frames=256, audio_rates=(44100, 48000),
        audio_blocks=(128, 256, 512), audio_latency_ms=11.0, key_to_synth_ms=0.5,
    )  # fmt: skip
    bench.link._changed = True
    bench.tick()
    section = bench.window.page.devices
    turn(section.audio, "Headphones")
    assert bench.sent(SelectDevices)[-1] == SelectDevices(audio="Headphones")
    turn(section.rate, 44100)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(sample_rate=44100)
    turn(section.block, 512)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(block_frames=512)
    assert bench.window._unsaved["audio"] == AudioChoice("Headphones", 44100, 512)
    assert "11.5 ms" in section.latency.text()
    section.look_again.click()
    assert bench.sent(ListAudio)


def test_a_list_that_is_open_does_not_change_under_the_hand(bench: Bench) -> None:
    combo = bench.window.page.devices.audio
    bench.window.open_panel("Devices")
    combo.showPopup()
    count = combo.count()
    bench.link.devices = replace(bench.link.devices, available_audio=("Another",))
    bench.link._changed = True
    bench.tick()
    assert combo.count() == count
    combo.hidePopup()
    bench.window.page.devices.show_devices(bench.link.devices)
    assert combo.count() == count + 1


def test_the_key_range_is_the_piano_s(bench: Bench) -> None:
    turn(bench.control("key_range"), "49 keys")
    bench.tick()
    low, high = KEY_RANGES["49 keys"]
    assert bench.window.waterfall.areas.low_pitch == low
    assert len(bench.window.waterfall.areas.keys) == high - low + 1


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
        if isinstance(parent, QComboBox | QAbstractSpinBox | QTabBar | QLineEdit | QTableView):
            return True
        if isinstance(parent, QAbstractScrollArea) and isinstance(widget, QScrollBar):
            return True
        parent = parent.parentWidget()
    return False


def test_mnemonics_do_not_collide(bench: Bench) -> None:
    texts = [w.text() for w in bench.window.findChildren(QLabel)]
    texts += [w.text() for w in bench.window.findChildren(QAbstractButton)]
    tabs = bench.window.page.panel.tabs
    texts += [tabs.tabText(i) for i in range(tabs.count())]
    letters = [t[t.index("&") + 1].lower() for t in texts if "&" in t]
    assert len(letters) >= 12
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
