"""`jam serve` and `jam tokens`: the agent for players elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from jam.errors import BadInput, JamError
from jam.system import many_files, wait_for_the_end

if TYPE_CHECKING:
    from jam.server.players import Planner
    from jam.server.tokens import Tokens

_NEEDED = "the server needs more than playing does: pip install '.[server]' in jam's folder"

_STRANGERS = 4096
"""Connections that may say nothing while players still get in."""
_TORCH = "--device needs torch: pip install '.[server,train]' in jam's folder"


def serve(args: argparse.Namespace, load: Callable[[str], Planner]) -> int:
    """Serve until Ctrl+C. load: a planner with the weights of a folder."""
    _check(args)
    try:
        if args.ray is not None:
            return _serve_on_ray(args, load)
        from jam.server.players import Limits
        from jam.server.server import AgentServer, certificate

        planner = load(args.weights or "")
    except ModuleNotFoundError as error:
        raise JamError(f"{_TORCH if error.name == 'torch' else _NEEDED} ({error.name})") from None
    try:
        tls = certificate(*(Path(p) if p else None for p in (args.tls_cert, args.tls_key)))
        limits = Limits(args.players, args.per_user)
        server = AgentServer(planner, _tokens(args), limits, args.host, args.port, tls)
        many_files(4 * args.players + _STRANGERS)

        asyncio.run(server.run(partial(_tell, f"The agent ({planner.ready.name}) plans")))
    finally:
        planner.close()
    return 0


def _check(args: argparse.Namespace) -> None:
    """Raises BadInput for what can't be meant."""
    for name in ("players", "per_user"):
        if getattr(args, name) < 1:
            raise BadInput(f"--{name.replace('_', '-')}: must be 1 or more")
    if not 0 <= args.port <= 65535:
        raise BadInput(f"--port {args.port}: must be 0 to 65535")
    if args.ray is None and (args.replicas or args.head_only):
        raise BadInput("--replicas and --head-only need --ray")
    if args.ray is not None and args.port == 0:
        raise BadInput("--port 0: Ray has to be told which port, the same on every machine")


def _tell(who: str, url: str) -> None:
    """That players can connect, and how."""
    print(f"{who} for players at {url}", flush=True)
    for anywhere in ("//0.0.0.0:", "//[::]:"):
        url = url.replace(anywhere, "//THIS-MACHINE:")
    print(f"Play with: jam window --agent-server {url}", flush=True)


def _serve_on_ray(args: argparse.Namespace, load: Callable[[str], Planner]) -> int:
    from jam.server import on_ray
    from jam.server.players import Limits
    from jam.server.server import certificate, is_loopback

    files = tuple(Path(p) if p else None for p in (args.tls_cert, args.tls_key))
    certificate(*files)
    tls = (files[0], files[1]) if files[0] is not None and files[1] is not None else None
    least, _, most = (args.replicas or "1").partition("-")
    try:
        gpus = float((args.device or "").startswith("cuda"))
        replicas = on_ray.Replicas(int(least), int(most or least), gpus=gpus)
    except ValueError:
        raise BadInput(f"--replicas {args.replicas}: 4, or 1-8") from None
    kept = _tokens(args)
    local = is_loopback(args.host)
    if not local and tls is None:
        raise BadInput(f"--host {args.host}: beyond this machine it needs --tls-cert and --tls-key")
    if not local and not kept.users():
        raise BadInput(f"--host {args.host}: nobody has a token yet (jam tokens add NAME)")
    planner = partial(load, args.weights or "")
    if not gpus:  # what can't be loaded is told here and now, and changes nothing on the cluster
        planner().close()
    on_ray.run(
        planner,
        Limits(args.players, args.per_user),
        kept.path,
        replicas,
        args.host,
        args.port,
        local,
        args.ray or "local",
        not args.head_only,
        tls,
    )
    host = f"[{args.host}]" if ":" in args.host else args.host
    _tell("The agent plans on Ray", f"{'wss' if tls else 'ws'}://{host}:{args.port}")
    wait_for_the_end()
    return 0


def tokens(args: argparse.Namespace) -> int:
    """Make, revoke or list tokens."""
    kept = _tokens(args)
    if args.what == "add":
        print(kept.add(args.user))
        print("It is shown this once. The player sets JAM_AGENT_TOKEN to it.", file=sys.stderr)
    elif args.what == "revoke":
        kept.revoke(args.user)
        print(f"{args.user}: revoked. Who plays with it is cut off at once.")
    else:
        for user, day in kept.users().items():
            print(f"{day}  {user}")
        if not kept.users():
            print("Nobody has a token. jam tokens add NAME makes one.")
    return 0


def _tokens(args: argparse.Namespace) -> Tokens:
    from jam.server.tokens import Tokens, tokens_path

    return Tokens(Path(args.tokens) if args.tokens else tokens_path())
