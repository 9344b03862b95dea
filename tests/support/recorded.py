"""Jams as the stage logs them, made up: for tests of what records them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import cycle

from hypothesis import strategies as st

from jam.messages.notes import (
    BEND,
    EXPRESSIONS,
    Expression,
    ExpressionEvent,
    Note,
    NoteEvent,
    PedalEvent,
    PlayedNote,
    SoundedNote,
)
from jam.messages.plans import Plan
from jam.messages.snapshot import Counters, SessionLog, SongChange
from jam.music.chord import Chord
from jam.music.grid import Meter, TempoMap
from jam.music.rows import ChordState, MelodyState, Row
from jam.sessions.rows import moved_tempo_map
from jam.settings import JamSettings
from tests.support.strategies import harmonies, melodies, songs, tempo_maps, usual_meters


@dataclass
class Jam:
    """Logs, and what the session that they make must hold."""

    logs: list[SessionLog]
    tempo_map: TempoMap
    settings: list[tuple[float, JamSettings]]
    rows: list[Row]
    plans: list[Plan]
    notes: list[PlayedNote] = field(default_factory=list)
    pedals: list[PedalEvent] = field(default_factory=list)
    expression: list[ExpressionEvent] = field(default_factory=list)
    sounded: dict[str, list[Note]] = field(default_factory=dict)
    songs: list[SongChange] = field(default_factory=list)
    sources: list[tuple[int, str]] = field(default_factory=list)


@st.composite
def settings(draw: st.DrawFn) -> JamSettings:
    return JamSettings(
        bpm=draw(st.floats(30, 300)),
        lookahead_beats=draw(st.integers(1, 16)),
        accompaniment=draw(st.sampled_from(["piano", "bossa", "no such style"])),
        key_lock=draw(st.none() | st.tuples(st.integers(0, 11), st.booleans())),
        palette=draw(st.sampled_from([(), ("min7", "Dm7")])),
        density=draw(st.sampled_from([None, 0.5, 2.0])),
        agent_program=draw(st.none() | st.integers(0, 127)),
    )


@st.composite
def plan_lists(draw: st.DrawFn, max_plans: int = 80) -> list[Plan]:
    """Plans as they follow one another: mostly the same, shifted by a frame."""
    chords = draw(harmonies(40, 60))
    melody = draw(melodies(40, 60))
    length = min(len(chords), len(melody))
    plans = []
    start = 0
    for _ in range(draw(st.integers(0, max_plans))):
        size = draw(st.integers(0, 16))
        if draw(st.integers(0, 4)) == 0:  # a surprise: the rest is another
            at = draw(st.integers(0, length - 1))
            chords = [*chords[:at], *draw(harmonies(length - at, length - at))]
        first = start % (length - 20)
        plans.append(
            Plan(
                start - 1,
                start,
                start + draw(st.integers(0, 8)),
                tuple(chords[first : first + size]),
                tuple(melody[first : first + size]),
                tuple(draw(st.sampled_from([0.0, 1.0, 51 / 255])) for _ in range(size)),
                draw(st.sampled_from(["rules", "rules", "network"])),
                draw(st.floats(0, 1)),
            )
        )
        start += draw(st.sampled_from([1, 1, 1, 2]))
    return plans


@st.composite
def jams(draw: st.DrawFn) -> Jam:
    """A session from its first log to its last, cut into logs anywhere."""
    tempo_map = draw(tempo_maps(max_changes=2))
    began_s = tempo_map.seconds_at(0)
    rows = [Row(m, c) for m, c in zip(draw(melodies(0, 40)), draw(harmonies(40, 60)), strict=False)]
    changes = [(began_s - 2.0, draw(settings()))]
    changes += [(began_s + i, draw(settings())) for i in range(draw(st.integers(0, 3)))]
    plans = draw(plan_lists(12))
    jam = Jam([], moved_tempo_map(tempo_map, -began_s), [], rows, plans)
    jam.settings = [(at_s - began_s, s) for at_s, s in changes]
    events: list[tuple[str, object]] = []
    for note_id in range(1, draw(st.integers(1, 12))):
        start_s, pitch = began_s - 1 + note_id, draw(st.integers(0, 127))
        velocity = draw(st.integers(1, 127))
        end_s = draw(st.none() | st.just(start_s + 0.7))
        events.append(("played", NoteEvent(note_id, pitch, velocity, start_s)))
        if end_s is not None:
            events.append(("played", NoteEvent(note_id, pitch, 0, end_s)))
        jam.notes.append(
            PlayedNote(
                note_id,
                pitch,
                velocity,
                start_s - began_s,
                None if end_s is None else end_s - began_s,
            )
        )
    for i in range(draw(st.integers(0, 3))):
        pedal = PedalEvent(draw(st.booleans()), began_s + i, draw(st.integers(0, 15)))
        events.append(("played", pedal))
        jam.pedals.append(PedalEvent(pedal.down, pedal.at_s - began_s, pedal.channel))
    for i in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(EXPRESSIONS))
        value = draw(st.integers(0, 16383) if kind == BEND else st.integers(0, 127))
        moved = Expression(kind, draw(st.integers(0, 127)), value)
        channel = draw(st.integers(0, 15))
        events.append(("played", ExpressionEvent(moved, began_s + i, channel)))
        jam.expression.append(ExpressionEvent(moved, (began_s + i) - began_s, channel))
    for note_id in range(draw(st.integers(0, 8))):
        part, pitch = draw(st.sampled_from(["chords", "bass", "metronome"])), 40 + note_id
        on_s, off_s = (tempo_map.seconds_at(f) for f in (4.0 * note_id, 4.0 * note_id + 3))
        events += [
            ("sounded", SoundedNote(note_id, pitch, 80, part, on_s, on_s + 0.001)),
            ("sounded", SoundedNote(note_id, pitch, 0, part, off_s, off_s + 0.001)),
        ]
        if part != "metronome":
            jam.sounded.setdefault(part, []).append(
                Note(4.0 * note_id, 4.0 * note_id + 3, pitch, 80, part)
            )
    events += [("rows", row) for row in enumerate(rows)]
    events += [("plans", plan) for plan in plans]
    for i in range(draw(st.integers(0, 3))):
        song = draw(st.none() | songs(usual_meters))
        change = SongChange(began_s + i, song, draw(st.integers(0, 9)) if song else 0)
        events.append(("songs", change))
        jam.songs.append(SongChange(change.at_s - began_s, song, change.first_bar))
    for frame, source in zip(range(0, len(rows), 5), cycle(("song", "agent", "hand"))):
        events.append(("sources", (frame, source)))
        jam.sources.append((frame, source))
    events += [("settings", change) for change in changes[1:]]
    at = 0
    n_logs = 0
    while at < len(events) or n_logs == 0:
        size = draw(st.integers(1, 30))
        chunk, at = events[at : at + size], at + size
        kinds = {kind: tuple(e for k, e in chunk if k == kind) for kind, _ in chunk}
        if n_logs == 0:
            kinds["settings"] = (changes[0], *kinds.get("settings", ()))
        jam.logs.append(
            SessionLog(
                session=1,
                at_s=began_s,
                seed=7,
                counters=Counters(),
                tempo_map=tempo_map,
                ended=at >= len(events),
                **kinds,  # type: ignore[arg-type]
            )
        )
        n_logs += 1
    return jam


def plain_jam(
    seconds: float = 8.0, began_s: float = 100.0, session: int = 1, ended: bool = False
) -> list[SessionLog]:
    """A jam at 120 beats a minute as the stage would log it, a log every 0.2 s."""
    tempo_map = TempoMap.constant(120.0, Meter(), began_s)
    logs = []
    logged_frames = notes = 0
    for i in range(round(seconds / 0.2)):
        until_s = 0.2 * (i + 1)
        played: list[NoteEvent | PedalEvent] = []
        while 0.5 * notes < until_s:
            at_s = began_s + 0.5 * notes
            played += [
                NoteEvent(notes + 1, 60 + notes % 12, 80, at_s),
                NoteEvent(notes + 1, 60 + notes % 12, 0, at_s + 0.1),
            ]
            notes += 1
        frames = range(logged_frames, int(until_s * 8))
        logged_frames = frames.stop
        rows = tuple((f, Row(MelodyState(60, True), _am(f))) for f in frames)
        plans = tuple(
            Plan(
                f,
                f + 1,
                f + 9,
                tuple(_am(g) for g in range(f + 1, f + 17)),
                (MelodyState(),) * 16,
                (1.0,) * 16,
                "rules",
                0.001,
                began_s + f / 8,
            )
            for f in frames
        )
        logs.append(
            SessionLog(
                session,
                began_s + until_s,
                3,
                False,
                ((began_s - 1, JamSettings(bpm=120.0)),) if i == 0 else (),
                Counters(plans=i),
                tuple(played),
                (),
                plans,
                rows,
                tempo_map,
            )
        )
    if ended:
        logs.append(SessionLog(session, began_s + seconds, 3, True, tempo_map=tempo_map))
    return logs


def _am(frame: int) -> ChordState:
    return ChordState(Chord(9, "min"), frame % 16 == 0)
