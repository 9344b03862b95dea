"""The real window on the real engine: what is turned in the one is set in the other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import pytest
from PyQt6 import QtTest
from PyQt6.QtCore import QCoreApplication, QEvent, Qt
from pytestqt.qtbot import QtBot

from jam.cli.main import load_rules
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice
from jam.preferences import Preferences
from jam.settings import JamSettings
from tests.support.ui_bench import other_value, turn
from ui.window import MainWindow

QTest: Any = QtTest.QTest
WAIT_MS = 20_000


@pytest.fixture
def jam(qtbot: QtBot) -> Iterator[tuple[MainWindow, Engine]]:
    settings = JamSettings(count_in_bars=0)
    with Engine(settings, DeviceChoice("none"), load_rules) as engine:
        engine.wait_until_up()
        window = MainWindow(engine, Preferences(settings))
        window.show()
        yield window, engine
        window.close()
        window.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def control(window: MainWindow, setting: str) -> Any:
    parts = (window.controls, *window.page.sections.values())
    return next(part.fields.made[setting] for part in parts if setting in part.fields.made)


def test_every_control_changes_the_engine_that_runs(
    jam: tuple[MainWindow, Engine], qtbot: QtBot
) -> None:
    window, engine = jam
    QTest.keyClick(window.waterfall, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: window.running, timeout=WAIT_MS)
    expected = window.model.settings
    for setting in (f.name for f in fields(JamSettings)):
        value = other_value(setting, getattr(expected, setting))
        expected = expected.changed(**{setting: value})
        turn(control(window, setting), value)

        def taken(expected: JamSettings = expected) -> bool:
            snapshot = engine.snapshot()
            return snapshot is not None and snapshot.settings == expected

        qtbot.waitUntil(taken, timeout=WAIT_MS)
    assert window.running
    for _ in range(len(fields(JamSettings))):
        window.model.undo()
    qtbot.waitUntil(
        lambda: (s := engine.snapshot()) is not None and s.settings == JamSettings(count_in_bars=0),
        timeout=WAIT_MS,
    )


def test_a_key_of_the_computer_sounds_and_is_seen_before_any_start(
    jam: tuple[MainWindow, Engine], qtbot: QtBot
) -> None:
    window, engine = jam

    def held() -> list[int]:
        snapshot = engine.snapshot()
        return [n.pitch for n in snapshot.played if n.end_s is None] if snapshot else []

    QTest.keyPress(window.waterfall, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: held() == [60], timeout=WAIT_MS)
    qtbot.waitUntil(
        lambda: (
            (scene := window.waterfall.scene) is not None
            and [lit.pitch for lit in scene.lit] == [60]
        ),
        timeout=WAIT_MS,
    )
    QTest.keyRelease(window.waterfall, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: held() == [], timeout=WAIT_MS)
