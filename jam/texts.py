"""What the command line prints while music is being made."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from jam.accompaniment import style_named
from jam.demo import wait_while
from jam.engine import Engine
from jam.errors import BadInput
from jam.grid import Meter
from jam.messages import ChangeSettings, Panic, Snapshot, Start, Stop
from jam.records import Recorder, chart_cells
from jam.settings import JamSettings


def say_devices(snapshot: Snapshot) -> None:
    """One line each: what is open, what is missing."""
    devices = snapshot.devices
    if devices.midi_inputs:
        print(f"MIDI ({devices.midi_api}) in: {', '.join(devices.midi_inputs)};"
              f" out: {', '.join(devices.midi_outputs) or 'none'}")  # fmt: skip
    if devices.audio:
        print(f"Audio: {devices.audio}, {devices.audio_latency_ms:.1f} ms")
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
            if news and news != said:
                print(news, flush=True)
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


COMMANDS = (
    "bpm, meter, style, lookahead, commit, listen, temperature, futures,"
    " adventurous VALUE; start, stop, panic, quit"
)

_NUMBERS: dict[str, type[int] | type[float]] = {
    "bpm": float, "temperature": float, "futures": int, "adventurous": float,
    "lookahead_beats": int, "commit_beats": int, "listen_bars": int,
}  # fmt: skip


def follow_commands(
    lines: Iterable[str], engine: Engine, settings: JamSettings, seed: int, quit_: threading.Event
) -> None:
    """Carry out what is typed while the jam goes on: "bpm 120", "meter 3/4", "panic", "quit".

    Runs on: a thread of its own, until the input ends.
    """
    for line in lines:
        word, _, value = line.strip().partition(" ")
        try:
            match word:
                case "":
                    continue
                case "quit":
                    quit_.set()
                    return
                case "start":
                    engine.send(Start(seed))
                case "stop":
                    engine.send(Stop())
                case "panic":
                    engine.send(Panic())
                case _:
                    settings = _changed(settings, word, value.strip())
                    engine.send(ChangeSettings(settings))
        except BadInput as error:
            print(f"jam: {error}", file=sys.stderr)


def _changed(settings: JamSettings, word: str, value: str) -> JamSettings:
    """Settings with one value typed by the user. Raises BadInput."""
    if word == "meter":
        return settings.changed(meter=Meter.parse(value))
    if word == "style":
        return settings.changed(accompaniment=style_named(value).name)
    name = {"lookahead": "lookahead_beats", "commit": "commit_beats", "listen": "listen_bars"}.get(
        word, word
    )
    if name not in _NUMBERS:
        raise BadInput(f"no such command: {word!r} (there are {COMMANDS})")
    try:
        number = _NUMBERS[name](float(value))
    except (ValueError, OverflowError):
        raise BadInput(f"{word} {value!r}: not a number") from None
    return settings.changed(**{name: number})
