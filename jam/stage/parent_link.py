"""The stage's end of the line to its parent: commands in, snapshots and logs out."""

from __future__ import annotations

import queue
import threading
from collections import deque
from multiprocessing.connection import Connection

from jam.messages.controls import ControlsMoved
from jam.messages.snapshot import SessionLog, Snapshot


class ParentLink:
    """The line to the parent. Reading and writing each have a thread, so neither holds up a note.

    `commands` holds what came, None once the parent is gone. Of snapshots only the newest is
    sent; of everything else every one.
    """

    def __init__(self, connection: Connection, wake: threading.Event) -> None:
        self._connection, self._wake = connection, wake
        self.commands: deque[object] = deque()
        self._newest: Snapshot | None = None
        self._outgoing: queue.SimpleQueue[SessionLog | ControlsMoved | str] = queue.SimpleQueue()
        threading.Thread(target=self._read, name="parent-read", daemon=True).start()
        self._writer = threading.Thread(target=self._write, name="parent-write", daemon=True)
        self._writer.start()

    def show(self, snapshot: Snapshot) -> None:
        self._newest = snapshot
        self._outgoing.put("snapshot")

    def tell(self, message: SessionLog | ControlsMoved) -> None:
        self._outgoing.put(message)

    def close(self) -> None:
        """Send what waits, for at most a second."""
        self._outgoing.put("close")
        self._writer.join(timeout=1.0)

    def _read(self) -> None:
        try:
            while True:
                self.commands.append(self._connection.recv())
                self._wake.set()
        except (EOFError, OSError):
            self.commands.append(None)
            self._wake.set()

    def _write(self) -> None:
        while (item := self._outgoing.get()) != "close":
            if item == "snapshot":
                item, self._newest = self._newest, None  # type: ignore[assignment]
                if item is None:
                    continue
            try:
                self._connection.send(item)
            except (OSError, ValueError):
                return  # the parent is gone; reading tells it to the loop
