"""What is handed from one step, thread or process to the next: frozen, picklable, no behaviour.

Times in seconds are of `jam.clock`, frames are of the session's `TempoMap`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from jam.grid import Place, TempoMap
from jam.rows import ChordState, MelodyState, Row
from jam.settings import JamSettings


@dataclass(frozen=True, slots=True)
class NoteEvent:
    """A key of the player went down, or (velocity 0) came up; both carry the same note_id.

    at_s: the first line of the MIDI callback. heard_s: when the synth had taken it over.
    """

    note_id: int
    pitch: int
    velocity: int
    at_s: float
    channel: int = 0
    heard_s: float = 0.0


@dataclass(frozen=True, slots=True)
class PedalEvent:
    """The player's sustain pedal."""

    down: bool
    at_s: float
    channel: int = 0


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A frame was closed: what the stage tells the agent.

    rows: those closed since the last request, the first of them of frame `first_frame`.
    committed: chord states of the frames from the next one to the commit point.
    places: place in the metre of every frame from `first_frame` to the end of the lookahead.
    silent_until_frame: the end of listening; before it nothing the agent plans is played.
    due_s: when the first frame begins that isn't committed, on jam's clock: a plan that comes later
    is late.
    """

    first_frame: int
    rows: tuple[Row, ...]
    committed: tuple[ChordState, ...]
    places: tuple[Place, ...]
    lookahead_frames: int
    commit_frames: int
    silent_until_frame: int
    settings: JamSettings
    due_s: float = math.inf

    @property
    def next_frame(self) -> int:
        """The first frame that is to be planned."""
        return self.first_frame + len(self.rows)


@dataclass(frozen=True, slots=True)
class Plan:
    """The agent's answer: chords and expected melody of frames start_frame, start_frame + 1, …

    Frames before `committed_until_frame` never change again. `confidence` is the probability
    that the predictor gave to each chord state (1.0 where it was already committed earlier and
    not computed anew).
    """

    made_at_frame: int
    start_frame: int
    committed_until_frame: int
    chords: tuple[ChordState, ...]
    expected_melody: tuple[MelodyState, ...]
    confidence: tuple[float, ...]
    predictor: str = ""
    compute_s: float = 0.0
    taken_s: float = 0.0
    """When the stage had taken it over."""

    @property
    def end_frame(self) -> int:
        return self.start_frame + len(self.chords)


@dataclass(frozen=True, slots=True)
class PlannedNote:
    """A note of the accompaniment that will sound (or does, or did) from start to end frame.

    Frames are floats: a swung note starts between two frames.

    note_id is the same in every plan for the same part, pitch and start, so a plan that is made
    again keeps the notes that it keeps.
    """

    note_id: int
    pitch: int
    velocity: int
    start_frame: float
    end_frame: float
    part: str
    committed: bool
    confidence: float = 1.0


@dataclass(frozen=True, slots=True)
class PlayedNote:
    """A note that the player played; end_s is None while the key is down."""

    note_id: int
    pitch: int
    velocity: int
    start_s: float
    end_s: float | None = None


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord of the plan or of the past, for the screen: from start to end frame."""

    symbol: str
    start_frame: int
    end_frame: int
    committed: bool
    confidence: float = 1.0


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


EVERY_INPUT: tuple[str, ...] = ("*",)
"""Chosen as MIDI inputs: every MIDI keyboard there is, now and later."""


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
    wanted_rate: int = 0
    """The sample rate chosen in Hz; 0 is the device's own."""
    available_audio: tuple[str, ...] = ()
    """Names that can be chosen, as of the last look: at the start, whenever a device is opened or
    lost, and at `ListAudio`."""
    sample_rate: int = 0
    """Of the open device, in Hz."""
    block_frames: int = 0
    """Of the open device: so many frames are rendered at once."""
    audio_rates: tuple[int, ...] = ()
    """Sample rates that the open device takes."""
    audio_blocks: tuple[int, ...] = ()
    """Buffers, in frames, that can be chosen for the open device."""
    key_to_synth_ms: float = 0.0
    """Measured: median time from the MIDI callback to the synth's note-on over the player's last
    notes; 0 before the first."""
    key_to_synth_worst_ms: float = 0.0
    """The longest of the same notes."""

    @property
    def latency_ms(self) -> float:
        """From the MIDI callback to the air: what is measured and what is reported; 0 if silent."""
        return self.audio_latency_ms + self.key_to_synth_ms if self.audio else 0.0


@dataclass(frozen=True, slots=True)
class PlaybackState:
    """What is loaded for playing back, and where it is; `jam.transport.position_at` says where now.

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


# Commands: window or command line to stage.


@dataclass(frozen=True, slots=True)
class Start:
    """Begin a session; the seed pins the dice."""

    seed: int = 0


@dataclass(frozen=True, slots=True)
class Stop:
    """End the session: every note off."""


@dataclass(frozen=True, slots=True)
class Quit:
    """All notes off, everything closed, the process ends."""


@dataclass(frozen=True, slots=True)
class Panic:
    """Silence everything everywhere at once; the session goes on."""


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    settings: JamSettings


@dataclass(frozen=True, slots=True)
class SelectDevices:
    """Open these, by name, and close the others; None leaves as it is.

    EVERY_INPUT opens every MIDI keyboard. Audio is opened anew when one of its three values
    changes: sound is away for some tenths of a second, the session goes on. What can't be opened
    leaves the device that was open, and `Snapshot.message` says why.
    """

    midi_inputs: tuple[str, ...] | None = None
    midi_outputs: tuple[str, ...] | None = None
    audio: str | None = None
    """A name or part of one, "" for the system's default, "none" for silence."""
    sample_rate: int | None = None
    """In Hz; 0 is the device's own."""
    block_frames: int | None = None


@dataclass(frozen=True, slots=True)
class ListAudio:
    """Look for audio devices again; the sound isn't disturbed. They come with a snapshot."""


@dataclass(frozen=True, slots=True)
class KeyInput:
    """The computer's keyboard (or the demo) plays: handled exactly as a MIDI note."""

    pitch: int
    velocity: int
    at_s: float


@dataclass(frozen=True, slots=True)
class TimedNote:
    """A note to be played back, in seconds of its session."""

    part: str
    pitch: int
    velocity: int
    start_s: float
    end_s: float


class PlaybackCommand:
    """What the stage is told of playing back. While a jam is running it does nothing."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class LoadTake(PlaybackCommand):
    """Have notes ready for playing back, in place of what was loaded; see `jam.playback.load_take`.

    keeps_place: position, loop, speed and whether it plays stay as they are, for going to and
    fro between takes. settings: whose instruments and volumes are heard.
    """

    name: str
    notes: tuple[TimedNote, ...]
    start_s: float
    end_s: float
    settings: JamSettings
    keeps_place: bool = False


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


@dataclass(frozen=True, slots=True)
class SoundedNote:
    """A note-on or note-off: when it was due, and when synth and MIDI output had taken it over.

    part: "chords", "bass", "drums" or "metronome"; velocity 0 is the note-off. due_s is its place
    in the music, and lead_s how much before that it was to be sent (the latency offset).
    """

    note_id: int
    pitch: int
    velocity: int
    part: str
    due_s: float
    sent_s: float
    lead_s: float = 0.0

    @property
    def late_s(self) -> float:
        """How long after the moment at which it was to be sent it was."""
        return self.sent_s - (self.due_s - self.lead_s)


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
    played: tuple[NoteEvent | PedalEvent, ...] = ()
    sounded: tuple[SoundedNote, ...] = ()
    plans: tuple[Plan, ...] = ()
    rows: tuple[tuple[int, Row], ...] = ()
    tempo_map: TempoMap | None = None
