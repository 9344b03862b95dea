"""What keys, buttons and mouse do to the playback of the take in front."""

from __future__ import annotations

from ui.review import roll_scene
from ui.review.model import ReviewModel
from ui.review.transport_bar import SPEED_STEP

NO_LATER_MARK, NO_EARLIER_MARK = "No later marks", "No earlier marks"
_NEAR_S = 0.05
_NEAR_WHILE_PLAYING_S = 0.4
"""A mark that was passed so shortly before isn't the earlier one that is looked for."""


class PlaybackActions:
    """Where the model's player goes, how fast, and what of it is heard."""

    def __init__(self, model: ReviewModel) -> None:
        self._model, self._player = model, model.player
        self._plays_after_jam = False
        model.jam_changed.connect(self._on_jam)

    def play_pause(self) -> None:
        """A jam that is running is stopped first, and what is in front played after it."""
        if not self._model.jam_running:
            self._player.play_pause()
        elif self._model.session is not None:
            self._plays_after_jam = True
            self._model.jam_stop_wanted.emit()

    def stay_silent(self) -> None:
        """Pause, and let nothing begin that was asked for before."""
        self._plays_after_jam = False
        if self._player.playing:
            self._player.play_pause()

    def _on_jam(self) -> None:
        plays, self._plays_after_jam = self._plays_after_jam, False
        if plays and not self._model.jam_running and not self._player.playing:
            self._player.play_pause()

    def to_start(self) -> None:
        if (state := self._player.state) is not None:
            self.seek(state.loop[0] if state.loop else state.start_s)

    def to_end(self) -> None:
        if (state := self._player.state) is not None:
            self.seek(state.end_s)

    def seek(self, to_s: float) -> None:
        self._player.seek(to_s)

    def step(self, by: int, bars: bool = False) -> None:
        """Forward by so many beats or bars."""
        if beats := self._model.beats_here():
            self.seek(roll_scene.step(beats, self._player.position_s, by, bars))

    def set_speed(self, speed: float) -> None:
        """1.0 is as it was played."""
        self._player.set_speed(speed)

    def change_speed(self, steps: int) -> None:
        if (state := self._player.state) is not None:
            speed = self._player.set_speed(state.speed + steps * SPEED_STEP)
            self._model.told.emit(f"Speed {speed:.0%}")

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        self._player.set_loop(loop)
        if loop is not None and not loop[0] <= self._player.position_s < loop[1]:
            self.seek(loop[0])

    def toggle_loop(self, on: bool | None = None) -> None:
        """Loop the bar in which it is; or play on."""
        state, beats = self._player.state, self._model.beats_here()
        if state is None or not beats:
            return
        if on is None:
            on = state.loop is None
        if not on:
            self._player.set_loop(None)
            return
        position_s = self._player.position_s + 0.001
        first = roll_scene.step(beats, position_s + 0.03, -1, True)
        self.set_loop((first, roll_scene.step(beats, position_s, 1, True)))

    def loop_edge(self, last: bool) -> None:
        """The loop begins, or ends, at the nearest beat."""
        state, beats = self._player.state, self._model.beats_here()
        if state is None or not beats:
            return
        at_s = roll_scene.snapped(beats, self._player.position_s)
        first_s, last_s = state.loop or (state.start_s, state.end_s)
        loop = (first_s, at_s) if last else (at_s, last_s)
        if loop[0] < loop[1]:
            self._player.set_loop(loop)

    def mute(self, parts: tuple[str, ...]) -> None:
        """These parts and no others."""
        self._player.mute(parts)

    def go_to_moment(self, by: int) -> None:
        """1: to the next mark; -1: to the one before."""
        session = self._model.session
        if session is None:
            return
        at_s = self._player.position_s
        if by > 0:
            to_s = min((m.at_s for m in session.moments if m.at_s > at_s + _NEAR_S), default=None)
        else:
            at_s -= _NEAR_WHILE_PLAYING_S if self._player.playing else _NEAR_S
            to_s = max((m.at_s for m in session.moments if m.at_s < at_s), default=None)
        if to_s is None:
            self._model.told.emit(NO_LATER_MARK if by > 0 else NO_EARLIER_MARK)
        else:
            self.seek(to_s)
