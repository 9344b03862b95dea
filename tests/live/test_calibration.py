"""Latency measured through real ports, with a player of known lag who plays what is heard."""

from __future__ import annotations

import subprocess
import sys
import time

from jam.cli.main import load_rules
from jam.engine.calibration import Calibration
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice
from tests.support.jam_player import SETTINGS
from tests.support.waiting import until
from tools.support.jack import Controller, JackServer


def measured_with(engine: Engine, pad: Controller, lag_s: float) -> float:
    snapshot = engine.snapshot()
    assert snapshot is not None
    calibration = Calibration(engine.send, SETTINGS, snapshot.devices, count=16)
    answered = len(pad.shown)
    while not calibration.over:
        for data in pad.shown[answered:]:
            answered += 1
            if len(data) == 3 and data[0] & 0xF0 == 0x90 and data[2]:
                time.sleep(lag_s)
                pad.send(0x90, 60, 100)
                pad.send(0x80, 60, 0)
        newest = engine.snapshot()
        assert newest is not None
        calibration.look(newest)
        time.sleep(0.001)
    assert calibration.measured is not None, calibration.refused
    return calibration.measured.delay_s


def test_a_player_of_known_lag(server: JackServer) -> None:
    devices = DeviceChoice("none", midi_api="jack", midi_inputs=("Pad",), midi_outputs=("Pad",))
    with (
        Controller(server.environment, "Pad") as pad,
        Engine(SETTINGS, devices, load_rules) as engine,
    ):
        engine.wait_until_up()
        until(lambda: (s := engine.snapshot()) and s.devices.midi_outputs[1:], "the output")
        looped_s = measured_with(engine, pad, 0.0)  # the cable alone
        assert 0 <= looped_s < 0.15
        lag_s = measured_with(engine, pad, 0.2) - looped_s
        assert abs(lag_s - 0.2) < 0.05


def test_a_microphone_hears_the_clicks(server: JackServer) -> None:
    """A cable from jam's own output: JACK hands over a block later."""
    devices = DeviceChoice("JACK", midi_inputs=(), midi_required=False)
    with Engine(SETTINGS, devices, load_rules) as engine:
        snapshot = engine.wait_until_up()
        assert snapshot.devices.audio
        own = next(n for n in input_names() if "system" not in n)
        calibration = Calibration(engine.send, SETTINGS, snapshot.devices, 16, own)
        while not calibration.over:
            newest = engine.snapshot()
            assert newest is not None
            calibration.look(newest)
            time.sleep(0.02)
    assert calibration.measured is not None, calibration.refused
    assert -0.02 < calibration.measured.delay_s < 0.1
    assert calibration.measured.spread_s < 0.01


def input_names() -> list[str]:
    """Inputs that are there now, as a process of its own sees them."""
    code = (
        "from jam.voice.stream import input_devices;"
        "print(*(d.name for d in input_devices()), sep=chr(10))"
    )
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split("\n")[:-1]
