"""Measure the house: rooms, lines, circles of imports, and how many hands a note passes through.

python -m tools.house                    this checkout
python -m tools.house --root OTHER       another one, of whatever layout
python -m tools.house --ways             and the ways of a note, a plan and a session (30 s, JACK)
python -m tools.house --map              writes docs/map.md: one line for every file

A circle is a set of modules each of which imports the others in the end; imports within functions
and for type checking count. A function is on a way when it is called with the thing in its hands.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("jam", "models", "ui")
PITCH = 101
"""Of the note that is followed; as in profiled/sitecustomize.py."""


def modules(root: Path) -> dict[str, Path]:
    """Dotted name -> file, of the three packages."""
    return {
        ".".join(path.relative_to(root).with_suffix("").parts).removesuffix(".__init__"): path
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
    }


def imported(path: Path, known: set[str]) -> set[str]:
    """The modules of `known` that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names} & known
            found |= inner or {node.module} & known
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names} & known
    return found


def circles(root: Path) -> list[list[str]]:
    """The strongly connected sets of more than one module (Tarjan 1972)."""
    files = modules(root)
    graph = {name: imported(path, set(files)) - {name} for name, path in files.items()}
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(name: str) -> None:
        index[name] = low[name] = len(index)
        stack.append(name)
        for other in sorted(graph[name]):
            if other not in index:
                visit(other)
            if other in stack:
                low[name] = min(low[name], low[other])
        if low[name] == index[name]:
            at = stack.index(name)
            members = sorted(stack[at:])
            del stack[at:]
            if len(members) > 1:
                found.append(members)

    for name in graph:
        if name not in index:
            visit(name)
    return found


def rooms(root: Path) -> Iterator[tuple[str, int, int, int]]:
    """(folder, modules in it, their lines, those of the longest)."""
    folders: dict[Path, list[int]] = {}
    for path in modules(root).values():
        count = len(path.read_text(encoding="utf-8").splitlines())
        folders.setdefault(path.parent, []).append(count)
    for folder, lines in sorted(folders.items()):
        yield folder.relative_to(root).as_posix(), len(lines), sum(lines), max(lines)


def said_of(path: Path) -> str:
    """The first sentence of a module's docstring."""
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def written_map(root: Path) -> str:
    """Markdown: every file of the program with what it says of itself, room by room."""
    out = [
        "# The files, one line each",
        "",
        "Made from the files' own docstrings by `python -m tools.house --map`.",
        "",
    ]
    room = None
    for path in sorted(
        modules(root).values(), key=lambda p: (p.parent, p.name != "__init__.py", p)
    ):
        if path.parent != room:
            room = path.parent
            out += ["", f"## `{room.relative_to(root).as_posix()}/`", ""]
        if path.name == "__init__.py":
            out += [said_of(path), ""]
        else:
            out.append(f"- `{path.name}`: {said_of(path)}")
    return "\n".join(out).replace("\n\n\n", "\n\n") + "\n"


# -- the ways ----------------------------------------------------------------------------------


def follow(root: Path, seconds: float) -> list[tuple[str, str, str, str]]:
    """(kind, thread, file, function) of a demo in the window, in which a note comes by MIDI."""
    from tools.support.jack import jack_server, play

    old = not (root / "jam" / "__main__.py").exists()
    with tempfile.TemporaryDirectory() as folder, jack_server() as environment:
        environment = environment | {
            "PYTHONPATH": f"{Path(__file__).parent / 'profiled'}{os.pathsep}{root}",
            "HOUSE_ROOT": str(root),
            "HOUSE_OUT": folder,
            "XDG_DATA_HOME": folder,
            "XDG_CONFIG_HOME": folder,
        }
        command = [sys.executable, "-m", "jam.cli" if old else "jam", "demo", "--midi-api", "jack"]
        window = subprocess.Popen(command, env=environment, cwd=root)
        time.sleep(6.0)
        messages = [(0.5, [0x90, PITCH, 77]), (1.1, [0x90, PITCH, 0])]
        player = play(environment | {"PYTHONPATH": str(ROOT)}, messages)
        time.sleep(seconds)
        player.wait(20)
        window.send_signal(signal.SIGTERM)
        window.wait(20)
        lines = [line for f in Path(folder).glob("*.jsonl") for line in f.read_text().splitlines()]
    return [(kind, thread, file, name) for kind, thread, file, name in map(json.loads, lines)]


def ways(root: Path, seconds: float) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """(way, its functions as (file, name)), in the order in which they were called first."""
    seen = follow(root, seconds)
    held: dict[str, Callable[[str, str, str], bool]] = {
        "a note, from the callback to the synth": lambda k, t, f: k == "note" and t == "callback",
        "a note, from the callback to the screen": lambda k, t, f: (
            k in ("note", "snapshot") and not f.startswith(("jam/sessions/", "models/"))
        ),
        "a plan, from the agent to the sound": lambda k, t, f: (
            k == "plan" and not f.startswith(("jam/sessions/", "ui/"))
        ),
        "a session, from the stage to the disk": lambda k, t, f: k == "log",
    }
    for way, is_on in held.items():
        yield way, list(dict.fromkeys((f, name) for k, t, f, name in seen if is_on(k, t, f)))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--root", type=Path, default=ROOT)
    parser.add_argument("--ways", action="store_true", help="follow a note in a real jam")
    parser.add_argument("--seconds", type=float, default=12.0)
    parser.add_argument("--map", action="store_true", help="write docs/map.md")
    parser.add_argument("--verbose", action="store_true", help="name every function of a way")
    args = parser.parse_args()
    root = args.root.resolve()
    if args.map:
        (root / "docs" / "map.md").write_text(written_map(root), encoding="utf-8")
        return 0
    for folder, n, lines, longest in rooms(root):
        print(f"{folder:24} {n:4} modules {lines:6} lines, the longest {longest}")
    everything = list(rooms(root))
    print(f"{len(everything)} folders, {sum(r[1] for r in everything)} modules,", end=" ")
    print(f"{sum(r[2] for r in everything)} lines in all")
    found = circles(root)
    print(f"{len(found)} circles of imports")
    for circle in found:
        print("  " + ", ".join(circle))
    if args.ways:
        for way, functions in ways(root, args.seconds):
            files = list(dict.fromkeys(file for file, _ in functions))
            print(f"{way}: {len(functions)} functions in {len(files)} files")
            for file in files if args.verbose else ():
                print(f"  {file}: " + ", ".join(name for f, name in functions if f == file))
    return 0


if __name__ == "__main__":
    sys.exit(main())
