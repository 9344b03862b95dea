"""What stage and ear say to each other: how the microphone is listened to, and what is heard."""

from __future__ import annotations

from dataclasses import dataclass

OFF = "none"
"""Chosen as microphone: there is none."""
RECORDING = "recording"
"""The microphone's kept sound, as a part of what is played back: it can be muted."""
SILENT_DB = -120.0
HEARS_BAND = "jam hears its own band in the microphone: use headphones, or turn the band down."
CLIPS_DB = -0.2
"""Below full scale: from here on a peak is cut off."""


@dataclass(frozen=True, slots=True)
class Listen:
    """How to listen from now on.

    range: a name of jam.voice.ranges.RANGES. gate_db: what is softer is no note. transpose: in
    semitones. ignores_band: what the band plays is no note. offset_s: the sound is so much older
    than the audio system says.
    """

    range: str = "any"
    gate_db: float = -50.0
    transpose: int = 0
    ignores_band: bool = True
    offset_s: float = 0.0


@dataclass(frozen=True, slots=True)
class BandSounds:
    """A note of the band begins or (velocity 0) ends, somewhere near the microphone."""

    pitch: int
    velocity: int
    at_s: float


@dataclass(frozen=True, slots=True)
class SetGate:
    """Listen to the room for two seconds, in which nobody sings, and say where the gate is."""


@dataclass(frozen=True, slots=True)
class KeepSound:
    """Write the microphone's sound to this FLAC file; None: no more. from_s: the second of its
    first sample; what is lost on the way is silent."""

    path: str | None
    from_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Sung:
    """A note that is sung or played into the microphone begins or (velocity 0) ends.

    A note that ends when it began was none (see jam.voice.segmenter).
    """

    pitch: int
    velocity: int
    at_s: float


@dataclass(frozen=True, slots=True)
class GateFound:
    """What the room is like: from so loud on it is a note."""

    gate_db: float


@dataclass(frozen=True, slots=True)
class VoiceState:
    """How the microphone stands, for the window."""

    wanted: str = OFF
    """The microphone chosen: "" the system's default, OFF none."""
    device: str = ""
    """The open one; "" while there is none."""
    problem: str = ""
    """One sentence: why it isn't open, and what to do."""
    level_db: float = SILENT_DB
    """The loudest of the last moment, below full scale."""
    clips: bool = False
    """Lately it was too loud for the microphone's input."""
    latency_ms: float = 0.0
    """From the air to the program, as the audio system says; the measured offset is added."""
    waits_ms: float = 0.0
    """So long after its beginning a note is known, as a rule: the grid waits for it."""
    hears_band: bool = False
    """The band is heard in it louder than the gate."""
    lost_blocks: int = 0
    """Blocks of sound that were lost on their way."""
    keeps: str = ""
    """The file that its sound is written to."""
    line: tuple[tuple[float, float], ...] = ()
    """(second, MIDI number with its fraction) of the tone of the last seconds; NaN between two."""


NO_VOICE = VoiceState()
