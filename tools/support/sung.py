"""Voices and instruments made from notes, as they are sung and played: what is heard is known.

Harmonics through formants for voices, a string of Karplus & Strong for the guitar; with vibrato,
scoops, slides, consonants, breath, a room and noise, each drawn by a seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jam.audio.soundfonts import chosen_soundfont
from jam.audio.synth import Synth

RATE = 48000
_CONTROL = 48
"""Pitch and level are drawn once in so many samples (a millisecond), and lie on lines between."""
Samples = NDArray[np.float64]


class TrueNote(NamedTuple):
    """A note as it is meant: seconds, and a MIDI number."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int = 90


@dataclass(frozen=True)
class Timbre:
    """How one sounds and plays. Chances are of a note; formants are (Hz, gain, width in Hz)."""

    tilt: float = 1.2
    """Harmonic k is as loud as 1 / k**tilt."""
    formants: tuple[tuple[float, float, float], ...] = ()
    vibrato_cents: tuple[float, float] = (15, 60)
    scoop: float = 0.0
    glide_s: tuple[float, float] = (0.03, 0.08)
    attack_s: tuple[float, float] = (0.015, 0.05)
    legato: float = 0.5
    """Chance that a note is bound to the one before it, where that ends as it begins."""
    hiss: float = 0.0
    """Chance that what separates two notes is a hiss or a stop; else a hum, or a new stroke."""
    air_db: float = -45.0
    """Breath or bow in the tone, below it."""
    inhales: bool = False
    plucked: bool = False


_VOWEL = ((650, 1.0, 90), (1080, 0.6, 110), (2650, 0.3, 160), (3300, 0.15, 220))
_BRIGHT = ((800, 1.0, 120), (1300, 0.6, 130), (2900, 0.3, 180), (3900, 0.15, 260))
TIMBRES = {
    "voice": Timbre(1.4, _VOWEL, scoop=0.35, legato=0.4, hiss=0.5, air_db=-32, inhales=True),
    "high voice": Timbre(
        1.4, _BRIGHT, (20, 80), scoop=0.35, legato=0.4, hiss=0.5, air_db=-32, inhales=True
    ),
    "whistle": Timbre(
        3.5, (), (5, 30), scoop=0.3, glide_s=(0.04, 0.09), legato=0.6, air_db=-26, inhales=True
    ),
    "trumpet": Timbre(
        0.7, ((1200, 1.0, 700),), (0, 25), 0.1, (0.008, 0.02), (0.01, 0.03), 0.4, air_db=-42
    ),
    "violin": Timbre(
        1.0,
        ((500, 0.8, 200), (1500, 0.6, 500), (3000, 0.6, 900)),
        (10, 35),
        0.15,
        (0.01, 0.04),
        (0.02, 0.06),
        0.6,
        air_db=-34,
    ),
    "guitar": Timbre(plucked=True, legato=0.0),
}
OF_RANGE = {
    "any": "voice",
    "soprano": "high voice",
    "alto": "high voice",
    "tenor": "voice",
    "baritone": "voice",
    "bass": "voice",
    "whistle": "whistle",
    "trumpet": "trumpet",
    "violin": "violin",
    "guitar": "guitar",
}
"""The timbre of each of jam.voice.ranges.RANGES."""


@dataclass(frozen=True)
class Fluid:
    """One of General MIDI's sounds, played by jam's own synth."""

    program: int


PLAYED = {
    "SoundFont's violin": (40, "violin"),
    "SoundFont's cello": (42, "baritone"),
    "SoundFont's choir": (52, "alto"),
    "SoundFont's trumpet": (56, "trumpet"),
    "SoundFont's alto sax": (65, "any"),
    "SoundFont's oboe": (68, "soprano"),
    "SoundFont's clarinet": (71, "any"),
    "SoundFont's flute": (73, "violin"),
    "SoundFont's guitar": (24, "guitar"),
}
"""Sounds of General MIDI: the program, and the one of jam.voice.ranges.RANGES with which it is
heard."""


@dataclass(frozen=True)
class Place:
    """Where it is recorded. echo_db: the room's sound below the voice's; noise_db: pink noise
    below it."""

    room_s: float = 0.0
    echo_db: float = -60.0
    noise_db: float = -70.0


PLACES = {
    "dry": Place(),
    "room": Place(0.35, -16.0, -35.0),
    "noisy": Place(0.5, -14.0, -20.0),
    "bad": Place(0.8, -10.0, -10.0),
}


def sung(
    notes: Sequence[TrueNote], timbre: Timbre | Fluid, place: Place = Place(), seed: int = 0
) -> NDArray[np.float32]:
    """The notes as sound, (samples,) at RATE, its loudest at 0.5; a second rings on."""
    rng = np.random.default_rng(seed)
    length = int((max((n.end_s for n in notes), default=0.0) + 1.0) * RATE)
    if isinstance(timbre, Fluid):
        dry = _synthesised(notes, length, timbre.program)
    elif timbre.plucked:
        dry = _plucked(notes, length, rng)
    else:
        dry = _voiced(notes, length, timbre, rng)
    loudness = float(np.sqrt(np.mean(dry[np.abs(dry) > 1e-4] ** 2)))
    sound = dry
    if place.room_s:
        n = int(place.room_s * 1.5 * RATE)
        tail = rng.standard_normal(n) * 10 ** (-3 * np.arange(n) / (place.room_s * RATE))
        tail[: int(0.008 * RATE)] = 0.0
        echo = _convolved(dry, tail)
        echo *= 10 ** (place.echo_db / 20) * loudness / max(1e-9, float(np.std(echo)))
        sound = dry + echo
    sound = sound + _pink(len(sound), rng) * loudness * 10 ** (place.noise_db / 20)
    return np.asarray(0.5 * sound / np.max(np.abs(sound)), np.float32)


def _voiced(
    notes: Sequence[TrueNote], length: int, timbre: Timbre, rng: np.random.Generator
) -> Samples:
    steps = length // _CONTROL + 2
    pitch = np.full(steps, float(notes[0].pitch))
    level = np.zeros(steps)
    hiss = np.zeros(steps)
    before: TrueNote | None = None
    for note in notes:
        bound = before is not None and note.start_s - before.end_s < 0.02
        legato = bound and rng.random() < timbre.legato and before.pitch != note.pitch  # type: ignore[union-attr]
        first, last = int(note.start_s * 1000), int(note.end_s * 1000)
        n = last - first
        if n <= 0:
            continue
        gain = (note.velocity / 127) ** 1.5
        curve = note.pitch + _wobble(n, timbre, rng)
        shape = np.full(n, gain)
        attack = max(3, int(1000 * rng.uniform(*timbre.attack_s)))
        if legato:
            glide = max(4, int(1000 * rng.uniform(*timbre.glide_s)))
            half = min(glide // 2, n // 3, first)
            ramp = np.linspace(0, 1, 2 * half + 1)[1:]
            ramp = ramp * ramp * (3 - 2 * ramp)
            old = pitch[first - 1] if before is not None else note.pitch
            whole = np.concatenate([np.full(half, float(note.pitch)), curve[:half]])
            pitch[first - half : first + half] = old + (whole - old) * ramp
            curve[:half] = pitch[first : first + half]
            level[first - half : first] *= np.linspace(1, 0.85, half) if half else 1.0
            shape[:half] *= np.linspace(0.85, 1, half) if half else 1.0
        else:
            attack = min(attack, n // 2)
            shape[:attack] *= np.sin(np.linspace(0, np.pi / 2, attack)) ** 2
            if rng.random() < timbre.scoop and n > 160:
                width = int(rng.uniform(50, 110))
                depth = rng.uniform(0.6, 2.2)
                curve[:width] -= depth * np.cos(np.linspace(0, np.pi / 2, width)) ** 2
            if bound and before is not None:
                gap = min(int(rng.uniform(35, 80)), int(400 * (before.end_s - before.start_s)))
                start = first - gap
                if rng.random() < timbre.hiss:
                    level[start:first] *= np.linspace(1, 0, gap) ** 2
                    if rng.random() < 0.6:  # s, f, sh; else a stop
                        hiss[start:first] = 0.12 * np.sin(np.linspace(0, np.pi, gap)) * gain
                    else:
                        hiss[first - 6 : first + 6] = 0.25 * gain
                else:  # m, n, l; a tongue, a bow that turns
                    dip = 10 ** (-rng.uniform(7, 13) / 20)
                    level[start:first] *= 1 - (1 - dip) * np.sin(np.linspace(0, np.pi / 2, gap))
                    shape[:attack] = gain * (dip + (1 - dip) * np.linspace(0, 1, attack))
            elif timbre.inhales and first > 350 and rng.random() < 0.5:
                hiss[first - 330 : first - 80] = 0.03 * np.sin(np.linspace(0, np.pi, 250))
        release = min(int(rng.uniform(20, 60)), n // 3)
        shape[n - release :] *= np.linspace(1, 0.7, release)
        pitch[first:last] = curve
        level[first:last] = shape
        tail = min(40, steps - last)
        pitch[last:] = curve[-1]
        level[last : last + tail] = shape[-1] * np.linspace(1, 0, tail)
        before = note
    return _tone(pitch, level, hiss, length, timbre, rng)


def _wobble(n: int, timbre: Timbre, rng: np.random.Generator) -> Samples:
    """Vibrato, drift, a tuning a little off and the tremor of a voice: semitones."""
    t = np.arange(n) / 1000
    rate, depth = rng.uniform(4.8, 6.6), rng.uniform(*timbre.vibrato_cents) / 100
    begins = rng.uniform(0.12, 0.3)
    vibrato = depth * np.clip((t - begins) / 0.25, 0, 1) * np.sin(2 * np.pi * rate * t)
    drift = np.cumsum(rng.standard_normal(n)) * 0.0025
    tremor = np.convolve(rng.standard_normal(n + 8), np.ones(9) / 9, "valid") * 0.05
    return vibrato + np.clip(drift, -0.2, 0.2) + tremor + rng.normal(0, 0.1)


def _tone(
    pitch: Samples,
    level: Samples,
    hiss: Samples,
    length: int,
    timbre: Timbre,
    rng: np.random.Generator,
) -> Samples:
    grid, at = np.arange(len(pitch)) * _CONTROL, np.arange(length)
    hz = 440 * 2 ** ((pitch - 69) / 12)
    phase = 2 * np.pi * np.cumsum(np.interp(at, grid, hz)) / RATE
    out = np.zeros(length)
    count = int(min(36, 10000 // max(60.0, float(hz.min()))))
    for k in range(1, max(2, count) + 1):
        gain = np.full(len(hz), 1.0 / k**timbre.tilt)
        if timbre.formants:
            shape = np.full(len(hz), 0.08)
            for centre, height, width in timbre.formants:
                shape += height / (1 + ((k * hz - centre) / width) ** 2)
            gain = gain * shape
        gain[k * hz > 12000] = 0.0
        out += np.interp(at, grid, gain * level) * np.sin(k * phase)
    out /= max(1e-9, float(np.max(np.abs(out))))
    noise = rng.standard_normal(length)
    airy = np.convolve(noise, [0.5, 0.5], "same") * 10 ** (timbre.air_db / 20)
    out += airy * np.interp(at, grid, level)
    return out + np.diff(noise, append=0.0) * np.interp(at, grid, hiss)


def _plucked(notes: Sequence[TrueNote], length: int, rng: np.random.Generator) -> Samples:
    """Strings of Karplus & Strong (1983), tuned by a fraction; each rings on a little."""
    out = np.zeros(length + RATE)
    for note in notes:
        hz = 440 * 2 ** ((note.pitch + rng.normal(0, 0.05) - 69) / 12)
        period = RATE / hz - 0.5
        n = int((note.end_s - note.start_s + rng.uniform(0.02, 0.12)) * RATE)
        string = _string(period, n, rng)
        fade = min(n, int(0.03 * RATE))
        string[-fade:] *= np.linspace(1, 0, fade)
        first = int(note.start_s * RATE)
        out[first : first + n] += string * (note.velocity / 127) ** 1.5
    return out[:length]


def _synthesised(notes: Sequence[TrueNote], length: int, program: int) -> Samples:
    synth = Synth(RATE, chosen_soundfont(""))
    synth.set_program("player", program)
    events = sorted(
        [(n.start_s, n.velocity, n.pitch) for n in notes] + [(n.end_s, 0, n.pitch) for n in notes]
    )
    out = np.zeros((length, 2), np.float32)
    done = 0
    for at_s, velocity, pitch in events:
        at = min(int(at_s * RATE), length)
        while done < at:
            block = out[done : min(at, done + 1024)]
            synth.render_into(block)
            done += len(block)
        if velocity:
            synth.note_on("player", pitch, velocity)
        else:
            synth.note_off("player", pitch)
    for first in range(done, length, 1024):
        synth.render_into(out[first : first + 1024])
    return np.asarray(out.mean(axis=1), np.float64)


def _string(period: float, n: int, rng: np.random.Generator) -> Samples:
    whole = int(period)
    part = period - whole
    pluck = np.convolve(rng.uniform(-1, 1, whole + 1), np.ones(5) / 5, "same")
    pluck -= pluck.mean()
    out = np.zeros(n + whole + 1)
    out[: whole + 1] = pluck
    first = whole + 1
    while first < len(out):  # a period at a time
        last = min(first + whole - 1, len(out))
        a = out[first - whole : last - whole]
        b = out[first - whole - 1 : last - whole - 1]
        c = (
            out[first - whole - 2 : last - whole - 2]
            if first - whole - 2 >= 0
            else np.concatenate(([0.0], out[: last - whole - 2]))
        )
        delayed, older = (1 - part) * a + part * b, (1 - part) * b + part * c
        out[first:last] = 0.9985 * 0.5 * (delayed + older)
        first = last
    return out[whole + 1 :] / max(1e-9, float(np.max(np.abs(out))))


def _convolved(a: Samples, b: Samples) -> Samples:
    n = 1 << int(np.ceil(np.log2(len(a) + len(b))))
    return np.fft.irfft(np.fft.rfft(a, n) * np.fft.rfft(b, n), n)[: len(a)]


def _pink(n: int, rng: np.random.Generator) -> Samples:
    """Pink noise of RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(n))
    spectrum /= np.sqrt(np.maximum(20.0, np.fft.rfftfreq(n, 1 / RATE)))
    noise = np.fft.irfft(spectrum, n)
    return noise / float(np.std(noise))


def melody(low: int, high: int, seed: int, n_notes: int = 48, bpm: float = 100.0) -> list[TrueNote]:
    """A walk through a scale with the rhythms of songs: eighths and sixteenths, rests, repeats."""
    rng = np.random.default_rng(seed)
    scale = [p for p in range(low, high + 1) if (p - low) % 12 in (0, 2, 4, 5, 7, 9, 11)]
    at, place, out = 1.0, len(scale) // 2, []
    for _ in range(n_notes):
        length = float(rng.choice([0.25, 0.5, 0.5, 0.5, 1.0, 1.0, 2.0])) * 60 / bpm
        sounds = length if rng.random() < 0.8 else length * rng.uniform(0.5, 0.85)
        out.append(TrueNote(at, at + sounds, scale[place], int(rng.integers(64, 112))))
        at += length + (float(rng.choice([0.5, 1.0])) * 60 / bpm if rng.random() < 0.1 else 0.0)
        step = int(rng.choice([-4, -3, -2, -1, -1, -1, 0, 1, 1, 1, 2, 3, 4]))
        place = min(max(place + step, 0), len(scale) - 1)
    return out


def fitted(notes: Sequence[TrueNote], low: int, high: int) -> list[TrueNote]:
    """A tune moved by octaves and then to the middle of a range, as a singer would take it."""
    pitches = [n.pitch for n in notes]
    shift = round((low + high) / 2 - (min(pitches) + max(pitches)) / 2)
    kept = [n._replace(pitch=n.pitch + shift) for n in notes]
    return [n for n in kept if low - 2 <= n.pitch <= high + 2]
