"""A cluster of two nodes on this machine; where Ray is installed (`jam[server]`)."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ray", reason="Ray comes with jam[server]")

from tools.serve_cluster import tried


def test_a_replica_is_killed_in_mid_jam() -> None:
    """Nobody misses a plan, and the server's are those that are made here. Those on the other
    replica, half of them, notice nothing."""
    players = tried(4)
    assert sum(player.parts[-1].why_not <= {"", "too slow"} for player in players) == 2
    for player in players:
        assert sum(part.by_server for part in player.parts) > 20
        assert not any(part.different for part in player.parts)
        got = sum(part.by_server + part.by_us for part in player.parts)
        assert got == len(player.jam.rows)


def test_rollouts_as_tasks_are_those_made_here() -> None:
    pytest.importorskip("torch", reason="what is trained with comes with jam[train]")
    from models.data.batches import shown
    from models.data.piece import piece_of
    from models.training.rollouts import OnRay, dice_of, rolled_out
    from models.training.run import plain_weights
    from tests.support.model_parts import tiny_net, tune

    net = tiny_net("online")
    config, weights = net.config, plain_weights(net)
    rng = np.random.default_rng(3)
    windows = [shown(rng, piece_of(tune(i)), augment=False) for i in range(4)]
    dice = dice_of(rng, 64, 4)
    here = rolled_out(config, weights, windows, dice)
    on_ray = OnRay("local", 2)
    try:
        there = on_ray(config, weights, windows, dice)
    finally:
        on_ray.close()
    np.testing.assert_array_equal(there.own.chord, here.own.chord)
    np.testing.assert_allclose(there.log_probability, here.log_probability, atol=1e-4)
