"""The agent on Ray Serve: replicas on several machines or GPUs, as many as there are jams for.

A WebSocket stays with the replica that accepted it, so a jam stays where its cache is. A replica
that dies takes its lines with it: the players' own agents take over, connect again, come to
another replica and tell it their history. Replicas are added and removed by the number of players
(`jam.server.scaling`), looked after by Ray, and replaced one after the other where they are
deployed anew, as with other weights: to their players that is as if each had died in turn.

Ray's proxies speak TLS, with a certificate and key that lie at the same path on every machine.
"""

# Without annotations as text: FastAPI couldn't resolve them in a class that Ray has pickled.
import asyncio
import contextlib
import logging
import os
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import ray
from fastapi import FastAPI, Request, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse
from ray import serve
from ray.exceptions import RayError
from ray.serve.config import AutoscalingPolicy, RequestRouterConfig
from ray.serve.request_router import PendingRequest, ReplicaID, RequestRouter, RunningReplica
from ray.util.metrics import Gauge

from jam.clock import SystemClock
from jam.errors import BadInput, JamError
from jam.remote import wire
from jam.server import scaling
from jam.server.page import page
from jam.server.players import POLICY, HungUp, Limits, Planner, Players
from jam.server.tokens import ASKS_FOR_A_TOKEN, Tokens

NAME, _AGENT = "jam", "agent"
_LOOK_S = 1.0
_MORE = "Of one replica; those of all are Ray's to export."
_DRAIN_S = 5.0
"""A replica that is to go has so long to say goodbye."""
_BESIDES = 8
"""Requests at a time of those who are no players: pages, and players who are turned away."""
_ANSWERS_S = 5.0
_REPORT_S, _LOOK_BACK_S = 1.0, 3.0
"""So often a replica reports how full it is; of its reports in that time the fullest counts."""
_DOWN_AFTER_S = 60.0
"""Players who leave may come back: replicas stay so much longer."""

routes = FastAPI(openapi_url=None)


class _Line:
    """A WebSocket of Starlette as a line."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket

    async def receive(self) -> bytes | str:
        message = await self._socket.receive()
        if message["type"] != "websocket.receive":
            raise HungUp
        data = message.get("bytes")
        return data if data is not None else str(message.get("text", ""))

    async def send(self, data: bytes) -> None:
        try:
            await self._socket.send_bytes(data)
        except (WebSocketDisconnect, RuntimeError, OSError):
            raise HungUp from None

    async def close(self, code: int, reason: str) -> None:
        with contextlib.suppress(RuntimeError, OSError):
            await self._socket.close(code, reason)


@serve.deployment(name=_AGENT)
@serve.ingress(routes)
class Replica:
    """One process with its planner and its players.

    load: makes a planner. limits: of one replica. tokens: their file on each machine.
    """

    def __init__(
        self, load: Callable[[], Planner], limits: Limits, tokens: str, open_to_all: bool
    ) -> None:
        self._open, self._tokens = open_to_all, Tokens(Path(tokens))
        self.players = Players(load(), limits, SystemClock())
        self._gauges: dict[str, Gauge] = {}
        self._looking = asyncio.get_event_loop().create_task(self._look())

    async def check_health(self) -> None:
        """Raises where no plan can be made any more: Ray then starts another replica."""
        if self._looking.done() or not self.players.planner.alive:
            raise RuntimeError("the planner has ended, or nobody looks after the players")

    async def _look(self) -> None:
        """Once a second: tokens that were revoked, and the figures for Ray's own exporter."""
        while True:
            await asyncio.sleep(_LOOK_S)
            with contextlib.suppress(BadInput):
                self._tokens.look()
            await self.players.cut_off_all_but(partial(self._tokens.may_stay, is_local=self._open))
            self._export()

    async def record_autoscaling_stats(self) -> dict[str, float]:
        """What Ray asks for, and hands to the policy."""
        return {scaling.FILLED: self.players.filled}

    def _export(self) -> None:
        for family in self.players.measures.registry.collect():
            for sample in family.samples:
                names = tuple(sample.labels)
                if sample.name not in self._gauges:
                    self._gauges[sample.name] = Gauge(
                        sample.name, family.documentation, tag_keys=names or None
                    )
                self._gauges[sample.name].set(sample.value, sample.labels or None)

    @routes.websocket("/")
    @routes.websocket("/jam")
    async def jam(self, socket: WebSocket) -> None:
        """A player."""
        user = self._tokens.user_of_header(socket.headers.get("authorization", ""), self._open)
        if user is None or "origin" in socket.headers:
            await socket.close(POLICY)  # before it was accepted: refused with 403
            return
        # Ray's proxy hands on the header, not Starlette's list.
        offered = socket.headers.get("sec-websocket-protocol", "").split(",")
        if wire.SUBPROTOCOL not in {name.strip() for name in offered}:
            await socket.close(POLICY)
            return
        await socket.accept(subprotocol=wire.SUBPROTOCOL)
        await self.players.serve(_Line(socket), user)

    @routes.get("/")
    async def page(self, request: Request) -> HTMLResponse:
        """The figures of whichever replica answers."""
        said = request.headers.get("authorization", "")
        if self._tokens.user_of_header(said, self._open) is None:
            return HTMLResponse("", 401, {"WWW-Authenticate": ASKS_FOR_A_TOKEN})
        return HTMLResponse(page(self.players, _MORE))


class FewestPlayers(RequestRouter):
    """A new player comes to the replica with the fewest, on whichever node.

    Ray's own router fills the replica beside the proxy first, and goes by lengths of queues that
    are some seconds old: requests are over in a moment, jams aren't. So lines are counted here, by
    each proxy those that it has passed on.
    """

    def initialize_state(self) -> None:
        self._lines: dict[str, tuple[PendingRequest, ReplicaID]] = {}

    async def choose_replicas(
        self,
        candidate_replicas: list[RunningReplica],
        pending_request: PendingRequest | None = None,
    ) -> list[list[RunningReplica]]:
        """The candidates in ranks: where one is full, the next one is asked."""
        n_of = Counter[ReplicaID]()
        for key, (passed_on, chosen) in [*self._lines.items()]:
            if passed_on.future.cancelled():
                self._lines.pop(key, None)
            else:
                n_of[chosen] += 1
        ranked = sorted(candidate_replicas, key=lambda replica: n_of[replica.replica_id])
        if pending_request is not None:
            pending_request.routing_context.should_backoff = True
            key = pending_request.metadata.internal_request_id
            self._lines[key] = pending_request, ranked[0].replica_id
        return [[replica] for replica in ranked]

    def on_request_completed(self, replica_id: ReplicaID, internal_request_id: str) -> None:
        """Runs on: any thread."""
        self._lines.pop(internal_request_id, None)


@dataclass(frozen=True, slots=True)
class Replicas:
    """How many there may be, and what each gets. Raises BadInput."""

    least: int = 1
    most: int = 1
    cpus: float = 1.0
    gpus: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise BadInput(f"--replicas {self.least}-{self.most}: at least one, and not backwards")


def _knock(address: str) -> None:
    """Raises JamError where nobody answers at a cluster's address: Ray itself tries for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdecimal() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), _ANSWERS_S).close()
        except (OSError, OverflowError) as error:
            raise JamError(f"Ray: nobody answers at {address} ({error})") from None


def run(
    load: Callable[[], Planner],
    limits: Limits,
    tokens: Path,
    replicas: Replicas,
    host: str,
    port: int,
    open_to_all: bool = True,
    address: str = "local",
    every_node: bool = True,
    tls: tuple[Path, Path] | None = None,
) -> None:
    """Deploy to the cluster at an address ("auto": this machine's, "local": one of its own), and
    come back when players can connect. Deployed again, the replicas are replaced one after the
    other. every_node: players may connect to each node, not to the first alone. tls: files of
    certificate and key. Raises JamError where there is no such cluster.
    """
    http: dict[str, Any] = {"host": host, "port": port}
    if tls is not None:
        http |= {"ssl_certfile": str(tls[0].resolve()), "ssl_keyfile": str(tls[1].resolve())}
    _knock(address)
    os.environ.setdefault("RAY_worker_niceness", "0")  # by 15, Ray's own, all else would go first
    try:
        ray.init(
            address=address,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.WARNING,
        )
    except (RayError, ConnectionError, RuntimeError, OSError, ValueError) as error:
        raise JamError(f"Ray: {str(error).splitlines()[0]}") from None
    there = ray.cluster_resources()
    for what, each in (("CPU", replicas.cpus), ("GPU", replicas.gpus)):
        needed, has = replicas.least * each, there.get(what, 0.0)
        if needed > has:
            raise JamError(f"Ray: {needed:g} {what} needed, and the cluster has {has:g}")
    logging.getLogger("ray.serve").setLevel(logging.WARNING)
    where = "EveryNode" if every_node else "HeadOnly"
    try:
        serve.start(proxy_location=where, http_options=http)
    except RayError as error:
        raise JamError(f"Ray: no proxy begins: {str(error).splitlines()[0]}") from None
    by_need: dict[str, Any] = {
        "min_replicas": replicas.least,
        "max_replicas": replicas.most,
        "metrics_interval_s": _REPORT_S,
        "look_back_period_s": _LOOK_BACK_S,
        "aggregation_function": "max",
        "upscale_delay_s": 0.0,
        "downscale_delay_s": _DOWN_AFTER_S,
        "policy": AutoscalingPolicy(policy_function=scaling.wanted),
    }
    fixed = replicas.least == replicas.most
    application = Replica.options(  # type: ignore[attr-defined]
        **({"num_replicas": replicas.least} if fixed else {"autoscaling_config": by_need}),
        max_ongoing_requests=limits.players + _BESIDES,
        request_router_config=RequestRouterConfig(request_router_class=FewestPlayers),
        ray_actor_options={"num_cpus": replicas.cpus, "num_gpus": replicas.gpus},
        health_check_period_s=2.0,
        graceful_shutdown_timeout_s=_DRAIN_S,
    ).bind(load, limits, str(tokens), open_to_all)
    try:
        serve.run(application, name=NAME, route_prefix="/")
    except RuntimeError as error:
        said = serve.status().applications[NAME].deployments[_AGENT].message or str(error)
        raise JamError(f"Ray: no replica begins: {said.strip().splitlines()[-1]}") from None
