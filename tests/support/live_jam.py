"""`jam play` as a process between a player and a recorder, and what is left of the run."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jam.music.grid import Meter, Segment, TempoMap
from tools.support.jack import Recording, load_recording, play, recorder

TUNE = (60, 64, 67, 72, 71, 67, 64, 62, 65, 69, 72, 69, 67, 64, 62, 67)


def tune(seconds: float, beat_s: float) -> list[tuple[float, list[int]]]:
    """Quarter notes, with what else a keyboard sends between: clock, sensing, SysEx, pedal."""
    messages: list[tuple[float, list[int]]] = []
    for n in range(int(seconds / beat_s)):
        at_s, pitch = n * beat_s, TUNE[n % len(TUNE)]
        messages += [
            (at_s, [0x90, pitch, 70 + n % 30]),
            (at_s + 0.3 * beat_s, [0xFE]),
            (at_s + 0.4 * beat_s, [0xF8]),
            (at_s + 0.5 * beat_s, [0xF0, 0x7D, 1, 2, 0xF7]),
            (at_s + 0.8 * beat_s, [0x90, pitch, 0] if n % 2 else [0x80, pitch, 64]),
        ]
    return messages


@dataclass
class Jam:
    """A finished run of `jam play`."""

    status: int
    output: str
    log: list[dict[str, Any]]
    recording: Recording
    record: Path
    sent_s: list[float]
    """When the player sent each message, on jam's clock."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.log if event["kind"] == kind]

    def sounded(self, part: str = "chords") -> list[dict[str, Any]]:
        return [event for event in self.of("sounded") if event["part"] == part]


def run_jam(
    environment: dict[str, str],
    folder: Path,
    seconds: float,
    options: list[str],
    typed: Sequence[tuple[float, str]] = (),
    beat_s: float = 0.5,
    also: Sequence[tuple[float, list[int]]] = (),
    meanwhile: Callable[[], object] | None = None,
) -> Jam:
    """`jam play` for so many seconds, then SIGTERM in the middle of the jam.

    meanwhile: runs on a thread of its own from when it plays.
    """
    log, record = folder / "log.jsonl", folder / "record.mid"
    command = [
        sys.executable,
        "-m",
        "jam",
        "play",
        "--midi-api",
        "jack",
        "--agent",
        "rules",
        "--count-in",
        "1",
        "--feel",  # on the grid, unless the options say otherwise
        "0",
        "--log",
        str(log),
        "--record",
        str(record),
        *options,
    ]
    with recorder(environment, folder) as out:
        jam = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert jam.stdin is not None and jam.stdout is not None
        first_lines = ""
        while "Type while" not in first_lines:
            line = jam.stdout.readline()
            assert line, f"jam play ended: {first_lines}"
            first_lines += line
        ticks = any(data == [0xF8] for _, data in also)  # whose clock is followed then
        tuned = [m for m in tune(seconds, beat_s) if not (ticks and m[1] == [0xF8])]
        player = play(environment, sorted([*tuned, *also]))
        start_s = time.monotonic()
        beside = threading.Thread(target=meanwhile or (lambda: None))
        beside.start()
        for at_s, line in typed:
            time.sleep(max(0.0, start_s + at_s - time.monotonic()))
            jam.stdin.write(line + "\n")
            jam.stdin.flush()
        time.sleep(max(0.0, start_s + seconds - time.monotonic()))
        jam.send_signal(signal.SIGTERM)
        output, _ = jam.communicate(timeout=20)
        beside.join()
        assert player.stdout is not None
        sent = player.stdout.read()
        player.wait(20)
        time.sleep(0.5)  # what still sounds after the end would be recorded
    events = [json.loads(line) for line in log.read_text().splitlines()]
    return Jam(
        jam.returncode, first_lines + output, events, load_recording(out), record, json.loads(sent)
    )


def tempo_map_of(jam: Jam) -> TempoMap:
    """The final tempo map, rebuilt from the log."""
    segments = jam.of("tempo")[-1]["segments"]
    return TempoMap(
        tuple(
            Segment(frame, start_s, bpm, Meter.parse(meter), bar_frame, bar)
            for frame, start_s, bpm, meter, bar_frame, bar in segments
        )
    )
