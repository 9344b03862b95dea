"""Listening to the session in front: what keys, buttons and mouse do to its playback."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ui.review import roll_scene
from ui.review.transport_bar import SPEED_STEP

if TYPE_CHECKING:
    from ui.review.page import ReviewPage


class Listening:
    """Where the page's player goes, how fast, and what of it is heard."""

    def __init__(self, page: ReviewPage) -> None:
        self._page = page

    def play_pause(self) -> None:
        if self._page.running:
            self._page.told.emit("A jam is running: stop it first")
            return
        self._page.player.play_pause()

    def to_start(self) -> None:
        if (state := self._page.player.state) is not None:
            self.seek(state.loop[0] if state.loop else state.start_s)

    def to_end(self) -> None:
        if (state := self._page.player.state) is not None:
            self.seek(state.end_s)

    def seek(self, to_s: float) -> None:
        self._page.player.seek(to_s)

    def step(self, by: int, bars: bool = False) -> None:
        """So many beats or bars on."""
        if self._page.roll.content is not None:
            self.seek(
                roll_scene.step(
                    self._page.roll.content.beats, self._page.player.position_s, by, bars
                )
            )

    def change_speed(self, steps: int) -> None:
        if (state := self._page.player.state) is not None:
            self._page.player.set_speed(state.speed + steps * SPEED_STEP)
            self._page.told.emit(
                f"Speed {self._page.player.state.speed:.0%}" if self._page.player.state else ""
            )

    def set_loop(self, loop: tuple[float, float] | None) -> None:
        self._page.player.set_loop(loop)
        if loop is not None and not loop[0] <= self._page.player.position_s < loop[1]:
            self.seek(loop[0])

    def toggle_loop(self, on: bool | None = None) -> None:
        """Loop what was looped last, or the bar in which it is; or play on."""
        state, content = self._page.player.state, self._page.roll.content
        if state is None or content is None:
            return
        if on is None:
            on = state.loop is None
        if not on:
            self._page.player.set_loop(None)
            return
        position_s = self._page.player.position_s + 0.001
        first = roll_scene.step(content.beats, position_s + 0.03, -1, True)
        self.set_loop((first, roll_scene.step(content.beats, position_s, 1, True)))

    def loop_edge(self, last: bool) -> None:
        """The loop begins, or ends, at the nearest beat."""
        state, content = self._page.player.state, self._page.roll.content
        if state is None or content is None:
            return
        at_s = roll_scene.snapped(content.beats, self._page.player.position_s)
        first_s, last_s = state.loop or (state.start_s, state.end_s)
        loop = (first_s, at_s) if last else (at_s, last_s)
        if loop[0] < loop[1]:
            self._page.player.set_loop(loop)

    def follow(self, on: bool) -> None:
        self._page.roll.follows = on
        self._page.transport.show_follow(on)

    def show_plan(self, on: bool) -> None:
        self._page.roll.show_plan_lane(on)
        self._page.transport.plan.setChecked(on)

    def mute(self, parts: tuple[str, ...]) -> None:
        self._page.player.mute(parts)
        self._page.roll.show_muted(parts)

    def go_to_moment(self, by: int) -> None:
        """To the next moment, or the one before."""
        if self._page.session is None:
            return
        at_s = self._page.player.position_s
        if by > 0:
            later = [m.at_s for m in self._page.session.moments if m.at_s > at_s + 0.05]
            to_s = min(later, default=None)
        else:
            slack_s = 0.4 if self._page.player.playing else 0.05
            to_s = max(
                (m.at_s for m in self._page.session.moments if m.at_s < at_s - slack_s),
                default=None,
            )
        if to_s is None:
            self._page.told.emit("No moment is marked further on" if by > 0 else "None before")
        else:
            self.seek(to_s)
