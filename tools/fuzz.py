"""Hostile input: every reader is fed broken inputs, and must refuse or survive: `make fuzz`.

`make fuzz ARGS="--only midi-file --seconds 600"` takes ten minutes of processor time for one of
them. A reader may refuse an input (one line that says why) or take it; it must never raise
anything else, take longer or more memory than its limits, end the process, or accept what
breaks when it is used. The same seed makes the same inputs. What is found is written to
`--keep`, as small as it could be made, and the exit status is 1.

A reader is added to the table in tools/fuzzing/readers.py; tests/live/test_hostile.py feeds each
what was found once (tests/fixtures/hostile/READER).
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from jam.errors import BadInput
from tools.fuzzing.reader import Reader
from tools.fuzzing.readers import READERS
from tools.fuzzing.work import Find, Tally, fuzz, minimised

_HEADER = ("reader", "inputs", "refused", "accepted", "slowest ms", "most MiB", "finds")


def main(argv: Sequence[str] | None = None) -> int:
    args = _parser().parse_args(argv)
    try:
        readers = _chosen(args.only)
    except BadInput as error:
        print(f"fuzz: {error}", file=sys.stderr)
        return error.exit_status
    with ThreadPoolExecutor(max(1, args.jobs)) as pool:
        print("| " + " | ".join(_HEADER) + " |")
        print("|---|" + "---:|" * (len(_HEADER) - 1), flush=True)
        results = pool.map(lambda reader: _fuzz(reader, args.seconds, args.seed), readers)
        kept: list[str] = []
        # A row as soon as it is there: a long run may be ended before its end.
        for reader, (tally, finds) in zip(readers, results, strict=True):
            print(_row(reader, tally, finds), flush=True)
            for find in _different(finds):
                path = _write(args.keep / reader.name, reader, find)
                kept.append(f"\n{reader.name}: {find.verdict.kind}: {find.verdict.fault}: {path}")
                kept.append(find.verdict.detail[-2000:])
    print(*kept, sep="\n", end="\n" if kept else "")
    return 1 if kept else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="fuzz", description="Feed the readers hostile inputs.")
    parser.add_argument(
        "--only", default="", metavar="READER[,READER]", help=f"of {', '.join(READERS)}"
    )
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="processor time for each reader (default: 20)"
    )
    parser.add_argument("--seed", type=int, default=0, help="other inputs (default: 0)")
    parser.add_argument("--jobs", type=int, default=1, help="readers at a time (default: 1)")
    parser.add_argument(
        "--keep",
        type=Path,
        default=Path("build/fuzz"),
        metavar="DIR",
        help="where finds are written (default: build/fuzz)",
    )
    return parser


def _chosen(only: str) -> list[Reader]:
    names = [name.strip() for name in only.split(",") if name.strip()] or list(READERS)
    for name in names:
        if name not in READERS:
            raise BadInput(f"reader {name!r}: must be one of {', '.join(READERS)}")
    return [READERS[name] for name in names]


def _fuzz(reader: Reader, seconds: float, seed: int) -> tuple[Tally, list[Find]]:
    hidden = not sys.stderr.isatty()
    with tqdm(total=seconds, desc=reader.name, unit="s", leave=False, disable=hidden) as bar:
        return fuzz(reader, seconds, seed, lambda tally: _show(bar, tally))


def _show(bar: tqdm[None], tally: Tally) -> None:
    bar.set_postfix_str(f"{tally.inputs:,} inputs", refresh=False)
    bar.update(tally.processor_s - bar.n)


def _row(reader: Reader, tally: Tally, finds: Sequence[Find]) -> str:
    values = (
        reader.name,
        f"{tally.inputs:,}",
        f"{tally.refused:,}",
        f"{tally.accepted:,}",
        f"{1000 * tally.slowest_s:.0f}",
        f"{tally.most_mebibytes:.0f}",
        len(_different(finds)),
    )
    return "| " + " | ".join(map(str, values)) + " |"


def _different(finds: Sequence[Find]) -> list[Find]:
    """One find of each fault, the smallest."""
    best: dict[tuple[str, str], Find] = {}
    for find in sorted(finds, key=lambda find: len(find.data)):
        best.setdefault((find.verdict.kind, find.verdict.fault), find)
    return list(best.values())


def _write(folder: Path, reader: Reader, find: Find) -> Path:
    data = minimised(reader, find)
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256(data).hexdigest()[:12]
    path = folder / f"{find.verdict.kind}-{name}{reader.suffix}"
    path.write_bytes(data)
    return path


if __name__ == "__main__":
    sys.exit(main())
