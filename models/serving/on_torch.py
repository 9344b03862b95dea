"""The network of many jams on a device of torch: a GPU, or the processor.

Keys and values of all jams lie in one block of the device's memory, a position in a cell, and every
row that is computed has a list of the cells that it looks back at (as pages are in vLLM: Kwon et
al. 2023). So one call serves jams, and histories that are read at once. It is the arithmetic of
`models.decoding.decoder` summed in another order: logits agree to some millionths, and a plan is
another one only where two chords weigh the same.

What isn't matrices (dice, rules, features) stays with numpy on the processor.
"""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from jam.errors import BadInput
from models.decoding import spectral
from models.decoding.decoder import MARGIN, PIECE, SPARE, Stack
from models.decoding.spectral import Blocks, Floats, Layer
from models.network.config import NetConfig, slopes
from models.network.vocab import Ints

_FIRST_JAMS = 8
"""Room for so many is asked for at first, and twice as much whenever it is used up."""
_EPS = 1e-5


class Shares(Protocol):
    """Where whoever needs a position waits for the others: `models.serving.together.Together`."""

    def step(self, stack: Stack, x: Floats) -> Floats | None: ...


def device_named(name: str) -> torch.device:
    """Raises BadInput for one that torch doesn't know, or that isn't there."""
    there = {
        "cpu": 1,
        "cuda": torch.cuda.device_count(),
        "mps": int(torch.backends.mps.is_available()),
    }
    kind, _, number = name.partition(":")
    if kind not in there or not (number or "0").isdecimal():
        raise BadInput(f"--device {name}: use cuda, cuda:1, mps or cpu")
    if int(number or 0) >= there[kind]:
        raise BadInput(f"--device {name}: not there; of {kind} torch finds {there[kind]} here")
    return torch.device(name)


@dataclass(frozen=True, slots=True)
class _Map:
    """`spectral.Blocks` on the device."""

    still: Tensor
    bias: Tensor
    turning: Tensor

    @staticmethod
    def of(blocks: Blocks, device: torch.device) -> _Map:
        parts = (blocks.still, blocks.bias, blocks.turning)
        return _Map(*(torch.from_numpy(part.copy()).to(device) for part in parts))

    def __call__(self, x: Tensor) -> Tensor:
        """(R, in) to (R, out)."""
        rows, n = len(x), len(self.still)
        still = torch.addmm(self.bias, x[:, :n], self.still)
        turning = torch.bmm(x[:, n:].reshape(rows, 5, -1).transpose(0, 1), self.turning)
        return torch.cat([still, turning.transpose(0, 1).reshape(rows, -1)], 1)


class _Block:
    """`spectral.Layer` on the device."""

    def __init__(self, layer: Layer, device: torch.device) -> None:
        self.qkv, self.out, self.up, self.down = (
            _Map.of(blocks, device) for blocks in (layer.qkv, layer.out, layer.up, layer.down)
        )
        self.to_heads = torch.from_numpy(layer.to_heads).to(device)
        self.from_heads = torch.from_numpy(layer.from_heads).to(device)


class Cells:
    """The memory of keys and values of all networks of one shape on a device."""

    def __init__(self, config: NetConfig, device: torch.device) -> None:
        self._shape = (config.layers, 2, config.dim)
        self._device = device
        self._n = 0
        self._given_back: dict[int, deque[int]] = {}
        first = _FIRST_JAMS * (config.context + MARGIN + SPARE)
        self.values = self._room(first)
        """(layers, 2, cells, D): keys, and values."""

    def _room(self, cells: int) -> Tensor:
        layers, two, dim = self._shape
        return torch.zeros((layers, two, cells, dim), device=self._device)

    def take(self, owner: object, n: int) -> int:
        """The first of n cells in a row, until their owner is no more."""
        free = self._given_back.setdefault(n, deque())
        if free:
            first = free.popleft()
        else:
            first = self._n
            self._n += n
            if self._n > self.values.shape[2]:
                larger = self._room(max(self._n, 2 * self.values.shape[2]))
                larger[:, :, : self.values.shape[2]] = self.values
                self.values = larger
        weakref.finalize(owner, free.append, first).atexit = False
        return first


Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


class OnTorch:
    """Computes positions of networks of one shape on a device. Of one thread.

    Raises BadInput for a device that isn't there.
    """

    def __init__(self, config: NetConfig, device: str) -> None:
        self.config, self.device = config, device_named(device)
        self.cells = Cells(config, self.device)
        self._slopes = torch.tensor(slopes(config.heads), device=self.device)
        self._to_classes = torch.from_numpy(spectral.TO_CLASSES.copy()).to(self.device)
        self._to_frequencies = torch.from_numpy(spectral.TO_FREQUENCIES.copy()).to(self.device)
        self._blocks: dict[int, tuple[list[Layer], list[_Block]]] = {}

    def stack(self, together: Shares, layers: list[Layer]) -> DeviceStack:
        """Of another jam."""
        return DeviceStack(self, together, layers, 1)

    def advance(self, stacks: list[Stack], x: Floats) -> Floats:
        """A position of each session of each stack, all of one network: (R, D) in and out."""
        windows = []
        for stack in stacks:
            assert isinstance(stack, DeviceStack)
            slot = stack.slot()
            windows += [stack.window(row, slot) for row in range(stack.batch)]
        rows, width = len(x), max(map(len, windows))
        seen = np.zeros((rows, width), np.int64)
        for row, window in zip(seen, windows, strict=True):
            row[width - len(window) :] = window
        lengths = np.array([len(window) for window in windows])
        distance = np.arange(width - 1, -1, -1)
        far = np.where(distance < lengths[:, None], distance, -1)
        cells = self._sent(seen.reshape(-1))
        size = self.config.dim // self.config.heads

        def attend(query: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
            looked_at = keys_values.index_select(1, cells).reshape(2, rows, width, -1, size)
            keys, values = looked_at.transpose(2, 3)
            return functional.scaled_dot_product_attention(
                query[:, :, None], keys, values, mask[:, :, None], scale=1.0
            )

        found = self._forward(stacks[0].layers, x, self._sent(seen[:, -1].copy()), far, attend)
        for stack in stacks:
            stack.n += 1
        return found.cpu().numpy()

    def read(self, stack: DeviceStack, x: Floats) -> None:
        """Positions of one session, one after another: only their keys and values are kept."""
        n, context = stack.n - stack.base, self.config.context
        begin, end = stack.cell(0, max(0, n + 1 - context)), stack.cell(0, n) + len(x)
        own = torch.arange(end - len(x), end, device=self.device)
        far = own.cpu().numpy()[:, None] - np.arange(begin, end)
        far[far >= context] = -1
        size = self.config.dim // self.config.heads

        def attend(query: Tensor, keys_values: Tensor, mask: Tensor) -> Tensor:
            keys, values = (
                part.reshape(1, end - begin, -1, size).transpose(1, 2)
                for part in keys_values[:, begin:end]
            )
            mixed = functional.scaled_dot_product_attention(
                query.transpose(0, 1)[None], keys, values, mask.transpose(0, 1)[None], scale=1.0
            )
            return mixed[0].transpose(0, 1)

        self._forward(stack.layers, x, own, far, attend)
        stack.n += len(x)

    @torch.inference_mode()
    def _forward(
        self, layers: list[Layer], x: Floats, own: Tensor, far: Ints, attend: Attend
    ) -> Tensor:
        """Rows of a network: (R, D) in and out, not yet normed.

        own: the cell of each row. far: (R, W), how far back each cell lies that is looked at;
        negative for one that isn't seen. attend: from queries (R, heads, size), keys and values of
        the layer (2, cells, D) and what is added to the scores (R, heads, W) to (R, heads, size).
        """
        distance = self._sent(far)
        mask = -self._slopes[:, None] * distance[:, None].float()
        mask.masked_fill_((distance < 0)[:, None], -torch.inf)
        h = self._sent(x)
        rows, heads = len(x), self.config.heads
        for keys_values, block in zip(self.cells.values, self._on_device(layers), strict=True):
            query, *new = block.qkv(_normed(h))[:, block.to_heads].chunk(3, 1)
            keys_values.index_copy_(1, own, torch.stack(new))
            mixed = attend(query.reshape(rows, heads, -1), keys_values, mask)
            h = h + block.out(mixed.reshape(rows, -1)[:, block.from_heads])
            h = h + block.down(self._rectified(block.up(_normed(h))))
        return h

    def _sent(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(array).to(self.device)

    def _rectified(self, x: Tensor) -> Tensor:
        rows, plain = len(x), self.config.ffn * self.config.invariant
        sites = self._to_classes @ x[:, plain:].reshape(rows, 12, -1)
        sites = self._to_frequencies @ sites.relu()
        return torch.cat([x[:, :plain].relu(), sites.reshape(rows, -1)], 1)

    def _on_device(self, layers: list[Layer]) -> list[_Block]:
        """The layers, brought there when they are first needed."""
        known = self._blocks.get(id(layers))
        if known is None:
            known = self._blocks[id(layers)] = (layers, [_Block(x, self.device) for x in layers])
        return known[1]


def _normed(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + _EPS)


class DeviceStack(Stack):
    """A jam's positions, whose keys and values lie on the device."""

    def __init__(
        self,
        engine: OnTorch,
        together: Shares,
        layers: list[Layer],
        batch: int,
        frames: int | None = None,
    ) -> None:
        config = engine.config
        self.config, self.layers, self.batch = config, layers, batch
        self._engine, self._together = engine, together
        self._capacity = min(config.context + MARGIN + SPARE, frames or 2**30)
        self._first: int | None = None
        self.base = self.n = self.start = 0

    def cell(self, row: int, slot: int) -> int:
        """Where a position of a session lies. The first call takes the room for all of them."""
        if self._first is None:
            self._first = self._engine.cells.take(self, self.batch * self._capacity)
        return self._first + row * self._capacity + slot

    def window(self, row: int, slot: int) -> Ints:
        """The cells of what a position sees, its own last."""
        first = self.cell(row, 0)
        context = self.config.context
        return np.arange(first + max(0, slot + 1 - context), first + slot + 1)

    def step(self, x: Floats) -> Floats:
        found = self._together.step(self, x)
        return self._engine.advance([self], x) if found is None else found

    def slot(self) -> int:
        slot = self.n - self.base
        if slot == self._capacity:
            keep = self.config.context + MARGIN
            first, values = self.cell(0, 0), self._engine.cells.values
            kept = values[:, :, first + slot - keep : first + slot].clone()
            values[:, :, first : first + keep] = kept
            self.base, slot = self.n - keep, keep
        return slot

    def read(self, x: Floats) -> None:
        if self.batch != 1 or self.n - self.base + len(x) > self._capacity:
            raise ValueError(f"cannot read {len(x)} positions of {self.batch} sessions")
        for start in range(0, len(x), PIECE):
            self._engine.read(self, x[start : start + PIECE])
