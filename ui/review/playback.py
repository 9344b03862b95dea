"""The playback as the page wants it, loaded into the engine when it is first needed. No Qt.

While nothing is loaded (before the first play, and after a jam) the wishes are kept here, so
seeking, loop and speed work all the same.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
from jam.messages.snapshot import PlaybackState
from jam.stage.transport import MAX_SPEED, MIN_SPEED, position_at

EVERYWHERE = -1e9, 1e9
_ECHO_S = 0.5
"""So long the engine isn't followed while a command of ours is on its way to it."""


class Player:
    """send: receives commands for the engine. now_s: the time of jam.clock."""

    def __init__(self, send: Callable[[PlaybackCommand], None], now_s: Callable[[], float]) -> None:
        self._send, self._now_s = send, now_s
        self._load: Callable[[bool], LoadTake] | None = None
        self._state: PlaybackState | None = None
        self._loaded = False
        self._span = EVERYWHERE
        self._sent_at_s = -1.0

    @property
    def state(self) -> PlaybackState | None:
        """None while there is nothing to play."""
        return self._state

    @property
    def playing(self) -> bool:
        return self._state is not None and self._state.playing

    @property
    def position_s(self) -> float:
        return position_at(self._state, self._now_s()) if self._state is not None else 0.0

    def show(
        self,
        name: str,
        start_s: float,
        end_s: float,
        load: Callable[[bool], LoadTake],
        keeps_place: bool = False,
        span: tuple[float, float] = EVERYWHERE,
    ) -> None:
        """Another take is to be played; `load` makes the command that loads it, given whether the
        place is kept. span: what of the take that holds; `supply` gives the rest.
        """
        old = self._state
        self._load, self._span = load, span
        if old is not None and keeps_place:
            position_s = min(max(self.position_s, start_s), end_s)
            self._state = replace(
                old,
                name=name,
                start_s=start_s,
                end_s=end_s,
                position_s=position_s,
                at_s=self._now_s(),
            )
            if self._loaded:
                self._say(load(True))
            return
        if self._loaded:
            self._say(UnloadTake())
        self._loaded = False
        speed = old.speed if old is not None else 1.0
        muted = old.muted if old is not None else ()
        self._state = PlaybackState(name, False, start_s, 0.0, speed, None, start_s, end_s, muted)

    def needs(self, reserve_s: float) -> bool:
        """Whether the place where it is, or soon will be, is not among what is loaded."""
        state, (first_s, last_s) = self._state, self._span
        if state is None or not self._loaded:
            return False
        until_s = min(self.position_s + reserve_s, state.end_s)
        return max(self.position_s, state.start_s) < first_s or until_s > last_s

    def supply(self, load: Callable[[bool], LoadTake], span: tuple[float, float]) -> None:
        """Another part of the same take; what sounds goes on."""
        self._load, self._span = load, span
        if self._loaded:
            self._say(load(True))

    def forget(self) -> None:
        """Nothing is to be played any more."""
        if self._loaded:
            self._say(UnloadTake())
        self._load, self._state, self._loaded = None, None, False

    def follow(self, state: PlaybackState | None) -> None:
        """Follow what the engine says of the playback."""
        ours = self._state
        if ours is None:
            return
        waiting = self._now_s() < self._sent_at_s + _ECHO_S
        if state is None or state.name != ours.name:
            if self._loaded and not waiting:  # a jam began, or another window plays
                self._loaded = False
                self._state = replace(
                    ours, playing=False, position_s=self.position_s, at_s=self._now_s()
                )
            return
        if not waiting or state.at_s >= self._sent_at_s:
            self._state = state

    # Wishes

    def play_pause(self) -> None:
        if self._state is None or self._load is None:
            return
        if self._state.playing:
            position_s = self.position_s
            self._change(Pause(), playing=False, position_s=position_s)
            return
        state = self._state
        position_s = self.position_s
        if position_s >= state.end_s:
            position_s = state.loop[0] if state.loop else state.start_s
        if not self._loaded:
            self._loaded = True
            self._say(self._load(False))
            for command in (SetSpeed(state.speed), SetLoop(state.loop), MuteParts(state.muted)):
                self._say(command)
        self._change(Play(position_s), playing=True, position_s=position_s)

    def seek(self, to_s: float) -> None:
        if self._state is not None:
            to_s = min(max(to_s, self._state.start_s), self._state.end_s)
            self._change(Seek(to_s), position_s=to_s)

    def set_speed(self, speed: float) -> float:
        """1.0 is as it was played; returns the nearest speed that there is."""
        speed = min(max(round(speed, 2), MIN_SPEED), MAX_SPEED)
        self._change(SetSpeed(speed), position_s=self.position_s, speed=speed)
        return speed

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        self._change(SetLoop(loop), position_s=self.position_s, loop=loop)

    def mute(self, parts: tuple[str, ...]) -> None:
        self._change(MuteParts(parts), position_s=self.position_s, muted=parts)

    def _change(self, command: PlaybackCommand, **values: object) -> None:
        if self._state is None:
            return
        if self._loaded:
            self._say(command)
        self._state = replace(self._state, at_s=self._now_s(), **values)  # type: ignore[arg-type]

    def _say(self, command: PlaybackCommand) -> None:
        self._sent_at_s = self._now_s()
        self._send(command)
