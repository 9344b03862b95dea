"""A whole recording to notes: swift-f0 (weights in its package) for the pitch, with lookahead.

Where it is unsure (in noise, beyond its 2,093 Hz) YIN's pitch is taken, if that is clear.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from jam.errors import JamError
from jam.voice.pitch import HOP, RATE, SILENCE_DB, Hop, PitchTracker, hz
from jam.voice.ranges import MARGIN, Range
from jam.voice.segmenter import Segmenter, Tuning, gate_above

MISSING = 'transcribing needs swift-f0: pip install ".[transcribe]" in jam\'s folder'
_GATE_DB = -55.0
_QUIETEST = 0.1
"""The gate lies over this share of a recording: between notes nobody sings."""
_BELOW_LOUD_DB = 35.0
"""The gate is no nearer to the loudest than this."""
_SHORT_S = 0.09
"""A note that is shorter, beside another without a new stroke, was a part of that."""
_SURE = 0.5
"""What swift-f0 is less sure of is YIN's matter."""
_LAG_S = 0.016
"""A frame of swift-f0: so late it hears another pitch (measured by tools/voice_ruler.py)."""


@dataclass(frozen=True, slots=True)
class HeardNote:
    """A note of a recording, in seconds from its beginning."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


def transcribe(
    samples: NDArray[np.float32], rate_hz: int, wanted: Range, transpose: int = 0
) -> list[HeardNote]:
    """The notes of one voice, in order; samples: (n,) mono. Raises JamError without swift-f0."""
    try:
        import soxr
        from swift_f0 import SwiftF0
    except ImportError:
        raise JamError(MISSING) from None
    if len(samples) < 4 * HOP:
        return []
    if rate_hz != RATE:
        samples = soxr.resample(samples, rate_hz, RATE)
    detector = SwiftF0(threads=1, spin=False)
    low, high = hz(wanted.low - MARGIN - 0.5), min(2090.0, hz(wanted.high + MARGIN + 0.5))
    found = detector.detect(samples, RATE, fmin=low, fmax=high)
    hops = _hops(samples, found.pitch_hz, found.confidence, _yin(samples, wanted))
    return _mended(_notes(hops, transpose))


def _hops(
    samples: NDArray[np.float32],
    pitch_hz: NDArray[np.float64],
    confidence: NDArray[np.float64],
    yin: list[Hop],
) -> list[Hop]:
    """Frames of 16 ms at their middles as hops of 5.3 ms, with YIN's where those are unsure."""
    n = len(yin)
    ends_s = (np.arange(n) + 1) * HOP / RATE
    pitch = 69 + 12 * np.log2(np.maximum(pitch_hz, 1.0) / 440)
    place = np.minimum((ends_s - HOP / RATE / 2) / 0.016, len(pitch) - 1)
    first = np.minimum(place.astype(int), max(0, len(pitch) - 2))
    second = np.minimum(first + 1, len(pitch) - 1)
    nearest = np.minimum(np.round(place).astype(int), len(pitch) - 1)
    between = pitch[first] + (place - first) * (pitch[second] - pitch[first])
    smooth = np.abs(pitch[first] - pitch[second]) < 1.5
    lines = np.where(smooth, between, pitch[nearest])
    sure = confidence[nearest]
    return [
        hop._replace(at_s=float(at_s), pitch=float(pitch), clarity=float(sure_of))
        if sure_of >= _SURE
        else hop._replace(at_s=float(at_s))
        for hop, at_s, pitch, sure_of in zip(yin, ends_s, lines, sure, strict=True)
    ]


def _yin(samples: NDArray[np.float32], wanted: Range) -> list[Hop]:
    """Every hop with its own loudness, and with the pitch that YIN hears around it."""
    tracker = PitchTracker(wanted)
    last = len(samples) - HOP + 1
    hops = [tracker.hear(samples[i : i + HOP], (i + HOP) / RATE) for i in range(0, last, HOP)]
    late = round(tracker.lag_s * RATE / HOP)
    heard = hops[late:] + [Hop(0.0, math.nan, 0.0, SILENCE_DB)] * late
    return [
        there._replace(level_db=here.level_db) for here, there in zip(hops, heard, strict=False)
    ]


def _notes(hops: list[Hop], transpose: int) -> list[HeardNote]:
    levels = sorted(hop.level_db for hop in hops)
    quiet = levels[: max(1, int(_QUIETEST * len(levels)))]
    gate_db = min(max(_GATE_DB, gate_above(quiet)), levels[-1] - _BELOW_LOUD_DB)
    segmenter = Segmenter(gate_db, _LAG_S, transpose, Tuning())
    notes: list[HeardNote] = []
    events = [event for hop in hops for event in segmenter.hear(hop)]
    events += segmenter.release(hops[-1].at_s)
    for event in events:
        if event.velocity:
            at_s = max(0.0, event.at_s)
            notes.append(HeardNote(at_s, at_s, event.pitch, event.velocity))
        elif event.at_s < notes[-1].start_s:
            notes.pop()  # a scoop
        else:
            notes[-1] = replace(notes[-1], end_s=event.at_s)
    return notes


def _mended(notes: list[HeardNote]) -> list[HeardNote]:
    """Without what only hindsight shows: short steps away from a note and back are of it."""
    out: list[HeardNote] = []
    for i, note in enumerate(notes):
        after = notes[i + 1] if i + 1 < len(notes) else None
        before = out[-1] if out else None
        is_short = note.end_s - note.start_s < _SHORT_S
        if before is not None and before.end_s >= note.start_s - 0.001:
            back = after is not None and after.pitch == before.pitch and after.start_s <= note.end_s
            if is_short and back and abs(note.pitch - before.pitch) <= 2:
                out[-1] = replace(before, end_s=note.end_s)
                continue
            if note.pitch == before.pitch and i and notes[i - 1].pitch != note.pitch:
                out[-1] = replace(before, end_s=note.end_s)  # it has come back
                continue
        out.append(note)
    return [n for n in out if n.end_s - n.start_s >= _SHORT_S / 2]
