"""What the command line prints while music is being made."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jam.demo import wait_while
from jam.engine import Engine
from jam.messages import Snapshot
from jam.records import Recorder, chart_cells


def say_devices(snapshot: Snapshot) -> None:
    """One line each: what is open, what is missing."""
    devices = snapshot.devices
    if devices.midi_inputs:
        print(f"MIDI ({devices.midi_api}) in: {', '.join(devices.midi_inputs)};"
              f" out: {', '.join(devices.midi_outputs) or 'none'}")  # fmt: skip
    if devices.audio:
        print(f"Audio: {devices.audio}, {devices.sample_rate} Hz, blocks of"
              f" {devices.block_frames}, {devices.audio_latency_ms:.1f} ms")  # fmt: skip
    for problem in devices.problems:
        print(problem)
    sys.stdout.flush()


def watch(engine: Engine, recorder: Recorder, seconds: float | None, stop: threading.Event) -> None:
    """Print each bar's chords when it is over, and news, until the time is up or `stop` is set."""
    said = ""
    bars_said = 0

    def going_on() -> bool:
        nonlocal said, bars_said
        snapshot = engine.snapshot()
        if snapshot is not None:
            news = snapshot.message
            if snapshot.agent_state in ("gone", "restarted"):
                news = news or f"The partner is {snapshot.agent_state}."
            for line in news.splitlines():
                if line not in said.splitlines():
                    print(line, flush=True)
            said = news
            bars_said = _say_bars(recorder, bars_said)
        return engine.alive

    wait_while(going_on, seconds, stop)


def _say_bars(recorder: Recorder, said: int) -> int:
    """Print the bars that are over and were not printed yet; returns how many are printed."""
    take = recorder.take()
    cells = chart_cells(take.chords, take.tempo_map)
    for number, cell in list(enumerate(cells, 1))[said:-1]:
        print(f"bar {number:>3} | {cell}", flush=True)
    return max(said, len(cells) - 1)


@contextmanager
def progress_bar(what: str, unit: str = "frame") -> Iterator[Callable[[int, int], None]]:
    """A progress bar on the terminal for what takes over a second (none where the output isn't
    a terminal)."""
    from tqdm import tqdm

    hidden = not sys.stderr.isatty()
    with tqdm(desc=what, unit=unit, leave=False, delay=0.5, disable=hidden) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield progress
