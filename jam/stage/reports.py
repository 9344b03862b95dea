"""What happened on the stage, kept until it is told: to the record all of it, to the window the
newest notes."""

from __future__ import annotations

import contextlib
from collections import deque
from dataclasses import replace

from jam.messages.notes import NoteEvent, PedalEvent, PlayedNote, SoundedNote
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SessionLog
from jam.music.grid import TempoMap
from jam.performance.conductor import Conductor
from jam.settings import JamSettings

_SEEN_S = 8.0
"""Notes that ended longer ago are not sent to the window any more."""


class StageLog:
    """Owned by the stage's loop.

    sent: notes of the accompaniment that were sent; they are taken from its left.
    """

    def __init__(self, sent: deque[SoundedNote]) -> None:
        self._sent = sent
        self._played: list[NoteEvent | PedalEvent] = []
        self._plans: list[Plan] = []
        self._settings: list[tuple[float, JamSettings]] = []
        self._n_rows = 0

    def begin(self, at_s: float, settings: JamSettings) -> None:
        """A session begins with these settings."""
        self._settings = [(at_s, settings)]
        self._n_rows = 0

    def played(self, event: NoteEvent | PedalEvent) -> None:
        self._played.append(event)

    def planned(self, plan: Plan) -> None:
        self._plans.append(plan)

    def set_to(self, at_s: float, settings: JamSettings) -> None:
        """The settings were changed in mid-session."""
        self._settings.append((at_s, settings))

    def drain_sent(self) -> list[SoundedNote]:
        """What was sent since this was last asked."""
        sounded = []
        with contextlib.suppress(IndexError):
            while True:
                sounded.append(self._sent.popleft())
        return sounded

    def take(
        self,
        session: int,
        now_s: float,
        conductor: Conductor | None,
        tempo_map: TempoMap | None,
        sounded: list[SoundedNote],
        counters: Counters,
        ended: bool = False,
    ) -> SessionLog | None:
        """All that has happened since the last time; None when nothing has.

        tempo_map: of the session that goes on, or of the one that has ended; None between two.
        """
        rows = conductor.rows[self._n_rows :] if conductor else []
        if not (ended or self._settings or sounded or rows or self._played or self._plans):
            return None
        log = SessionLog(
            session=session if tempo_map is not None else 0,
            at_s=now_s,
            seed=conductor.seed if conductor else 0,
            ended=ended,
            settings=tuple(self._settings),
            counters=counters,
            played=tuple(self._played),
            sounded=tuple(sounded),
            plans=tuple(self._plans),
            rows=tuple(enumerate(rows, self._n_rows)),
            tempo_map=tempo_map,
        )
        self._n_rows += len(rows)
        self._played, self._plans, self._settings = [], [], []
        return log


class SeenNotes:
    """The player's notes as the window shows them: those held, and those of the last seconds."""

    def __init__(self) -> None:
        self._notes: dict[int, PlayedNote] = {}

    def take(self, event: NoteEvent) -> None:
        """A key went down or came up."""
        if event.velocity:
            self._notes[event.note_id] = PlayedNote(
                event.note_id, event.pitch, event.velocity, event.at_s
            )
        elif event.note_id in self._notes:
            self._notes[event.note_id] = replace(self._notes[event.note_id], end_s=event.at_s)

    def forget(self, now_s: float) -> None:
        """Let go of what has run off the screen."""
        if len(self._notes) > 32:
            horizon_s = now_s - _SEEN_S
            self._notes = {
                i: n for i, n in self._notes.items() if n.end_s is None or n.end_s > horizon_s
            }

    def all(self) -> tuple[PlayedNote, ...]:
        return tuple(self._notes.values())
