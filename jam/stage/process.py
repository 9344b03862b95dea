"""The stage's process: it opens the devices and runs the loop until it is told to quit."""

from __future__ import annotations

import gc
import signal
import sys
from ctypes import c_uint64
from multiprocessing.connection import Connection

from jam.errors import NO_MEMORY, JamError, is_memory_short
from jam.messages.commands import DeviceChoice
from jam.messages.snapshot import StageFailed
from jam.settings import JamSettings
from jam.stage.stage import Stage
from jam.system import STAGE, ignore_the_terminal, mind_the_memory, raise_priority


def stage_main(
    parent: Connection,
    address: str,
    authkey: bytes,
    settings: JamSettings,
    devices: DeviceChoice,
    sessions_before: int,
    pulse: c_uint64,
) -> None:
    """The process: opens devices, runs until told to quit or until the parent is gone.

    Sessions are counted on from `sessions_before`; `pulse` as long as the loop goes round.
    """
    ignore_the_terminal()
    mind_the_memory()
    raise_priority(STAGE)
    # A thread that wakes for a note must not wait 5 ms (the default) for the interpreter.
    sys.setswitchinterval(0.0002)
    try:
        stage = Stage(parent, address, authkey, settings, devices, sessions_before)
    except JamError as error:
        parent.send(StageFailed(str(error), error.exit_status))
        return
    except (MemoryError, RuntimeError, OSError) as error:
        if not is_memory_short(error):
            raise
        parent.send(StageFailed(NO_MEMORY, JamError.exit_status))
        return
    signal.signal(signal.SIGTERM, lambda *_: stage.quit())
    # What exists now lives until the end; the collector need not look through it again.
    gc.collect()
    gc.freeze()
    # Nor through a session, which would hold up the sound for longer and longer: what it lets go
    # is freed at once, and the rest is looked through when it has ended.
    gc.set_threshold(*gc.get_threshold()[:2], 1 << 30)
    try:
        stage.run(pulse)
    finally:
        stage.close()
