"""A server of agents on loopback, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jam.cli.main import load_planner
from jam.server.players import Limits, Planner
from jam.server.server import AgentServer
from jam.server.tokens import Tokens


class Served:
    """A server that runs: its address and its parts."""

    def __init__(self, server: AgentServer, loop: asyncio.AbstractEventLoop) -> None:
        self.server, self.loop = server, loop
        self.url = ""


@contextmanager
def served(
    tokens: Path,
    planner: Planner | None = None,
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[Served]:
    """planner: the rules', where none is given."""
    own = planner or load_planner("rules")
    server = AgentServer(own, Tokens(tokens), limits or Limits(), port=port, tls=tls)
    loop = asyncio.new_event_loop()
    served_ = Served(server, loop)
    up = threading.Event()

    def ready(url: str) -> None:
        served_.url = url
        up.set()

    task = loop.create_task(server.run(ready))

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        assert up.wait(20.0)
        yield served_
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(timeout=10.0)
        loop.close()
        if planner is None:
            own.close()
