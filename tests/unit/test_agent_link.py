"""The line between stage and agent: who may speak on it, and who keeps nobody waiting."""

from __future__ import annotations

import pickle
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing import AuthenticationError
from multiprocessing.connection import Client
from pathlib import Path

import pytest

from jam.messages.plans import AgentReady
from jam.stage import agent_link
from jam.stage.agent_link import AgentLink
from tests.support.waiting import until

KEY = secrets.token_bytes(32)


class Bomb:
    """What must never be unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple[Callable[[Path], None], tuple[Path]]:
        return Path.touch, (self.trace,)


@pytest.fixture
def address(tmp_path: Path) -> str:
    return str(tmp_path / "agent")


@pytest.fixture
def link(address: str) -> Iterator[AgentLink]:
    link = AgentLink(address, KEY, threading.Event())
    yield link
    link.close()


def stranger(address: str) -> socket.socket:
    line = socket.socket(socket.AF_UNIX)
    line.connect(address)
    line.settimeout(60.0)
    return line


def hear_out(line: socket.socket) -> None:
    """Until the other end hangs up."""
    with line, suppress(ConnectionResetError):
        while line.recv(1024):
            pass


def wait_for(link: AgentLink, n_events: int) -> None:
    until(lambda: len(link.events) >= n_events)


def test_silent_strangers_keep_the_agent_waiting_for_nothing(address: str, link: AgentLink) -> None:
    silent = [stranger(address) for _ in range(5)]
    silent[0].sendall(b"\0\0")  # half of a length
    with Client(address, authkey=KEY) as agent:
        agent.send(AgentReady("first"))
        wait_for(link, 1)
        with Client(address, authkey=KEY) as next_agent:  # waits until the first has gone
            next_agent.send(AgentReady("second"))
            agent.close()
            wait_for(link, 3)
    assert list(link.events)[:3] == [AgentReady("first"), None, AgentReady("second")]
    for line in silent:
        line.close()


def test_a_silent_stranger_is_hung_up_on(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(agent_link, "_PROOF_S", 0.2)
    link = AgentLink(address, KEY, threading.Event())
    lines = [stranger(address) for _ in range(agent_link._STRANGERS + 4)]
    lines[0].sendall(b"\0\0")
    for line in lines:
        hear_out(line)
    with Client(address, authkey=KEY) as agent:
        agent.send(AgentReady("agent"))
        wait_for(link, 1)
    link.close()


def test_nothing_is_unpickled_of_who_does_not_know_the_key(
    address: str, link: AgentLink, tmp_path: Path
) -> None:
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    for said in (bomb, len(bomb).to_bytes(4, "big") + bomb, b"\xff" * 100, b"\x7f\xff\xff\xff"):
        with stranger(address) as line:
            line.sendall(said)
            line.shutdown(socket.SHUT_WR)
            hear_out(line)
    with pytest.raises((AuthenticationError, EOFError)):
        Client(address, authkey=b"another key")
    assert not (tmp_path / "exploded").exists()
    assert not link.events
