"""Settings of the whole suite, and what several tests need."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# No test depends on the speed of the machine, and CI finds the same examples every time;
# `HYPOTHESIS_PROFILE=search` looks for new ones.
settings.register_profile(
    "default", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("quick", settings.get_profile("default"), max_examples=25)
settings.register_profile("search", deadline=None, max_examples=1000)

# Whatever is played is recorded: not among the sessions of whoever runs the tests, nor with the
# settings of theirs.
TESTS = Path(__file__).parent
_AT_ANY_SPEED = ("test_hostile", "test_cli", "test_jobs")
"""Of tests/live: they start processes that play nothing in time."""
_home = tempfile.TemporaryDirectory(prefix="jam-tests-")
# Two workers on two cores, beside who else works there: a pool of threads each makes all slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# The grand piano's samples take a second to decode: tests that are about it say so.
os.environ["JAM_SOUNDFONT"] = str(TESTS.parent / "assets" / "FluidR3Mono_GM.sf3")
os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = _home.name


def pytest_configure(config: pytest.Config) -> None:
    """The quick half draws a quarter of the examples."""
    usual = "quick" if config.option.markexpr == "not live" else "default"
    settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", usual))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """The quick half shares the cores out; tests in real time have the machine to themselves."""
    return 2 if config.option.markexpr in ("not live", "not real_time") else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in tests/live starts processes or JACK; `-m "not live"` leaves it out.

    Most of that runs in real time, and alone. Windows share one screen and its focus: one process
    shows them all.
    """
    for item in items:
        if TESTS / "live" in item.path.parents:
            item.add_marker("live")
            if item.path.stem not in _AT_ANY_SPEED:
                item.add_marker("real_time")
        if TESTS / "ui" in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("screen"))


@pytest.fixture
def bench(qtbot: Any) -> Iterator[Any]:
    """A window on an engine that only pretends; see tests.support.ui_bench.Bench."""
    from tests.support.ui_bench import Bench

    made = Bench()
    made.window.show()
    qtbot.waitExposed(made.window)
    made.tick()
    yield made
    made.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A JACK server of the test's own, found by every process that it starts."""
    from tools.support.jack import JackServer

    server = JackServer(f"jamdevices{os.getpid()}")
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(name, server.environment[name])
    yield server
    server.close()
