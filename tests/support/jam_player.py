"""A player of the computer's keys for tests with the real engine, and jams that it plays in."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from jam.agent.predictor import LoadPredictor
from jam.cli.main import load_rules
from jam.clock import SystemClock
from jam.engine.engine import Engine
from jam.messages.commands import DeviceChoice, KeyInput, Start
from jam.messages.notes import SoundedNote
from jam.messages.snapshot import DeviceState, SessionLog, Snapshot
from jam.settings import JamSettings

SETTINGS = JamSettings(bpm=200.0, listen_bars=1, count_in_bars=0, metronome=False)
TUNE = (60, 64, 67, 72, 71, 67, 64, 62)
SEED = 11
_NOTE_S = 0.1


class Player:
    """Plays a tune by the computer's keys while it waits for something."""

    def __init__(self, engine: Engine, logs: list[SessionLog]) -> None:
        self.engine, self.logs = engine, logs
        self.clock = SystemClock()
        self.n = 0
        self.said: list[str] = []
        """Every sentence that the user was told, in order."""
        self.on_log: Callable[[SessionLog], None] = lambda log: None
        self.closed_in_s = 0.0

    @property
    def snapshot(self) -> Snapshot:
        newest = self.engine.snapshot()
        assert newest is not None
        return newest

    @property
    def devices(self) -> DeviceState:
        return self.snapshot.devices

    def notes(self) -> list[SoundedNote]:
        """The accompaniment's note-ons so far."""
        return [e for log in self.logs for e in log.sounded if e.velocity]

    def listen(self) -> None:
        """Take note of what is said."""
        for line in self.snapshot.message.splitlines():
            if line not in self.said[-3:]:
                self.said.append(line)

    def play_until(
        self, condition: Callable[[], object], what: str, timeout_s: float = 60.0
    ) -> None:
        """Play on until the condition holds."""
        end_s = self.clock.now_s() + timeout_s
        while self.clock.now_s() < end_s:
            pitch = TUNE[self.n % len(TUNE)]
            self.n += 1
            self.engine.send(KeyInput(pitch, 90, self.clock.now_s()))
            time.sleep(_NOTE_S)
            self.engine.send(KeyInput(pitch, 0, self.clock.now_s()))
            assert self.engine.alive, f"the stage has ended: {self.snapshot.message}"
            self.listen()
            if condition():
                return
        raise AssertionError(f"waited for {what}: {self.snapshot.message} {self.devices}")

    def play_until_told(self, words: str) -> None:
        self.play_until(lambda: any(words in line for line in self.said), words)

    def play_on(self, n_notes: int = 6) -> None:
        """The accompaniment goes on."""
        enough = len(self.notes()) + n_notes
        self.play_until(lambda: len(self.notes()) >= enough, "the next notes")


@contextmanager
def player_in(
    devices: DeviceChoice,
    load: LoadPredictor = load_rules,
    until_ready: bool = True,
    settings: JamSettings = SETTINGS,
) -> Iterator[Player]:
    """A jam that has begun, with its player."""
    logs: list[SessionLog] = []
    player: Player | None = None

    def take_log(log: SessionLog) -> None:
        logs.append(log)
        if player is not None:
            player.on_log(log)

    with Engine(settings, devices, load, take_log) as engine:
        engine.wait_until_up()
        player = Player(engine, logs)
        if until_ready:
            player.play_until(lambda: player.snapshot.agent_name, "the agent")
        engine.send(Start(SEED))
        yield player
        closing_s = player.clock.now_s()
        engine.close()
        player.closed_in_s = player.clock.now_s() - closing_s


@contextmanager
def jamming(devices: DeviceChoice, load: LoadPredictor = load_rules) -> Iterator[Player]:
    """A jam in full swing; at its end every note that was started has been ended, once."""
    with player_in(devices, load) as player:
        player.play_on(8)
        yield player
        assert player.snapshot.running
    check_ends(player.logs)


def check_ends(logs: Iterable[SessionLog]) -> None:
    """Every note of the accompaniment has its note-off, once."""
    logs = list(logs)
    starts = Counter((log.session, e.note_id) for log in logs for e in log.sounded if e.velocity)
    ends = Counter((log.session, e.note_id) for log in logs for e in log.sounded if not e.velocity)
    assert starts == ends and max(starts.values()) == 1
