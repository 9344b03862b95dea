"""The player's own tempo: where the beat is that somebody plays to, and how fast. Pure.

Kalman filters over place and tempo, one for each way in which the notes so far may have been meant
(a mixture of Kalman filters: Cemgil & Kappen, "Monte Carlo methods for tempo tracking and rhythm
quantization", JAIR 18, 2003; here the likeliest ways are kept in place of drawn ones).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from jam.music.grid import TempoMap
from jam.sync.beat import BeatLine

FURTHEST = 0.3
"""The tempo follows no further from the one that was set, as a share of it."""
UNHEARD_S = 0.012
"""So much early or late says nothing of the tempo: it is left alone."""
HABIT_S = 0.03
"""So much ahead of the band's beat, or behind it, somebody may play all the time: that is a habit,
and no other tempo. Without it two who listen to each other run away."""
_HABIT_NOTES = 24
"""Notes from which a habit is known."""
_CHORD_S = 0.05
"""Notes so close together are one onset: the first of them."""
_ONSET_S = 0.022
"""How far notes are from their places, one standard deviation."""
_STRAY = 0.01
"""Density, per sixteenth, of notes that belong to no place."""
_PLACE_WALK, _TEMPO_WALK = 0.0002, 0.0001
"""By how much place (in sixteenths) and logarithm of the tempo may wander in a sixteenth, as
variances."""
_SURPRISE_S, _SURPRISE_NOTES, _MOST_SURPRISE, _MORE_WALK = 0.012, 3, 2.0, 4.0
"""Notes that come early all the time, or late, beside what was expected: the tempo is on its way
somewhere. It may wander by so many times more for each time that the average of some notes is
further off than that."""
_BEGINNING = 0.01, 0.0009
_UNSURE_FRAMES = 16.0
"""However long the rest, no more is lost of what was known."""
_NEAR_FRAMES = 2.5
"""Places further away are not what a note was meant for."""
_WAYS = 24
_SAME_FRAMES, _SAME_TEMPO = 0.2, 0.01
"""Ways that differ by less are one."""
_LEAP_FRAMES, _LEAP_TEMPO = 0.6, 0.04
"""The most by which a note moves place and logarithm of the tempo, where another way turns out to
be the likeliest: the band hurries there, and doesn't jump."""
_ON_BEAT, _ON_PART, _BETWEEN, _TRIPLET, _SWUNG = 1.0, 0.6, 0.12, 0.06, 0.3
"""How often notes stand there: on beats, halves or thirds of them, other sixteenths, the first and
the second third of a beat that has quarters."""
_HEARD_FRAMES = 2.0
"""The player hears the band: a way that leads away from its beat is less likely with each note."""

Floats = NDArray[np.float64]


def _places(first: int, last: int, grid: TempoMap) -> tuple[Floats, Floats]:
    """The places between two frames where notes stand, and the logarithms of how often."""
    frames: list[float] = []
    weights: list[float] = []
    for frame in range(first, last + 1):
        place = grid.place(frame)
        beat = place.meter.frames_per_beat
        in_beat = place.frame_in_bar % beat
        frames.append(frame)
        weights.append(_ON_BEAT if not in_beat else _BETWEEN if in_beat % 2 else _ON_PART)
        if not in_beat and beat == 4:
            frames += [frame + 4 / 3, frame + 8 / 3]
            weights += [_TRIPLET, _SWUNG]
    return np.array(frames), np.log(weights)


class Listener:
    """Hears when notes begin, and says where the player's beat is.

    It begins in time with `grid`, the session's, at `at_s`. Places are frames of the session.
    """

    def __init__(self, at_s: float, grid: TempoMap) -> None:
        frame = grid.position_at(at_s)
        self._set_frame_s = frame_s = grid.frame_s_at(frame)
        self.line = BeatLine(at_s, frame, frame_s, of_session=True)
        """The player's beat, as the band is to follow it."""
        self._onset_s = -math.inf
        self._habit_s = 0.0
        self._off_s = 0.0
        """By how much the last notes were later than expected, on average."""
        self._at_s = at_s
        self._begin(frame, frame_s)

    def _begin(self, frame: float, frame_s: float) -> None:
        self._place = np.array([frame])
        self._tempo = np.array([math.log(frame_s)])
        self._weight = np.zeros(1)
        """Of each way: its place and logarithm of seconds a frame at `_at_s`, and how likely (a
        logarithm); then variances and covariance."""
        self._late_s = np.zeros(1)
        """Of each way, how late the newest note was."""
        self._place_var, self._tempo_var = np.array([_BEGINNING[0]]), np.array([_BEGINNING[1]])
        self._both = np.zeros(1)

    def set_tempo(self, at_s: float, frame_s: float) -> None:
        """Another tempo was set: that is followed from here on."""
        line = self.line
        self._set_frame_s, self._at_s = frame_s, at_s
        self.line = BeatLine(at_s, line.position_at(at_s), frame_s, of_session=True)
        self._begin(self.line.frame, frame_s)

    def hear(self, at_s: float, grid: TempoMap) -> None:
        """A note has begun. grid: the session's, whose beats and bars count."""
        if at_s - self._onset_s < _CHORD_S:
            return
        self._onset_s = at_s
        at_s -= self._habit_s
        self._wait(at_s)
        self._meet(grid)
        self._keep_likeliest()
        self._off_s += (float(self._late_s[0]) - self._off_s) / _SURPRISE_NOTES
        self._say(at_s)
        self._get_used_to(grid)

    def _wait(self, at_s: float) -> None:
        """Every way goes on evenly, and is known less well."""
        frames = max(0.0, at_s - self._at_s) / np.exp(self._tempo)
        self._at_s = max(at_s, self._at_s)
        self._place = self._place + frames
        frames = np.minimum(frames, _UNSURE_FRAMES)
        self._place_var = (
            self._place_var
            - 2 * frames * self._both
            + frames**2 * self._tempo_var
            + frames * _PLACE_WALK
        )
        self._both = self._both - frames * self._tempo_var
        surprise = max(0.0, abs(self._off_s) / _SURPRISE_S - 1)
        walk = _TEMPO_WALK * (1 + _MORE_WALK * min(surprise, _MOST_SURPRISE))
        self._tempo_var = self._tempo_var + frames * walk

    def _meet(self, grid: TempoMap) -> None:
        """Each way branches: the note was meant for one of the near places, or for none."""
        first, last = self._place.min() - _NEAR_FRAMES, self._place.max() + _NEAR_FRAMES
        places, often = _places(math.floor(first) - 2, math.ceil(last), grid)
        frame_s = np.exp(self._tempo)
        var = self._place_var + (_ONSET_S / frame_s) ** 2
        off = places[None, :] - self._place[:, None]
        weight = self._weight[:, None] + often - off**2 / (2 * var[:, None])
        weight = weight - 0.5 * np.log(2 * math.pi * var)[:, None]
        away = (self._place - self.line.position_at(self._at_s)) / _HEARD_FRAMES
        weight = weight - 0.5 * np.minimum(4.0, away**2)[:, None]
        weight[np.abs(off) > _NEAR_FRAMES] = -np.inf
        way, place = np.nonzero(weight > weight.max() - 9.0)
        by, var = off[way, place], var[way]
        step = np.copysign(np.maximum(0.0, np.abs(by) - UNHEARD_S / frame_s[way]), by)
        to_place, to_tempo = self._place_var[way] / var, self._both[way] / var
        low_s, high_s = self._set_frame_s / (1 + FURTHEST), self._set_frame_s / (1 - FURTHEST)
        tempo = self._tempo[way] + to_tempo * step
        self._late_s = np.concatenate([-by * frame_s[way], np.zeros(len(frame_s))])
        self._weight = np.concatenate([weight[way, place], self._weight + math.log(_STRAY)])
        self._place = np.concatenate([self._place[way] + to_place * step, self._place])
        self._tempo = np.clip(
            np.concatenate([tempo, self._tempo]), math.log(low_s), math.log(high_s)
        )
        known = (
            (self._place_var, self._place_var[way] * (1 - to_place)),
            (self._tempo_var, self._tempo_var[way] - to_tempo * self._both[way]),
            (self._both, self._both[way] * (1 - to_place)),
        )
        self._place_var, self._tempo_var, self._both = (
            np.concatenate([after, before]) for before, after in known
        )

    def _keep_likeliest(self) -> None:
        kept: list[int] = []
        for i in np.argsort(-self._weight)[: 3 * _WAYS]:
            same = (np.abs(self._place[kept] - self._place[i]) < _SAME_FRAMES) & (
                np.abs(self._tempo[kept] - self._tempo[i]) < _SAME_TEMPO
            )
            if not same.any():
                kept.append(int(i))
            if len(kept) == _WAYS:
                break
        self._weight = self._weight[kept] - self._weight[kept[0]]
        self._place, self._tempo = self._place[kept], self._tempo[kept]
        self._place_var, self._tempo_var = self._place_var[kept], self._tempo_var[kept]
        self._both, self._late_s = self._both[kept], self._late_s[kept]

    def _get_used_to(self, grid: TempoMap) -> None:
        """How early or late a note is beside the band, where it was meant for an eighth."""
        position = grid.position_at(self._onset_s)
        frame = 2 * round(position / 2)
        if abs(position - frame) < 0.5:
            late_s = self._onset_s - grid.seconds_at(frame)
            habit_s = self._habit_s + (late_s - self._habit_s) / _HABIT_NOTES
            self._habit_s = min(HABIT_S, max(-HABIT_S, habit_s))

    def _say(self, at_s: float) -> None:
        line = self.line
        place, tempo = line.position_at(at_s), math.log(line.frame_s)
        place += min(_LEAP_FRAMES, max(-_LEAP_FRAMES, self._place[0] - place))
        tempo += min(_LEAP_TEMPO, max(-_LEAP_TEMPO, self._tempo[0] - tempo))
        self.line = BeatLine(at_s, float(place), math.exp(tempo), of_session=True)
