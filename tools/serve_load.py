"""How many jams a server carries: players replayed from another process, as they played.

    python -m tools.serve_load --jams 4 8 16 32 --seconds 20
    python -m tools.serve_load --replicas 2 --jams 16 32 48
    python -m tools.serve_load --url ws://127.0.0.1:8765 --jams 16

Each player replays a melody of the bundled tunes or of --data at 120 beats a minute, frame by
frame: rows as a stage tells them, commitments as plans make them, surprises wherever the melody
isn't what was expected. A plan is in time when it is there before its first free frame begins. The
server is a process of its own; where no --url is given it is started here, on loopback, with
--replicas several of them, among whom the players are shared out as Ray does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from websockets.asyncio.client import connect

from jam.files import demo_tunes
from jam.messages.plans import AgentRequest, PlanRequest
from jam.midi.file import read_tune
from jam.music.grid import Meter, Place
from jam.music.rows import NO_CHORD, ChordState, MelodyState, Row
from jam.performance.offline import melody_line
from jam.remote import wire
from jam.settings import JamSettings

BPM = 120.0
COMMIT_BEATS = JamSettings().commit_beats
HEADING = " jams  plans/s  median ms  99 % ms  in time %  core  MiB a jam"


def melodies(data: list[Path]) -> list[tuple[list[MelodyState], Meter]]:
    """What is replayed."""
    if data:
        from models.data.piece import pieces
        from models.evaluation.contestants import melody_of, places_of

        found = [p for p in pieces(data, "valid") if p.n_frames >= 512]
        return [(melody_of(p), places_of(p)[0].meter) for p in found]
    tunes = [read_tune(path) for path in demo_tunes()]
    return [(melody_line(t), t.tempo_map.segments[0].meter) for t in tunes]


@dataclass
class Figures:
    """Of all players at once."""

    took_s: list[float] = field(default_factory=list)
    late: int = 0
    server_s: list[float] = field(default_factory=list)


async def player(
    url: str,
    number: int,
    tune: tuple[list[MelodyState], Meter],
    seconds: float,
    figures: Figures,
    commit_beats: int,
) -> None:
    """One jam, in real time; begins at a moment of its own within the first beat."""
    melody, meter = tune
    frame_s = 60.0 / (BPM * meter.frames_per_beat)
    settings = JamSettings(bpm=BPM, meter=meter, listen_bars=1, commit_beats=commit_beats)
    ahead = settings.lookahead_beats * meter.frames_per_beat
    commit = settings.commit_beats * meter.frames_per_beat
    chords: dict[int, ChordState] = {}
    committed_until, rng = 0, np.random.default_rng(number)
    silent_until = meter.frames_per_bar * settings.listen_bars
    async with connect(
        url, subprotocols=[wire.SUBPROTOCOL], compression=None, proxy=None, open_timeout=60,
        max_size=wire.ANSWER_BYTES, ping_interval=None,
    ) as socket:  # fmt: skip
        await socket.recv()
        await asyncio.sleep(float(rng.uniform(0, 0.5)))
        begin_s = time.monotonic()
        told = 0
        now, last = 0, int(seconds / frame_s)
        while now < last:
            close_s = begin_s + (now + 0.5) * frame_s
            await asyncio.sleep(max(0.0, close_s - time.monotonic()))
            # As a stage: what closed while an answer was waited for is told together.
            now = max(now + 1, int((time.monotonic() - begin_s) / frame_s + 0.5))
            rows = tuple(
                Row(melody[f % len(melody)], chords.get(f, NO_CHORD)) for f in range(told, now)
            )
            end = now + ahead
            due_s = begin_s + max(now, committed_until, silent_until) * frame_s
            request = PlanRequest(
                told,
                rows,
                tuple(chords[f] for f in range(now, committed_until)),
                tuple(Place(*divmod(f, meter.frames_per_bar), meter) for f in range(told, end)),
                ahead,
                commit,
                silent_until,
                settings,
                due_s,
            )
            sent_s = time.monotonic()
            ask = wire.ask_of(AgentRequest(1, number, request), now, sent_s)
            await socket.send(wire.encoded(ask))
            answer = wire.read_answer(bytes(await socket.recv(decode=False)))
            took_s = time.monotonic() - sent_s
            if not isinstance(answer, wire.Planned):
                told = 0
                continue
            told = now
            figures.took_s.append(took_s)
            figures.server_s.append(answer.server_s)
            figures.late += time.monotonic() > due_s
            plan = wire.plan_of(answer, 0.0)
            for i, state in enumerate(plan.chords):
                if (f := plan.start_frame + i) >= committed_until or f not in chords:
                    chords[f] = state
            committed_until = max(committed_until, plan.committed_until_frame)


@contextmanager
def server(extra: list[str]) -> Iterator[tuple[str, int]]:
    """A server of its own process: address and process number."""
    command = [sys.executable, "-m", "jam", "serve", "--port", "0", "--per-user", "5000"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [*command, "--players", "5000", *extra], stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        yield line.split()[-1], process.pid
    finally:
        process.terminate()
        process.wait(timeout=10)


def memory_mib(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def cpu_s(pid: int) -> float:
    """Processor time of a process so far."""
    after = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


async def load(
    urls: Sequence[str],
    jams: int,
    seconds: float,
    tunes: list[tuple[list[MelodyState], Meter]],
    commit_beats: int = COMMIT_BEATS,
) -> Figures:
    figures = Figures()
    await asyncio.gather(
        *(
            player(urls[n % len(urls)], n, tunes[n % len(tunes)], seconds, figures, commit_beats)
            for n in range(jams)
        )
    )
    return figures


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    p.add_argument("--url", help="of a server that runs already")
    p.add_argument("--jams", type=int, nargs="+", default=[1, 4, 8, 16, 24, 32])
    p.add_argument("--seconds", type=float, default=20.0)
    p.add_argument("--data", type=Path, nargs="*", default=[], help="lead sheets (JSONL)")
    p.add_argument("--replicas", type=int, default=1, help="servers that are started here")
    p.add_argument("--commit-beats", type=int, default=COMMIT_BEATS, help="of the players")
    p.add_argument("--device", help="of torch: see jam serve")
    p.add_argument("--json", type=Path, help="write the figures there too")
    args = p.parse_args()
    tunes = melodies(args.data)
    print(HEADING)
    rows = []
    for jams in args.jams:
        if args.url:
            rows.append(row([args.url], [], jams, args.seconds, tunes, args.commit_beats))
            continue
        extra = ["--device", args.device] if args.device else []
        with ExitStack() as stack:
            started = [stack.enter_context(server(extra)) for _ in range(args.replicas)]
            urls, pids = [url for url, _ in started], [pid for _, pid in started]
            rows.append(row(urls, pids, jams, args.seconds, tunes, args.commit_beats))
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1))


def row(
    urls: Sequence[str],
    pids: Sequence[int],
    jams: int,
    seconds: float,
    tunes: list[tuple[list[MelodyState], Meter]],
    commit_beats: int = COMMIT_BEATS,
) -> dict[str, float]:
    """What so many players got, and what the processes took for it; it is printed, too."""
    before_mib, before_s = sum(map(memory_mib, pids)), sum(map(cpu_s, pids))
    figures = asyncio.run(load(urls, jams, seconds, tunes, commit_beats))
    took = 1000 * np.array(figures.took_s)
    n = max(1, len(took))
    found = {
        "jams": jams,
        "plans_per_s": n / seconds,
        "median_ms": float(np.median(took)),
        "p99_ms": float(np.percentile(took, 99)),
        "in_time": 1 - figures.late / n,
        "cores": (sum(map(cpu_s, pids)) - before_s) / seconds,
        "mib_a_jam": (sum(map(memory_mib, pids)) - before_mib) / jams,
    }
    print(
        f"{jams:5} {found['plans_per_s']:8.1f} {found['median_ms']:10.1f} {found['p99_ms']:8.1f}"
        f" {100 * found['in_time']:10.2f} {found['cores']:5.2f} {found['mib_a_jam']:10.1f}",
        flush=True,
    )
    return found


if __name__ == "__main__":
    main()
