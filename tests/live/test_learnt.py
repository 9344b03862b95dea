"""Learnt controls on real ports: told and not heard, lit, and back after they were unplugged."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PyQt6 import QtTest
from pytestqt.qtbot import QtBot

from jam.cli.main import load_rules
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, SelectDevices
from jam.messages.controls import Control, ControlMoved, ShowOnControls, UseControls
from jam.midi.learnt import ACTION, JUMP, SETTING, Learnt
from jam.preferences import PreferenceFile, Preferences, save_preferences
from tests.support.jam_player import SETTINGS
from tests.support.waiting import until
from tools.support.jack import Controller, JackServer
from ui.window import MainWindow

QTest: Any = QtTest.QTest  # its stubs take the static methods for methods

PORT = "Pad:out"
KEY, FADER = Control(PORT, "note", 9, 36), Control(PORT, "control", 0, 7)
DEVICES = DeviceChoice("none", midi_api="jack", midi_inputs=("Pad",), midi_required=False)


class Told:
    """What the engine tells of controls, and of notes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.moved: list[ControlMoved] = []

    def wait(self, n: int) -> list[ControlMoved]:
        def enough() -> bool:
            self.moved += self.engine.controls_moved()
            return len(self.moved) >= n

        until(enough, f"{n} movements; there were {self.moved}")
        return self.moved

    def is_open(self) -> bool:
        snapshot = self.engine.snapshot()
        return snapshot is not None and PORT in snapshot.devices.midi_inputs

    def played(self) -> list[int]:
        snapshot = self.engine.snapshot()
        return [note.pitch for note in snapshot.played] if snapshot is not None else []


def test_a_learnt_control_is_told_lit_and_not_heard_also_after_it_was_unplugged(
    server: JackServer,
) -> None:
    with Engine(SETTINGS, DEVICES, load_rules) as engine:
        engine.wait_until_up()
        told = Told(engine)
        engine.send(UseControls((KEY, FADER)))
        engine.send(ShowOnControls(((FADER, 0.5), (KEY, 1.0))))
        for n in (1, 2):
            with Controller(server.environment, "Pad") as pad:
                until(told.is_open, "the controller")
                until(lambda pad=pad: len(pad.shown) >= 2, "the lights")  # type: ignore[misc]
                assert set(pad.shown) == {(0xB0, 7, 64), (0x99, 36, 127)}
                pad.send(0x99, 36, 100)
                pad.send(0x89, 36, 0)
                pad.send(0xB0, 7, 127)
                moved = told.wait(3 * n)[-3:]
                assert [m.learnt for m in moved] == [KEY, KEY, FADER]
                assert [m.position > 0 for m in moved] == [True, False, True]
                pad.send(0x90, 60 + n, 100)
                until(lambda n=n: told.played()[-1:] == [60 + n], "a note")  # type: ignore[misc]
                engine.send(ShowOnControls(((FADER, 0.5), (KEY, 0.0))))
                until(lambda pad=pad: (0x99, 36, 0) in pad.shown, "a light that goes out")  # type: ignore[misc]
                engine.send(ShowOnControls(((FADER, 0.5), (KEY, 1.0))))
            until(lambda: not told.is_open(), "the loss to be seen")
        assert 36 not in told.played()


def test_a_device_that_is_not_played_is_open_for_its_controls(server: JackServer) -> None:
    with (
        Controller(server.environment, "Pad") as pad,
        Controller(server.environment, "Keys") as keys,
        Engine(SETTINGS, DEVICES, load_rules) as engine,
    ):
        engine.wait_until_up()
        told = Told(engine)
        engine.send(SelectDevices(midi_inputs=("Keys",)))
        until(lambda: (s := engine.snapshot()) and "Keys:out" in s.devices.midi_inputs, "the keys")
        engine.send(UseControls((KEY,)))

        def is_told() -> bool:  # once its port is open
            pad.send(0x99, 36, 100)
            return bool(engine.controls_moved())

        until(is_told, "the key")
        pad.send(0x90, 50, 100)
        keys.send(0x90, 60, 100)
        until(lambda: 60 in told.played(), "a note")
        assert told.played() == [60]


def test_jam_play_obeys_what_was_learnt_in_the_window(
    server: JackServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    learnt = (
        Learnt(KEY, f"{ACTION}metronome-on-off"),
        Learnt(FADER, f"{SETTING}bpm", JUMP),
        Learnt(Control(PORT, "control", 0, 20), f"{ACTION}quit"),
    )
    save_preferences(Preferences(controls=learnt), tmp_path / "jam" / "settings.json")
    options = ("--midi-api", "jack", "--audio", "none", "--agent", "rules", "--midi-in", "Pad")
    with Controller(server.environment, "Pad") as pad:
        jam = subprocess.Popen(
            [sys.executable, "-m", "jam", "play", *options],
            env={**server.environment, "XDG_CONFIG_HOME": str(tmp_path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert jam.stdout is not None
        for line in jam.stdout:
            if "Type while" in line:
                break
        until(lambda: (0xB0, 7, 33) in pad.shown, "the fader to follow the tempo")
        pad.send(0x99, 36, 100)
        pad.send(0xB0, 7, 127)
        until(lambda: (0xB0, 7, 127) in pad.shown, "the tempo")
        pad.send(0xB0, 20, 127)
        output, _ = jam.communicate(timeout=60)
    assert jam.returncode == 0
    assert "Metronome: off" in output


def strike_until(pad: Controller, done: Callable[[], bool]) -> None:
    """Strike the pad until what it does is done: the first stroke may be too early."""
    for _ in range(60):
        pad.send(0x99, 36, 100)
        pad.send(0x89, 36, 0)
        QTest.qWait(300)
        if done():
            return
    raise AssertionError("the pad does nothing")


def turn_the_drums(server: JackServer, window: MainWindow, told: Told, learn: bool) -> None:
    """Plug the controller in, have it turn the drums over, and unplug it."""
    target = f"{ACTION}drums-on-off"
    with Controller(server.environment, "Pad") as pad:
        strike_until(pad, told.is_open)
        if learn:
            window.learn.learn(target)
            strike_until(pad, lambda: not window.learn.learning)
        assert [one.control for one in window.learn.of(target)] == [KEY]
        before = window.model.settings.drums
        strike_until(pad, lambda: window.model.settings.drums != before)
    while told.is_open():
        QTest.qWait(50)


def test_learnt_in_the_window_it_survives_a_restart_and_an_unplugged_device(
    server: JackServer, qtbot: QtBot, tmp_path: Path
) -> None:
    for run in range(2):
        kept = PreferenceFile(tmp_path / "settings.json")
        assert not kept.complaint
        with Engine(SETTINGS, DEVICES, load_rules) as engine:
            engine.wait_until_up()
            window = MainWindow(engine, kept.current, kept.update)
            qtbot.addWidget(window)
            window.show()
            told = Told(engine)
            for plugged in range(2):
                turn_the_drums(server, window, told, learn=(run, plugged) == (0, 0))
            window.close()
