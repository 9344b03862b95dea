"""MIDI learn in the window: everything can be learnt, listed, removed, and is there again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QPoint, Qt
from PyQt6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from jam.cli.values import SAID, STEPS, SWITCHES, setting, typed_for
from jam.messages.commands import Cue, Keep, LoadTake, Panic, Play, Start, Stop, UnloadTake
from jam.messages.controls import (
    ANY_CHANNEL,
    ANY_DEVICE,
    Control,
    ControlMoved,
    ShowOnControls,
    UseControls,
)
from jam.messages.notes import PlayedNote
from jam.messages.snapshot import PlaybackState
from jam.midi.controls import Routes, control_words
from jam.midi.learnt import ACTION, DEFAULTS, RELATIVE, SETTING, VIEW, Learnt
from jam.performance.calibration import CLICKS, INTERVAL_S, NAME
from jam.preferences import PreferenceFile
from jam.settings import JamSettings
from tests.support.ui_bench import Bench
from tests.support.ui_fake import stopped_snapshot
from ui.common.pages import JAM, REVIEW
from ui.controls.menu import ALL, FORGET, LEARN
from ui.controls.model import GAVE_UP, NOT_HERE
from ui.controls.panel import NOTHING_YET

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods
PAD = "Pad"
FADER = Control(PAD, "control", 0, 7)


def control_of(n: int) -> Control:
    """Many controls, of every kind in turn."""
    kinds = ("note", "control", "program")
    number = n // 3 % 60 + 33
    return Control(PAD, kinds[n % 3], n // 180, number)


def move(bench: Bench, control: Control, *positions: float) -> None:
    """As the stage would tell it."""
    use = bench.sent(UseControls)[-1]
    assert isinstance(use, UseControls)
    route = Routes(use.learnt)[control.device, control.kind, control.channel, control.number]
    learnt = route.learnt if route is not None else None
    bench.link.moved += [
        ControlMoved(control, learnt, position, bench.clock.now_s()) for position in positions
    ]
    bench.tick()


def learn(bench: Bench, target: str, control: Control) -> None:
    bench.window.learn.learn(target)
    move(bench, control, 1.0)
    bench.clock.advance(2.0)
    assert not bench.window.learn.learning


@pytest.fixture
def done(bench: Bench) -> Iterator[list[str]]:
    """Names of what the actions did, which they only note here."""
    names: list[str] = []
    keymap = bench.window.keymap
    for name, action in list(keymap._by_name.items()):
        keymap._by_name[name] = replace(action, run=partial(names.append, name))
    yield names


def test_every_action_can_be_learnt(bench: Bench, done: list[str]) -> None:
    window = bench.window
    names = [action.name for action in window.keymap]
    assert len(set(names)) == len(names) > 80
    for n, name in enumerate(names):
        learn(bench, ACTION + name, control_of(n))
    assert not done  # learning does nothing yet
    for action, n in zip(window.keymap, range(len(names)), strict=True):
        window.pages.show_page(REVIEW if action.page == REVIEW else JAM)
        move(bench, control_of(n), 0.0, 1.0)
        move(bench, control_of(n), 0.0)
    assert done == names


def test_every_number_can_be_learnt(bench: Bench) -> None:
    window = bench.window
    targets = [t.name for t in window.learn.targets() if not t.name.startswith(ACTION)]
    assert {f"{SETTING}bpm", f"{SETTING}agent_volume", f"{VIEW}zoom"} <= set(targets)
    for n, target in enumerate(targets):
        learn(bench, target, Control(PAD, "control", 3, n + 1))
        window.learn.take_over(window.learn.of(target)[-1], "jump")
    for n, target in enumerate(targets):
        position = window.learn.position_of(target)
        for wanted in (1.0, 0.0, 1.0):
            move(bench, Control(PAD, "control", 3, n + 1), wanted)
            assert window.learn.position_of(target) == pytest.approx(wanted, abs=0.01), target
        assert position is not None


def test_what_is_typed_for_an_action_is_what_it_does(bench: Bench) -> None:
    window = bench.window
    for name in (*STEPS, *SWITCHES):
        before = window.model.settings
        word, value = typed_for(name, before, False).split()
        action = window.keymap.named(name)
        assert action is not None, name
        action.run()
        assert window.model.settings == before.changed(**setting(word, value)), name
    assert all(window.keymap.named(name) is not None for name in SAID)
    for name, command in (("ending", Cue), ("all-notes-off", Panic), ("start", Start)):
        action = window.keymap.named(name)
        assert action is not None
        action.run()
        assert bench.sent(command)


def test_a_fader_takes_over_without_a_jump_and_says_where_the_value_is(bench: Bench) -> None:
    window = bench.window
    learn(bench, f"{SETTING}agent_volume", FADER)
    move(bench, FADER, 0.9)
    assert window.model.settings.agent_volume == JamSettings().agent_volume
    assert (
        f"Band volume is at {JamSettings().agent_volume:.0%}".replace("%", " %")
        in window.status.text()
    )
    move(bench, FADER, 0.4)
    assert window.model.settings.agent_volume == 0.4
    bench.control("agent_volume").setValue(80)
    move(bench, FADER, 0.3)
    assert window.model.settings.agent_volume == 0.8


def test_lights_follow_what_is_turned(bench: Bench) -> None:
    learn(bench, f"{SETTING}agent_volume", FADER)
    learn(bench, f"{ACTION}drums-on-off", Control(PAD, "note", 9, 36))
    learn(bench, f"{ACTION}start-or-stop", Control(PAD, "note", 9, 37))
    learn(bench, f"{ACTION}ending", Control(PAD, "note", 9, 38))

    def lit() -> dict[int, float]:
        show = bench.sent(ShowOnControls)[-1]
        assert isinstance(show, ShowOnControls)
        return {control.number: position for control, position in show.positions}

    assert lit() == {7: JamSettings().agent_volume, 36: 1.0, 37: 0.0}
    bench.control("agent_volume").setValue(80)
    bench.window.model.change(drums=False)
    bench.window.start_stop()
    bench.tick(1.0)
    bench.tick()
    assert lit() == {7: 0.8, 36: 0.0, 37: 1.0}


def test_the_other_pedals_of_a_piano_do_what_is_proposed_only_if_chosen(bench: Bench) -> None:
    sostenuto, soft = Control("Keys", "control", 0, 66), Control("Keys", "control", 0, 67)
    bench.window.start_stop()
    bench.tick(1.0)
    move(bench, sostenuto, 1.0)
    move(bench, soft, 1.0)
    assert not bench.sent(Keep) and not bench.sent(Cue)
    panel = bench.window.learn_panel
    panel.open_panel()
    for _, switch in panel.proposals:
        assert not switch.isChecked()
        switch.click()
        assert switch.isChecked()
    move(bench, soft, 0.0, 1.0)
    assert bench.sent(Cue) == [Cue("variation")] and not bench.sent(Keep)
    move(bench, sostenuto, 0.0, 1.0)
    assert len(bench.sent(Keep)) == 1
    bench.window.undo()
    assert [switch.isChecked() for _, switch in panel.proposals] == [True, False]
    assert bench.kept == {} or "controls" in bench.window.keeper.unsaved | bench.kept


def test_transport_buttons_start_and_stop(bench: Bench) -> None:
    def press(command: int) -> None:
        move(bench, Control("Keys", "mmc", 0, command), 1.0)
        bench.tick(0.5)

    press(2)
    assert len(bench.sent(Start)) == 1 and bench.window.running
    press(2)
    press(6)
    assert len(bench.sent(Start)) == 1
    press(1)
    assert len(bench.sent(Stop)) == 1 and not bench.window.running
    press(1)
    press(4)  # forward, of the other page
    assert len(bench.sent(Stop)) == 1
    assert NOT_HERE in bench.window.status.text()


def test_the_list_learns_removes_and_resets(bench: Bench) -> None:
    window = bench.window
    QTest.keyClick(window.waterfall, Qt.Key.Key_F9)
    panel = window.learn_panel
    assert panel.isVisible() and panel.last.text() == NOTHING_YET
    assert bench.sent(UseControls)[-1].watching  # type: ignore[attr-defined]
    move(bench, FADER, 0.5)
    assert control_words(FADER) in panel.last.text()
    QTest.keyClicks(panel.filter, "band vol")
    assert bench.notes() == []
    panel.choose(f"{SETTING}agent_volume")
    panel.learn.click()
    assert window.learn.learning and "Band volume" in window.notices.text
    assert bench.sent(UseControls)[-1].learning  # type: ignore[attr-defined]
    move(bench, FADER, 0.5, 0.52, 0.6)
    assert window.learn.of(f"{SETTING}agent_volume") == [Learnt(FADER, f"{SETTING}agent_volume")]
    assert "MIDI learn" not in window.notices.text and not window.learn.learning
    item = panel.list.currentItem()
    assert item is not None and control_words(FADER) in item.text(1)
    panel.takeover.chosen.emit(RELATIVE)
    assert window.learn.of(f"{SETTING}agent_volume")[0].takeover == RELATIVE
    panel.remove.click()
    assert not window.learn.of(f"{SETTING}agent_volume")
    window.undo()
    assert window.learn.of(f"{SETTING}agent_volume")
    panel.reset.click()
    assert window.learn.learnt == DEFAULTS
    QTest.keyClick(panel.filter, Qt.Key.Key_Escape)
    assert not panel.isVisible() and not bench.sent(Panic)
    assert not bench.sent(UseControls)[-1].watching  # type: ignore[attr-defined]


def test_learning_can_be_given_up(bench: Bench) -> None:
    window = bench.window
    window.learn.learn(f"{SETTING}bpm")
    QTest.keyClick(window.waterfall, Qt.Key.Key_Escape)
    assert not window.learn.learning and not bench.sent(Panic)
    window.learn.learn(f"{SETTING}bpm")
    window.learn._patience.timeout.emit()
    assert GAVE_UP in window.status.text()
    assert (window.learn.learning, window.learn.learnt) == ("", DEFAULTS)


def test_the_right_mouse_button_offers_to_learn(bench: Bench) -> None:
    window = bench.window
    for name in ("agent_volume", "bpm", "drums", "feel", "zoom"):
        control = (
            window.page.sections["View"].fields.made[name]
            if name == "zoom"
            else bench.control(name)
        )
        control.customContextMenuRequested.emit(QPoint(2, 2))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        texts = [action.text() for action in menu.actions()]
        assert LEARN in texts and ALL in texts
        assert not any(FORGET in text for text in texts)
        menu.actions()[texts.index(LEARN)].trigger()
        menu.close()
        assert window.learn.learning.endswith(f":{name}")
        window.learn.cancel()
    window.controls.start.customContextMenuRequested.emit(QPoint(2, 2))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    menu.close()


def test_a_key_that_sets_a_value_recalls_what_it_was(bench: Bench) -> None:
    key = Control(PAD, "note", 9, 40)
    bench.window.model.change(bpm=140)
    learn(bench, f"{SETTING}bpm", key)
    bench.window.model.change(bpm=90)
    move(bench, key, 0.0, 0.8)
    assert bench.window.model.settings.bpm == 140


def test_what_was_learnt_is_there_at_the_next_start(qtbot: QtBot, tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    for n in range(2):
        file = PreferenceFile(path)
        assert not file.complaint
        bench = Bench(file.current, file.update)
        bench.window.show()
        bench.tick()
        if n == 0:
            learn(bench, f"{SETTING}agent_volume", FADER)
            learn(bench, f"{ACTION}of-another-version", Control("gone", "note", 0, 1))
            bench.window.learn.forget(f"{ACTION}keep-the-last-bars-or-let-go")
        use = bench.sent(UseControls)[-1]
        assert isinstance(use, UseControls)
        assert FADER in use.learnt and Control("gone", "note", 0, 1) in use.learnt
        assert Control(ANY_DEVICE, "control", ANY_CHANNEL, 66) not in use.learnt
        bench.close()


# Latency


def playing_back(bench: Bench, at_s: float, playing: bool) -> None:
    """As the stage would show the clicks."""
    state = PlaybackState(NAME, playing, at_s, bench.clock.now_s(), 1.0, None, 0.0, 31.0)
    notes = tuple(
        PlayedNote(n, 60, 90, bench.clock.now_s() - at_s + 0.5 + n * INTERVAL_S + 0.12)
        for n in range(CLICKS)
    )
    shown = stopped_snapshot(bench.window.model.settings, bench.link.devices)
    bench.link.override = replace(shown, playback=state, played=notes)
    bench.tick()


def test_a_measured_latency_is_kept_for_its_device(bench: Bench) -> None:
    window = bench.window
    bench.tick()
    window.page.devices.measure.click()
    assert bench.sent(LoadTake) and bench.sent(Play)
    playing_back(bench, 20.0, True)
    assert str(CLICKS) in window.latency.label.text()
    bench.clock.advance(11.0)
    playing_back(bench, 31.0, False)
    assert "120 ms late" in window.latency.label.text()
    window.latency.buttons[0].click()
    assert window.model.settings.latency_offset_ms == 120
    for device, wanted_ms in (("Headphones", 0), ("Speakers", 120), ("Headphones", 0)):
        bench.link.devices = replace(bench.link.devices, audio=device)
        bench.link.override = stopped_snapshot(window.model.settings, bench.link.devices)
        bench.tick(2.0)
        assert window.model.settings.latency_offset_ms == wanted_ms
    kept = bench.kept | window.keeper.unsaved
    assert kept["latencies"] == {"Speakers": 120, "Headphones": 0}


def test_a_jam_is_not_disturbed_by_a_measurement(bench: Bench) -> None:
    window = bench.window
    window.start_stop()
    bench.tick(1.0)
    window.page.devices.measure.click()
    assert not bench.sent(LoadTake) and "Stop the jam" in window.latency.label.text()
    window.start_stop()
    bench.tick(1.0)
    window.page.devices.measure.click()
    window.latency.close_notice()
    assert bench.sent(UnloadTake)
