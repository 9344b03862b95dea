"""Stage 5: reinforcement learning under the live protocol.

    python -m models.training.rl --data data.jsonl --init models/weights --teacher models/weights \\
        --judges runs/judges/* --out runs/rl

The policy accompanies melodies that players good and bad play (`models.data.situations`), sampling
its chords one by one; what they earn (`rewards`, `judge`, `adversary` in `models.training`)
draws it on by PPO (Schulman et al. 2017), while the offline teacher, which foresees the melody,
holds it near to music (KL on the policy's own samples). Departs from ReaLchords (arXiv
2506.14723) and GAPT (arXiv 2511.17879), for a small network on a processor, in

- rewards for every frame and a horizon of a few bars (gamma below 1): a chord matters about as
  long as it sounds;
- a value model that foresees: two small layers on what the frozen teacher makes of the whole
  melody and the chords so far. It is not needed for playing;
- the KL to the teacher as a closed form at every frame, not as a penalty on samples;
- musicians' chords go on being learned beside (`--truth`), so that what nothing rewards is not
  unlearned (PPO-ptx: Ouyang et al. 2022);
- a network that copies is taught what it says of itself: teacher and truth know of no copies, and
  drawn to them the mixture would unlearn either to copy or what it says beside;
- fit, metre, moves and form earned by every chord and not only by the one drawn
  (`--every-action`): the melody doesn't depend on the chords, so what each would have earned is
  known (all-action policy gradient: Allen et al. 2017, "Mean actor-critic");
- learning rates 20 to 60 times theirs.

On a processor 32 jams a step of 8 to 15 seconds; half an hour brings most of what there is. On a
GPU (`--device cuda`, bf16): `--sessions 384 --minibatch 96`, half an hour at a time, each time the
same command with more `--minutes`, the checkpoint handed on; where only small files pass,
`split -b 16M`, `cat` and `sha256sum` take it along. Rollouts stay on the processor
(`models.decoding.rollout`), several times quicker there than torch frame by frame; `--ray` has them
made on several machines.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from jam.errors import BadInput
from models.data.augment import Wrongness
from models.data.batches import Batch, Shown, batch_at, choose_window, shown, stack
from models.data.piece import Piece, pieces
from models.data.situations import leap, returning
from models.decoding.decoder import OnlineDecoder
from models.decoding.rollout import padded, sampled_chords
from models.evaluation import metrics
from models.evaluation.contestants import truth, with_chords
from models.network.transformer import Net
from models.network.turning import TurnLinear
from models.training import adversary, rewards
from models.training import run as training
from models.training.judge import Judge, JudgeConfig, judged, load_judge
from models.training.rewards import Cadences, Gains, Habits, Rewards, played_of
from models.training.rollouts import OnRay, Rollout, RollsOut, add_options, dice_of, rolled_out
from models.training.run import plain_weights

FRAMES = 256
GAMMA, LAMBDA, CLIP = 0.97, 0.9, 0.2
PERSISTENCE = 0.93
"""Of a chord from frame to frame, for `--every-action`: about a bar of 4/4."""
RETURNING_SHARE = 0.35
"""Of the windows are made of a phrase that comes round again."""
LEAP_SHARE = 0.25
"""Of the windows jump to another key, beside those that `data.shown` disturbs."""
FADE = 0.97
"""Of the policy's habits, from one step to the next."""
VALUE_WEIGHT = 0.5
VALIDATION_PIECES = 64


@dataclass(frozen=True, slots=True)
class RewardWeights:
    """What a frame's reward is made of. Those from fit on are ours."""

    judges: float = 0.6
    silence: float = 0.5
    too_long: float = 0.5
    struck_again: float = 1.0
    adversary: float = 0.3
    fit: float = 1.0
    clash: float = 0.5
    returns: float = 1.0
    cadence: float = 0.4
    in_style: float = 0.1
    on_time: float = 8.0
    moves: float = 4.0

    @classmethod
    def parse(cls, changes: Sequence[str]) -> RewardWeights:
        """With NAME=VALUE, …, in place of the defaults. Raises BadInput."""
        values = {}
        for change in changes:
            name, _, value = change.partition("=")
            if name not in _names():
                raise BadInput(f"--weight {change!r}: no such reward")
            try:
                values[name] = float(value)
            except ValueError:
                raise BadInput(f"--weight {change!r}: not a number") from None
        return cls(**values)


def _names() -> list[str]:
    return [f.name for f in fields(RewardWeights)]


class Critic(nn.Module):
    """The value of a state, from the teacher's hidden vector there; alike in all keys."""

    def __init__(self, width: tuple[int, int]) -> None:
        super().__init__()
        self.up = TurnLinear(width, width, tied=True)
        self.out = TurnLinear(width, (1, 1), tied=True, scale=0.1)

    def forward(self, hidden: Tensor) -> Tensor:
        """(B, T, D) to (B, T)."""
        values: Tensor = self.out(functional.relu(self.up(hidden)))[..., -1]
        return values


class Learner(nn.Module):
    """All that is learnt."""

    def __init__(self, actor: Net, width: tuple[int, int]) -> None:
        super().__init__()
        self.actor = actor
        self.critic = Critic(width)
        self.adversary = Judge(JudgeConfig("adversary"))


def windows_at(corpus: Sequence[Piece], rng: np.random.Generator, sessions: int) -> list[Shown]:
    """What is played in one step of training."""
    found = []
    for _ in range(sessions):
        window = choose_window(rng, corpus[int(rng.integers(len(corpus)))], FRAMES)
        if rng.random() < RETURNING_SHARE:
            window = returning(window, int(rng.choice((4, 4, 8))), FRAMES)
        if rng.random() < LEAP_SHARE:
            window = leap(rng, window)
        found.append(shown(rng, window))
    return found


def reward_terms(
    rollout: Rollout,
    judges: Sequence[Judge],
    rival: Judge,
    own: Habits,
    true: Habits,
    closes: Cadences,
    device: torch.device,
) -> dict[str, Rewards]:
    """Every term by its name in `RewardWeights`, (B, T)."""
    played = rollout.own
    heard = [judged(judge, played, device) for judge in judges]
    return {
        "judges": np.mean(heard, 0) if heard else np.zeros_like(played.weight),
        "silence": rewards.silence(played),
        "too_long": rewards.too_long(played),
        "struck_again": rewards.struck_again(played),
        "adversary": adversary.rewards(rival, played, device),
        "fit": rewards.fit(played),
        "on_time": rewards.on_time(played, own, true),
        "moves": rewards.common_moves(played, own, true),
        "returns": rewards.returns(played),
        "clash": rewards.clash(played),
        "cadence": rewards.cadence(played, closes),
        "in_style": rewards.in_style(played, own, true),
    }


def every_action(logits: Tensor, gains: Gains, before: Tensor) -> Tensor:
    """Expected gain under the policy, (B, T), whose gradient is that of every action at once.

    logits (B, T, classes); before (B, T): the chord that "hold" would hold.
    """
    lasting = _tensor(gains.lasting, logits.device)
    held = lasting.gather(-1, before[..., None])
    # Classes are hold, none, and the onset of each chord: number 0 is that of none.
    by_class = torch.cat([held, lasting + _tensor(gains.beginning, logits.device)], -1)
    expected: Tensor = (functional.softmax(logits.float(), -1) * by_class).sum(-1)
    return expected


def policy_losses(
    own: Tensor, mixed: Tensor, batch: Batch, old: Tensor, advantage: Tensor, taught: Tensor
) -> dict[str, Tensor]:
    """PPO's clipped objective, the KL to the teacher and the entropy; nats a frame.

    own, mixed: logits without and with copies.
    """
    log_p = functional.log_softmax(own.float(), -1)
    p = log_p.exp()
    mixed = functional.log_softmax(mixed.float(), -1)
    chosen = mixed.gather(-1, batch.chord_target[..., None])[..., 0]
    ratio = (chosen - old).exp()
    clipped = ratio.clamp(1 - CLIP, 1 + CLIP)
    gain = torch.minimum(ratio * advantage, clipped * advantage)
    kl = (p * (log_p - functional.log_softmax(taught.float(), -1))).sum(-1)
    mean = training.masked_mean
    return {
        "policy": -mean(gain, batch.weight),
        "kl_teacher": mean(kl, batch.weight),
        "entropy": mean(-(p * log_p).sum(-1), batch.weight),
        "clipped": mean((ratio != clipped).float(), batch.weight),
    }


def true_loss(
    run: training.Run, actor: Net, corpus: Sequence[Piece], epoch: int, minibatch: int
) -> Tensor:
    """Of musicians' chords after a past that is often wrong, half as many frames as are played."""
    batch = batch_at(
        corpus,
        (run.step * run.args.epochs + epoch) * run.args.sessions + minibatch,
        seed=run.args.seed + 1,
        rank=run.rank,
        frames=run.args.minibatch * FRAMES // 2,
        wrongness=Wrongness(),
    ).to(run.device)
    logits = actor.chord_logits(actor.hidden(batch.features))
    return training.class_loss(logits, batch.chord_target, batch.weight)


def validated(net: Net, corpus: Sequence[Piece]) -> dict[str, float]:
    """The metrics of some windows of the validation split, without rules of decoding."""
    order = np.random.default_rng(5).permutation(len(corpus))[:VALIDATION_PIECES]
    dice = np.random.default_rng(1)
    windows = [corpus[i].window(0, FRAMES) for i in order]
    heard = padded(windows, FRAMES)
    decoder = OnlineDecoder(net.config, plain_weights(net), len(windows), FRAMES)
    noise = dice_of(dice, FRAMES, len(windows))
    drawn = sampled_chords(decoder, heard.pitch, heard.onset, heard.shared, heard.found, noise)
    jams = [
        with_chords(w, drawn.chord[i, : w.n_frames], drawn.onset[i, : w.n_frames])
        for i, w in enumerate(windows)
    ]
    true = truth(windows)
    found, real = metrics.measure(jams, true), metrics.measure(true, true)
    names = (
        "changes_per_bar",
        "changes_on_bar_line",
        "chord_size",
        "vendi_ratio",
        "silent",
        "form_4",
        "form_8",
    )
    return {"of_truth": found["note_in_chord"] / real["note_in_chord"]} | {
        n: found[n] for n in names if np.isfinite(found[n])
    }


def musicians_habits(corpus: Sequence[Piece]) -> Habits:
    """Of one window of every piece."""
    dice = np.random.default_rng(3)
    habits = Habits.none()
    for first in range(0, len(corpus), 64):
        windows = [choose_window(dice, p, FRAMES) for p in corpus[first : first + 64]]
        habits = habits.and_of(played_of(windows, FRAMES), 1.0)
    return habits


def habits_of(run: training.Run) -> Habits:
    """The policy's own, of the steps before."""
    names = [f"habits.{f}" for f in Habits.__dataclass_fields__]
    return Habits(*(run.memory[n] for n in names)) if names[0] in run.memory else Habits.none()


def remember_habits(run: training.Run, habits: Habits) -> None:
    for field in Habits.__dataclass_fields__:
        run.memory[f"habits.{field}"] = getattr(habits, field)


def parse(argv: list[str] | None) -> argparse.Namespace:
    p = training.parser(__doc__.splitlines()[0], lr=2e-4, warmup=10, validate_every=10, steps=1000)
    p.add_argument("--teacher", type=Path, required=True, help="folder of offline weights")
    p.add_argument("--judges", type=Path, nargs="*", default=[], help="folders of judges")
    p.add_argument(
        "--judges-a-step",
        type=int,
        default=2,
        metavar="N",
        help="so many of them, drawn anew, are heard in each step",
    )
    p.add_argument("--sessions", type=int, default=32, help="jams played in a step")
    p.add_argument("--minibatch", type=int, default=8, help="jams in one update")
    p.add_argument("--epochs", type=int, default=1)
    p.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"of a reward: {', '.join(_names())}",
    )
    p.add_argument(
        "--every-action",
        type=float,
        default=1.0,
        metavar="W",
        help="of what all chords would have earned, beside the one drawn",
    )
    p.add_argument("--kl", type=float, default=0.3, help="to the teacher")
    p.add_argument(
        "--truth", type=float, default=0.5, metavar="W", help="of musicians' chords, as in stage 1"
    )
    p.add_argument("--entropy", type=float, default=0.01)
    p.add_argument("--adversary-warm-up", type=int, default=40, help="steps (published: 200)")
    add_options(p)
    args = p.parse_args(argv)
    if args.init is None:
        raise BadInput("--init: reinforcement learning begins from trained weights")
    return args


def main(argv: list[str] | None = None) -> None:
    args = parse(argv)
    weights = RewardWeights.parse(args.weight)
    args.out.mkdir(parents=True, exist_ok=True)
    training.seed_everything(args.seed)
    actor = training.load_net(args.init, "online")
    corpus, held_out = pieces(args.data, "train"), pieces(args.data, "valid")
    if args.recall and not actor.config.recall:
        actor = training.recalling(actor, corpus)
    teacher = training.load_net(args.teacher, "offline")
    learner = Learner(actor, teacher.config.width)
    run = training.Run(
        args, learner, actor.config.to_dict(),
        # How far copies are trusted stays as it was counted: fit is earned sooner than a return, so
        # a short run would unlearn to copy.
        scales={"critic": 5.0, "adversary": 2.0, "actor.recall": 3.0, "actor.copying": 0.0},
    )  # fmt: skip
    device = run.device
    teacher = teacher.to(device).eval()
    judges = [load_judge(folder).to(device) for folder in args.judges]
    true = musicians_habits(corpus)
    roll: RollsOut = OnRay(args.ray, args.rollout_workers) if args.ray else rolled_out

    for step in run.steps():
        rng = np.random.default_rng((args.seed, step, run.rank, 11))
        windows = windows_at(corpus, rng, args.sessions)
        dice = dice_of(rng, FRAMES, args.sessions)
        rollout = roll(actor.config, plain_weights(actor), windows, dice)
        own = habits_of(run).and_of(rollout.own, FADE)
        remember_habits(run, own)
        some = [judges[i] for i in rng.permutation(len(judges))[: args.judges_a_step]]
        closes = rewards.cadences(rollout.true)
        terms = reward_terms(rollout, some, learner.adversary, own, true, closes, device)
        total = sum(getattr(weights, name) * term for name, term in terms.items())

        batches = [
            stack(rollout.windows[i : i + args.minibatch], FRAMES).to(device)
            for i in range(0, args.sessions, args.minibatch)
        ]
        with torch.no_grad(), run.autocast():
            seen = [teacher.hidden(b.features, teacher.encode(b.heard)) for b in batches]
            taught = [teacher.chord_logits(h) for h in seen]
            values = torch.cat([learner.critic(h) for h in seen]).float().cpu().numpy()
        weight = rollout.own.weight
        advantage, returned = rewards.advantages(
            np.asarray(total, np.float32), values, weight, GAMMA, LAMBDA
        )
        counted = advantage[weight > 0]
        spread = float(counted.std()) + 1e-6
        advantage = (advantage - counted.mean()) / spread
        value_scale = float(returned[weight > 0].var()) + 1e-6
        gains = rewards.gains_of_every_chord(
            rollout.own, own, true, closes, PERSISTENCE,
            {name: getattr(weights, name) / spread for name in rewards.EARNED_BY_ALL},
        )  # fmt: skip

        past_rewards = list(run.memory.get("adversary", np.zeros(0)))
        past_rewards.append(float(terms["adversary"].sum() / weight.sum()))
        run.memory["adversary"] = np.array(past_rewards[-adversary.GATE_STEPS :])
        rival_learns = weights.adversary > 0 and adversary.learns(
            step, args.adversary_warm_up, past_rewards
        )
        logged = {f"reward_{k}": float(v.sum() / weight.sum()) for k, v in terms.items()}
        logged["adversary_learns"] = float(rival_learns)

        for epoch in range(args.epochs):
            for i, batch in enumerate(batches):
                rows = slice(i * args.minibatch, (i + 1) * args.minibatch)
                with run.autocast():
                    hidden = actor.hidden(batch.features)
                    logits = actor.chord_logits(hidden)
                    parts = policy_losses(
                        logits,
                        actor.mixed(logits, hidden, batch.features["copies"]),
                        batch,
                        _tensor(rollout.log_probability[rows], device),
                        _tensor(advantage[rows], device),
                        taught[i],
                    )
                    here = Gains(gains.lasting[rows], gains.beginning[rows])
                    expected = every_action(logits, here, batch.features["chord"])
                    melody = training.class_loss(
                        actor.melody_logits(hidden, batch.now, batch.last_pitch),
                        batch.melody_target,
                        batch.weight,
                    )
                    if actor.config.ahead:
                        parts["ahead"] = training.ahead_loss(actor, hidden, batch)
                    missed = learner.critic(seen[i]).float() - _tensor(returned[rows], device)
                    if args.truth > 0:
                        parts["truth"] = true_loss(run, actor, corpus, epoch, i)
                parts["every_action"] = -training.masked_mean(expected, batch.weight)
                parts["value"] = training.masked_mean(missed**2, batch.weight) / value_scale
                loss = (
                    parts["policy"]
                    + args.every_action * parts["every_action"]
                    + args.kl * parts["kl_teacher"]
                    - args.entropy * parts["entropy"]
                    + VALUE_WEIGHT * parts["value"]
                    + training.MELODY_WEIGHT * melody
                    + training.AHEAD_WEIGHT * parts.get("ahead", 0.0)
                    + args.truth * parts.get("truth", 0.0)
                )
                if rival_learns and epoch == i == 0:
                    parts["adversary_loss"] = adversary.loss(
                        learner.adversary, rollout.true, rollout.own, device
                    )
                    loss = loss + parts["adversary_loss"]
                seen_values = {k: float(v.detach()) for k, v in parts.items()}
                run.update(
                    loss,
                    logged | seen_values | {"melody": float(melody.detach())},
                    float(batch.weight.sum()),
                )
        if run.due():
            run.log(validated(actor, held_out))

    run.finish(
        "online, rewarded",
        {"pieces": len(corpus), "rewards": _shown(weights)},
        lambda seen: training.save_net(args.out, actor, seen),
    )


def _tensor(array: Rewards, device: torch.device) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(device)


def _shown(weights: RewardWeights) -> dict[str, float]:
    return {name: getattr(weights, name) for name in _names()}


if __name__ == "__main__":
    main()
