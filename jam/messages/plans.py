"""What stage and agent say to each other: a frame was closed, and the plan from there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from jam.messages.notes import ExpectedNote
from jam.messages.servers import NO_SERVER, ServerState
from jam.music.chord import Chord
from jam.music.grid import Place
from jam.music.rows import ChordState, MelodyState, Row
from jam.settings import JamSettings


@dataclass(frozen=True, slots=True)
class Solo:
    """The melody that the agent is to play itself, as its role has it (`jam.roles`).

    spans: (first frame, frame after the last) that are the agent's, in order; the last may reach
    beyond the plan. known: what of them never changes any more, by frame. echo_bars: the phrase to
    take up lies so many bars back, 0 for none. notes_a_beat, mean_pitch: about so dense and so
    high, None as it likes. lowest, highest: its range. begins: each span begins with a note.
    """

    spans: tuple[tuple[int, int], ...]
    known: Mapping[int, MelodyState] = field(default_factory=dict)
    echo_bars: int = 0
    notes_a_beat: float | None = None
    mean_pitch: float | None = None
    lowest: int = 55
    highest: int = 84
    begins: bool = False

    def is_mine(self, frame: int) -> bool:
        """Whether the melody of a frame is the agent's."""
        return any(start <= frame < end for start, end in self.spans)

    def begins_at(self, frame: int, place: Place) -> bool:
        """Whether a note has to begin there: on the first eighth of a span that begins with one."""
        half = max(1, place.meter.frames_per_beat // 2)
        if not self.begins or place.frame_in_bar % half:
            return False
        return any(start <= frame < start + half for start, _ in self.spans)

    def frames_left(self, frame: int) -> int | None:
        """Of the span that a frame is in, the frame itself included; None outside."""
        return next((end - frame for start, end in self.spans if start <= frame < end), None)


@dataclass(frozen=True, slots=True)
class InForm:
    """What the form says of a frame. closes: a phrase comes to its end in this bar. again: the
    frame at the same place of the section with the same name that was last; None without one."""

    closes: bool = False
    again: int | None = None


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A frame was closed: what the stage tells the agent.

    rows: those closed since the last request, the first of them of frame `first_frame`.
    committed: chord states of the frames from the next one to the commit point.
    places: place in the metre of every frame from `first_frame` to the end of the lookahead.
    silent_until_frame: the end of listening; before it nothing the agent plans is played.
    fixed: what a song has from the next frame to the end of the lookahead (None: nothing);
    it is struck where another chord sounded before. Empty without a song.
    goals: (frame, chord) where a song goes on after frames that it leaves free, to a bar beyond the
    lookahead: what is planned before leads there.
    form_bars: length of the song's form, all repeats played out; None where no song is played.
    form: of the frames from the next one to the lookahead's end; empty where no song is played.
    barred: (first frame, frame after the last, chord) that the player won't have there.
    solo: where the agent plays the melody itself; None where it only accompanies.
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
    fixed: tuple[ChordState | None, ...] = ()
    goals: tuple[tuple[int, Chord], ...] = ()
    form_bars: int | None = None
    barred: tuple[tuple[int, int, Chord], ...] = ()
    solo: Solo | None = None
    form: tuple[InForm, ...] = ()

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
    solo: tuple[MelodyState | None, ...] = ()
    """What the agent plays itself, from `start_frame` on; None where the melody isn't its own."""

    @property
    def end_frame(self) -> int:
        return self.start_frame + len(self.chords)

    def expected_notes(self) -> tuple[ExpectedNote, ...]:
        """The expected melody as notes."""
        notes, melody = [], self.expected_melody
        start = 0
        for i in range(1, len(melody) + 1):
            if i < len(melody) and not melody[i].onset and melody[i].pitch == melody[start].pitch:
                continue
            if (pitch := melody[start].pitch) is not None:
                span = self.start_frame + start, self.start_frame + i
                notes.append(ExpectedNote(pitch, *span))
            start = i
        return tuple(notes)


@dataclass(frozen=True, slots=True)
class AgentReady:
    """The predictor is loaded, or another has taken over.

    models: the values of the setting `model` that can be played. delay_s: so long before it is
    wanted a plan has to be asked for, where it comes from far away.
    """

    name: str
    message: str = ""
    models: tuple[str, ...] = ()
    delay_s: float = 0.0
    server: ServerState = NO_SERVER


@dataclass(frozen=True, slots=True)
class AgentRequest:
    """A request of session number `session`, whose dice are pinned to `seed`."""

    session: int
    seed: int
    request: PlanRequest


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """A plan; None where the request couldn't be answered (the history has to be sent again)."""

    session: int
    plan: Plan | None
