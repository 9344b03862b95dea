"""Notes: on the grid, in seconds, planned, played, and as they were handed to the sound."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a finished piece of music, on the grid of its tempo map.

    Frames are floats: who plays is a little early or late. part: "player", "chords", "bass" or
    "drums"; in a MIDI file, its track. instrument (program) and channel: a file's, from 0.
    """

    start_frame: float
    end_frame: float
    pitch: int
    velocity: int
    part: str = ""
    instrument: int = 0
    channel: int = 0


def by_part(notes: Iterable[Note]) -> dict[str, tuple[Note, ...]]:
    """The notes of every part, in the order in which they are given."""
    parts: dict[str, list[Note]] = {}
    for note in notes:
        parts.setdefault(note.part, []).append(note)
    return {part: tuple(played) for part, played in parts.items()}


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
    """The player's sustain pedal: the first goes down, or the last comes up, of all devices."""

    down: bool
    at_s: float
    channel: int = 0


BEND, PRESSURE, KEY_PRESSURE, CONTROLLER = "bend", "pressure", "key pressure", "control"
EXPRESSIONS = (BEND, PRESSURE, KEY_PRESSURE, CONTROLLER)


@dataclass(frozen=True, slots=True)
class Expression:
    """What shapes the player's sound besides notes and the sustain pedal: one MIDI message.

    kind: one of EXPRESSIONS. number: of a controller (1 modulation, 7 volume, 11 expression, 66
    sostenuto, 67 soft pedal), the key of a key's pressure (polyphonic aftertouch), else 0. value:
    0 to 127; of the pitch bend 0 to 16383, 8192 at rest.
    """

    kind: str
    number: int
    value: int


@dataclass(frozen=True, slots=True)
class ExpressionEvent:
    """The player bends, presses, turns a wheel or moves a pedal."""

    expression: Expression
    at_s: float
    channel: int = 0


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


PlayerEvent = NoteEvent | PedalEvent | ExpressionEvent
"""What a player does, as it is recorded."""

AGENT, SONG, HAND = "agent", "song", "hand"
SOURCES = (AGENT, SONG, HAND)
"""Who says a chord: the agent, a song, the player's left hand."""


@dataclass(frozen=True, slots=True)
class ChordSpan:
    """A chord of the plan or of the past, for the screen: from start to end frame."""

    symbol: str
    start_frame: int
    end_frame: int
    committed: bool
    confidence: float = 1.0
    source: str = AGENT


@dataclass(frozen=True, slots=True)
class ExpectedNote:
    """A note that the agent expects of the player: from start to end frame."""

    pitch: int
    start_frame: int
    end_frame: int


@dataclass(frozen=True, slots=True)
class TimedExpression:
    """Expression of the player's to be played back, in seconds of its session."""

    expression: Expression
    at_s: float


@dataclass(frozen=True, slots=True)
class TimedNote:
    """A note to be played back, in seconds of its session."""

    part: str
    pitch: int
    velocity: int
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class SoundedNote:
    """A note-on or note-off: when it was due, and when synth and MIDI output had taken it over.

    part: "chords", "bass", "drums", "solo" or "metronome"; velocity 0 is the note-off. due_s is its
    place in the music, and lead_s how much before that it was to be sent (the latency offset).
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
