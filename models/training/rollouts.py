"""Rollouts: jams that a policy plays alone, here or as tasks of Ray on several machines.

A rollout is a pure function of weights, melodies and dice, so a task that is lost with its machine
is done again elsewhere. They are computed with numpy on the processor (`models.decoding.rollout`).
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from jam.errors import JamError
from jam.music.rows import N_CHORD_CLASSES
from models.data.batches import Shown
from models.decoding.decoder import OnlineDecoder
from models.decoding.rollout import padded, sampled_chords
from models.decoding.spectral import Weights
from models.network.config import NetConfig
from models.training.rewards import Played, Rewards, played_of

Dice = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Rollout:
    """What the policy played in one step, and what is known of it."""

    windows: list[Shown]
    """With the policy's chords as past and its classes as targets."""
    own: Played
    true: Played
    log_probability: Rewards


class RollsOut(Protocol):
    """Has jams played: `rolled_out`, or `OnRay`."""

    def __call__(
        self, config: NetConfig, weights: Weights, windows: Sequence[Shown], dice: Dice
    ) -> Rollout: ...


def dice_of(rng: np.random.Generator, frames: int, sessions: int) -> Dice:
    """Gumbel noise for so many jams, (T, B, N_CHORD_CLASSES)."""
    return rng.gumbel(size=(frames, sessions, N_CHORD_CLASSES))


def rolled_out(
    config: NetConfig, weights: Weights, windows: Sequence[Shown], dice: Dice
) -> Rollout:
    """Simulated jams under the online rule, sampled at temperature 1 with these dice. Pure."""
    frames = len(dice)
    heard = padded([w.piece for w in windows], frames)
    shared = heard.shared.copy()
    shared[..., -2:] = np.array([(w.style, w.density) for w in windows])[:, None]
    decoder = OnlineDecoder(config, weights, len(windows), frames)
    drawn = sampled_chords(decoder, heard.pitch, heard.onset, shared, heard.found, dice)
    true = played_of([w.piece for w in windows], frames)
    own = replace(true, chord=drawn.chord, chord_onset=drawn.onset)
    found = []
    for i, w in enumerate(windows):
        cut = slice(0, w.piece.n_frames)
        found.append(
            replace(
                w,
                past=drawn.chord[i, cut],
                past_onset=drawn.onset[i, cut],
                target=drawn.class_[i, cut],
            )
        )
    return Rollout(found, own, true, drawn.log_probability)


def joined(parts: Sequence[Rollout]) -> Rollout:
    """Rollouts of some jams each as one of all."""

    def played(those: list[Played]) -> Played:
        return Played(
            **{f.name: np.concatenate([getattr(p, f.name) for p in those]) for f in fields(Played)}
        )

    return Rollout(
        [w for part in parts for w in part.windows],
        played([part.own for part in parts]),
        played([part.true for part in parts]),
        np.concatenate([part.log_probability for part in parts]),
    )


class OnRay:
    """The jams of a step as so many tasks.

    address: of a cluster ("auto": the one of this machine), "local" for one of its own, as large as
    it has to be. Raises JamError where Ray isn't installed, or there is no such cluster.
    """

    def __init__(self, address: str, workers: int) -> None:
        try:
            import ray
        except ModuleNotFoundError:
            raise JamError("--ray: pip install '.[server]' in jam's folder") from None
        own: dict[str, Any] = {"num_cpus": workers} if address == "local" else {}
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, **own)
        except (ConnectionError, RuntimeError, OSError) as error:
            raise JamError(f"Ray: {str(error).splitlines()[0]}") from None
        self._ray, self._workers = ray, workers
        self._task = ray.remote(num_cpus=1)(rolled_out)

    def __call__(
        self, config: NetConfig, weights: Weights, windows: Sequence[Shown], dice: Dice
    ) -> Rollout:
        """As `rolled_out`; matrices of fewer rows may be summed in another order."""
        kept = self._ray.put(weights)
        bounds = np.linspace(0, len(windows), min(self._workers, len(windows)) + 1).astype(int)
        tasks = [
            self._task.remote(config, kept, windows[a:b], dice[:, a:b]) for a, b in pairwise(bounds)
        ]
        return joined(self._ray.get(tasks))

    def close(self) -> None:
        self._ray.shutdown()


def add_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--ray",
        metavar="ADDRESS",
        help='rollouts as tasks of Ray: a cluster\'s address, "auto" for that of this machine,'
        ' "local" for one of their own',
    )
    parser.add_argument(
        "--rollout-workers", type=int, default=2, metavar="N", help="tasks a step, with --ray"
    )
