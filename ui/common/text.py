"""How chords, keys, devices, times and sessions are written."""

from __future__ import annotations

import re
from datetime import datetime

from PyQt6.QtGui import QKeySequence

from jam.clock import date_now
from jam.messages.snapshot import DeviceState
from jam.music.grid import TempoMap
from jam.sessions.session import (
    LEVELS,
    MAX_RATING,
    Level,
    MomentKind,
    SessionInfo,
    TakeInfo,
    TakeKind,
    key_name,
)

BAND_COMES_IN = "band comes in"
OWN_PORT = "jam "
"""How the names of the program's own virtual ports begin."""
_ACCIDENTAL = re.compile(r"(?<=[A-H])[#b]+|[#b](?=\d)")
"""Behind a note's name, and before a number."""
_SIGNS = str.maketrans("#b", "♯♭")
_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
"""In the language of all other words, whatever the system's is."""


# Chords, keys of the computer, devices


def percent(share: float) -> str:
    """ "62 %"."""
    return f"{share:.0%}".replace("%", " %")


def pretty_symbol(symbol: str) -> str:
    """A chord symbol with real accidentals, as musicians write it: "Bbm7b5/Ab" to "B♭m7♭5/A♭"."""
    return _ACCIDENTAL.sub(lambda found: found[0].translate(_SIGNS), symbol)


def shown_key(key: str) -> str:
    """A key by the name that it has on this system's keyboards."""
    return QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText)


def hardware_inputs(devices: DeviceState) -> tuple[str, ...]:
    """The inputs that are open, without the program's own virtual port, which always is."""
    return tuple(name for name in devices.midi_inputs if not name.startswith(OWN_PORT))


# Sessions


def length_text(seconds: float) -> str:
    """ "4:32"; "1:02:03" where it lasted an hour."""
    return clock_text(max(0, round(seconds)))


def clock_text(seconds: int) -> str:
    """The same of whole seconds."""
    hours, rest = divmod(seconds, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{secs:02}" if hours else f"{minutes}:{secs:02}"


def date_text(at: datetime) -> str:
    """Day and time here."""
    here = at.astimezone()
    return f"{here.day} {_MONTHS[here.month - 1]} {here:%Y, %H:%M}"


def short_date_text(at: datetime) -> str:
    """Time and day here, what differs first; the year only where it isn't this one."""
    here = at.astimezone()
    year = "" if here.year == date_now().astimezone().year else f" {here.year}"
    return f"{here:%H:%M}, {here.day} {_MONTHS[here.month - 1]}{year}"


def stars(rating: int) -> str:
    """ "★★★" and as many empty ones as are left; "" for none."""
    return "★" * rating + "☆" * (MAX_RATING - rating) if rating else ""


def key_text(key: tuple[int, bool] | None) -> str:
    """ "B♭ major"; "" where none was found."""
    name = key_name(key)
    head, _, mode = name.partition(" ")
    return f"{pretty_symbol(head)} {mode}" if name else ""


def summary(info: SessionInfo, style: str) -> str:
    """All about a session in a line."""
    parts = [
        date_text(info.started_at),
        length_text(info.length_s),
        f"{info.bpm:g} bpm",
        str(info.meter),
        key_text(info.key),
        style,
        f"{info.n_bars} bar{'' if info.n_bars == 1 else 's'}",
        {"recovered": "recovered", "recording": "recording"}.get(info.state, ""),
    ]
    return "  ·  ".join(part for part in parts if part)


MARK_AS: dict[MomentKind, str] = {"good": "Mark as good", "bad": "Mark as bad", "marker": "Mark"}
TAKE_KINDS: dict[TakeKind, str] = {
    "live": "as played",
    "re-voiced": "same chords, another style",
    "re-harmonised": "reharmonised",
    "re-played": "played again live",
    "imported": "imported",
    "rewritten": "rewritten",
}


def newest_levels(take: TakeInfo) -> dict[Level, str]:
    """What each level of a take is made of, from the melody down; none where it is as it was."""
    newest = {made.level: made.words for made in take.made}
    return {level: newest[level] for level in LEVELS if level in newest}


def take_summary(take: TakeInfo, style: str) -> str:
    """What there is to know of a take beside its session: how it was made, and with what."""
    parts = [TAKE_KINDS[take.kind], style]
    if take.kind in ("re-harmonised", "re-played"):
        parts.append(f"seed {take.seed}")
    parts += (f"{level}: {words}" for level, words in newest_levels(take).items())
    return "Take: " + ", ".join(parts)


def position_text(tempo_map: TempoMap, at_s: float, end_s: float) -> str:
    """Bar and beat, and seconds."""
    position = int(tempo_map.position_at(at_s) + 1e-6)
    tenths = int(10 * max(0.0, at_s) + 1e-6)
    clock = f"{clock_text(tenths // 10)}.{tenths % 10} / {length_text(end_s)}"
    if position < 0 or at_s < 0:
        return f"count-in   {clock}"
    place = tempo_map.place(position)
    return f"bar {place.bar + 1}.{place.beat + 1}   {clock}"
