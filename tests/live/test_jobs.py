"""Work in a process of its own: results, progress, errors, cancelling."""

from __future__ import annotations

import os
import time
from pathlib import Path

from jam.errors import BadInput
from jam.jobs import Done, Failed, Job, Progress, Working
from tests.support.waiting import until


def count(progress: Progress, up_to: int) -> int:
    for i in range(up_to):
        progress(i, up_to)
    return up_to


def complain(_progress: Progress) -> None:
    raise BadInput("no such thing")


def vanish(_progress: Progress) -> None:
    os._exit(7)


def linger(progress: Progress, mark: Path) -> None:
    try:
        mark.touch()
        progress(1, 2)
        time.sleep(60)
    finally:
        mark.unlink()


def finished(job: Job[object]) -> Done[object] | Failed:
    states: list[Done[object] | Failed] = []

    def ended() -> bool:
        if not isinstance(state := job.poll(), Working):
            states.append(state)
        return bool(states)

    until(ended, "it never ends")
    job.close()
    return states[0]


def test_a_result_and_an_error_come_back() -> None:
    good: Job[object] = Job(count, 5)
    bad: Job[object] = Job(complain)
    gone: Job[object] = Job(vanish)
    assert finished(good) == Done(5)
    assert finished(bad) == Failed("no such thing")
    assert finished(gone) == Failed("it ended by itself (status 7)")


def test_a_cancelled_job_tidies_up(tmp_path: Path) -> None:
    mark = tmp_path / "unfinished"
    job: Job[None] = Job(linger, mark)
    until(lambda: job.poll() == Working(1, 2))
    assert mark.exists()
    job.close()
    assert not mark.exists()
