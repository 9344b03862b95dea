"""Notes to sound files (WAV, FLAC, MP3), by the same synth that plays live, as fast as it goes."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.audio.synth import Synth
from jam.errors import BadInput, JamError
from jam.files import FILE_RATES, whole
from jam.messages.notes import TimedExpression, TimedNote

_KINDS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".mp3": ("MP3", "MPEG_LAYER_III")}
"""Format and kind of sample, as libsndfile calls them."""
_FRAME_BYTES = 4
_WAV_BYTES = (1 << 32) - (1 << 16)
"""A WAV can't hold more."""
_BLOCK = 4096
_TAIL_S = 2.5
_CEILING = 0.97
_ENDS, _MOVED, _BEGINS = range(3)
"""What happens at one time happens in this order: pedals and bends before what begins."""
_EVENT = np.dtype(
    [("at_s", "f8"), ("kind", "i1"), ("part", "i1"), ("value", "i4"), ("velocity", "u1")]
)
"""part: its number. value: the pitch, or which control was moved. Twelve hours are some MB."""


def write_sound(
    path: str | os.PathLike[str],
    notes: Iterable[TimedNote],
    volumes: Mapping[str, float],
    programs: Mapping[str, int],
    expression: Sequence[TimedExpression] = (),
    stems: Mapping[str, Path] | None = None,
    progress: Callable[[int, int], None] | None = None,
    sample_rate: int = FILE_RATES[0],
    soundfont: Path | None = None,
) -> float:
    """Write the mix in 16-bit stereo, in the format of the name's suffix (SOUND_SUFFIXES); returns
    its highest sample's magnitude before it is turned down (1.0 would be full scale).

    notes, expression (the player's): in seconds from the start of the file. stems: files for the
    parts alone. The mix is their sum: where it would be too loud, one gain turns all files down.
    progress: called with (seconds done, seconds in all); where it is
    too loud it is rendered a second time. The files appear complete or not at all.
    Raises BadInput when a folder doesn't exist, JamError when a file can't be written or the
    synth can't be had.
    """
    stems = stems or {}
    for file in (Path(path), *stems.values()):
        if not file.parent.is_dir():
            raise BadInput(f"{file}: no such folder")
    check_format(Path(path).suffix.lower())
    music = Music(notes, expression, volumes, programs, sample_rate, soundfont)
    files = {"mix": Path(path), **stems}
    progress = progress or (lambda _done, _all: None)
    try:
        try:
            return _write(music, files, 1.0, progress)
        except _TooLoud as loud:
            peak, gain = loud.peak, _CEILING / loud.loudest
        total_s = round(music.last_s)
        _write(music, files, gain, lambda done, all_: progress(total_s + done, total_s + all_))
        return peak
    except OSError as error:
        raise JamError(f"{path}: can't be written: {error.strerror or error}") from None


class _TooLoud(Exception):
    """It was rendered to its end, and has to be once more, turned down. peak: of the mix."""

    def __init__(self, peak: float, loudest: float) -> None:
        super().__init__()
        self.peak, self.loudest = peak, loudest


def _write(
    music: Music, files: Mapping[str, Path], gain: float, progress: Callable[[int, int], None]
) -> float:
    """Render straight into the files, all of them or none; returns the mix's peak without the gain.

    Raises _TooLoud, and has written nothing, where a gain of 1 is too much. So no length of music
    takes room for samples that wait for their loudest.
    """
    peaks = dict.fromkeys(files, 1e-9)
    with ExitStack() as stack:
        outs = {
            name: _Out(stack, file, music.sample_rate, music.frames, gain)
            for name, file in files.items()
        }

        def keep(name: str, block: NDArray[np.float32]) -> None:
            if name in peaks:
                peaks[name] = max(peaks[name], float(np.abs(block).max(initial=0.0)))
                if gain < 1 or max(peaks.values()) <= _CEILING:
                    outs[name].write(block)

        music.render(stack, keep, progress)
        if gain == 1 and max(peaks.values()) > _CEILING:
            raise _TooLoud(peaks["mix"], max(peaks.values()))
    return peaks["mix"]


class Music:
    """Every part on a synth of its own, rendered side by side."""

    def __init__(
        self,
        notes: Iterable[TimedNote],
        expression: Iterable[TimedExpression],
        volumes: Mapping[str, float],
        programs: Mapping[str, int],
        sample_rate: int,
        soundfont: Path | None,
    ) -> None:
        self.sample_rate = sample_rate
        self._volumes, self._programs, self._soundfont = volumes, programs, soundfont
        self._moved = list(expression)
        self._parts = {"player": 0}
        found = np.fromiter(self._happens(notes), _EVENT)
        keys = "velocity", "value", "part", "kind", "at_s"
        self._events = found[np.lexsort([found[key] for key in keys])]
        self.last_s = float(found["at_s"].max(initial=0.0)) + _TAIL_S

    def _happens(self, notes: Iterable[TimedNote]) -> Iterator[tuple[float, int, int, int, int]]:
        """Events as _EVENT has them, in any order."""
        for i, moved in enumerate(self._moved):
            yield max(moved.at_s, 0.0), _MOVED, 0, i, 0
        for note in notes:
            part = self._parts.setdefault(note.part, len(self._parts))
            yield note.start_s, _BEGINS, part, note.pitch, note.velocity
            yield max(note.end_s, note.start_s + 0.01), _ENDS, part, note.pitch, 0

    @property
    def frames(self) -> int:
        """How long it is, in samples."""
        return round(self.last_s * self.sample_rate)

    def render(
        self,
        stack: ExitStack,
        keep: Callable[[str, NDArray[np.float32]], object],
        progress: Callable[[int, int], None],
    ) -> None:
        """From beginning to end, block by block; keep: is given the blocks of "mix" and parts."""
        names = list(self._parts)
        used = {int(part) for part in np.unique(self._events["part"])}
        synths = {name: self._synth(stack, name) for i, name in enumerate(names) if i in used}
        done = 0

        def render_until(at_s: float) -> None:
            nonlocal done
            frame = round(max(at_s, 0.0) * self.sample_rate)
            while done < frame:
                block = min(_BLOCK, frame - done)
                _render_block(synths, block, keep)
                done += block
                progress(done // self.sample_rate, round(self.last_s))

        for event in self._events:
            at_s, kind, number, value, velocity = event.item()
            render_until(at_s)
            part = names[number]
            if kind == _BEGINS:
                synths[part].note_on(part, value, velocity)
            elif kind == _MOVED:
                synths[part].control(self._moved[value].expression)
            else:
                synths[part].note_off(part, value)
        render_until(self.last_s)

    def _synth(self, stack: ExitStack, part: str) -> Synth:
        synth = Synth(self.sample_rate, self._soundfont, limited=False)
        stack.callback(synth.close)
        synth.set_program(part, self._programs.get(part, 0))
        synth.set_volume(part, self._volumes.get(part, 1.0))
        return synth


def _render_block(
    synths: Mapping[str, Synth], n_frames: int, keep: Callable[[str, NDArray[np.float32]], object]
) -> None:
    mix = np.zeros((n_frames, 2), dtype=np.float32)
    for part, synth in synths.items():
        block = np.zeros((n_frames, 2), dtype=np.float32)
        synth.render_into(block)
        mix += block
        keep(part, block)
    keep("mix", mix)


class _Out:
    """A sound file that is being written, as libsndfile does it."""

    def __init__(
        self, stack: ExitStack, file: Path, sample_rate: int, n_frames: int, gain: float
    ) -> None:
        soundfile = _load_soundfile()
        self._file, self._gain = file, np.float32(gain)
        kind, subtype = _KINDS[file.suffix.lower()]
        if kind == "WAV" and n_frames * _FRAME_BYTES > _WAV_BYTES:
            kind = "RF64"  # what a WAV of over 4 GiB is called (EBU Tech 3306)
        self._is_float = kind == "MP3"
        self._error: type[Exception] = soundfile.LibsndfileError
        unfinished = stack.enter_context(whole(file))
        with self._said():
            self._out = soundfile.SoundFile(
                unfinished, "w", sample_rate, channels=2, format=kind, subtype=subtype
            )
        stack.callback(self._close)

    def write(self, block: NDArray[np.float32]) -> None:
        """Samples, of which full scale is 1."""
        samples = np.clip(block * self._gain, -1, 1)
        if not self._is_float:  # of whole numbers, block by block, libsndfile 1.2 makes noise
            samples = np.round(32767 * samples).astype(np.int16)
        with self._said():
            self._out.write(samples)

    def _close(self) -> None:
        with self._said():
            self._out.close()

    @contextmanager
    def _said(self) -> Iterator[None]:
        try:
            yield
        except self._error as error:
            why = getattr(error, "error_string", error)
            raise JamError(f"{self._file}: can't be written: {why}") from None
        except AssertionError:  # that is how it says that less was written
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)) from None


def check_format(suffix: str) -> None:
    """Raises JamError where this system can't write such a sound file."""
    kind, _ = _KINDS[suffix]
    if kind not in _load_soundfile().available_formats():
        raise JamError(f"{kind} can't be written here: this system's libsndfile has no encoder")


def _load_soundfile() -> Any:
    try:
        import soundfile
    except (ImportError, OSError) as error:
        raise JamError(f"libsndfile is missing (Debian: libsndfile1): {error}") from None
    return soundfile
