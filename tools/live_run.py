"""A long jam with everything running: python -m tools.live_run --minutes 10 --bpm 180

Xvfb, a JACK server with its dummy device, `jam window` with sound, and a player in another process
who plays a bundled tune on a JACK MIDI port, over and over, with a wrong note here and there. What
happened is read from the program's own log: plans late, dropouts, time of plans, and how steady
the plans were.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from jam.midi_file import read_midi
from jam.paths import demo_tunes
from jam.render import melody_events
from tools.bench_lines import HEADER, Line
from tools.pictures import ROOT, Keyboard, machine, player_process, running

SURPRISES = 0.12
"""Share of the notes for which another one is played."""
_PREFER = """
import sys
from jam.preferences import Preferences, save_preferences
from jam.settings import JamSettings
bpm, futures = float(sys.argv[1]), int(sys.argv[2])
futures = {"futures": futures} if futures else {}
save_preferences(Preferences(JamSettings(bpm=bpm, metronome=False, **futures)))
"""


def melody(bpm: float, seconds: float) -> Iterator[tuple[float, list[int]]]:
    """(second, MIDI bytes) of a bundled tune with surprises, from beat 0 on."""
    song = read_midi(demo_tunes()[0])
    position_at = song.tempo_map.position_at
    frame_s = 60 / bpm / song.tempo_map.meter_at(0).frames_per_beat
    events = [(position_at(e.at_s), e.note_id, e.pitch, e.velocity) for e in melody_events(song)]
    length = song.tempo_map.next_bar_frame(round(events[-1][0]))
    dice = random.Random(1)
    offset = 0
    while offset * frame_s < seconds:
        played: dict[int, int] = {}
        for position, note_id, pitch, velocity in events:
            if velocity:
                wrong = dice.random() < SURPRISES
                played[note_id] = pitch + (dice.choice((-7, -3, -1, 1, 2, 6)) if wrong else 0)
            status = 0x90 if velocity else 0x80
            yield (offset + position) * frame_s, [status, played[note_id], velocity or 64]
        offset += length


def run(args: argparse.Namespace) -> list[dict[str, Any]]:
    """The events of the log."""
    seconds = 60 * args.minutes
    log = args.out.with_suffix(".jsonl").resolve()
    log.parent.mkdir(parents=True, exist_ok=True)
    bar_s = 4 * 60 / args.bpm
    messages = [(at_s + bar_s + 0.1, data) for at_s, data in melody(args.bpm, seconds + 5)]
    with machine((1280, 720), args.block) as environment:
        prefer = [sys.executable, "-c", _PREFER, str(args.bpm), str(args.futures)]
        subprocess.run(prefer, env=environment, check=True)
        program = [sys.executable, "-m", "jam.cli", "window", "--midi-api", "jack", "--log",
                   str(log), "--private"]  # fmt: skip
        with running(program, environment, cwd=ROOT) as jam:
            time.sleep(args.wait)
            keyboard = Keyboard(environment["DISPLAY"])
            keyboard.point_at(640, 360)
            with player_process(environment, messages):
                keyboard.press("space")
                end_s = time.monotonic() + bar_s + seconds
                while (left_s := end_s - time.monotonic()) > 0:
                    if jam.poll() is not None:
                        raise SystemExit(f"live_run: jam has ended with {jam.returncode}")
                    print(f"\r{left_s:5.0f} s left", end="", file=sys.stderr, flush=True)
                    time.sleep(min(1.0, left_s))
                print("\r            \r", end="", file=sys.stderr)
    return [json.loads(line) for line in log.read_text().splitlines()]


def spelled(chords: list[str], before: str) -> list[str]:
    """Each frame's chord, where "-" holds the one before."""
    found = []
    for chord in chords:
        before = before if chord == "-" else chord
        found.append(before)
    return found


def changed_share(events: list[dict[str, Any]]) -> tuple[float, int]:
    """The share of uncommitted plan frames whose chord was another in the next plan, of how many.

    As `models.stability` measures it, for the plans that were made live.
    """
    rows = sorted((e["frame"], e["chord"]) for e in events if e["kind"] == "row")
    sounded = spelled([chord for _, chord in rows], "")
    changed = compared = committed_until = 0
    planned: dict[int, str] = {}
    for plan in (e for e in events if e["kind"] == "plan"):
        start = plan["start_frame"]
        before = sounded[start - 1] if 0 < start <= len(sounded) else ""
        for frame, chord in enumerate(spelled(plan["chords"], before), start):
            if frame >= committed_until and frame in planned:
                compared += 1
                changed += planned[frame] != chord
            planned[frame] = chord
        committed_until = max(committed_until, plan["committed_until_frame"])
    return changed / max(1, compared), compared


def report(events: list[dict[str, Any]]) -> list[Line]:
    """What the log tells of the session."""
    plans = [e for e in events if e["kind"] == "plan"]
    counters = [e for e in events if e["kind"] == "counters"]
    sounded = [e for e in events if e["kind"] == "sounded" and e["velocity"]]
    rows = [e for e in events if e["kind"] == "row"]
    if not plans or not counters or not sounded:
        raise SystemExit("live_run: nothing was played")
    first, last = counters[0], counters[-1]
    minutes = (last["at_s"] - first["at_s"]) / 60
    share, compared = changed_share(events)

    def count(name: str, what: str) -> Line:
        return Line.of(f"{name} in {minutes:.1f} minutes", [last[what] - first[what]], "")

    errors_ms = [1000 * (e["sent_s"] - e["due_s"]) for e in sounded]
    return [
        Line.of("plan, computed", [1000 * plan["compute_s"] for plan in plans]),
        count("late plans", "late_plans"),
        count("audio dropouts", "dropouts"),
        count("agent restarts", "agent_restarts"),
        Line.of("rows without a plan of their own", [len(rows) - len(plans)], ""),
        Line.of("scheduler error at the output", errors_ms),
        Line.of(f"uncommitted plan frames changed, of {compared}", [100 * share], "%"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--bpm", type=float, default=180.0)
    parser.add_argument("--block", type=int, default=256, help="audio frames (256)")
    parser.add_argument("--futures", type=int, default=0, help="instead of the default")
    parser.add_argument("--wait", type=float, default=8.0, help="seconds to start in (8)")
    parser.add_argument("--out", type=Path, default=Path("build/live_run.json"))
    args = parser.parse_args()
    lines = report(run(args))
    print(HEADER, *lines, sep="\n")
    text = json.dumps([{"name": line.name, "median": line.median, "p99": line.p99,
                        "worst": line.worst} for line in lines], indent=1)  # fmt: skip
    args.out.write_text(text + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
