"""A take edited by hand: notes and chords moved, stretched, added, deleted, quantised, transposed.

Each edit makes a new take of an old one. Where a chord changes, the band plays its bars anew. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from jam.errors import BadInput
from jam.messages.notes import Note
from jam.music.chord import Chord
from jam.music.chord_notation import parse_symbol
from jam.music.grid import nearest_frame
from jam.music.rows import NO_CHORD, ChordState
from jam.performance.rewriting import with_chords
from jam.performance.take import Take
from jam.settings import JamSettings

LEAST_FRAMES = 0.25
"""No note is made shorter."""


def note_near(take: Take, part: str, pitch: int, start_s: float) -> Note:
    """The note of a part and pitch that begins nearest to a time. Raises BadInput."""
    same = [note for note in take.parts.get(part, ()) if note.pitch == pitch]
    if not same:
        raise BadInput(f"no note {pitch} in {part}")
    at = take.tempo_map.seconds_at
    return min(same, key=lambda note: abs(at(note.start_frame) - start_s))


def with_notes(take: Take, part: str, notes: Sequence[Note]) -> Take:
    """The take with other notes in a part."""
    in_order = sorted(notes, key=lambda note: (note.start_frame, note.pitch))
    return replace(take, parts={**take.parts, part: tuple(in_order)})


def note_changed(take: Take, note: Note, new: Note | None) -> Take:
    """Another note in place of one; None: it is deleted."""
    notes = list(take.parts.get(note.part, ()))
    if note not in notes:
        raise BadInput("this note isn't there any more")
    notes.remove(note)
    return with_notes(take, note.part, notes if new is None else [*notes, new])


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


def quantised(take: Take, frames: range, strength: float, grid: int = 1) -> Take:
    """The player's notes that are meant for some frames, drawn to the nearest place of a grid (so
    many frames apart in the beat): at strength 1 they lie on it, at 0 they stay."""

    def drawn(note: Note) -> Note:
        frame = nearest_frame(note.start_frame)
        if frame not in frames:
            return note
        line = frame - take.tempo_map.place(frame).frame_in_bar
        target = line + grid * nearest_frame((note.start_frame - line) / grid)
        return moved(note, strength * (target - note.start_frame))

    return with_notes(take, "player", [drawn(note) for note in take.parts.get("player", ())])


def transposed(
    take: Take, frames: range, semitones: int, settings: JamSettings, seed: int, part: str = "both"
) -> Take:
    """Melody, chords or both of some frames, higher or lower; chords turn within the octave."""

    def up(note: Note) -> Note:
        inside = nearest_frame(note.start_frame) in frames
        return moved(note, 0.0, semitones) if inside else note

    if part != "chords":
        take = with_notes(take, "player", [up(note) for note in take.parts.get("player", ())])
    if part == "melody":
        return take
    line = [
        state
        if frame not in frames or state.chord is None
        else replace(state, chord=Chord((state.chord.root + semitones) % 12, state.chord.quality))
        for frame, state in enumerate(take.chords)
    ]
    return with_chords(take, _within(take, frames), line, settings, seed)


def _within(take: Take, frames: range) -> range:
    """The frames that a take has chords for."""
    return range(max(0, frames.start), min(frames.stop, len(take.chords)))


# Chords


def chord_span(take: Take, frame: int) -> range:
    """From the onset of what stands at a frame to where it ends; of silence: to the next chord."""
    line = take.chords
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
    return _with_line(take, frames, lambda f: ChordState(chord, f == frames.start), settings, seed)


def chord_deleted(take: Take, frame: int, settings: JamSettings, seed: int) -> Take:
    """The chord before it lasts on."""
    span = chord_span(take, frame)
    before = take.chords[span.start - 1].chord if span.start else None
    return _with_line(take, span, lambda f: ChordState(before, False), settings, seed)


def chord_edge_moved(
    take: Take, onset: int, to_frame: int, settings: JamSettings, seed: int
) -> Take:
    """A chord begins earlier or later, and what stands before it is shorter or longer by that."""
    span = chord_span(take, onset)
    chord = take.chords[span.start].chord
    to_frame = min(max(to_frame, 0), span.stop - 1)
    if to_frame < span.start:
        return _with_line(
            take,
            range(to_frame, span.stop),
            lambda f: ChordState(chord, f == to_frame),
            settings,
            seed,
        )
    before = take.chords[span.start - 1].chord if span.start else None
    return _with_line(
        take,
        span,
        lambda f: ChordState(chord, f == to_frame) if f >= to_frame else ChordState(before, False),
        settings,
        seed,
    )


def _with_line(
    take: Take, frames: range, state: Callable[[int], ChordState], settings: JamSettings, seed: int
) -> Take:
    frames = _within(take, frames)
    if not frames:
        return take
    line = list(take.chords)
    for frame in frames:
        found = state(frame)
        line[frame] = found if found.chord is not None else NO_CHORD
    return with_chords(take, frames, line, settings, seed, strikes=False)
