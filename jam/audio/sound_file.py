"""Notes to sound files (WAV, FLAC, MP3), by the same synth that plays live, as fast as it goes."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from jam.audio.synth import Synth
from jam.errors import BadInput, JamError
from jam.files import FILE_RATES, whole
from jam.messages.notes import TimedExpression, TimedNote

_KINDS = {".wav": ("WAV", "PCM_16"), ".flac": ("FLAC", "PCM_16"), ".mp3": ("MP3", "MPEG_LAYER_III")}
"""Format and kind of sample, as libsndfile calls them."""
_RAW_FRAME_BYTES, _FRAME_BYTES = 8, 4
_WAV_BYTES = (1 << 32) - (1 << 16)
"""A WAV can't hold more."""
_BLOCK = 4096
_TAIL_S = 2.5
_CEILING = 0.97


def write_sound(
    path: str | os.PathLike[str],
    notes: Sequence[TimedNote],
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
    progress: called with (seconds done, seconds in all). The files appear complete or not at all.
    Raises BadInput when a folder doesn't exist, JamError when a file can't be written or the
    synth can't be had.
    """
    stems = stems or {}
    for file in (Path(path), *stems.values()):
        if not file.parent.is_dir():
            raise BadInput(f"{file}: no such folder")
    check_format(Path(path).suffix.lower())
    try:
        with ExitStack() as stack:
            sound = _Sound(stack, Path(path).parent, notes, stems, sample_rate, soundfont)
            for part, synth in sound.synths.items():
                synth.set_program(part, programs.get(part, 0))
                synth.set_volume(part, volumes.get(part, 1.0))
            sound.render(notes, expression, progress or (lambda _done, _all: None))
            gain = min(1.0, _CEILING / max(sound.peaks.values()))
            raws = [(Path(path), sound.raw["mix"])]
            raws += [(file, sound.raw[part]) for part, file in stems.items()]
            _save_all(raws, gain, sample_rate)
            return sound.peaks["mix"]
    except OSError as error:
        raise JamError(f"{path}: can't be written: {error.strerror or error}") from None


class _Sound:
    """Every part on a synth of its own, rendered side by side into unscaled temporary files."""

    def __init__(
        self,
        stack: ExitStack,
        folder: Path,
        notes: Iterable[TimedNote],
        stems: Iterable[str],
        sample_rate: int,
        soundfont: Path | None,
    ) -> None:
        self._sample_rate = sample_rate
        self.synths: dict[str, Synth] = {}
        for part in sorted({note.part for note in notes}):
            self.synths[part] = synth = Synth(sample_rate, soundfont, limited=False)
            stack.callback(synth.close)
        self.raw: dict[str, IO[bytes]] = {}
        for name in ("mix", *stems):
            self.raw[name] = stack.enter_context(tempfile.TemporaryFile(dir=folder))  # noqa: SIM115
        self.peaks = dict.fromkeys(self.raw, 1e-9)

    def render(
        self,
        notes: Iterable[TimedNote],
        expression: Iterable[TimedExpression],
        progress: Callable[[int, int], None],
    ) -> None:
        # At one time: what ends, then pedals and bends, then what begins.
        moved = list(expression)
        events = [(max(c.at_s, 0.0), 1, "player", i, 0) for i, c in enumerate(moved)]
        for note in notes:
            events.append((note.start_s, 2, note.part, note.pitch, note.velocity))
            events.append((max(note.end_s, note.start_s + 0.01), 0, note.part, note.pitch, 0))
        events.sort()
        last_s = (events[-1][0] if events else 0.0) + _TAIL_S
        done = 0
        for at_s, kind, part, value, velocity in [*events, (last_s, 0, "", 0, 0)]:
            frame = round(max(at_s, 0.0) * self._sample_rate)
            while done < frame:
                block = min(_BLOCK, frame - done)
                self._render_block(block)
                done += block
                progress(done // self._sample_rate, round(last_s))
            if (synth := self.synths.get(part)) is None:
                continue
            if kind == 2:
                synth.note_on(part, value, velocity)
            elif kind == 1:
                synth.control(moved[value].expression)
            else:
                synth.note_off(part, value)

    def _render_block(self, n_frames: int) -> None:
        mix = np.zeros((n_frames, 2), dtype=np.float32)
        for part, synth in self.synths.items():
            block = np.zeros((n_frames, 2), dtype=np.float32)
            synth.render_into(block)
            mix += block
            if part in self.raw:
                self._keep(part, block)
        self._keep("mix", mix)

    def _keep(self, name: str, block: NDArray[np.float32]) -> None:
        self.peaks[name] = max(self.peaks[name], float(np.abs(block).max()))
        self.raw[name].write(block.tobytes())


def _save_all(raws: Iterable[tuple[Path, IO[bytes]]], gain: float, sample_rate: int) -> None:
    """Unscaled samples to sound files, all of them or none."""
    with ExitStack() as stack:
        for file, raw in raws:
            _save(stack.enter_context(whole(file)), raw, gain, sample_rate, file.suffix.lower())


def _save(file: Path, raw: IO[bytes], gain: float, sample_rate: int, suffix: str) -> None:
    """As libsndfile writes it."""
    soundfile = _load_soundfile()
    n_frames = raw.seek(0, os.SEEK_END) // _RAW_FRAME_BYTES
    kind, subtype = _KINDS[suffix]
    if kind == "WAV" and n_frames * _FRAME_BYTES > _WAV_BYTES:
        kind = "RF64"  # what a WAV of over 4 GiB is called (EBU Tech 3306)
    raw.seek(0)
    try:
        with soundfile.SoundFile(
            file, "w", sample_rate, channels=2, format=kind, subtype=subtype
        ) as out:
            while data := raw.read(1 << 20):
                samples = np.frombuffer(data, dtype=np.float32).reshape(-1, 2) * np.float32(gain)
                if kind != "MP3":  # of whole numbers, block by block, libsndfile 1.2 makes noise
                    samples = np.round(32767 * samples).astype(np.int16)
                out.write(samples)
    except soundfile.LibsndfileError as error:
        raise JamError(f"{file}: can't be written: {error.error_string}") from None
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
