"""The tempo of what is practised: it rises by steps, always or when a turn went well. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from jam.messages.notes import NoteEvent, PlayedNote
from jam.messages.snapshot import SongChange
from jam.music.grid import TempoMap
from jam.music.place_in_form import PlaceInForm
from jam.music.rows import Row
from jam.practice.against import wanted_of
from jam.practice.report import Report, report_of
from jam.settings import JamSettings

WELL_WITHIN_MS = 35.0
"""A turn went well when half of its notes lie so near to their middle, …"""
WELL_LATE_MS = 45.0
"""… which is no further than this from the beat, …"""
WELL_OUTSIDE = 0.12
"""… no more than this share of them is outside of chords and key (of a melody's notes: is missed,
wrong or added), …"""
WELL_NOTES_A_BAR = 0.75
"""… and so many were played."""


def went_well(report: Report, bars: int) -> bool:
    """Whether a turn of so many bars was steady, on the beat, and in the chords, or with hardly a
    fault where a melody was practised."""
    timing, line, tune = report.timing, report.line, report.tune
    if timing is None or line is None or timing.count < WELL_NOTES_A_BAR * bars:
        return False
    return (
        timing.within_ms <= WELL_WITHIN_MS
        and abs(timing.late_ms) <= WELL_LATE_MS
        and (line.outside if tune is None else tune.faults / tune.wanted) <= WELL_OUTSIDE
    )


def next_bpm(settings: JamSettings, well: bool) -> float:
    """The tempo of the turn after one that went well, or didn't."""
    if settings.tempo_rise == "off" or (settings.tempo_rise == "well" and not well):
        return settings.bpm
    return max(settings.bpm, min(settings.tempo_goal, settings.bpm + settings.tempo_step))


@dataclass(frozen=True, slots=True)
class TurnEnd:
    """A chorus, or the bars that go round, are over."""

    bpm: float
    well: bool
    report: Report


class Coach:
    """Listens to one session; `close` is called with every frame that was closed."""

    def __init__(self) -> None:
        self._notes: dict[int, PlayedNote] = {}
        self._chorus: int | None = None
        self._since = 0

    def play(self, event: NoteEvent) -> None:
        """The player strikes or releases a key."""
        if event.velocity:
            note = PlayedNote(event.note_id, event.pitch, event.velocity, event.at_s)
            self._notes[event.note_id] = note
        elif event.note_id in self._notes:
            self._notes[event.note_id] = replace(self._notes[event.note_id], end_s=event.at_s)

    def close(
        self,
        place: PlaceInForm | None,
        rows: Sequence[Row],
        tempo_map: TempoMap,
        settings: JamSettings,
        song: SongChange | None = None,
    ) -> TurnEnd | None:
        """place: in the form, of the frame that is open now; rows: those that were closed; song:
        the one that is played."""
        chorus = None if place is None else place.chorus
        if chorus == self._chorus:
            return None
        before, self._chorus = self._chorus, chorus
        since, self._since = self._since, len(rows)
        notes = list(self._notes.values())
        self._notes = {i: n for i, n in self._notes.items() if n.end_s is None}
        if before is None or chorus is None or chorus < before:
            return None
        began_s = tempo_map.seconds_at(since) - 0.2
        wanted = None
        if song is not None:
            said = [(tempo_map.seconds_at(since), settings)]
            wanted = wanted_of([song], said, tempo_map, since, len(rows))
        played = [n for n in notes if n.start_s >= began_s]
        report = report_of(played, tempo_map, rows, wanted=wanted)
        bars = max(1, tempo_map.place(len(rows)).bar - tempo_map.place(since).bar)
        wants_tune = wanted is not None and bool(wanted.notes)
        well = went_well(report, bars) and (not wants_tune or report.tune is not None)
        return TurnEnd(next_bpm(settings, well), well, report)
