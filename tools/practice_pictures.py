"""The modes of practice on the real program, with pictures: python tools/practice_pictures.py OUT

Starts Xvfb, jackd and the program as `tools/pictures.py` does; a player on JACK plays its turns of
a trade and rests in the agent's, then leaves gaps, then plays chords under a melody that leads.
Then Review tells what was played.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from tools.pictures import _GRAB, PREFER, ROOT, Keyboard, machine, player_process, running

BPM = 112
BAR_S = 4 * 60 / BPM
PHRASE = (
    (0, 62),
    (1, 65),
    (2, 69),
    (3, 72),
    (4, 71),
    (6, 67),
    (8, 69),
    (10, 65),
    (12, 64),
    (14, 62),
)
"""(frame in two bars / 2, pitch)"""


def messages(role: str, bars: int) -> list[tuple[float, list[int]]]:
    """What the player does from the first beat on, in seconds from the count-in."""
    found: list[tuple[float, list[int]]] = []
    for bar in range(0, bars, 2):
        turn = bar // 2
        rests = role == "trades" and turn >= 1 and (turn - 1) % 2 == 1
        start_s = (1 + bar) * BAR_S
        for step, pitch in PHRASE:
            if rests or (role == "fills" and bar > 2 and step >= 7):
                continue
            if role in ("solos", "leads") and bar > 2:
                if step % 8:
                    continue
                notes = [48, 52, 55]
            else:
                notes = [pitch + (0, 2, -3, 5)[turn % 4]]
            at_s = start_s + step * BAR_S / 8
            for note in notes:
                found.append((at_s, [0x90, note, 84 if step % 2 == 0 else 66]))
                found.append((at_s + 0.22, [0x80, note, 0]))
    return sorted(found, key=lambda m: m[0])


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--roles", nargs="+", default=["trades", "fills", "leads"])
    parser.add_argument("--bars", type=int, default=12)
    parser.add_argument("--before", type=float, default=16.0)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    width, height = 1280, 720
    with machine((width, height)) as environment:
        place = ["20", "20", str(width), str(height), str(BPM), "dark", "1.0"]
        subprocess.run([sys.executable, "-c", PREFER, *place], env=environment, check=True)
        program = [sys.executable, "-m", "jam", "window", "--midi-api", "jack"]
        for role in args.roles:
            started = [*program, "--role", role, "--turns", "2"]
            with running(started, environment, cwd=ROOT) as jam:
                keyboard = Keyboard(environment["DISPLAY"])
                time.sleep(args.before)
                keyboard.point_at(20 + width // 2, 20 + height // 2)

                def shoot(name: str) -> None:
                    path = args.out / f"{name}.png"
                    where = [str(path), str(width), str(height)]
                    subprocess.run(
                        [sys.executable, "-c", _GRAB, *where], env=environment, check=True
                    )
                    print(path, flush=True)

                with player_process(environment, messages(role, args.bars)):
                    keyboard.point_at(24 + width // 2, 24 + height // 2)
                    time.sleep(0.2)
                    keyboard.press("space")
                    began_s = time.monotonic()
                    for bar in (4.8, 6.4, 8.6):  # the count-in is the first
                        time.sleep(max(0.0, bar * BAR_S - (time.monotonic() - began_s)))
                        shoot(f"{role}-{bar:g}")
                    time.sleep(2 * BAR_S)
                keyboard.press("space")
                time.sleep(2.0)
                if role == args.roles[0]:
                    keyboard.press("Control_L+r")
                    time.sleep(2.5)
                    shoot("review")
                    keyboard.press("Control_L+i")
                    time.sleep(2.0)
                    shoot("telling")
                if jam.poll() is not None:
                    raise SystemExit(f"jam has ended with {jam.returncode}")
        said = [sys.executable, "-m", "jam", "practice", "last", "--curve"]
        subprocess.run(said, env=environment, cwd=ROOT, check=True)
        subprocess.run(
            [sys.executable, "-m", "jam", "stats"], env=environment, cwd=ROOT, check=True
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
