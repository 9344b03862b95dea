"""How smooth the window is: the times of its pictures, and what it takes of the processor.

The real program plays under Xvfb with a player on its JACK MIDI port, as for the pictures of the
README. Xvfb has no graphics hardware: all drawing is the processor's. `python -m
tools.bench_window` prints it; `window_lines` is for the bench.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from tools.pictures import (
    PREFER,
    ROOT,
    Keyboard,
    machine,
    player_process,
    running,
    tune_messages,
)
from ui.app import FRAMES_VARIABLE

FRAME_MS = 1000 / 60
_WARM_UP_S = 12.0
"""Count-in, listening and the first chords are not counted."""


def processor_s(pid: int) -> float:
    """Processor time that a process has taken, in seconds, of all its threads."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def play(
    seconds: float, size: str, keys: tuple[str, ...]
) -> tuple[list[float], list[float], float]:
    """Times between pictures and times of painting, in ms; share of a core taken.

    keys: pressed once the jam goes on, e.g. "v" for the chord lane.
    """
    width, height = (int(number) for number in size.split("x"))
    bpm, _ = tune_messages(0, 0.1)
    total_s = _WARM_UP_S + seconds
    _, messages = tune_messages(4 * 60 / bpm + 0.05, total_s + 10)
    with machine((width, height)) as environment:
        frames = Path(environment["HOME"]) / "frames.json"
        place = ["20", "20", str(width), str(height), str(bpm), "dark", "1.0"]
        subprocess.run([sys.executable, "-c", PREFER, *place], env=environment, check=True)
        program = [sys.executable, "-m", "jam.cli", "window", "--midi-api", "jack"]
        jamming = {**environment, FRAMES_VARIABLE: str(frames)}
        with running(program, jamming, cwd=ROOT) as jam:
            time.sleep(5.0)
            keyboard = Keyboard(environment["DISPLAY"])
            keyboard.point_at(width // 2, height // 2)
            with player_process(environment, messages):
                keyboard.press("space")
                for key in keys:
                    keyboard.press(key)
                time.sleep(_WARM_UP_S)
                before_s, began_s = processor_s(jam.pid), time.perf_counter()
                time.sleep(seconds)
                share = (processor_s(jam.pid) - before_s) / (time.perf_counter() - began_s)
        found = json.loads(frames.read_text())
    at_s, paint_ms = found["at_s"], found["paint_ms"]
    first = next(i for i, at in enumerate(at_s) if at >= at_s[-1] - seconds)
    between_ms = [1000 * (b - a) for a, b in zip(at_s[first:], at_s[first + 1 :], strict=False)]
    return between_ms, paint_ms[first:], share


def percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def window_lines(seconds: float = 60.0, size: str = "1280x720") -> list[dict[str, object]]:
    """One entry for the waterfall and one for the chord lane: names and figures."""
    lines: list[dict[str, object]] = []
    for view, keys in (("waterfall", ()), ("chord lane", ("v",))):
        between_ms, paint_ms, share = play(seconds, size, keys)
        late = sum(ms > FRAME_MS for ms in between_ms) / len(between_ms)
        missed = sum(ms > 1.5 * FRAME_MS for ms in between_ms) / len(between_ms)
        lines.append(
            {
                "name": f"window, {view}, {size}",
                "between_ms_median": round(statistics.median(between_ms), 2),
                "between_ms_p99": round(percentile(between_ms, 0.99), 2),
                "share_over_16.7_ms": round(late, 4),
                "share_over_25_ms": round(missed, 4),
                "paint_ms_median": round(statistics.median(paint_ms), 2),
                "paint_ms_p99": round(percentile(paint_ms, 0.99), 2),
                "processor_share": round(share, 3),
                "pictures": len(paint_ms),
            }
        )
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", default="1280x720")
    args = parser.parse_args()
    for line in window_lines(args.seconds, args.size):
        print(json.dumps(line, indent=1))


if __name__ == "__main__":
    main()
