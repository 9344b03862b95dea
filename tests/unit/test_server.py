"""A server of agents: who may in, what is answered, who is cut off. Real sockets on loopback."""

from __future__ import annotations

import asyncio
import base64
import json
import socket
import stat
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.cli.console import watch
from jam.cli.main import load_planner, main
from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.errors import BadInput, JamError
from jam.messages.plans import AgentRequest
from jam.messages.servers import CONNECTING, ServerState
from jam.messages.snapshot import Snapshot
from jam.music.rows import MelodyState
from jam.performance.take import Recorder
from jam.remote import wire
from jam.remote.client import RemoteAgent, ServerAddress
from jam.remote.told import Told
from jam.server import server as serving
from jam.server.players import Limits
from jam.server.server import AgentServer, certificate, is_loopback
from jam.server.tokens import Tokens
from jam.settings import JamSettings
from jam.system import many_files
from tests.support.jamming import Jam
from tests.support.serving import Served, served
from tests.support.ui_fake import stopped_snapshot

CLOCK = SystemClock()


def line(
    at: Served, token: str = "", version: str = wire.SUBPROTOCOL, origin: Origin | None = None
) -> ClientConnection:
    headers = {"Authorization": f"Bearer {token}"} if token else None
    return connect(
        at.url,
        origin=origin,
        subprotocols=[Subprotocol(version)],
        additional_headers=headers,
        compression=None,
        proxy=None,
    ).__enter__()


def jam_here() -> Jam:
    return Jam(Anticipator(RuleBasedPredictor(), 5), settings=JamSettings(bpm=120.0))


def asked_of(jam: Jam, session: int = 1) -> AgentRequest:
    return AgentRequest(session, 5, jam.request())


def wait_for(condition: Callable[[], object], what: str, timeout_s: float = 20.0) -> None:
    end_s = CLOCK.now_s() + timeout_s
    while not condition():
        assert CLOCK.now_s() < end_s, f"waited for {what}"
        time.sleep(0.01)


@pytest.fixture(scope="module")
def open_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One for all tests that leave it as it was."""
    with served(tmp_path_factory.mktemp("server") / "tokens.json") as found:
        yield found


def test_a_jam_by_a_server_is_the_jam_played_here(open_server: Served) -> None:
    """Told in pieces, and told anew after a lost line: the plans are those of the agent here."""
    jam = jam_here()
    with client(open_server.url) as remote:
        told = Told()
        for frame in range(40):
            asked = asked_of(jam)
            assert told.take(asked)
            if frame == 20:  # the line breaks
                assert remote._socket is not None
                remote._socket.close()
                wait_for(lambda: remote._socket is None, "the loss")
                assert remote.plan(asked, told) is None
                wait_for(lambda: remote._socket is not None, "the line")
            while (found := remote.plan(asked, told)) is None:
                time.sleep(0.01)
            plan = jam.ask()
            assert (found.chords, found.expected_melody) == (plan.chords, plan.expected_melody)
            assert found.committed_until_frame == plan.committed_until_frame
            jam.close(MelodyState((60, 64, 67)[frame // 4 % 3], frame % 4 == 0))


@contextmanager
def client(url: str, token: str = "") -> Iterator[RemoteAgent]:
    """A player's line to a server, once it is up."""
    remote = RemoteAgent(ServerAddress(url, token), CLOCK)
    try:
        wait_for(lambda: remote._socket is not None, "the line")
        yield remote
    finally:
        remote.close()


def test_what_breaks_the_rules_is_cut_off_and_the_others_play_on(open_server: Served) -> None:
    player = line(open_server)
    player.recv()
    for message, code in (
        (b"\x00", 1008),
        (b"\x91\x01", 1008),
        (b"\xc1" * 1000, 1008),
        ("text", 1003),
        (b"\0" * (wire.ASK_BYTES + 1), 1009),
    ):
        rude = line(open_server)
        rude.recv()
        with pytest.raises(ConnectionClosed) as closed:
            rude.send(message)
            while True:
                rude.recv()
        assert closed.value.rcvd is not None and closed.value.rcvd.code == code
    asked = asked_of(jam_here())
    player.send(wire.encoded(wire.ask_of(asked, 1, CLOCK.now_s())))
    assert isinstance(wire.read_answer(bytes(player.recv(decode=False))), wire.Planned)
    player.close()
    # What strangers send is not what figures are named by.
    (counted,) = open_server.server.players.measures.cut_off.collect()
    assert {sample.labels["why"] for sample in counted.samples} <= {"no message", "no room", "idle"}


def test_a_request_that_goes_on_from_nothing_is_answered_so(open_server: Served) -> None:
    player = line(open_server)
    player.recv()
    asked = asked_of(jam_here())
    request = replace(asked, request=replace(asked.request, first_frame=5))
    gone_on = wire.ask_of(request, 7, 0.0)
    player.send(wire.encoded(gone_on))
    assert wire.read_answer(bytes(player.recv(decode=False))) == wire.Unknown(7)
    player.close()


def test_pages_in_a_browser_may_not_speak_to_it(open_server: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        line(open_server, origin=Origin("https://a.example"))
    assert refused.value.response.status_code == 403


def test_who_speaks_another_version_is_not_served(open_server: Served) -> None:
    with pytest.raises(InvalidStatus):
        line(open_server, version="jam.agent.0")


def test_it_tells_of_itself(open_server: Served) -> None:
    address = open_server.url.replace("ws:", "http:")
    player = line(open_server)
    player.recv()
    for path, words in (("/", "<h1>jam server</h1>"), ("/metrics", "jam_players 1")):
        with urllib.request.urlopen(address + path, timeout=10) as answer:
            assert words in answer.read().decode()
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{address}/etc/passwd", timeout=10)
    player.close()


def test_silent_strangers_are_cut_off_and_players_come_in_meanwhile(
    open_server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(open_server.url.rpartition(":")[2])
    many_files(4096)  # both ends are of this process
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(1000)]
    player = line(open_server)
    player.recv()
    player.close()
    silent[0].settimeout(3 * serving.OPEN_WITHIN_S)
    while silent[0].recv(1000):  # it may be told why
        pass
    for one in silent:
        one.close()


def test_more_players_than_there_is_room_for_are_turned_away(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "t.json")
    anna, ben, cleo = (tokens.add(name) for name in ("anna", "ben", "cleo"))
    with served(tokens.path, limits=Limits(players=2, per_user=1)) as server:
        first = line(server, anna)
        first.recv()
        with pytest.raises(InvalidStatus) as refused:
            line(server, anna)
        assert b"anna" in (refused.value.response.body or b"")
        second = line(server, ben)
        second.recv()
        with pytest.raises(InvalidStatus) as refused:
            line(server, cleo)
        assert refused.value.response.status_code == 503
        with pytest.raises(InvalidStatus) as refused:
            line(server, "jam_wrong")
        assert refused.value.response.status_code == 401
        # A browser sends the token as a password, with whatever name.
        page = server.url.replace("ws:", "http:")
        for password, status in ((ben, 200), ("jam_wrong", 401), ("", 401)):
            said = base64.b64encode(f"me:{password}".encode()).decode()
            request = urllib.request.Request(page, headers={"Authorization": f"Basic {said}"})
            try:
                with urllib.request.urlopen(request, timeout=10) as answer:
                    assert status == answer.status and b"jam server" in answer.read()
            except urllib.error.HTTPError as refused_page:
                assert refused_page.code == status
                assert "Basic" in refused_page.headers["WWW-Authenticate"]
        # Revoked while playing: cut off, and not let in again.
        Tokens(tokens.path).revoke("anna")
        with pytest.raises(ConnectionClosed, match="revoked"):
            first.recv(timeout=20)
        with pytest.raises(InvalidStatus):
            line(server, anna)
        second.close()


def test_who_was_turned_away_counts_as_waiting_and_comes_in_when_somebody_leaves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "COMES_AGAIN_S", 0.3)
    with served(tmp_path / "t.json", limits=Limits(players=1, per_user=1)) as server:
        players = server.server.players
        first = line(server)
        first.recv()
        assert players.filled == 1.0
        second = RemoteAgent(ServerAddress(server.url), CLOCK)
        wait_for(lambda: "full" in second.state.problem, "being turned away")
        wait_for(lambda: players.waiting == 1 and players.filled == 2.0, "being counted")
        first.close()
        wait_for(lambda: not second.why_not, "room")
        wait_for(lambda: players.waiting == 0 and players.filled == 1.0, "being forgotten")
        second.close()


def test_a_server_ends_where_no_plan_can_be_made_any_more(tmp_path: Path) -> None:
    planner = load_planner("rules")
    planner.close()
    server = AgentServer(planner, Tokens(tmp_path / "t.json"), Limits())
    with pytest.raises(JamError, match="planner"):
        asyncio.run(server.run(lambda url: None))


def test_an_address_of_something_else_is_told_so(open_server: Served) -> None:
    port = open_server.url.rpartition(":")[2]
    with socket.create_server(("127.0.0.1", 0)) as dumb:
        nobody = f"ws://127.0.0.1:{dumb.getsockname()[1]}"
        others = {f"wss://127.0.0.1:{port}": "TLS", f"{open_server.url}/nope": "Not here"}
        others[nobody] = "no server of agents"
        for url, why in others.items():
            remote = RemoteAgent(ServerAddress(url), CLOCK)
            if url == nobody:
                with dumb.accept()[0] as stranger:
                    stranger.recv(4096)
                    stranger.sendall(b"220 a.example ESMTP\r\n")

            def told(remote: RemoteAgent = remote, why: str = why) -> bool:
                return why in remote.state.problem

            wait_for(told, why)
            remote.close()


def test_tokens_are_kept_as_hashes_and_for_the_user_alone(tmp_path: Path) -> None:
    tokens = Tokens(tmp_path / "folder" / "t.json")
    token = tokens.add("anna")
    assert tokens.user_of(token) == "anna" and tokens.user_of(token + "x") is None
    text = tokens.path.read_text()
    assert token not in text and "anna" in text
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    with pytest.raises(BadInput, match="already"):
        tokens.add("anna")
    with pytest.raises(BadInput):
        tokens.add("two\nlines")
    with pytest.raises(BadInput):
        tokens.add("a line\n")
    tokens.revoke("anna")
    with pytest.raises(BadInput, match="no token"):
        tokens.revoke("anna")
    tokens.path.write_text(json.dumps({"anna": ["no hash", ""]}))
    with pytest.raises(BadInput, match=r"t\.json"):
        Tokens(tokens.path)


def test_beyond_this_machine_it_wants_tls_and_a_token(tmp_path: Path) -> None:
    assert all(map(is_loopback, ("127.0.0.1", "::1", "localhost", "127.8.8.8")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.1.2", "school.example")))
    with pytest.raises(BadInput, match="--tls-cert"):
        AgentServer(None, Tokens(tmp_path / "t"), Limits(), "0.0.0.0")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "words",
    [
        ["--players", "0"],
        ["--port", "65536"],
        ["--replicas", "2"],
        ["--head-only"],
        ["--ray", "--port", "0"],
        ["--tls-cert", "nowhere.pem"],
        ["--weights", "/nowhere"],
        ["--host", "0.0.0.0"],
    ],
)
def test_what_a_server_cannot_do_is_said_in_a_line(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *words]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert words[0] in line or words[-1] in line


def test_by_tls_with_a_token_and_not_with_an_unknown_certificate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate is the tests' own: whoever trusts it is served, others won't speak."""
    tls = Path(__file__).parents[1] / "fixtures" / "tls"
    tokens = Tokens(tmp_path / "t.json")
    token = tokens.add("anna")
    with served(tokens.path, tls=certificate(tls / "cert.pem", tls / "key.pem")) as server:
        assert server.url.startswith("wss://")
        stranger = RemoteAgent(ServerAddress(server.url, token), CLOCK)
        wait_for(lambda: "certificate" in stranger.state.problem, "its complaint")
        stranger.close()
        monkeypatch.setenv("SSL_CERT_FILE", str(tls / "cert.pem"))
        with client(server.url, token) as remote:
            told, asked = Told(), asked_of(jam_here())
            told.take(asked)
            while remote.plan(asked, told) is None:
                time.sleep(0.01)
            assert not remote.state.problem
            assert "127.0.0.1" in remote.state.name
        nobody = RemoteAgent(ServerAddress(server.url, "jam_wrong"), CLOCK)
        wait_for(lambda: "token" in nobody.state.problem, "its complaint")
        nobody.close()
    with pytest.raises(BadInput, match="certificate"):
        certificate(tls / "key.pem", None)


def test_a_jam_without_a_window_says_when_a_server_plans(
    capsys: pytest.CaptureFixture[str],
) -> None:
    states = [ServerState("a:1", 0, CONNECTING), ServerState("a:1", 5), ServerState("a:1", 10)]
    states += [ServerState("a:1", 10, "gone"), ServerState("a:1", 5)]
    snapshots = [replace(stopped_snapshot(), server=state) for state in states]
    left = iter(snapshots)

    class Stage:
        @property
        def alive(self) -> bool:
            return self.now is not snapshots[-1]

        def snapshot(self) -> Snapshot:
            self.now = next(left)
            return self.now

    watch(cast(Engine, Stage()), Recorder(), None, threading.Event())
    assert capsys.readouterr().out.splitlines() == [states[1].words, states[4].words]
