"""A melody with chords on the frame grid: what every reader yields and everything else takes.

The JSONL form, one lead sheet a line:

    {"source": "nottingham", "piece": "jigs.abc#12", "style": "folk", "bpm": 120.0,
     "meters": [[0, "6/8"]], "n_frames": 192,
     "melody": [[start_frame, end_frame, midi_pitch], …],
     "chords": [[start_frame, end_frame, root, quality, original_label], …]}

Frames are sixteenths, frame 0 is a bar line (a pickup lies at the end of a first bar that
begins with rests). Notes and chords are in order and don't overlap; gaps are rests / no chord.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jam.errors import BadInput
from jam.grid import Meter, Place
from jam.harmony import QUALITIES, Chord
from jam.rows import NO_CHORD, REST, ChordState, MelodyState, Row


@dataclass(frozen=True, slots=True)
class LeadSheet:
    """Melody and chords of one piece; `melody` and `chords` hold one state a frame."""

    source: str
    piece: str
    meters: tuple[tuple[int, Meter], ...]
    """(start_frame, meter), the first at frame 0; each begins a new bar."""
    melody: tuple[MelodyState, ...]
    chords: tuple[ChordState, ...]
    labels: tuple[tuple[int, str], ...] = ()
    """(frame, label as the source spells it) of each chord onset."""
    style: str = "any"
    bpm: float | None = None

    def __post_init__(self) -> None:
        if len(self.melody) != len(self.chords):
            raise ValueError("melody and chords must have the same number of frames")
        if not self.meters or self.meters[0][0] != 0:
            raise ValueError("the first metre must start at frame 0")

    @property
    def n_frames(self) -> int:
        return len(self.melody)

    @property
    def split(self) -> str:
        """ "test", "valid" or "train", fixed by name: sha256(source/piece) mod 10."""
        return split_of(self.source, self.piece)

    def rows(self) -> list[Row]:
        return [Row(m, c) for m, c in zip(self.melody, self.chords, strict=True)]

    def places(self, first_bar: int = 0) -> list[Place]:
        """Place in the metre of every frame."""
        places: list[Place] = []
        bar = first_bar
        ends = [start for start, _ in self.meters[1:]] + [self.n_frames]
        for (start, meter), end in zip(self.meters, ends, strict=True):
            per_bar = meter.frames_per_bar
            places.extend(
                Place(bar + i // per_bar, i % per_bar, meter) for i in range(max(0, end - start))
            )
            bar += -(-(end - start) // per_bar)
        return places


def split_of(source: str, piece: str) -> str:
    """The fixed split of the corpora: 0 of 10 is test, 1 validation, the rest training."""
    slot = int(hashlib.sha256(f"{source}/{piece}".encode()).hexdigest(), 16) % 10
    return {0: "test", 1: "valid"}.get(slot, "train")


def melody_states(notes: Iterable[tuple[int, int, int]], n_frames: int) -> tuple[MelodyState, ...]:
    """(start, end, pitch) spans to one state a frame; a later note cuts an earlier one short."""
    states = [REST] * n_frames
    for start, end, pitch in notes:
        for frame in range(max(0, start), min(end, n_frames)):
            states[frame] = MelodyState(pitch, frame == start)
    # A note whose end was cut by a shorter later one does not sound again after it.
    for frame in range(1, n_frames):
        state, before = states[frame], states[frame - 1]
        if state.pitch is not None and not state.onset and before.pitch != state.pitch:
            states[frame] = REST
    return tuple(states)


def chord_states(spans: Iterable[tuple[int, int, Chord]], n_frames: int) -> tuple[ChordState, ...]:
    """(start, end, chord) spans, in order, to one state a frame."""
    states = [NO_CHORD] * n_frames
    for start, end, chord in spans:
        for frame in range(max(0, start), min(end, n_frames)):
            states[frame] = ChordState(chord, frame == max(0, start))
    return tuple(states)


def _spans(onsets: Sequence[bool], values: Sequence[Any]) -> Iterator[tuple[int, int, Any]]:
    """Runs of one value (None is a gap), cut at onsets: (start, end, value)."""
    start = 0
    for frame in range(1, len(values) + 1):
        if frame == len(values) or onsets[frame] or values[frame] != values[start]:
            if values[start] is not None:
                yield start, frame, values[start]
            start = frame


def melody_spans(melody: Sequence[MelodyState]) -> list[tuple[int, int, int]]:
    """The notes of a melody: (start_frame, end_frame, pitch)."""
    return list(_spans([m.onset for m in melody], [m.pitch for m in melody]))


def chord_spans(chords: Sequence[ChordState]) -> list[tuple[int, int, Chord]]:
    """The chords of a harmony: (start_frame, end_frame, chord)."""
    return list(_spans([c.onset for c in chords], [c.chord for c in chords]))


def to_json(sheet: LeadSheet) -> str:
    """One line of the JSONL form."""
    labels = dict(sheet.labels)
    return json.dumps(
        {
            "source": sheet.source,
            "piece": sheet.piece,
            "style": sheet.style,
            "bpm": sheet.bpm,
            "meters": [[start, str(meter)] for start, meter in sheet.meters],
            "n_frames": sheet.n_frames,
            "melody": melody_spans(sheet.melody),
            "chords": [
                [start, end, chord.root, chord.quality, labels.get(start, chord.symbol)]
                for start, end, chord in chord_spans(sheet.chords)
            ],
        },
        separators=(",", ":"),
    )


MAX_FRAMES = 100_000
"""Longest lead sheet that is read: over an hour and a half at 240 beats a minute."""


def from_json(line: str, where: str = "lead sheet") -> LeadSheet:
    """Read one line of the JSONL form. Raises BadInput that names `where` and what is wrong."""
    try:
        data = json.loads(line)
        n_frames = int(data["n_frames"])
        if not 0 < n_frames <= MAX_FRAMES:
            raise ValueError(f"n_frames must be 1 to {MAX_FRAMES}")
        for _, _, pitch in data["melody"]:
            if not (isinstance(pitch, int) and 0 <= pitch <= 127):
                raise ValueError(f"no such pitch: {pitch!r}")
        for _, _, root, quality, *_ in data["chords"]:
            if quality not in QUALITIES or not (isinstance(root, int) and 0 <= root < 12):
                raise ValueError(f"no such chord: {root!r} {quality!r}")
        return LeadSheet(
            source=str(data["source"]),
            piece=str(data["piece"]),
            meters=tuple((int(s), Meter.parse(m)) for s, m in data["meters"]),
            melody=melody_states(((int(s), int(e), p) for s, e, p in data["melody"]), n_frames),
            chords=chord_states(
                ((int(s), int(e), Chord(r, q)) for s, e, r, q, *_ in data["chords"]), n_frames
            ),
            labels=tuple((int(c[0]), str(c[4])) for c in data["chords"] if len(c) > 4),
            style=str(data.get("style", "any")),
            bpm=None if data.get("bpm") is None else float(data["bpm"]),
        )
    except KeyError as error:
        raise BadInput(f"{where}: no {error.args[0]!r}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise BadInput(f"{where}: {error}") from None


def read_jsonl(path: Path) -> Iterator[LeadSheet]:
    """Every lead sheet of a JSONL file. Raises BadInput with the number of the bad line."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield from_json(line, f"{path}:{number}")


def write_jsonl(path: Path, sheets: Iterable[LeadSheet]) -> None:
    """Write lead sheets, one a line."""
    with path.open("w", encoding="utf-8") as out:
        for sheet in sheets:
            out.write(to_json(sheet) + "\n")
