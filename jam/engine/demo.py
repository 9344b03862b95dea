"""The demo: a bundled tune is played as a player would play it, in real time."""

from __future__ import annotations

import threading

from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.messages.commands import KeyInput, Start
from jam.messages.snapshot import Snapshot
from jam.midi.file import MidiSong
from jam.performance.offline import key_strokes


class TunePlayer:
    """Plays a song's melody into the engine, from frame 0 of the session on, over and over.

    It follows the session's tempo map, as a player follows the metronome.
    """

    def __init__(self, engine: Engine, song: MidiSong) -> None:
        self._engine, self._song = engine, song
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tune", daemon=True)

    def start(self, seed: int = 0) -> None:
        """Start a session and play along with it."""
        self._engine.send(Start(seed))
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join(timeout=2.0)

    def _running(self) -> Snapshot | None:
        snapshot = self._engine.snapshot()
        return snapshot if snapshot is not None and snapshot.running else None

    def _run(self) -> None:
        """Runs on: a thread of the parent (it stands for the player, whose hands aren't exact)."""
        clock = SystemClock()
        while not self._stop.is_set() and self._running() is None:
            self._stop.wait(0.01)
        strokes = key_strokes(self._song.melody())
        end = self._song.tempo_map.next_bar_frame(round(strokes[-1][0]))
        offset = 0
        while not self._stop.is_set():
            for position, _, pitch, velocity in strokes:
                snapshot = self._running()
                if snapshot is None:
                    self._wait_for_start(clock)
                    break
                due_s = snapshot.tempo_map.seconds_at(position + offset)
                if clock.wait_until(due_s, self._stop):
                    return
                self._engine.send(KeyInput(pitch, velocity, clock.now_s()))
            else:
                offset += end
                continue
            offset = 0

    def _wait_for_start(self, clock: SystemClock) -> None:
        """The session was stopped in the window: begin the tune again with the next one."""
        while not self._stop.is_set() and self._running() is None:
            clock.wait_until(clock.now_s() + 0.05, self._stop)
