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
import reprlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from jam.errors import BadInput
from jam.limits import FRAMES, LABEL_CHARACTERS, MIB, SHEET_LINE_BYTES
from jam.music.chord import QUALITIES, Chord
from jam.music.grid import Meter, Place
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState, Row


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


def plausible_bpm(bpm: float | None) -> bool:
    """True for beats a minute that a piece may have, and for None: not known."""
    return bpm is None or 1 <= bpm <= 2_000


def from_json(line: str | bytes, where: str = "lead sheet") -> LeadSheet:
    """Read one line of the JSONL form. Raises BadInput that names `where` and what is wrong."""
    try:
        if len(line) > SHEET_LINE_BYTES:
            raise BadInput(f"longer than {SHEET_LINE_BYTES // MIB} MiB")
        return _sheet_of(json.loads(line))
    except BadInput as error:
        raise BadInput(f"{where}: {error}") from None
    except KeyError as error:
        raise BadInput(f"{where}: no {error.args[0]!r}") from None
    except RecursionError:
        raise BadInput(f"{where}: nested too deeply") from None
    except (ValueError, TypeError, AttributeError, OverflowError) as error:
        raise BadInput(f"{where}: {error}") from None


def _sheet_of(data: Any) -> LeadSheet:
    n_frames = _whole(data["n_frames"], "n_frames", 1, FRAMES)
    for _, _, pitch in _in_order(data["melody"], "melody", n_frames):
        _whole(pitch, "pitch", 0, 127)
    for _, _, root, quality, *label in _in_order(data["chords"], "chords", n_frames):
        _whole(root, "root", 0, 11)
        if not isinstance(quality, str) or quality not in QUALITIES:
            raise ValueError(f"no such quality: {reprlib.repr(quality)}")
        if label and (not isinstance(label[0], str) or len(label[0]) > LABEL_CHARACTERS):
            raise ValueError(f"no label of a chord: {reprlib.repr(label[0])}")
    meters = tuple((_whole(s, "metre", 0, n_frames - 1), Meter.parse(m)) for s, m in data["meters"])
    if any(later <= start for (start, _), (later, _) in pairwise(meters)):
        raise ValueError("the metres are not in order")
    bpm = data.get("bpm")
    if bpm is not None and (not isinstance(bpm, int | float) or not plausible_bpm(bpm)):
        raise ValueError(f"no such tempo: {reprlib.repr(bpm)}")
    texts = [data["source"], data["piece"], data.get("style", "any")]
    if not all(isinstance(text, str) and len(text) <= 10 * LABEL_CHARACTERS for text in texts):
        raise ValueError("source, piece and style must be short texts")
    return LeadSheet(
        source=texts[0],
        piece=texts[1],
        meters=meters,
        melody=melody_states(data["melody"], n_frames),
        chords=chord_states(((s, e, Chord(r, q)) for s, e, r, q, *_ in data["chords"]), n_frames),
        labels=tuple((c[0], c[4]) for c in data["chords"] if len(c) > 4),
        style=texts[2],
        bpm=None if bpm is None else float(bpm),
    )


def _whole(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} must be {low} to {high}, not {reprlib.repr(value)}")
    return value


def _in_order(spans: Any, name: str, n_frames: int) -> list[Any]:
    """Spans that begin with start and end; none overlaps the one before."""
    at = 0
    for start, end, *_ in spans:
        _whole(start, f"start in {name}", at, n_frames - 1)
        at = _whole(end, f"end in {name}", start + 1, n_frames)
    return spans


def read_jsonl(path: Path) -> Iterator[LeadSheet]:
    """Every lead sheet of a JSONL file. Raises BadInput with the number of the bad line."""
    try:
        with path.open("rb") as lines:
            number = 0
            while line := lines.readline(SHEET_LINE_BYTES + 1):
                number += 1
                if line.strip():
                    yield from_json(line, f"{path}:{number}")
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror or error}") from None


def write_jsonl(path: Path, sheets: Iterable[LeadSheet]) -> None:
    """Write lead sheets, one a line."""
    with path.open("w", encoding="utf-8") as out:
        for sheet in sheets:
            out.write(to_json(sheet) + "\n")
