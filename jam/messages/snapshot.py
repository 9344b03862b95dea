"""What the stage tells the window: how it stands now, and what has happened for the record."""

from __future__ import annotations

from dataclasses import dataclass

from jam.messages.commands import EVERY_INPUT
from jam.messages.notes import (
    ChordSpan,
    ExpectedNote,
    PlannedNote,
    PlayedNote,
    PlayerEvent,
    SoundedNote,
)
from jam.messages.plans import Plan
from jam.messages.servers import NO_SERVER, ServerState
from jam.messages.sync import NOT_SYNCED, SyncState
from jam.messages.voice import NO_VOICE, OFF, VoiceState
from jam.music.grid import TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.role import Turn
from jam.music.rows import Row
from jam.music.song import Song
from jam.settings import JamSettings

SET_BY_JACK = "set by JACK"
"""What is said of a buffer that is JACK's own."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the status line and the log tell of the engine's health."""

    plans: int = 0
    late_plans: int = 0
    dropouts: int = 0
    plan_ms: float = 0.0
    scheduler_error_ms: float = 0.0
    dropped_messages: int = 0
    agent_restarts: int = 0
    voices: int = 0
    """Voices that the synth sounds now: notes, and what rings on of them."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """What is open now, in words for the user; empty where there is nothing."""

    midi_api: str = ""
    midi_inputs: tuple[str, ...] = ()
    midi_outputs: tuple[str, ...] = ()
    available_inputs: tuple[str, ...] = ()
    available_outputs: tuple[str, ...] = ()
    audio: str = ""
    """The open audio device; "" while there is no sound."""
    audio_latency_ms: float = 0.0
    """From the synth to the air: reported by the audio system, not measured, and at least one
    buffer. FluidSynth's own driver reports nothing; there it is two buffers."""
    wanted_inputs: tuple[str, ...] = EVERY_INPUT
    """What was chosen, whether it is there or not."""
    problems: tuple[str, ...] = ()
    """One sentence each: what is missing, and what to do."""
    wanted_outputs: tuple[str, ...] = ()
    wanted_audio: str = ""
    """The audio device chosen: "" the system's default, "none" silence."""
    wanted_soundfont: str = ""
    """The SoundFont chosen, by name or path; "" is the usual one."""
    soundfont: str = ""
    """Path of the one that sounds; "" while nothing does."""
    wanted_rate: int = 0
    """The sample rate chosen in Hz; 0 is the device's own."""
    available_audio: tuple[str, ...] = ()
    """Names that can be chosen, as of the last look: at the start, whenever a device is opened or
    lost, and at `ListAudio`."""
    sample_rate: int = 0
    """Of the open device, in Hz."""
    block_frames: int = 0
    """Of the open device: so many frames are rendered at once; 0 where it doesn't tell."""
    wanted_block: int = 0
    """The buffer chosen, in frames: what is open may have its own."""
    audio_rates: tuple[int, ...] = ()
    """Sample rates that the open device takes."""
    audio_blocks: tuple[int, ...] = ()
    """Buffers, in frames, that can be chosen for the open device; none where JACK leads."""
    key_to_synth_ms: float = 0.0
    """Measured: median time from the MIDI callback to the synth's note-on over the player's last
    notes; 0 before the first."""
    key_to_synth_worst_ms: float = 0.0
    """The longest of the same notes."""
    midi_heard: bool = False
    """A note has come in at a MIDI port."""
    available_microphones: tuple[str, ...] = ()
    """As `available_audio`."""
    wanted_microphone: str = OFF
    wanted_agent_server: str = ""

    @property
    def jack_leads(self) -> bool:
        """The buffer is JACK's own: it is chosen there."""
        return bool(self.audio) and not self.audio_blocks

    @property
    def latency_ms(self) -> float:
        """From the MIDI callback to the air: what is measured and what is reported; 0 if silent."""
        return self.audio_latency_ms + self.key_to_synth_ms if self.audio else 0.0


@dataclass(frozen=True, slots=True)
class PlaybackState:
    """What is loaded for playing back, and where it is.

    `jam.stage.transport.position_at` says where now.

    name: as it was given when it was loaded. position_s: at `at_s` of jam.clock. Positions count
    as the session's own seconds do, whatever the speed (1.0: as it was recorded). loop: (from,
    to), or None.
    """

    name: str
    playing: bool
    position_s: float
    at_s: float
    speed: float
    loop: tuple[float, float] | None
    start_s: float
    end_s: float
    muted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The stage's state at one moment, all that the window draws. Sent whenever it changes.

    `running` is False between stop and start. The position now is
    `tempo_map.position_at(clock.now_s())`: the window reads the same clock.
    phase: "stopped", "count-in", "listening", "playing", "resting" (the player has stopped) or
    "behind" (the plan ran out).
    """

    seq: int
    running: bool
    phase: str
    at_s: float
    tempo_map: TempoMap
    settings: JamSettings
    listen_until_frame: int = 0
    committed_until_frame: int = 0
    plan_end_frame: int = 0
    planned: tuple[PlannedNote, ...] = ()
    """Of the recent past, the present and the plan; the drums, which have no keys, are left out."""
    chords: tuple[ChordSpan, ...] = ()
    form: PlaceInForm | None = None
    """Of the bar that is open; None where no song is played."""
    turn: Turn | None = None
    """Whose turn it is; None where the agent only accompanies."""
    expected: tuple[ExpectedNote, ...] = ()
    """What the agent expects the player to play, as of the newest plan."""
    practises: bool = False
    """What is expected is a tune that the player practises: it is to be played."""
    played: tuple[PlayedNote, ...] = ()
    """Of the recent past, and everything held now."""
    agent_state: str = "loading"
    """"loading", "ready", "restarted" or "gone"; `agent_name` says which predictor."""
    agent_name: str = ""
    agent_models: tuple[str, ...] = ()
    """Which values of the setting `model` the agent has loaded; empty until it is ready."""
    agent_waiting_s: float = 0.0
    """How long the request that is under way has been waiting for its answer."""
    counters: Counters = Counters()
    devices: DeviceState = DeviceState()
    message: str = ""
    """The newest thing that the user should know; "" when there is none."""
    playback: PlaybackState | None = None
    """None while nothing is loaded for playing back, and while a jam is running."""
    voice: VoiceState = NO_VOICE
    sync: SyncState = NOT_SYNCED
    """Where the beat comes from, and how it stands."""
    server: ServerState = NO_SERVER
    """How the line to a server of agents stands, as of the agent's last word."""


@dataclass(frozen=True, slots=True)
class SongChange:
    """From `at_s` on this song is played, or another version of it; None: the agent alone.

    Its first bar is bar number `first_bar` of the session; a negative one is that of a song that
    goes on from its midst.
    """

    at_s: float
    song: Song | None
    first_bar: int = 0


@dataclass(frozen=True, slots=True)
class SessionLog:
    """What happened since the last log, for recording; sent a few times a second."""

    session: int = 0
    """Number of the session since the program started; 0 for what happens between two."""
    at_s: float = 0.0
    seed: int = 0
    ended: bool = False
    """This is the session's last log."""
    settings: tuple[tuple[float, JamSettings], ...] = ()
    """(at_s, settings) with which the session began, and of each change."""
    counters: Counters | None = None
    """As they are now, since the program started."""
    played: tuple[PlayerEvent, ...] = ()
    sounded: tuple[SoundedNote, ...] = ()
    plans: tuple[Plan, ...] = ()
    rows: tuple[tuple[int, Row], ...] = ()
    tempo_map: TempoMap | None = None
    songs: tuple[SongChange, ...] = ()
    voice_file: str = ""
    """In a session's first log: where the microphone's sound is being written."""
    sources: tuple[tuple[int, str], ...] = ()
    """(frame, one of SOURCES) wherever chords begin to come from another one; at first the agent's.
    """


@dataclass(frozen=True, slots=True)
class StageFailed:
    """A device that was asked for by name doesn't exist (status 2), or the stage broke (1)."""

    message: str
    exit_status: int
