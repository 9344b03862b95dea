"""A take edited by hand: notes and chords moved, stretched, added, deleted, quantised, transposed.

Each edit makes a new take of an old one. Where a chord changes, the band plays its bars anew. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from jam.errors import BadInput
from jam.messages.notes import Note
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import nearest_frame
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.rewriting import with_band, with_chords, with_line
from jam.performance.take import Take
from jam.settings import JamSettings

LEAST_FRAMES = 0.25
"""No note is made shorter."""


def notes_near(take: Take, wanted: Iterable[tuple[str, int, float]]) -> list[Note]:
    """Of each (part, pitch, second of its beginning) the note that begins nearest; none is found
    twice. Raises BadInput where there is none."""
    at = take.tempo_map.seconds_at
    wanted = list(wanted)
    same: dict[tuple[str, int], list[Note]] = {(part, pitch): [] for part, pitch, _ in wanted}
    for part in {part for part, _, _ in wanted}:
        for note in take.parts.get(part, ()):
            if (part, note.pitch) in same:
                same[part, note.pitch].append(note)
    found = []
    for part, pitch, start_s in wanted:
        there = same[part, pitch]
        if not there:
            raise BadInput(f"no note {pitch} in {part}")
        nearest = min(there, key=lambda note: abs(at(note.start_frame) - start_s))
        there.remove(nearest)
        found.append(nearest)
    return found


def with_notes(take: Take, part: str, notes: Sequence[Note]) -> Take:
    """The take with other notes in a part."""
    in_order = sorted(notes, key=lambda note: (note.start_frame, note.pitch))
    return replace(take, parts={**take.parts, part: tuple(in_order)})


def notes_changed(take: Take, notes: Iterable[Note], change: Callable[[Note], Note | None]) -> Take:
    """Each of these notes changed; None: it is deleted. Raises BadInput where one isn't there."""
    left = Counter(notes)
    for part in sorted({note.part for note in left}):
        new = []
        for note in take.parts.get(part, ()):
            changed: Note | None = note
            if left[note]:
                left[note] -= 1
                changed = change(note)
            if changed is not None:
                new.append(changed)
        take = with_notes(take, part, new)
    if left.total():
        raise BadInput("this note isn't there any more")
    return take


def moved(note: Note, frames: float = 0.0, semitones: int = 0) -> Note:
    """Later or earlier, higher or lower, within what there is."""
    pitch = min(127, max(0, note.pitch + semitones))
    by = max(frames, -note.start_frame) if note.start_frame >= 0 else frames
    start = note.start_frame + by
    return replace(note, start_frame=start, end_frame=note.end_frame + by, pitch=pitch)


def stretched(note: Note, end_frame: float) -> Note:
    """It lasts to another frame, and is never shorter than LEAST_FRAMES."""
    return replace(note, end_frame=max(end_frame, note.start_frame + LEAST_FRAMES))


def added(take: Take, note: Note) -> Take:
    return with_notes(take, note.part, [*take.parts.get(note.part, ()), note])


def quantised(
    take: Take, frames: range, strength: float, grid: int = 1, notes: Iterable[Note] | None = None
) -> Take:
    """The player's notes that are meant for some frames, or these `notes`, drawn to the nearest
    place of a grid (so many frames apart in the bar): at strength 1 they lie on it, at 0 they
    stay."""

    def drawn(note: Note) -> Note:
        frame = nearest_frame(note.start_frame)
        line = frame - take.tempo_map.place(frame).frame_in_bar
        target = line + grid * nearest_frame((note.start_frame - line) / grid)
        return moved(note, strength * (target - note.start_frame))

    if notes is None:
        player = take.parts.get("player", ())
        notes = [note for note in player if nearest_frame(note.start_frame) in frames]
    return notes_changed(take, notes, drawn)


def transposed(
    take: Take, frames: range, semitones: int, settings: JamSettings, seed: int, part: str = "both"
) -> Take:
    """Melody, chords or both of some frames, higher or lower; chords turn within the octave."""

    if part != "chords":
        player = take.parts.get("player", ())
        inside = [note for note in player if nearest_frame(note.start_frame) in frames]
        take = notes_changed(take, inside, lambda note: moved(note, 0.0, semitones))
    if part == "melody":
        return take
    frames = _within(take, frames)
    line = [_turned(state, semitones) for state in take.chords[frames.start : frames.stop]]
    return with_chords(take, frames, line, settings, seed)


def _turned(state: ChordState, semitones: int) -> ChordState:
    if state.chord is None:
        return state
    return replace(state, chord=Chord((state.chord.root + semitones) % 12, state.chord.quality))


def _within(take: Take, frames: range) -> range:
    """The frames that a take has chords for."""
    return range(max(0, frames.start), min(frames.stop, len(take.chords)))


# Chords


def chord_span(take: Take, frame: int) -> range:
    """From the onset of what stands at a frame to where it ends; of silence: to the next chord.
    Raises BadInput beyond the chords."""
    return _span(take.chords, frame)


def _span(line: Sequence[ChordState], frame: int) -> range:
    if not 0 <= frame < len(line):
        raise BadInput("there are no chords here")

    def begins(f: int) -> bool:
        return line[f].onset or line[f].chord != line[f - 1].chord

    start = frame
    while start > 0 and not begins(start):
        start -= 1
    end = frame + 1
    while end < len(line) and not begins(end):
        end += 1
    return range(start, end)


def read_chord(text: str) -> Chord | None:
    """A chord symbol as it is typed; "" and N.C. are none. Raises BadInput."""
    try:
        chord, _ = parse_symbol(text.strip())
    except ValueError:
        raise BadInput(f"chord {text!r}: use a symbol such as Dm7, Bbmaj7 or N.C.") from None
    return chord


def chord_written(
    take: Take, frames: range, chord: Chord | None, settings: JamSettings, seed: int
) -> Take:
    """One chord, or none, in some frames."""
    line = list(take.chords)
    for frame in _within(take, frames):
        line[frame] = ChordState(chord, frame == frames.start) if chord else NO_CHORD
    return _relined(take, line, settings, seed)


def chords_deleted(take: Take, onsets: Iterable[int], settings: JamSettings, seed: int) -> Take:
    """What stands before each of these chords lasts on in its place."""
    line = list(take.chords)
    for onset in sorted(onsets):
        span = _span(line, onset)
        before = line[span.start - 1].chord if span.start else None
        for frame in span:
            line[frame] = ChordState(before, False) if before else NO_CHORD
    return _relined(take, line, settings, seed)


def chords_moved(
    take: Take, onsets: Iterable[int], by: int, settings: JamSettings, seed: int
) -> Take:
    """Chords begin so many frames later, or earlier; what stands before each is longer or shorter
    by that, and none is shorter than a frame."""
    line, least = list(take.chords), 0
    for onset in sorted(onsets, reverse=by > 0):
        span = _span(line, onset)
        chord = line[span.start].chord
        to_frame = min(max(span.start + by, least), span.stop - 1)
        least = to_frame + 1 if by < 0 else 0
        before = line[span.start - 1].chord if span.start else None
        for frame in range(span.start, to_frame):
            line[frame] = ChordState(before, False) if before else NO_CHORD
        for frame in range(to_frame, span.stop):
            line[frame] = ChordState(chord, frame == to_frame) if chord else NO_CHORD
    return _relined(take, line, settings, seed)


def chords_transposed(
    take: Take, onsets: Iterable[int], semitones: int, settings: JamSettings, seed: int
) -> Take:
    """These chords turned within the octave."""
    line = list(take.chords)
    for onset in sorted(onsets):
        for frame in _span(take.chords, onset):
            line[frame] = _turned(line[frame], semitones)
    return _relined(take, line, settings, seed)


def _relined(take: Take, line: Sequence[ChordState], settings: JamSettings, seed: int) -> Take:
    """The take with other chords; the band plays anew where they differ."""
    runs: list[range] = []
    for frame, (old, new) in enumerate(zip(take.chords, line, strict=True)):
        if old == new:
            continue
        if runs and runs[-1].stop == frame:
            runs[-1] = range(runs[-1].start, frame + 1)
        else:
            runs.append(range(frame, frame + 1))
    for run in runs:
        take = with_line(take, run, line[run.start : run.stop], strikes=False)
    for run in runs:
        take = with_band(take, run, settings, seed)
    return take
