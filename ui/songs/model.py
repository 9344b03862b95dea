"""The song as the window has it: chosen, written, kept; sent to the engine and to the library.

Every change is a step of the history that the settings share, so undo takes back the last thing
that was done, whatever it was. Runs on: the window's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import Protocol, TypeVar

from PyQt6.QtCore import QObject, pyqtSignal

from jam.accompaniment import all_styles
from jam.charts.bar_text import read_bar
from jam.charts.text import read_text, write_text
from jam.errors import BadInput
from jam.messages.commands import Keep, UseSong
from jam.messages.snapshot import SessionLog, Snapshot
from jam.music.form import Form
from jam.music.keep import bars_to_keep
from jam.music.song import Bar, Song, clear, copy, delete, insert, paste, sections, write_bar
from jam.performance.form_guess import FormGuess
from jam.sessions.library import Library
from jam.settings import KEYS_A_CHORUS, JamSettings
from ui.jam_page.chart import BARS_A_LINE, SongShown
from ui.settings.model import SettingsModel, Step

_LOOK_BARS = 8
"""A chord lane that was scrolled in a jam goes with the music again after so many bars."""

T = TypeVar("T")


class AsksLibrary(Protocol):
    """`ui.review.library_thread.LibraryThread.ask`."""

    def __call__(
        self, work: Callable[[Library], T], then: Callable[[T], object] | None = None
    ) -> None: ...


class Kept:
    """Where in the library a song is; its id is known once it has been written for the first time.

    Read and set on the library's thread.
    """

    def __init__(self, song_id: int | None = None) -> None:
        self.id = song_id

    def write(self, library: Library, song: Song) -> int:
        with library.songs_written() as songs:
            if self.id is None:
                self.id = songs.add(song).id
            else:
                songs.change(self.id, song)
            return self.id


class SongModel(QObject):
    """send: receives commands for the engine. ask: has something done by the library."""

    changed = pyqtSignal()
    """Another song, another version of it, or another selection."""
    told = pyqtSignal(str)
    """A few words on what was just done."""
    list_outdated = pyqtSignal()
    """The library has another song, or another version of one."""
    guess_changed = pyqtSignal()
    metre_asked = pyqtSignal(object, object)
    """This song is in another metre than the jam that goes on: (song, what to do if it may)."""

    def __init__(
        self, send: Callable[[object], None], settings: SettingsModel, ask: AsksLibrary
    ) -> None:
        super().__init__()
        self._send, self._settings, self.ask = send, settings, ask
        self.song: Song | None = None
        self.first_bar = 0
        self.selected = range(0)
        """Written bars of the song; the one after its last can be selected alone, to be written."""
        self.view_bar: int | None = None
        self.running = False
        self.bar_now = 0
        self.listen_until_frame = 0
        self.kept = False
        """The song was made by *Keep*."""
        self._guess = FormGuess()
        self._at = Kept()
        self._looked_at = 0
        self._listen_bars: int | None = None
        self._session = 0
        self._sent: deque[Song | None] = deque()
        """Sent in a jam, and not told back yet."""

    def _tell(self, song: Song | None, first_bar: int | None = None) -> None:
        """Have the engine play a song. first_bar: of the jam, with which it begins."""
        self._send(UseSong(song, first_bar if self.running else None))
        if self.running:
            self._sent.append(song)

    # -- what is shown --------------------------------------------------------------------------

    @property
    def shown(self) -> SongShown | None:
        """The song as the chord lane shows it."""
        if self.song is None:
            return None
        step = KEYS_A_CHORUS[self._settings.settings.song_keys]
        return SongShown(self.song, self.first_bar, self.selected, self.view_bar, step)

    @property
    def name(self) -> str:
        return "" if self.song is None else self.song.title or "Untitled song"

    def follow(self, snapshot: Snapshot, position: float) -> None:
        """A snapshot has come."""
        if self.running and not snapshot.running:
            self.first_bar, self.view_bar = 0, None
            self.changed.emit()
        self.running = snapshot.running
        self.listen_until_frame = snapshot.listen_until_frame if snapshot.running else 0
        self.bar_now = snapshot.tempo_map.place(int(position // 1)).bar
        if self.running and self.bar_now >= self._looked_at + _LOOK_BARS:
            self.follow_music()

    def take_log(self, log: SessionLog) -> None:
        """What the stage tells of the song that is played, and of what was played."""
        if log.tempo_map is None:
            return
        if log.session != self._session:
            self._session = log.session
            self._sent.clear()
        for change in log.songs:
            began, self.first_bar = self.first_bar, change.first_bar
            if self._sent and change.song == self._sent[0]:
                self._sent.popleft()  # as it was asked for
                self.changed.emit()
            elif change.song is not None and change.song != self.song:
                self._take_kept(change.song, began)
            else:
                self.changed.emit()
        if self._guess.take_log(log, self.listen_until_frame):
            self.guess_changed.emit()

    @property
    def form(self) -> Form | None:
        """As it was found in what was played, for the player to confirm."""
        return self._guess.form

    # -- which song -----------------------------------------------------------------------------

    def use(self, song: Song, song_id: int | None = None) -> None:
        """Play this song. In a jam of another metre it is
        asked first."""

        def do() -> None:
            self._use(song, Kept(song_id))

        if self.running and song.meter != self._settings.settings.meter:
            self.metre_asked.emit(song, do)
        else:
            do()

    def _use(self, song: Song | None, at: Kept, kept: bool = False) -> None:
        before, before_at, before_kept = self.song, self._at, self.kept
        words = f"song {song.title or 'without a title'}" if song is not None else "song let go"

        def do() -> None:
            self._show(song, at, kept)
            self._take_settings(song)
            self._tell(song)

        def undo() -> None:
            self._show(before, before_at, before_kept)
            self._take_settings(before)
            self._tell(before)

        self._settings.history.push(Step(words, do, undo))
        self.told.emit(words[0].upper() + words[1:])

    def let_go(self) -> None:
        """The agent alone chooses the chords again."""
        if self.song is not None:
            self._use(None, Kept())

    def new(self) -> None:
        """A song of one free bar, to be written."""
        self._use(Song((Bar(),), meter=self._settings.settings.meter), Kept())
        self.select(range(1))

    def _show(self, song: Song | None, at: Kept, kept: bool = False) -> None:
        self.song, self._at, self.kept = song, at, kept
        self.selected, self.view_bar = range(0), None
        if not self.running:
            self.first_bar = 0
        self.changed.emit()

    def _take_settings(self, song: Song | None) -> None:
        """Metre, tempo and style of a song; with one the band comes in at once."""
        settings = self._settings
        if song is None:
            if self._listen_bars is not None and settings.settings.listen_bars == 0:
                settings.apply({"listen_bars": self._listen_bars})
            self._listen_bars = None
            return
        values: dict[str, object] = {"meter": song.meter}
        if settings.settings.listen_bars:
            self._listen_bars = settings.settings.listen_bars
            values["listen_bars"] = 0
        if song.bpm is not None and not self.kept:
            values["bpm"] = song.bpm
        if any(style.name == song.style for style in all_styles()[0]):
            values["accompaniment"] = song.style
        settings.apply(values)

    def begin_with(self, text: str, song_id: int = 0) -> None:
        """The song of the last time, as text, before anything is played; what can't be read any
        more is let go."""
        with suppress(BadInput):
            self.open(read_text(text).song, song_id or None)

    def open(self, song: Song, song_id: int | None = None) -> None:
        """Begin with a song; the settings are as they should be for it."""
        if not self._settings.settings.listen_bars:
            self._listen_bars = JamSettings().listen_bars
        self._show(song, Kept(song_id))
        self._tell(song)

    @property
    def remembered(self) -> tuple[str, int]:
        """As `begin_with` takes it."""
        return ("", 0) if self.song is None else (write_text(self.song), self._at.id or 0)

    # -- keep -----------------------------------------------------------------------------------

    @property
    def offered_bars(self) -> int:
        """How many of the last bars *Keep* takes if nothing else is asked for."""
        return bars_to_keep(self._guess.whole_bars, self.form)

    def keep_or_let_go(self) -> None:
        """Keep the last bars, as many as are offered; again to let go."""
        if self.kept and self.song is not None:
            self.let_go()
        else:
            self.keep(None if self.form is None else self.offered_bars)

    def keep(self, bars: int | None) -> None:
        """Have the last bars go round from here on."""
        if not self.running:
            self.told.emit("Keep takes what was just played: start a jam first")
            return
        self._send(Keep(self.offered_bars if bars is None else bars))

    def _take_kept(self, song: Song, began: int) -> None:
        """The engine has kept the last bars, and plays them. began: where the song before did."""
        before, before_at, was_kept, first_bar = self.song, self._at, self.kept, self.first_bar
        is_told = True

        def do() -> None:
            nonlocal is_told
            self._show(song, Kept(), kept=True)
            if not is_told:
                self._tell(song, first_bar)
            is_told = False

        def undo() -> None:
            self._show(before, before_at, was_kept)
            self._tell(before, began)

        self._settings.history.push(Step(f"{len(song.bars)} bars kept", do, undo))

    # -- selection ------------------------------------------------------------------------------

    def select(self, bars: range) -> None:
        self.selected = bars
        self.changed.emit()

    def move(self, by: int, extend: bool = False) -> None:
        """Select the bar before or after; with `extend` more bars or fewer."""
        if self.song is None:
            return
        n, now = len(self.song.bars), self.selected
        if not now:
            self.select(range(self.written_now(), self.written_now() + 1))
        elif extend:
            self.select(range(now.start, max(now.start + 1, min(n, now.stop + by))))
        else:
            first = max(0, min(n, (now.start if by < 0 else now.stop - 1) + by))
            self.select(range(first, first + 1))
        self._see(self.selected.start)

    def written_now(self) -> int:
        """The written bar that is played, or the first."""
        place = self.shown.place(self.bar_now) if self.running and self.shown else None
        return place.bar if place is not None else 0

    def scroll(self, lines: int) -> None:
        """Look further ahead (positive) or behind in the chord lane."""
        if self.song is not None:
            at = self.view_bar
            if at is None:
                at = max(0, self.bar_now - BARS_A_LINE) if self.running else 0
            self.view_bar = max(0, at + lines * BARS_A_LINE)
            self._looked_at = self.bar_now
            self.changed.emit()

    def follow_music(self, lines: int = 0) -> None:
        """The chord lane goes with the music again; a song that fits on so many lines is seen from
        its beginning.
        """
        fits = self.song is None or len(self.song.chorus.bars) <= lines * BARS_A_LINE
        if self.view_bar is not None and (self.running or fits):
            self.view_bar = None
            self.changed.emit()

    def _see(self, bar: int) -> None:
        """Have a written bar in sight, when no music moves the lane."""
        if not self.running and self.song is not None:
            order = self.song.chorus.bars
            played = order.index(bar) if bar in order else len(order)
            self.view_bar = max(0, played - 2 * BARS_A_LINE)
            self.changed.emit()

    # -- edits ----------------------------------------------------------------------------------

    def edit(self, words: str, song: Song) -> None:
        """Another version of the song."""
        before, at = self.song, self._at
        if before is None or song == before:
            return

        def show(version: Song) -> None:
            self.song, self._at = version, at
            self.selected = range(
                min(self.selected.start, len(version.bars)),
                min(self.selected.stop, len(version.bars) + 1),
            )
            self._tell(version)
            self.ask(lambda library: at.write(library, version), self._written)
            self.changed.emit()

        self._settings.history.push(Step(words, lambda: show(song), lambda: show(before)))

    def _written(self, _song_id: int) -> None:
        self.list_outdated.emit()

    def renamed(self, song_id: int, title: str) -> None:
        """A song of the library has another title."""
        if self.song is not None and self._at.id == song_id:
            self.song = replace(self.song, title=title)
            self.changed.emit()

    def save(self) -> None:
        """Have the song in the list, as it is."""
        if self.song is not None:
            song, at = self.song, self._at
            self.ask(lambda library: at.write(library, song), self._written)
            self.told.emit(f"Saved: {self.name}")

    def write(self, bar: int, text: str) -> int:
        """Write what was typed into a bar, or into many where it has bar lines; the number of bars
        that were written. Raises BadInput that names bar and symbol.
        """
        song = self.song
        if song is None:
            return 0
        if "|" in text:
            bars = self._bars_of(text)
            self.edit(f"{len(bars)} bars written", paste(song, bar, bars))
            return len(bars)
        before = song.bars[bar] if bar < len(song.bars) else None
        meter = song.meter if before is None else song.meter_of(before)
        text = text.strip()
        try:
            if text == "%" and bar:
                chords = song.bars[bar - 1].chords
            else:
                chords = read_bar(text, meter)
        except BadInput as error:
            raise BadInput(f"bar {bar + 1}: {error}") from None
        if before is None:
            self.edit(f"bar {bar + 1}", paste(song, bar, (Bar(chords, meter=meter),)))
        else:
            self.edit(f"bar {bar + 1}", write_bar(song, bar, chords))
        return 1

    def _bars_of(self, text: str) -> tuple[Bar, ...]:
        """Bars that were typed or copied. Raises BadInput that names bar and symbol."""
        assert self.song is not None
        header = "" if "metre" in text or "meter" in text else f"metre: {self.song.meter}\n"
        song = read_text(header + text).song
        return copy(song, 0, len(song.bars))

    def copied(self) -> str:
        """The bars that are selected, as text; "" where none is."""
        song, bars = self.song, self._selected_bars()
        if song is None or not bars:
            return ""
        plain = (
            replace(bar, meter=None if bar.meter == song.meter else bar.meter)
            for bar in copy(song, bars.start, bars.stop)
        )
        some = Song(tuple(plain), meter=song.meter)
        return write_text(some).split("\n\n", 1)[1].strip()

    def _selected_bars(self) -> range:
        n = 0 if self.song is None else len(self.song.bars)
        return range(min(self.selected.start, n), min(self.selected.stop, n))

    def paste(self, text: str) -> None:
        """Write bars that were copied from the selection's first bar on. Raises BadInput."""
        if self.song is not None:
            at = self.selected.start if self.selected else self.written_now()
            bars = self._bars_of(text if "|" in text else f"| {text.strip()} |")
            self.edit(f"{len(bars)} bars pasted", paste(self.song, at, bars))
            self.select(range(at, at + len(bars)))

    def free(self) -> None:
        """Leave the selected bars to the agent."""
        if self.song is not None and (bars := self._selected_bars()):
            self.edit(f"{_bars(bars)} free", clear(self.song, bars.start, bars.stop))

    def delete(self) -> None:
        """Take the selected bars out. Says why where that can't be."""
        if self.song is None or not (bars := self._selected_bars()):
            return
        try:
            self.edit(f"{_bars(bars)} deleted", delete(self.song, bars.start, bars.stop))
        except BadInput:
            self.told.emit("A song has at least one bar")

    def insert(self, before: bool) -> None:
        """A free bar before or after the selection."""
        if self.song is not None and (bars := self._selected_bars()):
            at = bars.start if before else bars.stop
            song = self.song
            self.edit("bar inserted", insert(song, at, (Bar(meter=song.meter),)))
            self.select(range(at, at + 1))

    def loop(self) -> None:
        """The selected bars go round; the same again, or nothing selected: the whole song does."""
        if self.song is None:
            return
        bars = self._selected_bars()
        wanted = (bars.start, bars.stop) if bars else None
        if wanted is None and self.song.loop is None:  # the section that is played
            now = self.written_now()
            wanted = next(
                (first, end) for _, first, end in sections(self.song) if first <= now < end
            )
        if wanted == self.song.loop or (wanted is None and self.song.loop is not None):
            self.edit("all bars", replace(self.song, loop=None))
            self.told.emit("The whole song goes round")
        elif wanted is not None:
            self.edit(f"loop {wanted[0] + 1}–{wanted[1]}", replace(self.song, loop=wanted))
            self.told.emit(f"Bars {wanted[0] + 1} to {wanted[1]} go round")

    def set_section(self, name: str) -> None:
        """A section begins with the first bar that is selected; "": none does."""
        self._set_signs("section", section=name)

    def set_repeat(self, times: int) -> None:
        """The selected bars are played so often."""
        if self.song is None or not (bars := self._selected_bars()):
            return
        changed = list(self.song.bars)
        for i in bars:
            changed[i] = replace(changed[i], repeat_starts=False, repeats=1)
        if times > 1:
            changed[bars.start] = replace(changed[bars.start], repeat_starts=True)
            changed[bars.stop - 1] = replace(changed[bars.stop - 1], repeats=times)
        self._edit_bars(f"{_bars(bars)} {times} times", changed)

    def _set_signs(self, words: str, **signs: object) -> None:
        if self.song is None or not (bars := self._selected_bars()):
            return
        changed = list(self.song.bars)
        changed[bars.start] = replace(changed[bars.start], **signs)  # type: ignore[arg-type]
        self._edit_bars(words, changed)

    def _edit_bars(self, words: str, bars: Iterable[Bar]) -> None:
        assert self.song is not None
        try:
            self.edit(words, replace(self.song, bars=tuple(bars)))
        except BadInput as error:
            self.told.emit(f"That can't be: {error}")


def _bars(bars: range) -> str:
    return f"bar {bars.start + 1}" if len(bars) == 1 else f"bars {bars.start + 1}–{bars.stop}"
