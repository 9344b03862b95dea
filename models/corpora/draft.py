"""From notes and chords on a grid of bars to a `LeadSheet`: the last step of every reader.

A draft holds what a source says, on an exact grid: positions are sixteenths as floats or
fractions, bars follow one another without gaps. `finish` rounds, takes the topmost line, joins
chords that only repeat, shortens long stretches without melody, and counts what it dropped.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import FRAMES, LABEL_CHARACTERS, MELODY_NOTES, SHEET_CHORDS
from jam.music.chord import Chord
from jam.music.grid import Meter
from models.data.leadsheet import LeadSheet, chord_states, melody_states, plausible_bpm

Position = int | float | Fraction
"""A place in the piece, in sixteenths from the first bar line."""

MAX_BARS_WITHOUT_MELODY = 4
BARS_KEPT_OF_A_SILENCE = 2
MIN_NOTES = 8


@dataclass(frozen=True, slots=True)
class DraftNote:
    start: Position
    end: Position
    pitch: int


@dataclass(frozen=True, slots=True)
class DraftChord:
    """A chord from `start` until the next one begins; None is no chord."""

    start: Position
    chord: Chord | None
    label: str


@dataclass(slots=True)
class Draft:
    """What a reader found in one piece. `dropped` counts by reason what it left out, `unread` says
    where: "bar 3: H7x".
    """

    source: str
    piece: str
    bars: list[Meter]
    notes: list[DraftNote]
    chords: list[DraftChord]
    style: str = "any"
    bpm: float | None = None
    dropped: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)


def nearest(position: Position) -> int:
    """The nearest frame; a place halfway goes to the later one."""
    return math.floor(
        position + Fraction(1, 2) if isinstance(position, Fraction) else position + 0.5
    )


def topmost(notes: Sequence[DraftNote]) -> list[tuple[int, int, int]]:
    """One voice on whole frames: (start, end, pitch), in order, without overlap.

    A note under a sounding higher one is silent while that sounds. Of notes that fall on the
    same frame the highest wins, and every note lasts at least one frame.
    """
    rounded = []
    for note in notes:
        start = nearest(note.start)
        rounded.append((start, max(start + 1, nearest(note.end)), note.pitch))
    # By start, then the highest first: of one frame the highest wins.
    rounded.sort(key=lambda n: (n[0], -n[2]))
    line: list[tuple[int, int, int]] = []
    for start, end, pitch in rounded:
        if line:
            last_start, last_end, last_pitch = line[-1]
            if start == last_start:
                continue
            if start < last_end:
                if pitch < last_pitch and last_end - start > 1:
                    continue  # an inner voice
                line[-1] = (last_start, start, last_pitch)
        line.append((start, end, pitch))
    return line


def _whole_bars(bars: Sequence[Meter]) -> list[int]:
    """First frame of every bar, and of the bar that would follow."""
    starts = [0]
    for meter in bars:
        starts.append(starts[-1] + meter.frames_per_bar)
    return starts


def _kept_bars(bars: int, sounding: set[int]) -> list[bool]:
    """Which bars stay: all but the middle of long stretches without melody."""
    keep = [True] * bars
    start = 0
    while start < bars:
        end = start
        while end < bars and end not in sounding:
            end += 1
        if end - start > MAX_BARS_WITHOUT_MELODY:
            # An introduction keeps the bars that lead to the melody, an ending its first ones.
            before = 0 if start == 0 else BARS_KEPT_OF_A_SILENCE - (end < bars)
            after = BARS_KEPT_OF_A_SILENCE - before if end < bars else 0
            for bar in range(start + before, end - after):
                keep[bar] = False
        start = max(end, start) + 1
    return keep


def _chord_spans(chords: Sequence[DraftChord], n_frames: int) -> list[tuple[int, int, Chord, str]]:
    """Chords on whole frames; the later of two that fall on one frame wins, repeats are joined."""
    by_frame: dict[int, DraftChord] = {}
    for item in sorted(chords, key=lambda c: c.start):
        by_frame[max(0, nearest(item.start))] = item
    frames = [f for f in sorted(by_frame) if f < n_frames]
    ends = [*frames[1:], n_frames][: len(frames)]
    spans: list[tuple[int, int, Chord, str]] = []
    for frame, end in zip(frames, ends, strict=True):
        chord, label = by_frame[frame].chord, by_frame[frame].label
        if chord is None:
            continue
        if spans and spans[-1][1] == frame and spans[-1][2] == chord and not _anew(label):
            spans[-1] = (*spans[-1][:1], end, *spans[-1][2:])
        else:
            spans.append((frame, end, chord, label))
    return spans


def _anew(label: str) -> bool:
    """True for a bass alone ("/B"): the same chord, but whoever wrote it marked a change."""
    return label.startswith("/")


def finish(draft: Draft) -> LeadSheet:
    """The lead sheet of a draft. Raises BadInput with the reason when there is nothing in it.

    Chord onsets mark changes: a chord written again, or with only another bass, is held.
    """
    notes = [note for note in draft.notes if 0 <= note.pitch <= 127]
    chords, bars = draft.chords, draft.bars
    draft.dropped["notes out of range"] += len(draft.notes) - len(notes)
    if len(notes) < MIN_NOTES:
        raise BadInput(f"fewer than {MIN_NOTES} melody notes")
    if len(notes) > MELODY_NOTES:
        raise BadInput(f"more than {MELODY_NOTES} melody notes")
    if len(chords) > SHEET_CHORDS:
        raise BadInput(f"more than {SHEET_CHORDS} chords")
    if not any(c.chord for c in chords):
        raise BadInput("no chords")
    starts = _whole_bars(bars)
    n_frames = starts[-1]
    if n_frames > FRAMES:
        raise BadInput(f"longer than {FRAMES} frames")
    line = [
        (max(0, s), min(e, n_frames), p) for s, e, p in topmost(notes) if e > 0 and s < n_frames
    ]
    sounding: set[int] = set()
    bar = 0
    for start, end, _ in line:
        while starts[bar + 1] <= start:
            bar += 1
        last = bar
        while starts[last] < end:
            sounding.add(last)
            last += 1
    keep = _kept_bars(len(bars), sounding)
    draft.dropped["bars without melody"] += keep.count(False)
    # New frame of every old one; a frame that is dropped goes where the next kept one goes.
    moved: list[int] = []
    kept = 0
    for i, meter in enumerate(bars):
        size = meter.frames_per_bar
        moved.extend(range(kept, kept + size) if keep[i] else [kept] * size)
        kept += size if keep[i] else 0
    moved.append(kept)
    meters: list[tuple[int, Meter]] = []
    at = 0
    for meter, kept_bar in zip(bars, keep, strict=True):
        if kept_bar:
            if not meters or meters[-1][1] != meter:
                meters.append((at, meter))
            at += meter.frames_per_bar
    spans = [
        (moved[s], moved[e], chord, label)
        for s, e, chord, label in _chord_spans(chords, n_frames)
        if moved[s] < moved[e]
    ]
    if not spans:
        raise BadInput("no chords")
    joined: list[tuple[int, int, Chord, str]] = []
    for span in spans:
        same = joined and joined[-1][1] == span[0] and joined[-1][2] == span[2]
        if same and not _anew(span[3]):
            joined[-1] = (*joined[-1][:1], span[1], *joined[-1][2:])
        else:
            joined.append(span)
    return LeadSheet(
        source=draft.source,
        piece=draft.piece,
        meters=tuple(meters),
        melody=melody_states([(moved[s], moved[e], p) for s, e, p in line], kept),
        chords=chord_states([span[:3] for span in joined], kept),
        labels=tuple((span[0], span[3][:LABEL_CHARACTERS]) for span in joined),
        style=draft.style,
        bpm=draft.bpm if plausible_bpm(draft.bpm) else None,
    )
