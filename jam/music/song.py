"""A song: what a chart says of every bar, how it is played out, and how it is edited. Pure.

A chart says for each written bar which chords it has and where they stand in it, or that it is
free: then the agent chooses. Repeats, endings and jumps are signs at the bars, and one time
through all of them is a chorus. Choruses follow one another for as long as the music goes on.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import pairwise

from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS, NOTE_FRAMES, NOTES_IN_BAR, SONG_BARS
from jam.music.chord import COMMON_NAMES, QUALITIES
from jam.music.chord_notation import Symbol
from jam.music.grid import Meter, check_bpm
from jam.music.key import Key, spell
from jam.music.repeats import MARKS, MAX_TURNS, played_order

_WRITTEN = re.compile(r"(\(?)([A-Ha-h][#b♯♭]*)(.*?)(?:/([A-Ha-h][#b♯♭]*))?(\)?)")
_KEPT_VERSIONS = 200


def transposed_symbol(symbol: Symbol, semitones: int, key: Key | None = None) -> Symbol:
    """The symbol so much higher, spelled for `key`, the key that it then is in."""
    if symbol.chord is None or not semitones % 12:
        return symbol
    name = _spelled(symbol.chord.root + semitones, key)
    bass = "" if symbol.bass is None else "/" + _spelled(symbol.bass + semitones, key)
    found = _WRITTEN.fullmatch(symbol.written)
    if found is not None:
        opened, _, rest, _, closed = found.groups()
        with suppress(ValueError):  # "Es" is a name, not E and something
            moved = Symbol(opened + name + rest + bass + closed)
            if moved.chord == symbol.chord.transposed(semitones):
                return moved
    return Symbol(name + QUALITIES[symbol.chord.quality][1] + bass)  # no letter for its root


def _spelled(pitch_class: int, key: Key | None) -> str:
    return spell(pitch_class % 12, key) if key else COMMON_NAMES[pitch_class % 12]


@dataclass(frozen=True, slots=True)
class ChordAt:
    """A chord, and the frame of its bar in which it begins."""

    frame: int
    symbol: Symbol


@dataclass(frozen=True, slots=True)
class TuneNote:
    """A note of a bar's melody: it begins with a frame of the bar and lasts so many frames."""

    frame: int
    length: int
    pitch: int
    velocity: int = 80


Chords = tuple[ChordAt, ...] | None
"""What a bar has: chords in order; none of them: the chord before goes on; None: it is free."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One written bar. The signs are those of `jam.music.repeats`."""

    chords: Chords = None
    section: str = ""
    """The name of the section that begins here: a letter or a word."""
    repeat_starts: bool = False
    repeats: int = 1
    """How often the section that ends with this bar is played; 2 after one repeat sign."""
    endings: frozenset[int] = frozenset()
    marks: frozenset[str] = frozenset()
    meter: Meter | None = None
    """Of this bar, where it isn't the song's."""
    tune: tuple[TuneNote, ...] = ()
    """Its melody, where that is known: to be practised, in order."""


@dataclass(frozen=True, slots=True)
class Chorus:
    """One time through a song, all repeats played out."""

    bars: tuple[int, ...]
    """Index in the song of every bar that is played."""
    carried: tuple[Symbol | None, ...]
    """What sounds when each of them begins, in the first chorus; None where that is free."""
    carried_again: tuple[Symbol | None, ...]
    """The same in every later chorus, which the end of the one before leads to."""
    sections: tuple[tuple[str, int, int], ...]
    """(name, first bar, bar after the last) of the section that each of them is in; each time that
    a section with a name is come to it begins anew."""
    onsets: tuple[tuple[int, int], ...]
    """(bar, frame in it) of every chord that is written, in order."""


@dataclass(frozen=True, slots=True)
class Song:
    """Raises BadInput, naming the bar, for what can't be played."""

    bars: tuple[Bar, ...]
    title: str = ""
    composer: str = ""
    meter: Meter = Meter(4, 4)
    bpm: float | None = None
    key: Key | None = None
    style: str = ""
    loop: tuple[int, int] | None = None
    """(first written bar, bar after the last) that go round, to be practised; None: all of it. One
    that lies beyond the bars, or in none that is played, is none."""
    chorus: Chorus = field(init=False, compare=False, repr=False)
    """How it is played."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.bars) <= SONG_BARS:
            raise BadInput(f"{len(self.bars):,} bars; a song has 1 to {SONG_BARS:,}")
        for text in (self.title, self.composer, self.style):
            if text != as_label(text):
                raise BadInput(f"{text[:40]!r}: not one line of up to {LABEL_CHARACTERS} letters")
        if self.bpm is not None:
            check_bpm(self.bpm)
        for number, bar in enumerate(self.bars, 1):
            _check(number, bar, self.meter_of(bar))
        order = tuple(played_order(_signs(self.bars)))
        if not order:
            raise BadInput("no bar of it is ever played: its endings are of later passes")
        carried, last = _carried(self.bars, order, None)
        again, _ = _carried(self.bars, order, last)
        if self.loop is not None:
            # What leads into it sounds as it does in the song, the first time and every other.
            inside = [i for i, bar in enumerate(order) if self.loop[0] <= bar < self.loop[1]]
            if inside:
                order = tuple(order[i] for i in inside)
                carried = again = tuple(carried[i] for i in inside)
        onsets = tuple((i, c.frame) for i, b in enumerate(order) for c in self.bars[b].chords or ())
        played = Chorus(order, carried, again, _played_sections(self.bars, order), onsets)
        object.__setattr__(self, "chorus", played)

    def meter_of(self, bar: Bar) -> Meter:
        return bar.meter or self.meter

    @property
    def has_tune(self) -> bool:
        """Whether its melody is known."""
        return any(bar.tune for bar in self.bars)


def as_label(text: str) -> str:
    """Text of any origin as a title: one line, not too long."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[
        :LABEL_CHARACTERS
    ].strip()


def as_section(text: str) -> str:
    """Text of any origin as the name of a section: without what a chart is written with."""
    return as_label(re.sub(r"[\[\]|<>{}]", " ", text))


def _check(number: int, bar: Bar, meter: Meter) -> None:
    frames = [chord.frame for chord in bar.chords or ()]
    if any(later <= frame for frame, later in pairwise(frames)):
        raise BadInput(f"bar {number}: its chords are not in order")
    if frames and not 0 <= frames[0] <= frames[-1] < meter.frames_per_bar:
        raise BadInput(f"bar {number}: a chord outside of its {meter}")
    if len(bar.tune) > NOTES_IN_BAR:
        raise BadInput(f"bar {number}: {len(bar.tune)} notes; at most {NOTES_IN_BAR}")
    for note in bar.tune:
        inside = 0 <= note.frame < meter.frames_per_bar and 1 <= note.length <= NOTE_FRAMES
        if not (inside and 0 <= note.pitch <= 127 and 1 <= note.velocity <= 127):
            raise BadInput(f"bar {number}: a note of its melody that can't be played there")
    if bar.section != as_section(bar.section):
        raise BadInput(f"bar {number}: section {bar.section[:40]!r} is no name of one")
    if not 1 <= bar.repeats <= MAX_TURNS:
        raise BadInput(f"bar {number}: played {bar.repeats} times; at most {MAX_TURNS}")
    if any(not 1 <= turn <= MAX_TURNS for turn in bar.endings):
        raise BadInput(f"bar {number}: an ending must be 1 to {MAX_TURNS}")
    if unknown := bar.marks - set(MARKS):
        raise BadInput(f"bar {number}: no such mark: {min(unknown)!r}")


# -- played out ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Signs:
    starts_section: bool
    repeats: int
    endings: frozenset[int]
    marks: frozenset[str]


def _signs(bars: Sequence[Bar]) -> list[_Signs]:
    """The signs that repeats are read by: inside an open repeat no section is gone back to."""
    signs, is_open = list[_Signs](), False
    for bar in bars:
        is_open |= bar.repeat_starts
        starts = bar.repeat_starts or (bool(bar.section) and not is_open)
        is_open &= bar.repeats == 1
        signs.append(_Signs(starts, bar.repeats, bar.endings, bar.marks))
    return signs


def _carried(
    bars: Sequence[Bar], order: Sequence[int], symbol: Symbol | None
) -> tuple[tuple[Symbol | None, ...], Symbol | None]:
    carried = []
    for index in order:
        carried.append(symbol)
        chords = bars[index].chords
        if chords is None:
            symbol = None
        elif chords:
            symbol = chords[-1].symbol
    return tuple(carried), symbol


def _played_sections(bars: Sequence[Bar], order: Sequence[int]) -> tuple[tuple[str, int, int], ...]:
    starts = [i for i, bar in enumerate(order) if i == 0 or bars[bar].section]
    found: list[tuple[str, int, int]] = []
    for start, end in pairwise((*starts, len(order))):
        found += [(bars[order[start]].section, start, end)] * (end - start)
    return tuple(found)


@dataclass(frozen=True, slots=True)
class SongPlace:
    """Where in a song a played bar is. Everything counts from 0."""

    chorus: int
    bar_in_chorus: int
    bar: int
    """Index among the written bars."""


def place_of(song: Song, played_bar: int) -> SongPlace:
    """Where played bar number `played_bar` is; the song begins with bar 0."""
    bars = song.chorus.bars
    chorus, inside = divmod(played_bar, len(bars))
    return SongPlace(chorus, inside, bars[inside])


def symbol_at(song: Song, played_bar: int, frame_in_bar: int) -> Symbol | None:
    """What the song has sounding there; None where it leaves it to the agent.

    A chord goes on over bars that have none of their own; after a free bar they are free too.
    Before the song begins everything is free.
    """
    if played_bar < 0:
        return None
    place, chorus = place_of(song, played_bar), song.chorus
    chords = song.bars[place.bar].chords
    if chords is None:
        return None
    index = bisect_right(chords, frame_in_bar, key=lambda chord: chord.frame)
    if index:
        return chords[index - 1].symbol
    return (chorus.carried_again if place.chorus else chorus.carried)[place.bar_in_chorus]


def meter_at(song: Song, played_bar: int) -> Meter:
    return song.meter_of(song.bars[place_of(song, max(played_bar, 0)).bar])


def sections(song: Song) -> list[tuple[str, int, int]]:
    """(name, first written bar, bar after the last) of every section; "" before the first name."""
    starts = [i for i, bar in enumerate(song.bars) if bar.section or i == 0]
    ends = [*starts[1:], len(song.bars)]
    return [(song.bars[i].section, i, end) for i, end in zip(starts, ends, strict=True)]


# -- edits -----------------------------------------------------------------------------------


def write_bar(song: Song, bar: int, chords: Chords) -> Song:
    """The song with these chords in a written bar; None leaves it to the agent."""
    return _with(song, [*song.bars[:bar], replace(song.bars[bar], chords=chords)], bar + 1)


def clear(song: Song, first: int, end: int) -> Song:
    """The song with the bars from `first` to before `end` left to the agent."""
    return _with(song, [*song.bars[:first], *_freed(song.bars[first:end])], end)


def _freed(bars: Sequence[Bar]) -> Iterator[Bar]:
    return (replace(bar, chords=None) for bar in bars)


def copy(song: Song, first: int, end: int) -> tuple[Bar, ...]:
    """The music of some bars: their chords, melody and metres, without signs and sections."""
    bars = song.bars[first:end]
    return tuple(Bar(bar.chords, meter=song.meter_of(bar), tune=bar.tune) for bar in bars)


def _fitting(song: Song, bars: Sequence[Bar]) -> tuple[Bar, ...]:
    """Copied bars as bars of this song."""
    meters = ((bar, song.meter_of(bar)) for bar in bars)
    return tuple(
        Bar(b.chords, meter=None if m == song.meter else m, tune=b.tune) for b, m in meters
    )


def paste(song: Song, at: int, bars: Sequence[Bar]) -> Song:
    """The music of copied bars instead of that from `at` on; the song grows where it must."""
    pasted = [
        replace(old, chords=new.chords, meter=new.meter, tune=new.tune or old.tune)
        for old, new in zip(song.bars[at:], _fitting(song, bars), strict=False)
    ]
    beyond = _fitting(song, bars[len(pasted) :])
    return _with(song, [*song.bars[:at], *pasted, *beyond], at + len(bars))


def insert(song: Song, at: int, bars: Sequence[Bar]) -> Song:
    """The song with copied bars before bar `at`, as part of the section that is there.

    In front of the first bar of a section they belong to the section before.
    """
    endings: frozenset[int] = frozenset()
    if 0 < at < len(song.bars):
        endings = song.bars[at].endings & song.bars[at - 1].endings
    new = (replace(bar, endings=endings) for bar in _fitting(song, bars))
    return _with(song, [*song.bars[:at], *new], at)


def delete(song: Song, first: int, end: int) -> Song:
    """The song without some bars; their signs move to the bars beside them.

    Raises BadInput where no bar would be left.
    """
    gone, after = song.bars[first:end], list(song.bars[end:])
    before = list(song.bars[:first])
    ends = max((bar.repeats for bar in gone), default=1)
    starts = any(bar.repeat_starts for bar in gone)
    if starts != (ends > 1):  # one half of a repeat
        if starts and after:
            after[0] = replace(after[0], repeat_starts=True)
        elif (
            ends > 1
            and before
            and before[-1].repeats == 1
            and before[-1].endings == (gone[-1].endings)
        ):
            before[-1] = replace(before[-1], repeats=ends)
    name = next((bar.section for bar in reversed(gone) if bar.section), "")
    if name and after and not after[0].section:
        after[0] = replace(after[0], section=name)
    return replace(song, bars=(*before, *after))


def _with(song: Song, bars: Sequence[Bar], goes_on_at: int) -> Song:
    return replace(song, bars=(*bars, *song.bars[goes_on_at:]))


def in_its_key(song: Song, symbol: Symbol, semitones: int) -> Symbol:
    """A symbol of the song where that is played so much higher, spelled for the key it is in."""
    key = song.key and ((song.key[0] + semitones) % 12, song.key[1])
    return transposed_symbol(symbol, semitones % 12, key)


def transpose(song: Song, semitones: int) -> Song:
    """The song so much higher, its chords spelled for the new key where the key is known."""
    key = song.key and ((song.key[0] + semitones) % 12, song.key[1])

    def moved(chords: Chords) -> Chords:
        if chords is None:
            return None
        return tuple(ChordAt(c.frame, transposed_symbol(c.symbol, semitones, key)) for c in chords)

    bars = tuple(
        replace(bar, chords=moved(bar.chords), tune=higher(bar.tune, near(semitones)))
        for bar in song.bars
    )
    return replace(song, bars=bars, key=key)


def near(semitones: int) -> int:
    """The least way to the same pitch class: -6 to 5."""
    return (semitones + 6) % 12 - 6


def higher(tune: Iterable[TuneNote], semitones: int) -> tuple[TuneNote, ...]:
    """A melody so much higher; what no instrument has any more stays an octave nearer."""
    moved = ((note, note.pitch + semitones) for note in tune)
    return tuple(
        replace(note, pitch=pitch + 12 * ((pitch < 0) - (pitch > 127))) for note, pitch in moved
    )


@dataclass(frozen=True, slots=True)
class Versions:
    """A song with what it was before: undo and redo."""

    song: Song
    past: tuple[Song, ...] = ()
    undone: tuple[Song, ...] = ()

    def changed(self, song: Song) -> Versions:
        """With another version as the newest; what had been undone is forgotten."""
        if song == self.song:
            return self
        return Versions(song, (*self.past, self.song)[-_KEPT_VERSIONS:])

    def undo(self) -> Versions:
        """The version before; the same where there is none."""
        if not self.past:
            return self
        return Versions(self.past[-1], self.past[:-1], (self.song, *self.undone))

    def redo(self) -> Versions:
        """The version that was undone last; the same where there is none."""
        if not self.undone:
            return self
        return Versions(self.undone[0], (*self.past, self.song), self.undone[1:])
