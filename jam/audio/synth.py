"""The SoundFont synthesizer: a thin shell around FluidSynth (by pyfluidsynth)."""

from __future__ import annotations

import ctypes
import ctypes.util
import io
from contextlib import redirect_stdout
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.errors import BadInput, JamError
from jam.files import check_file, soundfont_path
from jam.limits import SOUNDFONT_BYTES
from jam.messages.notes import BEND, KEY_PRESSURE, PRESSURE, Expression
from jam.midi.numbers import BEND_REST, DRUM_CHANNEL, SILENCE, SOFT, VOLUME, is_down
from jam.system import quiet_stderr, wheel_library

_GAIN = 2.0
CHANNELS = {"player": 0, "chords": 1, "bass": 2, "solo": 3, "metronome": 8, "drums": DRUM_CHANNEL}
"""MIDI channel (from 0) of each part, in the synth and at the MIDI output."""
_SPARE_CHANNELS = {"chords": 11, "bass": 12, "drums": 13}
"""Nothing is played on them: what is selected there stays in memory."""
LANES = 16
"""So many keyboards, or channels of one, have pedals and bends of their own."""
_FIRST_LANE = 16
_DRUM_BANK = 128
_SOFTER = 0.72
"""With the soft pedal a stroke is so much weaker; SoundFonts have no other hammers."""
_KEY_VIBRATO_CENTS = 50.0
"""As deep as the SoundFont standard's for the pressure of a channel."""
_CEILING = 0.97


def _load_fluidsynth() -> ModuleType:
    """FluidSynth of the system, or the one that came with the Python packages."""
    try:
        fluidsynth = _import_quietly()
    except (ImportError, OSError) as error:
        shipped = wheel_library("fluidsynth")
        if shipped is None:
            raise JamError(
                "the FluidSynth library is missing (Debian: libfluidsynth3; macOS: brew install"
                f" fluid-synth): {error}"
            ) from None
        # pyfluidsynth asks for a name that the loader knows, and takes a path as well.
        search = ctypes.util.find_library
        ctypes.util.find_library = lambda name: str(shipped)
        try:
            fluidsynth = _import_quietly()
        except (ImportError, OSError) as error:
            raise JamError(f"{shipped}: can't be loaded: {error}") from None
        finally:
            ctypes.util.find_library = search
    return fluidsynth


def _import_quietly() -> ModuleType:
    """pyfluidsynth, which prints where it found its library wherever `CI` is set."""
    with redirect_stdout(io.StringIO()):
        import fluidsynth
    module: ModuleType = fluidsynth
    return module


def _function(name: str, result: Any, n_numbers: int = 0) -> Any:
    """One that pyfluidsynth leaves out: of a handle (unless it makes one) and whole numbers."""
    function = getattr(_load_fluidsynth()._fl, name)
    handle = () if name.startswith("new_") else (ctypes.c_void_p,)
    function.argtypes, function.restype = (*handle, *[ctypes.c_int] * n_numbers), result
    return function


def own_drivers() -> tuple[str, ...]:
    """Audio drivers that this FluidSynth was built with; not the one that writes a file."""
    fluidsynth = _load_fluidsynth()
    fluidsynth._fl.fluid_settings_option_concat.restype = ctypes.c_char_p
    settings = fluidsynth.new_fluid_settings()
    names = fluidsynth._fl.fluid_settings_option_concat(
        ctypes.c_void_p(settings), b"audio.driver", b","
    )
    fluidsynth.delete_fluid_settings(settings)
    return tuple(name for name in (names or b"").decode().split(",") if name not in ("", "file"))


class Limiter:
    """Keeps samples below a ceiling; works in place on blocks of shape (n, 2).

    A peak turns the whole block down at once, then the level comes back within half a second.
    Preallocated: runs on the audio callback.
    """

    def __init__(self, sample_rate: int, max_frames: int = 8192) -> None:
        self._gain = np.float32(1.0)
        self._recover = np.float32(2.0 / sample_rate)
        self._magnitude = np.empty((max_frames, 2), dtype=np.float32)

    def process(self, block: NDArray[np.float32]) -> None:
        magnitude = self._magnitude[: len(block)]
        np.abs(block, out=magnitude)
        peak = magnitude.max()
        gain = min(np.float32(1.0), self._gain + self._recover * len(block))
        if peak * gain > _CEILING:
            gain = np.float32(_CEILING) / peak
        if gain < 1.0:
            block *= gain
        self._gain = gain


def _channel(part: str, lane: int = 0) -> int:
    return CHANNELS[part] if lane == 0 else _FIRST_LANE + lane


def _channels(part: str) -> list[int]:
    return [_channel(part, lane) for lane in range(LANES if part == "player" else 1)]


class Synth:
    """A SoundFont, a channel for each part. Notes may come from any thread; they sound in the next
    block. The player's part has LANES channels of the same instrument.

    limited: False leaves peaks above full scale as they are, so that sounds can be added up.
    Raises JamError when the library can't be loaded, BadInput when the SoundFont can't be read.
    """

    def __init__(
        self, sample_rate: int = 48000, soundfont: Path | None = None, limited: bool = True
    ) -> None:
        fluidsynth = _load_fluidsynth()
        path = soundfont or soundfont_path()
        check_soundfont(path)
        self.soundfont = path
        self.sample_rate = sample_rate
        self._ticker: Any = None
        self._fluid: Any = fluidsynth.Synth(gain=_GAIN, samplerate=float(sample_rate))
        self._fluid.setting("synth.polyphony", 128)
        # Only the samples of the instruments chosen are decoded: 0.2 s instead of 1.3 s.
        self._fluid.setting("synth.dynamic-sample-loading", 1)
        with quiet_stderr():
            self._font = self._fluid.sfload(self._kept_open(path))
        if self._font < 0:
            raise BadInput(f"{path}: not a SoundFont that FluidSynth can read")
        write = fluidsynth.cfunc(
            "fluid_synth_write_float",
            ctypes.c_int,
            *(
                (name, kind, 1)
                for name, kind in (
                    ("synth", ctypes.c_void_p),
                    ("len", ctypes.c_int),
                    ("lout", ctypes.c_void_p),
                    ("loff", ctypes.c_int),
                    ("lincr", ctypes.c_int),
                    ("rout", ctypes.c_void_p),
                    ("roff", ctypes.c_int),
                    ("rincr", ctypes.c_int),
                )
            ),
        )
        self._write, self._handle = write, self._fluid.synth
        self._voices = fluidsynth.cfunc(
            "fluid_synth_get_active_voice_count", ctypes.c_int, ("synth", ctypes.c_void_p, 1)
        )
        self._limiter = Limiter(sample_rate) if limited else None
        self._volumes = dict.fromkeys(CHANNELS, 1.0)
        self._pedals = [1.0] * LANES
        """Of each lane the volume pedal's part of the volume."""
        self._soft = [False] * LANES
        self._pressures = {
            KEY_PRESSURE: _function("fluid_synth_key_pressure", ctypes.c_int, 3),
            PRESSURE: _function("fluid_synth_channel_pressure", ctypes.c_int, 2),
        }
        self._let_keys_vibrate()
        for part in CHANNELS:
            self.set_program(part, 0)
        self._fluid.set_reverb(roomsize=0.35, damping=0.3, width=0.8, level=0.25)

    def _let_keys_vibrate(self) -> None:
        """Have the pressure of a key do what that of a channel does in every SoundFont."""
        new = _function("new_fluid_mod", ctypes.c_void_p)
        free = _function("delete_fluid_mod", None)
        source = _function("fluid_mod_set_source1", None, 2)
        destination = _function("fluid_mod_set_dest", None, 1)
        amount = _load_fluidsynth()._fl.fluid_mod_set_amount
        amount.argtypes, amount.restype = (ctypes.c_void_p, ctypes.c_double), None
        modulator = new()
        key_pressure, linear_from_0, vibrato_to_pitch, add = 10, 0, 6, 1
        source(modulator, key_pressure, linear_from_0)
        _function("fluid_mod_set_source2", None, 2)(modulator, 0, linear_from_0)
        destination(modulator, vibrato_to_pitch)
        amount(modulator, _KEY_VIBRATO_CENTS)
        use = _load_fluidsynth()._fl.fluid_synth_add_default_mod
        use.argtypes, use.restype = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int), ctypes.c_int
        use(self._handle, modulator, add)
        free(modulator)

    def _kept_open(self, path: Path) -> str:
        """A name for the SoundFont that stays good when the file is removed or replaced.

        Samples are read when an instrument is chosen; FluidSynth crashes where it can't then.
        """
        try:
            self._file = path.open("rb")
        except OSError as error:
            raise JamError(f"SoundFont {path}: can't be read ({error.strerror})") from None
        kept = f"/proc/self/fd/{self._file.fileno()}"
        return kept if Path(kept).exists() else str(path)

    def set_program(self, part: str, program: int) -> None:
        """Choose the General MIDI instrument (0 to 127) of a part.

        For the drums it is the kit, the standard one where the SoundFont hasn't got it; the
        metronome keeps its own.
        """
        channel = CHANNELS[part]
        if part not in ("drums", "metronome"):
            for channel in _channels(part):
                self._fluid.program_select(channel, self._font, 0, program)
            return
        kit = 0 if part == "metronome" else program
        if kit and self._fluid.program_select(channel, self._font, _DRUM_BANK, kit) == 0:
            return
        self._fluid.program_select(channel, self._font, _DRUM_BANK, 0)

    def preload(self, part: str, program: int) -> None:
        """Have an instrument's samples in memory before the part changes to it.

        It takes up to 0.1 s, in which others may play and render: call it on a thread of its own.
        """
        bank = _DRUM_BANK if part == "drums" else 0
        self._fluid.program_select(_SPARE_CHANNELS[part], self._font, bank, program)

    def set_volume(self, part: str, volume: float) -> None:
        """Volume 0.0 to 1.0 (MIDI controller 7)."""
        self._volumes[part] = volume
        for lane, channel in enumerate(_channels(part)):
            pedal = self._pedals[lane] if part == "player" else 1.0
            self._fluid.cc(channel, VOLUME, round(127 * volume * pedal))

    def set_master(self, volume: float) -> None:
        """Volume 0.0 to 1.0 of everything, before the limiter."""
        self._fluid.setting("synth.gain", _GAIN * volume)

    def note_on(self, part: str, pitch: int, velocity: int, lane: int = 0) -> None:
        """Runs on: MIDI callback, scheduler. A C call of some microseconds."""
        if part == "player" and self._soft[lane]:
            velocity = max(1, round(_SOFTER * velocity))
        self._fluid.noteon(_channel(part, lane), pitch, velocity)

    def note_off(self, part: str, pitch: int, lane: int = 0) -> None:
        self._fluid.noteoff(_channel(part, lane), pitch)

    def control(self, control: Expression, lane: int = 0) -> None:
        """Move a control of the player's. Runs on: MIDI callback."""
        channel, value = _channel("player", lane), control.value
        if control.kind == BEND:
            self._fluid.pitch_bend(channel, value - BEND_REST)
        elif control.kind == KEY_PRESSURE:
            self._pressures[KEY_PRESSURE](self._handle, channel, control.number, value)
        elif control.kind == PRESSURE:
            self._pressures[PRESSURE](self._handle, channel, value)
        elif control.number == VOLUME:
            self._pedals[lane] = value / 127
            volume = self._volumes["player"] * self._pedals[lane]
            self._fluid.cc(channel, VOLUME, round(127 * volume))
        elif control.number == SOFT:
            self._soft[lane] = is_down(value)
        else:
            self._fluid.cc(channel, control.number, value)

    @property
    def voices(self) -> int:
        """How many voices sound now, those that ring on among them."""
        return int(self._voices(self._handle))

    def panic(self) -> None:
        """Silence every channel at once."""
        for channel in range(_FIRST_LANE + LANES):
            for controller in SILENCE:
                self._fluid.cc(channel, controller, 0)

    def render_into(self, block: NDArray[np.float32]) -> None:
        """Render len(block) frames of stereo into a C-contiguous float32 array (n, 2).

        Runs on: audio callback. Never blocks on Python, allocates or logs.
        """
        address = block.ctypes.data
        self._write(self._handle, len(block), address, 0, 2, address, 1, 2)
        if self._limiter is not None:
            self._limiter.process(block)

    def start_own_driver(self, driver: str, device: str | None, block_frames: int) -> None:
        """Let FluidSynth open the audio device itself, on a thread of its own.

        Raises JamError when it can't.
        """
        if driver not in own_drivers():
            raise JamError(f"FluidSynth has no audio driver {driver!r} here")
        self._fluid.setting("audio.period-size", block_frames)
        self._fluid.setting("audio.periods", 2)
        if driver == "jack":
            self._fluid.setting("audio.jack.autoconnect", 1)
            self._fluid.setting("audio.jack.id", "jam")
        with quiet_stderr():
            self._fluid.start(driver=driver, device=device)
        if not self._fluid.audio_driver:
            raise JamError(f"FluidSynth can't open the audio driver {driver!r}")
        # A sequencer's clock runs on what is rendered: it tells whether the driver is alive.
        self._ticker = _load_fluidsynth().Sequencer(use_system_timer=False)
        self._ticker.register_fluidsynth(self._fluid)

    def stop_own_driver(self) -> None:
        """Close the device that `start_own_driver` opened; the synth stays."""
        with quiet_stderr():
            _load_fluidsynth().delete_fluid_audio_driver(self._fluid.audio_driver)
        self._fluid.audio_driver = None

    def rendered_ms(self) -> int:
        """How much its own driver has rendered so far; it stands still when the device is gone."""
        return int(self._ticker.get_tick())

    def close(self) -> None:
        """Free everything; its audio stream must have been closed, and no thread may play it.

        Where threads do, letting go of it is enough: the last of them frees it.
        """
        if fluid := self.__dict__.pop("_fluid", None):
            if self._ticker is not None:
                self._ticker.delete()
            fluid.delete()
            if file := self.__dict__.pop("_file", None):
                file.close()

    __del__ = close


_PARTS = {b"INFO": "its description", b"sdta": "its samples", b"pdta": "its instruments"}

_MAX_CHUNKS = 64


def check_soundfont(path: Path) -> None:
    """Raises BadInput, one line that begins with the path, for what is no whole SoundFont."""
    check_file(path, SOUNDFONT_BYTES)
    try:
        n_bytes = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(12)
            if head[:4] != b"RIFF" or head[8:] != b"sfbk":
                raise BadInput(f"{path}: not a SoundFont (it doesn't begin with RIFF and sfbk)")
            at, end = 12, 8 + int.from_bytes(head[4:8], "little")
            missing = dict(_PARTS)
            for _ in range(_MAX_CHUNKS):
                if at >= end or not missing:
                    break
                file.seek(at)
                name, length, kind = file.read(4), file.read(4), file.read(4)
                at += 8 + int.from_bytes(length, "little")
                if len(kind) < 4 or at > n_bytes:
                    raise BadInput(f"{path}: truncated: {n_bytes:,} bytes, the SoundFont has more")
                if name == b"LIST":
                    missing.pop(kind, None)
    except OSError as error:
        raise BadInput(f"{path}: can't be read: {error.strerror or error}") from None
    if missing:
        raise BadInput(f"{path}: not a SoundFont ({', '.join(missing.values())} missing)")
