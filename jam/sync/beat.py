"""What a source of the beat says: a line through time, and how it stands with the source. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jam.messages.sync import WAITING


@dataclass(frozen=True, slots=True)
class BeatLine:
    """The beat of another program: at `at_s` of jam.clock it is at `frame`, and goes on evenly.

    frame: in sixteenths since its own beginning, which is a bar line. placed: False where only
    the beat is known and not how many of them there were; then `frame` counts from anywhere.
    epoch: another number after every jump that the source has announced. of_session: `frame` is
    the session's own, which are as they are.
    """

    at_s: float
    frame: float
    frame_s: float
    placed: bool = True
    epoch: int = 0
    of_session: bool = False

    def position_at(self, at_s: float) -> float:
        """Where the source is at a time, in frames of its own."""
        return self.frame + (at_s - self.at_s) / self.frame_s

    def seconds_at(self, frame: float) -> float:
        """When the source is at a frame of its own."""
        return self.at_s + (frame - self.frame) * self.frame_s

    @property
    def quarter_bpm(self) -> float:
        """Quarter notes a minute."""
        return 15.0 / self.frame_s

    def later(self, by_s: float) -> BeatLine:
        """The same, so much later."""
        return replace(self, at_s=self.at_s + by_s)


@dataclass(frozen=True, slots=True)
class Heard:
    """How it stands with a source.

    state: one of jam.messages.sync.STATES. line: None while there is nothing to follow. rolls:
    whether its transport goes; None where it doesn't say. bpm: quarters a minute, 0 where unknown.
    jitter_ms: how unevenly its beat comes. name: of the port or program that gives the beat.
    problem: why there is nothing, in a sentence for the user.
    """

    state: str = WAITING
    line: BeatLine | None = None
    rolls: bool | None = None
    peers: int = 0
    jitter_ms: float = 0.0
    name: str = ""
    problem: str = ""

    def moved(self, by_s: float) -> Heard:
        """With a beat that is so much later."""
        return self if self.line is None else replace(self, line=self.line.later(by_s))
