"""A real jam beside another process's MIDI clock, for long: how far what sounds is from its beat.

    python tools/sync_jam.py                      # ten minutes
    python tools/sync_jam.py --minutes 1 --bpm 96 --sigma-ms 0

Real parts: a JACK server with a dummy device, a process that plays a tune and sends the clock with
it, the stage with synth and sound, the agent with the shipped network. The band plays on the grid
(`feel` 0), so that every note of it belongs to a sixteenth of the clock; its distance is from when
the clock had that sixteenth (without the wavering of its ticks) to when the note was handed to the
synth.
"""

from __future__ import annotations

import argparse
import json
import os
import threading
import time

import numpy as np

from jam.cli.main import load_predictor
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, Stop
from jam.messages.snapshot import SessionLog, Snapshot
from jam.messages.sync import MIDI_CLOCK
from jam.settings import JamSettings
from tools.bench import resident_mb
from tools.support.jack import jack_server, play

TUNE = (60, 64, 67, 72, 71, 67, 64, 62, 65, 69, 72, 69, 67, 64, 62, 67)
TICKS = 24
BEFORE_BEATS = 4
"""The clock ticks so long before its start."""


def sent(
    minutes: float, bpm: float, sigma_s: float, lost: float
) -> tuple[list[tuple[float, list[int]]], float]:
    """(second, MIDI bytes) of the clock and of a tune in quarters, and when beat 0 is."""
    dice = np.random.default_rng(0)
    beat_s, first_s = 60 / bpm, 0.5 + BEFORE_BEATS * 60 / bpm
    n_beats = int(60 * minutes / beat_s)
    due_s = first_s + beat_s / TICKS * np.arange(-BEFORE_BEATS * TICKS, n_beats * TICKS)
    came_s = np.maximum.accumulate(due_s + dice.normal(0, sigma_s, len(due_s)))
    messages = [(float(at_s), [0xF8]) for at_s in came_s[dice.random(len(due_s)) >= lost]]
    messages.append((first_s - beat_s / TICKS / 2, [0xFA]))
    for beat in range(n_beats - 4):
        at_s, pitch = first_s + beat * beat_s, TUNE[beat % len(TUNE)]
        messages += [(at_s, [0x90, pitch, 80]), (at_s + 0.8 * beat_s, [0x80, pitch, 0])]
    return sorted(messages), first_s


def jam(minutes: float, bpm: float, sigma_s: float, lost: float, block_frames: int) -> None:
    """Prints the table's row."""
    logs: list[SessionLog] = []
    settings = JamSettings(
        beat_from=MIDI_CLOCK, bpm=100, count_in_bars=0, listen_bars=2, feel=0.0, accompaniment="pop"
    )
    messages, first_s = sent(minutes, bpm, sigma_s, lost)
    with jack_server(block_frames) as environment:
        os.environ.update(environment)
        with Engine(settings, DeviceChoice(midi_api="jack"), load_predictor, logs.append) as engine:
            engine.wait_until_up(60)

            def shown() -> Snapshot:
                snapshot = engine.snapshot()
                assert snapshot is not None
                return snapshot

            while shown().agent_state != "ready":
                time.sleep(0.1)
            pids = [engine.stage_pid or 0, engine.agent_pid or 0]
            player = play(environment, messages)
            said: list[str] = []
            assert player.stdout is not None
            reading = threading.Thread(
                target=lambda out: said.append(out.read()), args=[player.stdout]
            )
            reading.start()
            memory_mb = []
            while reading.is_alive():
                memory_mb.append(resident_mb(pids))
                reading.join(30)
            came_s = json.loads(said[0])
            counters, changes = shown().counters, len(shown().tempo_map.segments)
            engine.send(Stop())
            while not any(log.ended for log in logs):
                time.sleep(0.1)
    # The player's clock begins where most of its messages say that it does.
    zero_s = float(np.median(np.array(came_s) - np.array([at_s for at_s, _ in messages])) + first_s)
    notes = [n for log in logs for n in log.sounded if n.velocity and n.part != "metronome"]
    sixteenth_s = 15 / bpm
    at = (np.array([n.sent_s for n in notes]) - zero_s) / sixteenth_s
    off_ms = 1000 * sixteenth_s * (at - np.round(at))
    away = np.abs(off_ms)
    row = f"{away.mean():.2f} | {np.percentile(away, 99):.2f} | {away.max():.2f}"
    by_minute = ((at * sixteenth_s) // 60).astype(int)
    print(
        "Early or late by the minute, median:",
        *(f"{np.median(off_ms[by_minute == m]):+.1f}" for m in sorted(set(by_minute))),
    )
    print("| bpm | notes | mean (ms) | 99 % | worst | early or late by | changes of tempo", end="")
    print(" | late plans, of all | dropouts | memory, MB |")
    print("|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
    print(
        f"| {bpm:g} | {len(notes)} | {row} | {np.median(off_ms):+.2f} | {changes}"
        f" | {counters.late_plans} of {counters.plans} | {counters.dropouts}"
        f" | {memory_mb[0]:.0f} to {memory_mb[-1]:.0f} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--bpm", type=float, default=120.0)
    parser.add_argument("--sigma-ms", type=float, default=2.0, help="how far its ticks waver")
    parser.add_argument("--lost", type=float, default=1 / 200, help="share of its ticks")
    parser.add_argument("--block", type=int, default=512, help="frames of JACK's cycle")
    args = parser.parse_args()
    jam(args.minutes, args.bpm, args.sigma_ms / 1000, args.lost, args.block)


if __name__ == "__main__":
    main()
