"""The demo: a bundled tune is played as a player would play it, in real time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from jam.clock import Clock, SystemClock
from jam.messages.commands import KeyInput, Start
from jam.messages.snapshot import Snapshot
from jam.midi.file import MidiSong
from jam.performance.offline import key_strokes

_LOOK_S = 0.05
"""So often it is looked whether the session still goes on."""
_BACK_FRAMES = 2
"""So far back only another session can be."""


class TunePlayer:
    """Plays a song's melody into a session, from its frame 0 on, over and over.

    It follows the session's tempo map, as a player follows the metronome; when the session has
    stopped it lets go of what it holds, and begins anew with the next one.
    send, snapshot: the engine's.
    """

    def __init__(
        self,
        send: Callable[[object], None],
        snapshot: Callable[[], Snapshot | None],
        song: MidiSong,
        clock: Clock | None = None,
    ) -> None:
        self._send, self._snapshot, self._clock = send, snapshot, clock or SystemClock()
        self._strokes = key_strokes(song.melody())
        self._length = song.tempo_map.next_bar_frame(round(self._strokes[-1][0]))
        self._held: set[int] = set()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self.run, name="tune", daemon=True)

    def start(self, seed: int = 0) -> None:
        """Start a session and play along with it."""
        self._send(Start(seed))
        self._thread.start()

    def close(self) -> None:
        """Let go of every key and end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def run(self) -> None:
        """Until it is closed. Runs on: a thread of the parent (it stands for the player, whose
        hands aren't exact).
        """
        while not self._stop.is_set():
            try:
                if self._running() is not None:
                    self._play()
            finally:
                self._let_go()
            self._clock.wait_until(self._clock.now_s() + _LOOK_S, self._stop)

    def _running(self) -> Snapshot | None:
        snapshot = self._snapshot()
        return snapshot if snapshot is not None and snapshot.running else None

    def _play(self) -> None:
        """The tune over and over, until the session has stopped or this is closed."""
        begins, before = 0, 0.0
        while True:
            for position, _, pitch, velocity in self._strokes:
                if not self._is_time(begins + position, before):
                    return
                before = begins + position
                (self._held.add if velocity else self._held.discard)(pitch)
                self._send(KeyInput(pitch, velocity, self._clock.now_s()))
            begins += self._length

    def _is_time(self, position: float, before: float) -> bool:
        """Wait for a position; False when the session has stopped, or begun anew before the
        position that was reached already, or this is closed.
        """
        while (snapshot := self._running()) is not None:
            now_s, due_s = self._clock.now_s(), snapshot.tempo_map.seconds_at(position)
            if snapshot.tempo_map.position_at(now_s) < before - _BACK_FRAMES:
                return False
            if now_s >= due_s:
                return True
            if self._clock.wait_until(min(due_s, now_s + _LOOK_S), self._stop):
                return False
        return False

    def _let_go(self) -> None:
        for pitch in sorted(self._held):
            self._send(KeyInput(pitch, 0, self._clock.now_s()))
        self._held.clear()
