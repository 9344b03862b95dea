"""What a musician hears in a piece and note-in-chord misses: counts, and the rules behind them.

Every measure is a share, hits of chances, counted piece by piece and pooled, so that intervals can
be had by drawing pieces anew (`models.evaluation.intervals`). Phrase ends are inferred from the
rhythm of the melody; local keys by Krumhansl's profiles (Krumhansl 1990, "Cognitive foundations of
musical pitch") of melody and true chords and a Viterbi path over bars, the same for every player.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from models.data.phrases import held_notes, phrase_ends
from models.network.chords import CHORD_TONES, CLASHES, DOMINANT, ROOT, SIZE, THIRD, leads_home

if TYPE_CHECKING:
    from models.evaluation.metrics import Jam

Counts = dict[str, tuple[float, float]]
"""Measure to (hits, chances)."""
Bools = NDArray[np.bool_]

_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
_PROFILES = np.array([np.roll(p, t) for p in (_MAJOR, _MINOR) for t in range(12)])
_PROFILES = (_PROFILES - _PROFILES.mean(1, keepdims=True)) / _PROFILES.std(1, keepdims=True)
_STEPS = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 9, 10, 11))
"""Of the major key; of the minor, with both sixths and sevenths."""
SCALES: Bools = np.array(
    [np.isin(np.arange(12), [(t + s) % 12 for s in steps]) for steps in _STEPS for t in range(12)]
)
"""(24 keys, 12)."""
_MODULATION = 3.0
"""What a change of key costs: it must pay for itself over some bars."""


def bars(jam: Jam) -> list[slice]:
    """The bars of a piece."""
    lines = np.flatnonzero(jam.of("frame_in_bar") == 0).tolist() or [0]
    return [slice(a, b) for a, b in pairwise([*lines, len(jam.pitch)])]


def local_keys(truth: Jam) -> list[int]:
    """The key of each bar: 0 to 11 major, 12 to 23 minor."""
    found = bars(truth)
    weights = np.zeros((len(found), 12))
    for b, bar in enumerate(found):
        pitch, chord = truth.pitch[bar], truth.chord[bar]
        weights[b] = np.bincount(pitch[pitch > 0] % 12, minlength=12)
        weights[b] += 0.6 * CHORD_TONES[chord].sum(0)
        weights[b] += 0.4 * np.bincount(ROOT[chord[chord > 0]], minlength=12)
    scores = np.zeros((len(found), 24))
    for b in range(len(found)):
        around = weights[max(0, b - 2) : b + 3].sum(0)
        if around.any():
            scores[b] = _PROFILES @ (around - around.mean()) / (12 * (around.std() + 1e-9))
    best, back = scores[0].copy(), []
    for b in range(1, len(found)):
        leap = best.max() - _MODULATION
        back.append(np.where(best >= leap, np.arange(24), best.argmax()))
        best = np.maximum(best, leap) + scores[b]
    keys = [int(best.argmax())]
    for came_from in reversed(back):
        keys.append(int(came_from[keys[-1]]))
    return keys[::-1]


def sounding(jam: Jam) -> list[tuple[int, int, int]]:
    """(start, end, chord) of every chord; repeats of one chord are one."""
    edges = np.flatnonzero(np.diff(jam.chord)) + 1
    starts = [0, *edges.tolist()]
    spans = pairwise([*starts, len(jam.chord)])
    return [(a, b, int(jam.chord[a])) for a, b in spans if jam.chord[a]]


def heard(jam: Jam, truth: Jam) -> Counts:
    """Every measure of one piece."""
    found: Counts = {}
    keys, lines = local_keys(truth), bars(truth)
    for part in (_notes(jam), _chords(jam, keys, lines), _closes(jam, truth),
                 _returns(jam, truth, lines), _keys(jam, keys, lines)):  # fmt: skip
        for name, hit, of in part:
            hits, chances = found.get(name, (0.0, 0.0))
            found[name] = hits + hit, chances + of
    return found


Part = Iterator[tuple[str, float, float]]


def _notes(jam: Jam) -> Part:
    pitch, chord = jam.pitch % 12, jam.chord
    both = (jam.pitch > 0) & (chord > 0)
    fits = CHORD_TONES[chord, pitch]
    yield "note_in_chord", int((both & fits).sum()), int(both.sum())
    sung = int((jam.pitch > 0).sum())
    yield "silent", int(((jam.pitch > 0) & (chord == 0)).sum()), sung
    yield "chord_size", int(SIZE[chord].sum()), int((chord > 0).sum())
    strong = both & (jam.onset > 0) & (jam.of("strength") >= 2)
    yield "strong_beats", int((strong & fits).sum()), int(strong.sum())
    # A held note is one chance for each chord that sounds with it for a beat.
    beat = jam.of("beat_frames")
    held = held_notes(jam.pitch, jam.onset, beat)
    note = np.cumsum(jam.onset)
    edge = np.flatnonzero(np.diff(note) | np.diff(chord) | np.diff(held)) + 1
    for start, end in pairwise([0, *edge.tolist(), len(chord)]):
        if held[start] and chord[start] and end - start >= beat[start]:
            yield "clash", int(CLASHES[chord[start], pitch[start]]), 1


def _chords(jam: Jam, keys: list[int], lines: list[slice]) -> Part:
    spans = sounding(jam)
    bar_of = np.zeros(len(jam.chord), np.int64)
    for b, bar in enumerate(lines):
        bar_of[bar] = b
    yield "changes_per_bar", len(spans), len(lines)
    for start, end, chord in spans:
        yield "changes_on_bar_line", int(jam.of("frame_in_bar")[start] == 0), 1
        yield "sevenths", (end - start) * int(SIZE[chord] > 3), end - start
        in_key = not (CHORD_TONES[chord] & ~SCALES[keys[bar_of[start]]]).any()
        yield "diatonic", (end - start) * int(in_key), end - start
    for (_, _, a), (_, _, b) in pairwise(spans):
        if DOMINANT[a]:
            yield "dominants_resolve", int((ROOT[b] - ROOT[a]) % 12 in (5, 11)), 1
        if ROOT[a] != ROOT[b]:
            yield "falling_fifths", int((ROOT[b] - ROOT[a]) % 12 == 5), 1
    for (_, _, a), (_, _, b), (_, _, c) in zip(spans, spans[1:], spans[2:], strict=False):
        minor = THIRD[a] == 3 and THIRD[c] > 0 and THIRD[b] == 4
        falls = (ROOT[b] - ROOT[a]) % 12 == 5 and (ROOT[c] - ROOT[b]) % 12 == 5
        yield "two_five_one", int(minor and falls), 1


def _closes(jam: Jam, truth: Jam) -> Part:
    def at(played: Jam, frame: int) -> tuple[int, int]:
        """The chord there, and the one before it."""
        chord = int(played.chord[frame])
        earlier = np.flatnonzero(played.chord[:frame] != chord)
        return chord, int(played.chord[earlier[-1]]) if len(earlier) else 0

    for frame in phrase_ends(truth.onset, truth.places):
        true, true_before = at(truth, frame)
        own, own_before = at(jam, frame)
        if not true:
            continue
        closes = bool(leads_home(own_before, own))
        yield "cadence", int(closes), 1
        if leads_home(true_before, true):
            yield "cadence_kept", int(closes), 1
            yield "cadence_the_same", int(closes and ROOT[own] == ROOT[true]), 1


def _returns(jam: Jam, truth: Jam, lines: list[slice]) -> Part:
    newest: dict[tuple[bytes, bytes], slice] = {}
    for bar in lines:
        melody = truth.pitch[bar].tobytes(), truth.onset[bar].tobytes()
        whole = bar.stop - bar.start == int(truth.of("bar_frames")[bar.start])
        if truth.onset[bar].sum() < 2 or not whole:
            continue
        if melody in newest:
            then, now = jam.chord[newest[melody]], jam.chord[bar]
            yield "return", int((then == now).all()), 1
            yield "return_roots", float((ROOT[then] == ROOT[now]).mean()), 1
        newest[melody] = bar
    melodies = [truth.pitch[bar].tobytes() for bar in lines]
    for back in (4, 8, 16, 32):
        for b in range(back, len(lines)):
            if melodies[b] == melodies[b - back] and truth.pitch[lines[b]].any():
                same = (jam.chord[lines[b]] == jam.chord[lines[b - back]]).all()
                yield f"form_{back}", int(same), 1


def _keys(jam: Jam, keys: list[int], lines: list[slice]) -> Part:
    def in_key(b: int) -> tuple[float, int]:
        chords = jam.chord[lines[b]]
        chords = chords[chords > 0]
        if not len(chords):
            return 0.0, 0
        return float((~(CHORD_TONES[chords] & ~SCALES[keys[b]]).any(1)).mean()), 1

    for b in range(min(8, len(lines))):
        yield f"key_bars_{'1_2' if b < 2 else '3_4' if b < 4 else '5_8'}", *in_key(b)
    for b in range(6, len(lines) - 6):
        before, after = set(keys[b - 6 : b]), set(keys[b : b + 6])
        if len(before) == len(after) == 1 and before != after:
            (old,), (new,) = before, after
            if (SCALES[new] != SCALES[old]).sum() >= 2:
                for i in range(3):
                    yield "modulation_bars_1_3", *in_key(b + i)
