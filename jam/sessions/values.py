"""Plain values of any origin (JSON, a library's rows) as what a session holds: strict.

Everything here raises BadInput that says what is wrong.
"""

from __future__ import annotations

import reprlib
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

from jam.errors import BadInput
from jam.limits import LABEL_CHARACTERS, SESSION_SECONDS
from jam.messages.notes import Note, PedalEvent, PlayedNote
from jam.messages.snapshot import Counters
from jam.music.rows import REST, MelodyState
from jam.preferences import settings_from_json
from jam.sessions.session import MOMENT_KINDS, TAKE_KINDS, Moment, TakeInfo
from jam.settings import JamSettings

MAX_FRAME = 20_000_000
"""A week of the fastest music."""
PARTS = ("chords", "bass", "drums")


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
    return one_line(text_of(value)[: 4 * LABEL_CHARACTERS])[:LABEL_CHARACTERS].strip()


def object_of(value: Any, what: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{what}: not an object of names and values")
    return value


def list_of(value: Any, length: int) -> list[Any]:
    if not isinstance(value, list) or len(value) != length:
        raise BadInput(f"{reprlib.repr(value)}: not a list of {length}")
    return value


def text_of(value: Any) -> str:
    if not isinstance(value, str):
        raise BadInput(f"{reprlib.repr(value)}: not a text")
    return value


def number_of(value: Any, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise BadInput(f"{reprlib.repr(value)}: must be a number between {low:g} and {high:g}")
    return float(value)


def whole_of(value: Any, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise BadInput(f"{reprlib.repr(value)}: must be a whole number between {low} and {high}")
    return value


def yes_of(value: Any) -> bool:
    if not isinstance(value, bool):
        raise BadInput(f"{reprlib.repr(value)}: neither true nor false")
    return value


def seed_of(value: Any) -> int:
    text = text_of(value)
    if len(text) > 40 or not text.removeprefix("-").isdecimal():
        raise BadInput(f"seed {reprlib.repr(text)}: not a whole number")
    return int(text)


def time_of(value: Any) -> float:
    return number_of(value, -SESSION_SECONDS, SESSION_SECONDS)


def frame_of(value: Any) -> int:
    return whole_of(value, -MAX_FRAME, MAX_FRAME)


def date_of(value: Any) -> datetime:
    """A moment with its time zone (UTC where it has none)."""
    try:
        date = datetime.fromisoformat(text_of(value))
        date = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
        f"{date.astimezone():%Y-%m-%d}"  # a date that every calendar has
    except (ValueError, OverflowError, OSError):
        raise BadInput(f"date {reprlib.repr(value)}: can't be read") from None
    return date


def settings_of(value: Any) -> JamSettings:
    """Settings as they were; names that this version doesn't know any more are passed over."""
    known = {f.name for f in fields(JamSettings)}
    given = object_of(value, "settings")
    settings = settings_from_json({name: v for name, v in given.items() if name in known})
    if shown_text(settings.accompaniment) != settings.accompaniment:
        raise BadInput("accompaniment: not the name of a style")
    return settings


def played_note_of(note_id: Any, pitch: Any, velocity: Any, start_s: Any, end_s: Any) -> PlayedNote:
    return PlayedNote(
        whole_of(note_id, 0, 1 << 53),
        whole_of(pitch, 0, 127),
        whole_of(velocity, 1, 127),
        time_of(start_s),
        None if end_s is None else time_of(end_s),
    )


def pedal_of(down: bool, at_s: Any, channel: Any) -> PedalEvent:
    return PedalEvent(down, time_of(at_s), whole_of(channel, 0, 15))


def note_of(part: Any, start: Any, end: Any, pitch: Any, velocity: Any) -> Note:
    return Note(
        number_of(start, -MAX_FRAME, MAX_FRAME),
        number_of(end, -MAX_FRAME, MAX_FRAME),
        whole_of(pitch, 0, 127),
        whole_of(velocity, 1, 127),
        part_of(part),
    )


def melody_of(pitch: Any, onset: Any) -> MelodyState:
    return REST if pitch is None else MelodyState(whole_of(pitch, 0, 127), yes_of(onset))


def moment_of(at_s: Any, kind: Any, text: Any) -> Moment:
    if kind not in MOMENT_KINDS:
        raise BadInput(f"{reprlib.repr(kind)}: must be one of {', '.join(MOMENT_KINDS)}")
    return Moment(time_of(at_s), kind, clean_text(text_of(text), "text"))


def counters_of(value: Any) -> Counters:
    """Counters; names that this version doesn't know are passed over."""
    known = {f.name for f in fields(Counters)}
    given = {n: v for n, v in object_of(value, "counters").items() if n in known}
    read = {
        name: number_of(v, -1e12, 1e12) if name.endswith("_ms") else whole_of(v, -1 << 40, 1 << 40)
        for name, v in given.items()
    }
    return Counters(**read)  # type: ignore[arg-type]


def take_info_of(take_id: Any, name: Any, kind: Any, settings: Any, seed: Any) -> TakeInfo:
    if kind not in TAKE_KINDS:
        raise BadInput(f"kind {reprlib.repr(kind)}: must be one of {', '.join(TAKE_KINDS)}")
    return TakeInfo(
        whole_of(take_id, 0, 1 << 30),
        clean_text(text_of(name), "name"),
        kind,
        settings_of(settings),
        seed_of(seed),
    )


def part_of(value: Any) -> str:
    if value not in PARTS:
        raise BadInput(f"part {reprlib.repr(value)}: must be one of {', '.join(PARTS)}")
    return str(value)
