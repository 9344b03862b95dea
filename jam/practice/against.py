"""What was played beside the melody that was to be played: missed, wrong, added. Pure.

Notes are aligned by pitch and place: of all pairs of the same pitch that lie within half a beat of
each other the nearest are taken first. What is left over on both sides at one place is a wrong
note; what is left over of the melody was missed, what is left over of the playing was added.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jam.messages.snapshot import SongChange
from jam.music.grid import Place, TempoMap
from jam.music.role import LEADS
from jam.music.tune import LEFT, MIDDLE, RIGHT, Due, due
from jam.practice.timing import Struck
from jam.settings import KEYS_A_CHORUS, JamSettings

MISSED, WRONG, ADDED = "missed", "wrong", "added"
_NEAR_BEATS = 0.5
"""A note counts for one of the melody that is so near, judged around the player's own beat."""
_IN_PLACE_BEATS = 0.2
"""Another note so near to one that is missing was played in its place."""
_LOOKED_AT = 4
"""Notes of the same pitch that may be meant at most, before and after."""
_PRACTISED = 0.3
"""Who plays less of the melody than this plays something else."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The melody's notes that were the player's, and the frames (first, end) in which they were."""

    notes: tuple[Due, ...]
    spans: tuple[tuple[int, int], ...]
    tempo_map: TempoMap
    split: int = MIDDLE


@dataclass(frozen=True, slots=True)
class Against:
    """A melody beside what was played of it."""

    right: tuple[tuple[Due, Struck], ...]
    wrong: tuple[tuple[Due, Struck], ...]
    """Another note in its place."""
    missed: tuple[tuple[Due, Place], ...]
    added: tuple[Struck, ...]

    @property
    def wanted(self) -> int:
        """So many notes there were to play."""
        return len(self.right) + len(self.wrong) + len(self.missed)

    @property
    def faulty(self) -> tuple[tuple[Place, str], ...]:
        """Where something was MISSED, WRONG or ADDED."""
        return (
            *((place, MISSED) for _, place in self.missed),
            *((s.place, WRONG) for _, s in self.wrong),
            *((s.place, ADDED) for s in self.added),
        )

    @property
    def faults(self) -> int:
        """Notes that were missed, wrong or added."""
        return len(self.wrong) + len(self.missed) + len(self.added)


def wanted_of(
    songs: Sequence[SongChange],
    settings: Sequence[tuple[float, JamSettings]],
    tempo_map: TempoMap,
    first: int,
    end: int,
) -> Wanted:
    """What of the melodies of songs the player was to play in frames [first, end) of a session.

    songs, settings: those in force and their changes, in order of time.
    """
    notes: list[Due] = []
    spans: list[tuple[int, int]] = []
    split = MIDDLE
    for start, stop, change, now in _stretches(songs, settings, tempo_map, first, end):
        if change.song is None or now.role == LEADS:
            continue
        if not change.song.has_tune or now.tune_plays in ("all", "off"):
            continue
        step, split = KEYS_A_CHORUS[now.song_keys], now.split_pitch or MIDDLE
        found = due(change.song, change.first_bar, tempo_map, start, stop, step, now.split_pitch)
        notes += [n for n in found if n.hand != now.tune_plays]
        spans.append((start, stop))
    return Wanted(tuple(notes), tuple(spans), tempo_map, split)


def _stretches(
    songs: Sequence[SongChange],
    settings: Sequence[tuple[float, JamSettings]],
    tempo_map: TempoMap,
    first: int,
    end: int,
) -> Iterator[tuple[int, int, SongChange, JamSettings]]:
    """Frames over which song and settings stay as they are; a song begins with its first bar."""
    at = [max(0, round(tempo_map.position_at(at_s))) for at_s, _ in settings]
    begins = [
        max(tempo_map.bar_start(max(0, c.first_bar)), round(tempo_map.position_at(c.at_s)))
        for c in songs
    ]
    cuts = sorted({first, end, *(f for f in (*at, *begins) if first < f < end)})
    for start, stop in pairwise(cuts):
        song = bisect_right(begins, start) - 1
        setting = max(0, bisect_right(at, start) - 1)
        if song >= 0 and settings:
            yield start, stop, songs[song], settings[setting][1]


def against(all_: Sequence[Struck], wanted: Wanted) -> Against | None:
    """What was played (in order) beside what was wanted, from the first bar that was played to
    the last; None where there was no melody, or another one was played."""
    hands = {note.hand for note in wanted.notes}
    played = [
        s
        for s in all_
        if any(first - 1 <= s.meant < end for first, end in wanted.spans)
        and (LEFT if s.note.pitch < wanted.split else RIGHT) in hands
    ]
    if not played:
        return None
    bar, beat = played[0].place.meter.frames_per_bar, played[0].place.meter.frames_per_beat
    first = min(s.meant - s.place.frame_in_bar for s in played)
    last = max(s.meant - s.place.frame_in_bar for s in played) + bar
    notes = [n for n in wanted.notes if first - 0.5 <= n.start_frame < last - 0.5]
    right = _nearest(notes, played, _NEAR_BEATS * beat, same_pitch=True)
    if not notes or len(right) < _PRACTISED * len(notes):
        return None
    rest, others = _left_over(notes, played, right)
    wrong = _nearest(rest, others, _IN_PLACE_BEATS * beat, same_pitch=False)
    missed, added = _left_over(rest, others, wrong)
    places = ((n, wanted.tempo_map.place(n.start_frame)) for n in missed)
    return Against(tuple(right), tuple(wrong), tuple(places), tuple(added))


Pairs = list[tuple[Due, Struck]]


def _nearest(
    notes: Sequence[Due], played: Sequence[Struck], near: float, same_pitch: bool
) -> Pairs:
    """Pairs that are less than `near` frames apart, the nearest first; each is in one at most."""
    by_pitch: dict[int, list[Struck]] = defaultdict(list)
    for s in sorted(played, key=lambda s: s.meant):
        by_pitch[s.note.pitch if same_pitch else 0].append(s)
    found: list[tuple[float, int, Due, Struck]] = []
    for i, note in enumerate(notes):
        there = by_pitch.get(note.pitch if same_pitch else 0, [])
        at = bisect_left(there, float(note.start_frame), key=lambda s: s.meant)
        for s in there[max(0, at - _LOOKED_AT) : at + _LOOKED_AT]:
            if (apart := abs(s.meant - note.start_frame)) < near:
                found.append((apart, i, note, s))
    found.sort(key=lambda f: f[:2])
    done: set[int] = set()
    used: set[int] = set()
    pairs: list[tuple[int, Due, Struck]] = []
    for _, i, note, s in found:
        if i not in done and id(s) not in used:
            done.add(i)
            used.add(id(s))
            pairs.append((i, note, s))
    return [(note, s) for _, note, s in sorted(pairs, key=lambda p: p[0])]


def _left_over(
    notes: Sequence[Due], played: Sequence[Struck], pairs: Pairs
) -> tuple[list[Due], list[Struck]]:
    """What is in none of the pairs."""
    done, used = {id(n) for n, _ in pairs}, {id(s) for _, s in pairs}
    return [n for n in notes if id(n) not in done], [s for s in played if id(s) not in used]
