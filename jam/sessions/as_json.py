"""A session as plain values for JSON, the writing end (`from_json` reads).

The format, version 1, is an object with "format": "jam session", "version", "session" (title,
dates, rating, tags), "tempo" ([start_frame, start_s, bpm, metre, bar_frame, bar]), "settings",
"notes" ([id, pitch, velocity, start_s, end_s or null]), "pedals" ([down, at_s, channel]), "rows"
([pitch or null, starts, chord or null, starts]), "plans", "counters", "moments" and "takes".
Chords are symbols ("Am7"). Times are seconds of the session, positions frames.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from jam.preferences import settings_to_json
from jam.rows import ChordState, MelodyState
from jam.sessions.codes import tempo_to_values
from jam.sessions.types import Session, SessionTake

FORMAT, FORMAT_VERSION = "jam session", 1


def session_to_json(session: Session) -> dict[str, Any]:
    """Plain values from which `from_json.session_of_json` makes the same session."""
    info = session.info
    return {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "session": {
            "title": info.title, "started_at": info.started_at.isoformat(),
            "length_s": info.length_s, "rating": info.rating, "tags": info.tags,
            "recovered": info.state == "recovered", "seed": str(session.seed),
        },
        "tempo": tempo_to_values(session.tempo_map),
        "settings": [[at_s, settings_to_json(s)] for at_s, s in session.settings],
        "notes": [[n.note_id, n.pitch, n.velocity, n.start_s, n.end_s] for n in session.notes],
        "pedals": [[p.down, p.at_s, p.channel] for p in session.pedals],
        "rows": [[*_melody(row.melody), *_chord(row.chord)] for row in session.rows],
        "plans": [
            {
                "at_s": record.at_s, "made_at_frame": record.plan.made_at_frame,
                "start_frame": record.plan.start_frame,
                "committed_until_frame": record.plan.committed_until_frame,
                "predictor": record.plan.predictor, "compute_s": record.plan.compute_s,
                "chords": [_chord(state) for state in record.plan.chords],
                "melody": [_melody(state) for state in record.plan.expected_melody],
                "confidence": record.plan.confidence,
            }
            for record in session.plans
        ],
        "counters": [[at_s, asdict(counters)] for at_s, counters in session.counters],
        "moments": [[m.at_s, m.kind, m.text] for m in session.moments],
        "takes": [_take_to_json(taken) for taken in session.takes],
    }  # fmt: skip


def _melody(state: MelodyState) -> tuple[int | None, bool]:
    return state.pitch, state.onset


def _chord(state: ChordState) -> tuple[str | None, bool]:
    return (state.chord.symbol if state.chord else None), state.onset


def _take_to_json(taken: SessionTake) -> dict[str, Any]:
    info, take = taken.info, taken.take
    return {
        "id": info.id, "name": info.name, "kind": info.kind, "seed": str(info.seed),
        "settings": settings_to_json(info.settings),
        "chords": [_chord(state) for state in take.chords],
        "parts": {
            part: [[n.start_frame, n.end_frame, n.pitch, n.velocity] for n in notes]
            for part, notes in take.parts.items() if part != "player"
        },
    }  # fmt: skip
