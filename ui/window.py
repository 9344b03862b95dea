"""The main window: pages, notices and status line, and how they are connected.

Runs on: the window's thread. It polls the newest snapshot about 60 times a second and sends
commands; nothing in it waits, and no note but those of the computer's keys passes through it.
"""

from __future__ import annotations

import secrets
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TypeVar

from PyQt6.QtCore import QByteArray, QEvent, QPoint, Qt, QTimer, pyqtSignal
from PyQt6.QtGui import QCloseEvent, QGuiApplication, QResizeEvent
from PyQt6.QtWidgets import QApplication, QMenu, QPushButton, QVBoxLayout, QWidget

from jam.agent.predictor import LoadPredictor
from jam.agent.rewriting import LoadRewriter
from jam.charts.files import Readers
from jam.clock import Clock, SystemClock
from jam.engine.calibration import Calibration
from jam.engine.dropouts import larger_block
from jam.errors import JamError
from jam.messages.commands import (
    ChangeSettings,
    Cue,
    JudgeChord,
    ListAudio,
    Panic,
    SelectDevices,
    Start,
    Stop,
    TapBeat,
)
from jam.messages.notes import AGENT
from jam.messages.snapshot import DeviceState, SessionLog, Snapshot
from jam.messages.voice import OFF as NO_MICROPHONE
from jam.midi.learnt import ACTION, SETTING, VIEW
from jam.music.grid import TempoMap
from jam.music.song import Song
from jam.performance.calibration import CLICKS, device_key
from jam.preferences import LastSong, Preferences, View
from jam.sessions.library import Library
from jam.sessions.session import MomentKind
from jam.settings import JamSettings
from ui.common.jam_state import JamState
from ui.common.notice import DropoutNotice, Notice, Notices, Offer
from ui.common.pages import JAM, REVIEW, Pages
from ui.common.record_button import (
    JAM_AGAIN,
    LISTEN,
    MOMENT_WORDS,
    RecordButton,
    Recorder,
    after_jam,
    saved_words,
)
from ui.common.status import StatusLine, panic_words, problems_of
from ui.common.text import hardware_inputs
from ui.common.theme import Theme, dress, system_theme
from ui.controls.menu import offer_learning
from ui.controls.model import ControlsModel
from ui.controls.panel import KEY as CONTROLS_KEY
from ui.controls.panel import ControlsPanel, learning_words
from ui.engine_link import EngineLink
from ui.jam_page.bar import TapTempo
from ui.jam_page.chart import BarCell, ChartChord
from ui.jam_page.cues import CueButton
from ui.jam_page.demo import DEMO_OVER, Demo
from ui.jam_page.page import JamPage
from ui.jam_page.role_button import RoleButton
from ui.jam_page.scene import ChordShape
from ui.review.page import ReviewPage
from ui.settings.autosave import Keeper
from ui.settings.fields import describe
from ui.settings.look import Look
from ui.settings.model import SettingsModel
from ui.settings.preset_button import PresetButton
from ui.settings.presets import Presets
from ui.shortcuts import jam_actions, review_actions, song_actions
from ui.shortcuts.actions import Action, Actions
from ui.shortcuts.help import Help
from ui.shortcuts.key_filter import KeyFilter
from ui.shortcuts.piano_keys import ComputerPiano, letters_by_pitch, printed_letters
from ui.songs.keep import KeepButton
from ui.songs.model import SongModel

T = TypeVar("T")
LISTENING = "The microphone hears the clicks for half a minute: hold it to the loudspeaker."
BY_MICROPHONE = "Let the microphone hear the clicks, at the loudspeaker or by a cable."
BY_HAND = "Play along with the clicks instead."
KEEP_TAPPING = "Keep tapping"
COUNTING_IN = "Count-in: tap on, the bar after it begins the jam"
STAYS, NOT_THIS_ONE = "This one stays", "Not this one"
NOT_RECORDED = "No jam is being recorded"
POLL_MS = 16
FRUGAL_MS, LAVISH_MS = 5.0, 3.0
"""Painting times above which every second picture is left out, and below which none is."""


class MainWindow(QWidget):
    """The window.

    save: called with names of `Preferences` and their new values, half a second after the last
    change and when the window closes. `clock` is the engine's clock; tests give their own.
    recorder: what records the jams. load: gives the predictor for new takes; without it the
    rules make them. logs: the stage's, as they come; they are taken from its left. readers: of
    files with songs, those that jam.charts doesn't have itself. load_rewriter: gives what composes
    bars again. song: to begin with, in the place of that of the last time.
    """

    closed = pyqtSignal()

    def __init__(
        self,
        link: EngineLink,
        preferences: Preferences,
        save: Callable[..., object] | None = None,
        clock: Clock | None = None,
        recorder: Recorder | None = None,
        load: LoadPredictor | None = None,
        logs: deque[SessionLog] | None = None,
        readers: Readers | None = None,
        load_rewriter: LoadRewriter | None = None,
        song: Song | None = None,
    ) -> None:
        super().__init__()
        self.link = link
        self._load_rewriter = load_rewriter
        self._logs = logs if logs is not None else deque()
        self._readers = readers
        self.recorder = recorder
        self._load = load
        self.clock = clock or SystemClock()
        self.keeper = Keeper(save, self)
        self._devices = preferences.devices
        self._latencies = dict(preferences.latencies)
        self._heard_by = ""
        """The device whose latency counts."""
        self._snapshot: Snapshot | None = None
        self._polls = 0
        self._frugal = False
        self._news = ""
        self._anything_played = False
        self._dressed: tuple[Theme, float] | None = None
        self.setWindowTitle("jam")
        self.setMinimumHeight(480)
        self.model = SettingsModel(preferences.settings, self.clock.now_s)
        self.look = Look(preferences.view)
        self.presets = Presets(self.model, preferences.presets)
        self.taps = TapTempo()
        self.piano = ComputerPiano(link.send, self.clock.now_s)
        self._printed = printed_letters()
        self._build()
        self.demo = Demo(link, self.clock, self.model, recorder)
        self._connect()
        self.keymap = Actions()
        for action in self._actions():
            self.keymap.add(action)
        self.learn = ControlsModel(
            link.send,
            preferences.controls,
            self.keymap,
            self.model,
            self.look,
            lambda: self.pages.page,
        )
        self.learn_panel = ControlsPanel(self.learn, self._focus_page, self)
        self._offer_learning()
        self.keys = KeyFilter(
            self,
            self.keymap,
            self.piano,
            lambda: self.pages.page,
            self._escape,
            self._leave_field,
            self._show_letters,
        )
        self._timer = QTimer(self)
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(POLL_MS)
        self._timer.timeout.connect(self.poll)
        self._timer.start()
        self._on_look(self.look.settings)
        self.page.show_tab(preferences.view.panel)
        self._restore(preferences.view.geometry)
        if song is not None:
            self.songs.open(song)
        else:
            self.songs.begin_with(preferences.song.text, preferences.song.id)
        self.waterfall.setFocus()
        self.status.show_status(None, 0.0)

    # Building

    def _build(self) -> None:
        self.songs = SongModel(self.link.send, self.model, self._ask_library)
        self.page = JamPage(self.model, self.look, self.songs, self._readers)
        self.controls, self.waterfall = self.page.bar, self.page.waterfall
        self.notice, self.saved = Notice(), Notice("After the jam", "news")
        self.dropouts = DropoutNotice(self.clock.now_s, self.use_larger_buffer)
        self.status = StatusLine()
        self.pages = Pages()
        self.pages.add_page(JAM, self.page, "Play, and see what the agent plans (Ctrl+J).")
        self.review = ReviewPage(
            self.link.send,
            self.clock.now_s,
            self._load,
            self.look,
            load_rewriter=self._load_rewriter,
        )
        tip = "Hear and see what was played (Ctrl+R)."
        self.pages.add_page(REVIEW, self.review, tip)
        self.jam_state = JamState()
        self.pages.add_state(self.jam_state)
        self.preset_button = PresetButton(self.presets, self.model)
        self.help_button = self._tool(
            "Shortcuts", "help_keys", "Keyboard shortcuts (F1).", lambda: self.help.toggle()
        )
        self.settings_button = self._tool(
            "Settings", "settings", "More settings (F2).", self.toggle_panel
        )
        self.settings_button.setCheckable(True)
        self.panic_button = self._tool("Panic", "panic", "All notes off (Esc).", self.panic)
        self.help_button.setAccessibleName("Keyboard shortcuts")
        self.settings_button.setAccessibleName("Settings panel")
        self.record_button = RecordButton(self.recorder) if self.recorder is not None else None
        self.cue_button = CueButton()
        self.cue_button.hide()  # until there is a jam
        self.keep_button = KeepButton(self.songs)
        self.role_button = RoleButton(self.model)
        tools = (
            self.cue_button,
            self.role_button,
            self.keep_button,
            self.record_button,
            self.preset_button,
            self.settings_button,
            self.help_button,
            self.panic_button,
        )
        for tool in tools:
            if tool is not None:
                self.pages.add_tool(tool)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.pages.header)
        column.addWidget(self.pages, 1)
        column.addWidget(self.status)
        self.asked = Notice("Metre", "news")
        self.learning = Notice("MIDI learn", "news")
        self.latency = Notice("Latency", "news")
        self._calibration: Calibration | None = None
        told = (self.notice, self.dropouts, self.saved, self.asked, self.learning, self.latency)
        self.notices = Notices(told, self._notices_over, self._notices_end, self)
        self.help = Help(
            lambda: self.keymap, self._printed, lambda: self.pages.page, self._focus_page, self
        )

    def _actions(self) -> Iterator[Action]:
        """All that has a key, in the order of the list under F1."""
        model, look, review = self.model, self.look, self.review
        play = jam_actions.PLAY
        start_stop = ("Space",), self.start_stop, JAM
        yield Action("Start or stop", play, *start_stop, lit=lambda: self.running)
        yield from jam_actions.pedal_actions(self.start, self.stop_or_pause, self.panic)
        yield from jam_actions.tempo_actions(model, self.tap, self.count_in)
        yield Action("Mark as good", play, ("+", "="), partial(self.mark, "good"), JAM)
        yield Action("Mark as bad", play, ("-",), partial(self.mark, "bad"), JAM)
        yield Action("Mark", play, ("M", "Ctrl+M"), partial(self.mark, "marker"), JAM)
        yield Action("Record / private", play, ("Ctrl+P",), self.turn_private)
        devices = self.page.devices
        yield from jam_actions.microphone_actions(
            devices.switch_microphone, lambda: devices.microphone_is_on
        )
        yield from jam_actions.agent_actions(model)
        yield from jam_actions.role_actions(model)
        yield from jam_actions.cue_actions(lambda wanted: self.link.send(Cue(wanted)))
        yield from song_actions.song_actions(self.songs, self.page.editor, self.write_bars)
        yield from jam_actions.volume_actions(model, self.use_larger_buffer)
        yield from jam_actions.settings_actions(
            self.undo,
            self.redo,
            self.presets,
            self.preset_button.ask_name,
            self.toggle_panel,
            self.open_panel,
            self.page.sections,
        )
        yield from jam_actions.jam_view_actions(look)
        yield from jam_actions.window_actions(
            look, self.pages.show_page, self.toggle_full_screen, self.help.toggle, self.close
        )
        controls = (CONTROLS_KEY,), lambda: self.learn_panel.toggle()
        yield Action("MIDI controls", jam_actions.SETTINGS_GROUP, *controls)
        yield from review_actions.playback_actions(review.model, review.playback, review.roll)
        yield from review_actions.rewriting_actions(review.rewriting)
        yield from review_actions.mark_actions(review.edits, review.playback)
        yield from review_actions.session_actions(
            review.edits,
            review.tasks,
            review.details,
            review.focus_search,
            review.tell,
            review.show_statistics,
        )

    def _ask_library(
        self, work: Callable[[Library], T], then: Callable[[T], object] | None = None
    ) -> None:
        self.review.model.library.ask(work, then)

    def _offer_learning(self) -> None:
        """Give sliders and buttons the menu by which they learn a MIDI control."""
        model, show_all = self.learn, self.learn_panel.open_panel
        for part in (self.controls, *self.page.sections.values()):
            prefix = VIEW if part is self.page.sections["View"] else SETTING
            for name, widget in part.fields.made.items():
                if part.fields.lines[name].is_dial:
                    offer_learning(widget, prefix + name, model, show_all)
        buttons = (
            (self.controls.start, "start-or-stop"),
            (self.controls.tap_button, "tap-the-tempo"),
            (self.panic_button, "all-notes-off"),
            (self.record_button, "record-private"),
            (self.cue_button, "drum-fill"),
            (self.keep_button, "keep-the-last-bars-or-let-go"),
            (self.settings_button, "show-hide-settings"),
        )
        for button, name in buttons:
            if button is not None:
                offer_learning(button, ACTION + name, model, show_all)
        model.changed.connect(lambda learnt: self.keeper.keep(controls=learnt))
        model.told.connect(lambda words: self.status.flash(words, self.clock.now_s()))
        model.learning_changed.connect(
            lambda: self.learning.show_notice(
                learning_words(model), (Offer("Cancel", "Learn nothing (Esc).", model.cancel),)
            )
        )
        self.learning.closed.connect(model.cancel)
        self.page.devices.learn.clicked.connect(lambda _: show_all())
        self.page.devices.measure.clicked.connect(lambda _: self.measure_latency())
        self.latency.closed.connect(self._stop_measuring)

    def _tool(self, text: str, name: str, tip: str, clicked: Callable[[], object]) -> QPushButton:
        button = QPushButton(text)
        describe(button, name, text, tip)
        button.clicked.connect(lambda _: clicked())
        return button

    def _connect(self) -> None:
        self.cue_button.cue.connect(lambda wanted: self.link.send(Cue(wanted)))
        self.controls.start_stop.connect(self.start_stop)
        self.jam_state.stop.connect(self.stop)
        self.review.model.jam_stop_wanted.connect(self.stop)
        self.controls.tap.connect(self.tap)
        self.model.wanted.connect(self._on_settings)
        self.look.shown.connect(self._on_look)
        self.keeper.failed.connect(self.tell)
        self.presets.changed.connect(lambda own: self.keeper.keep(presets=own))
        self.review.song_wanted.connect(self._use_made)
        self.songs.metre_asked.connect(self._ask_metre)
        self.page.songs.new_button.clicked.connect(lambda _: self.new_song())
        for teller in (self.model, self.look, self.presets, self.review, self.songs):
            teller.told.connect(lambda words: self.status.flash(words, self.clock.now_s()))
        self.page.devices.wanted.connect(self._on_devices)
        self.page.panel_shown.connect(self._on_panel)
        self.pages.page_shown.connect(self._on_page)
        if self.record_button is not None:
            self.record_button.turned.connect(self._on_private)
        fall = self.waterfall
        fall.key_pressed.connect(lambda pitch: self.piano.note_down("mouse", pitch))
        fall.key_released.connect(lambda _: self.piano.note_up("mouse"))
        fall.zoomed.connect(self.look.zoom_by)
        fall.bar_menu.connect(self._bar_menu)
        fall.demo_wanted.connect(self.watch_demo)
        if (hints := QGuiApplication.styleHints()) is not None:
            hints.colorSchemeChanged.connect(lambda _: self._on_look(self.look.settings))

    def _restore(self, geometry: str) -> None:
        kept = QByteArray.fromBase64(geometry.encode("ascii", "ignore"))
        if not (geometry and self.restoreGeometry(kept)):
            self.resize(1280, 720)

    # Engine to window

    def poll(self) -> None:
        """Follow the newest snapshot: repaint what moved."""
        snapshot = self.link.snapshot()
        if snapshot is None:
            if self.waterfall.scene is None:
                self.waterfall.show_moment(_before_the_first(self.model.settings), 0.0)
            return
        self.learn.inputs = snapshot.devices.midi_inputs
        if moved := self.link.controls_moved():
            self.learn.take(moved)
        else:
            self.learn.update()
        now_s = self.clock.now_s()
        while self._logs:
            self.songs.take_log(self._logs.popleft())
        self.songs.follow(snapshot, snapshot.tempo_map.position_at(now_s))
        if (calibration := self._calibration) is not None:
            calibration.look(snapshot)
            self._show_measuring(calibration)
        fresh = snapshot is not self._snapshot and snapshot != self._snapshot
        if fresh:
            self._follow(snapshot)
        self._polls += 1
        if self._polls % 60 == 0:
            self._frugal = is_frugal(self._frugal, self.waterfall.mean_paint_ms())
        self.status.show_status(snapshot, now_s)
        self.jam_state.show_jam(snapshot, now_s, self.pages.page == JAM)
        self.dropouts.look(snapshot, now_s)
        if self.record_button is not None:
            self.record_button.show_state(snapshot.running)
        if self.notices.isVisible():
            self.notices.fit()
        if self.review.isVisible():
            self.review.show_moment(snapshot)
        if not self.waterfall.isVisible():
            return
        scene = self.waterfall.scene
        if scene is None or not scene.moving:
            if not (fresh or self.waterfall.outdated) and scene is not None:
                return
        elif self._frugal and self._polls % 2:
            return  # the processor is short: the music needs it more than the picture
        self.waterfall.show_moment(snapshot, now_s)
        self.page.editor.place()

    def _follow(self, snapshot: Snapshot) -> None:
        before, self._snapshot = self._snapshot, snapshot
        self.model.follow(snapshot.settings)
        self.controls.show_running(snapshot.running)
        self.cue_button.setVisible(snapshot.running and self.pages.page == JAM)
        self.controls.show_sync(snapshot.sync)
        if before is None or before.devices != snapshot.devices:
            self.page.devices.show_devices(snapshot.devices)
            self._use_latency_of(device_key(snapshot.devices))
            self.page.sound.show_devices(snapshot.devices)
        self.page.devices.microphone.show_voice(snapshot.voice)
        self.page.devices.server.show_state(snapshot.server)
        self._show_news()
        self._show_letters()
        if before is not None and before.running and not snapshot.running:
            self._on_jam_end(before)
        elif snapshot.running:
            began_s = snapshot.tempo_map.seconds_at(0)
            self._anything_played = any(note.start_s >= began_s for note in snapshot.played) or (
                self._anything_played and before is not None and before.running
            )
            self.saved.show_notice("")

    def _show_letters(self) -> None:
        """The computer keys are written on the piano while nothing else is there to play on."""
        snapshot = self._snapshot
        devices = snapshot.devices if snapshot is not None else DeviceState()
        elsewhere = hardware_inputs(devices) or devices.midi_heard
        letters = {} if elsewhere else letters_by_pitch(self.piano.octave, self._printed)
        self.waterfall.set_letters(letters)

    def use_larger_buffer(self) -> None:
        """Open the audio device with the next larger buffer."""
        devices = self._snapshot.devices if self._snapshot is not None else None
        frames = larger_block(devices) if devices is not None else 0
        if frames:
            self.page.devices.select(block_frames=frames)
        words = f"Buffer: {frames} frames" if frames else "No larger buffer"
        self.status.flash(words, self.clock.now_s())

    def tell(self, news: str) -> None:
        """Show a sentence that doesn't come from the engine."""
        self._news = news
        self._show_news()

    def _show_news(self) -> None:
        self.notice.show_lines(line for line in (self._news, *problems_of(self._snapshot)) if line)

    def _on_jam_end(self, last: Snapshot) -> None:
        """Say what became of the jam, and what can be done now."""
        if self.demo.is_on:
            self.demo.end()
            self.saved.show_notice(DEMO_OVER)
            return
        length_s = self.clock.now_s() - last.tempo_map.seconds_at(0)
        words = after_jam(self.recorder, self._anything_played, length_s)
        again = Offer(JAM_AGAIN, "Start another jam (Space).", self.start_stop)
        listen = Offer(LISTEN, "Go to Review and play it.", self.listen)
        is_saved = words == saved_words(length_s)
        self.saved.show_notice(words, (listen, again) if is_saved else (again,))

    def listen(self) -> None:
        """Play the jam that was recorded last, on the page Review."""
        self.saved.show_notice("")
        self.pages.show_page(REVIEW)
        self.review.listen(self.recorder.session_id if self.recorder is not None else None)

    def _bar_menu(
        self, cell: BarCell | None, chord: ChartChord | ChordShape | None, at: QPoint
    ) -> None:
        """What can be done with a bar of the chord lane, or a chord to come."""
        menu = QMenu(self)
        if chord is not None and chord.source == AGENT and chord.start_frame >= 0:
            gone = isinstance(chord, ChartChord) and chord.gone
            if self.running and not gone:
                stays = partial(self._judge, chord.start_frame, True, f"{chord.text} stays")
                other = partial(self._judge, chord.start_frame, False, f"Not {chord.text}")
                menu.addAction(STAYS, stays)
                menu.addAction(NOT_THIS_ONE, other)
        if cell is not None and cell.song_bar is not None:
            self.page.editor.menu(cell, at, menu)
        elif not menu.isEmpty():
            menu.popup(at)

    def _judge(self, start_frame: int, stays: bool, words: str) -> None:
        self.link.send(JudgeChord(start_frame, stays))
        self.status.flash(words, self.clock.now_s())

    def write_bars(self) -> None:
        """Write the song's bars, or begin a song."""
        self.look.change(chord_lane=True)
        self.poll()
        self.page.editor.write_bars()

    def new_song(self) -> None:
        """Begin a song, and write it."""
        self.songs.new()
        self.write_bars()

    def _use_made(self, song: Song) -> None:
        """A song that was made of a session: it is kept in the list, and played; with a melody, it
        is practised."""
        self.songs.use(song)
        if self.songs.song == song:
            self.songs.save()
        self.look.change(chord_lane=not song.has_tune)
        self.pages.show_page(JAM)

    def _ask_metre(self, song: Song, do: Callable[[], object]) -> None:
        """A song in another metre than the jam that goes on."""

        def play() -> None:
            self.asked.show_notice("")
            do()

        words = f"{song.title or 'This song'} is in {song.meter}, the jam in"
        words = f"{words} {self.model.settings.meter}."
        yes = Offer(f"Change to {song.meter}", "From the next bar line on.", play)
        no = Offer("Leave it", "The jam goes on as it is.", lambda: self.asked.show_notice(""))
        self.asked.show_notice(words, (yes, no))

    # Window to engine

    @property
    def running(self) -> bool:
        return self._snapshot is not None and self._snapshot.running

    def start_stop(self) -> None:
        self.link.send(Stop() if self.running else Start(seed=secrets.randbits(32)))

    def start(self) -> None:
        """Play: the jam, or on the other page the take."""
        if self.pages.page == REVIEW and not self.running:
            if not self.review.model.player.playing:
                self.review.playback.play_pause()
        elif not self.running:
            self.start_stop()

    def stop_or_pause(self) -> None:
        """Stop the jam, or pause the take."""
        if self.running:
            self.stop()
        elif self.review.model.player.playing:
            self.review.playback.play_pause()

    def watch_demo(self) -> None:
        """jam plays by itself until it is stopped."""
        if self.running:
            return
        try:
            self.demo.start()
        except (JamError, OSError, IndexError) as error:
            self.tell(f"The demo can't be played: {error}.")

    def stop(self) -> None:
        if self.running:
            self.link.send(Stop())

    def panic(self) -> None:
        """Silence; the keys that are down are forgotten, so they can't sound again."""
        self.release_keys()
        self.link.send(Panic())
        self.notices.flash(panic_words(self._snapshot))

    def _escape(self) -> None:
        """Esc: the list of shortcuts closes; where nothing is open it is panic."""
        if self.learn.learning:
            self.learn.cancel()
        elif self.help.isVisible():
            self.help.close_help()
        elif self.learn_panel.isVisible():
            self.learn_panel.close_panel()
        else:
            self.panic()
            self._focus_page()

    def _leave_field(self) -> None:
        """Esc in a field: the field is left, and with its own the list of shortcuts."""
        if self.learn.learning:
            self.learn.cancel()
            return
        self.help.hide()
        self.learn_panel.hide()
        self._focus_page()

    def _focus_page(self) -> None:
        """The keys are the page's again, and not a field's."""
        if self.pages.page == JAM:
            self.waterfall.setFocus()
        else:
            self.review.roll.setFocus()

    def release_keys(self) -> None:
        self.waterfall.release_mouse_key()
        self.piano.release_all()

    def tap(self) -> None:
        """A beat was tapped: from the second on, the tempo follows."""
        bpm = self.taps.tap(self._asked_s)
        if bpm is not None:
            self.model.change(bpm=bpm)
        words = KEEP_TAPPING if bpm is None else f"Tempo {bpm:g}"
        self.status.flash(words, self.clock.now_s())

    @property
    def _asked_s(self) -> float:
        """When what is done now was asked for: a pedal a little earlier."""
        return self.clock.now_s() if self.learn.pressed_s is None else self.learn.pressed_s

    def count_in(self) -> None:
        """A beat of a count-in was tapped: the last of them starts the jam."""
        self.link.send(TapBeat(self._asked_s))
        if not self.running:
            self.status.flash(COUNTING_IN, self.clock.now_s())

    def mark(self, kind: MomentKind) -> None:
        """Mark this moment of the jam."""
        kept = self.running and self.recorder is not None
        kept = kept and self.recorder is not None and self.recorder.mark(kind, self.clock.now_s())
        words = MOMENT_WORDS[kind] if kept else NOT_RECORDED
        self.status.flash(words, self.clock.now_s())

    def turn_private(self) -> None:
        if self.record_button is not None:
            self.record_button.turn()

    def _on_private(self, kept: bool) -> None:
        self.keeper.keep(record=kept)
        words = "Jams are recorded" if kept else "Private: nothing is recorded"
        self.status.flash(words, self.clock.now_s())

    def undo(self) -> None:
        """Undo the last change of the settings, or on the other page of the sessions."""
        (self.model if self.pages.page == JAM else self.review.edits).undo()

    def redo(self) -> None:
        """Make the change again that was undone last."""
        (self.model if self.pages.page == JAM else self.review.edits).redo()

    def _on_settings(self, settings: JamSettings) -> None:
        self.link.send(ChangeSettings(settings))
        self.keeper.keep(settings=settings)
        if self._heard_by and self._latencies.get(self._heard_by) != settings.latency_offset_ms:
            self._latencies[self._heard_by] = settings.latency_offset_ms
            self.keeper.keep(latencies=dict(self._latencies))

    # Latency

    def _use_latency_of(self, device: str) -> None:
        """Another device sounds: its own offset counts, none for one that is new."""
        if not device or device == self._heard_by:
            return
        now_ms = self.model.settings.latency_offset_ms
        self._heard_by = device
        wanted_ms = self._latencies.get(device, 0.0 if self._latencies else now_ms)
        if device not in self._latencies and (wanted_ms or self._latencies):
            self._latencies[device] = wanted_ms
            self.keeper.keep(latencies=dict(self._latencies))
        if wanted_ms != now_ms:
            self.model.change(f"latency of {device}", latency_offset_ms=wanted_ms)
            self.model.told.emit(f"Latency compensation of {device}: {wanted_ms:g} ms")

    def measure_latency(self, by_microphone: bool = False) -> None:
        """Half a minute of clicks, along with which one plays, or which the microphone hears."""
        if self.running or self._snapshot is None:
            self.latency.show_notice("Stop the jam to measure the latency.")
            return
        self._stop_measuring()
        settings, devices = self.model.settings, self._snapshot.devices
        wanted = devices.wanted_microphone
        microphone = ("" if wanted == NO_MICROPHONE else wanted) if by_microphone else None
        self._calibration = Calibration(self.link.send, settings, devices, microphone=microphone)
        self._show_measuring(self._calibration)

    def _stop_measuring(self) -> None:
        calibration, self._calibration = self._calibration, None
        if calibration is not None:
            calibration.cancel()

    def _show_measuring(self, calibration: Calibration) -> None:
        by = calibration.by_microphone
        again = Offer("Again", "Measure once more.", partial(self.measure_latency, by))
        leave = Offer("Leave", "Change nothing.", lambda: self.latency.show_notice(""))
        if not calibration.over:
            words = f"Play any key exactly with each click: {calibration.taps} of {CLICKS}."
            stop = Offer("Stop", "Measure nothing.", self._end_measuring)
            other = Offer("By microphone", BY_MICROPHONE, partial(self.measure_latency, True))
            if by:
                words, other = LISTENING, replace(other, text="By hand", tip=BY_HAND)
                other = replace(other, do=partial(self.measure_latency, False))
            self.latency.show_notice(words, (stop, other))
            return
        self._calibration = None
        if (found := calibration.measured) is None:
            words = f"The latency wasn't measured: {calibration.refused}."
            self.latency.show_notice(words, (again, leave))
            return
        ms = found.offset_ms
        use = Offer(f"Use {ms:g} ms", "Send the band so much earlier.", lambda: self._use(ms))
        self.latency.show_notice(
            f"{self._heard_by or 'The sound'} is {1000 * found.delay_s:.0f} ms late (spread"
            f" {1000 * found.spread_s:.0f} ms; {found.used} notes, {found.dropped} slips left out)."
            f" Now {self.model.settings.latency_offset_ms:g} ms are made up for.",
            (use, again, leave),
        )

    def _end_measuring(self) -> None:
        self._stop_measuring()
        self.latency.show_notice("")

    def _use(self, offset_ms: float) -> None:
        self.latency.show_notice("")
        self.model.change(latency_offset_ms=offset_ms)

    def _on_devices(self, command: SelectDevices | ListAudio) -> None:
        self.link.send(command)
        if isinstance(command, ListAudio):
            return
        self._devices = self._devices.after(command)
        self.keeper.keep(devices=self._devices)

    # Looks

    def _on_look(self, view: View) -> None:
        theme = system_theme(view.theme)
        dressed = (theme, view.text_scale)
        if dressed != self._dressed and isinstance(app := QApplication.instance(), QApplication):
            self._dressed = dressed
            dress(app, theme, view.text_scale)
            self.page.panel.fit(view.text_scale)
        self.waterfall.show_look(view, theme)
        self.page.songs.show_theme(theme)
        self.review.show_theme(theme, view.text_scale)
        self.keeper.keep(view=view)

    def _notices_over(self) -> QWidget:
        """What the notices lie over: neither the settings nor the list of sessions."""
        return self.waterfall if self.pages.page == JAM else self.review.front

    def _notices_end(self) -> QWidget:
        """What the notices lie above: they cover nothing that is clicked."""
        return self.review.foot or self.status

    def _on_page(self, title: str) -> None:
        on_jam = title == JAM
        self.keep_button.setVisible(on_jam)
        running = self._snapshot is not None and self._snapshot.running
        self.cue_button.setVisible(on_jam and running)
        self.role_button.setVisible(on_jam)
        self.preset_button.setVisible(on_jam)
        self.settings_button.setVisible(on_jam)
        if on_jam:
            self.review.hidden()
            self.waterfall.setFocus()
        else:
            self.release_keys()
            self.review.shown()
            self.saved.show_notice("")  # it is in front now
        self.notices.fit()

    def toggle_panel(self) -> None:
        """Open the settings panel where it was last, or close it."""
        if self.page.tab:
            self.page.show_tab("")
        else:
            index = self.page.panel.tabs.currentIndex()
            self.page.show_tab(list(self.page.sections)[index])

    def open_panel(self, title: str) -> None:
        """Open the panel on a tab, ready for the keys; the same again closes it."""
        self.page.show_tab("" if self.page.tab == title else title)
        if self.page.tab and (bar := self.page.panel.tabs.tabBar()) is not None:
            bar.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _on_panel(self, title: str) -> None:
        self.notices.fit()
        self.settings_button.setChecked(bool(title))
        self.look.change(panel=title)

    def toggle_full_screen(self) -> None:
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    # Events

    def event(self, a0: QEvent | None) -> bool:
        if a0 is not None and a0.type() in (QEvent.Type.WindowDeactivate, QEvent.Type.Hide):
            self.release_keys()
        return super().event(a0)

    def resizeEvent(self, a0: QResizeEvent | None) -> None:
        super().resizeEvent(a0)
        self.notices.fit()
        if self.help.isVisible():
            self.help.fit()
        if self.learn_panel.isVisible():
            self.learn_panel.fit()

    def closeEvent(self, a0: QCloseEvent | None) -> None:
        self._timer.stop()
        self.demo.end()
        self.release_keys()
        self.keys.close()
        self.review.close_page()
        geometry = bytes(self.saveGeometry().toBase64().data()).decode("ascii")
        self.keeper.keep(view=replace(self.look.settings, geometry=geometry))
        self.keeper.keep(song=LastSong(*self.songs.remembered))
        self.keeper.flush()
        self.closed.emit()
        super().closeEvent(a0)


def is_frugal(before: bool, mean_paint_ms: float) -> bool:
    """Whether to draw 30 pictures a second instead of 60, with some play in between."""
    return mean_paint_ms > (LAVISH_MS if before else FRUGAL_MS)


def _before_the_first(settings: JamSettings) -> Snapshot:
    """What is shown until the engine has said something."""
    tempo_map = TempoMap.constant(settings.bpm, settings.meter)
    return Snapshot(0, False, "starting", 0.0, tempo_map, settings)
