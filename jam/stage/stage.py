"""The stage's process: MIDI, clock, grid, scheduler, synth and audio around a `Conductor`."""

from __future__ import annotations

import gc
import itertools
import threading
from ctypes import c_uint64
from dataclasses import replace
from multiprocessing.connection import Connection

from jam.accompaniment import Style, playable_style
from jam.audio.mixer import Sound
from jam.audio.synth import CHANNELS
from jam.clock import Sleep, SystemClock
from jam.messages.commands import (
    ChangeSettings,
    DeviceChoice,
    KeyInput,
    ListAudio,
    LoadTake,
    Panic,
    PlaybackCommand,
    Quit,
    SelectDevices,
    StageChoice,
    Start,
    Stop,
    UnloadTake,
)
from jam.messages.notes import PedalEvent
from jam.messages.plans import AgentAnswer, AgentReady, Plan
from jam.messages.snapshot import Counters, DeviceState, Snapshot
from jam.midi.ports import MidiMessage
from jam.music.grid import TempoMap
from jam.performance.conductor import Conductor
from jam.stage.agent_link import Partner
from jam.stage.devices import Devices
from jam.stage.midi_sync import MidiClock, ProgramChanges
from jam.stage.parent_link import ParentLink
from jam.stage.playback import Playback
from jam.stage.player import COMPUTER_KEYS, PlayerKeys
from jam.stage.reports import SeenNotes, StageLog
from jam.stage.scheduler import Scheduler

_SNAPSHOT_EVERY_S = 1 / 60
_LOG_EVERY_S = 0.2
_IDLE_S = 0.02
_START_LEAD_S = 0.1
"""From the start command to the first click, so that nothing begins late."""
_SUSTAIN = 64
_ASLEEP_S = 1.0
"""When the loop has stood still for so long, keys that went down meanwhile are not sounded."""
_DEAF_S = 0.25
"""So long after a sleep what had piled up may still come in."""
_OVERSLEPT_S = 20.0
"""After so long a sleep nobody is in the music any more."""


def _devices_of(choice: StageChoice) -> DeviceChoice:
    return DeviceChoice(
        choice.audio,
        choice.midi_api,
        choice.midi_inputs,
        choice.midi_outputs,
        choice.devices_required,
        choice.audio_required,
    )


class Stage:
    """Everything that must be in time. `run` is its loop; other threads only append and wake.

    Raises BadInput when a device named in `choice` doesn't exist; a machine without MIDI or
    audio is no error: what is missing is told in `DeviceState.problems`.
    """

    def __init__(
        self, parent: Connection, address: str, authkey: bytes, choice: StageChoice
    ) -> None:
        self._clock = SystemClock()
        self._wake = threading.Event()
        self._sleep = Sleep(self._clock.now_s())
        self._deaf_until_s = 0.0
        self._settings = choice.settings
        self._conductor: Conductor | None = None
        self._session = choice.sessions_before
        self._quit = False
        self._message = ""
        self._sound = Sound()
        self._style_heard: Style | None = None
        self._keys = PlayerKeys(self._clock, self._wake, self._sound)
        self._seen = SeenNotes()
        self._counters = Counters()
        self._snapshots = itertools.count(1)
        self._dirty = True
        self._devices_shown: DeviceState | None = None
        self._devices = Devices(
            self._clock, _devices_of(choice), self._sound, self._keys, self._on_midi, self._tell
        )
        self._scheduler = Scheduler(self._clock, self._play)
        self._midi_clock = MidiClock(self._clock, self._devices.send)
        self._programs = ProgramChanges(self._devices.send)
        self._playback = Playback(self._clock, self._play, self._apply_sound_settings)
        self._log = StageLog(self._scheduler.sent)
        self._partner = Partner(self._clock, address, authkey, self._wake)
        self._parent = ParentLink(parent, self._wake)
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

    # -- the player: any thread ---------------------------------------------------------------

    def _on_midi(self, port: str, message: MidiMessage, at_s: float) -> None:
        """Runs on: rtmidi's thread. The player hears the note before anything else is done."""
        channel = self._settings.midi_channel
        if channel and message.channel != channel - 1 and not self._releases(port, message):
            return
        if message.kind == "note":
            if message.value and self._has_slept(at_s):
                return
            self._keys.key(port, message.channel, message.number, message.value, at_s)
        elif message.number == _SUSTAIN:
            self._keys.pedal(message.channel, message.value, at_s)
        elif message.number in (120, 123):
            self._keys.release(port)

    def _has_slept(self, now_s: float) -> bool:
        """True when what comes in now may have waited while the process slept."""
        return now_s < self._deaf_until_s or self._sleep.standing_s(now_s) > _ASLEEP_S

    def _releases(self, port: str, message: MidiMessage) -> bool:
        """True for the release of a key that went down before its channel was closed."""
        return (
            message.kind == "note"
            and not message.value
            and self._keys.holds(port, message.channel, message.number)
        )

    # -- the accompaniment: scheduler's thread ------------------------------------------------

    def _play(self, part: str, pitch: int, velocity: int) -> None:
        if part != "metronome":
            status = (0x90 if velocity else 0x80) | CHANNELS[part]
            self._devices.send((status, pitch, velocity))
        self._sound.note(part, pitch, velocity)

    # -- the loop -----------------------------------------------------------------------------

    def run(self, pulse: c_uint64) -> None:
        """Until told to quit, or until the parent is gone."""
        next_snapshot_s = next_log_s = 0.0
        self._sleep.turn(self._clock.now_s())  # opening the devices took its time
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
            if self._conductor is not None and self._conductor.advance(now_s):
                self._partner.to_ask = True
                self._schedule()
                self._dirty = True
                if self._conductor.style_at(len(self._conductor.rows)) is not self._style_heard:
                    self._apply_sound_settings()
            if self._conductor is not None:
                self._partner.ask(self._conductor)
            if self._playback.changed():
                self._apply_sound_settings()
                self._dirty = True
            if now_s >= next_snapshot_s and self._changed():
                self._parent.show(self._snapshot(now_s))
                self._dirty = False
                next_snapshot_s = now_s + _SNAPSHOT_EVERY_S
            if now_s >= next_log_s:
                self._send_log()
                next_log_s = now_s + _LOG_EVERY_S

    def _mind_sleep(self) -> None:
        """The beat goes on as if nothing had been; after a long sleep the jam has ended."""
        now_s = self._clock.now_s()
        slept_s = self._sleep.turn(now_s)
        if slept_s <= _ASLEEP_S:
            return
        self._deaf_until_s = now_s + _DEAF_S
        if self._conductor is None:
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
        self._partner.close()
        self._devices.close()
        self._send_log()
        self._parent.close()

    def panic(self) -> None:
        """Silence everything everywhere; a jam goes on with what is struck next."""
        self._keys.release()
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
                case Stop():
                    self._stop()
                case Panic():
                    self.panic()
                case ChangeSettings(settings):
                    if settings.accompaniment != self._settings.accompaniment:
                        self._sound.preload(settings)
                    before, self._settings = self._settings, settings
                    if settings.midi_channel != before.midi_channel:
                        self._keys.pedal(0, 0, self._clock.now_s())  # its release may not come
                    if before.midi_clock and not settings.midi_clock:
                        self._midi_clock.stop_all()
                    if before.midi_programs and not settings.midi_programs:
                        self._programs.forget()
                    if self._conductor is not None:
                        self._log.set_to(self._clock.now_s(), settings)
                        self._conductor.change_settings(settings, self._clock.now_s())
                        self._schedule()
                    self._apply_sound_settings()
                case SelectDevices() | ListAudio():
                    self._devices.handle(command)
                case KeyInput(pitch, velocity, at_s):
                    if velocity and self._clock.now_s() - at_s > _ASLEEP_S:
                        continue  # it waited while this process slept
                    self._keys.key(COMPUTER_KEYS, 0, pitch, velocity, at_s)
                case PedalEvent():
                    self._keys.pedal(command.channel, 127 * command.down, command.at_s)
                case PlaybackCommand() if self._conductor is None:
                    if isinstance(command, LoadTake):
                        self._sound.preload(command.settings)
                    self._playback.obey(command)
                case Quit() | None:
                    self.quit()

    def _start(self, seed: int) -> None:
        self._stop()
        self._playback.obey(UnloadTake())
        self._session += 1
        count_in_s = self._settings.count_in_bars * (
            60.0 / self._settings.bpm * self._settings.meter.beats_per_bar
        )
        lead_s = max(0.0, self._settings.lead_s)
        start_s = self._clock.now_s() + _START_LEAD_S + lead_s + count_in_s
        self._conductor = Conductor(self._settings, start_s, seed)
        self._log.begin(self._clock.now_s(), self._settings)
        self._counters = replace(self._counters, late_plans=0)
        self._programs.forget()  # who was connected since then doesn't know them
        self._apply_sound_settings()
        self._partner.begin(self._session)
        self._message = ""
        self._schedule()

    def _stop(self) -> None:
        if self._conductor is None:
            return
        tempo_map = self._conductor.tempo_map
        self._send_log(tempo_map)
        self._conductor = None
        self._scheduler.stop_all()
        self._midi_clock.stop_all()
        self._send_log(tempo_map, ended=True)
        gc.collect()

    def _take_played(self) -> None:
        while self._keys.played:
            event = self._keys.played.popleft()
            self._log.played(event)
            self._dirty = True
            if isinstance(event, PedalEvent):
                continue
            self._seen.take(event)
            if self._conductor is not None:
                self._conductor.play(event)
        self._seen.forget(self._clock.now_s())

    def _take_agent(self) -> None:
        for event in self._partner.events():
            self._dirty = True
            if isinstance(event, AgentAnswer):
                self._take_plan(event.plan)
            elif isinstance(event, AgentReady):
                self._counters = replace(self._counters, agent_restarts=self._partner.restarts)
                self._tell_all()

    def _tell_all(self) -> None:
        """The next request tells the agent the whole history."""
        if self._conductor is not None:
            self._conductor.forget_requests()
            self._partner.to_ask = True

    def _take_plan(self, plan: Plan | None) -> None:
        if self._conductor is None:
            return
        if plan is None:
            self._tell_all()
            return
        now_s = self._clock.now_s()
        plan = replace(self._conductor.take(plan, now_s), taken_s=now_s)
        self._log.planned(plan)
        self._counters = replace(
            self._counters,
            plans=self._counters.plans + 1,
            late_plans=self._conductor.late_plans,
            plan_ms=1000 * plan.compute_s,
        )
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

    # -- to the parent ------------------------------------------------------------------------

    def _changed(self) -> bool:
        devices = self._devices.state()
        if devices != (shown := self._devices_shown):
            if shown is None or devices.midi_outputs != shown.midi_outputs:
                self._programs.forget()
                self._apply_sound_settings()
            self._devices_shown = devices
            self._dirty = True
        return self._dirty

    def _counted(self) -> Counters:
        return replace(
            self._counters,
            dropouts=self._devices.dropouts,
            dropped_messages=self._devices.dropped_messages,
            voices=self._sound.voices,
        )

    def _snapshot(self, now_s: float) -> Snapshot:
        conductor, agent = self._conductor, self._partner
        wants_network = self._settings.model == "neural"
        partner = agent.message if wants_network else ""
        stopped = Snapshot(
            seq=next(self._snapshots),
            running=False,
            phase="stopped",
            at_s=now_s,
            tempo_map=TempoMap.constant(self._settings.bpm, self._settings.meter, now_s),
            settings=self._settings,
            played=self._seen.all(),
            agent_state=agent.state,
            agent_name=agent.name if wants_network or not agent.name else "rules",
            agent_models=agent.models,
            agent_waiting_s=agent.waiting_s(now_s) if conductor is not None else 0.0,
            counters=self._counted(),
            devices=self._devices.state(),
            message="\n".join(filter(None, (self._message, partner))),
            playback=self._playback.state,
        )
        if conductor is None:
            return stopped
        return replace(
            stopped,
            running=True,
            phase=conductor.phase(now_s),
            tempo_map=conductor.recent_tempo_map(),
            listen_until_frame=conductor.listen_until_frame,
            committed_until_frame=conductor.committed_until_frame,
            plan_end_frame=conductor.plan.end_frame if conductor.plan else 0,
            planned=tuple(n for n in conductor.notes() if n.part != "drums"),
            chords=conductor.chord_spans(),
        )

    def _send_log(self, tempo_map: TempoMap | None = None, ended: bool = False) -> None:
        """Send what happened since the last log; `tempo_map` of a session that has ended."""
        conductor = self._conductor
        if conductor is not None:
            tempo_map = conductor.tempo_map
        sounded = self._log.drain_sent()
        if errors := [1000 * e.late_s for e in sounded if e.velocity]:
            self._counters = replace(self._counters, scheduler_error_ms=max(errors))
        log = self._log.take(
            self._session,
            self._clock.now_s(),
            conductor,
            tempo_map,
            sounded,
            self._counted(),
            ended,
        )
        if log is not None:
            self._parent.log(log)
