"""Notes to WAV files, by the same synth that plays live, as fast as it goes."""

from __future__ import annotations

import os
import tempfile
import wave
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from jam.audio.synth import Synth
from jam.errors import BadInput, JamError
from jam.files import whole
from jam.messages.notes import TimedExpression, TimedNote

_BLOCK = 4096
_TAIL_S = 2.5
_CEILING = 0.97


def write_wav(
    path: str | os.PathLike[str],
    notes: Sequence[TimedNote],
    volumes: Mapping[str, float],
    programs: Mapping[str, int],
    expression: Sequence[TimedExpression] = (),
    stems: Mapping[str, Path] | None = None,
    progress: Callable[[int, int], None] | None = None,
    sample_rate: int = 44100,
) -> float:
    """Write the mix in 16-bit stereo; returns its highest sample's magnitude before it is turned
    down (1.0 would be full scale).

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
    try:
        with ExitStack() as stack:
            sound = _Sound(stack, Path(path).parent, notes, stems, sample_rate)
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
    ) -> None:
        self._sample_rate = sample_rate
        self.synths: dict[str, Synth] = {}
        for part in sorted({note.part for note in notes}):
            self.synths[part] = synth = Synth(sample_rate, limited=False)
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
    """Unscaled samples to WAV files, all of them or none."""
    with ExitStack() as stack:
        for file, raw in raws:
            _save(stack.enter_context(whole(file)), raw, gain, sample_rate)


def _save(file: Path, raw: IO[bytes], gain: float, sample_rate: int) -> None:
    raw.seek(0)
    with file.open("wb") as opened, wave.open(opened, "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(sample_rate)
        while data := raw.read(1 << 20):
            samples = np.frombuffer(data, dtype=np.float32) * np.float32(32767 * gain)
            out.writeframes(np.round(samples).astype("<i2").tobytes())
