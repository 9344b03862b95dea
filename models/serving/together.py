"""Networks of many jams computed as one: whoever needs the next position waits for the others.

Every jam's plan is made by the same code as on a player's own machine, each in a greenlet of its
own. Where that code needs a position of the network, it is set aside until all that are being
made have come as far; then one product of matrices serves them all. Weights are read from memory
once instead of once for each jam, and a call costs what it costs once. Only attention goes jam by
jam, for every jam has a past of its own: its cache is its slot.
"""

from __future__ import annotations

import copy
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from greenlet import getcurrent, greenlet

from jam.agent.predictor import Predictor
from models.decoding.decoder import OnlineDecoder, Rooms, Stack, advance
from models.decoding.mixture import Mixture
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats, Layer
from models.network.config import NetConfig
from models.network.style import load_listener
from models.predictor import NeuralPredictor, folder_of, improviser_loader, load_networks

_MOST_MIXTURES = 24
"""Networks between fit and variety that are kept ready: one for each setting that is in use."""


@dataclass(slots=True)
class Waiting:
    """A greenlet that waits for the position of its stack."""

    task: greenlet
    stack: Stack
    x: Floats


class Engine(Protocol):
    """What computes positions: numpy here, or a device of torch (`models.serving.on_torch`)."""

    def stack(self, together: Together, layers: list[Layer]) -> Stack:
        """Of another jam."""
        ...

    def advance(self, stacks: list[Stack], x: Floats) -> Floats:
        """A position of each session of each stack, all of one network: (R, D) in and out."""
        ...


class Together:
    """Where greenlets wait for their positions. Of one thread.

    engine: None where nobody will need one, since the rules play.
    """

    def __init__(self, engine: Engine | None = None) -> None:
        self.engine = engine
        self.waiting: list[Waiting] = []
        self.sizes: dict[int, int] = {}
        """How often so many positions were computed as one."""
        self._home: greenlet | None = None

    def step(self, stack: Stack, x: Floats) -> Floats | None:
        """Wait for the position of a stack. None where nobody waits with it: not in a greenlet
        that was started by `run`."""
        if self._home is None or getcurrent() is self._home:
            return None
        self.waiting.append(Waiting(getcurrent(), stack, x))
        found: Floats = self._home.switch()
        return found

    def start(self, task: greenlet) -> None:
        """Run a new task until it waits or has ended."""
        self._home = getcurrent()
        task.parent = self._home
        task.switch()

    def advance(self) -> int:
        """Compute what is waited for and run everybody on; gives how many positions it was."""
        self._home = getcurrent()
        waiting, self.waiting = self.waiting, []
        groups: dict[int, list[Waiting]] = {}
        for one in waiting:
            groups.setdefault(id(one.stack.layers), []).append(one)
        done, engine = 0, self.engine
        for group in groups.values():
            assert engine is not None
            x = np.concatenate([one.x for one in group])
            found = engine.advance([one.stack for one in group], x)
            n, at = len(x), 0
            done += n
            self.sizes[n] = self.sizes.get(n, 0) + 1
            for one in group:
                rows = slice(at, at + one.stack.batch)
                at += one.stack.batch
                one.task.switch(found[rows])
        return done


class OnNumpy:
    """The network by numpy, as a player's own agent computes it."""

    def __init__(self, config: NetConfig) -> None:
        self._config = config
        self._rooms: dict[int, Rooms] = {}

    def stack(self, together: Together, layers: list[Layer]) -> Stack:
        found = SharedStack(self._config, layers, 1)
        found.together = together
        return found

    def advance(self, stacks: list[Stack], x: Floats) -> Floats:
        if len(x) not in self._rooms:
            self._rooms[len(x)] = Rooms(self._config, len(x))
        rooms, rows, at = self._rooms[len(x)], [], 0
        for stack in stacks:
            rows.append((stack, slice(at, at + stack.batch)))
            at += stack.batch
        rooms.x.whole[:] = x
        advance(rooms, stacks[0].layers, rows)
        return rooms.x.whole.copy()


class SharedStack(Stack):
    """A stack whose positions are computed together with those of others."""

    together: Together

    def step(self, x: Floats) -> Floats:
        found = self.together.step(self, x)
        return super().step(x) if found is None else found


class SharedDecoder(OnlineDecoder):
    """One jam's decoder: weights in common with all others, a cache of its own."""

    together: Together
    engine: Engine

    def of_a_jam(self) -> SharedDecoder:
        """For another jam."""
        other = copy.copy(self)
        other.stack = self.engine.stack(self.together, self.stack.layers)
        return other


@dataclass(frozen=True)
class SharedMixture(Mixture):
    """A mixture whose networks are made ready once for all jams that have the same setting."""

    together: Together = field(kw_only=True)
    engine: Engine = field(kw_only=True)
    _ready: OrderedDict[float, tuple[SharedDecoder, Decoding]] = field(default_factory=OrderedDict)

    def decoder(self, adventurous: float) -> tuple[OnlineDecoder, Decoding]:
        if adventurous not in self._ready:
            weights, rules = self.at(adventurous)
            decoder = SharedDecoder(self.config, weights, frames=1)
            decoder.together, decoder.engine = self.together, self.engine
            self._ready[adventurous] = (decoder, rules)
            if len(self._ready) > _MOST_MIXTURES:
                self._ready.popitem(last=False)
        self._ready.move_to_end(adventurous)
        decoder, rules = self._ready[adventurous]
        return decoder.of_a_jam(), rules


class Weights:
    """The networks of a folder, read once, for any number of jams.

    folder: None for the weights that are shipped. device: of torch; "" computes with numpy. Raises
    BadInput as `models.load_predictor`, and for a device that isn't there.
    """

    def __init__(self, folder: Path | None = None, device: str = "") -> None:
        mixture, self._offline, self._offline_rules = load_networks(folder)
        engine = _engine(mixture.config, device)
        self.together = Together(engine)
        self._mixture = SharedMixture(
            mixture.config, mixture.weights, mixture.rules, together=self.together, engine=engine
        )
        self._improviser = improviser_loader(folder)
        self._listener = load_listener(folder_of(folder))

    def predictor(self) -> Predictor:
        """Of another jam."""
        return NeuralPredictor(
            self._mixture,
            self._offline,
            self._offline_rules,
            load_improviser=self._improviser,
            listener=self._listener,
        )


def _engine(config: NetConfig, device: str) -> Engine:
    if not device:
        return OnNumpy(config)
    from models.serving.on_torch import OnTorch  # only who wants it waits for torch

    return OnTorch(config, device)
