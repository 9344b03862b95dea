"""Python runs this at its start when its folder is on PYTHONPATH: who holds what, from then on.

Every process of the program writes the functions of the project that were handed a note, a plan
or a log of the session: a line for each thread, function and kind, the first time that it is seen.
The note that is followed has the pitch `PITCH`.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import threading
from types import FrameType
from typing import Any

PITCH = 101
_ROOT = os.environ["HOUSE_ROOT"] + os.sep
_PACKAGES = tuple(_ROOT + name + os.sep for name in ("jam", "models", "ui"))
_NOTE_NAMES = {"pitch", "number", "key"}
_PLAN_TYPES = {"Plan", "AgentAnswer", "PlannedNote", "TimedNote"}
_out = open(os.path.join(os.environ["HOUSE_OUT"], f"{os.getpid()}.jsonl"), "a", buffering=1)  # noqa: SIM115
_seen: set[tuple[int, object, str]] = set()


def _kinds(value: Any, depth: int = 0) -> set[str]:
    kind = type(value).__name__
    if kind in ("NoteEvent", "PlayedNote", "MidiMessage"):
        pitch = getattr(value, "pitch", getattr(value, "number", None))
        return {"note"} if pitch == PITCH else set()
    if kind == "Snapshot":
        return {"snapshot"} if any(n.pitch == PITCH for n in value.played) else set()
    if kind in _PLAN_TYPES:
        return {"plan"}
    if kind == "SessionLog":
        return {"log"}
    if kind in ("tuple", "list", "deque") and depth < 2:
        if len(value) == 3 and value[0] == 0x90 and value[1] == PITCH:
            return {"note"}
        found: set[str] = set()
        return found.union(*(_kinds(item, depth + 1) for item in list(value)[:40]))
    return set()


def _profile(frame: FrameType, event: str, _: Any) -> None:
    code = frame.f_code
    if event != "call" or not code.co_filename.startswith(_PACKAGES):
        return
    held: set[str] = set()
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    for name in names:
        value = frame.f_locals.get(name)
        if isinstance(value, int) and value == PITCH and name in _NOTE_NAMES:
            held.add("note")
        elif name != "self":
            held |= _kinds(value)
    if {"part", "pitch", "velocity"} <= set(names):
        held.add("plan")
    thread = threading.current_thread()
    for kind in held:
        if (key := (thread.ident or 0, code, kind)) not in _seen:
            _seen.add(key)
            place = [code.co_filename.removeprefix(_ROOT), code.co_qualname]
            _out.write(json.dumps([kind, thread.name, *place]) + "\n")


def _follow_callbacks() -> None:
    """rtmidi's thread is not Python's: what it calls first has to set the profiler."""
    import rtmidi

    class MidiIn(rtmidi.MidiIn):
        def set_callback(self, function: Any, data: Any = None) -> None:
            def call(event: Any, handed: Any) -> None:
                threading.current_thread().name = "callback"
                sys.setprofile(_profile)
                function(event, handed)

            super().set_callback(call, data)

    rtmidi.MidiIn = MidiIn


threading.setprofile(_profile)
sys.setprofile(_profile)
with contextlib.suppress(ImportError):
    _follow_callbacks()
