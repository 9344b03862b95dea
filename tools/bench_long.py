"""A jam of twelve hours, made up: python -m tools.bench_long [--hours 12]

Recorded as a real one is, log by log, but as fast as it goes; then opened and exported. Each
line tells the time and how much the process grew, each in a process of its own.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from jam.audio.sound_file import Music
from jam.messages.notes import NoteEvent, SoundedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SessionLog
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.rows import ChordState, MelodyState, Row
from jam.sessions.check import check
from jam.sessions.exports import export
from jam.sessions.library import Library
from jam.sessions.recorder import SessionWriter
from jam.settings import JamSettings

BPM, AT_ONCE, PAGE_BYTES = 60.0, 64, 4096
"""Four frames a second: twelve hours have 172,800. So many frames are in a log."""
_CHORDS = (Chord(0, "maj7"), Chord(9, "min7"), Chord(2, "min7"), Chord(7, "7"))


def chord_at(frame: int) -> ChordState:
    return ChordState(_CHORDS[frame // 8 % 4], frame % 8 == 0)


def long_logs(hours: float) -> Iterator[SessionLog]:
    """A note in every second frame, a chord of three notes and a bass in every second beat."""
    tempo_map = TempoMap.constant(BPM, Meter(), 100.0)
    at = tempo_map.seconds_at
    n_frames = int(hours * 3600 * BPM / 60 * 4)
    for first in range(0, n_frames, AT_ONCE):
        frames = range(first, min(first + AT_ONCE, n_frames))
        played, sounded, plans = [], [], []
        for f in frames:
            if f % 2 == 0:
                pitch = 60 + f // 2 * 7 % 12
                played.append(NoteEvent(f + 1, pitch, 70 + f % 30, at(f)))
                played.append(NoteEvent(f + 1, pitch, 0, at(f + 1.5)))
            if f % 8 == 0:
                for i, pitch in enumerate((48, 52, 55, 36)):
                    part = "chords" if i < 3 else "bass"
                    number = 10 * f + i
                    sounded.append(SoundedNote(number, pitch, 60, part, at(f), at(f)))
                    sounded.append(SoundedNote(number, pitch, 0, part, at(f + 7), at(f + 7)))
            chords = tuple(chord_at(g) for g in range(f + 1, f + 17))
            melody = tuple(MelodyState(60 + f % 12, g % 2 == 0) for g in range(16))
            plans.append(Plan(f, f + 1, f + 9, chords, melody, (0.5,) * 16, "neural", 0.01, at(f)))
        rows = tuple(
            (f, Row(MelodyState(60 + f // 2 * 7 % 12, f % 2 == 0), chord_at(f))) for f in frames
        )
        settings = ((at(0) - 1, JamSettings(bpm=BPM)),) if first == 0 else ()
        yield SessionLog(
            1,
            at(frames[-1]),
            3,
            frames[-1] == n_frames - 1,
            settings,
            Counters(),
            tuple(played),
            tuple(sounded),
            tuple(plans),
            rows,
            tempo_map,
        )


def memory_mib(most: bool = False) -> float:
    """Of this process: now, or at most so far."""
    text = Path("/proc/self/status").read_text()
    name = "VmHWM:" if most else "VmRSS:"
    return int(text.split(name)[1].split()[0]) / 1024


def record(path: Path, hours: float) -> None:
    before_mib = grown = memory_mib()
    writer = SessionWriter(path, title="long")
    for number, log in enumerate(long_logs(hours)):
        writer.take_log(log)
        while writer._queue.qsize() > 20:  # as fast as it goes, and no faster
            time.sleep(0.002)
        if number % 200 == 0:
            grown = memory_mib()
            if number % 600 == 0:
                done_h = number * AT_ONCE / 4 / 3600
                print(
                    f"  recording, hour {done_h:.1f}: {grown:.0f} MiB (at first {before_mib:.0f})"
                )
    writer.close()
    print(f"  recorded: {memory_mib():.0f} MiB, at most {memory_mib(True):.0f} {writer.trouble}")


def _timed(what: Callable[[], object], name: str) -> None:
    before_mib, began_s = memory_mib(), time.perf_counter()
    what()
    took_s = time.perf_counter() - began_s
    print(f"{name}: {took_s:.2f} s, grown by {memory_mib(True) - before_mib:.0f} MiB at most")


def opened(path: Path, hours: float) -> None:
    """As the page Review opens it, at several places."""
    from ui.review.content import content_of

    with Library(path) as library:
        outline = None
        for at_h in (0.0, hours / 2, hours - 0.1):

            def work(at_s: float = at_h * 3600) -> None:
                nonlocal outline
                excerpt = library.excerpt(1, 0, at_s, outline)
                outline = excerpt.outline
                content_of(excerpt)

            _timed(work, f"opened at hour {at_h:.1f}")


def read_whole(path: Path) -> None:
    with Library(path) as library:
        _timed(lambda: library.session(1), "read whole")


def exported(path: Path, suffix: str) -> None:
    def work() -> None:
        with Library(path) as library, library.stored(1) as session:
            export(session, path.with_suffix(suffix))

    _timed(work, f"opened and exported as {suffix}")


def repaired(path: Path, what: str) -> None:
    """what: "rewritten", a session of which something is wrong; "rebuilt", a damaged file."""
    copy = path.with_name(f"{what}.sqlite3")
    shutil.copyfile(path, copy)
    if what == "rewritten":
        with sqlite3.connect(copy) as db:
            db.execute("UPDATE sessions SET n_notes = n_notes + 1")
        db.close()
    else:
        with copy.open("r+b") as file:
            file.seek(-PAGE_BYTES, os.SEEK_END)
            file.write(bytes(PAGE_BYTES))
    _timed(lambda: print(*check(copy, repair=True).repairs, sep="; "), what)


def sound_begun(path: Path) -> None:
    """All that a sound file needs before its first sample."""
    with Library(path) as library, library.stored(1) as session:
        notes = session.takes[0].take.timed_notes
        _timed(lambda: Music(notes(), (), {}, {}, 48_000, None), "notes of a sound file")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=12.0)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.sqlite3"
        for work, *values in (
            (record, args.hours),
            (opened, args.hours),
            (read_whole,),
            (exported, ".mid"),
            (exported, ".json"),
            (sound_begun,),
            (repaired, "rewritten"),
            (repaired, "rebuilt"),
        ):
            process = multiprocessing.get_context("spawn").Process(
                target=work, args=(path, *values)
            )
            process.start()
            process.join()
        print(f"its library: {path.stat().st_size / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
