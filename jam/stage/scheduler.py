"""Notes wait for their time here: note-on / note-off pairs at absolute times, paired by id."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from jam.clock import Clock
from jam.messages.notes import PlannedNote, SoundedNote
from jam.music.grid import TempoMap

_TOO_STALE_S = 0.25
"""A note-on that is later than this (the machine slept) is dropped; a note-off never is."""

Sink = Callable[[str, int, int], None]
"""Takes part, pitch and velocity; velocity 0 is the note-off. Called on the scheduler's thread."""


Event = TypeVar("Event")


class Timeline(Protocol[Event]):
    """What is to be sent when: notes, ticks. Pure: driven by the times that it is given."""

    def next_due_s(self) -> float | None:
        """When the next event is due; None when nothing waits."""
        ...

    def due(self, now_s: float) -> list[Event]:
        """What is to be sent now, in order."""
        ...

    def stop(self, now_s: float) -> list[Event]:
        """What ends all that goes on; nothing is due any more."""
        ...


class Schedule:
    """Which notes start and end when. Pure: driven by the times that it is given."""

    def __init__(self) -> None:
        self._tempo_map: TempoMap | None = None
        self._waiting: dict[int, PlannedNote] = {}
        self._sounding: dict[int, PlannedNote] = {}
        self._started: set[int] = set()
        self._lead_s = 0.0

    def update(
        self, notes: Iterable[PlannedNote], tempo_map: TempoMap, lead_s: float = 0.0
    ) -> None:
        """Take over all notes that are to sound: those not listed are no longer planned.

        They are due at their places in the tempo map, and sent `lead_s` before.
        A note that sounds already isn't struck again; where its end has moved, it moves. One
        that sounds and is no longer listed ends when it would have ended.
        """
        self._tempo_map, self._lead_s = tempo_map, lead_s
        listed = {note.note_id: note for note in notes}
        for note_id in self._sounding:
            if note_id in listed:
                self._sounding[note_id] = listed[note_id]
        self._waiting = {i: n for i, n in listed.items() if i not in self._started}
        self._started &= listed.keys() | self._sounding.keys()

    def next_due_s(self) -> float | None:
        """When the next note starts or ends; None when nothing waits."""
        if self._tempo_map is None:
            return None
        frames = [note.start_frame for note in self._waiting.values()]
        frames += [note.end_frame for note in self._sounding.values()]
        return self._tempo_map.seconds_at(min(frames)) - self._lead_s if frames else None

    def due(self, now_s: float) -> list[SoundedNote]:
        """What is to be sent now, ends before starts; `sent_s` is `now_s` as yet."""
        if self._tempo_map is None:
            return []
        seconds_at, lead_s = self._tempo_map.seconds_at, self._lead_s
        until_s = now_s + lead_s
        out: list[SoundedNote] = []

        def event(note: PlannedNote, velocity: int, due_s: float) -> SoundedNote:
            return SoundedNote(note.note_id, note.pitch, velocity, note.part, due_s, now_s, lead_s)

        for note in [n for n in self._sounding.values() if seconds_at(n.end_frame) <= until_s]:
            del self._sounding[note.note_id]
            out.append(event(note, 0, seconds_at(note.end_frame)))
        starting = [n for n in self._waiting.values() if seconds_at(n.start_frame) <= until_s]
        for note in sorted(starting, key=lambda n: n.start_frame):
            del self._waiting[note.note_id]
            self._started.add(note.note_id)
            due_s = seconds_at(note.start_frame)
            if until_s - due_s > _TOO_STALE_S or seconds_at(note.end_frame) <= until_s:
                continue
            for other in [
                o for o in self._sounding.values() if (o.part, o.pitch) == (note.part, note.pitch)
            ]:  # one key can't be down twice: its first note ends where the second begins
                del self._sounding[other.note_id]
                out.append(event(other, 0, due_s))
            self._sounding[note.note_id] = note
            out.append(event(note, note.velocity, due_s))
        return out

    def silence(self, now_s: float) -> list[SoundedNote]:
        """The note-offs of all that sounds. It isn't struck again; what is planned stays so."""
        due_s = now_s + self._lead_s
        out = [
            SoundedNote(n.note_id, n.pitch, 0, n.part, due_s, now_s, self._lead_s)
            for n in self._sounding.values()
        ]
        self._sounding.clear()
        return out

    def stop(self, now_s: float) -> list[SoundedNote]:
        """Forget everything planned; the note-offs of all that sounds."""
        self._waiting.clear()
        self._started.clear()
        return self.silence(now_s)


class Sender(Generic[Event]):
    """Sends a timeline's events in time on a thread of its own. To be called from any thread."""

    def __init__(
        self, clock: Clock, send: Callable[[Event], None], timeline: Timeline[Event], name: str
    ) -> None:
        self._clock, self._deliver, self._timeline = clock, send, timeline
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._running = True
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def stop_all(self) -> None:
        """End everything that goes on at once, and forget what was planned."""
        with self._lock:
            self._send(self._timeline.stop(self._clock.now_s()))
        self._wake.set()

    def close(self) -> None:
        self.stop_all()
        self._running = False
        self._wake.set()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        """Runs on: the sender's thread. Waits for absolute deadlines, so nothing drifts."""
        while self._running:
            with self._lock:
                due_s = self._timeline.next_due_s()
            deadline_s = self._clock.now_s() + 1.0 if due_s is None else due_s
            if self._clock.wait_until(deadline_s, self._wake):
                self._wake.clear()
                continue
            with self._lock:
                self._send(self._timeline.due(self._clock.now_s()))

    def _send(self, events: list[Event]) -> None:
        for event in events:
            try:
                self._deliver(event)
            except Exception:  # a port that went away must not end the music
                logging.getLogger(__name__).exception("sending %s", event)


class Scheduler(Sender[SoundedNote]):
    """Sends the notes of a plan that may change until they sound."""

    def __init__(self, clock: Clock, sink: Sink) -> None:
        self._sink = sink
        self._schedule = Schedule()
        self.sent: deque[SoundedNote] = deque()
        """What was sent, for the record; whoever drains it pops from the left."""
        super().__init__(clock, self._play, self._schedule, "scheduler")

    def update(
        self, notes: Iterable[PlannedNote], tempo_map: TempoMap, lead_s: float = 0.0
    ) -> None:
        """See `Schedule.update`."""
        with self._lock:
            self._schedule.update(notes, tempo_map, lead_s)
        self._wake.set()

    def silence(self) -> None:
        """End all that sounds at once; the music goes on with what is struck next."""
        with self._lock:
            self._send(self._schedule.silence(self._clock.now_s()))
        self._wake.set()

    def _play(self, note: SoundedNote) -> None:
        """Runs on: whoever sends it."""
        try:
            self._sink(note.part, note.pitch, note.velocity)
        finally:
            self.sent.append(replace(note, sent_s=self._clock.now_s()))
