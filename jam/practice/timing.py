"""Where notes were early or late: against the beat, by its place in the bar, over the take. Pure.

A note's lateness is counted from the subdivision that it was meant for: sixteenths (sixths of a
dotted beat) and, where the playing swings, its own second eighth. Which one that is is judged
around the player's own beat of late, so that somebody who drags more and more is still followed.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from jam.messages.notes import PlayedNote
from jam.music.grid import Place, TempoMap
from jam.music.swing import straightened

_FOLLOWED = 8
"""The player's own beat is the median of so many notes before."""
_FURTHEST = 0.2
"""The player's own beat is no further off than this, in beats."""
_OFFBEAT = 0.42, 0.76
"""Where in a beat the second of two eighths may fall, swung or not."""
_SWINGS = 0.56
_LEAST_OFFBEATS = 8
_LEAST_NOTES = 3
"""Fewer notes at one place, or in one bar, say nothing of it."""
_CLEARLY_MS = 12.0
"""A change of the level over a take is told from here on."""
_EXPLAINED = 0.6
"""A change must explain so much of how the bars differ."""


@dataclass(frozen=True, slots=True)
class Struck:
    """A note of the player's, and where it was meant to be.

    meant: in frames, a float where it is swung. place: of the frame that it is written in. late_ms:
    negative is early.
    """

    note: PlayedNote
    meant: float
    place: Place
    late_ms: float


@dataclass(frozen=True, slots=True)
class Change:
    """From a bar (its number from 0) on it is different: at once by so many milliseconds, or more
    and more, so many a bar. The other one is 0."""

    bar: int
    step_ms: float = 0.0
    drift_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Level:
    """Median lateness of `count` notes at one place: a position in beats of the bar, or a bar."""

    at: float
    late_ms: float
    count: int


@dataclass(frozen=True, slots=True)
class Timing:
    """How a take lies to the beat.

    late_ms: the median, negative is early. within_ms: half of the notes lie so near to it.
    swing: where in the beat the second eighth falls, None where it is straight.
    """

    count: int
    late_ms: float
    within_ms: float
    by_beat: tuple[Level, ...]
    curve: tuple[Level, ...]
    """By bar."""
    change: Change | None
    swing: float | None


def swing_of(positions: Iterable[float]) -> float | None:
    """Where in the beat the second of two eighths falls (2/3: as a triplet); None if straight.

    positions: of the onsets, in beats.
    """
    low, high = _OFFBEAT
    positions = list(positions)
    on_beat = [(p + 0.5) % 1.0 - 0.5 for p in positions if (p + low / 2) % 1.0 < low]
    own = median(on_beat) if on_beat else 0.0
    found = [part for p in positions if low <= (part := (p - own) % 1.0) <= high]
    if len(found) < _LEAST_OFFBEATS:
        return None
    middle = median(found)
    return min(middle, 0.75) if middle >= _SWINGS else None


def struck(notes: Sequence[PlayedNote], tempo_map: TempoMap) -> list[Struck]:
    """Each note with where it was meant to be; those before the first bar line are left out."""
    at = [(tempo_map.position_at(n.start_s), n) for n in sorted(notes, key=lambda n: n.start_s)]
    at = [(position, note) for position, note in at if position > -0.5]
    beats = [position / tempo_map.meter_at(position).frames_per_beat for position, _ in at]
    swing = None
    if not any(tempo_map.meter_at(position).compound for position, _ in at):
        swing = swing_of(beats)
    found: list[Struck] = []
    own: deque[float] = deque(maxlen=_FOLLOWED)
    for position, note in at:
        meter = tempo_map.meter_at(position)
        offset = median(own) if len(own) == _FOLLOWED else 0.0
        meant, written = _meant(position - offset * meter.frames_per_beat, tempo_map, swing)
        late = (position - meant) / meter.frames_per_beat
        own.append(min(max(late, -_FURTHEST), _FURTHEST))
        late_ms = 1000 * (note.start_s - tempo_map.seconds_at(meant))
        found.append(Struck(note, meant, tempo_map.place(written), late_ms))
    return found


def _meant(position: float, tempo_map: TempoMap, swing: float | None) -> tuple[float, int]:
    """(where the subdivision nearest to a position lies, the frame that it is written in)."""
    if swing is None:
        return float(frame := max(0, round(position))), frame
    meter = tempo_map.meter_at(position)
    beat_frames = meter.frames_per_beat
    line = position - tempo_map.place(int(max(0, position))).frame_in_bar % beat_frames
    start = float(int(max(0, line)))
    inside = (position - start) / beat_frames
    written = round(straightened(inside, swing) * 4) / 4
    beat, part = divmod(written, 1.0)
    swung = part * 2 * swing if part <= 0.5 else swing + (part - 0.5) * 2 * (1 - swing)
    frame = max(0, round(start + written * beat_frames))
    return max(0.0, start + (beat + swung) * beat_frames), frame


def timing_of(all_: Sequence[Struck]) -> Timing | None:
    """How the notes lie to the beat; None where there are hardly any."""
    if len(all_) < _LEAST_NOTES:
        return None
    late = [s.late_ms for s in all_]
    middle = median(late)
    by_beat: dict[float, list[float]] = defaultdict(list)
    by_bar: dict[float, list[float]] = defaultdict(list)
    for s in all_:
        by_beat[beat_of(s.place)].append(s.late_ms)
        by_bar[s.place.bar].append(s.late_ms)
    curve = tuple(_levels(by_bar))
    off = [p for s in all_ if (p := (s.meant / s.place.meter.frames_per_beat) % 1.0) > 0]
    swung = [p for p in off if _SWINGS <= p <= _OFFBEAT[1]]
    uneven = len(swung) >= _LEAST_OFFBEATS and any(abs(p * 4 - round(p * 4)) > 1e-6 for p in swung)
    return Timing(
        len(all_),
        middle,
        median(abs(ms - middle) for ms in late),
        tuple(level for level in _levels(by_beat) if level.count >= _LEAST_NOTES),
        curve,
        change_of(curve),
        median(swung) if uneven else None,
    )


def beat_of(place: Place) -> float:
    """The place in the bar as musicians count it: 1 is the first beat, 1.5 its second eighth."""
    return 1 + place.frame_in_bar / place.meter.frames_per_beat


def _levels(groups: Mapping[float, list[float]]) -> Iterable[Level]:
    for at in sorted(groups):
        yield Level(float(at), median(groups[at]), len(groups[at]))


def change_of(curve: Sequence[Level]) -> Change | None:
    """The one bar from which on a take lies clearly otherwise, at once or more and more.

    Least squares over the bars' medians, each weighed by its notes, of a step and of a ramp at
    every bar; None where neither explains most of how the bars differ.
    """
    if len(curve) < 4:
        return None
    total = _squares([(1.0,)] * len(curve), curve)[0]
    best: tuple[float, Change] | None = None
    for i in range(1, len(curve)):
        first = curve[i].at
        if i < len(curve) - 1:
            steps = [(1.0, float(level.at >= first)) for level in curve]
            left, (_, step) = _squares(steps, curve)
            if abs(step) >= _CLEARLY_MS and (best is None or left < best[0]):
                best = left, Change(int(first), step_ms=step)
        ramp = [(1.0, max(0.0, level.at - first + 1)) for level in curve]
        left, (_, slope) = _squares(ramp, curve)
        reach = abs(slope) * (curve[-1].at - first + 1)
        if reach >= _CLEARLY_MS and i < len(curve) - 2 and (best is None or left < best[0]):
            best = left, Change(int(first), drift_ms=slope)
    if best is None or best[0] > (1 - _EXPLAINED) * total:
        return None
    return best[1]


def _squares(
    columns: Sequence[tuple[float, ...]], curve: Sequence[Level]
) -> tuple[float, tuple[float, ...]]:
    """(sum of squares that is left, coefficients) of weighed least squares on 1 or 2 columns."""
    weights = [float(level.count) for level in curve]
    values = [level.late_ms for level in curve]
    if len(columns[0]) == 1:
        mean = sum(w * v for w, v in zip(weights, values, strict=True)) / sum(weights)
        return sum(w * (v - mean) ** 2 for w, v in zip(weights, values, strict=True)), (mean,)
    x = [c[1] for c in columns]
    w_sum = sum(weights)
    x_mean = sum(w * a for w, a in zip(weights, x, strict=True)) / w_sum
    v_mean = sum(w * v for w, v in zip(weights, values, strict=True)) / w_sum
    xx = sum(w * (a - x_mean) ** 2 for w, a in zip(weights, x, strict=True))
    xv = sum(w * (a - x_mean) * (v - v_mean) for w, a, v in zip(weights, x, values, strict=True))
    slope = xv / xx if xx > 0 else 0.0
    level = v_mean - slope * x_mean
    left = sum(w * (v - level - slope * a) ** 2 for w, a, v in zip(weights, x, values, strict=True))
    return left, (level, slope)
