"""The session without its threads: what was played, what is planned, what is committed.

The live stage and the renderer drive the same object, one with the clock, one as fast as it
goes. Every method takes the time it needs; none reads a clock, sleeps or sends.
"""

from __future__ import annotations

import math
from dataclasses import replace

from jam.accompaniment import Voicing, accompany, metronome
from jam.grid import TempoMap
from jam.melody import MelodyTracker
from jam.messages import ChordSpan, NoteEvent, Plan, PlannedNote, PlanRequest
from jam.rows import NO_CHORD, ChordState, Row
from jam.settings import JamSettings

_QUIET, _LOUD = 34, 104
_KEPT_BARS = 4
"""Notes and chords of so many past bars are kept for the screen."""


class Conductor:
    """One session. Not thread-safe: the stage's loop owns it.

    Frame f is closed at position f + ½, when everything that was meant for it has been played;
    so the plan that follows is there before frame f + 1 begins.
    """

    def __init__(
        self,
        settings: JamSettings,
        start_s: float,
        seed: int = 0,
        tempo_map: TempoMap | None = None,
    ) -> None:
        """Frame 0 falls at `start_s`; a `tempo_map` known beforehand takes its place."""
        self.settings = settings
        self.seed = seed
        self.tempo_map = tempo_map or TempoMap.constant(settings.bpm, settings.meter, start_s)
        self.rows: list[Row] = []
        self.listen_until_frame = self.tempo_map.bar_start(settings.listen_bars)
        self.committed_until_frame = 0
        self.late_plans = 0
        self._is_late = False
        self.plan: Plan | None = None
        self._line: list[ChordState] = []
        """Chord of every frame from 0 to the end of the plan."""
        self._melody = MelodyTracker()
        self._next_request_frame = 0
        self._asked_at_start = False
        self._loudness = 64.0
        self._voicings: dict[int, Voicing] = {}
        self._velocities: dict[int, int] = {}
        self._confidence: dict[int, float] = {}
        self._past_notes: dict[int, PlannedNote] = {}
        self._notes: list[PlannedNote] = []

    # -- what the player does ---------------------------------------------------------------

    def play(self, event: NoteEvent) -> None:
        """Take over a key that went down or (velocity 0) came up."""
        position = self.tempo_map.position_at(event.at_s)
        if event.velocity:
            self._loudness += 0.2 * (event.velocity - self._loudness)
            self._melody.note_on(event.note_id, event.pitch, position)
        else:
            self._melody.note_off(event.note_id, position)

    def change_settings(self, settings: JamSettings, now_s: float) -> None:
        """Tempo acts from the next frame, metre from the next bar line, the rest at once."""
        next_frame = math.floor(self.tempo_map.position_at(now_s)) + 1
        last = self.tempo_map.segments[-1]
        if settings.bpm != last.bpm or settings.meter != last.meter:
            current = self.tempo_map.meter_at(next_frame)
            self.tempo_map = self.tempo_map.with_tempo(next_frame, settings.bpm)
            if settings.meter != current:
                line = self.tempo_map.next_bar_frame(next_frame)
                self.tempo_map = self.tempo_map.with_meter(line, settings.meter)
        if settings.listen_bars != self.settings.listen_bars and next_frame <= (
            self.listen_until_frame
        ):
            ahead = self.tempo_map.next_bar_frame(next_frame + self._commit_frames(settings))
            self.listen_until_frame = max(self.tempo_map.bar_start(settings.listen_bars), ahead)
        self.settings = settings

    # -- time goes on -----------------------------------------------------------------------

    def next_close_s(self) -> float:
        """When the frame that is open will be complete."""
        return self.tempo_map.seconds_at(len(self.rows) + 0.5)

    def advance(self, now_s: float) -> bool:
        """Close every frame that is complete at `now_s`; True when the agent is to be asked."""
        position = self.tempo_map.position_at(now_s)
        self._fix(math.floor(position) + 1)
        closed = False
        while len(self.rows) + 0.5 <= position:
            frame = len(self.rows)
            melody = self._melody.close(frame, self.settings.split_pitch)
            self.rows.append(Row(melody, self._line[frame]))
            closed = True
        if not closed and not self._asked_at_start:
            closed = self._asked_at_start = True  # a plan from nothing, before the first note
        return closed

    def request(self) -> PlanRequest:
        """What the agent has to know to plan on, from the last request's rows on."""
        first = self._next_request_frame
        self._next_request_frame = next_frame = len(self.rows)
        lookahead, commit = self._lookahead_frames(), self._commit_frames(self.settings)
        end = next_frame + max(lookahead, commit)
        return PlanRequest(
            first_frame=first,
            rows=tuple(self.rows[first:]),
            committed=tuple(self._line[next_frame : self.committed_until_frame]),
            places=tuple(self.tempo_map.place(frame) for frame in range(first, end)),
            lookahead_frames=end - next_frame,
            commit_frames=commit,
            silent_until_frame=self.listen_until_frame,
            settings=self.settings,
        )

    def forget_requests(self) -> None:
        """The agent is new: the next request tells it the whole history."""
        self._next_request_frame = 0

    def take(self, plan: Plan, now_s: float) -> None:
        """Take over a plan: everything beyond what is committed or has begun is replaced."""
        self._fix(math.floor(self.tempo_map.position_at(now_s)) + 1)
        self.late_plans += self._is_late
        self._is_late = False
        if plan.end_frame <= self.committed_until_frame:
            return
        del self._line[max(self.committed_until_frame, plan.start_frame) :]
        for frame in range(len(self._line), plan.end_frame):
            state = plan.chords[frame - plan.start_frame]
            before = self._line[-1].chord if self._line else None
            if state.chord is not None and not state.onset and state.chord != before:
                state = ChordState(state.chord, True)  # spliced onto another chord
            self._line.append(state)
            self._confidence[frame] = plan.confidence[frame - plan.start_frame]
        self.committed_until_frame = max(
            self.committed_until_frame, min(plan.committed_until_frame, plan.end_frame)
        )
        self.plan = plan
        self._realise()

    def _fix(self, until_frame: int) -> None:
        """Frames that have begun are committed, planned or not.

        Where the plan has run out the last chord lasts to the next bar line and rests there.
        """
        while len(self._line) < until_frame:
            frame = len(self._line)
            before = self._line[-1] if self._line else NO_CHORD
            rests = self.tempo_map.place(frame).frame_in_bar == 0
            self._line.append(NO_CHORD if rests else ChordState(before.chord, False))
        for frame in range(max(self.committed_until_frame, self.listen_until_frame), until_frame):
            # It began before it was committed, and no plan was made for it just before either.
            self._is_late |= self.plan is None or self.plan.start_frame < frame
        self.committed_until_frame = max(self.committed_until_frame, until_frame)

    # -- what will sound --------------------------------------------------------------------

    def _realise(self) -> None:
        """Notes from the bar that is being played to the end of the plan."""
        now = min(len(self.rows), len(self._line) - 1)
        first = max(0, now - self.tempo_map.place(now).frame_in_bar)
        notes, voicings = accompany(
            self._line[first:],
            first,
            self.tempo_map,
            self._voicings,
            self._velocities,
            self._velocity(),
            self.committed_until_frame,
            self._confidence,
        )
        for note in self._notes:
            if note.start_frame < first:
                self._past_notes[note.note_id] = note
        horizon = first - _KEPT_BARS * self.tempo_map.meter_at(now).frames_per_bar
        self._past_notes = {i: n for i, n in self._past_notes.items() if n.end_frame >= horizon}
        self._notes = notes
        for note in notes:
            if note.committed:
                self._velocities[note.start_frame] = note.velocity
                self._voicings[note.start_frame] = voicings[note.start_frame]
        for kept in (self._velocities, self._voicings, self._confidence):
            newest_before = max((f for f in kept if f < first), default=first)
            for frame in [f for f in kept if f < newest_before]:
                del kept[frame]

    def _velocity(self) -> int:
        """The accompaniment is a little softer than the player."""
        return round(_QUIET + (_LOUD - _QUIET) * min(max(self._loudness / 127, 0), 1) ** 1.2)

    def notes(self) -> list[PlannedNote]:
        """The accompaniment: the last bars' notes, those sounding, and the plan's."""
        return [*self._past_notes.values(), *self._notes]

    def clicks(self, now_s: float) -> list[PlannedNote]:
        """The metronome's next beats, from the count-in on."""
        if not self.settings.metronome and self.tempo_map.position_at(now_s) >= 0:
            return []
        frame = math.floor(self.tempo_map.position_at(now_s))
        count_in = -self.settings.count_in_bars * self.tempo_map.meter_at(0).frames_per_bar
        end = frame + 2 * self.tempo_map.meter_at(frame).frames_per_bar
        if not self.settings.metronome:
            end = min(end, 0)
        return metronome(self.tempo_map, max(frame - 1, count_in), end)

    def chord_spans(self) -> tuple[ChordSpan, ...]:
        """Chords of the last bars and of the plan, for the screen."""
        bar = self.tempo_map.meter_at(len(self.rows)).frames_per_bar
        first = max(0, len(self.rows) - _KEPT_BARS * bar)
        spans: list[ChordSpan] = []
        for frame in range(first, len(self._line)):
            state = self._line[frame]
            if state.chord is None:
                continue
            if spans and not state.onset and spans[-1].end_frame == frame:
                spans[-1] = replace(spans[-1], end_frame=frame + 1)
                continue
            spans.append(
                ChordSpan(
                    state.chord.symbol,
                    frame,
                    frame + 1,
                    frame < self.committed_until_frame,
                    self._confidence.get(frame, 1.0),
                )
            )
        return tuple(spans)

    def phase(self, now_s: float) -> str:
        """ "count-in", "listening", "playing", or "behind" when the plan has run out."""
        position = self.tempo_map.position_at(now_s)
        if position < 0:
            return "count-in"
        if position < self.listen_until_frame:
            return "listening"
        if self.plan is None or position >= self.plan.end_frame:
            return "behind"
        return "playing"

    def chord_line(self) -> tuple[ChordState, ...]:
        """The chord of every frame so far, for records."""
        return tuple(self._line[: len(self.rows)])

    def _lookahead_frames(self) -> int:
        meter = self.tempo_map.meter_at(len(self.rows))
        return self.settings.lookahead_beats * meter.frames_per_beat

    def _commit_frames(self, settings: JamSettings) -> int:
        meter = self.tempo_map.meter_at(len(self.rows))
        return settings.commit_beats * meter.frames_per_beat
