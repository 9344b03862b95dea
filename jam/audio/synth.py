"""The SoundFont synthesizer: a thin shell around FluidSynth (by pyfluidsynth)."""

from __future__ import annotations

import ctypes
import ctypes.util
import io
import logging
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from jam.audio.limiter import Limiter
from jam.audio.soundfonts import DRUM_BANK, check_soundfont, layers, presets
from jam.errors import BadInput, JamError
from jam.messages.notes import BEND, KEY_PRESSURE, PRESSURE, Expression
from jam.midi.numbers import BEND_REST, DRUM_CHANNEL, SILENCE, SOFT, VOLUME, is_down
from jam.system import quiet_stderr, wheel_library

_log = logging.getLogger(__name__)
_GAIN = 2.4
CHANNELS = {"player": 0, "chords": 1, "bass": 2, "solo": 3, "metronome": 8, "drums": DRUM_CHANNEL}
"""MIDI channel (from 0) of each part, in the synth and at the MIDI output."""
_SPARE_CHANNELS = {"chords": 11, "bass": 12, "drums": 13}
"""Nothing is played on them: what is selected there stays in memory."""
LANES = 16
"""So many keyboards, or channels of one, have pedals and bends of their own."""
_FIRST_LANE = 16
_SOFTER = 0.72
"""With the soft pedal a stroke is so much weaker; SoundFonts have no other hammers."""
_KEY_VIBRATO_CENTS = 50.0
"""As deep as the SoundFont standard's for the pressure of a channel."""
_SOFTEST = 3
"""Pianos of several layers begin here; what is softer nobody hears."""
_POLYPHONY = 256
"""A stereo piano has two voices a note, and the pedal lets them ring."""
_ROOM = {"roomsize": 0.45, "damping": 0.4, "width": 0.9, "level": 0.5}
"""One room for the whole band."""
_REVERB, _PAN, _CHORUS = 91, 10, 93
"""Controllers of a channel: how much goes into the room, where it stands, how wide it is made."""
_PLACES = {
    "player": (38, 66), "chords": (44, 58), "bass": (8, 64), "solo": (42, 72),
    "drums": (22, 64), "metronome": (0, 64),
}  # fmt: skip
"""Part -> what it sends into the room, and where it stands from left (0) to right (127)."""
_WIDENED = {4: 40, 5: 40, 16: 30, 26: 25, 27: 35, 48: 30, 49: 30}
"""Programs that players send through a chorus, or that are sections, recorded in mono here."""


Along = Callable[[NDArray[np.float32], int], None]
"""Adds sound to a block (n, 2) of what is rendered, at a rate in Hz. Runs on: audio callback."""


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


def _channel(part: str, lane: int = 0) -> int:
    return CHANNELS[part] if lane == 0 else _FIRST_LANE + lane


def _channels(part: str) -> list[int]:
    return [_channel(part, lane) for lane in range(LANES if part == "player" else 1)]


@dataclass(frozen=True, slots=True)
class _File:
    """A SoundFont that stays good when its file is removed or replaced.

    Samples are read when an instrument is chosen; FluidSynth crashes where it can't then. Under one
    name all synths of the process share what was decoded.
    """

    path: Path
    file: IO[bytes]

    @property
    def name(self) -> str:
        kept = f"/proc/self/fd/{self.file.fileno()}"
        return kept if Path(kept).exists() else str(self.path)


def _opened(path: Path) -> _File:
    try:
        stat = path.stat()
        return _open(path, stat.st_mtime_ns, stat.st_size)
    except OSError as error:
        raise JamError(f"SoundFont {path}: can't be read ({error.strerror})") from None


@lru_cache(maxsize=8)
def _open(path: Path, _changed_ns: int, _size: int) -> _File:
    return _File(path, path.open("rb"))


def _readable(fonts: tuple[Path, ...]) -> list[Path]:
    """The first, for which BadInput is raised, and those below it that are whole."""
    check_soundfont(fonts[0])
    found = [fonts[0]]
    for below in fonts[1:]:
        try:
            check_soundfont(below)
        except BadInput as error:
            _log.warning("left out: %s", error)
        else:
            found.append(below)
    return found


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
        self._files = [_opened(path) for path in _readable(layers(soundfont))]
        self.soundfont = self._files[0].path
        self.sample_rate = sample_rate
        self._ticker: Any = None
        self._fluid: Any = fluidsynth.Synth(gain=_GAIN, samplerate=float(sample_rate))
        self._fluid.setting("synth.polyphony", _POLYPHONY)
        # Samples are decoded when an instrument is chosen, and meanwhile FluidSynth takes no note.
        # So a second one, which plays nothing and shares its samples, has all chosen first.
        self._decoder: Any = fluidsynth.Synth(samplerate=float(sample_rate))
        fonts: list[int] = []
        for fluid in (self._fluid, self._decoder):
            fluid.setting("synth.dynamic-sample-loading", 1)
            with quiet_stderr():
                fonts = [fluid.sfload(file.name) for file in self._files]
            if fonts[0] < 0:
                raise BadInput(f"{self.soundfont}: not a SoundFont that FluidSynth can read")
        self._fonts = [
            (font, presets(file.path))
            for font, file in zip(fonts, self._files, strict=True)
            if font >= 0
        ]
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
        self.along: Along | None = None
        """Adds to every block that is rendered; not where FluidSynth's own driver plays."""
        self._volumes = dict.fromkeys(CHANNELS, 1.0)
        self._pedals = [1.0] * LANES
        """Of each lane the volume pedal's part of the volume."""
        self._soft = [False] * LANES
        self._pressures = {
            KEY_PRESSURE: _function("fluid_synth_key_pressure", ctypes.c_int, 3),
            PRESSURE: _function("fluid_synth_channel_pressure", ctypes.c_int, 2),
        }
        self._let_keys_vibrate()
        self._fluid.set_reverb(**_ROOM)
        for part in CHANNELS:
            self.set_program(part, 0)
            for channel in _channels(part):
                for controller, value in zip((_REVERB, _PAN), _PLACES[part], strict=True):
                    self._fluid.cc(channel, controller, value)

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

    def set_program(self, part: str, program: int) -> None:
        """Choose the General MIDI instrument (0 to 127) of a part.

        For the drums it is the kit, the standard one where the SoundFont hasn't got it; the
        metronome keeps its own.
        """
        if part in ("drums", "metronome"):
            kit = 0 if part == "metronome" else program
            if not self._select([CHANNELS[part]], DRUM_BANK, kit):
                self._select([CHANNELS[part]], DRUM_BANK, 0)
            return
        channels = _channels(part)
        self._select(channels, 0, program)
        for channel in channels:
            self._fluid.cc(channel, _CHORUS, _WIDENED.get(program, 0))

    def _select(self, channels: list[int], bank: int, program: int) -> bool:
        """Choose an instrument of the first SoundFont that has it; False where none has."""
        for font, has in self._fonts:
            if (bank, program) in has:
                self._decoder.program_select(channels[0], font, bank, program)
                for channel in channels:
                    self._fluid.program_select(channel, font, bank, program)
                return True
        return False

    def preload(self, part: str, program: int) -> None:
        """Have an instrument's samples in memory before the part changes to it.

        It takes up to a second, in which others may play and render: call it on a thread of its
        own.
        """
        bank = DRUM_BANK if part == "drums" else 0
        for font, has in self._fonts:
            if (bank, program) in has:
                self._decoder.program_select(_SPARE_CHANNELS[part], font, bank, program)
                return

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
        self._fluid.noteon(_channel(part, lane), pitch, max(velocity, _SOFTEST))

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
        if (along := self.along) is not None:
            along(block, self.sample_rate)
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
            if decoder := self.__dict__.pop("_decoder", None):
                decoder.delete()
            self._files.clear()

    __del__ = close
