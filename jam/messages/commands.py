"""What the window tells the stage, and the choice of devices.

Times in seconds are of `jam.clock`, frames are of the session's `TempoMap`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from jam.errors import BadInput
from jam.messages.notes import TimedExpression, TimedNote
from jam.messages.servers import host_of
from jam.messages.voice import OFF
from jam.music.song import Song
from jam.settings import JamSettings

EVERY_INPUT: tuple[str, ...] = ("*",)
"""Chosen as MIDI inputs: every MIDI keyboard there is, now and later."""
SAMPLE_RATES = (44100, 48000, 88200, 96000)
BLOCK_SIZES = (64, 128, 256, 512, 1024, 2048)


# Commands: window or command line to stage.


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a session; the seed pins the dice."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class TapBeat:
    """A beat of a count-in: as many as are counted before a bar set the tempo, and start the jam
    where none is running. See `jam.sync.count_in`."""

    at_s: float


@dataclass(frozen=True, slots=True)
class Stop:
    """End the session: every note off."""


@dataclass(frozen=True, slots=True)
class Quit:
    """All notes off, everything closed, the process ends."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence everything everywhere at once; the session goes on."""


CUES = ("intro", "variation", "fill", "break", "ending", "last")
"""What the band can be asked for: the parts coming in one after another, other bars, a fill of the
drums, a bar of which only the first beat is struck, a cadence and rest, the same after this chorus
of the song (again: not so)."""


@dataclass(frozen=True, slots=True)
class Cue:
    """Ask the band for one of CUES, from the next bar line that isn't committed yet."""

    wanted: str


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    settings: JamSettings


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep the last whole bars as the song from here on, round and round.

    bars: None leaves it to the form that is found in what was played.
    """

    bars: int | None = None


@dataclass(frozen=True, slots=True)
class JudgeChord:
    """Of a chord to come, by the frame of its onset: it stays, or another is planned instead.

    What is committed of it stays in any case.
    """

    start_frame: int
    stays: bool


@dataclass(frozen=True, slots=True)
class UseSong:
    """Have this song fix the chords, None: nothing but the agent.

    Between two sessions: from the first bar of the next one. In a session: another version of the
    song that is played goes on where that is; where none is played it begins with the first bar
    line beyond what is committed. first_bar: the bar of the session with which it begins, where it
    isn't to be so.
    """

    song: Song | None
    first_bar: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceChoice:
    """Which devices are to be open, by name. Raises BadInput for a rate or buffer there isn't.

    A name that is required must be there at the start (else BadInput); one that is only
    remembered is waited for, and meanwhile the default device plays.
    """

    audio: str = ""
    """A name or part of one, empty for the system's default, "none" for silence, or
    "fluidsynth:DRIVER"."""
    sample_rate: int = 0
    """In Hz; 0 is the device's own."""
    block_frames: int = 256
    midi_inputs: tuple[str, ...] = EVERY_INPUT
    midi_outputs: tuple[str, ...] = ()
    midi_api: str = "auto"
    midi_required: bool = True
    audio_required: bool = True
    soundfont: str = ""
    """The name of a SoundFont's file in the usual folders, or its path; empty for the usual one."""
    microphone: str = OFF
    """A name or part of one, empty for the system's default, OFF for none."""
    agent_server: str = ""
    """Address of a server of agents that plans where it can in time; empty for none."""

    def __post_init__(self) -> None:
        host_of(self.agent_server)
        if self.sample_rate not in (0, *SAMPLE_RATES):
            raise BadInput(f"sample rate {self.sample_rate}: must be one of {SAMPLE_RATES}")
        if self.block_frames not in BLOCK_SIZES:
            raise BadInput(f"audio buffer {self.block_frames}: must be one of {BLOCK_SIZES}")

    def after(self, command: SelectDevices) -> DeviceChoice:
        """With what a command chooses, the rest as it is. Raises BadInput."""
        given = {f.name: getattr(command, f.name) for f in fields(command)}
        return replace(self, **{name: value for name, value in given.items() if value is not None})


@dataclass(frozen=True, slots=True)
class SelectDevices:
    """Open these, by name, and close the others; None leaves as it is. See `DeviceChoice`. Raises
    BadInput for what is no address of a server.

    EVERY_INPUT opens every MIDI keyboard. Audio is opened anew when one of its four values
    changes: sound is away for some tenths of a second, the session goes on. What can't be opened
    leaves the device that was open, and `Snapshot.message` says why.
    """

    midi_inputs: tuple[str, ...] | None = None
    midi_outputs: tuple[str, ...] | None = None
    audio: str | None = None
    sample_rate: int | None = None
    block_frames: int | None = None
    soundfont: str | None = None
    microphone: str | None = None
    agent_server: str | None = None

    def __post_init__(self) -> None:
        host_of(self.agent_server or "")


@dataclass(frozen=True, slots=True)
class ListAudio:
    """Look for audio devices again; the sound isn't disturbed. They come with a snapshot."""


@dataclass(frozen=True, slots=True)
class FindGate:
    """Listen to the room for two seconds; `JamSettings.voice_gate_db` is set to what is found."""


@dataclass(frozen=True, slots=True)
class KeyInput:
    """The computer's keyboard (or the demo) plays: handled exactly as a MIDI note."""

    pitch: int
    velocity: int
    at_s: float


class PlaybackCommand:
    """What the stage is told of playing back. While a jam is running it does nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LoadTake(PlaybackCommand):
    """Have notes ready for playing back, in place of what was loaded.

    See `jam.stage.playback.load_take`.

    keeps_place: position, loop, speed and whether it plays stay as they are, for going to and
    fro between takes. settings: whose instruments and volumes are heard. expression: the player's
    bends, wheels and pedals, but for the sustain pedal, with which notes end later.
    """

    name: str
    notes: tuple[TimedNote, ...]
    start_s: float
    end_s: float
    settings: JamSettings
    keeps_place: bool = False
    expression: tuple[TimedExpression, ...] = ()
    recording: str = ""
    """The file of the microphone's sound, which is heard along: its second 0 is the session's."""


@dataclass(frozen=True, slots=True)
class UnloadTake(PlaybackCommand):
    """Silence what is played back, and forget it."""


@dataclass(frozen=True, slots=True)
class Play(PlaybackCommand):
    """Play from a position; None: from where it is, or from the start when it was at the end."""

    from_s: float | None = None


@dataclass(frozen=True, slots=True)
class Pause(PlaybackCommand):
    """Every note off; the position stays."""


@dataclass(frozen=True, slots=True)
class Seek(PlaybackCommand):
    """Go on from another position, playing or not."""

    to_s: float


@dataclass(frozen=True, slots=True)
class SetSpeed(PlaybackCommand):
    """0.5 to 1.5; beyond, the nearest of them."""

    speed: float


@dataclass(frozen=True, slots=True)
class SetLoop(PlaybackCommand):
    """Play what lies between two positions over and over; None plays on."""

    loop: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class MuteParts(PlaybackCommand):
    """These parts, and no others, are silent in what is played back."""

    parts: tuple[str, ...]
