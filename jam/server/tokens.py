"""Tokens: one for each user of a server, made, listed and revoked by a command.

What is kept is only each token's hash; a token itself is shown once, when it is made.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from pathlib import Path
from typing import Annotated

from msgspec import Meta

from jam.checked import checked_json
from jam.clock import date_now
from jam.errors import BadInput
from jam.files import config_dir, read_limited, write_private
from jam.limits import MIB

_NAME = Annotated[str, Meta(min_length=1, max_length=60, pattern=r"^[\w.@ -]+\Z")]
_Kept = dict[_NAME, tuple[Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")], str]]
"""User to the token's SHA-256 and the day on which it was made."""
_MOST = 20_000
ASKS_FOR_A_TOKEN = 'Basic realm="jam: your name, and your token as the password"'
"""What a browser is answered (`WWW-Authenticate`)."""
LOCAL_USER = "this machine"
"""Whoever connects without a token, where that is allowed."""


def tokens_path() -> Path:
    """Where they are kept when nothing else is said."""
    return config_dir() / "server-tokens.json"


class Tokens:
    """A file of tokens. It is looked at anew, so revoking acts on a running server."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int] | None = None
        self._kept: dict[str, tuple[str, str]] = {}
        self.look()

    def look(self) -> None:
        """Take over the file as it is now; one that isn't there holds none. Raises BadInput."""
        try:
            about = self.path.stat()
        except FileNotFoundError:
            self._stamp, self._kept = None, {}
            return
        stamp = about.st_mtime_ns, about.st_ino
        if stamp != self._stamp:
            self._kept = checked_json(read_limited(self.path, 8 * MIB), _Kept, str(self.path))
            self._stamp = stamp

    def users(self) -> dict[str, str]:
        """Every user, with the day on which the token was made."""
        return {name: day for name, (_, day) in sorted(self._kept.items())}

    def user_of(self, token: str) -> str | None:
        """Whose token it is. Takes as long for a wrong one as for a right one."""
        digest = _digest(token)
        found = None
        for name, (kept, _) in self._kept.items():
            if hmac.compare_digest(kept, digest):
                found = name
        return found

    def user_of_header(self, header: str, is_local: bool) -> str | None:
        """Who says so in a request's `Authorization`; None for nobody known.

        is_local: nobody but this machine can connect, so no token is needed; a wrong one is wrong.
        A browser, which asks for a name too, sends the token as a password.
        """
        kind, _, token = header.partition(" ")
        if kind == "Bearer":
            return self.user_of(token.strip())
        if kind == "Basic":
            try:
                said = base64.b64decode(token, validate=True).decode()
            except ValueError:
                return None
            return self.user_of(said.partition(":")[2])
        return LOCAL_USER if not kind and is_local else None

    def may_stay(self, user: str, is_local: bool) -> bool:
        """Whether a user who is connected may go on."""
        return user in self._kept or (is_local and user == LOCAL_USER)

    def add(self, name: str) -> str:
        """Make a token for a user. Raises BadInput where there is one, or the name is none."""
        if name in self._kept:
            raise BadInput(f"{name}: has a token already; revoke it first")
        if len(self._kept) >= _MOST:
            raise BadInput(f"more than {_MOST} tokens")
        token = f"jam_{secrets.token_urlsafe(32)}"
        self._write(self._kept | {name: (_digest(token), date_now().date().isoformat())})
        return token

    def revoke(self, name: str) -> None:
        """Who has it is cut off. Raises BadInput where there is none."""
        if name not in self._kept:
            raise BadInput(f"{name}: has no token")
        self._write({user: kept for user, kept in self._kept.items() if user != name})

    def _write(self, kept: dict[str, tuple[str, str]]) -> None:
        data = json.dumps(kept, indent=1).encode()
        checked_json(data, _Kept, "the user's name")
        write_private(self.path, data)
        self._stamp = None
        self.look()


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()
