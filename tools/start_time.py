"""How long `jam --help` takes, in starts of the interpreter alone: `python tools/start_time.py`.

The median of many starts of each, taken in turns so that other load falls on both.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from time import perf_counter

MOST = 4.0
"""So many times the interpreter's own start `jam --help` may take."""
_COMMANDS = {
    "python -c pass": ("-c", "pass"),
    "jam --help": ("-m", "jam", "--help"),
    "jam play --help": ("-m", "jam", "play", "--help"),
}


def start_times_s(rounds: int) -> dict[str, float]:
    """Command -> the median of its starts, in seconds."""
    times: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(rounds):
        for name, words in _COMMANDS.items():
            begin_s = perf_counter()
            subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
            times[name].append(perf_counter() - begin_s)
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    times = start_times_s(parser.parse_args().rounds)
    alone_s = times["python -c pass"]
    for name, taken_s in times.items():
        print(f"{name:<16} {1000 * taken_s:6.1f} ms  {taken_s / alone_s:4.2f} x")
    print(f"at most {MOST:g} x: {'yes' if times['jam --help'] < MOST * alone_s else 'NO'}")


if __name__ == "__main__":
    main()
