"""Too little memory ends in a sentence, and where it can in the agent of rules."""

from __future__ import annotations

import errno
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from jam.agent.process import cannot_load
from jam.agent.rules import RuleBasedPredictor
from jam.cli.main import NO_MEMORY_FOR_WINDOW, load_predictor, main
from jam.errors import NO_MEMORY, is_memory_short
from jam.system import memory_limit_bytes, mind_the_memory

ERRORS = [
    MemoryError(),
    RuntimeError("can't start new thread"),
    OSError(errno.ENOMEM, "Cannot allocate memory"),
    ImportError("libopenblas.so: cannot allocate memory in static TLS block"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_network_without_memory_has_the_rules_in_its_place(
    error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise error

    assert is_memory_short(error)
    monkeypatch.setattr("models.load_predictor", fails)
    predictor, said = load_predictor()
    assert isinstance(predictor, RuleBasedPredictor) and NO_MEMORY in said
    assert cannot_load(NO_MEMORY).count("\n") == 0


@pytest.mark.parametrize("error", ERRORS[:3], ids=repr)
def test_a_command_without_memory_says_so_in_a_line(
    error: Exception, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(_: object) -> int:
        raise error

    monkeypatch.setattr("jam.cli.main._run", fails)
    assert main(["styles"]) == 1
    assert capsys.readouterr().err == f"jam: {NO_MEMORY}\n"


def test_a_thread_without_memory_says_so_in_a_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails() -> None:
        raise ERRORS[1]

    monkeypatch.setattr(threading, "excepthook", threading.excepthook)
    mind_the_memory()
    thread = threading.Thread(target=fails)
    thread.start()
    thread.join()
    assert capsys.readouterr().err == f"jam: {NO_MEMORY}\n"


def test_a_window_that_would_have_no_memory_is_not_opened(tmp_path: Path) -> None:
    """Qt would draw nothing, or end the program."""
    code = (
        "import resource, sys; from jam.cli import main;"
        "resource.setrlimit(resource.RLIMIT_AS, (900 << 20, 900 << 20));"
        "main.has_screen = lambda: True;"
        "sys.exit(main.main(['window', '--private']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=Path.cwd()
    )
    assert done.returncode == 1
    assert done.stderr == f"jam: {NO_MEMORY_FOR_WINDOW}\n"


def test_an_engine_that_has_no_memory_for_its_threads_leaves_nothing_to_wait_for() -> None:
    code = (
        "import threading; from jam.cli.main import main; start = threading.Thread.start;\n"
        "def fails(self):\n"
        "    if self.name == '_supervise': raise RuntimeError(\"can't start new thread\")\n"
        "    start(self)\n"
        "if __name__ == '__main__':\n"
        "    threading.Thread.start = fails\n"
        "    raise SystemExit(main('play --private --agent rules --audio none'.split()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, cwd=Path.cwd()
    )
    assert (done.returncode, done.stderr) == (1, f"jam: {NO_MEMORY}\n")


def test_a_limit_that_nobody_sets_is_none() -> None:
    assert memory_limit_bytes() > 1 << 30
