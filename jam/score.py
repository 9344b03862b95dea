"""A lead sheet as MusicXML: melody with chord symbols, spelled for its key (by music21)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

from jam.errors import JamError
from jam.grid import FRAMES_PER_QUARTER, TempoMap, quarter_bpm
from jam.harmony import FLAT_NAMES, SHARP_NAMES, Chord
from jam.presence import key_of
from jam.rows import ChordState, MelodyState, Row

# quality -> (kind of MusicXML 4.0, degrees added: (number, alteration))
_KINDS: dict[str, tuple[str, tuple[tuple[int, int], ...]]] = {
    "maj": ("major", ()), "min": ("minor", ()), "7": ("dominant-seventh", ()),
    "maj7": ("major-seventh", ()), "min7": ("minor-seventh", ()), "dim": ("diminished", ()),
    "aug": ("augmented", ()), "sus4": ("suspended-fourth", ()), "sus2": ("suspended-second", ()),
    "hdim7": ("half-diminished-seventh", ()), "dim7": ("diminished-seventh", ()),
    "maj6": ("major-sixth", ()), "min6": ("minor-sixth", ()), "9": ("dominant-ninth", ()),
    "min9": ("minor-ninth", ()), "maj9": ("major-ninth", ()),
    "7sus4": ("suspended-fourth", ((7, -1),)), "minmaj7": ("minor-major-seventh", ()),
    "5": ("power", ()), "aug7": ("augmented-seventh", ()),
}  # fmt: skip
# Sharps (positive) or flats of the major key on each pitch class; six of either are written flat.
_SHARPS = (0, -5, 2, -3, 4, -1, -6, 1, -4, 3, -2, 5)


def sharps_of(key: tuple[int, bool]) -> int:
    """Sharps of a key signature; flats are negative."""
    tonic, minor = key
    return _SHARPS[(tonic + 3) % 12 if minor else tonic]


def spell(pitch_class: int, key: tuple[int, bool]) -> str:
    """Name of a pitch class as the key has it: "F#" in G major, "Gb" in D flat major."""
    return (SHARP_NAMES if sharps_of(key) >= 0 else FLAT_NAMES)[pitch_class]


def _music21_name(name: str) -> str:
    return name.replace("b", "-")


def write_musicxml(
    path: str | os.PathLike[str],
    title: str,
    melody: Sequence[MelodyState],
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
) -> None:
    """Write melody and chord symbols; frame 0 is a bar line. Raises JamError when it can't."""
    from music21 import key as m21key
    from music21 import metadata, meter, note, stream, tempo

    rows = [Row(m, c) for m, c in zip(melody, chords, strict=True)]
    key = key_of(rows) or (0, False)
    part = cast(Any, stream).Part()
    for segment in tempo_map.segments:
        at = _quarters(segment.start_frame)
        part.insert(at, meter.TimeSignature(str(segment.meter)))
        part.insert(at, tempo.MetronomeMark(number=quarter_bpm(segment.bpm, segment.meter)))
    part.insert(0, m21key.KeySignature(sharps_of(key)))
    start = 0
    for frame in range(1, len(melody) + 1):
        if (
            frame < len(melody)
            and not melody[frame].onset
            and (melody[frame].pitch == melody[start].pitch)
        ):
            continue
        pitch = melody[start].pitch
        element: Any = note.Rest() if pitch is None else note.Note()
        if pitch is not None:
            element.pitch.midi = pitch
            element.pitch.name = _music21_name(spell(pitch % 12, key))
            element.pitch.octave = pitch // 12 - 1
        element.quarterLength = _quarters(frame - start)
        part.insert(_quarters(start), element)
        start = frame
    for frame, state in enumerate(chords):
        if state.onset and state.chord is not None:
            part.insert(_quarters(frame), _symbol(state.chord, key))
    score: Any = stream.Score()
    score.metadata = metadata.Metadata(title=title, movementName=title)
    score.insert(0, part.makeNotation())
    file = Path(path)
    try:
        score.write("musicxml", fp=file)
    except OSError as error:
        raise JamError(f"{file}: can't be written: {error.strerror or error}") from None


def _quarters(frames: int) -> Fraction:
    return Fraction(frames, FRAMES_PER_QUARTER)


def _symbol(chord: Chord, key: tuple[int, bool]) -> Any:
    from music21 import harmony

    kind, added = _KINDS[chord.quality]
    symbol = cast(Any, harmony).ChordSymbol(root=_music21_name(spell(chord.root, key)), kind=kind)
    for degree, alter in added:
        symbol.addChordStepModification(harmony.ChordStepModification("add", degree, alter))
    return symbol
