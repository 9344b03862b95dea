"""What the fuzzer needs to know of a reader, and how one input is judged."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import FrameType

import numpy as np

from jam.errors import BadInput

PROJECT = Path(__file__).resolve().parents[2]
_OWN = tuple(f"{PROJECT / part}{os.sep}" for part in ("jam", "models", "tools/fuzzing"))


def field_cases(read: Callable[[bytes], None], *suffixes: str) -> list[bytes]:
    """Small files of other programs, of every kind that the tests know and `read` accepts."""
    folder = PROJECT / "tests" / "fixtures" / "field"
    accepted = []
    for path in sorted(folder.iterdir()):
        if path.suffix in suffixes:
            with contextlib.suppress(BadInput):
                read(path.read_bytes())
                accepted.append(path.read_bytes())
    return accepted


@dataclass(frozen=True, slots=True)
class Reader:
    """One way by which bytes of any origin come into the program."""

    name: str
    suffix: str
    """Of a file of this kind, with its dot."""
    seeds: Callable[[], Sequence[bytes]]
    """Valid inputs, small ones."""
    read: Callable[[bytes], None]
    """Reads the bytes as the program does, and uses what was read as the program would, so that
    nothing is accepted which breaks later. Raises one of `refusals` where they are refused."""
    refusals: tuple[type[Exception], ...] = (BadInput,)
    seconds: float = 2.0
    """Processor time that one input may take."""
    mebibytes: int = 256
    """Memory that one input may take."""
    examples: int = 200
    """So many new inputs are part of every run of the tests."""
    tokens: tuple[bytes, ...] = ()
    """Words of the format, put in here and there."""
    mutate: Callable[[Random, bytes], bytes] | None = None
    """A change that keeps to the format (lengths and checksums right); raises anything for bytes
    that it can't take apart."""


class TooSlow(BaseException):
    """An input took more than its processor time."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one input. kind: "accepted", "refused", or what a reader must never do:
    "raised", "slow", "memory", "crashed", "hung".
    """

    kind: str
    fault: str = ""
    """The refusal, or which exception was raised where: finds with the same one are the same."""
    detail: str = ""
    took_s: float = 0.0
    mebibytes: float = 0.0

    @property
    def is_find(self) -> bool:
        return self.kind not in ("accepted", "refused")


def judge(reader: Reader, data: bytes) -> Verdict:
    """Feed one input to its reader, in this process, within the reader's processor time.

    A refusal must be one line. Runs on: the main thread, for its signals.
    """

    def stop(_signal: int, _frame: FrameType | None) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGPROF, stop)
    _reset_peak()
    memory = _peak_mebibytes()
    started_s = time.process_time()
    # Again and again, should the first be lost in a destructor or an `except` of C code.
    signal.setitimer(signal.ITIMER_PROF, reader.seconds, reader.seconds)
    kind, fault, detail = "accepted", "", ""
    try:
        try:
            # A number that is none goes on through the music and is never heard of again.
            with np.errstate(divide="raise", over="raise", invalid="raise"):
                reader.read(data)
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
    except reader.refusals as refusal:
        kind, fault = "refused", str(refusal)
        if isinstance(refusal, BadInput) and (len(fault.splitlines()) != 1 or len(fault) > 1000):
            kind, fault, detail = "raised", f"a refusal that is no line: {fault[:40]!r}", fault
    except TooSlow as error:
        kind, fault, detail = "slow", "slow", f"in {_place(error)}"
    except MemoryError as error:
        kind, fault = "memory", f"MemoryError in {_place(error)}"
    except Exception as error:
        kind, fault = "raised", f"{type(error).__name__} in {_place(error)}"
        detail = traceback.format_exc(limit=-30)
    finally:
        signal.signal(signal.SIGPROF, before)
    took_s = time.process_time() - started_s
    grown = max(0.0, _peak_mebibytes() - memory)
    if kind in ("accepted", "refused") and grown > reader.mebibytes:
        kind, fault = "memory", f"{grown:.0f} MiB"
    return Verdict(kind, fault, detail, took_s, grown)


def _place(error: BaseException) -> str:
    """The innermost line of the program's own that was running."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if f.filename.startswith(_OWN) and f.filename != __file__]
    frame = (own or list(frames))[-1]
    return f"{Path(frame.filename).stem}.{frame.name}:{frame.lineno}"


def _reset_peak() -> None:
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak begins anew


def _peak_mebibytes() -> float:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@contextmanager
def as_file(data: bytes, name: str) -> Iterator[Path]:
    """The bytes as a file of that name in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="jam-fuzz-", dir=_memory_disk()) as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def _memory_disk() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None
