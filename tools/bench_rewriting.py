"""Benchmark of rewriting: `python -m tools.bench_rewriting`.

Four proposals for four bars in a jam of two minutes, as review asks for them: in a process of its
own, from the library to takes with the notes of the band. Wall time, best and median of runs, and
the processor's time of the work alone, which other programs on the machine don't change.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from jam.agent.rewriting import REWRITTEN_PARTS
from jam.cli.main import load_rewriter
from jam.jobs import Done, Failed, Job
from jam.performance.rewriting import RewriteWish, Selection
from jam.sessions.library import Library
from jam.sessions.tasks import propose
from jam.settings import JamSettings
from tools.support.session_parts import made_session, played_tune

SETTINGS = JamSettings(bpm=120.0)


def worked_s(library: Path, session_id: int, wish: RewriteWish) -> float:
    """Processor seconds from the wish to the proposals, in this process."""
    began_s = time.process_time()
    propose(lambda *_: None, library, session_id, 0, wish, SETTINGS, load_rewriter)
    return time.process_time() - began_s


def waited_s(library: Path, session_id: int, wish: RewriteWish) -> float:
    """Seconds from the wish to the proposals, as a job."""
    began_s = time.monotonic()
    job = Job(propose, library, session_id, 0, wish, SETTINGS, load_rewriter)
    while not isinstance(state := job.poll(), Done | Failed):
        time.sleep(0.01)
    job.close()
    assert isinstance(state, Done), state
    return time.monotonic() - began_s


def main() -> None:
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--runs", type=int, default=5)
    args = p.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "library.sqlite3"
        with Library(path) as library:
            session_id = library.add(made_session(played_tune(240, 0.5))).id
        for part in REWRITTEN_PARTS:
            wish = RewriteWish(Selection(20, 23, part), 4)
            for measure, words in ((worked_s, "processor time"), (waited_s, "as a job")):
                times_s = [measure(path, session_id, wish) for _ in range(args.runs)]
                print(
                    f"{part}, {words}: median {statistics.median(times_s):.2f} s,"
                    f" best {min(times_s):.2f} s"
                )


if __name__ == "__main__":
    main()
