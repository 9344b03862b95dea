"""Players in simulated time whose tempo is their own: when they strike, and what follows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jam.music.grid import Meter, TempoMap
from jam.sync.follower import Follower
from jam.sync.listener import Listener

LOOK_S = 0.02
RHYTHMS: dict[str, Sequence[float]] = {
    "quarters": (0, 1, 2, 3),
    "eighths": (0, 1, 1.5, 2, 3, 3.25, 3.5),
    "syncopated": (0.5, 1.5, 2, 2.5, 3.5),
    "off the beat": (0.5, 1.5, 2.5, 3.5),
    "swung": (0, 2 / 3, 1, 5 / 3, 2, 3, 3 + 2 / 3),
    "halves": (0, 2),
}
"""Where in a bar of four beats notes begin."""


@dataclass(frozen=True)
class Played:
    """Notes that were struck at `onsets_s` by somebody whose beat n is at `beats_s[n]`."""

    onsets_s: list[float]
    beats_s: NDArray[np.float64]


def play(
    bpm_at: Callable[[float], float],
    rhythm: Sequence[float],
    beats: int,
    seed: int,
    sigma_s: float = 0.015,
    left_out: float = 0.1,
    stray: float = 0.03,
) -> Played:
    """A player whose tempo is a function of the beat; some notes are left out, others stray."""
    dice = np.random.default_rng(seed)
    steps = np.arange(0, beats + 4.001, 1 / 16)
    times_s = np.concatenate([[0.0], np.cumsum([60 / bpm_at(b) / 16 for b in steps[:-1]])])
    onsets_s = []
    for bar in range(0, beats, 4):
        for place in rhythm:
            at_s = float(np.interp(bar + place, steps, times_s))
            if dice.random() >= left_out:
                onsets_s.append(at_s + float(dice.normal(0, sigma_s)))
            if dice.random() < stray:
                onsets_s.append(float(np.interp(bar + 4 * dice.random(), steps, times_s)))
    return Played(sorted(onsets_s), np.interp(np.arange(beats), steps, times_s))


def followed(played: Played, set_bpm: float) -> TempoMap:
    """The tempo map of a jam that begins on the player's first beat and follows what is played."""
    tempo_map, follower = TempoMap.constant(set_bpm, Meter(), 0.0), Follower()
    listener: Listener | None = None
    onsets_s = list(played.onsets_s)
    n, now_s = 0, 0.0
    while n < len(onsets_s):
        now_s = math.ceil(onsets_s[n] / LOOK_S) * LOOK_S
        while n < len(onsets_s) and onsets_s[n] <= now_s:
            listener = listener or Listener(onsets_s[n], tempo_map)
            listener.hear(onsets_s[n], tempo_map)
            n += 1
        assert listener is not None
        first = max(1, math.floor(tempo_map.position_at(now_s)) + 1)
        tempo_map = follower.follow(tempo_map, listener.line, first)
        for frame in range(first, first + 64, 4):  # on beats what waited for them
            if n < len(onsets_s) and tempo_map.seconds_at(frame) < onsets_s[n]:
                tempo_map = follower.follow(tempo_map, listener.line, frame)
    return tempo_map


def errors_s(tempo_map: TempoMap, played: Played) -> NDArray[np.float64]:
    """Of every beat of the player: how late the jam's is."""
    return np.array([tempo_map.seconds_at(4 * n) - at_s for n, at_s in enumerate(played.beats_s)])


def along(lead_s: float, beats: int, seed: int) -> list[float]:
    """Tempi, at every beat, of a band that follows somebody who follows the band, always so much
    ahead of it or (negative) behind it."""
    dice = np.random.default_rng(seed)
    tempo_map, follower = TempoMap.constant(100, Meter(), 0.0), Follower()
    listener: Listener | None = None
    for beat in range(beats):
        at_s = tempo_map.seconds_at(4 * beat) - lead_s + float(dice.normal(0, 0.01))
        listener = listener or Listener(at_s, tempo_map)
        listener.hear(at_s, tempo_map)
        first = max(1, math.floor(tempo_map.position_at(at_s + 0.02)) + 1)
        tempo_map = follower.follow(tempo_map, listener.line, first)
    return [tempo_map.bpm_at(4 * beat + 2) for beat in range(beats)]
