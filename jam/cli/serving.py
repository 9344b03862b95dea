"""`jam serve` and `jam tokens`: the agent for players elsewhere."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from jam.errors import BadInput, JamError
from jam.system import many_files

if TYPE_CHECKING:
    from jam.server.players import Planner
    from jam.server.tokens import Tokens

_NEEDED = "the server needs more than playing does: pip install 'jam[server]'"


def serve(args: argparse.Namespace, load: Callable[[], Planner]) -> int:
    """Serve until Ctrl+C."""
    for name in ("players", "per_user"):
        if getattr(args, name) < 1:
            raise BadInput(f"--{name.replace('_', '-')}: must be 1 or more")
    try:
        from jam.server.players import Limits
        from jam.server.server import AgentServer, certificate

        planner = load()
    except ModuleNotFoundError as error:
        raise JamError(f"{_NEEDED} ({error.name})") from None
    try:
        tls = certificate(*(Path(p) if p else None for p in (args.tls_cert, args.tls_key)))
        server = AgentServer(
            planner, _tokens(args), Limits(args.players, args.per_user), args.host, args.port, tls
        )
        many_files(4 * args.players)

        def ready(url: str) -> None:
            print(f"The agent ({planner.ready.name}) plans for players at {url}", flush=True)
            print(f"Play with: jam window --agent-server {url}", flush=True)

        asyncio.run(server.run(ready))
    finally:
        planner.close()
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
