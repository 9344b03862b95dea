"""`jam serve`: players connect by WebSockets, to this machine alone where nothing else is said."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import os
import signal
import ssl
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from pathlib import Path

from prometheus_client import generate_latest
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from jam.clock import Clock, SystemClock
from jam.errors import BadInput, JamError
from jam.remote import wire
from jam.server.page import page
from jam.server.players import Full, HungUp, Limits, Planner, Players
from jam.server.tokens import ASKS_FOR_A_TOKEN, Tokens

OPEN_WITHIN_S = 5.0
"""Who has connected and doesn't say what for is cut off."""
ALIVE_S = 15.0
"""So often each player is asked whether they are still there, and has so long to say so."""
_LOOK_S = 1.0
_MORE = '<a href="/metrics">Figures for Prometheus</a>'
_log = logging.getLogger(__name__)


class _Line:
    """A WebSocket as a line."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def receive(self) -> bytes | str:
        try:
            return await self._socket.recv()
        except ConnectionClosed:
            raise HungUp from None

    async def send(self, data: bytes) -> None:
        try:
            await self._socket.send(data)
        except ConnectionClosed:
            raise HungUp from None

    async def close(self, code: int, reason: str) -> None:
        await self._socket.close(code, reason)


def is_loopback(host: str) -> bool:
    """Whether nobody but this machine can reach it."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def certificate(cert: Path | None, key: Path | None) -> ssl.SSLContext | None:
    """For TLS. Raises BadInput for what can't be read or doesn't belong together."""
    if cert is None:
        if key is not None:
            raise BadInput("--tls-key: needs --tls-cert")
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(cert, key)
    except (OSError, ssl.SSLError) as error:
        raise BadInput(f"{cert}: no certificate with its key ({error.strerror or error})") from None
    return context


class AgentServer:
    """Answers players at an address until it is stopped.

    Beyond this machine nobody is answered without TLS and a token. Raises BadInput for an address
    that would do so, or can't be had; JamError where no plan can be made any more.
    """

    def __init__(
        self,
        planner: Planner,
        tokens: Tokens,
        limits: Limits,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._open = is_loopback(host)
        if not self._open:
            if tls is None:
                raise BadInput(f"--host {host}: beyond this machine it needs --tls-cert")
            if not tokens.users():
                raise BadInput(f"--host {host}: nobody has a token yet (jam tokens add NAME)")
        self.players = Players(planner, limits, clock or SystemClock())
        self._tokens, self._host, self._port, self._tls = tokens, host, port, tls
        self._users: dict[ServerConnection, str] = {}

    async def run(self, ready: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM, or until the task is cancelled.

        ready: told the address once players can connect.
        """
        loop = asyncio.get_running_loop()
        stop = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, stop.set)
        try:
            server = await self._serve()
        except OSError as error:
            why = os.strerror(error.errno) if error.errno and error.errno > 0 else error
            raise BadInput(f"{self._host}:{self._port}: {why}") from None
        async with server:
            port = next(iter(server.sockets)).getsockname()[1]
            host = f"[{self._host}]" if ":" in self._host else self._host
            ready(f"{'wss' if self._tls else 'ws'}://{host}:{port}")
            while not stop.is_set():
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), _LOOK_S)
                await self._look_at_tokens()
                if not self.players.planner.alive:
                    raise JamError("the planner has ended; its log says why")

    async def _serve(self) -> Server:
        return await serve(
            self._player,
            self._host,
            self._port,
            ssl=self._tls,
            # A page in a browser may not: it would be let in wherever its user is.
            origins=[None],
            subprotocols=[wire.SUBPROTOCOL],
            process_request=self._admit,
            compression=None,
            open_timeout=OPEN_WITHIN_S,
            close_timeout=1.0,
            ping_interval=ALIVE_S,
            ping_timeout=ALIVE_S,
            max_size=wire.ASK_BYTES,
            max_queue=4,
            server_header=None,
        )

    async def _look_at_tokens(self) -> None:
        try:
            self._tokens.look()
        except BadInput as error:
            _log.warning("tokens as they were: %s", error)
            return
        await self.players.cut_off_all_but(partial(self._tokens.may_stay, is_local=self._open))

    def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        """Who it is, and whether they may come in; pages and figures are answered at once."""
        header = request.headers.get("Authorization", "")
        user = self._tokens.user_of_header(header, self._open)
        if user is None:
            refused = socket.respond(
                HTTPStatus.UNAUTHORIZED, "A token is needed, and this is none.\n"
            )
            refused.headers["WWW-Authenticate"] = ASKS_FOR_A_TOKEN
            return refused
        if request.path == "/metrics":
            return _answer(socket, generate_latest(self.players.measures.registry).decode())
        if request.path == "/":
            if "Upgrade" not in request.headers:
                return _answer(socket, page(self.players, _MORE), "text/html; charset=utf-8")
        elif request.path != "/jam":
            return socket.respond(HTTPStatus.NOT_FOUND, "Not here.\n")
        try:
            self.players.admit(user)
        except Full as full:
            return socket.respond(HTTPStatus.SERVICE_UNAVAILABLE, f"{full}.\n")
        self._users[socket] = user
        return None

    async def _player(self, socket: ServerConnection) -> None:
        try:
            if socket.subprotocol is None:
                await socket.close(1002, f"speak {wire.SUBPROTOCOL}")
                return
            await self.players.serve(_Line(socket), self._users[socket])
        finally:
            self._users.pop(socket, None)


def _answer(
    socket: ServerConnection, text: str, kind: str = "text/plain; version=0.0.4; charset=utf-8"
) -> Response:
    response = socket.respond(HTTPStatus.OK, text)
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = kind
    return response
