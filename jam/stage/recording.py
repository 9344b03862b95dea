"""The microphone's kept sound, heard along with a take that is played back: where the take is, at
its own tempo alone. Nothing of it is stretched.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.clock import Clock
from jam.messages.snapshot import PlaybackState
from jam.messages.voice import RECORDING
from jam.stage.transport import position_at
from jam.system import drop_priority
from jam.voice.files import resampled

Sound = NDArray[np.float32]
_PART_S = 1
"""Sound is read in parts of a second; so many are ready before they are heard: """
_AHEAD = 3
_AROUND_S = 0.02
"""A part is resampled with so much of its neighbours, so that no seam is heard."""
_APART_S = 0.03
"""Sound runs on by its own samples while it is no further than this from where the take is."""
_FADE_S = 0.005
_LOOK_EVERY_S = 0.1
_LOOKS, _PEAK, _MOST_GAIN = 60, 0.5, 10.0
"""How loud it is, so many looks of a second tell; its loudest is played this loud, and what is
very soft no more than so many times louder."""
CANT_READ = "The recording of the microphone can't be read: {why}."


class Recording:
    """Adds the sound of a file to what the synth renders. Methods may be called from any thread.

    state: what is played back, and where it is. tell: what the user should know.
    """

    def __init__(
        self, clock: Clock, state: Callable[[], PlaybackState | None], tell: Callable[[str], None]
    ) -> None:
        self._clock, self._state, self._tell = clock, state, tell
        self._file = ""
        self._rate_hz = 0
        """Of what is rendered; 0 while nothing is."""
        self._parts: dict[int, Sound] = {}
        """What is ready, by its second; replaced as a whole, never changed."""
        self._volume = 1.0
        self._place = 0
        """The sample that is heard next, if it `_sounds`."""
        self._sounds = False
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def load(self, file: str, volume: float = 1.0) -> None:
        """Play this file along from now on; "": none. volume: 0.0 to 1.0."""
        self._volume = volume
        if file == self._file:
            return
        self._parts = {}
        self._file = file
        self._wake.set()
        if file and (self._thread is None or not self._thread.is_alive()):
            self._thread = threading.Thread(target=self._read, name="recording", daemon=True)
            self._thread.start()

    def moved(self) -> None:
        """The playback was sent elsewhere: what is heard there is read at once."""
        self._wake.set()

    # -- the audio callback ---------------------------------------------------------------------

    def add_to(self, block: Sound, rate_hz: int) -> None:
        """Add what is heard now to a block (n, 2). Runs on: audio callback. Waits for nobody."""
        self._rate_hz = rate_hz
        if not self._file:
            return
        n, state = len(block), self._state()
        plays = (
            state is not None
            and state.playing
            and state.speed == 1.0
            and RECORDING not in state.muted
        )
        due = self._place
        if plays and state is not None:
            due = round(position_at(state, self._clock.now_s()) * rate_hz)
        follows = plays and self._sounds
        if follows and abs(due - self._place) <= max(_APART_S * rate_hz, 1.5 * n):
            due = self._place
        else:
            follows = False
        fade = min(n, round(_FADE_S * rate_hz))
        if self._sounds and not follows and (old := self._samples(self._place, n)) is not None:
            block[:fade] += (old[:fade] * np.linspace(1, 0, fade, dtype=np.float32))[:, None]
        new = self._samples(due, n) if plays else None
        if new is not None:
            if not follows:
                new = new.copy()
                new[:fade] *= np.linspace(0, 1, fade, dtype=np.float32)
            block += new[:, None]
        self._sounds, self._place = new is not None, due + n

    def _samples(self, first: int, n: int) -> Sound | None:
        """So many from a sample on; None where they aren't read yet."""
        parts, length = self._parts, self._rate_hz * _PART_S
        out = []
        while n > 0:
            part = parts.get(first // length)
            if part is None:
                return None
            some = part[first % length : first % length + n]
            if not len(some):
                return None  # of another rate
            out.append(some)
            first, n = first + len(some), n - len(some)
        return self._volume * (out[0] if len(out) == 1 else np.concatenate(out))

    # -- the reading thread ---------------------------------------------------------------------

    def _read(self) -> None:
        """Runs on: a thread of its own, while a file is loaded. Reads ahead, forgets behind."""
        import soundfile

        drop_priority()
        while name := self._file:
            try:
                with soundfile.SoundFile(name) as file:
                    gain = _gain(file)
                    while name == self._file:
                        self._wake.wait(_LOOK_EVERY_S)
                        self._wake.clear()
                        self._supply(file, gain, name)
            except (OSError, RuntimeError, ValueError, MemoryError) as error:
                reason = getattr(error, "error_string", str(error)).rstrip(".")
                self._tell(CANT_READ.format(why=f"{Path(name).name}: {reason}"))
                while name == self._file:
                    self._wake.wait()
                    self._wake.clear()

    def _supply(self, file: Any, gain: float, name: str) -> None:
        state, rate_hz = self._state(), self._rate_hz
        if state is None or not rate_hz:
            return
        here = int(position_at(state, self._clock.now_s()) // _PART_S)
        wanted = list(range(here, here + _AHEAD + 1))
        if state.loop is not None:
            begins = int(state.loop[0] // _PART_S)
            wanted += [begins, begins + 1]
        length = rate_hz * _PART_S
        kept = {k: p for k, p in self._parts.items() if k in wanted and len(p) == length}
        for number in wanted:
            if number not in kept:
                kept[number] = _part(file, number, rate_hz, gain)
                if name == self._file:
                    self._parts = dict(kept)


def _gain(file: Any) -> float:
    """So much louder it is played than it was recorded."""
    rate_hz, frames = file.samplerate, file.frames
    loudest = 1e-9
    for i in range(_LOOKS):
        file.seek(max(0, (frames - rate_hz) * i // max(1, _LOOKS - 1)))
        some = file.read(rate_hz, dtype="float32", always_2d=True)
        loudest = max(loudest, float(np.abs(some).max(initial=0.0)))
        if frames <= rate_hz:
            break
    return min(_MOST_GAIN, _PEAK / loudest)


def _part(file: Any, number: int, rate_hz: int, gain: float) -> Sound:
    """A second of the file, at another rate; silent where there is nothing."""
    own_hz, frames = file.samplerate, file.frames
    around = round(_AROUND_S * own_hz)
    first = number * _PART_S * own_hz - around
    count = _PART_S * own_hz + 2 * around
    samples = np.zeros(count, np.float32)
    begin, end = max(0, first), min(frames, first + count)
    if begin < end:
        file.seek(begin)
        read = file.read(end - begin, dtype="float32", always_2d=True)
        samples[begin - first : begin - first + len(read)] = read.mean(axis=1)
    samples = resampled(np.float32(gain) * samples, own_hz, rate_hz)
    skip, length = round(_AROUND_S * rate_hz), _PART_S * rate_hz
    out = samples[skip : skip + length]
    return np.pad(out, (0, length - len(out))) if len(out) < length else np.ascontiguousarray(out)
