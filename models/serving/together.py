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

from greenlet import getcurrent, greenlet

from jam.agent.predictor import Predictor
from models.decoding.decoder import Branches, OnlineDecoder, Rooms, Stack, advance
from models.decoding.mixture import Mixture
from models.decoding.rules import Decoding
from models.decoding.spectral import Floats
from models.predictor import NeuralPredictor, improviser_loader, load_networks

_MOST_MIXTURES = 24
"""Networks between fit and variety that are kept ready: one for each setting that is in use."""


@dataclass(slots=True)
class Waiting:
    """A greenlet that waits for the position of its stack."""

    task: greenlet
    stack: Stack
    x: Floats


class Together:
    """Where greenlets wait for their positions. Of one thread."""

    def __init__(self) -> None:
        self.waiting: list[Waiting] = []
        self.sizes: dict[int, int] = {}
        """How often so many positions were computed as one."""
        self._rooms: dict[int, Rooms] = {}
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
        done = 0
        for group in groups.values():
            rows, at = [], 0
            for one in group:
                rows.append((one.stack, slice(at, at + one.stack.batch)))
                at += one.stack.batch
            rooms = self._room(group[0].stack, at)
            for one, (_, place) in zip(group, rows, strict=True):
                rooms.x.whole[place] = one.x
            advance(rooms, group[0].stack.layers, rows)
            done += at
            self.sizes[at] = self.sizes.get(at, 0) + 1
            results = rooms.x.whole.copy()
            for one, (_, place) in zip(group, rows, strict=True):
                one.task.switch(results[place])
        return done

    def _room(self, stack: Stack, batch: int) -> Rooms:
        if batch not in self._rooms:
            self._rooms[batch] = Rooms(stack.config, batch)
        return self._rooms[batch]


class SharedStack(Stack):
    """A stack whose positions are computed together with those of others."""

    together: Together

    def step(self, x: Floats) -> Floats:
        found = self.together.step(self, x)
        return super().step(x) if found is None else found


class SharedBranches(Branches):
    """The same of the continuations of one jam."""

    together: Together

    def step(self, x: Floats) -> Floats:
        found = self.together.step(self, x)
        return super().step(x) if found is None else found


class SharedDecoder(OnlineDecoder):
    """One jam's decoder: weights in common with all others, a cache of its own."""

    together: Together

    def of_a_jam(self) -> SharedDecoder:
        """For another jam."""
        other = copy.copy(self)
        other._take_stack(SharedStack(self.config, self.stack.layers, 1))
        return other

    def branching(self, batch: int, frames: int) -> OnlineDecoder:
        branches = copy.copy(self)
        branches._take_stack(SharedBranches(self.stack, batch, frames))
        return branches

    def _take_stack(self, stack: SharedStack | SharedBranches) -> None:
        stack.together = self.together
        self.stack = stack
        self._melody = self._melody.for_batch(stack.batch)


@dataclass(frozen=True)
class SharedMixture(Mixture):
    """A mixture whose networks are made ready once for all jams that have the same setting."""

    together: Together = field(default_factory=Together)
    _ready: OrderedDict[float, tuple[SharedDecoder, Decoding]] = field(default_factory=OrderedDict)

    def decoder(self, adventurous: float) -> tuple[OnlineDecoder, Decoding]:
        if adventurous not in self._ready:
            weights, rules = self.at(adventurous)
            decoder = SharedDecoder(self.config, weights, frames=1)
            decoder.together = self.together
            self._ready[adventurous] = (decoder, rules)
            if len(self._ready) > _MOST_MIXTURES:
                self._ready.popitem(last=False)
        self._ready.move_to_end(adventurous)
        decoder, rules = self._ready[adventurous]
        return decoder.of_a_jam(), rules


class Weights:
    """The networks of a folder, read once, for any number of jams.

    folder: None for the weights that are shipped. Raises BadInput as `models.load_predictor`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        mixture, self._offline, self._offline_rules = load_networks(folder)
        self.together = Together()
        self._mixture = SharedMixture(mixture.config, mixture.weights, mixture.rules, self.together)
        self._improviser = improviser_loader(folder)

    def predictor(self) -> Predictor:
        """Of another jam."""
        return NeuralPredictor(
            self._mixture, self._offline, self._offline_rules, load_improviser=self._improviser
        )
