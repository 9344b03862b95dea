"""What the notes are to chord and key, and what an improvisation is made of. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jam.music.chord import Chord
from jam.music.key import Key, key_of, scale_of
from jam.music.rows import Row
from jam.practice.timing import Struck

CHORD, SCALE, OUTSIDE, FREE = "chord", "scale", "outside", "free"
"""What a note is: of the chord, else of the key, neither, or there is no chord."""
_KEY_BARS = 8
"""The key of a place is that of so many bars to either side."""
_MOTIF_NOTES = 4, 10
_MOST_MOTIFS = 5


@dataclass(frozen=True, slots=True)
class Heard:
    """A note beside what sounded with it. kind: CHORD, SCALE, OUTSIDE or FREE."""

    struck: Struck
    chord: Chord | None
    kind: str


@dataclass(frozen=True, slots=True)
class Motif:
    """A turn that comes again: intervals in semitones and steps in frames between its notes, and
    the bars (from 0) in which it begins."""

    intervals: tuple[int, ...]
    steps: tuple[int, ...]
    bars: tuple[int, ...]
    pitches: tuple[int, ...]
    """Of the first time."""


@dataclass(frozen=True, slots=True)
class Line:
    """What an improvisation is made of. Shares are of the notes with a chord, 0 to 1."""

    chord_tones: float
    tensions: float
    outside: float
    strong_chord_tones: float
    """Of the notes on beats of weight alone."""
    lowest: int
    highest: int
    notes_a_beat: float
    density: tuple[tuple[int, float], ...]
    """(bar, notes a beat)"""
    motifs: tuple[Motif, ...]


def heard(all_: Sequence[Struck], rows: Sequence[Row], key: Key | None = None) -> list[Heard]:
    """What each note is. key: of the song, where it is known; else that of the bars around."""
    found = []
    keys: dict[int, Key | None] = {}
    for s in all_:
        frame = int(s.meant)
        chord = rows[frame].chord.chord if 0 <= frame < len(rows) else None
        here = key
        if here is None:
            bar = s.place.bar
            if bar not in keys:
                length = s.place.meter.frames_per_bar
                first = max(0, frame - _KEY_BARS * length)
                keys[bar] = key_of(rows[first : frame + _KEY_BARS * length])
            here = keys[bar]
        found.append(Heard(s, chord, kind_of(s.note.pitch, chord, here)))
    return found


def kind_of(pitch: int, chord: Chord | None, key: Key | None) -> str:
    """CHORD, SCALE, OUTSIDE or FREE."""
    if chord is None:
        return FREE
    if pitch % 12 in chord.pitch_classes:
        return CHORD
    if key is not None and (pitch - key[0]) % 12 in scale_of(key[1]):
        return SCALE
    return OUTSIDE


def line_of(all_: Sequence[Heard]) -> Line | None:
    """What it is made of; None where nothing was played."""
    if not all_:
        return None
    with_chord = [h for h in all_ if h.kind != FREE]

    def share(of: Sequence[Heard], kind: str) -> float:
        return sum(h.kind == kind for h in of) / len(of) if of else 0.0

    strong = [h for h in with_chord if h.struck.place.strength >= 2]
    per_bar: dict[int, int] = defaultdict(int)
    beats: dict[int, int] = {}
    for h in all_:
        per_bar[h.struck.place.bar] += 1
        beats[h.struck.place.bar] = h.struck.place.meter.beats_per_bar
    bars = range(min(per_bar), max(per_bar) + 1)
    usual = next(iter(beats.values()))
    density = tuple((bar, per_bar.get(bar, 0) / beats.get(bar, usual)) for bar in bars)
    pitches = [h.struck.note.pitch for h in all_]
    return Line(
        share(with_chord, CHORD),
        share(with_chord, SCALE),
        share(with_chord, OUTSIDE),
        share(strong, CHORD),
        min(pitches),
        max(pitches),
        len(all_) / sum(beats.get(bar, usual) for bar in bars),
        density,
        motifs_of([h.struck for h in all_]),
    )


def motifs_of(all_: Sequence[Struck]) -> tuple[Motif, ...]:
    """Turns of at least four notes that come again, in any key: the longest first, none within
    another."""
    notes = _top_line(all_)
    least, most = _MOTIF_NOTES
    taken: set[int] = set()
    found: list[Motif] = []
    for n in range(min(most, len(notes)), least - 1, -1):
        groups: Mapping[tuple[tuple[int, ...], tuple[int, ...]], list[int]] = defaultdict(list)
        for i in range(len(notes) - n + 1):
            part = notes[i : i + n]
            pairs = list(pairwise(part))
            intervals = tuple(b.note.pitch - a.note.pitch for a, b in pairs)
            steps = tuple(round(b.meant - a.meant) for a, b in pairs)
            if any(intervals) and max(steps) <= 16:
                groups[intervals, steps].append(i)
        for (intervals, steps), starts in groups.items():
            apart: list[int] = []
            for i in starts:
                if (not apart or i >= apart[-1] + n) and not taken & set(range(i, i + n)):
                    apart.append(i)
            if len(apart) < 2:
                continue
            for i in apart:
                taken |= set(range(i, i + n))
            first = notes[apart[0] : apart[0] + n]
            bars = tuple(notes[i].place.bar for i in apart)
            found.append(Motif(intervals, steps, bars, tuple(s.note.pitch for s in first)))
    found.sort(key=lambda m: -len(m.bars) * len(m.pitches))
    return tuple(found[:_MOST_MOTIFS])


def _top_line(all_: Sequence[Struck]) -> list[Struck]:
    """Of notes that are struck together the highest."""
    top: dict[float, Struck] = {}
    for s in all_:
        if s.meant not in top or s.note.pitch > top[s.meant].note.pitch:
            top[s.meant] = s
    return [top[at] for at in sorted(top)]
