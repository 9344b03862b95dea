"""What a session may hold, as types with their limits; and plain values of any origin (JSON, a
library's rows) as what it holds, checked by them.

Everything here raises BadInput that says what is wrong.
"""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import fields
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import Meta

from jam.charts.text import read_text
from jam.checked import checked
from jam.errors import BadInput
from jam.limits import (
    CHART_BYTES,
    CHORD_CHARACTERS,
    LABEL_CHARACTERS,
    MEASURES,
    SESSION_CHANGES,
    SESSION_ITEMS,
    SESSION_SECONDS,
)
from jam.messages.notes import (
    BEND,
    EXPRESSIONS,
    Expression,
    ExpressionEvent,
    Note,
    PedalEvent,
    PlayedNote,
)
from jam.messages.snapshot import Counters, SongChange
from jam.music.chord import QUALITY_NAMES, Chord
from jam.music.grid import MAX_BPM, MIN_BPM
from jam.music.rows import NO_CHORD, REST, ChordState, MelodyState
from jam.preferences import PlainSettings, settings_of_plain
from jam.sessions.session import Level, Made, Moment, MomentKind, TakeInfo, TakeKind
from jam.settings import JamSettings

MAX_FRAME = 20_000_000
SLOWEST_BPM = 1e-4
"""Of a stretch of a session: where the music waits for the player a frame may take an hour."""
"""A week of the fastest music."""
CHORDS = {Chord(r, q).symbol: Chord(r, q) for r in range(12) for q in QUALITY_NAMES}
"""By their symbols."""

# What there may be, and its limits

Time = Annotated[float, Meta(ge=-SESSION_SECONDS, le=SESSION_SECONDS)]
Seconds = Annotated[float, Meta(ge=0, le=SESSION_SECONDS)]
Frame = Annotated[int, Meta(ge=-MAX_FRAME, le=MAX_FRAME)]
PlanColumns = tuple[Time, Frame, Frame, Frame, Annotated[float, Meta(ge=0, le=1e6)]]
"""When a plan was taken over, made at, starts, is committed until; seconds that it took."""
Position = Annotated[float, Meta(ge=-MAX_FRAME, le=MAX_FRAME)]
Bpm = Annotated[float, Meta(ge=MIN_BPM, le=MAX_BPM)]
Pitch = Annotated[int, Meta(ge=0, le=127)]
Velocity = Annotated[int, Meta(ge=1, le=127)]
Channel = Annotated[int, Meta(ge=0, le=15)]
NoteId = Annotated[int, Meta(ge=0, le=1 << 53)]
TakeId = Annotated[int, Meta(ge=0, le=1 << 30)]
Probability = Annotated[float, Meta(ge=0, le=1)]
Seed = Annotated[str, Meta(pattern=r"^-?[0-9]{1,39}$")]
Part = Literal["player", "chords", "bass", "drums", "solo"]
"""The player's notes are a take's own only where it is of kind `OWN_MELODY`."""
Source = Literal["agent", "song", "hand"]
if TYPE_CHECKING:
    Symbol = str
    PlainCounters = msgspec.Struct
else:
    Symbol = Literal[tuple(CHORDS)]
    PlainCounters = msgspec.defstruct(
        "PlainCounters",
        [
            (
                f.name,
                Annotated[float, Meta(ge=-1e12, le=1e12)]
                if f.name.endswith("_ms")
                else Annotated[int, Meta(ge=-1 << 40, le=1 << 40)],
                f.default,
            )
            for f in fields(Counters)
        ],
    )
    """Counters; names that this version doesn't know are passed over."""

PlainPlayedNote = tuple[NoteId, Pitch, Velocity, Time, Time | None]
PlainPedal = tuple[bool, Time, Channel]
if TYPE_CHECKING:
    ExpressionKind = str
else:
    ExpressionKind = Literal[EXPRESSIONS]
PlainExpression = tuple[ExpressionKind, Pitch, Annotated[int, Meta(ge=0, le=16383)], Time, Channel]
PlainNote = tuple[Position, Position, Pitch, Velocity]
PlainMelody = tuple[Pitch | None, bool]
PlainChord = tuple[Symbol | None, bool]
PlainSignature = tuple[Annotated[int, Meta(ge=-7, le=7)], bool]
"""(sharps or minus flats, minor)"""
PlainSymbol = tuple[
    Annotated[int, Meta(ge=0, le=MAX_FRAME)], Annotated[str, Meta(max_length=CHORD_CHARACTERS)]
]
"""(frame, chord symbol as it was written)"""
PlainNotation = tuple[
    PlainSignature | None, Annotated[tuple[PlainSymbol, ...], Meta(max_length=SESSION_ITEMS)]
]
PlainMade = tuple[Level, Annotated[str, Meta(max_length=LABEL_CHARACTERS)], Seed]
"""(level, in a few words, seed)"""
PlainMades = Annotated[tuple[PlainMade, ...], Meta(max_length=SESSION_CHANGES)]
PlainSongChange = tuple[
    Time,
    Annotated[int, Meta(ge=-MEASURES, le=MAX_FRAME)],
    Annotated[str, Meta(max_length=CHART_BYTES)] | None,
]
"""When a song began to be played, the bar of its first bar, its text."""
PlainSource = tuple[Annotated[int, Meta(ge=0, le=MAX_FRAME)], Source]
PlainMoment = tuple[Time, MomentKind, str]
PlainSegment = tuple[
    Frame, Time, Annotated[float, Meta(ge=SLOWEST_BPM, le=MAX_BPM)], str, Frame, Frame
]
"""(start_frame, start_s, bpm, "4/4", bar_frame, bar)"""


def clean_text(text: str, what: str) -> str:
    """One line of at most LABEL_CHARACTERS characters. Raises BadInput."""
    line = one_line(text[: 4 * LABEL_CHARACTERS])
    if len(line) > LABEL_CHARACTERS or len(text) > 4 * LABEL_CHARACTERS:
        raise BadInput(f"{what}: longer than {LABEL_CHARACTERS} characters")
    return line


def one_line(text: str) -> str:
    """What of a text can be shown: control characters and line breaks become spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def shown_text(value: Any) -> str:
    """A text as it can be shown, the end of a long one left out. Raises BadInput."""
    return one_line(checked(value, str)[: 4 * LABEL_CHARACTERS])[:LABEL_CHARACTERS].strip()


def date_of(value: Any) -> datetime:
    """A moment with its time zone (UTC where it has none)."""
    try:
        date = datetime.fromisoformat(checked(value, str))
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        f"{date.astimezone():%Y-%m-%d}"  # a date that every calendar has
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"date {reprlib.repr(value)}: can't be read") from None
    return date


def settings_of(plain: PlainSettings) -> JamSettings:
    """Settings as they were; names that this version doesn't know any more are passed over."""
    settings = settings_of_plain(plain)
    if shown_text(settings.accompaniment) != settings.accompaniment:
        raise BadInput("accompaniment: not the name of a style")
    return settings


def counters_of(plain: PlainCounters) -> Counters:
    return Counters(**msgspec.structs.asdict(plain))


def melody_of(pitch: int | None, onset: bool) -> MelodyState:
    return REST if pitch is None else MelodyState(pitch, onset)


def chord_of(symbol: str | None, onset: bool) -> ChordState:
    return NO_CHORD if symbol is None else ChordState(CHORDS[symbol], onset)


def moment_of(at_s: float, kind: MomentKind, text: str) -> Moment:
    return Moment(at_s, kind, clean_text(text, "text"))


def take_info_of(
    take_id: int,
    name: str,
    kind: TakeKind,
    settings: PlainSettings,
    seed: str,
    made: Iterable[PlainMade] = (),
) -> TakeInfo:
    levels = tuple(Made(level, clean_text(words, "made"), int(dice)) for level, words, dice in made)
    return TakeInfo(
        take_id, clean_text(name, "name"), kind, settings_of(settings), int(seed), levels
    )


def note_of(part: str, start: float, end: float, pitch: int, velocity: int) -> Note:
    return Note(start, end, pitch, velocity, part)


# Rows of a library, column by column


def whole_of(value: Any, low: int, high: int, what: str) -> int:
    return int(checked(value, Annotated[int, Meta(ge=low, le=high)], what))


def number_of(value: Any, low: float, high: float, what: str) -> float:
    return float(checked(value, Annotated[float, Meta(ge=low, le=high)], what))


def played_note_of_row(*columns: Any) -> PlayedNote:
    return PlayedNote(*checked(columns, PlainPlayedNote, "note"))


def pedal_of_row(down: Any, at_s: Any, channel: Any) -> PedalEvent:
    return PedalEvent(*checked((bool(down), at_s, channel), PlainPedal, "pedal"))


def song_change_of(at_s: float, first_bar: int, text: str | None) -> SongChange:
    song = None if text is None else read_text(text).song
    return SongChange(at_s, song, first_bar)


def song_change_of_row(*columns: Any) -> SongChange:
    return song_change_of(*checked(columns, PlainSongChange, "song"))


def source_of_row(*columns: Any) -> tuple[int, str]:
    frame, source = checked(columns, PlainSource, "source")
    return frame, source


def expression_of(kind: str, number: int, value: int, at_s: float, channel: int) -> ExpressionEvent:
    """Raises BadInput for a value that only a bend may have."""
    if kind != BEND and value > 127:
        raise BadInput(f"{kind} {value}: must be at most 127")
    return ExpressionEvent(Expression(kind, number, value), at_s, channel)


def expression_of_row(*columns: Any) -> ExpressionEvent:
    return expression_of(*checked(columns, PlainExpression, "expression"))


def note_of_row(part: Any, *columns: Any) -> Note:
    return note_of(checked(part, Part, "part"), *checked(columns, PlainNote, "note"))


def moment_of_row(*columns: Any) -> Moment:
    return moment_of(*checked(columns, PlainMoment, "moment"))
