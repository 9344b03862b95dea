"""The tokens by which servers know this player: kept in a file that its user alone can read."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from jam.checked import checked_json
from jam.errors import BadInput
from jam.files import config_dir, read_limited, write_private
from jam.limits import MIB

TOKEN_VARIABLE = "JAM_AGENT_TOKEN"
"""In the environment; before what is kept."""
_Kept = dict[
    Annotated[str, Meta(max_length=300)], Annotated[str, Meta(max_length=300, pattern=r"^[!-~]+\Z")]
]
_log = logging.getLogger(__name__)


def kept_path() -> Path:
    return config_dir() / "agent-tokens.json"


def token_for(host: str) -> str:
    """What a server is told; "" where nothing is known. host: with its port."""
    return os.environ.get(TOKEN_VARIABLE, "") or _kept().get(host, "")


def is_kept(host: str) -> bool:
    return host in _kept()


def keep_token(host: str, token: str) -> None:
    """Keep a token for a server, in place of the one before; "" forgets it. Raises BadInput for
    what can't be one, OSError where it can't be written."""
    kept = {name: one for name, one in _kept().items() if name != host}
    if token:
        kept[host] = token
    data = json.dumps(kept, indent=1).encode()
    try:
        checked_json(data, _Kept, "token")
    except BadInput:
        raise BadInput("the token: letters and digits as `jam tokens add` prints them") from None
    write_private(kept_path(), data)


def _kept() -> dict[str, str]:
    path = kept_path()
    if not path.exists():
        return {}
    try:
        found: dict[str, str] = checked_json(read_limited(path, MIB), _Kept, str(path))
    except (BadInput, RecursionError) as error:
        _log.warning("tokens of servers: %s", error)
        return {}
    return found
