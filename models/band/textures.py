"""Passages of pianists (POP909) and drummers (Groove) for the band to play over its own chords."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from statistics import mean
from typing import Any

from jam.messages.notes import Note
from jam.music.grid import Meter, nearest_frame
from models.band.feel import straight, swung
from models.band.performances import Performance

PIANO_BARS, DRUM_BARS = 8, 4
MOST_PASSAGES = 40
"""Of one kind."""
_HANDS = 52
"""Below this pitch the lowest note of an onset is the left hand's."""
_STEP = 4.0
"""Semitones from one rank of a ladder of three voices an octave to the next."""
_TIDY_FRAMES = 0.3
KIT = {
    36: 36,
    38: 38,
    40: 38,
    37: 37,
    39: 39,
    48: 50,
    50: 50,
    45: 47,
    47: 47,
    43: 43,
    58: 43,
    46: 46,
    26: 46,
    42: 42,
    22: 42,
    44: 44,
    49: 49,
    55: 49,
    57: 49,
    52: 49,
    51: 51,
    59: 51,
    53: 51,
    54: 54,
    56: 56,
}
"""Keys of Groove's kit to those of the General MIDI drums that the styles have."""
GROOVES = {
    "rock": ("rock", "punk"),
    "ballad": ("rock/halftime", "pop/soft"),
    "rock-ballad": ("rock",),
    "pop": ("pop", "soul", "country", "highlife"),
    "funk": ("funk", "soul", "neworleans"),
    "hiphop": ("hiphop",),
    "swing": ("jazz",),
    "shuffle": ("blues", "rock/shuffle"),
    "brazil": ("latin/samba", "latin/brazilian"),
    "latin": ("afrocuban", "latin/bounce", "latin/chacarera"),
    "reggae": ("reggae",),
    "country": ("country",),
    "gospel": ("gospel", "soul"),
}
"""Kind -> how the styles of the recordings begin that are taken for it."""
SLOW_BPM = 90
"""Up to here rock is that of ballads."""
Bars = list[list[list[int]]]


def _order(key: str) -> str:
    """A fixed order that has nothing to do with the pieces."""
    return hashlib.sha256(key.encode()).hexdigest()


def _late_ms(note: Note, piece: Performance) -> int:
    return round((note.start_frame - nearest_frame(note.start_frame)) * piece.frame_ms)


def _windows(piece: Performance, size: int) -> Iterator[list[list[Note]]]:
    """Rows of so many bars that all have notes on the grid."""
    bars = piece.bars()
    for first in range(0, max(bars, default=0) - size + 2, size):
        window = [bars.get(first + i, []) for i in range(size)]
        off = [abs(n.start_frame - nearest_frame(n.start_frame)) for bar in window for n in bar]
        if all(len(bar) >= 2 for bar in window) and mean(off) < _TIDY_FRAMES / 2:
            yield window


def piano(pieces: Iterable[Performance]) -> list[dict[str, Any]]:
    """Passages of the pianists by kind: how many notes an onset has on average."""
    found = []
    for piece in pieces:
        for number, window in enumerate(_windows(piece, PIANO_BARS)):
            passage = _piano_passage(piece, window)
            if passage is not None:
                found.append((_order(f"{piece.piece}/{number}"), passage))
    found.sort(key=lambda item: item[0])
    return _few([passage for _, passage in found])


def _piano_passage(piece: Performance, window: list[list[Note]]) -> dict[str, Any] | None:
    length = piece.meter.frames_per_bar
    loud = mean(n.velocity for bar in window for n in bar)
    onsets: list[dict[int, list[Note]]] = []
    low: Bars = []
    for bar in window:
        by_column: dict[int, list[Note]] = {}
        for note in bar:
            by_column.setdefault(nearest_frame(note.start_frame) % length, []).append(note)
        onsets.append(by_column)
        left = []
        for column, notes in by_column.items():
            lowest = min(notes, key=lambda n: n.pitch)
            if lowest.pitch < _HANDS:
                notes.remove(lowest)
                frame = min(nearest_frame(lowest.start_frame), len(piece.chords) - 1)
                chord = piece.chords[frame]
                interval = (lowest.pitch - chord.root) % 12 if chord is not None else 0
                left.append(_struck(lowest, column, interval, loud, piece))
        low.append(left)
    upper = [n for by_column in onsets for notes in by_column.values() for n in notes]
    if len(upper) < 2 * PIANO_BARS or not all(any(o.values()) for o in onsets):
        return None
    ground = sorted(n.pitch for n in upper)[len(upper) // 10]
    bars: Bars = []
    for by_column in onsets:
        bar_strokes = []
        for column, notes in by_column.items():
            rank = -4
            for note in sorted(notes, key=lambda n: n.pitch):
                rank = max(rank + 1, min(6, max(-3, round((note.pitch - ground) / _STEP))))
                bar_strokes.append(_struck(note, column, rank, loud, piece))
        bars.append(bar_strokes)
    n_onsets = sum(len([c for c in o if o[c]]) for o in onsets)
    together = len(upper) / max(n_onsets, 1)
    kind = "broken" if together < 1.5 else "mixed" if together < 2.2 else "block"
    if not 2.5 <= n_onsets / PIANO_BARS <= 13 or together > 4.2:
        return None
    return {"kind": kind, "bpm": round(piece.bpm), "bars": bars, "low": low}


def _struck(note: Note, column: int, height: int, loud: float, piece: Performance) -> list[int]:
    length = min(max(1, round(note.end_frame - note.start_frame)), 32)
    late = max(-40, min(40, _late_ms(note, piece)))
    return [column, length, height, round(note.velocity - loud), late]


def drums(pieces: Sequence[Performance], size: int = DRUM_BARS) -> list[dict[str, Any]]:
    """Passages of the drummers by kind, as they are written: swung eighths are straightened."""
    found = []
    for kind, tags in GROOVES.items():
        for piece in pieces:
            if piece.meter != Meter(4, 4) or not piece.tags.startswith(tags):
                continue
            if tags[0] == "rock" and piece.tags.startswith(("rock/shuffle", "rock/halftime")):
                continue
            if kind == "rock-ballad" and piece.bpm > SLOW_BPM:
                continue
            late = swung(piece)
            if kind in ("swing", "shuffle") and late < 2.25:
                continue
            written = _written(piece, late if late >= 2.25 else 2.0)
            for number, window in enumerate(_windows(written, size)):
                passage = _drum_passage(kind, written, window)
                found.append((_order(f"{kind}/{piece.piece}/{number}"), passage))
    found.sort(key=lambda item: item[0])
    return _few([passage for _, passage in found])


def _written(piece: Performance, late: float) -> Performance:
    """The performance with its swing taken out, and what the drummer lies behind the click."""
    off = mean(n.start_frame - nearest_frame(n.start_frame) for n in piece.notes)
    notes = []
    for n in piece.notes:
        start = straight(n.start_frame - off, late) if late > 2 else n.start_frame - off
        if nearest_frame(start) >= 0 and n.pitch in KIT:
            notes.append(Note(start, start + 1, KIT[n.pitch], n.velocity))
    return Performance(piece.corpus, piece.piece, piece.tags, piece.bpm, piece.meter, tuple(notes))


def _drum_passage(kind: str, piece: Performance, window: list[list[Note]]) -> dict[str, Any]:
    loud = mean(n.velocity for bar in window for n in bar)
    bars: Bars = []
    for bar in window:
        strokes: dict[tuple[int, int], list[int]] = {}
        for note in bar:
            column = nearest_frame(note.start_frame) % 16
            new = _struck(note, column, note.pitch, loud, piece)
            old = strokes.get((column, note.pitch))
            if old is None or new[3] > old[3]:  # a flam is one stroke
                strokes[column, note.pitch] = new
        bars.append(sorted(strokes.values()))
    return {"kind": kind, "bpm": round(piece.bpm), "bars": bars}


def _few(passages: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """At most so many of each kind, none of them with the rhythms of another."""
    seen: set[tuple[Any, ...]] = set()
    count: dict[str, int] = {}
    kept = []
    for passage in passages:
        rhythm = tuple(
            (passage["kind"], *sorted({struck[0] for struck in bar})) for bar in passage["bars"]
        )
        kind = passage["kind"]
        if rhythm in seen or count.get(kind, 0) >= MOST_PASSAGES:
            continue
        seen.add(rhythm)
        count[kind] = count.get(kind, 0) + 1
        kept.append(passage)
    return sorted(kept, key=lambda p: (p["kind"], p["bpm"]))
