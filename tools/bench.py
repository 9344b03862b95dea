"""Benchmarks of the live loop: `make bench`. Prints percentiles, writes build/bench.json.

Real parts: a JACK server with a dummy device, a player in another process, the stage with synth
and audio stream, the agent. Each line is measured on the idle machine and again beside a torch
process that decodes without a pause and a window that repaints, which is how a jam runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from jam.anticipation import Anticipator, Predictor
from jam.audio import AudioChoice
from jam.cli import load_predictor, load_rules
from jam.clock import SystemClock
from jam.engine import Engine
from jam.grid import Meter, TempoMap
from jam.harmony import Chord
from jam.messages import NoteEvent, PlanRequest, SessionLog, Start
from jam.preferences import Preferences
from jam.rows import ChordState, MelodyState, Row
from jam.rules import ScriptedPredictor
from jam.settings import JamSettings
from jam.stage import StageChoice
from tests.jack import RATE, jack_server

NOTES_A_SECOND = 20
BPM = 300.0


@dataclass(frozen=True)
class Line:
    """One measurement."""

    name: str
    median: float
    p99: float
    worst: float
    unit: str
    n: int

    @classmethod
    def of(cls, name: str, values: Sequence[float], unit: str = "ms") -> Line:
        values = sorted(values)
        p99 = values[min(len(values) - 1, int(0.99 * len(values)))]
        return cls(name, statistics.median(values), p99, values[-1], unit, len(values))

    def __str__(self) -> str:
        return (
            f"{self.name:<58} {self.median:9.3f} {self.p99:9.3f} {self.worst:9.3f}"
            f" {self.unit:<9} {self.n:>6}"
        )


def load_busy_script() -> tuple[Predictor, str]:
    """A chord on every beat: 20 notes a second at 300 beats a minute."""
    chords = []
    for frame in range(200_000):
        chord = Chord((0, 5, 7, 9)[frame // 4 % 4], "maj")
        chords.append(ChordState(chord, frame % 4 == 0))
    return ScriptedPredictor(chords), ""


def decode_forever() -> None:
    """A torch Transformer step after another on one thread, at the agent's priority."""
    import torch

    os.nice(5)
    torch.set_num_threads(1)
    layer = torch.nn.TransformerEncoderLayer(256, 4, 1024, batch_first=True)
    model = torch.nn.TransformerEncoder(layer, 6, enable_nested_tensor=False).eval()
    x = torch.randn(1, 64, 256)
    with torch.inference_mode():
        while True:
            model(x)


def pitch_of(n: int) -> int:
    """Pitch of the player's note number n: the same again only after 24 notes."""
    return 60 + (7 * n) % 24


def match(sent_s: Sequence[float], played: Sequence[NoteEvent]) -> list[tuple[float, NoteEvent]]:
    """Each note that arrived with the time at which it was sent.

    On a machine that can't keep up, JACK drops whole cycles with what they carried.
    """
    pairs = []
    n = 0
    for note in played:
        while n < len(sent_s) and pitch_of(n) != note.pitch:
            n += 1
        if n < len(sent_s):
            pairs.append((sent_s[n], note))
        n += 1
    return pairs


def play_notes(environment: dict[str, str], seconds: float) -> subprocess.Popen[str]:
    """Start a player process that sends notes at random-like pitches, evenly in time."""
    messages: list[tuple[float, list[int]]] = []
    for n in range(int(seconds * NOTES_A_SECOND)):
        at_s, pitch = n / NOTES_A_SECOND, pitch_of(n)
        messages.append((at_s, [0x90, pitch, 80]))
        messages.append((at_s + 0.6 / NOTES_A_SECOND, [0x80, pitch, 0]))
    player = subprocess.Popen(
        [sys.executable, "-m", "tests.jack_player"],
        env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert player.stdin is not None
    player.stdin.write(json.dumps(messages))
    player.stdin.close()
    return player


def resident_mb(pids: Sequence[int]) -> float:
    """Memory of processes: proportional set size where the system tells it, in MB."""
    total = 0.0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += float(line.split()[1]) / 1000
    return total


def live_loop(
    environment: dict[str, str], seconds: float, block_frames: int, loaded: bool, audio: str
) -> list[Line]:
    """One run of the live loop: its lines, each named after the layout."""
    where = f"{'torch and window beside' if loaded else 'idle'}, {audio or 'sounddevice'}"
    where += f", blocks of {block_frames}"
    logs: list[SessionLog] = []
    settings = JamSettings(bpm=BPM, listen_bars=0, count_in_bars=0, metronome=False)
    choice = StageChoice(settings, AudioChoice(audio, RATE, block_frames), "jack")
    decoder = multiprocessing.get_context("spawn").Process(target=decode_forever, daemon=True)
    if loaded:
        decoder.start()
        time.sleep(4)  # torch has been imported
    clock = SystemClock()
    started_s = clock.now_s()
    engine = Engine(choice, load_busy_script, logs.append)
    engine.wait_until_up()
    up_s = clock.now_s() - started_s
    time.sleep(1.0)
    before = engine.snapshot()
    engine.send(Start(1))
    player = play_notes(environment, seconds)
    memory_mb = 0.0
    sent_s: list[float] = []
    assert player.stdout is not None
    stamps = player.stdout
    if loaded:
        from ui.app import run

        def end() -> None:
            nonlocal memory_mb
            sent_s.extend(json.loads(stamps.read().splitlines()[-1])[::2])
            time.sleep(0.5)
            pids = [os.getpid(), engine._stage.pid or 0, engine._agent.pid or 0]
            memory_mb = resident_mb(pids)
            signal.raise_signal(signal.SIGTERM)

        ending = threading.Thread(target=end)
        ending.start()
        run(engine, Preferences(settings))
        ending.join()
    else:
        sent_s.extend(json.loads(stamps.read().splitlines()[-1])[::2])
        time.sleep(0.5)
    after = engine.snapshot()
    engine.close()
    if loaded:
        decoder.kill()
    played = [e for log in logs for e in log.played if isinstance(e, NoteEvent) and e.velocity]
    sounded = [e for log in logs for e in log.sounded if e.velocity and e.part == "chords"]
    assert before is not None and after is not None
    matched = match(sent_s, played)
    dropouts = after.counters.dropouts - before.counters.dropouts
    lines = [
        Line.of(
            f"MIDI sent to synth note-on ({where})",
            [1000 * (note.heard_s - s) for s, note in matched],
        ),
        Line.of(
            f"  of it: callback to synth ({where})", [1000 * (e.heard_s - e.at_s) for e in played]
        ),
        Line.of(
            f"scheduler error at the MIDI output ({where})",
            [1000 * (e.sent_s - e.due_s) for e in sounded],
        ),
        Line.of(f"notes lost by the MIDI system ({where})", [len(sent_s) - len(matched)], "notes"),
        Line.of(f"audio dropouts ({where})", [60 * dropouts / seconds], "a minute"),
        Line.of(f"late plans ({where})", [after.counters.late_plans], "plans"),
        Line.of(f"start to stage up ({where})", [up_s], "s"),
    ]
    if memory_mb:
        lines.append(Line.of(f"memory of all processes ({where})", [memory_mb], "MB"))
    return lines


def plan_times(predictor: Predictor, history_frames: int = 256, n: int = 200) -> list[Line]:
    """Time of a full plan (a surprise at every frame) and of one whose row was expected."""
    settings = JamSettings()
    tempo_map = TempoMap.constant(settings.bpm, Meter(4, 4))
    clock = SystemClock()
    lines = []
    for what in ("surprise", "expected"):
        anticipator = Anticipator(predictor, 1)
        predictor.rewind(0)
        rows = [Row(MelodyState(60 + (5 * i) % 17, i % 2 == 0)) for i in range(history_frames)]
        first, expected, times_ms = 0, MelodyState(), []
        committed: tuple[ChordState, ...] = ()
        for i in range(n):
            places = tuple(tempo_map.place(f) for f in range(first, len(rows) + 17))
            request = PlanRequest(first, tuple(rows[first:]), committed, places, 16, 8, 0, settings)
            begin_s = clock.now_s()
            plan = anticipator.plan(request)
            times_ms.append(1000 * (clock.now_s() - begin_s))
            first = len(rows)
            expected = plan.expected_melody[0]
            surprise = MelodyState(48 + (7 * i) % 31, True)
            rows.append(Row(surprise if what == "surprise" else expected, plan.chords[0]))
            committed = plan.chords[1 : plan.committed_until_frame - plan.start_frame]
        name = f"plan of 16 frames, {predictor.name}, {history_frames} frames, {what}"
        lines.append(Line.of(name, times_ms[20:]))
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=105.0, help="of each live run")
    parser.add_argument("--blocks", type=int, nargs="+", default=[256])
    parser.add_argument("--own-driver", action="store_true", help="FluidSynth's JACK driver too")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    args = parser.parse_args()
    lines: list[Line] = []
    print(f"{'':<58} {'median':>9} {'p99':>9} {'worst':>9} {'unit':<9} {'n':>6}")

    def add(new: list[Line]) -> None:
        lines.extend(new)
        print(*new, sep="\n", flush=True)

    for load in (load_rules, load_predictor):
        predictor, message = load()
        if load is load_predictor and predictor.name == "rules":
            print(message)
            continue
        for history_frames in (256,) if load is load_rules else (64, 256, 1024):
            add(plan_times(predictor, history_frames))
    for block_frames in args.blocks:
        with jack_server(block_frames) as environment:
            os.environ.update(environment)
            for audio in ["", "fluidsynth:jack"][: 1 + args.own_driver]:
                for loaded in (False, True):
                    add(live_loop(environment, args.seconds, block_frames, loaded, audio))
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
