"""What belonged to a JACK server that died: it is kept as it is, and never called again.

The libraries around JACK don't outlive their server. PortAudio waits ten minutes for it when a
stream is closed (RealStop in its pa_jack.c) and aborts when it ends itself; FluidSynth's driver
and rtmidi's ports may crash when they are closed. None of it can be freed.
"""

from __future__ import annotations

import ctypes

_deaths = 0


def bury(*things: object) -> None:
    """Keep these for as long as the process lives, beyond the interpreter's own end."""
    for thing in things:
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(thing))


def died(*things: object) -> None:
    """The server that these belong to is dead."""
    global _deaths
    _deaths += 1
    bury(*things)


def deaths() -> int:
    """How many servers have died so far."""
    return _deaths
