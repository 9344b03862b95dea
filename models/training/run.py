"""What the training stages share: options, devices, checkpoints, metrics, the learning rate.

Every stage's own script holds its loop. A run lives in a folder: `checkpoint.safetensors`
(weights, optimizer, state; written whole or not at all), `metrics.jsonl`, `loss.png`, and at
the end the weights with their settings (`online.safetensors`, `online.json`). Starting the same
command again goes on where the last checkpoint was.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from jam.errors import BadInput
from models.data.batches import Batch, batch_at
from models.data.piece import Piece
from models.decoding.spectral import Weights
from models.network import vocab, weights
from models.network.config import NetConfig
from models.network.infilling import Infiller
from models.network.recall import features_of
from models.network.transformer import Net, n_parameters

CHECKPOINT_EVERY_S = 90.0
MELODY_WEIGHT, AHEAD_WEIGHT = 0.25, 0.15
"""Of the losses of the melody and of what is foreseen of it, beside the chords': these are what is
played."""
VALIDATION_BATCHES = 6


def parser(description: str, **defaults: Any) -> argparse.ArgumentParser:
    """Options that all stages have; `defaults` overrides them for one stage."""
    p = argparse.ArgumentParser(description=description)
    p.add_argument(
        "--data",
        type=Path,
        nargs="+",
        required=True,
        help="JSONL files of lead sheets, or folders of them",
    )
    p.add_argument("--out", type=Path, required=True, help="folder of this run")
    p.add_argument("--config", choices=("small", "large"), default="small")
    p.add_argument("--init", type=Path, help="weights to begin from")
    p.add_argument(
        "--recall", action="store_true", help="give it a recall of the past, if it has none"
    )
    p.add_argument("--steps", type=int, default=4000)
    p.add_argument(
        "--minutes", type=float, help="end after so long instead; the learning rate follows"
    )
    p.add_argument(
        "--stop-after", type=int, metavar="STEP", help="save and leave there, as if interrupted"
    )
    p.add_argument("--frames", type=int, default=2048, help="frames in a batch, a process")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--warmup", type=int, default=50, help="steps")
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--threads", type=int, default=1, help="on the processor")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    p.add_argument("--validate-every", type=int, default=150, help="steps")
    p.set_defaults(**defaults)
    return p


def seed_everything(seed: int) -> None:
    """The network's first weights; batches have their own dice (`data.batch_at`)."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)


def keep_memory() -> None:
    """Ask glibc to keep what it has been given: large temporaries otherwise fault in anew."""
    if sys.platform == "linux":
        try:
            libc = ctypes.CDLL("libc.so.6")
            for option, value in ((-3, 2**30), (-1, 2**31 - 1), (-2, 2**28)):
                libc.mallopt(option, value)  # M_MMAP_THRESHOLD, M_TRIM_THRESHOLD, M_TOP_PAD
        except (OSError, AttributeError):
            pass


class Run:
    """One stage's run: device, optimizer, learning rate, checkpoints and metrics.

    Under `torchrun` every process sees its own batches (its rank is in their seed) and the
    gradients are averaged; only rank 0 writes.

    net: all that is learnt. shape: what a checkpoint must agree with to be resumed. scales:
    parts of `net` whose learning rate is so many times that of the rest; each part's gradients
    are clipped apart.
    """

    def __init__(
        self,
        args: argparse.Namespace,
        net: nn.Module,
        shape: dict[str, Any],
        scales: dict[str, float] | None = None,
    ) -> None:
        keep_memory()
        torch.set_num_threads(args.threads)
        self.args = args
        self.rank = int(os.environ.get("RANK", "0"))
        self.world = int(os.environ.get("WORLD_SIZE", "1"))
        if args.device == "cuda" and not torch.cuda.is_available():
            raise BadInput("--device cuda: torch finds no such device here")
        cuda = args.device != "cpu" and torch.cuda.is_available()
        self.device = torch.device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if cuda else "cpu")
        if self.world > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if cuda else "gloo")
        self.net = net.to(self.device)
        self.shape = shape
        self.parts = _parts(net, scales or {})
        groups: list[dict[str, Any]] = []
        for scale, part in self.parts:
            for decay, matrix in ((0.02, True), (0.0, False)):
                own = [p for p in part if (p.ndim > 1) == matrix]
                groups.append({"params": own, "weight_decay": decay, "scale": scale})
        self.optimizer = torch.optim.AdamW(groups, lr=args.lr, betas=(0.9, 0.98))
        self.memory: dict[str, NDArray[Any]] = {}
        """What else a stage has to remember: kept in the checkpoint."""
        self.step = 0
        self.elapsed_s = 0.0
        self._step_s = 0.0
        self._loss = 0.0
        self._recent: list[dict[str, float]] = []
        self._saved_s = self._logged_s = time.monotonic()
        self._file: Path = args.out / "checkpoint.safetensors"
        if self._file.exists():
            self._resume()

    @property
    def progress(self) -> float:
        """Share of the run that lies behind, 0 to 1."""
        if self.args.minutes is not None:
            return min(1.0, self.elapsed_s / (60 * self.args.minutes))
        return min(1.0, self.step / max(1, self.args.steps))

    def steps(self) -> Iterator[int]:
        """The numbers of the steps still to be done, with a progress bar; saves meanwhile."""
        bar = tqdm(
            total=100.0,
            initial=100 * self.progress,
            disable=self.rank > 0,
            desc=self.args.out.name,
            unit="%",
            mininterval=5.0,
            bar_format="{desc} {percentage:3.0f}%|{bar}| {postfix} {elapsed}",
        )
        while self.progress < 1.0 and self.step < self.args.steps:
            began_s = time.monotonic()
            for group in self.optimizer.param_groups:
                group["lr"] = self.learning_rate() * group["scale"]
            yield self.step
            self.step += 1
            spent_s = time.monotonic() - began_s
            if self._step_s:  # a process that was stopped for a while has not worked meanwhile
                spent_s = min(spent_s, 4 * self._step_s)
            self._step_s = 0.9 * self._step_s + 0.1 * spent_s if self._step_s else spent_s
            self.elapsed_s += self._agreed(spent_s)
            bar.update(100 * self.progress - bar.n)
            bar.set_postfix(step=self.step, loss=f"{self._loss:.3f}", refresh=False)
            if time.monotonic() - self._saved_s > CHECKPOINT_EVERY_S:
                self.save()
            if self.step == self.args.stop_after:
                break
        bar.close()
        self.save()

    def _agreed(self, seconds: float) -> float:
        """All processes count the time of the slowest, so that they end together."""
        if self.world == 1:
            return seconds
        value = torch.tensor(seconds, device=self.device)
        dist.all_reduce(value, dist.ReduceOp.MAX)
        return float(value)

    def learning_rate(self) -> float:
        """Linear warm-up, then a cosine to a twentieth."""
        warm = min(1.0, (self.step + 1) / max(1, self.args.warmup))
        fall = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * self.progress))
        return float(self.args.lr * warm * fall)

    def autocast(self) -> AbstractContextManager[Any]:
        """bf16 where the processor or the card is made for it."""
        if self.device.type == "cuda":
            return torch.autocast("cuda", torch.bfloat16)
        if torch.backends.mkldnn.is_available() and torch.cpu._is_amx_tile_supported():
            return torch.autocast("cpu", torch.bfloat16)
        return nullcontext()

    def update(self, loss: Tensor, values: dict[str, float], frames: float) -> None:
        """One step of the optimizer, and the values for the metrics file."""
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if self.world > 1:
            for p in self.net.parameters():
                if p.grad is not None:
                    dist.all_reduce(p.grad)
                    p.grad /= self.world
        norms = [nn.utils.clip_grad_norm_(part, 1.0) for _, part in self.parts]
        norm = norms[0]
        if all(torch.isfinite(n) for n in norms):  # one bad batch must not undo a day's work
            self.optimizer.step()
        self._loss = float(loss.detach())
        self._recent.append({"loss": self._loss, "norm": float(norm), "frames": frames, **values})

    def due(self) -> bool:
        """True at steps where validation is due, the last one included."""
        return (self.step + 1) % self.args.validate_every == 0 or self.step + 1 == self.args.steps

    def log(self, validation: dict[str, float]) -> None:
        """Write one line of metrics: means since the last line, and the validation's values."""
        now_s = time.monotonic()
        recent, self._recent = self._recent, []
        names = dict.fromkeys(k for r in recent for k in r)
        means = {k: float(np.mean([r[k] for r in recent if k in r])) for k in names}
        spent_s, self._logged_s = max(1e-9, now_s - self._logged_s), now_s
        line = {
            "step": self.step + 1,
            "elapsed_s": round(self.elapsed_s, 1),
            "lr": self.learning_rate(),
            "frames_per_s": round(sum(r["frames"] for r in recent) / spent_s, 1),
            **{k: v for k, v in means.items() if k != "frames"},
            **{f"valid_{k}": v for k, v in validation.items()},
        }
        if self.rank == 0:
            with (self.args.out / "metrics.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
            tqdm.write(json.dumps({k: round(v, 4) for k, v in line.items()}))

    def save(self) -> None:
        """Everything that the run needs to go on, in one file."""
        self._saved_s = time.monotonic()
        if self.rank > 0:
            return
        names = {id(p): name for name, p in self.net.named_parameters()}
        arrays = {f"net.{k}": v.detach().cpu().numpy() for k, v in self.net.named_parameters()}
        for p, state in self.optimizer.state.items():
            for key in ("exp_avg", "exp_avg_sq", "step"):
                arrays[f"{key}.{names[id(p)]}"] = np.atleast_1d(state[key].cpu().numpy())
        arrays |= {f"memory.{k}": np.atleast_1d(v) for k, v in self.memory.items()}
        state = {
            "step": self.step,
            "elapsed_s": self.elapsed_s,
            "config": self.shape,
            "seed": self.args.seed,
        }
        weights.write_arrays(self._file, arrays, {"state": json.dumps(state)})

    def _resume(self) -> None:
        arrays, metadata = weights.read_arrays(self._file)
        try:
            self._restore(arrays, json.loads(metadata.get("state", "{}")))
        except (KeyError, ValueError, TypeError, RuntimeError) as error:
            raise BadInput(
                f"{self._file}: not the checkpoint of a run ({error}); choose another --out"
            ) from None

    def _restore(self, arrays: weights.Arrays, state: dict[str, Any]) -> None:
        if state.get("config") != self.shape:
            raise BadInput(f"{self._file}: of another network; choose another --out")
        with torch.no_grad():
            for name, p in self.net.named_parameters():
                p.copy_(torch.from_numpy(arrays[f"net.{name}"]))
                if f"exp_avg.{name}" in arrays:
                    self.optimizer.state[p] = {
                        key: torch.from_numpy(arrays[f"{key}.{name}"]).view_as(p).to(p)
                        for key in ("exp_avg", "exp_avg_sq")
                    } | {"step": torch.tensor(float(arrays[f"step.{name}"][0]))}
        self.step, self.elapsed_s = int(state["step"]), float(state["elapsed_s"])
        before = len("memory.")
        self.memory = {k[before:]: v for k, v in arrays.items() if k.startswith("memory.")}

    def finish(
        self, stage: str, seen: dict[str, Any], save: Callable[[dict[str, Any]], None]
    ) -> None:
        """Write the weights with their settings (`save` does), and the plot."""
        if self.rank == 0:
            save(
                {
                    "stage": stage,
                    "steps": self.step,
                    "elapsed_s": round(self.elapsed_s, 1),
                    "seed": self.args.seed,
                    "parameters": n_parameters(self.net),
                    **seen,
                }
            )
            plot(self.args.out)
        if self.world > 1:
            dist.destroy_process_group()


def _parts(net: nn.Module, scales: dict[str, float]) -> list[tuple[float, list[nn.Parameter]]]:
    """(scale of the learning rate, parameters): what no name in `scales` begins comes first."""
    named = list(net.named_parameters())
    found = [(1.0, [p for n, p in named if not n.startswith(tuple(scales))])]
    for prefix, scale in scales.items():
        found.append((scale, [p for n, p in named if n.startswith(prefix)]))
    return [(scale, part) for scale, part in found if part]


def save_net(folder: Path, net: Net | Infiller, training: dict[str, Any]) -> None:
    """online.safetensors and online.json (or those of another kind)."""
    kind = net.config.kind
    arrays = {k: v.detach().cpu().numpy() for k, v in net.named_parameters()}
    weights.write_arrays(folder / f"{kind}.safetensors", arrays)
    weights.write_json(
        folder / f"{kind}.json", {"network": net.config.to_dict(), "training": training}
    )


def load_net(folder: Path, kind: str) -> Net:
    """A network for training, or as a teacher. Raises BadInput."""
    settings = weights.read_json(folder / f"{kind}.json")
    net = Net(NetConfig.from_dict(settings.get("network", {})))
    arrays, _ = weights.read_arrays(folder / f"{kind}.safetensors")
    expected = {k: tuple(v.shape) for k, v in net.named_parameters()}
    weights.check_shapes(folder / f"{kind}.safetensors", arrays, expected)
    with torch.no_grad():
        for name, p in net.named_parameters():
            p.copy_(torch.from_numpy(arrays[name].astype(np.float32)))
    return net


def recalling(net: Net, corpus: Sequence[Piece] = (), shown: bool = True) -> Net:
    """The same network, which may copy what came at like places of the past and (shown) sees it.
    What to make of what it sees it has yet to learn; how far copies are to be trusted, it takes
    from the corpus where there is one, else it hardly copies."""
    found = Net(replace(net.config, recall=shown, copies=True))
    known = dict(net.named_parameters())
    with torch.no_grad():
        for name, p in found.named_parameters():
            if name in known:
                p.copy_(known[name])
            elif name.startswith("recall."):
                p.zero_()
        if corpus:
            found.copying.case.copy_(trust_in_copies(corpus))
    return found


def foreseeing(net: Net, beats: int) -> Net:
    """The same network, which foresees so many beats of melody; how, it has yet to learn."""
    found = Net(replace(net.config, ahead=beats))
    known = dict(net.named_parameters())
    with torch.no_grad():
        for name, p in found.named_parameters():
            if name in known:
                p.copy_(known[name])
    return found


STRONG, NEVER = (5, 3), -9.0
"""Classes of agreement, over the shortest and the longest window, from which on there are copies
at all; copies out of step with the chords that sound would break off what these have begun."""
WEAK_MATCHES = 3
"""Matches up to this class in both windows tell no more than chance."""


def trust_in_copies(corpus: Sequence[Piece]) -> Tensor:
    """(places, N_CASES), logits: how often copying is right in musicians' pieces, beyond how
    often it is where the melodies hardly match."""
    size = (len(vocab.RECALL_SLOTS), vocab.N_CASES)
    right, all_ = np.zeros(size), np.zeros(size)
    for piece in corpus:
        window = piece.window(0, 512)
        _, copies = features_of(
            window.pitch, window.onset, window.places, window.chord, window.chord_onset
        )
        before = np.concatenate([[0], window.chord[:-1]])
        target = vocab.chord_targets(window.chord, window.chord_onset, before)
        copied, case = copies[..., 0], copies[..., 1]
        for place in range(size[0]):
            has = copied[:, place] >= 0
            same = has & (copied[:, place] == target)
            all_[place] += np.bincount(case[has, place], minlength=size[1])
            right[place] += np.bincount(case[same, place], minlength=size[1])
    match, rest = np.divmod(np.arange(size[1]), 2 * vocab.N_EVENTS)
    event = rest // 2
    near, far = np.divmod(match - 1, 6)
    weak = (near <= WEAK_MATCHES) & (far <= WEAK_MATCHES)
    chance = np.zeros(size)
    for e in range(vocab.N_EVENTS):
        few = weak & (event == e)
        share = right[:, few].sum(1) / np.maximum(1, all_[:, few].sum(1))
        chance[:, event == e] = share[:, None]
    # As if 20 frames more had been as right as chance.
    share = (right + 20 * chance) / (all_ + 20)
    beyond = np.clip((share - chance) / np.maximum(1 - chance, 1e-6), 1e-2, 0.98)
    trust = np.log(beyond / (1 - beyond))
    in_step = (event == 2) | (event == 4)
    trust[:, ~in_step | (near < STRONG[0]) | (far < STRONG[1])] = NEVER
    return torch.from_numpy(trust).float()


def take_over(net: Net, folder: Path) -> None:
    """Begin an offline network from offline weights or, where it has the same parts, online ones.

    Raises BadInput where the folder holds neither, or nothing fits.
    """
    kind = "offline" if (folder / "offline.json").exists() else "online"
    known = dict(load_net(folder, kind).named_parameters())
    taken = 0
    with torch.no_grad():
        for name, p in net.named_parameters():
            if name in known and known[name].shape == p.shape:
                p.copy_(known[name])
                taken += 1
    if not taken:
        raise BadInput(f"{folder}: weights of another size")


def masked_mean(values: Tensor, weight: Tensor) -> Tensor:
    return (values * weight).sum() / weight.sum().clamp(min=1)


def class_loss(logits: Tensor, target: Tensor, weight: Tensor) -> Tensor:
    """Cross-entropy, nats a frame."""
    each = functional.cross_entropy(
        logits.flatten(0, 1).float(), target.flatten(), reduction="none"
    )
    return masked_mean(each.view_as(weight), weight)


def online_losses(net: Net, batch: Batch) -> dict[str, Tensor]:
    """Cross-entropy of the online network: chord and melody, nats a frame; ahead, nats a frame
    that sounds, for a network that foresees."""
    hidden = net.hidden(batch.features)
    logits = net.chord_logits(hidden, batch.features["copies"])
    chord = class_loss(logits, batch.chord_target, batch.weight)
    logits = net.melody_logits(hidden, batch.now, batch.last_pitch)
    found = {"chord": chord, "melody": class_loss(logits, batch.melody_target, batch.weight)}
    return found | ({"ahead": ahead_loss(net, hidden, batch)} if net.config.ahead else {})


def ahead_loss(net: Net, hidden: Tensor, batch: Batch) -> Tensor:
    """Cross-entropy of what is foreseen, nats a frame that sounds."""
    sung = sung_ahead(
        batch.heard["melody"], batch.heard["beat_frames"], batch.weight, net.config.ahead
    )
    logits = net.ahead_logits(hidden).float()
    return -(functional.log_softmax(logits, -1) * sung).sum() / sung.sum().clamp(min=1)


def sung_ahead(melody: Tensor, beat_frames: Tensor, weight: Tensor, beats: int) -> Tensor:
    """(B, T, beats, 12): frames in which each pitch class sounds, in the beats from each frame on.

    melody, beat_frames, weight: (B, T), as in a batch. Past the end nothing sounds.
    """
    n = melody.shape[1]
    one = functional.one_hot(melody % 13, 13)[..., 1:].to(weight.dtype) * weight[..., None]
    until = functional.pad(one.cumsum(1), (0, 0, 1, 0))
    edges = torch.arange(beats + 1, device=melody.device) * beat_frames[..., None]
    edges = (edges + torch.arange(n, device=melody.device)[:, None]).clamp(max=n)
    at_edge = until.gather(1, edges.flatten(1)[..., None].expand(-1, -1, 12))
    return at_edge.view(*edges.shape, 12).diff(dim=2)


def offline_logits(net: Net, batch: Batch) -> Tensor:
    """Chord logits of the offline network, (B, T, N_CHORD_CLASSES)."""
    return net.chord_logits(net.hidden(batch.features, net.encode(batch.heard)))


def validate(
    run: Run, corpus: list[Piece], loss: Callable[[Batch], dict[str, Tensor]], **options: Any
) -> dict[str, float]:
    """Mean losses over the same few batches of the validation split each time."""
    totals: dict[str, float] = {}
    run.net.eval()
    with torch.no_grad(), run.autocast():
        for i in range(VALIDATION_BATCHES):
            batch = batch_at(
                corpus, i, seed=12345, frames=run.args.frames, augment=False, **options
            )
            for key, value in loss(batch.to(run.device)).items():
                totals[key] = totals.get(key, 0.0) + float(value) / VALIDATION_BATCHES
    run.net.train()
    return totals


def plot(folder: Path) -> None:
    """Draw metrics.jsonl as loss.png: a panel for each value, training's and validation's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    file = folder / "metrics.jsonl"
    if not file.exists():
        return
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    beside = ("step", "elapsed_s", "lr", "frames_per_s")
    names = list(dict.fromkeys(k for line in lines for k in line if k not in beside))
    panels = list(dict.fromkeys(name.removeprefix("valid_") for name in names))
    rows = -(-len(panels) // 4)
    figure, axes = pyplot.subplots(
        rows, 4, figsize=(13, 2.4 * rows), squeeze=False, layout="constrained"
    )
    for axis, panel in zip(axes.flat, panels, strict=False):
        for name in (panel, f"valid_{panel}"):
            points = [(line["step"], line[name]) for line in lines if name in line]
            if points:
                axis.plot(*zip(*points, strict=True), label=name)
        axis.set_title(panel, fontsize="small")
        axis.tick_params(labelsize="small")
    for axis in list(axes.flat)[len(panels) :]:
        axis.axis("off")
    figure.savefig(folder / "loss.png", dpi=80)
    pyplot.close(figure)


def plain_weights(net: Net) -> Weights:
    return {k: v.detach().float().cpu().numpy() for k, v in net.named_parameters()}
