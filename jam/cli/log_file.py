"""A session's log as JSON lines: everything heard, planned and sent, one event a line.

{"kind": "session", "number": …, "at_s": …}     (what follows is of this one; 0 between two)
{"kind": "played", "note_id": …, "pitch": …, "velocity": …, "at_s": …}
{"kind": "expression", "expression": {"kind": …, "number": …, "value": …}, "at_s": …, "channel": …}
{"kind": "sounded", "part": …, "pitch": …, "velocity": …, "due_s": …, "sent_s": …}
{"kind": "plan", "made_at_frame": …, "start_frame": …, "committed_until_frame": …,
 "chords": ["C", "-", …], "compute_s": …, "taken_s": …}     ("-" holds, "" is no chord)
{"kind": "row", "frame": …, "melody": …, "chord": …}
{"kind": "tempo", "segments": [[start_frame, start_s, bpm, "4/4", bar_frame, bar], …]}
{"kind": "counters", "at_s": …, "late_plans": …, "dropouts": …, …}     (since the program's start)
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import IO, Any

from jam.messages.notes import ExpressionEvent, NoteEvent, PedalEvent
from jam.messages.snapshot import SessionLog
from jam.music.grid import TempoMap
from jam.music.rows import ChordState

_KINDS = {NoteEvent: "played", PedalEvent: "pedal", ExpressionEvent: "expression"}


def _chord(state: ChordState) -> str:
    if state.chord is None:
        return ""
    return state.chord.symbol if state.onset else "-"


def _tempo(tempo_map: TempoMap) -> list[list[Any]]:
    return [
        [s.start_frame, s.start_s, s.bpm, str(s.meter), s.bar_frame, s.bar]
        for s in tempo_map.segments
    ]


def log_events(log: SessionLog) -> Iterator[dict[str, Any]]:
    """The events of one log, as plain values."""
    for event in log.played:
        yield {"kind": _KINDS[type(event)], **asdict(event)}
    for plan in log.plans:
        yield {
            "kind": "plan",
            "made_at_frame": plan.made_at_frame,
            "start_frame": plan.start_frame,
            "committed_until_frame": plan.committed_until_frame,
            "chords": [_chord(state) for state in plan.chords],
            "compute_s": plan.compute_s,
            "taken_s": plan.taken_s,
        }
    for frame, row in log.rows:
        melody = row.melody.pitch if row.melody.pitch is not None else ""
        yield {
            "kind": "row",
            "frame": frame,
            "melody": melody,
            "onset": row.melody.onset,
            "chord": _chord(row.chord),
        }
    for note in log.sounded:
        yield {"kind": "sounded", **asdict(note)}
    if log.counters is not None:
        yield {"kind": "counters", "at_s": log.at_s, **asdict(log.counters)}


class LogWriter:
    """Writes logs to a file as they come."""

    def __init__(self, out: IO[str]) -> None:
        self._out = out
        self._tempo_map: TempoMap | None = None
        self._session = 0

    def take_log(self, log: SessionLog) -> None:
        self._tell_session(log.session, log.at_s)
        if log.tempo_map is not None and log.tempo_map != self._tempo_map:
            self._tempo_map = log.tempo_map
            self._write({"kind": "tempo", "segments": _tempo(log.tempo_map)})
        for event in log_events(log):
            self._write(event)
        if log.ended:
            self._tell_session(0, log.at_s)
        self._out.flush()

    def _tell_session(self, number: int, at_s: float) -> None:
        if number != self._session:
            self._session = number
            self._write({"kind": "session", "number": number, "at_s": at_s})

    def _write(self, event: dict[str, Any]) -> None:
        self._out.write(json.dumps(event, separators=(",", ":")) + "\n")
