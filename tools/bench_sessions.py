"""Benchmark of the library of sessions: `python -m tools.bench_sessions`.

A jam of the rule-based partner with a bundled tune, as fast as it goes, gives the logs that a real
jam would; a library of 2,000 sessions is listed, and searched letter by letter, as one types.
"""

from __future__ import annotations

import argparse
import math
import statistics
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from tqdm import tqdm

from jam.agent.anticipation import Anticipator
from jam.agent.rules import RuleBasedPredictor
from jam.clock import date_now
from jam.files import demo_tunes
from jam.messages.notes import SoundedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import SessionLog
from jam.midi.file import read_midi
from jam.performance.conductor import Conductor
from jam.performance.offline import melody_events
from jam.sessions.library import Library
from jam.sessions.rows import live_take_entry
from jam.sessions.session import LIVE_TAKE, TakeInfo
from jam.sessions.tape import Tape
from jam.settings import JamSettings

FRAMES_A_LOG = 2
TYPED = "blue bossa a minor 120"


def jam_logs(minutes: float, settings: JamSettings) -> list[SessionLog]:
    """The logs of a jam, the tune over and over."""
    conductor = Conductor(settings, 0.0, 1)
    tempo_map = conductor.tempo_map
    anticipator = Anticipator(RuleBasedPredictor(), 1)
    song = read_midi(demo_tunes()[0])
    end_s = song.tempo_map.seconds_at(math.ceil(song.end_frame))
    once = melody_events(song)
    events = deque(
        replace(e, note_id=e.note_id + 1000 * i, at_s=e.at_s + i * end_s)
        for i in range(math.ceil(minutes * 60 / end_s))
        for e in once
    )
    logs: list[SessionLog] = []
    sounded: set[int] = set()
    plans: list[Plan] = []
    played = []
    n_rows = 0
    for frame in range(int(tempo_map.position_at(60 * minutes))):
        now_s = tempo_map.seconds_at(frame + 0.5)
        while events and events[0].at_s < now_s:
            played.append(events.popleft())
            conductor.play(played[-1])
        if conductor.advance(now_s):
            plan = conductor.take(anticipator.plan(conductor.request()), now_s)
            plans.append(replace(plan, taken_s=now_s, compute_s=0.0123))
        if frame % FRAMES_A_LOG:
            continue
        due = [n for n in conductor.notes() if n.start_frame <= frame and n.note_id not in sounded]
        sounded.update(n.note_id for n in due)
        at = tempo_map.seconds_at
        pairs = [
            SoundedNote(n.note_id, n.pitch, velocity, n.part, at(f), at(f))
            for n in due
            for velocity, f in ((n.velocity, n.start_frame), (0, n.end_frame))
        ]
        rows = tuple(enumerate(conductor.rows))[n_rows:]
        n_rows += len(rows)
        logs.append(
            SessionLog(
                1,
                now_s,
                1,
                settings=((0.0, settings),) if not logs else (),
                played=tuple(played),
                sounded=tuple(pairs),
                plans=tuple(plans),
                rows=rows,
                tempo_map=tempo_map,
            )
        )
        plans, played = [], []
    return logs


def record(library: Library, logs: Sequence[SessionLog]) -> tuple[int, list[float]]:
    """Keep a jam as the writer does; the milliseconds of each transaction."""
    tape, took_ms = Tape(logs[0]), []
    live = TakeInfo(LIVE_TAKE, "As played", "live", tape.opening.settings, 1)
    with library.transaction():
        session_id = library.begin(tape.opening, date_now(), "Blue bossa", "")
        library.write(session_id, [live_take_entry(live)])
    for log in logs:
        began = time.perf_counter()
        with library.transaction():
            library.write(session_id, [*tape.take(log), tape.progress()])
        took_ms.append(1000 * (time.perf_counter() - began))
    with library.transaction():
        library.finish(session_id, "complete")
    return session_id, took_ms


def timed_ms(what: Callable[[], object], times: int = 20) -> str:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        what()
        took.append(1000 * (time.perf_counter() - began))
    return f"median {statistics.median(took):.1f} ms, worst {max(took):.1f} ms"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--sessions", type=int, default=2000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for lookahead in (4, 16):
            path = Path(folder) / f"jam{lookahead}.sqlite3"
            logs = jam_logs(args.minutes, JamSettings(bpm=100.0, lookahead_beats=lookahead))
            with Library(path) as library:
                _, took = record(library, logs)
            took.sort()
            size = path.stat().st_size / args.minutes / 1024
            print(
                f"lookahead {lookahead} beats: {size:.0f} KiB a minute; a transaction takes"
                f" {statistics.median(took):.1f} ms, 99 % under"
                f" {took[int(0.99 * len(took))]:.1f} ms"
            )
        path = Path(folder) / "jam4.sqlite3"
        with Library(path) as library:
            session_id = library.sessions()[0].id
            print(
                f"one session of {args.minutes:g} minutes loads in"
                f" {timed_ms(lambda: library.session(session_id), 5)}"
            )
            whole = library.session(session_id)
            small = replace(
                whole, rows=whole.rows[:256], plans=whole.plans[:256], notes=whole.notes[:64]
            )
            words = ("Blue", "Rain", "Evening", "Bossa", "Waltz", "Slow one", "Étude")
            for i in tqdm(range(args.sessions), "sessions", leave=False, disable=None):
                info = replace(
                    whole.info,
                    title=f"{words[i % 7]} {i}",
                    tags=(words[i % 5],),
                    started_at=whole.info.started_at - timedelta(hours=5 * i),
                )
                library.add(replace(small, info=info))
        print(f"{args.sessions} sessions, {path.stat().st_size / 2**20:.0f} MiB:")

        def open_and_list() -> None:
            with Library(path) as library:
                assert len(library.sessions()) > args.sessions

        print(f"  open and list: {timed_ms(open_and_list)}")
        with Library(path) as library:
            for end in (1, 4, 10, len(TYPED)):
                typed = TYPED[:end]
                print(f"  {typed!r}: {timed_ms(lambda typed=typed: library.sessions(typed))}")  # type: ignore[misc]


if __name__ == "__main__":
    main()
