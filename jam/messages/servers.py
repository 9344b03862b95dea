"""A server of agents as it is seen from here: its address, and how the line to it stands."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from jam.errors import BadInput

CONNECTING = "connecting"
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class UseServer:
    """Have the server at this address plan where it can in time; "" for none."""

    url: str


@dataclass(frozen=True, slots=True)
class ServerState:
    """How the line to a server stands.

    host: with its port; "" where no server is wanted. round_trip_ms: the way there and back, to the
    next 5 ms; 0 until it is measured. why_not: why the agent here plays, "" where the server does.
    """

    host: str = ""
    round_trip_ms: int = 0
    why_not: str = ""

    @property
    def problem(self) -> str:
        """What the musician is told, in one line; "" where all is well, or nothing is known yet."""
        if self.why_not in ("", CONNECTING):
            return ""
        return f"Agent server {self.host}: {self.why_not}; the agent here plays."

    @property
    def words(self) -> str:
        """The same for who looks at it: all that there is to know."""
        if not self.host:
            return "The agent on this machine plays."
        if self.why_not == CONNECTING:
            return f"Connecting to {self.host} …"
        if self.why_not:
            return f"The agent here plays. {self.host}: {self.why_not}."
        return f"Connected to {self.host}: {self.round_trip_ms} ms there and back."

    @property
    def name(self) -> str:
        """Who plans, as it is shown; "" where it is not the server."""
        if not self.host or self.why_not:
            return ""
        return f"{self.host} ({self.round_trip_ms} ms)"


NO_SERVER = ServerState()


def host_of(url: str) -> str:
    """Host and port of an address; "" of none. Raises BadInput for what is no address, or where
    what is said could be read on the way."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("ws", "wss") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        parts, known = urlsplit(""), False
    if not known or parts.username is not None or len(url) > _LONGEST or not url.isprintable():
        raise BadInput(f"agent server {url[:80]!r}: use wss://HOST:PORT")
    if parts.scheme == "ws" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        raise BadInput(f"agent server {url[:80]!r}: beyond this machine use wss://")
    return parts.netloc
