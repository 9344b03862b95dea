"""Benchmarks: `make bench`. Prints percentiles and a Markdown table, writes build/bench.json.

`make bench ARGS="--only plan,wire"` measures some of it, and `ARGS="--only live --seconds 600
--blocks 512 256"` counts dropouts in ten minutes. The live loop has real parts: a JACK server with
a dummy device, a player in another process, the stage with synth and audio stream, the agent. Each
line is measured on the idle machine and again beside a torch process that decodes without a pause
and a window that repaints, which is how a jam runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from jam.agent.predictor import Predictor
from jam.agent.rules import ScriptedPredictor
from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, Start
from jam.messages.notes import NoteEvent
from jam.messages.snapshot import SessionLog
from jam.music.chord import Chord
from jam.music.rows import ChordState
from jam.preferences import Preferences
from jam.settings import JamSettings
from tools import bench_plans
from tools.bench_hand import hand_lines
from tools.bench_lines import HEADER, Line
from tools.bench_window import window_lines
from tools.support.jack import RATE, jack_server

NOTES_A_SECOND = 20
BPM = 300.0


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
        [sys.executable, "-m", "tools.support.jack_player"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
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
    devices = DeviceChoice(audio, RATE, block_frames, midi_api="jack")
    decoder = multiprocessing.get_context("spawn").Process(target=decode_forever, daemon=True)
    if loaded:
        decoder.start()
        time.sleep(4)  # torch has been imported
    clock = SystemClock()
    started_s = clock.now_s()
    engine = Engine(settings, devices, load_busy_script, logs.append)
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
            pids = [os.getpid(), engine.stage_pid or 0, engine.agent_pid or 0]
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
            f"scheduler error at the MIDI output ({where})", [1000 * e.late_s for e in sounded]
        ),
        Line.of(f"notes lost by the MIDI system ({where})", [len(sent_s) - len(matched)], "notes"),
        Line.of(f"audio dropouts ({where})", [60 * dropouts / seconds], "a minute"),
        Line.of(f"late plans ({where})", [after.counters.late_plans], "plans"),
        Line.of(f"start to stage up ({where})", [up_s], "s"),
    ]
    if memory_mb:
        lines.append(Line.of(f"memory of all processes ({where})", [memory_mb], "MB"))
    return lines


def live(args: argparse.Namespace) -> Iterator[Line]:
    """MIDI, scheduler and sound in the live loop, by size of block, idle and beside a load."""
    for block_frames in args.blocks:
        with jack_server(block_frames, realtime=False) as environment:
            os.environ.update(environment)
            for audio in ["", "fluidsynth:jack"][: 1 + args.own_driver]:
                for loaded in (False, True):
                    yield from live_loop(environment, args.seconds, block_frames, loaded, audio)


SECTIONS: dict[str, Callable[[argparse.Namespace], Iterator[Line]]] = {
    "plan": lambda _: bench_plans.plans(),
    "wire": lambda _: bench_plans.wire(),
    "live": live,
    "hand": lambda args: hand_lines(args.seconds),
    "window": lambda args: window_lines(args.seconds),
}
"""Name to what measures it: one function each, from the command line's arguments to lines."""


def sections(text: str) -> list[str]:
    """Names between commas, in the order of SECTIONS."""
    wanted = set(text.split(","))
    if unknown := sorted(wanted - set(SECTIONS)):
        raise argparse.ArgumentTypeError(f"no section {unknown[0]!r}: {', '.join(SECTIONS)}")
    return [name for name in SECTIONS if name in wanted]


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        type=sections,
        default=list(SECTIONS),
        metavar="NAMES",
        help=f"some of {','.join(SECTIONS)}",
    )
    parser.add_argument(
        "--seconds",
        type=float,
        default=60.0,
        help="of each live run (600: dropouts in ten minutes)",
    )
    parser.add_argument("--blocks", type=int, nargs="+", default=[256])
    parser.add_argument("--own-driver", action="store_true", help="FluidSynth's JACK driver too")
    parser.add_argument("--out", type=Path, default=Path("build/bench.json"))
    args = parser.parse_args()
    lines: list[Line] = []
    print(HEADER)
    for name in args.only:
        for line in SECTIONS[name](args):
            lines.append(line)
            print(line, flush=True)
    if text := bench_plans.table(lines):
        print(f"\n{text}\n")
    args.out.parent.mkdir(exist_ok=True)
    args.out.write_text(json.dumps([asdict(line) for line in lines], indent=1) + "\n")
    print(f"written: {args.out}")


if __name__ == "__main__":
    main()
