"""Scores as songs: MusicXML, ABC and MIDI, read as charts, not played out."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import accumulate

from jam.charts.bar_text import symbol_of
from jam.charts.draft import Chart
from jam.errors import BadInput
from jam.files import decoded
from jam.limits import NOTE_FRAMES, NOTES_IN_BAR, SONG_BARS
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.grid import FRAMES_PER_QUARTER, MAX_BPM, MIN_BPM, Meter
from jam.music.key import Key, key_of_signature
from jam.music.song import Bar, ChordAt, Chords, Song, TuneNote, as_label, as_section
from models.corpora.abc import Tune, parse_tune, split_tunes
from models.corpora.chord_finder import find_chords
from models.corpora.collections import MIDI
from models.corpora.draft import DraftNote
from models.corpora.midi import midi_draft
from models.corpora.musicxml import read_chart
from models.corpora.score import Losses, Measure

Tones = list[tuple[Fraction, Fraction, int]]
"""(place, length, pitch) of a melody's notes in their measure, in sixteenths."""


@dataclass(slots=True)
class _Written:
    """A measure as it is written: places in sixteenths."""

    meter: Meter
    length: Fraction = Fraction(0)
    chords: list[tuple[Fraction, Symbol]] = field(default_factory=list)
    is_free: bool = False
    signs: Bar = field(default_factory=Bar)
    tune: Tones = field(default_factory=list)


def read_charts(data: bytes, suffix: str) -> list[Chart]:
    """The songs of a .musicxml, .xml, .mxl, .abc or MIDI file. Raises BadInput.

    Where there are no chord symbols, chords are found in the voices.
    """
    if suffix == ".abc":
        return _abc_charts(decoded(data))
    if suffix in MIDI:
        return [_midi_chart(data)]
    return [_musicxml_chart(data)]


SUFFIXES = (".musicxml", ".xml", ".mxl", ".abc", *MIDI)
_FOUND = "no chord symbols in it: chords were found in the voices"


# -- MusicXML --------------------------------------------------------------------------------


def _musicxml_chart(data: bytes) -> Chart:
    score = read_chart(data)
    if len(score.measures) > SONG_BARS:
        raise BadInput(f"more than {SONG_BARS:,} bars")
    remarks = _unread(score.losses) + _found_in_voices(score.measures)
    written = [
        _written(m, tune, as_section(m.section), m.starts_repeat)
        for m, tune in zip(score.measures, _tunes(score.measures), strict=True)
    ]
    key = key_of_signature(*score.signature) if score.signature else None
    song = _song(written, score.title, score.composer, score.quarter_bpm, key, remarks)
    return Chart(replace(song, style=as_label(score.style)), tuple(remarks))


# -- ABC -------------------------------------------------------------------------------------


def _abc_charts(text: str) -> list[Chart]:
    charts, fault = list[Chart](), BadInput("no tune in it (they begin with X:)")
    for number, lines in split_tunes(text):
        try:
            charts.append(_abc_chart(parse_tune(number, lines), lines))
        except BadInput as error:
            fault = BadInput(f"tune {as_label(number) or '?'}: {error}")
    if not charts:
        raise fault
    return charts


def _abc_chart(tune: Tune, lines: list[str]) -> Chart:
    measures = tune.measures
    if len(measures) > SONG_BARS:
        raise BadInput(f"more than {SONG_BARS:,} bars")
    names = {start: letter for letter, start in tune.part_starts.items()}
    tunes = _tunes(measures)
    remarks = _unread(tune.losses) + _found_in_voices(measures)
    written = []
    for i, measure in enumerate(measures):
        later = measures[
            i : next(
                (k for k in range(i + 1, len(measures)) if measures[k].starts_section),
                len(measures),
            )
        ]
        repeats = i > 0 and measure.starts_section and any(m.repeats > 1 for m in later)
        written.append(_written(measure, tunes[i], names.get(i, ""), repeats))
    if tune.parts:
        remarks.append(f"its parts are played {as_label(tune.parts)}, which the song leaves out")
    composer = next((line[2:] for line in lines if line.startswith("C:")), "")
    song = _song(written, tune.title, composer, tune.quarter_bpm, None, remarks)
    return Chart(song, tuple(remarks))


# -- MIDI ------------------------------------------------------------------------------------


def _midi_chart(data: bytes) -> Chart:
    """A file without markers: chords of what sounds below its melody."""
    draft = midi_draft("", "", data)
    if not any(item.chord for item in draft.chords):
        raise BadInput("no chords in it, neither as markers nor in its voices")
    if len(draft.bars) > SONG_BARS:
        raise BadInput(f"more than {SONG_BARS:,} bars")
    starts = list(accumulate((meter.frames_per_bar for meter in draft.bars), initial=0))
    written = [_Written(meter, Fraction(meter.frames_per_bar)) for meter in draft.bars]
    for item in draft.chords:
        bar = bisect_right(starts, item.start) - 1
        if 0 <= bar < len(written):
            place = Fraction(item.start) - starts[bar]
            written[bar].chords.append((place, _symbol(item.chord, item.label)))
    remarks = [_FOUND]
    quarters = draft.bpm and draft.bpm * draft.bars[0].frames_per_beat / FRAMES_PER_QUARTER
    return Chart(_song(written, "", "", quarters, None, remarks), tuple(remarks))


# -- all ------------------------------------------------------------------------------------


def _found_in_voices(measures: list[Measure]) -> list[str]:
    """Put the chords of the voices into measures without any; what is to be said of it.

    Raises BadInput where there is but one voice.
    """
    if any(measure.chords for measure in measures):
        return []
    if not any(measure.under for measure in measures):
        raise BadInput("no chord symbols in it")
    starts = list(accumulate((m.meter.frames_per_bar for m in measures), initial=0))
    notes = [
        DraftNote(start + n.start, start + min(n.start + n.length, measure.length), n.pitch)
        for start, measure in zip(starts, measures, strict=False)
        for n in (*measure.notes, *measure.under)
        if n.start < measure.length
    ]
    for item in find_chords(notes, [measure.meter for measure in measures]):
        bar = bisect_right(starts, item.start) - 1
        place = Fraction(item.start) - starts[bar]
        if place < measures[bar].length:
            measures[bar].chords.append((place, item.chord, item.label))
    return [_FOUND]


def _unread(losses: Losses) -> list[str]:
    return [f"{symbol}: can't be read" for symbol in losses.unread]


def _written(measure: Measure, tune: Tones, section: str, repeat_starts: bool) -> _Written:
    signs = Bar(
        section=section,
        repeat_starts=repeat_starts,
        repeats=measure.repeats,
        endings=measure.endings,
        marks=measure.marks,
    )
    chords = [(place, _symbol(chord, label)) for place, chord, label in measure.chords]
    length = measure.length or Fraction(measure.meter.frames_per_bar)
    return _Written(measure.meter, length, chords, measure.is_free, signs, tune)


def _tunes(measures: list[Measure]) -> list[Tones]:
    """The melody of every measure, what is tied as one note."""
    tunes: list[Tones] = []
    tied: dict[int, tuple[Tones, int]] = {}
    for measure in measures:
        here: Tones = []
        for note in sorted(measure.notes, key=lambda n: n.start):
            where = tied.pop(note.pitch, None)
            if where is None:
                here.append((note.start, note.length, note.pitch))
                where = here, len(here) - 1
            else:
                notes, i = where
                start, length, pitch = notes[i]
                notes[i] = start, length + note.length, pitch
            if note.tied:
                tied[note.pitch] = where
        tunes.append(here)
    return tunes


def _symbol(chord: Chord | None, label: str) -> Symbol:
    """What was written, where it says what was read."""
    try:
        symbol = symbol_of("".join(label.split()))
        if symbol.chord == chord:
            return symbol
    except BadInput:
        pass
    return Symbol(chord.symbol if chord else "N.C.")


def _song(
    written: list[_Written],
    title: str,
    composer: str,
    quarter_bpm: float | None,
    key: Key | None,
    remarks: list[str],
) -> Song:
    bars = _bars(written, remarks)
    if not any(bar.chords for bar, _ in bars):
        raise BadInput("no chord symbols in it")
    meter = bars[0][1]
    bpm = quarter_bpm and round(quarter_bpm * FRAMES_PER_QUARTER / meter.frames_per_beat, 3)
    if bpm and not MIN_BPM <= bpm <= MAX_BPM:
        remarks.append(f"tempo {bpm:g}: not between {MIN_BPM:g} and {MAX_BPM:g}")
        bpm = None
    return Song(
        tuple(replace(bar, meter=None if own == meter else own) for bar, own in bars),
        as_label(title),
        as_label(composer),
        meter,
        bpm or None,
        key,
    )


def _bars(written: list[_Written], remarks: list[str]) -> list[tuple[Bar, Meter]]:
    """Measures as whole bars; what comes before the first chord is free."""
    bars: list[tuple[Bar, Meter]] = []
    moved = 0
    for measures in _groups(written):
        meter = measures[0].meter
        at = Fraction(0)
        chords: dict[int, Symbol] = {}
        notes: dict[tuple[int, int], TuneNote] = {}
        for measure in measures:
            for place, lasts, pitch in measure.tune:
                frame = min(round(at + place), meter.frames_per_bar - 1)
                notes[frame, pitch] = TuneNote(frame, min(NOTE_FRAMES, max(1, round(lasts))), pitch)
            for place, symbol in measure.chords:
                frame = min(round(at + place), meter.frames_per_bar - 1)
                moved += frame != at + place
                chords[frame] = symbol
            at += measure.length
        found: Chords = tuple(ChordAt(frame, chords[frame]) for frame in sorted(chords))
        free = measures[0].is_free or not (found or any(bar.chords for bar, _ in bars))
        signs = _signs_of(measures, None if free and not found else found)
        tune = tuple(notes[key] for key in sorted(notes))[:NOTES_IN_BAR]
        bars.append((replace(signs, tune=tune), meter))
    if moved:
        remarks.append(f"{moved} chords were moved to the nearest sixteenth of their bar")
    return bars


def _signs_of(measures: list[_Written], chords: Chords) -> Bar:
    """The signs of the measures that a bar consists of."""
    first, last = measures[0].signs, measures[-1].signs
    return replace(
        first,
        chords=chords,
        section=next((m.signs.section for m in measures if m.signs.section), ""),
        repeats=max(m.signs.repeats for m in measures),
        marks=first.marks.union(*(m.signs.marks for m in measures)),
        endings=last.endings or first.endings,
    )


def _groups(written: list[_Written]) -> Iterator[list[_Written]]:
    """Measures that share a bar: parts of one that is cut by a repeat. A pickup is left out."""
    full: Callable[[_Written], int] = lambda m: m.meter.frames_per_bar  # noqa: E731
    i = 0
    if len(written) > 1 and written[0].length < full(written[0]) and not written[0].chords:
        i = 1
    while i < len(written):
        group, length = [written[i]], written[i].length
        while (
            i + 1 < len(written)
            and length < full(group[0])
            and written[i + 1].meter == group[0].meter
            and length + written[i + 1].length <= full(group[0])
        ):
            i += 1
            group.append(written[i])
            length += written[i].length
        yield group
        i += 1
