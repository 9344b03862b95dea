"""Grand pianos of SoundFonts side by side: `python tools/piano_figures.py [FONT.sf3 …]`.

Without names: the grand that comes along, and every SoundFont in the usual folders. Program 0
alone, dry and in the middle, over the C's from C2 to C7. width: energy of left minus right below
that of left plus right, dB (mono: minus infinity). bright: spectral centroid at velocity 110 over
that at 40. decay: seconds in which middle C falls by 30 dB, a key held. end: level eight seconds
after the stroke below that of its first half second, dB, C2. noise: above 12 kHz where middle C has
rung for two seconds, below the whole of the stroke, dB. ms: processor time in which its samples are
decoded.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jam.audio.soundfonts import layers, soundfonts
from jam.audio.synth import Synth
from jam.errors import JamError

RATE_HZ = 44100
_CS = tuple(range(36, 97, 12))
Sound = NDArray[np.float32]


def struck(synth: Synth, pitch: int, velocity: int, seconds: float) -> Sound:
    """(frames, 2): one key held, alone and dry."""
    for controller, value in ((91, 0), (93, 0), (10, 64)):
        synth._fluid.cc(0, controller, value)
    synth.note_on("player", pitch, velocity)
    sound = np.zeros((round(RATE_HZ * seconds), 2), np.float32)
    for at in range(0, len(sound), 4096):
        synth.render_into(sound[at : at + 4096])
    synth.panic()
    rest = np.zeros((4096, 2), np.float32)
    for _ in range(200):
        synth.render_into(rest)
        if not synth.voices:
            break
    return sound


def db(value: float) -> float:
    """Decibels of a ratio of energies."""
    return float(10 * np.log10(value)) if value > 1e-12 else -np.inf


def energy(sound: Sound) -> float:
    """Mean square."""
    return float((sound.astype(np.float64) ** 2).mean())


def spectrum(sound: Sound) -> tuple[Any, Any]:
    """Frequencies in Hz and energy."""
    mono = sound.mean(axis=1)
    power = np.abs(np.fft.rfft(mono * np.hanning(len(mono)))) ** 2
    return np.fft.rfftfreq(len(mono), 1 / RATE_HZ), power.astype(np.float64)


def figures(synth: Synth) -> dict[str, float]:
    """The row of one piano."""
    found: dict[str, float] = {}
    mids = [struck(synth, p, 80, 2.0) for p in _CS]
    sides = sum(energy(s[:, :1] - s[:, 1:]) for s in mids)
    found["width"] = db(sides / sum(energy(s[:, :1] + s[:, 1:]) for s in mids))
    ratios = []
    for pitch in _CS:
        centres = []
        for velocity in (40, 110):
            hertz, power = spectrum(struck(synth, pitch, velocity, 0.6))
            centres.append((hertz * power).sum() / power.sum())
        ratios.append(centres[1] / centres[0])
    found["bright"] = float(np.mean(ratios))
    held = struck(synth, 60, 80, 12.0).mean(axis=1)
    blocks = held[: len(held) // 2205 * 2205].reshape(-1, 2205)
    levels = 10 * np.log10((blocks.astype(float) ** 2).mean(axis=1) + 1e-14)
    below = np.nonzero(levels < levels.max() - 30)[0]
    found["decay"] = float(below[0] * 0.05) if len(below) else np.inf
    low = struck(synth, 36, 80, 9.0)
    found["end"] = db(energy(low[8 * RATE_HZ :]) / energy(low[: RATE_HZ // 2]))
    middle = struck(synth, 60, 80, 3.0)
    hertz, power = spectrum(middle[2 * RATE_HZ :])
    _, whole = spectrum(middle[:RATE_HZ])
    found["noise"] = db(float(power[hertz > 12000].sum() / whole.sum()))
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("fonts", type=Path, nargs="*")
    fonts = parser.parse_args().fonts or [layers()[0], *soundfonts().values()]
    print(f"{'':<28}   width  bright   decay     end   noise      ms")
    for font in fonts:
        try:
            begun_s = time.process_time()
            synth = Synth(RATE_HZ, font, limited=False)
            spent_ms = 1000 * (time.process_time() - begun_s)
        except JamError as error:
            print(f"piano_figures: {error}", file=sys.stderr)
            return 2
        cells = "".join(f"{value:8.2f}" for value in figures(synth).values())
        print(f"{font.name:<28}{cells}{spent_ms:8.0f}", flush=True)
        synth.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
