"""Sessions for tests, made by the live code itself, faster than they would be played."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from jam.agent.anticipation import Anticipator
from jam.agent.predictor import Predictor
from jam.agent.rules import RuleBasedPredictor
from jam.messages.notes import Note, NoteEvent, PlannedNote, PlayedNote, by_part
from jam.music.grid import Meter, TempoMap
from jam.music.key import key_of
from jam.performance.conductor import Conductor
from jam.performance.take import Take
from jam.sessions.reading import player_notes
from jam.sessions.session import (
    LIVE_TAKE,
    Moment,
    PlanRecord,
    Session,
    SessionInfo,
    SessionTake,
    TakeInfo,
)
from jam.settings import JamSettings

TUNE = (60, 64, 67, 72, 71, 67, 64, 62, 65, 69, 72, 69, 67, 64, 62, 67)


def played_tune(n_notes: int, beat_s: float = 0.5) -> list[PlayedNote]:
    """A note a beat, a little late each, as players are."""
    return [
        PlayedNote(i, TUNE[i % len(TUNE)], 70 + i % 30, i * beat_s + 0.013, (i + 0.8) * beat_s)
        for i in range(n_notes)
    ]


def made_session(
    notes: Sequence[PlayedNote] | None = None,
    settings: JamSettings | None = None,
    seed: int = 1,
    predictor: Predictor | None = None,
    tempo_map: TempoMap | None = None,
    **info: object,
) -> Session:
    """A jam with the rules (or another predictor) to these notes; `info`: of SessionInfo."""
    settings = settings or JamSettings(bpm=120.0)
    notes = played_tune(48, 60 / settings.bpm) if notes is None else notes
    tempo_map = tempo_map or TempoMap.constant(settings.bpm, settings.meter)
    conductor = Conductor(settings, 0.0, seed, tempo_map, False)
    predictor = predictor or RuleBasedPredictor()
    anticipator = Anticipator(predictor, seed)
    events = deque(_events(notes))
    last = math.ceil(tempo_map.position_at(max(n.end_s or n.start_s for n in notes)))
    end_frame = tempo_map.next_bar_frame(last)
    plans: list[PlanRecord] = []
    sounded: dict[int, PlannedNote] = {}
    for frame in range(-1, end_frame):
        now_s = tempo_map.seconds_at(frame + 0.5)
        while events and events[0].at_s < now_s:
            conductor.play(events.popleft())
        if conductor.advance(now_s):
            plan = conductor.take(anticipator.plan(conductor.request()), now_s)
            # Confidence is kept to the nearest 1/255.
            confidence = tuple(round(255 * p) / 255 for p in plan.confidence)
            plan = replace(plan, confidence=confidence, compute_s=0.0, taken_s=0.0)
            plans.append(PlanRecord(now_s, plan))
        sounded.update((note.note_id, note) for note in conductor.notes() if note.committed)
    band = (
        Note(n.start_frame, min(n.end_frame, end_frame), n.pitch, n.velocity, n.part)
        for n in sorted(sounded.values(), key=lambda n: (n.start_frame, n.pitch))
        if n.start_frame < end_frame
    )
    length_s = tempo_map.seconds_at(end_frame)
    rows = tuple(conductor.rows)
    take = Take(
        tempo_map,
        {"player": tuple(player_notes(notes, tempo_map, length_s)), **by_part(band)},
        tuple(row.chord for row in rows),
    )
    values = {
        "id": 0,
        "started_at": datetime(2026, 11, 20, 18, 30, tzinfo=UTC),
        "length_s": length_s,
        "title": "",
        "bpm": settings.bpm,
        "meter": settings.meter,
        "key": key_of(rows),
        "style": settings.accompaniment,
        "rating": 0,
        "tags": (),
        "state": "complete",
        "n_notes": len(notes),
        "n_bars": tempo_map.place(end_frame - 1).bar + 1,
        **info,
    }
    return Session(
        info=SessionInfo(**values),  # type: ignore[arg-type]
        tempo_map=tempo_map,
        seed=seed,
        settings=((0.0, settings),),
        notes=tuple(notes),
        pedals=(),
        rows=rows,
        plans=tuple(plans),
        counters=(),
        moments=(Moment(4.0, "good"), Moment(9.5, "marker", "bridge")),
        takes=(SessionTake(TakeInfo(LIVE_TAKE, "As played", "live", settings, seed), take),),
    )


def waltz() -> Session:
    """In three, with other values than the usual ones."""
    settings = JamSettings(bpm=150.0, meter=Meter(3, 4), listen_bars=1, accompaniment="ballad")
    return made_session(played_tune(24, 0.4), settings, 7, title="Waltz", tags=("three",))


def _events(notes: Sequence[PlayedNote]) -> list[NoteEvent]:
    events = []
    for note in notes:
        end_s = note.start_s + 0.1 if note.end_s is None else note.end_s
        events.append(NoteEvent(note.note_id, note.pitch, note.velocity, note.start_s))
        events.append(NoteEvent(note.note_id, note.pitch, 0, end_s))
    return sorted(events, key=lambda event: (event.at_s, event.velocity > 0))
