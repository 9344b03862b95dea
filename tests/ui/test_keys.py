"""Every action has a key that works, the list under F1 is right, fields keep what is typed."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QEvent, QPoint, Qt
from PyQt6.QtGui import QKeyEvent, QKeySequence
from PyQt6.QtWidgets import QApplication, QDialog, QLabel, QWidget
from pytestqt.qtbot import QtBot

from jam.messages.commands import Panic, Start
from jam.settings import JamSettings
from tests.support.ui_bench import Bench, key
from ui.common.pages import JAM, REVIEW
from ui.settings.preset_button import NameDialog
from ui.shortcuts.actions import Action, Actions
from ui.shortcuts.help import PANIC, help_rows
from ui.shortcuts.jam_actions import LOAD_PRESET, PLAY
from ui.shortcuts.review_actions import PLAYBACK

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods


def test_escape_is_panic(bench: Bench) -> None:
    key(bench.window.waterfall, Qt.Key.Key_A)
    key(bench.window.waterfall, Qt.Key.Key_Escape)
    assert bench.notes() == [(60, True), (60, False)]
    assert len(bench.sent(Panic)) == 1
    key(bench.window.waterfall, Qt.Key.Key_A, down=False)
    assert len(bench.notes()) == 2


def test_escape_first_closes_a_dialog(bench: Bench, qtbot: QtBot) -> None:
    dialog = QDialog(bench.window)
    qtbot.addWidget(dialog)
    dialog.show()
    QTest.keyClick(dialog, Qt.Key.Key_Escape)
    assert not dialog.isVisible() and not bench.sent(Panic)
    QTest.keyClick(bench.window.waterfall, Qt.Key.Key_Escape)
    assert bench.sent(Panic)


def names_of(key: str) -> Any:
    combination = QKeySequence(key)[0]
    return combination.key(), combination.keyboardModifiers()


def test_every_key_does_what_the_list_says(bench: Bench) -> None:
    """Real key presses; what the actions would do is replaced by a note of it."""
    done: list[str] = []
    window = bench.window
    keymap = window.keymap
    for place, action in list(keymap._by_key.items()):
        title = f"{action.title} {place[1]}"
        keymap._by_key[place] = replace(action, run=partial(done.append, title))
    expected = []
    for action in keymap:
        window.pages.show_page(action.page or JAM)
        for name in action.keys:
            code, modifiers = names_of(name)
            widget = window.review.roll if action.page == REVIEW else window.waterfall
            widget.setFocus()
            QTest.keyClick(widget, code, modifiers)
            expected.append(f"{action.title} {name}")
    assert done == expected
    assert bench.notes() == []


def test_the_list_of_keys_shows_all_of_them(bench: Bench) -> None:
    groups = help_rows(bench.window.keymap, {})
    rows = [row for some in groups.values() for row in some]
    for action in bench.window.keymap:
        listed = any(action.title == what for what, _ in rows)
        assert listed or not action.keys, action.title
    text = dict(rows)
    assert text[LOAD_PRESET] == "Ctrl+1 … Ctrl+9"
    assert text["Start or stop"] == "Space"
    assert text[PANIC] == "Esc"
    QTest.keyClick(bench.window.waterfall, Qt.Key.Key_F1)
    help_ = bench.window.help
    assert help_.isVisible()
    shown = {label.text() for label in help_.findChildren(QLabel)}
    assert {part for row in rows for part in row} <= shown
    assert help_.geometry().width() <= bench.window.width()
    QTest.keyClick(bench.window.waterfall, Qt.Key.Key_F1)
    assert not help_.isVisible()


def test_the_page_s_own_shortcuts_come_first_and_can_be_filtered(bench: Bench) -> None:
    window = bench.window
    assert next(iter(help_rows(window.keymap, {}, JAM))) == PLAY
    assert next(iter(help_rows(window.keymap, {}, REVIEW))) == PLAYBACK
    assert help_rows(window.keymap, {}, JAM, "tempo up shift") == {
        PLAY: [("Tempo up by 10", "Shift+Up")]
    }
    window.help.toggle()
    QTest.keyClicks(window.help.filter, "loop b")
    shown = {label.text() for label in window.help.findChildren(QLabel)}
    assert "Loop this bar on/off" in shown and "Start or stop" not in shown
    assert bench.notes() == [] and not bench.sent(Start)
    window.help.filter.clear()
    bar = window.help._area.verticalScrollBar()
    QTest.keyClick(window.help.filter, Qt.Key.Key_PageDown)
    assert bar is not None and bar.value() > 0
    QTest.keyClick(window.help.filter, Qt.Key.Key_Escape)
    assert not window.help.isVisible() and not bench.sent(Panic)


@pytest.mark.parametrize("keys", [("A",), ("Z",), ("Esc",), ("NoSuchKey",), ("Ctrl+T",)])
def test_a_key_that_is_taken_or_unknown_is_refused(bench: Bench, keys: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"."):
        bench.window.keymap.add(Action("Another", "Play", keys, lambda: None))


def test_two_pages_may_use_one_key_each_for_itself() -> None:
    actions = Actions()
    done: list[str] = []
    actions.add(Action("Here", "Play", ("Space",), lambda: done.append("here"), "Jam"))
    actions.add(Action("There", "Play", ("Space",), lambda: done.append("there"), "Review"))
    event = QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_Space, Qt.KeyboardModifier.NoModifier)
    for page in ("Jam", "Review", "Elsewhere"):
        if (found := actions.find(event, page)) is not None:
            found.run()
    assert done == ["here", "there"]


def test_keys_turn_what_they_name(bench: Bench) -> None:
    fall = bench.window.waterfall
    steps = {
        "Up": ("bpm", 101),
        "Shift+Down": ("bpm", 91),
        "N": ("metronome", False),
        "Left": ("commit_beats", JamSettings().commit_beats - 1),
        "Shift+Right": ("lookahead_beats", 5),
        "Ctrl+Right": ("adventurous", 0.2),
        "Ctrl+.": ("accompaniment", "arpeggio"),
        "Ctrl+D": ("drums", False),
        "Ctrl+Down": ("agent_volume", 0.6),
        "Ctrl+Shift+Up": ("player_volume", 0.95),
    }
    for name, (setting, value) in steps.items():
        QTest.keyClick(fall, *names_of(name))
        assert getattr(bench.changed(), setting) == value, name


def test_moving_keys_belong_to_the_control_that_has_the_focus(bench: Bench) -> None:
    slider = bench.control("agent_volume")
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert bench.changed().agent_volume == 0.66
    assert bench.changed().commit_beats == JamSettings().commit_beats
    QTest.keyClick(bench.control("bpm"), Qt.Key.Key_Up)
    assert bench.changed().bpm == 101


def test_text_is_text(bench: Bench) -> None:
    """In a text field letters don't play, digits don't choose, Ctrl+Z is the field's."""
    bench.window.open_panel("Music")
    edit = bench.control("palette")
    bench.control("bpm").setValue(120)
    QTest.keyClicks(edit, "am7 b")
    QTest.keyClick(edit, Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier)
    assert bench.notes() == []
    assert bench.window.model.settings.bpm == 120
    edit.setText("nonsense")
    edit.editingFinished.emit()
    assert "nonsense" in bench.window.status.text()
    assert bench.window.model.settings.palette == ()


@pytest.mark.skipif(sys.platform != "linux", reason="the numbers of the keys are X11's")
@pytest.mark.parametrize(
    ("letter", "x11_code", "pitch"), [("M", 47, 76), ("N", 46, 74), ("-", 48, 77), ("B", 56, None)]
)
def test_what_lies_on_the_piano_plays_on_any_layout(
    bench: Bench, letter: str, x11_code: int, pitch: int | None
) -> None:
    """M on a French keyboard, N and the minus on Dvorak's are keys of the piano; B isn't."""
    before = bench.window.model.settings
    none = Qt.KeyboardModifier.NoModifier
    for kind in (QEvent.Type.KeyPress, QEvent.Type.KeyRelease):
        event = QKeyEvent(kind, ord(letter), none, x11_code, 0, 0, letter.lower())
        QApplication.sendEvent(bench.window.waterfall, event)
    assert bench.notes() == ([] if pitch is None else [(pitch, True), (pitch, False)])
    assert bench.window.model.settings == before


def test_escape_first_closes_what_is_open_and_is_panic_everywhere_else(bench: Bench) -> None:
    window = bench.window
    window.open_panel("Music")

    def escape(widget: QWidget) -> bool:
        """Whether it was panic."""
        before = len(bench.sent(Panic))
        QTest.keyClick(widget, Qt.Key.Key_Escape)
        return len(bench.sent(Panic)) > before

    for setting in ("agent_volume", "metronome", "key_lock"):
        assert escape(bench.control(setting))
    combo = bench.control("key_lock")
    combo.showPopup()
    assert not escape(combo.view())
    assert not combo.is_open
    menu = window.preset_button.menu()
    assert menu is not None
    menu.popup(QPoint(0, 0))
    assert not escape(menu)
    assert not menu.isVisible()
    window.preset_button.ask_name()
    (dialog,) = window.findChildren(NameDialog)
    assert not escape(dialog.name)
    assert not dialog.isVisible()
    window.help.toggle()
    assert not escape(window.help)
    assert not window.help.isVisible()
    assert escape(window.waterfall)


def test_a_field_is_clicked_into_and_left_by_return_and_escape(bench: Bench, qtbot: QtBot) -> None:
    window = bench.window
    window.open_panel("Music")
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    palette, tempo = bench.control("palette"), bench.control("bpm")
    for field in (palette, tempo):
        QTest.mouseClick(field, Qt.MouseButton.LeftButton)
        assert field.hasFocus()
        QTest.keyClick(field, Qt.Key.Key_Return)
        assert window.waterfall.hasFocus()
    before = window.model.settings
    QTest.mouseClick(palette, Qt.MouseButton.LeftButton)
    QTest.keyClicks(palette, "G7 b")
    QTest.keyClick(palette, Qt.Key.Key_Escape)
    assert window.waterfall.hasFocus() and palette.text() == ""
    QTest.mouseClick(tempo, Qt.MouseButton.LeftButton)
    tempo.selectAll()
    QTest.keyClicks(tempo, "77bnm-")
    QTest.keyClick(tempo, Qt.Key.Key_Escape)
    assert window.waterfall.hasFocus() and tempo.value() == before.bpm
    assert window.model.settings == before
    assert not bench.sent(Panic) and not bench.sent(Start)


def test_a_list_keeps_its_keys_also_at_its_end(bench: Bench, qtbot: QtBot) -> None:
    window = bench.window
    window.open_panel("Devices")
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    ports = window.page.devices.inputs
    ports.setFocus(Qt.FocusReason.TabFocusReason)
    ports.setCurrentRow(ports.count() - 1)
    before = window.model.settings
    for _ in range(3):
        QTest.keyClick(ports, Qt.Key.Key_Down)
    for setting in ("agent_volume", "bpm"):
        control = bench.control(setting)
        control.setFocus(Qt.FocusReason.TabFocusReason)
        control.setValue(control.maximum())
        after = window.model.settings
        QTest.keyClick(control, Qt.Key.Key_Up)
        assert window.model.settings == after
    assert before.changed(agent_volume=1.0, bpm=window.model.settings.bpm) == window.model.settings


def test_keys_act_while_no_dialog_is_in_the_way(bench: Bench) -> None:
    bench.window.preset_button.ask_name()
    (dialog,) = bench.window.findChildren(NameDialog)
    QTest.keyClick(dialog.name, Qt.Key.Key_T, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(dialog.name, Qt.Key.Key_Space)
    assert bench.sent(Start) == []
    assert dialog.name.text() == " "
    dialog.reject()
