"""Recordings of a voice as music: WAV, FLAC, OGG, transcribed and put on a grid of bars."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jam.errors import BadInput
from jam.limits import VOICE_SECONDS
from jam.messages.notes import Note
from jam.midi.file import MidiSong
from jam.music.grid import MAX_BPM, MIN_BPM, Meter, TempoMap
from jam.voice.afterwards import HeardNote, transcribe
from jam.voice.ranges import RANGES
from jam.voice.tempo import beat_of

SUFFIXES = (".wav", ".flac", ".ogg")
_PART = "Melody"
ESTIMATED = "tempo estimated: {bpm:.4g} bpm in {meter} (give it with --bpm and --meter)"


def is_sound(path: str | os.PathLike[str]) -> bool:
    """Whether a file's name is that of a recording."""
    return Path(path).suffix.lower() in SUFFIXES


def read_sound(path: str | os.PathLike[str]) -> tuple[NDArray[np.float32], int]:
    """Samples (n,) of all channels together, and their rate in Hz. Raises BadInput."""
    import soundfile

    file = Path(path)
    if not file.is_file():
        raise BadInput(f"{file}: no such file")
    try:
        with soundfile.SoundFile(file) as sound:
            if not 8000 <= sound.samplerate <= 192000:
                raise BadInput(f"{file}: {sound.samplerate} Hz: must be 8,000 to 192,000")
            if sound.channels > 32:
                raise BadInput(f"{file}: {sound.channels} channels: must be at most 32")
            limit = VOICE_SECONDS * sound.samplerate
            samples = np.empty(0, np.float32)
            parts = []
            length = 0
            for block in sound.blocks(1 << 16, dtype="float32", always_2d=True):
                length += len(block)
                if length > limit:
                    raise BadInput(f"{file}: longer than {VOICE_SECONDS // 60} minutes")
                parts.append(block.mean(axis=1, dtype=np.float32))
            if parts:
                samples = np.concatenate(parts)
            return np.nan_to_num(np.clip(samples, -1.0, 1.0)), int(sound.samplerate)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        reason = getattr(error, "error_string", str(error)).rstrip(".")
        raise BadInput(f"{file}: not a sound file that can be read ({reason})") from None


def resampled(samples: NDArray[np.float32], from_hz: int, to_hz: int) -> NDArray[np.float32]:
    """The same sound at another rate: by soxr where it is there, else along straight lines."""
    if from_hz == to_hz:
        return samples
    try:
        import soxr

        return np.asarray(soxr.resample(samples, from_hz, to_hz), np.float32)
    except ImportError:
        places = np.arange(round(len(samples) * to_hz / from_hz)) * (from_hz / to_hz)
        return np.interp(places, np.arange(len(samples)), samples).astype(np.float32)


def write_samples(path: Path, samples: NDArray[np.float32], rate_hz: int, suffix: str) -> None:
    """Write samples as what a suffix says, whatever the file is called. Raises OSError."""
    import soundfile

    soundfile.write(path, samples, rate_hz, format=suffix.removeprefix(".").upper())


@dataclass(frozen=True, slots=True)
class VoiceWish:
    """How a recording is read as music.

    range: a name of jam.voice.ranges.RANGES. bpm: None estimates it, as one for all of it.
    transpose: in semitones. keeps: its sound is kept beside the library.
    """

    range: str = "any"
    bpm: float | None = None
    meter: Meter = Meter(4, 4)
    transpose: int = 0
    keeps: bool = False


ANY_VOICE = VoiceWish()


@dataclass(frozen=True, slots=True)
class Transcript:
    """A recording as a song with one track; bar 1 is the one with its first note.

    samples: its sound, (n,) mono. bar_s: the second of the sound at which frame 0 is.
    """

    song: MidiSong
    samples: NDArray[np.float32]
    rate_hz: int
    bar_s: float

    def sound_from_bar_one(self) -> NDArray[np.float32]:
        """The sound with its first sample at frame 0; silent where it begins later."""
        first = round(self.bar_s * self.rate_hz)
        if first >= 0:
            return self.samples[first:]
        return np.concatenate([np.zeros(-first, np.float32), self.samples])


def read_voice(path: str | os.PathLike[str], wish: VoiceWish = ANY_VOICE) -> Transcript:
    """A recording of one voice as music.

    Raises BadInput for a file that can't be read or in which nobody sings, JamError without the
    packages for transcribing.
    """
    samples, rate_hz = read_sound(path)
    heard = transcribe(samples, rate_hz, RANGES[wish.range], wish.transpose)
    if not heard:
        raise BadInput(f"{path}: no notes are heard in it")
    song, bar_s = _song_of(heard, Path(path).name, wish)
    return Transcript(song, samples, rate_hz, bar_s)


def _song_of(heard: list[HeardNote], name: str, wish: VoiceWish) -> tuple[MidiSong, float]:
    """Notes that were heard, on the grid of a tempo that is given or estimated."""
    meter = wish.meter
    beat = beat_of([(n.start_s, n.end_s - n.start_s) for n in heard], meter, wish.bpm)
    found = min(max(beat.bpm, MIN_BPM), MAX_BPM)
    tempo_map = TempoMap.constant(found, meter, 0.0)
    at = tempo_map.position_at
    notes = tuple(
        Note(
            max(0.0, at(n.start_s - beat.bar_s)),
            at(n.end_s - beat.bar_s),
            n.pitch,
            n.velocity,
            _PART,
        )
        for n in heard
    )
    told = () if wish.bpm is not None else (ESTIMATED.format(bpm=found, meter=meter),)
    return MidiSong(name, notes, tempo_map, warnings=told), beat.bar_s
