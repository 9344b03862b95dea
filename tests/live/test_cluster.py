"""A cluster of two nodes on this machine; where Ray is installed (`jam[server]`)."""

from __future__ import annotations

import pytest

pytest.importorskip("ray", reason="Ray comes with jam[server]")

from tools.serve_cluster import tried


def test_a_replica_is_killed_in_mid_jam() -> None:
    """Nobody misses a plan, and the server's are those that are made here."""
    players = tried(4)
    for player in players:
        assert sum(part.by_server for part in player.parts) > 20
        assert not any(part.different or part.late for part in player.parts)
        got = sum(part.by_server + part.by_us for part in player.parts)
        assert got == len(player.jam.rows)
