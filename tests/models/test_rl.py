"""Reinforcement learning: a step raises what it rewards, runs resume, judges learn."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from jam.errors import BadInput
from models.data.batches import shown, stack
from models.data.leadsheet import write_jsonl
from models.data.piece import piece_of
from models.network import weights
from models.network.chords import CHORD_TONES
from models.network.config import CONFIGS
from models.network.transformer import Net
from models.training import judges, rewards, rl
from models.training.judge import Judge, JudgeConfig, features_of, judged, load_judge
from models.training.rewards import Gains, Habits, played_of
from models.training.rl import RewardWeights
from models.training.rollouts import Rollout, dice_of, joined, rolled_out
from models.training.run import plain_weights
from tests.support.model_parts import TINY, TINY_OFFLINE, tune, write_tiny_weights


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "tunes.jsonl"
    write_jsonl(
        path,
        [tune(i, split="train") for i in range(4)] + [tune(i, split="valid") for i in range(4, 6)],
    )
    return path


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(CONFIGS["online"], "small", TINY)
    monkeypatch.setitem(CONFIGS["offline"], "small", TINY_OFFLINE)
    monkeypatch.setattr(rl, "FRAMES", 128)
    monkeypatch.setattr(judges, "POOL", 4)
    yield


def fresh_net() -> Net:
    """Untrained, with a context that holds a whole window."""
    torch.manual_seed(0)
    return Net(replace(TINY, context=256)).eval()


def rollout(net: Net, seed: int = 0) -> Rollout:
    dice = np.random.default_rng(seed)
    windows = [shown(dice, piece_of(tune(i)), augment=False) for i in range(4)]
    noise = dice_of(dice, 128, len(windows))
    return rolled_out(net.config, plain_weights(net), windows, noise)


def test_rollouts_of_some_jams_each_are_those_of_all_together() -> None:
    net, dice = fresh_net(), np.random.default_rng(3)
    windows = [shown(dice, piece_of(tune(i)), augment=False) for i in range(5)]
    noise = dice_of(dice, 128, 5)
    whole = rolled_out(net.config, plain_weights(net), windows, noise)
    parts = [
        rolled_out(net.config, plain_weights(net), windows[cut], noise[:, cut])
        for cut in (slice(0, 2), slice(2, 5))
    ]
    found = joined(parts)
    np.testing.assert_array_equal(found.own.chord, whole.own.chord)
    np.testing.assert_array_equal(found.true.places, whole.true.places)
    np.testing.assert_allclose(found.log_probability, whole.log_probability, atol=1e-4)
    assert len(found.windows) == 5


def test_the_probabilities_of_a_rollout_are_those_of_the_network() -> None:
    net = fresh_net()
    played = rollout(net)
    batch = stack(played.windows, 128)
    with torch.no_grad():
        log_p = torch.log_softmax(net.chord_logits(net.hidden(batch.features)), -1)
    chosen = log_p.gather(-1, batch.chord_target[..., None])[..., 0].numpy()
    assert np.abs(chosen - played.log_probability).max() < 1e-3


def test_steps_of_ppo_raise_a_toy_reward() -> None:
    """Chords with C in them are rewarded; the network is soon likelier to play them."""
    net = fresh_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)

    def share(played: Rollout) -> np.ndarray:
        return CHORD_TONES[played.own.chord, 0].astype(np.float32)

    before = share(rollout(net, 99)).mean()
    for step in range(10):
        played = rollout(net, step)
        batch = stack(played.windows, 128)
        reward = share(played)
        mean = np.full_like(reward, 3 * reward.mean())
        advantage, _ = rewards.advantages(reward, mean, played.own.weight, 0.7, 0.9)
        advantage = (advantage - advantage.mean()) / advantage.std()
        for _ in range(2):
            logits = net.chord_logits(net.hidden(batch.features))
            parts = rl.policy_losses(
                logits,
                logits,
                batch,
                torch.from_numpy(played.log_probability),
                torch.from_numpy(advantage),
                logits.detach(),
            )
            optimizer.zero_grad()
            parts["policy"].backward()
            optimizer.step()
    assert share(rollout(net, 99)).mean() > before + 0.05


def test_learning_from_every_action_raises_the_gain_expected() -> None:
    net = fresh_net()
    played = rollout(net)
    batch = stack(played.windows, 128)
    none = Habits.none()
    worth = dict.fromkeys(rewards.EARNED_BY_ALL, 0.0) | {"fit": 1.0}
    closes = rewards.cadences(played.true)
    gains: Gains = rewards.gains_of_every_chord(played.own, none, none, closes, 0.9, worth)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
    found = []
    for _ in range(3):
        logits = net.chord_logits(net.hidden(batch.features))
        expected = rl.every_action(logits, gains, batch.features["chord"]).mean()
        found.append(float(expected.detach()))
        optimizer.zero_grad()
        (-expected).backward()
        optimizer.step()
    assert found[0] < found[1] < found[2]


def options(data: Path, out: Path, folder: Path, *more: str) -> list[str]:
    return [
        "--data",
        str(data),
        "--out",
        str(out),
        "--init",
        str(folder),
        "--teacher",
        str(folder),
        "--steps",
        "3",
        "--sessions",
        "2",
        "--minibatch",
        "1",
        "--validate-every",
        "1",
        "--adversary-warm-up",
        "1",
        "--device",
        "cpu",
        *more,
    ]


def test_a_run_resumes_after_a_kill_and_its_checkpoint_can_be_split(
    data: Path, tmp_path: Path
) -> None:
    folder, straight, stopped = (tmp_path / n for n in ("weights", "straight", "stopped"))
    write_tiny_weights(folder)
    judge = tmp_path / "judge"
    judges.main(
        [
            "--data",
            str(data),
            "--out",
            str(judge),
            "--steps",
            "1",
            "--minutes",
            "9",
            "--frames",
            "256",
            "--device",
            "cpu",
        ]
    )
    more = ("--judges", str(judge))
    rl.main(options(data, straight, folder, *more))
    rl.main(options(data, stopped, folder, "--stop-after", "1", *more))
    rl.main(options(data, stopped, folder, *more))
    one, two = (weights.read_arrays(r / "online.safetensors")[0] for r in (straight, stopped))
    assert all((one[k] == two[k]).all() for k in one)
    lines = (stopped / "metrics.jsonl").read_text().splitlines()
    last = json.loads(lines[-1])
    assert last["step"] == 3 and (stopped / "loss.png").exists()
    assert {f"reward_{n}" for n in rl._names()} <= set(last)
    assert all(np.isfinite(v) for v in last.values())


def test_judges_are_tested_and_loaded_again(data: Path, tmp_path: Path) -> None:
    for kind in ("contrastive", "discriminative"):
        out = tmp_path / kind
        judges.main(
            [
                "--data",
                str(data),
                "--out",
                str(out),
                "--kind",
                kind,
                "--deaf",
                "--steps",
                "2",
                "--frames",
                "256",
                "--device",
                "cpu",
            ]
        )
        test = json.loads((out / "test.json").read_text())
        assert all(0 <= v <= 1 for k, v in test.items() if k.startswith(("R@", "F1")))
        judge = load_judge(out)
        assert judge.config == JudgeConfig(kind, deaf=True)
        played = played_of([piece_of(tune(0))], 128)
        assert judged(judge, played, torch.device("cpu")).shape == (1, 128)
    (tmp_path / "contrastive" / "judge.json").write_text('{"network": {"kind": "hanging"}}')
    with pytest.raises(BadInput, match="hanging"):
        load_judge(tmp_path / "contrastive")


def test_a_judgment_is_the_same_in_all_keys() -> None:
    torch.manual_seed(1)
    here = piece_of(tune(2))
    from models.training.judges import in_c

    there = in_c(here)
    for config in (JudgeConfig("contrastive"), JudgeConfig("discriminative")):
        judge = Judge(config).eval()
        scores = []
        for piece in (here, there):
            features, weight = features_of(played_of([piece], 128), deaf=False)
            features["melody_height"] = torch.zeros_like(features["melody_height"])
            with torch.no_grad():
                scores.append(float(judge.scores(features, weight)))
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)


def test_reward_weights() -> None:
    assert RewardWeights.parse(["fit=2", "adversary=0"]).fit == 2
    for bad in ("fat=1", "fit=much"):
        with pytest.raises(BadInput, match="--weight"):
            RewardWeights.parse([bad])
