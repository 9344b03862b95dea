"""A take played back by synth and MIDI output: a thread around `jam.stage.transport`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from jam.clock import Clock
from jam.messages.commands import (
    LoadTake,
    MuteParts,
    Pause,
    Play,
    PlaybackCommand,
    Seek,
    SetLoop,
    SetSpeed,
    UnloadTake,
)
from jam.messages.notes import Expression, SoundedNote, TimedNote
from jam.messages.snapshot import PlaybackState
from jam.midi.numbers import SUSTAIN
from jam.performance.take import Take
from jam.settings import JamSettings
from jam.stage.expressed import Expressed
from jam.stage.recording import Recording
from jam.stage.scheduler import Sender, Sink
from jam.stage.transport import Transport

_SHORTEST_S = 0.01
"""A note that is shorter in the record is heard so long."""


def load_take(
    name: str,
    take: Take,
    settings: JamSettings,
    keeps_place: bool = False,
    recording: Path | None = None,
) -> LoadTake:
    """The command that has a take ready in the stage, the player's own part with it.

    take: its tempo map has frame 0 at 0.0 s. settings: those it was made with. It starts at the
    first bar line, or with a note that comes before it; it ends with the last row or note.
    """
    seconds_at = take.tempo_map.seconds_at
    pedals = [(seconds_at(frame), down) for frame, down in take.pedals]
    timed = [
        replace(note, end_s=max(note.end_s, note.start_s + _SHORTEST_S))
        for note in take.timed_notes()
    ]
    notes = [note for note in timed if note.part != "player"]
    notes += sustained((note for note in timed if note.part == "player"), pedals)
    return LoadTake(
        name,
        tuple(notes),
        min([0.0, *(note.start_s for note in notes)]),
        max([seconds_at(len(take.chords)), *(note.end_s for note in notes)]),
        settings,
        keeps_place,
        tuple(m for m in take.timed_expression() if m.expression.number != SUSTAIN),
        str(recording or ""),
    )


def sustained(notes: Iterable[TimedNote], pedals: Iterable[tuple[float, bool]]) -> list[TimedNote]:
    """Notes as long as they were heard: those let go while the pedal was down end with it.

    pedals: (second, is it down). A note ends at the latest when its key is struck again.
    """
    lifts: list[tuple[float, float]] = []
    """(down, up) of each stretch in which the pedal was down."""
    down_s: float | None = None
    for at_s, down in sorted(pedals):
        if down and down_s is None:
            down_s = at_s
        elif not down and down_s is not None:
            lifts.append((down_s, at_s))
            down_s = None
    if down_s is not None:
        lifts.append((down_s, float("inf")))
    if not lifts:
        return list(notes)
    by_pitch: dict[int, list[TimedNote]] = defaultdict(list)
    for note in sorted(notes, key=lambda note: note.start_s):
        by_pitch[note.pitch].append(note)
    last_s = max((note.end_s for struck in by_pitch.values() for note in struck), default=0.0)
    out = []
    for struck in by_pitch.values():
        nexts = [note.start_s for note in struck[1:]]
        for note, next_s in zip(struck, [*nexts, float("inf")], strict=True):
            up_s = next((up for down, up in lifts if down <= note.end_s < up), note.end_s)
            end_s = max(note.end_s, min(up_s, next_s, max(last_s, note.end_s)))
            out.append(replace(note, end_s=end_s))
    return out


class Playback(Sender[SoundedNote | Expression]):
    """What is loaded for playing back. Methods may be called from any thread.

    sink, express: take the notes, and what moves the player's controls. tune: called when
    `settings` may have changed, before the notes that are to be heard with them. tell: what the
    user should know.
    """

    def __init__(
        self,
        clock: Clock,
        sink: Sink,
        express: Callable[[Expression], None],
        tune: Callable[[], None],
        tell: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._tune, self._sink, self._express = tune, sink, express
        self._transport = Transport()
        self._expressed = Expressed(self._transport)
        self._settings: JamSettings | None = None
        self.recording = Recording(clock, lambda: self.state, tell)
        self._shown = 0
        super().__init__(clock, self._sound, self._expressed, "playback")

    def _sound(self, event: SoundedNote | Expression) -> None:
        if isinstance(event, Expression):
            self._express(event)
        else:
            self._sink(event.part, event.pitch, event.velocity)

    @property
    def state(self) -> PlaybackState | None:
        """None while nothing is loaded."""
        return self._transport.state if self._settings is not None else None

    @property
    def settings(self) -> JamSettings | None:
        """Those of the take, while it plays."""
        return self._settings if self._transport.state.playing else None

    def changed(self) -> bool:
        """Whether anything began, ended or was moved since this was last asked."""
        shown, self._shown = self._shown, self._transport.revision
        return shown != self._shown

    def obey(self, command: PlaybackCommand) -> None:
        """Do it at once. Commands other than LoadTake do nothing while nothing is loaded."""
        with self._lock:
            now_s = self._clock.now_s()
            events = self._obey(command, now_s)
            self._tune()
            self._send([*self._expressed.moved(now_s), *events])
        self._wake.set()
        self.recording.moved()

    def _obey(self, command: PlaybackCommand, now_s: float) -> list[SoundedNote]:
        if isinstance(command, LoadTake):
            command = replace(command, keeps_place=command.keeps_place and bool(self._settings))
            self._settings = command.settings
            self._expressed.load(command.expression)
            self.recording.load(command.recording, command.settings.player_volume)
        elif self._settings is None:
            return []
        elif isinstance(command, UnloadTake):
            self._settings = None
            self.recording.load("")
        return steer(self._transport, command, now_s)


def steer(transport: Transport, command: PlaybackCommand, now_s: float) -> list[SoundedNote]:
    """Do what a command says; returns what is to be sent at once."""
    match command:
        case LoadTake(name, notes, start_s, end_s, _, keeps_place, _, _):
            return transport.load(now_s, name, notes, start_s, end_s, keeps_place)
        case UnloadTake():
            return transport.load(now_s, "", (), 0.0, 0.0)
        case Play(from_s):
            return transport.play(now_s, from_s)
        case Pause():
            return transport.pause(now_s)
        case Seek(to_s):
            return transport.seek(now_s, to_s)
        case SetSpeed(speed):
            return transport.set_speed(now_s, speed)
        case SetLoop(loop):
            return transport.set_loop(now_s, loop)
        case MuteParts(parts):
            return transport.mute(now_s, parts)
    raise TypeError(f"no command of playback: {command!r}")
