"""Between the network of fit and the network of variety."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jam.agent.anticipation import Anticipator
from jam.errors import BadInput
from jam.messages.plans import Plan, PlanRequest
from jam.music.grid import Meter, Place
from jam.music.rows import NO_CHORD, ChordState, MelodyState, Row
from jam.settings import JamSettings
from models import load_predictor
from models.decoding.mixture import load_mixture
from models.network.weights import read_arrays, write_arrays, write_json
from tests.support.model_parts import TINY, tiny_net, write_tiny_weights

PLACE = Place(0, 0, Meter(4, 4))


def two_networks(folder: Path) -> None:
    """online.* and variety.* of different seeds, with rules of their own."""
    write_tiny_weights(folder)
    arrays = {k: v.detach().numpy() for k, v in tiny_net(seed=5).named_parameters()}
    write_arrays(folder / "variety.safetensors", arrays)
    write_json(
        folder / "variety.json",
        {"network": TINY.to_dict(), "decoding": {"hold_bias": [1, 2, 3, 4], "min_share": 0.1}},
    )


def test_at_the_ends_are_the_two_networks_bit_for_bit(tmp_path: Path) -> None:
    two_networks(tmp_path)
    mixture = load_mixture(tmp_path)
    for end, name in ((0.0, "online"), (1.0, "variety")):
        alone, _ = read_arrays(tmp_path / f"{name}.safetensors")
        weights, rules = mixture.at(end)
        assert all((weights[k] == alone[k]).all() for k in alone)
        assert rules.min_share == (0.1 if end else 0.0)
    half, rules = mixture.at(0.5)
    ends = [mixture.at(e)[0]["norm.pitch_gain"] for e in (0.0, 1.0)]
    assert np.allclose(half["norm.pitch_gain"], (ends[0] + ends[1]) / 2)
    assert rules.hold_bias == (0.5, 1.0, 1.5, 2.0)


def test_the_setting_acts_at_the_next_reset(tmp_path: Path) -> None:
    two_networks(tmp_path)
    predictor = load_predictor(tmp_path)
    found = []
    for adventurous in (0.0, 1.0, 0.0):
        predictor.reset(JamSettings(adventurous=adventurous))
        found.append(predictor.chord_logits(PLACE).copy())
    assert (found[0] == found[2]).all() and (found[0] != found[1]).any()


def test_one_network_alone_leaves_the_setting_without_effect(tmp_path: Path) -> None:
    write_tiny_weights(tmp_path)
    predictor = load_predictor(tmp_path)
    found = []
    for adventurous in (0.0, 1.0):
        predictor.reset(JamSettings(adventurous=adventurous))
        found.append(predictor.chord_logits(PLACE).copy())
    assert (found[0] == found[1]).all()


def test_networks_of_different_shapes_are_refused(tmp_path: Path) -> None:
    two_networks(tmp_path)
    path = tmp_path / "variety.json"
    values = json.loads(path.read_text())
    values["network"]["context"] = 64
    path.write_text(json.dumps(values))
    with pytest.raises(BadInput, match="another shape"):
        load_predictor(tmp_path)
    (tmp_path / "variety.safetensors").write_bytes(b"no")
    with pytest.raises(BadInput, match="variety"):
        load_predictor(tmp_path)


def test_a_jam_takes_the_setting_over_from_the_commit_point_on(tmp_path: Path) -> None:
    """The plan is then that of an agent that has heard the same and had the setting always."""
    two_networks(tmp_path)
    meter = Meter(4, 4)
    n, lookahead, commit = 8, 16, 8
    places = tuple(Place(f // 16, f % 16, meter) for f in range(n + lookahead))
    rows = tuple(Row(MelodyState(60 + f % 5, True), NO_CHORD) for f in range(n))

    def planned(agent: Anticipator, adventurous: float, committed: tuple[ChordState, ...]) -> Plan:
        settings = JamSettings(adventurous=adventurous, foresight_beats=0)
        request = PlanRequest(0, rows, committed, places, lookahead, commit, 0, settings)
        return agent.plan(request)

    agent = Anticipator(load_predictor(tmp_path), seed=3)
    first = planned(agent, 0.0, ())
    committed = first.chords[:commit]
    after = planned(agent, 1.0, committed)
    assert after.chords[:commit] == committed and after.chords != first.chords
    always = Anticipator(load_predictor(tmp_path), seed=3)
    assert planned(always, 1.0, committed).chords == after.chords
