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
settings.register_profile("search", deadline=None, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))

# Whatever is played is recorded: not among the sessions of whoever runs the tests, nor with the
# settings of theirs.
LIVE = Path(__file__).parent / "live"
_home = tempfile.TemporaryDirectory(prefix="jam-tests-")
os.environ["XDG_DATA_HOME"] = os.environ["XDG_CONFIG_HOME"] = _home.name


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What lies in tests/live starts processes or JACK; `-m "not live"` leaves it out."""
    for item in items:
        if LIVE in item.path.parents:
            item.add_marker("live")


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
    from tests.support.jack import JackServer

    server = JackServer(f"jamdevices{os.getpid()}")
    for name in ("JACK_DEFAULT_SERVER", "JACK_NO_START_SERVER"):
        monkeypatch.setenv(name, server.environment[name])
    yield server
    server.close()
