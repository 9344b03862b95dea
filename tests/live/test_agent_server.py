"""A server's agent in a jam: killed, cut off, slow and back again; the music goes on."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from jam.messages.commands import DeviceChoice, SelectDevices
from jam.messages.servers import NO_SERVER
from tests.support.cable import Cable
from tests.support.jam_player import Player, check_ends, player_in

SILENT = DeviceChoice(audio="none", midi_inputs=())


@contextmanager
def server(port: int = 0) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own, and its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "jam", "serve", "--agent", "rules", "--port", str(port)],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield process, int(line.strip().rpartition(":")[2])
    finally:
        process.kill()
        process.wait()


def by_server(player: Player) -> bool:
    return player.snapshot.agent_name.startswith("127.0.0.1")


def test_a_server_that_is_chosen_left_killed_and_comes_back() -> None:
    with server() as (process, port), player_in(SILENT) as player:
        url = f"ws://127.0.0.1:{port}"
        player.play_on(4)
        player.engine.send(SelectDevices(agent_server=url))
        player.play_until(lambda: by_server(player), "the server's agent")
        assert player.devices.wanted_agent_server == url
        player.play_on(8)
        player.engine.send(SelectDevices(agent_server=""))
        player.play_until(lambda: player.snapshot.server == NO_SERVER, "the agent here")
        player.play_on(4)
        player.engine.send(SelectDevices(agent_server=url))
        player.play_until(lambda: by_server(player), "the server's agent")
        player.play_on(4)
        assert player.snapshot.counters.agent_restarts == 0
        process.kill()
        player.play_until(lambda: not by_server(player), "the agent here")
        player.play_until_told("Agent server 127.0.0.1")
        late = player.snapshot.counters.late_plans
        player.play_on(12)
        assert player.snapshot.counters.late_plans <= late + 1
        with server(port):
            player.play_until(lambda: by_server(player), "the server's agent again")
            player.play_on(8)
    check_ends(player.logs)


def test_a_line_that_is_cut_for_a_while() -> None:
    with server() as (_, port):
        cable = Cable(port)
        devices = replace(SILENT, agent_server=f"ws://127.0.0.1:{cable.port}")
        with player_in(devices) as player:
            player.play_until(lambda: by_server(player), "the server's agent")
            player.play_on(4)
            cable.whole.clear()
            player.play_until(lambda: not by_server(player), "the agent here")
            begun_s = time.monotonic()
            player.play_until(lambda: time.monotonic() > begun_s + 3.0, "some time")
            player.play_on(8)
            cable.whole.set()
            player.play_until(lambda: by_server(player), "the server's agent again")
        cable.close()
    check_ends(player.logs)


def test_a_server_beyond_this_machine_needs_tls(capsys: pytest.CaptureFixture[str]) -> None:
    from jam.cli.main import main

    assert main(["play", "--agent-server", "ws://school.example:1", "--audio", "none"]) == 2
    assert "wss://" in capsys.readouterr().err
    assert main(["serve", "--host", "0.0.0.0", "--agent", "rules"]) == 2
    assert "--tls-cert" in capsys.readouterr().err
