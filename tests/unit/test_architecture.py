"""Who may import whom. The rules are read from the sources, and one of them is tried out."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

FLOORS = (
    ("cli", "__main__"),
    ("engine", "server"),
    ("stage", "sessions", "preferences", "jobs"),
    ("performance", "audio", "practice", "voice"),
    ("charts",),
    ("sync",),
    ("roles",),
    ("agent", "notation", "accompaniment", "midi"),
    ("remote",),
    ("messages",),
    ("settings",),
    ("music",),
    ("clock", "system", "errors", "limits", "files", "checked"),
)
"""The rooms of `jam`, from the top floor down: an import goes down or stays, never up."""
PURE = (
    "music",
    "messages",
    "accompaniment",
    "roles",
    "agent",
    "notation",
    "charts",
    "settings",
    "errors",
    "limits",
)
"""Rooms without time, devices or files: what training and live play share."""
SHELLS = (
    "jam.agent.process",
    "jam.accompaniment.styles",
    "jam.accompaniment.players",
    "jam.charts.files",
    "jam.charts.midi",
    "jam.notation.musicxml",
)
"""What of them is not pure: a process, and what reads files."""
READERS = ("files", "midi.smf", "midi.numbers", "midi.chord_texts")
"""How a file of any origin is read: what `models` may import besides."""


def modules(package: str) -> list[str]:
    """Dotted names of a package's modules."""
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in (ROOT / package).rglob("*.py")
    )


def source(module: str) -> ast.Module:
    path = ROOT.joinpath(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(file.read_text(encoding="utf-8"))


def imports(node: ast.AST, only_at_start: bool = False) -> Iterator[str]:
    """Dotted names of what is imported; `only_at_start`: not those within functions.

    What is imported for type checking alone is never imported at run time, and left out.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute"
            assert child.module
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        elif not (only_at_start and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)):
            yield from imports(child, only_at_start)


def imported(node: ast.AST) -> Iterator[str]:
    """Dotted names of all that is imported anywhere, for type checking alone as well."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module
            yield from (f"{child.module}.{alias.name}" for alias in child.names)


def circles(graph: dict[str, set[str]]) -> list[list[str]]:
    """Groups of nodes each of which leads to every other (Tarjan 1972), of two nodes or more."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for after in graph[node]:
            if after not in index:
                visit(after)
                low[node] = min(low[node], low[after])
            elif after in stack:
                low[node] = min(low[node], index[after])
        if low[node] == index[node]:
            group = [stack.pop()]
            while group[-1] != node:
                group.append(stack.pop())
            if len(group) > 1:
                found.append(sorted(group))

    for node in graph:
        if node not in index:
            visit(node)
    return found


def roots(module: str, only_at_start: bool = False) -> set[str]:
    return {name.split(".")[0] for name in imports(source(module), only_at_start)}


def test_there_is_something_to_look_at() -> None:
    assert {"jam.cli.main", "jam.music.grid"} <= set(modules("jam"))
    assert {n.split(".")[1] for n in modules("jam") if n != "jam"} == {r for f in FLOORS for r in f}
    assert modules("models") and modules("ui")
    assert "numpy" in roots("jam.agent.anticipation")


@pytest.mark.parametrize("module", modules("jam"))
def test_jam_knows_neither_window_nor_network(module: str) -> None:
    forbidden = {"PyQt6", "torch", "models", "ui", "tests", "tools"}
    if module == "jam.cli.main":  # ties all together, when it has to
        assert not roots(module, only_at_start=True) & (forbidden | {"numpy"})
    else:
        assert not roots(module) & forbidden


def of_jam(module: str) -> set[str]:
    """What a module imports of `jam`: dotted names of modules that there are."""
    return {name for name in imports(source(module)) if name in set(modules("jam")) - {"jam"}}


def pure() -> list[str]:
    return [m for m in modules("jam") if m.split(".")[1:2] and m.split(".")[1] in PURE]


@pytest.mark.parametrize("module", modules("models"))
def test_models_know_only_the_music(module: str) -> None:
    assert not roots(module) & {"PyQt6", "ui", "tests", "tools"}
    readers = {f"jam.{name}" for name in READERS}
    rooms = {name.rpartition(".")[0] for name in readers}  # the package around a module
    assert of_jam(module) <= {*pure(), *readers, *rooms} - set(SHELLS)


@pytest.mark.parametrize("module", [m for m in pure() if m not in SHELLS])
def test_the_music_is_pure(module: str) -> None:
    """No device, process, file or clock; of the project only each other."""
    outside = {name for name in roots(module) if name not in sys.stdlib_module_names}
    assert outside <= {"jam", "numpy"}
    assert not roots(module) & {
        "asyncio",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "socket",
        "subprocess",
        "sys",
        "threading",
        "time",
    }
    assert of_jam(module) <= set(pure()) - {"jam.agent.process"}


@pytest.mark.parametrize("module", [m for m in modules("jam") if m != "jam"])
def test_an_import_never_goes_up(module: str) -> None:
    floor = {room: i for i, rooms in enumerate(FLOORS) for room in rooms}
    here = floor[module.split(".")[1]]
    up = {name for name in of_jam(module) if floor[name.split(".")[1]] < here}
    assert not up


def test_no_imports_run_in_a_circle() -> None:
    """Not even for type checking, nor within a function. A package is what its `__init__` says."""
    names = {*modules("jam"), *modules("models"), *modules("ui")}
    graph = {name: ({*imported(source(name))} & names) - {name} for name in names}
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"a"}}) == [["b", "c"]]
    assert not circles(graph)


@pytest.mark.parametrize("module", modules("ui"))
def test_the_window_knows_no_network(module: str) -> None:
    assert not roots(module) & {"models", "torch", "tests", "tools"}


@pytest.mark.parametrize("module", modules("jam") + modules("models") + modules("ui"))
def test_nothing_that_was_pickled_or_written_as_text_is_executed(module: str) -> None:
    assert not roots(module) & {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
    called = {
        node.func.id
        for node in ast.walk(source(module))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }
    assert not called & {"eval", "exec", "compile", "__import__"}


CLOCKS = {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"}


@pytest.mark.parametrize("module", modules("jam") + modules("ui"))
def test_there_is_one_clock(module: str) -> None:
    read = {
        node.attr
        for node in ast.walk(source(module))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "time"
    }
    named = {name for name in imports(source(module)) if name.startswith("time.")}
    assert module == "jam.clock" or not (read | {n.split(".")[1] for n in named}) & CLOCKS


def test_every_package_is_named() -> None:
    """What pyproject names is what there is, one by one."""
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    there = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for package in ("jam", "models", "ui")
        for path in (ROOT / package).rglob("__init__.py")
    }
    assert sorted(named) == sorted(there)


def loaded_after(code: str) -> set[str]:
    """Top-level modules that a new interpreter has loaded after some code."""
    script = f"import sys, json\n{code}\nprint(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return {name.split(".")[0] for name in json.loads(done.stderr.splitlines()[-1])}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["play", "--help"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
from jam.cli.main import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
"""
    heavy = {
        "PyQt6",
        "fluidsynth",
        "matplotlib",
        "mido",
        "models",
        "music21",
        "numpy",
        "rtmidi",
        "sounddevice",
        "torch",
        "ui",
    }
    loaded = loaded_after(code)
    assert "jam" in loaded
    assert not loaded & heavy


@pytest.mark.parametrize(
    "module", ["jam.stage.stage", "jam.agent.process", "jam.performance.offline"]
)
def test_the_processes_of_the_music_stay_light(module: str) -> None:
    assert not loaded_after(f"import {module}") & {"PyQt6", "torch", "models", "ui", "music21"}


def test_every_tool_can_be_loaded() -> None:
    """No benchmark may find only when it is run that what it measures isn't allowed any more."""
    tools = [n for n in modules("tools") if not {"fuzzing", "profiled"} & set(n.split("."))]
    assert "tools.bench_plans" in tools
    loaded_after("\n".join(f"import {name}" for name in tools))
