"""The stage killed, frozen or asleep in mid-jam: it comes back, no note is left behind."""

from __future__ import annotations

import os
import signal
import threading
import time
from ctypes import c_uint64
from functools import partial
from multiprocessing import Pipe
from pathlib import Path

import pytest

import jam.stage
from jam.clock import Sleep, SystemClock
from jam.engine.engine import Engine
from jam.engine.processes import CRASHES
from jam.messages.commands import ChangeSettings, DeviceChoice, KeyInput, Quit, SelectDevices, Start
from jam.messages.snapshot import SessionLog, Snapshot
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.stage.stage import Stage
from tests.support.jam_player import SETTINGS, check_ends, player_in
from tests.support.waiting import until
from tools.support.jack import JackServer, left_on, midi_listener

BEGAN_ANEW = "The sound process had ended by itself and was started again. The jam begins anew."


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_a_lost_stage_is_replaced_and_the_jam_begins_anew(
    how: signal.Signals, server: JackServer, tmp_path: Path
) -> None:
    writer = SessionWriter(tmp_path / "sessions.sqlite3")
    choice = DeviceChoice("none", midi_api="jack")
    with midi_listener("Piano") as piano:
        with player_in(choice) as player:
            player.on_log = writer.take_log
            player.engine.send(SelectDevices(midi_outputs=("Piano",)))
            player.engine.send(ChangeSettings(SETTINGS.changed(accompaniment="pulse")))
            player.play_until(lambda: len(player.devices.midi_outputs) == 2, "the piano")
            player.play_on(12)
            pid, before = player.engine.stage_pid, player.snapshot
            assert pid is not None
            os.kill(pid, how)
            player.play_until_told(BEGAN_ANEW)
            assert player.engine.stage_pid != pid
            player.play_until(lambda: player.snapshot.running, "the jam")
            player.play_until(lambda: len(player.devices.midi_outputs) == 2, "the piano")
            player.play_on(12)
            after = player.snapshot
            assert after.settings == before.settings and after.devices.wanted_outputs == ("Piano",)
            assert after.tempo_map.seconds_at(0) > before.tempo_map.seconds_at(0)
        n_notes, stuck = left_on(piano)
    writer.close()
    assert n_notes > 12 and not stuck
    check_ends(log for log in player.logs if log.session == 2)
    with Library(tmp_path / "sessions.sqlite3") as library:
        assert [info.state for info in library.sessions()] == ["complete", "complete"]
        assert all(info.n_notes > 4 for info in library.sessions())


def test_a_stage_that_dies_again_and_again_is_given_up() -> None:
    with player_in(DeviceChoice("none")) as player:
        engine = player.engine
        for _ in range(CRASHES + 1):
            pid = engine.stage_pid
            assert pid is not None
            os.kill(pid, signal.SIGKILL)
            until(partial(_is_gone, engine, pid))
        assert not engine.alive and not player.snapshot.running
        assert player.snapshot.message == "Stopped: the sound process has ended."
    assert player.closed_in_s < 5.0


class LateClock(SystemClock):
    """A clock that can be put forward, as it seems to be when the machine wakes."""

    slept_s = 0.0

    def now_s(self) -> float:
        return super().now_s() + self.slept_s

    def wait_until(self, deadline_s: float, wake: threading.Event | None = None) -> bool:
        return super().wait_until(deadline_s - self.slept_s, wake)


def _is_gone(engine: Engine, pid: int) -> bool:
    return not engine.alive or engine.stage_pid != pid


def test_a_long_sleep_ends_the_jam(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = LateClock()
    monkeypatch.setattr(jam.stage.stage, "SystemClock", lambda: clock)
    ours, theirs = Pipe()
    settings, address = SETTINGS.changed(metronome=True), f"/tmp/jam-asleep-{os.getpid()}"
    stage = Stage(theirs, address, b"key", settings, DeviceChoice("none"))
    running = threading.Thread(target=stage.run, args=(c_uint64(0),))
    running.start()
    logs: list[SessionLog] = []

    def newest(seconds: float) -> Snapshot:
        """The last snapshot of the next seconds."""
        end_s, shown = time.monotonic() + seconds, None
        while (left_s := end_s - time.monotonic()) > 0:
            if ours.poll(left_s):
                message = ours.recv()
                if isinstance(message, SessionLog):
                    logs.append(message)
                else:
                    shown = message
        assert isinstance(shown, Snapshot)
        return shown

    ours.send(Start(1))
    assert newest(1.0).running
    clock.slept_s = 4.0
    ours.send(KeyInput(60, 90, clock.now_s() - 3.0))  # one that waited meanwhile
    napped = newest(1.0)
    assert napped.running and not napped.played
    assert napped.message == (
        "The program stood still for 4 seconds (did the computer sleep?): the beat went on."
    )
    # The beat goes on where it would be, and nothing of the time between is sounded.
    sent = [note for log in logs for note in log.sounded]
    assert max(note.late_s for note in sent if note.velocity) < 0.3
    clock.slept_s = 74.0
    woken = newest(1.0)
    assert not woken.running
    assert woken.message == (
        "The program stood still for 70 seconds (did the computer sleep?): the jam has ended."
    )
    assert logs[-1].ended
    ours.send(Start(2))
    ours.send(KeyInput(60, 90, clock.now_s()))
    again = newest(1.0)
    assert again.running and again.message == "" and len(again.played) == 1
    ours.send(Quit())
    running.join()
    stage.close()
    check_ends(logs)


def test_a_lid_that_was_closed_counts_where_the_clock_stood_still() -> None:
    suspended_s = 3.0
    sleep = Sleep(10.0, lambda: suspended_s)
    assert sleep.turn(10.02) == pytest.approx(0.02)
    suspended_s = 63.0
    assert sleep.standing_s(10.04) == pytest.approx(60.02)
    assert sleep.turn(10.04) == pytest.approx(60.02)
    assert sleep.turn(10.06) == pytest.approx(0.02)
