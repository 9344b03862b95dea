"""What the command line prints while music is being made."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from jam.clock import SystemClock
from jam.demo import wait_while
from jam.dropouts import Advice, DropoutWatch
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
    bars, dropouts, clock = BarTeller(recorder), DropoutWatch(), SystemClock()
    advised: Advice | None = None

    def going_on() -> bool:
        nonlocal said, advised
        snapshot = engine.snapshot()
        if snapshot is not None:
            news = snapshot.message
            if snapshot.agent_state in ("gone", "restarted"):
                news = news or f"The partner is {snapshot.agent_state}."
            elif snapshot.phase == "behind" and snapshot.counters.late_plans:
                news = news or "The partner is behind."
            for line in news.splitlines():
                if line not in said.splitlines():
                    print(line, flush=True)
            said = news
            advice = dropouts.look(snapshot, clock.now_s())
            if advice is not None and advice != advised:
                print(advice_in_words(advice), flush=True)
            advised = advice
            bars.say()
        return engine.alive

    wait_while(going_on, seconds, stop)


def advice_in_words(advice: Advice) -> str:
    """What is said of a sound that drops out often, with what to type."""
    frames = advice.block_frames
    return f"{advice.text}" + (f" (type: buffer {frames})." if frames else ".")


class BarTeller:
    """Prints each bar's chords when it is over, at the same cost however long the jam is."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._first_frame = self._said = 0

    def say(self) -> None:
        """Print what is new."""
        tempo_map, chords = self._recorder.tempo_map, self._recorder.chords
        if tempo_map is None:
            return
        if len(chords) < self._first_frame:  # another session
            self._first_frame = self._said = 0
        while (end := tempo_map.next_bar_frame(self._first_frame + 1)) < len(chords):
            (cell,) = chart_cells(chords[self._first_frame : end], tempo_map, self._first_frame)
            self._first_frame, self._said = end, self._said + 1
            print(f"bar {self._said:>3} | {cell}", flush=True)


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
