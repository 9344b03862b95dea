"""The child process in which inputs are fed to a reader, and the parent's hold on it.

The input that is being read lies in a file before it is read, so the parent knows what killed
the child. Which inputs are made depends on the seed, the number of the input and the inputs
that reached new lines of the program before it, and on nothing else.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from types import CodeType, FrameType
from typing import Any

from tools.fuzzing.mutate import mutated
from tools.fuzzing.reader import PROJECT, Reader, Verdict, judge

_BEAT_S = 0.5
_SPARE_MEBIBYTES = 128
"""Of address space, beside what an input may take."""
_HUNG_S = 600.0
"""Without a sign of life for so long the child is killed, also where it waits for something."""
_START_S = 30.0
"""Processor time in which a child begins: imports, and the seeds."""
_CONTEXT = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Tally:
    """What was done so far."""

    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    slowest_s: float = 0.0
    most_mebibytes: float = 0.0
    processor_s: float = 0.0

    def __add__(self, other: Tally) -> Tally:
        return Tally(
            self.inputs + other.inputs,
            self.refused + other.refused,
            self.accepted + other.accepted,
            max(self.slowest_s, other.slowest_s),
            max(self.most_mebibytes, other.most_mebibytes),
            self.processor_s + other.processor_s,
        )


@dataclass(frozen=True, slots=True)
class Find:
    """An input with which a reader does what it must never do."""

    data: bytes
    verdict: Verdict


class Lines:
    """Lines of the program that were ever run while an input was read."""

    def __init__(self) -> None:
        self._codes: dict[CodeType, bool] = {}
        self._seen: set[tuple[CodeType, int, int]] = set()
        self.new = False

    def __enter__(self) -> Lines:
        self.new = False
        sys.settrace(self._call)
        return self

    def __exit__(self, *_: object) -> None:
        sys.settrace(None)

    def _call(self, frame: FrameType, _event: str, _arg: Any) -> Any:
        code = frame.f_code
        own = self._codes.get(code)
        if own is None:
            own = self._codes[code] = code.co_filename.startswith(_OWN)
        if not own:
            return None
        before = -1
        seen = self._seen

        def line(frame: FrameType, event: str, _arg: Any) -> Any:
            nonlocal before
            if event == "line":
                now = frame.f_lineno
                if (step := (code, before, now)) not in seen:
                    seen.add(step)
                    self.new = True
                before = now
            return line

        return line


_OWN = tuple(str(PROJECT / package) + os.sep for package in ("jam", "models"))


@dataclass(frozen=True, slots=True)
class Task:
    """What a child has to do: `processor_s` of inputs from number `first` on."""

    reader: str
    seed: int
    first: int
    processor_s: float
    folder: str
    """Holds `current`, and `corpus/N` of every input that reached new lines."""


def _work(task: Task, to_parent: Connection) -> None:
    """Runs on: the child's main thread."""
    try:
        _feed(task, to_parent)
    except Exception:
        to_parent.send(("broken", traceback.format_exc()))


def _feed(task: Task, to_parent: Connection) -> None:
    from tools.fuzzing.readers import READERS

    reader = READERS[task.reader]
    _be_quiet()
    folder = Path(task.folder)
    corpus = [bytes(seed) for seed in reader.seeds()]
    lines = Lines()
    for data in corpus:
        with lines:
            verdict = judge(reader, data)
        if verdict.kind != "accepted":
            to_parent.send(("find", Find(data, replace(verdict, fault="a seed: " + verdict.fault))))
    kept = sorted((folder / "corpus").iterdir(), key=lambda path: int(path.name))
    corpus += [path.read_bytes() for path in kept]
    _limit_memory(reader)
    known: set[str] = set()
    tally, began_s, beat_s, number = Tally(), time.process_time(), time.monotonic(), task.first
    while time.process_time() - began_s < task.processor_s:
        rng = Random(f"{task.seed} {number}")
        data = mutated(rng, reader, corpus)
        (folder / "current").write_bytes(number.to_bytes(8, "big") + data)
        with lines:
            verdict = judge(reader, data)
        if verdict.kind == "slow":  # perhaps because of the tracing
            verdict = judge(reader, data)
        if lines.new and verdict.kind in ("accepted", "refused") and len(data) < 65536:
            (folder / "corpus" / str(number)).write_bytes(data)
            corpus.append(data)
        tally += Tally(
            1,
            verdict.kind == "refused",
            verdict.kind == "accepted",
            verdict.took_s,
            verdict.mebibytes,
        )
        if verdict.is_find and verdict.fault not in known:
            known.add(verdict.fault)
            to_parent.send(("find", Find(data, verdict)))
        number += 1
        if time.monotonic() - beat_s > _BEAT_S:
            beat_s = time.monotonic()
            to_parent.send(("tally", replace(tally, processor_s=time.process_time() - began_s)))
    to_parent.send(("done", replace(tally, processor_s=time.process_time() - began_s)))


def _judge_one(name: str, data: bytes, to_parent: Connection) -> None:
    """Runs on: a child's main thread."""
    from tools.fuzzing.readers import READERS

    _be_quiet()
    reader = READERS[name]
    reader.seeds()  # what is imported and made once is no cost of the input
    _limit_memory(reader)
    to_parent.send(judge(reader, data))


def _be_quiet() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    logging.disable(logging.CRITICAL)
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)


def _limit_memory(reader: Reader) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0]) if sys.platform == "linux" else 0
    if pages:
        now = pages * resource.getpagesize()
        most = now + (reader.mebibytes + _SPARE_MEBIBYTES) * 2**20
        resource.setrlimit(resource.RLIMIT_AS, (most, most))


@contextmanager
def _child(target: Callable[..., None], *args: object) -> Iterator[tuple[Any, Connection]]:
    here, there = _CONTEXT.Pipe(duplex=False)
    process = _CONTEXT.Process(target=target, args=(*args, there), daemon=True)
    process.start()
    there.close()
    try:
        yield process, here
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        here.close()


def _heard(process: Any, from_child: Connection, reader: Reader) -> bool:
    """Waits for a message; False where the child has hung.

    What counts is its processor time, for the machine may be busy with other things.
    """
    began_s, spent_s = time.monotonic(), _processor_s(process.pid)
    while not from_child.poll(1.0):
        if _processor_s(process.pid) - spent_s > _START_S + 10 * reader.seconds:
            return False
        if time.monotonic() - began_s > _HUNG_S:
            return False
    return True


def _processor_s(pid: int) -> float:
    """Processor time that a process has used so far; 0 where the system doesn't tell."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def judge_alone(reader: Reader, data: bytes) -> Verdict:
    """As `judge`, in a process of its own, which may crash or hang."""
    with _child(_judge_one, reader.name, data) as (process, from_child):
        try:
            if _heard(process, from_child, reader):
                verdict: Verdict = from_child.recv()
                return verdict
            return Verdict("hung", "hung")
        except EOFError:
            process.join()
            return Verdict("crashed", _signal_name(process.exitcode))


def _signal_name(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"ended with status {exit_code}"


def fuzz(
    reader: Reader, processor_s: float, seed: int, show: Callable[[Tally], None] = lambda _: None
) -> tuple[Tally, list[Find]]:
    """Feed a reader inputs for so much processor time, in as many processes as it takes."""
    done, finds, first = Tally(), list[Find](), 0
    with tempfile.TemporaryDirectory(prefix="jam-fuzz-") as folder:
        (Path(folder) / "corpus").mkdir()
        while processor_s - done.processor_s > 0:
            task = Task(reader.name, seed, first, processor_s - done.processor_s, folder)
            tally, killer = _watch(reader, task, finds, lambda now: show(done + now))  # noqa: B023
            done += tally
            if killer is None:
                break
            current = (Path(folder) / "current").read_bytes()
            number = int.from_bytes(current[:8], "big")
            finds.append(Find(current[8:], killer))
            # At least one input's time is used up, so that an end comes even if each kills.
            done += Tally(inputs=number + 1 - first - tally.inputs, processor_s=reader.seconds)
            first = number + 1
    return done, finds


def _watch(
    reader: Reader, task: Task, finds: list[Find], show: Callable[[Tally], None]
) -> tuple[Tally, Verdict | None]:
    """One child from its start to its end; a verdict where an input ended it."""
    tally = Tally()
    with _child(_work, task) as (process, from_child):
        try:
            while _heard(process, from_child, reader):
                what, content = from_child.recv()
                if what == "find":
                    finds.append(content)
                    continue
                if what == "broken":
                    raise RuntimeError(f"the fuzzer itself: {content}")
                tally = content
                show(tally)
                if what == "done":
                    return tally, None
            return tally, Verdict("hung", "hung")
        except EOFError:
            process.join()
            return tally, Verdict("crashed", _signal_name(process.exitcode))


def minimised(reader: Reader, find: Find, tries: int = 400, seconds: float = 30.0) -> bytes:
    """The smallest input found that makes the same fault: blocks are left out, then halved.

    What hangs, crashes or is slow is tried in processes of its own, and less often.
    """
    alone = find.verdict.kind in ("crashed", "hung", "memory", "slow")
    ends_s = time.monotonic() + seconds

    def same(data: bytes) -> bool:
        nonlocal tries
        tries -= 1
        verdict = judge_alone(reader, data) if alone else judge(reader, data)
        return (verdict.kind, verdict.fault) == (find.verdict.kind, find.verdict.fault)

    data = find.data
    if not same(data):
        return data
    block = max(1, len(data) // 2)
    while tries > 0 and time.monotonic() < ends_s:
        at, shrunk = 0, False
        while at < len(data) and tries > 0 and time.monotonic() < ends_s:
            less = data[:at] + data[at + block :]
            if same(less):
                data, shrunk = less, True
            else:
                at += block
        if block == 1 and not shrunk:
            break
        block = max(1, block // 2)
    return data
