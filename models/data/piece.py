"""A piece: a lead sheet as arrays, one value a frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from jam.errors import BadInput
from jam.music.key import best_key
from jam.music.melody import held
from models.data.leadsheet import LeadSheet, read_jsonl
from models.network import vocab
from models.network.vocab import Ints


@dataclass(frozen=True, slots=True)
class Piece:
    """A lead sheet, or a window of one, as arrays over its n frames."""

    name: str
    pitch: Ints
    onset: Ints
    chord: Ints
    chord_onset: Ints
    places: Ints
    """(n, len(PLACE_FEATURES)); bars are counted on, not yet modulo 8."""
    style: int
    tonic: int
    """Tonic of the key that fits the melody best."""

    @property
    def n_frames(self) -> int:
        return len(self.pitch)

    def window(self, start: int, length: int) -> Piece:
        """Frames start to start + length; bars are counted from its beginning."""
        cut = slice(start, start + length)
        places = self.places[cut].copy()
        places[:, _BAR] -= places[0, _BAR]
        return replace(
            self,
            pitch=self.pitch[cut],
            chord=self.chord[cut],
            places=places,
            onset=vocab.with_changes(self.pitch[cut], self.onset[cut]),
            chord_onset=vocab.with_changes(self.chord[cut], self.chord_onset[cut]),
        )

    def changes_per_bar(self) -> float:
        """How often another chord begins."""
        before = np.concatenate([[0], self.chord[:-1]])
        changes = int(((self.chord != before) & (self.chord != 0)).sum())
        return changes * float(self.places[:, _BAR_FRAMES].mean()) / max(1, self.n_frames)


_BAR = vocab.PLACE_FEATURES.index("bar_in_form")

_FRAME_IN_BAR = vocab.PLACE_FEATURES.index("frame_in_bar")

_BAR_FRAMES = vocab.PLACE_FEATURES.index("bar_frames")


def piece_of(sheet: LeadSheet) -> Piece:
    """A lead sheet as arrays, its melody held through short gaps as it is in play."""
    places = sheet.places()
    beats = (place.meter.frames_per_beat for place in places)
    pitch, onset = vocab.melody_arrays(held(zip(sheet.melody, beats, strict=True)))
    chord, chord_onset = vocab.chord_arrays(sheet.chords)
    columns = vocab.place_features(places)
    table = np.stack([columns[name] for name in vocab.PLACE_FEATURES], 1)
    table[:, _BAR] = [p.bar for p in places]
    counts = np.bincount(pitch[pitch > 0] % 12, minlength=12)
    tonic, _ = best_key([float(c) for c in counts])
    return Piece(
        f"{sheet.source}/{sheet.piece}",
        pitch,
        onset,
        chord,
        chord_onset,
        table,
        vocab.style_index(sheet.style),
        tonic,
    )


def read_sheets(paths: Sequence[Path], split: str | None) -> Iterable[LeadSheet]:
    """Lead sheets of JSONL files (or of folders of them), of one split or of all (None).

    Raises BadInput where there is no such file, or none in the folder.
    """
    for path in paths:
        files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
        if not files or not all(f.is_file() for f in files):
            raise BadInput(f"{path}: no JSONL of lead sheets here")
        for file in files:
            for sheet in read_jsonl(file):
                if split is None or sheet.split == split:
                    yield sheet


MIN_FRAMES = 48


def pieces(paths: Sequence[Path], split: str) -> list[Piece]:
    """Every piece of a split that is long enough and has both melody and chords."""
    found = [piece_of(s) for s in read_sheets(paths, split) if s.n_frames >= MIN_FRAMES]
    found = [p for p in found if p.pitch.any() and p.chord.any()]
    if not found:
        raise BadInput(f"{', '.join(str(p) for p in paths)}: no piece of the {split} split")
    return found
