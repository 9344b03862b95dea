"""Audio output: sounddevice by default, FluidSynth's own driver by choice, or silence."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.errors import BadInput, JamError
from jam.quiet import quiet_stderr
from jam.synth import Synth

SAMPLE_RATES = (44100, 48000, 88200, 96000)
BLOCK_SIZES = (64, 128, 256, 512, 1024, 2048)
OWN_DRIVER = "fluidsynth:"
"""An audio device named "fluidsynth:jack" is FluidSynth's own driver "jack"."""


@dataclass(frozen=True, slots=True)
class AudioChoice:
    """What to open. device: "" the system's default, "none" silence, a name or part of one, or
    "fluidsynth:DRIVER". sample_rate 0 is the device's own. Raises BadInput.
    """

    device: str = ""
    sample_rate: int = 0
    block_frames: int = 256

    def __post_init__(self) -> None:
        if self.sample_rate not in (0, *SAMPLE_RATES):
            raise BadInput(f"sample rate {self.sample_rate}: must be one of {SAMPLE_RATES}")
        if self.block_frames not in BLOCK_SIZES:
            raise BadInput(f"audio buffer {self.block_frames}: must be one of {BLOCK_SIZES}")


def output_devices() -> list[dict[str, Any]]:
    """Name, host API, channels and default rate of every audio output that PortAudio sees.

    Raises JamError when PortAudio is missing.
    """
    sd = _load_sounddevice()
    apis = [api["name"].removesuffix(" Audio Connection Kit") for api in sd.query_hostapis()]
    return [
        {**device, "index": index, "api": apis[device["hostapi"]]}
        for index, device in enumerate(sd.query_devices())
        if device["max_output_channels"] >= 2
    ]


def _load_sounddevice() -> Any:
    try:
        with quiet_stderr():
            import sounddevice
    except (ImportError, OSError) as error:
        raise JamError(f"PortAudio is missing (Debian: libportaudio2): {error}") from None
    return sounddevice


def find_device(name: str) -> dict[str, Any]:
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
        default = _load_sounddevice().default.device[1]
        chosen = [d for d in devices if d["index"] == default] or devices
        return chosen[0]
    exact = [d for d in devices if d["name"] == name]
    partial = [d for d in devices if name.lower() in f"{d['api']}: {d['name']}".lower()]
    for found in (exact, partial):
        if found:
            return found[0]
    raise BadInput(
        f"audio device {name!r}: not found; there are "
        + ", ".join(repr(d["name"]) for d in devices)
    )


class AudioOutput:
    """An open stream that plays a synth. `dropouts` counts late or missed blocks."""

    def __init__(self, synth: Synth, choice: AudioChoice, device: dict[str, Any]) -> None:
        sd = _load_sounddevice()
        self.dropouts = 0
        self._primed = False
        self._render = synth.render_into
        with quiet_stderr():
            try:
                self._stream = sd.OutputStream(
                    device=device["index"],
                    samplerate=synth.sample_rate,
                    blocksize=choice.block_frames,
                    channels=2,
                    dtype="float32",
                    latency="low",
                    callback=self._callback,
                )
                self._stream.start()
            except sd.PortAudioError as error:
                raise JamError(f"audio device {device['name']!r}: {error}") from None
        self.description = f"{device['api']}: {device['name']}"
        self.latency_ms = 1000.0 * float(self._stream.latency)

    def _callback(
        self, outdata: NDArray[np.float32], frames: int, time: object, status: Any
    ) -> None:
        """Runs on: PortAudio's thread. Renders and counts, nothing else."""
        self._render(outdata)
        if status.output_underflow:
            self.dropouts += self._primed  # the first blocks after opening don't count
        self._primed = True

    def close(self) -> None:
        with quiet_stderr():
            self._stream.close()


class OwnDriverOutput:
    """FluidSynth's own driver: C from end to end. It counts no dropouts."""

    def __init__(self, synth: Synth, choice: AudioChoice, driver: str) -> None:
        synth.start_own_driver(driver, None, choice.block_frames)
        self.dropouts = 0
        self.description = f"FluidSynth: {driver}"
        self.latency_ms = 2000.0 * choice.block_frames / synth.sample_rate

    def close(self) -> None:
        """Nothing to do: the driver ends with its synth."""


def open_audio(choice: AudioChoice) -> tuple[Synth, AudioOutput | OwnDriverOutput]:
    """Open the device, and a synth at its sample rate.

    Raises BadInput for a device that doesn't exist, JamError for one that can't be opened.
    """
    if choice.device.startswith(OWN_DRIVER):
        synth = Synth(choice.sample_rate or 48000)
        try:
            driver = choice.device[len(OWN_DRIVER) :]
            return synth, OwnDriverOutput(synth, choice, driver)
        except JamError:
            synth.close()
            raise
    device = find_device(choice.device)
    synth = Synth(choice.sample_rate or int(device["default_samplerate"]))
    try:
        return synth, AudioOutput(synth, choice, device)
    except JamError:
        synth.close()
        raise
