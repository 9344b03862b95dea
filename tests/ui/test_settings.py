"""Undo, presets, tap tempo, and what is there again at the next start."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PyQt6 import QtTest
from PyQt6.QtCore import Qt
from PyQt6.QtGui import QGuiApplication
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from jam.messages.commands import DeviceChoice, SelectDevices
from jam.messages.voice import OFF as NO_MICROPHONE
from jam.music.grid import MAX_BPM, MIN_BPM
from jam.preferences import PreferenceFile
from jam.settings import JamSettings
from tests.support.ui_bench import Bench, other_value, turn
from tests.support.ui_fake import stopped_snapshot
from ui.jam_page.bar import FORGET_S, TapTempo
from ui.settings.model import ECHO_S, MERGE_S
from ui.settings.preset_button import RENAME, NameDialog
from ui.settings.presets import BUILT_IN, DEFAULT

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


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


def test_changes_are_taken_back_one_by_one(bench: Bench) -> None:
    model = bench.window.model
    for bpm in (101, 102, 103):  # one turn of the wheel
        bench.control("bpm").setValue(bpm)
        bench.clock.advance(MERGE_S / 4)
    bench.control("commit_beats").setValue(4)
    bench.clock.advance(2 * MERGE_S)
    bench.control("commit_beats").setValue(3)
    shown = []
    for _ in range(4):
        QTest.keyClick(bench.window.waterfall, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
        shown.append((model.settings.bpm, model.settings.commit_beats))
    usual = JamSettings().commit_beats
    assert shown == [(103, 4), (103, usual), (100, usual), (100, usual)]
    assert bench.changed() == JamSettings()
    assert bench.control("commit_beats").value() == usual
    assert "Nothing to undo" in bench.window.status.text()
    model.redo()
    assert bench.changed().bpm == 103


def test_what_the_engine_says_is_not_undone(bench: Bench) -> None:
    bench.control("bpm").setValue(140)
    bench.clock.advance(ECHO_S * 2)
    bench.link.override = stopped_snapshot(JamSettings(bpm=140, agent_volume=0.2))
    bench.tick()
    bench.window.model.undo()
    assert bench.changed() == JamSettings(bpm=100, agent_volume=0.2)


@pytest.mark.parametrize("name", BUILT_IN)
def test_presets_set_what_they_say_and_leave_the_rest(bench: Bench, name: str) -> None:
    before = JamSettings(bpm=77, midi_channel=3, latency_offset_ms=12.0, split_pitch=48)
    bench.window.model.follow(before)
    bench.window.presets.choose(name)
    values = BUILT_IN[name][1]
    assert bench.changed() == before.changed(**values)
    assert bench.changed().midi_channel == 3
    assert bench.window.presets.current() == name
    assert name in bench.window.preset_button.text()
    bench.window.model.undo()
    assert bench.changed() == before


def test_own_presets_are_saved_overwritten_deleted_and_brought_back(bench: Bench) -> None:
    window = bench.window
    bench.control("bpm").setValue(133)
    window.preset_button.ask_name()
    (dialog,) = window.findChildren(NameDialog)
    dialog.accept()
    assert "name" in dialog.fault.text() and dialog.isVisible()
    dialog.name.setText(DEFAULT)
    dialog.accept()
    assert "built-in" in dialog.fault.text()
    dialog.name.setText(" Mine ")
    dialog.accept()
    assert not dialog.isVisible()
    assert window.keeper.unsaved["presets"]["Mine"].bpm == 133
    bench.control("bpm").setValue(150)
    window.presets.save("Mine")
    assert window.presets.own["Mine"].bpm == 150
    window.presets.delete("Mine")
    assert window.keeper.unsaved["presets"] == {}
    window.model.undo()
    assert window.keeper.unsaved["presets"]["Mine"].bpm == 150
    window.model.undo()
    assert window.presets.own["Mine"].bpm == 133
    number = window.presets.names.index("Mine") + 1
    bench.control("bpm").setValue(60)
    QTest.keyClicks(window.waterfall, str(number), Qt.KeyboardModifier.ControlModifier)
    assert bench.changed().bpm == 133
    window.preset_button.fill()
    menu = window.preset_button.menu()
    assert menu is not None
    texts = [entry.text().split("\t")[0] for entry in menu.actions()]
    assert [t for t in texts if t] == [*BUILT_IN, "Mine", "Save as…", "Replace", RENAME, "Delete"]


def test_tapping_sets_the_tempo() -> None:
    taps = TapTempo()
    assert taps.tap(10.0) is None
    assert [taps.tap(10.0 + 0.5 * n) for n in range(1, 5)] == [120, 120, 120, 120]
    # One late, one forgotten: the median doesn't mind.
    assert taps.tap(12.57) == 120
    assert taps.tap(13.5) == 120
    assert taps.tap(13.5 + FORGET_S + 0.01) is None
    assert taps.tap(16.51) == 60


@given(st.lists(st.floats(0.001, 5), min_size=2, max_size=40))
def test_no_tapping_leaves_the_range(intervals: list[float]) -> None:
    taps, at_s = TapTempo(), 0.0
    for interval in intervals:
        at_s += interval
        bpm = taps.tap(at_s)
        assert bpm is None or MIN_BPM <= bpm <= MAX_BPM


def test_the_key_and_the_button_tap(bench: Bench) -> None:
    for _ in range(4):
        QTest.keyClick(bench.window.waterfall, Qt.Key.Key_B)
        bench.clock.advance(0.75)
    assert bench.changed().bpm == 80
    bench.clock.advance(3)
    for _ in range(3):
        QTest.mousePress(bench.controls.tap_button, Qt.MouseButton.LeftButton)
        QTest.mouseRelease(bench.controls.tap_button, Qt.MouseButton.LeftButton)
        bench.clock.advance(0.4)
    assert bench.changed().bpm == 150


def test_everything_is_there_again_after_a_restart(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"

    def start() -> tuple[Bench, PreferenceFile]:
        kept = PreferenceFile(file)
        made = Bench(kept.current, kept.update)
        made.window.show()
        made.tick()
        return made, kept

    first, _ = start()
    window = first.window
    window.resize(1111, 666)
    for setting in (f.name for f in fields(JamSettings)):
        turn(first.control(setting), other_value(setting, getattr(JamSettings(), setting)))
    wanted = window.model.settings
    window.presets.save("Mine")
    window.page.devices.inputs.chosen.emit(("nanoKEY2",))
    window.page.devices.outputs.chosen.emit(("Synth",))
    window.page.devices.audio.chosen.emit("Headphones")
    window.look.change(
        theme="light",
        text_scale=1.2,
        zoom=2.0,
        chord_lane=True,
        show_plan=False,
        key_range="49 keys",
    )
    window.open_panel("Sound")
    first.close()

    second, kept = start()
    window = second.window
    assert window.model.settings == wanted
    assert window.presets.own == {"Mine": wanted}
    view = window.look.settings
    assert (view.theme, view.text_scale, view.zoom) == ("light", 1.2, 2.0)
    assert (view.chord_lane, view.show_plan, view.key_range) == (True, False, "49 keys")
    assert window.page.tab == "Sound" and window.page.panel.isVisible()
    assert window.waterfall.theme.name == "light"
    assert second.control("theme").values[second.control("theme").currentIndex()] == "light"
    assert (window.width(), window.height()) == (1111, 666)
    assert kept.current.devices == DeviceChoice(
        "Headphones", midi_inputs=("nanoKEY2",), midi_outputs=("Synth",)
    )
    window.look.change(theme="dark", text_scale=1.0)
    second.close()


def test_broken_settings_do_no_harm(qtbot: QtBot, tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    for broken in ("{", '{"view": {"theme": 7, "geometry": "AAAA"}, "settings": {"bpm": -1}}'):
        file.write_text(broken)
        kept = PreferenceFile(file)
        made = Bench(kept.current, kept.update)
        made.window.tell(kept.complaint)
        made.window.show()
        made.tick()
        assert str(file) in made.window.notice.label.text()
        assert made.window.model.settings == JamSettings()
        made.close()


def test_settings_that_cannot_be_saved_are_told_and_saved_later(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ui.settings.autosave.TRY_AGAIN_MS", 50)
    is_full = True
    saved: dict[str, Any] = {}

    def save(**values: Any) -> None:
        if is_full:
            raise OSError(28, "No space left on device")
        saved.update(values)

    made = Bench(save=save)
    made.window.show()
    made.control("bpm").setValue(90)
    qtbot.waitUntil(lambda: "No space left" in made.window.notice.label.text())
    is_full = False
    qtbot.waitUntil(lambda: "settings" in saved)
    assert saved["settings"].bpm == 90 and made.window.notice.label.text() == ""
    made.close()


def test_text_and_theme_change_at_once(bench: Bench) -> None:
    fall = bench.window.waterfall
    before = bench.controls.sizeHint().height()
    for _ in range(3):
        QTest.keyClick(fall, Qt.Key.Key_Equal, Qt.KeyboardModifier.ControlModifier)
    assert bench.window.look.settings.text_scale == 1.3
    QApplication.processEvents()
    assert bench.controls.sizeHint().height() > before
    QTest.keyClick(fall, Qt.Key.Key_0, Qt.KeyboardModifier.ControlModifier)
    QApplication.processEvents()
    assert bench.controls.sizeHint().height() == before
    names = []
    for _ in range(4):
        QTest.keyClick(fall, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
        names.append(fall.theme.name)
    assert names[:3] == ["dark", "light", "high-contrast"]
    assert bench.window.look.settings.theme == "system"


def test_the_theme_follows_the_system(bench: Bench) -> None:
    hints = QGuiApplication.styleHints()
    assert hints is not None
    shown = []
    try:
        for scheme in (Qt.ColorScheme.Light, Qt.ColorScheme.Dark):
            hints.setColorScheme(scheme)
            shown.append((hints.colorScheme(), bench.window.waterfall.theme.name))
    finally:
        hints.unsetColorScheme()
    for scheme, name in shown:
        assert name == ("light" if scheme == Qt.ColorScheme.Light else "dark")
    bench.window.look.change(theme="high-contrast")
    assert bench.window.waterfall.theme.name == "high-contrast"
    bench.window.look.change(theme="dark")


def test_a_preset_is_renamed_until_that_is_undone(bench: Bench) -> None:
    presets, model = bench.window.presets, bench.window.model
    presets.save("Mine")
    presets.save("Other")
    bench.window.preset_button.ask_new_name("Mine")
    (dialog,) = bench.window.findChildren(NameDialog)
    dialog.name.setText("Other")
    dialog.accept()
    assert dialog.isVisible() and "Other" in dialog.fault.text() and "Mine" in presets.own
    dialog.name.setText("Evening")
    dialog.accept()
    assert not dialog.isVisible() and set(presets.own) == {"Evening", "Other"}
    model.undo()
    assert set(presets.own) == {"Mine", "Other"}
    model.redo()
    assert set(presets.own) == {"Evening", "Other"}


def test_the_microphone_is_switched_off_and_on_again(bench: Bench) -> None:
    """By its action, which a MIDI control may be learnt to: the one that was chosen comes back."""
    action = bench.window.keymap.named("microphone-on-off")
    assert action is not None and action.lit is not None

    def chosen(name: str) -> None:
        devices = replace(bench.link.devices, wanted_microphone=name)
        bench.link.devices = devices
        bench.window.page.devices.show_devices(devices)

    chosen("booth")
    assert action.lit()
    action.run()
    chosen(NO_MICROPHONE)
    assert not action.lit()
    action.run()
    wanted = [c.microphone for c in bench.sent(SelectDevices) if isinstance(c, SelectDevices)]
    assert wanted == [NO_MICROPHONE, "booth"]
