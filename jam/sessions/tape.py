"""From the stage's logs to rows of the library: pure, so that what goes in can be compared."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

from jam.messages.notes import ExpressionEvent, PedalEvent, PlayerEvent, SoundedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SessionLog
from jam.music.grid import TempoMap
from jam.sessions.rows import (
    Entry,
    chord_code,
    expression_entry,
    frame_entry,
    melody_code,
    moved_tempo_map,
    plan_entry,
    progress_entry,
    settings_text,
    song_entry,
    tempo_to_json,
)
from jam.sessions.session import LIVE_TAKE
from jam.settings import JamSettings

_FRAME_DIGITS = 6
"""Positions are rounded to a millionth of a frame: it undoes the way through seconds."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What has to be known to begin a session."""

    settings: JamSettings
    seed: int
    tempo_map: TempoMap


class Tape:
    """One session's logs, one after the other. Times become the session's own.

    `began_s`: the clock's time at frame 0.
    """

    def __init__(self, log: SessionLog) -> None:
        assert log.tempo_map is not None
        self.began_s = log.tempo_map.seconds_at(0)
        settings = log.settings[0][1] if log.settings else JamSettings()
        self.tempo_map = moved_tempo_map(log.tempo_map, -self.began_s)
        self.opening = Opening(settings, log.seed, self.tempo_map)
        self.n_notes = self.n_frames = self._n_sources = 0
        self.end_s = 0.0
        self._seq: dict[str, int] = {}
        self._held: dict[int, int] = {}
        self._sounding: dict[tuple[str, int], int] = {}
        self._plan: Plan | None = None
        self._base: Counters | None = None
        self._counted = Counters()

    def take(self, log: SessionLog) -> Iterator[Entry]:
        """The rows of one log."""
        assert log.tempo_map is not None
        tempo_map = moved_tempo_map(log.tempo_map, -self.began_s)
        changed = tempo_map != self.tempo_map
        self.tempo_map = tempo_map
        for at_s, settings in log.settings:
            yield "settings", (self._next("settings"), self._at(at_s), settings_text(settings))
        for event in log.played:
            yield from self._played(event)
        for note in log.sounded:
            yield from self._sounded(note)
        for frame, row in log.rows:
            self.n_frames = frame + 1
            self.end_s = max(self.end_s, tempo_map.seconds_at(frame + 1))
            yield frame_entry(frame, melody_code(row.melody), chord_code(row.chord))
        for change in log.songs:
            yield song_entry(self._next("played_songs"), self._at(change.at_s), change)
        for frame, source in log.sources:
            self._n_sources += 1
            yield "source", (frame, source)
        for plan in log.plans:
            yield self._planned(plan)
        if log.counters is not None:
            yield from self._count(log.at_s, log.counters)
        if changed:
            yield (
                "tempo",
                (tempo_to_json(tempo_map), tempo_map.bpm_at(0), str(tempo_map.meter_at(0))),
            )

    def n_rows(self) -> dict[str, int]:
        """How many rows it has made so far, by table."""
        return {**self._seq, "frames": self.n_frames, "sources": self._n_sources}

    def progress(self) -> Entry:
        """How long the session is by now."""
        return progress_entry(self.end_s, self.n_notes, self.tempo_map, self.n_frames)

    def session_s(self, at_s: float) -> float:
        """A time of the clock in the session's own time."""
        return at_s - self.began_s

    def _at(self, at_s: float) -> float:
        time_s = at_s - self.began_s
        self.end_s = max(self.end_s, time_s)
        return time_s

    def _next(self, table: str) -> int:
        number = self._seq.get(table, 0)
        self._seq[table] = number + 1
        return number

    def _played(self, event: PlayerEvent) -> Iterator[Entry]:
        at_s = self._at(event.at_s)
        if isinstance(event, PedalEvent):
            yield "pedal", (self._next("pedals"), at_s, event.down, event.channel)
        elif isinstance(event, ExpressionEvent):
            yield expression_entry(self._next("expression"), event, at_s)
        elif event.velocity:
            self._held[event.note_id] = number = self._next("notes")
            self.n_notes += 1
            yield "note", (number, event.note_id, event.pitch, event.velocity, at_s, None)
        elif (held := self._held.pop(event.note_id, None)) is not None:
            yield "note_end", (held, at_s)

    def _sounded(self, note: SoundedNote) -> Iterator[Entry]:
        if note.part == "metronome":
            return
        frame = round(self.tempo_map.position_at(self._at(note.due_s)), _FRAME_DIGITS)
        key = note.part, note.note_id
        if note.velocity:
            self._sounding[key] = number = self._next("take_notes")
            yield (
                "take_note",
                (LIVE_TAKE, number, note.part, note.pitch, note.velocity, frame, None),
            )
        elif (number_on := self._sounding.pop(key, None)) is not None:
            yield "take_note_end", (LIVE_TAKE, number_on, frame)

    def _planned(self, plan: Plan) -> Entry:
        entry = plan_entry(self._next("plans"), self._at(plan.taken_s), plan, self._plan)
        self._plan = plan
        return entry

    def _count(self, at_s: float, counters: Counters) -> Iterator[Entry]:
        if self._base is None:
            self._base = replace(counters, late_plans=0)
        since = since_start(counters, self._base)
        if _troubles(since) != _troubles(self._counted):
            self._counted = since
            yield "counters", (self._next("counters"), self._at(at_s), json.dumps(asdict(since)))


def since_start(counters: Counters, base: Counters) -> Counters:
    """Counters since a session's start. Late plans are counted anew in each session."""
    return replace(
        counters,
        plans=counters.plans - base.plans,
        dropouts=counters.dropouts - base.dropouts,
        dropped_messages=counters.dropped_messages - base.dropped_messages,
        agent_restarts=counters.agent_restarts - base.agent_restarts,
    )


def _troubles(counters: Counters) -> tuple[int, ...]:
    """What is worth a row when it grows."""
    return (
        counters.late_plans,
        counters.dropouts,
        counters.dropped_messages,
        counters.agent_restarts,
    )
