"""What leads the harmony besides the agent: the song of a session, and what it has committed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace

from jam.errors import BadInput
from jam.messages.notes import AGENT, HAND, SONG
from jam.messages.plans import InForm
from jam.music.chord import Chord
from jam.music.chord_notation import Symbol
from jam.music.form import find_form, sections_of
from jam.music.grid import Place, TempoMap
from jam.music.held_chord import HeldChord
from jam.music.keep import bars_to_keep, kept_song
from jam.music.key import Key
from jam.music.place_in_form import PlaceInForm, closes, place_in_form, seen_before
from jam.music.rows import ChordState, Row
from jam.music.song import Song
from jam.performance.chord_line import struck
from jam.performance.song_line import Fixed, SongInPlay, freed

_WRITTEN_FRAMES = 2048
"""What was written so long ago isn't kept any more as a song."""


class Lead:
    """The song that is played, if any, and which frames it has said. Owned by the `Conductor`."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._freed: frozenset[int] = frozenset()
        self._freed_of: tuple[int, float] = (0, 0.0)
        self._freed_in: SongInPlay | None = None
        """Which chords of a chorus are free, of which chorus and share, and of which song."""
        self.playing: SongInPlay | None = None
        self._step = 0
        self.last_chorus: int | None = None
        """The music ends after this chorus of the song."""
        self.until_frame = 0
        """Song or hand has committed the frames before it."""
        self.symbols: dict[int, Symbol] = {}
        """What song or hand has written for a chord, by the frame of its onset."""
        self.barred: tuple[tuple[int, int, Chord], ...] = ()
        """(first frame, frame after the last, chord) that the player won't have there."""
        self._pinned: dict[int, ChordState] = {}
        """Chords of the agent that the player has said are to stay, by frame."""
        self._said: dict[int, str] = {}
        """Who said the chord of a frame, where that wasn't the agent."""

    def use(self, song: Song | None, first_bar: int | None, next_bar: int) -> None:
        """Play a song from bar `first_bar` of the session on, or none.

        None: where the song that is played began, so that its bars can be changed; else, and where
        other bars of it go round, `next_bar`. Where none do any more, the song goes on behind those
        that did.
        """
        if song is None:
            self.playing = self.last_chorus = None
            return
        if first_bar is None:
            playing = self.playing
            if playing is None:
                first_bar = next_bar
            elif playing.song.loop == song.loop:
                first_bar = playing.first_bar
            elif song.loop is None:
                first_bar = _goes_on(playing, song, next_bar)
            else:
                first_bar = next_bar
        self.playing = SongInPlay(song, first_bar, self._step)

    def change_keys(self, step: int) -> None:
        """Every chorus is so many semitones higher than the one before."""
        if step != self._step:
            self._step = step
            if self.playing is not None:
                self.playing = replace(self.playing, step=step)

    def fixed(self, place: Place, replaced: float = 0.0) -> Fixed:
        """What the song has at a place; None where the agent is free.

        replaced: the share of chords that the agent may replace (0 to 1).
        """
        if self.playing is None or (replaced > 0 and self._is_freed(self.playing, place, replaced)):
            return None
        return self.playing.fixed(place)

    def _is_freed(self, playing: SongInPlay, place: Place, share: float) -> bool:
        chorus, number = playing.number(place)
        if (chorus, share) != self._freed_of or playing is not self._freed_in:
            n = len(playing.song.chorus.onsets)
            self._freed = freed(n, chorus, self._seed, share)
            self._freed_of, self._freed_in = (chorus, share), playing
        return number in self._freed

    @property
    def form_bars(self) -> int | None:
        """Length of a chorus; None where no song is played."""
        return None if self.playing is None else len(self.playing.song.chorus.bars)

    @property
    def key(self) -> Key | None:
        """Of the song that is played, where it says so."""
        return None if self.playing is None else self.playing.song.key

    def last_time(self, place: Place) -> None:
        """The music ends after the chorus of this place; a second time: it doesn't."""
        here = self.place_in_form(place.bar)
        self.last_chorus = None if here is None or self.last_chorus is not None else here.chorus

    def is_over(self, place: Place) -> bool:
        """True after the last chorus."""
        here = self.place_in_form(place.bar)
        return here is not None and self.last_chorus is not None and here.chorus > self.last_chorus

    def ends_at(self, tempo_map: TempoMap, first: int, end: int) -> int | None:
        """The first bar line in [first, end] that is after the last chorus; None: none is."""
        frame = tempo_map.next_bar_frame(first)
        while self.last_chorus is not None and frame <= end:
            if self.is_over(tempo_map.place(frame)):
                return frame
            frame = tempo_map.next_bar_frame(frame + 1)
        return None

    def again(self, first_bar: int) -> None:
        """The song begins anew, as often as it likes."""
        self.last_chorus = None
        if self.playing is not None:
            self.playing = SongInPlay(self.playing.song, first_bar, self._step)

    @property
    def is_leading(self) -> bool:
        """Whether anything is fixed, here or later."""
        return self.playing is not None or bool(self._pinned)

    def pin(self, first: int, states: Sequence[ChordState]) -> None:
        """These chords stay, the first of them at frame `first`."""
        self._pinned.update(enumerate(states, first))

    def bar(self, first: int, end: int, chord: Chord) -> None:
        """This chord isn't wanted there."""
        self.barred = (*self.barred, (first, end, chord))

    def pinned(self, frame: int) -> Fixed:
        """What the player has said is to stay at a frame."""
        return self._pinned.get(frame)

    def place_in_form(self, bar: int) -> PlaceInForm | None:
        """Of a bar of the session; None where no song is played."""
        if self.playing is None or bar < self.playing.first_bar:
            return None
        return place_in_form(self.playing.song, bar - self.playing.first_bar, self.last_chorus)

    def form(self, tempo_map: TempoMap, first: int, end: int) -> dict[int, PlaceInForm]:
        """Of every bar that has frames in [first, end), by the frame of its first beat."""
        found: dict[int, PlaceInForm] = {}
        frame = first - tempo_map.place(first).frame_in_bar
        while self.playing is not None and frame < end:
            place = self.place_in_form(tempo_map.place(frame).bar)
            if place is not None:
                found[frame] = place
            frame = tempo_map.next_bar_frame(frame + 1)
        return found

    def in_form(self, tempo_map: TempoMap, first: int, end: int) -> Iterator[InForm]:
        """What the form says of the frames in [first, end); nothing where no song is played."""
        playing, found, bar = self.playing, InForm(), -1
        for frame in range(first, end if playing is not None else first):
            place = tempo_map.place(frame)
            if playing is not None and place.bar != bar:
                bar, found = place.bar, InForm()
                if (here := self.place_in_form(bar)) is not None:
                    before = seen_before(playing.song, bar - playing.first_bar)
                    start = frame - place.frame_in_bar
                    again = None
                    if before is not None:
                        again = tempo_map.bar_start(playing.first_bar + before) - start
                    found = InForm(closes(here), again)
            yield replace(found, again=None if found.again is None else frame + found.again)

    def with_its_metres(self, tempo_map: TempoMap, from_frame: int, end_frame: int) -> TempoMap:
        """The map with the song's metres, as `SongInPlay.with_its_metres` sets them."""
        if self.playing is None:
            return tempo_map
        return self.playing.with_its_metres(tempo_map, from_frame, end_frame)

    def goals(
        self, first: int, end: int, fixed: Callable[[int], Fixed]
    ) -> Iterator[tuple[int, Chord]]:
        """(frame, chord) where the song goes on after frames that it leaves free, in (first, end].

        fixed: what is fixed at a frame.
        """
        before = fixed(first)
        for frame in range(first + 1, end + 1):
            state = fixed(frame)
            if before is None and state is not None and state.chord is not None:
                yield frame, state.chord
            before = state

    def states(
        self, first: int, end: int, before: ChordState, fixed: Callable[[int], Fixed]
    ) -> list[ChordState]:
        """The chords from frame `first` on to the first that is free, or to `end`."""
        states: list[ChordState] = []
        for frame in range(first, end):
            if (state := fixed(frame)) is None:
                break
            states.append(struck(state, states[-1] if states else before))
        return states

    def commit(self, first: int, states: Sequence[ChordState], tempo_map: TempoMap) -> None:
        """These chords of the song are committed, the first of them at frame `first`."""
        self.until_frame = first + len(states)
        for frame, state in enumerate(states, first):
            self.song(frame, state, tempo_map.place(frame))

    def song(self, frame: int, state: ChordState, place: Place) -> None:
        """The chord of a frame is the song's."""
        symbol = None if self.playing is None or not state.onset else self.playing.symbol(place)
        if symbol is not None and symbol.chord != state.chord:
            symbol = None
        self.said(frame, SONG, symbol)

    def hand(self, first: int, states: Sequence[ChordState], held: HeldChord) -> None:
        """These chords are the left hand's, the first of them at frame `first`."""
        self.until_frame = first + len(states)
        for frame, state in enumerate(states, first):
            self.said(frame, HAND, held.symbol if state.onset else None)

    def reopen(self, first: int, end: int) -> None:
        """What was said of the frames from `first` to before `end` is open again."""
        self.until_frame = min(self.until_frame, first)
        for frame in range(first, end):
            self.said(frame, AGENT)

    def said(self, frame: int, source: str, symbol: Symbol | None = None) -> None:
        """Take down who said the chord of a frame, and what is written for one that begins."""
        if source == AGENT:
            self._said.pop(frame, None)
        else:
            self._said[frame] = source
        if symbol is None:
            self.symbols.pop(frame, None)
        else:
            self.symbols[frame] = symbol

    def source(self, frame: int) -> str:
        """Who said the chord of a frame: one of SOURCES."""
        return self._said.get(frame, AGENT)

    def forget(self, before_frame: int) -> None:
        """Let go of what lies before a frame."""
        for frame in [f for f in self.symbols if f < before_frame - _WRITTEN_FRAMES]:
            del self.symbols[frame]
        for frame in [f for f in self._pinned if f < before_frame]:
            del self._pinned[frame]
        self.barred = tuple(barred for barred in self.barred if barred[1] > before_frame)
        for frame in [f for f in self._said if f < before_frame]:
            del self._said[frame]


def last_bars(
    rows: Sequence[Row],
    places: Sequence[Place],
    n_bars: int | None,
    key: Key | None,
    bpm: float,
    symbols: Mapping[int, Symbol],
) -> Song:
    """The last whole bars that were played as a song.

    n_bars: None takes as many as the form that is found has. symbols: what was written for a chord,
    by the number of its row. Raises BadInput where there are not
    so many bars, or none of them has a chord.
    """
    if n_bars is None:
        n_bars = bars_to_keep(len({place.bar for place in places}), find_form(rows, places))
    chords = [row.chord for row in rows]
    letters = sections_of(rows, places, n_bars)
    song = kept_song(chords, places, n_bars, key, bpm, symbols, letters)
    if all(bar.chords is None for bar in song.bars):
        raise BadInput(f"no chords in the last {n_bars} bars")
    return song


def _goes_on(playing: SongInPlay, song: Song, next_bar: int) -> int:
    """Where a song has to have begun, so that from `next_bar` on the bars that went round are
    played to their end, and then those behind them."""
    looped, whole = playing.song.chorus.bars, song.chorus.bars
    end = next_bar + (playing.first_bar - next_bar) % len(looped)
    behind = next((i + 1 for i in range(len(whole)) if whole[i] == looped[-1]), 0)
    return end - behind
