"""A cluster of two nodes on this machine; where Ray is installed (`jam[server]`)."""

from __future__ import annotations

import pytest

pytest.importorskip("ray", reason="Ray comes with jam[server]")

from tools.serve_cluster import tried


def test_a_replica_is_killed_in_mid_jam() -> None:
    """Nobody misses a plan, and the server's are those that are made here."""
    players = tried(4)
    for player in players:
        assert player.by_server > 20
        assert not player.remote.why_not
        assert player.different == 0
        assert player.by_server + player.by_us == len(player.jam.rows)
