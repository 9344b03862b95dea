"""Notes to a WAV file, by the same synth that plays live, as fast as it goes."""

from __future__ import annotations

import os
import wave
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jam.errors import BadInput, JamError
from jam.synth import Synth

_BLOCK = 4096
_TAIL_S = 2.5


@dataclass(frozen=True, slots=True)
class WavNote:
    """A note to be rendered, in seconds from the start of the file."""

    part: str
    pitch: int
    velocity: int
    start_s: float
    end_s: float


def write_wav(
    path: str | os.PathLike[str],
    notes: Iterable[WavNote],
    volumes: Mapping[str, float],
    programs: Mapping[str, int],
    sample_rate: int = 44100,
) -> float:
    """Write 16-bit stereo; returns the highest sample's magnitude (1.0 would be full scale).

    Raises BadInput when the folder doesn't exist, JamError when it can't be written or the
    synth can't be had.
    """
    file = Path(path)
    if not file.parent.is_dir():
        raise BadInput(f"{file}: no such folder")
    events = sorted(
        (at_s, kind, note.part, note.pitch, note.velocity)
        for note in notes
        for at_s, kind in ((note.start_s, 1), (max(note.end_s, note.start_s + 0.01), 0))
    )
    synth = Synth(sample_rate)
    unfinished = file.with_name(f".{file.name}.{os.getpid()}.part")
    peak = 0.0
    try:
        for part, program in programs.items():
            synth.set_program(part, program)
        for part, volume in volumes.items():
            synth.set_volume(part, volume)
        with unfinished.open("wb") as raw, wave.open(raw, "wb") as out:
            out.setnchannels(2)
            out.setsampwidth(2)
            out.setframerate(sample_rate)
            block = np.zeros((_BLOCK, 2), dtype=np.float32)
            done = 0

            def render_until(frame: int) -> None:
                nonlocal done, peak
                while done < frame:
                    part_of_block = block[: min(_BLOCK, frame - done)]
                    synth.render_into(part_of_block)
                    peak = max(peak, float(np.abs(part_of_block).max()))
                    out.writeframes((part_of_block * 32767).astype("<i2").tobytes())
                    done += len(part_of_block)

            for at_s, kind, part, pitch, velocity in events:
                render_until(round(max(at_s, 0.0) * sample_rate))
                if kind:
                    synth.note_on(part, pitch, velocity)
                else:
                    synth.note_off(part, pitch)
            render_until(done + round(_TAIL_S * sample_rate))
        unfinished.replace(file)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise JamError(f"{file}: can't be written: {error.strerror or error}") from None
    finally:
        synth.close()
    return peak
