"""How smooth the window is: the times of its pictures, and what it takes of the processor.

The real program plays under Xvfb with a player on its JACK MIDI port, as for the pictures of the
README. Xvfb has no graphics hardware: all drawing is the processor's. A picture is due every 16
ms, the least that Qt's timer knows below a sixtieth of a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools.bench_lines import HEADER, Line
from tools.pictures import PREFER, ROOT, Keyboard, machine, player_process, running, tune_messages
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
        program = [sys.executable, "-m", "jam", "window", "--midi-api", "jack"]
        jamming = {**environment, FRAMES_VARIABLE: str(frames)}
        with running(program, jamming, cwd=ROOT) as jam:
            time.sleep(8.0)
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
    if not at_s or at_s[-1] - at_s[0] < seconds:
        raise SystemExit("bench: the window has not drawn for long enough; is the machine busy?")
    first = next(i for i, at in enumerate(at_s) if at >= at_s[-1] - seconds)
    between_ms = [1000 * (b - a) for a, b in zip(at_s[first:], at_s[first + 1 :], strict=False)]
    return between_ms, paint_ms[first:], share


def window_lines(seconds: float = 60.0, size: str = "1280x720") -> Iterator[Line]:
    """The waterfall and the chord lane in mid-jam."""
    for view, keys in (("waterfall", ()), ("chord lane", ("v",))):
        between_ms, paint_ms, share = play(seconds, size, keys)
        name = f"{view}, {size}"
        late = sum(ms > FRAME_MS for ms in between_ms) / len(between_ms)
        missed = sum(ms > 1.5 * FRAME_MS for ms in between_ms) / len(between_ms)
        yield Line.of(f"time between two pictures ({name})", between_ms)
        yield Line.of(f"  of them over 16.7 ms ({name})", [100 * late], "%")
        yield Line.of(f"  of them over 25 ms ({name})", [100 * missed], "%")
        yield Line.of(f"  painting of a picture ({name})", paint_ms)
        yield Line.of(f"processor of the window's process ({name})", [100 * share], "% of one")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--size", default="1280x720")
    args = parser.parse_args()
    print(HEADER)
    for line in window_lines(args.seconds, args.size):
        print(line, flush=True)


if __name__ == "__main__":
    main()
