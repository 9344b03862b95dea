"""Audio output: sounddevice by default, FluidSynth's own driver by choice, or silence."""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from jam.audio.sdl import SDL, SdlOutput
from jam.audio.soundfonts import chosen_soundfont, usable_soundfont
from jam.audio.synth import Synth, own_drivers
from jam.errors import BadInput, JamError
from jam.messages.commands import SAMPLE_RATES, DeviceChoice
from jam.system import AUDIO, bury, deaths, died, quiet_stderr, raise_priority

OWN_DRIVERS = ("jack", "pipewire", "pulseaudio", "alsa", "oss")
"""Those that play, in the order in which they are tried."""
OWN_DRIVER = "fluidsynth:"
"""An audio device named "fluidsynth:jack" is FluidSynth's own driver "jack"."""
OWN_DRIVER_NAME = "FluidSynth: "
"""So its description begins."""

_FIRST_BLOCK_S = 0.5
"""So long a device that was opened has for its first block, of which its size is known."""


class OutputDevice(NamedTuple):
    """An audio output that PortAudio sees."""

    number: int
    api: str
    name: str
    rate_hz: int
    """Its own sample rate."""
    latency_ms: float
    """The low one that PortAudio suggests."""

    @property
    def description(self) -> str:
        """Names it among all; can be chosen by it."""
        return f"{self.api}: {self.name}"


class PortAudioMissing(JamError):
    """Other ways to the loudspeaker may be there."""


def load_sounddevice() -> Any:
    """The module, with an end of ours. Raises PortAudioMissing."""
    try:
        with quiet_stderr():
            import sounddevice
    except (ImportError, OSError) as error:
        raise PortAudioMissing(f"PortAudio is missing (Debian: libportaudio2): {error}") from None
    atexit.unregister(sounddevice._exit_handler)
    atexit.unregister(_end_portaudio)
    atexit.register(_end_portaudio)
    return sounddevice


def _end_portaudio() -> None:
    """In place of sounddevice's own handler, in which PortAudio aborts when JACK has died."""
    if deaths() == _deaths_known:
        load_sounddevice()._exit_handler()


def output_devices() -> list[OutputDevice]:
    """Every audio output as of the last `look_again`. Raises JamError if PortAudio is missing."""
    sd = load_sounddevice()
    apis = [api["name"].removesuffix(" Audio Connection Kit") for api in sd.query_hostapis()]
    return [
        OutputDevice(
            index,
            apis[device["hostapi"]],
            device["name"],
            int(device["default_samplerate"]),
            1000.0 * device["default_low_output_latency"],
        )
        for index, device in enumerate(sd.query_devices())
        if device["max_output_channels"] >= 2
    ]


_deaths_known = 0


def look_again() -> None:
    """Let PortAudio look for devices anew: its list is frozen. No stream of ours may be open."""
    global _deaths_known
    sd = load_sounddevice()
    with quiet_stderr():
        if deaths() > _deaths_known:
            _deaths_known = deaths()
            _second_portaudio(sd)
        else:
            sd._terminate()
            sd._initialize()


def _second_portaudio(sd: Any) -> None:
    """Load a copy of the PortAudio library, with a state of its own, for sounddevice to use.

    The one before knows a JACK server that died, and can't be ended.
    """
    maps = os.fsdecode(Path("/proc/self/maps").read_bytes())
    loaded = next(
        line.split(maxsplit=5)[5] for line in maps.splitlines() if "/libportaudio.so" in line
    )
    # In memory, and never closed: another file with its number would be taken for the same library.
    copy = os.memfd_create("portaudio again")
    with open(copy, "wb", closefd=False) as file:
        file.write(Path(loaded).read_bytes())
    bury(sd._lib)
    sd._lib = sd._ffi.dlopen(f"/proc/self/fd/{copy}")
    sd._initialized = 0
    sd._initialize()


def devices_seen_elsewhere(timeout_s: float = 10.0) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Descriptions of the outputs and of the inputs that a process of its own sees now.

    So the list is up to date though a stream is open here. Raises JamError.
    """
    code = (
        "import json; from jam.audio.output import output_devices;"
        "from jam.system import drop_priority; from jam.voice.stream import input_devices;"
        " drop_priority(); print(json.dumps("
        "[[d.description for d in found()] for found in (output_devices, input_devices)]))"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            timeout=timeout_s,
            check=True,
            cwd=Path(__file__).parents[2],
        )
        outputs, inputs = json.loads(done.stdout)
        return tuple(map(str, outputs)), tuple(map(str, inputs))
    except (OSError, ValueError, TypeError, subprocess.SubprocessError) as error:
        raise JamError(f"audio devices can't be listed: {error}") from None


def sample_rates(device: OutputDevice) -> tuple[int, ...]:
    """Those of SAMPLE_RATES that a device takes, which must not be in use by this program."""
    sd = load_sounddevice()

    def takes(rate_hz: int) -> bool:
        try:
            sd.check_output_settings(device.number, 2, "float32", samplerate=rate_hz)
        except (sd.PortAudioError, ValueError):
            return False
        return True

    with quiet_stderr():
        return tuple(rate_hz for rate_hz in SAMPLE_RATES if takes(rate_hz))


def find_device(name: str) -> OutputDevice:
    """The output device that `name` means: exactly, else the first that contains it.

    "" is the default. Raises BadInput when there is none of that name, JamError when there is
    no audio output at all.
    """
    devices = output_devices()
    if not devices and name:
        raise BadInput(f"audio device {name!r}: not found; there is no audio output at all")
    if not devices:
        raise JamError("no audio output device was found")
    if name == "":
        default = load_sounddevice().default.device[1]
        chosen = [d for d in devices if d.number == default] or devices
        return chosen[0]
    exact = [d for d in devices if name in (d.name, d.description)]
    partial = [d for d in devices if name.lower() in d.description.lower()]
    for found in (exact, partial):
        if found:
            return found[0]
    raise BadInput(
        f"audio device {name!r}: not found; there are " + ", ".join(repr(d.name) for d in devices)
    )


class AudioOutput:
    """An open stream that plays a synth. `dropouts` counts late or missed blocks; by its `name` it
    can be opened again.

    Raises JamError when the device can't be opened.
    """

    def __init__(self, synth: Synth, choice: DeviceChoice, device: OutputDevice) -> None:
        sd = load_sounddevice()
        self.dropouts = 0
        self.rendered = 0
        """Grows while the device is alive."""
        self._api = device.api
        self.block_frames = choice.block_frames
        self._has_begun = threading.Event()
        self._render = synth.render_into
        self.rates = sample_rates(device)
        with quiet_stderr():
            try:
                self._stream = sd.OutputStream(
                    device=device.number,
                    samplerate=synth.sample_rate,
                    # JACK has its own blocks: others would have to be made of them.
                    blocksize=0 if self.on_jack else choice.block_frames,
                    channels=2,
                    dtype="float32",
                    latency="low",
                    callback=self._callback,
                )
                self._stream.start()
            except sd.PortAudioError as error:
                reason = str(error).split(" [")[0].removeprefix("Error opening OutputStream: ")
                raise JamError(f"audio device {device.name!r} can't be opened: {reason}") from None
        self.name = self.description = device.description
        self.sample_rate = synth.sample_rate
        self._has_begun.wait(_FIRST_BLOCK_S)

    @property
    def latency_ms(self) -> float:
        """As it is reported; some systems report their own part alone, however long blocks are."""
        block_ms = 1000.0 * self.block_frames / self.sample_rate
        return max(1000.0 * float(self._stream.latency), block_ms)

    def _callback(
        self, outdata: NDArray[np.float32], frames: int, time: object, status: Any
    ) -> None:
        """Runs on: PortAudio's thread. Renders and counts, nothing else."""
        if not self.rendered:
            raise_priority(AUDIO)
            self._has_begun.set()
        self.block_frames = frames
        self._render(outdata)
        if status.output_underflow:
            self.dropouts += self.rendered > 0  # the first blocks after opening don't count
        self.rendered += frames

    @property
    def on_jack(self) -> bool:
        return "JACK" in self._api

    @property
    def active(self) -> bool:
        """False once the audio system has ended the stream: the device or its server is gone."""
        return bool(self._stream.active)

    def close(self, is_gone: bool = False) -> None:
        """Close the stream; is_gone: its device, or its server, isn't there any more."""
        if self.on_jack and is_gone:
            died(self._stream)
        else:
            with quiet_stderr():
                self._stream.close()
        self._render = lambda block: None  # lets go of the synth, whoever keeps this


class OwnDriverOutput:
    """FluidSynth's own driver: C from end to end. It counts no dropouts, and reports no latency.

    Raises JamError when it can't open the device.
    """

    def __init__(self, synth: Synth, choice: DeviceChoice, driver: str) -> None:
        synth.start_own_driver(driver, None, choice.block_frames)
        self._synth = synth
        self.dropouts = 0
        self.active = True
        """Its driver doesn't tell; what is rendered does."""
        self.on_jack = driver == "jack"
        self.rates = SAMPLE_RATES
        self.name, self.description = choice.audio, f"{OWN_DRIVER_NAME}{driver}"
        self.sample_rate = synth.sample_rate
        self.block_frames = 0 if self.on_jack else choice.block_frames
        self.latency_ms = 2000.0 * choice.block_frames / synth.sample_rate

    @property
    def rendered(self) -> int:
        return self._synth.rendered_ms()

    def close(self, is_gone: bool = False) -> None:
        """Close the device; is_gone: it, or its server, isn't there any more."""
        if self.on_jack and is_gone:
            died(self._synth)
        else:
            self._synth.stop_own_driver()


Output = AudioOutput | OwnDriverOutput | SdlOutput


def _soundfont(choice: DeviceChoice) -> Path:
    """The one that was chosen; another is better than none where it was only remembered."""
    if choice.audio_required:
        return chosen_soundfont(choice.soundfont)
    return usable_soundfont(choice.soundfont)[0]


def open_audio(choice: DeviceChoice) -> tuple[Synth, Output]:
    """Open the device, and a synth at its sample rate.

    Raises BadInput for a device that doesn't exist, JamError for one that can't be opened.
    """
    if choice.audio.startswith(OWN_DRIVER):
        synth = Synth(choice.sample_rate or 48000, _soundfont(choice))
        return synth, OwnDriverOutput(synth, choice, choice.audio[len(OWN_DRIVER) :])
    if choice.audio == SDL:
        return _open_sdl(choice)
    try:
        device = find_device(choice.audio)
    except PortAudioMissing as error:
        return _open_without_portaudio(choice, error)
    synth = Synth(choice.sample_rate or device.rate_hz, _soundfont(choice))
    return synth, AudioOutput(synth, choice, device)


def _open_sdl(choice: DeviceChoice) -> tuple[Synth, SdlOutput]:
    synth = Synth(choice.sample_rate or 48000, _soundfont(choice))
    return synth, SdlOutput(synth, choice)


def _open_without_portaudio(choice: DeviceChoice, why: JamError) -> tuple[Synth, Output]:
    """FluidSynth's own driver, or SDL of the Python packages. Raises JamError: neither plays."""
    ways = [OWN_DRIVER + driver for driver in OWN_DRIVERS if driver in own_drivers()]
    for way in (*ways, SDL):
        with suppress(JamError):
            return open_audio(replace(choice, audio=way))
    raise why
