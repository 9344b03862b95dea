"""How much was practised and how it went, by day and song: a line for each session, kept when the
session itself is deleted, and deleted apart from it."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from itertools import groupby

from jam.errors import BadInput, JamError
from jam.practice.against import Wanted, wanted_of
from jam.practice.report import Report, late_text, report_of
from jam.sessions.library import Library
from jam.sessions.session import Session
from jam.sessions.values import shown_text

_AT_ONCE = 400
"""Sessions that are looked through at most when the statistics are asked for."""


@dataclass(frozen=True, slots=True)
class Practised:
    """One session's line. song: the title of the last song that was played in it, "" for none.

    late_ms, within_ms: median and half-width as in `jam.practice.timing`; chord_tones, outside:
    shares of the notes. wanted, missed, wrong, added: notes of the melody that was practised, and
    how they were played. None where there was too little to tell, and no melody.
    """

    session_id: int
    day: date
    song: str
    seconds: float
    notes: int
    late_ms: float | None = None
    within_ms: float | None = None
    chord_tones: float | None = None
    outside: float | None = None
    wanted: int | None = None
    missed: int | None = None
    wrong: int | None = None
    added: int | None = None


@dataclass(frozen=True, slots=True)
class Together:
    """Sessions of a day with one song, or all of one song. Values of timing are means, weighed by
    the notes; notes of melodies are sums."""

    day: date
    """The last one."""
    song: str
    sessions: tuple[int, ...]
    seconds: float
    notes: int
    late_ms: float | None
    within_ms: float | None
    chord_tones: float | None
    outside: float | None
    wanted: int | None = None
    missed: int | None = None
    wrong: int | None = None
    added: int | None = None

    @property
    def times(self) -> int:
        """How many sessions."""
        return len(self.sessions)


_VALUES = ("late_ms", "within_ms", "chord_tones", "outside", "wanted", "missed", "wrong", "added")
_COLUMNS = f"session_id, day, song, seconds, notes, {', '.join(_VALUES)}"


class Lines:
    """The table in a library's file; used within the library's lock (`Library.lines_written`)."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def missing(self) -> tuple[int, ...]:
        """Ended sessions that have no line yet, the newest first."""
        found = self._db.execute(
            "SELECT id FROM sessions WHERE state != 'recording' AND deleted_at IS NULL AND id NOT"
            f" IN (SELECT session_id FROM practised) ORDER BY id DESC LIMIT {_AT_ONCE}"
        )
        return tuple(int(number) for (number,) in found)

    def add(self, line: Practised) -> None:
        """A line that isn't there yet."""
        self._insert("IGNORE", line)

    def restore(self, line: Practised) -> None:
        """A line as it was before it was deleted."""
        self._insert("REPLACE", line)

    def _insert(self, otherwise: str, line: Practised) -> None:
        values = [getattr(line, name) for name in _VALUES]
        self._db.execute(
            f"INSERT OR {otherwise} INTO practised ({_COLUMNS})"
            f" VALUES ({', '.join('?' * (5 + len(values)))})",
            (line.session_id, line.day.isoformat(), line.song, line.seconds, line.notes, *values),
        )

    def all(self) -> tuple[Practised, ...]:
        """Every line that wasn't deleted, by day and song."""
        found = self._db.execute(
            f"SELECT {_COLUMNS} FROM practised WHERE NOT deleted ORDER BY day, song, session_id"
        )
        return tuple(
            Practised(
                int(number), date.fromisoformat(day), shown_text(song), float(seconds), int(notes),
                _float(late), _float(within), _float(tones), _float(outside),
                _int(wanted), _int(missed), _int(wrong), _int(added),
            )
            for (
                number, day, song, seconds, notes,
                late, within, tones, outside, wanted, missed, wrong, added,
            ) in found
        )  # fmt: skip

    def delete(self, session_ids: Iterable[int]) -> None:
        """Delete these lines for good: what stays is that they are not made anew."""
        self._db.executemany(
            "UPDATE practised SET deleted = 1, song = '', seconds = 0, notes = 0,"
            f" {', '.join(f'{name} = NULL' for name in _VALUES)} WHERE session_id = ?",
            [(number,) for number in session_ids],
        )


def _float(value: float | None) -> float | None:
    return None if value is None else float(value)


def _int(value: int | None) -> int | None:
    return None if value is None else int(value)


def wanted_in(session: Session) -> Wanted:
    """The melodies that were to be played in a session."""
    listened = session.settings[0][1].listen_bars if session.settings else 0
    first, end = session.tempo_map.bar_start(listened), len(session.rows)
    return wanted_of(session.songs, session.settings, session.tempo_map, first, end)


def report_of_session(session: Session) -> Report:
    """What there is to tell of a session's playing; the key is its song's, where that says so."""
    key = next((s.song.key for s in reversed(session.songs) if s.song is not None), None)
    notes, wanted = tuple(session.notes), wanted_in(session)
    return report_of(notes, session.tempo_map, session.rows, key, wanted)


def song_title(session: Session) -> str:
    """The title of the last song that was played; "" where there was none."""
    return next((s.song.title for s in reversed(session.songs) if s.song is not None), "")


def line_of(session: Session) -> Practised:
    """A session's line."""
    report = report_of_session(session)
    timing, line, tune = report.timing, report.line, report.tune
    counts = () if tune is None else (len(tune.missed), len(tune.wrong), len(tune.added))
    return Practised(
        session.info.id,
        session.info.started_at.astimezone().date(),
        song_title(session),
        session.info.length_s,
        session.info.n_notes,
        None if timing is None else timing.late_ms,
        None if timing is None else timing.within_ms,
        None if line is None else line.chord_tones,
        None if line is None else line.outside,
        None if tune is None else tune.wanted,
        *counts,
    )


def bring_up_to_date(library: Library) -> tuple[Practised, ...]:
    """Every line, those of new sessions written first, where the library can be written to."""
    with library.lines_read() as db:
        missing = Lines(db).missing()
    new: list[Practised] = []
    for number in missing:
        with suppress(JamError):  # one that is damaged is for `jam sessions check` to mend
            new.append(line_of(library.session(number)))
    if new and library.writable:
        with library.lines_written() as db:
            for line in new:
                Lines(db).add(line)
        new = []
    with library.lines_read() as db:
        return (*Lines(db).all(), *new)


def days_of(library: Library) -> tuple[Together, ...]:
    """The statistics by day and song, oldest first."""
    return by_day(bring_up_to_date(library))


def by_day(lines: Iterable[Practised]) -> tuple[Together, ...]:
    """Lines of single sessions to days and songs."""

    def which(line: Practised) -> tuple[date, str]:
        return line.day, line.song

    return tuple(_together(list(same)) for _, same in groupby(sorted(lines, key=which), key=which))


def by_song(lines: Iterable[Practised]) -> tuple[Together, ...]:
    """Lines of single sessions to songs, the one that was practised last first."""

    def which(line: Practised) -> str:
        return line.song

    songs = (_together(list(same)) for _, same in groupby(sorted(lines, key=which), key=which))
    return tuple(sorted(songs, key=lambda song: (song.day, max(song.sessions)), reverse=True))


def _together(lines: Sequence[Practised]) -> Together:
    def mean(name: str) -> float | None:
        found = [(getattr(x, name), x.notes) for x in lines if getattr(x, name) is not None]
        total = sum(n for _, n in found)
        return sum(v * n for v, n in found) / total if total else None

    def total(name: str) -> int | None:
        found = [getattr(x, name) for x in lines if getattr(x, name) is not None]
        return sum(found) if found else None

    return Together(
        max(line.day for line in lines),
        lines[0].song,
        tuple(line.session_id for line in lines),
        sum(line.seconds for line in lines),
        sum(line.notes for line in lines),
        mean("late_ms"),
        mean("within_ms"),
        mean("chord_tones"),
        mean("outside"),
        *map(total, _VALUES[4:]),
    )


COLUMNS = ("Day", "Song", "Minutes", "Times", "Notes", "Middle", "Half within", "Melody")
"""Of the statistics as they are listed."""


def columns_of(row: Together) -> tuple[str, ...]:
    """What is listed of a day with a song, or of a song, as COLUMNS has it."""
    counts = (row.missed, "missed"), (row.wrong, "wrong"), (row.added, "added")
    faults = ", ".join(f"{n} {what}" for n, what in counts if n)
    return (
        f"{row.day:%Y-%m-%d}",
        row.song or "–",
        f"{row.seconds / 60:.1f}",
        str(row.times),
        str(row.notes),
        "" if row.late_ms is None else late_text(row.late_ms),
        "" if row.within_ms is None else f"±{row.within_ms:.0f} ms",
        "" if row.wanted is None else f"{row.wanted} notes: {faults or 'all right'}",
    )


def csv_text(days: Iterable[Together]) -> str:
    """The statistics as CSV (RFC 4180), with a header."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("day", "song", "sessions", "minutes", "notes", "late_ms", "within_ms", "chord_tones",
         "outside", "melody_notes", "missed", "wrong", "added")
    )  # fmt: skip
    for d in days:
        values = (d.late_ms, d.within_ms, d.chord_tones, d.outside)
        numbers = ["" if v is None else f"{v:.3f}" for v in values]
        numbers += ["" if (n := getattr(d, c)) is None else str(n) for c in _VALUES[4:]]
        writer.writerow(
            (d.day.isoformat(), _no_formula(d.song), d.times, f"{d.seconds / 60:.2f}", d.notes,
             *numbers)
        )  # fmt: skip
    return out.getvalue()


def _no_formula(text: str) -> str:
    """A title that a spreadsheet would compute is quoted."""
    return f"'{text}" if text[:1] in "=+-@" and text else text


def delete_days(library: Library, first: date, last: date) -> tuple[Practised, ...]:
    """Delete the statistics of these days; the sessions stay. Returns the lines that there were."""
    lines = tuple(line for line in bring_up_to_date(library) if first <= line.day <= last)
    delete_lines(library, lines)
    return lines


def delete_lines(library: Library, lines: Iterable[Practised]) -> None:
    """Delete the statistics of single sessions, which stay."""
    with library.lines_written() as db:
        Lines(db).delete(line.session_id for line in lines)


def restore_lines(library: Library, lines: Iterable[Practised]) -> None:
    """Bring lines back that were deleted."""
    with library.lines_written() as db:
        for line in lines:
            Lines(db).restore(line)


def parse_days(text: str) -> tuple[date, date]:
    """ "2026-11-29", "2026-11" or "all" as the first and the last day. Raises BadInput."""
    if text == "all":
        return date.min, date.max
    try:
        if len(text) == 7:
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=31) if first.month == 12 else _month_end(first)
        return (day := date.fromisoformat(text)), day
    except ValueError:
        raise BadInput(f"day {text!r}: use 2026-11-29, 2026-11 or all") from None


def _month_end(first: date) -> date:
    return date.fromordinal(first.replace(month=first.month + 1).toordinal() - 1)


def before(library: Library, session: Session) -> Session | None:
    """The newest earlier session with the same song; without a song, with none. None: no such."""
    title = song_title(session)
    for line in sorted(bring_up_to_date(library), key=lambda x: -x.session_id):
        if line.session_id >= session.info.id or line.song != title or line.late_ms is None:
            continue
        try:
            return library.session(line.session_id)
        except BadInput:  # deleted since
            continue
    return None
