"""Written music: measures with repeats and endings, played out and put on whole bars.

What ABC, MusicXML and Humdrum have in common. A reader fills `Measure`s, whose signs
`jam.music.repeats` reads; `lay_out` puts the measures one after another, finds the bar of a measure
that is too short (a pickup, or an end that a pickup completes), and yields the notes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction

from jam.errors import BadInput
from jam.limits import FRAMES, MELODY_NOTES, MIDI_NOTES, RHYTHM_DENOMINATOR, SHEET_CHORDS
from jam.music.chord import Chord
from jam.music.chord_notation import SymbolReader
from jam.music.grid import Meter
from jam.music.repeats import played_order
from models.corpora.draft import DraftChord, DraftNote


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a measure; positions in sixteenths from the start of the measure."""

    start: Fraction
    length: Fraction
    pitch: int
    tied: bool = False
    """True when the next note of the same pitch goes on with this one."""


@dataclass(slots=True)
class Measure:
    meter: Meter
    notes: list[Note] = field(default_factory=list)
    chords: list[tuple[Fraction, Chord | None, str]] = field(default_factory=list)
    """(position in sixteenths from the start of the measure, chord, label)"""
    under: list[Note] = field(default_factory=list)
    """Notes of the other voices and parts: what chords can be found in."""
    length: Fraction = Fraction(0)
    starts_section: bool = False
    """A repeat may go back to here."""
    starts_repeat: bool = False
    """A repeat sign says so."""
    repeats: int = 1
    """How often the section that ends with this measure is played; 2 after one repeat sign."""
    endings: frozenset[int] = frozenset()
    """The passes in which this measure is played; empty for all."""
    ends_section: bool = False
    """A double bar: a short measure before it is an end, not a pickup."""
    section: str = ""
    """The name of the section that begins here."""
    is_free: bool = False
    """Of a chart: the chords are the player's."""
    marks: frozenset[str] = frozenset()
    """Of "segno", "coda", "tocoda", "fine", "dacapo", "dalsegno"; jumps act at the end."""


@dataclass(slots=True)
class Losses:
    """What a reader leaves out of a piece: counts by reason, and where the user can look."""

    counts: Counter[str] = field(default_factory=Counter)
    unread: list[str] = field(default_factory=list)
    """Each chord symbol that could not be read: "bar 3: H7x"."""

    def add_symbols(self, symbols: SymbolReader) -> None:
        """What the chord symbols of the piece came to."""
        self.counts[CHORDS_NOT_READ] += len(symbols.unread)
        self.counts["words above the staff"] += symbols.n_words
        self.unread.extend(symbols.unread)


CHORDS_NOT_READ = "chords not read"


def exact(position: Fraction) -> Fraction:
    """The position, where its arithmetic stays cheap. Raises BadInput where it doesn't."""
    if position.denominator > RHYTHM_DENOMINATOR:
        raise BadInput("a rhythm too fine to be read")
    return position


def lay_under(melody: Sequence[Measure], other: Sequence[Measure]) -> None:
    """Put another voice or part under the melody, measure by measure; its symbols where none are.

    Both begin their measures together; what is longer than the melody's measure is cut.
    """
    has_chords = any(measure.chords for measure in melody)
    for measure, below in zip(melody, other, strict=False):
        if not has_chords:
            measure.chords.extend(below.chords)
        if measure.length == 0:
            measure.length = below.length
        for note in (*below.notes, *below.under):
            if note.start < measure.length:
                length = min(note.length, measure.length - note.start)
                measure.under.append(replace(note, length=length))


@dataclass(slots=True)
class LaidOut:
    """Measures in their played order on whole bars."""

    bars: list[Meter] = field(default_factory=list)
    notes: list[DraftNote] = field(default_factory=list)
    chords: list[DraftChord] = field(default_factory=list)
    under: list[DraftNote] = field(default_factory=list)
    dropped: Counter[str] = field(default_factory=Counter)


def lay_out(measures: Sequence[Measure], order: Sequence[int] | None = None) -> LaidOut:
    """Notes and chords at their places from the first bar line, in sixteenths.

    A measure shorter than its metre is joined with the next ones as long as they fit into one
    bar. What doesn't fill a bar then is put at the bar's end when it is a pickup, else at its
    start, and the rest of the bar is silent.
    """
    played = [measures[i] for i in (order if order is not None else played_order(measures))]
    out = LaidOut()
    open_ties: dict[int, int] = {}
    at = 0
    for group in _bar_groups(played):
        meter = group[0].meter
        size = meter.frames_per_bar
        total = Fraction(0)
        for measure in group:
            total = exact(total + measure.length)
        n_bars = max(1, -(-total.__ceil__() // size))
        if total > size or (total < size and len(group) > 1):
            out.dropped["bars of another length than their metre"] += 1
        place = Fraction(at)
        missing = n_bars * size - total
        if at + n_bars * size > FRAMES:
            raise BadInput(f"longer than {FRAMES} frames")
        for j, measure in enumerate(group):
            is_last = j == len(group) - 1
            if missing > 0 and is_last and not measure.ends_section and _is_pickup(group, at):
                place += missing
            open_ties = _put(measure, place, out, open_ties)
            if len(out.notes) > MELODY_NOTES or len(out.chords) > SHEET_CHORDS:
                raise BadInput(f"more than {MELODY_NOTES} notes or chords with all repeats")
            if len(out.under) > MIDI_NOTES:
                raise BadInput(f"more than {MIDI_NOTES} notes with all repeats")
            place += measure.length
        out.bars.extend([meter] * n_bars)
        at += n_bars * size
    return out


def _is_pickup(group: Sequence[Measure], at: int) -> bool:
    """Whether the last measure of a bar that is not full leads to the next bar."""
    return at == 0 or len(group) > 1 or group[-1].starts_section


def _bar_groups(played: Sequence[Measure]) -> list[list[Measure]]:
    """Measures that share a bar: short ones that follow one another and fit into it."""
    groups: list[list[Measure]] = []
    filled = Fraction(0)
    for measure in played:
        size = measure.meter.frames_per_bar
        if measure.length == 0 and not measure.notes and not measure.chords:
            continue
        joins = (
            groups
            and filled < groups[-1][0].meter.frames_per_bar
            and measure.meter == groups[-1][0].meter
            and filled + measure.length <= size
            and not (len(groups) == 1 and len(groups[0]) == 1 and measure.length > size / 2)
        )
        if joins:
            groups[-1].append(measure)
            filled += measure.length
        else:
            groups.append([measure])
            filled = measure.length
    return groups


def _put(
    measure: Measure, place: Fraction, out: LaidOut, open_ties: dict[int, int]
) -> dict[int, int]:
    """Add a measure's notes and chords at `place`; returns the notes that are tied onwards."""
    still_open: dict[int, int] = dict(open_ties)
    for note in measure.notes:
        start, end = place + note.start, place + note.start + note.length
        index = still_open.pop(note.pitch, None)
        if index is not None and out.notes[index].end == start:
            out.notes[index] = DraftNote(out.notes[index].start, end, note.pitch)
        else:
            index = len(out.notes)
            out.notes.append(DraftNote(start, end, note.pitch))
        if note.tied:
            still_open[note.pitch] = index
    for position, chord, label in measure.chords:
        out.chords.append(DraftChord(place + position, chord, label))
    for note in measure.under:
        start = place + note.start
        out.under.append(DraftNote(start, start + note.length, note.pitch))
    return still_open
