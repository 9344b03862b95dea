"""The ruler: what is measured of chords beside a melody. Pure functions of arrays.

Definitions are those of ReaLchords (arXiv 2506.14723, section 5.2 and appendix D) and GAPT
(arXiv 2511.17879, section 4.4) where they have one; harmonic rhythm, chord size and form are
added, because note-in-chord alone can be had by playing too much or changing too often.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.network import vocab
from models.network.chords import CHORD_TONES, SIZE
from models.network.vocab import Ints

LONG_BEATS = 8
MAX_GAP = 64
FORM_BARS = (4, 8, 16, 32)

COLUMN = {name: i for i, name in enumerate(vocab.PLACE_FEATURES)}


@dataclass(frozen=True, slots=True)
class Jam:
    """One piece with some chords: arrays over its frames (see `vocab`), places (n, 6)."""

    pitch: Ints
    onset: Ints
    chord: Ints
    chord_onset: Ints
    places: Ints

    def of(self, name: str) -> Ints:
        """A column of the places."""
        return self.places[:, COLUMN[name]]


def chord_spans(jam: Jam) -> list[tuple[int, int, int]]:
    """(start, end, chord index) of every chord that was struck."""
    chord, n = jam.chord, len(jam.chord)
    begins = vocab.ages(chord, jam.chord_onset, n + 1) == 0
    starts = np.flatnonzero(begins)
    ends = np.append(starts[1:], n)
    return [(int(s), int(e), int(chord[s])) for s, e in zip(starts, ends, strict=True) if chord[s]]


def changes(jam: Jam) -> list[int]:
    """Frames at which a chord begins that is another than the one before it."""
    found, before = [], 0
    for start, _, chord in chord_spans(jam):
        if chord != before:
            found.append(start)
        before = chord
    return found


def fits(jam: Jam) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """A frame each: (melody and chord both sound, and the melody's pitch class is in it)."""
    both = (jam.pitch > 0) & (jam.chord > 0)
    return both, both & CHORD_TONES[jam.chord, jam.pitch % 12]


def onset_gaps(jams: Sequence[Jam]) -> NDArray[np.float64]:
    """Histogram of frames from the nearest preceding melody onset to each chord onset."""
    counts = np.zeros(MAX_GAP + 1)
    for jam in jams:
        onsets = np.flatnonzero(jam.onset)
        for start, _, _ in chord_spans(jam):
            i = int(np.searchsorted(onsets, start, side="right")) - 1
            if i >= 0:
                counts[min(start - int(onsets[i]), MAX_GAP)] += 1
    return counts / max(1.0, counts.sum())


def earth_movers(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Distance between two histograms over the same evenly spaced bins, in bins."""
    return float(np.abs(np.cumsum(a) - np.cumsum(b))[:-1].sum())


def vendi(jams: Sequence[Jam]) -> float:
    """Vendi score (Friedman & Dieng 2023) of chord bigram counts, a row a piece.

    How many pieces' worth of different harmony there is; the cosine is the kernel.
    """
    rows = []
    for jam in jams:
        row, before = Counter[tuple[int, int]](), 0
        for _, _, chord in chord_spans(jam):
            if chord != before:
                row[before, chord] += 1
            before = chord
        rows.append(row)
    columns = {pair: i for i, pair in enumerate(sorted({p for row in rows for p in row}))}
    table = np.zeros((len(rows), len(columns) + 1))
    for i, row in enumerate(rows):
        for pair, count in row.items():
            table[i, columns[pair]] = count
        table[i, -1] = 0.0 if row else 1.0  # pieces without any chord are alike
    table /= np.linalg.norm(table, axis=1, keepdims=True)
    eigenvalues = np.linalg.eigvalsh(table @ table.T / len(jams))
    eigenvalues = eigenvalues[eigenvalues > 1e-12]
    return float(np.exp(-(eigenvalues * np.log(eigenvalues)).sum()))


def form(jams: Sequence[Jam], bars: int) -> tuple[int, int]:
    """(bars whose melody is that of `bars` before, and of those: whose chords are too)."""
    alike = kept = 0
    for jam in jams:
        lines = np.flatnonzero(jam.of("frame_in_bar") == 0)
        ends = np.append(lines[1:], len(jam.pitch))
        for i in range(bars, len(lines)):
            now, then = slice(lines[i], ends[i]), slice(lines[i - bars], ends[i - bars])
            if ends[i] - lines[i] != ends[i - bars] - lines[i - bars] or not jam.pitch[now].any():
                continue
            if (jam.pitch[now] == jam.pitch[then]).all():
                alike += 1
                kept += int((jam.chord[now] == jam.chord[then]).all())
    return alike, kept


def ratio(a: float, b: float) -> float:
    return a / b if b else math.nan


def measure(jams: Sequence[Jam], truth: Sequence[Jam]) -> dict[str, float]:
    """All that is measured of a set of pieces; `truth` are the same pieces with true chords."""
    both = [fits(j) for j in jams]
    n_both = sum(int(b.sum()) for b, _ in both)
    n_fit = sum(int(f.sum()) for _, f in both)
    sung = sum(int((j.pitch > 0).sum()) for j in jams)
    spans = [(j, s) for j in jams for s in chord_spans(j)]
    lengths = Counter(end - start for _, (start, end, _) in spans)
    shares = np.array(list(lengths.values())) / max(1, len(spans))
    long = sum(
        end - start > LONG_BEATS * int(j.of("beat_frames")[start]) for j, (start, end, _) in spans
    )
    changed = [(j, frame) for j in jams for frame in changes(j)]
    bars = sum(float((1.0 / j.of("bar_frames")).sum()) for j in jams)
    on_line = sum(int(j.of("frame_in_bar")[frame] == 0) for j, frame in changed)
    on_beat = sum(int(j.of("frame_in_beat")[frame] == 0) for j, frame in changed)
    sizes = sum(int(SIZE[j.chord].sum()) for j in jams)
    sounding = sum(int((j.chord > 0).sum()) for j in jams)
    found = {
        "note_in_chord": ratio(n_fit, n_both),
        "note_in_chord_mean": float(
            np.mean([f.sum() / b.sum() for b, f in both if b.any()] or [math.nan])
        ),
        "onset_interval_emd": earth_movers(onset_gaps(jams), onset_gaps(truth)),
        "chord_length_entropy": float(-(shares * np.log(shares)).sum()),
        "silent": ratio(sum(int(((j.pitch > 0) & (j.chord == 0)).sum()) for j in jams), sung),
        "long": ratio(long, len(spans)),
        "changes_per_bar": ratio(len(changed), bars),
        "changes_on_bar_line": ratio(on_line, len(changed)),
        "changes_on_beat": ratio(on_beat, len(changed)),
        "chord_size": ratio(sizes, sounding),
        "vendi": vendi(jams),
        "vendi_ratio": vendi(jams) / vendi(truth),
    }
    for n in FORM_BARS:
        alike, kept = form(jams, n)
        found[f"form_{n}"] = ratio(kept, alike)
    return found


def by_beat(jams: Sequence[Jam], beats: int) -> list[float]:
    """Note-in-chord of each of the first beats, pooled over pieces."""
    good, all_ = np.zeros(beats), np.zeros(beats)
    for jam in jams:
        both, fit = fits(jam)
        beat = np.cumsum(jam.of("frame_in_beat") == 0) - 1
        for b in range(beats):
            good[b] += fit[beat == b].sum()
            all_[b] += both[beat == b].sum()
    return [float(g / a) if a else math.nan for g, a in zip(good, all_, strict=True)]
