"""Notes off the grid and accents as players have them, in tables mined from performances.

The tables are made by `python -m models.band` (see `models/band/feel.py` for their sources). Pure:
a note's place and weight are a function of the seed, its part, its place and its pitch alone, so
that a plan made again has them where they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from statistics import NormalDist

from jam.accompaniment.notes import MIN_FRAMES, PARTS, Draft, dice
from jam.music.grid import Meter, frame_duration_s

_LATEST = 1 - MIN_FRAMES
"""A note starts within its frame, and leaves room for its shortest length."""
_BEHIND_MS = 10.0
"""What lies before the beat would sound before its frame is committed: at full feel everyone is so
much behind, and nobody is early by more."""
_TOGETHER = 0.8
"""Share of a deviation that what a part strikes at once has in common."""
_MOST_ACCENT = 24.0
_NOTHING = (0.0,) * 16
_NEW = 0.3
"""Share of the deviations that is new where a bar is played that somebody played."""
_KEYS = {
    36: "kick",
    37: "snare",
    38: "snare",
    39: "snare",
    42: "hat",
    44: "hat",
    46: "hat",
    54: "hat",
    70: "hat",
    51: "ride",
    43: "toms",
    47: "toms",
    50: "toms",
    49: "crash",
}


@dataclass(frozen=True, slots=True)
class Hand:
    """How one player places and weighs notes: means by voice and place, and what they leave.

    late_ms, accent: voice -> 16 places of a bar in 4/4. The spreads are standard deviations; the
    memories how much of one onset's deviation is in the next.
    """

    late_ms: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    accent: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    late_ms_spread: float = 0.0
    late_ms_memory: float = 0.0
    accent_spread: float = 0.0
    accent_memory: float = 0.0


@dataclass(frozen=True, slots=True)
class Feel:
    """The players of a band, by part, and how they swing.

    swing: (a, b): the long eighth is exp(a + b × quarters a minute / 100) times the short one.
    """

    hands: Mapping[str, Hand] = field(default_factory=dict)
    swing: tuple[float, float] = (math.log(2.0), 0.0)

    def second_eighth(self, quarter_bpm: float) -> float:
        """Where the second eighth of a quarter lies, in frames: 2 is straight."""
        start, slope = self.swing
        ratio = max(1.0, math.exp(start + slope * quarter_bpm / 100))
        return 4 * ratio / (1 + ratio)


@lru_cache(maxsize=1024)
def place_of(meter: Meter, column: int) -> int:
    """The place of a bar in 4/4 that a column of another metre is most like."""
    beat, rest = divmod(column, meter.frames_per_beat)
    if meter.compound:
        rest = (0, 1, 2, 3, 2, 3)[rest]
    elif meter.frames_per_beat < 4:
        rest *= 2
    else:
        rest = rest * 4 // meter.frames_per_beat
    strength = meter.strength(beat * meter.frames_per_beat)
    quarter = {3: 0, 2: 2}.get(strength, 1 if beat == 1 else 3)
    return 4 * quarter + rest


def played(
    draft: Draft, hand: Hand, column: int, meter: Meter, bpm: float, feel: float, seed: int
) -> Draft:
    """The note of bar column `column` as the player of its part plays it; `feel` 0 to 1."""
    frame = math.floor(draft.start_frame)
    voice = {"drums": _KEYS.get(draft.pitch, "hat"), "bass": "low"}.get(draft.part, "high")
    part, place = PARTS.index(draft.part), place_of(meter, column)
    if draft.late_ms is None:  # drawn; the style has accents of its own
        new, mean_ms = 1.0, hand.late_ms.get(voice, _NOTHING)[place]
        louder = hand.accent.get(voice, _NOTHING)[place] / 2
    else:  # nobody plays a bar twice the same
        new, mean_ms, louder = _NEW, draft.late_ms, 0.0
    rest_ms = _wander(seed, part, frame, draft.pitch, hand.late_ms_memory) * hand.late_ms_spread
    late_ms = max(0.0, mean_ms + new * rest_ms + _BEHIND_MS)
    start = draft.start_frame + feel * late_ms / (1000 * frame_duration_s(bpm, meter))
    start = min(start, max(draft.start_frame, frame + _LATEST))
    rest = _wander(seed + 1, part, frame, draft.pitch, hand.accent_memory) * hand.accent_spread
    louder = feel * max(-_MOST_ACCENT, min(_MOST_ACCENT, louder + new * rest))
    velocity = max(1, min(127, round(draft.velocity + louder)))
    until = draft.until_frame + (start - draft.start_frame)
    return Draft(draft.part, draft.pitch, velocity, start, until, draft.confidence)


@lru_cache(maxsize=4096)
def _wander(seed: int, part: int, frame: int, pitch: int, memory: float) -> float:
    """Noise of variance 1: what is slow, what the onset has, and what the one key has."""
    quarter, rest = divmod(frame, 4)
    one, two = _normal(seed, part, quarter, 0), _normal(seed, part, quarter + 1, 0)
    along = rest / 4
    slow = (one * (1 - along) + two * along) / math.sqrt(along**2 + (1 - along) ** 2)
    onset, key = _normal(seed, part, frame, 1), _normal(seed, part, frame, 2 + pitch)
    quick = math.sqrt(_TOGETHER) * onset + math.sqrt(1 - _TOGETHER) * key
    return math.sqrt(memory) * slow + math.sqrt(1 - memory) * quick


_NORMAL = tuple(NormalDist().inv_cdf((i + 0.5) / 256) for i in range(256))


@lru_cache(maxsize=8192)
def _normal(seed: int, *numbers: int) -> float:
    """Normally distributed, variance 1, within ±2.9."""
    return _NORMAL[int(dice(seed, 31, *numbers) * 256) & 255]
