"""The stage: carries out commands, and its loop keeps a `Conductor` in time with its devices."""

from __future__ import annotations

import gc
import secrets
import threading
from collections import deque
from collections.abc import Iterator
from ctypes import c_uint64
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from typing import TypeVar

from jam.accompaniment import Style, playable_style
from jam.audio.mixer import Sound
from jam.clock import SystemClock
from jam.errors import BadInput
from jam.files import library_path
from jam.messages.commands import (
    ChangeSettings,
    Cue,
    DeviceChoice,
    FindGate,
    JudgeChord,
    Keep,
    KeyInput,
    ListAudio,
    LoadTake,
    Panic,
    PlaybackCommand,
    Quit,
    SelectDevices,
    Start,
    Stop,
    TapBeat,
    UnloadTake,
    UseSong,
)
from jam.messages.controls import ControlsMoved, ShowOnControls, UseControls
from jam.messages.notes import NoteEvent, PedalEvent
from jam.messages.plans import AgentAnswer, AgentReady, Plan
from jam.messages.snapshot import DeviceState, SongChange
from jam.messages.sync import OWN, PLAYER
from jam.messages.voice import Listen, SetGate, VoiceState
from jam.music.role import ACCOMPANIES
from jam.music.song import Song
from jam.performance.conductor import Conductor
from jam.practice.coach import Coach
from jam.sessions.voices import new_file
from jam.settings import SETTINGS, JamSettings
from jam.stage.agent_link import Agent
from jam.stage.beat_keeper import BeatKeeper
from jam.stage.devices import Devices
from jam.stage.midi_sync import MidiClock, ProgramChanges
from jam.stage.parent_link import ParentLink
from jam.stage.playback import Playback
from jam.stage.player import ASLEEP_S, Player
from jam.stage.reports import Reports
from jam.stage.scheduler import Scheduler
from jam.sync.count_in import CountIn

_Item = TypeVar("_Item")
_SNAPSHOT_EVERY_S = 1 / 60
_LOG_EVERY_S = 0.2
_IDLE_S = 0.02
_START_LEAD_S = 0.1
"""From the start command to the first click, so that nothing begins late."""
_OVERSLEPT_S = 20.0
"""After so long a sleep nobody is in the music any more."""


class Stage:
    """Everything that must be in time. `run` is its loop; other threads only append and wake.

    Raises BadInput when a device that is required doesn't exist; a machine without MIDI or audio
    is no error: what is missing is told in `DeviceState.problems`.
    """

    def __init__(
        self,
        parent: Connection,
        address: str,
        authkey: bytes,
        settings: JamSettings,
        devices: DeviceChoice,
        sessions_before: int = 0,
    ) -> None:
        self._clock = SystemClock()
        self._wake = threading.Event()
        self._settings = settings
        self._conductor: Conductor | None = None
        self._coach = Coach()
        self._song: Song | None = None
        self._count_in = CountIn()
        self._quit = False
        self._message = ""
        self._dirty = True
        self._sound = Sound()
        self._style_heard: Style | None = None
        self._devices_shown: DeviceState | None = None
        self._voice_shown: VoiceState | None = None
        self._player = Player(self._clock, self._wake, self._sound)
        self._player.channel = settings.midi_channel
        self._beat = BeatKeeper(self._clock, self._wake)
        self._devices = Devices(
            self._clock, devices, self._sound, self._player, self._tell, self._beat.midi
        )
        self._listen(settings)
        self._beat.choose(settings, self._devices.hear_ticks)
        self._scheduler = Scheduler(self._clock, self._devices.play)
        self._midi_clock = MidiClock(self._clock, partial(self._beat.send_clock, self._devices))
        self._programs = ProgramChanges(self._devices.send)
        self._playback = Playback(
            self._clock,
            self._devices.play,
            self._devices.express,
            self._apply_sound_settings,
            self._tell,
        )
        self._sound.along = self._playback.recording.add_to
        self._agent = Agent(self._clock, address, authkey, self._wake, devices.agent_server)
        self._parent = ParentLink(parent, self._wake)
        self._reports = Reports(
            self._clock,
            self._parent,
            self._agent,
            self._devices,
            self._sound,
            self._playback,
            self._scheduler.sent,
            sessions_before,
        )
        self._apply_sound_settings()

    def _tell(self, message: str) -> None:
        """What the user should know. Runs on: any thread."""
        self._message = message
        self._dirty = True
        self._wake.set()

    def _apply_sound_settings(self) -> None:
        """Volumes and instruments: the user's, and those of the style of the next frame's bar.

        While a take is played back they are the take's.
        """
        conductor = self._conductor
        settings = self._playback.settings or self._settings
        if conductor is None:
            style = playable_style(settings.accompaniment)
        else:
            style = conductor.style_at(len(conductor.rows))
        self._sound.apply(settings, style)
        if self._settings.midi_programs:
            self._programs.apply(settings, style)
        self._style_heard = style

    def _listen(self, settings: JamSettings) -> None:
        """How the microphone is listened to, as the settings say."""
        self._player.voice_is_heard = settings.voice_heard
        self._devices.microphone.listen(
            Listen(
                settings.voice_range,
                settings.voice_gate_db,
                settings.voice_transpose,
                settings.voice_ignores_band,
                settings.voice_offset_ms / 1000,
            )
        )

    # -- the loop -----------------------------------------------------------------------------

    def run(self, pulse: c_uint64) -> None:
        """Until told to quit, or until the parent is gone."""
        next_snapshot_s = next_log_s = 0.0
        self._player.turn(self._clock.now_s())  # opening the devices took its time
        while not self._quit:
            now_s = self._clock.now_s()
            deadline_s = now_s + _IDLE_S
            if self._conductor is not None:
                deadline_s = min(deadline_s, self._conductor.next_close_s())
            self._clock.wait_until(deadline_s, self._wake)
            self._wake.clear()
            pulse.value += 1
            self._mind_sleep()
            self._take_commands()
            self._take_played()
            self._take_agent()
            now_s = self._clock.now_s()
            if self._beat.follows:
                self._follow_beat(now_s)
            if self._conductor is not None and self._conductor.follow_hand(now_s):
                self._schedule()
                self._dirty = True
            if self._conductor is not None and self._conductor.wait(now_s):
                self._schedule()
                self._dirty = True
            if self._conductor is not None and self._conductor.advance(now_s):
                self._agent.to_ask = True
                self._end_turn(self._conductor)
                self._schedule()
                self._dirty = True
                if self._conductor.style_at(len(self._conductor.rows)) is not self._style_heard:
                    self._apply_sound_settings()
            if self._conductor is not None:
                self._agent.ask(self._conductor)
                if self._conductor.playing is not self._reports.playing:  # it begins anew
                    self._on_song(self._conductor)
            if self._playback.changed():
                self._apply_sound_settings()
                self._dirty = True
            if now_s >= next_snapshot_s and self._changed():
                self._reports.show(
                    now_s, self._conductor, self._settings, self._message, self._beat.state
                )
                self._dirty = False
                next_snapshot_s = now_s + _SNAPSHOT_EVERY_S
            if now_s >= next_log_s:
                self._reports.log(self._conductor)
                next_log_s = now_s + _LOG_EVERY_S

    def _mind_sleep(self) -> None:
        """The beat goes on as if nothing had been; after a long sleep the jam has ended."""
        now_s = self._clock.now_s()
        slept_s = self._player.turn(now_s)
        if slept_s <= ASLEEP_S or self._conductor is None:
            return
        overslept = slept_s > _OVERSLEPT_S
        if overslept:
            self._stop()
        self._tell(
            f"The program stood still for {slept_s:.0f} seconds (did the computer sleep?): "
            + ("the jam has ended." if overslept else "the beat went on.")
        )

    def quit(self) -> None:
        """Leave the loop. May be called from a signal handler."""
        self._quit = True
        self._wake.set()

    def close(self) -> None:
        """All notes off everywhere, then every device closed."""
        self._stop()
        self.panic()
        self._scheduler.close()
        self._midi_clock.close()
        self._playback.close()
        self._agent.close()
        self._beat.close()
        self._devices.close()
        self._reports.log(None)
        self._parent.close()

    def panic(self) -> None:
        """Silence everything everywhere; a jam goes on with what is struck next."""
        self._player.release()
        self._scheduler.silence()
        self._playback.stop_all()
        self._devices.panic()
        self._sound.panic()

    def _take_commands(self) -> None:
        while self._parent.commands:
            command = self._parent.commands.popleft()
            self._dirty = True
            match command:
                case Start(seed):
                    self._start(seed)
                case TapBeat(at_s):
                    self._tap(at_s)
                case Keep(bars):
                    self._keep(bars)
                case JudgeChord(start_frame, stays):
                    self._judge(start_frame, stays)
                case UseSong(song, first_bar):
                    self._song = song
                    if self._conductor is not None:
                        now_s = self._clock.now_s()
                        self._conductor.use_song(song, now_s, first_bar)
                        self._on_song(self._conductor)
                case Stop():
                    self._stop()
                case Panic():
                    self.panic()
                case Cue(wanted):
                    if self._conductor is not None:
                        self._conductor.cue(wanted, self._clock.now_s())
                        self._schedule()
                case ChangeSettings(settings):
                    self._change(settings)
                case SelectDevices() | ListAudio() | UseControls():
                    self._devices.handle(command)
                    if isinstance(command, SelectDevices) and command.agent_server is not None:
                        self._agent.use_server(command.agent_server)
                case FindGate():
                    self._devices.microphone.send(SetGate())
                case ShowOnControls():
                    self._devices.show(command)
                case KeyInput(pitch, velocity, at_s):
                    self._player.computer_key(pitch, velocity, at_s)
                case PlaybackCommand() if self._conductor is None:
                    if isinstance(command, LoadTake):
                        self._sound.preload(command.settings)
                    self._playback.obey(command)
                case Quit() | None:
                    self.quit()

    def _change(self, settings: JamSettings) -> None:
        if settings.accompaniment != self._settings.accompaniment:
            self._sound.preload(settings)
        before, self._settings = self._settings, settings
        self._listen(settings)
        if settings.midi_channel != before.midi_channel:
            self._player.channel = settings.midi_channel
            self._player.release_expression()  # its own release may not come
        if before.midi_clock and not settings.midi_clock:
            self._midi_clock.stop_all()
        if before.midi_programs and not settings.midi_programs:
            self._programs.forget()
        if not self._beat.choose(settings, self._devices.hear_ticks):
            self._beat.set_to(settings, before)
        elif self._conductor is not None:
            self._conductor.follow(None, self._clock.now_s())
        if self._conductor is not None:
            self._reports.set_to(settings)
            self._conductor.change_settings(settings, self._clock.now_s())
            self._schedule()
        self._apply_sound_settings()

    def _follow_beat(self, now_s: float) -> None:
        """Go with whoever gives the beat: its tempo, its bar lines, its start and stop."""
        turn = self._beat.turn(now_s)
        if turn.stops:
            self._stop()
        if turn.starts and self._conductor is None and not self._is_played_back():
            self._start(secrets.randbits(31), with_source=True)
        bpm = self._beat.tempo(self._settings.meter, self._settings.bpm, now_s)
        if bpm != self._settings.bpm:
            self._settings = self._settings.changed(bpm=bpm)
            self._dirty = True
        conductor = self._conductor
        if conductor is not None and turn.line is not None and conductor.follow(turn.line, now_s):
            self._schedule()
            self._dirty = True
        self._dirty |= self._beat.changed
        self._beat.changed = False

    def _is_played_back(self) -> bool:
        return self._playback.state is not None and self._playback.state.playing

    def _tap(self, at_s: float) -> None:
        """A beat of a count-in: the last of them sets the tempo, and starts where nothing plays."""
        counted = self._count_in.tap(at_s, self._settings.meter)
        if counted is None:
            return
        self._change(self._settings.changed(bpm=counted.bpm))
        if self._conductor is None and not self._is_played_back():
            is_ours = self._settings.beat_from in (OWN, PLAYER)
            self._start(secrets.randbits(31), counted_s=counted.start_s if is_ours else None)

    def _start(self, seed: int, with_source: bool = False, counted_s: float | None = None) -> None:
        """with_source: whoever gives the beat has started, and counts in nobody. counted_s: the
        player has counted in, and begins then.
        """
        self._stop()
        self._playback.obey(UnloadTake())
        count_in_s = self._settings.count_in_bars * (
            60.0 / self._settings.bpm * self._settings.meter.beats_per_bar
        )
        lead_s = max(0.0, self._settings.lead_s)
        start_s = self._clock.now_s() + _START_LEAD_S + lead_s + count_in_s
        if self._beat.follows:
            earliest_s = self._clock.now_s() if with_source else start_s
            start_s = self._beat.start_s(earliest_s, self._settings.meter, with_source)
        if counted_s is not None:
            start_s = counted_s
        self._conductor, self._coach = Conductor(self._settings, start_s, seed), Coach()
        if self._song is not None:
            self._conductor.use_song(self._song, self._clock.now_s(), 0)
        self._reports.begin(self._settings, self._keep_voice(start_s))
        if self._song is not None:
            self._reports.song(self._conductor.playing)
        self._programs.forget()  # who was connected since then doesn't know them
        self._apply_sound_settings()
        self._beat.begin(start_s)
        self._agent.begin(self._reports.session)
        self._message = ""
        self._schedule()

    def _end_turn(self, conductor: Conductor) -> None:
        """Where a chorus is over the tempo rises, if it is to."""
        place = conductor.place_in_form(len(conductor.rows))
        playing = conductor.playing
        song = None if playing is None else SongChange(0.0, playing.song, playing.first_bar)
        over = self._coach.close(place, conductor.rows, conductor.tempo_map, self._settings, song)
        if over is not None and over.bpm != self._settings.bpm and not self._beat.follows:
            self._change(self._settings.changed(bpm=over.bpm))
        if conductor.role_is_over:
            self._change(self._settings.changed(role=ACCOMPANIES))

    def _keep_voice(self, start_s: float) -> str:
        """Have the microphone's sound written, where that is wished; returns the file's name."""
        microphone = self._devices.microphone
        if not self._settings.voice_kept:
            return ""
        try:
            file = str(new_file(library_path(), self._reports.session + 1))
        except OSError as error:
            self._tell(f"The microphone's sound can't be kept: {error.strerror or error}.")
            return ""
        microphone.keep(file, start_s)
        return file

    def _judge(self, start_frame: int, stays: bool) -> None:
        conductor = self._conductor
        if conductor is not None and conductor.judge(start_frame, stays, self._clock.now_s()):
            self._agent.to_ask = True

    def _keep(self, bars: int | None) -> None:
        if self._conductor is None:
            return
        try:
            self._song = self._conductor.keep(bars, self._clock.now_s())
        except BadInput as error:
            self._message = f"Nothing to keep: {error}."
        else:
            self._on_song(self._conductor)

    def _on_song(self, conductor: Conductor) -> None:
        """Another song is played: it is scheduled, and told at once."""
        self._reports.song(conductor.playing)
        self._reports.log(conductor)
        self._schedule()

    def _stop(self) -> None:
        if self._conductor is None:
            return
        tempo_map = self._conductor.tempo_map
        self._reports.log(self._conductor)
        self._conductor = None
        self._devices.microphone.keep(None)
        self._scheduler.stop_all()
        self._midi_clock.stop_all()
        self._beat.end()
        self._reports.end(tempo_map)
        gc.collect()

    def _take_played(self) -> None:
        if moved := tuple(drained(self._player.moved)):
            self._parent.tell(ControlsMoved(moved))
        program, self._player.program = self._player.program, None
        if program is not None and self._settings.follow_programs:
            self._change(self._settings.changed(player_program=program))
            self._dirty = True
        microphone = self._devices.microphone
        gate_db, microphone.gate_found = microphone.gate_found, None
        if gate_db is not None:
            low, high = SETTINGS["voice_gate_db"].numbers
            self._change(self._settings.changed(voice_gate_db=min(max(round(gate_db), low), high)))
            self._dirty = True
        if self._conductor is not None:
            self._conductor.waits_s = microphone.waits_s
        for event in drained(self._player.played):
            self._reports.played(event)
            self._dirty = True
            if self._conductor is not None:
                match event:
                    case NoteEvent():
                        if event.velocity:
                            self._beat.played(event.at_s, self._conductor.tempo_map)
                        self._conductor.play(event)
                        self._coach.play(event)
                    case PedalEvent():
                        self._conductor.pedal(event)

    def _take_agent(self) -> None:
        before = self._agent.last_word
        for event in self._agent.events():
            self._dirty = True
            if isinstance(event, AgentAnswer):
                self._take_plan(event.plan)
            elif isinstance(event, AgentReady):
                self._tell_all()
        self._dirty |= self._agent.last_word is not before

    def _tell_all(self) -> None:
        """The next request tells the agent the whole history."""
        if self._conductor is not None:
            self._conductor.forget_requests()
            self._agent.to_ask = True

    def _take_plan(self, plan: Plan | None) -> None:
        if self._conductor is None:
            return
        if plan is None:
            self._tell_all()
            return
        now_s = self._clock.now_s()
        plan = replace(self._conductor.take(plan, now_s), taken_s=now_s)
        self._reports.planned(plan, self._conductor.late_plans)
        self._schedule()

    def _schedule(self) -> None:
        if self._conductor is None:
            return
        now_s = self._clock.now_s()
        self._scheduler.update(
            self._conductor.notes() + self._conductor.clicks(now_s),
            self._conductor.tempo_map,
            self._settings.lead_s,
        )
        if self._settings.midi_clock:
            self._midi_clock.follow(self._conductor.tempo_map, self._settings.lead_s)

    def _changed(self) -> bool:
        """Whether there is something new to be shown."""
        if (voice := self._devices.microphone.state) != self._voice_shown:
            self._voice_shown = voice
            self._dirty = True
        devices = self._devices.state()
        if devices != (shown := self._devices_shown):
            if shown is None or devices.midi_outputs != shown.midi_outputs:
                self._programs.forget()
                self._apply_sound_settings()
            self._devices_shown = devices
            self._dirty = True
        return self._dirty


def drained(items: deque[_Item]) -> Iterator[_Item]:
    """What other threads append, oldest first, until there is nothing more."""
    while items:
        yield items.popleft()
