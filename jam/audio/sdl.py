"""Audio output by SDL, for where there is no PortAudio: the Python packages bring it along."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np

from jam.audio.synth import Synth
from jam.errors import JamError
from jam.messages.commands import SAMPLE_RATES, DeviceChoice
from jam.system import AUDIO, quiet_stderr, raise_priority, wheel_library

SDL = "sdl:default"
"""The audio device of this name is what SDL takes as the system's own."""
_INIT_AUDIO, _FLOAT_32 = 0x10, 0x8120
_Callback = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int)


class _Spec(ctypes.Structure):
    """SDL_AudioSpec (https://wiki.libsdl.org/SDL2/SDL_AudioSpec)."""

    _fields_ = [
        ("freq", ctypes.c_int),
        ("format", ctypes.c_uint16),
        ("channels", ctypes.c_uint8),
        ("silence", ctypes.c_uint8),
        ("samples", ctypes.c_uint16),
        ("padding", ctypes.c_uint16),
        ("size", ctypes.c_uint32),
        ("callback", _Callback),
        ("userdata", ctypes.c_void_p),
    ]


def _load_sdl() -> Any:
    path = wheel_library("SDL2-2")
    if path is None:
        raise JamError("SDL is missing")
    try:
        sdl = ctypes.CDLL(str(path))
    except OSError as error:
        raise JamError(f"{path}: can't be loaded: {error}") from None
    sdl.SDL_GetError.restype = sdl.SDL_GetCurrentAudioDriver.restype = ctypes.c_char_p
    sdl.SDL_SetHint(b"SDL_NO_SIGNAL_HANDLERS", b"1")
    sdl.SDL_SetHint(b"SDL_AUDIO_DEVICE_APP_NAME", b"jam")
    return sdl


class SdlOutput:
    """An open device that plays a synth. It counts no dropouts, and reports no latency.

    Raises JamError when it can't be opened.
    """

    def __init__(self, synth: Synth, choice: DeviceChoice) -> None:
        self._sdl = sdl = _load_sdl()
        self._render = synth.render_into
        self.dropouts = self.rendered = 0
        self.active, self.on_jack = True, False
        """It doesn't tell when its device is gone; what is rendered does."""
        self._callback = _Callback(self._fill)
        wanted = _Spec(
            freq=synth.sample_rate,
            format=_FLOAT_32,
            channels=2,
            samples=choice.block_frames,
            callback=self._callback,
        )
        with quiet_stderr():
            failed = sdl.SDL_InitSubSystem(_INIT_AUDIO)
            device = (
                0 if failed else sdl.SDL_OpenAudioDevice(None, 0, ctypes.byref(wanted), None, 0)
            )
        if not device:
            raise JamError(f"SDL can't open an audio device: {sdl.SDL_GetError().decode()}")
        self._device = device
        self.rates = SAMPLE_RATES
        self.name = SDL
        self.description = f"SDL: {sdl.SDL_GetCurrentAudioDriver().decode()}"
        self.sample_rate, self.block_frames = synth.sample_rate, choice.block_frames
        self.latency_ms = 2000.0 * choice.block_frames / synth.sample_rate
        sdl.SDL_PauseAudioDevice(device, 0)

    def _fill(self, _userdata: object, address: int, n_bytes: int) -> None:
        """Runs on: SDL's thread. Renders and counts, nothing else."""
        if not self.rendered:
            raise_priority(AUDIO)
        n_frames = n_bytes // 8
        samples = (ctypes.c_float * (2 * n_frames)).from_address(address)
        self._render(np.ctypeslib.as_array(samples).reshape(n_frames, 2))
        self.rendered += n_frames

    def close(self, is_gone: bool = False) -> None:
        """Close the device; is_gone: it isn't there any more."""
        self._sdl.SDL_CloseAudioDevice(self._device)
        self._sdl.SDL_QuitSubSystem(_INIT_AUDIO)
        self._render = lambda block: None
