"""Every control changes what it says it changes, and has a name."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QLocale, Qt
from PyQt6.QtGui import QAction
from PyQt6.QtWidgets import (
    QAbstractButton,
    QAbstractScrollArea,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QScrollBar,
    QTabBar,
    QTableView,
    QWidget,
)
from pytestqt.qtbot import QtBot

from jam.audio.soundfonts import instruments
from jam.cli.console import devices_in_words
from jam.files import soundfont_path
from jam.messages.commands import (
    CUES,
    EVERY_INPUT,
    ChangeSettings,
    Cue,
    DeviceChoice,
    ListAudio,
    SelectDevices,
)
from jam.messages.servers import CONNECTING, ServerState
from jam.messages.snapshot import SET_BY_JACK, DeviceState
from jam.messages.sync import LINK, LOCKED, MIDI_CLOCK, WAITING, SyncState
from jam.music.grid import Meter
from jam.remote.kept_tokens import token_for
from jam.settings import JamSettings
from tests.support.ui_bench import Bench, other_value, turn
from tests.support.ui_fake import stopped_snapshot
from ui.settings.devices import EVERY_KEYBOARD, PortList, block_words, not_connected
from ui.settings.fields import NumberSpin
from ui.settings.model import ECHO_S
from ui.settings.server import KEPT_TOKEN
from ui.window import MainWindow

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


def test_every_setting_has_a_control_that_changes_it_and_nothing_else(bench: Bench) -> None:
    expected = JamSettings()
    for setting in (f.name for f in fields(JamSettings)):
        value = other_value(setting, getattr(expected, setting))
        turn(bench.control(setting), value)
        expected = expected.changed(**{setting: value})
        assert bench.changed() == expected, setting
    assert len(bench.sent(ChangeSettings)) == len(fields(JamSettings))


@pytest.mark.parametrize("language", ["en_US", "de_DE", "ja_JP"])
@pytest.mark.parametrize("typed", ["92.5", "92,5"])
def test_decimals_in_any_language(language: str, typed: str, qtbot: QtBot) -> None:
    before = QLocale()
    QLocale.setDefault(QLocale(language))
    try:
        spin = NumberSpin()
        qtbot.addWidget(spin)
        spin.setRange(30, 300)
        spin.selectAll()
        QTest.keyClicks(spin, typed)
        for _ in range(2):  # read as it was typed, and as it is shown
            QTest.keyClick(spin, Qt.Key.Key_Return)
            assert (spin.value(), spin.text()) == (92.5, "92.5")
    finally:
        QLocale.setDefault(before)


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


@pytest.mark.parametrize(
    ("setting", "typed"), [("bpm", "999"), ("bpm", "3"), ("commit_beats", "99")]
)
def test_a_number_out_of_range_is_refused_in_words(bench: Bench, setting: str, typed: str) -> None:
    spin = bench.control(setting)
    before = spin.value()
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, typed)
    QTest.keyClick(spin, Qt.Key.Key_Return)
    assert spin.value() == before and bench.sent(ChangeSettings) == []
    assert f"{typed}: must be" in bench.window.status.text()


def test_the_controls_follow_the_engine(bench: Bench) -> None:
    settings = JamSettings(bpm=90, meter=Meter(3, 4), metronome=False, agent_volume=0.1)
    bench.link.override = stopped_snapshot(settings)
    bench.tick()
    assert bench.window.model.settings == settings
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


def test_a_click_leaves_the_keyboard_to_the_piano(bench: Bench) -> None:
    for widget in bench.controls.findChildren(QWidget):
        if isinstance(widget, QAbstractButton | QComboBox | QAbstractSlider):
            policy = widget.focusPolicy()
            assert policy in (Qt.FocusPolicy.TabFocus, Qt.FocusPolicy.NoFocus), widget.objectName()


def test_midi_inputs_come_and_go(bench: Bench) -> None:
    ports = bench.window.page.devices.inputs

    def rows() -> list[tuple[str, bool]]:
        items = [ports.item(i) for i in range(ports.count())]
        return [(i.text(), i.checkState() == Qt.CheckState.Checked) for i in items if i]

    assert rows() == [(EVERY_KEYBOARD, True), ("Digital Piano", False), ("nanoKEY2", False)]
    tick(ports, 0)
    tick(ports, 2)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=("nanoKEY2",))
    tick(ports, 1)
    both = ("Digital Piano", "nanoKEY2")
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=both)
    assert bench.window.keeper.unsaved["devices"].midi_inputs == both
    bench.link.devices = replace(bench.link.devices, available_inputs=("Digital Piano",))
    bench.link._changed = True
    bench.tick()
    assert rows()[1:] == [("Digital Piano", True), (not_connected("nanoKEY2"), True)]
    tick(ports, 0)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=EVERY_INPUT)
    bench.window.model.undo()
    assert bench.sent(SelectDevices)[-1] == SelectDevices(midi_inputs=both)


def test_a_server_of_agents_is_chosen_and_its_token_is_kept_and_not_shown(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    server = bench.window.page.devices.server

    def type_in(edit: QLineEdit, text: str) -> None:
        edit.setText(text)
        edit.editingFinished.emit()
        bench.tick(0.1)

    type_in(server.address, "ws://school.example:8765")  # could be read on the way
    assert server.address.text() == "" and not bench.sent(SelectDevices)
    url = "wss://school.example:8765"
    type_in(server.address, url)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(agent_server=url)
    assert bench.window.keeper.unsaved["devices"].agent_server == url
    assert CONNECTING.capitalize() in server.words.text()
    type_in(server.token, "jam_secret")
    assert token_for("school.example:8765") == "jam_secret"
    assert not server.token.text() and server.token.placeholderText() == KEPT_TOKEN
    assert bench.sent(SelectDevices)[-1] == SelectDevices(agent_server=url)
    state = ServerState("school.example:8765", 20)
    bench.link.override = replace(stopped_snapshot(devices=bench.link.devices), seq=9, server=state)
    bench.tick(0.1)
    assert server.words.text() == state.words
    bench.link.override = None
    server.forget.click()
    assert token_for("school.example:8765") == ""
    bench.window.model.undo()
    bench.tick(0.1)
    assert server.address.text() == "" and not server.token.isEnabled()


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
        bench.link.devices,
        available_audio=("Speakers", "Headphones"),
        audio="Speakers",
        sample_rate=48000,
        block_frames=256,
        audio_rates=(44100, 48000),
        audio_blocks=(128, 256, 512),
        audio_latency_ms=11.0,
        key_to_synth_ms=0.5,
    )
    bench.link._changed = True
    bench.tick()
    section = bench.window.page.devices
    turn(section.audio, "Headphones")
    assert bench.sent(SelectDevices)[-1] == SelectDevices(audio="Headphones")
    turn(section.rate, 44100)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(sample_rate=44100)
    turn(section.block, 512)
    assert bench.sent(SelectDevices)[-1] == SelectDevices(block_frames=512)
    assert bench.window.keeper.unsaved["devices"] == DeviceChoice("Headphones", 44100, 512)
    assert "11.5 ms" in section.latency.text()
    section.look_again.click()
    assert bench.sent(ListAudio)


def test_a_buffer_of_jacks_is_shown_and_not_offered(bench: Bench) -> None:
    bench.link.devices = replace(
        bench.link.devices,
        audio="JACK: system",
        sample_rate=48000,
        block_frames=480,
        wanted_block=256,
        audio_rates=(48000,),
        audio_blocks=(),
    )
    bench.link._changed = True
    bench.tick()
    block = bench.window.page.devices.block
    assert block.values == [480] and not block.isEnabled()
    assert block.currentText() == block_words(480, bench.link.devices)
    assert SET_BY_JACK in block.currentText()
    (line,) = [line for line in devices_in_words(bench.link.devices) if line.startswith("Audio")]
    assert "480" in line and SET_BY_JACK in line


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


def test_interactive_widgets_have_names_tips_and_room(bench: Bench) -> None:
    kinds = (
        QAbstractButton
        | QAbstractSlider
        | QAbstractSpinBox
        | QComboBox
        | QLineEdit
        | QListWidget
        | QTabBar
    )
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


def test_the_focus_can_be_seen(bench: Bench, qtbot: QtBot) -> None:
    """A control that has the keyboard looks different from one that hasn't."""
    window = bench.window
    window.open_panel("Devices")
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    controls: list[QWidget] = [
        bench.controls.start,
        bench.controls.tap_button,
        bench.window.panic_button,
        window.preset_button,
        window.settings_button,
        window.page.devices.inputs,
        *(
            bench.control(name)
            for name in (
                "bpm",
                "meter",
                "commit_beats",
                "adventurous",
                "metronome",
                "midi_channel",
                "split_pitch",
            )
        ),
    ]
    for control in controls:
        window.waterfall.setFocus()
        QApplication.processEvents()
        without = control.grab().toImage()
        control.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        assert control.hasFocus(), control.accessibleName()
        assert control.grab().toImage() != without, control.accessibleName()


def test_tab_reaches_every_control_of_the_bar(bench: Bench, qtbot: QtBot) -> None:
    window = bench.window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    turn(bench.control("accompaniment"), "pop")  # it has bass and drums
    window.waterfall.setFocus()
    reached = set()
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
        if (now := QApplication.focusWidget()) is not None:
            reached.add(now.objectName())
    wanted = {*bench.controls.fields.made, "start", "tap", "panic", "presets", "settings"}
    assert wanted <= reached


def test_a_button_and_its_menu_ask_the_band_while_it_plays(bench: Bench) -> None:
    button, rows = bench.window.cue_button, bench.window.controls.height()
    assert not button.isVisible()
    bench.link.override = replace(stopped_snapshot(), running=True)
    bench.tick()
    assert button.isVisible() and bench.window.controls.height() == rows
    button.click()
    for cue in CUES:
        action = button.findChild(QAction, f"cue-{cue}")
        assert "Ctrl+" in action.text()
        action.trigger()
    assert bench.sent(Cue) == [Cue("fill"), *(Cue(cue) for cue in CUES)]


def test_the_bar_says_who_gives_the_beat(bench: Bench) -> None:
    bar = bench.window.controls
    assert bar.sync.isHidden() or not bar.sync.isVisibleTo(bar)
    for sync in (
        SyncState(MIDI_CLOCK, WAITING),
        SyncState(MIDI_CLOCK, LOCKED, 120.0),
        SyncState(LINK, LOCKED, 98.5, peers=2),
    ):
        bench.link.override = replace(stopped_snapshot(), sync=sync)
        bench.tick()
        assert bar.sync.isVisibleTo(bar) and sync.words in bar.sync.text()
        assert bench.control("bpm").isEnabled() == (sync.source != MIDI_CLOCK)
    bench.link.override = stopped_snapshot()
    bench.tick()
    assert not bar.sync.isVisibleTo(bar) and bench.control("bpm").isEnabled()


def test_a_soundfont_is_chosen_and_names_the_instruments(bench: Bench) -> None:
    bench.window.page.devices.select(soundfont="own.sf3")
    assert bench.sent(SelectDevices) == [SelectDevices(soundfont="own.sf3")]
    sound, font = bench.window.page.sound, soundfont_path()
    sound.show_devices(DeviceState(soundfont=str(font)))
    combo = sound.fields.made["player_program"]
    assert isinstance(combo, QComboBox)
    assert combo.itemText(0) == instruments(font)[0, 0]
    assert combo.currentIndex() == JamSettings().player_program
