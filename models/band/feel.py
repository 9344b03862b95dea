"""How players place and weigh their notes: by part, voice and place in the bar.

Drums from the Groove MIDI dataset, the piano from POP909's tracks PIANO, the bass's timing from
the beats of the Weimar Jazz Database (which has no loudness: its accents are those of the low
notes of POP909's pianists). The ratio of swung eighths by tempo is that of Groove's ride cymbals,
after Friberg and Sundström, "Swing ratios and ensemble timing in jazz performance" (2002).
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import mean, median
from typing import Any

import numpy as np

from jam.music.grid import Meter, nearest_frame
from models.band.performances import Performance

PLACES = 16
"""Columns of a bar in 4/4."""
VOICES = {
    "kick": {36},
    "snare": {38, 40, 37, 39},
    "hat": {42, 22, 44, 46, 26, 54},
    "ride": {51, 59, 53},
    "toms": {41, 43, 58, 45, 47, 48, 50},
    "crash": {49, 55, 57, 52},
}
"""Of the kit: name -> the keys of Groove's kit."""
FAMILIES = {
    "pop": ("pop", "rock", "country", "punk"),
    "funk": ("funk", "soul", "hiphop", "gospel", "neworleans"),
    "jazz": ("jazz", "blues"),
    "latin": ("latin", "afrocuban", "afrobeat", "reggae", "highlife", "dance"),
}
_PRIOR = 40
"""So many notes of the voice's own mean are added to each place."""
_FAR_FRAMES = 0.4
"""What lies farther off the sixteenth is another rhythm."""


def swung(piece: Performance) -> float:
    """Where the second eighth of a quarter lies on ride and hat, in frames; 2 is straight."""
    places = [
        n.start_frame % 4
        for n in piece.notes
        if n.pitch in VOICES["ride"] | VOICES["hat"] and 1.4 < n.start_frame % 4 < 3.4
    ]
    return median(places) if len(places) >= 12 else 2.0


def straight(frame: float, late: float) -> float:
    """A place in a swung performance to where it is written."""
    quarter, part = divmod(frame, 4)
    if part > 3.6:  # the next quarter, early
        return frame
    if part <= late:
        return 4 * quarter + part * 2 / late
    return 4 * quarter + 2 + (part - late) * 2 / (4 - late)


def voice_of(pitch: int) -> str:
    return next((name for name, keys in VOICES.items() if pitch in keys), "crash")


Stroke = tuple[str, int, float, float]
"""(voice, place, ms late, velocity), both as differences from the piece's own means."""


def _strokes(piece: Performance, voice: str | None = None) -> list[Stroke]:
    late = swung(piece) if voice is None else 2.0
    late = late if late > 2.25 else 2.0
    found = []
    for n in piece.notes:
        written = straight(n.start_frame, late)
        frame = nearest_frame(written)
        if abs(written - frame) < _FAR_FRAMES:
            place = frame % piece.meter.frames_per_bar
            of = voice or voice_of(n.pitch)
            found.append((of, place, (written - frame) * piece.frame_ms, float(n.velocity)))
    if not found:
        return []
    mean_ms, mean_velocity = mean(s[2] for s in found), mean(s[3] for s in found)
    return [(v, place, ms - mean_ms, loud - mean_velocity) for v, place, ms, loud in found]


def table(pieces: Iterable[Sequence[Stroke]]) -> dict[str, Any]:
    """Means by voice and place, and what of each stroke they don't tell.

    late_ms, accent: voice -> by place. spread: of what is left, in ms and in velocity; memory:
    how much of one stroke's rest is in the next.
    """
    strokes = [list(piece) for piece in pieces if len(piece) > 16]
    by_voice: dict[str, list[Stroke]] = defaultdict(list)
    by_place: dict[tuple[str, int], list[Stroke]] = defaultdict(list)
    for piece in strokes:
        for stroke in piece:
            by_voice[stroke[0]].append(stroke)
            by_place[stroke[0], stroke[1]].append(stroke)
    out: dict[str, Any] = {"late_ms": {}, "accent": {}}
    for voice, every in by_voice.items():
        for name, column in (("late_ms", 2), ("accent", 3)):
            whole = mean(float(s[column]) for s in every)
            out[name][voice] = [
                (_PRIOR * whole + sum(float(s[column]) for s in here)) / (_PRIOR + len(here))
                for here in (by_place[voice, place] for place in range(PLACES))
            ]
    for name, column in (("late_ms", 2), ("accent", 3)):
        rests = [
            [float(s[column]) - out[name][s[0]][s[1] % PLACES] for s in piece] for piece in strokes
        ]
        # Of a normal distribution its standard deviation; less moved by what is far off.
        out[f"{name}_spread"] = mean(abs(r) for piece in rests for r in piece) * 1.2533
        follows = [float(np.dot(r[1:], r[:-1]) / max(np.dot(r, r), 1e-9)) for r in rests]
        out[f"{name}_memory"] = max(0.0, median(follows))
    return out


def mine(
    drums: Sequence[Performance],
    pianos: Sequence[Performance],
    basses: Sequence[Performance],
    solos: Sequence[tuple[float, float]],
) -> dict[str, Any]:
    """What goes into feel.json, rounded."""
    four = [p for p in drums if p.meter == Meter(4, 4)]
    families = {
        family: table(_strokes(p) for p in four if p.tags.startswith(tags))
        for family, tags in FAMILIES.items()
    }
    low = [_strokes(_register(p, 0, 52), "low") for p in pianos]
    bass = table(_strokes(p, "low") for p in basses)
    hands = table(low)
    for name in ("accent", "accent_spread", "accent_memory"):
        bass[name] = hands[name]
    # The Weimar database has the beats alone: between them the bass is as late as it is on them.
    on_beats = bass["late_ms"]["low"][::4]
    bass["late_ms"]["low"] = [on_beats[place // 4] for place in range(PLACES)]
    parts = {
        "drums": families,
        "chords": {"any": table(_strokes(_register(p, 52, 128), "high") for p in pianos)},
        "bass": {"any": bass},
    }
    return {"parts": rounded(parts), "swing": rounded(swing_ratios(four, solos))}


def _register(piece: Performance, low: int, high: int) -> Performance:
    notes = tuple(n for n in piece.notes if low <= n.pitch < high)
    return Performance(piece.corpus, piece.piece, piece.tags, piece.bpm, piece.meter, notes)


def swing_ratios(drums: Sequence[Performance], solos: Sequence[tuple[float, float]]) -> list[float]:
    """[a, b]: the long eighth is exp(a + b × quarters a minute / 100) times the short one.

    How it falls with the tempo is told by the (tempo, ratio) of the many solos, how large it is
    by the cymbals: soloists play straighter than the drummer behind them.
    """
    slope, _ = np.polyfit([bpm / 100 for bpm, _ in solos], [math.log(r) for _, r in solos], 1)
    found = [
        math.log(late / (4 - late)) - slope * p.bpm / 100
        for p in drums
        if p.tags.startswith(("jazz", "blues", "rock/shuffle")) and (late := swung(p)) > 2.25
    ]
    return [float(mean(found)), float(slope)]


def rounded(value: Any) -> Any:
    """The same with two digits after the point."""
    if isinstance(value, dict):
        return {name: rounded(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [rounded(inner) for inner in value]
    return round(value, 2) if isinstance(value, float) else value
