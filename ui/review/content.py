"""What there is to see in a session: notes, chords, bars, sections, and plans as they were. No Qt.

All times are seconds of the session, as in `jam.sessions.session`.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from jam.accompaniment import playable_style
from jam.messages.notes import AGENT, SOURCES, TimedNote
from jam.messages.plans import Plan
from jam.music.grid import TempoMap
from jam.music.rows import ChordState, Row
from jam.music.song import Song
from jam.sessions.excerpt import Excerpt
from jam.sessions.practised import report_of_session
from jam.sessions.session import LIVE_TAKE, Session, SessionTake
from ui.common.geometry import beat_frames
from ui.common.text import BAND_COMES_IN, percent, pretty_symbol

_LOWEST, _HIGHEST = 36, 84
"""The roll shows at least these pitches, so that a few notes don't fill it."""
SONG_PLAYED, SONG_CHANGED, SONG_LET_GO = "song", "song changed", "song let go"
OUTCOME = ": {} of its chords and {} of its melody came true"
"""Of a plan: shares of its frames."""
_BEATS_AROUND_S = 60.0
"""More than a bar at any tempo."""
_ROOM = 2
"""Pitches that are free above and below."""


@dataclass(frozen=True, slots=True)
class ChordBlock:
    """A chord while it lasts; struck again, it is another block."""

    symbol: str
    start_s: float
    end_s: float
    source: str = AGENT
    """Who said it, one of SOURCES."""


@dataclass(frozen=True, slots=True)
class Beat:
    """strength as in `jam.music.grid.Meter.strength`; bar counts from 0."""

    at_s: float
    strength: int
    bar: int


@dataclass(frozen=True, slots=True)
class Section:
    """From here on something is different; the label says what."""

    at_s: float
    label: str


@dataclass(frozen=True, slots=True)
class Fault:
    """A note of the melody that was to be played and wasn't; or (not is_to_play) one that was
    played and isn't the melody's."""

    pitch: int
    start_s: float
    end_s: float
    is_to_play: bool


@dataclass(frozen=True, slots=True)
class Content:
    """A take of a session, ready to be laid out. Notes are in order of their start.

    start_s, end_s: of the whole. Of a long session notes, drums, chords and beats are there from
    first_s to last_s only (see `jam.sessions.excerpt`).
    """

    start_s: float
    end_s: float
    low_pitch: int
    high_pitch: int
    notes: tuple[TimedNote, ...]
    drums: tuple[TimedNote, ...]
    chords: tuple[ChordBlock, ...]
    beats: tuple[Beat, ...]
    sections: tuple[Section, ...]
    parts: frozenset[str]
    """Those that have a note somewhere."""
    overview: tuple[TimedNote, ...]
    """The notes of the whole, those of a long session coarsely."""
    first_s: float
    last_s: float
    faults: tuple[Fault, ...] = ()
    """Where the playing departed from a melody that was practised; none in a long session."""

    def covers(self, first_s: float, last_s: float) -> bool:
        """Whether what lies between these times is there, as far as there is anything."""
        return max(first_s, self.start_s) >= self.first_s and min(last_s, self.end_s) <= self.last_s


def content_of(excerpt: Excerpt) -> Content:
    """What a take has to show."""
    session, outline = excerpt.session, excerpt.outline
    take = shown_take(excerpt).take
    at = take.tempo_map.seconds_at
    notes = sorted(take.timed_notes(), key=lambda note: note.start_s)
    pitched = [note for note in notes if note.part != "drums"]
    pitches = [note.pitch for note in pitched]
    start_s = min([0.0, *(note.start_s for note in notes)])
    end_s = max([at(len(take.chords)), session.info.length_s, *(note.end_s for note in notes)])
    first_frame = 0
    faults = faults_of(session) if outline is None else ()
    pitches += [fault.pitch for fault in faults]
    if outline is not None:
        start_s, end_s = min(start_s, outline.start_s), outline.end_s
        pitches += (outline.low_pitch, outline.high_pitch)
        first_frame = max(0, int(take.tempo_map.position_at(excerpt.first_s)))
    return Content(
        start_s=start_s,
        end_s=end_s,
        low_pitch=max(0, min([_LOWEST, *(p - _ROOM for p in pitches)])),
        high_pitch=min(127, max([_HIGHEST, *(p + _ROOM for p in pitches)])),
        notes=tuple(pitched),
        drums=tuple(note for note in notes if note.part == "drums"),
        chords=chord_blocks(
            take.chords[first_frame:],
            take.tempo_map,
            first_frame,
            session.sources if shown_take(excerpt).info.id == LIVE_TAKE else (),
            take.symbols,
        ),
        beats=_beats(take.tempo_map, max(start_s, excerpt.first_s), min(end_s, excerpt.last_s)),
        sections=_sections(session),
        parts=frozenset(n.part for n in notes) if outline is None else outline.parts,
        overview=tuple(pitched) if outline is None else outline.notes,
        first_s=excerpt.first_s,
        last_s=excerpt.last_s,
        faults=faults,
    )


def faults_of(session: Session) -> tuple[Fault, ...]:
    """Of a session in which a song with a melody was played, in order."""
    if not any(change.song is not None and change.song.has_tune for change in session.songs):
        return ()
    tune = report_of_session(session).tune
    if tune is None:
        return ()
    at = session.tempo_map.seconds_at
    to_play = (*(note for note, _ in tune.missed), *(note for note, _ in tune.wrong))
    played = (*(s.note for _, s in tune.wrong), *(s.note for s in tune.added))
    found = [Fault(n.pitch, at(n.start_frame), at(n.end_frame), True) for n in to_play]
    found += [
        Fault(n.pitch, n.start_s, n.start_s if n.end_s is None else n.end_s, False) for n in played
    ]
    return tuple(sorted(found, key=lambda fault: fault.start_s))


def shown_take(excerpt: Excerpt) -> SessionTake:
    """The take that an excerpt was read for; the first one where that is gone."""
    takes = excerpt.session.takes
    return next((each for each in takes if each.info.id == excerpt.take_id), takes[0])


def beats_around(content: Content, tempo_map: TempoMap, at_s: float) -> tuple[Beat, ...]:
    """Beats before and after a place, whether it is in the content or not."""
    first_s, last_s = at_s - _BEATS_AROUND_S, at_s + _BEATS_AROUND_S
    if content.covers(first_s, last_s):
        return content.beats
    return _beats(tempo_map, max(content.start_s, first_s), min(content.end_s, last_s))


def chord_blocks(
    chords: Sequence[ChordState],
    tempo_map: TempoMap,
    first_frame: int = 0,
    sources: Sequence[tuple[int, str]] = (),
    symbols: Iterable[tuple[int, str]] = (),
) -> tuple[ChordBlock, ...]:
    """Chord states of the frames from `first_frame` on as blocks; no chord is no block.

    sources: (frame, who says the chords from there on). symbols: as in `Take`.
    """
    at, written = tempo_map.seconds_at, dict(symbols)
    blocks = []
    start = 0
    for i in range(1, len(chords) + 1):
        goes_on = i < len(chords) and not chords[i].onset and chords[i].chord == chords[start].chord
        if goes_on:
            continue
        chord = chords[start].chord
        if chord is not None:
            span = at(first_frame + start), at(first_frame + i)
            said = bisect_right(sources, first_frame + start, key=lambda change: change[0])
            source = sources[said - 1][1] if said else AGENT
            name = written.get(first_frame + start) or chord.symbol
            blocks.append(ChordBlock(pretty_symbol(name), *span, source))
        start = i
    return tuple(blocks)


def sources_of(content: Content) -> tuple[str, ...]:
    """Who said the chords that are shown, in the order of SOURCES."""
    said = {block.source for block in content.chords}
    return tuple(source for source in SOURCES if source in said)


def _beats(tempo_map: TempoMap, start_s: float, end_s: float) -> tuple[Beat, ...]:
    first, last = tempo_map.position_at(start_s), tempo_map.position_at(end_s)
    return tuple(
        Beat(tempo_map.seconds_at(frame), strength, bar)
        for frame, strength, bar in beat_frames(tempo_map, first, last)
    )


def _sections(session: Session) -> tuple[Section, ...]:
    """Where the agent comes in, and where tempo, metre, style or song change."""
    tempo_map = session.tempo_map
    sections = []
    first = session.settings[0][1] if session.settings else None
    live = session.takes[0].info.kind == "live" if session.takes else False
    if live and first is not None and first.listen_bars:
        at_s = tempo_map.seconds_at(tempo_map.bar_start(first.listen_bars))
        sections.append(Section(at_s, BAND_COMES_IN))
    before = tempo_map.segments[0]
    for segment in tempo_map.segments[1:]:
        changes = []
        if segment.meter != before.meter:
            changes.append(str(segment.meter))
        if segment.bpm != before.bpm:
            changes.append(f"{segment.bpm:g} bpm")
        if changes:
            sections.append(Section(segment.start_s, ", ".join(changes)))
        before = segment
    style = first.accompaniment if first is not None else ""
    for at_s, settings in session.settings[1:]:
        if settings.accompaniment != style:
            style = settings.accompaniment
            sections.append(Section(at_s, playable_style(style).title))
    before_song: Song | None = None
    for change in session.songs:
        if change.song is None:
            sections.append(Section(change.at_s, SONG_LET_GO))
        elif before_song is None or before_song.title != change.song.title:
            sections.append(Section(change.at_s, change.song.title or SONG_PLAYED))
        elif change.song != before_song:
            sections.append(Section(change.at_s, SONG_CHANGED))
        before_song = change.song
    return tuple(sorted(sections, key=lambda section: section.at_s))


# The plan as it was


@dataclass(frozen=True, slots=True)
class PlannedChord:
    """A chord of a plan. came: whether it then sounded for most of its time; None where the session
    ended before it."""

    symbol: str
    start_s: float
    end_s: float
    committed: bool
    came: bool | None


@dataclass(frozen=True, slots=True)
class ExpectedNote:
    """A note that the agent expected of the player; `came` as in PlannedChord."""

    pitch: int
    start_s: float
    end_s: float
    came: bool | None


@dataclass(frozen=True, slots=True)
class PlanView:
    """What the agent meant to play, and expected, at one moment, against what came of it."""

    made_at_frame: int
    start_s: float
    committed_until_s: float
    end_s: float
    chords: tuple[PlannedChord, ...]
    melody: tuple[ExpectedNote, ...]
    words: str
    """The outcome in a few words."""


def plan_at(session: Session, at_s: float) -> int | None:
    """Number of the plan that held at a time; None before the first."""
    index = bisect_right(session.plans, at_s, key=lambda record: record.at_s) - 1
    return index if index >= 0 else None


def plan_view(session: Session, index: int) -> PlanView:
    """A plan of the session as it was."""
    plan, rows = session.plans[index].plan, session.rows
    at = session.tempo_map.seconds_at
    written = dict(session.takes[0].take.symbols)
    chords = []
    for start, end in _runs(plan.chords, plan.committed_until_frame - plan.start_frame):
        chord = plan.chords[start].chord
        if chord is None:
            continue
        kept = [
            rows[plan.start_frame + i].chord.chord == chord
            for i in range(start, end)
            if plan.start_frame + i < len(rows)
        ]
        first, last = plan.start_frame + start, plan.start_frame + end
        committed = first < plan.committed_until_frame
        symbol = pretty_symbol(written.get(first) or chord.symbol)
        chords.append(PlannedChord(symbol, at(first), at(last), committed, _most(kept)))
    return PlanView(
        made_at_frame=plan.made_at_frame,
        start_s=at(plan.start_frame),
        committed_until_s=at(max(plan.start_frame, plan.committed_until_frame)),
        end_s=at(plan.end_frame),
        chords=tuple(chords),
        melody=tuple(_expected(plan, rows, session.tempo_map)),
        words=_outcome(plan, rows, session.tempo_map),
    )


def _runs(chords: Sequence[ChordState], committed: int) -> list[tuple[int, int]]:
    """(start, end) of stretches of one chord, divided where the commitment ends."""
    cuts = [0, len(chords)] if chords else []
    for i in range(1, len(chords)):
        if chords[i].onset or chords[i].chord != chords[i - 1].chord or i == committed:
            cuts.append(i)
    cuts = sorted(set(cuts))
    return list(pairwise(cuts))


def _expected(plan: Plan, rows: Sequence[Row], tempo_map: TempoMap) -> list[ExpectedNote]:
    at = tempo_map.seconds_at
    notes = []
    for note in plan.expected_notes():
        frames = range(note.start_frame, min(note.end_frame, len(rows)))
        came = _most([rows[frame].melody.pitch == note.pitch for frame in frames])
        notes.append(ExpectedNote(note.pitch, at(note.start_frame), at(note.end_frame), came))
    return notes


def _most(kept: Sequence[bool]) -> bool | None:
    return 2 * sum(kept) > len(kept) if kept else None


def _outcome(plan: Plan, rows: Sequence[Row], tempo_map: TempoMap) -> str:
    place = tempo_map.place(plan.start_frame)
    when = f"Plan at bar {place.bar + 1}, beat {place.beat + 1}"
    came = rows[plan.start_frame : plan.end_frame]
    if not came:
        return when
    chords = [m.chord == row.chord.chord for m, row in zip(plan.chords, came, strict=False)]
    melody = [
        m.pitch == row.melody.pitch for m, row in zip(plan.expected_melody, came, strict=False)
    ]
    return when + OUTCOME.format(percent(_share(chords)), percent(_share(melody)))


def _share(same: Sequence[bool]) -> float:
    return sum(same) / max(1, len(same))
