"""A lead sheet as MusicXML: melody with chord symbols, spelled for its key (written by music21)."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any, cast

from jam.files import whole
from jam.music.chord import QUALITIES, Chord
from jam.music.grid import FRAMES_PER_QUARTER, TempoMap, quarter_bpm
from jam.music.key import Key, sharps_of, spell
from jam.music.rows import ChordState
from jam.notation.rhythm import WrittenMelody

# quality -> (kind of MusicXML 4.0, degrees added: (number, alteration))
_KINDS: dict[str, tuple[str, tuple[tuple[int, int], ...]]] = {
    "maj": ("major", ()),
    "min": ("minor", ()),
    "7": ("dominant-seventh", ()),
    "maj7": ("major-seventh", ()),
    "min7": ("minor-seventh", ()),
    "dim": ("diminished", ()),
    "aug": ("augmented", ()),
    "sus4": ("suspended-fourth", ()),
    "sus2": ("suspended-second", ()),
    "hdim7": ("half-diminished-seventh", ()),
    "dim7": ("diminished-seventh", ()),
    "maj6": ("major-sixth", ()),
    "min6": ("minor-sixth", ()),
    "9": ("dominant-ninth", ()),
    "min9": ("minor-ninth", ()),
    "maj9": ("major-ninth", ()),
    "7sus4": ("suspended-fourth", ((7, -1),)),
    "minmaj7": ("minor-major-seventh", ()),
    "5": ("power", ()),
    "aug7": ("augmented-seventh", ()),
}


def symbol_in(chord: Chord, key: Key) -> str:
    """A chord's symbol, its root spelled for the key."""
    return spell(chord.root, key) + QUALITIES[chord.quality][1]


def write_musicxml(
    path: str | os.PathLike[str],
    title: str,
    melody: WrittenMelody,
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    key: Key,
) -> None:
    """Write melody and chord symbols; frame 0 is a bar line. Raises JamError when it can't."""
    from music21 import harmony, metadata, meter, stream, tempo
    from music21 import key as m21key

    part = cast(Any, stream).Part()
    for segment in tempo_map.segments:
        at = _quarters(segment.start_frame)
        part.insert(at, meter.TimeSignature(str(segment.meter)))
        number = quarter_bpm(segment.bpm, segment.meter)
        text = "Swing" if melody.swung and segment is tempo_map.segments[0] else None
        part.insert(at, tempo.MetronomeMark(text=text, number=number))
    part.insert(0, m21key.KeySignature(sharps_of(key)))
    for start, element in _elements(melody, len(chords), tempo_map, key):
        part.insert(start, element)
    before: ChordState | None = None
    for frame, state in enumerate(chords):
        if state.chord is None and before is not None and before.chord is not None:
            part.insert(_quarters(frame), cast(Any, harmony).NoChord())
        elif state.onset and state.chord is not None:
            part.insert(_quarters(frame), _symbol(state.chord, key))
        before = state
    part.partName = "Melody"
    score: Any = stream.Score()
    score.metadata = metadata.Metadata(title=title, movementName=title, composer="Played with jam")
    score.insert(0, part.makeNotation())
    with whole(path) as unfinished:
        score.write("musicxml", fp=unfinished)


def _elements(
    melody: WrittenMelody, n_frames: int, tempo_map: TempoMap, key: Key
) -> Iterator[tuple[Fraction, Any]]:
    """Notes and rests, (position in quarters, element of music21), to the end of the last bar."""
    now = Fraction(0)
    end = max([_quarters(n_frames), *(n.end_quarter for n in melody.notes)])
    end = _quarters(tempo_map.next_bar_frame(math.ceil(end * FRAMES_PER_QUARTER)))
    for written in melody.notes:
        yield from _drawn(None, now, written.start_quarter, tempo_map, key)
        yield from _drawn(written.pitch, written.start_quarter, written.end_quarter, tempo_map, key)
        now = written.end_quarter
    yield from _drawn(None, now, end, tempo_map, key)


def _drawn(
    pitch: int | None, start: Fraction, end: Fraction, tempo_map: TempoMap, key: Key
) -> Iterator[tuple[Fraction, Any]]:
    """One note or rest, in as many tied pieces as bars and triplets ask for."""
    from music21 import note, tie

    cuts = [start, *_cuts(start, end, tempo_map), end]
    n_pieces = len(cuts) - 1
    for i, (begin, stop) in enumerate(pairwise(cuts)):
        if stop <= begin:
            continue
        element: Any = note.Rest() if pitch is None else note.Note()
        if pitch is not None:
            name = spell(pitch % 12, key)
            alter = name.count("#") - name.count("b")
            element.pitch.name = _music21_name(name)
            element.pitch.octave = (pitch - alter) // 12 - 1
            if n_pieces > 1:
                kind = "start" if i == 0 else "stop" if i == n_pieces - 1 else "continue"
                element.tie = cast(Any, tie).Tie(kind)
        element.quarterLength = stop - begin
        yield begin, element


def _cuts(start: Fraction, end: Fraction, tempo_map: TempoMap) -> list[Fraction]:
    """Where a note is cut: at bar lines, and around what isn't on a sixteenth at its beat."""
    cuts = set()
    frame = tempo_map.next_bar_frame(math.floor(start * FRAMES_PER_QUARTER) + 1)
    while _quarters(frame) < end:
        cuts.add(_quarters(frame))
        frame = tempo_map.next_bar_frame(frame + 1)
    for edge in (start, end):
        if edge.denominator not in (1, 2, 4):
            place = tempo_map.place(math.floor(edge * FRAMES_PER_QUARTER))
            per_beat = place.meter.frames_per_beat
            inside = place.frame_in_bar % per_beat
            beat = math.floor(edge * FRAMES_PER_QUARTER) - inside
            cuts |= {_quarters(beat), _quarters(beat + per_beat)}
    return sorted(cut for cut in cuts if start < cut < end)


def _music21_name(name: str) -> str:
    return name.replace("b", "-")


def _quarters(frames: int) -> Fraction:
    return Fraction(frames, FRAMES_PER_QUARTER)


def _symbol(chord: Chord, key: Key) -> Any:
    from music21 import harmony

    kind, added = _KINDS[chord.quality]
    symbol = cast(Any, harmony).ChordSymbol(root=_music21_name(spell(chord.root, key)), kind=kind)
    for degree, alter in added:
        symbol.addChordStepModification(harmony.ChordStepModification("add", degree, alter))
    return symbol
