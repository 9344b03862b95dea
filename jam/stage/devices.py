"""MIDI ports and the audio device: opened, watched, chosen anew while the music plays."""

from __future__ import annotations

import logging
import queue
import statistics
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from jam.audio.mixer import Sound
from jam.audio.output import Output, devices_seen_elsewhere, look_again, open_audio, output_devices
from jam.audio.soundfonts import usable_soundfont
from jam.audio.synth import CHANNELS
from jam.clock import Clock
from jam.errors import BadInput, JamError
from jam.messages.commands import BLOCK_SIZES, EVERY_INPUT, DeviceChoice, ListAudio, SelectDevices
from jam.messages.controls import ShowOnControls, UseControls
from jam.messages.notes import Expression
from jam.messages.snapshot import DeviceState
from jam.midi.controls import Routes
from jam.midi.numbers import NOTE_OFF, NOTE_ON
from jam.midi.ports import MidiPorts, bytes_of, open_api
from jam.stage.microphone import Microphone
from jam.stage.player import MICROPHONE, Player
from jam.voice.stream import input_devices

_log = logging.getLogger(__name__)
_WATCH_S = 0.5
_RETRY_S = 3.0
"""How often what is missing is looked for."""
DeviceCommand = SelectDevices | ListAudio | UseControls
_SILENT_S = 3.0
"""A device that renders nothing for so long is gone."""


class Devices:
    """Every device of the stage, and what a note does on them.

    Opened by the constructor, then in the hands of one thread of its own: choosing, plugging and
    failing take up to seconds, and neither the loop nor a note waits for them. `tell` gets a
    sentence for the user whenever something has happened; `on_beat` what is heard of a MIDI clock.
    Raises BadInput for a required name
    that doesn't exist.
    """

    def __init__(
        self,
        clock: Clock,
        choice: DeviceChoice,
        sound: Sound,
        player: Player,
        tell: Callable[[str], None],
        on_beat: Callable[[str, Sequence[int], float], None] | None = None,
    ) -> None:
        self._on_beat, self._hears_ticks = on_beat, False
        self._clock, self._sound, self._player = clock, sound, player
        self._choice, self._tell = choice, tell
        self._ports: MidiPorts | None = None
        self._output: Output | None = None
        self._soundfont = ""
        self._lost_audio = ""
        """The device that is gone and waited for."""
        self._available_audio: tuple[str, ...] = ()
        self._available_microphones: tuple[str, ...] = ()
        self._problems: dict[str, str] = {}
        self._gone_ports: set[str] = set()
        self._controls = UseControls()
        self._shown = ShowOnControls()
        self._silent: tuple[str, ...] = ()
        self._dropouts_before = 0
        self._rendered, self._rendered_at_s = 0, 0.0
        self._retry_at_s = clock.now_s() + _RETRY_S
        # MIDI first: beside a running audio stream JACK takes up to a second for each client.
        self._open_midi_at_start()
        self._open_audio_at_start()
        self.microphone = Microphone(clock, player.sung, lambda: player.release(MICROPHONE))
        self._commands: queue.SimpleQueue[DeviceCommand | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="devices", daemon=True)
        self._thread.start()
        self._commands.put(SelectDevices(microphone=choice.microphone))

    # -- any thread -----------------------------------------------------------------------------

    def handle(self, command: DeviceCommand) -> None:
        """Carry out a command soon, on the devices' own thread."""
        if isinstance(command, UseControls):
            self._controls = command
            self._route()  # at once: a note that is learnt from now on plays nothing
        self._commands.put(command)

    def show(self, command: ShowOnControls) -> None:
        """Light what is to be lit. Runs on: the stage's loop."""
        self._shown = command
        if (ports := self._ports) is not None:
            ports.show(command.positions)

    def play(self, part: str, pitch: int, velocity: int) -> None:
        """A note of the band begins or (velocity 0) ends, on the synth and at the MIDI outputs.

        Runs on: scheduler, playback.
        """
        if part in ("chords", "bass"):
            self.microphone.band(pitch, velocity)
        if part != "metronome":
            self.send(((NOTE_ON if velocity else NOTE_OFF) | CHANNELS[part], pitch, velocity))
        self._sound.note(part, pitch, velocity)

    def express(self, control: Expression) -> None:
        """A control of the player's is moved while a take is played back. Runs on: playback."""
        self.send(bytes_of(control, CHANNELS["player"]))
        self._sound.control(control)

    def send(self, data: tuple[int, ...], but_for: Callable[[str], bool] | None = None) -> None:
        """Send to every open MIDI output, but for those of some names. Runs on: scheduler."""
        if (ports := self._ports) is not None:
            ports.send(data, but_for)

    def hear_ticks(self, heard: bool) -> None:
        """Whether the ticks of a MIDI clock are heard."""
        self._hears_ticks = heard
        if (ports := self._ports) is not None:
            ports.hear_ticks(heard)

    def panic(self) -> None:
        """Silence every MIDI output."""
        if (ports := self._ports) is not None:
            ports.panic()

    @property
    def dropouts(self) -> int:
        return self._dropouts_before + (output.dropouts if (output := self._output) else 0)

    @property
    def dropped_messages(self) -> int:
        return ports.dropped_messages if (ports := self._ports) else 0

    def state(self) -> DeviceState:
        choice, ports, output = self._choice, self._ports, self._output
        delays_ms = [1000 * s for s in list(self._player.delays_s)]
        state = DeviceState(
            wanted_inputs=choice.midi_inputs,
            wanted_outputs=choice.midi_outputs,
            wanted_audio=choice.audio,
            wanted_rate=choice.sample_rate,
            wanted_soundfont=choice.soundfont,
            soundfont=self._soundfont,
            available_audio=self._available_audio,
            available_microphones=self._available_microphones,
            wanted_microphone=choice.microphone,
            wanted_agent_server=choice.agent_server,
            audio_blocks=BLOCK_SIZES,
            block_frames=choice.block_frames,
            wanted_block=choice.block_frames,
            key_to_synth_ms=round(statistics.median(delays_ms), 2) if delays_ms else 0.0,
            key_to_synth_worst_ms=round(max(delays_ms, default=0.0), 2),
            midi_heard=bool(delays_ms),
            problems=tuple(self._problems.values()),
        )
        if ports is not None:
            state = replace(
                state,
                midi_api=ports.api,
                midi_inputs=tuple(n for n in ports.open_inputs if n not in self._silent),
                midi_outputs=ports.open_outputs,
                available_inputs=ports.available_inputs,
                available_outputs=ports.available_outputs,
            )
        if output is not None:
            state = replace(
                state,
                audio=output.description,
                audio_latency_ms=output.latency_ms,
                sample_rate=output.sample_rate,
                audio_rates=output.rates,
                audio_blocks=() if output.on_jack else BLOCK_SIZES,
                block_frames=output.block_frames,
            )
        return state

    def close(self) -> None:
        """Close everything; what sounds at the MIDI outputs is ended first."""
        self._commands.put(None)
        self._thread.join(timeout=5.0)
        self.microphone.close()
        self._close_audio()  # before the ports, as they were opened before it
        if self._ports is not None:
            self._ports.close()
        self._sound.close()

    # -- at the start ---------------------------------------------------------------------------

    def _open_midi_at_start(self) -> None:
        choice = self._choice
        named = [n for n in choice.midi_inputs + choice.midi_outputs if n not in EVERY_INPUT]
        try:
            self._open_midi()
        except BadInput:
            raise
        except JamError as error:
            if choice.midi_required and named:
                raise BadInput(f"MIDI port {named[0]!r}: {error}") from None
            if choice.midi_api != "auto":
                raise
            self._problems["midi"] = f"No MIDI: {error}. In the window the computer's keys play."
            return
        try:
            self._want_midi()
        except BadInput as error:
            if choice.midi_required:
                raise
            self._tell(f"{error}. It is opened when it comes.")

    def _open_audio_at_start(self) -> None:
        try:
            self._open_audio(self._choice)
        except BadInput as error:
            if self._choice.audio_required:
                raise
            self._open_default(error)
        except JamError as error:
            self._problems["audio"] = f"Silent: {error}."
        self._list_audio()

    def _open_default(self, error: BadInput) -> None:
        """The device that is remembered isn't there: another is better than none."""
        try:
            self._open_audio(replace(self._choice, audio="", sample_rate=0))
        except JamError:
            self._problems["audio"] = f"Silent: {error}."
            return
        self._tell(f"Audio device {self._choice.audio!r} isn't there; {self._name()} plays.")

    # -- opening --------------------------------------------------------------------------------

    def _open_midi(self) -> None:
        """Raises JamError, BadInput for a MIDI system that this machine doesn't know."""
        self._ports = MidiPorts(
            self._clock,
            self._player.midi,
            self._on_port_closed,
            self._choice.midi_api,
            self._on_beat,
        )
        self._ports.show(self._shown.positions)
        self._ports.hear_ticks(self._hears_ticks)
        self._problems.pop("midi", None)

    def _want_midi(self) -> None:
        """Raises BadInput for a name that isn't there; it is waited for."""
        if self._ports is not None:
            self._ports.want(self._choice.midi_inputs, self._choice.midi_outputs)

    def _open_audio(self, choice: DeviceChoice) -> None:
        """Raises BadInput, JamError; then nothing is open."""
        if choice.audio == "none":
            self._problems["audio"] = "Silent: no audio device was asked for."
            return
        synth, self._output = open_audio(choice)
        self._soundfont = str(synth.soundfont)
        self._problems.pop("soundfont", None)
        if why := usable_soundfont(choice.soundfont)[1]:
            self._problems["soundfont"] = why
        self._rendered, self._rendered_at_s = 0, self._clock.now_s()
        self._sound.use(synth)
        self._problems.pop("audio", None)
        self._lost_audio = ""

    def _close_audio(self, is_gone: bool = False) -> None:
        """Silence; the dropouts so far are kept in mind."""
        output, self._output = self._output, None
        self._soundfont = ""
        self._sound.use(None)
        if output is not None:
            self._dropouts_before += output.dropouts
            output.close(is_gone or not output.active)

    def _list_audio(self) -> None:
        try:
            self._available_audio = tuple(d.description for d in output_devices())
            self._available_microphones = tuple(d.description for d in input_devices())
        except JamError:
            self._available_audio = self._available_microphones = ()

    # -- the devices' thread --------------------------------------------------------------------

    def _run(self) -> None:
        """Runs on: a thread of its own."""
        while True:
            try:
                command = self._commands.get(timeout=_WATCH_S)
            except queue.Empty:
                command = SelectDevices()
            if command is None:
                return
            try:
                if isinstance(command, ListAudio):
                    self._available_audio, self._available_microphones = devices_seen_elsewhere()
                elif isinstance(command, SelectDevices):
                    self._select(command)
                self._watch()
            except JamError as error:
                self._tell(f"{str(error)[0].upper()}{str(error)[1:]}.")
            except Exception:
                _log.exception("devices")

    def _select(self, command: SelectDevices) -> None:
        """Raises BadInput for what isn't there, JamError for what can't be opened."""
        before, choice = self._choice, self._choice.after(command)
        if command.agent_server is not None:
            self._choice = before = replace(before, agent_server=command.agent_server)
        if command.microphone is not None:
            self._choice = before = replace(before, microphone=command.microphone)
            self.microphone.choose(command.microphone)
        try:
            if _midi_of(choice) != _midi_of(before):
                inputs, outputs = _midi_of(choice)
                self._choice = replace(before, midi_inputs=inputs, midi_outputs=outputs)
                self._tell("")
                self._want_midi()
        finally:
            given = _audio_of(command) != (None,) * 4
            if given and (_audio_of(choice) != _audio_of(before) or self._output is None):
                self._change_audio(choice)

    def _change_audio(self, choice: DeviceChoice) -> None:
        """Close the device and open another; on failure the one before. Raises JamError."""
        before = self._choice
        self._close_audio()
        self._look_again()
        try:
            self._open_audio(choice)
        except JamError as error:
            try:
                self._open_audio(before)
            except JamError:
                self._problems["audio"] = f"Silent: {error}."
                raise
            raise JamError(f"{error}; {self._name()} plays on") from None
        finally:
            self._list_audio()
        self._choice = choice
        self._tell("")

    def _name(self) -> str:
        return self._output.description if self._output is not None else "silence"

    def _look_again(self) -> None:
        try:
            look_again()
        except Exception:  # PortAudio itself failed, or is missing
            _log.debug("looking for audio devices", exc_info=True)

    # -- watching -------------------------------------------------------------------------------

    def _watch(self) -> None:
        now_s = self._clock.now_s()
        self.microphone.watch()
        if self._output is not None and not self._is_alive(self._output, now_s):
            self._lose_audio(self._output)
        if self._ports is not None:
            self._poll(self._ports)
            self._see_who_is_back(self._ports)
        if now_s < self._retry_at_s:
            return
        self._retry_at_s = now_s + _RETRY_S
        if self._ports is None:
            self._find_midi()
        elif self._ports.api == "jack" and not (self._output and self._output.on_jack):
            self._check_jack()
        if self._output is None and self._choice.audio != "none":
            self._find_audio()

    def _poll(self, ports: MidiPorts) -> None:
        """Open and close what comes and goes; learn from every device while learning."""
        ports.controls, ports.learning = self._controls.learnt, self._controls.learning
        ports.poll()
        if ports.silent_inputs != self._silent:
            self._silent = ports.silent_inputs
            self._route()

    def _route(self) -> None:
        """What comes in goes its way from now on."""
        controls = self._controls
        self._player.routes = Routes(
            controls.learnt, controls.watching, controls.learning, self._silent
        )

    def _is_alive(self, output: Output, now_s: float) -> bool:
        if output.rendered != self._rendered:
            self._rendered, self._rendered_at_s = output.rendered, now_s
        return output.active and now_s - self._rendered_at_s < _SILENT_S

    def _lose_audio(self, output: Output) -> None:
        self._lost_audio = output.name
        self._problems["audio"] = (
            f"Silent: the audio device {output.description} is gone; it is opened when it comes"
            " back, or choose another."
        )
        self._tell("")
        if output.on_jack and self._ports is not None and self._ports.api == "jack":
            self._lose_midi()
        self._close_audio(is_gone=True)
        self._look_again()
        self._list_audio()

    def _lose_midi(self) -> None:
        """The JACK server is gone; its ports say nothing of it."""
        ports, self._ports = self._ports, None
        self._problems["midi"] = (
            "No MIDI: JACK is gone; its ports are opened when it comes back. In the window the"
            " computer's keys play."
        )
        if ports is not None:
            ports.bury()

    def _check_jack(self) -> None:
        try:
            open_api("jack")
        except JamError:
            self._lose_midi()
            if self._output is None:
                self._look_again()
                self._list_audio()

    def _find_midi(self) -> None:
        try:
            self._open_midi()
            self._want_midi()
        except JamError:
            _log.debug("MIDI is still missing", exc_info=True)

    def _find_audio(self) -> None:
        self._look_again()
        wanted = self._choice
        try:
            self._open_audio(replace(wanted, audio=self._lost_audio or wanted.audio))
            self._tell(f"Sound is back: {self._name()}.")
        except JamError:
            _log.debug("audio is still missing", exc_info=True)
        self._list_audio()

    def _see_who_is_back(self, ports: MidiPorts) -> None:
        if back := self._gone_ports.intersection(ports.open_inputs + ports.open_outputs):
            self._gone_ports -= back
            self._tell(f"{' and '.join(sorted(back))} is back.")

    def _on_port_closed(self, port: str, is_gone: bool) -> None:
        """A device that went can't release its keys any more."""
        self._player.unplug(port)
        if is_gone:
            self._gone_ports.add(port)
            self._tell(f"MIDI port {port} is gone; it is opened again when it comes back.")


def _midi_of(choice: DeviceChoice) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return choice.midi_inputs, choice.midi_outputs


def _audio_of(choice: DeviceChoice | SelectDevices) -> tuple[object, ...]:
    return choice.audio, choice.sample_rate, choice.block_frames, choice.soundfont
