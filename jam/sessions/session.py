"""What a session is: frozen records, pure.

Times in seconds count from the session's start: frame 0, the first bar line, falls at 0.0 s, a
count-in is negative. The session's tempo map counts the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from jam.messages.notes import ExpressionEvent, PedalEvent, PlayedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SongChange
from jam.music.grid import Meter, TempoMap
from jam.music.key import key_name as name_of_key
from jam.music.rows import Row
from jam.performance.take import Take, live_symbols
from jam.settings import JamSettings

State = Literal["recording", "complete", "recovered", "deleted"]
MomentKind = Literal["good", "bad", "marker"]
TakeKind = Literal["live", "re-voiced", "re-harmonised", "re-played", "imported", "rewritten"]
Level = Literal["melody", "chords", "texture", "performance", "sound", "mix"]
LEVELS: tuple[Level, ...] = ("melody", "chords", "texture", "performance", "sound", "mix")
"""What a take is made of, from what is composed down to what sounds; each rests on those before."""
OWN_MELODY: TakeKind = "rewritten"
"""Takes of this kind have a melody of their own; that of all others is the session's."""
STATES: tuple[State, ...] = ("recording", "complete", "recovered", "deleted")
MAX_RATING = 5
LIVE_TAKE = 0
"""The id of the take that a session begins with: what sounded (or was imported)."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session as the list shows it.

    bpm, meter, style (the accompaniment's name): those it began with. key: (tonic, is_minor),
    found at the end; None before, and where no melody was played. rating: 0 (none) to 5.
    n_notes: the player's. state "recording": it goes on, here or in another process.
    """

    id: int
    started_at: datetime
    length_s: float
    title: str
    bpm: float
    meter: Meter
    key: tuple[int, bool] | None
    style: str
    rating: int
    tags: tuple[str, ...]
    state: State
    n_notes: int
    n_bars: int

    @property
    def name(self) -> str:
        """The title; where there is none, day and time (local)."""
        return self.title or f"{self.started_at.astimezone():%Y-%m-%d %H:%M}"


@dataclass(frozen=True, slots=True)
class Made:
    """How a level of a take was made, in a few words, and with which seed."""

    level: Level
    words: str
    seed: int = 0


@dataclass(frozen=True, slots=True)
class TakeInfo:
    """One way in which a session was accompanied. `settings` and `seed` made it.

    made: of a rewritten take, what was done at which level; the newest word on a level is the last.
    """

    id: int
    name: str
    kind: TakeKind
    settings: JamSettings
    seed: int
    made: tuple[Made, ...] = ()


@dataclass(frozen=True, slots=True)
class Moment:
    """A place in a session that was rated (good, bad) or marked."""

    at_s: float
    kind: MomentKind
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlanRecord:
    """A plan as it was taken over, and when. Its confidence is kept to the nearest 1/255."""

    at_s: float
    plan: Plan


@dataclass(frozen=True, slots=True)
class SessionTake:
    """A take with its notes and chords; its tempo map is the session's."""

    info: TakeInfo
    take: Take


@dataclass(frozen=True, slots=True)
class Session:
    """Everything that a session holds; everything in order of time."""

    info: SessionInfo
    tempo_map: TempoMap
    seed: int
    settings: tuple[tuple[float, JamSettings], ...]
    """(at_s, settings): those that it began with, then each change."""
    notes: Sequence[PlayedNote]
    """The player's, in seconds; a key that was held at the end has end_s None."""
    pedals: tuple[PedalEvent, ...]
    rows: tuple[Row, ...]
    """One a frame, from frame 0."""
    plans: Sequence[PlanRecord]
    counters: tuple[tuple[float, Counters], ...]
    """(at_s, counters), since the session's start, whenever one of them grew."""
    moments: tuple[Moment, ...]
    takes: tuple[SessionTake, ...]
    """At least one: that of LIVE_TAKE comes first."""
    songs: tuple[SongChange, ...] = ()
    """Each song that was played, and each version of it."""
    sources: tuple[tuple[int, str], ...] = ()
    """(frame, one of SOURCES) wherever chords begin to come from another one; at first the agent's.
    """
    expression: tuple[ExpressionEvent, ...] = ()
    """What the player moved besides the sustain pedal: bends, wheels, pedals, aftertouch."""


def as_written(session: Session) -> Session:
    """The session with the symbols of the songs that were played in its live take.

    They are derived, not kept: what is kept is the songs and the chords that sounded.
    """
    live, *others = session.takes
    if live.take.symbols or not session.songs:
        return session
    found = live_symbols(live.take.chords, session.tempo_map, session.songs)
    take = replace(live.take, symbols=found)
    return replace(session, takes=(replace(live, take=take), *others))


def key_name(key: tuple[int, bool] | None) -> str:
    """ "A minor", "Bb major"; "" where no key was found."""
    return "" if key is None else name_of_key(key)
