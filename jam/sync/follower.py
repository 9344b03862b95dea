"""Another program's beat on the session's grid: the tempo map grows as the beat comes. Pure."""

from __future__ import annotations

import math

from jam.music.grid import TempoMap
from jam.sync.beat import BeatLine

_JUMP_FRAMES = 2.0
"""Where the source is so far from where it should be, it has jumped."""
_DEAD_S = 0.0015
"""Deviations below are left as they are: a tempo map that changes at every beat says nothing."""
_SEGMENTS = 4000
"""Per so many changes of tempo the deviation that is left alone grows by as much."""
_AT_ONCE_S = 0.004
"""Smaller deviations wait for the next beat."""
_HURRY = 0.25
"""How much slower or faster the sixteenths become that make up for a deviation."""
_LOOK_FRAMES = 16


class Follower:
    """Which frame of the session is which of the source's, and how the session gets there.

    What lies before the frame that is given stays as it was; bar lines fall on the source's bar
    lines, where it knows them, by one bar that is cut short.
    """

    def __init__(self) -> None:
        self._shift: float | None = None
        self._known = (False, 0)

    def forget(self) -> None:
        """Another source, or none: the next one begins anew."""
        self._shift = None

    def follow(self, tempo_map: TempoMap, line: BeatLine, first: int) -> TempoMap:
        """The map that agrees with the source from frame `first` on; the same where it does."""
        at_s = tempo_map.seconds_at(first)
        known = line.placed, line.epoch
        if self._shift is None or known != self._known or self._is_far(line, at_s, first):
            self._known = known
            tempo_map = self._align(tempo_map, line, first)
        assert self._shift is not None
        late_s = line.seconds_at(first - self._shift) - at_s
        ahead = first + _LOOK_FRAMES
        drift_s = line.seconds_at(ahead - self._shift) - tempo_map.seconds_at(ahead)
        worst_s = max(abs(late_s), abs(drift_s))
        dead_s = _DEAD_S * (1 + len(tempo_map.segments) / _SEGMENTS)
        if worst_s < dead_s:
            return tempo_map
        if first <= 0:  # the count-in: bar 1 has still to begin
            moved = tempo_map.retimed([(tempo_map.segments[0].start_frame, line.frame_s)])
            return moved.starting(line.seconds_at(-self._shift))
        place = tempo_map.place(first)
        on_beat = place.frame_in_bar % place.meter.frames_per_beat == 0
        if worst_s < max(_AT_ONCE_S, 2 * dead_s) and not on_beat:
            return tempo_map
        if abs(late_s) < _DEAD_S / 4:
            return tempo_map.retimed([(first, line.frame_s)])
        frames = max(1, math.ceil(abs(late_s) / (_HURRY * line.frame_s)))
        hurried_s = line.frame_s + late_s / frames
        return tempo_map.retimed([(first, hurried_s), (first + frames, line.frame_s)])

    def _is_far(self, line: BeatLine, at_s: float, first: int) -> bool:
        assert self._shift is not None
        return abs(line.position_at(at_s) + self._shift - first) > _JUMP_FRAMES

    def _align(self, tempo_map: TempoMap, line: BeatLine, first: int) -> TempoMap:
        """The source's frames become the nearest ones, its next bar line a bar line."""
        if line.of_session:
            self._shift = 0.0
            return tempo_map
        away = first - line.position_at(tempo_map.seconds_at(first))
        if not line.placed:
            self._shift = away
            return tempo_map
        shift = round(away)
        self._shift = float(shift)
        bar = tempo_map.meter_at(max(0, first)).frames_per_bar
        start = shift - math.floor((shift - max(1, first)) / bar) * bar
        while start - bar >= max(1, first):
            start -= bar
        return tempo_map.with_bar_line(start)
